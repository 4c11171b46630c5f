//! Persons: presence, notes, contact cards and searches, between two applications.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, Stage, TransportError, TransportErrorKind};
use http::{Request, Response};
use skype_p2p::{
    Application, Capabilities, Credentials, EndpointType, Note, NoteKind, PersonStatus, PersonType,
    PhoneNumber, ReasonCode, Representation, Root,
};
use tokio::time::{sleep, timeout};
use ucwa_server::{Fault, Server, ServerConfig, User};

use crate::world::{LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, World, users};

const MINUTE: Duration = Duration::from_secs(60);

fn personal(text: &str) -> Option<Note> {
    Some(Note::new(NoteKind::Personal, text.to_owned()))
}

fn count(world: &World, method: &str, part: &str) -> usize {
    world
        .log()
        .iter()
        .filter(|line| line.starts_with(method) && line.contains(part))
        .count()
}

/// Tosh subscribes to the presence of Lene, and Lene changes it.
async fn follow_presence(tosh: &Application, lene: &Application) {
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    assert_eq!(person.status().get(), PersonStatus::Unknown);
    let status = person.status();
    let note = person.note();
    let following = (
        status.subscribe(),
        note.subscribe(),
        person.location().subscribe(),
    );
    status.wait_for(PersonStatus::Online).await.unwrap();
    assert_eq!(
        person.display_name().get(),
        "Lene Aaling",
        "the search returned the values"
    );

    let me = lene.me();
    let set = me.status().set(PersonStatus::Busy).await.unwrap();
    assert_eq!(
        set,
        PersonStatus::Busy,
        "the value that the server accepted"
    );
    status.wait_for(PersonStatus::Busy).await.unwrap();
    assert_eq!(person.activity().get().as_deref(), Some("Busy"));
    assert_eq!(person.endpoint_type().get(), EndpointType::Desktop);
    assert!(person.last_seen_at().get().is_some());

    me.note().set(personal("Heads down today")).await.unwrap();
    note.wait_for(personal("Heads down today")).await.unwrap();
    assert_eq!(me.note().get(), personal("Heads down today"));
    me.location().set(Some("Aarhus".to_owned())).await.unwrap();
    person
        .location()
        .wait_for(Some("Aarhus".to_owned()))
        .await
        .unwrap();

    me.note().set(None).await.unwrap();
    note.wait_for(None).await.unwrap();
    me.reset_status().await.unwrap();
    status.wait_for(PersonStatus::Online).await.unwrap();
    me.status().wait_for(PersonStatus::Online).await.unwrap();

    lene.sign_in_manager().sign_out().await.unwrap();
    status.wait_for(PersonStatus::Offline).await.unwrap();
    drop(following);
}

#[tokio::test(start_paused = true)]
async fn the_presence_of_a_person_reaches_subscribers() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    follow_presence(&tosh, &lene).await;
    sleep(MINUTE).await;
    assert_eq!(
        count(&world, "POST", "/people/presenceSubscriptions"),
        1,
        "one subscription request for all three fields"
    );
    assert_eq!(count(&world, "DELETE", "/people/presenceSubscriptions"), 1);
    assert_eq!(count(&world, "GET", "/people/search"), 1);
    assert_eq!(
        count(&world, "POST", "/batch"),
        1,
        "presence, note and location were read together"
    );
}

