//! Batches (`BatchingRequests`).

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Response, StatusCode};
use ucwa_proto::{Limits, Representation, batch};

use crate::harness::{Client, TOSH, World, refusal, refused, request};

fn send(world: &mut World, client: &Client, content_type: &str, body: Vec<u8>) -> Response<Bytes> {
    let href = client.application.link_href("batch").unwrap();
    world.exchange(
        request(&Method::POST, href)
            .header(ACCEPT, "multipart/batching")
            .header(AUTHORIZATION, format!("Bearer {}", client.token))
            .header(CONTENT_TYPE, content_type)
            .header(CONTENT_LENGTH, body.len())
            .body(body.into())
            .unwrap(),
    )
}

/// The parts of a batch as separate responses.
fn parts(response: &Response<Bytes>) -> Vec<Response<Bytes>> {
    assert_eq!(response.status(), StatusCode::OK);
    let content_type = response.headers()[CONTENT_TYPE].to_str().unwrap();
    assert!(content_type.starts_with("multipart/batching; boundary=\""));
    let boundary = batch::boundary(content_type);
    let limits = Limits::default();
    batch::Response::decode_batch(response.body(), boundary, &limits)
        .unwrap()
        .into_iter()
        .map(|part| {
            let mut response = Response::builder().status(part.status);
            for (name, value) in &part.headers {
                response = response.header(&**name, &**value);
            }
            let body = Bytes::copy_from_slice(&part.body);
            response.body(body).unwrap()
        })
        .collect()
}

#[test]
fn each_part_of_a_batch_is_handled_as_a_request() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let home = tosh.application.href().unwrap();
    // As in the published batch: a blank line at the start, two after the headers, paths without a host, parts without
    // authorization.
    let input = r#"{"supportedModalities":["Messaging"]}"#;
    let body = format!(
        "\r\n--EA370946\r\nContent-Type: application/http; msgtype=request\r\n\r\n\
         GET {home}/me HTTP/1.1\r\nHost: lyncweb.contoso.com\r\nAccept: application/xml\r\n\r\n\r\n\
         --EA370946\r\nContent-Type: application/http; msgtype=request\r\n\r\n\
         POST {home}/me/makeMeAvailable HTTP/1.1\r\nHost: lyncweb.contoso.com\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{input}\r\n\r\n\
         --EA370946\r\nContent-Type: application/http; msgtype=request\r\n\r\n\
         GET {home}/events?ack=1 HTTP/1.1\r\nHost: lyncweb.contoso.com\r\n\r\n\r\n\
         --EA370946\r\nContent-Type: application/http; msgtype=request\r\n\r\n\
         GET {home}/nothing HTTP/1.1\r\nHost: lyncweb.contoso.com\r\n\r\n\r\n--EA370946--\r\n",
        input.len()
    );
    let response = send(
        world,
        &tosh,
        "multipart/batching;boundary=EA370946",
        body.into_bytes(),
    );
    let parts = parts(&response);
    assert_eq!(parts.len(), 4);
    assert_eq!(
        parts[0].headers()[CONTENT_TYPE],
        "application/xml; charset=utf-8"
    );
    let xml = std::str::from_utf8(parts[0].body()).unwrap();
    assert!(xml.contains("sip:toshm@contoso.com"));
    assert_eq!(parts[1].status(), StatusCode::NO_CONTENT);
    assert!(parts[1].body().is_empty());
    // A pending GET is not allowed in a batch.
    assert_eq!(
        refused(&parts[2]),
        refusal(400, "BadRequest", "ParameterValidationFailure")
    );
    assert_eq!(refused(&parts[3]), refusal(404, "NotFound", ""));
    let me = tosh.resource(world, &format!("{home}/me"));
    assert!(me.link("reportMyActivity").is_some());
}

#[test]
fn a_batch_with_too_many_requests_is_refused_as_a_whole() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let home = tosh.application.href().unwrap();
    let press = batch::Request::new("POST", format!("{home}/me/makeMeAvailable"));
    for (count, status) in [(101, StatusCode::TOO_MANY_REQUESTS), (100, StatusCode::OK)] {
        let batch = batch::Request::encode_batch(&vec![press.clone(); count], "many");
        let response = send(world, &tosh, &batch.content_type, batch.body);
        assert_eq!(response.status(), status);
        let me = tosh.resource(world, &format!("{home}/me"));
        assert_eq!(
            me.link("makeMeAvailable").is_none(),
            status == StatusCode::OK
        );
    }
}

#[test]
fn a_malformed_batch_is_refused() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let wrong_type = send(world, &tosh, "application/json", b"{}".to_vec());
    assert_eq!(
        refused(&wrong_type),
        refusal(415, "UnsupportedMediaType", "")
    );
    let nonsense = send(
        world,
        &tosh,
        "multipart/batching; boundary=\"b\"",
        b"nonsense".to_vec(),
    );
    assert_eq!(
        refused(&nonsense),
        refusal(400, "BadRequest", "DeserializationFailure")
    );
}

#[test]
fn a_part_has_the_published_headers_in_their_order() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let home = tosh.application.href().unwrap();
    let parts = [
        batch::Request::new("GET", home.to_owned()),
        batch::Request::new("POST", format!("{home}/me/makeMeAvailable")),
    ];
    let batch = batch::Request::encode_batch(&parts, "order");
    let response = send(world, &tosh, &batch.content_type, batch.body);
    let boundary = batch::boundary(response.headers()[CONTENT_TYPE].to_str().unwrap());
    let limits = Limits::default();
    let parts = batch::Response::decode_batch(response.body(), boundary, &limits).unwrap();
    let names = |part: &batch::Response<'_>| -> Vec<String> {
        let names = part.headers.iter().map(|(name, _)| name.to_string());
        names.collect()
    };
    assert_eq!(names(&parts[0]), ["Cache-Control", "ETag", "Content-Type"]);
    assert_eq!(names(&parts[1]), ["Cache-Control"]);
}
