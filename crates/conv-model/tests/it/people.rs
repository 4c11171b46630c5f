//! People, the user, and properties whose values are on the server.

use std::time::Duration;

use conv_model::{
    Application, Capabilities, ConversationFact, ConversationId, Discovered, EndpointType, Fact,
    FoundPersons, Interest, MessageId, Note, NoteKind, Outcome, Participant, ParticipantFact,
    ParticipantId, ParticipantUpdate, Person, PersonFact, PersonStatus, PersonType, PhoneNumber,
    Reason, ReasonCode, SenderFact,
};

use crate::support::{TestModel, at, now};

const LENE: &str = "sip:lenea@contoso.com";

fn lene(application: &Application) -> Person {
    let conversation = application
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap();
    conversation.participants().get(0).unwrap().person()
}

fn about(address: &str, fact: PersonFact) -> Fact {
    Fact::person(address, fact)
}

#[test]
fn each_fact_about_a_person_is_a_property() {
    let model = TestModel::new();
    let person = lene(&model.application);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(person.id().get(), LENE);
    assert_eq!(
        (person.title().get(), person.status().get()),
        (None, PersonStatus::Unknown)
    );
    let note = Note::new(NoteKind::OutOfOffice, "away");
    let number = PhoneNumber::new("work", "tel:+4512345678");
    let mut capabilities = Capabilities::default();
    capabilities.chat = true;
    capabilities.video = true;
    model.commit(
        [
            PersonFact::Title(text("Engineer")),
            PersonFact::Office(text("4/12")),
            PersonFact::Department(text("R&D")),
            PersonFact::Company(text("Contoso")),
            PersonFact::AvatarUrl(text("https://contoso.com/lene.png")),
            PersonFact::PhoneNumbers(vec![number.clone()]),
            PersonFact::Emails(vec!["lene@contoso.com".into()]),
            PersonFact::PersonType(PersonType::Bot),
            PersonFact::Status(PersonStatus::Busy),
            PersonFact::Activity(text("in a meeting")),
            PersonFact::LastSeenAt(Some(at(9))),
            PersonFact::EndpointType(EndpointType::Mobile),
            PersonFact::Note(Some(note.clone())),
            PersonFact::Location(text("Copenhagen")),
            PersonFact::Capabilities(capabilities),
        ]
        .map(|fact| about("sip:LENEA@contoso.com", fact)),
    );
    assert_eq!(person.title().get(), text("Engineer"));
    assert_eq!(person.office().get(), text("4/12"));
    assert_eq!(person.department().get(), text("R&D"));
    assert_eq!(person.company().get(), text("Contoso"));
    assert_eq!(
        person.avatar_url().get(),
        text("https://contoso.com/lene.png")
    );
    assert_eq!(person.phone_numbers().get(), [number]);
    assert_eq!(person.emails().get(), ["lene@contoso.com"]);
    assert_eq!(person.person_type().get(), PersonType::Bot);
    assert_eq!(person.status().get(), PersonStatus::Busy);
    assert_eq!(person.activity().get(), text("in a meeting"));
    assert_eq!(person.last_seen_at().get(), Some(at(9)));
    assert_eq!(person.endpoint_type().get(), EndpointType::Mobile);
    assert_eq!(person.note().get(), Some(note));
    assert_eq!(person.location().get(), text("Copenhagen"));
    assert_eq!(person.capabilities().get(), capabilities);
    model.commit([
        about(LENE, PersonFact::Title(None)),
        about("sip:nobody@contoso.com", PersonFact::Title(None)),
    ]);
    assert_eq!(person.title().get(), None);
}

#[test]
fn each_person_has_one_object() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let one = manager.get_conversation(LENE).unwrap();
    drop(one.chat_service().start(Default::default()));
    model.commit_to(one.id(), [conv_model::ConversationFact::ended(None)]);
    let other = manager.get_conversation("SIP:lenea@contoso.com").unwrap();
    assert_ne!(one, other);
    let person = |conversation: &conv_model::Conversation| {
        conversation.participants().get(0).unwrap().person()
    };
    assert_eq!(person(&one), person(&other));
    assert_eq!(
        other.create_participant(LENE).unwrap().person(),
        person(&one)
    );
    let with_user = manager.get_conversation("sip:ME@contoso.com").unwrap();
    assert_eq!(person(&with_user), model.application.me().person());
    assert_eq!(person(&one).person(), person(&one));
}