#[tokio::test(start_paused = true)]
async fn the_presence_of_a_person_reaches_subscribers_in_xml() {
    let world = World::new();
    let build = || {
        world
            .builder()
            .representation(Representation::Xml)
            .build()
            .unwrap()
    };
    let (tosh, lene) = (build(), build());
    for (application, address, password) in
        [(&tosh, TOSH, TOSH_PASSWORD), (&lene, LENE, LENE_PASSWORD)]
    {
        let credentials = Credentials::password(address, password);
        application
            .sign_in_manager()
            .sign_in(credentials)
            .await
            .unwrap();
    }
    follow_presence(&tosh, &lene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_presence_of_a_person_reaches_subscribers_over_sockets() {
    let users = [
        User::new(TOSH, "Tosh Meston", TOSH_PASSWORD).unwrap(),
        User::new(LENE, "Lene Aaling", LENE_PASSWORD).unwrap(),
    ];
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0), ServerConfig::new(users))
        .await
        .unwrap();
    let mut applications = Vec::new();
    for (address, password) in [(TOSH, TOSH_PASSWORD), (LENE, LENE_PASSWORD)] {
        let builder = Application::builder().root(Root::Url(server.root_url()));
        let application = builder.build().unwrap();
        let credentials = Credentials::password(address, password);
        application
            .sign_in_manager()
            .sign_in(credentials)
            .await
            .unwrap();
        applications.push(application);
    }
    let standard_chat = follow_presence(&applications[0], &applications[1]);
    timeout(MINUTE, standard_chat).await.unwrap();
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn concurrent_fetches_share_one_request_and_a_cached_card_needs_none() {
    let world = World::new();
    let (tosh, _lene) = (world.tosh().await, world.lene().await);
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    let (title, emails) = tokio::join!(person.title().fetch(), person.emails().fetch());
    assert_eq!(title.unwrap(), None, "the person has no title");
    assert_eq!(emails.unwrap(), ["lenea@contoso.com"]);
    let before = world.log().len();
    assert_eq!(
        person.emails().fetch().await.unwrap(),
        ["lenea@contoso.com"]
    );
    assert_eq!(world.log().len(), before);
    let fetches = [person.status(), person.status(), person.status()].map(|it| it.fetch());
    for fetch in fetches {
        assert_eq!(fetch.await.unwrap(), PersonStatus::Online);
    }
    assert_eq!(count(&world, "GET", "/contactPresence"), 1);
    let unknown = tosh
        .persons_and_groups_manager()
        .get_person("sip:nobody@contoso.com")
        .unwrap();
    let reason = unknown.status().fetch().await.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::RequestFailed);
}

