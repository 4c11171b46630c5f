//! What an application is told before it begins.

use std::{future::Future, sync::Arc, time::SystemTime};

use conv_transport::{Cookies, HttpTransport};
use ucwa_session::{
    BearerToken, ChannelOptions, DataUriEncoding, Representation, Root, Session, SessionConfig,
};

use crate::{
    application::{Application, Handle},
    driver::Driver,
    home::Home,
    mailbox::Mailbox,
    port::Port,
    questions::{Callbacks, TokenQuestion, TrustQuestion, callback},
    runtime::Runtime,
};

/// Builds an [`Application`]. Everything has a default: without a root the server is discovered in the user's SIP domain.
#[derive(Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct ApplicationBuilder {
    root: Option<Root>,
    transport: Option<Arc<dyn HttpTransport>>,
    without_cookie_jar: bool,
    trusted: Vec<String>,
    callbacks: Callbacks,
    representation: Option<Representation>,
    data_uris: DataUriEncoding,
    recreate_expired: bool,
    history: bool,
    plain_text_only: bool,
    channel: ChannelOptions,
    culture: Option<String>,
    user_agent: Option<String>,
    endpoint_id: Option<String>,
    seed: Option<u64>,
    runtime: Option<Arc<dyn Runtime>>,
}

impl ApplicationBuilder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Where discovery starts (`RootURL`): the SIP domain of the user, which is the default, a URL, or where an earlier
    /// application [found](crate::SignInManager::home) the user.
    pub fn root(mut self, root: Root) -> Self {
        self.root = Some(root);
        self
    }

    /// How bytes travel. With the feature `tokio` the default is a `HyperTransport` of its own with the platform's roots.
    ///
    /// Whatever it is, the application keeps the cookies that servers set, in a jar of its own, and sends them back: load balancers
    /// tie a session to a server by them.
    pub fn transport(mut self, transport: Arc<dyn HttpTransport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Puts no cookie jar around the transport, because the transport keeps cookies itself, as a browser's `fetch` does. On
    /// a platform whose standard library has no clock (`wasm32-unknown-unknown`) this is required: the jar reads the system's.
    pub fn without_cookie_jar(mut self) -> Self {
        self.without_cookie_jar = true;
        self
    }

    /// Trusts the hosts of this domain with the user's credentials, on a label boundary: `contoso.com` covers
    /// `pool.contoso.com` and not `notcontoso.com`. May be given several times; the SIP domain and the host of a
    /// configured root need none.
    pub fn trust_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.trusted.push(suffix.into());
        self
    }

    /// Asks here about every other host that would receive the user's credentials. Without a callback, and without an
    /// answer in two minutes, the answer is no.
    pub fn on_trust<F, A>(mut self, answer: F) -> Self
    where
        F: Fn(TrustQuestion) -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        self.callbacks.trust = Some(callback(answer));
        self
    }

    /// Asks here for the tokens of [`Credentials::bearer`](crate::Credentials::bearer), one for each host, and again
    /// before one expires. Without a callback, and without an answer in two minutes, there is none.
    pub fn on_token<F, A>(mut self, answer: F) -> Self
    where
        F: Fn(TokenQuestion) -> A + Send + Sync + 'static,
        A: Future<Output = Option<BearerToken>> + Send + 'static,
    {
        self.callbacks.token = Some(callback(answer));
        self
    }

    /// Shows the page at which a user with [`Credentials::passive`](crate::Credentials::passive) signs in; the answer is
    /// whether he has. Without a callback, and without an answer in ten minutes, he has not.
    pub fn on_passive_sign_in<F, A>(mut self, answer: F) -> Self
    where
        F: Fn(String) -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        self.callbacks.passive_sign_in = Some(callback(answer));
        self
    }

    /// The representation that is sent and asked for; JSON by default.
    pub fn representation(mut self, representation: Representation) -> Self {
        self.representation = Some(representation);
        self
    }

    /// How an invitation writes the message and the context that it carries; in base64 by default, as the reference pages
    /// show it. What comes in is understood either way.
    pub fn data_uris(mut self, encoding: DataUriEncoding) -> Self {
        self.data_uris = encoding;
        self
    }

    /// Makes a new application where the server ended this one for inactivity (`InactiveApplicationExpired` of
    /// `ErrorSubcode_ref`), for unattended use; conversations end. By default the user is signed out, as the pages have it
    /// (`ApplicationDashboard`).
    pub fn recreate_expired(mut self, recreate: bool) -> Self {
        self.recreate_expired = recreate;
        self
    }

    /// Has the server keep what is said, from the sign-in on (`conversationHistory` of `communication_ref`); by default it
    /// is left as it is, which is off. A server that keeps what is said also accepts invitations for a user who is there.
    /// [`set_history_enabled`](conv_model::ConversationsManager::set_history_enabled) changes it later.
    pub fn history(mut self, enabled: bool) -> Self {
        self.history = enabled;
        self
    }

    /// Declares that only plain text is understood (`makeMeAvailable_ref`), so that others send none of their messages as
    /// HTML and HTML can be sent to nobody. By default both are.
    pub fn plain_text_only(mut self) -> Self {
        self.plain_text_only = true;
        self
    }

    /// What the server is told about the event channel, at its start and whenever it may have forgotten it (`events_ref`).
    /// Times outside their range count as its nearest end; what is absent is the server's to choose.
    pub fn channel(mut self, options: ChannelOptions) -> Self {
        self.channel = options;
        self
    }

    /// The culture of the application, at most 100 UTF-16 code units (`applications_ref`): the server's own texts are in
    /// its language. `en-US` by default.
    pub fn culture(mut self, culture: impl Into<String>) -> Self {
        self.culture = Some(culture.into());
        self
    }

    /// The name that the server knows this application by, at most 100 UTF-16 code units (`applications_ref`).
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// The name of this endpoint, at most 100 UTF-16 code units: one and the same for a profile, so that a process that
    /// was started again after a crash takes up its application at the server with the conversations in it, and unique
    /// among the user's endpoints (`applications_ref`). Made from the seed by default.
    pub fn endpoint_id(mut self, endpoint_id: impl Into<String>) -> Self {
        self.endpoint_id = Some(endpoint_id.into());
        self
    }

    /// Seeds identifiers and jitter, to make a run repeatable; random by default. Two applications at one time must not
    /// share a seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// What the application runs on: its clock, its timers and its tasks. With the feature `tokio` the default is the
    /// `TokioRuntime` that [`build`](Self::build) is called in.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Makes the application and starts its one task on the runtime. The default transport needs a tokio runtime whose
    /// I/O and time are enabled.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoRuntime`] and [`BuildError::NoTransport`] where there is neither one given nor a default.
    pub fn build(self) -> Result<Application, BuildError> {
        let runtime = self.runtime.map_or_else(default_runtime, Ok)?;
        let mut transport = self.transport.map_or_else(default_transport, Ok)?;
        if !self.without_cookie_jar {
            transport = Arc::new(Cookies::new(transport));
        }
        let wall_at_epoch = runtime.wall_clock().checked_sub(runtime.now());
        let mut config = SessionConfig::new(
            self.root.unwrap_or(Root::Domain),
            self.seed.unwrap_or_else(|| runtime.seed()),
            wall_at_epoch.unwrap_or(SystemTime::UNIX_EPOCH),
        );
        config.trust.suffixes = self.trusted;
        config.trust.ask = self.callbacks.trust.is_some();
        config.history = self.history;
        config.html = !self.plain_text_only;
        config.channel = self.channel;
        config.culture = self.culture.unwrap_or(config.culture);
        config.representation = self.representation.unwrap_or(config.representation);
        config.data_uris = self.data_uris;
        config.recreate_expired = self.recreate_expired;
        config.user_agent = self.user_agent.unwrap_or(config.user_agent);
        config.endpoint_id = self.endpoint_id;

        let (mailbox, commands) = Mailbox::new();
        let (model, writer) =
            conv_model::Application::new(Arc::new(Port::new(mailbox.clone(), runtime.clone())));
        let home = Home::default();
        let driver = Driver::new(
            Session::new(config),
            home.clone(),
            transport,
            self.callbacks,
            runtime.clone(),
            writer,
            commands,
        );
        let malformed_events = driver.malformed_events();
        runtime.spawn(Box::pin(driver.run()));
        Ok(Application {
            model,
            handle: Arc::new(Handle { mailbox }),
            home,
            malformed_events,
        })
    }
}

#[cfg(feature = "tokio")]
fn default_runtime() -> Result<Arc<dyn Runtime>, BuildError> {
    Ok(Arc::new(crate::TokioRuntime::current()?))
}

#[cfg(not(feature = "tokio"))]
fn default_runtime() -> Result<Arc<dyn Runtime>, BuildError> {
    Err(BuildError::NoRuntime)
}

#[cfg(feature = "tokio")]
fn default_transport() -> Result<Arc<dyn HttpTransport>, BuildError> {
    Ok(Arc::new(conv_transport::HyperTransport::new()))
}

#[cfg(not(feature = "tokio"))]
fn default_transport() -> Result<Arc<dyn HttpTransport>, BuildError> {
    Err(BuildError::NoTransport)
}

impl std::fmt::Debug for ApplicationBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApplicationBuilder")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Why an application could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No runtime was given, and `build` was not called inside a tokio runtime.
    #[error(
        "no runtime: build the application inside a tokio runtime, or give the builder another one"
    )]
    NoRuntime,
    /// No transport was given, and the crate was built without its default transport (the feature `tokio`).
    #[error("no transport: give the builder one, or enable the feature `tokio` of skype-p2p")]
    NoTransport,
}
