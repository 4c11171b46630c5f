//! Tokens and challenges (`AuthenticationInUCWA`).

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, HeaderName, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use super::Engine;
use super::exchange::{Exchange, form};
use super::reply::{Reply, append, set};

/// What a token gives access to.
pub(super) struct Token {
    /// The user's address.
    address: String,
    expires: Duration,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

impl Engine {
    /// Whose token the request carries, if it is a good one.
    pub(super) fn authenticate(&self, exchange: &Exchange<'_>) -> Option<String> {
        let (scheme, token) = exchange.header(AUTHORIZATION)?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return None;
        }
        let token = self.tokens.get(token.trim())?;
        (self.now < token.expires).then(|| token.address.clone())
    }

    /// The origin of absolute hrefs.
    pub(super) fn origin(&self, exchange: &Exchange<'_>) -> String {
        match &self.config.origin {
            Some(origin) => origin.trim_end_matches('/').to_owned(),
            None => {
                let host = exchange
                    .header(HOST)
                    .or_else(|| exchange.request.uri().authority().map(|host| host.as_str()));
                format!("http://{}", host.unwrap_or(&self.config.domain))
            }
        }
    }

    /// The 401 that says how to get a token, in two headers; its body is IIS's page, not UCWA's error.
    pub(super) fn challenge(&self, exchange: &Exchange<'_>) -> Response<Bytes> {
        let mut response = self.html(
            StatusCode::UNAUTHORIZED,
            "Unauthorized: Access is denied due to invalid credentials.",
        );
        let bearer = format!(
            "Bearer trusted_issuers=\"00000002-0000-0ff1-ce00-000000000000@{}\", client_id=\"00000004-0000-0ff1-ce00-000000000000\"",
            self.config.domain
        );
        // As published: no space after the comma, and commas inside the quotes.
        let oauth = format!(
            "MsRtcOAuth href=\"{}/WebTicket/oauthtoken\",grant_type=\"urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting,password\"",
            self.origin(exchange)
        );
        append(&mut response, WWW_AUTHENTICATE, &bearer);
        append(&mut response, WWW_AUTHENTICATE, &oauth);
        response
    }

    /// A page as IIS writes it, for what happens before UCWA sees the request.
    pub(super) fn html(&self, status: StatusCode, words: &str) -> Response<Bytes> {
        let code = status.as_u16();
        let page = format!(
            "<!DOCTYPE html>\r\n<html><head><title>{code} - {words}</title></head>\r\n<body><h1>Server Error</h1><h2>{code} - {words}</h2></body></html>\r\n"
        );
        self.with_content(status, "text/html", page)
    }

    /// The token endpoint: the `password` grant.
    pub(super) fn token(&mut self, exchange: &Exchange<'_>) -> Reply {
        let Ok(body) = std::str::from_utf8(exchange.request.body()) else {
            return self.no_token("invalid_request", None);
        };
        let fields = form(body);
        let field = |name: &str| {
            fields
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        match field("grant_type") {
            None => return self.no_token("invalid_request", None),
            Some("password") => {}
            Some(_) => {
                return self.no_token(
                    "unsupported_grant_type",
                    Some((28029, "Authentication type not allowed.")),
                );
            }
        }
        let (Some(name), Some(password)) = (field("username"), field("password")) else {
            return self.no_token("invalid_request", None);
        };
        let address = name
            .strip_prefix("sip:")
            .unwrap_or(name)
            .to_ascii_lowercase();
        match self.user_at(&address) {
            Some(user) if user.password == password => {}
            _ => {
                return self.no_token("invalid_grant", Some((28020, "No valid security token.")));
            }
        }
        let now = self.now;
        self.tokens.retain(|_, token| now < token.expires);
        let token = self.identifiers.token();
        let expires = self.now + self.config.token_life;
        let body = format!(
            "{{\"access_token\":\"{token}\",\"expires_in\":{},\"ms_rtc_identityscope\":\"local\",\"token_type\":\"Bearer\"}}",
            self.config.token_life.as_secs()
        );
        self.tokens.insert(token, Token { address, expires });
        self.token_response(StatusCode::OK, body, None)
    }

    fn no_token(&self, error: &str, diagnostics: Option<(u32, &str)>) -> Reply {
        self.token_response(
            StatusCode::BAD_REQUEST,
            format!("{{\"error\":\"{error}\"}}"),
            diagnostics,
        )
    }

    fn token_response(
        &self,
        status: StatusCode,
        body: String,
        diagnostics: Option<(u32, &str)>,
    ) -> Reply {
        let mut response = self.with_content(status, "application/json", body);
        set(&mut response, CACHE_CONTROL, "no-store");
        if let Some((code, reason)) = diagnostics {
            let value = format!("{code};source=\"{}\";reason=\"{reason}\"", self.fqdn());
            set(
                &mut response,
                HeaderName::from_static("x-ms-diagnostics"),
                &value,
            );
        }
        Reply::Ready(response)
    }

    /// From now on no token given out so far is good.
    pub(super) fn expire_tokens(&mut self) {
        self.tokens.clear();
    }
}
