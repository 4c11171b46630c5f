//! The names of users on the command line.

/// The domain of names that have none: that of the published examples, which [`serve`](crate::serve) gives its users.
pub(crate) const DOMAIN: &str = "contoso.com";

/// A user's address: the name as it stands, or the user of that name in the sandbox's domain.
pub(crate) fn complete(name: &str) -> Result<String, String> {
    let bare = name.strip_prefix("sip:").unwrap_or(name);
    let (user, domain) = bare.split_once('@').unwrap_or((bare, DOMAIN));
    let fits = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "@<>\"".contains(c))
    };
    if fits(user) && fits(domain) && !user.contains(':') {
        Ok(format!("{user}@{domain}"))
    } else {
        Err("expected a user name, or user@domain".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_domain_is_the_sandboxs() {
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
