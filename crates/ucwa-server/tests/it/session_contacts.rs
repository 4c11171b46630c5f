//! Sessions of the client at the engine: two endpoints of a user read, follow and change the contact list.

use std::collections::BTreeMap;
use std::time::Duration;

use ucwa_session::{
    ContactGroup, ContactList, ContactListChange, ContactsOperation, Credentials, Failure,
    FailureKind, GroupKey, GroupKind, Input, Interest, MeChange, Operation, Outcome, Output,
    PersonFact, PersonStatus, PhotoResult, PrivacyLevel, RequestId, Root, Session, SessionConfig,
    SessionEvent, Ticket,
};

use crate::contact_list::{add_contacts, world};
use crate::harness::{ALEX, JOE, LENE, PASSWORD, TOSH, World, seconds};

/// The contact list as the events of a session report it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    contacts: Vec<String>,
    groups: BTreeMap<GroupKey, ContactGroup>,
    members: BTreeMap<GroupKey, Vec<String>>,
    statuses: BTreeMap<String, PersonStatus>,
    levels: BTreeMap<String, Option<PrivacyLevel>>,
}

impl Shown {
    fn apply(&mut self, event: SessionEvent) {
        use ContactListChange as Change;
        match event {
            SessionEvent::ContactList(change) => match change {
                Change::Contacts(contacts) => self.contacts = contacts,
                Change::ContactAdded(contact) => add(&mut self.contacts, contact),
                Change::ContactRemoved(contact) => self.contacts.retain(|it| *it != contact),
                Change::Groups(groups) => {
                    let groups = groups.into_iter().map(|group| (group.key.clone(), group));
                    self.groups = groups.collect();
                }
                Change::Group(group) => drop(self.groups.insert(group.key.clone(), group)),
                Change::GroupRemoved(key) => {
                    self.groups.remove(&key);
                    self.members.remove(&key);
                }
                Change::Members {
                    group, contacts, ..
                } => drop(self.members.insert(group, contacts)),
                Change::MemberAdded { group, contact, .. } => {
                    if let Some(members) = self.members.get_mut(&group) {
                        add(members, contact);
                    }
                }
                Change::MemberRemoved { group, contact, .. } => {
                    if let Some(members) = self.members.get_mut(&group) {
                        members.retain(|it| *it != contact);
                    }
                }
                _ => {}
            },
            SessionEvent::Person { uri, fact, .. } => match fact {
                PersonFact::Status(status) => drop(self.statuses.insert(uri, status)),
                PersonFact::RelationshipLevel(level) => drop(self.levels.insert(uri, level)),
                _ => {}
            },
            _ => {}
        }
    }

    fn group(&self, kind: GroupKind, name: &str) -> Option<GroupKey> {
        let mut groups = self.groups.values();
        let found = groups.find(|it| it.kind == kind && it.name.as_deref() == Some(name));
        found.map(|group| group.key.clone())
    }
}

