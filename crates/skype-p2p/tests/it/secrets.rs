//! Logs, errors, `Debug` output and recordings contain no password, token or cookie; logs and `Debug` output no message text.

use std::{
    collections::BTreeSet,
    fmt, fs,
    io::{self, Write},
    net::Ipv4Addr,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use conv_transport::{
    Har, HttpTransport, HyperConfig, HyperTransport, Lane, Proxy, Record, RecordOptions, Replay,
    ReplayOptions, SendOptions, TransportError,
};
use http::{Request, Response, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use skype_p2p::{Application, BearerToken, Credentials, Root};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};
use ucwa_server::{Server, ServerConfig, User};

use crate::{
    standard_chat,
    world::{LENE, TOSH},
};

/// Secrets that are encoded differently in forms, in JSON and in URLs.
const TOSH_PASSWORD: &str = r#"T0sh's "p&ss/w=rd" 4ever"#;
const LENE_PASSWORD: &str = r#"L3ne's "p&ss/w=rd" 4ever"#;
const WRONG_PASSWORD: &str = r#"N0t his "p&ss/w=rd" at all"#;
const MEETING_KEY: &str = "meeting key/of=7";
const ISSUED_TOKEN: &str = "jwt.of/another+issuer=";
const PROXY_PASSWORD: &str = "pr0xy-p4ssword";
const COOKIE: &str = "route-to-front-end-7";

/// The message texts of the standard chat.
const TEXTS: [&str; 4] = ["Hi Lene", "Hi Tosh", "Lunch?", "One more thing"];

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A load balancer that sets a cookie and records the credentials in requests.
struct Balancer {
    inner: HyperTransport,
    seen: Arc<Mutex<BTreeSet<String>>>,
}

impl fmt::Debug for Balancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl HttpTransport for Balancer {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        for name in [header::AUTHORIZATION, header::COOKIE] {
            if let Some(value) = request.headers().get(name) {
                let (_, secret) = value.to_str().unwrap().split_once([' ', '=']).unwrap();
                self.seen.lock().unwrap().insert(secret.to_owned());
            }
        }
        let mut response = self.inner.send(request, options).await?;
        let cookie = format!("route={COOKIE}; Path=/; HttpOnly");
        let cookie = cookie.parse().unwrap();
        response.headers_mut().append(header::SET_COOKIE, cookie);
        Ok(response)
    }
}

type Recorder = Arc<Record<Balancer>>;

/// All Debug output and errors that an application may print.
#[derive(Default)]
struct Output(String);

impl Output {
    fn add(&mut self, value: &dyn fmt::Debug) {
        self.0 += &format!("{value:?} {value:#?}\n");
    }

    fn add_error(&mut self, error: &(dyn std::error::Error + 'static)) {
        self.add(&error);
        let mut error = Some(error);
        while let Some(source) = error {
            self.0 += &format!("{source}\n");
            error = source.source();
        }
    }

    fn add_application(&mut self, application: &Application) {
        self.add(application);
        self.add(&application.sign_in_manager());
        self.add(&application.conversations_manager());
        self.add(&application.persons_and_groups_manager());
        self.add(&application.persons_and_groups_manager().all());
        self.add(&application.me());
        let conversations = application.conversations_manager().conversations();
        for conversation in &conversations.snapshot() {
            self.add(conversation);
            self.add(&conversation.participants().snapshot());
            self.add(&conversation.self_participant());
            self.add(&conversation.self_participant().chat());
            self.add(&conversation.chat_service());
            self.add(&conversation.chat_service().messages());
            self.add(&conversation.chat_service().messages().snapshot());
        }
    }
}

/// The encodings of `secret` to search for.
fn forms(secret: &str) -> BTreeSet<String> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let json = |text: &str| {
        let quoted = serde_json::to_string(text).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let mut forms: BTreeSet<String> = [
        secret.to_owned(),
        percent.replace("%20", "+"),
        percent,
        // In base64 alone, or after a user name as in Basic authentication.
        BASE64_STANDARD.encode(secret),
        BASE64_STANDARD.encode(format!("toshm@contoso.com:{secret}")),
    ]
    .into();
    // Percent-encoded with the unreserved marks of RFC 3986 kept, and with lower-case hexadecimal digits.
    let codes = || (0..=u8::MAX).map(|byte| (format!("%{byte:02X}"), byte));
    forms.extend(forms.clone().iter().map(|form| {
        let marks = codes().filter(|(_, byte)| b"-_.~".contains(byte));
        marks.fold(form.clone(), |form, (code, mark)| {
            form.replace(&code, &char::from(mark).to_string())
        })
    }));
    forms.extend(forms.clone().iter().map(|form| {
        codes().fold(form.clone(), |form, (code, _)| {
            form.replace(&code, &code.to_lowercase())
        })
    }));
    forms.extend(forms.clone().iter().map(|form| json(form)));
    // As nested `Debug` output escapes it.
    forms.extend(forms.clone().iter().map(|form| json(form)));
    forms
}

/// The `secrets` that `text` contains.
fn found_in<'a>(text: &str, secrets: &'a BTreeSet<String>) -> Vec<&'a str> {
    let is_contained = |secret: &&String| forms(secret).iter().any(|form| text.contains(form));
    secrets
        .iter()
        .filter(is_contained)
        .map(String::as_str)
        .collect()
}

