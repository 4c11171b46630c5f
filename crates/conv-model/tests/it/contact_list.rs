//! The contact list: its persons, its groups, and the facts about them.

use std::sync::Arc;
use std::time::Duration;

use conv_model::{
    ContactListFact, Fact, Group, GroupFact, GroupKey, GroupType, Person, PersonFact, PrivacyLevel,
    RemoteCollection,
};

use crate::support::{TestModel, Timeline, now};

pub const LENE: &str = "sip:lenea@contoso.com";
pub const SARA: &str = "sip:sarad@contoso.com";
pub const ALEX: &str = "sip:alexd@contoso.com";

pub fn key(id: &str) -> GroupKey {
    GroupKey::Id(id.to_owned())
}

/// A group of the contact list: its type, ID and name.
pub fn group(group_type: GroupType, id: &str, name: &str) -> GroupFact {
    GroupFact::new(key(id), group_type).named(name)
}

pub fn team() -> GroupFact {
    group(GroupType::Custom, "t", "Team")
}

pub fn sales() -> GroupFact {
    let mut sales = group(GroupType::Distribution, "dg", "Sales");
    sales.uri = Some("sip:sales@contoso.com".to_owned());
    sales
}

pub fn level(level: PrivacyLevel) -> GroupFact {
    GroupFact::new(GroupKey::Level(level), GroupType::PrivacyRelationship)
}

/// The groups of a contact list in another order than that of the model.
pub fn groups() -> Vec<GroupFact> {
    vec![
        level(PrivacyLevel::Blocked),
        level(PrivacyLevel::Colleagues),
        group(GroupType::Others, "o", "Other Contacts"),
        sales(),
        team(),
        group(GroupType::Favorites, "p", "Pinned Contacts"),
    ]
}

pub fn all(model: &TestModel) -> Group {
    model.application.persons_and_groups_manager().all()
}

pub fn commit(model: &TestModel, facts: impl IntoIterator<Item = ContactListFact>) {
    model.commit(facts.into_iter().map(Fact::ContactList));
}

pub fn strings(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|&it| it.to_owned()).collect()
}

/// A model whose contact list is followed: Lene and Sara, and six groups.
pub fn with_contacts() -> TestModel {
    let model = TestModel::new();
    let root = all(&model);
    root.persons().subscribe().detach();
    root.groups().subscribe().detach();
    commit(
        &model,
        [
            ContactListFact::Writable(true),
            ContactListFact::Contacts(strings(&[LENE, SARA])),
            ContactListFact::Groups(groups()),
        ],
    );
    model.backend.take();
    model
}

/// The group of the contact list with this name.
pub fn named(model: &TestModel, name: &str) -> Group {
    let groups = all(model).groups().snapshot();
    let mut groups = groups.into_iter();
    groups
        .find(|group| group.name().get().as_deref() == Some(name))
        .unwrap()
}

pub fn level_group(model: &TestModel, level: PrivacyLevel) -> Group {
    let groups = all(model).groups().snapshot();
    let mut groups = groups.into_iter();
    groups
        .find(|group| group.relationship_level() == Some(level))
        .unwrap()
}

pub fn addresses(persons: &RemoteCollection<Person>) -> Vec<String> {
    persons.snapshot().iter().map(|it| it.id().get()).collect()
}

pub fn names(groups: &RemoteCollection<Group>) -> Vec<String> {
    let groups = groups.snapshot();
    groups
        .iter()
        .map(|group| group.name().get().unwrap_or_default())
        .collect()
}

fn person(model: &TestModel, address: &str) -> Person {
    let manager = model.application.persons_and_groups_manager();
    manager.get_person(address).unwrap()
}

#[test]
fn nothing_is_loaded_before_it_is_fetched_or_followed() {
    let model = TestModel::new();
    let root = all(&model);
    let persons = root.persons();
    let _listeners = (
        persons.added(|_, _, _| panic!("no person was loaded")),
        root.groups().added(|_, _, _| panic!("no group was loaded")),
    );
    assert!(model.backend.take().is_empty());
    commit(
        &model,
        [
            ContactListFact::Contacts(strings(&[LENE])),
            ContactListFact::ContactAdded(SARA.to_owned()),
            ContactListFact::Group(team()),
        ],
    );
    assert_eq!(persons.size().get(), 0);
    assert_eq!(root.group_type(), GroupType::Root);
    assert_eq!((root.id().get(), root.name().get()), (None, None));
}

