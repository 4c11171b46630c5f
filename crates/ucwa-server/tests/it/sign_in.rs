//! The sign-in: from the root to an available application (`CreateAnApplication`), and its failures.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{Method, Response, StatusCode};
use ucwa_proto::{Representation, Resource};

use crate::harness::{Client, LENE, TOSH, World, decode, form, refusal, refused, request};

#[test]
fn the_root_leads_to_the_user_and_the_user_to_the_applications() {
    let mut world = World::new();
    let world = &mut world;
    for path in [
        "/?originalDomain=contoso.com",
        "/Autodiscover/AutodiscoverService.svc/root",
    ] {
        let response = world.exchange(request(&Method::GET, path).body(Bytes::new()).unwrap());
        let root = decode(&response);
        for rel in ["user", "xframe"] {
            let href = root.link_href(rel).unwrap();
            assert!(href.starts_with("https://lyncweb.contoso.com/Autodiscover/"));
        }
    }
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let user = tosh.resource(
        world,
        "/Autodiscover/AutodiscoverService.svc/root/oauth/user",
    );
    assert_eq!(
        user.link_href("applications"),
        Some("https://lyncweb.contoso.com/ucwa/oauth/v1/applications")
    );
}

#[test]
fn a_user_of_another_pool_is_redirected_and_gets_no_application() {
    let mut config = World::config();
    config.users[0].home = Some("https://pool2.contoso.com".to_owned());
    let mut world = World::of(config);
    let body = format!("grant_type=password&username={TOSH}&password=pass%40word1");
    let answer = decode(&world.exchange(form("/WebTicket/oauthtoken", &body)));
    let token = format!("Bearer {}", answer.text("access_token").unwrap());
    let mut ask = |method: &Method, path: &str| {
        let request = request(method, path).header(AUTHORIZATION, &token);
        let request = request.header(CONTENT_LENGTH, 0);
        world.exchange(request.body(Bytes::new()).unwrap())
    };
    let user = decode(&ask(
        &Method::GET,
        "/Autodiscover/AutodiscoverService.svc/root/oauth/user",
    ));
    assert_eq!(
        user.link_href("redirect"),
        Some("https://pool2.contoso.com/Autodiscover/AutodiscoverService.svc/root")
    );
    assert_eq!(user.link_href("applications"), None);
    let refused = ask(&Method::POST, "/ucwa/oauth/v1/applications");
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

#[test]
fn without_a_configured_origin_hrefs_have_the_host_of_the_request() {
    let config = ucwa_server::ServerConfig::new([]);
    let mut engine = ucwa_server::Engine::new(config);
    let request = http::Request::get("/").header("host", "127.0.0.1:8080");
    engine.handle(
        std::time::Duration::ZERO,
        ucwa_server::Input::Request {
            id: ucwa_server::RequestId(1),
            request: request.body(Bytes::new()).unwrap(),
        },
    );
    let ucwa_server::Output::Reply { response, .. } = engine.poll_output() else {
        panic!("an answer");
    };
    assert_eq!(
        decode(&response).link_href("user"),
        Some("http://127.0.0.1:8080/Autodiscover/AutodiscoverService.svc/root/oauth/user")
    );
}

#[test]
fn the_password_grant_and_its_refusals() {
    let mut world = World::new();
    let mut ask = |body: &str| {
        let response = world.exchange(form("/WebTicket/oauthtoken", body));
        let diagnostics = response.headers().get("x-ms-diagnostics").map(|value| {
            value
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .to_owned()
        });
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        let body = decode(&response);
        (
            response.status().as_u16(),
            body.text("error").unwrap_or_default().to_owned(),
            diagnostics.unwrap_or_default(),
        )
    };
    let answer = |status, error: &str, code: &str| (status, error.to_owned(), code.to_owned());
    let good = answer(200, "", "");
    for name in [
        "toshm%40contoso.com",
        "ToshM@Contoso.com",
        "sip:toshm@contoso.com",
    ] {
        assert_eq!(
            ask(&format!(
                "grant_type=password&username={name}&password=pass%40word1"
            )),
            good
        );
    }
    let denied = answer(400, "invalid_grant", "28020");
    assert_eq!(
        ask("grant_type=password&username=toshm@contoso.com&password=pass"),
        denied
    );
    assert_eq!(
        ask("grant_type=password&username=nobody@contoso.com&password=pass%40word1"),
        denied
    );
    assert_eq!(
        ask("grant_type=urn:microsoft.rtc:passive"),
        answer(400, "unsupported_grant_type", "28029")
    );
    assert_eq!(
        ask("grant_type=password&username=toshm@contoso.com"),
        answer(400, "invalid_request", "")
    );
    assert_eq!(ask("nonsense"), answer(400, "invalid_request", ""));
}

#[test]
fn a_token_has_the_published_form() {
    let mut world = World::new();
    let response = world.exchange(form(
        "/WebTicket/oauthtoken",
        "grant_type=password&username=toshm@contoso.com&password=pass%40word1",
    ));
    let token = decode(&response);
    assert!(token.text("access_token").unwrap().starts_with("cwt=AAEB"));
    assert_eq!(token.integer("expires_in"), Some(28_289));
    assert_eq!(token.text("token_type"), Some("Bearer"));
    assert_eq!(token.text("ms_rtc_identityscope"), Some("local"));
}

fn input(endpoint: &str, instance: Option<&str>) -> Resource<'static> {
    // The names have the case of the published request.
    let input = Resource::anonymous()
        .with_property("UserAgent", "UCWA Samples")
        .with_property("EndpointId", endpoint.to_owned())
        .with_property("Culture", "en-US");
    match instance {
        Some(instance) => input.with_property("InstanceId", instance.to_owned()),
        None => input,
    }
}

