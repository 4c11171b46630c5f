//! Trust: the hosts that may receive a password or a token.
//!
//! Discovery follows links, and a link may lead to any host. A client that sends credentials to every linked host gives
//! them to any attacker who controls a single response. So a host is trusted only if it is reached over HTTPS, or is
//! loopback, and if the user's own input names it.

use std::collections::BTreeSet;

use ucwa_proto::{Origin, Scheme};

use crate::config::TrustPolicy;

/// The decision about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustDecision {
    /// The host may receive credentials.
    Trusted,
    /// The caller decides.
    Ask,
    /// The host may not receive credentials.
    Refused,
    /// The connection would not be encrypted, so no host may receive credentials on it.
    PlainHttp,
    /// The host belongs to the online service, which has been retired.
    Online,
}

/// The trust anchors of one sign-in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    policy: TrustPolicy,
    /// The SIP domain.
    domain: Option<String>,
    /// The host of the configured root.
    root: Option<String>,
    /// Hosts that the caller has approved.
    approved: BTreeSet<String>,
}

impl Trust {
    pub(crate) fn new(policy: TrustPolicy, domain: Option<&str>, root: Option<&Origin>) -> Self {
        Self {
            policy,
            domain: domain.map(str::to_ascii_lowercase),
            root: root.map(|origin| origin.host().to_ascii_lowercase()),
            approved: BTreeSet::new(),
        }
    }

    /// The anchor that the user named: the host of the root, or the SIP domain.
    pub(crate) fn anchor(&self) -> &str {
        self.root
            .as_deref()
            .or(self.domain.as_deref())
            .unwrap_or_default()
    }

    /// The hosts that the caller has approved.
    pub(crate) fn approved(&self) -> impl Iterator<Item = &str> {
        self.approved.iter().map(String::as_str)
    }

    pub(crate) fn approve(&mut self, host: &str) {
        self.approved.insert(host.to_ascii_lowercase());
    }

    pub(crate) fn decide(&self, origin: &Origin) -> TrustDecision {
        let host = origin.host();
        if within(host, "online.lync.com") {
            return TrustDecision::Online;
        }
        if is_plain_http(origin) {
            return TrustDecision::PlainHttp;
        }
        let anchored = self
            .domain
            .as_deref()
            .is_some_and(|domain| within(host, domain))
            || self.root.as_deref() == Some(host)
            || self
                .policy
                .suffixes
                .iter()
                .any(|suffix| within(host, suffix.trim_start_matches('.')))
            || self.approved.contains(host);
        match (anchored, self.policy.ask) {
            (true, _) => TrustDecision::Trusted,
            (false, true) => TrustDecision::Ask,
            (false, false) => TrustDecision::Refused,
        }
    }
}

/// Whether requests to the origin travel over a network without encryption.
pub(crate) fn is_plain_http(origin: &Origin) -> bool {
    origin.scheme() != Scheme::Https && !origin.is_loopback()
}

/// Whether `host` is `domain` or a subdomain of it.
fn within(host: &str, domain: &str) -> bool {
    let rest = host.len().checked_sub(domain.len());
    let Some((rest, end)) = rest.and_then(|rest| host.split_at_checked(rest)) else {
        return false;
    };
    !domain.is_empty()
        && end.eq_ignore_ascii_case(domain)
        && (rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(trust: &Trust, url: &str) -> TrustDecision {
        trust.decide(&Origin::of(url).unwrap())
    }

    fn contoso(policy: TrustPolicy) -> Trust {
        Trust::new(policy, Some("Contoso.com"), None)
    }

    #[test]
    fn the_sip_domain_anchors_on_a_label_boundary() {
        let trust = contoso(TrustPolicy::default());
        assert_eq!(
            decide(&trust, "https://lyncdiscover.contoso.com/"),
            TrustDecision::Trusted
        );
        assert_eq!(
            decide(&trust, "https://CONTOSO.com/"),
            TrustDecision::Trusted
        );
        assert_eq!(
            decide(&trust, "https://notcontoso.com/"),
            TrustDecision::Refused
        );
        assert_eq!(
            decide(&trust, "https://contoso.com.evil.example/"),
            TrustDecision::Refused
        );
    }

    #[test]
    fn plain_http_is_only_for_loopback() {
        let trust = Trust::new(
            TrustPolicy::default(),
            Some("contoso.com"),
            Some(&Origin::of("http://127.0.0.1:8080/").unwrap()),
        );
        assert_eq!(
            decide(&trust, "http://lyncdiscover.contoso.com/"),
            TrustDecision::PlainHttp
        );
        assert_eq!(
            decide(&trust, "http://127.0.0.1:9090/"),
            TrustDecision::Trusted
        );
        assert_eq!(
            decide(&trust, "http://127.0.0.2:9090/"),
            TrustDecision::Refused
        );
    }

    #[test]
    fn a_suffix_and_consent_anchor_a_host_and_no_answer_does_not() {
        let mut trust = contoso(TrustPolicy {
            suffixes: vec![".fabrikam.com".to_owned()],
            ask: true,
        });
        assert_eq!(
            decide(&trust, "https://pool.fabrikam.com/"),
            TrustDecision::Trusted
        );
        assert_eq!(
            decide(&trust, "https://pool.hosting.example/"),
            TrustDecision::Ask
        );
        trust.approve("pool.hosting.example");
        assert_eq!(
            decide(&trust, "https://pool.hosting.example/"),
            TrustDecision::Trusted
        );
        assert_eq!(
            decide(&trust, "https://other.hosting.example/"),
            TrustDecision::Ask
        );
    }

    #[test]
    fn the_online_service_is_recognised_first() {
        let trust = contoso(TrustPolicy {
            suffixes: vec!["lync.com".to_owned()],
            ask: true,
        });
        assert_eq!(
            decide(&trust, "https://webdir0e.online.lync.com/"),
            TrustDecision::Online
        );
    }
}