#[test]
fn a_fetch_resolves_with_the_items_that_the_facts_reported() {
    let model = TestModel::new();
    let root = all(&model);
    let fetch = root.persons().fetch();
    // The scripted backend has completed the request, without a fact.
    assert!(now(fetch).unwrap().is_empty());
    commit(
        &model,
        [ContactListFact::Contacts(strings(&[LENE, "", LENE]))],
    );
    let persons = now(root.persons().fetch()).unwrap();
    assert_eq!(persons, [person(&model, LENE)]);
    let groups = now(root.groups().fetch()).unwrap();
    assert!(groups.is_empty());
    assert_eq!(
        model.backend.take(),
        [
            "FetchList(Contacts)",
            "FetchList(Contacts)",
            "FetchList(Groups)"
        ]
    );
}

#[test]
fn subscriptions_to_a_list_are_counted_and_only_the_first_and_the_last_are_requested() {
    let model = TestModel::new();
    let root = all(&model);
    let first = root.persons().subscribe();
    let second = root.persons().clone().subscribe();
    drop(first);
    drop(second);
    assert_eq!(
        model.backend.take(),
        ["FollowList(Contacts, Live)", "FollowList(Contacts, None)"]
    );
}

#[test]
fn a_list_is_polled_at_the_shortest_interval_while_no_subscription_follows_it() {
    let model = with_contacts();
    let blocked = (all(&model).groups().snapshot().into_iter())
        .find(|it| it.relationship_level() == Some(PrivacyLevel::Blocked))
        .unwrap();
    model.backend.take();
    let persons = blocked.persons();
    let request =
        |interest: &str| [format!("FollowList(Members(Level(Blocked)), {interest})")].to_vec();
    let slow = persons.subscribe_every(Duration::from_secs(60));
    assert_eq!(model.backend.take(), request("Every(60s)"));
    let quick = persons.subscribe_every(Duration::from_secs(9));
    assert_eq!(model.backend.take(), request("Every(9s)"));
    let live = persons.subscribe();
    assert_eq!(model.backend.take(), request("Live"));
    drop(quick);
    assert!(model.backend.take().is_empty());
    drop(live);
    assert_eq!(model.backend.take(), request("Every(60s)"));
    drop(slow);
    assert_eq!(model.backend.take(), request("None"));
}

#[test]
fn the_contacts_change_one_by_one_and_each_listener_sees_every_change() {
    let model = with_contacts();
    let persons = all(&model).persons();
    let timeline = Timeline::default();
    let (added, removed) = (timeline.clone(), timeline.clone());
    let _listeners = (
        persons.added(move |person, _, index| {
            added.push(format!("+{} {index}", person.id().get()));
        }),
        persons.removed(move |person, _, index| {
            removed.push(format!("-{} {index}", person.display_name().get()));
        }),
    );
    timeline.take();
    model.commit([
        Fact::person(LENE, PersonFact::DisplayName("Lene Aaling".to_owned())),
        Fact::ContactList(ContactListFact::ContactAdded(ALEX.to_owned())),
        // The facts about known items change nothing.
        Fact::ContactList(ContactListFact::ContactAdded(LENE.to_uppercase())),
        Fact::ContactList(ContactListFact::ContactRemoved(LENE.to_owned())),
        Fact::ContactList(ContactListFact::ContactRemoved(LENE.to_owned())),
    ]);
    assert_eq!(
        timeline.take(),
        [format!("+{ALEX} 2"), "-Lene Aaling 0".to_owned()]
    );
    // A list that is read again is compared with the known one.
    commit(&model, [ContactListFact::Contacts(strings(&[LENE, ALEX]))]);
    assert_eq!(
        timeline.take(),
        [format!("-{SARA} 0"), format!("+{LENE} 1")]
    );
    assert_eq!(addresses(&persons), [ALEX, LENE]);
}

#[test]
fn groups_are_ordered_by_type_and_a_new_group_is_the_last_of_its_type() {
    let model = with_contacts();
    let groups = all(&model).groups();
    assert_eq!(
        names(&groups),
        ["Pinned Contacts", "Team", "Sales", "Other Contacts", "", ""]
    );
    let levels: Vec<_> = groups
        .snapshot()
        .iter()
        .filter_map(Group::relationship_level)
        .collect();
    assert_eq!(levels, [PrivacyLevel::Blocked, PrivacyLevel::Colleagues]);
    let crew = group(GroupType::Custom, "T", "Crew");
    commit(&model, [ContactListFact::Group(crew)]);
    assert_eq!(names(&groups)[1..4], ["Team", "Crew", "Sales"]);
    assert_eq!(
        named(&model, "Sales").uri().get().as_deref(),
        Some("sip:sales@contoso.com")
    );
    assert_eq!(
        named(&model, "Crew").id().get().as_deref(),
        Some("T"),
        "IDs that differ in case are two groups"
    );
    assert_eq!(level_group(&model, PrivacyLevel::Blocked).id().get(), None);
}

