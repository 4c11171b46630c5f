//! Events and reads of participants: joining, leaving, roles, views, chats, typing.

use ucwa_proto::{Event, EventKind, HrefKey};

use super::conversation::{Address, Context, Conversation};
use super::event_dispatch::failure_of;
use super::payload::{self, ParticipantFacts};
use super::purpose::{ChatPurpose, ChatTimer};
use crate::event::{ConversationChange, Participant};
use crate::failure::{Failure, Stage};
use crate::keys::ParticipantKey;
use crate::response::Answer;

impl Conversation {
    /// Adds or updates a participant that was named outside the roster's events: an inviter, a sender, an acceptor.
    pub(super) fn update_participant(
        &mut self,
        cx: &mut Context<'_>,
        href: Option<&str>,
        facts: &ParticipantFacts<'_>,
    ) -> Participant {
        // Hrefs of an ended life are invalid, and all participants are on the application's host.
        let href = href.filter(|_| self.is_live());
        let own = href.filter(|href| cx.core.resolve(href, Stage::Conversation).is_ok());
        let address = own.and_then(|href| cx.address_of(href));
        let adopt = !self.is_conference();
        // A sender without a usable href and without an address is the peer, if there is only one.
        if adopt
            && address.is_none()
            && facts.uri.is_none()
            && let Some(only) = self.roster.only()
        {
            return only;
        }
        let facts = facts.without_commands();
        self.merge_duplicate(cx, address.as_ref(), facts.uri);
        let (member, _) = self.roster.merge(cx.core, address, &facts, adopt);
        member.to_participant()
    }

    /// Merges a participant known only by href into the one that has the same SIP URI.
    fn merge_duplicate(
        &mut self,
        cx: &mut Context<'_>,
        address: Option<&Address>,
        uri: Option<&str>,
    ) {
        let (Some(address), Some(uri)) = (address, uri) else {
            return;
        };
        let Some(mut duplicate) = self.roster.remove_duplicate(&address.key, uri) else {
            return;
        };
        let participant = duplicate.key;
        let was_joined = duplicate.seat.joined;
        if was_joined && let Some(known) = self.roster.move_seat(uri, &mut duplicate) {
            cx.change(
                self.key,
                ConversationChange::ParticipantJoined(known.to_participant()),
            );
        } else {
            cx.done(duplicate.seat.ejecting);
            for (action, ticket) in duplicate.seat.moderating {
                cx.core.complete(ticket, action.result_after_leaving());
            }
        }
        if was_joined {
            let change = ConversationChange::ParticipantLeft {
                participant,
                failure: None,
            };
            cx.change(self.key, change);
        }
    }

    /// Handles a participant event without `in`: a participant joined, changed or left.
    pub(super) fn on_participant(&mut self, cx: &mut Context<'_>, event: &Event<'_>) {
        let Some(address) = cx.address_of(&event.link.href) else {
            return;
        };
        if event.kind == EventKind::Deleted {
            self.roster.arriving.remove(&address.key);
            let left = self.roster.by_href(&address.key).map(|member| member.key);
            if let Some(participant) = left {
                let failure = event.reason.as_deref().and_then(failure_of);
                self.remove_from_roster(cx, participant, failure);
            }
            return;
        }
        let resource = event.resource();
        if resource.is_some_and(|resource| resource.boolean("local") == Some(true)) {
            return;
        }
        let facts = resource.map(payload::participant).unwrap_or_default();
        let facts = facts.or_titled(event.link.title.as_deref());
        self.add_to_roster(cx, address.clone(), &facts);
        // In a conference, such an event means that the links of the participant have changed, so the participant is read.
        if self.is_conference() && event.kind == EventKind::Updated && resource.is_none() {
            self.read_participant(cx, &address);
        }
    }

    /// Reads a participant whose data is incomplete or has changed.
    pub(super) fn read_participant(&mut self, cx: &mut Context<'_>, address: &Address) {
        self.outdate_read(cx, &address.key);
        let purpose = ChatPurpose::ReadParticipant(address.key.clone());
        if !self.tasks.is_in_flight(&purpose)
            && let Some(member) = self.roster.by_href(&address.key)
        {
            member.seat.requested_in = cx.page.number;
        }
        self.tasks.read(cx.core, Some(&address.href), purpose);
    }

