//! An engine in virtual time, and clients that only follow links.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, IF_MATCH, LOCATION, WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, StatusCode};
use ucwa_proto::{Event, EventPage, Limits, Problem, Representation, Resource};
use ucwa_server::{Engine, Fault, Input, Output, RequestId, ServerConfig, User};

pub(crate) const TOSH: &str = "toshm@contoso.com";
pub(crate) const LENE: &str = "lenea@contoso.com";
pub(crate) const ALEX: &str = "alexd@contoso.com";
/// A user of another enterprise.
pub(crate) const JOE: &str = "joe@fabrikam.com";
pub(crate) const PASSWORD: &str = "pass@word1";
/// The path of the user resource.
pub(crate) const USER: &str = "/Autodiscover/AutodiscoverService.svc/root/oauth/user";
const HOME: &str = "lyncweb.contoso.com";

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now: Duration,
    requests: u64,
    replies: BTreeMap<RequestId, Response<Bytes>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Self::config())
    }

    pub(crate) fn config() -> ServerConfig {
        let mut config = ServerConfig::new([
            User::new(TOSH, "Tosh Meston", PASSWORD).unwrap(),
            User::new(LENE, "Lene Aaling", PASSWORD).unwrap(),
            User::new(ALEX, "Alex Darrow", PASSWORD).unwrap(),
            User::new(JOE, "Joe Smith", PASSWORD).unwrap(),
        ]);
        config.origin = Some(format!("https://{HOME}"));
        config.wall_at_epoch = UNIX_EPOCH + seconds(1_364_327_898);
        config
    }

    pub(crate) fn of(config: ServerConfig) -> Self {
        Self {
            engine: Engine::new(config),
            now: Duration::ZERO,
            requests: 0,
            replies: BTreeMap::new(),
        }
    }

    pub(crate) fn send(&mut self, request: Request<Bytes>) -> RequestId {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.engine.handle(self.now, Input::Request { id, request });
        self.collect();
        id
    }

    fn collect(&mut self) -> Option<Duration> {
        loop {
            match self.engine.poll_output() {
                Output::Reply { id, response } => {
                    assert!(
                        self.replies.insert(id, response).is_none(),
                        "one reply for each request"
                    );
                }
                Output::Idle { wake_at } => return wake_at,
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn reply(&mut self, id: RequestId) -> Option<Response<Bytes>> {
        self.replies.remove(&id)
    }

    pub(crate) fn exchange(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        let id = self.send(request);
        self.reply(id).expect("an answer at once")
    }

    /// Advances the time, with a timeout of the engine whenever one is due.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(wake_at) = self.collect().filter(|wake_at| *wake_at <= end) {
            assert!(wake_at >= self.now, "wakes in the past");
            self.now = wake_at;
            self.engine.handle(self.now, Input::Timeout);
        }
        self.now = end;
        self.collect();
    }

    pub(crate) fn disconnect(&mut self, id: RequestId) {
        self.engine.handle(self.now, Input::Disconnected { id });
        self.collect();
    }

    pub(crate) fn inject(&mut self, fault: Fault) {
        self.engine.inject(self.now, fault);
        self.collect();
    }
}

pub(crate) struct Client {
    pub(crate) representation: Representation,
    pub(crate) token: String,
    pub(crate) application: Resource<'static>,
    /// The href of the next event page.
    pub(crate) next: String,
}

/// A request to an absolute or relative URL, without a token.
pub(crate) fn request(method: &Method, url: &str) -> http::request::Builder {
    let path = match url.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/').unwrap()..],
        None => url,
    };
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, HOME)
}

