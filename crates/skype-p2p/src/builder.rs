//! The configuration of an application.

use std::{future::Future, sync::Arc, time::SystemTime};

use conv_transport::HttpTransport;
use ucwa_session::{
    BearerToken, ChannelOptions, Checkpoint, DataUriEncoding, ReplacementPolicy, Representation,
    Root, Session, SessionConfig,
};

use crate::{
    application::{Application, Handle},
    driver::Driver,
    events::{EventSender, Events},
    home::Home,
    jar,
    mailbox::Mailbox,
    port::Port,
    questions::{
        BrowserCookies, Callbacks, PassiveQuestion, TokenQuestion, TrustQuestion, callback,
    },
    resumption::Resumption,
    runtime::Runtime,
};

/// Builds an [`Application`]. Every setting has a default.
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
    keep_status: bool,
    channel: ChannelOptions,
    replacement: ReplacementPolicy,
    checkpoint: Option<Checkpoint>,
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

    /// Sets where the discovery of the server starts (`RootURL`): the SIP domain of the user (the default), a URL, or the
    /// [home](crate::SignInManager::home) that an earlier application found.
    pub fn root(mut self, root: Root) -> Self {
        self.root = Some(root);
        self
    }

    /// Sets the HTTP transport. With the feature `tokio` the default is a `HyperTransport` with the platform's root
    /// certificates.
    ///
    /// The application puts a cookie jar of its own around any transport, because load balancers bind a client to a server
    /// with cookies. Without the feature `cookies` there is no jar.
    pub fn transport(mut self, transport: Arc<dyn HttpTransport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Puts no cookie jar around the transport. Use it with a transport that keeps cookies itself, such as a browser's
    /// `fetch`. It is required on `wasm32-unknown-unknown`, because the jar reads the system clock, which does not exist
    /// there.
    pub fn without_cookie_jar(mut self) -> Self {
        self.without_cookie_jar = true;
        self
    }

    /// Adds a domain whose hosts may receive the user's credentials. Matching is by label: `contoso.com` covers
    /// `pool.contoso.com` and not `notcontoso.com`. May be called several times. The SIP domain and the host of a configured
    /// root are always trusted.
    pub fn trust_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.trusted.push(suffix.into());
        self
    }

    /// Sets the callback that decides whether any other host may receive the user's credentials. Without a callback, or
    /// without an answer within two minutes, the host is not trusted.
    pub fn on_trust<F, A>(mut self, answer: F) -> Self
    where
        F: Fn(TrustQuestion) -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        self.callbacks.trust = Some(callback(answer));
        self
    }

    /// Sets the callback that supplies the tokens of [`Credentials::bearer`](crate::Credentials::bearer). It is called for
    /// each host, and again before a token expires. Without a callback, or without an answer within two minutes, the request
    /// that needs the token fails.
    pub fn on_token<F, A>(mut self, answer: F) -> Self
    where
        F: Fn(TokenQuestion) -> A + Send + Sync + 'static,
        A: Future<Output = Option<BearerToken>> + Send + 'static,
    {
        self.callbacks.token = Some(callback(answer));
        self
    }

    /// Sets the callback that shows the sign-in page to a user with [`Credentials::passive`](crate::Credentials::passive).
    /// It returns the cookies of the browser after the user has signed in, or `None` if the user did not. The cookies are
    /// added to the application's jar, and the token service recognizes the user by them. The callback is called again when
    /// the service demands another sign-in for the next token. Without a callback, or without an answer within ten minutes,
    /// the sign-in fails.
    pub fn on_passive_sign_in<F, A>(mut self, answer: F) -> Self
    where
        F: Fn(PassiveQuestion) -> A + Send + Sync + 'static,
        A: Future<Output = Option<BrowserCookies>> + Send + 'static,
    {
        self.callbacks.passive_sign_in = Some(callback(answer));
        self
    }

    /// Sets the representation of requests and responses; JSON by default.
    pub fn representation(mut self, representation: Representation) -> Self {
        self.representation = Some(representation);
        self
    }

    /// Sets how an invitation encodes the message and the context that it carries; base64 by default, as the reference pages
    /// show. Incoming data URIs are decoded in either encoding.
    pub fn data_uris(mut self, encoding: DataUriEncoding) -> Self {
        self.data_uris = encoding;
        self
    }

    /// Sets whether the application is re-created after the server has ended it for inactivity (`InactiveApplicationExpired`
    /// of `ErrorSubcode_ref`), for unattended use. Its conversations end. By default the user is signed out instead
    /// (`ApplicationDashboard`).
    pub fn recreate_expired(mut self, recreate: bool) -> Self {
        self.recreate_expired = recreate;
        self
    }

    /// Sets whether the server archives conversations (`conversationHistory` of `communication_ref`); off by default. A
    /// server that archives also accepts invitations in the user's name.
    /// [`set_history_enabled`](conv_model::ConversationsManager::set_history_enabled) changes the setting after the sign-in.
    pub fn history(mut self, enabled: bool) -> Self {
        self.history = enabled;
        self
    }

    /// Declares that the application supports plain text only (`makeMeAvailable_ref`): it neither receives nor sends HTML. By
    /// default it supports both.
    pub fn plain_text_only(mut self) -> Self {
        self.plain_text_only = true;
        self
    }

    /// Keeps the status that the user has set elsewhere or earlier: the sign-in does not set one (`signInAs` of
    /// `makeMeAvailable_ref`). If the user has set none, the server determines it. By default, the sign-in sets the status to
    /// [`Online`](conv_model::PersonStatus::Online).
    pub fn keep_status(mut self) -> Self {
        self.keep_status = true;
        self
    }

    /// Sets the options of the event channel (`events_ref`). Times outside their range are clamped. The server chooses the
    /// options that are absent.
    pub fn channel(mut self, options: ChannelOptions) -> Self {
        self.channel = options;
        self
    }

    /// Sets what the application does when another process with the same endpoint ID takes over its event channel.
    pub fn replacement(mut self, policy: ReplacementPolicy) -> Self {
        self.replacement = policy;
        self
    }

    /// Sets the callback that decides whether to take back the event channel from another process, and with it
    /// [`ReplacementPolicy::Ask`]. Without an answer within two minutes, the channel is left to the other process.
    pub fn on_take_back<F, A>(mut self, answer: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        self.replacement = ReplacementPolicy::Ask;
        self.callbacks.take_back = Some(callback(move |()| answer()));
        self
    }

    /// Continues the application of another process. The [sign-in](crate::SignInManager::sign_in) then resumes it, with
    /// credentials of the same user, which are sent only if the token has expired, or with
    /// [none](crate::Credentials::none). Its conversations are in
    /// [`conversations`](conv_model::ConversationsManager::conversations), Connected, when the sign-in has completed.
    ///
    /// If the server no longer has the application, the sign-in creates another one, and
    /// [`SignInManager::not_resumed`](crate::SignInManager::not_resumed) has the reason. If the server cannot be reached, the
    /// sign-in fails, and another application can resume the same checkpoint.
    ///
    /// The endpoint ID and the user agent are those of the checkpoint.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Self {
        self.checkpoint = Some(checkpoint);
        self
    }

    /// Sets the culture, which is the language of the server's own texts: at most 100 UTF-16 code units
    /// (`applications_ref`), `en-US` by default.
    pub fn culture(mut self, culture: impl Into<String>) -> Self {
        self.culture = Some(culture.into());
        self
    }

    /// Sets the name of the program: at most 100 UTF-16 code units (`applications_ref`), `skype-p2p` by default. The server
    /// knows an application by it, together with the endpoint ID and the culture (`MultiTabSupport`). Leave out the version
    /// number: an upgraded program would otherwise create another application.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Sets the ID of this endpoint: at most 100 UTF-16 code units, unique among the user's endpoints
    /// (`applications_ref`). Use the same ID for every run of a profile: a new process then takes over the server-side
    /// application of a killed one, with its conversations. Two processes that run at the same time need different IDs. The
    /// default is derived from the seed.
    pub fn endpoint_id(mut self, endpoint_id: impl Into<String>) -> Self {
        self.endpoint_id = Some(endpoint_id.into());
        self
    }

    /// Seeds the identifiers and the jitter, which makes a run repeatable; random by default. Two applications that run at
    /// the same time must not share a seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the runtime: clock, timers and tasks. With the feature `tokio` the default is the tokio runtime in which
    /// [`build`](Self::build) is called.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Builds the application and spawns its driver on the runtime. The default transport needs a tokio runtime with I/O and
    /// time enabled.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoRuntime`] or [`BuildError::NoTransport`] if none was set and there is no default.
    pub fn build(self) -> Result<Application, BuildError> {
        self.build_with(false).map(|(application, _)| application)
    }

    /// Builds the application like [`build`](Self::build), for a program that stores the events: the server's events wait for
    /// the commit of the [`Events`].
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_with_events(self) -> Result<(Application, Events), BuildError> {
        self.build_with(true)
    }

    fn build_with(mut self, commit_gate: bool) -> Result<(Application, Events), BuildError> {
        let runtime = self.runtime.map_or_else(default_runtime, Ok)?;
        let mut transport = self.transport.map_or_else(default_transport, Ok)?;
        if !self.without_cookie_jar {
            let cookies = self.checkpoint.as_ref().and_then(Checkpoint::cookies);
            (transport, self.callbacks.jar) = jar::wrap(transport, cookies.unwrap_or_default());
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
        config.keep_status = self.keep_status;
        config.channel = self.channel;
        config.culture = self.culture.unwrap_or(config.culture);
        config.representation = self.representation.unwrap_or(config.representation);
        config.data_uris = self.data_uris;
        config.recreate_expired = self.recreate_expired;
        config.user_agent = self.user_agent.unwrap_or(config.user_agent);
        config.endpoint_id = self.endpoint_id;
        config.replacement = self.replacement;
        config.commit_gate = commit_gate;
        let session = match self.checkpoint {
            Some(checkpoint) => Session::resume(config, checkpoint),
            None => Session::new(config),
        };

        let (mailbox, commands) = Mailbox::new();
        let (model, writer) =
            conv_model::Application::new(Arc::new(Port::new(mailbox.clone(), runtime.clone())));
        let home = Home::default();
        let resumption = Resumption::default();
        let (sender, events) = EventSender::new(mailbox.clone());
        let driver = Driver::new(
            session,
            home.clone(),
            transport,
            self.callbacks,
            runtime.clone(),
            writer,
            commands,
            resumption.clone(),
            commit_gate.then_some(sender),
        );
        let malformed_events = driver.malformed_events();
        runtime.spawn(Box::pin(Box::new(driver).run()));
        let application = Application {
            model,
            handle: Arc::new(Handle { mailbox }),
            home,
            resumption,
            runtime,
            malformed_events,
        };
        Ok((application, events))
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

/// The reason why an application could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No runtime was set, and `build` was not called inside a tokio runtime.
    #[error(
        "no runtime: build the application inside a tokio runtime, or give the builder another one"
    )]
    NoRuntime,
    /// No transport was set, and the crate was built without its default transport (the feature `tokio`).
    #[error("no transport: give the builder one, or enable the feature `tokio` of skype-p2p")]
    NoTransport,
}