#[test]
fn a_known_field_of_the_contact_card_is_not_fetched_again_but_the_status_is() {
    let model = TestModel::new();
    let person = lene(&model.application);
    model.backend.take();
    assert_eq!(now(person.title().fetch()), Ok(None));
    model.commit(
        [
            PersonFact::Title(Some("Engineer".into())),
            PersonFact::PhoneNumbers(vec![]),
            PersonFact::Emails(vec!["lenea@contoso.com".into()]),
            PersonFact::Status(PersonStatus::Away),
        ]
        .map(|fact| about(LENE, fact)),
    );
    assert_eq!(now(person.title().fetch()), Ok(Some("Engineer".into())));
    assert_eq!(now(person.phone_numbers().fetch()), Ok(vec![]));
    assert_eq!(now(person.emails().fetch()).unwrap().len(), 1);
    assert_eq!(now(person.status().fetch()), Ok(PersonStatus::Away));
    assert_eq!(now(person.status().fetch()), Ok(PersonStatus::Away));
    let fetched = ["Title", "PhoneNumbers", "Status", "Status"];
    assert_eq!(
        model.backend.take(),
        fetched.map(|field| format!("fetch {field} of {LENE}"))
    );
}

#[test]
fn a_command_that_the_protocol_does_not_support_fails_with_not_supported() {
    let model = TestModel::new();
    let person = lene(&model.application);
    let me = model.application.me();
    let code = |reason: Reason| reason.code().clone();
    for _ in 0..3 {
        let reason = Reason::new(ReasonCode::NotSupported);
        model.backend.script_result(Err(reason));
    }
    assert_eq!(
        now(person.status().fetch()).map_err(code),
        Err(ReasonCode::NotSupported)
    );
    assert_eq!(
        now(me.status().set(PersonStatus::Away)).map_err(code),
        Err(ReasonCode::NotSupported)
    );
    assert_eq!(
        now(model
            .application
            .persons_and_groups_manager()
            .search("lene", 5))
        .map_err(code),
        Err(ReasonCode::NotSupported)
    );
    assert_eq!(me.status().get(), PersonStatus::Unknown, "the value stays");
}

#[test]
fn setting_a_value_resolves_with_the_value_that_the_facts_report() {
    let model = TestModel::new();
    let me = model.application.me();
    let setting = me.status().set(PersonStatus::Away);
    assert_eq!(
        me.status().get(),
        PersonStatus::Unknown,
        "only a fact changes the value"
    );
    assert_eq!(now(setting), Ok(PersonStatus::Unknown));
    model.commit([about(
        "sip:me@contoso.com",
        PersonFact::Status(PersonStatus::Away),
    )]);
    assert_eq!(
        now(me.status().set(PersonStatus::Away)),
        Ok(PersonStatus::Away)
    );
    assert_eq!(me.person().status().get(), PersonStatus::Away);
    drop(me.note().set(Some(Note::new(NoteKind::Personal, "lunch"))));
    drop(me.note().set(None));
    drop(me.location().set(Some("Aarhus".into())));
    drop(me.location().set(None));
    drop(me.reset_status());
    assert_eq!(
        model.backend.take(),
        [
            "set Status(Away)",
            "set Status(Away)",
            "set Note(5 bytes)",
            "set ResetNote",
            "set Location(6 bytes)",
            "set ResetLocation",
            "set ResetStatus"
        ]
    );
    model.commit([about(
        "sip:me@contoso.com",
        PersonFact::Emails(vec!["me@contoso.com".into(), "x@contoso.com".into()]),
    )]);
    assert_eq!(me.email().get().as_deref(), Some("me@contoso.com"));
}

#[test]
fn get_person_returns_the_one_object_of_the_address() {
    let model = TestModel::new();
    let manager = model.application.persons_and_groups_manager();
    let person = manager.get_person(LENE).unwrap();
    assert_eq!(person.display_name().get(), LENE);
    assert_eq!(person, lene(&model.application));
    let me = model.application.me();
    assert_eq!(manager.get_person(&me.id().get()).unwrap(), me.person());
    let refused = manager.get_person(" ").unwrap_err();
    assert_eq!(*refused.code(), ReasonCode::InvalidArgument);
}

