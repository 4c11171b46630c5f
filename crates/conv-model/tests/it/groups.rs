//! The commands that change the contact list, and the other data of people and groups that is loaded on demand.

use std::sync::Arc;
use std::time::Duration;

use conv_model::{
    CallForwarding, CallForwardingMode, ContactListFact, Fact, FoundGroups, Group, GroupType,
    Outcome, Photo, PhotoSize, PrivacyLevel, Reason, ReasonCode, SignInState, UserPhone,
};

use crate::contact_list::{
    ALEX, LENE, all, commit, group, key, level_group, named, names, sales, team, with_contacts,
};
use crate::support::{TestModel, now};

fn code<T>(result: Result<T, Reason>) -> ReasonCode {
    let Err(reason) = result else {
        panic!("the command succeeded")
    };
    let cause = reason.cause().cloned();
    cause.unwrap_or(reason).code().clone()
}

fn lene(model: &TestModel) -> conv_model::Person {
    let manager = model.application.persons_and_groups_manager();
    manager.get_person(LENE).unwrap()
}

/// The parts of the requests that identify them.
fn requests(model: &TestModel) -> Vec<String> {
    model.backend.take()
}

#[test]
fn persons_are_added_and_removed_at_the_server_and_the_fact_decides() {
    let model = with_contacts();
    let team = named(&model, "Team");
    drop(team.persons().fetch());
    requests(&model);
    assert_eq!(now(team.persons().add(ALEX)), Ok(()));
    assert_eq!(
        team.persons().size().get(),
        0,
        "no fact reported the person"
    );
    assert_eq!(now(team.persons().add(lene(&model))), Ok(()));
    assert_eq!(now(team.persons().remove(&lene(&model))), Ok(()));
    assert_eq!(now(all(&model).persons().add(ALEX.to_owned())), Ok(()));
    assert_eq!(now(all(&model).persons().remove(&lene(&model))), Ok(()));
    let in_team = r#"Some(Id("t"))"#;
    assert_eq!(
        requests(&model),
        [
            format!("AddContact({ALEX}, {in_team})"),
            format!("AddContact({LENE}, {in_team})"),
            format!("RemoveContact({LENE}, {in_team})"),
            format!("AddContact({ALEX}, None)"),
            format!("RemoveContact({LENE}, None)"),
        ]
    );
    let refused = now(team.persons().add(" "));
    assert_eq!(code(refused), ReasonCode::InvalidArgument);
}

#[test]
fn the_commands_are_enabled_by_the_server_the_sign_in_and_the_type_of_the_group() {
    let model = with_contacts();
    let of = |name: &str| named(&model, name);
    let blocked = level_group(&model, PrivacyLevel::Blocked);
    let state = |group: &Group| {
        (
            group.persons().add_command().enabled().get(),
            group.persons().remove_command().enabled().get(),
            group.set_name_command().enabled().get(),
            group.groups().add_command().enabled().get(),
        )
    };
    assert_eq!(state(&all(&model)), (true, true, false, true));
    assert_eq!(state(&of("Team")), (true, true, true, false));
    for name in ["Pinned Contacts", "Other Contacts"] {
        assert_eq!(state(&of(name)), (true, true, false, false), "{name}");
    }
    for group in [&of("Sales"), &blocked] {
        assert_eq!(state(group), (false, false, false, false));
    }
    let team = of("Team");
    let add = team.persons().add_command();
    let level = lene(&model).set_relationship_level_command();
    commit(&model, [ContactListFact::Writable(false)]);
    for enabled in [add.enabled(), level.enabled()] {
        assert!(!enabled.get());
        let reason = enabled.reason().unwrap();
        assert_eq!(*reason.code(), ReasonCode::NotSupported);
    }
    assert_eq!(
        code(now(team.persons().add(ALEX))),
        ReasonCode::NotSupported
    );
    commit(&model, [ContactListFact::Writable(true)]);
    assert!(add.enabled().get());
    model.commit([Fact::sign_in(SignInState::SignedOut, None)]);
    assert!(!add.enabled().get() && !level.enabled().get());
    assert_eq!(code(now(team.set_name("Crew"))), ReasonCode::SignedOut);
    assert!(requests(&model).is_empty());
}

