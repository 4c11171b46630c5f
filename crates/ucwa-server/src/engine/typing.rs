//! Who is typing (`setIsTyping_ref`, `typingParticipants_ref`).

use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::conversation::MessagingState;
use super::events::Source;
use super::hrefs;
use super::identifiers::ConversationId;
use super::participant::Who;
use super::reply::{Refusal, Reply};
use super::timers::Timer;

/// How long one setIsTyping lasts; the reference speaks of a short timer of the server.
const LASTS: Duration = Duration::from_secs(5);

impl Engine {
    /// POST setIsTyping: the other side sees this one type for a while.
    pub(super) fn set_is_typing(&mut self, id: ConversationId) -> Result<Reply, Refusal> {
        let conversation = self.conversation(id)?;
        let (Some(other), MessagingState::Connected) = (conversation.other, conversation.messaging)
        else {
            return Err(Refusal::NOT_FOUND);
        };
        let Some(seen) = self.conversations.get_mut(&other) else {
            return Err(Refusal::NOT_FOUND);
        };
        seen.typed += 1;
        let times = seen.typed;
        let begins = seen.typing.replace(times).is_none();
        self.set_timer(LASTS, Timer::Typing(other, times));
        if begins {
            self.report_typing(other, EventKind::Added);
        }
        Ok(Reply::no_content())
    }

    pub(super) fn is_typing(&self, id: ConversationId, times: u64) -> bool {
        self.conversations
            .get(&id)
            .is_some_and(|conversation| conversation.typing == Some(times))
    }

    /// The other isn't seen typing any more: time is over, or the message is there.
    pub(super) fn typing_ends(&mut self, id: ConversationId) {
        if let Some(conversation) = self.conversations.get_mut(&id)
            && conversation.typing.take().is_some()
        {
            self.report_typing(id, EventKind::Deleted);
        }
    }

    fn report_typing(&mut self, id: ConversationId, kind: EventKind) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let application = conversation.application;
        let within = EventLink::new(
            "typingParticipants",
            format!("{}/typingParticipants", hrefs::messaging(application, id)),
        );
        let link = self.participant_link(conversation, id, Who::Remote);
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
        let resource = Resource::new("typingParticipants").with_href(format!(
            "{}/typingParticipants",
            hrefs::messaging(application, id)
        ));
        if conversation.typing.is_none() {
            return Ok(resource);
        }
        let remote = hrefs::participant(application, id, &conversation.remote);
        Ok(resource.with_links("participant", [Link::new(remote)]))
    }
}
