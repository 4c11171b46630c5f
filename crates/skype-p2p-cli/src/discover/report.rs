//! The lines of `discover`.

use std::time::SystemTime;

use jiff::{Timestamp, tz::TimeZone};
use skype_p2p::ServerCertificate;

use super::{
    advice,
    observed_transport::Hop,
    path::{Path, PathEnd},
};

/// The lines about a path.
pub(crate) fn path(path: &Path, now: SystemTime) -> Vec<String> {
    let mut lines = vec![format!("From {}", path.start)];
    for (number, found) in path.hops.iter().enumerate() {
        let next = path.hops.get(number + 1);
        lines.push(format!("  {}. {}", number + 1, found.url));
        hop(path, found, next, &mut lines);
        if let Some(read) = path.certificates.get(&found.url) {
            certificate(read, now, &mut lines);
        }
    }
    let advice = advice::for_end(&path.end);
    match &path.end {
        // Without advice, the line of the last request has the failure.
        PathEnd::Failed(error) if advice.is_some() => lines.push(format!("  {error}")),
        PathEnd::TimedOut => lines.push("  the time limit passed".to_owned()),
        PathEnd::Failed(_) | PathEnd::Challenge { .. } => {}
    }
    lines.extend(advice.map(|advice| format!("     advice: {advice}")));
    lines
}

/// The lines about one request.
fn hop(path: &Path, hop: &Hop, next: Option<&Hop>, lines: &mut Vec<String>) {
    lines.push(match (&hop.result, next, path.note(hop)) {
        (Err(broken), ..) => format!("     {}", broken.message),
        (Ok(answer), Some(next), _) => {
            format!("     status {}, leads to {}", answer.status, next.url)
        }
        (Ok(answer), None, _) if path.is_found() => {
            format!("     status {}, demands a sign-in", answer.status)
        }
        (Ok(answer), None, Some(note)) => format!("     status {}, {note}", answer.status),
        (Ok(answer), None, None) => format!("     status {}", answer.status),
    });
    let advice = advice::for_hop(path, hop, next);
    lines.extend(advice.map(|advice| format!("     advice: {advice}")));
    let challenges = hop.result.iter().flat_map(|answer| &answer.challenges);
    lines.extend(challenges.map(|challenge| format!("     challenge: {challenge}")));
}

/// The lines about a certificate.
fn certificate(certificate: &ServerCertificate, now: SystemTime, lines: &mut Vec<String>) {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "no name".to_owned());
    let mut line = format!(
        "     certificate: {}, issued by {}",
        name(&certificate.subject),
        name(&certificate.issuer)
    );
    if !certificate.dns_names.is_empty() {
        line = format!("{line}, for {}", certificate.dns_names.join(", "));
    }
    if let Some(end) = certificate.not_after {
        line = format!("{line}, {}", expiry(end, now));
    }
    lines.push(line);
    if let Some(refusal) = &certificate.refusal {
        lines.push(format!("     not trusted: {refusal}"));
    }
    if let Some(advice) = advice::for_certificate(certificate, now) {
        lines.push(format!("     advice: {advice}"));
    }
}

/// When a certificate expires, or did.
fn expiry(end: SystemTime, now: SystemTime) -> String {
    let date = Timestamp::try_from(end)
        .map(|time| time.to_zoned(TimeZone::UTC).date().to_string())
        .unwrap_or_default();
    let days = |from: SystemTime, to: SystemTime| {
        let span = to.duration_since(from).unwrap_or_default();
        span.as_secs() / (24 * 3600)
    };
    if end < now {
        format!("expired on {date}, {} days ago", days(end, now))
    } else {
        format!("expires on {date}, in {} days", days(now, end))
    }
}

/// The result of all paths: the path that a client uses.
pub(crate) fn result(domain: &str, found: &Path) -> String {
    let host = found.user_host().unwrap_or_default();
    let mut kinds = Vec::new();
    if let PathEnd::Challenge { grants, bearer } = &found.end {
        kinds.extend(grants.iter().map(String::as_str));
        kinds.extend(bearer.then_some("tokens of another issuer"));
    }
    let sign_in = kinds.join(", ");
    format!(
        "Users of {domain} are found at {host}, by {}. Sign-in: {sign_in}.",
        found.start
    )
}
