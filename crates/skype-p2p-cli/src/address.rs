//! The addresses of users on the command line.

/// The domain of names without a domain, if the server is on this machine: that of the published examples, whose users
/// [`serve`](crate::serve) has.
pub(crate) const DOMAIN: &str = "contoso.com";

/// A user's address without `sip:`. A name without a domain is completed with [`DOMAIN`].
pub(crate) fn complete(name: &str) -> Result<String, String> {
    Addresses {
        domain: Some(DOMAIN),
    }
    .user(name)
}

/// The domain of an address, if it has one.
pub(crate) fn domain(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(_, domain)| domain)
}

/// How names without a domain are completed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    domain: Option<&'static str>,
}

impl Addresses {
    /// Completes names only if the root is a server on this machine: anywhere else, a forgotten domain would become
    /// the address of a stranger.
    pub(crate) fn of_root(root: Option<&str>) -> Self {
        let loopback = root.is_some_and(is_loopback);
        Self {
            domain: loopback.then_some(DOMAIN),
        }
    }

    /// The address of the user with this name, without `sip:`.
    ///
    /// # Errors
    ///
    /// If the name is not an address, or has no domain and none is known.
    pub(crate) fn user(self, name: &str) -> Result<String, String> {
        let bare = name.strip_prefix("sip:").unwrap_or(name);
        let (user, domain) = match bare.split_once('@') {
            Some(parts) => parts,
            None => (bare, self.domain.ok_or("the address has no domain")?),
        };
        let fits = |part: &str| {
            !part.is_empty()
                && !part
                    .contains(|c: char| c.is_whitespace() || c.is_control() || "@<>\"".contains(c))
        };
        if fits(user) && fits(domain) && !user.contains(':') {
            Ok(format!("{user}@{domain}"))
        } else {
            Err("expected a user name, or user@domain".to_owned())
        }
    }
}

/// Whether the URL names a host on this machine.
fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<hyper::Uri>() else {
        return false;
    };
    uri.host().is_some_and(|host| {
        host.eq_ignore_ascii_case("localhost")
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_domain_is_completed() {
        assert_eq!(complete("toshm").as_deref(), Ok("toshm@contoso.com"));
        assert_eq!(
            complete("toshm@fabrikam.com").as_deref(),
            Ok("toshm@fabrikam.com")
        );
        assert_eq!(
            complete("sip:toshm@fabrikam.com").as_deref(),
            Ok("toshm@fabrikam.com")
        );
    }

    #[test]
    fn only_a_root_on_this_machine_completes_names() {
        for root in [
            "http://127.0.0.1:8080/",
            "https://localhost/",
            "http://[::1]:80/",
        ] {
            let name = Addresses::of_root(Some(root)).user("toshm");
            assert_eq!(name.as_deref(), Ok("toshm@contoso.com"), "{root}");
        }
        for root in [None, Some("https://lync.fabrikam.com/"), Some("nonsense")] {
            assert!(Addresses::of_root(root).user("toshm").is_err(), "{root:?}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in [
            "",
            "@contoso.com",
            "toshm@",
            "a@b@c",
            "to sh",
            "http://x",
            "<a@b>",
        ] {
            assert!(complete(name).is_err(), "{name:?}");
        }
    }
}