#[test]
fn another_user_agent_culture_or_type_is_another_application() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let mut create =
        |user_agent: &'static str, culture: &'static str, kind: Option<&'static str>| {
            let mut input = Resource::anonymous()
                .with_property("userAgent", user_agent)
                .with_property("endpointId", "e")
                .with_property("culture", culture);
            if let Some(kind) = kind {
                input = input.with_property("type", kind);
            }
            tosh.post(world, "/ucwa/oauth/v1/applications", &input)
                .status()
        };
    assert_eq!(create("a bot", "en-US", None), StatusCode::CREATED);
    assert_eq!(create("a bot", "en-US", None), StatusCode::OK);
    for (user_agent, culture, kind) in [
        ("a bot/2", "en-US", None),
        ("a bot", "de-DE", None),
        ("a bot", "en-US", Some("Browser")),
    ] {
        assert_eq!(create(user_agent, culture, kind), StatusCode::CREATED);
    }
}

#[test]
fn the_same_endpoint_and_instance_has_the_same_application() {
    for representation in [Representation::Json, Representation::Xml] {
        let mut world = World::new();
        let world = &mut world;
        let tosh = Client::sign_in(world, TOSH, representation);
        let lene = Client::sign_in(world, LENE, representation);
        let applications = "/ucwa/oauth/v1/applications";
        let first = tosh.post(world, applications, &input("e", Some("1")));
        assert_eq!(first.status(), StatusCode::CREATED);
        let again = tosh.post(world, applications, &input("e", Some("1")));
        assert_eq!(again.status(), StatusCode::OK);
        let home = |response: &Response<Bytes>| decode(response).href().unwrap().to_owned();
        assert_eq!(home(&first), home(&again));
        for other in [
            tosh.post(world, applications, &input("e", Some("2"))),
            tosh.post(world, applications, &input("e", None)),
            tosh.post(world, applications, &input("f", Some("1"))),
            lene.post(world, applications, &input("e", Some("1"))),
        ] {
            assert_eq!(other.status(), StatusCode::CREATED);
            assert_ne!(home(&other), home(&first));
        }
    }
}

#[test]
fn an_application_needs_its_parameters() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let wrong = refusal(400, "BadRequest", "ParameterValidationFailure");
    for input in [
        Resource::anonymous(),
        Resource::anonymous()
            .with_property("userAgent", "UCWA Samples")
            .with_property("culture", "en-US"),
        input(&"x".repeat(101), None),
        input("", None),
    ] {
        let response = tosh.post(world, "/ucwa/oauth/v1/applications", &input);
        assert_eq!(refused(&response), wrong);
    }
}

#[test]
fn the_application_has_what_is_documented() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let home = tosh.application.href().unwrap();
    let response = tosh.get(world, home);
    let application = decode(&response);
    assert_eq!(
        response.headers()[ETAG],
        format!("\"{}\"", application.etag().unwrap())
    );
    assert_eq!(application.text("culture"), Some("en-US"));
    assert_eq!(application.text("userAgent"), Some("UCWA Samples"));
    for rel in ["policies", "batch", "events"] {
        let href = application.link_href(rel).unwrap();
        assert!(href.starts_with(&format!("{home}/{rel}")), "{href}");
    }
    assert!(application.link_href("events").unwrap().ends_with("?ack=1"));
    for rel in ["me", "people", "onlineMeetings", "communication"] {
        let embedded = application.embedded(rel).unwrap();
        let got = tosh.resource(world, embedded.href().unwrap());
        assert_eq!(&got, embedded);
    }
}

