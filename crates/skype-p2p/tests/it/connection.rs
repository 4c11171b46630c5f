//! The state of the connection, as an application observes it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, Stage, TransportError, TransportErrorKind};
use http::{Request, Response};
use skype_p2p::{Application, ConnectionState, Credentials, ReasonCode, Runtime as _, SignInState};
use tokio::time::sleep;
use ucwa_server::Fault;

use crate::world::{LENE, TOSH, TOSH_PASSWORD, World, runtime};

/// A transport that can be interrupted.
#[derive(Debug)]
struct InterruptibleTransport {
    world: World,
    is_interrupted: AtomicBool,
}

#[async_trait]
impl HttpTransport for InterruptibleTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().authority().unwrap().to_string();
        let error = || TransportError::new(TransportErrorKind::Connect, Stage::Connect, &*host);
        if self.is_interrupted.load(Ordering::Relaxed) {
            return Err(error().never_sent());
        }
        let mut sent = self.world.send(request, options);
        loop {
            // An interruption also ends the exchanges in flight.
            match tokio::time::timeout(Duration::from_secs(1), &mut sent).await {
                Ok(response) => return response,
                Err(_) if self.is_interrupted.load(Ordering::Relaxed) => return Err(error()),
                Err(_) => {}
            }
        }
    }
}

type State = (ConnectionState, Option<ReasonCode>);

/// Records the states of the connection, with their reasons.
fn record_states(application: &Application) -> Arc<Mutex<Vec<State>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let connection = application.sign_in_manager().connection();
    connection
        .changed(move |change| {
            let code = change.reason.as_ref().map(|reason| reason.code().clone());
            log.lock().unwrap().push((change.new, code));
        })
        .detach();
    seen
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_seven_minutes_is_reported_while_it_lasts() {
    let world = World::new();
    let transport = Arc::new(InterruptibleTransport {
        world: world.clone(),
        is_interrupted: AtomicBool::new(false),
    });
    let tosh = world
        .builder()
        .transport(transport.clone())
        .build()
        .unwrap();
    let seen = record_states(&tosh);
    let manager = tosh.sign_in_manager();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    manager.sign_in(credentials).await.unwrap();
    let before = (ConnectionState::Disconnected, None);
    let connected = (ConnectionState::Connected, None);
    assert_eq!(*seen.lock().unwrap(), [before.clone(), connected]);

    let interrupted_at = runtime().wall_clock();
    transport.is_interrupted.store(true, Ordering::Relaxed);
    sleep(Duration::from_secs(60)).await;
    let ConnectionState::Reconnecting { since, .. } = manager.connection().get() else {
        panic!("{:?}", manager.connection().get());
    };
    let delay = since.duration_since(interrupted_at).unwrap();
    assert!(delay < Duration::from_secs(3), "{delay:?}");
    let reason = manager.connection().reason().unwrap();
    assert_eq!(*reason.code(), ReasonCode::ConnectionLost);
    assert_eq!(reason.details().unwrap().host.as_deref(), Some("127.0.0.1"));
    assert_eq!(manager.state().get(), SignInState::SignedIn);

    sleep(Duration::from_secs(360)).await;
    transport.is_interrupted.store(false, Ordering::Relaxed);
    let wait = manager.connection().wait_for(ConnectionState::Connected);
    wait.await.unwrap();
    assert_eq!(manager.connection().reason(), None);
    assert_eq!(seen.lock().unwrap().len(), 4);
    manager.sign_out().await.unwrap();
    assert_eq!(seen.lock().unwrap().last(), Some(&before));
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_the_application_is_reported() {
    let world = World::new();
    let tosh = world.tosh().await;
    let seen = record_states(&tosh);
    world.inject(Fault::DropApplications { user: TOSH.into() });
    // The server answers the next request with 404.
    let _ = tosh
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap()
        .chat_service()
        .send_message("Hi")
        .await;
    let connection = tosh.sign_in_manager().connection();
    connection
        .wait_for(ConnectionState::Connected)
        .await
        .unwrap();
    sleep(Duration::from_secs(60)).await;
    let seen = seen.lock().unwrap();
    let lost = seen
        .iter()
        .find(|(state, _)| matches!(state, ConnectionState::Reconnecting { .. }));
    let (_, code) = lost.expect("the loss is reported");
    assert_eq!(*code, Some(ReasonCode::ConnectionLost));
    assert_eq!(seen.last(), Some(&(ConnectionState::Connected, None)));
}
