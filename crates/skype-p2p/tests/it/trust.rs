//! A user whose home is in a pool of another domain: that pool gets no credentials before it is trusted.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, HyperTransport, SendOptions, TransportError};
use http::{Request, Response, header::AUTHORIZATION};
use skype_p2p::{
    Application, ApplicationBuilder, Credentials, Root, SignInErrorKind, SignInState, Stage,
    TrustQuestion,
};
use ucwa_server::{Server, ServerConfig};

use crate::{
    standard_chat,
    world::{LENE, LENE_PASSWORD, ROOT, TOSH, TOSH_PASSWORD, World, runtime, users},
};

const OTHER_POOL: &str = "pool.fabrikam.com";

/// Two pools: the pool that the discovery finds, and the pool in another domain in which the users are homed.
#[derive(Clone, Debug)]
struct Pools {
    first: World,
    other: World,
}

impl Pools {
    fn new() -> Self {
        let home = format!("https://{OTHER_POOL}");
        let mut config = ServerConfig::new(users().map(|mut user| {
            user.home = Some(home.clone());
            user
        }));
        let first = World::with_config(config);
        config = ServerConfig::new(users());
        config.domain = "fabrikam.com".to_owned();
        config.origin = Some(home);
        Self {
            first,
            other: World::with_config(config),
        }
    }

    fn builder(&self) -> ApplicationBuilder {
        Application::builder()
            .root(Root::Url(ROOT.to_owned()))
            .transport(Arc::new(self.clone()))
            .runtime(runtime())
    }
}

#[async_trait]
impl HttpTransport for Pools {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let world = match request.uri().host() {
            Some(OTHER_POOL) => &self.other,
            _ => &self.first,
        };
        world.send(request, options).await
    }
}

fn tosh() -> Credentials {
    Credentials::password(TOSH, TOSH_PASSWORD)
}

/// Whether any of these requests contains credentials, in a header or in its body.
fn contains_credentials(requests: &[Request<Bytes>]) -> bool {
    requests.iter().any(|request| {
        let body = String::from_utf8_lossy(request.body());
        request.headers().contains_key(AUTHORIZATION)
            || body.contains("password")
            || body.contains(TOSH_PASSWORD)
    })
}

#[tokio::test(start_paused = true)]
async fn an_untrusted_home_is_refused_and_gets_no_credentials() {
    let pools = Pools::new();
    let application = pools.builder().build().unwrap();
    let sign_in = application.sign_in_manager().sign_in(tosh());
    let error = sign_in.await.unwrap_err();
    assert_eq!(*error.kind(), SignInErrorKind::Untrusted, "{error}");
    assert_eq!(error.details().host.as_deref(), Some(OTHER_POOL));
    assert_eq!(
        error.details().stage.as_deref(),
        Some(Stage::Discovery.as_str())
    );
    let state = application.sign_in_manager().state();
    assert_eq!(state.get(), SignInState::SignedOut);
    assert!(contains_credentials(&pools.first.requests()));
    assert_eq!(pools.other.log(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_home_in_a_trusted_domain_is_used() {
    let pools = Pools::new();
    for suffix in ["abrikam.com", "fabrikam.org", "contoso.com"] {
        let application = pools.builder().trust_suffix(suffix).build().unwrap();
        let sign_in = application.sign_in_manager().sign_in(tosh());
        let error = sign_in.await.unwrap_err();
        assert_eq!(*error.kind(), SignInErrorKind::Untrusted, "{suffix}");
    }
    assert!(!contains_credentials(&pools.other.requests()));

    let sign_in = async |address, password| {
        let builder = pools.builder().trust_suffix("fabrikam.com");
        let application = builder.build().unwrap();
        let credentials = Credentials::password(address, password);
        let signed_in = application.sign_in_manager().sign_in(credentials);
        signed_in.await.unwrap();
        application
    };
    let tosh = sign_in(TOSH, TOSH_PASSWORD).await;
    let lene = sign_in(LENE, LENE_PASSWORD).await;
    standard_chat::run(&tosh, &lene).await;
    // Each pool issued its own token.
    let token = |world: &World| {
        let requests = world.requests();
        let last = requests
            .iter()
            .rev()
            .find_map(|request| request.headers().get(AUTHORIZATION));
        last.cloned().unwrap()
    };
    assert_ne!(token(&pools.first), token(&pools.other));
}

#[tokio::test(start_paused = true)]
async fn the_trust_callback_is_called_once_for_a_home_on_another_host() {
    for answer in [true, false] {
        let pools = Pools::new();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let questions = asked.clone();
        let builder = pools.builder().on_trust(move |question: TrustQuestion| {
            questions.lock().unwrap().push((question.from, question.to));
            async move { answer }
        });
        let application = builder.build().unwrap();
        let signed_in = application.sign_in_manager().sign_in(tosh()).await;
        let kind = signed_in.map_err(|error| error.kind().clone());
        let expected = match answer {
            true => Ok(()),
            false => Err(SignInErrorKind::Untrusted),
        };
        assert_eq!(kind, expected);
        assert_eq!(contains_credentials(&pools.other.requests()), answer);
        let asked = asked.lock().unwrap();
        let [(from, to)] = asked.as_slice() else {
            panic!("{asked:?}")
        };
        assert_eq!((&**from, &**to), ("127.0.0.1", OTHER_POOL));
    }
}

/// Records the requests to one host.
#[derive(Debug)]
struct RecordingTransport {
    inner: HyperTransport,
    host: &'static str,
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
}

#[async_trait]
impl HttpTransport for RecordingTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        if request.uri().host() == Some(self.host) {
            self.seen.lock().unwrap().push(request.clone());
        }
        self.inner.send(request, options).await
    }
}

/// Loopback needs no HTTPS, but another name of it counts as another host.
#[tokio::test]
async fn another_name_of_this_machine_is_another_host() {
    let home = Server::bind((Ipv4Addr::LOCALHOST, 0), ServerConfig::new(users()))
        .await
        .unwrap();
    let address = format!("http://localhost:{}", home.local_addr().port());
    let elsewhere = users().map(|mut user| {
        user.home = Some(address.clone());
        user
    });
    let first = Server::bind((Ipv4Addr::LOCALHOST, 0), ServerConfig::new(elsewhere))
        .await
        .unwrap();
    let build = |trusted: &[&str]| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let transport = RecordingTransport {
            inner: HyperTransport::new(),
            host: "localhost",
            seen: seen.clone(),
        };
        let builder = Application::builder()
            .root(Root::Url(first.root_url()))
            .transport(Arc::new(transport));
        let builder = trusted
            .iter()
            .fold(builder, |builder, suffix| builder.trust_suffix(*suffix));
        (builder.build().unwrap(), seen)
    };
    let (untrusting, seen) = build(&[]);
    let sign_in = untrusting.sign_in_manager().sign_in(tosh());
    let error = sign_in.await.unwrap_err();
    assert_eq!(*error.kind(), SignInErrorKind::Untrusted, "{error}");
    assert_eq!(error.details().host.as_deref(), Some("localhost"));
    assert!(!contains_credentials(&seen.lock().unwrap()));

    let (trusting, seen) = build(&["localhost"]);
    trusting.sign_in_manager().sign_in(tosh()).await.unwrap();
    assert!(contains_credentials(&seen.lock().unwrap()));
    trusting.sign_in_manager().sign_out().await.unwrap();
    first.shutdown().await;
    home.shutdown().await;
}
