//! Bindings between recorded values and the live values that replace them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The bound values and servers of a replay.
#[derive(Debug, Clone, Default)]
pub(super) struct Bindings {
    /// Pairs of a recorded value and its live value. Each value occurs in one pair only.
    values: Vec<(String, String)>,
    /// Pairs of a recorded and a live origin (`scheme://authority`). Several recorded origins may have the same live origin.
    origins: Vec<(String, String)>,
}

impl Bindings {
    /// Binds `recorded` to `live`. Returns false if one of them is bound to another value.
    pub(super) fn bind(&mut self, recorded: &str, live: &str) -> bool {
        let bound = self.values.iter().find(|(r, l)| r == recorded || l == live);
        match bound {
            Some((r, l)) => r == recorded && l == live,
            None => {
                self.values.push((recorded.to_owned(), live.to_owned()));
                true
            }
        }
    }

    /// Returns the live origin that is bound to the recorded one.
    pub(super) fn live_origin(&self, recorded: &str) -> Option<&str> {
        let bound = self.origins.iter().find(|(r, _)| r == recorded);
        bound.map(|(_, live)| live.as_str())
    }

    /// Binds a recorded origin to a live one, unless the recorded origin is bound already.
    pub(super) fn bind_origin(&mut self, recorded: &str, live: &str) {
        if self.live_origin(recorded).is_none() {
            self.origins.push((recorded.to_owned(), live.to_owned()));
        }
    }

    /// Returns `recorded` with every bound value replaced by its live value.
    pub(super) fn substitute(&self, recorded: &str) -> String {
        let patterns = self.patterns();
        if patterns.is_empty() {
            return recorded.to_owned();
        }
        let mut result = String::with_capacity(recorded.len());
        let mut at = 0;
        while let Some(rest) = recorded.get(at..).filter(|rest| !rest.is_empty()) {
            let found = patterns.iter().find(|pattern| {
                rest.strip_prefix(&*pattern.recorded).is_some_and(|after| {
                    !continues_before(recorded.as_bytes(), at) && !pattern.continues_in(after)
                })
            });
            if let Some(pattern) = found {
                result.push_str(&pattern.live);
                at += pattern.recorded.len();
            } else {
                let first = rest.chars().next().unwrap_or_default();
                result.push(first);
                at += first.len_utf8();
            }
        }
        result
    }

    /// Returns the patterns for every spelling of every bound value, the longest first. Omits values that equal their live value.
    fn patterns(&self) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for (recorded, live) in &self.values {
            for form in [
                str::to_owned,
                percent_encoded,
                percent_encoded_lowercase,
                escaped_slashes,
            ] {
                patterns.push(Pattern {
                    recorded: form(recorded),
                    live: form(live),
                    is_origin: false,
                });
            }
        }
        for (recorded, live) in &self.origins {
            for form in [str::to_owned, escaped_slashes] {
                patterns.push(Pattern {
                    recorded: form(recorded),
                    live: form(live),
                    is_origin: true,
                });
            }
        }
        patterns.retain(|pattern| pattern.recorded != pattern.live && !pattern.recorded.is_empty());
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.recorded.len()));
        patterns
    }
}

/// A text to search for, and its replacement.
struct Pattern {
    recorded: String,
    live: String,
    is_origin: bool,
}

impl Pattern {
    /// Whether the matched text is only the beginning of a longer value. `after` is the text behind it.
    fn continues_in(&self, after: &str) -> bool {
        after.chars().next().is_some_and(|next| {
            next.is_alphanumeric()
                || matches!(next, '-' | '_')
                || (self.is_origin && matches!(next, '.' | ':'))
        })
    }
}

/// Whether the text that is matched at `at` is only the end of a longer value.
fn continues_before(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    if let [.., b'%', high, low] = before
        && high.is_ascii_hexdigit()
        && low.is_ascii_hexdigit()
    {
        return false;
    }
    before
        .last()
        .is_some_and(|last| last.is_ascii_alphanumeric() || matches!(last, b'-' | b'_' | 0x80..))
}

fn percent_encoded(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

fn percent_encoded_lowercase(value: &str) -> String {
    let encoded = percent_encoded(value);
    let mut parts = encoded.split('%');
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        result.push('%');
        result.push_str(&code.to_ascii_lowercase());
        result.push_str(rest);
    }
    result
}

/// Escapes slashes as `\/`, as some JSON encoders do.
fn escaped_slashes(value: &str) -> String {
    value.replace('/', r"\/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_one_to_one() {
        let mut bindings = Bindings::default();
        assert!(bindings.bind("r1", "l1"));
        assert!(bindings.bind("r1", "l1"));
        assert!(!bindings.bind("r1", "l2"));
        assert!(!bindings.bind("r2", "l1"));
        assert!(bindings.bind("r2", "l2"));
    }

    #[test]
    fn replaces_whole_values_at_once() {
        let mut bindings = Bindings::default();
        assert!(bindings.bind("a1", "b2"));
        assert!(bindings.bind("b2", "a1"));
        assert!(bindings.bind("x/y=", "u/v="));
        for (recorded, live) in [
            ("a1 b2", "b2 a1"),
            ("a12 xa1 a1-z é_a1", "a12 xa1 a1-z é_a1"),
            ("?id=a1&n=1", "?id=b2&n=1"),
            ("%2Fa1%3d", "%2Fb2%3d"),
            (
                r#"{"id":"x/y=","e":"x\/y=","p":"x%2Fy%3D","l":"x%2fy%3d"}"#,
                r#"{"id":"u/v=","e":"u\/v=","p":"u%2Fv%3D","l":"u%2fv%3d"}"#,
            ),
        ] {
            assert_eq!(bindings.substitute(recorded), live);
        }
    }

    #[test]
    fn replaces_servers_in_urls_only() {
        let mut bindings = Bindings::default();
        bindings.bind_origin("https://contoso.com", "http://127.0.0.1:80");
        bindings.bind_origin("https://contoso.com", "http://ignored");
        for (recorded, live) in [
            ("https://contoso.com/a", "http://127.0.0.1:80/a"),
            (r"https:\/\/contoso.com\/a", r"http:\/\/127.0.0.1:80\/a"),
            ("https://contoso.com", "http://127.0.0.1:80"),
            ("https://contoso.com.evil/", "https://contoso.com.evil/"),
            ("sip:lenea@contoso.com", "sip:lenea@contoso.com"),
        ] {
            assert_eq!(bindings.substitute(recorded), live);
        }
    }
}
