//! Taking the secrets out of what is recorded.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderName, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::har::HarHeader;

/// What stands where a secret stood that is of no use to a replay.
const REDACTED: &str = "redacted";

/// Members of a JSON response whose values are tokens: RFC 6749, and the ID token of OpenID Connect.
const TOKEN_MEMBERS: [&str; 3] = ["access_token", "refresh_token", "id_token"];

/// Fields of a form that authenticate who sends it: RFC 6749 and RFC 7521.
const SECRET_FIELDS: [&str; 4] = ["password", "client_secret", "refresh_token", "assertion"];

/// A cookie's value as short as this is a flag or a number, and replacing it everywhere would spoil what has nothing to do with it.
const SHORTEST_COOKIE_SECRET: usize = 8;

/// A piece of base64 as short as this occurs by chance.
const SHORTEST_BASE64: usize = 8;

/// Replaces every secret that it knows, in every form in which it may appear.
#[derive(Default)]
pub(crate) struct Redactor {
    /// The longest first, so that a secret that contains another one is replaced as a whole.
    replacements: Vec<(Vec<u8>, Vec<u8>)>,
    known: Vec<String>,
}

impl Redactor {
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            redactor.learn(&secret);
        }
        redactor
    }

    /// From here on `secret` is replaced by a pseudonym, the same wherever it appears, so that a replay can still tell one
    /// secret from another.
    fn learn(&mut self, secret: &str) {
        if secret.is_empty() || self.known.iter().any(|known| known == secret) {
            return;
        }
        self.known.push(secret.to_owned());
        let pseudonym = format!("{REDACTED}-{}", self.known.len());
        for form in text_forms(secret) {
            self.replacements
                .push((form.into_bytes(), pseudonym.clone().into_bytes()));
        }
        for form in base64_forms(secret) {
            // Of the same length, so that what it is part of can still be decoded.
            let filler = vec![b'A'; form.len()];
            self.replacements.push((form.into_bytes(), filler));
        }
        self.replacements
            .sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// Learns the tokens that the body of a response grants.
    pub(crate) fn learn_tokens(&mut self, body: &[u8]) {
        // A token is granted by name, so a body without the name is not read twice.
        let names_one = TOKEN_MEMBERS
            .iter()
            .any(|name| body.windows(name.len()).any(|part| part == name.as_bytes()));
        if names_one && let Ok(value) = serde_json::from_slice(body) {
            self.learn_members(&value);
        }
    }

    fn learn_members(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(token) if TOKEN_MEMBERS.contains(&name.as_str()) => {
                            self.learn(token);
                        }
                        value => self.learn_members(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_members(item)),
            _ => {}
        }
    }

    /// Learns the values of the cookies that a response sets.
    pub(crate) fn learn_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = String::from_utf8_lossy(cookie.as_bytes());
            let (_, value) = cookie_pair(&cookie);
            if value.len() >= SHORTEST_COOKIE_SECRET {
                self.learn(value);
            }
        }
    }

    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut result = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            let found = self
                .replacements
                .iter()
                .find_map(|(secret, pseudonym)| Some((rest.strip_prefix(&**secret)?, pseudonym)));
            match found {
                Some((after, pseudonym)) => {
                    result.extend_from_slice(pseudonym);
                    rest = after;
                }
                None => {
                    result.push(*first);
                    rest = after;
                }
            }
        }
        result
    }

    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    pub(crate) fn headers(&self, headers: &HeaderMap) -> Vec<HarHeader> {
        headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                HarHeader::new(name.as_str(), self.header(name, &value))
            })
            .collect()
    }

    fn header(&self, name: &HeaderName, value: &str) -> String {
        if name == header::AUTHORIZATION || name == header::PROXY_AUTHORIZATION {
            let scheme = value.split(' ').next().unwrap_or_default();
            match self.known.iter().find(|known| value.ends_with(*known)) {
                Some(token) => format!("{scheme} {}", self.text(token)),
                None => format!("{scheme} {REDACTED}"),
            }
        } else if name == header::COOKIE {
            let pairs: Vec<String> = value
                .split(';')
                .map(|pair| format!("{}={REDACTED}", cookie_pair(pair).0))
                .collect();
            pairs.join("; ")
        } else if name == header::SET_COOKIE {
            let attributes = value.find(';').and_then(|at| value.get(at..));
            let attributes = self.text(attributes.unwrap_or_default());
            format!("{}={REDACTED}{attributes}", cookie_pair(value).0)
        } else {
            self.text(value)
        }
    }
}

