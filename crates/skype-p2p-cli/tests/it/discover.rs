//! The discovery as an administrator sees it.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use serde_json::Value;

use crate::{
    company::Company,
    json_schema::assert_valid,
    process::{Ended, Folder, Process, command, run, server},
    recording::exchanges,
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

/// The JSON lines of the output, each of which is as the schema says.
fn objects(ended: &Ended) -> Vec<Value> {
    let objects = ended.objects();
    for object in &objects {
        let part = match object["event"].as_str() {
            Some("discover.request") => "discover_request",
            Some("discover.path") => "discover_path",
            other => panic!("{other:?}"),
        };
        assert_valid(part, object);
    }
    objects
}

#[test]
fn the_paths_of_a_company_are_objects_of_the_schema() {
    let company = Company::new(2100);
    let found = company.run(&["discover", "contoso.com", "--profile", "tosh", "--json"]);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
    let objects = objects(&found);
    let [failed, internal, requests @ .., external] = &*objects else {
        panic!("{objects:#?}");
    };
    assert_eq!(failed["start"], "https://lyncdiscoverinternal.contoso.com/");
    assert_eq!(failed["status"], Value::Null);
    assert!(failed["error"].to_string().contains("502"), "{failed}");
    assert!(failed["advice"].to_string().contains("outside"), "{failed}");
    assert_eq!(failed["certificate"], Value::Null);
    assert_eq!(internal["found"], false, "{internal}");
    assert_eq!(internal["used"], false);
    assert!(internal["error"].is_string(), "{internal}");

    let [first, .., last] = requests else {
        panic!("{requests:#?}");
    };
    assert_eq!(first["number"], 1);
    assert_eq!(first["status"], 200);
    assert_eq!(first["leads_to"], requests[1]["url"]);
    assert_eq!(first["certificate"]["issuer"], "Contoso Root");
    assert_eq!(
        first["certificate"]["not_after"],
        "2100-01-01T00:00:00.000Z"
    );
    assert_eq!(first["certificate"]["refusal"], Value::Null);
    assert_eq!(last["leads_to"], Value::Null);
    assert!(
        last["challenges"].to_string().contains("MsRtcOAuth"),
        "{last}"
    );
    assert_eq!(external["event"], "discover.path");
    assert_eq!(external["found"], true);
    assert_eq!(external["used"], true);
    assert_eq!(external["host"], "pool.contoso.com");
    let grants = external["grants"].as_array().unwrap();
    assert!(grants.contains(&"password".into()), "{external}");
}

#[test]
fn the_objects_have_the_failure_and_its_advice() {
    let expired = Company::new(2021);
    let of_old = expired.run(&["discover", "contoso.com", "--profile", "tosh", "--json"]);
    assert_eq!(of_old.code, Some(4), "{}", of_old.stderr);
    let refused = objects(&of_old);
    let refusal = |object: &&Value| object["certificate"]["refusal"].is_string();
    let refused = refused.iter().find(refusal).expect("a refused certificate");
    assert_eq!(
        refused["certificate"]["advice"],
        "the server needs another certificate"
    );

    let root = answering("404 Not Found\n\n");
    let missing = run(["discover", "contoso.com", "--root", &root, "--json"]);
    assert_eq!(missing.code, Some(4), "{}", missing.stderr);
    let [request, path] = &objects(&missing)[..] else {
        panic!("{missing:?}");
    };
    assert_eq!(request["status"], 404);
    let advice = request["advice"].to_string();
    assert!(advice.contains("not published here"), "{advice}");
    assert_eq!(path["found"], false);

    let root = answering("401 Unauthorized\nWWW-Authenticate: Basic realm=\"\u{9b}31m\"\n\n");
    let steering = run(["discover", "contoso.com", "--root", &root, "--json"]);
    assert!(
        !steering.stdout.join("").contains(char::is_control),
        "{steering:?}"
    );
    let objects = objects(&steering);
    assert_eq!(objects[0]["challenges"][0], "Basic realm=\"\u{9b}31m\"");
}

#[test]
fn each_path_is_recorded() {
    let company = Company::new(2100);
    let file = company.folder.path().join("discover.har");
    let mut discover = vec!["discover", "contoso.com", "--profile", "tosh", "--record"];
    discover.push(file.to_str().unwrap());
    let found = company.run(&discover);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
    let internal = exchanges(&file);
    assert!(internal[0].ends_with("/ 0"), "{internal:?}");
    let external = exchanges(file.with_file_name("discover-2.har"));
    assert_eq!(external[0], "GET / 200", "{external:?}");
    assert!(external.last().unwrap().ends_with(" 401"), "{external:?}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_discovery_leaves_its_recording() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}/", silent.local_addr().unwrap());
    let folder = Folder::new("record-discover");
    let file = folder.path().join("discover.har");
    let mut discover = command(["discover", "contoso.com", "--root", &root, "--record"]);
    discover.arg(&file);
    let discover = Process::start(discover);
    let _connection = silent.accept().unwrap();
    discover.signal("TERM");
    let ended = discover.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
    assert_eq!(exchanges(&file), ["GET / 0"]);
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
