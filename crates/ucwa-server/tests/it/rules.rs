//! The rules of HTTP that apply to all resources.

use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG,
    IF_MATCH, IF_NONE_MATCH, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::{Method, StatusCode};
use ucwa_proto::Representation;

use crate::harness::{Client, LENE, TOSH, World, decode, form, refusal, refused, request, seconds};

#[test]
fn a_post_without_a_length_gets_411() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let href = tosh.communication().link_href("startMessaging").unwrap();
    for method in [Method::POST, Method::PUT] {
        let response = world.exchange(tosh.builder(&method, href).body(Bytes::new()).unwrap());
        assert_eq!(response.status(), StatusCode::LENGTH_REQUIRED);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html");
    }
    // A chunked body needs no length.
    let chunked = tosh
        .builder(&Method::POST, href)
        .header(TRANSFER_ENCODING, "chunked");
    let response = world.exchange(chunked.body(Bytes::new()).unwrap());
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    // A DELETE needs no length.
    let home = tosh.application.href().unwrap();
    assert_eq!(tosh.delete(world, home), StatusCode::NO_CONTENT);
}

#[test]
fn requests_without_a_valid_token_get_the_challenge() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::sign_in(world, TOSH, Representation::Json);
    let home = tosh.application.href().unwrap().to_owned();
    assert_eq!(tosh.get(world, &home).status(), StatusCode::OK);
    let challenged = |response: http::Response<Bytes>| {
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html");
        assert!(response.body().starts_with(b"<!DOCTYPE html>"));
        let challenges: Vec<_> = response
            .headers()
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        assert!(challenges[0].starts_with("Bearer trusted_issuers="));
        assert_eq!(
            challenges[1],
            "MsRtcOAuth href=\"https://lyncweb.contoso.com/WebTicket/oauthtoken\",grant_type=\"urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting,password\""
        );
    };
    challenged(world.exchange(request(&Method::GET, &home).body(Bytes::new()).unwrap()));
    for authorization in ["Bearer cwt=AAEBwrong", "Basic dG9zaDpwYXNz", "Bearer"] {
        let builder = request(&Method::GET, &home).header(AUTHORIZATION, authorization);
        challenged(world.exchange(builder.body(Bytes::new()).unwrap()));
    }
    let home = "/Autodiscover/AutodiscoverService.svc/root/oauth/user";
    world.pass(seconds(28_288));
    assert_eq!(tosh.get(world, home).status(), StatusCode::OK);
    world.pass(seconds(1));
    challenged(tosh.get(world, home));
    tosh.token.clear();
    challenged(tosh.get(world, home));
}

#[test]
fn the_application_of_another_user_is_forbidden() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let lene = Client::sign_in(world, LENE, Representation::Json);
    let home = tosh.application.href().unwrap();
    assert_eq!(
        refused(&lene.get(world, home)),
        refusal(403, "Forbidden", "")
    );
    assert_eq!(lene.delete(world, home), StatusCode::FORBIDDEN);
    assert_eq!(tosh.get(world, home).status(), StatusCode::OK);
}

#[test]
fn the_conversation_of_another_endpoint_does_not_exist() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let lene = Client::available(world, LENE, Representation::Json);
    tosh.invite(world, LENE, "1", "");
    let page = tosh.page(world);
    let conversation = page.resource("conversation").href().unwrap();
    let invitation = page.resource("messagingInvitation").href().unwrap();
    let tosh_home = tosh.application.href().unwrap();
    let lene_home = lene.application.href().unwrap();
    for href in [conversation, invitation] {
        assert_eq!(tosh.get(world, href).status(), StatusCode::OK);
        let elsewhere = href.replace(tosh_home, lene_home);
        assert_eq!(lene.get(world, &elsewhere).status(), StatusCode::NOT_FOUND);
    }
}

