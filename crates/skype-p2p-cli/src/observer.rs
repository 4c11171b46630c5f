//! Observes an application: its sign-in, conversations, participants and messages.

use std::{
    collections::HashMap,
    fmt::{self, Debug},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use skype_p2p::{
    Application, Change, Conversation, ConversationId, Direction, MessageStatus, Participant,
    Subscription, Subscriptions, TextMessage,
};

use crate::timeline::{Event, Line, Message};

/// One observation: its line, and the objects that the line is about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observation {
    /// The line of the timeline.
    pub line: Line,
    /// The conversation, unless the line is about the sign-in.
    pub conversation: Option<Conversation>,
    /// The participant of `participants.added`.
    pub participant: Option<Participant>,
    /// The message of `messages.added` and `message.status`.
    pub message: Option<TextMessage>,
}

impl Observation {
    /// The message, if it is from somebody else.
    pub(crate) fn incoming(&self) -> Option<&TextMessage> {
        self.message
            .as_ref()
            .filter(|message| message.direction() == Direction::Incoming)
    }
}

/// Turns the changes of an application's model into [`Observation`]s, until it is dropped.
pub struct Observer {
    stage: Arc<Stage>,
}

/// The receiver of the observations, and the listeners that make them.
struct Stage {
    who: String,
    sink: Box<dyn Fn(Observation) + Send + Sync>,
    own: Mutex<Subscriptions>,
    /// The listeners of each conversation, which are dropped when the conversation is removed.
    of_conversations: Mutex<HashMap<ConversationId, Subscriptions>>,
}

impl Observer {
    /// Observes `application`, whose user is called `who` in the lines. The present values are reported first.
    pub fn new(
        who: impl Into<String>,
        application: &Application,
        sink: impl Fn(Observation) + Send + Sync + 'static,
    ) -> Self {
        let stage = Arc::new(Stage {
            who: who.into(),
            sink: Box::new(sink),
            own: Mutex::default(),
            of_conversations: Mutex::default(),
        });
        let weak = Arc::downgrade(&stage);
        let state = application
            .sign_in_manager()
            .state()
            .changed(move |change| {
                if let Some(stage) = weak.upgrade() {
                    stage.tell(stage.change(Event::SignInState, None, change));
                }
            });
        lock(&stage.own).add(state);
        let conversations = application.conversations_manager().conversations();
        let weak = Arc::downgrade(&stage);
        let added = conversations.added(move |conversation, _, _| {
            if let Some(stage) = weak.upgrade() {
                stage.follow_conversation(conversation);
            }
        });
        lock(&stage.own).add(added);
        let weak = Arc::downgrade(&stage);
        let removed = conversations.removed(move |conversation, _, _| {
            if let Some(stage) = weak.upgrade() {
                // The lock is released before the listeners are dropped.
                let listeners = lock(&stage.of_conversations).remove(&conversation.id());
                drop(listeners);
            }
        });
        lock(&stage.own).add(removed);
        Self { stage }
    }
}

impl Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("who", &self.stage.who)
            .finish_non_exhaustive()
    }
}

/// A conversation with its name in the lines: the URI of its first participant.
#[derive(Clone)]
struct Followed {
    conversation: Conversation,
    with: Option<String>,
}

impl Stage {
    /// A listener that does nothing after the observer was dropped.
    fn listener<T, F>(self: &Arc<Self>, hear: F) -> impl Fn(&T) + Send + Sync + use<T, F>
    where
        F: Fn(&Arc<Self>, &T) + Send + Sync,
    {
        let stage = Arc::downgrade(self);
        move |heard| {
            if let Some(stage) = stage.upgrade() {
                hear(&stage, heard);
            }
        }
    }

    fn keep(&self, followed: &Followed, subscription: Subscription) {
        lock(&self.of_conversations)
            .entry(followed.conversation.id())
            .or_default()
            .add(subscription);
    }

