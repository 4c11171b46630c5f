//! People, ourselves, and properties whose truth is on the server.

use std::sync::Arc;
use std::time::Duration;

use conv_model::{
    Application, Backend, Capabilities, EndpointType, Fact, FoundPersons, Interest, MockBackend,
    ModelWriter, Note, NoteKind, Person, PersonFact, PersonField, PersonStatus, PhoneNumber,
    Reason, ReasonCode, SignInState,
};
use mockall::Sequence;

use crate::support::{Stage, at, now};

const LENE: &str = "sip:lenea@contoso.com";

fn lene(application: &Application) -> Person {
    let conversation = application
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap();
    conversation.participants().get(0).unwrap().person()
}

fn model(mut backend: MockBackend) -> (Application, ModelWriter) {
    backend
        .expect_normalize_address()
        .returning(|address| Ok(address.to_owned()));
    backend.expect_now().returning(|| at(1));
    backend.expect_open_conversation().return_const(());
    let (application, writer) = Application::new(Arc::new(backend) as Arc<dyn Backend>);
    writer.commit([
        Fact::Me {
            address: "sip:me@contoso.com".into(),
            display_name: None,
        },
        Fact::SignIn {
            state: SignInState::SignedIn,
            reason: None,
        },
    ]);
    (application, writer)
}

fn about(address: &str, fact: PersonFact) -> Fact {
    Fact::Person {
        address: address.into(),
        fact,
    }
}

