//! Conversion of the session's events and results to the model's facts, one to one.

use conv_model::{
    Archived, ArchivedMessage, CommandId, ConnectionState, Context, ConversationFact, Discovered,
    Fact, Importance, Incoming, MessageBody, MessageFormat, MessageStatus, Modalities,
    ParticipantCapabilities, ParticipantFact, ParticipantRole, ParticipantState, ParticipantUpdate,
    SenderFact, SignInState,
};
use ucwa_session::{
    ConversationChange, Failure, Outcome, Participant, Role, SessionEvent, Standing, Ticket,
};

use crate::{
    contacts,
    keys::{conversation_id, message_id, participant_id},
    person,
    reason::reason,
};

/// The facts for an event. None if the model has no counterpart.
pub(crate) fn facts(event: SessionEvent) -> impl Iterator<Item = Fact> {
    let received = match &event {
        SessionEvent::Conversation {
            conversation,
            change: ConversationChange::MessageReceived { message, href, .. },
            ..
        } => {
            let id = ConversationFact::message_remote_id(message_id(*message), href.clone());
            Some(Fact::of(conversation_id(*conversation), id))
        }
        _ => None,
    };
    fact(event).into_iter().chain(received)
}

fn fact(event: SessionEvent) -> Option<Fact> {
    Some(match event {
        SessionEvent::SignIn { state, failure, .. } => {
            Fact::sign_in(sign_in_state(state), failure.as_ref().map(reason))
        }
        SessionEvent::ChannelInterrupted { since, failure, .. } => {
            Fact::connection(ConnectionState::reconnecting(since), Some(reason(&failure)))
        }
        SessionEvent::ChannelRestored => Fact::connection(ConnectionState::Connected, None),
        SessionEvent::Me { uri, name, .. } => Fact::me(uri, name),
        SessionEvent::Person { uri, fact, .. } => Fact::person(uri, person::fact(fact)?),
        SessionEvent::ContactList(change) => Fact::ContactList(contacts::fact(change)?),
        SessionEvent::Incoming {
            conversation,
            from,
            subject,
            importance,
            preview,
            context,
            answerable,
            ..
        } => {
            let mut incoming = Incoming::new(conversation_id(conversation), participant(from));
            incoming.subject = subject;
            incoming.importance = match importance {
                ucwa_session::Importance::Urgent => Importance::Urgent,
                ucwa_session::Importance::Emergency => Importance::Emergency,
                _ => Importance::Normal,
            };
            incoming.preview = preview.map(body);
            incoming.context = context.map(|it| Context::new(it.content_type, it.content));
            incoming.auto_accepted = !answerable;
            Fact::Incoming(incoming)
        }
        SessionEvent::Discovered {
            conversation,
            peer,
            subject,
            ..
        } => {
            let participants = peer.into_iter().map(participant).collect();
            let mut discovered = Discovered::new(conversation_id(conversation), participants);
            discovered.subject = subject;
            Fact::Discovered(discovered)
        }
        SessionEvent::Archived {
            conversation,
            participants,
            subject,
            ..
        } => {
            let participants = participants.into_iter().map(participant).collect();
            let mut archived = Archived::new(conversation_id(conversation), participants);
            archived.subject = subject;
            Fact::Archived(archived)
        }
        SessionEvent::MoreArchived(more) => Fact::MoreConversations(more),
        // `SignInManager::not_resumed` and the events of the application report this.
        SessionEvent::NotResumed { .. } => return None,
        SessionEvent::UnreadConversations(count) => {
            Fact::UnreadConversations(usize::try_from(count).ok()?)
        }
        SessionEvent::History {
            enabled, settable, ..
        } => Fact::history(enabled, settable),
        SessionEvent::Conversation {
            conversation,
            change: it,
            ..
        } => Fact::of(conversation_id(conversation), change(it)?),
        other => {
            tracing::warn!(?other, "an event without a counterpart in the model");
            return None;
        }
    })
}

