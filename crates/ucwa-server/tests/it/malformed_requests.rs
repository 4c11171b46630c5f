//! Malformed requests: each gets a response, and none of them a 5xx.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, IF_MATCH, IF_NONE_MATCH,
    TRANSFER_ENCODING,
};
use http::{Method, Request, StatusCode, Uri};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use ucwa_proto::{Representation, Resource};
use ucwa_server::RequestId;

use crate::contact_list::add_contacts;
use crate::harness::{ALEX, Client, LENE, TOSH, USER, World, seconds};

const ROUNDS: u32 = 50_000;
/// After this number of requests the world is built anew, since the requests end applications and conversations.
const ROUNDS_OF_A_WORLD: u32 = 500;

const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW",
];

/// Bodies that a resource accepts, before they are changed.
const BODIES: [&str; 17] = [
    "",
    "{}",
    "hello",
    "grant_type=password&username=toshm%40contoso.com&password=pass%40word1",
    r#"{"rel":"presence","availability":"Busy"}"#,
    r#"{"operationId":"7","to":"sip:lenea@contoso.com","sessionContext":"3","importance":"Normal","_links":{"message":{"href":"data:text/plain,hi"}}}"#,
    r#"{"to":"sip:alexd@contoso.com","operationId":"8"}"#,
    r#"{"duration":20,"uris":["sip:lenea@contoso.com"],"Uris":{},"contactUris":[null]}"#,
    r#"{"displayName":"Crew","smtpAddress":"sales@contoso.com"}"#,
    r#"{"contactUri":"sip:alexd@contoso.com","groupId":"+500000001=="}"#,
    r#"{"groupId":"+600000000==","duration":10}"#,
    r#"{"id":"+500000001==","name":"Crew","etag":"0"}"#,
    r#"{"rel":"contactPrivacyRelationship","relationshipLevel":"Blocked","etag":"0"}"#,
    r#"{"supportedMessageFormats":["Plain"],"supportedModalities":["Messaging"],"phoneNumber":7}"#,
    r#"{"userAgent":"UCWA Samples","endpointId":"endpoint-9","culture":"en-US"}"#,
    r#"<input xmlns="http://schemas.microsoft.com/rtc/2012/03/ucwa"><property name="availability">Busy</property></input>"#,
    "--b\r\nContent-Type: application/http; msgtype=request\r\n\r\nGET /ucwa HTTP/1.1\r\nHost: x\r\n\r\n--b--\r\n",
];

const MEDIA_TYPES: [&str; 13] = [
    "application/json",
    "application/json",
    "application/json",
    "application/json",
    "application/xml",
    "application/vnd.microsoft.com.ucwa+xml",
    "text/plain; charset=utf-8",
    "text/html; charset=\u{22}",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "multipart/batching; boundary=b",
    "multipart/batching",
    "*/*;q=x",
];

fn any<T: Clone>(random: &mut ChaCha8Rng, of: &[T]) -> T {
    of[random.next_u32() as usize % of.len()].clone()
}

/// Deletes, repeats or replaces a few bytes.
fn change(random: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    for _ in 0..random.next_u32() % 4 {
        let at = random.next_u32() as usize % (bytes.len() + 1);
        match random.next_u32() % 4 {
            0 => bytes.truncate(at),
            1 => bytes.splice(at..at, *b"\"[{</%00\xff\x00").for_each(drop),
            2 => {
                let part = bytes[at..].to_vec();
                bytes.extend_from_slice(&part);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = (random.next_u32() & 0xff) as u8;
                }
            }
        }
    }
}

/// The links of the resource and of those in it.
fn collect(resource: &Resource<'static>, into: &mut BTreeSet<String>) {
    for link in resource
        .links
        .iter()
        .flat_map(|(_, links)| links.as_slice())
    {
        if link.href.starts_with('/') {
            into.insert(link.href.to_string());
        }
    }
    for (_, embedded) in &resource.embedded {
        for resource in embedded.as_slice() {
            collect(resource, into);
        }
    }
}

struct Story {
    world: World,
    tokens: Vec<String>,
    /// The hrefs, each with the index of its user's token.
    hrefs: Vec<(usize, String)>,
}