/// Finds credentials in a recording whose secrets are unknown: a token of the server, credentials of a scheme, or a form
/// field, that is not replaced by a pseudonym.
fn contains_credentials(recording: &str) -> bool {
    let follows = |before: &str, allowed: &[&str]| {
        let mut matches = recording.match_indices(before);
        matches.any(|(at, _)| {
            let after = &recording[at + before.len()..];
            !allowed.iter().any(|allowed| after.starts_with(allowed))
        })
    };
    recording.contains("cwt=")
        || follows("Bearer ", &["redacted", "trusted_issuers", "client_id"])
        || follows(r#"access_token\":\""#, &["redacted"])
        || follows("&password=", &["redacted"])
}

/// The output of the standard chat and three failing sign-ins over sockets, recorded, with a proxy configured and a cookie
/// jar.
struct Run {
    shown: Output,
    recordings: Vec<String>,
    seen: BTreeSet<String>,
}

fn recorder(seen: &Arc<Mutex<BTreeSet<String>>>, shown: &mut Output) -> Recorder {
    let mut config = HyperConfig::default();
    // The proxy is not used for loopback.
    config.proxy = Proxy::new(&format!("http://tosh:{PROXY_PASSWORD}@127.0.0.1:9"), "").unwrap();
    shown.add(&config);
    let inner = HyperTransport::with_config(config);
    let balancer = Balancer {
        inner,
        seen: seen.clone(),
    };
    let mut options = RecordOptions::new(SystemTime::now());
    options.secrets = vec![MEETING_KEY.to_owned()];
    shown.add(&options);
    Arc::new(Record::new(balancer, options))
}

async fn run() -> Run {
    let mut shown = Output::default();
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let users = [
        User::new(TOSH, "Tosh Meston", TOSH_PASSWORD).unwrap(),
        User::new(LENE, "Lene Aaling", LENE_PASSWORD).unwrap(),
    ];
    let config = ServerConfig::new(users);
    shown.add(&config);
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0), config)
        .await
        .unwrap();
    shown.add(&server);

    let mut recorders = Vec::new();
    let mut build = |shown: &mut Output| {
        let recorder = recorder(&seen, shown);
        recorders.push(recorder.clone());
        let builder = Application::builder()
            .root(Root::Url(server.root_url()))
            .transport(recorder)
            .on_token(|_| async {
                let token = BearerToken::new(ISSUED_TOKEN, Duration::from_secs(600));
                assert!(!format!("{token:?}").contains(ISSUED_TOKEN));
                Some(token)
            });
        shown.add(&builder);
        builder.build().unwrap()
    };
    for credentials in [
        Credentials::password(TOSH, WRONG_PASSWORD),
        Credentials::bearer(TOSH),
        Credentials::meeting_guest("sip:lenea@contoso.com", "Joe", Some(MEETING_KEY.to_owned())),
    ] {
        shown.add(&credentials);
        let application = build(&mut shown);
        let refused = application.sign_in_manager().sign_in(credentials).await;
        shown.add_error(&refused.unwrap_err());
        shown.add_application(&application);
    }
    let (tosh, lene) = (build(&mut shown), build(&mut shown));
    for (application, address, password) in
        [(&tosh, TOSH, TOSH_PASSWORD), (&lene, LENE, LENE_PASSWORD)]
    {
        let credentials = Credentials::password(address, password);
        shown.add(&credentials);
        application
            .sign_in_manager()
            .sign_in(credentials)
            .await
            .unwrap();
        shown.add_application(application);
    }
    standard_chat::run(&tosh, &lene).await;
    for application in [&tosh, &lene] {
        shown.add_application(application);
    }
    server.shutdown().await;

    let mut recordings = Vec::new();
    for recorder in &recorders {
        shown.add(recorder);
        let har = recorder.har();
        shown.add(&har);
        let replay = Replay::new(&har, ReplayOptions::new()).unwrap();
        let request = Request::get(format!("http://localhost/?token={ISSUED_TOKEN}"))
            .header(header::AUTHORIZATION, format!("Bearer {ISSUED_TOKEN}"))
            .body(Bytes::from(format!("password={TOSH_PASSWORD}")))
            .unwrap();
        let options = SendOptions::new(Lane::Commands, Duration::from_secs(1));
        shown.add_error(&replay.send(request, options).await.unwrap_err());
        shown.add(&replay);
        shown.add_error(&replay.finish().unwrap_err());
        recordings.push(String::from_utf8(har.to_vec().unwrap()).unwrap());
    }
    let seen = seen.lock().unwrap().clone();
    Run {
        shown,
        recordings,
        seen,
    }
}

