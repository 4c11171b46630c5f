//! The `WWW-Authenticate` header.

use std::fmt;

/// Parses the challenges of a 401 response from all its `WWW-Authenticate` headers (`AuthenticationInUCWA`).
///
/// The parser accepts the forms of servers and proxies: quoted and unquoted values, commas within quotes, several
/// challenges in one header, no space after a comma, an unquoted `href`, and a quote that is never closed.
#[derive(Debug, Clone, Copy)]
pub struct Challenges;

impl Challenges {
    /// The greatest number of challenges, of parameters of a challenge, and of grant types. Further ones, which only a
    /// hostile server sends, are ignored.
    pub const MAX: usize = 100;

    /// The challenges in order, at most [`MAX`](Self::MAX).
    ///
    /// ```
    /// use ucwa_proto::{Challenges, GrantType};
    ///
    /// let header = r#"MsRtcOAuth href="https://pool.contoso.com/WebTicket/oauthtoken",grant_type="urn:microsoft.rtc:windows,password""#;
    /// let challenges = Challenges::parse([header]);
    /// let oauth = challenges[0].ms_rtc_oauth().unwrap();
    /// assert_eq!(oauth.href, "https://pool.contoso.com/WebTicket/oauthtoken");
    /// assert_eq!(oauth.grant_types, [GrantType::Windows, GrantType::Password]);
    /// ```
    pub fn parse<'h>(headers: impl IntoIterator<Item = &'h str>) -> Vec<Challenge> {
        let mut challenges = Vec::new();
        for header in headers {
            parse_header(header, &mut challenges);
        }
        challenges
    }
}

/// One challenge: a scheme and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme as it was sent. Compare it without regard to case.
    pub scheme: String,
    /// The parameters, in order. Compare names without regard to case. A token, as in Negotiate, is a parameter with an
    /// empty name.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// A challenge without parameters.
    #[must_use]
    pub fn new(scheme: impl Into<String>) -> Self {
        Self {
            scheme: scheme.into(),
            parameters: Vec::new(),
        }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Whether the challenge has this scheme.
    #[must_use]
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The first parameter with this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    /// The challenge as a link to UCWA's own token service, if it is one and has an address.
    #[must_use]
    pub fn ms_rtc_oauth(&self) -> Option<MsRtcOAuth<'_>> {
        if !self.is("MsRtcOAuth") {
            return None;
        }
        let href = self.parameter("href").filter(|href| !href.is_empty())?;
        let mut grant_types = Vec::new();
        for name in self
            .parameter("grant_type")
            .unwrap_or_default()
            .split([',', ' '])
            .filter(|name| !name.is_empty())
        {
            if grant_types.len() >= Challenges::MAX {
                break;
            }
            let grant_type = GrantType::from(name);
            if !grant_types.contains(&grant_type) {
                grant_types.push(grant_type);
            }
        }
        Some(MsRtcOAuth { href, grant_types })
    }

    /// The challenge as a demand for a bearer token, if it is one.
    #[must_use]
    pub fn bearer(&self) -> Option<BearerChallenge<'_>> {
        let present = |name| {
            self.parameter(name)
                .filter(|value: &&str| !value.is_empty())
        };
        self.is("Bearer").then(|| BearerChallenge {
            trusted_issuers: present("trusted_issuers"),
            client_id: present("client_id"),
            authorization_uri: present("authorization_uri"),
        })
    }
}

/// Writes the challenge as a header value with quoted parameters.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        for (at, (name, value)) in self.parameters.iter().enumerate() {
            f.write_str(if at == 0 { " " } else { ", " })?;
            if name.is_empty() {
                f.write_str(value)?;
                continue;
            }
            write!(f, "{name}=\"")?;
            for c in value.chars().filter(|c| !c.is_control()) {
                if matches!(c, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
            f.write_str("\"")?;
        }
        Ok(())
    }
}

/// The address and the grant types of UCWA's own token service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MsRtcOAuth<'c> {
    /// The address to POST to.
    pub href: &'c str,
    /// The grant types, in order, without duplicates.
    pub grant_types: Vec<GrantType>,
}

/// A demand for a token from another issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BearerChallenge<'c> {
    /// The trusted issuers; absent if the server names none.
    pub trusted_issuers: Option<&'c str>,
    /// The client ID of the server.
    pub client_id: Option<&'c str>,
    /// The address of the sign-in page; present with modern authentication.
    pub authorization_uri: Option<&'c str>,
}