#[test]
fn a_command_that_is_refused_may_have_the_last_handle_on_its_person() {
    let model = with_contacts();
    commit(&model, [ContactListFact::Writable(false)]);
    let manager = model.application.persons_and_groups_manager();
    let (person, group) = (
        manager.get_person(ALEX).unwrap(),
        manager.create_group("Crew"),
    );
    let adding = named(&model, "Team").persons().add(person);
    assert_eq!(code(now(adding)), ReasonCode::NotSupported);
    let adding = all(&model).groups().add_command().invoke(group);
    assert_eq!(code(now(adding)), ReasonCode::NotSupported);
}

#[test]
fn a_created_group_becomes_the_group_of_the_server_with_its_name() {
    let model = with_contacts();
    let manager = model.application.persons_and_groups_manager();
    let crew = manager.create_group("");
    let other = manager.create_group("Crew");
    assert_eq!(crew.group_type(), GroupType::Custom);
    assert!(!crew.persons().add_command().enabled().get());
    let groups = all(&model).groups();
    assert_eq!(code(now(groups.add(&crew))), ReasonCode::InvalidArgument);
    assert_eq!(now(crew.set_name("Team")), Ok(()));
    assert_eq!(
        code(now(groups.add(&crew))),
        ReasonCode::InvalidArgument,
        "another group has the name"
    );
    assert_eq!(now(crew.set_name("Crew")), Ok(()));
    assert!(requests(&model).is_empty());
    assert_eq!(now(groups.add(&crew)), Ok(()));
    assert_eq!(requests(&model), ["AddGroup Crew"]);
    assert_eq!((crew.id().get(), groups.size().get()), (None, 6));
    assert_eq!(
        code(now(groups.add(&crew))),
        ReasonCode::InvalidState,
        "the group is being added"
    );
    commit(
        &model,
        [ContactListFact::Group(group(
            GroupType::Custom,
            "c",
            "Crew",
        ))],
    );
    assert_eq!(crew.id().get().as_deref(), Some("c"));
    assert_eq!(named(&model, "Crew"), crew);
    assert!(crew.persons().add_command().enabled().get());
    assert_eq!(other.id().get(), None);
}

#[test]
fn a_group_that_the_server_refused_can_be_added_again() {
    let model = with_contacts();
    let manager = model.application.persons_and_groups_manager();
    let crew = manager.create_group("Crew");
    let groups = all(&model).groups();
    let refused = Reason::new(ReasonCode::RequestFailed);
    model.backend.script_result(Err(refused));
    assert_eq!(code(now(groups.add(&crew))), ReasonCode::RequestFailed);
    commit(
        &model,
        [ContactListFact::Group(group(
            GroupType::Custom,
            "c",
            "Crew",
        ))],
    );
    assert_eq!(crew.id().get(), None, "another endpoint created the group");
    assert_eq!(now(crew.set_name("Band")), Ok(()));
    assert_eq!(now(groups.add(&crew)), Ok(()));
}

#[test]
fn groups_are_renamed_and_removed_by_their_id() {
    let model = with_contacts();
    let groups = all(&model).groups();
    let team_group = named(&model, "Team");
    assert_eq!(now(team_group.set_name("Crew")), Ok(()));
    assert_eq!(team_group.name().get().as_deref(), Some("Team"));
    let sales_group = named(&model, "Sales");
    assert_eq!(now(groups.remove(&sales_group)), Ok(()));
    assert_eq!(now(groups.remove(&team_group)), Ok(()));
    let refused = now(groups.remove(&named(&model, "Pinned Contacts")));
    assert_eq!(code(refused), ReasonCode::NotSupported);
    assert_eq!(
        requests(&model),
        [
            r#"RenameGroup Id("t") Crew"#,
            r#"RemoveGroup(Id("dg"))"#,
            r#"RemoveGroup(Id("t"))"#
        ]
    );
    let gone = ["t", "dg"].map(|id| ContactListFact::GroupRemoved(key(id)));
    commit(&model, gone);
    assert_eq!(code(now(team_group.persons().add(ALEX))), ReasonCode::Gone);
    assert_eq!(code(now(groups.add(&team_group))), ReasonCode::Gone);
    assert_eq!(now(groups.add(&sales_group)), Ok(()));
    let sales = "AddDistributionGroup Sales sip:sales@contoso.com";
    assert_eq!(requests(&model), [sales]);
    commit(&model, [ContactListFact::Group(team())]);
    assert!(
        team_group.persons().add_command().enabled().get(),
        "the server lists the group again"
    );
}

