//! The grants besides the password (`AuthenticationInUCWA`), and the operations of guests.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, WWW_AUTHENTICATE};
use http::{Method, Response, StatusCode};
use ucwa_proto::{Representation, Resource, SipUri};
use ucwa_server::IssuedToken;

use crate::harness::{
    Client, LENE, TOSH, USER, World, decode, form, refusal, refused, request, seconds,
};
use crate::leading::enter;

fn ask(world: &mut World, body: &str) -> Response<Bytes> {
    world.exchange(form("/WebTicket/oauthtoken", body))
}

/// The token that the token service issues.
fn granted(world: &mut World, body: &str) -> String {
    let response = ask(world, body);
    assert_eq!(response.status(), StatusCode::OK, "{body}");
    decode(&response).text("access_token").unwrap().to_owned()
}

/// The error of the token service, and the code of the diagnostics.
fn denied(world: &mut World, body: &str) -> (String, String) {
    let response = ask(world, body);
    assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
    let diagnostics = response.headers().get("x-ms-diagnostics");
    let diagnostics = diagnostics.map_or("", |value| value.to_str().unwrap());
    (
        decode(&response).text("error").unwrap().to_owned(),
        diagnostics.split(';').next().unwrap().to_owned(),
    )
}

fn invalid_grant() -> (String, String) {
    ("invalid_grant".to_owned(), "28020".to_owned())
}

/// The URI of the token's user. `None` if the token is not valid.
fn user_of(world: &mut World, token: &str) -> Option<String> {
    let get = request(&Method::GET, USER).header(AUTHORIZATION, format!("Bearer {token}"));
    if world.exchange(get.body(Bytes::new()).unwrap()).status() != StatusCode::OK {
        return None;
    }
    let client = Client::with_token(world, token.to_owned(), Representation::Json, token);
    let me = client.application.embedded("me").unwrap();
    Some(me.text("uri").unwrap().to_owned())
}

/// Tosh in a conference, its URI, and the body of a guest's token request.
pub(crate) fn conference(world: &mut World) -> (Client, String, String) {
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let uri = enter(world, &mut tosh, None).uri;
    let body = format!(
        "grant_type=urn%3Amicrosoft.rtc%3Aanonmeeting&ms_rtc_conferenceuri={}",
        uri.replace(';', "%3B").replace(':', "%3A")
    );
    (tosh, uri, body)
}

#[test]
fn a_guest_keeps_the_address_when_the_token_is_renewed() {
    let mut config = World::config();
    assert_eq!(config.guest_token_life, seconds(3600));
    config.guest_token_life = seconds(600);
    let mut world = World::of(config);
    let world = &mut world;
    let (_tosh, uri, body) = conference(world);
    let response = ask(world, &body);
    assert_eq!(decode(&response).integer("expires_in"), Some(600));
    let first = decode(&response).text("access_token").unwrap().to_owned();
    let gus = user_of(world, &first).unwrap();
    assert!(gus.ends_with("@anonymous.invalid"), "{gus}");

    world.pass(seconds(500));
    let renew = format!("{body}&ms_rtc_renew={}", first.replace('=', "%3D"));
    let second = granted(world, &renew);
    assert_ne!(first, second);
    let stranger = granted(world, &body);
    assert_ne!(user_of(world, &stranger).unwrap(), gus);
    world.pass(seconds(200));
    assert_eq!(user_of(world, &first), None, "expired");
    assert_eq!(user_of(world, &second), Some(gus));
    assert_eq!(
        denied(world, &renew),
        invalid_grant(),
        "an expired token cannot be renewed"
    );

    // The password of a conference is its ID. A wrong password and an unknown conference are refused.
    let key = uri.rsplit(':').next().unwrap().to_owned();
    granted(world, &format!("{body}&password={key}"));
    let wrong = denied(world, &format!("{body}&password=wrong"));
    assert_eq!(wrong, invalid_grant());
    let unknown = denied(world, &format!("{body}0"));
    assert_eq!(unknown, invalid_grant());
    let without_uri = denied(world, "grant_type=urn:microsoft.rtc:anonmeeting");
    assert_eq!(without_uri.0, "invalid_request");
}