/// The fact that an operation ended.
pub(crate) fn completed(ticket: Ticket, result: Result<Outcome, Failure>) -> Fact {
    let result = match result {
        Ok(Outcome::People { people, more, .. }) => {
            Ok(conv_model::Outcome::Found(person::found(people, more)))
        }
        Ok(outcome) => Ok(contacts::outcome(outcome).unwrap_or(conv_model::Outcome::Done)),
        Err(failure) => Err(reason(&failure)),
    };
    Fact::completed(CommandId(ticket.0), result)
}

fn change(change: ConversationChange) -> Option<ConversationFact> {
    use ConversationChange as Change;
    Some(match change {
        Change::Inviting => ConversationFact::Inviting,
        Change::Alerting => ConversationFact::Alerting,
        Change::Connecting => ConversationFact::Connecting,
        Change::Connected => ConversationFact::Connected,
        Change::Subject(subject) => ConversationFact::Subject(subject),
        Change::ChatOffered => ConversationFact::ChatOffered,
        Change::ChatConnecting => ConversationFact::ChatConnecting,
        Change::ChatConnected { html, .. } => {
            let html = html.then_some(MessageFormat::Html);
            ConversationFact::chat_connected(
                [MessageFormat::Text].into_iter().chain(html).collect(),
            )
        }
        Change::ChatDisconnecting => ConversationFact::ChatDisconnecting,
        Change::ChatDisconnected { failure, .. } => {
            ConversationFact::chat_disconnected(optional_reason(failure))
        }
        Change::Group { uri, .. } => ConversationFact::group(uri),
        Change::Modalities {
            messaging,
            audio,
            video,
            ..
        } => {
            let mut active = Modalities::default();
            active.chat = messaging;
            active.audio = audio;
            active.video = video;
            ConversationFact::Modalities(active)
        }
        Change::ParticipantCount(count) => {
            ConversationFact::ParticipantsCount(usize::try_from(count).ok()?)
        }
        Change::Acknowledgeable(yes) => ConversationFact::Acknowledgeable(yes),
        Change::Myself {
            standing, role: it, ..
        } => ConversationFact::myself(standing.and_then(participant_state), it.map(role)),
        Change::ParticipantInvited(key) => {
            ConversationFact::participant_invited(participant_id(key))
        }
        Change::ParticipantJoined(it) => ConversationFact::ParticipantAdded(participant(it)),
        Change::ParticipantUpdated(it) => {
            let mut update = ParticipantUpdate::default();
            update.address = it.uri;
            update.display_name = it.name;
            update.role = it.role.map(role);
            update.is_anonymous = Some(it.anonymous);
            update.capabilities = Some(capabilities(it.capabilities));
            ConversationFact::participant_updated(participant_id(it.key), update)
        }
        Change::ParticipantLeft {
            participant,
            failure,
            ..
        } => ConversationFact::participant_left(
            participant_id(participant),
            optional_reason(failure),
        ),
        Change::ParticipantChat {
            participant,
            connected,
            ..
        } => ConversationFact::participant_chat(participant_id(participant), connected),
        Change::Typing {
            participant,
            typing,
            ..
        } => ConversationFact::typing(participant_id(participant), typing),
        Change::MessageReceived {
            message,
            sender: Participant { key, uri, name, .. },
            body: it,
            timestamp,
            ..
        } => {
            let mut sender = SenderFact::new(uri.unwrap_or_default());
            sender.participant = Some(participant_id(key));
            sender.display_name = name;
            ConversationFact::message_received(message_id(message), sender, body(it), timestamp)
        }
        Change::Archived(messages) => {
            ConversationFact::Archived(messages.into_iter().map(archived).collect())
        }
        Change::MoreHistory(more) => ConversationFact::MoreHistory(more),
        Change::Unread(unread) => ConversationFact::Unread(unread),
        Change::MessageStatus {
            message,
            status,
            timestamp,
            failure,
            ..
        } => ConversationFact::message_status(
            message_id(message),
            message_status(status),
            timestamp,
            optional_reason(failure),
        ),
        Change::MessagePosted { message, href, .. } => {
            ConversationFact::message_remote_id(message_id(message), href)
        }
        // Only the events of the application report these.
        Change::MessagePosting { .. } | Change::MessageSettled { .. } => return None,
        Change::EndRefused { chat, .. } => ConversationFact::end_refused(chat),
        Change::Ended { failure, .. } => ConversationFact::ended(optional_reason(failure)),
        other => {
            tracing::warn!(?other, "a change without a counterpart in the model");
            return None;
        }
    })
}

