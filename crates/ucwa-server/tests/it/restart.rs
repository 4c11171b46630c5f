//! Durable records: an engine that is restored from the records of another one answers like it.

mod running_conversations;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http::{Method, StatusCode};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use ucwa_proto::{Event, Representation, Resource};
use ucwa_server::{Engine, Fault, IssuedToken, RecordId, RecordValue, Seed, ServerConfig, User};

use crate::contact_list::{self, add_contacts};
use crate::grants::conference;
use crate::harness::{
    ALEX, Client, JOE, LENE, PASSWORD, TOSH, USER, World, decode, form, request, seconds,
};
use crate::history::keep_history;
use running_conversations::archived;

const TOKEN: &str = "/WebTicket/oauthtoken";
const GUEST: &str = "5f@anonymous.invalid";
const PAGE: &str = "/PassiveAuth/PassiveAuth.aspx";

/// A server that is started again and again, and the records that it has stored.
struct Restarts {
    world: World,
    config: ServerConfig,
    records: BTreeMap<RecordId, RecordValue>,
    starts: u64,
}

impl Restarts {
    fn new() -> Self {
        let mut config = World::config();
        add_contacts(&mut config);
        Self::of(config)
    }

    fn of(mut config: ServerConfig) -> Self {
        config.passive = true;
        let mut world = World::of(config.clone());
        world.engine = Engine::restore(config.clone(), []).unwrap();
        Self {
            world,
            config,
            records: BTreeMap::new(),
            starts: 0,
        }
    }

    /// Stores what has changed.
    fn store(&mut self) {
        for (id, value) in self.world.engine.take_changes() {
            match value {
                Some(value) => drop(self.records.insert(id, value)),
                None => drop(self.records.remove(&id)),
            }
        }
    }

    /// A server with what the last one has stored. Returns the last one.
    fn restart(&mut self) -> World {
        self.store();
        self.starts += 1;
        self.config.seed = Some(Seed::from(self.starts));
        self.config.wall_at_epoch += self.world.now;
        let mut world = World::of(self.config.clone());
        world.engine = Engine::restore(self.config.clone(), self.records.clone()).unwrap();
        std::mem::replace(&mut self.world, world)
    }

    fn count(&self, kind: &str) -> usize {
        self.records.keys().filter(|id| id.kind == kind).count()
    }
}

fn token(world: &mut World, name: &str) -> String {
    let grant = format!("grant_type=password&username={name}&password=pass%40word1");
    let response = world.exchange(form(TOKEN, &grant));
    decode(&response).text("access_token").unwrap().to_owned()
}

fn is_good(world: &mut World, token: &str) -> bool {
    let request = request(&Method::GET, USER).header("authorization", format!("Bearer {token}"));
    let status = world.exchange(request.body(Bytes::new()).unwrap()).status();
    status == StatusCode::OK
}

