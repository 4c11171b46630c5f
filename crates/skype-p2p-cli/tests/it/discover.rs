//! The discovery as an administrator sees it.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use crate::{
    company::Company,
    process::{Ended, run, server},
};

/// The lines of the output, without the spaces before them.
fn lines(ended: &Ended) -> Vec<&str> {
    ended.stdout.iter().map(|line| line.trim()).collect()
}

#[test]
fn a_server_that_is_found_is_described_without_a_sign_in() {
    let (_server, root) = server();
    let found = run(["discover", "contoso.com", "--root", &root]);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
    let lines = lines(&found);
    assert_eq!(lines[0], format!("From {root}"));
    assert!(
        lines.iter().any(|line| line.ends_with("demands a sign-in")),
        "{lines:?}"
    );
    let challenge = lines
        .iter()
        .find(|line| line.starts_with("challenge: MsRtcOAuth "));
    assert!(challenge.unwrap().contains("/WebTicket/"), "{lines:?}");
    let result = lines.last().unwrap();
    assert!(
        result.starts_with("Users of contoso.com are found at 127.0.0.1"),
        "{result}"
    );
    assert!(result.contains("password"), "{result}");
}

#[test]
fn every_hop_of_a_company_has_its_certificate() {
    let company = Company::new(2100);
    let found = company.run(&["discover", "contoso.com", "--profile", "tosh"]);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
    let lines = lines(&found);
    let at = |wanted: &str| {
        let place = lines.iter().position(|line| line.starts_with(wanted));
        place.unwrap_or_else(|| panic!("{wanted} is not in {lines:#?}"))
    };
    let internal = at("From https://lyncdiscoverinternal.contoso.com/");
    assert!(lines[internal..].iter().any(|line| line.contains("502")));
    assert_eq!(
        at("advice: outside of the organization's network this is normal"),
        internal + 3
    );
    let external = at("From https://lyncdiscover.contoso.com/");
    assert!(internal < external);
    assert_eq!(lines[external + 1], "1. https://lyncdiscover.contoso.com/");
    assert!(lines[external + 2].starts_with("status 200, leads to https://pool.contoso.com/"));
    let certificate = "certificate: pool.contoso.com, issued by Contoso Root, for lyncdiscover.contoso.com, pool.contoso.com, expires on 2100-01-01, in ";
    assert!(lines[external + 3].starts_with(certificate), "{lines:#?}");
    assert!(lines[external + 4].starts_with("2. https://pool.contoso.com/"));
    let result = lines.last().unwrap();
    assert!(
        result.starts_with("Users of contoso.com are found at pool.contoso.com, by https://lyncdiscover.contoso.com/."),
        "{result}"
    );
}

#[test]
fn a_certificate_that_is_refused_is_shown_with_the_reason() {
    let untrusted = Company::new(2100);
    let proxy = format!("http://tosh:hunter2@{}", untrusted.proxy);
    let of_nobody = untrusted.run(&["discover", "contoso.com", "--proxy", &proxy]);
    let expired = Company::new(2021);
    let of_old = expired.run(&["discover", "contoso.com", "--profile", "tosh"]);
    for (ended, shown) in [
        (&of_nobody, ["no trusted root certificate", "--ca-file"]),
        (
            &of_old,
            ["expired on 2021-01-01", "needs another certificate"],
        ),
    ] {
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        let text = ended.stdout.join("\n");
        assert!(text.contains("issued by Contoso Root"), "{text}");
        for part in shown {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn a_proxy_that_wants_a_password_is_named() {
    let company = Company::new(2100);
    let proxy = format!("http://{}", company.proxy);
    let refused = company.run(&["discover", "contoso.com", "--proxy", &proxy]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    let text = refused.stdout.join("\n");
    let advice = "advice: give the user name and the password of the proxy";
    assert_eq!(text.matches(advice).count(), 2, "{text}");
    assert!(
        refused.stderr.contains("No server of contoso.com"),
        "{}",
        refused.stderr
    );
}

/// A web server that gives this response to each request.
fn answering(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let (head, body) = response.split_once("\n\n").unwrap();
            let length = body.len();
            let head = head.replace('\n', "\r\n");
            let answer = format!(
                "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    root
}

#[test]
fn each_failure_has_advice() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let elsewhere = r#"200 OK
Content-Type: application/json

{"_links": {"redirect": {"href": "https://lyncdiscover.fabrikam.com/"}}}"#;
    let unencrypted = r#"200 OK
Content-Type: application/json

{"_links": {"redirect": {"href": "http://lyncdiscover.contoso.com/"}}}"#;
    for (root, shown, advice) in [
        (closed, "cannot connect", "firewall"),
        (
            answering("200 OK\nContent-Type: text/html\n\n<html>It works!</html>"),
            "status 200",
            "login page",
        ),
        (
            answering("404 Not Found\n\n"),
            "status 404",
            "not published here",
        ),
        (
            answering("302 Found\nLocation: https://www.contoso.com/\n\n"),
            "status 302",
            "remove the HTTP redirect",
        ),
        (answering(elsewhere), "lyncdiscover.fabrikam.com", "--trust"),
        (answering(unencrypted), "lyncdiscover.contoso.com", "https"),
    ] {
        let ended = run(["discover", "contoso.com", "--root", &root]);
        assert_eq!(ended.code, Some(4), "{shown}: {}", ended.stderr);
        let text = ended.stdout.join("\n");
        assert!(text.contains(shown), "{shown}: {text}");
        let given = text.lines().filter(|line| line.contains("advice: "));
        let given: Vec<&str> = given.collect();
        assert_eq!(given.len(), 1, "{text}");
        assert!(given[0].contains(advice), "{advice}: {text}");
    }
}

#[test]
fn control_characters_of_a_challenge_are_escaped() {
    let root = answering("401 Unauthorized\nWWW-Authenticate: Basic realm=\"\u{9b}31m\"\n\n");
    let ended = run(["discover", "contoso.com", "--root", &root]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = ended.stdout.join("\n");
    assert!(
        text.contains("challenge: Basic realm=\"\\u{9b}31m\""),
        "{text}"
    );
    let advice = "advice: users cannot sign in with a password";
    assert!(text.contains(advice), "{text}");
}

#[test]
fn a_domain_is_a_name_or_the_end_of_an_address() {
    for wrong in ["", "https://contoso.com", "contoso..com", "a b.com"] {
        let ended = run(["discover", wrong]);
        assert_eq!(ended.code, Some(2), "{wrong:?}: {}", ended.stderr);
    }
    let (_server, root) = server();
    let found = run(["discover", "toshm@contoso.com", "--root", &root]);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
}