#[test]
fn everything_about_a_person_is_a_property() {
    let stage = Stage::new();
    let person = lene(&stage.application);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(person.id().get(), LENE);
    assert_eq!(
        (person.title().get(), person.status().get()),
        (None, PersonStatus::Unknown)
    );
    let note = Note {
        kind: NoteKind::OutOfOffice,
        text: "away".into(),
    };
    let number = PhoneNumber {
        kind: "work".into(),
        number: "tel:+4512345678".into(),
    };
    let able = Capabilities {
        chat: true,
        audio: false,
        video: true,
    };
    stage.commit(
        [
            PersonFact::Title(text("Engineer")),
            PersonFact::Office(text("4/12")),
            PersonFact::Department(text("R&D")),
            PersonFact::Company(text("Contoso")),
            PersonFact::AvatarUrl(text("https://contoso.com/lene.png")),
            PersonFact::PhoneNumbers(vec![number.clone()]),
            PersonFact::Emails(vec!["lene@contoso.com".into()]),
            PersonFact::Status(PersonStatus::Busy),
            PersonFact::Activity(text("in a meeting")),
            PersonFact::LastSeenAt(Some(at(9))),
            PersonFact::EndpointType(EndpointType::Mobile),
            PersonFact::Note(Some(note.clone())),
            PersonFact::Location(text("Copenhagen")),
            PersonFact::Capabilities(able),
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
    assert_eq!(person.status().get(), PersonStatus::Busy);
    assert_eq!(person.activity().get(), text("in a meeting"));
    assert_eq!(person.last_seen_at().get(), Some(at(9)));
    assert_eq!(person.endpoint_type().get(), EndpointType::Mobile);
    assert_eq!(person.note().get(), Some(note));
    assert_eq!(person.location().get(), text("Copenhagen"));
    assert_eq!(person.capabilities().get(), able);
    stage.commit([
        about(LENE, PersonFact::Title(None)),
        about("sip:nobody@contoso.com", PersonFact::Title(None)),
    ]);
    assert_eq!(person.title().get(), None);
}

#[test]
fn there_is_one_object_for_each_person() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let one = manager.get_conversation(LENE).unwrap();
    drop(one.chat_service().start(Default::default()));
    stage.tell(
        one.id(),
        [conv_model::ConversationFact::Ended { reason: None }],
    );
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
    let talk_to_myself = manager.get_conversation("sip:ME@contoso.com").unwrap();
    assert_eq!(person(&talk_to_myself), stage.application.me().person());
    assert_eq!(person(&one).person(), person(&one));
}

#[test]
fn a_card_field_that_is_known_is_not_fetched_again_and_the_status_always_is() {
    let mut backend = MockBackend::new();
    let fields = [PersonField::Title, PersonField::Status, PersonField::Status];
    let mut sequence = Sequence::new();
    for expected in fields {
        backend
            .expect_fetch_person()
            .withf(move |address, field| address == LENE && *field == expected)
            .times(1)
            .in_sequence(&mut sequence)
            .returning(|_, _| Box::pin(std::future::ready(Ok(()))));
    }
    let (application, writer) = model(backend);
    let person = lene(&application);
    assert_eq!(now(person.title().fetch()), Ok(None));
    writer.commit(
        [
            PersonFact::Title(Some("Engineer".into())),
            PersonFact::Status(PersonStatus::Away),
        ]
        .map(|fact| about(LENE, fact)),
    );
    assert_eq!(
        now(person.title().fetch()),
        Ok(Some("Engineer".into())),
        "from memory"
    );
    assert_eq!(now(person.status().fetch()), Ok(PersonStatus::Away));
    assert_eq!(now(person.status().fetch()), Ok(PersonStatus::Away));
}

#[test]
fn what_the_protocol_cannot_do_says_so() {
    let stage = Stage::new();
    let person = lene(&stage.application);
    let code = |reason: Reason| reason.code().clone();
    assert_eq!(
        now(person.status().fetch()).map_err(code),
        Err(ReasonCode::NotSupported)
    );
    assert_eq!(
        now(person.status().set(PersonStatus::Away)).map_err(code),
        Err(ReasonCode::CommandDisabled)
    );
    assert_eq!(
        now(stage.application.me().status().set(PersonStatus::Away)).map_err(code),
        Err(ReasonCode::NotSupported)
    );
    assert_eq!(
        now(stage.application.persons_manager().search("lene", 5)).map_err(code),
        Err(ReasonCode::NotSupported)
    );
    assert_eq!(
        stage.application.me().status().get(),
        PersonStatus::Unknown,
        "the value stays"
    );
}

#[test]
fn setting_resolves_when_the_server_agreed_and_facts_change_the_value() {
    use conv_model::MeChange;
    let mut backend = MockBackend::new();
    let mut sequence = Sequence::new();
    for expected in [
        MeChange::Status(PersonStatus::Away),
        MeChange::Note("lunch".into()),
        MeChange::ResetNote,
        MeChange::Location("Aarhus".into()),
        MeChange::ResetLocation,
        MeChange::ResetStatus,
    ] {
        backend
            .expect_set_me()
            .withf(move |change| *change == expected)
            .times(1)
            .in_sequence(&mut sequence)
            .returning(|_| Box::pin(std::future::ready(Ok(()))));
    }
    let (application, writer) = model(backend);
    let me = application.me();
    let setting = me.status().set(PersonStatus::Away);
    assert_eq!(
        me.status().get(),
        PersonStatus::Unknown,
        "not before the server says so"
    );
    writer.commit([about(
        "sip:me@contoso.com",
        PersonFact::Status(PersonStatus::Away),
    )]);
    assert_eq!(now(setting), Ok(PersonStatus::Away));
    assert_eq!(me.person().status().get(), PersonStatus::Away);
    drop(me.note().set(Some(Note {
        kind: NoteKind::Personal,
        text: "lunch".into(),
    })));
    drop(me.note().set(None));
    drop(me.location().set(Some("Aarhus".into())));
    drop(me.location().set(None));
    drop(me.reset_status());
    writer.commit([about(
        "sip:me@contoso.com",
        PersonFact::Emails(vec!["me@contoso.com".into(), "x@contoso.com".into()]),
    )]);
    assert_eq!(me.email().get().as_deref(), Some("me@contoso.com"));
}

#[test]
fn a_person_is_there_for_the_asking_and_is_the_same_one_everywhere() {
    let stage = Stage::new();
    let manager = stage.application.persons_manager();
    let person = manager.get_person(LENE).unwrap();
    assert_eq!(person.display_name().get(), LENE);
    assert_eq!(person, lene(&stage.application));
    let me = stage.application.me();
    assert_eq!(manager.get_person(&me.id().get()).unwrap(), me.person());
    let refused = manager.get_person(" ").unwrap_err();
    assert_eq!(*refused.code(), ReasonCode::InvalidArgument);
}

#[test]
fn a_search_gives_people_of_whom_its_findings_are_known() {
    let mut backend = MockBackend::new();
    backend
        .expect_search_persons()
        .withf(|query, limit| query == "lene" && *limit == 5)
        .times(1)
        .returning(|_, _| {
            let facts = vec![
                PersonFact::DisplayName("Lene Aaling".into()),
                PersonFact::Title(Some("Engineer".into())),
            ];
            let found = FoundPersons::new(vec![("sip:LeneA@contoso.com".into(), facts)], true);
            Box::pin(std::future::ready(Ok(found)))
        });
    let (application, _writer) = model(backend);
    let held = lene(&application);
    let found = now(application.persons_manager().search("lene", 5)).unwrap();
    assert_eq!(found.persons, std::slice::from_ref(&held));
    assert!(found.more_available);
    assert_eq!(held.display_name().get(), "Lene Aaling");
    assert_eq!(held.title().get().as_deref(), Some("Engineer"));
}

#[test]
fn interest_is_counted_and_only_its_changes_are_told() {
    let mut backend = MockBackend::new();
    let mut sequence = Sequence::new();
    let seconds = Duration::from_secs;
    for expected in [
        Interest::Every(seconds(60)),
        Interest::Every(seconds(10)),
        Interest::Live,
        Interest::Every(seconds(60)),
        Interest::None,
    ] {
        backend
            .expect_set_interest()
            .withf(move |address, field, interest| {
                address == LENE && *field == PersonField::Status && *interest == expected
            })
            .times(1)
            .in_sequence(&mut sequence)
            .return_const(());
    }
    let (application, _writer) = model(backend);
    let status = lene(&application).status();
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
}