pub(crate) fn form(url: &str, body: &str) -> Request<Bytes> {
    request(&Method::POST, url)
        .header(
            CONTENT_TYPE,
            "application/x-www-form-urlencoded;charset=UTF-8",
        )
        .header(CONTENT_LENGTH, body.len())
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

pub(crate) fn location(response: &Response<Bytes>) -> String {
    response.headers()[LOCATION].to_str().unwrap().to_owned()
}

pub(crate) fn decode(response: &Response<Bytes>) -> Resource<'static> {
    let content_type = response.headers()[CONTENT_TYPE].to_str().unwrap();
    let representation = Representation::from_content_type(content_type).expect("JSON or XML");
    Resource::decode(response.body(), representation, &Limits::default())
        .unwrap()
        .into_owned()
}

/// The status, code and subcode of an error.
pub(crate) fn refused(response: &Response<Bytes>) -> (u16, String, String) {
    let problem = Problem::from_generic(decode(response));
    (
        response.status().as_u16(),
        problem.code.unwrap_or_default().into_owned(),
        problem.subcode.unwrap_or_default().into_owned(),
    )
}

pub(crate) fn refusal(status: u16, code: &str, subcode: &str) -> (u16, String, String) {
    (status, code.to_owned(), subcode.to_owned())
}

impl Client {
    /// Signs in by links, from the root to an application.
    pub(crate) fn sign_in(world: &mut World, name: &str, representation: Representation) -> Self {
        Self::sign_in_at(world, name, representation, "endpoint-1")
    }

    pub(crate) fn sign_in_at(
        world: &mut World,
        name: &str,
        representation: Representation,
        endpoint: &str,
    ) -> Self {
        let accept = representation.content_type();
        let get = |url: &str| request(&Method::GET, url).header(ACCEPT, accept);
        let root = world.exchange(get("/").body(Bytes::new()).unwrap());
        let user = decode(&root).link_href("user").unwrap().to_owned();
        let challenge = world.exchange(get(&user).body(Bytes::new()).unwrap());
        assert_eq!(challenge.status(), StatusCode::UNAUTHORIZED);
        let token_url = challenge
            .headers()
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .map(|value| value.to_str().unwrap())
            .find_map(|value| value.strip_prefix("MsRtcOAuth href=\""))
            .and_then(|value| value.split('"').next())
            .unwrap();
        let response = world.exchange(form(
            token_url,
            &format!("grant_type=password&username={name}&password=pass%40word1"),
        ));
        assert_eq!(response.status(), StatusCode::OK);
        let token = decode(&response).text("access_token").unwrap().to_owned();
        Self::with_token(world, token, representation, endpoint)
    }

    /// Creates an application with this token, by links from the user resource.
    pub(crate) fn with_token(
        world: &mut World,
        token: String,
        representation: Representation,
        endpoint: &str,
    ) -> Self {
        let mut client = Self {
            representation,
            token,
            application: Resource::anonymous(),
            next: String::new(),
        };
        let user = client.resource(world, USER);
        let applications = user.link_href("applications").unwrap();
        let created = client.post(
            world,
            applications,
            &Resource::anonymous()
                .with_property("culture", "en-US")
                .with_property("endpointId", endpoint.to_owned())
                .with_property("userAgent", "UCWA Samples"),
        );
        assert_eq!(created.status(), StatusCode::CREATED);
        client.application = decode(&created);
        client.next = client.application.link_href("events").unwrap().to_owned();
        client
    }

    /// Signs in, becomes available for messaging, and reads the events of these steps.
    pub(crate) fn available(world: &mut World, name: &str, representation: Representation) -> Self {
        Self::available_at(world, name, representation, "endpoint-1")
    }

    pub(crate) fn available_at(
        world: &mut World,
        name: &str,
        representation: Representation,
        endpoint: &str,
    ) -> Self {
        let mut client = Self::sign_in_at(world, name, representation, endpoint);
        client.make_available(world, &["Plain", "Html"]);
        client.page(world);
        client
    }

