//! Tokens: one for each origin, fetched once for all exchanges that wait for it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use ucwa_proto::{Diagnostics, Origin};

use crate::checkpoint::{SavedSource, SavedToken};
use crate::core::Core;
use crate::exchange::{Credential, Exchange, Purpose};
use crate::failure::Failure;
use crate::operation::Credentials;
use crate::response::challenges;
use crate::timers::Timer;

/// The `X-Ms-diagnostics` codes of an expired or foreign token, with any status.
const TOKEN_DIAGNOSTICS: [u32; 7] = [28020, 28032, 28033, 28055, 28056, 28072, 28077];

/// The earliest renewal of a token after it was issued. A token with a shorter lifetime is renewed when a host refuses
/// it.
const SOONEST_RENEWAL: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct Auth {
    pub(crate) credentials: Option<Credentials>,
    tokens: BTreeMap<Origin, Box<Token>>,
    /// The exchanges that wait for a token, by the origin of the token.
    renewals: BTreeMap<Origin, Vec<Exchange>>,
    /// The grants in the challenge of each origin.
    pub(crate) offered: BTreeMap<Origin, Vec<String>>,
    versions: u64,
    /// The user has signed in at the page of the passive grant.
    pub(crate) signed_in_at_page: bool,
    /// The refusal of the password. A refused password is not sent again.
    pub(crate) refused: Option<Failure>,
    /// The token of an anonymous participant was dropped: the next token belongs to a new participant.
    pub(crate) identity_changed: bool,
}

/// The source of the tokens for an origin.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The token service at this address.
    Service(String),
    /// Another issuer, from which the caller gets the token.
    Outside {
        authorization_uri: Option<String>,
        client_id: Option<String>,
        trusted_issuers: Option<String>,
    },
}

#[derive(Clone)]
struct Token {
    /// The complete value of the `Authorization` header.
    value: HeaderValue,
    /// The age order of all tokens: higher is newer.
    version: u64,
    /// The origin whose challenge the token answers.
    origin: Origin,
    /// The source of the next token.
    source: Source,
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
    /// The token for an origin: its own, or else the newest one of another origin, which many pools accept.
    fn token(&self, origin: &Origin) -> Option<&Token> {
        self.tokens
            .get(origin)
            .or_else(|| self.tokens.values().max_by_key(|token| token.version))
            .map(|token| &**token)
    }

    pub(crate) fn authorization(&self, origin: &Origin) -> Option<(HeaderValue, u64)> {
        self.token(origin)
            .map(|token| (token.value.clone(), token.version))
    }

    /// The queue in which an exchange has to wait. `None` if no token for its origin is being fetched, or a valid token
    /// exists.
    pub(crate) fn renewal_to_wait_for(
        &mut self,
        origin: &Origin,
        now: Duration,
    ) -> Option<&mut Vec<Exchange>> {
        let is_valid = self
            .tokens
            .get(origin)
            .is_some_and(|token| now < token.expires_at);
        self.renewals.get_mut(origin).filter(|_| !is_valid)
    }

    /// Handles refused credentials. Returns whether the same credentials can get a token in another way.
    pub(crate) fn can_request_anew(&mut self, origin: &Origin, failure: &Failure) -> bool {
        match self.credentials {
            // Repeated attempts with a wrong password lock the account.
            Some(Credentials::Password { .. } | Credentials::Windows { .. }) => {
                self.refused = Some(failure.clone());
                false
            }
            // An anonymous participant whose token cannot be renewed gets a new one, like the first.
            Some(Credentials::AnonymousMeeting { .. }) => {
                let had_one = self.tokens.remove(origin).is_some();
                self.identity_changed |= had_one;
                had_one
            }
            _ => false,
        }
    }

    /// Shortens the lifetime of every token by the time of a suspend.
    pub(crate) fn bring_forward(&mut self, by: Duration) {
        for token in self.tokens.values_mut() {
            token.expires_at = token.expires_at.saturating_sub(by);
        }
    }

    /// Erases every secret at the end of the session.
    pub(crate) fn erase(&mut self) {
        *self = Self::default();
    }

    /// The exchanges that wait for a token.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Exchange> {
        self.renewals.values().flatten()
    }

    pub(crate) fn renewals_under_way(&self) -> usize {
        self.renewals.len()
    }

    /// Drops the exchanges that wait for a token and for which `unwanted` is true.
    pub(crate) fn abandon(&mut self, unwanted: impl Fn(&Exchange) -> bool) {
        for waiting in self.renewals.values_mut() {
            waiting.retain(|exchange| !unwanted(exchange));
        }
    }

    /// Clears the lists of exchanges that wait for a token.
    pub(crate) fn abandon_renewals(&mut self) {
        self.renewals.clear();
    }
}

impl Core {
    /// Whether a response asks for another token instead of a final refusal: it carries a challenge, it refuses the token of
    /// another origin, or its diagnostics name a bad token. The token of another pool leads to 403 or 500
    /// (`DevelopForSkypeforBusiness`). A 500 without such diagnostics may also be a failure in the middle of the request, so
    /// only idempotent requests are repeated after it.
    pub(crate) fn is_challenge(&self, exchange: &Exchange, response: &Response<Bytes>) -> bool {
        if !matches!(response.status().as_u16(), 401 | 403 | 500) {
            return false;
        }
        let is_refusal = response.status() != StatusCode::INTERNAL_SERVER_ERROR;
        let has_foreign_token = || {
            let own = Origin::of(&exchange.url).ok();
            let sent = self
                .auth
                .tokens
                .values()
                .find(|token| Some(token.version) == exchange.token_version);
            sent.zip(own)
                .is_some_and(|(token, own)| token.origin != own)
        };
        refuses_ticket(response) || (is_refusal || exchange.is_idempotent()) && has_foreign_token()
    }

