//! Taking the secrets out of what is recorded.

mod file;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use http::HeaderMap;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::har::HarHeader;

/// What stands where a secret stood that is of no use to a replay.
const REDACTED: &str = "redacted";

/// Members of a JSON response whose values are tokens: RFC 6749, and the ID token of OpenID Connect.
const TOKEN_MEMBERS: [&str; 3] = ["access_token", "refresh_token", "id_token"];

/// Fields of a form that authenticate who sends it: RFC 6749 and RFC 7521.
const SECRET_FIELDS: [&str; 4] = ["password", "client_secret", "refresh_token", "assertion"];

/// Headers that hold a scheme and credentials.
const CREDENTIALS: [&str; 2] = ["authorization", "proxy-authorization"];

/// A cookie or a credential shorter than this is a flag or a number, and replacing it everywhere would spoil what has nothing to
/// do with it.
const SHORTEST_LEARNED: usize = 8;

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
    /// Knows `secrets`, each with a pseudonym that is made for it, and `pseudonyms`, each with its own.
    pub(crate) fn new(secrets: &[String], pseudonyms: &[(String, String)]) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            redactor.learn(secret);
        }
        for (literal, pseudonym) in pseudonyms {
            redactor.learn_as(literal, pseudonym);
        }
        redactor
    }

    /// From here on `secret` is replaced by a pseudonym, the same wherever it appears, so that a replay can still tell one
    /// secret from another.
    fn learn(&mut self, secret: &str) {
        let pseudonym = format!("{REDACTED}-{}", self.known.len() + 1);
        self.learn_as(secret, &pseudonym);
    }

    fn learn_as(&mut self, secret: &str, pseudonym: &str) {
        if secret.is_empty() || self.known.iter().any(|known| known == secret) {
            return;
        }
        self.known.push(secret.to_owned());
        let mut forms: Vec<(String, String)> = Vec::new();
        for form in TEXT_FORMS {
            let (secret, pseudonym) = (form(secret), form(pseudonym));
            if !forms.iter().any(|(known, _)| *known == secret) {
                forms.push((secret, pseudonym));
            }
        }
        for form in base64_forms(secret) {
            // Of the same length, so that what it is part of can still be decoded.
            let filler = "A".repeat(form.len());
            forms.push((form, filler));
        }
        let forms = forms.into_iter();
        self.replacements
            .extend(forms.map(|(secret, other)| (secret.into_bytes(), other.into_bytes())));
        self.replacements
            .sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// Learns the tokens that the body of a response grants, and those in its links.
    pub(crate) fn learn_tokens(&mut self, body: &[u8]) {
        self.learn_parameters(&String::from_utf8_lossy(body));
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

    /// Learns the tokens that the URLs in a text hand on as parameters.
    pub(crate) fn learn_parameters(&mut self, text: &str) {
        for name in TOKEN_MEMBERS {
            for (at, name) in text.match_indices(name) {
                let before = text.get(..at).unwrap_or_default();
                let after = text.get(at + name.len()..).unwrap_or_default();
                let begins = before.ends_with(['?', '&', '#', ';']);
                let Some(value) = after.strip_prefix('=').filter(|_| begins) else {
                    continue;
                };
                let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~%+/=:".contains(c);
                let end = value.find(|c| !is_part(c)).unwrap_or(value.len());
                let value = value.get(..end).unwrap_or_default();
                let token = percent_decode_str(value).decode_utf8_lossy();
                if token.len() >= SHORTEST_LEARNED {
                    self.learn(&token);
                }
            }
        }
    }

    /// Learns the credentials and the cookies in a header, and the tokens in its URL.
    pub(crate) fn learn_header(&mut self, name: &str, value: &str) {
        let secrets: Vec<&str> = if is_one_of(name, &CREDENTIALS) {
            value
                .split_once(' ')
                .map(|(_, it)| it)
                .into_iter()
                .collect()
        } else if name.eq_ignore_ascii_case("cookie") {
            value.split(';').map(|pair| cookie_pair(pair).1).collect()
        } else if name.eq_ignore_ascii_case("set-cookie") {
            // A file may have several in one, a line each.
            value.lines().map(|cookie| cookie_pair(cookie).1).collect()
        } else {
            self.learn_parameters(value);
            Vec::new()
        };
        for secret in secrets {
            let secret = secret.trim();
            if secret.len() >= SHORTEST_LEARNED {
                self.learn(secret);
            }
        }
    }

    pub(crate) fn learn_headers(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            self.learn_header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
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
                HarHeader::new(name.as_str(), self.header(name.as_str(), &value))
            })
            .collect()
    }

    fn header(&self, name: &str, value: &str) -> String {
        if is_one_of(name, &CREDENTIALS) {
            let (scheme, credentials) = value.split_once(' ').unwrap_or(("", value));
            let credentials = credentials.trim();
            if self.known.iter().any(|known| known == credentials) {
                format!("{scheme} {}", self.text(credentials))
            } else {
                format!("{scheme} {REDACTED}")
            }
        } else if name.eq_ignore_ascii_case("cookie") {
            let pairs: Vec<String> = value
                .split(';')
                .map(|pair| format!("{}={REDACTED}", cookie_pair(pair).0))
                .collect();
            pairs.join("; ")
        } else if name.eq_ignore_ascii_case("set-cookie") {
            let cookies: Vec<String> = value
                .lines()
                .map(|cookie| {
                    let attributes = cookie.find(';').and_then(|at| cookie.get(at..));
                    let attributes = self.text(attributes.unwrap_or_default());
                    format!("{}={REDACTED}{attributes}", cookie_pair(cookie).0)
                })
                .collect();
            cookies.join("\n")
        } else {
            self.text(value)
        }
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
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

/// How a text stands in text, in URLs and forms, in JSON and in XML. Where two forms of a secret are the same, the earlier
/// one says what its pseudonym looks like.
const TEXT_FORMS: [fn(&str) -> String; 11] = [
    str::to_owned,
    uri,
    |text| lowercase_codes(&uri(text)),
    form,
    |text| lowercase_codes(&form(text)),
    percent,
    |text| lowercase_codes(&percent(text)),
    json,
    |text| json(text).replace('/', r"\/"),
    xml,
    |text| xml(text).replace('"', "&quot;").replace('\'', "&apos;"),
];

fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// With what RFC 3986 leaves as it is.
fn uri(text: &str) -> String {
    let mut encoded = percent(text);
    for kept in ["-", "_", ".", "~"] {
        encoded = encoded.replace(&percent(kept), kept);
    }
    encoded
}

fn form(text: &str) -> String {
    uri(text).replace("%20", "+")
}

fn json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
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
    use http::HeaderName;

    const SECRET: &str = r#"P@ss/w"rd & more"#;

    fn redactor() -> Redactor {
        Redactor::new(&[SECRET.to_owned()], &[])
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
    fn a_pseudonym_takes_the_form_of_what_it_stands_for() {
        let pseudonym = (
            "sip:lenea@contoso.com".to_owned(),
            "sip:b@example.com".to_owned(),
        );
        let redactor = Redactor::new(&[], &[pseudonym]);
        for (text, redacted) in [
            ("<sip:lenea@contoso.com>", "<sip:b@example.com>"),
            (
                "?to=sip%3Alenea%40contoso.com&x",
                "?to=sip%3Ab%40example.com&x",
            ),
            (
                "?to=sip%3alenea%40contoso.com&x",
                "?to=sip%3ab%40example.com&x",
            ),
            ("sip%3Alenea%40contoso%2Ecom", "sip%3Ab%40example%2Ecom"),
        ] {
            assert_eq!(redactor.text(text), redacted);
        }
    }

    #[test]
    fn replaces_the_longest_secret_first() {
        let redactor = Redactor::new(&["abc".to_owned(), "abcdef".to_owned()], &[]);
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
    fn learns_tokens_that_links_hand_on() {
        let mut redactor = Redactor::default();
        redactor.learn_tokens(
            br#"{"href":"/a?x=1&access_token=cwt%3dAAEB%2f1\u0026y","no":"access_token=elsewhere"}"#,
        );
        redactor.learn_header("Location", "https://page/#id_token=eyJ0eXAi.e30&state=1");
        redactor.learn_parameters("/b?refresh_token=short");
        assert_eq!(
            redactor.text("cwt=AAEB/1 cwt%3DAAEB%2F1 eyJ0eXAi.e30 short elsewhere"),
            "redacted-1 redacted-1 redacted-2 short elsewhere"
        );
    }

    #[test]
    fn hides_headers_that_authenticate_and_keeps_the_challenge() {
        let mut redactor = Redactor::default();
        redactor.learn_tokens(br#"{"access_token":"cwt=AAEB"}"#);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer cwt=AAEB"),
            ("authorization", "Basic dXNlcjpzZXNhbWU="),
            ("cookie", "a=sesame; b=crumb"),
            ("set-cookie", "cwt_ucwa=open-sesame; path=/; HttpOnly"),
            ("www-authenticate", "Bearer client_id=\"1\""),
            ("location", "/a?t=open-sesame"),
        ] {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        redactor.learn_headers(&headers);
        let headers = redactor.headers(&headers);
        let values: Vec<&str> = headers.iter().map(|header| &*header.value).collect();
        assert_eq!(
            values,
            [
                "Bearer redacted-1",
                "Basic redacted-2",
                "a=redacted; b=redacted",
                "cwt_ucwa=redacted; path=/; HttpOnly",
                "Bearer client_id=\"1\"",
                "/a?t=redacted-3",
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
