//! Tokens: one per origin, fetched once however many exchanges wait for it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;
use ucwa_proto::{
    Challenge, Challenges, Diagnostics, GrantType, OAuthError, Origin, TokenResponse,
};

use crate::core::{Core, not_ucwa};
use crate::exchange::{Credential, Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::operation::Credentials;
use crate::timers::Timer;

/// `X-Ms-diagnostics` that stand for an expired or foreign token, whatever the status.
const TOKEN_DIAGNOSTICS: [u32; 7] = [28020, 28032, 28033, 28055, 28056, 28072, 28077];

/// How long a token is taken to live whose issuer does not say; the shortest that the pages name.
const DEFAULT_LIFE: Duration = Duration::from_secs(3600);

/// Everything but RFC 3986's unreserved characters.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[derive(Debug, Default)]
pub(crate) struct Auth {
    pub(crate) credentials: Option<Credentials>,
    tokens: BTreeMap<Origin, Token>,
    /// The exchanges that wait for a token, by the origin it is for.
    renewals: BTreeMap<Origin, Vec<Exchange>>,
    versions: u64,
}

#[derive(Clone)]
struct Token {
    /// The whole value of the `Authorization` header.
    value: HeaderValue,
    /// Higher is newer, over all origins.
    version: u64,
    /// The origin whose challenge it answered.
    origin: Origin,
    /// Where the next one comes from.
    issuer: String,
    expires_at: Duration,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Token(version {}, until {:?})",
            self.version, self.expires_at
        )
    }
}

impl Auth {
    /// The token to send to an origin: its own, or else the newest of another, which many pools take.
    fn token(&self, origin: &Origin) -> Option<&Token> {
        self.tokens
            .get(origin)
            .or_else(|| self.tokens.values().max_by_key(|token| token.version))
    }

    pub(crate) fn authorization(&self, origin: &Origin) -> Option<(HeaderValue, u64)> {
        self.token(origin)
            .map(|token| (token.value.clone(), token.version))
    }

    /// Where an exchange has to wait since a token for its origin is under way and none is good meanwhile.
    pub(crate) fn renewal_to_wait_for(
        &mut self,
        origin: &Origin,
        now: Duration,
    ) -> Option<&mut Vec<Exchange>> {
        let good = self
            .tokens
            .get(origin)
            .is_some_and(|token| now < token.expires_at);
        self.renewals.get_mut(origin).filter(|_| !good)
    }

    /// Forgets every secret: the session is over.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn any_waiting(&self, predicate: impl Fn(&Exchange) -> bool) -> bool {
        self.renewals.values().flatten().any(predicate)
    }

    pub(crate) fn abandon(&mut self, unwanted: impl Fn(&Purpose) -> bool) {
        self.renewals.retain(|origin, waiting| {
            waiting.retain(|exchange| !unwanted(&exchange.purpose));
            !unwanted(&Purpose::Token(origin.clone()))
        });
    }
}

impl Core {
    /// Whether an answer asks for another token, and is not a final refusal: it carries a challenge, or the token was
    /// another origin's, or the diagnostics name a bad ticket. A ticket of another pool brings 403 or 500
    /// (`DevelopForSkypeforBusiness`).
    pub(crate) fn is_challenge(&self, exchange: &Exchange, response: &Response<Bytes>) -> bool {
        if !matches!(response.status().as_u16(), 401 | 403 | 500) {
            return false;
        }
        let foreign = || {
            let own = Origin::of(&exchange.url).ok();
            let sent = self
                .auth
                .tokens
                .values()
                .find(|token| Some(token.version) == exchange.token_version);
            sent.zip(own)
                .is_some_and(|(token, own)| token.origin != own)
        };
        let diagnosed = || {
            response
                .headers()
                .get("x-ms-diagnostics")
                .and_then(|value| Diagnostics::parse(value.to_str().ok()?))
                .is_some_and(|diagnostics| TOKEN_DIAGNOSTICS.contains(&diagnostics.code))
        };
        response.headers().contains_key(header::WWW_AUTHENTICATE) || foreign() || diagnosed()
    }

    /// Gets a token for the origin that asked for one and repeats the exchange, once.
    pub(crate) fn on_unauthorized(&mut self, mut exchange: Exchange, response: Response<Bytes>) {
        let Ok(key) = Origin::of(&exchange.url) else {
            return self.finish(exchange, Ok(response));
        };
        if exchange.challenged {
            return self.finish(exchange, Ok(response));
        }
        exchange.challenged = true;
        let newer = self
            .auth
            .tokens
            .get(&key)
            .is_some_and(|token| Some(token.version) > exchange.token_version);
        if newer {
            return self.issue(exchange);
        }
        if let Some(waiting) = self.auth.renewals.get_mut(&key) {
            return waiting.push(exchange);
        }
        let url = exchange.url.clone();
        self.auth.renewals.insert(key.clone(), vec![exchange]);
        if response.headers().contains_key(header::WWW_AUTHENTICATE) {
            self.on_challenge(key, &response);
        } else {
            // A second pool may refuse a foreign ticket without saying what it takes; asked without one, it says.
            self.issue(
                Exchange::new(Purpose::Challenge(key), Method::GET, url)
                    .with_credential(Credential::None),
            );
        }
    }

    pub(crate) fn on_challenge_answer(
        &mut self,
        key: Origin,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match result {
            Ok(response) if response.headers().contains_key(header::WWW_AUTHENTICATE) => {
                self.on_challenge(key, &response);
            }
            Ok(response) => {
                let failure = self.refusal(exchange, &response);
                self.fail_renewal(&key, &failure);
            }
            Err(failure) => self.fail_renewal(&key, &failure),
        }
    }