impl Story {
    /// Two users in a chat, of whom one has contacts, and a third user.
    fn new() -> Self {
        let mut config = World::config();
        add_contacts(&mut config);
        let mut world = World::of(config);
        let tosh = Client::available(&mut world, TOSH, Representation::Json);
        let mut lene = Client::available(&mut world, LENE, Representation::Xml);
        let alex = Client::available(&mut world, ALEX, Representation::Json);
        tosh.invite(&mut world, LENE, "1", "Hi");
        let offer = lene.page(&mut world);
        let invitation = offer.resource("messagingInvitation");
        let accept = invitation.link_href("accept").unwrap().to_owned();
        let mut links =
            [TOSH, LENE, ALEX].map(|_| BTreeSet::from(["/".to_owned(), USER.to_owned()]));
        collect(invitation, &mut links[1]);
        lene.press(&mut world, &accept);
        let mut clients = [tosh, lene, alex];
        for (client, links) in clients.iter_mut().zip(&mut links) {
            collect(&client.application, links);
            let people = client.application.embedded("people").unwrap();
            for (rel, link) in &people.links {
                if rel != "search" {
                    let href = &link.as_slice()[0].href;
                    collect(&client.resource(&mut world, href), links);
                }
            }
            links.insert(client.next.clone());
        }
        for (client, links) in clients.iter_mut().zip(&mut links).take(2) {
            for (_, event) in client.page(&mut world).0.events() {
                event
                    .resource()
                    .inspect(|resource| collect(resource, links));
            }
        }
        let links = links.into_iter().enumerate();
        let hrefs = links.flat_map(|(user, links)| links.into_iter().map(move |href| (user, href)));
        Self {
            world,
            tokens: clients.map(|client| client.token).into(),
            hrefs: hrefs.collect(),
        }
    }

    /// A request that is mostly malformed. `None` if HTTP itself does not allow it.
    fn request(&self, random: &mut ChaCha8Rng) -> Option<Request<Bytes>> {
        let (user, href) = any(random, &self.hrefs);
        let mut path = href.into_bytes();
        if random.next_u32().is_multiple_of(8) {
            change(random, &mut path);
        }
        if random.next_u32().is_multiple_of(8) {
            let end = [
                "?groupId=%FF",
                "?timeout=99999999999",
                "?ack=-1&ack=2",
                "&=&&",
                "/..",
            ];
            path.extend_from_slice(any(random, &end).as_bytes());
        }
        let mut body = any(random, &BODIES).as_bytes().to_vec();
        if random.next_u32().is_multiple_of(2) {
            change(random, &mut body);
        }
        let mut request = Request::builder()
            .method(Method::from_bytes(any(random, &METHODS).as_bytes()).unwrap())
            .uri(Uri::try_from(path).ok()?);
        let mut header = |name, value: &str| {
            let builder = std::mem::take(&mut request);
            request = builder.header(name, value);
        };
        if !random.next_u32().is_multiple_of(8) {
            header(HOST, "lyncweb.contoso.com");
        }
        match random.next_u32() % 8 {
            0 => {}
            1 => header(
                AUTHORIZATION,
                any(random, &["Bearer", "Basic x", "Bearer cwt=\u{e9}"]),
            ),
            _ => {
                let token = &self.tokens[user];
                header(AUTHORIZATION, &format!("Bearer {token}"));
            }
        }
        header(ACCEPT, any(random, &MEDIA_TYPES));
        header(CONTENT_TYPE, any(random, &MEDIA_TYPES));
        match random.next_u32() % 4 {
            0 => {}
            1 => header(TRANSFER_ENCODING, "chunked"),
            _ => header(CONTENT_LENGTH, &body.len().to_string()),
        }
        if random.next_u32().is_multiple_of(4) {
            header(IF_MATCH, any(random, &["*", "\"1\"", "x\"", ""]));
            header(IF_NONE_MATCH, any(random, &["*", "\"1\"", "x\"", ""]));
        }
        request.body(body.into()).ok()
    }
}

/// Each run makes other requests. A failure prints its seed, and `MALFORMED_SEED` sets it.
#[test]
fn malformed_requests_never_get_a_server_error() {
    let given = std::env::var("MALFORMED_SEED").ok();
    let seed = given.map_or_else(rand_seed, |seed| seed.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut statuses = BTreeSet::new();
    for _ in 0..ROUNDS / ROUNDS_OF_A_WORLD {
        let mut story = Story::new();
        let mut pending: Vec<(RequestId, Request<Bytes>)> = Vec::new();
        for _ in 0..ROUNDS_OF_A_WORLD {
            let Some(request) = story.request(&mut random) else {
                continue;
            };
            let id = story.world.send(request.clone());
            match story.world.reply(id) {
                Some(response) => {
                    let status = response.status();
                    assert!(
                        !status.is_server_error(),
                        "MALFORMED_SEED={seed}: {status} for {request:?}"
                    );
                    statuses.insert(status);
                }
                None => pending.push((id, request)),
            }
        }
        // Only pending GETs have no response yet.
        story.world.pass(seconds(31 * 60));
        for (id, request) in pending {
            let response = story.world.reply(id);
            let status = response.map(|response| response.status());
            assert!(
                status.is_some_and(|status| !status.is_server_error()),
                "MALFORMED_SEED={seed}: {status:?} for {request:?}"
            );
        }
    }
    // The requests reach more than the authentication.
    for status in [
        StatusCode::OK,
        StatusCode::CREATED,
        StatusCode::NO_CONTENT,
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::NOT_ACCEPTABLE,
        StatusCode::LENGTH_REQUIRED,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
    ] {
        assert!(
            statuses.contains(&status),
            "MALFORMED_SEED={seed}: no {status} in {statuses:?}"
        );
    }
}

fn rand_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