#[test]
fn a_renamed_group_is_the_same_object_and_a_new_id_is_another_one() {
    let model = with_contacts();
    let team = named(&model, "Team");
    commit(
        &model,
        [ContactListFact::Group(group(
            GroupType::Custom,
            "t",
            "Crew",
        ))],
    );
    assert_eq!(named(&model, "Crew"), team);
    commit(
        &model,
        [
            ContactListFact::Group(group(GroupType::Custom, "t2", "Band")),
            ContactListFact::GroupRemoved(key("t")),
        ],
    );
    assert_ne!(named(&model, "Band"), team);
    assert_eq!(
        team.name().get().as_deref(),
        Some("Crew"),
        "a removed group keeps its values"
    );
    assert_eq!(names(&all(&model).groups())[1..3], ["Band", "Sales"]);
}

#[test]
fn the_members_of_a_group_are_kept_if_the_application_asked_for_them() {
    let model = with_contacts();
    let (team, pinned) = (named(&model, "Team"), named(&model, "Pinned Contacts"));
    let following = team.persons().subscribe();
    let members = |id: &str| ContactListFact::members(key(id), strings(&[LENE, SARA]), vec![]);
    commit(
        &model,
        [
            members("t"),
            members("p"),
            ContactListFact::member_added(key("t"), ALEX),
            ContactListFact::member_added(key("p"), ALEX),
            ContactListFact::member_removed(key("t"), SARA),
            ContactListFact::member_removed(key("unknown"), SARA),
        ],
    );
    assert_eq!(addresses(&team.persons()), [LENE, ALEX]);
    assert_eq!(pinned.persons().size().get(), 0);
    assert_eq!(
        addresses(&all(&model).persons()),
        [LENE, SARA],
        "a member of a group is a contact when the server says so"
    );
    drop(following);
    let of_team = |interest| format!("FollowList(Members(Id(\"t\")), {interest})");
    assert_eq!(model.backend.take(), [of_team("Live"), of_team("None")]);
}

#[test]
fn distribution_groups_may_be_nested_and_cyclic() {
    let model = with_contacts();
    let sales = named(&model, "Sales");
    let (persons, groups) = (sales.persons().fetch(), sales.groups().fetch());
    assert_eq!(
        model.backend.take(),
        ["FetchList(Members(Id(\"dg\")))"; 2],
        "one request of the protocol serves both"
    );
    drop((persons, groups));
    let west = group(GroupType::Distribution, "dg2", "West");
    commit(
        &model,
        [ContactListFact::members(
            key("dg"),
            strings(&[ALEX]),
            vec![west],
        )],
    );
    assert_eq!(addresses(&sales.persons()), [ALEX]);
    assert_eq!(names(&sales.groups()), ["West"]);
    let west = sales.groups().get(0).unwrap();
    drop(west.groups().fetch());
    commit(
        &model,
        [ContactListFact::members(
            key("dg2"),
            vec![],
            vec![self::sales()],
        )],
    );
    assert_eq!(west.groups().snapshot(), [sales]);
    assert!(
        !all(&model).groups().snapshot().contains(&west),
        "a group in a group is not in the contact list"
    );
}

#[test]
fn a_group_of_another_type_contains_no_groups() {
    let model = with_contacts();
    let team = named(&model, "Team");
    let _following = team.groups().subscribe();
    assert!(now(team.groups().fetch()).unwrap().is_empty());
    assert!(model.backend.take().is_empty());
}

#[test]
fn a_model_with_groups_that_contain_each_other_is_freed() {
    let model = with_contacts();
    let sales = named(&model, "Sales");
    drop(sales.groups().fetch());
    let itself = ContactListFact::members(key("dg"), vec![], vec![self::sales()]);
    commit(&model, [itself]);
    let lene = person(&model, LENE);
    drop((
        lene.groups().fetch(),
        named(&model, "Team").persons().fetch(),
    ));
    commit(
        &model,
        [
            ContactListFact::members(key("t"), strings(&[LENE]), vec![]),
            ContactListFact::Memberships(vec![(LENE.to_owned(), key("t"))]),
        ],
    );
    assert_eq!(names(&lene.groups()), ["Team"]);
    drop((sales, lene));
    let backend = Arc::downgrade(&model.backend);
    drop(model);
    assert!(backend.upgrade().is_none(), "the model holds its backend");
}