/// The fixtures of the project.
fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut files = Vec::new();
    for fixture in fs::read_dir(folder).unwrap() {
        for file in fs::read_dir(fixture.unwrap().path()).unwrap() {
            files.push(fs::read_to_string(file.unwrap().path()).unwrap());
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_error_or_recording_contains_a_secret() {
    let log = Log::default();
    // For the whole process: a subscriber of this thread misses call sites that other threads have disabled.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(log.clone())
        .init();
    let Run {
        shown: Output(shown),
        recordings,
        seen,
    } = run().await;
    let logged = log.text();
    assert!(logged.contains("submit"), "the log was recorded");

    let mut secrets: BTreeSet<String> = [
        TOSH_PASSWORD,
        LENE_PASSWORD,
        WRONG_PASSWORD,
        MEETING_KEY,
        ISSUED_TOKEN,
        PROXY_PASSWORD,
        COOKIE,
    ]
    .map(str::to_owned)
    .into();
    secrets.extend(seen.iter().cloned());
    let tokens = seen.iter().filter(|it| it.starts_with("cwt=")).count();
    assert!(
        tokens >= 2 && seen.contains(ISSUED_TOKEN) && seen.contains(COOKIE),
        "the requests contain every kind of secret: {seen:?}"
    );
    let texts: BTreeSet<String> = TEXTS.map(str::to_owned).into();

    let none: Vec<&str> = Vec::new();
    for (source, text) in [("the log", &logged), ("Debug output", &shown)] {
        assert_eq!(found_in(text, &secrets), none, "{source}");
        assert_eq!(found_in(text, &texts), none, "{source}");
    }
    let written: Vec<String> = recordings.iter().cloned().chain(fixtures()).collect();
    assert!(written.len() >= 5 + 7 * 3);
    for text in &written {
        assert_eq!(found_in(text, &secrets), none, "a recording");
        assert!(!contains_credentials(text), "a recording");
    }
    // The recording contains the message texts, so something was recorded.
    assert_eq!(
        found_in(recordings.last().unwrap(), &texts).len(),
        TEXTS.len()
    );

    // The search would find each secret.
    for secret in secrets.iter().chain(&texts) {
        let one = [secret.clone()].into();
        tracing::trace!(planted = ?secret, "planted");
        assert_eq!(found_in(&log.text(), &one), [secret], "in the log");
        let planted = format!("{shown}{:?}", Some(format!("{secret:?}")));
        assert_eq!(found_in(&planted, &one), [secret], "in Debug output");
        for form in [
            secret.clone(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            BASE64_STANDARD.encode(secret),
        ] {
            let mut har: serde_json::Value = serde_json::from_str(&recordings[0]).unwrap();
            har["log"]["entries"][2]["request"]["url"] = format!("http://pool/?x={form}").into();
            let har = Har::from_slice(har.to_string().as_bytes()).unwrap();
            let planted = String::from_utf8(har.to_vec().unwrap()).unwrap();
            assert_eq!(found_in(&planted, &one), [secret], "in a recording");
        }
    }
    for planted in [
        r#""value": "Bearer cwt""#,
        r#""value": "cwt=AAEBHAEFAAAAAAAFFQAAA""#,
        r#"{\"access_token\":\"eyJ0\"}"#,
        "grant_type=password&username=a&password=sesame",
    ] {
        assert!(contains_credentials(planted), "{planted}");
    }
}
