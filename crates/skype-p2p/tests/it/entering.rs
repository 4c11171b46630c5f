//! The way into an application at the server, and out of it again, where something stands in between.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError};
use http::{Method, Request, Response};
use skype_p2p::{Application, Credentials, Root};
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