    fn follow_conversation(self: &Arc<Self>, conversation: &Conversation) {
        let with = conversation
            .participants()
            .get(0)
            .map(|peer| peer.person().id().get());
        let followed = Followed {
            conversation: conversation.clone(),
            with,
        };
        let state = self.state(Event::ConversationState, &followed);
        self.keep(&followed, conversation.state().changed(state));
        let chat = conversation.self_participant().chat();
        let state = self.state(Event::ChatState, &followed);
        self.keep(&followed, chat.state().changed(state));

        let of = followed.clone();
        let joined = self.listener(move |stage, participant: &Participant| {
            let name = participant.display_name().get();
            stage.tell(Observation {
                participant: Some(participant.clone()),
                ..stage.observation(Event::ParticipantAdded, Some(&of), name)
            });
        });
        let participants = conversation.participants();
        let added = participants.added(move |participant, _, _| joined(participant));
        self.keep(&followed, added);

        let of = followed.clone();
        let written = self.listener(move |stage, message| stage.follow_message(&of, message));
        let messages = conversation.chat_service().messages();
        let added = messages.added(move |message, _, _| written(message));
        self.keep(&followed, added);
    }

    fn follow_message(self: &Arc<Self>, followed: &Followed, message: &TextMessage) {
        let direction = message.direction();
        let text = message.text();
        let (of, observed) = (followed.clone(), message.clone());
        let follow = move |stage: &Arc<Self>, change: &Change<MessageStatus>| {
            let describe = |status| Message {
                direction: format!("{direction:?}"),
                text: text.clone(),
                status: format!("{status:?}"),
            };
            let tell = |mut observation: Observation, status| {
                observation.line.message = Some(describe(status));
                observation.message = Some(observed.clone());
                stage.tell(observation);
            };
            let mut change = change.clone();
            if change.old.is_none() {
                // An outgoing message begins Pending, and may have its result before this listener is called.
                let begun = match direction {
                    Direction::Outgoing => MessageStatus::Pending,
                    Direction::Incoming => change.new,
                };
                tell(
                    stage.observation(Event::MessageAdded, Some(&of), text.clone()),
                    begun,
                );
                if change.new == begun {
                    return;
                }
                change.old = Some(begun);
            }
            tell(
                stage.change(Event::MessageStatus, Some(&of), &change),
                change.new,
            );
        };
        self.keep(followed, message.status().changed(self.listener(follow)));
    }

    /// A listener for a state of a conversation.
    fn state<T: Debug>(
        self: &Arc<Self>,
        event: Event,
        followed: &Followed,
    ) -> impl Fn(&Change<T>) + Send + Sync + use<T> {
        let of = followed.clone();
        self.listener(move |stage, change| stage.tell(stage.change(event, Some(&of), change)))
    }

    fn observation(&self, event: Event, followed: Option<&Followed>, new: String) -> Observation {
        Observation {
            line: Line {
                who: self.who.clone(),
                event,
                conversation: followed.and_then(|followed| followed.with.clone()),
                new,
                old: None,
                reason: None,
                message: None,
            },
            conversation: followed.map(|followed| followed.conversation.clone()),
            participant: None,
            message: None,
        }
    }

    fn change<T: Debug>(
        &self,
        event: Event,
        followed: Option<&Followed>,
        change: &Change<T>,
    ) -> Observation {
        let mut observation = self.observation(event, followed, format!("{:?}", change.new));
        observation.line.old = change.old.as_ref().map(|old| format!("{old:?}"));
        observation.line.reason = change
            .reason
            .as_ref()
            .map(|reason| reason.code().to_string());
        observation
    }

    fn tell(&self, observation: Observation) {
        (self.sink)(observation);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_listeners_of_a_removed_conversation_are_dropped() {
        let application = Application::builder().build().unwrap();
        let observer = Observer::new("tosh", &application, |_| {});
        let manager = application.conversations_manager();
        let conversation = manager.get_conversation("lenea@contoso.com").unwrap();
        assert_eq!(lock(&observer.stage.of_conversations).len(), 1);
        manager.remove(&conversation).await.unwrap();
        assert!(lock(&observer.stage.of_conversations).is_empty());
    }
}
