//! The participants of a conversation, and their hrefs and URIs.

mod hash_index;

use std::collections::BTreeMap;

use ucwa_proto::{HrefKey, Resource, SipUri};

use self::hash_index::HashIndex;
use super::conversation::Address;
use super::key_of;
use super::moderation::{Action, EJECT};
use super::payload::ParticipantFacts;
use crate::core::Core;
use crate::event::{Participant, ParticipantCapabilities, Role};
use crate::keys::{ParticipantKey, Ticket};

/// The remote participants, in the order in which they became known. The indexes find one of many participants without a scan.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: Vec<Member>,
    keys: HashIndex,
    hrefs: HashIndex,
    uris: HashIndex,
    /// Participants that are being read because their event does not identify them, with the name in the event.
    pub(super) arriving: BTreeMap<HrefKey, Option<String>>,
}

/// The rels of the commands for a participant (`participant_ref`).
const COMMANDS: [&str; 5] = [
    EJECT,
    Action::Promote.rel(),
    Action::Demote.rel(),
    Action::Admit.rel(),
    Action::Reject.rel(),
];

/// A participant, in all lives of the conversation.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: ParticipantKey,
    pub(super) uri: Option<Box<str>>,
    name: Option<Box<str>>,
    role: Option<Role>,
    anonymous: bool,
    /// The participant is invited when the conversation starts.
    pub(super) expected: bool,
    pub(super) seat: Seat,
}

