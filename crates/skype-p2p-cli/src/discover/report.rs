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
    match &path.end {
        PathEnd::Challenge { grants, bearer } => {
            if let Some(advice) = advice::for_grants(grants, *bearer) {
                lines.push(format!("     advice: {advice}"));
            }
        }
        PathEnd::Failed(error) => {
            if let Some(advice) = advice::for_sign_in(error.kind()) {
                lines.push(format!("  {error}"));
                lines.push(format!("     advice: {advice}"));
            }
        }
        PathEnd::TimedOut => lines.push("  the time limit passed".to_owned()),
    }
    lines
}

/// The lines about one request.
fn hop(path: &Path, hop: &Hop, next: Option<&Hop>, lines: &mut Vec<String>) {
    let answer = match &hop.result {
        Ok(answer) => answer,
        Err(broken) => {
            lines.push(format!("     {}", broken.message));
            let advice = advice::for_transport(broken, &hop.url);
            lines.push(format!("     advice: {advice}"));
            return;
        }
    };
    let status = answer.status;
    match next {
        Some(next) => lines.push(format!("     status {status}, leads to {}", next.url)),
        None if path.is_found() => {
            lines.push(format!("     status {status}, demands a sign-in"));
        }
        None => {
            let mut note = None;
            // A link may lead to a host to which no request was sent.
            let mut leads_on = false;
            if let PathEnd::Failed(error) = &path.end {
                let tried = &error.details().tried;
                note = tried
                    .iter()
                    .find_map(|it| it.strip_prefix(&hop.url)?.strip_prefix(": "));
                leads_on = advice::for_sign_in(error.kind()).is_some();
            }
            match note {
                Some(note) => lines.push(format!("     status {status}, {note}")),
                None => lines.push(format!("     status {status}")),
            }
            if !leads_on && let Some(advice) = advice::for_status(status) {
                lines.push(format!("     advice: {advice}"));
            }
        }
    }
    for challenge in &answer.challenges {
        lines.push(format!("     challenge: {challenge}"));
    }
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
pub(crate) fn result(domain: &str, paths: &[Path]) -> Option<String> {
    // A client prefers the internal host, which is the first.
    let found = paths.iter().find(|path| path.is_found())?;
    let user = found.hops.last()?;
    let host = user.url.parse::<hyper::Uri>().ok();
    let host = host.as_ref().and_then(hyper::Uri::host).unwrap_or_default();
    let PathEnd::Challenge { grants, bearer } = &found.end else {
        return None;
    };
    let mut kinds: Vec<&str> = grants.iter().map(String::as_str).collect();
    if *bearer {
        kinds.push("tokens of another issuer");
    }
    let sign_in = kinds.join(", ");
    Some(format!(
        "Users of {domain} are found at {host}, by {}. Sign-in: {sign_in}.",
        found.start
    ))
}
