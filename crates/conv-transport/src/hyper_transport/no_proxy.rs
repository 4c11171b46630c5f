//! The list of servers that are reached without the proxy.

use std::net::IpAddr;

/// The list of the variable `NO_PROXY`, with the syntax that curl uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoProxy {
    /// The list is `*`: every server is reached without the proxy.
    All,
    /// The entries of any other list.
    Some(Vec<Entry>),
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A domain and its subdomains. The name is in lower case, without a dot at the start or the end.
    Domain(String),
    /// A network: an address, and the length of the prefix in bits.
    Network(IpAddr, u32),
}

impl NoProxy {
    /// Parses a list. An entry that is neither a domain nor an address, such as an entry with a port, matches nothing.
    pub(super) fn parse(list: &str) -> Self {
        if list.trim() == "*" {
            return Self::All;
        }
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        Self::Some(entries.filter_map(Entry::parse).collect())
    }

    /// Whether the list contains `host`, which must be in lower case and without brackets.
    pub(super) fn contains(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(entries) => {
                let host = host.strip_suffix('.').unwrap_or(host);
                let address = host.parse().ok();
                entries.iter().any(|entry| entry.contains(host, address))
            }
        }
    }
}

impl Entry {
    fn parse(entry: &str) -> Option<Self> {
        let (address, bits) = match entry.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (entry, None),
        };
        let bare = address
            .strip_prefix('[')
            .and_then(|it| it.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(address).parse::<IpAddr>() {
            let all = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(all);
            return (bits <= all).then_some(Self::Network(address, bits));
        }
        let domain = entry.strip_prefix('*').unwrap_or(entry);
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        (!domain.is_empty()).then(|| Self::Domain(domain.to_ascii_lowercase()))
    }

    fn contains(&self, host: &str, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::Domain(domain), None) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|above| above.is_empty() || above.ends_with('.')),
            (Self::Network(IpAddr::V4(network), bits), Some(IpAddr::V4(address))) => {
                let differ = u32::from(*network) ^ u32::from(address);
                differ.leading_zeros() >= *bits
            }
            (Self::Network(IpAddr::V6(network), bits), Some(IpAddr::V6(address))) => {
                let differ = u128::from(*network) ^ u128::from(address);
                differ.leading_zeros() >= *bits
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_what_curl_matches() {
        for (list, matches, others) in [
            (
                "contoso.com",
                &["contoso.com", "pool.contoso.com", "pool.contoso.com."][..],
                &["notcontoso.com", "com"][..],
            ),
            (
                ".Contoso.com.",
                &["contoso.com", "pool.contoso.com"],
                &["notcontoso.com"],
            ),
            (
                "*.contoso.com",
                &["contoso.com", "pool.contoso.com"],
                &["notcontoso.com"],
            ),
            (
                " a.example , b.example\tc.example,,",
                &["a.example", "b.example", "c.example"],
                &["d.example"],
            ),
            ("*", &["contoso.com", "10.0.0.1", "::1"], &[]),
            (" * ", &["contoso.com"], &[]),
            ("a.example,*", &["a.example"], &["b.example", "10.0.0.1"]),
            (
                "10.0.0.0/9,192.168.7.1",
                &["10.127.0.1", "192.168.7.1"],
                &["10.128.0.1", "192.168.7.2", "10.contoso.com"],
            ),
            ("0.0.0.0/0", &["1.2.3.4"], &["::1", "contoso.com"]),
            (
                "fd00::/8,[2001:db8::1]",
                &["fd12::1", "2001:db8::1"],
                &["fe80::1", "2001:db8::2"],
            ),
            // An entry with a port, with a wildcard in the middle, or with an invalid prefix length matches nothing.
            (
                "contoso.com:443,10.0.0.0/33,10.0.0.0/x,192.168.*,[::1]:80",
                &[],
                &["contoso.com", "10.0.0.0", "192.168.1.1", "::1"],
            ),
            ("", &[], &["contoso.com"]),
            (".,..,*.", &[], &["contoso.com", ""]),
        ] {
            let list = NoProxy::parse(list);
            for host in matches {
                assert!(list.contains(host), "{list:?} {host}");
            }
            for host in others {
                assert!(!list.contains(host), "{list:?} {host}");
            }
        }
    }
}
