//! Follows the conversations of the model.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use skype_p2p::{
    ActivityItem, Application, CallConnectionState, Conversation, ConversationId, Direction,
    MessageBody, MessageStatus, Participant, ParticipantState, Reason, ReasonCode, Subscription,
    Subscriptions, TextMessage,
};
use tokio::sync::mpsc::UnboundedSender;

use super::{follow_presence, lock, person, send};
use crate::{
    chat::{
        links,
        printable_text::PrintableText,
        state::{
            conversation::{Delivery, Invitation, Item, Message, Summary},
            update::Update,
        },
    },
    failure::why_not_delivered,
};

/// The listeners of all conversations. Dropped, they report nothing more.
pub(super) struct Conversations {
    updates: UnboundedSender<Update>,
    own: Mutex<Subscriptions>,
    /// The listeners of each conversation, which are dropped when the conversation is removed.
    each: Mutex<HashMap<ConversationId, Subscriptions>>,
}

impl Conversations {
    pub(super) fn follow(application: &Application, updates: UnboundedSender<Update>) -> Arc<Self> {
        let this = Arc::new(Self {
            updates,
            own: Mutex::default(),
            each: Mutex::default(),
        });
        let conversations = application.conversations_manager().conversations();
        let weak = Arc::downgrade(&this);
        let added = conversations.added(move |conversation, _, _| {
            if let Some(this) = weak.upgrade() {
                this.follow_conversation(conversation);
            }
        });
        lock(&this.own).add(added);
        let weak = Arc::downgrade(&this);
        let removed = conversations.removed(move |conversation, _, _| {
            if let Some(this) = weak.upgrade() {
                let id = conversation.id();
                // The lock is released before the listeners are dropped.
                let listeners = lock(&this.each).remove(&id);
                drop(listeners);
                send(&this.updates, Update::ConversationRemoved(id));
            }
        });
        lock(&this.own).add(removed);
        this
    }

    fn keep(&self, id: ConversationId, subscription: Subscription) {
        lock(&self.each).entry(id).or_default().add(subscription);
    }

    fn follow_conversation(self: &Arc<Self>, conversation: &Conversation) {
        let id = conversation.id();
        let chat = conversation.chat_service();
        let history = conversation.history_service();
        let report = self.reporter(conversation);
        macro_rules! follow {
            ($($property:expr),+ $(,)?) => {
                $({
                    let report = report.clone();
                    self.keep(id, $property.changed(move |_| report()));
                })+
            };
        }
        follow!(
            conversation.state(),
            conversation.topic(),
            conversation.is_group_conversation(),
            conversation.self_participant().chat().state(),
            chat.preview(),
            history.get_more_activity_items_command().enabled(),
            history.mark_as_read_command().enabled(),
        );
        let weak = Arc::downgrade(self);
        let of = conversation.clone();
        let added = conversation.participants().added(move |participant, _, _| {
            if let Some(this) = weak.upgrade() {
                this.follow_participant(&of, participant);
            }
        });
        self.keep(id, added);
        let removed = conversation.participants().removed(move |_, _, _| report());
        self.keep(id, removed);
        let weak = Arc::downgrade(self);
        let items = history.activity_items();
        let of = conversation.clone();
        let added = items.added(move |item, _, index| {
            if let Some(this) = weak.upgrade() {
                this.on_item(&of, item, index);
            }
        });
        self.keep(id, added);
    }

    /// A function that reports everything about the conversation except its items.
    fn reporter(&self, conversation: &Conversation) -> impl Fn() + Clone + Send + Sync + use<> {
        let (updates, conversation) = (self.updates.clone(), conversation.clone());
        move || send(&updates, Update::Conversation(summary(&conversation)))
    }

    fn follow_participant(
        self: &Arc<Self>,
        conversation: &Conversation,
        participant: &Participant,
    ) {
        let id = conversation.id();
        let report = self.reporter(conversation);
        let (name, state) = (report.clone(), report.clone());
        self.keep(id, participant.display_name().changed(move |_| name()));
        self.keep(id, participant.state().changed(move |_| state()));
        let typing = participant.chat().is_typing();
        self.keep(id, typing.changed(move |_| report()));
        let person = participant.person();
        self.keep(id, person.status().subscribe());
        for listener in follow_presence(&person, &self.updates) {
            self.keep(id, listener);
        }
    }

    fn on_item(self: &Arc<Self>, conversation: &Conversation, item: &ActivityItem, index: usize) {
        let new = match item {
            ActivityItem::TextMessage(it) => Item::Message(message(conversation, it)),
            ActivityItem::ParticipantJoined(it) => Item::Joined {
                name: name(it.participant()),
                at: it.timestamp(),
            },
            ActivityItem::ParticipantLeft(it) => Item::Left {
                name: name(it.participant()),
                at: it.timestamp(),
            },
            // Kinds that a later version of the library adds. The state corrects the indices of the items behind them.
            _ => return,
        };
        let update = Update::Item {
            conversation: conversation.id(),
            index,
            item: new,
        };
        send(&self.updates, update);
        if let ActivityItem::TextMessage(message) = item {
            self.follow_message(conversation, message);
        }
    }

