//! Responses of the token service.

use std::{borrow::Cow, fmt, time::Duration};

use crate::{
    DecodeError, DecodeErrorKind, Limits, Position, Representation, Resource, Value,
    interning::owned,
};

/// The response of the token service to a successful request, in JSON (`AuthenticationInUCWA`).
///
/// Debug output hides the token.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenResponse<'a> {
    /// The token, with its prefix such as `cwt=`. A secret.
    pub access_token: Cow<'a, str>,
    /// The type of the token: `Bearer`.
    pub token_type: Cow<'a, str>,
    /// The lifetime, usually eight hours; `None` if the response has none.
    pub expires_in: Option<Duration>,
    /// The scope of the identity, such as `local`.
    pub identity_scope: Option<Cow<'a, str>>,
}

impl<'a> TokenResponse<'a> {
    /// A bearer token.
    #[must_use]
    pub fn new(access_token: impl Into<Cow<'a, str>>, expires_in: Duration) -> Self {
        Self {
            access_token: access_token.into(),
            token_type: Cow::Borrowed("Bearer"),
            expires_in: Some(expires_in),
            identity_scope: None,
        }
    }

    /// The value of `Authorization`. A secret.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("{} {}", self.token_type, self.access_token)
    }

    /// Decodes the response to a successful request.
    ///
    /// # Errors
    ///
    /// If the body is not a JSON object, or has no token.
    pub fn decode(body: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let resource = Resource::decode(body, Representation::Json, limits)?;
        let expires_in = resource
            .integer("expires_in")
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map(Duration::from_secs);
        let mut texts = Texts(resource);
        let access_token = texts
            .take("access_token")
            .filter(|token| !token.is_empty())
            .ok_or_else(|| {
                DecodeError::new(
                    DecodeErrorKind::Structure("the answer holds no access token"),
                    Position::of(body, 0),
                )
            })?;
        Ok(Self {
            access_token,
            token_type: texts.take("token_type").unwrap_or(Cow::Borrowed("Bearer")),
            expires_in,
            identity_scope: texts.take("ms_rtc_identityscope"),
        })
    }

    /// Encodes the response in JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut resource = Resource::anonymous().with_property("access_token", &*self.access_token);
        if let Some(life) = self.expires_in {
            resource = resource.with_property(
                "expires_in",
                i64::try_from(life.as_secs()).unwrap_or(i64::MAX),
            );
        }
        if let Some(scope) = &self.identity_scope {
            resource = resource.with_property("ms_rtc_identityscope", &**scope);
        }
        resource
            .with_property("token_type", &*self.token_type)
            .encode(Representation::Json)
    }

    /// Converts the response into one that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> TokenResponse<'static> {
        TokenResponse {
            access_token: owned(self.access_token),
            token_type: owned(self.token_type),
            expires_in: self.expires_in,
            identity_scope: self.identity_scope.map(owned),
        }
    }
}

impl fmt::Debug for TokenResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("access_token", &"[hidden]")
            .field("token_type", &self.token_type)
            .field("expires_in", &self.expires_in)
            .field("identity_scope", &self.identity_scope)
            .finish()
    }
}

/// The response of the token service to a refused request, in JSON (`AuthenticationInUCWA`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError<'a> {
    /// The error: `invalid_request`, `invalid_grant`, `unsupported_grant_type`, `invalid_scope` or `server_error`.
    pub error: Cow<'a, str>,
    /// The address of the sign-in page; only for the passive grant.
    pub passive_auth_uri: Option<Cow<'a, str>>,
    /// The description.
    pub error_description: Option<Cow<'a, str>>,
}

impl<'a> OAuthError<'a> {
    /// A response with this error.
    #[must_use]
    pub fn new(error: impl Into<Cow<'a, str>>) -> Self {
        Self {
            error: error.into(),
            passive_auth_uri: None,
            error_description: None,
        }
    }

    /// Decodes the response to a refused request.
    ///
    /// # Errors
    ///
    /// If the body is not a JSON object, or has no error.
    pub fn decode(body: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut texts = Texts(Resource::decode(body, Representation::Json, limits)?);
        let error = texts.take("error").ok_or_else(|| {
            DecodeError::new(
                DecodeErrorKind::Structure("the answer names no error"),
                Position::of(body, 0),
            )
        })?;
        Ok(Self {
            error,
            passive_auth_uri: texts.take("ms_rtc_passiveauthuri"),
            error_description: texts.take("error_description"),
        })
    }

    /// Encodes the response in JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut resource = Resource::anonymous().with_property("error", &*self.error);
        if let Some(uri) = &self.passive_auth_uri {
            resource = resource.with_property("ms_rtc_passiveauthuri", &**uri);
        }
        if let Some(description) = &self.error_description {
            resource = resource.with_property("error_description", &**description);
        }
        resource.encode(Representation::Json)
    }

    /// Converts the response into one that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> OAuthError<'static> {
        OAuthError {
            error: owned(self.error),
            passive_auth_uri: self.passive_auth_uri.map(owned),
            error_description: self.error_description.map(owned),
        }
    }
}

/// The texts of a flat JSON object. Each can be taken out once.
struct Texts<'a>(Resource<'a>);

impl<'a> Texts<'a> {
    fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self
            .0
            .properties
            .iter()
            .position(|(n, value)| n == name && matches!(value, Value::String(_)))?;
        match self.0.properties.remove(at).1 {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{OAuthError, TokenResponse};
    use crate::Limits;

    #[test]
    fn a_token_is_read_written_and_hidden() {
        let body = br#"{"access_token":"cwt=AAEB_-","expires_in":27402,"ms_rtc_identityscope":"local","token_type":"Bearer"}"#;
        let token = TokenResponse::decode(body, &Limits::default()).unwrap();
        assert_eq!(token.authorization(), "Bearer cwt=AAEB_-");
        assert_eq!(token.expires_in, Some(Duration::from_secs(27402)));
        assert_eq!(token.identity_scope.as_deref(), Some("local"));
        assert_eq!(
            TokenResponse::decode(&token.encode(), &Limits::default()).unwrap(),
            token
        );
        assert!(!format!("{token:?}").contains("AAEB"));
        assert!(TokenResponse::decode(br#"{"expires_in":1}"#, &Limits::default()).is_err());
        let odd = TokenResponse::decode(
            br#"{"access_token":"x","expires_in":"3600"}"#,
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(odd.expires_in, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn an_error_is_read_and_written() {
        let body = br#"{"error":"invalid_grant","ms_rtc_passiveauthuri":"https:\/\/pool.example\/PassiveAuth\/p.aspx"}"#;
        let error = OAuthError::decode(body, &Limits::default()).unwrap();
        assert_eq!(error.error, "invalid_grant");
        assert_eq!(
            error.passive_auth_uri.as_deref(),
            Some("https://pool.example/PassiveAuth/p.aspx")
        );
        assert_eq!(
            OAuthError::decode(&error.encode(), &Limits::default()).unwrap(),
            error
        );
        assert!(OAuthError::decode(b"<html>", &Limits::default()).is_err());
    }
}