    fn on_challenge(&mut self, key: Origin, response: &Response<Bytes>) {
        let values = response.headers().get_all(header::WWW_AUTHENTICATE);
        let challenges = Challenges::parse(values.iter().filter_map(|value| value.to_str().ok()));
        let Some(oauth) = challenges.iter().find_map(Challenge::ms_rtc_oauth) else {
            let offered = challenges
                .iter()
                .map(|challenge| challenge.scheme.to_string())
                .collect();
            let failure = Failure::new(
                FailureKind::GrantNotOffered { offered },
                Stage::Authentication,
            );
            return self.fail_renewal(&key, &failure);
        };
        if !oauth.grant_types.contains(&GrantType::Password) {
            let offered = oauth
                .grant_types
                .iter()
                .map(|grant| grant.as_str().to_owned())
                .collect();
            let failure = Failure::new(
                FailureKind::GrantNotOffered { offered },
                Stage::Authentication,
            );
            return self.fail_renewal(&key, &failure);
        }
        let resolved = key.resolve(oauth.href);
        match resolved {
            Ok(issuer) => self.request_token(key, issuer),
            Err(error) => {
                let failure = Failure::new(FailureKind::UnexpectedAnswer, Stage::Authentication)
                    .with_message(format!(
                        "the address of the token service cannot be used: {error}"
                    ));
                self.fail_renewal(&key, &failure);
            }
        }
    }

    fn request_token(&mut self, key: Origin, issuer: String) {
        let Some(Credentials::Password {
            sip_uri,
            user_name,
            password,
        }) = &self.auth.credentials
        else {
            let failure = Failure::new(FailureKind::NotSignedIn, Stage::Authentication);
            return self.fail_renewal(&key, &failure);
        };
        let user = user_name
            .as_deref()
            .unwrap_or_else(|| sip_uri.strip_prefix("sip:").unwrap_or(sip_uri));
        let body = format!(
            "grant_type=password&username={}&password={}",
            utf8_percent_encode(user, FORM),
            utf8_percent_encode(password.expose_secret(), FORM),
        );
        let exchange = Exchange::new(Purpose::Token(key), Method::POST, issuer)
            .with_body("application/x-www-form-urlencoded;charset=UTF-8", body)
            .with_credential(Credential::TrustedHost);
        self.issue(exchange);
    }

    pub(crate) fn on_token(
        &mut self,
        key: Origin,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let failure = match result {
            Ok(response) if response.status() == StatusCode::OK => {
                match TokenResponse::decode(response.body(), &self.config.limits) {
                    Ok(token) => match self.store_token(&key, &exchange.url, &token) {
                        Some(()) => return self.resume_waiting(&key),
                        None => not_ucwa(exchange, &response)
                            .with_message("the token cannot stand in a header"),
                    },
                    // The decoder's message could quote the body, which holds the token.
                    Err(_) => not_ucwa(exchange, &response)
                        .with_message("the token response cannot be read"),
                }
            }
            Ok(response) => self.token_refusal(exchange, &response),
            Err(failure) => failure,
        };
        self.fail_renewal(&key, &failure);
    }

    fn store_token(
        &mut self,
        key: &Origin,
        issuer: &str,
        response: &TokenResponse<'_>,
    ) -> Option<()> {
        let mut value = HeaderValue::from_str(&response.authorization()).ok()?;
        value.set_sensitive(true);
        let life = response.expires_in.unwrap_or(DEFAULT_LIFE);
        self.auth.versions += 1;
        let token = Token {
            value,
            version: self.auth.versions,
            origin: key.clone(),
            issuer: issuer.to_owned(),
            expires_at: self.now + life,
        };
        let issuing = Origin::of(issuer).ok()?;
        self.auth.tokens.insert(key.clone(), token.clone());
        // The host that issued it takes it as well, unless it has one of its own.
        let own = self
            .auth
            .tokens
            .get(&issuing)
            .is_some_and(|token| token.origin == issuing && issuing != *key);
        if !own {
            self.auth.tokens.insert(
                issuing.clone(),
                Token {
                    origin: issuing,
                    ..token
                },
            );
        }
        let key = key.clone();
        self.cancel_timers(|timer| matches!(timer, Timer::RenewToken(other) if *other == key));
        // At nine tenths of its life, so that a slow answer still comes in time.
        self.arm(life.mul_f64(0.9), Timer::RenewToken(key));
        Some(())
    }

    fn resume_waiting(&mut self, key: &Origin) {
        for exchange in self.auth.renewals.remove(key).unwrap_or_default() {
            self.issue(exchange);
        }
    }

    /// A token is about to expire: gets the next one while the old one still serves.
    pub(crate) fn renew_token(&mut self, key: Origin) {
        let Some(token) = self.auth.tokens.get(&key) else {
            return;
        };
        if !self.auth.renewals.contains_key(&key) {
            let issuer = token.issuer.clone();
            self.auth.renewals.insert(key.clone(), Vec::new());
            self.request_token(key, issuer);
        }
    }

    fn fail_renewal(&mut self, key: &Origin, failure: &Failure) {
        for exchange in self.auth.renewals.remove(key).unwrap_or_default() {
            self.finish(exchange, Err(failure.clone()));
        }
    }

    fn token_refusal(&self, exchange: &Exchange, response: &Response<Bytes>) -> Failure {
        let failure = self.refusal(exchange, response);
        let Ok(error) = OAuthError::decode(response.body(), &self.config.limits) else {
            return failure;
        };
        let kind = match error.error.as_ref() {
            "invalid_grant" => FailureKind::InvalidCredentials,
            "unsupported_grant_type" => FailureKind::GrantNotOffered {
                offered: Vec::new(),
            },
            _ => FailureKind::RequestFailed,
        };
        failure
            .with_kind(kind)
            .with_codes(Some(error.error.into_owned()), None)
    }
}
