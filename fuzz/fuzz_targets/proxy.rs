//! Proxy settings: credentials go whole to the proxy that the address names, or the address is refused; an exception covers no other host.
#![no_main]
#![allow(dead_code, unused_imports, reason = "the target calls a part of these modules")]

use base64::{Engine, prelude::BASE64_STANDARD};
use conv_transport::{Stage, TransportError, TransportErrorKind};
use libfuzzer_sys::fuzz_target;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

#[path = "../../crates/conv-transport/src/hyper_transport/no_proxy.rs"]
mod no_proxy;
#[path = "../../crates/conv-transport/src/hyper_transport/proxy.rs"]
mod proxy;
#[path = "../../crates/conv-transport/src/hyper_transport/target.rs"]
mod target;

use proxy::{Hop, Proxy};
use target::Target;

const HOSTS: [&str; 4] = ["proxy", "Proxy.contoso.com", "10.0.0.1", "[2001:db8::1]"];

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut fields = text.split('\n');
    let mut next = || fields.next().unwrap_or_default();
    let (choice, user, password, list, rest) = (next(), next(), next(), next(), next());
    let choice = usize::from(choice.bytes().next().unwrap_or_default());

    // Any text.
    let _ = Proxy::new(rest, list);

    let (host, port) = (HOSTS[choice % 4], 1024 + choice);
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let address = format!("http://{}:{}@{host}:{port}", escaped(user), escaped(password));
    let hop = hop(&address).expect("an address with escapes can be used");
    sent_to(&hop, host, port, format!("{user}:{password}").into_bytes());
    let shown = format!("{hop:?}");
    assert!(!shown.contains('@'), "{shown}");

    // Without escapes the credentials are whole, or refused.
    let credentials = format!("{user}:{password}");
    for scheme in ["http://", "HTTPS://", ""] {
        let address = format!("{scheme}{credentials}@{host}:{port}");
        let names_scheme = scheme.is_empty() && address.contains("://");
        let is_trimmed = scheme.is_empty() && address.trim() != address;
        if let Some(hop) = self::hop(&address)
            && !names_scheme
            && !is_trimmed
        {
            sent_to(&hop, host, port, percent_decode_str(&credentials).collect());
        }
    }

    exceptions(list);
});

fn hop(address: &str) -> Option<Hop> {
    let proxy = Proxy::new(address, "").ok()?;
    let hop = proxy.hop(&server("pool.fabrikam.com")).expect("the proxy can be used");
    Some(hop.expect("there is no exception").clone())
}

fn server(host: &str) -> Target {
    let uri = format!("https://{host}/").parse().expect("a URI");
    Target::of(&uri).expect("a server")
}

fn sent_to(hop: &Hop, host: &str, port: usize, credentials: Vec<u8>) {
    assert_eq!(hop.proxy.host, host.to_lowercase().trim_matches(['[', ']']));
    assert_eq!(usize::from(hop.proxy.port), port);
    let header = hop.authorization.as_ref().expect("there are credentials");
    assert!(header.is_sensitive());
    let header = header.to_str().expect("it is base64");
    let sent = BASE64_STANDARD.decode(header.strip_prefix("Basic ").expect("it is Basic"));
    assert_eq!(sent.expect("it is base64"), credentials);
}

/// A server is reached directly only if the list names it or what it lies in.
fn exceptions(list: &str) {
    for host in ["pool.contoso.com", "10.1.2.3", "[2001:db8::7]"] {
        let is_direct = |list: &str| {
            let proxy = Proxy::new("http://proxy:3128", list).expect("the address is one of a proxy");
            let hop = proxy.hop(&server(host)).expect("the proxy can be used");
            hop.is_none()
        };
        assert!(is_direct(&format!("{list},{host}")), "{list}");
        assert!(is_direct(&format!("{host} {list}")), "{list}");
        let plain = |text: &str| text.to_lowercase().trim_matches(['.', '*', '[', ']']).to_owned();
        let may_cover = |entry: &str| {
            let is_above = !plain(entry).is_empty() && plain(host).ends_with(&plain(entry));
            let is_address = plain(entry).parse::<std::net::IpAddr>().is_ok();
            is_above || is_address || entry.contains('/')
        };
        let mut entries = list.split(|c: char| c == ',' || c.is_whitespace());
        if list.trim() != "*" && !entries.any(may_cover) {
            assert!(!is_direct(list), "{list}");
        }
    }
}