/// The cookie of a browser in which the user signs in at the page.
fn browser(world: &mut World, name: &str) -> String {
    let response = world.exchange(form(
        PAGE,
        &format!("username={name}&password=pass%40word1"),
    ));
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn is_remembered(world: &mut World, cookie: &str) -> bool {
    let mut request = form(TOKEN, "grant_type=urn:microsoft.rtc:passive");
    let headers = request.headers_mut();
    headers.insert(COOKIE, cookie.parse().unwrap());
    world.exchange(request).status() == StatusCode::OK
}

/// Everything that the user can read of the archive and the contact list, without the ID of the application.
fn state(world: &mut World, name: &str) -> Vec<String> {
    let token = token(world, name);
    let client = Client::with_token(world, token, Representation::Json, "reader");
    let application = client.application.href().unwrap().to_owned();
    let link = |rel: &str| client.communication().link_href(rel).unwrap().to_owned();
    let people = format!("{application}/people");
    let mut unread = vec![
        link("missedItems"),
        link("conversationLogs"),
        format!("{people}/contacts"),
        format!("{people}/groups"),
        format!("{people}/groupMemberships"),
        format!("{people}/privacyRelationships"),
    ];
    let mut read = BTreeSet::new();
    let mut texts = Vec::new();
    while let Some(href) = unread.pop() {
        if !read.insert(href.clone()) {
            continue;
        }
        let response = client.get(world, &href);
        assert_eq!(response.status(), StatusCode::OK, "{href}");
        let resource = decode(&response);
        for rel in [
            "conversationLog",
            "conversationLogTranscripts",
            "nextConversationLogTranscripts",
            "contactPrivacyRelationship",
        ] {
            let links = resource.links(rel).iter();
            unread.extend(links.map(|link| link.href.clone().into_owned()));
        }
        let body = std::str::from_utf8(response.body()).unwrap();
        let body = body.replace(&application, "APPLICATION");
        texts.push(members(&body));
    }
    client.delete(world, &application);
    texts
}

/// The members of a JSON text in their order, without those whose name each server draws for itself, and without ETags that are
/// hashes of such a text.
fn members(body: &str) -> String {
    let is_own = |member: &str| {
        member.contains("please pass this in a PUT request")
            || member.starts_with("\"etag\"") && member.len() > 20
    };
    let members = body.split([',', '{', '}']);
    let members = members.filter(|member| !is_own(member));
    members.collect::<Vec<_>>().join("\n")
}

/// An application, and the links that its events have shown.
struct Actor {
    client: Client,
    accept: Vec<String>,
    send: Vec<String>,
    conversations: Vec<String>,
}

impl Actor {
    fn sign_in(world: &mut World, name: &str, endpoint: &str, history: bool) -> Self {
        let mut client = Client::available_at(world, name, Representation::Json, endpoint);
        if history {
            keep_history(&mut client, world, "Enabled");
        }
        Self {
            client,
            accept: Vec::new(),
            send: Vec::new(),
            conversations: Vec::new(),
        }
    }

    /// Is busy from now on: the server does not accept invitations for the user, who misses them.
    fn be_busy(&self, world: &mut World) {
        let presence = format!("{}/me/presence", self.client.application.href().unwrap());
        let input = Resource::anonymous().with_property("availability", "Busy");
        let status = self.client.post(world, &presence, &input).status();
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    /// Reads the events that have come.
    fn read(&mut self, world: &mut World) {
        loop {
            let poll = self.client.park(world);
            let Some(response) = world.reply(poll).filter(|it| it.status() == 200) else {
                return;
            };
            let page = self.client.decode_page(&response);
            for resource in page
                .events()
                .filter_map(|(_, event)| Event::resource(event))
            {
                let link = |rel| resource.link_href(rel).map(str::to_owned);
                self.accept.extend(link("accept"));
                self.send.extend(link("sendMessage"));
                if resource.rel.as_deref() == Some("conversation") {
                    self.conversations
                        .extend(resource.href().map(str::to_owned));
                }
            }
            match page.follow {
                Some(follow) => self.client.next = follow.href().to_owned(),
                None => return,
            }
        }
    }

    fn logs(&self, world: &mut World) -> Vec<String> {
        let list = self.client.communication().link_href("conversationLogs");
        let response = self.client.get(world, list.unwrap());
        if response.status() != StatusCode::OK {
            return Vec::new();
        }
        let list = decode(&response);
        let links = list.links("conversationLog").iter();
        links.map(|link| link.href.clone().into_owned()).collect()
    }
}

/// Draws what happens.
struct Random(ChaCha8Rng);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.0.next_u64()).unwrap() % limit
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        match items.len() {
            0 => None,
            length => items.get(self.below(length)),
        }
    }
}