#[tokio::test(start_paused = true)]
async fn a_search_finds_people_by_name() {
    let world = World::new();
    let tosh = world.tosh().await;
    let found = tosh
        .persons_and_groups_manager()
        .search("aaling", 10)
        .await
        .unwrap();
    assert!(!found.more_available);
    let [lene] = found.persons.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(lene.display_name().get(), "Lene Aaling");
    assert!(lene.id().get().eq_ignore_ascii_case(LENE));
    let known = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    assert_eq!(*lene, known);
    let before = world.log().len();
    assert_eq!(lene.status().fetch().await.unwrap(), PersonStatus::Offline);
    assert_eq!(
        world.log().len(),
        before + 1,
        "a person found by a search is not searched again"
    );
    let refused = tosh
        .persons_and_groups_manager()
        .search("", 10)
        .await
        .unwrap_err();
    assert_eq!(*refused.code(), ReasonCode::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn a_search_reports_that_there_are_more_results() {
    let world = World::new();
    let tosh = world.tosh().await;
    let manager = tosh.persons_and_groups_manager();
    let some = manager.search("contoso", 2).await.unwrap();
    assert_eq!((some.persons.len(), some.more_available), (2, true));
    let all = manager.search("contoso", 3).await.unwrap();
    assert_eq!((all.persons.len(), all.more_available), (3, false));
    let none = manager.search("nobody", 3).await.unwrap();
    assert_eq!((none.persons.len(), none.more_available), (0, false));
}

/// A world in which every field of Lene's contact card is set.
fn world_with_contact_cards() -> World {
    let mut users = users();
    let card = &mut users[1].card;
    card.title = Some("Product Manager".to_owned());
    card.department = Some("Sales".to_owned());
    card.company = Some("Contoso".to_owned());
    card.office = Some("20/2107".to_owned());
    card.work_phone = Some("tel:+4512345678".to_owned());
    card.mobile_phone = Some("tel:+4587654321".to_owned());
    card.photo = Some("/photos/lenea.jpg".to_owned());
    World::with_config(ServerConfig::new(users))
}

fn phones() -> [PhoneNumber; 2] {
    [("work", "tel:+4512345678"), ("mobile", "tel:+4587654321")]
        .map(|(kind, number)| PhoneNumber::new(kind.to_owned(), number.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_card_has_every_field_of_the_server() {
    let world = world_with_contact_cards();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    let me = lene.me().person();
    let photo = Some("http://127.0.0.1/photos/lenea.jpg".to_owned());
    for (field, expected) in [
        (person.title(), "Product Manager"),
        (person.department(), "Sales"),
        (person.company(), "Contoso"),
        (person.office(), "20/2107"),
        (me.title(), "Product Manager"),
        (me.department(), "Sales"),
        (me.company(), "Contoso"),
        (me.office(), "20/2107"),
    ] {
        assert_eq!(field.fetch().await.unwrap().as_deref(), Some(expected));
    }
    let person_type = person.person_type().fetch().await;
    assert_eq!(person_type.unwrap(), PersonType::User);
    assert_eq!(person.avatar_url().fetch().await.unwrap(), photo);
    assert_eq!(person.phone_numbers().fetch().await.unwrap(), phones());
    assert_eq!(me.avatar_url().fetch().await.unwrap(), photo);
    assert_eq!(me.phone_numbers().fetch().await.unwrap(), phones());
    assert_eq!(
        count(&world, "GET", "/people/search"),
        1,
        "one request for all fields of the card"
    );
}

#[tokio::test(start_paused = true)]
async fn capabilities_follow_the_sign_in_of_the_person() {
    let world = World::new();
    let tosh = world.tosh().await;
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    let capabilities = person.capabilities();
    let none = Capabilities::default();
    assert_eq!(capabilities.fetch().await.unwrap(), none);
    let _following = capabilities.subscribe();
    let lene = world.lene().await;
    let mut chat = none;
    chat.chat = true;
    assert_eq!(capabilities.fetch().await.unwrap(), chat);
    timeout(MINUTE, capabilities.wait_for(chat))
        .await
        .unwrap()
        .unwrap();
    lene.sign_in_manager().sign_out().await.unwrap();
    assert_eq!(capabilities.fetch().await.unwrap(), none);
}

#[tokio::test(start_paused = true)]
async fn a_location_is_published_and_reset() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let location = tosh
        .persons_and_groups_manager()
        .get_person(LENE)
        .unwrap()
        .location();
    let _following = location.subscribe();
    let own = lene.me().location();
    for place in [Some("Aarhus".to_owned()), None] {
        assert_eq!(own.set(place.clone()).await.unwrap(), place);
        assert_eq!(own.get(), place);
        timeout(MINUTE, location.wait_for(place))
            .await
            .unwrap()
            .unwrap();
    }
    let too_long = own.set(Some("x".repeat(61))).await.unwrap_err();
    assert_eq!(*too_long.code(), ReasonCode::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_made_before_the_sign_in_starts_with_it() {
    let world = World::new();
    let lene = world.lene().await;
    let tosh = world.application();
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    let _following = person.status().subscribe();
    let _polling = person.location().subscribe_every(MINUTE);
    let sent = world.log().len();
    sleep(MINUTE * 5).await;
    let requests = world.log().split_off(sent);
    assert!(
        !requests.iter().any(|line| line.contains("/people")),
        "{requests:?}"
    );
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    tosh.sign_in_manager().sign_in(credentials).await.unwrap();
    let status = person.status();
    let online = status.wait_for(PersonStatus::Online);
    timeout(MINUTE, online).await.unwrap().unwrap();
    lene.me().status().set(PersonStatus::Busy).await.unwrap();
    let busy = status.wait_for(PersonStatus::Busy);
    timeout(MINUTE, busy).await.unwrap().unwrap();
    let place = Some("Aarhus".to_owned());
    lene.me().location().set(place.clone()).await.unwrap();
    let location = person.location();
    timeout(MINUTE * 2, location.wait_for(place))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_subscription_survives_its_expiry_and_a_lost_application() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    let status = person.status();
    let _following = status.subscribe();
    status.wait_for(PersonStatus::Online).await.unwrap();
    sleep(MINUTE * 100).await;
    lene.me().status().set(PersonStatus::Away).await.unwrap();
    timeout(MINUTE, status.wait_for(PersonStatus::Away))
        .await
        .unwrap()
        .unwrap();

    world.inject(Fault::DropApplications {
        user: TOSH.to_owned(),
    });
    sleep(MINUTE).await;
    lene.me()
        .status()
        .set(PersonStatus::DoNotDisturb)
        .await
        .unwrap();
    timeout(MINUTE, status.wait_for(PersonStatus::DoNotDisturb))
        .await
        .unwrap()
        .unwrap();

    world.inject(Fault::Resync {
        user: TOSH.to_owned(),
    });
    sleep(MINUTE * 5).await;
    lene.me()
        .status()
        .set(PersonStatus::BeRightBack)
        .await
        .unwrap();
    timeout(MINUTE, status.wait_for(PersonStatus::BeRightBack))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn polling_fetches_fields_without_a_subscription() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    let polling = person.status().subscribe_every(MINUTE);
    person
        .status()
        .wait_for(PersonStatus::Online)
        .await
        .unwrap();
    lene.me().status().set(PersonStatus::Away).await.unwrap();
    sleep(MINUTE + Duration::from_secs(1)).await;
    assert_eq!(person.status().get(), PersonStatus::Away);
    assert_eq!(count(&world, "POST", "/people/presenceSubscriptions"), 0);
    drop(polling);
    sleep(Duration::from_secs(1)).await;
    let before = count(&world, "GET", "/contactPresence");
    sleep(MINUTE * 5).await;
    assert_eq!(count(&world, "GET", "/contactPresence"), before);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_can_keep_the_status_of_the_user() {
    let world = World::new();
    let lene = world.lene().await;
    lene.me().status().set(PersonStatus::Busy).await.unwrap();
    for (keeps, expected) in [(true, PersonStatus::Busy), (false, PersonStatus::Online)] {
        let mut builder = world.builder().endpoint_id(format!("second-{keeps}"));
        if keeps {
            builder = builder.keep_status();
        }
        let second = builder.build().unwrap();
        let credentials = Credentials::password(LENE, LENE_PASSWORD);
        second.sign_in_manager().sign_in(credentials).await.unwrap();
        for application in [&second, &lene] {
            let status = application.me().status().fetch().await.unwrap();
            assert_eq!(status, expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsupported_status_is_refused_and_the_value_stays() {
    let world = World::new();
    let tosh = world.tosh().await;
    let me = tosh.me();
    let _own = me.status().subscribe();
    me.status().wait_for(PersonStatus::Online).await.unwrap();
    let reason = me.status().set(PersonStatus::Hidden).await.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::InvalidArgument);
    let reason = me.note().set(personal(&"x".repeat(501))).await.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::InvalidArgument);
    assert_eq!(me.status().get(), PersonStatus::Online);
    assert_eq!(me.email().get().as_deref(), Some("toshm@contoso.com"));
    tosh.sign_in_manager().sign_out().await.unwrap();
    let reason = me.status().set(PersonStatus::Busy).await.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::SignedOut);
}

/// Of three activity reports, one is lost, one gets a 503, and one succeeds. If `is_down`, all are lost.
#[derive(Debug)]
struct UnreliableTransport {
    world: World,
    reports: AtomicUsize,
    is_down: bool,
}

#[async_trait]
impl HttpTransport for UnreliableTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        if !request.uri().path().ends_with("/reportMyActivity") {
            return self.world.send(request, options).await;
        }
        match self.reports.fetch_add(1, Ordering::Relaxed) % 3 {
            1 if !self.is_down => {
                let response = Response::builder().status(503);
                Ok(response.body(Bytes::new()).unwrap())
            }
            2 if !self.is_down => self.world.send(request, options).await,
            _ => {
                sleep(options.deadline).await;
                let (kind, stage) = (TransportErrorKind::Timeout, Stage::Wait);
                Err(TransportError::new(kind, stage, "127.0.0.1"))
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_stays_online_although_activity_reports_are_lost() {
    for is_down in [false, true] {
        let world = World::new();
        let transport = UnreliableTransport {
            world: world.clone(),
            reports: AtomicUsize::default(),
            is_down,
        };
        let tosh = world
            .builder()
            .transport(Arc::new(transport))
            .build()
            .unwrap();
        let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
        tosh.sign_in_manager().sign_in(credentials).await.unwrap();
        let lene = world.lene().await;
        let person = lene.persons_and_groups_manager().get_person(TOSH).unwrap();
        let status = person.status();
        let _following = status.subscribe();
        status.wait_for(PersonStatus::Online).await.unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let _listening = status.changed(move |change| log.lock().unwrap().push(change.new));
        sleep(MINUTE * 60).await;
        let expected: &[PersonStatus] = if is_down {
            &[PersonStatus::Online, PersonStatus::Idle]
        } else {
            &[PersonStatus::Online]
        };
        assert_eq!(*seen.lock().unwrap(), expected);
    }
}