    /// Marks a read of the participant as outdated: its response may be older than the event.
    fn outdate_read(&mut self, cx: &Context<'_>, href: &HrefKey) {
        let purpose = ChatPurpose::ReadParticipant(href.clone());
        if self.tasks.is_in_flight(&purpose)
            && let Some(member) = self.roster.by_href(href)
        {
            member.seat.outdated |= member.seat.requested_in != cx.page.number;
        }
    }

    /// Adds a participant to the roster or to the lobby.
    pub(super) fn add_to_roster(
        &mut self,
        cx: &mut Context<'_>,
        address: Address,
        facts: &ParticipantFacts<'_>,
    ) {
        // All participants are on the application's host. Any other one would turn a one-to-one chat into a conference.
        if !self.is_live() || cx.core.resolve(&address.href, Stage::Conversation).is_err() {
            return;
        }
        let adopt = !self.is_conference();
        if facts.uri.is_none()
            && !self.roster.is_known(&address.key, None, adopt)
            && self.roster.awaits_href()
        {
            // The URI shows whether the participant is one of the invited ones.
            let name = facts.name.map(str::to_owned);
            self.roster.arriving.insert(address.key.clone(), name);
            let purpose = ChatPurpose::ReadParticipant(address.key);
            return self.tasks.read(cx.core, Some(&address.href), purpose);
        }
        self.roster.arriving.remove(&address.key);
        self.merge_duplicate(cx, Some(&address), facts.uri);
        let known = Some(address.clone());
        let (member, changes) = self.roster.merge(cx.core, known, facts, adopt);
        member.expected = false;
        let joined = std::mem::replace(&mut member.seat.joined, true);
        let moved = member.set_in_lobby(facts.in_lobby);
        let participant = member.to_participant();
        // The published event has only a link with an empty title, so the participant is read.
        let incomplete = participant.uri.is_none() || participant.name.is_none();
        if !joined || moved {
            cx.change(self.key, ConversationChange::ParticipantJoined(participant));
        } else if changes {
            cx.change(
                self.key,
                ConversationChange::ParticipantUpdated(participant),
            );
        }
        if incomplete {
            self.read_participant(cx, &address);
        }
    }

    /// Removes a participant from the roster.
    pub(super) fn remove_from_roster(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        failure: Option<Failure>,
    ) {
        let Some(member) = self.roster.by_key(participant) else {
            return;
        };
        let seat = &mut member.seat;
        seat.joined = false;
        seat.chat = None;
        seat.in_lobby = false;
        seat.typing = false;
        seat.commands = Box::default();
        let ejecting = std::mem::take(&mut seat.ejecting);
        let moderating = std::mem::take(&mut seat.moderating);
        // If the user ejected the participant, no reason is reported.
        let failure = failure.filter(|_| ejecting.is_empty());
        let ejected = ChatTimer::Ejected(participant);
        self.tasks.cancel(cx.core, |timer| *timer == ejected);
        cx.change(
            self.key,
            ConversationChange::ParticipantLeft {
                participant,
                failure,
            },
        );
        cx.done(ejecting);
        for (action, ticket) in moderating {
            cx.core.complete(ticket, action.result_after_leaving());
        }
    }

    pub(super) fn on_participant_read(
        &mut self,
        cx: &mut Context<'_>,
        href: &HrefKey,
        answer: Answer<'_>,
    ) {
        let url = answer.url().to_owned();
        let read = answer.resource(cx.core);
        let arriving = self.roster.arriving.remove(href);
        let known = self.roster.by_href(href);
        let outdated = known.is_some_and(|member| std::mem::take(&mut member.seat.outdated));
        let known = self.roster.by_href(href);
        let known = known.and_then(|member| member.seat.address.clone());
        if let Some(address) = known.as_ref().filter(|_| outdated) {
            return self.read_participant(cx, address);
        }
        let requested = Address {
            href: url.into(),
            key: href.clone(),
        };
        match (read, arriving, known) {
            (Ok(resource), Some(_), _) => {
                self.add_to_roster(cx, requested, &payload::participant(&resource));
            }
            (Ok(resource), None, Some(address)) => {
                self.on_known_participant_read(cx, address, &payload::participant(&resource));
            }
            // Of the participant, only the key is known.
            (Err(_), Some(name), _) => {
                let facts = ParticipantFacts::titled(name.as_deref());
                let adopt = !self.is_conference();
                let (member, _) = self.roster.merge(cx.core, Some(requested), &facts, adopt);
                member.seat.joined = true;
                cx.change(
                    self.key,
                    ConversationChange::ParticipantJoined(member.to_participant()),
                );
            }
            // The participant keeps its URI. The failure concerns no operation of the caller.
            (_, None, _) => {}
        }
        self.eject_after_read(cx, href);
        self.moderate_after_read(cx, href);
    }

