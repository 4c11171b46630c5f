//! Listening to everything that a chat application would listen to.

use std::{
    fmt::{self, Debug},
    sync::{Arc, Mutex, PoisonError},
};

use skype_p2p::{
    Application, Change, Conversation, Direction, MessageStatus, Participant, Subscription,
    Subscriptions, TextMessage,
};

use crate::timeline::{Event, Line, Message};

/// Turns what an application's model shows into [`Line`]s, until it is dropped.
pub struct Observer {
    stage: Arc<Stage>,
}

/// Where the lines go, and the listeners that make them: those of a conversation join when it does.
struct Stage {
    who: String,
    sink: Box<dyn Fn(Line) + Send + Sync>,
    subscriptions: Mutex<Subscriptions>,
}

impl Observer {
    /// Listens to `application`, whose user is called `who` in the lines. What is there already is told first.
    pub fn new(
        who: impl Into<String>,
        application: &Application,
        sink: impl Fn(Line) + Send + Sync + 'static,
    ) -> Self {
        let stage = Arc::new(Stage {
            who: who.into(),
            sink: Box::new(sink),
            subscriptions: Mutex::default(),
        });
        stage.keep(
            application
                .sign_in_manager()
                .state()
                .changed(stage.state(Event::SignInState, None)),
        );
        let added = stage.listener(Stage::follow_conversation);
        let conversations = application.conversations_manager().conversations();
        stage.keep(conversations.added(move |conversation, _, _| added(conversation)));
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

impl Stage {
    /// A listener that is quiet once the observer is gone.
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

    fn keep(&self, subscription: Subscription) {
        self.subscriptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(subscription);
    }

    fn follow_conversation(self: &Arc<Self>, conversation: &Conversation) {
        let with = conversation
            .participants()
            .get(0)
            .map(|peer| peer.person().id().get());
        self.keep(
            conversation
                .state()
                .changed(self.state(Event::ConversationState, with.clone())),
        );
        let chat = conversation.self_participant().chat();
        self.keep(
            chat.state()
                .changed(self.state(Event::ChatState, with.clone())),
        );

        let peer = with.clone();
        let joined = self.listener(move |stage, participant: &Participant| {
            stage.tell(stage.line(
                Event::ParticipantAdded,
                peer.clone(),
                participant.display_name().get(),
            ));
        });
        let participants = conversation.participants();
        self.keep(participants.added(move |participant, _, _| joined(participant)));

        let written =
            self.listener(move |stage, message| stage.follow_message(with.clone(), message));
        let messages = conversation.chat_service().messages();
        self.keep(messages.added(move |message, _, _| written(message)));
    }

    fn follow_message(self: &Arc<Self>, with: Option<String>, message: &TextMessage) {
        let direction = message.direction();
        let text = message.text();
        let follow = move |stage: &Arc<Self>, change: &Change<MessageStatus>| {
            let describe = |status| Message {
                direction: format!("{direction:?}"),
                text: text.clone(),
                status: format!("{status:?}"),
            };
            let mut change = change.clone();
            if change.old.is_none() {
                // One of ours begins Pending, and may have its verdict before this listener comes to it.
                let begun = match direction {
                    Direction::Outgoing => MessageStatus::Pending,
                    Direction::Incoming => change.new,
                };
                let mut added = stage.line(Event::MessageAdded, with.clone(), text.clone());
                added.message = Some(describe(begun));
                stage.tell(added);
                if change.new == begun {
                    return;
                }
                change.old = Some(begun);
            }
            let mut line = stage.change(Event::MessageStatus, with.clone(), &change);
            line.message = Some(describe(change.new));
            stage.tell(line);
        };
        self.keep(message.status().changed(self.listener(follow)));
    }

    /// A listener for a state.
    fn state<T: Debug>(
        self: &Arc<Self>,
        event: Event,
        with: Option<String>,
    ) -> impl Fn(&Change<T>) + Send + Sync + use<T> {
        self.listener(move |stage, change| stage.tell(stage.change(event, with.clone(), change)))
    }

    fn line(&self, event: Event, conversation: Option<String>, new: String) -> Line {
        Line {
            who: self.who.clone(),
            event,
            conversation,
            new,
            old: None,
            reason: None,
            message: None,
        }
    }

    fn change<T: Debug>(
        &self,
        event: Event,
        conversation: Option<String>,
        change: &Change<T>,
    ) -> Line {
        Line {
            old: change.old.as_ref().map(|old| format!("{old:?}")),
            reason: change
                .reason
                .as_ref()
                .map(|reason| reason.code().to_string()),
            ..self.line(event, conversation, format!("{:?}", change.new))
        }
    }

    fn tell(&self, line: Line) {
        (self.sink)(line);
    }
}