#[test]
fn a_person_is_moved_by_one_request_that_may_succeed_partly() {
    let model = with_contacts();
    let (from, to) = (named(&model, "Other Contacts"), named(&model, "Team"));
    let partial = Reason::new(ReasonCode::Partial);
    model.backend.script_result(Err(partial));
    let moving = from.move_person(&lene(&model), &to);
    assert_eq!(code(now(moving)), ReasonCode::Partial);
    let request = format!(r#"MoveContact({LENE}, Id("o"), Id("t"))"#);
    assert_eq!(requests(&model), [request]);
    let moving = from.move_person(&lene(&model), &named(&model, "Sales"));
    assert_eq!(code(now(moving)), ReasonCode::NotSupported);
    let moving = from.move_person(&lene(&model), &all(&model));
    assert_eq!(code(now(moving)), ReasonCode::InvalidArgument);
    assert!(requests(&model).is_empty());
}

#[test]
fn the_privacy_level_is_set_and_reset() {
    let model = with_contacts();
    let person = lene(&model);
    let level = PrivacyLevel::Workgroup;
    assert_eq!(now(person.set_relationship_level(level)), Ok(()));
    assert_eq!(now(person.reset_relationship_level()), Ok(()));
    assert_eq!(person.relationship_level().get(), None);
    drop(person.relationship_level().subscribe());
    let set = |level: &str| format!("SetPrivacyLevel({LENE}, {level})");
    assert_eq!(
        requests(&model),
        [
            set("Some(Workgroup)"),
            set("None"),
            format!("follow RelationshipLevel of {LENE} Live"),
            format!("follow RelationshipLevel of {LENE} None"),
        ]
    );
}

#[test]
fn a_search_finds_distribution_groups_that_are_not_in_the_contact_list() {
    let model = with_contacts();
    let west = group(GroupType::Distribution, "dg2", "West");
    let found = FoundGroups::new(vec![sales(), west], true);
    model.backend.script_result(Ok(Outcome::FoundGroups(found)));
    let manager = model.application.persons_and_groups_manager();
    let found = now(manager.search_groups("s", 2)).unwrap();
    assert_eq!(requests(&model), ["SearchGroups(1 bytes, 2)"]);
    assert!(found.more_available);
    assert_eq!(found.groups[0], named(&model, "Sales"));
    assert_eq!(found.groups[1].name().get().as_deref(), Some("West"));
    assert!(!names(&all(&model).groups()).contains(&"West".to_owned()));
}

#[test]
fn a_photo_that_has_not_changed_is_the_known_one() {
    let model = with_contacts();
    let person = lene(&model);
    let image: Arc<[u8]> = Arc::from([1, 2, 3]);
    let photo = Photo::new("image/jpeg", Arc::clone(&image), Some("v1".to_owned()));
    let found = Outcome::Photo(Some(photo.clone()));
    model.backend.script_result(Ok(found));
    let size = Some(PhotoSize::new(96, 64));
    let fetched = now(person.fetch_photo(size, None)).unwrap();
    assert_eq!(fetched.as_ref(), Some(&photo));
    model.backend.script_result(Ok(Outcome::PhotoUnchanged));
    let again = now(person.fetch_photo(size, fetched)).unwrap().unwrap();
    assert!(Arc::ptr_eq(&again.image, &image), "the image is not copied");
    model.backend.script_result(Ok(Outcome::Photo(None)));
    assert_eq!(now(person.fetch_photo(None, Some(photo))), Ok(None));
    let request = |size: &str, version: &str| format!("FetchPhoto({LENE}, {size}, {version})");
    let size = "Some(PhotoSize { height: 96, width: 64 })";
    assert_eq!(
        requests(&model),
        [
            request(size, "None"),
            request(size, r#"Some("v1")"#),
            request("None", r#"Some("v1")"#)
        ]
    );
}

#[test]
fn the_users_phones_and_call_forwarding_are_loaded() {
    let model = with_contacts();
    let me = model.application.me();
    let phone = UserPhone::new("work", "tel:+4512345678", true);
    model
        .backend
        .script_result(Ok(Outcome::Phones(vec![phone.clone()])));
    assert_eq!(now(me.fetch_phones()), Ok(vec![phone]));
    let mut forwarding = CallForwarding::default();
    forwarding.mode = CallForwardingMode::Immediate;
    forwarding.ring_delay = Some(Duration::from_secs(20));
    model
        .backend
        .script_result(Ok(Outcome::CallForwarding(forwarding)));
    assert_eq!(now(me.fetch_call_forwarding()), Ok(forwarding));
    assert_eq!(requests(&model), ["FetchPhones", "FetchCallForwarding"]);
}
