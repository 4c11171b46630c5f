//! The way into an application at the server, and out of it again, where something stands in between.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError, TransportErrorKind};
use http::{Method, Request, Response};
use skype_p2p::{Application, Credentials, Root, SignInErrorKind};
use tokio::time::sleep;

use crate::world::{ROOT, TOSH, TOSH_PASSWORD, World};

/// The world, with answers that take their time.
struct Slow<F> {
    world: World,
    pause: F,
}

impl<F> fmt::Debug for Slow<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slow")
    }
}

#[async_trait]
impl<F> HttpTransport for Slow<F>
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

/// An application whose creation at the server is answered after two seconds, one second into that.
async fn being_created(world: &World) -> Application {
    let pause = |request: &Request<Bytes>| {
        let creates =
            request.method() == Method::POST && request.uri().path().ends_with("/applications");
        Duration::from_secs(if creates { 2 } else { 0 })
    };
    let slow = Slow {
        world: world.clone(),
        pause,
    };
    let builder = Application::builder().root(Root::Url(ROOT.to_owned()));
    let application = builder.transport(Arc::new(slow)).build().unwrap();
    drop(application.sign_in_manager().sign_in(tosh()));
    sleep(Duration::from_secs(1)).await;
    assert!(world.log().last().unwrap().ends_with("/applications"));
    application
}

#[tokio::test(start_paused = true)]
async fn an_application_that_is_being_created_is_deleted_by_a_sign_out() {
    let world = World::new();
    let application = being_created(&world).await;
    application.sign_in_manager().sign_out().await.unwrap();
    let last = world.log().pop().unwrap();
    assert!(
        last.starts_with("DELETE ") && last.contains("/applications/"),
        "{last}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_application_that_is_being_created_is_deleted_when_the_last_handle_goes() {
    let world = World::new();
    drop(being_created(&world).await);
    sleep(Duration::from_secs(3)).await;
    let last = world.log().pop().unwrap();
    assert!(
        last.starts_with("DELETE ") && last.contains("/applications/"),
        "{last}"
    );
}

/// The world, found through the domain of its users, of which one pool is not there any more.
#[derive(Debug)]
struct Moved(World);

#[async_trait]
impl HttpTransport for Moved {
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
async fn where_the_user_was_found_saves_the_next_discovery() {
    let world = World::new();
    let first = world.tosh().await;
    assert_eq!(world.requests()[0].uri(), ROOT);
    let home = first.sign_in_manager().home().unwrap();
    first.sign_in_manager().sign_out().await.unwrap();

    let begun = world.log().len();
    let second = world.builder().root(home.clone()).build().unwrap();
    assert_eq!(second.sign_in_manager().home(), None);
    second.sign_in_manager().sign_in(tosh()).await.unwrap();
    let asked = world.requests()[begun].uri().to_string();
    assert_eq!(Root::User(asked), home);
    assert_eq!(second.sign_in_manager().home(), Some(home));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_not_where_he_was_found_is_looked_for_anew() {
    let stale = Root::User("https://pool1.contoso.com/user".to_owned());
    let application = Application::builder()
        .root(stale)
        .transport(Arc::new(Moved(World::new())))
        .on_trust(|_| async { true })
        .build()
        .unwrap();
    application.sign_in_manager().sign_in(tosh()).await.unwrap();
    let Some(Root::User(home)) = application.sign_in_manager().home() else {
        panic!("nowhere")
    };
    assert!(home.starts_with(ROOT), "{home}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_sign_in_tells_the_way_that_it_took() {
    let world = World::new();
    let application = world.application();
    let wrong = Credentials::password(TOSH, "wrong");
    let error = application
        .sign_in_manager()
        .sign_in(wrong)
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), SignInErrorKind::InvalidCredentials);
    let tried = error.tried();
    assert!(
        tried[0].starts_with(&format!("{ROOT}: the user is at ")),
        "{tried:?}"
    );
    assert!(tried[1].contains("authentication: "), "{tried:?}");
}