/// A change of the contact list, if the token of the client is still good.
fn change_contact_list(random: &mut Random, world: &mut World, client: &Client) {
    let people = format!("{}/people", client.application.href().unwrap());
    let response = client.get(world, &format!("{people}/groups"));
    if response.status() != StatusCode::OK {
        return;
    }
    let groups = decode(&response);
    let (custom, distribution) = (
        groups.embedded_all("group"),
        groups.embedded_all("distributionGroup"),
    );
    let address = *random.of(&[TOSH, LENE, ALEX, JOE]).unwrap();
    let name = format!("Group {}", random.below(5));
    match random.below(8) {
        0 => {
            let input = Resource::anonymous().with_property("displayName", name);
            client.post(world, &format!("{people}/groups"), &input);
        }
        1 | 2 => {
            let contact = format!("sip:{address}");
            let mut input = Resource::anonymous().with_property("contactUri", contact);
            if let Some(group) = random.of(custom) {
                input = input.with_property("groupId", group.text("id").unwrap().to_owned());
            }
            client.post(world, &format!("{people}/groupMemberships"), &input);
        }
        3 => {
            let memberships = client.resource(world, &format!("{people}/groupMemberships"));
            let memberships = memberships.embedded_all("myGroupMembership");
            if let Some(membership) = random.of(memberships) {
                client.delete(world, membership.href().unwrap());
            }
        }
        4 => {
            if let Some(group) = random.of(custom) {
                let mut input = group.clone();
                input.links.clear();
                let mut properties = input.properties.iter_mut();
                let property = properties.find(|(property, _)| property == "name");
                property.unwrap().1 = name.into();
                client.put(world, group.href().unwrap(), &input);
            }
        }
        5 => {
            if let Some(group) = random.of(custom) {
                client.delete(world, group.href().unwrap());
            }
        }
        6 => {
            if let Some(group) = random.of(distribution) {
                let id = group.text("id").unwrap().to_owned();
                let input = Resource::anonymous().with_property("groupId", id);
                client.post(
                    world,
                    &format!("{people}/groups/removeFromContactList"),
                    &input,
                );
            } else {
                let input = Resource::anonymous()
                    .with_property("displayName", "West")
                    .with_property("smtpAddress", "west@contoso.com");
                client.post(world, &format!("{people}/groups/addToContactList"), &input);
            }
        }
        _ => {
            let href = format!("{people}/{address}/contactPrivacyRelationship");
            let mut input = client.resource(world, &href);
            input.links.clear();
            let mut properties = input.properties.iter_mut();
            let level = properties.find(|(property, _)| property == "relationshipLevel");
            level.unwrap().1 = (*random.of(&["Blocked", "Workgroup"]).unwrap()).into();
            client.put(world, &href, &input);
        }
    }
}

/// A request of one of the actors, or time that passes.
fn act(random: &mut Random, restarts: &mut Restarts, actors: &mut Vec<Actor>) {
    let world = &mut restarts.world;
    let names = [TOSH, LENE, ALEX];
    if actors.len() < 3 || random.below(20) == 0 {
        let name = random.of(&names).unwrap();
        let endpoint = format!("endpoint-{}", random.below(usize::MAX));
        let history = random.below(4) > 0;
        let actor = Actor::sign_in(world, name, &endpoint, history);
        if random.below(2) == 0 {
            actor.be_busy(world);
        }
        actors.push(actor);
    }
    let chosen = random.below(actors.len());
    let actor = &mut actors[chosen];
    actor.read(world);
    let text = format!("text {}", random.below(1000));
    match random.below(18) {
        0 | 1 => {
            let text = if random.below(2) == 0 { "" } else { &text };
            let to = random.of(&names).unwrap();
            actor.client.invite(world, to, "1", text);
        }
        2..=4 => {
            if let Some(href) = actor.accept.pop() {
                actor.client.press(world, &href);
            }
        }
        5..=7 => {
            if let Some(href) = random.of(&actor.send) {
                actor.client.say(world, href, &text);
            }
        }
        8 => {
            if let Some(href) = random.of(&actor.conversations) {
                actor.client.delete(world, href);
            }
        }
        9 => {
            for log in actor.logs(world) {
                if random.below(2) == 0 {
                    actor.client.press(world, &format!("{log}/markAsRead"));
                }
            }
        }
        10 => {
            let logs = actor.logs(world);
            if let Some(log) = random.of(&logs) {
                actor.client.delete(world, log);
            }
        }
        11 => world.pass(seconds(40)),
        12 => {
            let application = actor.client.application.href().unwrap();
            actor.client.delete(world, application);
            actors.remove(chosen);
        }
        13..=16 => change_contact_list(random, world, &actor.client),
        _ => match random.below(12) {
            0 => world.pass(seconds(12_000)),
            1 => world.inject(Fault::ExpireTokens),
            _ => {}
        },
    }
}