/// A grant type of the token service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GrantType {
    /// `password`: user name and password in the form.
    Password,
    /// `urn:microsoft.rtc:windows`: NTLM or Negotiate on the connection.
    Windows,
    /// `urn:microsoft.rtc:passive`: a sign-in page.
    Passive,
    /// `urn:microsoft.rtc:anonmeeting`: the user is a guest of a meeting.
    AnonymousMeeting,
    /// A grant type that this crate does not know.
    Other(String),
}

impl GrantType {
    /// The grant type as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Password => "password",
            Self::Windows => "urn:microsoft.rtc:windows",
            Self::Passive => "urn:microsoft.rtc:passive",
            Self::AnonymousMeeting => "urn:microsoft.rtc:anonmeeting",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for GrantType {
    fn from(name: &str) -> Self {
        match name {
            "password" => Self::Password,
            "urn:microsoft.rtc:windows" => Self::Windows,
            "urn:microsoft.rtc:passive" => Self::Passive,
            "urn:microsoft.rtc:anonmeeting" => Self::AnonymousMeeting,
            other => Self::Other(other.to_owned()),
        }
    }
}

fn parse_header(header: &str, challenges: &mut Vec<Challenge>) {
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() || challenges.len() >= Challenges::MAX {
            return;
        }
        let (word, after) = split_word(rest);
        let spaced = after.trim_start();
        if let Some(value) = spaced.strip_prefix('=').filter(|_| !word.is_empty())
            && !is_token68(word, spaced)
            && let Some(challenge) = challenges.last_mut()
        {
            let (value, after) = split_value(value.trim_start());
            if challenge.parameters.len() < Challenges::MAX {
                challenge.parameters.push((word.to_owned(), value));
            }
            rest = after;
        } else if word.is_empty() || spaced.starts_with('=') {
            // Not in the grammar: skip to the next comma.
            rest = rest.split_once(',').map_or("", |(_, rest)| rest);
        } else {
            let mut challenge = Challenge::new(word);
            rest = spaced;
            // A token after the scheme has no equals sign in the middle, and ends at a comma or at the end.
            let ends = |c: char| c.is_whitespace() || c == ',';
            let end = rest.find(ends).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            if !token.is_empty()
                && !token.trim_end_matches('=').contains(['=', '"'])
                && !after.trim_start().starts_with('=')
                && (token.ends_with('=') || after.trim_start().is_empty() || after.starts_with(','))
            {
                challenge.parameters.push((String::new(), token.to_owned()));
                rest = after;
            }
            challenges.push(challenge);
        }
    }
}

/// Whether `word` is base64 with padding, and not the name of a parameter.
fn is_token68(word: &str, spaced: &str) -> bool {
    !word.is_empty()
        && spaced.trim_start_matches('=').trim_start().is_empty()
        && spaced.starts_with("==")
}

fn split_word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '=' | ',' | '"'))
        .unwrap_or(text.len());
    text.split_at(end)
}

