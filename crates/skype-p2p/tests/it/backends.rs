//! The standard chat on every transport except the default one, which `loopback` tests.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use conv_transport::{
    Effect, Fault, Faulty, HttpTransport, Lane, MockHttpTransport, Record, RecordOptions, Replay,
    ReplayOptions, Stage, TransportError, TransportErrorKind,
};
use skype_p2p::{Application, Credentials, Root, SignInErrorKind, TokioRuntime};
use tokio::time::timeout;
use ucwa_server::{Server, ServerConfig};

use crate::{
    standard_chat,
    world::{LENE, LENE_PASSWORD, ROOT, TOSH, TOSH_PASSWORD, World, beginning, runtime, users},
};

#[path = "../../../conv-transport/examples/reqwest.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod reqwest_example;

/// Runs the standard chat with both applications on one transport.
async fn run_on(root: &str, transport: Arc<dyn HttpTransport>, runtime: Arc<TokioRuntime>) {
    let sign_in = async |address, password, seed| {
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
    let tosh = sign_in(TOSH, TOSH_PASSWORD, 1).await;
    let lene = sign_in(LENE, LENE_PASSWORD, 2).await;
    standard_chat::run(&tosh, &lene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_standard_chat_runs_on_reqwest_through_tower() {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let transport = reqwest_example::transport(client);
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0), ServerConfig::new(users()))
        .await
        .unwrap();
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    run_on(&server.root_url(), Arc::new(transport), runtime).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_closed_port_is_unreachable_by_reqwest_too() {
    let closed = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let root = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    let transport = reqwest_example::transport(reqwest::Client::new());
    let builder = Application::builder()
        .root(Root::Url(root))
        .transport(Arc::new(transport));
    let application = builder.build().unwrap();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    let signed_in = application.sign_in_manager().sign_in(credentials);
    let error = signed_in.await.unwrap_err();
    assert!(
        matches!(error.kind(), SignInErrorKind::Unreachable { .. }),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_standard_chat_runs_on_its_own_recording() {
    // A delay, so that requests and responses have distinct times.
    let delay = Fault::new(Effect::Delay(Duration::from_millis(20)));
    let world = Faulty::new(World::new(), 0, [delay]);
    let recorder = Arc::new(Record::new(world, RecordOptions::new(beginning())));
    run_on(ROOT, recorder.clone(), runtime()).await;
    let recorded = recorder.har();
    assert!(recorded.log.entries.len() > 20);

    let replay = Arc::new(Replay::new(&recorded, ReplayOptions::new()).unwrap());
    run_on(ROOT, replay.clone(), runtime()).await;
    if let Err(report) = replay.finish() {
        panic!("{report}");
    }
}

/// The mock responds from the server's engine. A mock cannot park a request, so a pending GET times out if no page is ready.
#[tokio::test(start_paused = true)]
async fn the_standard_chat_runs_on_the_mock() {
    let world = World::new();
    let mut mock = MockHttpTransport::new();
    mock.expect_send().returning(move |request, options| {
        let timed_out = || {
            assert_eq!(options.lane, Lane::Events, "a command without a response");
            TransportError::new(TransportErrorKind::Timeout, Stage::Wait, "mock")
        };
        world.answer(request).ok_or_else(timed_out)
    });
    let standard_chat = run_on(ROOT, Arc::new(mock), runtime());
    timeout(Duration::from_secs(600), standard_chat)
        .await
        .unwrap();
}