    /// Gets a token for the origin and repeats the exchange, once.
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
            // A second pool may refuse a foreign token without a challenge. A request without a token gets the challenge.
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
        let challenges = challenges(response, header::WWW_AUTHENTICATE);
        self.choose_grant(key, &challenges);
    }

    /// Stores a token for the origin whose challenge it answers. Returns `None` if the token is not a valid header
    /// value.
    pub(crate) fn store_token(
        &mut self,
        key: &Origin,
        source: Source,
        authorization: &str,
        life: Duration,
    ) -> Option<()> {
        let mut value = HeaderValue::from_str(authorization).ok()?;
        value.set_sensitive(true);
        self.auth.versions += 1;
        let token = Token {
            value,
            version: self.auth.versions,
            origin: key.clone(),
            source,
            expires_at: self.now.saturating_add(life),
        };
        self.auth.tokens.insert(key.clone(), Box::new(token));
        let key = key.clone();
        self.cancel_timers(|timer| matches!(timer, Timer::RenewToken(other) if *other == key));
        // The renewal starts at nine tenths of the lifetime, so that a slow response arrives before the token expires.
        let renewal = life.mul_f64(0.9).max(SOONEST_RENEWAL);
        self.arm(renewal, Timer::RenewToken(key));
        Some(())
    }

    /// The token that requests to `origin` carry, for a checkpoint.
    pub(crate) fn save_token(&self, origin: &Origin) -> Option<SavedToken> {
        let token = self.auth.token(origin)?;
        let value = token.value.to_str().ok()?;
        let left = token.expires_at.saturating_sub(self.now);
        Some(SavedToken {
            origin: token.origin.to_string(),
            value: SecretString::from(value),
            expires_at: self.wall_now().checked_add(left)?,
            source: match token.source.clone() {
                Source::Service(issuer) => SavedSource::Service(issuer),
                Source::Outside {
                    authorization_uri,
                    client_id,
                    trusted_issuers,
                } => SavedSource::Outside(authorization_uri, client_id, trusted_issuers),
            },
        })
    }

    /// Uses the token of a checkpoint, or requests the next one if it has expired.
    pub(crate) fn restore_token(&mut self, saved: SavedToken) {
        let Ok(origin) = Origin::of(&saved.origin) else {
            return;
        };
        let source = match saved.source {
            SavedSource::Service(issuer) => Source::Service(issuer),
            SavedSource::Outside(authorization_uri, client_id, trusted_issuers) => {
                Source::Outside {
                    authorization_uri,
                    client_id,
                    trusted_issuers,
                }
            }
        };
        let left = saved.expires_at.duration_since(self.wall_now());
        let left = left.unwrap_or_default();
        let value = saved.value.expose_secret();
        if self.store_token(&origin, source, value, left).is_some() && left.is_zero() {
            self.renew_token(origin);
        }
    }

    /// The last token of an origin, for grants that exchange it for the next one.
    pub(crate) fn last_token(&self, key: &Origin) -> Option<String> {
        let value = self.auth.tokens.get(key)?.value.to_str().ok()?;
        Some(
            value
                .split_once(' ')
                .map_or(value, |(_, token)| token)
                .to_owned(),
        )
    }

    pub(crate) fn resume_waiting(&mut self, key: &Origin) {
        for exchange in self.auth.renewals.remove(key).unwrap_or_default() {
            self.issue(exchange);
        }
    }

    /// Starts the renewals that are due.
    pub(crate) fn renew_due_tokens(&mut self) {
        for timer in self.finish_timer(|timer| matches!(timer, Timer::RenewToken(_))) {
            if let Timer::RenewToken(origin) = timer {
                self.renew_token(origin);
            }
        }
    }

    /// Fetches the next token while the current one is still valid.
    pub(crate) fn renew_token(&mut self, key: Origin) {
        let Some(token) = self.auth.tokens.get(&key) else {
            return;
        };
        if !self.auth.renewals.contains_key(&key) {
            let source = token.source.clone();
            self.auth.renewals.insert(key.clone(), Vec::new());
            self.request_token(key, source);
        }
    }

    pub(crate) fn fail_renewal(&mut self, key: &Origin, failure: &Failure) {
        for exchange in self.auth.renewals.remove(key).unwrap_or_default() {
            self.finish(exchange, Err(failure.clone()));
        }
    }
}

/// Whether a response refuses the token, by a challenge or in its diagnostics. The request then had no effect.
pub(crate) fn refuses_ticket(response: &Response<Bytes>) -> bool {
    let diagnosed = || {
        response
            .headers()
            .get("x-ms-diagnostics")
            .and_then(|value| Diagnostics::parse(value.to_str().ok()?))
            .is_some_and(|diagnostics| TOKEN_DIAGNOSTICS.contains(&diagnostics.code))
    };
    response.headers().contains_key(header::WWW_AUTHENTICATE) || diagnosed()
}