    pub(crate) fn make_available(&mut self, world: &mut World, formats: &[&'static str]) {
        let link = self
            .application
            .embedded("me")
            .unwrap()
            .link_href("makeMeAvailable")
            .unwrap()
            .to_owned();
        let response = self.post(
            world,
            &link,
            &Resource::anonymous()
                .with_property("supportedModalities", vec!["Messaging"])
                .with_property("supportedMessageFormats", formats.to_vec()),
        );
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
    }

    pub(crate) fn builder(&self, method: &Method, href: &str) -> http::request::Builder {
        request(method, href)
            .header(ACCEPT, self.representation.content_type())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
    }

    pub(crate) fn get(&self, world: &mut World, href: &str) -> Response<Bytes> {
        world.exchange(self.builder(&Method::GET, href).body(Bytes::new()).unwrap())
    }

    pub(crate) fn resource(&self, world: &mut World, href: &str) -> Resource<'static> {
        let response = self.get(world, href);
        assert_eq!(response.status(), StatusCode::OK, "{href}");
        decode(&response)
    }

    pub(crate) fn post(
        &self,
        world: &mut World,
        href: &str,
        input: &Resource<'_>,
    ) -> Response<Bytes> {
        let body = ucwa_proto::Input::from(input.borrowed()).encode(self.representation);
        world.exchange(
            self.builder(&Method::POST, href)
                .header(CONTENT_TYPE, self.representation.content_type())
                .header(CONTENT_LENGTH, body.len())
                .body(body.into())
                .unwrap(),
        )
    }

    /// A PUT on the condition that the resource still has the ETag of the input.
    pub(crate) fn put(
        &self,
        world: &mut World,
        href: &str,
        input: &Resource<'_>,
    ) -> Response<Bytes> {
        let body = ucwa_proto::Input::from(input.borrowed()).encode(self.representation);
        let mut request = self
            .builder(&Method::PUT, href)
            .header(CONTENT_TYPE, self.representation.content_type())
            .header(CONTENT_LENGTH, body.len());
        if let Some(etag) = input.etag() {
            request = request.header(IF_MATCH, format!("\"{etag}\""));
        }
        world.exchange(request.body(body.into()).unwrap())
    }

    /// A POST without a body.
    pub(crate) fn press(&self, world: &mut World, href: &str) -> StatusCode {
        let request = self.builder(&Method::POST, href).header(CONTENT_LENGTH, 0);
        world.exchange(request.body(Bytes::new()).unwrap()).status()
    }

    pub(crate) fn delete(&self, world: &mut World, href: &str) -> StatusCode {
        let request = self.builder(&Method::DELETE, href);
        world.exchange(request.body(Bytes::new()).unwrap()).status()
    }

    /// A pending GET for the next page.
    pub(crate) fn park(&self, world: &mut World) -> RequestId {
        world.send(
            self.builder(&Method::GET, &self.next)
                .body(Bytes::new())
                .unwrap(),
        )
    }

    /// The next page. Panics if there are no events.
    pub(crate) fn page(&mut self, world: &mut World) -> Page {
        let id = self.park(world);
        self.arrived(world, id)
    }

    /// The page that answers a pending GET. Panics if there is none.
    pub(crate) fn arrived(&mut self, world: &mut World, id: RequestId) -> Page {
        let response = world.reply(id).expect("events");
        let page = self.decode_page(&response);
        self.next = page.follow.as_ref().unwrap().href().to_owned();
        Page(page)
    }

    pub(crate) fn decode_page(&self, response: &Response<Bytes>) -> EventPage<'static> {
        assert_eq!(response.status(), StatusCode::OK);
        EventPage::decode(response.body(), self.representation, &Limits::default())
            .unwrap()
            .into_owned()
    }

    pub(crate) fn communication(&self) -> &Resource<'static> {
        self.application.embedded("communication").unwrap()
    }

    /// POST startMessaging, with the text unless it is empty.
    pub(crate) fn invite(
        &self,
        world: &mut World,
        to: &str,
        operation: &str,
        text: &str,
    ) -> Response<Bytes> {
        let mut input = Resource::anonymous()
            .with_property("importance", "Normal")
            .with_property("subject", "Task Sample")
            .with_property("to", format!("sip:{to}"))
            .with_property("operationId", operation.to_owned());
        if !text.is_empty() {
            input = input.with_link("message", ucwa_proto::DataUri::text_plain(text));
        }
        let href = self.communication().link_href("startMessaging").unwrap();
        self.post(world, href, &input)
    }

    /// POST sendMessage of plain text.
    pub(crate) fn say(&self, world: &mut World, messages: &str, text: &str) -> Response<Bytes> {
        let href = format!("{messages}?operationId=6b6ce55c");
        let request = self
            .builder(&Method::POST, &href)
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(CONTENT_LENGTH, text.len());
        world.exchange(
            request
                .body(Bytes::copy_from_slice(text.as_bytes()))
                .unwrap(),
        )
    }
}