#[test]
fn make_me_available_changes_me_and_succeeds_once() {
    for representation in [Representation::Json, Representation::Xml] {
        let mut world = World::new();
        let world = &mut world;
        let tosh = Client::sign_in(world, TOSH, representation);
        let me = tosh.application.embedded("me").unwrap();
        let home = me.href().unwrap();
        let press = me.link_href("makeMeAvailable").unwrap();
        assert!(me.link("reportMyActivity").is_none());
        let early = tosh.press(world, &format!("{home}/reportMyActivity"));
        assert_eq!(early, StatusCode::CONFLICT);
        // The names have the case of the published request.
        let input = Resource::anonymous().with_property("SupportedModalities", vec!["Messaging"]);
        let response = tosh.post(world, press, &input);
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let twice = tosh.post(world, press, &input);
        assert_eq!(refused(&twice), refusal(409, "Conflict", "AlreadyExists"));

        let me = tosh.resource(world, home);
        assert!(me.link("makeMeAvailable").is_none());
        for rel in ["note", "presence", "location", "reportMyActivity"] {
            assert!(me.link(rel).is_some(), "{rel}");
        }
        let report = me.link_href("reportMyActivity").unwrap();
        assert_eq!(tosh.press(world, report), StatusCode::NO_CONTENT);
        let communication = tosh.communication().href().unwrap();
        let communication = tosh.resource(world, communication);
        assert!(communication.list("supportedModalities").eq(["Messaging"]));
        assert!(communication.list("supportedMessageFormats").eq(["Plain"]));
        assert_ne!(communication.etag(), tosh.communication().etag());
    }
}

#[test]
fn a_put_of_communication_needs_the_current_etag() {
    for representation in [Representation::Json, Representation::Xml] {
        let mut world = World::new();
        let world = &mut world;
        let mut tosh = Client::available(world, TOSH, representation);
        let href = tosh.communication().href().unwrap().to_owned();
        let communication = tosh.resource(world, &href);
        let etag = communication.etag().unwrap().to_owned();
        let mut changed = communication.clone();
        changed
            .properties
            .retain(|(name, _)| name != "supportedMessageFormats");
        changed = changed.with_property("supportedMessageFormats", vec!["Plain"]);
        let mut put = |body: &Resource<'_>, condition: Option<&str>| {
            let body = ucwa_proto::Input::from(body.borrowed()).encode(representation);
            let mut request = tosh
                .builder(&Method::PUT, &href)
                .header(CONTENT_TYPE, representation.content_type())
                .header(CONTENT_LENGTH, body.len());
            if let Some(condition) = condition {
                request = request.header(IF_MATCH, format!("\"{condition}\""));
            }
            world.exchange(request.body(body.into()).unwrap())
        };
        assert_eq!(
            refused(&put(&changed, None)),
            refusal(428, "PreconditionRequired", "")
        );
        assert_eq!(
            refused(&put(&changed, Some("1"))),
            refusal(412, "PreconditionFailed", "")
        );
        let mut unmarked = changed.clone();
        let marker = changed.put_marker().unwrap().0.to_owned();
        unmarked.properties.retain(|(name, _)| *name != marker);
        assert_eq!(
            refused(&put(&unmarked, Some(&etag))),
            refusal(400, "BadRequest", "ParameterValidationFailure")
        );
        let response = put(&changed, Some(&etag));
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.body().is_empty());
        // The ETag has changed.
        assert_eq!(
            put(&changed, Some(&etag)).status(),
            StatusCode::PRECONDITION_FAILED
        );
        let page = tosh.page(world);
        assert_eq!(page.story(), ["communication communication updated"]);
        let now = page.resource("communication");
        assert!(now.list("supportedMessageFormats").eq(["Plain"]));
        assert_ne!(now.etag(), Some(&*etag));
        assert_eq!(&tosh.resource(world, &href), now);
    }
}

#[test]
fn a_user_has_at_most_a_hundred_applications() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let create = |world: &mut World, number: u32| {
        let input = Resource::anonymous()
            .with_property("culture", "en-US")
            .with_property("endpointId", format!("device-{number}"))
            .with_property("userAgent", "UCWA Samples");
        tosh.post(world, "/ucwa/oauth/v1/applications", &input)
    };
    for number in 1..100 {
        assert_eq!(create(world, number).status(), StatusCode::CREATED);
    }
    let gone = refusal(410, "Gone", "TooManyApplications");
    assert_eq!(refused(&create(world, 100)), gone);
    // An existing application is not counted again.
    assert_eq!(create(world, 99).status(), StatusCode::OK);
    tosh.delete(world, tosh.application.href().unwrap());
    assert_eq!(create(world, 100).status(), StatusCode::CREATED);
}
