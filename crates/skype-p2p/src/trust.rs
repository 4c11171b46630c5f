//! The question that only a person can answer.

use std::{future::Future, pin::Pin, sync::Arc};

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

/// Answers a [`TrustQuestion`]; in the form in which the driver keeps it.
#[derive(Clone)]
pub(crate) struct TrustCallback(Arc<dyn Fn(TrustQuestion) -> Answer + Send + Sync>);

type Answer = Pin<Box<dyn Future<Output = bool> + Send>>;

impl TrustCallback {
    pub(crate) fn new<F, A>(callback: F) -> Self
    where
        F: Fn(TrustQuestion) -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        Self(Arc::new(move |question| Box::pin(callback(question))))
    }

    pub(crate) async fn ask(&self, from: String, to: String) -> bool {
        (self.0)(TrustQuestion { from, to }).await
    }
}
