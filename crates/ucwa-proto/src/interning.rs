//! Interning of the words that are frequent in event pages.

use std::borrow::Cow;

/// Converts a text into one that borrows nothing. The frequent words of UCWA, about half of the texts of a page, take no
/// allocation.
pub(crate) fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    match &text {
        Cow::Borrowed(word) if word.len() <= LONGEST => match known(word) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(text.into_owned()),
        },
        _ => Cow::Owned(text.into_owned()),
    }
}

fn known(word: &str) -> Option<&'static str> {
    let mut slot = slot(word.as_bytes());
    loop {
        let name = match SLOTS.get(slot) {
            Some(&at) if at > 0 => NAMES.get(usize::from(at) - 1)?,
            _ => return None,
        };
        if *name == word {
            return Some(name);
        }
        slot = (slot + 1) % SLOTS.len();
    }
}

/// The first slot of a word. The factors were chosen for few collisions between the words below.
const fn slot(word: &[u8]) -> usize {
    match word {
        [first, second, .., last] => {
            (word.len() * 239
                + *first as usize * 57
                + *second as usize * 203
                + *last as usize * 443)
                % 512
        }
        _ => 0,
    }
}

const LONGEST: usize = 29;

/// A hash table with open addressing, computed at compile time: for each slot the number of a word from 1, or 0. At most
/// a third of the slots is taken, so that searches are short.
#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse a bad index"
)]
const SLOTS: [u8; 512] = {
    let mut slots = [0; 512];
    let mut at = 0;
    while at < NAMES.len() {
        let mut slot = slot(NAMES[at].as_bytes());
        while slots[slot] != 0 {
            slot = (slot + 1) % 512;
        }
        at += 1;
        slots[slot] = at as u8;
    }
    slots
};

/// At most 255 words. A word that is not here costs an allocation.
const NAMES: [&str; 145] = [
    "me",
    "to",
    "rel",
    "uri",
    "Away",
    "Busy",
    "Html",
    "True",
    "code",
    "etag",
    "from",
    "name",
    "note",
    "next",
    "role",
    "self",
    "type",
    "False",
    "Plain",
    "admit",
    "batch",
    "eject",
    "local",
    "lobby",
    "photo",
    "state",
    "title",
    "Leader",
    "Normal",
    "Online",
    "accept",
    "cancel",
    "demote",
    "events",
    "people",
    "phones",
    "resync",
    "resume",
    "reject",
    "status",
    "Failure",
    "Success",
    "created",
    "contact",
    "decline",
    "inLobby",
    "leaders",
    "message",
    "promote",
    "subcode",
    "subject",
    "Attendee",
    "Incoming",
    "Outgoing",
    "activity",
    "location",
    "presence",
    "policies",
    "revision",
    "threadId",
    "Connected",
    "Messaging",
    "anonymous",
    "attendees",
    "direction",
    "messaging",
    "organizer",
    "recording",
    "timeStamp",
    "Connecting",
    "audioVideo",
    "importance",
    "onBehalfOf",
    "phoneAudio",
    "application",
    "contactNote",
    "htmlMessage",
    "missedItems",
    "operationId",
    "participant",
    "readLocally",
    "sendMessage",
    "setIsTyping",
    "Disconnected",
    "audienceMute",
    "addMessaging",
    "availability",
    "conversation",
    "contactPhoto",
    "plainMessage",
    "participants",
    "communication",
    "conversations",
    "customContent",
    "onlineMeeting",
    "stopMessaging",
    "sourceNetwork",
    "SameEnterprise",
    "addParticipant",
    "expirationTime",
    "emailAddresses",
    "startMessaging",
    "contactPresence",
    "contactLocation",
    "makeMeAvailable",
    "activeModalities",
    "conversationLogs",
    "derivedMessaging",
    "localParticipant",
    "onlineMeetingUri",
    "participantAudio",
    "participantVideo",
    "participantCount",
    "reportMyActivity",
    "userAcknowledged",
    "audienceMessaging",
    "acceptedByContact",
    "dataCollaboration",
    "joinOnlineMeeting",
    "senderParticipant",
    "applicationSharing",
    "startOnlineMeeting",
    "subscribedContacts",
    "typingParticipants",
    "availableModalities",
    "messagingInvitation",
    "supportedModalities",
    "participantMessaging",
    "presenceSubscription",
    "acceptedByParticipant",
    "participantInvitation",
    "callForwardingSettings",
    "enableAudienceMuteLock",
    "disableAudienceMuteLock",
    "enableAudienceMessaging",
    "onlineMeetingInvitation",
    "supportedMessageFormats",
    "disableAudienceMessaging",
    "negotiatedMessageFormats",
    "failedDeliveryParticipant",
    "participantPanoramicVideo",
    "contactPrivacyRelationship",
    "contactSupportedModalities",
    "participantDataCollaboration",
    "participantApplicationSharing",
];

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{LONGEST, NAMES, SLOTS, owned};

    #[test]
    fn every_word_is_found_soon() {
        assert!(NAMES.len() * 3 <= SLOTS.len() && NAMES.len() <= usize::from(u8::MAX));
        assert!(!SLOTS.windows(8).any(|slots| slots.iter().all(|&at| at > 0)));
        assert_eq!(NAMES.iter().map(|name| name.len()).max(), Some(LONGEST));
        for name in NAMES {
            assert!(
                matches!(owned(Cow::Borrowed(name)), Cow::Borrowed(same) if same == name),
                "{name}"
            );
        }
        for text in [
            "",
            "s",
            "stat",
            "states",
            "a text that is no word of UCWA at all",
        ] {
            assert!(
                matches!(owned(Cow::Borrowed(text)), Cow::Owned(same) if same == text),
                "{text}"
            );
        }
    }
}