#[test]
fn unknown_paths_get_404_and_other_methods_get_405() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let home = tosh.application.href().unwrap().to_owned();
    assert_eq!(
        refused(&tosh.get(world, &format!("{home}/nothing"))),
        refusal(404, "NotFound", "")
    );
    assert_eq!(
        refused(&tosh.get(world, "/ucwa/oauth/v1/applications/1")),
        refusal(404, "NotFound", "ApplicationNotFound")
    );
    let response = tosh.get(world, "/ucwa/oauth/v1/applications");
    assert_eq!(refused(&response), refusal(405, "MethodNotAllowed", ""));
    assert_eq!(response.headers()[ALLOW], "POST");
    assert_eq!(
        tosh.delete(world, &format!("{home}/me")),
        StatusCode::METHOD_NOT_ALLOWED
    );
    // Without makeMeAvailable there is no presence (`presence_ref`).
    assert_eq!(
        refused(&tosh.get(world, &format!("{home}/me/presence"))),
        refusal(409, "Conflict", "MakeMeAvailableRequired")
    );
}

#[test]
fn malformed_bodies_and_unknown_media_types_are_refused() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let href = tosh.communication().link_href("startMessaging").unwrap();
    let mut send = |content_type: &str, body: &'static str| {
        let request = tosh
            .builder(&Method::POST, href)
            .header(CONTENT_TYPE, content_type)
            .header(CONTENT_LENGTH, body.len());
        refused(&world.exchange(request.body(body.into()).unwrap()))
    };
    let malformed = refusal(400, "BadRequest", "DeserializationFailure");
    assert_eq!(send("application/json", "{\"to\":"), malformed);
    assert_eq!(send("application/xml", "<input>"), malformed);
    assert_eq!(
        send("application/vnd.microsoft.com.ucwa+xml", "{}"),
        malformed
    );
    assert_eq!(
        send("text/plain", "sip:lenea@contoso.com"),
        refusal(415, "UnsupportedMediaType", "")
    );
}

#[test]
fn the_representation_is_negotiated() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let home = tosh.application.href().unwrap();
    let mut ask = |accept: Option<&str>| {
        let mut builder =
            request(&Method::GET, home).header(AUTHORIZATION, format!("Bearer {}", tosh.token));
        if let Some(accept) = accept {
            builder = builder.header(ACCEPT, accept);
        }
        let response = world.exchange(builder.body(Bytes::new()).unwrap());
        let content_type = response.headers()[CONTENT_TYPE].to_str().unwrap();
        (response.status().as_u16(), content_type.to_owned())
    };
    let json = (200, "application/json; charset=utf-8".to_owned());
    let xml = (200, "application/xml; charset=utf-8".to_owned());
    assert_eq!(ask(None), json);
    assert_eq!(ask(Some("*/*")), json);
    assert_eq!(ask(Some("application/vnd.microsoft.com.ucwa+json")), json);
    assert_eq!(ask(Some("application/xml")), xml);
    assert_eq!(ask(Some("application/vnd.microsoft.com.ucwa+xml")), xml);
    assert_eq!(ask(Some("text/html")).0, 406);
}

#[test]
fn errors_have_the_requested_representation() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Xml);
    let response = tosh.get(world, "/ucwa/oauth/v1/applications/1");
    let body = std::str::from_utf8(response.body()).unwrap();
    assert!(body.contains("<reason"), "{body}");
    assert_eq!(
        refused(&response),
        refusal(404, "NotFound", "ApplicationNotFound")
    );
}

#[test]
fn every_response_has_date_server_and_no_cache() {
    let mut world = World::new();
    let world = &mut world;
    world.pass(seconds(2));
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    for response in [
        world.exchange(request(&Method::GET, "/").body(Bytes::new()).unwrap()),
        tosh.get(world, "/ucwa/oauth/v1/applications/1"),
        tosh.get(world, tosh.application.href().unwrap()),
    ] {
        let headers = response.headers();
        assert_eq!(headers["x-ms-server-fqdn"], "pool.contoso.com");
        assert_eq!(headers[CACHE_CONTROL], "no-cache");
        assert_eq!(headers[DATE], "Tue, 26 Mar 2013 19:58:20 GMT");
    }
}

#[test]
fn every_response_has_the_correlation_id_of_its_request_or_a_generated_one() {
    const CORRELATION_ID: &str = "x-ms-correlation-id";
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, TOSH, Representation::Json);
    let home = tosh.application.href().unwrap();
    let get = |href: &str, id: &str| {
        let request = tosh.builder(&Method::GET, href).header(CORRELATION_ID, id);
        request.body(Bytes::new()).unwrap()
    };
    for (href, id) in [(home, "4711"), ("/nowhere", "4712")] {
        let response = world.exchange(get(href, id));
        assert_eq!(response.headers()[CORRELATION_ID], id, "{href}");
    }
    // So have the responses to pending GETs, whether they are replaced or time out.
    let replaced = world.send(get(&tosh.next, "4713"));
    let parked = world.send(get(&tosh.next, "4714"));
    world.pass(seconds(180));
    for (id, correlation) in [(replaced, "4713"), (parked, "4714")] {
        let response = world.reply(id).unwrap();
        assert_eq!(response.headers()[CORRELATION_ID], correlation);
    }
    let mut own = || tosh.get(world, home).headers()[CORRELATION_ID].clone();
    assert_ne!(own(), own());
}

