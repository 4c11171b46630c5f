//! The questions that the session asks the application: trust, tokens, and the passive sign-in.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use ucwa_session::{Answer, BearerToken, Question};

use crate::jar::Jar;

/// Asks whether a host may receive this user's credentials, although neither the SIP domain, nor the root, nor a configured
/// suffix covers it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustQuestion {
    /// The host whose response named the other host.
    pub from: String,
    /// The host that would receive a password or a token.
    pub to: String,
}

/// Asks for a token that a host accepts, from another issuer (`AuthenticationUsingAzureAD`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenQuestion {
    /// The host; the audience of its tokens is `https://<host>`.
    pub host: String,
    /// The URL of the issuer's sign-in, if the host sent it.
    pub authorization_uri: Option<String>,
    /// The client ID of the host, if the host sent it.
    pub client_id: Option<String>,
    /// The issuers that the host trusts, if the host sent them.
    pub trusted_issuers: Option<String>,
}

/// Asks for a sign-in of the user at a page (`AuthenticationInUCWA`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassiveQuestion {
    /// The URL of the page, for a browser.
    pub url: String,
}

/// The cookies of the browser in which a user signed in at a page. The token service recognizes the user by them.
#[derive(Clone, Default)]
pub struct BrowserCookies(Vec<(String, String)>);

impl BrowserCookies {
    /// Returns no cookies. This is enough for an application without a cookie jar of its own, whose transport shares the cookies
    /// of the browser.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a cookie that the host of `url` has set: the value of a `Set-Cookie` header, or `name=value` with the attributes that
    /// the browser knows, such as `; Path=/`.
    #[must_use]
    pub fn with(mut self, url: impl Into<String>, cookie: impl Into<String>) -> Self {
        self.0.push((url.into(), cookie.into()));
        self
    }

    /// Moves the cookies to the jar of an application.
    fn insert_into(self, jar: &Jar) {
        for (url, cookie) in self.0 {
            if !jar.insert(&url, &cookie) {
                let name = cookie.split('=').next().unwrap_or_default();
                tracing::warn!(%url, %name, "a cookie of the sign-in page was not accepted");
            }
        }
    }
}

/// Shows the number of the cookies.
impl fmt::Debug for BrowserCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserCookies")
            .field("cookies", &self.0.len())
            .finish()
    }
}

type BoxFuture<A> = Pin<Box<dyn Future<Output = A> + Send>>;
type Callback<Q, A> = Arc<dyn Fn(Q) -> BoxFuture<A> + Send + Sync>;

/// The callbacks of the application. A question without a callback is refused.
#[derive(Clone, Default)]
pub(crate) struct Callbacks {
    pub(crate) trust: Option<Callback<TrustQuestion, bool>>,
    pub(crate) token: Option<Callback<TokenQuestion, Option<BearerToken>>>,
    pub(crate) passive_sign_in: Option<Callback<PassiveQuestion, Option<BrowserCookies>>>,
    pub(crate) take_back: Option<Callback<(), bool>>,
    /// The cookie jar of the application.
    pub(crate) jar: Option<Arc<Jar>>,
}

/// Boxes a callback and its futures.
pub(crate) fn callback<Q, A, F>(callback: impl Fn(Q) -> F + Send + Sync + 'static) -> Callback<Q, A>
where
    F: Future<Output = A> + Send + 'static,
{
    Arc::new(move |question| Box::pin(callback(question)))
}

impl Callbacks {
    pub(crate) async fn answer(self, question: Question) -> Answer {
        match question {
            Question::Trust { from, to, .. } => Answer::Trust(match self.trust {
                Some(callback) => callback(TrustQuestion { from, to }).await,
                None => false,
            }),
            Question::Token {
                host,
                authorization_uri,
                client_id,
                trusted_issuers,
                ..
            } => Answer::Token(match self.token {
                Some(callback) => {
                    let question = TokenQuestion {
                        host,
                        authorization_uri,
                        client_id,
                        trusted_issuers,
                    };
                    callback(question).await
                }
                None => None,
            }),
            Question::PassiveSignIn { uri, .. } => {
                let cookies = match self.passive_sign_in {
                    Some(callback) => callback(PassiveQuestion { url: uri }).await,
                    None => None,
                };
                let signed_in = cookies.is_some();
                if let (Some(cookies), Some(jar)) = (cookies, &self.jar) {
                    cookies.insert_into(jar);
                }
                Answer::PassiveSignIn(signed_in)
            }
            Question::TakeBack => Answer::TakeBack(match self.take_back {
                Some(callback) => callback(()).await,
                None => false,
            }),
            _ => REFUSAL,
        }
    }
}

/// The answer that the session takes as a refusal of any question.
pub(crate) const REFUSAL: Answer = Answer::Trust(false);
