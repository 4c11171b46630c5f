//! The typing participants of a chat (`setIsTyping_ref`, `typingParticipants_ref`).

use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::conversation::MessagingState;
use super::events::Source;
use super::identifiers::ConversationId;
use super::reply::{Refusal, Reply};
use super::routes;
use super::timers::Timer;

/// How long a report of typing lasts. The reference mentions a short timer of the server, without a number.
const LASTS: Duration = Duration::from_secs(5);

impl Engine {
    /// POST setIsTyping: reports to the other participants that the user is typing, until the timer ends.
    pub(super) fn set_is_typing(&mut self, id: ConversationId) -> Result<Reply, Refusal> {
        let conversation = self.conversation(id)?;
        if conversation.messaging != MessagingState::Connected {
            return Err(Refusal::NOT_FOUND);
        }
        let local = conversation.local.clone();
        for (other, _) in self.others(id) {
            let Some(seen) = self.conversations.get_mut(&other) else {
                continue;
            };
            seen.typed += 1;
            let times = seen.typed;
            let begins = seen.typing.insert(local.clone(), times).is_none();
            self.set_timer(LASTS, Timer::Typing(other, times));
            if begins {
                self.report_typing(other, &local, EventKind::Added);
            }
        }
        Ok(Reply::Done)
    }

    /// The address of the participant whose last report of typing has this number.
    pub(super) fn is_typing(&self, id: ConversationId, times: u64) -> Option<String> {
        let typing = &self.conversations.get(&id)?.typing;
        typing
            .iter()
            .find(|(_, seen)| **seen == times)
            .map(|(address, _)| address.clone())
    }

    /// Ends the typing of all remote participants.
    pub(super) fn typing_is_over(&mut self, id: ConversationId) {
        for address in self.remotes(id) {
            self.typing_ends(id, &address);
        }
    }

    /// Ends the typing of a participant: the timer has ended, or the message has arrived.
    pub(super) fn typing_ends(&mut self, id: ConversationId, address: &str) {
        if let Some(conversation) = self.conversations.get_mut(&id)
            && conversation.typing.remove(address).is_some()
        {
            self.report_typing(id, address, EventKind::Deleted);
        }
    }

    fn report_typing(&mut self, id: ConversationId, address: &str, kind: EventKind) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let application = conversation.application;
        let within = EventLink::new(
            "typingParticipants",
            routes::typing_participants(application, id),
        );
        let link = self.participant_link(conversation, id, address);
        self.emit(
            application,
            Source::Conversation(id),
            Event::new(kind, link).within(within),
        );
    }

    pub(super) fn typing_participants_resource(
        &self,
        id: ConversationId,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let application = conversation.application;
        let resource = Resource::new("typingParticipants")
            .with_href(routes::typing_participants(application, id));
        if conversation.typing.is_empty() {
            return Ok(resource);
        }
        let typing = conversation.typing.keys();
        let links = typing.map(|address| Link::new(routes::participant(application, id, address)));
        Ok(resource.with_links("participant", links))
    }
}
