//! Tests of the cookies that a jar stores, and of the requests that they are sent with.

use std::{sync::Mutex, time::Duration};

use bytes::Bytes;
use conv_transport::{Cookies, HttpTransport};
use http::{Request, Response};

use crate::scripted::{Scripted, commands, get, ok};

/// Makes a transport that sets the cookies in the query of a request, and a log of the `Cookie` headers that it received.
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
async fn a_cookie_is_sent_only_within_its_scope() {
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
            "deep=3; a=1; b=2",
            "wide=4",
            "",
            "a=1; b=2; wide=4",
            "b=2; wide=4",
            "b=2; safe=7; wide=4",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_cookie_of_a_browser_can_be_added() {
    let (transport, seen) = echo();
    assert!(transport.insert(
        "https://pool.contoso.com/PassiveAuth/Page.aspx",
        "user=tosh; Path=/; HttpOnly; Secure"
    ));
    assert!(transport.insert("https://pool.contoso.com/PassiveAuth/Page.aspx", "page=1"));
    for (url, cookie) in [
        ("https://pool.contoso.com/", ""),
        (
            "https://pool.contoso.com/",
            "user=lene; Domain=fabrikam.com",
        ),
        ("https://pool.contoso.com/", "user=lene; Domain=com"),
        ("pool.contoso.com", "user=lene"),
    ] {
        assert!(!transport.insert(url, cookie), "{cookie} of {url}");
    }
    for url in [
        "https://pool.contoso.com/WebTicket/oauthtoken",
        "https://other.contoso.com/",
    ] {
        transport.send(get(url), commands()).await.unwrap();
    }
    assert_eq!(*seen.lock().unwrap(), ["user=tosh", ""]);
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
async fn malformed_cookies_and_urls_are_ignored() {
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
    assert_eq!(shown, "Cookies { inner: Scripted, cookies: 2 }");
}

/// Returns the `Cookie` header of a request to `to`, after the server at `from` has set these cookies.
async fn sent_after(from: &str, set: Vec<Vec<u8>>, to: &str) -> Option<Vec<u8>> {
    let sent = std::sync::Arc::new(Mutex::new(None));
    let log = std::sync::Arc::clone(&sent);
    let set = Mutex::new(set);
    let cookies = Cookies::new(Scripted::new(move |request: &Request<Bytes>| {
        let cookie = request.headers().get("cookie");
        *log.lock().unwrap() = cookie.map(|cookie| cookie.as_bytes().to_vec());
        let mut response = Response::new(Bytes::new());
        for cookie in set.lock().unwrap().drain(..) {
            let cookie = http::HeaderValue::from_bytes(&cookie).unwrap();
            response.headers_mut().append("set-cookie", cookie);
        }
        (Duration::ZERO, Ok(response))
    }));
    cookies.send(get(from), commands()).await.unwrap();
    cookies.send(get(to), commands()).await.unwrap();
    sent.lock().unwrap().take()
}

#[tokio::test(start_paused = true)]
async fn a_cookie_for_a_public_suffix_is_not_kept() {
    for (from, domain, to, sent) in [
        (
            "https://evil.co.uk/",
            "co.uk",
            "https://pool.contoso.co.uk/",
            None,
        ),
        ("https://evil.co.uk/", ".CO.UK", "https://evil.co.uk/", None),
        (
            "https://evil.azurewebsites.net/",
            "azurewebsites.net",
            "https://victim.azurewebsites.net/",
            None,
        ),
        (
            "https://a.contoso.co.uk/",
            "contoso.co.uk",
            "https://b.contoso.co.uk/",
            Some("s=1"),
        ),
        // Internal names such as `contoso.local` are not on the list of public suffixes.
        (
            "https://a.contoso.local/",
            "contoso.local",
            "https://b.contoso.local/",
            Some("s=1"),
        ),
        // A host whose name is a public suffix may set a cookie for itself.
        (
            "https://azurewebsites.net/",
            "azurewebsites.net",
            "https://azurewebsites.net/",
            Some("s=1"),
        ),
        (
            "https://azurewebsites.net/",
            "azurewebsites.net",
            "https://a.azurewebsites.net/",
            None,
        ),
        ("https://pool/", "pool", "https://pool/", Some("s=1")),
    ] {
        let set = format!("s=1; Domain={domain}").into_bytes();
        let got = sent_after(from, vec![set], to).await;
        assert_eq!(
            got.as_deref(),
            sent.map(str::as_bytes),
            "{from} {domain} {to}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_path_comes_first() {
    let set = [
        "s=1; Path=/",
        "s=2; Path=/ucwa",
        "a=3; Path=/",
        "z=4; Path=/ucwa/x",
    ];
    let set = set.map(|cookie| cookie.as_bytes().to_vec()).to_vec();
    let sent = sent_after(
        "https://pool.contoso.com/",
        set,
        "https://pool.contoso.com/ucwa/x",
    )
    .await;
    assert_eq!(sent.unwrap(), b"z=4; s=2; a=3; s=1");
}

#[tokio::test(start_paused = true)]
async fn a_value_is_kept_as_bytes() {
    let set = vec![
        b"s=\xc3\xa0; Path=/".to_vec(),
        b"t=M\xfcnchen\x85\xa0".to_vec(),
        b"u=a=b\xff".to_vec(),
    ];
    let sent = sent_after("https://pool/", set, "https://pool/").await;
    assert_eq!(
        sent.unwrap(),
        b"s=\xc3\xa0; t=M\xfcnchen\x85\xa0; u=a=b\xff"
    );
}

#[tokio::test(start_paused = true)]
async fn the_jar_is_bounded() {
    let count = |sent: Option<Vec<u8>>| {
        sent.map_or(0, |sent| {
            String::from_utf8(sent).unwrap().split("; ").count()
        })
    };
    let pool = "https://pool.contoso.com/";

    // The jar limits the cookies of a domain. A cookie that expires makes room for another.
    let mut set: Vec<_> = (0..60)
        .map(|one| format!("c{one:02}=1").into_bytes())
        .collect();
    let sent = sent_after(pool, set.clone(), pool).await;
    assert_eq!(count(sent), 50);
    set.extend([
        b"c00=; Max-Age=0".to_vec(),
        b"d=1".to_vec(),
        b"e=1".to_vec(),
        b"c01=2".to_vec(),
    ]);
    let sent = String::from_utf8(sent_after(pool, set, pool).await.unwrap()).unwrap();
    assert!(
        sent.starts_with("c01=2; c02=1; ") && sent.ends_with("c49=1; d=1"),
        "{sent}"
    );

    // The jar limits the number of all cookies.
    let set = (0..65).flat_map(|domain| {
        let scope = "x.".repeat(domain);
        (0..50).map(move |one| format!("c{one}=1; Domain={scope}contoso.com").into_bytes())
    });
    let deepest = format!("https://{}contoso.com/", "x.".repeat(65));
    assert_eq!(
        count(sent_after(&deepest, set.collect(), &deepest).await),
        3000
    );

    // The jar limits the size of a cookie.
    let large = |size: usize| format!("s={}", "\u{e0}".repeat(size)).into_bytes();
    let sent = sent_after(pool, vec![large(2047)], pool).await;
    assert_eq!(sent.unwrap(), large(2047));
    assert_eq!(sent_after(pool, vec![large(2048)], pool).await, None);
    let path = format!("s=1; Path=/{}", "x".repeat(1024)).into_bytes();
    assert_eq!(sent_after(pool, vec![path], pool).await, None);
}

#[tokio::test(start_paused = true)]
async fn exported_cookies_can_be_imported() {
    let (cookies, _) = echo();
    for url in [
        "https://pool.contoso.com/?b=2&a=1;Secure;HttpOnly",
        "https://pool.contoso.com/deep/x?wide=4;Domain=contoso.com;Path=/",
        "https://pool.contoso.com/?old=1;Max-Age=0",
        "https://pool.contoso.com/?kept=5;Max-Age=3600;Path=/deep",
        "http://127.0.0.1:5061/?local=6",
    ] {
        cookies.send(get(url), commands()).await.unwrap();
    }
    assert!(cookies.insert("https://pool.contoso.com/", "spaced=7; Path=/a b"));
    let text = cookies.export();
    assert!(!format!("{cookies:?}").contains("wide"));
    let (again, seen) = echo();
    again.import("nonsense\nhttps://x \n\u{1f36a} a=1\n");
    again.import(&text);
    assert_eq!(again.export(), text);
    for url in [
        "https://pool.contoso.com/",
        "http://pool.contoso.com/",
        "https://other.contoso.com/",
        "https://pool.contoso.com/deep/y",
        "http://127.0.0.1:5061/",
        "https://pool.fabrikam.com/",
    ] {
        again.send(get(url), commands()).await.unwrap();
    }
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "a=1; b=2; wide=4",
            "b=2; wide=4",
            "wide=4",
            "kept=5; a=1; b=2; wide=4",
            "local=6",
            "",
        ]
    );
}