/// Ends all applications, and with them all conversations.
fn end_all(world: &mut World) {
    for user in [TOSH, LENE, ALEX] {
        world.inject(Fault::DropApplications {
            user: format!("sip:{user}"),
        });
    }
}

#[test]
fn a_restored_server_answers_as_the_last_one_would_after_random_requests() {
    let (mut good, mut expired, mut entries, mut groups, mut killed) = (0, 0, 0, 0, 0);
    for seed in 0..16 {
        let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
        let mut restarts = Restarts::new();
        let (mut tokens, mut cookies) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            let mut actors = Vec::new();
            for _ in 0..40 {
                act(&mut random, &mut restarts, &mut actors);
                // The changes of one input, or of several, are stored together.
                if random.below(3) == 0 {
                    restarts.store();
                }
            }
            tokens.extend(actors.iter().map(|actor| actor.client.token.clone()));
            cookies.push(browser(&mut restarts.world, ALEX));
            let is_killed = random.below(2) == 0;
            if !is_killed {
                end_all(&mut restarts.world);
            }
            let mut last = restarts.restart();
            let world = &mut restarts.world;
            for token in &tokens {
                let was_good = is_good(&mut last, token);
                assert_eq!(is_good(world, token), was_good, "seed {seed}");
                *(if was_good { &mut good } else { &mut expired }) += 1;
            }
            for cookie in &cookies {
                let was_remembered = is_remembered(&mut last, cookie);
                assert_eq!(is_remembered(world, cookie), was_remembered, "seed {seed}");
            }
            if is_killed {
                end_all(&mut last);
                for name in [TOSH, LENE, ALEX] {
                    let conversations = archived(world, name);
                    assert_eq!(conversations, archived(&mut last, name), "seed {seed}");
                }
                killed += 1;
                continue;
            }
            for name in [TOSH, LENE, ALEX] {
                let before = state(&mut last, name);
                for (text, last) in state(world, name).iter().zip(&before) {
                    let mut lines = text.lines().zip(last.lines());
                    let other = lines.find(|(line, last)| line != last);
                    assert_eq!(other, None, "seed {seed}, {name}");
                    assert!(text == last, "seed {seed}, {name}: one has more");
                }
                entries += before.len() - 6;
                groups += before.concat().matches("\"name\":\"Group ").count();
            }
        }
    }
    // The seeds must have produced something to compare.
    assert!(good > 100, "{good} good tokens");
    assert!(expired > 20, "{expired} expired tokens");
    assert!(entries > 40, "{entries} entries of archives");
    assert!(groups > 50, "{groups} groups");
    assert!(killed > 10, "{killed} servers were killed");
}

#[test]
fn the_number_of_a_deleted_log_is_not_used_again_after_a_restart() {
    let mut restarts = Restarts::new();
    for number in 0..3 {
        let world = &mut restarts.world;
        let lene = Actor::sign_in(world, LENE, "1", true);
        lene.be_busy(world);
        let tosh = Client::available(world, TOSH, Representation::Json);
        tosh.invite(world, LENE, "1", "Are you there?");
        world.pass(seconds(31));
        let logs = lene.logs(world);
        let [log] = &logs[..] else { panic!("{logs:?}") };
        assert!(log.ends_with(&format!("/{number}")), "{log}");
        assert_eq!(lene.client.delete(world, log), StatusCode::NO_CONTENT);
        restarts.restart();
    }
}

#[test]
fn a_token_is_good_after_a_restart_until_it_expires() {
    let mut restarts = Restarts::new();
    let token = token(&mut restarts.world, TOSH);
    restarts.world.pass(seconds(28_000));
    restarts.restart();
    assert!(is_good(&mut restarts.world, &token));
    restarts.world.pass(seconds(288));
    assert!(is_good(&mut restarts.world, &token));
    restarts.world.pass(seconds(1));
    assert!(!is_good(&mut restarts.world, &token));

    // It had expired before this start, and its record goes.
    restarts.restart();
    assert!(!is_good(&mut restarts.world, &token));
    assert_eq!(restarts.count("token"), 1);
    restarts.store();
    assert_eq!(restarts.count("token"), 0);
}

