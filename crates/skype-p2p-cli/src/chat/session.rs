//! The session: reports the changes of the model to the state, and carries out the effects of the state.

mod contact_changes;
mod contacts;
mod conversations;

use std::{
    fmt::Display,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use skype_p2p::{
    Application, ConnectionState, Conversation, ConversationId, Note, NoteKind, PersonStatus,
    Reason, Subscription, Subscriptions,
};
use tokio::sync::mpsc::UnboundedSender;

use self::{contacts::ContactBook, conversations::Conversations};
use super::{
    printable_text::PrintableText,
    state::{
        conversation::Person,
        update::{Connection, Effect, Presence, Update},
    },
};
use crate::{presence::Availability, session::why_refused};

/// The number of archived conversations that are loaded at once.
const ARCHIVED: u32 = 20;

/// The number of people that a search returns.
const FOUND: u32 = 20;

/// The session of a signed-in user. Dropped, it reports nothing more.
pub(super) struct Session {
    application: Application,
    updates: UnboundedSender<Update>,
    _conversations: Arc<Conversations>,
    _contacts: ContactBook,
    _own: Subscriptions,
}

impl Session {
    /// Reports the present state of the application and its changes to `updates`.
    pub(super) fn new(application: &Application, updates: UnboundedSender<Update>) -> Self {
        let mut own = Subscriptions::new();
        let me = application.me();
        own.add(me.status().subscribe());
        own.add(me.note().subscribe());
        let report_me = {
            let (me, updates) = (me.clone(), updates.clone());
            move || {
                let note = me.note().get();
                let update = Update::Me {
                    name: PrintableText::line(&me.display_name().get()),
                    status: me.status().get(),
                    note: PrintableText::line(&note.map_or_else(String::new, |it| it.text)),
                };
                send(&updates, update);
            }
        };
        let (name, status) = (report_me.clone(), report_me.clone());
        own.add(me.display_name().changed(move |_| name()));
        own.add(me.status().changed(move |_| status()));
        own.add(me.note().changed(move |_| report_me()));
        let connections = updates.clone();
        let connection = application.sign_in_manager().connection();
        own.add(connection.changed(move |change| {
            let connection = match change.new {
                ConnectionState::Reconnecting { since, .. } => Connection::Reconnecting { since },
                _ => Connection::Connected,
            };
            send(&connections, Update::Connection(connection));
        }));
        Self {
            application: application.clone(),
            _conversations: Conversations::follow(application, updates.clone()),
            _contacts: ContactBook::follow(application, updates.clone()),
            _own: own,
            updates,
        }
    }

    /// Carries out an effect. Its result comes as updates.
    pub(super) fn perform(&self, effect: Effect) {
        match effect {
            // The loop of the client carries these out.
            Effect::Quit | Effect::Redraw | Effect::Ring | Effect::Suspend => {}
            Effect::Open { address } => self.open(&address),
            Effect::Send { conversation, text } => self.send(conversation, text.0),
            Effect::Typing(id) => self.with(id, |conversation| {
                let chat = conversation.chat_service();
                if chat.send_is_typing_command().enabled().get() {
                    ignore(chat.send_is_typing());
                }
            }),
            Effect::Accept(id) => self.with(id, |conversation| {
                let accepted = conversation.chat_service().accept();
                self.report("The invitation could not be accepted", accepted);
            }),
            Effect::Decline(id) => self.with(id, |conversation| {
                let declined = conversation.chat_service().reject();
                self.report("The invitation could not be declined", declined);
            }),
            Effect::Leave(id) => self.with(id, |conversation| {
                self.report("The conversation could not be left", conversation.leave());
            }),
            Effect::Remove(id) => self.with(id, |conversation| {
                let manager = self.application.conversations_manager();
                let removed = manager.remove(conversation);
                self.report("The conversation could not be closed", removed);
            }),
            Effect::Invite {
                conversation,
                address,
            } => self.with(conversation, |conversation| {
                let added = conversation.participants().add(&*address);
                self.report(&format!("{address} could not be added"), added);
            }),
            Effect::LoadItems(id) => self.with(id, |conversation| {
                let loaded = conversation.history_service().get_more_activity_items();
                let updates = self.updates.clone();
                tokio::spawn(async move {
                    if let Err(reason) = loaded.await {
                        notice(&updates, "Older messages could not be loaded", &reason);
                    }
                    send(&updates, Update::Loaded(id));
                });
            }),
            Effect::LoadConversations => {
                let manager = self.application.conversations_manager();
                let loaded = manager.get_more_conversations(ARCHIVED);
                self.report("Archived conversations could not be loaded", loaded);
            }
            Effect::Seen(id) => self.with(id, |conversation| {
                if conversation.acknowledge_command().enabled().get() {
                    ignore(conversation.acknowledge());
                }
                let history = conversation.history_service();
                if history.mark_as_read_command().enabled().get() {
                    ignore(history.mark_as_read());
                }
            }),
            Effect::Search(query) => self.search(query),
            Effect::SetStatus(status) => self.set_status(status),
            Effect::SetNote(text) => {
                let note = Some(text).filter(|text| !text.is_empty());
                let set = self.application.me().note().set(note.map(Note::personal));
                self.report("Your note could not be set", set);
            }
            Effect::ChangeContacts(change) => {
                let manager = self.application.persons_and_groups_manager();
                tokio::spawn(contact_changes::make(manager, change, self.updates.clone()));
            }
        }
    }

    /// Opens the conversation with a person.
    fn open(&self, address: &str) {
        let manager = self.application.conversations_manager();
        let opened = manager.get_conversation(address);
        if let Err(reason) = &opened {
            let what = format_args!("No chat with {address}");
            notice(&self.updates, what, reason);
        }
        let id = opened.ok().map(|conversation| conversation.id());
        send(&self.updates, Update::Opened(id));
    }

    /// Sends a message. The model shows its result, unless it cannot be sent at all.
    fn send(&self, id: ConversationId, text: String) {
        self.with(id, |conversation| {
            let chat = conversation.chat_service();
            if chat.send_message_command().enabled().get() {
                ignore(chat.send_message(&*text));
            } else {
                let update = Update::NotSent {
                    conversation: id,
                    text: text.clone(),
                };
                send(&self.updates, update);
                let why = "The message cannot be sent while the conversation is ending.";
                send(&self.updates, Update::Notice(PrintableText::line(why)));
            }
        });
    }

    fn set_status(&self, status: Availability) {
        let (me, what) = (self.application.me(), "Your status could not be set");
        match PersonStatus::try_from(status) {
            Ok(status) => self.report(what, me.status().set(status)),
            Err(()) => self.report(what, me.reset_status()),
        }
    }

    fn search(&self, query: String) {
        let manager = self.application.persons_and_groups_manager();
        let searched = manager.search(&query, FOUND);
        let updates = self.updates.clone();
        tokio::spawn(async move {
            let (people, more) = match searched.await {
                Ok(result) => (result.persons, result.more_available),
                Err(reason) => {
                    notice(&updates, "The search failed", &reason);
                    (Vec::new(), false)
                }
            };
            let update = Update::Found {
                query,
                people: people.iter().map(person).collect(),
                more,
            };
            send(&updates, update);
            for person in people {
                tokio::spawn(fetch_status(person, updates.clone()));
            }
        });
    }

    /// Acts on a conversation, unless it was removed meanwhile.
    fn with(&self, id: ConversationId, act: impl FnOnce(&Conversation)) {
        let conversations = self.application.conversations_manager().conversations();
        if let Some(conversation) = conversations.snapshot().iter().find(|it| it.id() == id) {
            act(conversation);
        }
    }

    /// Waits for a command and reports its failure.
    fn report<T: Send + 'static>(
        &self,
        what: &str,
        command: impl Future<Output = Result<T, Reason>> + Send + 'static,
    ) {
        let (updates, what) = (self.updates.clone(), what.to_owned());
        tokio::spawn(async move {
            if let Err(reason) = command.await {
                notice(&updates, what, &reason);
            }
        });
    }
}

