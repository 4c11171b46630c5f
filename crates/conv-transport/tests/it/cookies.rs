//! What a jar keeps, and to whom it gives it.

use std::{sync::Mutex, time::Duration};

use bytes::Bytes;
use conv_transport::{Cookies, HttpTransport};
use http::{Request, Response};

use crate::scripted::{Scripted, commands, get, ok};

/// A server that sets what the query asks for, and keeps what it was sent.
fn echo() -> (Cookies<Scripted>, std::sync::Arc<Mutex<Vec<String>>>) {
    let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&seen);
    let cookies = Cookies::new(Scripted::new(move |request: &Request<Bytes>| {
        let cookie = request.headers().get("cookie");
        let cookie = cookie.map_or("", |cookie| cookie.to_str().unwrap());
        log.lock().unwrap().push(cookie.to_owned());
        let mut response = Response::builder();
        for cookie in request
            .uri()
            .query()
            .into_iter()
            .flat_map(|query| query.split('&'))
        {
            response = response.header("set-cookie", cookie);
        }
        (Duration::ZERO, Ok(response.body(Bytes::new()).unwrap()))
    }));
    (cookies, seen)
}

#[tokio::test(start_paused = true)]
async fn a_cookie_goes_back_to_whom_it_belongs() {
    let (cookies, seen) = echo();
    for url in [
        "https://pool.contoso.com/?b=2&a=1",
        "https://pool.contoso.com/?deep=3;Path=/deep",
        "https://pool.contoso.com/deep/x?wide=4;Domain=contoso.com;Path=/",
        "https://other.contoso.com/?evil=5;Domain=com&stolen=6;Domain=fabrikam.com",
        "https://pool.fabrikam.com/",
        "https://pool.contoso.com/?a=;Max-Age=0&safe=7;Secure",
        "http://pool.contoso.com/",
        "https://pool.contoso.com/",
    ] {
        cookies.send(get(url), commands()).await.unwrap();
    }
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "",
            "a=1; b=2",
            "a=1; b=2; deep=3",
            "wide=4",
            "",
            "a=1; b=2; wide=4",
            "b=2; wide=4",
            "b=2; safe=7; wide=4",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_cookies_come_first() {
    let (cookies, seen) = echo();
    cookies
        .send(get("http://pool/?a=1"), commands())
        .await
        .unwrap();
    let mut request = get("http://pool/");
    request
        .headers_mut()
        .insert("cookie", "own=0".parse().unwrap());
    cookies.send(request, commands()).await.unwrap();
    assert_eq!(seen.lock().unwrap()[1], "own=0; a=1");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_cookie_or_no_url_does_no_harm() {
    let cookies = Cookies::new(Scripted::new(|request| {
        let mut answer = ok("");
        if let Ok(response) = &mut answer {
            let headers = response.headers_mut();
            for cookie in [&b""[..], b";", b"=", b"\xff=\xff", b"a=1; Expires=never"] {
                headers.append("set-cookie", http::HeaderValue::from_bytes(cookie).unwrap());
            }
        }
        let sent = request.headers().get("cookie").is_some();
        assert!(!sent || request.uri().path() == "/again");
        (Duration::ZERO, answer)
    }));
    for url in ["/relative", "http://pool/", "http://pool/again"] {
        cookies.send(get(url), commands()).await.unwrap();
    }
    let shown = format!("{cookies:?}");
    assert_eq!(shown, "Cookies { inner: Scripted, cookies: 1 }");
}
