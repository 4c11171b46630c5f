//! Tests of recordings: their contents, and the absence of secrets.

use std::{io::Write, sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::{
    HttpTransport, Lane, Record, RecordOptions, Sent, Stage, TransportError, TransportErrorKind,
};
use flate2::{Compression, write::GzEncoder};
use http::{Request, Response};
use tokio::join;

use crate::scripted::{Answer, Scripted, commands, events, get, ok, post, seconds};

fn options() -> RecordOptions {
    // 2015-03-01T10:00:00Z
    let epoch = std::time::UNIX_EPOCH + Duration::from_secs(1_425_204_000);
    RecordOptions::new(epoch)
}

fn record(answer: impl Fn(&Request<Bytes>) -> Answer + Send + Sync + 'static) -> Record<Scripted> {
    Record::new(Scripted::new(answer), options())
}

#[tokio::test(start_paused = true)]
async fn requests_and_responses_share_one_counter_and_one_clock() {
    let record = record(|request| match request.uri().path() {
        "/events" => (seconds(5), ok("page")),
        _ => (Duration::from_millis(20), ok("me")),
    });
    let poll = record.send(get("http://pool/events?ack=1"), events());
    let command = async {
        tokio::time::sleep(seconds(1)).await;
        record
            .send(post("http://pool/me", "text"), commands())
            .await
    };
    let (poll, command) = join!(poll, command);
    assert_eq!(poll.unwrap().body(), "page");
    assert_eq!(command.unwrap().body(), "me");

    let har = record.har();
    let [poll, command] = &har.log.entries[..] else {
        panic!("two exchanges make two entries");
    };
    assert_eq!(poll.lane, Some(Lane::Events));
    assert_eq!((poll.sent, poll.received), (Some(1), Some(4)));
    assert_eq!(poll.started_date_time, "2015-03-01T10:00:00.000000Z");
    assert_eq!(poll.time, 5000.0);
    assert_eq!(poll.request.url, "http://pool/events?ack=1");
    assert_eq!(poll.response.content.text.as_deref(), Some("page"));
    assert_eq!(command.lane, Some(Lane::Commands));
    assert_eq!((command.sent, command.received), (Some(2), Some(3)));
    assert_eq!(command.started_date_time, "2015-03-01T10:00:01.000000Z");
    assert_eq!(command.time, 20.0);
    let body = command.request.post_data.as_ref().unwrap();
    assert_eq!(body.text.as_deref(), Some("text"));
}

#[tokio::test(start_paused = true)]
async fn errors_and_aborts_are_recorded() {
    let record = Arc::new(record(|request| match request.uri().path() {
        "/fails" => (
            seconds(1),
            Err(TransportError::new(
                TransportErrorKind::Closed,
                Stage::Wait,
                "pool:80",
            )),
        ),
        _ => (seconds(60), ok("never")),
    }));
    let error = record.send(get("http://pool/fails"), commands()).await;
    assert_eq!(error.unwrap_err().kind(), TransportErrorKind::Closed);
    let aborted = record.send(get("http://pool/parked"), events());
    tokio::time::timeout(seconds(2), aborted).await.unwrap_err();
    let _parked = tokio::spawn({
        let record = Arc::clone(&record);
        async move { record.send(get("http://pool/open"), events()).await }
    });
    tokio::time::sleep(seconds(1)).await;

    let har = record.har();
    let [failed, aborted, open] = &har.log.entries[..] else {
        panic!("three exchanges make three entries");
    };
    let error = failed.error.as_ref().unwrap();
    assert_eq!(
        (error.kind, error.stage, error.sent),
        (TransportErrorKind::Closed, Stage::Wait, Sent::Maybe)
    );
    assert_eq!(failed.response.status, 0);
    // HAR requires these members.
    let members = &failed.response.extra;
    assert_eq!(members["cookies"], serde_json::json!([]));
    assert_eq!(
        (&members["headersSize"], &members["bodySize"]),
        (&(-1).into(), &(-1).into())
    );
    assert!(format!("{record:?}").contains("exchanges: 3"), "{record:?}");
    assert!(aborted.aborted);
    assert_eq!((aborted.received, aborted.time), (Some(4), 2000.0));
    assert!(!open.aborted);
    assert_eq!((open.sent, open.received), (Some(5), None));
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_the_recording() {
    let mut options = options();
    options.secrets = vec!["p@ss word".to_owned()];
    let record = Record::new(
        Scripted::new(|request| {
            let response = match request.uri().path() {
                "/token" => Response::builder()
                    .header("set-cookie", "ticket=cookie-sesame; path=/")
                    .body(Bytes::from_static(
                        br#"{"access_token":"cwt=token-sesame","expires_in":3600}"#,
                    ))
                    .unwrap(),
                "/gzip" => {
                    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                    encoder.write_all(b"in gzip: cwt=token-sesame").unwrap();
                    Response::builder()
                        .header("content-encoding", "gzip")
                        .body(encoder.finish().unwrap().into())
                        .unwrap()
                }
                "/unknown-coding" => Response::builder()
                    .header("content-encoding", "compress")
                    .body(Bytes::from_static(b"cwt=token-sesame"))
                    .unwrap(),
                _ => Response::builder()
                    .header("location", "/next?t=cwt%3Dtoken-sesame")
                    .header("www-authenticate", "Bearer client_id=\"00000004\"")
                    .body(Bytes::from_static(
                        b"<a href=\"/x?c=cookie-sesame&p=p%40ss%20word\"/>",
                    ))
                    .unwrap(),
            };
            (Duration::ZERO, Ok(response))
        }),
        options,
    );
    let form = "grant_type=password&username=lenea&password=form-sesame";
    record
        .send(post("http://pool/token", form), commands())
        .await
        .unwrap();
    let mut request = post("http://pool/me?t=cwt%3dtoken-sesame", "is p@ss word");
    for (name, value) in [
        ("authorization", "Bearer cwt=token-sesame"),
        ("cookie", "ticket=cookie-sesame"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    record.send(request, commands()).await.unwrap();
    record
        .send(get("http://pool/gzip"), commands())
        .await
        .unwrap();
    record
        .send(get("http://pool/unknown-coding"), commands())
        .await
        .unwrap();

    let har = record.har();
    let file = String::from_utf8(har.to_vec().unwrap()).unwrap();
    for secret in ["sesame", "p@ss", "p%40ss", "word\""] {
        assert!(!file.contains(secret), "{secret} in {file}");
    }
    // The recording has everything that a replay needs: the challenge, and the pseudonym where the token is granted and used.
    let entries = &har.log.entries;
    let granted = entries[0].response.content.text.as_deref().unwrap();
    assert_eq!(
        granted,
        r#"{"access_token":"redacted-1","expires_in":3600}"#
    );
    let used = &entries[1].request;
    assert_eq!(used.url, "http://pool/me?t=redacted-1");
    assert!(
        used.headers
            .iter()
            .any(|header| header.value == "Bearer redacted-1")
    );
    let challenge = entries[1].response.headers.iter();
    let mut challenge = challenge.filter(|header| header.name == "www-authenticate");
    assert_eq!(
        challenge.next().unwrap().value,
        "Bearer client_id=\"00000004\""
    );
    let decoded = entries[2].response.content.text.as_deref();
    assert_eq!(decoded, Some("in gzip: redacted-1"));
    assert_eq!(entries[3].response.content.text, None);

    let shown = format!("{record:?}");
    assert!(!shown.contains("sesame"), "{shown}");
}