/// An event page.
#[derive(Debug)]
pub(crate) struct Page(pub(crate) EventPage<'static>);

impl Page {
    /// A line for each event: `sender link type [in rel] [status]`.
    pub(crate) fn story(&self) -> Vec<String> {
        self.0
            .events()
            .map(|(sender, event)| {
                let mut line = format!("{} {} {}", sender.rel, event.link.rel, event.kind);
                if let Some(within) = &event.within {
                    line.push_str(" in ");
                    line.push_str(&within.rel);
                }
                if let Some(status) = &event.status {
                    line.push(' ');
                    line.push_str(status.as_str());
                }
                line
            })
            .collect()
    }

    /// The last event about a resource with this rel.
    pub(crate) fn event(&self, rel: &str) -> &Event<'static> {
        self.0
            .events()
            .map(|(_, event)| event)
            .filter(|event| event.link.rel == rel)
            .last()
            .unwrap_or_else(|| panic!("an event about {rel}"))
    }

    /// The last embedded resource with this rel.
    pub(crate) fn resource(&self, rel: &str) -> &Resource<'static> {
        self.0
            .events()
            .map(|(_, event)| event)
            .filter(|event| event.link.rel == rel)
            .filter_map(Event::resource)
            .last()
            .unwrap_or_else(|| panic!("an embedded {rel}"))
    }

    /// The code and subcode of the reason of the last event about a resource with this rel.
    pub(crate) fn reason(&self, rel: &str) -> (&str, &str) {
        let reason = self.event(rel).reason.as_deref().expect("a reason");
        (
            reason.code.as_deref().unwrap_or_default(),
            reason.subcode.as_deref().unwrap_or_default(),
        )
    }
}

/// An established chat of two. Both event queues are empty.
pub(crate) struct Chat {
    pub(crate) tosh: Client,
    pub(crate) lene: Client,
    /// The conversation and the messaging of each view.
    pub(crate) at_tosh: Resource<'static>,
    pub(crate) at_lene: Resource<'static>,
    pub(crate) tosh_messaging: Resource<'static>,
    pub(crate) lene_messaging: Resource<'static>,
}

impl Chat {
    pub(crate) fn new(world: &mut World) -> Self {
        let mut tosh = Client::available(world, TOSH, Representation::Json);
        let mut lene = Client::available(world, LENE, Representation::Json);
        tosh.invite(world, LENE, "operation-1", "");
        tosh.page(world);
        let ringing = lene.page(world);
        let accept = ringing.resource("messagingInvitation").link_href("accept");
        assert_eq!(lene.press(world, accept.unwrap()), StatusCode::NO_CONTENT);
        let page = tosh.page(world);
        let at_tosh = page.resource("conversation").clone();
        let tosh_messaging = page.resource("messaging").clone();
        let page = lene.page(world);
        let at_lene = page.resource("conversation").clone();
        let lene_messaging = page.resource("messaging").clone();
        Self {
            tosh,
            lene,
            at_tosh,
            at_lene,
            tosh_messaging,
            lene_messaging,
        }
    }

    pub(crate) fn tosh_says(&self, world: &mut World, text: &str) -> Response<Bytes> {
        let messages = self.tosh_messaging.link_href("sendMessage").unwrap();
        self.tosh.say(world, messages, text)
    }
}