#[test]
fn the_found_persons_of_a_search_have_the_values_of_its_result() {
    let model = TestModel::new();
    let person = lene(&model.application);
    model.backend.take();
    let facts = vec![
        PersonFact::DisplayName("Lene Aaling".into()),
        PersonFact::Title(Some("Engineer".into())),
    ];
    let found = FoundPersons::new(vec![("sip:LeneA@contoso.com".into(), facts)], true);
    model.backend.script_result(Ok(Outcome::Found(found)));
    let search = model
        .application
        .persons_and_groups_manager()
        .search("lene", 5);
    assert_eq!(
        person.title().get().as_deref(),
        Some("Engineer"),
        "the result is applied although the future is not polled"
    );
    let found = now(search).unwrap();
    assert_eq!(model.backend.take(), ["search lene 5"]);
    assert_eq!(found.persons, std::slice::from_ref(&person));
    assert!(found.more_available);
    assert_eq!(person.display_name().get(), "Lene Aaling");
}

/// The requests to follow the status of a person with these interests.
fn follows(address: &str, interests: &[Interest]) -> Vec<String> {
    interests
        .iter()
        .map(|interest| format!("follow Status of {address} {interest:?}"))
        .collect()
}

#[test]
fn subscriptions_are_counted_and_only_a_change_of_the_interest_is_requested() {
    let model = TestModel::new();
    let seconds = Duration::from_secs;
    let status = lene(&model.application).status();
    model.backend.take();
    let slow = status.subscribe_every(seconds(60));
    let fast = status.subscribe_every(seconds(10));
    let also_fast = status.subscribe_every(seconds(10));
    let live = status.subscribe();
    let also_live = status.clone().subscribe();
    drop(live);
    drop(fast);
    drop(also_fast);
    drop(also_live);
    drop(slow);
    assert_eq!(
        model.backend.take(),
        follows(
            LENE,
            &[
                Interest::Every(seconds(60)),
                Interest::Every(seconds(10)),
                Interest::Live,
                Interest::Every(seconds(60)),
                Interest::None,
            ]
        )
    );
}

#[test]
fn an_interest_lasts_as_long_as_its_subscription_or_if_detached_as_the_person() {
    let model = TestModel::new();
    let manager = model.application.persons_and_groups_manager();
    let subscription = manager.get_person(LENE).unwrap().status().subscribe();
    assert_eq!(model.backend.take(), follows(LENE, &[Interest::Live]));
    let person = manager.get_person(LENE).unwrap();
    subscription.detach();
    assert!(model.backend.take().is_empty());
    drop(person);
    assert_eq!(model.backend.take(), follows(LENE, &[Interest::None]));
}

/// A participant whose address is not known yet, in a conversation that another endpoint started.
fn participant_without_address(model: &TestModel) -> (ConversationId, Participant) {
    let (id, participant) = (ConversationId::Remote(1), ParticipantId::Remote(2));
    model.commit([Fact::Discovered(Discovered::new(id, vec![]))]);
    let added = ConversationFact::ParticipantAdded(ParticipantFact::new(participant, ""));
    model.commit_to(id, [ConversationFact::Connected, added]);
    let manager = model.application.conversations_manager();
    let conversation = manager.conversations().get(0).unwrap();
    (id, conversation.participants().get(0).unwrap())
}

/// The fact that gives that participant the address of Lene.
fn lenes_address(name: Option<&str>) -> ConversationFact {
    let mut update = ParticipantUpdate::default();
    update.address = Some(LENE.into());
    update.display_name = name.map(str::to_owned);
    ConversationFact::participant_updated(ParticipantId::Remote(2), update)
}

#[test]
fn a_person_whose_address_becomes_known_is_the_person_with_that_address() {
    for has_other in [false, true] {
        let model = TestModel::new();
        let manager = model.application.persons_and_groups_manager();
        let (id, participant) = participant_without_address(&model);
        let early = participant.person();
        let early_status = early.status();
        assert_eq!(early.display_name().get(), "");
        let other = has_other.then(|| manager.get_person(LENE).unwrap());
        if has_other {
            let busy = PersonFact::Status(PersonStatus::Busy);
            model.commit([about(LENE, busy)]);
        }
        let name = (!has_other).then_some("Lene Aaling");
        model.commit_to(id, [lenes_address(name)]);
        assert_eq!(early.id().get(), LENE);
        assert_eq!(early.display_name().get(), name.unwrap_or(LENE));
        assert_eq!(manager.get_person(LENE).unwrap(), early);
        assert_eq!(participant.person(), early);
        if let Some(other) = other {
            assert_eq!(other, early);
            assert_eq!(
                early_status.get(),
                PersonStatus::Busy,
                "the status was known before"
            );
        }
        let away = PersonFact::Status(PersonStatus::Away);
        model.commit([about(LENE, away)]);
        assert_eq!(early_status.get(), PersonStatus::Away);
        assert_eq!(participant.person().status().get(), PersonStatus::Away);
        let other = manager.get_person(LENE).unwrap();
        assert_eq!(other.status().get(), PersonStatus::Away);
    }
}