/// The name and the value of the cookie that `cookie` begins with.
fn cookie_pair(cookie: &str) -> (&str, &str) {
    let pair = cookie.split(';').next().unwrap_or_default();
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    (name.trim(), value.trim().trim_matches('"'))
}

/// The body of a request, without the secrets of a form in it.
///
/// A replay does the same to the requests that it gets, so that any password matches the recorded one.
pub(crate) fn without_secret_fields(body: &[u8]) -> Vec<u8> {
    let is_secret = |field: &[u8]| {
        SECRET_FIELDS.iter().any(|name| {
            field
                .strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.first() == Some(&b'='))
        })
    };
    let fields: Vec<&[u8]> = body.split(|byte| *byte == b'&').collect();
    if !fields.iter().any(|field| is_secret(field)) {
        return body.to_vec();
    }
    let mut result = Vec::with_capacity(body.len());
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            result.push(b'&');
        }
        match field.split(|byte| *byte == b'=').next() {
            Some(name) if is_secret(field) => {
                result.extend_from_slice(name);
                result.push(b'=');
                result.extend_from_slice(REDACTED.as_bytes());
            }
            _ => result.extend_from_slice(field),
        }
    }
    result
}

/// A secret as it stands in text, in URLs and forms, in JSON and in XML.
fn text_forms(secret: &str) -> Vec<String> {
    let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let unreserved_kept = ["-", "_", ".", "~"]
        .iter()
        .fold(encoded.clone(), |text, kept| {
            let code = utf8_percent_encode(kept, NON_ALPHANUMERIC).to_string();
            text.replace(&code, kept)
        });
    let form = unreserved_kept.replace("%20", "+");
    let json = Value::from(secret).to_string();
    let json = json
        .strip_prefix('"')
        .and_then(|json| json.strip_suffix('"'))
        .unwrap_or(secret)
        .to_owned();
    let xml = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let mut forms = vec![
        secret.to_owned(),
        lowercase_codes(&encoded),
        lowercase_codes(&unreserved_kept),
        lowercase_codes(&form),
        encoded,
        unreserved_kept,
        form,
        json.replace('/', r"\/"),
        json,
        xml.replace('"', "&quot;").replace('\'', "&apos;"),
        xml,
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// `%2F` as `%2f`: both are in use.
fn lowercase_codes(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut code = 0;
    for c in text.chars() {
        if c == '%' {
            code = 3;
        }
        result.push(if code > 0 { c.to_ascii_lowercase() } else { c });
        code = i32::max(code - 1, 0);
    }
    result
}

/// The parts of base64 text that are there whenever the encoded bytes contain `secret`, wherever it begins in them.
fn base64_forms(secret: &str) -> Vec<String> {
    let mut forms = Vec::new();
    // A group of 4 characters holds 3 bytes: the secret may begin at any of them, and the characters that it shares
    // with its neighbours are left out.
    for (before, shared) in [(0, 0), (1, 2), (2, 3)] {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(secret.as_bytes());
        let whole = bytes.len() * 8 / 6;
        for encoded in [
            BASE64_STANDARD_NO_PAD.encode(&bytes),
            BASE64_URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            if let Some(form) = encoded.get(shared..whole)
                && form.len() >= SHORTEST_BASE64
            {
                forms.push(form.to_owned());
            }
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

    use super::*;

    const SECRET: &str = r#"P@ss/w"rd & more"#;

    fn redactor() -> Redactor {
        Redactor::new([SECRET.to_owned()])
    }

    #[test]
    fn replaces_a_secret_in_every_form() {
        for form in [
            r#"P@ss/w"rd & more"#,
            "P%40ss%2Fw%22rd%20%26%20more",
            "P%40ss%2fw%22rd%20%26%20more",
            "P%40ss%2Fw%22rd+%26+more",
            r#"P@ss/w\"rd & more"#,
            r#"P@ss\/w\"rd & more"#,
            "P@ss/w&quot;rd &amp; more",
        ] {
            let text = redactor().text(&format!("before {form} after"));
            assert_eq!(text, "before redacted-1 after", "{form}");
        }
    }

    #[test]
    fn replaces_a_secret_inside_base64_and_leaves_it_decodable() {
        for before in ["", "x", "xy", "user:"] {
            for after in ["", "z", "zz"] {
                let plain = format!("{before}{SECRET}{after}");
                for encoded in [
                    BASE64_STANDARD.encode(&plain),
                    BASE64_URL_SAFE.encode(&plain),
                ] {
                    let redacted = redactor().text(&encoded);
                    let decoded =
                        BASE64_URL_SAFE.decode(redacted.replace('+', "-").replace('/', "_"));
                    let decoded = decoded.unwrap();
                    // At most a byte at either end is told by characters that it shares with its neighbours.
                    let inner = &SECRET.as_bytes()[1..SECRET.len() - 1];
                    assert!(
                        !decoded
                            .windows(4)
                            .any(|part| inner.windows(4).any(|i| i == part))
                    );
                    assert!(decoded.starts_with(before.as_bytes()));
                }
            }
        }
    }

    #[test]
    fn replaces_the_longest_secret_first() {
        let redactor = Redactor::new(["abc".to_owned(), "abcdef".to_owned()]);
        assert_eq!(redactor.text("abcdef abc"), "redacted-2 redacted-1");
    }

    #[test]
    fn learns_tokens_wherever_they_are_granted() {
        let mut redactor = Redactor::default();
        redactor.learn_tokens(br#"{"grants":[{"access_token":"cwt=AAEB\/x-y_z","expires_in":1}]}"#);
        assert_eq!(
            redactor.text(r"cwt=AAEB/x-y_z cwt=AAEB\/x-y_z"),
            "redacted-1 redacted-1"
        );
        redactor.learn_tokens(br#"{"access_token":7}"#);
        redactor.learn_tokens(b"access_token, but not JSON");
        redactor.learn_tokens(br#"{"access_token":""}"#);
        assert_eq!(redactor.text("7"), "7");
    }

    #[test]
    fn hides_headers_that_authenticate_and_keeps_the_challenge() {
        let mut redactor = Redactor::default();
        redactor.learn_tokens(br#"{"access_token":"cwt=AAEB"}"#);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer cwt=AAEB"),
            ("authorization", "Basic dXNlcjpzZXNhbWU="),
            ("cookie", "a=sesame; b=sesame"),
            ("set-cookie", "cwt_ucwa=open-sesame; path=/; HttpOnly"),
            ("www-authenticate", "Bearer client_id=\"1\""),
            ("location", "/a?t=open-sesame"),
        ] {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        redactor.learn_cookies(&headers);
        let headers = redactor.headers(&headers);
        let values: Vec<&str> = headers.iter().map(|header| &*header.value).collect();
        assert_eq!(
            values,
            [
                "Bearer redacted-1",
                "Basic redacted",
                "a=redacted; b=redacted",
                "cwt_ucwa=redacted; path=/; HttpOnly",
                "Bearer client_id=\"1\"",
                "/a?t=redacted-2",
            ]
        );
    }

    #[test]
    fn takes_passwords_out_of_forms_only() {
        for (body, redacted) in [
            (
                "grant_type=password&username=a&password=s%40e",
                "grant_type=password&username=a&password=redacted",
            ),
            ("password=s", "password=redacted"),
            ("old_password=s", "old_password=s"),
            (r#"{"password":"x&y"}"#, r#"{"password":"x&y"}"#),
            ("", ""),
        ] {
            assert_eq!(without_secret_fields(body.as_bytes()), redacted.as_bytes());
        }
    }
}
