//! The standard chat over real HTTP: the default transport, and the server on a socket.

use std::net::Ipv4Addr;

use skype_p2p::{Application, Credentials, Representation, Root, SignInErrorKind};
use ucwa_server::{Server, ServerConfig};

use crate::{
    standard_chat,
    world::{LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, users},
};

async fn signed_in(
    server: &Server,
    representation: Representation,
    address: &str,
    password: &str,
) -> Application {
    let builder = Application::builder()
        .root(Root::Url(server.root_url()))
        .representation(representation);
    let application = builder.build().unwrap();
    application
        .sign_in_manager()
        .sign_in(Credentials::password(address, password))
        .await
        .unwrap();
    application
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_standard_chat_runs_over_sockets() {
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0), ServerConfig::new(users()))
        .await
        .unwrap();
    let tosh = signed_in(&server, Representation::Json, TOSH, TOSH_PASSWORD).await;
    let lene = signed_in(&server, Representation::Xml, LENE, LENE_PASSWORD).await;
    standard_chat::run(&tosh, &lene).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0), ServerConfig::new(users()))
        .await
        .unwrap();
    let root = server.root_url();
    server.shutdown().await;
    let application = Application::builder()
        .root(Root::Url(root.clone()))
        .build()
        .unwrap();
    let sign_in = application
        .sign_in_manager()
        .sign_in(Credentials::password(TOSH, TOSH_PASSWORD));
    let error = sign_in.await.unwrap_err();
    assert!(
        matches!(error.kind(), SignInErrorKind::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_user_homed_in_another_pool_signs_in_there() {
    let home = Server::bind((Ipv4Addr::LOCALHOST, 0), ServerConfig::new(users()))
        .await
        .unwrap();
    let mut elsewhere = users();
    for user in &mut elsewhere {
        user.home = Some(home.root_url().trim_end_matches('/').to_owned());
    }
    let first = Server::bind((Ipv4Addr::LOCALHOST, 0), ServerConfig::new(elsewhere))
        .await
        .unwrap();
    let tosh = signed_in(&first, Representation::Json, TOSH, TOSH_PASSWORD).await;
    // Users discovered through either server are homed in the same pool.
    let lene = signed_in(&home, Representation::Xml, LENE, LENE_PASSWORD).await;
    standard_chat::run(&tosh, &lene).await;
    first.shutdown().await;
    home.shutdown().await;
}
