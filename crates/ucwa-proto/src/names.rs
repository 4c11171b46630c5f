//! Words that pages are full of.

use std::borrow::Cow;

/// The text, borrowing nothing. For a word of UCWA that takes no allocation, and half of a page's texts are such words.
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
    let key = key(word);
    let from = KEYS.partition_point(|&other| other < key);
    let candidates = NAMES.iter().zip(&KEYS).skip(from);
    candidates
        .take_while(|&(_, &other)| other == key)
        .map(|(name, _)| *name)
        .find(|&name| name == word)
}

/// Length, first and last byte in one number, so that nearly every comparison is one of numbers.
const fn key(word: &str) -> u32 {
    match word.as_bytes() {
        [first, .., last] => (word.len() as u32) << 16 | (*first as u32) << 8 | *last as u32,
        _ => 0,
    }
}

const LONGEST: usize = 29;

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse a bad index"
)]
const KEYS: [u32; NAMES.len()] = {
    let mut keys = [0; NAMES.len()];
    let mut at = 0;
    while at < NAMES.len() {
        keys[at] = key(NAMES[at]);
        at += 1;
    }
    keys
};

/// In the order of their keys. A word that is missing costs an allocation and nothing else.
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

    use super::{KEYS, LONGEST, NAMES, owned};

    #[test]
    fn the_words_are_in_order_and_found() {
        assert!(KEYS.is_sorted());
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