fn archived(it: ucwa_session::ArchivedMessage) -> ArchivedMessage {
    let mut sender = SenderFact::new(it.sender);
    sender.display_name = it.sender_name;
    let (message, text, at) = (message_id(it.message), body(it.body), it.timestamp);
    if it.outgoing {
        ArchivedMessage::outgoing(message, sender, text, at)
    } else {
        ArchivedMessage::incoming(message, sender, text, at)
    }
}

fn participant(it: Participant) -> ParticipantFact {
    let mut fact = ParticipantFact::new(participant_id(it.key), it.uri.unwrap_or_default());
    fact.display_name = it.name;
    // Most servers do not send the role of attendees.
    fact.role = it.role.map_or(ParticipantRole::Attendee, role);
    fact.is_anonymous = it.anonymous;
    fact.in_lobby = it.in_lobby;
    fact.capabilities = capabilities(it.capabilities);
    fact
}

fn capabilities(it: ucwa_session::ParticipantCapabilities) -> ParticipantCapabilities {
    let mut capabilities = ParticipantCapabilities::default();
    capabilities.promote = it.promote;
    capabilities.demote = it.demote;
    capabilities.admit = it.admit;
    capabilities.reject = it.reject;
    capabilities
}

fn role(role: Role) -> ParticipantRole {
    match role {
        Role::Leader => ParticipantRole::Leader,
        // A role without a counterpart in the model counts as attendee.
        _ => ParticipantRole::Attendee,
    }
}

fn participant_state(standing: Standing) -> Option<ParticipantState> {
    Some(match standing {
        Standing::Joined => ParticipantState::Connected,
        Standing::InLobby => ParticipantState::InLobby,
        Standing::Gone => ParticipantState::Disconnected,
        _ => return None,
    })
}

pub(crate) fn body(body: ucwa_session::MessageBody) -> MessageBody {
    match body {
        ucwa_session::MessageBody::Html(html) => MessageBody::Html(html),
        ucwa_session::MessageBody::Text(text) => MessageBody::Text(text),
        ucwa_session::MessageBody::Other {
            media_type, raw, ..
        } => MessageBody::other(media_type, raw),
        // Content of an unknown kind is shown like content that could not be read.
        _ => MessageBody::other(String::new(), String::new()),
    }
}

fn optional_reason(failure: Option<Failure>) -> Option<conv_model::Reason> {
    failure.as_ref().map(reason)
}

pub(crate) fn sign_in_state(state: ucwa_session::SignInState) -> SignInState {
    match state {
        ucwa_session::SignInState::SignedOut => SignInState::SignedOut,
        ucwa_session::SignInState::SigningIn => SignInState::SigningIn,
        ucwa_session::SignInState::SignedIn => SignInState::SignedIn,
        ucwa_session::SignInState::SigningOut => SignInState::SigningOut,
    }
}

pub(crate) fn message_status(status: ucwa_session::MessageStatus) -> MessageStatus {
    match status {
        ucwa_session::MessageStatus::Succeeded => MessageStatus::Succeeded,
        ucwa_session::MessageStatus::Failed => MessageStatus::Failed,
        _ => MessageStatus::Unknown,
    }
}