#[test]
fn merged_persons_keep_the_values_of_both_objects() {
    let model = TestModel::new();
    let (id, participant) = participant_without_address(&model);
    let mut sender = SenderFact::new("");
    sender.participant = Some(participant.id());
    sender.display_name = Some("Lene Aaling".into());
    let received = ConversationFact::message_received(MessageId::Remote(1), sender, "hi", at(1));
    model.commit_to(id, [received]);
    let other = model
        .application
        .persons_and_groups_manager()
        .get_person(LENE)
        .unwrap();
    let office = PersonFact::Office(Some("4/12".into()));
    model.commit([about(LENE, office)]);
    model.commit_to(id, [lenes_address(None)]);
    for person in [&other, &participant.person()] {
        assert_eq!(person.display_name().get(), "Lene Aaling");
        assert_eq!(person.office().get().as_deref(), Some("4/12"));
    }
}

#[test]
fn a_person_is_followed_as_soon_as_its_address_is_known() {
    for has_other in [false, true] {
        let model = TestModel::new();
        let (id, participant) = participant_without_address(&model);
        let status = participant.person().status();
        let early = status.subscribe();
        let fetched = now(status.fetch()).unwrap_err();
        assert_eq!(*fetched.code(), ReasonCode::InvalidState);
        assert!(
            model.backend.take().is_empty(),
            "a person without an address is not requested"
        );
        let manager = model.application.persons_and_groups_manager();
        let other = has_other.then(|| manager.get_person(LENE).unwrap());
        let minutely = Interest::Every(Duration::from_secs(60));
        let slow = other.map(|person| person.status().subscribe_every(Duration::from_secs(60)));
        let mut expected = if has_other { vec![minutely] } else { vec![] };
        model.commit_to(id, [lenes_address(None)]);
        expected.push(Interest::Live);
        drop(early);
        expected.push(if has_other { minutely } else { Interest::None });
        if let Some(slow) = slow {
            drop(slow);
            expected.push(Interest::None);
        }
        assert_eq!(model.backend.take(), follows(LENE, &expected));
    }
}

#[test]
fn a_person_requested_before_the_sign_in_is_merged_with_the_user() {
    let model = TestModel::signed_out();
    let address = "sip:me@contoso.com";
    let me = model.application.me();
    let manager = model.application.persons_and_groups_manager();
    let early = manager.get_person(address).unwrap();
    let office = PersonFact::Office(Some("4/12".into()));
    model.commit([about(address, office), user(address)]);
    assert_eq!(early, me.person());
    for person in [&early, &me.person()] {
        assert_eq!(person.display_name().get(), "Me");
        assert_eq!(person.office().get().as_deref(), Some("4/12"));
    }
    let busy = PersonFact::Status(PersonStatus::Busy);
    model.commit([about(address, busy)]);
    assert_eq!(early.status().get(), PersonStatus::Busy);
    assert_eq!(me.status().get(), PersonStatus::Busy);
    assert_eq!(manager.get_person(address).unwrap(), early);
}

/// The fact that gives the address and the name of the user.
fn user(address: &str) -> Fact {
    Fact::me(address, Some("Me".into()))
}

#[test]
fn an_interest_in_the_user_is_merged_when_the_address_is_known() {
    let model = TestModel::signed_out();
    let address = "sip:me@contoso.com";
    let minutely = Duration::from_secs(60);
    let early = model
        .application
        .persons_and_groups_manager()
        .get_person(address);
    let _slow = early.unwrap().status().subscribe_every(minutely);
    let _live = model.application.me().status().subscribe();
    let before = [
        follows(address, &[Interest::Every(minutely)]),
        follows("", &[Interest::Live]),
    ];
    assert_eq!(model.backend.take(), before.concat());
    model.commit([user(address)]);
    assert_eq!(model.backend.take(), follows(address, &[Interest::Live]));
}

#[test]
fn dropping_a_person_without_an_address_requests_nothing() {
    let model = TestModel::new();
    let (id, participant) = participant_without_address(&model);
    participant.person().status().subscribe().detach();
    drop(participant);
    model.commit_to(id, [ConversationFact::ended(None)]);
    let backend = std::sync::Arc::clone(&model.backend);
    backend.take();
    drop(model);
    assert!(backend.take().is_empty());
}
