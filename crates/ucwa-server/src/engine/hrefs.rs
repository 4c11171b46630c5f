//! The hrefs of resources, as the published transcripts spell them: relative to the host.

use std::fmt::Display;

use super::identifiers::{ApplicationId, ConversationId, InvitationId};
use super::people::Facet;

pub(super) const APPLICATIONS: &str = "/ucwa/oauth/v1/applications";

pub(super) fn application(id: ApplicationId) -> String {
    format!("{APPLICATIONS}/{id}")
}

/// A resource below the application, by its path.
pub(super) fn below(id: ApplicationId, path: impl Display) -> String {
    format!("{APPLICATIONS}/{id}/{path}")
}

pub(super) fn events(id: ApplicationId, ack: u64) -> String {
    below(id, format_args!("events?ack={ack}"))
}

pub(super) fn me(id: ApplicationId) -> String {
    below(id, "me")
}

pub(super) fn communication(id: ApplicationId) -> String {
    below(id, "communication")
}

/// `address` is `user@host`; the `@` stays as it is.
pub(super) fn contact(id: ApplicationId, address: &str) -> String {
    below(id, format_args!("people/{address}"))
}

pub(super) fn people(id: ApplicationId) -> String {
    below(id, "people")
}

/// What a contact shows.
pub(super) fn facet(id: ApplicationId, address: &str, facet: Facet) -> String {
    format!("{}/{}", contact(id, address), facet.of_contact())
}

/// What the user shows.
pub(super) fn mine(id: ApplicationId, facet: Facet) -> String {
    format!("{}/{}", me(id), facet.mine())
}

pub(super) fn subscribed_contacts(id: ApplicationId) -> String {
    below(id, "people/subscribedContacts")
}

pub(super) fn subscription(id: ApplicationId, number: u64) -> String {
    below(id, format_args!("people/presenceSubscriptions/{number}"))
}

pub(super) fn memberships(id: ApplicationId, number: u64) -> String {
    format!("{}/memberships", subscription(id, number))
}

pub(super) fn membership(id: ApplicationId, number: u64, address: &str) -> String {
    format!("{}/{address}", memberships(id, number))
}

pub(super) fn invitations(id: ApplicationId) -> String {
    below(id, "communication/messagingInvitations")
}

pub(super) fn invitation(id: ApplicationId, invitation: InvitationId) -> String {
    format!("{}/{invitation}", invitations(id))
}

pub(super) fn missed_items(id: ApplicationId) -> String {
    below(id, "communication/missedItems")
}

pub(super) fn conversation_logs(id: ApplicationId) -> String {
    below(id, "communication/conversationLogs")
}

pub(super) fn conversation_log(id: ApplicationId, number: usize) -> String {
    format!("{}/{number}", conversation_logs(id))
}

pub(super) fn transcripts(id: ApplicationId, number: usize) -> String {
    format!(
        "{}/conversationLogTranscripts",
        conversation_log(id, number)
    )
}

pub(super) fn conversation(id: ApplicationId, conversation: ConversationId) -> String {
    below(
        id,
        format_args!("communication/conversations/{conversation}"),
    )
}

pub(super) fn participant(
    id: ApplicationId,
    conversation: ConversationId,
    address: &str,
) -> String {
    format!(
        "{}/participants/{address}",
        self::conversation(id, conversation)
    )
}

pub(super) fn messaging(id: ApplicationId, conversation: ConversationId) -> String {
    format!("{}/messaging", self::conversation(id, conversation))
}

pub(super) fn message(id: ApplicationId, conversation: ConversationId, number: u64) -> String {
    format!("{}/messages/{number}", messaging(id, conversation))
}
