//! The questions that only the application, or the person before it, can answer.

use std::{future::Future, pin::Pin, sync::Arc};

use ucwa_session::{Answer, BearerToken, Question};

/// May a host receive this user's credentials, although neither the SIP domain, nor the root, nor a configured suffix
/// names it?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustQuestion {
    /// The host that pointed there.
    pub from: String,
    /// The host that would receive a password or a token.
    pub to: String,
}

/// Which token does a host take, of those that another issuer gives (`AuthenticationUsingAzureAD`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenQuestion {
    /// The host; the audience of its tokens is `https://<host>`.
    pub host: String,
    /// Where to sign in, if the host says so.
    pub authorization_uri: Option<String>,
    /// The identity of the host, if it says so.
    pub client_id: Option<String>,
    /// Whose tokens it trusts, if it says so.
    pub trusted_issuers: Option<String>,
}

type BoxFuture<A> = Pin<Box<dyn Future<Output = A> + Send>>;
type Callback<Q, A> = Arc<dyn Fn(Q) -> BoxFuture<A> + Send + Sync>;

/// Who answers what; a question that nobody answers is answered with no.
#[derive(Clone, Default)]
pub(crate) struct Callbacks {
    pub(crate) trust: Option<Callback<TrustQuestion, bool>>,
    pub(crate) token: Option<Callback<TokenQuestion, Option<BearerToken>>>,
    pub(crate) passive_sign_in: Option<Callback<String, bool>>,
}

/// A callback in the form in which the driver keeps it.
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

/// What the session takes for a no, whatever it asked.
pub(crate) const NO: Answer = Answer::Trust(false);
