//! The JSON lines of `discover`: one for each request, and one for each path.

use std::time::SystemTime;

use serde::Serialize;
use skype_p2p::ServerCertificate;

use super::{
    advice,
    observed_transport::Hop,
    path::{Path, PathEnd},
};
use crate::json_line::{self, VERSION, rfc3339};

#[derive(Serialize)]
struct JsonRequest<'a> {
    version: u32,
    event: &'static str,
    domain: &'a str,
    start: &'a str,
    number: usize,
    url: &'a str,
    status: Option<u16>,
    error: Option<&'a str>,
    leads_to: Option<&'a str>,
    challenges: &'a [String],
    advice: Option<&'static str>,
    certificate: Option<JsonCertificate<'a>>,
}

#[derive(Serialize)]
struct JsonCertificate<'a> {
    subject: Option<&'a str>,
    issuer: Option<&'a str>,
    dns_names: &'a [String],
    not_before: Option<String>,
    not_after: Option<String>,
    refusal: Option<&'a str>,
    advice: Option<&'static str>,
}

#[derive(Serialize)]
struct JsonPath<'a> {
    version: u32,
    event: &'static str,
    domain: &'a str,
    start: &'a str,
    found: bool,
    used: bool,
    host: Option<String>,
    grants: &'a [String],
    other_issuer: bool,
    error: Option<String>,
    advice: Option<&'static str>,
}

/// The lines about a path. `used` is true for the path that a client uses.
pub(crate) fn path(domain: &str, path: &Path, used: bool, now: SystemTime) -> Vec<String> {
    let requests = path.hops.iter().enumerate();
    let mut lines: Vec<String> = requests
        .map(|(index, hop)| request(domain, path, index, hop, now))
        .collect();
    let (grants, other_issuer) = match &path.end {
        PathEnd::Challenge { grants, bearer } => (grants.as_slice(), *bearer),
        PathEnd::Failed(_) | PathEnd::TimedOut => (&[][..], false),
    };
    let error = match &path.end {
        PathEnd::Challenge { .. } => None,
        PathEnd::Failed(error) => Some(error.to_string()),
        PathEnd::TimedOut => Some("the time limit passed".to_owned()),
    };
    lines.push(json_line::line(&JsonPath {
        version: VERSION,
        event: "discover.path",
        domain,
        start: &path.start,
        found: path.is_found(),
        used,
        host: path.user_host(),
        grants,
        other_issuer,
        error,
        advice: advice::for_end(&path.end),
    }));
    lines
}

fn request(domain: &str, path: &Path, index: usize, hop: &Hop, now: SystemTime) -> String {
    let next = path.hops.get(index + 1);
    let (answer, error) = match &hop.result {
        Ok(answer) => (Some(answer), path.note(hop).filter(|_| next.is_none())),
        Err(broken) => (None, Some(broken.message.as_str())),
    };
    let certificate = path.certificates.get(&hop.url);
    json_line::line(&JsonRequest {
        version: VERSION,
        event: "discover.request",
        domain,
        start: &path.start,
        number: index + 1,
        url: &hop.url,
        status: answer.map(|answer| answer.status),
        error,
        leads_to: next
            .filter(|_| answer.is_some())
            .map(|hop| hop.url.as_str()),
        challenges: answer.map_or(&[], |answer| answer.challenges.as_slice()),
        advice: advice::for_hop(path, hop, next),
        certificate: certificate.map(|read| of_certificate(read, now)),
    })
}

fn of_certificate(certificate: &ServerCertificate, now: SystemTime) -> JsonCertificate<'_> {
    JsonCertificate {
        subject: certificate.subject.as_deref(),
        issuer: certificate.issuer.as_deref(),
        dns_names: &certificate.dns_names,
        not_before: certificate.not_before.map(rfc3339),
        not_after: certificate.not_after.map(rfc3339),
        refusal: certificate.refusal.as_deref(),
        advice: advice::for_certificate(certificate, now),
    }
}
