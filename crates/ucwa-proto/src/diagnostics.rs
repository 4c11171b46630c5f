//! The `X-Ms-diagnostics` header.

/// The reason of a refusal in the `X-Ms-diagnostics` header: a number, the server, and a sentence. Servers do not
/// guarantee the header (`AuthenticationInUCWA`).
///
/// ```
/// use ucwa_proto::Diagnostics;
///
/// let diagnostics = Diagnostics::parse(r#"28032;source="fe01.contoso.com";reason="The web ticket is invalid.""#).unwrap();
/// assert_eq!(diagnostics.code, 28032);
/// assert_eq!(diagnostics.reason.as_deref(), Some("The web ticket is invalid."));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    /// The number.
    pub code: u32,
    /// The server that refused the request.
    pub source: Option<String>,
    /// The sentence.
    pub reason: Option<String>,
}

impl Diagnostics {
    /// Parses the header. Accepts a quote that is never closed, and ignores unknown parameters. `None` if the header does
    /// not begin with a number.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (code, mut rest) = header.split_once(';').unwrap_or((header, ""));
        let mut diagnostics = Self {
            code: code.trim().parse().ok()?,
            source: None,
            reason: None,
        };
        while let Some((name, value)) = rest.split_once('=') {
            let value = value.trim_start();
            let (value, after) = match value.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => value.split_once(';').unwrap_or((value, "")),
            };
            let name = name.trim_matches(|c: char| c.is_whitespace() || c == ';');
            let slot = match name {
                _ if name.eq_ignore_ascii_case("source") => Some(&mut diagnostics.source),
                _ if name.eq_ignore_ascii_case("reason") => Some(&mut diagnostics.reason),
                _ => None,
            };
            if let Some(slot) = slot {
                *slot = Some(value.to_owned());
            }
            rest = after;
        }
        Some(diagnostics)
    }
}

#[cfg(test)]
mod tests {
    use super::Diagnostics;

    #[test]
    fn headers_of_servers_are_parsed() {
        let full =
            Diagnostics::parse(r#"28055; source="fe;1" ;faultcode=x; reason="a; b=c""#).unwrap();
        assert_eq!(
            full,
            Diagnostics {
                code: 28055,
                source: Some("fe;1".into()),
                reason: Some("a; b=c".into())
            }
        );
        let unterminated =
            Diagnostics::parse(r#"28032;source="fqdn";reason="The web ticket"#).unwrap();
        assert_eq!(unterminated.reason.as_deref(), Some("The web ticket"));
        assert_eq!(
            Diagnostics::parse("28020"),
            Some(Diagnostics {
                code: 28020,
                source: None,
                reason: None
            })
        );
        assert_eq!(Diagnostics::parse("reason=\"x\""), None);
        assert_eq!(Diagnostics::parse(""), None);
    }
}