/// A value, quoted or not, and the text after it.
fn split_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text
            .find(|c: char| c.is_whitespace() || c == ',')
            .unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::{Challenge, Challenges, GrantType};

    const BEARER: &str =
        r#"Bearer trusted_issuers="", client_id="00000004-0000-0ff1-ce00-000000000000""#;
    const OAUTH: &str = r#"MsRtcOAuth href="https://pool.example/WebTicket/oauthtoken",grant_type="urn:microsoft.rtc:windows,urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting,password""#;

    fn check(headers: &[&str]) {
        let challenges = Challenges::parse(headers.iter().copied());
        assert_eq!(challenges.len(), 2, "{headers:?}");
        let bearer = challenges[0].bearer().unwrap();
        assert_eq!(bearer.trusted_issuers, None);
        assert_eq!(
            bearer.client_id,
            Some("00000004-0000-0ff1-ce00-000000000000")
        );
        let oauth = challenges[1].ms_rtc_oauth().unwrap();
        assert_eq!(oauth.href, "https://pool.example/WebTicket/oauthtoken");
        assert_eq!(
            oauth.grant_types,
            [
                GrantType::Windows,
                GrantType::AnonymousMeeting,
                GrantType::Password
            ]
        );
    }

    #[test]
    fn one_header_or_many() {
        check(&[BEARER, OAUTH]);
        check(&[&format!("{BEARER}, {OAUTH}")]);
        check(&[&format!("{BEARER},{OAUTH}")]);
    }

    #[test]
    fn an_unquoted_href_is_read() {
        check(&[
            BEARER,
            &OAUTH.replace(
                "\"https://pool.example/WebTicket/oauthtoken\"",
                "https://pool.example/WebTicket/oauthtoken",
            ),
        ]);
    }

    #[test]
    fn other_schemes_stand_beside() {
        let challenges = Challenges::parse([
            "Negotiate",
            "NTLM, Basic realm=\"a, b\"",
            "Negotiate YIIB+/==",
        ]);
        let schemes: Vec<_> = challenges
            .iter()
            .map(|challenge| &*challenge.scheme)
            .collect();
        assert_eq!(schemes, ["Negotiate", "NTLM", "Basic", "Negotiate"]);
        assert_eq!(challenges[2].parameter("REALM"), Some("a, b"));
        assert_eq!(challenges[3].parameter(""), Some("YIIB+/=="));
        assert!(challenges[3].is("negotiate") && !challenges[3].is("NTLM"));
        let challenges = Challenges::parse(["Negotiate YIIB= NTLM"]);
        assert_eq!(challenges[0].parameter(""), Some("YIIB="));
        assert!(challenges[1].is("NTLM"));
        let challenges = Challenges::parse(["Bearer realm=x, a==b"]);
        assert_eq!(challenges[0].parameter("a"), Some("=b"));
    }

    #[test]
    fn broken_headers_give_what_can_be_read() {
        let challenges = Challenges::parse([r#"MsRtcOAuth href="https://pool.example/x"#]);
        assert_eq!(
            challenges[0].ms_rtc_oauth().unwrap().href,
            "https://pool.example/x"
        );
        assert!(Challenges::parse(["", ",,", "=x", "\"\""]).is_empty());
        assert!(
            Challenges::parse(["MsRtcOAuth"])[0]
                .ms_rtc_oauth()
                .is_none()
        );
        let challenges = Challenges::parse([r#"Bearer realm="a\"b", error=invalid_token"#]);
        assert_eq!(challenges[0].parameter("realm"), Some("a\"b"));
        assert_eq!(challenges[0].parameter("error"), Some("invalid_token"));
    }

    #[test]
    fn challenges_of_several_schemes_share_a_header() {
        let challenges = Challenges::parse([
            "NTLM TlRMTVNTUAACAAAA..., Negotiate",
            r#"Negotiate, Basic realm="x""#,
        ]);
        let schemes: Vec<_> = challenges.iter().map(|one| &*one.scheme).collect();
        assert_eq!(schemes, ["NTLM", "Negotiate", "Negotiate", "Basic"]);
        assert_eq!(challenges[0].parameter(""), Some("TlRMTVNTUAACAAAA..."));
        assert_eq!(challenges[3].parameter("realm"), Some("x"));
    }

    /// A parser that scans the rest of the header for each word takes seconds for each of these headers.
    #[test]
    fn a_hostile_header_takes_linear_time_and_bounded_space() {
        let most = Challenges::MAX;
        for word in [
            "a\t", "a b\t", "a,", "a=b,", "a\"", "=", "a==\t", "a = ", "\"",
        ] {
            let header = format!("Scheme {}", word.repeat(500_000));
            let parsed = Challenges::parse([&*header]);
            assert!(parsed.len() <= most, "{word:?}");
            let parameters = parsed.iter().map(|one| one.parameters.len());
            assert!(parameters.max() <= Some(most), "{word:?}");
        }
        assert_eq!(
            Challenges::parse(["a,".repeat(101).as_str(), "b"]).len(),
            most
        );
        let parsed = Challenges::parse([&*format!("A {}b", "a=b,".repeat(101))]);
        let parameters: Vec<_> = parsed.iter().map(|one| one.parameters.len()).collect();
        assert_eq!(parameters, [most, 0]);
        let names: Vec<_> = (0..200_000).map(|name| name.to_string()).collect();
        let challenge = Challenge::new("MsRtcOAuth")
            .with_parameter("href", "/x")
            .with_parameter("grant_type", names.join(","));
        assert_eq!(challenge.ms_rtc_oauth().unwrap().grant_types.len(), most);
    }

    #[test]
    fn a_grant_type_keeps_its_name() {
        for name in [
            "password",
            "urn:microsoft.rtc:windows",
            "urn:microsoft.rtc:passive",
            "urn:microsoft.rtc:anonmeeting",
            "another",
        ] {
            assert_eq!(GrantType::from(name).as_str(), name);
        }
    }

    #[test]
    fn written_challenges_are_parsed_again() {
        let challenge = Challenge::new("MsRtcOAuth")
            .with_parameter("href", "https://pool.example/a\"b")
            .with_parameter("grant_type", "password,urn:microsoft.rtc:windows");
        assert_eq!(Challenges::parse([&*challenge.to_string()]), [challenge]);
    }
}
