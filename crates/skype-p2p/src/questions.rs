//! The questions that the session asks the application: trust, tokens, and the passive sign-in.

use std::{future::Future, pin::Pin, sync::Arc};

use ucwa_session::{Answer, BearerToken, Question};

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

type BoxFuture<A> = Pin<Box<dyn Future<Output = A> + Send>>;
type Callback<Q, A> = Arc<dyn Fn(Q) -> BoxFuture<A> + Send + Sync>;

/// The callbacks of the application. A question without a callback is answered with no.
#[derive(Clone, Default)]
pub(crate) struct Callbacks {
    pub(crate) trust: Option<Callback<TrustQuestion, bool>>,
    pub(crate) token: Option<Callback<TokenQuestion, Option<BearerToken>>>,
    pub(crate) passive_sign_in: Option<Callback<String, bool>>,
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
            Question::Trust { from, to } => Answer::Trust(match self.trust {
                Some(callback) => callback(TrustQuestion { from, to }).await,
                None => false,
            }),
            Question::Token {
                host,
                authorization_uri,
                client_id,
                trusted_issuers,
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
            Question::PassiveSignIn { uri } => Answer::PassiveSignIn(match self.passive_sign_in {
                Some(callback) => callback(uri).await,
                None => false,
            }),
            _ => NO,
        }
    }
}

/// An answer that the session takes as a refusal, whatever the question.
pub(crate) const NO: Answer = Answer::Trust(false);
