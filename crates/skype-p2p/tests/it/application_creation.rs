//! The creation and deletion of the application at the server, and the discovery, despite faults.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError, TransportErrorKind};
use http::{Method, Request, Response};
use skype_p2p::{Application, ChannelOptions, Credentials, Root, SignInErrorKind};
use tokio::time::sleep;
use ucwa_server::Fault;

use crate::world::{ROOT, TOSH, TOSH_PASSWORD, World};

/// A transport to the world that delays responses.
struct DelayedTransport<F> {
    world: World,
    pause: F,
}

impl<F> fmt::Debug for DelayedTransport<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DelayedTransport")
    }
}

#[async_trait]
impl<F> HttpTransport for DelayedTransport<F>
where
    F: Fn(&Request<Bytes>) -> Duration + Send + Sync + 'static,
{
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let pause = (self.pause)(&request);
        let response = self.world.send(request, options).await;
        sleep(pause).await;
        response
    }
}

fn tosh() -> Credentials {
    Credentials::password(TOSH, TOSH_PASSWORD)
}

/// An application whose creation takes two seconds, one second after the request.
async fn application_in_creation(world: &World) -> Application {
    let pause = |request: &Request<Bytes>| {
        let creates =
            request.method() == Method::POST && request.uri().path().ends_with("/applications");
        Duration::from_secs(if creates { 2 } else { 0 })
    };
    let delayed = DelayedTransport {
        world: world.clone(),
        pause,
    };
    let builder = Application::builder().root(Root::Url(ROOT.to_owned()));
    let application = builder.transport(Arc::new(delayed)).build().unwrap();
    drop(application.sign_in_manager().sign_in(tosh()));
    sleep(Duration::from_secs(1)).await;
    assert!(world.log().last().unwrap().ends_with("/applications"));
    application
}

#[tokio::test(start_paused = true)]
async fn an_application_that_is_being_created_is_deleted_by_a_sign_out() {
    let world = World::new();
    let application = application_in_creation(&world).await;
    application.sign_in_manager().sign_out().await.unwrap();
    let last = world.log().pop().unwrap();
    assert!(
        last.starts_with("DELETE ") && last.contains("/applications/"),
        "{last}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_application_that_is_being_created_is_deleted_when_the_last_handle_is_dropped() {
    let world = World::new();
    drop(application_in_creation(&world).await);
    sleep(Duration::from_secs(3)).await;
    let last = world.log().pop().unwrap();
    assert!(
        last.starts_with("DELETE ") && last.contains("/applications/"),
        "{last}"
    );
}

/// A transport to the world through the discovery of the SIP domain. The other hosts of the domain do not exist.
#[derive(Debug)]
struct WithDiscovery(World);

#[async_trait]
impl HttpTransport for WithDiscovery {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        match request.uri().host() {
            Some("lyncdiscoverinternal.contoso.com") => *request.uri_mut() = ROOT.parse().unwrap(),
            Some(host) if host.ends_with("contoso.com") => {
                let stage = conv_transport::Stage::Connect;
                return Err(TransportError::new(
                    TransportErrorKind::Connect,
                    stage,
                    host,
                ));
            }
            _ => {}
        }
        self.0.send(request, options).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stored_home_skips_the_discovery() {
    let world = World::new();
    let first = world.tosh().await;
    assert_eq!(world.requests()[0].uri(), ROOT);
    let home = first.sign_in_manager().home().unwrap();
    first.sign_in_manager().sign_out().await.unwrap();

    let before = world.log().len();
    let second = world.builder().root(home.clone()).build().unwrap();
    assert_eq!(second.sign_in_manager().home(), None);
    second.sign_in_manager().sign_in(tosh()).await.unwrap();
    let first_request = world.requests()[before].uri().to_string();
    assert_eq!(Root::User(first_request), home);
    assert_eq!(second.sign_in_manager().home(), Some(home));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_not_at_the_stored_home_is_discovered_again() {
    let stale = Root::User("https://pool1.contoso.com/user".to_owned());
    let application = Application::builder()
        .root(stale)
        .transport(Arc::new(WithDiscovery(World::new())))
        .on_trust(|_| async { true })
        .build()
        .unwrap();
    application.sign_in_manager().sign_in(tosh()).await.unwrap();
    let Some(Root::User(home)) = application.sign_in_manager().home() else {
        panic!("the home is not known")
    };
    assert!(home.starts_with(ROOT), "{home}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_sign_in_lists_the_addresses_that_it_tried() {
    let world = World::new();
    let application = world.application();
    let wrong = Credentials::password(TOSH, "wrong");
    let error = application
        .sign_in_manager()
        .sign_in(wrong)
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), SignInErrorKind::InvalidCredentials);
    let tried = &error.details().tried;
    assert!(
        tried[0].starts_with(&format!("{ROOT}: the user is at ")),
        "{tried:?}"
    );
    assert!(tried[1].contains("authentication: "), "{tried:?}");
}

/// The URLs of the pending GETs with channel parameters.
fn polls_with_parameters(world: &World) -> Vec<String> {
    let requests = world.requests();
    let targets = requests.iter().map(|request| request.uri().to_string());
    targets
        .filter(|target| target.contains("/events") && target.contains("medium="))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn channel_options_are_sent_again_whenever_the_server_may_have_lost_them() {
    let world = World::new();
    let mut options = ChannelOptions::default();
    options.timeout = Some(Duration::from_secs(600));
    options.medium = Some(Duration::from_secs(1));
    options.priority = Some(3);
    let application = world.builder().channel(options).build().unwrap();
    application.sign_in_manager().sign_in(tosh()).await.unwrap();
    let user = TOSH.to_owned();
    let faults = [
        None,
        Some(Fault::Resume { user: user.clone() }),
        Some(Fault::DropApplications { user }),
    ];
    for (times, fault) in faults.into_iter().enumerate() {
        if let Some(fault) = fault {
            world.inject(fault);
        }
        sleep(Duration::from_secs(700)).await;
        let polls = polls_with_parameters(&world);
        assert_eq!(polls.len(), times + 1, "{polls:?}");
        let parameters = "&timeout=600&medium=5&priority=3";
        assert!(polls[times].ends_with(parameters), "{polls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_culture_and_the_supported_formats_are_sent() {
    let world = World::new();
    let builder = world.builder().culture("nb-NO").plain_text_only();
    let application = builder.build().unwrap();
    application.sign_in_manager().sign_in(tosh()).await.unwrap();
    let sent = |path: &str| {
        let requests = world.requests();
        let request = requests
            .iter()
            .find(|request| request.uri().path().ends_with(path));
        String::from_utf8(request.unwrap().body().to_vec()).unwrap()
    };
    assert!(sent("/applications").contains(r#""culture":"nb-NO""#));
    assert!(sent("/makeMeAvailable").contains(r#""supportedMessageFormats":["Plain"]"#));
}

#[tokio::test(start_paused = true)]
async fn an_unsupported_grant_fails_with_the_offered_grants() {
    let world = World::new();
    let application = world.application();
    let passive = Credentials::passive(TOSH);
    let sign_in = application.sign_in_manager().sign_in(passive);
    let error = sign_in.await.unwrap_err();
    let SignInErrorKind::GrantNotOffered { offered, .. } = error.kind() else {
        panic!("{error:?}")
    };
    assert!(offered.contains(&"password".to_owned()), "{offered:?}");
    assert_eq!(
        error.details().code.as_deref(),
        Some("unsupported_grant_type")
    );
}