#[test]
fn the_record_of_a_token_that_expires_is_deleted_when_the_next_one_is_issued() {
    let mut restarts = Restarts::new();
    for _ in 0..3 {
        token(&mut restarts.world, TOSH);
        browser(&mut restarts.world, TOSH);
        restarts.world.pass(seconds(30_000));
        restarts.store();
        assert_eq!(restarts.count("token"), 1);
        assert_eq!(restarts.count("browser"), 1);
    }
}

#[test]
fn tokens_that_were_revoked_stay_so_after_a_restart() {
    let mut restarts = Restarts::new();
    let token = token(&mut restarts.world, TOSH);
    restarts.restart();
    restarts.world.inject(Fault::ExpireTokens);
    restarts.restart();
    assert!(!is_good(&mut restarts.world, &token));
    assert_eq!(restarts.count("token"), 0);
}

#[test]
fn the_token_of_a_user_without_an_account_is_not_restored() {
    let mut restarts = Restarts::new();
    let (tosh, lene) = (
        token(&mut restarts.world, TOSH),
        token(&mut restarts.world, LENE),
    );
    let everyone = std::mem::take(&mut restarts.config.users);
    restarts.config.users = vec![User::new(LENE, "Lene Aaling", PASSWORD).unwrap()];
    restarts.restart();
    assert!(!is_good(&mut restarts.world, &tosh));
    assert!(is_good(&mut restarts.world, &lene));
    // Nor if the account returns.
    restarts.config.users = everyone;
    restarts.restart();
    assert!(!is_good(&mut restarts.world, &tosh));
    assert!(is_good(&mut restarts.world, &lene));
}

#[test]
fn the_token_of_a_guest_ends_with_the_conference() {
    let mut restarts = Restarts::new();
    let (_tosh, uri, grant) = conference(&mut restarts.world);
    let response = restarts.world.exchange(form(TOKEN, &grant));
    let token = decode(&response).text("access_token").unwrap().to_owned();
    let gus = Client::with_token(&mut restarts.world, token, Representation::Json, "gus");
    assert_eq!(
        join_as(&mut restarts.world, &gus, &uri, "Gus"),
        StatusCode::CREATED
    );
    restarts.restart();
    assert!(!is_good(&mut restarts.world, &gus.token));
    assert_eq!(restarts.count("guest"), 1, "archives show the name");
}

#[test]
fn a_configured_token_has_no_record() {
    let mut config = World::config();
    let issued = IssuedToken::new("of-another-issuer", TOSH, seconds(100)).unwrap();
    config.issued.push(issued);
    let mut restarts = Restarts::of(config);
    assert!(is_good(&mut restarts.world, "of-another-issuer"));
    restarts.restart();
    assert_eq!(restarts.count("token"), 0);
    assert!(is_good(&mut restarts.world, "of-another-issuer"));
}

#[test]
fn an_engine_that_was_not_restored_reports_no_changes() {
    let mut world = World::new();
    token(&mut world, TOSH);
    assert!(world.engine.take_changes().is_empty());
}

/// A guest joins a conference, and gives a name.
fn join_as(world: &mut World, guest: &Client, uri: &str, name: &'static str) -> StatusCode {
    let input = Resource::anonymous()
        .with_property("operationId", "1")
        .with_property("onlineMeetingUri", uri.to_owned())
        .with_property("anonymousDisplayName", name);
    let join = guest.communication().link_href("joinOnlineMeeting");
    guest.post(world, join.unwrap(), &input).status()
}

fn record(kind: &str, key: &str) -> RecordId {
    RecordId {
        kind: kind.to_owned(),
        key: key.to_owned(),
    }
}

fn value(text: &str) -> RecordValue {
    RecordValue(text.to_owned())
}