#[test]
fn the_groups_of_a_person_follow_the_memberships() {
    let model = with_contacts();
    let (lene, sara) = (person(&model, LENE), person(&model, SARA));
    let (of_lene, of_sara) = (lene.groups(), sara.groups());
    let following = (of_lene.subscribe(), of_sara.subscribe());
    assert_eq!(
        model.backend.take(),
        ["FollowList(Memberships, Live)"],
        "one list for all persons"
    );
    let memberships = [("t", LENE), ("p", LENE), ("unknown", SARA)];
    let memberships = memberships.map(|(group, contact)| (contact.to_uppercase(), key(group)));
    commit(&model, [ContactListFact::Memberships(memberships.into())]);
    assert_eq!(names(&of_lene), ["Pinned Contacts", "Team"]);
    assert_eq!(of_sara.size().get(), 0);
    commit(
        &model,
        [
            ContactListFact::member_added(key("t"), SARA),
            ContactListFact::member_added(key("t"), LENE),
            ContactListFact::member_removed(key("p"), LENE),
        ],
    );
    assert_eq!(names(&of_lene), ["Team"]);
    assert_eq!(names(&of_sara), ["Team"]);
    commit(&model, [ContactListFact::GroupRemoved(key("t"))]);
    assert_eq!((of_lene.size().get(), of_sara.size().get()), (0, 0));
    drop(following);
    assert!(!of_lene.add_command().enabled().get());
}

#[test]
fn a_changed_privacy_level_moves_a_person_between_the_loaded_groups() {
    let model = with_contacts();
    let blocked = level_group(&model, PrivacyLevel::Blocked);
    let colleagues = level_group(&model, PrivacyLevel::Colleagues);
    drop(blocked.persons().fetch());
    drop(colleagues.persons().fetch());
    let members = GroupKey::Level(PrivacyLevel::Colleagues);
    commit(
        &model,
        [ContactListFact::members(members, strings(&[LENE]), vec![])],
    );
    let to = |level| Fact::person(LENE, PersonFact::RelationshipLevel(level));
    model.commit([to(Some(PrivacyLevel::Blocked))]);
    assert_eq!(addresses(&blocked.persons()), [LENE]);
    assert_eq!(colleagues.persons().size().get(), 0);
    let lene = person(&model, LENE);
    assert_eq!(lene.relationship_level().get(), Some(PrivacyLevel::Blocked));
    model.commit([to(None)]);
    assert_eq!(
        addresses(&blocked.persons()),
        [LENE],
        "an unknown level moves nobody"
    );
    model.commit([to(Some(PrivacyLevel::Workgroup))]);
    assert_eq!(blocked.persons().size().get(), 0);
}

#[test]
fn the_presence_of_a_group_is_one_subscription_and_keeps_its_persons() {
    let model = with_contacts();
    let team = named(&model, "Team");
    let first = team.subscribe_presence();
    let second = team.subscribe_presence();
    let members = ContactListFact::members(key("t"), strings(&[ALEX]), vec![]);
    commit(&model, [members]);
    let away = PersonFact::Status(conv_model::PersonStatus::Away);
    model.commit([Fact::person(ALEX, away)]);
    let alex = team.persons().get(0).unwrap();
    assert_eq!(alex.status().get(), conv_model::PersonStatus::Away);
    drop(first);
    drop(second);
    let request = |follow| format!("FollowGroupPresence(Id(\"t\"), {follow})");
    assert_eq!(model.backend.take(), [request(true), request(false)]);
    for other in [all(&model), level_group(&model, PrivacyLevel::Blocked)] {
        drop(other.subscribe_presence());
    }
    assert!(model.backend.take().is_empty());
}

#[test]
fn detached_subscriptions_of_a_group_end_with_the_group() {
    let model = with_contacts();
    let team = named(&model, "Team");
    team.subscribe_presence().detach();
    team.persons().subscribe().detach();
    model.backend.take();
    commit(&model, [ContactListFact::GroupRemoved(key("t"))]);
    assert!(model.backend.take().is_empty());
    drop(team);
    assert_eq!(
        model.backend.take(),
        [
            "FollowList(Members(Id(\"t\")), None)",
            "FollowGroupPresence(Id(\"t\"), false)"
        ]
    );
}

#[test]
fn the_hidden_groups_are_loaded_when_the_application_asks_for_them() {
    let model = with_contacts();
    let manager = model.application.persons_and_groups_manager();
    let groups = [
        (manager.delegates(), GroupKey::Delegates, "Delegates"),
        (manager.delegators(), GroupKey::Delegators, "Delegators"),
        (
            manager.organization(),
            GroupKey::Organization,
            "Organization",
        ),
    ];
    for (group, key, name) in groups {
        let loading = group.persons().fetch();
        assert_eq!(
            model.backend.take(),
            [format!("FetchList(Members({name}))")]
        );
        commit(
            &model,
            [ContactListFact::members(key, strings(&[ALEX]), vec![])],
        );
        assert_eq!(addresses(&group.persons()), [ALEX]);
        assert!(!group.persons().add_command().enabled().get());
        drop(loading);
    }
    assert_eq!(manager.delegates(), manager.delegates());
    assert_eq!(all(&model).groups().size().get(), 6);
}