/// The state of a participant in one life of the conversation.
#[derive(Debug, Default)]
pub(super) struct Seat {
    pub(super) address: Option<Address>,
    /// The commands that this user may perform, with their rels and hrefs. Only leaders may perform any.
    pub(super) commands: Box<[(&'static str, String)]>,
    /// The operations that wait for the participant to leave.
    pub(super) ejecting: Vec<Ticket>,
    /// The actions in flight, with their operations.
    pub(super) moderating: Vec<(Action, Ticket)>,
    /// The number of the page in which the participant was last requested.
    pub(super) requested_in: u64,
    /// The response to the read in flight may be outdated.
    pub(super) outdated: bool,
    pub(super) joined: bool,
    pub(super) in_lobby: bool,
    /// Whether the participant's chat is connected, if an event reported it.
    pub(super) chat: Option<bool>,
    pub(super) typing: bool,
}

impl Seat {
    /// The href of a command that this user may perform.
    pub(super) fn command(&self, rel: &str) -> Option<&str> {
        let mut commands = self.commands.iter();
        commands
            .find(|(other, _)| *other == rel)
            .map(|(_, href)| &**href)
    }
}

impl Member {
    fn new(key: ParticipantKey) -> Self {
        Self {
            key,
            uri: None,
            name: None,
            role: None,
            anonymous: false,
            expected: false,
            seat: Seat::default(),
        }
    }

    pub(super) fn to_participant(&self) -> Participant {
        Participant {
            key: self.key,
            uri: self.uri.as_deref().map(str::to_owned),
            name: self.name.as_deref().map(str::to_owned),
            role: self.role,
            anonymous: self.anonymous,
            in_lobby: self.seat.in_lobby,
            capabilities: self.capabilities(),
        }
    }

    fn capabilities(&self) -> ParticipantCapabilities {
        ParticipantCapabilities {
            promote: self.takes(Action::Promote),
            demote: self.takes(Action::Demote),
            admit: self.takes(Action::Admit),
            reject: self.takes(Action::Reject),
        }
    }

    fn takes(&self, action: Action) -> bool {
        (self.seat.in_lobby || !action.is_of_lobby()) && self.seat.command(action.rel()).is_some()
    }

    /// The URI in the form for comparisons, if it is valid.
    fn sip_uri(&self) -> Option<SipUri> {
        self.uri.as_deref().and_then(|uri| SipUri::parse(uri).ok())
    }

    fn has_href(&self, href: &HrefKey) -> bool {
        let address = self.seat.address.as_ref();
        address.is_some_and(|address| address.key == *href)
    }

    /// Merges `facts` into the member. `true` if the member changed.
    fn merge(&mut self, facts: &ParticipantFacts<'_>) -> bool {
        let (role, anonymous) = (self.role, self.anonymous);
        let capabilities = self.capabilities();
        let mut changes = false;
        if let Some(uri) = facts.uri.filter(|_| self.uri.is_none()) {
            self.uri = Some(uri.into());
            changes = true;
        }
        // An empty name counts as unknown, and never replaces a known name.
        let name = facts
            .name
            .filter(|name| self.name.as_deref() != Some(*name));
        if let Some(name) = name {
            self.name = Some(name.into());
            changes = true;
        }
        self.role = facts.role.or(role);
        self.anonymous = facts.anonymous.unwrap_or(anonymous);
        if let Some(resource) = facts.resource {
            let link = |rel| Some((rel, resource.link_href(rel)?.to_owned()));
            self.seat.commands = COMMANDS.into_iter().filter_map(link).collect();
        }
        changes
            || (role, anonymous, capabilities) != (self.role, self.anonymous, self.capabilities())
    }

    /// Sets whether the participant waits in the lobby, if that is known. `true` if it changed.
    pub(super) fn set_in_lobby(&mut self, in_lobby: Option<bool>) -> bool {
        let in_lobby = in_lobby.unwrap_or(self.seat.in_lobby);
        std::mem::replace(&mut self.seat.in_lobby, in_lobby) != in_lobby
    }
}

impl Roster {
    /// Adds a participant who will be invited, and of whom only the URI is known.
    pub(super) fn expect(&mut self, key: ParticipantKey, uri: &str) {
        let known = self.position(None, Some(uri), false);
        let position = known.unwrap_or_else(|| self.push(Member::new(key)));
        self.change_identity(position, |member| {
            // The caller's key replaces the key of the session.
            member.key = key;
            member.uri = Some(uri.into());
            member.expected = true;
        });
    }

    /// Adds a member and returns its position.
    fn push(&mut self, member: Member) -> usize {
        // Most conversations have one participant, and many get no other.
        let more = self.members.len().div_ceil(4).max(1);
        if self.members.len() == self.members.capacity() {
            self.members.reserve_exact(more);
        }
        self.members.push(member);
        let position = self.members.len() - 1;
        self.index(position);
        position
    }

    /// Changes the key, the href or the URI of a member.
    fn change_identity(&mut self, position: usize, change: impl FnOnce(&mut Member)) {
        let Some(member) = self.members.get_mut(position) else {
            return;
        };
        self.keys.remove(&member.key, position);
        if let Some(address) = &member.seat.address {
            self.hrefs.remove(&address.key, position);
        }
        if let Some(uri) = member.sip_uri() {
            self.uris.remove(&uri, position);
        }
        change(member);
        self.index(position);
    }

    /// Adds a member to the indexes.
    fn index(&mut self, position: usize) {
        let Some(member) = self.members.get(position) else {
            return;
        };
        self.keys.insert(&member.key, position);
        if let Some(address) = &member.seat.address {
            self.hrefs.insert(&address.key, position);
        }
        if let Some(uri) = member.sip_uri() {
            self.uris.insert(&uri, position);
        }
    }

    /// Builds the indexes again, after the positions have changed.
    fn index_all(&mut self) {
        self.keys.clear();
        self.hrefs.clear();
        self.uris.clear();
        (0..self.members.len()).for_each(|position| self.index(position));
    }

    /// The first of these positions whose member is the wanted one.
    fn first(
        &self,
        positions: impl Iterator<Item = usize>,
        is_wanted: impl Fn(&Member) -> bool,
    ) -> Option<usize> {
        let is_wanted = |position: &usize| self.members.get(*position).is_some_and(&is_wanted);
        positions.filter(is_wanted).min()
    }

    fn position_of(&self, key: ParticipantKey) -> Option<usize> {
        self.first(self.keys.positions(&key), |member| member.key == key)
    }

    /// Finds a participant by href or by URI. With `adopt`, also finds the only participant, if that participant has no href
    /// yet.
    fn position(&self, href: Option<&HrefKey>, uri: Option<&str>, adopt: bool) -> Option<usize> {
        let by_href = href.and_then(|href| {
            let positions = self.hrefs.positions(href);
            self.first(positions, |member| member.has_href(href))
        });
        let by_uri = || {
            let wanted = SipUri::parse(uri?).ok()?;
            let is_wanted = |member: &Member| member.sip_uri().is_some_and(|uri| uri == wanted);
            self.first(self.uris.positions(&wanted), is_wanted)
        };
        let only = || match self.members.as_slice() {
            [only] if adopt && only.seat.address.is_none() && uri.is_none() => Some(0),
            _ => None,
        };
        by_href.or_else(by_uri).or_else(only)
    }

    pub(super) fn is_known(&self, href: &HrefKey, uri: Option<&str>, adopt: bool) -> bool {
        self.position(Some(href), uri, adopt).is_some()
    }

    pub(super) fn by_href(&mut self, href: &HrefKey) -> Option<&mut Member> {
        self.by_href_or_only(Some(href), false)
    }

    pub(super) fn by_href_or_only(
        &mut self,
        href: Option<&HrefKey>,
        adopt: bool,
    ) -> Option<&mut Member> {
        let position = self.position(href, None, adopt)?;
        self.members.get_mut(position)
    }

    pub(super) fn by_uri(&mut self, uri: &str) -> Option<&mut Member> {
        let position = self.position(None, Some(uri), false)?;
        self.members.get_mut(position)
    }

    pub(super) fn by_key(&mut self, key: ParticipantKey) -> Option<&mut Member> {
        let position = self.position_of(key)?;
        self.members.get_mut(position)
    }

    /// The participants that a message did not reach: by SIP URI, or as the server describes them.
    pub(super) fn failed(&self, core: &Core, message: &Resource<'_>) -> Vec<String> {
        let links = message.links("failedDeliveryParticipant");
        let participants = links.iter().map(|link| {
            let href = key_of(core, &link.href);
            let known = href.and_then(|href| self.position(Some(&href), None, false));
            let uri = known.and_then(|position| self.members.get(position)?.uri.as_deref());
            uri.or(link.title.as_deref())
                .unwrap_or(&link.href)
                .to_owned()
        });
        participants.collect()
    }

    /// Finds or adds a participant and merges `facts`. `true` if the participant changed.
    pub(super) fn merge(
        &mut self,
        core: &mut Core,
        address: Option<Address>,
        facts: &ParticipantFacts<'_>,
        adopt: bool,
    ) -> (&mut Member, bool) {
        let href = address.as_ref().map(|address| &address.key);
        let known = self.position(href, facts.uri, adopt);
        let Some(position) = known else {
            let mut member = Member::new(ParticipantKey::Remote(core.number()));
            member.seat.address = address;
            member.merge(facts);
            let position = self.push(member);
            #[expect(clippy::indexing_slicing, reason = "the member was pushed above")]
            return (&mut self.members[position], true);
        };
        let is_identified = |member: &Member| {
            let href = address.as_ref().map(|address| &address.key);
            href.is_some_and(|href| !member.has_href(href))
                || member.uri.is_none() && facts.uri.is_some()
        };
        let mut changes = false;
        if self.members.get(position).is_some_and(is_identified) {
            self.change_identity(position, |member| {
                member.seat.address = address.or(member.seat.address.take());
                changes |= member.merge(facts);
            });
        } else if let Some(member) = self.members.get_mut(position) {
            member.seat.address = address.or(member.seat.address.take());
            changes |= member.merge(facts);
        }
        #[expect(clippy::indexing_slicing, reason = "the position was found above")]
        (&mut self.members[position], changes)
    }

    /// Removes a participant known only by href who has the SIP URI of another participant.
    pub(super) fn remove_duplicate(&mut self, href: &HrefKey, uri: &str) -> Option<Member> {
        let met = self.position(Some(href), None, false)?;
        let known = self.position(None, Some(uri), false)?;
        let is_duplicate = met != known && self.members.get(met)?.uri.is_none();
        let duplicate = is_duplicate.then(|| self.members.remove(met))?;
        self.index_all();
        Some(duplicate)
    }

    /// Moves the seat of a removed duplicate to the participant with this URI, unless that participant has joined.
    pub(super) fn move_seat(&mut self, uri: &str, duplicate: &mut Member) -> Option<&Member> {
        let position = self.position(None, Some(uri), false)?;
        self.members.get(position).filter(|it| !it.seat.joined)?;
        self.change_identity(position, |member| {
            let ejecting = std::mem::take(&mut member.seat.ejecting);
            member.expected = false;
            member.seat = std::mem::take(&mut duplicate.seat);
            member.seat.ejecting.extend(ejecting);
        });
        self.members.get(position)
    }

    /// The participants to invite when the conversation starts.
    pub(super) fn expected(&self) -> Vec<(ParticipantKey, String)> {
        let expected = self.members.iter().filter(|member| member.expected);
        expected
            .filter_map(|member| Some((member.key, member.uri.as_deref()?.to_owned())))
            .collect()
    }

    /// Whether a participant has a SIP URI or an href, with which later events can name the participant.
    pub(super) fn is_identified(&self, key: ParticipantKey) -> bool {
        let member = self.position_of(key).and_then(|it| self.members.get(it));
        member.is_some_and(|it| it.uri.is_some() || it.seat.address.is_some())
    }

    /// Whether there is a participant with a URI and without an href.
    pub(super) fn awaits_href(&self) -> bool {
        let mut members = self.members.iter();
        members.any(|member| member.seat.address.is_none() && member.uri.is_some())
    }

    pub(super) fn remove(&mut self, key: ParticipantKey) {
        self.members.retain(|member| member.key != key);
        self.index_all();
    }

    pub(super) fn has_several(&self) -> bool {
        self.members.len() > 1
    }

    pub(super) fn expect_all(&mut self) {
        for member in &mut self.members {
            member.expected = true;
        }
    }

    /// Marks the participant with this URI as invited by the conversation's own invitation.
    pub(super) fn is_invited(&mut self, uri: Option<&str>) {
        if let Some(member) = uri.and_then(|uri| self.by_uri(uri)) {
            member.expected = false;
        }
    }

    /// The number of operations that wait for a participant.
    pub(super) fn awaited(&self) -> usize {
        let seats = self.members.iter().map(|member| &member.seat);
        seats
            .map(|seat| seat.ejecting.len() + seat.moderating.len())
            .sum()
    }

    pub(super) fn has_joined(&self) -> bool {
        self.members.iter().any(|member| member.seat.joined)
    }

    pub(super) fn get(&self, key: ParticipantKey) -> Option<Participant> {
        let member = self.position_of(key).and_then(|it| self.members.get(it));
        member.map(Member::to_participant)
    }

    /// The remote participant, if there is exactly one.
    pub(super) fn only(&self) -> Option<Participant> {
        match self.members.as_slice() {
            [only] => Some(only.to_participant()),
            _ => None,
        }
    }

    /// Ends the life of the conversation: keeps the participants, and returns their seats.
    pub(super) fn end_life(&mut self) -> Vec<Seat> {
        self.arriving.clear();
        self.hrefs.clear();
        let members = self.members.iter_mut();
        members
            .map(|member| std::mem::take(&mut member.seat))
            .collect()
    }

    /// The participants with pending actions.
    pub(super) fn commanded(&self) -> Vec<(ParticipantKey, Vec<Action>)> {
        let members = self.members.iter().filter(|member| {
            !member.seat.ejecting.is_empty() || !member.seat.moderating.is_empty()
        });
        let actions = |seat: &Seat| seat.moderating.iter().map(|(action, _)| *action).collect();
        members
            .map(|member| (member.key, actions(&member.seat)))
            .collect()
    }

    /// Removes the hrefs of all participants, because the conversation has another href.
    pub(super) fn move_hrefs(&mut self) {
        self.arriving.clear();
        self.hrefs.clear();
        for member in &mut self.members {
            member.seat.address = None;
            member.seat.commands = Box::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::config::{Root, SessionConfig};

    /// A core with an application.
    fn core() -> Core {
        let root = Root::Url("https://pool.contoso.com/".to_owned());
        let mut core = Core::new(SessionConfig::new(root, 1, SystemTime::UNIX_EPOCH));
        core.base = ucwa_proto::Origin::of("https://pool.contoso.com/").ok();
        core
    }

    fn merge(roster: &mut Roster, core: &mut Core, href: &str, uri: &str) -> ParticipantKey {
        let address = Address::of(core, href);
        let facts = ParticipantFacts {
            uri: Some(uri).filter(|uri| !uri.is_empty()),
            ..ParticipantFacts::default()
        };
        roster.merge(core, address, &facts, false).0.key
    }

    /// Compares the searches by the indexes with scans of the members.
    fn assert_indexes_match(roster: &mut Roster) {
        for position in 0..roster.members.len() {
            let member = &roster.members[position];
            let (key, uri) = (member.key, member.uri.clone());
            let href = member.seat.address.as_ref().map(|it| it.key.clone());
            assert_eq!(roster.by_key(key).unwrap().key, key);
            if let Some(href) = href {
                assert_eq!(roster.by_href(&href).unwrap().key, key);
            }
            if let Some(uri) = uri {
                let shouted = uri.to_uppercase();
                assert_eq!(roster.by_uri(&shouted).unwrap().key, key);
            }
        }
        assert!(roster.keys.len() == roster.members.len());
    }

    #[test]
    fn members_are_found_after_every_change_of_their_identity() {
        let (mut core, mut roster) = (core(), Roster::default());
        let uri = |number: u64| format!("sip:guest{number}@contoso.com");
        let href = |number: u64| format!("/Participants/{number}");
        for number in 0..50 {
            roster.expect(ParticipantKey::Local(number), &uri(number));
        }
        roster.expect(ParticipantKey::Local(100), &uri(7).to_uppercase());
        assert!(roster.by_key(ParticipantKey::Local(7)).is_none());
        assert_indexes_match(&mut roster);
        for number in 25..75 {
            merge(&mut roster, &mut core, &href(number), &uri(number));
        }
        assert_eq!(roster.members.len(), 75);
        // A participant gets another href.
        merge(&mut roster, &mut core, &href(200), &uri(30));
        let former = key_of(&core, &href(30)).unwrap();
        assert!(roster.by_href(&former).is_none());
        assert_indexes_match(&mut roster);
        // A participant who was known by href alone has the URI of another.
        merge(&mut roster, &mut core, &href(300), "");
        let met = key_of(&core, &href(300)).unwrap();
        let mut duplicate = roster.remove_duplicate(&met, &uri(1)).unwrap();
        assert_indexes_match(&mut roster);
        let known = roster.move_seat(&uri(1), &mut duplicate).unwrap().key;
        assert_eq!(roster.by_href(&met).unwrap().key, known);
        assert_indexes_match(&mut roster);
        roster.remove(ParticipantKey::Local(3));
        assert!(roster.by_uri(&uri(3)).is_none());
        assert_indexes_match(&mut roster);
        roster.move_hrefs();
        assert!(roster.by_href(&met).is_none());
        merge(&mut roster, &mut core, &href(300), &uri(20));
        assert_eq!(roster.by_href(&met).unwrap().key, ParticipantKey::Local(20));
        roster.end_life();
        assert!(roster.by_href(&met).is_none());
        assert_indexes_match(&mut roster);
    }
}
