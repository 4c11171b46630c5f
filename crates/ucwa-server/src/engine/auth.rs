//! Tokens, and the challenge that names the token service (`AuthenticationInUCWA`).

use std::collections::BTreeSet;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::Engine;
use super::exchange::Exchange;
use super::records::DurableRecord;
use super::reply::append;
use super::routes;
use super::table::Table;
use crate::origin::RequestOrigin;

/// The user and the expiry time of a token.
pub(super) struct Token {
    /// The user's address.
    address: String,
    expires: Duration,
}

impl Token {
    pub(super) fn new(address: String, expires: Duration) -> Self {
        Self { address, expires }
    }

    /// The user's address, unless the token has expired.
    fn address_at(&self, now: Duration) -> Option<&str> {
        (now < self.expires).then_some(self.address.as_str())
    }
}

/// A token in a durable record.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredToken {
    address: String,
    /// The expiry time since 1970.
    expires: Duration,
}

impl Token {
    /// The token for a record, given the time from 1970 to the epoch.
    pub(super) fn stored(&self, epoch: Duration) -> StoredToken {
        StoredToken {
            address: self.address.clone(),
            expires: epoch.saturating_add(self.expires),
        }
    }

    /// The token of a record, unless it has expired at the epoch.
    pub(super) fn restored(stored: StoredToken, epoch: Duration) -> Option<Self> {
        let expires = stored.expires.saturating_sub(epoch);
        (expires > Duration::ZERO).then(|| Self::new(stored.address, expires))
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

/// Tokens by their text.
#[derive(Default)]
pub(super) struct Tokens {
    by_text: Table<Arc<str>, Token>,
    by_expiry: BTreeSet<(Duration, Arc<str>)>,
}

impl Tokens {
    /// Adds a token, drops the expired ones, and returns those.
    pub(super) fn insert(&mut self, now: Duration, text: &str, token: Token) -> Vec<Arc<str>> {
        let mut dropped = Vec::new();
        while let Some((expires, _)) = self.by_expiry.first()
            && *expires <= now
        {
            if let Some((_, expired)) = self.by_expiry.pop_first() {
                self.by_text.remove(&expired);
                dropped.push(expired);
            }
        }
        let text: Arc<str> = text.into();
        let expires = token.expires;
        if let Some(replaced) = self.by_text.insert(Arc::clone(&text), token) {
            self.by_expiry
                .remove(&(replaced.expires, Arc::clone(&text)));
        }
        self.by_expiry.insert((expires, text));
        dropped
    }

    pub(super) fn get(&self, text: &str) -> Option<&Token> {
        self.by_text.get(text)
    }

    /// The address of the token's user. `None` if the token is unknown or expired.
    pub(super) fn address_at(&self, text: &str, now: Duration) -> Option<&str> {
        self.by_text.get(text)?.address_at(now)
    }

    pub(super) fn visited(&self) -> u64 {
        self.by_text.visited()
    }

    /// Drops all tokens, and returns them.
    fn clear(&mut self) -> impl Iterator<Item = Arc<str>> + use<> {
        self.by_text.clear();
        let tokens = mem::take(&mut self.by_expiry);
        tokens.into_iter().map(|(_, text)| text)
    }
}

impl Engine {
    /// The address of the user whose token the request has. `None` without a valid token.
    pub(super) fn authenticate(&self, exchange: &Exchange<'_>) -> Option<String> {
        let (scheme, token) = exchange.header(AUTHORIZATION)?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return None;
        }
        self.bearer(token.trim()).map(str::to_owned)
    }

    /// The address of the token's user. `None` if the token is not valid.
    pub(super) fn bearer(&self, token: &str) -> Option<&str> {
        self.tokens.address_at(token, self.now)
    }

    /// A new token for the user or guest with this address.
    pub(super) fn issue_token(&mut self, address: String, life: Duration) -> String {
        let text = self.identifiers.token();
        // A guest's token becomes useless when the process ends, because the conference ends with it.
        let is_durable = !self.is_guest(&address);
        let token = Token::new(address, self.now.saturating_add(life));
        for expired in self.tokens.insert(self.now, &text, token) {
            self.changed(|| DurableRecord::Token(expired));
        }
        if is_durable {
            self.changed(|| DurableRecord::Token(text.as_str().into()));
        }
        text
    }

    /// The origin of absolute hrefs: the configured one, or the one that the client used.
    pub(super) fn origin(&self, exchange: &Exchange<'_>) -> String {
        let used = exchange.request.extensions().get::<RequestOrigin>();
        match (&self.config.origin, used) {
            (Some(origin), _) => origin.trim_end_matches('/').to_owned(),
            (None, Some(RequestOrigin(origin))) => origin.clone(),
            (None, None) => {
                let host = exchange
                    .header(HOST)
                    .or_else(|| exchange.request.uri().authority().map(|host| host.as_str()));
                format!("http://{}", host.unwrap_or(&self.config.domain))
            }
        }
    }

    /// The response with 401 and the challenge in two headers. Its body is a page of IIS, not a UCWA error.
    pub(super) fn challenge(&self, exchange: &Exchange<'_>) -> Response<Bytes> {
        let mut response = self.html(
            StatusCode::UNAUTHORIZED,
            "Unauthorized: Access is denied due to invalid credentials.",
        );
        let mut bearer = format!(
            "Bearer trusted_issuers=\"00000002-0000-0ff1-ce00-000000000000@{}\", client_id=\"00000004-0000-0ff1-ce00-000000000000\"",
            self.config.domain
        );
        if let Some(uri) = &self.config.authorization_uri {
            bearer.push_str(&format!(", authorization_uri=\"{uri}\""));
        }
        // As in the published responses: no space after the comma, and commas inside the quotes.
        let passive = if self.config.passive {
            ",urn:microsoft.rtc:passive"
        } else {
            ""
        };
        let oauth = format!(
            "MsRtcOAuth href=\"{}{}\",grant_type=\"urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting,password{passive}\"",
            self.origin(exchange),
            routes::token()
        );
        append(&mut response, WWW_AUTHENTICATE, &bearer);
        append(&mut response, WWW_AUTHENTICATE, &oauth);
        response
    }

    /// An error page of IIS, for requests that do not reach UCWA.
    pub(super) fn html(&self, status: StatusCode, words: &str) -> Response<Bytes> {
        let code = status.as_u16();
        let page = format!(
            "<!DOCTYPE html>\r\n<html><head><title>{code} - {words}</title></head>\r\n<body><h1>Server Error</h1><h2>{code} - {words}</h2></body></html>\r\n"
        );
        self.with_content(status, "text/html", page)
    }

    /// Makes all issued tokens invalid.
    pub(super) fn expire_tokens(&mut self) {
        for token in self.tokens.clear() {
            self.changed(|| DurableRecord::Token(token));
        }
    }
}