/// Starts a command whose failure the user need not know. The model applies its result also without the future.
fn ignore<T>(command: impl Future<Output = Result<T, Reason>>) {
    drop(command);
}

/// Reads the status of a person once. It stays unknown if it is hidden from the user.
async fn fetch_status(person: skype_p2p::Person, updates: UnboundedSender<Update>) {
    if person.status().fetch().await.is_ok() {
        report_presence(&person, &updates);
    }
}

/// Reports the presence of a person when it changes. Follows the note; the status has to be followed by the caller.
fn follow_presence(
    person: &skype_p2p::Person,
    updates: &UnboundedSender<Update>,
) -> [Subscription; 3] {
    let report = {
        let (person, updates) = (person.clone(), updates.clone());
        move || report_presence(&person, &updates)
    };
    let status = report.clone();
    [
        person.note().subscribe(),
        person.note().changed(move |_| report()),
        person.status().changed(move |_| status()),
    ]
}

/// Reports the presence of a person that is known now.
fn report_presence(person: &skype_p2p::Person, updates: &UnboundedSender<Update>) {
    let presence = Presence {
        status: person.status().get(),
        note: person.note().get().as_ref().map(note).unwrap_or_default(),
    };
    let address = person.id().get();
    send(updates, Update::Presence { address, presence });
}

/// The note of another person.
fn note(note: &Note) -> PrintableText {
    match note.kind {
        NoteKind::OutOfOffice => PrintableText::line(&format!("out of office: {}", note.text)),
        _ => PrintableText::line(&note.text),
    }
}

/// The person with the present name.
fn person(person: &skype_p2p::Person) -> Person {
    Person {
        address: person.id().get(),
        name: PrintableText::line(person.display_name().get().trim_start_matches("sip:")),
    }
}

fn notice(updates: &UnboundedSender<Update>, what: impl Display, reason: &Reason) {
    let text = format!("{what}: {}.", why_refused(reason));
    send(updates, Update::Notice(PrintableText::line(&text)));
}

/// Reports an update. The receiver is dropped when the client ends.
fn send(updates: &UnboundedSender<Update>, update: Update) {
    let _ = updates.send(update);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
