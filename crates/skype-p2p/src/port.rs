//! The model's port, implemented on the driver's mailbox.

use std::{sync::Arc, time::SystemTime};

use conv_model::{
    Backend, ConversationId, FoundPersons, Interest, MeChange, MessageBody, OutgoingMessage,
    ParticipantId, ParticipantRole, Peer, PersonField, PortFuture, Reason, ReasonCode,
    StartOptions,
};
use ucwa_session::{CustomContent, Operation, Role, SipUri};

use crate::{keys, mailbox::Mailbox, person, runtime::Runtime};

/// Puts what the model asks for into the mailbox, in the order of the calls.
#[derive(Debug)]
pub(crate) struct Port {
    mailbox: Mailbox,
    runtime: Arc<dyn Runtime>,
}

impl Port {
    pub(crate) fn new(mailbox: Mailbox, runtime: Arc<dyn Runtime>) -> Self {
        Self { mailbox, runtime }
    }

    fn perform(&self, operation: Operation) -> PortFuture {
        let end = self.mailbox.perform(operation);
        Box::pin(async move { end.await.map(drop).map_err(Reason::from) })
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
                .with_message("nobody chats with a telephone")),
            Err(error) => {
                Err(Reason::new(ReasonCode::InvalidArgument).with_message(error.to_string()))
            }
        }
    }

    fn open_conversation(&self, conversation: ConversationId, peer: Peer) {
        drop(self.mailbox.perform(Operation::OpenConversation {
            conversation: keys::conversation_key(conversation),
            participant: keys::participant_key(peer.participant),
            peer: peer.address,
        }));
    }

    fn open_meeting(&self, conversation: ConversationId, uri: Option<String>) {
        drop(self.mailbox.perform(Operation::OpenMeeting {
            conversation: keys::conversation_key(conversation),
            uri,
        }));
    }

    fn forget_conversation(&self, conversation: ConversationId) {
        drop(
            self.mailbox
                .perform(Operation::ForgetConversation(keys::conversation_key(
                    conversation,
                ))),
        );
    }

    fn start(&self, conversation: ConversationId, options: StartOptions) -> PortFuture {
        self.perform(Operation::StartChat {
            conversation: keys::conversation_key(conversation),
            subject: options.subject,
            context: options.context.map(|context| CustomContent {
                content_type: context.content_type,
                content: context.content,
            }),
        })
    }

    fn send_message(&self, conversation: ConversationId, message: OutgoingMessage) -> PortFuture {
        self.perform(Operation::SendMessage {
            conversation: keys::conversation_key(conversation),
            message: keys::message_key(message.id),
            body: match message.body {
                MessageBody::Text(text) => ucwa_session::MessageBody::Text(text),
                MessageBody::Html(html) => ucwa_session::MessageBody::Html(html),
            },
            subject: message.subject,
        })
    }

    fn accept(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::Accept(keys::conversation_key(conversation)))
    }

    fn reject(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::Decline(keys::conversation_key(conversation)))
    }

    fn stop(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::StopChat(keys::conversation_key(conversation)))
    }

    fn leave(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::Leave(keys::conversation_key(conversation)))
    }

    fn acknowledge(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::Acknowledge(keys::conversation_key(conversation)))
    }

    fn add_participant(&self, conversation: ConversationId, participant: Peer) -> PortFuture {
        self.perform(Operation::AddParticipant {
            conversation: keys::conversation_key(conversation),
            participant: keys::participant_key(participant.participant),
            uri: participant.address,
        })
    }

    fn remove_participant(
        &self,
        conversation: ConversationId,
        participant: ParticipantId,
    ) -> PortFuture {
        self.perform(Operation::RemoveParticipant {
            conversation: keys::conversation_key(conversation),
            participant: keys::participant_key(participant),
        })
    }

    fn set_role(
        &self,
        conversation: ConversationId,
        participant: ParticipantId,
        role: ParticipantRole,
    ) -> PortFuture {
        self.perform(Operation::SetRole {
            conversation: keys::conversation_key(conversation),
            participant: keys::participant_key(participant),
            role: match role {
                ParticipantRole::Attendee => Role::Attendee,
                ParticipantRole::Leader => Role::Leader,
            },
        })
    }

    fn admit(&self, conversation: ConversationId, participant: ParticipantId) -> PortFuture {
        self.perform(Operation::Admit {
            conversation: keys::conversation_key(conversation),
            participant: keys::participant_key(participant),
        })
    }

    fn turn_away(&self, conversation: ConversationId, participant: ParticipantId) -> PortFuture {
        self.perform(Operation::Reject {
            conversation: keys::conversation_key(conversation),
            participant: keys::participant_key(participant),
        })
    }

    fn send_is_typing(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::SendIsTyping(keys::conversation_key(
            conversation,
        )))
    }

    fn more_history(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::ReadArchived(keys::conversation_key(
            conversation,
        )))
    }

    fn more_conversations(&self, count: u32) -> PortFuture {
        self.perform(Operation::ListArchived { count })
    }

    fn set_history(&self, enabled: bool) -> PortFuture {
        self.perform(Operation::SetHistory(enabled))
    }

    fn fetch_person(&self, address: &str, field: PersonField) -> PortFuture {
        match person::field(field) {
            Some(field) => self.perform(Operation::FetchPerson {
                address: address.to_owned(),
                field,
            }),
            None => not_supported(),
        }
    }

    fn set_interest(&self, address: &str, field: PersonField, interest: Interest) {
        if let Some(field) = person::field(field) {
            drop(self.mailbox.perform(Operation::FollowPerson {
                address: address.to_owned(),
                field,
                interest: person::interest(interest),
            }));
        }
    }

    fn search_persons(&self, query: &str, limit: u32) -> PortFuture<FoundPersons> {
        let end = self.mailbox.perform(Operation::SearchPeople {
            query: query.to_owned(),
            limit,
        });
        Box::pin(async move { end.await.map(person::found).map_err(Reason::from) })
    }

    fn set_me(&self, change: MeChange) -> PortFuture {
        match person::me_change(change) {
            Some(change) => self.perform(Operation::SetMe(change)),
            None => not_supported(),
        }
    }
}

fn not_supported() -> PortFuture {
    Box::pin(std::future::ready(Err(Reason::new(
        ReasonCode::NotSupported,
    ))))
}
