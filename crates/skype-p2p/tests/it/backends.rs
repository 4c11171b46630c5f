//! The story on every backend but the default one, which `loopback` has: what swaps is the transport, and nothing else.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::{
    Effect, Fault, Faulty, HttpTransport, Lane, MockHttpTransport, Record, RecordOptions, Replay,
    ReplayOptions, Stage, TowerTransport, TransportError, TransportErrorKind,
};
use http::{Request, Response};
use skype_p2p::{Application, Credentials, Root, TokioRuntime};
use tokio::time::timeout;
use ucwa_server::{Server, ServerConfig};

use crate::{
    story,
    world::{LENE, LENE_PASSWORD, ROOT, TOSH, TOSH_PASSWORD, World, beginning, runtime, users},
};

/// The story, with both applications on one transport.
async fn tell(root: &str, transport: Arc<dyn HttpTransport>, runtime: Arc<TokioRuntime>) {
    let enter = async |address, password, seed| {
        let builder = Application::builder()
            .root(Root::Url(root.to_owned()))
            .transport(transport.clone())
            .runtime(runtime.clone())
            .seed(seed);
        let application = builder.build().unwrap();
        let credentials = Credentials::password(address, password);
        let signed_in = application.sign_in_manager().sign_in(credentials);
        signed_in.await.unwrap();
        application
    };
    let tosh = enter(TOSH, TOSH_PASSWORD, 1).await;
    let lene = enter(LENE, LENE_PASSWORD, 2).await;
    story::play(&tosh, &lene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_runs_on_reqwest_through_tower() {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let transport = TowerTransport::new(tower::service_fn(move |request: Request<Bytes>| {
        let client = client.clone();
        async move {
            let response = client.execute(request.try_into()?).await?;
            Ok::<Response<reqwest::Body>, reqwest::Error>(response.into())
        }
    }));
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0), ServerConfig::new(users()))
        .await
        .unwrap();
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    tell(&server.root_url(), Arc::new(transport), runtime).await;
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_story_runs_on_its_own_recording() {
    // Wires of some length, so that not all of it happens at one moment.
    let wires = Fault::new(Effect::Delay(Duration::from_millis(20)));
    let world = Faulty::new(World::new(), 0, [wires]);
    let recorder = Arc::new(Record::new(world, RecordOptions::new(beginning())));
    tell(ROOT, recorder.clone(), runtime()).await;
    let recorded = recorder.har();
    assert!(recorded.log.entries.len() > 20);

    let replay = Arc::new(Replay::new(&recorded, ReplayOptions::new()).unwrap());
    tell(ROOT, replay.clone(), runtime()).await;
    if let Err(report) = replay.finish() {
        panic!("{report}");
    }
}

/// The mock answers from the server's engine. A mock has no way to park a request, so a page of events that is not there yet is
/// a deadline that has passed.
#[tokio::test(start_paused = true)]
async fn the_story_runs_on_the_mock() {
    let world = World::new();
    let mut mock = MockHttpTransport::new();
    mock.expect_send().returning(move |request, options| {
        let silence = || {
            assert_eq!(options.lane, Lane::Events, "a command without an answer");
            TransportError::new(TransportErrorKind::Timeout, Stage::Wait, "mock")
        };
        world.answer(request).ok_or_else(silence)
    });
    let story = tell(ROOT, Arc::new(mock), runtime());
    timeout(Duration::from_secs(600), story).await.unwrap();
}
