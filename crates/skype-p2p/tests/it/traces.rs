//! The tracing spans of exchanges: enough to find each exchange in the server's logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError};
use http::{Method, Request, Response, StatusCode, header};
use skype_p2p::{Application, CallConnectionState, Credentials, PersonStatus};
use tracing::{
    Dispatch,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

use crate::{
    standard_chat,
    world::{LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, World},
};

const CORRELATION_ID: &str = "x-ms-correlation-id";

/// The fields of a span. A field that is recorded twice has the last value.
#[derive(Clone, Debug, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

/// The exchanges that have ended.
#[derive(Clone, Default)]
struct Ended(Arc<Mutex<Vec<Fields>>>);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Ended {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        if span.name() == "exchange" {
            let fields = span.extensions().get::<Fields>().cloned();
            self.0.lock().unwrap().extend(fields);
        }
    }
}

/// The requests with one correlation ID, and the last response.
#[derive(Clone, Debug, Default)]
struct ExchangeRecord {
    sent: u32,
    status: Option<u16>,
    subcode: Option<&'static str>,
}

/// A transport to the world that fails some requests and records all of them.
#[derive(Clone, Debug)]
struct RecordingTransport {
    world: World,
    exchanged: Arc<Mutex<BTreeMap<String, ExchangeRecord>>>,
    /// The requests inside batches.
    batches: Arc<Mutex<String>>,
}

impl RecordingTransport {
    async fn signed_in(&self, address: &str, password: &str) -> Application {
        let builder = self.world.builder().transport(Arc::new(self.clone()));
        let application = builder.build().unwrap();
        let credentials = Credentials::password(address, password);
        let manager = application.sign_in_manager();
        manager.sign_in(credentials).await.unwrap();
        application
    }

    /// The failing response, for the first time or always.
    fn failure(method: &Method, path: &str, sent: u32) -> Option<(StatusCode, &'static str)> {
        if *method == Method::POST && path.ends_with("/messaging/messages") && sent == 1 {
            Some((StatusCode::TOO_MANY_REQUESTS, "AnotherOperationPending"))
        } else if *method == Method::DELETE && path.contains("/presenceSubscriptions/") {
            Some((StatusCode::FORBIDDEN, "LimitExceeded"))
        } else {
            None
        }
    }
}

#[async_trait]
impl HttpTransport for RecordingTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let id = request.headers()[CORRELATION_ID]
            .to_str()
            .unwrap()
            .to_owned();
        let path = request.uri().path().to_owned();
        if path.ends_with("/batch") {
            *self.batches.lock().unwrap() += str::from_utf8(request.body()).unwrap();
        }
        let sent = {
            let mut exchanged = self.exchanged.lock().unwrap();
            let record = exchanged.entry(id.clone()).or_default();
            record.sent += 1;
            record.sent
        };
        let failure = Self::failure(request.method(), &path, sent);
        let response = match failure {
            Some((status, subcode)) => Response::builder()
                .status(status)
                .header(header::CONTENT_TYPE, "application/json")
                .body(format!(r#"{{"code": "Failure", "subcode": "{subcode}"}}"#).into())
                .unwrap(),
            None => {
                let response = self.world.send(request, options).await?;
                assert_eq!(response.headers()[CORRELATION_ID], *id, "{path}");
                response
            }
        };
        let mut exchanged = self.exchanged.lock().unwrap();
        let record = exchanged.get_mut(&id).unwrap();
        record.status = Some(response.status().as_u16());
        record.subcode = failure.map(|(_, subcode)| subcode).or(record.subcode);
        Ok(response)
    }
}

#[tokio::test(start_paused = true)]
async fn every_exchange_has_a_span_with_its_correlation_id() {
    let ended = Ended::default();
    let subscriber = Dispatch::new(Registry::default().with(ended.clone()));
    // With a single subscriber, a thread without it that reaches a call site first disables the call site for all threads.
    // The second subscriber prevents that.
    let _another = Dispatch::new(Registry::default());
    let _guard = tracing::dispatcher::set_default(&subscriber);

    let transport = RecordingTransport {
        world: World::new(),
        exchanged: Arc::default(),
        batches: Arc::default(),
    };
    let tosh = transport.signed_in(TOSH, TOSH_PASSWORD).await;
    let lene = transport.signed_in(LENE, LENE_PASSWORD).await;
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    let following = (
        person.status().subscribe(),
        person.note().subscribe(),
        person.location().subscribe(),
    );
    let status = person.status();
    status.wait_for(PersonStatus::Online).await.unwrap();
    drop(following);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("Hi Lene");
    let lene_side = standard_chat::conversation(&lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    let chat = tosh_side.self_participant().chat();
    let connected = CallConnectionState::Connected;
    chat.state().wait_for(connected).await.unwrap();
    tosh_side
        .chat_service()
        .send_message("Lunch?")
        .await
        .unwrap();
    for application in [&tosh, &lene] {
        application.sign_in_manager().sign_out().await.unwrap();
    }

    let exchanged = transport.exchanged.lock().unwrap().clone();
    let batches = transport.batches.lock().unwrap().clone();
    let ended = ended.0.lock().unwrap().clone();
    let (mut operations, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for Fields(fields) in &ended {
        operations.insert(fields["operation"].clone());
        let field = |name: &str| fields.get(name).map(String::as_str);
        assert_eq!(field("host"), Some("127.0.0.1"), "{fields:?}");
        let id = field("correlation_id").unwrap_or_else(|| panic!("{fields:?}"));
        let Some(exchange) = exchanged.get(id) else {
            let is_batched = batches.contains(id) && field("attempts").is_none();
            assert!(is_batched && field("status") == Some("200"), "{fields:?}");
            continue;
        };
        assert!(
            ids.insert(id),
            "two exchanges with one correlation ID: {fields:?}"
        );
        let status = exchange.status.map(|status| status.to_string());
        assert_eq!(field("status"), status.as_deref(), "{fields:?}");
        assert_eq!(field("subcode"), exchange.subcode, "{fields:?}");
    }
    assert_eq!(ids.len(), exchanged.len(), "every request has a span");
    for operation in [
        "root",
        "user",
        "token",
        "applications",
        "makeMeAvailable",
        "application",
        "events",
        "search",
        "batch",
        "contactPresence",
        "contactNote",
        "contactLocation",
        "presenceSubscriptions",
        "presenceSubscription",
        "startMessaging",
        "sendMessage",
        "application.delete",
    ] {
        assert!(
            operations.contains(operation),
            "{operation} in {operations:?}"
        );
    }
    let subcodes: BTreeSet<_> = exchanged.values().filter_map(|it| it.subcode).collect();
    assert_eq!(subcodes.len(), 2, "both failures occurred: {subcodes:?}");
}