/// Records as the first version of the state stores them. Later versions must be able to read them.
fn first_version() -> BTreeMap<RecordId, RecordValue> {
    let token = r#"{"address":"toshm@contoso.com","expires":{"secs":1364350000,"nanos":0}}"#;
    let list = r#"[{"marker":"7f","contacts":["alexd@contoso.com"],"pinned":[],"delegates":["lenea@contoso.com"],"groups":[{"number":4,"name":"Hikers","version":2,"members":["alexd@contoso.com"]}],"groups_made":5,"levels":{"joe@fabrikam.com":{"level":"Blocked","version":1}}},["west@contoso.com"]]"#;
    let guest = r#"{"conference":"sip:toshm@contoso.com;gruu","name":"Gus"}"#;
    let log = r#"{"thread":"0f","subject":"Task Sample","importance":"Normal","meeting":null,"recipients":["lenea@contoso.com","5f@anonymous.invalid"],"missed":false,"read":true,"created":{"secs_since_epoch":1364320000,"nanos_since_epoch":0},"record":{"outgoing":true,"said":[{"author":"lenea@contoso.com","text":{"html":false,"text":"Hello"},"at":{"secs_since_epoch":1364319000,"nanos_since_epoch":0}}]}}"#;
    BTreeMap::from([
        (record("token", "cwt=AAEBfirst"), value(token)),
        (record("browser", "cwt=AAEBsecond"), value(token)),
        (record("contact_list", TOSH), value(list)),
        (record("guest", GUEST), value(guest)),
        (record("archive", TOSH), value("3")),
        (record("log", "toshm@contoso.com/1"), value(log)),
    ])
}

#[test]
fn records_of_the_first_version_are_read() {
    let mut restarts = Restarts::new();
    restarts.records = first_version();
    restarts.restart();
    let world = &mut restarts.world;
    assert!(is_good(world, "cwt=AAEBfirst"));
    assert!(is_remembered(world, "PassiveAuth=cwt=AAEBsecond"));
    let state = state(world, TOSH).concat();
    for part in [
        "Task Sample",
        "Hello",
        "conversationLogs/1",
        "lenea",
        "Gus",
        "Hikers",
        "\"name\":\"West\"",
        "+500000004==/alexd@contoso.com",
        "+300000000==/lenea@contoso.com",
    ] {
        assert!(state.contains(part), "{part}: {state}");
    }
}

#[test]
fn the_delegators_of_a_user_are_those_of_the_restored_contact_lists() {
    let mut restarts = Restarts::new();
    let list = r#"[{"marker":"7f","contacts":[],"pinned":[],"delegates":["alexd@contoso.com"],"groups":[],"groups_made":0,"levels":{}},[]]"#;
    restarts
        .records
        .insert(record("contact_list", TOSH), value(list));
    // In the configuration, Lene is a delegate of Tosh.
    for (name, delegators) in [(LENE, &[][..]), (ALEX, &["Tosh Meston"])] {
        restarts.restart();
        let world = &mut restarts.world;
        let client = Client::sign_in(world, name, Representation::Json);
        let groups = format!("{}/people/groups", client.application.href().unwrap());
        let groups = client.resource(world, &groups);
        let group = client.resource(world, groups.link_href("delegatorsGroup").unwrap());
        assert_eq!(contact_list::members(world, &client, &group), delegators);
    }
}

#[test]
fn a_record_that_cannot_be_read_is_an_error_that_shows_no_secret() {
    for (id, text) in [
        (record("token", "hunter2"), "{}"),
        (record("token", "hunter2"), "hunter2"),
        (record("log", "hunter2"), "{}"),
        (record("log", "toshm@contoso.com/x"), "{}"),
        (record("archive", "hunter2"), "-1"),
        (record("conversation", "hunter2"), "{}"),
        (record("message", "hunter2"), "{}"),
        (record("hunter", "hunter2"), "1"),
    ] {
        let kind = id.kind.clone();
        let error = Engine::restore(World::config(), [(id, value(text))]).unwrap_err();
        assert_eq!(error.kind, kind);
        let record = (record(&kind, "hunter2"), value("hunter2"));
        let shown = format!("{error} {error:?} {record:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