    /// Follows what can still change: the delivery and time of an outgoing message, and a name that is not known yet.
    fn follow_message(self: &Arc<Self>, conversation: &Conversation, followed: &TextMessage) {
        let id = conversation.id();
        let (updates, of, it) = (self.updates.clone(), conversation.clone(), followed.clone());
        let report = move || {
            let update = Update::Message {
                conversation: id,
                message: message(&of, &it),
            };
            send(&updates, update);
        };
        let sender = followed.sender();
        if sender.display_name().get() == sender.id().get() {
            let report = report.clone();
            self.keep(id, sender.display_name().changed(move |_| report()));
        }
        if followed.direction() == Direction::Outgoing {
            let timestamp = report.clone();
            self.keep(id, followed.timestamp().changed(move |_| timestamp()));
            self.keep(id, followed.status().changed(move |_| report()));
        }
    }
}

fn name(participant: &Participant) -> PrintableText {
    person(&participant.person()).name
}

fn summary(conversation: &Conversation) -> Summary {
    let is_group = conversation.is_group_conversation().get();
    let chat = conversation.self_participant().chat().state().get();
    let present: Vec<_> = conversation
        .participants()
        .snapshot()
        .into_iter()
        .filter(|it| !is_group || is_present(it, conversation))
        .collect();
    let names: Vec<_> = present.iter().map(name).collect();
    let typing = present.iter().filter(|it| it.chat().is_typing().get());
    let history = conversation.history_service();
    Summary {
        id: conversation.id(),
        title: title(&conversation.topic().get(), &names),
        is_group,
        people: present.iter().map(|it| person(&it.person())).collect(),
        state: conversation.state().get(),
        end: conversation.state().reason().as_ref().and_then(end),
        invitation: (chat == CallConnectionState::Notified).then(|| invitation(conversation)),
        typing: typing.map(name).collect(),
        more_history: history.get_more_activity_items_command().enabled().get(),
        missed: history.mark_as_read_command().enabled().get(),
    }
}

/// Whether the participant is in the group or is being added. The model also contains participants who have left.
fn is_present(participant: &Participant, conversation: &Conversation) -> bool {
    participant.state().get() != ParticipantState::Disconnected
        || conversation.state().get() != skype_p2p::ConversationState::Connected
}

fn title(topic: &str, names: &[PrintableText]) -> PrintableText {
    let topic = PrintableText::line(topic);
    if !topic.is_empty() {
        return topic;
    }
    let names: Vec<_> = names.iter().map(PrintableText::as_str).collect();
    match &*names {
        [] => PrintableText::line("Chat"),
        names => PrintableText::line(&names.join(", ")),
    }
}

/// Why the conversation ended, in words; `None` if the other side just left.
fn end(reason: &Reason) -> Option<PrintableText> {
    let why = match reason.code() {
        ReasonCode::Terminated => return None,
        ReasonCode::Refused => "the invitation was declined",
        ReasonCode::Missed => "the invitation was not answered",
        ReasonCode::Busy => "the other person is busy",
        ReasonCode::Dropped => "the other person cannot be reached now",
        ReasonCode::FullSession => "the conversation is full",
        ReasonCode::ConnectionLost | ReasonCode::Unreachable => "the connection was lost",
        ReasonCode::Gone | ReasonCode::SignedOut => "the session ended",
        ReasonCode::Timeout => "the server did not answer in time",
        ReasonCode::Throttled => "the server is too busy",
        other => {
            let why = format!("the server gave the reason {}", other.as_str());
            return Some(PrintableText::line(&why));
        }
    };
    Some(PrintableText::line(why))
}

fn invitation(conversation: &Conversation) -> Invitation {
    let from = conversation.creator();
    let message = match conversation.chat_service().preview().get() {
        Some(MessageBody::Text(text)) => PrintableText::line(&text),
        _ => PrintableText::default(),
    };
    Invitation {
        from: from.map_or_else(|| PrintableText::line("Somebody"), |it| person(&it).name),
        message,
    }
}

/// The message as the timeline shows it.
fn message(conversation: &Conversation, message: &TextMessage) -> Message {
    let text = match message.unsafe_html() {
        Some(html) => links::with_targets(&message.text(), html),
        None => message.text(),
    };
    let status = message.status();
    let delivery = match (message.direction(), status.get()) {
        (Direction::Incoming, _) => None,
        (Direction::Outgoing, MessageStatus::Pending) => Some(Delivery::Sending),
        (Direction::Outgoing, MessageStatus::Succeeded) => Some(Delivery::Delivered),
        (Direction::Outgoing, MessageStatus::Failed) => {
            let why = status
                .reason()
                .map(|reason| why_not_delivered(&reason, &to(conversation)));
            let why = why.unwrap_or_else(|| "the server gave no reason".to_owned());
            Some(Delivery::Failed(PrintableText::line(&why)))
        }
        (Direction::Outgoing, _) => Some(Delivery::Unknown),
    };
    Message {
        id: message.id(),
        sender: person(&message.sender()).name,
        text: PrintableText::new(&text),
        at: message.timestamp().get(),
        delivery,
    }
}

/// The receiver of a message, for the reason of its failure.
fn to(conversation: &Conversation) -> String {
    let participants = conversation.participants().snapshot();
    match &*participants {
        [one] => name(one).as_str().to_owned(),
        _ => "the conference".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_conversation_is_told_in_words() {
        let why = |code| end(&Reason::new(code)).map(|why| why.as_str().to_owned());
        assert_eq!(why(ReasonCode::Terminated), None);
        for code in ReasonCode::ALL {
            let words = why(code.clone()).unwrap_or_else(|| "the other side left".to_owned());
            assert!(words.starts_with("the ") && words.len() > 10, "{words}");
        }
    }
}