#[test]
fn a_guest_cannot_renew_a_token_of_a_user_or_of_another_conference() {
    let mut world = World::new();
    let world = &mut world;
    let (tosh, _, body) = conference(world);
    let mut lene = Client::available(world, LENE, Representation::Json);
    let other = enter(world, &mut lene, None).uri;
    let other = format!("grant_type=urn:microsoft.rtc:anonmeeting&ms_rtc_conferenceuri={other}");
    let other = granted(world, &other);
    for token in [&tosh.token, &other, "cwt=nonsense"] {
        let renew = format!("{body}&ms_rtc_renew={}", token.replace('=', "%3D"));
        assert_eq!(denied(world, &renew), invalid_grant(), "{token}");
    }
}

#[test]
fn a_guest_can_only_join_the_conference_of_the_token() {
    let mut world = World::new();
    let world = &mut world;
    let (mut tosh, uri, body) = conference(world);
    let token = granted(world, &body);
    let mut gus = Client::with_token(world, token, Representation::Xml, "gus");
    let me = gus.application.embedded("me").unwrap();
    assert!(me.link("makeMeAvailable").is_none());
    let communication = gus.communication();
    assert!(communication.link("startMessaging").is_none());
    assert!(communication.link("startOnlineMeeting").is_none());
    let join = communication.link_href("joinOnlineMeeting").unwrap();
    let join = join.to_owned();

    let nothing = Resource::anonymous();
    let available = format!("{}/makeMeAvailable", me.href().unwrap());
    let refusal_of_guest = refused(&gus.post(world, &available, &nothing));
    assert_eq!(
        refusal_of_guest,
        refusal(403, "Forbidden", "AnonymousNotAllowed")
    );
    let joining = |uri: &str, name: &str| {
        Resource::anonymous()
            .with_property("operationId", "1")
            .with_property("onlineMeetingUri", uri.to_owned())
            .with_property("anonymousDisplayName", name.to_owned())
    };
    for other in [
        "adhoc",
        "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:X",
    ] {
        let refusal_of_guest = refused(&gus.post(world, &join, &joining(other, "Gus")));
        assert_eq!(refusal_of_guest, refusal(403, "Forbidden", ""));
    }
    let without_name = refused(&gus.post(world, &join, &joining(&uri, "")));
    assert_eq!(
        without_name,
        refusal(400, "BadRequest", "ParameterValidationFailure")
    );

    let created = gus.post(world, &join, &joining(&uri, "Gus Grissom"));
    assert_eq!(created.status(), StatusCode::CREATED);
    let page = gus.page(world);
    let invitation = page.resource("onlineMeetingInvitation");
    assert_eq!(invitation.text("anonymousDisplayName"), Some("Gus Grissom"));
    assert_eq!(page.resource("conversation").text("state"), Some("InLobby"));
    tosh.page(world);
    let conversations = tosh.communication().link_href("conversations").unwrap();
    let conversations = tosh.resource(world, conversations);
    let conversation = conversations.link_href("conversation").unwrap();
    let lobby = tosh.resource(world, &format!("{conversation}/lobby"));
    let guest = tosh.resource(world, lobby.link_href("participant").unwrap());
    assert_eq!(guest.text("name"), Some("Gus Grissom"));
    assert_eq!(guest.boolean("anonymous"), Some(true));
    assert!(guest.link("contact").is_none(), "a guest is not a contact");
}

#[test]
fn the_passive_grant_needs_the_cookie_of_the_sign_in_page() {
    let mut config = World::config();
    config.passive = true;
    let mut world = World::of(config);
    let world = &mut world;
    let passive = "grant_type=urn:microsoft.rtc:passive";
    let response = ask(world, passive);
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(
        response.headers()["x-ms-diagnostics"]
            .to_str()
            .unwrap()
            .starts_with("28020;")
    );
    let answer = decode(&response);
    assert_eq!(answer.text("error"), Some("invalid_grant"));
    let page = answer.text("ms_rtc_passiveauthuri").unwrap();
    assert_eq!(
        page,
        "https://lyncweb.contoso.com/PassiveAuth/PassiveAuth.aspx"
    );
    let shown = world.exchange(request(&Method::GET, page).body(Bytes::new()).unwrap());
    assert_eq!(shown.status(), StatusCode::OK);

    let sign_in = |world: &mut World, password: &str| {
        let sent = format!("username={LENE}&password={password}");
        let answer = world.exchange(form(page, &sent));
        assert_eq!(answer.status(), StatusCode::OK);
        let cookie = answer.headers().get("set-cookie")?.to_str().unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; Secure"), "{cookie}");
        Some(cookie.split(';').next().unwrap().to_owned())
    };
    let ask_with = |world: &mut World, cookie: &str| {
        let mut request = form("/WebTicket/oauthtoken", passive);
        let cookie = format!("route=7; {cookie}").parse().unwrap();
        request.headers_mut().insert("cookie", cookie);
        world.exchange(request)
    };
    assert_eq!(sign_in(world, "wrong"), None);
    let cookie = sign_in(world, "pass%40word1").unwrap();
    assert_eq!(
        ask(world, passive).status(),
        StatusCode::BAD_REQUEST,
        "a browser without the cookie"
    );
    let other = ask_with(world, "PassiveAuth=other");
    assert_eq!(other.status(), StatusCode::BAD_REQUEST);
    for _ in 0..2 {
        let granted = ask_with(world, &cookie);
        assert_eq!(granted.status(), StatusCode::OK);
        let token = decode(&granted).text("access_token").unwrap().to_owned();
        assert_eq!(user_of(world, &token), Some(format!("sip:{LENE}")));
    }
    world.pass(seconds(28_290));
    let late = ask_with(world, &cookie);
    assert_eq!(
        late.status(),
        StatusCode::BAD_REQUEST,
        "the cookie has expired"
    );
}