/// Adds an item. The session may report the same addition twice.
fn add(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

struct Endpoint {
    session: Session,
    /// The requests in flight, by their ID at the engine.
    in_flight: BTreeMap<ucwa_server::RequestId, RequestId>,
    /// The requests that were sent so far: the method, and the path with the query.
    sent: Vec<String>,
    wake_at: Option<Duration>,
    results: BTreeMap<Ticket, Result<Outcome, Failure>>,
    shown: Shown,
}

/// The engine, and sessions that are connected to it.
struct Sessions {
    world: World,
    endpoints: Vec<Endpoint>,
    tickets: u64,
}

impl Sessions {
    fn new() -> Self {
        Self {
            world: world(),
            endpoints: Vec::new(),
            tickets: 0,
        }
    }

    /// Signs in, and returns the position of the endpoint.
    fn sign_in(&mut self, user: &str) -> usize {
        let position = self.endpoints.len();
        let root = Root::Url("https://lyncweb.contoso.com/".to_owned());
        let config = SessionConfig::new(root, position as u64, std::time::UNIX_EPOCH);
        self.endpoints.push(Endpoint {
            session: Session::new(config),
            in_flight: BTreeMap::new(),
            sent: Vec::new(),
            wake_at: None,
            results: BTreeMap::new(),
            shown: Shown::default(),
        });
        let credentials = Credentials::Password {
            sip_uri: user.to_owned(),
            user_name: None,
            password: PASSWORD.to_owned().into(),
        };
        self.done(position, Operation::SignIn(credentials));
        position
    }

    /// Submits an operation, and returns the result after one second.
    fn submit(&mut self, position: usize, operation: Operation) -> Result<Outcome, Failure> {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let now = self.world.now;
        self.endpoints[position]
            .session
            .submit(now, ticket, operation);
        self.pass(seconds(1));
        let result = self.endpoints[position].results.remove(&ticket);
        result.expect("a result within a second")
    }

    fn done(&mut self, position: usize, operation: Operation) {
        let result = self.submit(position, operation);
        assert!(matches!(result, Ok(Outcome::Done)), "{result:?}");
    }

    fn change(&mut self, position: usize, operation: ContactsOperation) {
        self.done(position, Operation::Contacts(operation));
    }

    fn pass(&mut self, time: Duration) {
        let end = self.world.now + time;
        loop {
            self.exchange();
            if self.world.now >= end {
                return;
            }
            self.world.pass(Duration::from_millis(100));
            let now = self.world.now;
            for endpoint in &mut self.endpoints {
                if endpoint.wake_at.is_some_and(|at| at <= now) {
                    endpoint.session.handle(now, Input::Timeout);
                }
            }
        }
    }

    /// Carries requests and responses until no session has another request.
    fn exchange(&mut self) {
        loop {
            for endpoint in &mut self.endpoints {
                endpoint.drain(&mut self.world);
            }
            let mut is_quiet = true;
            for endpoint in &mut self.endpoints {
                let ids: Vec<_> = endpoint.in_flight.keys().copied().collect();
                for id in ids {
                    if let Some(response) = self.world.reply(id) {
                        let id = endpoint.in_flight.remove(&id).unwrap();
                        let result = Ok(response);
                        let input = Input::Response { id, result };
                        endpoint.session.handle(self.world.now, input);
                        endpoint.drain(&mut self.world);
                        is_quiet = false;
                    }
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    fn shown(&self, position: usize) -> &Shown {
        &self.endpoints[position].shown
    }

    /// The members of a group at the first two endpoints, which must agree.
    fn members(&self, kind: GroupKind, name: &str) -> Vec<String> {
        let members: Vec<_> = self
            .endpoints
            .iter()
            .take(2)
            .map(|endpoint| {
                let key = endpoint.shown.group(kind, name).expect("the group");
                endpoint
                    .shown
                    .members
                    .get(&key)
                    .cloned()
                    .unwrap_or_default()
            })
            .collect();
        assert_eq!(members[0], members[1], "{name}");
        members[0].clone()
    }

    /// The number of requests of an endpoint that contain this text.
    fn sent(&self, position: usize, part: &str) -> usize {
        let sent = self.endpoints[position].sent.iter();
        sent.filter(|line| line.contains(part)).count()
    }
}

impl Endpoint {
    fn drain(&mut self, world: &mut World) {
        loop {
            match self.session.poll_output() {
                Output::Send { id, request, .. } => {
                    let target = request.uri().path_and_query().unwrap();
                    self.sent.push(format!("{} {target}", request.method()));
                    let at_engine = world.send(request);
                    self.in_flight.insert(at_engine, id);
                }
                Output::Abort(id) => {
                    let aborted = self.in_flight.iter().find(|(_, own)| **own == id);
                    if let Some(at_engine) = aborted.map(|(at_engine, _)| *at_engine) {
                        self.in_flight.remove(&at_engine);
                        world.disconnect(at_engine);
                    }
                }
                Output::Event(event) => self.shown.apply(event),
                Output::Completed { ticket, result, .. } => {
                    self.results.insert(ticket, result);
                }
                Output::Idle { wake_at, .. } => {
                    self.wake_at = wake_at;
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn sip(address: &str) -> String {
    format!("sip:{address}")
}

/// Two endpoints of Tosh, which follow the contact list and two groups.
fn two_endpoints() -> Sessions {
    let mut sessions = Sessions::new();
    for _ in 0..2 {
        let position = sessions.sign_in(TOSH);
        for list in [ContactList::Contacts, ContactList::Groups] {
            sessions.change(position, ContactsOperation::follow(list, Interest::Live));
        }
        follow_members(&mut sessions, position, GroupKind::Custom, "Team");
        follow_members(&mut sessions, position, GroupKind::Others, "Other Contacts");
    }
    sessions
}

fn follow_members(sessions: &mut Sessions, position: usize, kind: GroupKind, name: &str) {
    let key = sessions
        .shown(position)
        .group(kind, name)
        .expect("the group");
    let list = ContactList::Members(key);
    sessions.change(position, ContactsOperation::follow(list, Interest::Live));
}

#[test]
fn a_session_shows_the_list_of_the_server() {
    let mut sessions = two_endpoints();
    let shown = sessions.shown(0);
    assert_eq!(shown.contacts, [sip(LENE), sip(ALEX)]);
    let groups = shown.groups.values();
    let mut groups: Vec<_> = groups.map(|it| (it.kind, it.name.clone())).collect();
    groups.retain(|(kind, _)| *kind != GroupKind::PrivacyRelationship);
    let named = |kind, name: &str| (kind, Some(name.to_owned()));
    for expected in [
        named(GroupKind::Favorites, "Pinned Contacts"),
        named(GroupKind::Custom, "Team"),
        named(GroupKind::Distribution, "Sales"),
        named(GroupKind::Others, "Other Contacts"),
    ] {
        assert!(groups.contains(&expected), "{groups:?}");
    }
    assert_eq!(groups.len(), 4);
    assert_eq!(shown.groups.len(), 9, "the five privacy levels are groups");
    assert_eq!(sessions.members(GroupKind::Custom, "Team"), [sip(ALEX)]);

    let key = sessions
        .shown(0)
        .group(GroupKind::Distribution, "Sales")
        .unwrap();
    let members = ContactList::Members(key.clone());
    sessions.change(0, ContactsOperation::Read(members));
    assert_eq!(sessions.shown(0).members[&key], [sip(LENE)]);
    let level = GroupKey::Level(PrivacyLevel::Colleagues);
    let members = ContactList::Members(level.clone());
    sessions.change(0, ContactsOperation::Read(members));
    assert_eq!(sessions.shown(0).members[&level], [sip(LENE), sip(ALEX)]);
    sessions.change(0, ContactsOperation::Read(ContactList::Memberships));
}

#[test]
fn the_changes_of_one_endpoint_reach_the_other_by_events() {
    let mut sessions = two_endpoints();
    let crew = || "Crew".to_owned();
    sessions.change(0, ContactsOperation::add_group(crew()));
    for position in 0..2 {
        follow_members(&mut sessions, position, GroupKind::Custom, "Crew");
    }
    let key = sessions.shown(0).group(GroupKind::Custom, "Crew").unwrap();
    let team = sessions.shown(0).group(GroupKind::Custom, "Team").unwrap();

    // Adds a new contact to the list, and then to a group.
    sessions.change(0, ContactsOperation::add_contact(sip(JOE), None));
    assert_eq!(
        sessions.members(GroupKind::Others, "Other Contacts"),
        [sip(LENE), sip(JOE)]
    );
    sessions.change(
        1,
        ContactsOperation::add_contact(sip(JOE), Some(key.clone())),
    );
    assert_eq!(sessions.members(GroupKind::Custom, "Crew"), [sip(JOE)]);
    assert_eq!(
        sessions.members(GroupKind::Others, "Other Contacts"),
        [sip(LENE)]
    );
    let again = ContactsOperation::add_contact(sip(JOE), Some(key.clone()));
    let again = sessions.submit(0, Operation::Contacts(again));
    assert_eq!(again.unwrap_err().subcode(), Some("AlreadyExists"));

    let move_alex = ContactsOperation::move_contact(sip(ALEX), team.clone(), key.clone());
    sessions.change(0, move_alex);
    assert_eq!(sessions.members(GroupKind::Custom, "Team"), [""; 0]);
    assert_eq!(
        sessions.members(GroupKind::Custom, "Crew"),
        [sip(JOE), sip(ALEX)]
    );

    let named = [("Crew 2", 0), ("Crew 3", 1), ("Crew", 0)];
    for (name, position) in named {
        let rename = ContactsOperation::rename_group(key.clone(), name.to_owned());
        sessions.change(position, rename);
        for position in 0..2 {
            let shown = sessions.shown(position).group(GroupKind::Custom, name);
            assert_eq!(shown.as_ref(), Some(&key), "{name}");
        }
    }

    sessions.change(
        1,
        ContactsOperation::remove_contact(sip(JOE), Some(key.clone())),
    );
    assert_eq!(sessions.members(GroupKind::Custom, "Crew"), [sip(ALEX)]);
    assert_eq!(
        sessions.members(GroupKind::Others, "Other Contacts"),
        [sip(LENE), sip(JOE)]
    );
    sessions.change(0, ContactsOperation::remove_contact(sip(JOE), None));
    sessions.change(0, ContactsOperation::remove_contact(sip(JOE), None));
    assert_eq!(
        sessions.members(GroupKind::Others, "Other Contacts"),
        [sip(LENE)]
    );

    sessions.change(0, ContactsOperation::RemoveGroup(key.clone()));
    let sales = sessions
        .shown(0)
        .group(GroupKind::Distribution, "Sales")
        .unwrap();
    sessions.change(1, ContactsOperation::RemoveGroup(sales));
    for position in 0..2 {
        let shown = sessions.shown(position);
        assert_eq!(shown.contacts, [sip(LENE), sip(ALEX)], "{position}");
        assert_eq!(shown.group(GroupKind::Custom, "Crew"), None);
        assert_eq!(shown.group(GroupKind::Distribution, "Sales"), None);
    }
    assert_eq!(
        sessions.members(GroupKind::Others, "Other Contacts"),
        [sip(LENE), sip(ALEX)]
    );
    // A read shows the same list as the events.
    let before = sessions.shown(1).clone();
    for list in [ContactList::Contacts, ContactList::Groups] {
        sessions.change(1, ContactsOperation::Read(list));
    }
    assert_eq!(*sessions.shown(1), before);
}

#[test]
fn the_subscription_to_the_list_lasts_for_hours() {
    let mut sessions = two_endpoints();
    sessions.pass(seconds(2 * 3600));
    assert!(sessions.sent(1, "startOrRefresh") <= 6);
    sessions.change(0, ContactsOperation::add_group("Crew".to_owned()));
    assert!(sessions.shown(1).group(GroupKind::Custom, "Crew").is_some());
}

#[test]
fn following_the_presence_of_a_group_takes_one_request() {
    let mut sessions = two_endpoints();
    let team = sessions.shown(0).group(GroupKind::Custom, "Team").unwrap();
    sessions.change(0, ContactsOperation::follow_presence(team.clone(), true));
    assert_eq!(
        sessions.shown(0).statuses[&sip(ALEX)],
        PersonStatus::Offline
    );
    let alex = sessions.sign_in(ALEX);
    let available = Operation::SetMe(MeChange::Status(PersonStatus::Busy));
    sessions.done(alex, available);
    sessions.pass(seconds(5));
    assert_eq!(sessions.shown(0).statuses[&sip(ALEX)], PersonStatus::Busy);
    assert_eq!(sessions.sent(0, "presenceSubscriptions"), 1);

    // The session also follows a member that is added later.
    sessions.change(
        1,
        ContactsOperation::add_contact(sip(JOE), Some(team.clone())),
    );
    sessions.pass(seconds(5));
    assert_eq!(sessions.shown(0).statuses[&sip(JOE)], PersonStatus::Offline);
    sessions.pass(seconds(3600));
    sessions.done(
        alex,
        Operation::SetMe(MeChange::Status(PersonStatus::Online)),
    );
    sessions.pass(seconds(5));
    assert_eq!(sessions.shown(0).statuses[&sip(ALEX)], PersonStatus::Online);

    sessions.change(0, ContactsOperation::follow_presence(team, false));
    assert_eq!(sessions.sent(0, "DELETE"), 1);
}

#[test]
fn the_privacy_level_of_a_contact_is_set_and_reset() {
    let mut sessions = two_endpoints();
    let level = |level| ContactsOperation::set_privacy_level(sip(ALEX), level);
    sessions.change(0, level(Some(PrivacyLevel::FriendsAndFamily)));
    let of_alex = |sessions: &Sessions| sessions.shown(0).levels.get(&sip(ALEX)).copied();
    assert_eq!(
        of_alex(&sessions),
        Some(Some(PrivacyLevel::FriendsAndFamily))
    );
    sessions.change(1, level(Some(PrivacyLevel::Blocked)));
    sessions.change(0, level(None));
    assert_eq!(of_alex(&sessions), Some(Some(PrivacyLevel::Colleagues)));
    let own = ContactsOperation::set_privacy_level(sip(TOSH), Some(PrivacyLevel::Blocked));
    let own = sessions.submit(0, Operation::Contacts(own)).unwrap_err();
    assert_eq!(own.kind(), &FailureKind::InvalidArgument);
}

#[test]
fn the_photo_and_the_distribution_groups_of_the_server_are_found() {
    let mut config = World::config();
    add_contacts(&mut config);
    config.users[1].photo = Some(ucwa_server::Photo::new("image/jpeg", "an image"));
    let mut sessions = Sessions::new();
    sessions.world = World::of(config);
    let tosh = sessions.sign_in(TOSH);
    let fetch = |address, etag| ContactsOperation::fetch_photo(sip(address), None, etag);
    let mut photo = |operation| match sessions.submit(tosh, Operation::Contacts(operation)) {
        Ok(Outcome::Photo(photo)) => photo,
        other => panic!("{other:?}"),
    };
    let PhotoResult::Found(found) = photo(fetch(LENE, None)) else {
        panic!("a photo");
    };
    assert_eq!(found.image.as_ref(), b"an image");
    assert_eq!(photo(fetch(LENE, found.etag)), PhotoResult::NotModified);
    assert_eq!(photo(fetch(ALEX, None)), PhotoResult::None);

    let search = ContactsOperation::search_groups("west".to_owned(), 10);
    let found = sessions.submit(tosh, Operation::Contacts(search));
    let Ok(Outcome::Groups { groups, more, .. }) = found else {
        panic!("{found:?}");
    };
    assert_eq!((groups.len(), more), (1, false));
    let uri = groups[0].uri.clone().unwrap();
    let list = ContactsOperation::add_distribution_group("West".to_owned(), uri);
    sessions.change(tosh, list);
    sessions.change(tosh, ContactsOperation::Read(ContactList::Groups));
    assert!(
        sessions
            .shown(tosh)
            .group(GroupKind::Distribution, "West")
            .is_some()
    );
    let phones = sessions.submit(tosh, Operation::Contacts(ContactsOperation::FetchPhones));
    assert_eq!(phones.unwrap_err().kind(), &FailureKind::NotSupported);
}
