//! The model's port: turns requests into operations and sends them to the driver's mailbox.

use std::{sync::Arc, time::SystemTime};

use conv_model::{
    Backend, CommandId, Importance, MessageBody, ParticipantRole, Reason, ReasonCode, Request,
};
use ucwa_session::{CustomContent, Operation, Role, SipUri};

use crate::{
    contacts,
    keys::{conversation_key, message_key, participant_key},
    mailbox::{Command, Mailbox},
    person,
    runtime::Runtime,
};

/// Sends the requests of the model to the driver, in the order of the calls.
#[derive(Debug)]
pub(crate) struct Port {
    mailbox: Mailbox,
    runtime: Arc<dyn Runtime>,
}

impl Port {
    pub(crate) fn new(mailbox: Mailbox, runtime: Arc<dyn Runtime>) -> Self {
        Self { mailbox, runtime }
    }
}

impl Backend for Port {
    fn now(&self) -> SystemTime {
        self.runtime.wall_clock()
    }

    fn normalize_address(&self, address: &str) -> Result<String, Reason> {
        match SipUri::parse(address.trim()) {
            Ok(uri) if !uri.is_tel() => Ok(uri.to_string()),
            Ok(_) => Err(Reason::new(ReasonCode::InvalidArgument)
                .with_message("`tel:` addresses cannot receive chat messages")),
            Err(error) => {
                Err(Reason::new(ReasonCode::InvalidArgument).with_message(error.to_string()))
            }
        }
    }

    fn request(&self, command: CommandId, request: Request) {
        self.mailbox.send(match operation(request) {
            Some(operation) => Command::Perform(command, operation),
            None => Command::Refuse(command),
        });
    }
}

/// The operation that carries out a request. `None` if the session has none.
fn operation(request: Request) -> Option<Operation> {
    Some(match request {
        Request::OpenConversation {
            conversation, peer, ..
        } => Operation::OpenConversation {
            conversation: conversation_key(conversation),
            participant: participant_key(peer.participant),
            peer: peer.address,
        },
        Request::OpenMeeting {
            conversation, uri, ..
        } => Operation::OpenMeeting {
            conversation: conversation_key(conversation),
            uri,
        },
        Request::SetImportance {
            conversation,
            importance,
            ..
        } => Operation::SetImportance {
            conversation: conversation_key(conversation),
            importance: match importance {
                Importance::Urgent => ucwa_session::Importance::Urgent,
                Importance::Emergency => ucwa_session::Importance::Emergency,
                _ => ucwa_session::Importance::Normal,
            },
        },
        Request::ForgetConversation(id) => Operation::ForgetConversation(conversation_key(id)),
        Request::Start {
            conversation,
            options,
            ..
        } => Operation::StartChat {
            conversation: conversation_key(conversation),
            subject: options.subject,
            context: options
                .context
                .map(|context| CustomContent::new(context.content_type, context.content)),
        },
        Request::SendMessage {
            conversation,
            message,
            ..
        } => Operation::SendMessage {
            conversation: conversation_key(conversation),
            message: message_key(message.id),
            body: match message.body {
                MessageBody::Text(text) => ucwa_session::MessageBody::Text(text),
                MessageBody::Html(html) => ucwa_session::MessageBody::Html(html),
                MessageBody::Other {
                    media_type, raw, ..
                } => ucwa_session::MessageBody::other(media_type, raw),
                _ => return None,
            },
            subject: message.subject,
            message_id: message.message_id,
        },
        Request::Accept(id) => Operation::Accept(conversation_key(id)),
        Request::Reject(id) => Operation::Decline(conversation_key(id)),
        Request::Stop(id) => Operation::StopChat(conversation_key(id)),
        Request::Leave(id) => Operation::Leave(conversation_key(id)),
        Request::Acknowledge(id) => Operation::Acknowledge(conversation_key(id)),
        Request::SendIsTyping(id) => Operation::SendIsTyping(conversation_key(id)),
        Request::AddParticipant {
            conversation,
            participant,
            ..
        } => Operation::AddParticipant {
            conversation: conversation_key(conversation),
            participant: participant_key(participant.participant),
            uri: participant.address,
        },
        Request::RemoveParticipant {
            conversation,
            participant,
            ..
        } => Operation::RemoveParticipant {
            conversation: conversation_key(conversation),
            participant: participant_key(participant),
        },
        Request::SetRole {
            conversation,
            participant,
            role,
            ..
        } => Operation::SetRole {
            conversation: conversation_key(conversation),
            participant: participant_key(participant),
            role: match role {
                ParticipantRole::Attendee => Role::Attendee,
                ParticipantRole::Leader => Role::Leader,
                _ => return None,
            },
        },
        Request::Admit {
            conversation,
            participant,
            ..
        } => Operation::Admit {
            conversation: conversation_key(conversation),
            participant: participant_key(participant),
        },
        Request::RejectParticipant {
            conversation,
            participant,
            ..
        } => Operation::Reject {
            conversation: conversation_key(conversation),
            participant: participant_key(participant),
        },
        Request::MoreHistory(id) => Operation::ReadArchived(conversation_key(id)),
        Request::MarkAsRead(id) => Operation::MarkAsRead(conversation_key(id)),
        Request::MoreConversations(count) => Operation::ListArchived { count },
        Request::SetHistory(enabled) => Operation::SetHistory(enabled),
        Request::FetchPerson { address, field, .. } => Operation::FetchPerson {
            address,
            field: person::field(field)?,
        },
        Request::SetInterest {
            address,
            field,
            interest,
            ..
        } => Operation::FollowPerson {
            address,
            field: person::field(field)?,
            interest: person::interest(interest)?,
        },
        Request::SearchPersons { query, limit, .. } => Operation::SearchPeople { query, limit },
        Request::Contacts(request) => Operation::Contacts(contacts::operation(request)?),
        Request::SetMe(change) => Operation::SetMe(person::me_change(change)?),
        other => {
            tracing::warn!(?other, "the session has no operation for a request");
            return None;
        }
    })
}
