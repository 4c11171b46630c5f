//! Parses the challenges of a 401 or 407 response: the authentication schemes that a server or a proxy offers.

use http::{HeaderMap, HeaderName};

/// The greatest number of schemes that [`schemes`] lists.
const MAX_SCHEMES: usize = 10;

/// One challenge of a `WWW-Authenticate` or `Proxy-Authenticate` header. Its parameters, such as `realm`, are not kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge<'h> {
    /// The scheme as it was sent. Comparisons must ignore its case.
    pub(super) scheme: &'h str,
    /// The token of the scheme, empty if there is none.
    pub(super) token: &'h str,
}

/// Returns the challenges in all headers of this name, in order (RFC 9110, section 11.6.1).
///
/// A header is a list with commas. One header may contain several challenges, and commas also separate the parameters of a challenge.
pub(super) fn challenges<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Challenge<'h>> {
    let values = headers.get_all(name).iter();
    values
        .flat_map(|value| Elements(value.as_bytes()))
        .filter_map(challenge)
}

/// Returns the offered schemes for an error message, without duplicates, such as `NTLM, Negotiate`. Empty if there are none.
pub(super) fn schemes(headers: &HeaderMap, name: &HeaderName) -> String {
    let mut schemes: Vec<&str> = Vec::new();
    for Challenge { scheme, .. } in challenges(headers, name) {
        let is_new = !schemes.iter().any(|one| one.eq_ignore_ascii_case(scheme));
        if is_new && schemes.len() < MAX_SCHEMES {
            schemes.push(scheme);
        }
    }
    schemes.join(", ")
}

/// An iterator over the elements of a list. Commas outside of quoted strings separate the elements.
///
/// The elements are bytes, because a realm may be in any charset.
struct Elements<'h>(&'h [u8]);

impl<'h> Iterator for Elements<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let mut quoted = false;
        let mut escaped = false;
        let end = self.0.iter().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => {}
            }
            *byte == b',' && !quoted
        });
        let (element, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        Some(element.trim_ascii())
    }
}

/// Parses the challenge that begins in an element. Returns `None` if the element is a parameter of the previous challenge.
fn challenge(element: &[u8]) -> Option<Challenge<'_>> {
    let end = element.iter().position(|byte| !is_token(*byte));
    let (scheme, rest) = element.split_at(end.unwrap_or(element.len()));
    let rest = rest.trim_ascii_start();
    if scheme.is_empty() || rest.starts_with(b"=") {
        return None;
    }
    let token = rest.trim_ascii();
    let length = token.iter().rposition(|byte| *byte != b'=');
    let length = length.map_or(0, |last| last + 1);
    let (digits, _padding) = token.split_at(length);
    // This does not check that the token is base64. The decoder of the token reports invalid characters.
    let is_parameter = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'"');
    let token = if digits.iter().any(is_parameter) {
        b""
    } else {
        token
    };
    Some(Challenge {
        scheme: std::str::from_utf8(scheme).ok()?,
        token: std::str::from_utf8(token).ok()?,
    })
}

/// Whether the byte may be part of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::WWW_AUTHENTICATE};

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    fn read(values: &[&[u8]]) -> Vec<(String, String)> {
        let headers = headers(values);
        challenges(&headers, &WWW_AUTHENTICATE)
            .map(|one| (one.scheme.to_owned(), one.token.to_owned()))
            .collect()
    }

    #[test]
    fn reads_the_list_of_each_header() {
        let offered: &[(&str, &str)] = &[("NTLM", "TlRM/+w="), ("Negotiate", ""), ("Basic", "")];
        for values in [
            &[&b"NTLM TlRM/+w=, Negotiate"[..], b"Basic realm=\"x\""][..],
            &[b"NTLM  TlRM/+w=,Negotiate , ,Basic realm = \"a, NTLM\\\", b\", charset=UTF-8"],
            &[
                b"NTLM TlRM/+w=",
                b",Negotiate,",
                b"Basic realm=\"M\xfcnchen\"",
            ],
        ] {
            let read = read(values);
            let read: Vec<_> = read.iter().map(|(a, b)| (&**a, &**b)).collect();
            assert_eq!(read, offered, "{values:?}");
        }
        assert_eq!(
            schemes(
                &headers(&[b"Negotiate, ntlm, NTLM TlRM", b"Basic realm=\"x\""]),
                &WWW_AUTHENTICATE
            ),
            "Negotiate, ntlm, Basic"
        );
    }

    #[test]
    fn a_quoted_value_ends_at_its_quote() {
        let headers = headers(&[b"Basic realm=\"a \\\" b, NTLM\", Negotiate"]);
        assert_eq!(schemes(&headers, &WWW_AUTHENTICATE), "Basic, Negotiate");
    }

    #[test]
    fn malformed_challenges_are_ignored() {
        for value in [
            &b""[..],
            b",, ,",
            b"=x",
            b"a=b",
            b"a =b",
            b"\"NTLM\"",
            b"\"NTLM, Basic",
        ] {
            assert_eq!(read(&[value]), [], "{value:?}");
        }
        assert_eq!(
            read(&[b"NTLM two words"]),
            [("NTLM".to_owned(), String::new())]
        );
        let many = (0..100_000)
            .map(|one| format!("S{one}"))
            .collect::<Vec<_>>();
        let many = headers(&[many.join(",").as_bytes()]);
        assert_eq!(
            schemes(&many, &WWW_AUTHENTICATE).split(", ").count(),
            MAX_SCHEMES
        );
    }
}
