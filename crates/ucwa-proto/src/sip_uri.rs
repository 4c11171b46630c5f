//! SIP URIs and `tel:` URIs.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

/// The address of a person or service: a SIP URI, or the `tel:` URI of a phone.
///
/// Keeps the given form. Addresses that differ only in case are equal.
#[derive(Debug, Clone)]
pub struct SipUri(String);

/// A text is not the address of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SipUriError {
    /// The address is empty.
    #[error("the address is empty")]
    Empty,
    /// The address has a scheme other than `sip`, `sips` and `tel`.
    #[error("the address has a scheme other than sip, sips and tel")]
    Scheme,
    /// The address has no user or no domain.
    #[error("the address is not of the form user@domain")]
    Form,
    /// The address has white space, a control character or one of `<>"`.
    #[error("the address has a character that an address cannot have")]
    Character,
}

impl SipUri {
    /// Parses `sip:user@domain`, `user@domain` (which gets the scheme `sip`), or `tel:+14255550100`. Trims white space.
    ///
    /// # Errors
    ///
    /// If the text has none of these forms.
    ///
    /// ```
    /// use ucwa_proto::SipUri;
    ///
    /// let lene = SipUri::parse("LeneA@contoso.com")?;
    /// assert_eq!(lene.as_str(), "sip:LeneA@contoso.com");
    /// assert_eq!(lene, SipUri::parse("sip:lenea@contoso.com")?);
    /// assert_eq!(lene.domain(), Some("contoso.com"));
    /// # Ok::<(), ucwa_proto::SipUriError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SipUriError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SipUriError::Empty);
        }
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'))
        {
            return Err(SipUriError::Character);
        }
        let (scheme, rest) = match text.split_once(':') {
            // A colon after the `@` belongs to a port, not to a scheme.
            Some((scheme, rest)) if !scheme.contains('@') => (Some(scheme), rest),
            _ => (None, text),
        };
        match scheme {
            Some(scheme) if scheme.eq_ignore_ascii_case("tel") => {
                if rest.is_empty() {
                    Err(SipUriError::Form)
                } else {
                    Ok(Self(text.to_owned()))
                }
            }
            Some(scheme)
                if !scheme.eq_ignore_ascii_case("sip") && !scheme.eq_ignore_ascii_case("sips") =>
            {
                Err(SipUriError::Scheme)
            }
            scheme => {
                let (user, domain) = rest.split_once('@').ok_or(SipUriError::Form)?;
                let host = domain.split([';', '?', ':']).next().unwrap_or_default();
                if user.is_empty() || host.is_empty() || domain.contains('@') {
                    return Err(SipUriError::Form);
                }
                Ok(Self(if scheme.is_some() {
                    text.to_owned()
                } else {
                    format!("sip:{text}")
                }))
            }
        }
    }

    /// The whole address with its scheme.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`, or the number of a `tel:` URI.
    #[must_use]
    pub fn user(&self) -> &str {
        let rest = self.0.split_once(':').map_or(&*self.0, |(_, rest)| rest);
        rest.split_once('@').map_or(rest, |(user, _)| user)
    }

    /// The domain without port and parameters; `None` for a `tel:` URI.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        let (_, domain) = self.0.split_once('@')?;
        domain.split([';', '?', ':']).next()
    }

    /// Whether the address is a `tel:` URI.
    #[must_use]
    pub fn is_tel(&self) -> bool {
        self.0
            .get(..4)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"))
    }

    fn folded(&self) -> impl Iterator<Item = char> {
        self.0.chars().flat_map(char::to_lowercase)
    }
}

impl FromStr for SipUri {
    type Err = SipUriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for SipUri {
    fn eq(&self, other: &Self) -> bool {
        self.folded().eq(other.folded())
    }
}

impl Eq for SipUri {}

impl PartialOrd for SipUri {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SipUri {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for SipUri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|c| c.hash(state));
    }
}

#[cfg(test)]
mod tests {
    use super::{SipUri, SipUriError};

    #[test]
    fn the_three_forms_are_read() {
        for (text, uri, user, domain) in [
            (
                "sip:john@contoso.com",
                "sip:john@contoso.com",
                "john",
                Some("contoso.com"),
            ),
            (
                " john@Contoso.com ",
                "sip:john@Contoso.com",
                "john",
                Some("Contoso.com"),
            ),
            (
                "SIP:john@contoso.com;gruu;opaque=app:conf",
                "SIP:john@contoso.com;gruu;opaque=app:conf",
                "john",
                Some("contoso.com"),
            ),
            (
                "john@contoso.com:5061",
                "sip:john@contoso.com:5061",
                "john",
                Some("contoso.com"),
            ),
            ("tel:+14255550100", "tel:+14255550100", "+14255550100", None),
        ] {
            let parsed = SipUri::parse(text).unwrap();
            assert_eq!(
                (parsed.as_str(), parsed.user(), parsed.domain()),
                (uri, user, domain),
                "{text}"
            );
            assert_eq!(parsed.is_tel(), domain.is_none(), "{text}");
        }
        assert!(SipUri::parse("TEL:+1").unwrap().is_tel());
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for (text, error) in [
            ("", SipUriError::Empty),
            ("   ", SipUriError::Empty),
            ("john", SipUriError::Form),
            ("@contoso.com", SipUriError::Form),
            ("john@", SipUriError::Form),
            ("sip:john@;x", SipUriError::Form),
            ("a@b@c", SipUriError::Form),
            ("tel:", SipUriError::Form),
            ("mailto:john@contoso.com", SipUriError::Scheme),
            ("john smith@contoso.com", SipUriError::Character),
            ("<sip:john@contoso.com>", SipUriError::Character),
        ] {
            assert_eq!(SipUri::parse(text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn letter_case_does_not_matter() {
        let set: std::collections::HashSet<_> = ["sip:SaraD@Contoso.com", "sarad@contoso.COM"]
            .into_iter()
            .map(|text| SipUri::parse(text).unwrap())
            .collect();
        assert_eq!(set.len(), 1);
    }
}
