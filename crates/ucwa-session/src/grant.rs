//! OAuth grants: from a challenge and the user's credentials to a token.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;
use ucwa_proto::{Challenge, GrantType, OAuthError, Origin, TokenResponse};

use crate::auth::Source;
use crate::core::Core;
use crate::exchange::{Credential, Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::io::{BearerToken, ConnectionAuth};
use crate::operation::Credentials;
use crate::response::{challenges, not_ucwa, schemes};

/// The assumed lifetime of a token without one: the shortest that the pages mention.
const DEFAULT_LIFE: Duration = Duration::from_secs(3600);

/// All characters except RFC 3986's unreserved ones.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Core {
    /// Starts the grant for the challenge and the credentials. There is no fallback: only the grant that the user chose
    /// is used.
    pub(crate) fn choose_grant(&mut self, key: Origin, challenges: &[Challenge]) {
        let Some(credentials) = &self.auth.credentials else {
            let failure = Failure::new(FailureKind::NotSignedIn, Stage::Authentication);
            return self.fail_renewal(&key, &failure);
        };
        let oauth = challenges.iter().find_map(Challenge::ms_rtc_oauth);
        let bearer = challenges.iter().find_map(Challenge::bearer);
        let offered = match &oauth {
            Some(oauth) => (oauth.grant_types.iter())
                .map(|grant| grant.as_str().to_owned())
                .collect(),
            None => schemes(challenges),
        };
        self.auth.offered.insert(key.clone(), offered);
        let wanted = match credentials {
            Credentials::Password { .. } => GrantType::Password,
            Credentials::Windows { .. } => GrantType::Windows,
            Credentials::Passive { .. } => GrantType::Passive,
            Credentials::AnonymousMeeting { .. } => GrantType::AnonymousMeeting,
            Credentials::None { .. } => return self.fail_without_credentials(&key),
            Credentials::Bearer { .. } => {
                let Some(bearer) = bearer else {
                    return self.refuse_grant(&key);
                };
                let filled =
                    |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
                let source = Source::Outside {
                    authorization_uri: filled(bearer.authorization_uri),
                    client_id: filled(bearer.client_id),
                    trusted_issuers: filled(bearer.trusted_issuers),
                };
                return self.request_token(key, source);
            }
        };
        // The published challenges do not list the passive grant. A server that supports it accepts it.
        let offered = oauth
            .filter(|oauth| wanted == GrantType::Passive || oauth.grant_types.contains(&wanted));
        let Some(oauth) = offered else {
            return self.refuse_grant(&key);
        };
        match key.resolve(oauth.href) {
            Ok(issuer) => self.request_token(key, Source::Service(issuer)),
            Err(error) => {
                let failure = Failure::new(FailureKind::UnexpectedAnswer, Stage::Authentication)
                    .with_host(key.host())
                    .with_message(format!(
                        "the address of the token service cannot be used: {error}"
                    ));
                self.fail_renewal(&key, &failure);
            }
        }
    }

    fn fail_without_credentials(&mut self, key: &Origin) {
        let failure = Failure::new(FailureKind::NoCredentials, Stage::Authentication);
        self.fail_renewal(key, &failure.with_host(key.host()));
    }

    fn refuse_grant(&mut self, key: &Origin) {
        let kind = self.grant_not_offered(key);
        let failure = Failure::new(kind, Stage::Authentication).with_host(key.host());
        self.fail_renewal(key, &failure);
    }

    fn grant_not_offered(&self, key: &Origin) -> FailureKind {
        FailureKind::GrantNotOffered {
            offered: self.auth.offered.get(key).cloned().unwrap_or_default(),
        }
    }

    /// Requests a token with the grant of the credentials.
    pub(crate) fn request_token(&mut self, key: Origin, source: Source) {
        let Source::Service(issuer) = source else {
            return self.ask_token(key, source);
        };
        if let Some(refused) = self.auth.refused.clone() {
            return self.fail_renewal(&key, &refused);
        }
        let encode = |text: &str| utf8_percent_encode(text, FORM).to_string();
        let (body, authentication) = match &self.auth.credentials {
            Some(Credentials::Password {
                sip_uri,
                user_name,
                password,
            }) => {
                let address = sip_uri.strip_prefix("sip:").unwrap_or(sip_uri);
                let user = encode(user_name.as_deref().unwrap_or(address));
                let password = encode(password.expose_secret());
                (
                    format!("grant_type=password&username={user}&password={password}"),
                    None,
                )
            }
            Some(Credentials::Windows { .. }) => {
                let grant = encode(GrantType::Windows.as_str());
                (format!("grant_type={grant}"), Some(ConnectionAuth::Windows))
            }
            Some(Credentials::Passive { .. }) => (
                format!("grant_type={}", encode(GrantType::Passive.as_str())),
                None,
            ),
            Some(Credentials::AnonymousMeeting {
                conference_uri,
                key: secret,
                ..
            }) => {
                let grant = encode(GrantType::AnonymousMeeting.as_str());
                let mut body = format!(
                    "grant_type={grant}&ms_rtc_conferenceuri={}",
                    encode(conference_uri)
                );
                if let Some(secret) = secret {
                    body.push_str("&password=");
                    body.push_str(&encode(secret.expose_secret()));
                }
                // The current token is the only proof of an anonymous participant's identity.
                if let Some(token) = self.last_token(&key) {
                    body.push_str("&ms_rtc_renew=");
                    body.push_str(&encode(&token));
                }
                (body, None)
            }
            Some(Credentials::None { .. }) => return self.fail_without_credentials(&key),
            Some(Credentials::Bearer { .. }) | None => {
                let failure = Failure::new(FailureKind::NotSignedIn, Stage::Authentication);
                return self.fail_renewal(&key, &failure);
            }
        };
        let mut exchange = Exchange::new(Purpose::Token(key), Method::POST, issuer)
            .with_body("application/x-www-form-urlencoded;charset=UTF-8", body)
            .with_credential(Credential::TrustedHost);
        exchange.authentication = authentication;
        self.issue(exchange);
    }

    /// Repeats the token request, because the user has signed in at the page.
    pub(crate) fn request_token_after_sign_in(&mut self, key: Origin, source: Source) {
        self.auth.signed_in_at_page = true;
        self.request_token(key, source);
    }

    /// Handles the response of the token service. Returns whether the token belongs to another identity, which does not
    /// own the application.
    pub(crate) fn on_token(
        &mut self,
        key: &Origin,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) -> bool {
        let source = Source::Service(exchange.url.clone());
        let failure = match result {
            Ok(response) if response.status() == StatusCode::OK => {
                let decoded = TokenResponse::decode(response.body(), &self.config.limits);
                match decoded {
                    Ok(token) => {
                        let life = token.expires_in.unwrap_or(DEFAULT_LIFE);
                        match self.store_token(key, source, &token.authorization(), life) {
                            Some(()) => {
                                self.auth.signed_in_at_page = false;
                                self.resume_waiting(key);
                                return std::mem::take(&mut self.auth.identity_changed);
                            }
                            None => not_ucwa(exchange, &response)
                                .with_message("the token is not a valid header value"),
                        }
                    }
                    // The decoder's message could quote the body, which contains the token.
                    Err(_) => not_ucwa(exchange, &response)
                        .with_message("the token response cannot be read"),
                }
            }
            Ok(response) => match self.passive_page(&response) {
                Some(page) => {
                    self.ask_passive(key.clone(), source, page);
                    return false;
                }
                None => self.token_refusal(key, exchange, &response),
            },
            Err(failure) => failure,
        };
        self.auth.signed_in_at_page = false;
        if *failure.kind() == FailureKind::InvalidCredentials
            && self.auth.can_request_anew(key, &failure)
        {
            self.request_token(key.clone(), Source::Service(exchange.url.clone()));
        } else {
            self.fail_renewal(key, &failure);
        }
        false
    }

    pub(crate) fn on_token_from_outside(
        &mut self,
        key: &Origin,
        source: Source,
        token: &BearerToken,
    ) {
        let authorization = format!("Bearer {}", token.token.expose_secret());
        match self.store_token(key, source, &authorization, token.expires_in) {
            Some(()) => self.resume_waiting(key),
            None => {
                let failure = Failure::new(FailureKind::InvalidArgument, Stage::Authentication)
                    .with_host(key.host())
                    .with_message("the token is not a valid header value");
                self.fail_renewal(key, &failure);
            }
        }
    }

    /// The sign-in page that a refused passive grant names. Used once: if a user who has signed in there
    /// is refused again, the refusal is final.
    fn passive_page(&self, response: &Response<Bytes>) -> Option<String> {
        let passive = matches!(self.auth.credentials, Some(Credentials::Passive { .. }));
        if !passive || self.auth.signed_in_at_page {
            return None;
        }
        let error = OAuthError::decode(response.body(), &self.config.limits).ok()?;
        error.passive_auth_uri.map(std::borrow::Cow::into_owned)
    }

    fn token_refusal(
        &self,
        key: &Origin,
        exchange: &Exchange,
        response: &Response<Bytes>,
    ) -> Failure {
        let failure = self.refusal(exchange, response);
        let error = OAuthError::decode(response.body(), &self.config.limits).ok();
        let error = error.map(|error| error.error.into_owned());
        let kind = match error.as_deref() {
            Some("invalid_grant") => FailureKind::InvalidCredentials,
            Some("unsupported_grant_type") => self.grant_not_offered(key),
            // With connection authentication, the web server refuses wrong credentials, with a page of its own.
            _ if response.status() == StatusCode::UNAUTHORIZED
                && exchange.authentication == Some(ConnectionAuth::Windows) =>
            {
                let challenges = challenges(response, header::WWW_AUTHENTICATE);
                let windows = |one: &Challenge| one.is("NTLM") || one.is("Negotiate");
                if challenges.is_empty() || challenges.iter().any(windows) {
                    FailureKind::InvalidCredentials
                } else {
                    let offered = schemes(&challenges);
                    FailureKind::GrantNotOffered { offered }
                }
            }
            _ => FailureKind::RequestFailed,
        };
        let failure = if self.auth.signed_in_at_page && kind == FailureKind::InvalidCredentials {
            failure.with_message("the token service does not recognize the user who signed in at its page: the page's cookies are missing or have expired")
        } else {
            failure
        };
        let failure = failure.with_kind(kind);
        match error {
            Some(error) => failure.with_codes(Some(error), None),
            None => failure,
        }
    }
}