#[test]
fn the_passive_grant_is_disabled_by_default() {
    let mut world = World::new();
    let world = &mut world;
    let unsupported = ("unsupported_grant_type".to_owned(), "28029".to_owned());
    assert_eq!(
        denied(world, "grant_type=urn:microsoft.rtc:passive"),
        unsupported
    );
    let page = request(&Method::GET, "/PassiveAuth/PassiveAuth.aspx");
    let answer = world.exchange(page.body(Bytes::new()).unwrap());
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[test]
fn the_windows_grant_issues_the_token_of_the_configured_user() {
    let mut config = World::config();
    config.windows_user = Some(SipUri::parse(TOSH).unwrap());
    let mut world = World::of(config);
    let token = granted(&mut world, "grant_type=urn:microsoft.rtc:windows");
    assert_eq!(user_of(&mut world, &token), Some(format!("sip:{TOSH}")));

    let mut world = World::new();
    let response = ask(&mut world, "grant_type=urn:microsoft.rtc:windows");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["content-type"], "text/html");
    let offers = response.headers().get_all(WWW_AUTHENTICATE).iter();
    assert!(offers.eq(["Negotiate", "NTLM"]));
}

#[test]
fn a_token_of_another_issuer_is_valid_for_its_user_until_it_expires() {
    let mut config = World::config();
    config.authorization_uri = Some("https://login.contoso.com/authorize".to_owned());
    let token = IssuedToken::new("jwt.tosh", TOSH, seconds(600)).unwrap();
    assert!(!format!("{token:?}").contains("jwt"));
    config.issued.push(token);
    let mut world = World::of(config);
    let world = &mut world;
    let bare = request(&Method::GET, USER).header(CONTENT_LENGTH, 0);
    let challenge = world.exchange(bare.body(Bytes::new()).unwrap());
    let bearer = challenge.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(
        bearer.ends_with(", authorization_uri=\"https://login.contoso.com/authorize\""),
        "{bearer}"
    );
    assert_eq!(user_of(world, "jwt.tosh"), Some(format!("sip:{TOSH}")));
    world.pass(seconds(601));
    assert_eq!(user_of(world, "jwt.tosh"), None);
}

#[test]
fn a_form_may_be_multipart() {
    let mut world = World::new();
    let world = &mut world;
    let part = |name: &str, value: &str| {
        format!("--b7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields = [
        part("grant_type", "password"),
        part("username", TOSH),
        part("password", "pass@word1"),
    ]
    .concat();
    let mut send = |body: String| {
        let request = request(&Method::POST, "/WebTicket/oauthtoken")
            .header("content-type", "multipart/form-data; boundary=\"b7\"")
            .header(CONTENT_LENGTH, body.len());
        world.exchange(request.body(body.into()).unwrap())
    };
    let granted = send(format!("{fields}--b7--\r\n"));
    assert_eq!(granted.status(), StatusCode::OK);
    assert!(decode(&granted).text("access_token").is_some());
    // Without the closing boundary, and without the name of a field.
    for body in [
        fields,
        "--b7\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b7--".to_owned(),
    ] {
        let refused = send(body);
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        assert_eq!(decode(&refused).text("error"), Some("invalid_request"));
    }
}