    fn on_known_participant_read(
        &mut self,
        cx: &mut Context<'_>,
        address: Address,
        facts: &ParticipantFacts<'_>,
    ) {
        self.merge_duplicate(cx, Some(&address), facts.uri);
        let (member, changes) = self.roster.merge(cx.core, Some(address), facts, false);
        let moved = member.set_in_lobby(facts.in_lobby);
        let (joined, participant) = (member.seat.joined, member.to_participant());
        if moved && joined {
            cx.change(self.key, ConversationChange::ParticipantJoined(participant));
        } else if changes {
            cx.change(
                self.key,
                ConversationChange::ParticipantUpdated(participant),
            );
        }
    }

    /// Handles an event of a view of the conversation: a role or the lobby. Only its `in` distinguishes it from a join or a
    /// leave.
    pub(super) fn on_view(&mut self, cx: &mut Context<'_>, event: &Event<'_>, view: &str) {
        let Some(address) = cx.address_of(&event.link.href) else {
            return;
        };
        let gone = event.kind == EventKind::Deleted;
        let facts = event.resource().map(payload::participant);
        let mut facts = facts
            .unwrap_or_default()
            .or_titled(event.link.title.as_deref());
        match (view, gone) {
            ("lobby", false) => facts.in_lobby = Some(true),
            // The participant was admitted or rejected. A read shows which.
            ("lobby", true) => return self.read_participant(cx, &address),
            ("leaders" | "attendees", false) => {
                facts.role = payload::role(view);
                facts.in_lobby = Some(false);
            }
            _ => return,
        }
        self.outdate_read(cx, &address.key);
        self.add_to_roster(cx, address, &facts);
    }

    /// Handles a chat of a participant that was connected or disconnected.
    pub(super) fn on_participant_messaging(&mut self, cx: &mut Context<'_>, event: &Event<'_>) {
        let within = event.within.as_ref();
        let Some(within) = within.filter(|within| within.rel == "participant") else {
            return;
        };
        let href = cx.key_of(&within.href);
        let connected = event.kind != EventKind::Deleted;
        let adopt = !self.is_conference();
        if let Some(member) = self.roster.by_href_or_only(href.as_ref(), adopt)
            && member.seat.chat.replace(connected) != Some(connected)
        {
            let participant = member.key;
            cx.change(
                self.key,
                ConversationChange::ParticipantChat {
                    participant,
                    connected,
                },
            );
        }
    }

    /// Handles a participant who started or stopped typing. Only the `in` of the event distinguishes it from a join or a
    /// leave.
    pub(super) fn on_typing(&mut self, cx: &mut Context<'_>, event: &Event<'_>) {
        let href = cx.key_of(&event.link.href);
        if let Some(member) = self.roster.by_href_or_only(href.as_ref(), true) {
            let participant = member.key;
            self.set_typing(cx, participant, event.kind != EventKind::Deleted);
        }
    }

    pub(super) fn set_typing(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        typing: bool,
    ) {
        let member = self.roster.by_key(participant);
        let changes =
            |seat: &mut super::roster::Seat| std::mem::replace(&mut seat.typing, typing) != typing;
        if member.is_some_and(|member| changes(&mut member.seat)) {
            let change = ConversationChange::Typing {
                participant,
                typing,
            };
            cx.change(self.key, change);
        }
    }

    /// Adds the participants of a conversation that existed before this session.
    pub(super) fn on_participants_read(&mut self, cx: &mut Context<'_>, answer: Answer<'_>) {
        let Ok(participants) = answer.resource(cx.core) else {
            return;
        };
        for participant in participants.links("participant") {
            let facts = ParticipantFacts::titled(participant.title.as_deref());
            if let Some(address) = cx.address_of(&participant.href) {
                self.add_to_roster(cx, address, &facts);
            }
        }
    }
}