#[test]
fn the_same_seed_repeats_a_run() {
    let run = || {
        let mut world = World::new();
        let tosh = Client::sign_in(&mut world, TOSH, Representation::Json);
        (tosh.token, tosh.application)
    };
    assert_eq!(run(), run());
}

#[test]
fn nothing_secret_is_in_debug_output() {
    let mut world = World::new();
    let tosh = Client::available(&mut world, TOSH, Representation::Json);
    Client::available(&mut world, LENE, Representation::Json);
    tosh.invite(&mut world, LENE, "1", "a private word");
    let body = "grant_type=password&username=a&password=hunter2";
    let input = ucwa_server::Input::Request {
        id: ucwa_server::RequestId(1_000),
        request: form("/WebTicket/oauthtoken?password=hunter2", body),
    };
    let output = format!("{input:?}");
    world.engine.handle(world.now, input);
    let reply = format!("{:?}", world.engine.poll_output());
    let user = ucwa_server::User::new(TOSH, "Tosh", "hunter2").unwrap();
    let all = format!(
        "{output}{reply}{:?}{user:?}{:?}",
        world.engine,
        ucwa_server::ServerConfig::new([user.clone()])
    );
    for secret in ["hunter2", "a private word", tosh.token.as_str()] {
        assert!(!all.contains(secret), "{all}");
    }
    assert!(
        decode(&tosh.get(&mut world, tosh.application.href().unwrap()))
            .rel()
            .is_some()
    );
}

#[test]
fn a_resource_with_a_known_etag_is_not_sent_again() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let href = tosh.communication().href().unwrap();
    let etag = tosh.get(world, href).headers()[ETAG].clone();
    let known = etag.to_str().unwrap();
    let get = |world: &mut World, condition: &str| {
        let request = tosh
            .builder(&Method::GET, href)
            .header(IF_NONE_MATCH, condition);
        world.exchange(request.body(Bytes::new()).unwrap())
    };
    for condition in [known, "*", &format!("\"1\", W/{known}")] {
        let response = get(world, condition);
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{condition}");
        assert_eq!(response.headers()[ETAG], etag);
        assert!(response.body().is_empty());
    }
    assert_eq!(get(world, "\"1\"").status(), StatusCode::OK);
}

#[test]
fn if_match_with_an_asterisk_changes_any_version() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let href = tosh.communication().href().unwrap();
    let mut input = tosh.resource(world, href);
    input.links.clear();
    let body = ucwa_proto::Input::from(input).encode(Representation::Json);
    for (condition, status) in [
        ("\"1\"", StatusCode::PRECONDITION_FAILED),
        ("*", StatusCode::OK),
    ] {
        let request = tosh
            .builder(&Method::PUT, href)
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_LENGTH, body.len())
            .header(IF_MATCH, condition);
        let response = world.exchange(request.body(body.clone().into()).unwrap());
        assert_eq!(response.status(), status, "{condition}");
    }
}

#[test]
fn an_unknown_network_type_is_refused() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let href = tosh.application.link_href("reportMyNetwork").unwrap();
    for (kind, status) in [("External", 204), ("Elsewhere", 400)] {
        let input = ucwa_proto::Resource::anonymous().with_property("clientNetworkType", kind);
        assert_eq!(tosh.post(world, href, &input).status().as_u16(), status);
    }
}

#[test]
fn head_of_events_waits_and_removes_no_events() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::sign_in(world, TOSH, Representation::Json);
    let head = tosh.builder(&Method::HEAD, &tosh.next);
    let waiting = world.send(head.body(Bytes::new()).unwrap());
    tosh.make_available(world, &["Plain"]);
    let response = world.reply(waiting).expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.body().is_empty());
    assert!(!tosh.page(world).story().is_empty());
}
