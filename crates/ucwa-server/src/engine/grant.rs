//! The token service and its grants (`AuthenticationInUCWA`).

use bytes::Bytes;
use http::header::{CACHE_CONTROL, COOKIE, HeaderName, SET_COOKIE, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use ucwa_proto::{GrantType, OAuthError, TokenResponse};

use super::Engine;
use super::auth::Token;
use super::exchange::Exchange;
use super::form::Form;
use super::records::DurableRecord;
use super::reply::{Refusal, Reply, append, set};
use super::routes;
use crate::config::address;

/// The name of the cookie of a browser in which a user has signed in on the page.
const BROWSER: &str = "PassiveAuth";

/// The form of the sign-in page.
const FORM: &str = "<form method=\"post\"><input name=\"username\"><input name=\"password\" type=\"password\"><button>Sign in</button></form>";

/// Why the token service issues no token.
pub(super) struct Denial {
    error: &'static str,
    /// The code and the reason in `X-Ms-diagnostics`.
    diagnostics: Option<(u32, &'static str)>,
}

impl Denial {
    pub(super) const INVALID_REQUEST: Self = Self {
        error: "invalid_request",
        diagnostics: None,
    };
    pub(super) const INVALID_GRANT: Self = Self {
        error: "invalid_grant",
        diagnostics: Some((28020, "No valid security token.")),
    };
    const UNSUPPORTED: Self = Self {
        error: "unsupported_grant_type",
        diagnostics: Some((28029, "Authentication type not allowed.")),
    };
}

impl Engine {
    /// POST to the token service.
    pub(super) fn token(&mut self, exchange: &Exchange<'_>) -> Reply {
        let Some(form) = Form::of(exchange) else {
            return self.no_token(&Denial::INVALID_REQUEST);
        };
        let grant = form.get("grant_type").map(GrantType::from);
        let granted = match grant {
            None => Err(Denial::INVALID_REQUEST),
            Some(GrantType::Password) => self.by_password(&form),
            Some(GrantType::AnonymousMeeting) => self.as_guest(&form),
            Some(GrantType::Windows) => match &self.config.windows_user {
                Some(user) => Ok(address(user)),
                None => return self.challenge_of_windows(),
            },
            Some(GrantType::Passive) if self.config.passive => {
                match self.signed_in_at_page(exchange) {
                    Some(address) => Ok(address),
                    None => return self.refusal_with_page(exchange),
                }
            }
            Some(_) => Err(Denial::UNSUPPORTED),
        };
        match granted {
            Ok(address) => self.give_token(address),
            Err(denial) => self.no_token(&denial),
        }
    }

    /// The address of the user with this name and password.
    fn by_password(&self, form: &Form) -> Result<String, Denial> {
        let (Some(name), Some(password)) = (form.get("username"), form.get("password")) else {
            return Err(Denial::INVALID_REQUEST);
        };
        let address = name.strip_prefix("sip:").unwrap_or(name);
        let address = address.to_ascii_lowercase();
        match self.user_at(&address) {
            Some(user) if user.password == password => Ok(address),
            _ => Err(Denial::INVALID_GRANT),
        }
    }

    /// The response of the web server to a request on a connection without Windows authentication.
    fn challenge_of_windows(&self) -> Reply {
        let mut response = self.html(
            StatusCode::UNAUTHORIZED,
            "Unauthorized: Access is denied due to invalid credentials.",
        );
        append(&mut response, WWW_AUTHENTICATE, "Negotiate");
        append(&mut response, WWW_AUTHENTICATE, "NTLM");
        Reply::Ready(response)
    }

    /// The address of the user who has signed in on the page, by the cookie of the request.
    fn signed_in_at_page(&self, exchange: &Exchange<'_>) -> Option<String> {
        let mut cookies = exchange.header(COOKIE)?.split(';');
        let value = cookies.find_map(|cookie| match cookie.trim().split_once('=') {
            Some((BROWSER, value)) => Some(value),
            _ => None,
        })?;
        let address = self.browsers.address_at(value, self.now);
        address.map(str::to_owned)
    }

    /// The refusal of the passive grant, with the URL of the page.
    fn refusal_with_page(&self, exchange: &Exchange<'_>) -> Reply {
        let mut error = OAuthError::new(Denial::INVALID_GRANT.error);
        error.passive_auth_uri =
            Some(format!("{}{}", self.origin(exchange), routes::sign_in_page()).into());
        self.token_response(
            StatusCode::BAD_REQUEST,
            error.encode(),
            Denial::INVALID_GRANT.diagnostics,
        )
    }

    /// GET the sign-in page.
    pub(super) fn show_sign_in_page(&self) -> Result<Reply, Refusal> {
        if !self.config.passive {
            return Err(Refusal::NOT_FOUND);
        }
        Ok(Reply::Ready(self.sign_in_page(FORM)))
    }

    /// POST the form of the sign-in page.
    pub(super) fn sign_in_at_page(&mut self, exchange: &Exchange<'_>) -> Result<Reply, Refusal> {
        if !self.config.passive {
            return Err(Refusal::NOT_FOUND);
        }
        let signed_in = Form::of(exchange)
            .ok_or(Denial::INVALID_REQUEST)
            .and_then(|form| self.by_password(&form));
        match signed_in {
            Ok(address) => {
                let cookie = self.remember_browser(exchange, address);
                let mut response = self.sign_in_page("<p>You are signed in.</p>");
                append(&mut response, SET_COOKIE, &cookie);
                Ok(Reply::Ready(response))
            }
            Err(_) => {
                let response = self.sign_in_page("<p>The user name or the password is wrong.</p>");
                Ok(Reply::Ready(response))
            }
        }
    }

    /// The sign-in page with this content.
    fn sign_in_page(&self, content: &str) -> Response<Bytes> {
        let page = format!("<!DOCTYPE html>\r\n<title>Sign in</title>\r\n{content}\r\n");
        self.with_content(StatusCode::OK, "text/html", page)
    }

    /// Stores the browser of a user who has signed in on the page. Returns the `Set-Cookie` value; the cookie is valid for
    /// `token_life`.
    fn remember_browser(&mut self, exchange: &Exchange<'_>, address: String) -> String {
        let value = self.identifiers.token();
        let expires = self.now.saturating_add(self.config.token_life);
        let token = Token::new(address, expires);
        for expired in self.browsers.insert(self.now, &value, token) {
            self.changed(|| DurableRecord::Browser(expired));
        }
        self.changed(|| DurableRecord::Browser(value.as_str().into()));
        let secure = if self.origin(exchange).starts_with("https:") {
            "; Secure"
        } else {
            ""
        };
        format!("{BROWSER}={value}; Path=/; HttpOnly{secure}")
    }

    fn give_token(&mut self, address: String) -> Reply {
        let life = if self.guests.contains_key(&address) {
            self.config.guest_token_life
        } else {
            self.config.token_life
        };
        let token = self.issue_token(address, life);
        let mut response = TokenResponse::new(token, life);
        response.identity_scope = Some("local".into());
        self.token_response(StatusCode::OK, response.encode(), None)
    }

    fn no_token(&self, denial: &Denial) -> Reply {
        self.token_response(
            StatusCode::BAD_REQUEST,
            OAuthError::new(denial.error).encode(),
            denial.diagnostics,
        )
    }

    fn token_response(
        &self,
        status: StatusCode,
        body: Vec<u8>,
        diagnostics: Option<(u32, &str)>,
    ) -> Reply {
        let mut response: Response<Bytes> = self.with_content(status, "application/json", body);
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
}
