//! An application that does what the user of a recording did.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use skype_p2p::{
    Application, ApplicationBuilder, BearerToken, BrowserCookies, CallConnectionState,
    Conversation, Credentials, DataUriEncoding, Har, HarError, MessageBody, Replay, ReplayOptions,
    ReplayReport, Representation, Root, StartOptions, TokioRuntime,
};
use tokio::time::{Instant, sleep, sleep_until};
use ucwa_har::{
    Operation, OperationKind, Operations, RecordedClient, RecordedMessage, RecordedSignIn,
};

use crate::{Observer, failure::Failure};

/// The delay of each operation after its recorded time, so that the application has processed the responses of that time.
const DELAY: Duration = Duration::from_millis(2);

/// The time after the last recorded response, for requests that the recording does not have.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// The time limit for the invitation that an operation accepts or declines.
const INVITATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The lifetime of a token of another issuer, longer than recordings.
const TOKEN_LIFE: Duration = Duration::from_secs(10 * 24 * 3600);

/// The result of a replay.
pub(super) struct Played {
    /// What the application observed.
    pub(super) lines: Vec<String>,
    /// The difference of the requests from the recording.
    pub(super) difference: Option<ReplayReport>,
}

/// Plays the recording on tokio's clock, which has to be paused.
///
/// # Errors
///
/// The outer error if the application cannot be built, the inner one if the recording cannot be replayed.
pub(super) async fn play(
    har: &Har,
    operations: &Operations,
    client_made: Vec<String>,
) -> Result<Result<Played, HarError>, Failure> {
    let others = operations.others.iter().map(|other| other.path.as_str());
    let options = ReplayOptions::new()
        .client_made(client_made)
        .without_paths(others);
    let replay = match Replay::new(har, options) {
        Ok(replay) => Arc::new(replay),
        Err(error) => return Ok(Err(error)),
    };
    let failed = |error: skype_p2p::BuildError| Failure::other(error.to_string());
    let runtime = TokioRuntime::current().map_err(failed)?;
    let application = builder(&operations.client)
        .transport(replay.clone())
        .runtime(Arc::new(runtime.starting_at(operations.starts)))
        .build()
        .map_err(failed)?;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let observed = lines.clone();
    let user = user(&operations.client);
    let who = user.strip_prefix("sip:").unwrap_or(&user);
    let _observer = Observer::new(who, &application, move |observation| {
        let mut lines = observed.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(observation.line.to_string());
    });
    let began = Instant::now();
    let mut player = Player {
        application,
        conversations: BTreeMap::new(),
        threads: BTreeMap::new(),
    };
    // A command takes effect at its call, whether or not its future is awaited.
    let manager = player.application.sign_in_manager();
    drop(manager.sign_in(credentials(&operations.client)));
    for operation in &operations.operations {
        sleep_until(began + operation.at + DELAY).await;
        player.perform(operation).await;
    }
    sleep_until(began + operations.end + AFTERWARDS).await;
    let difference = replay.finish().err();
    let difference = difference.and_then(|report| relevant(report, operations));
    let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Ok(Played { lines, difference }))
}

/// The report without requests that are no difference:
///
/// - A request for events just before the sign-out. It depends on the order of a response and the sign-out, which are simultaneous in
///   the recording.
/// - Reads that the recording does not have, if it has operations that are not replayed: the application may read what these operations
///   had read.
fn relevant(mut report: ReplayReport, operations: &Operations) -> Option<ReplayReport> {
    let last = operations.operations.last().map(|it| &it.kind);
    let is_poll = |request: &str| {
        let mut paths = operations.event_paths.iter();
        paths.any(|path| request.starts_with(&format!("GET {path}?")))
    };
    if matches!(last, Some(OperationKind::SignOut))
        && report
            .unexpected
            .last()
            .is_some_and(|it| is_poll(&it.request))
    {
        report.unexpected.pop();
    }
    // A browser loads pages of the server, which are no operations.
    let mut rels = operations.others.iter().filter_map(|it| it.rel.as_deref());
    if rels.any(|rel| rel != "xframe") {
        report
            .unexpected
            .retain(|it| !it.request.starts_with("GET "));
    }
    (!report.unused.is_empty() || !report.unexpected.is_empty()).then_some(report)
}

fn user(client: &RecordedClient) -> String {
    let user = client.user.as_ref().or(client.user_name.as_ref());
    // The sign-in failed before the server named the user.
    user.map_or("sip:user@unknown.invalid", String::as_str)
        .to_owned()
}

/// An application with the recorded settings.
fn builder(client: &RecordedClient) -> ApplicationBuilder {
    let host = client.first_url.split("://").nth(1).unwrap_or_default();
    let root = if client.began_at_home {
        Root::User(client.first_url.clone())
    } else if host.starts_with("lyncdiscover") {
        Root::Domain
    } else {
        Root::Url(client.first_url.clone())
    };
    let mut builder = Application::builder()
        .root(root)
        // The password and the tokens are not those of the user.
        .on_trust(|_| async { true })
        .on_token(|_| async { Some(BearerToken::new("any", TOKEN_LIFE)) })
        .on_passive_sign_in(|_| async { Some(BrowserCookies::new()) });
    if client.is_xml {
        builder = builder.representation(Representation::Xml);
    }
    if client.plain_text_only {
        builder = builder.plain_text_only();
    }
    if client.keeps_status {
        builder = builder.keep_status();
    }
    if client.has_percent_data_uris {
        builder = builder.data_uris(DataUriEncoding::Percent);
    }
    if let Some(culture) = &client.culture {
        builder = builder.culture(culture);
    }
    if let Some(user_agent) = &client.user_agent {
        builder = builder.user_agent(user_agent);
    }
    if let Some(id) = &client.endpoint_id {
        builder = builder.endpoint_id(id);
    }
    builder
}

/// The credentials of the recorded kind. Every password matches the recorded one, which is not in the recording.
fn credentials(client: &RecordedClient) -> Credentials {
    let user = user(client);
    match client.sign_in {
        RecordedSignIn::Windows => Credentials::windows(user),
        RecordedSignIn::Passive => Credentials::passive(user),
        RecordedSignIn::Bearer => Credentials::bearer(user),
        _ => {
            let credentials = Credentials::password(&user, "any");
            match &client.user_name {
                Some(name) if !user.trim_start_matches("sip:").eq_ignore_ascii_case(name) => {
                    credentials.with_user_name(name)
                }
                _ => credentials,
            }
        }
    }
}

struct Player {
    application: Application,
    /// The conversations by the paths of their recorded resources.
    conversations: BTreeMap<String, Conversation>,
    /// The conversations by the IDs of their recorded threads.
    threads: BTreeMap<String, Conversation>,
}

impl Player {
    /// Calls the command of an operation. If there is no conversation for it, the request is reported as missing.
    async fn perform(&mut self, operation: &Operation) {
        let path = &operation.conversation;
        if let OperationKind::SignOut = operation.kind {
            drop(self.application.sign_in_manager().sign_out());
            return;
        }
        let conversation = match &operation.kind {
            OperationKind::Invite {
                to: Some(to),
                thread,
                ..
            } => {
                let known = thread.as_ref().and_then(|it| self.threads.get(it).cloned());
                let manager = self.application.conversations_manager();
                known.or_else(|| manager.get_conversation(to).ok())
            }
            OperationKind::Accept(sender) | OperationKind::Decline(sender) => {
                self.invited(sender.as_deref()).await
            }
            _ => self.conversations.get(path).cloned(),
        };
        let manager = self.application.conversations_manager();
        let newest = || manager.conversations().snapshot().pop();
        let Some(conversation) = conversation.or_else(newest) else {
            return;
        };
        self.conversations
            .insert(path.clone(), conversation.clone());
        let chat = conversation.chat_service();
        match &operation.kind {
            OperationKind::Invite {
                thread,
                subject,
                message,
                ..
            } => {
                if let Some(thread) = thread {
                    self.threads.insert(thread.clone(), conversation.clone());
                }
                if let Some(subject) = subject {
                    drop(conversation.set_topic(subject));
                }
                match message {
                    Some(message) => drop(chat.send_message(body(message))),
                    None => drop(chat.start(StartOptions::default())),
                }
            }
            OperationKind::Send(message) => drop(chat.send_message(body(message))),
            OperationKind::Type => drop(chat.send_is_typing()),
            OperationKind::Accept(_) => drop(chat.accept()),
            OperationKind::Decline(_) => drop(chat.reject()),
            OperationKind::Stop => drop(chat.stop()),
            OperationKind::Leave => drop(conversation.leave()),
            OperationKind::Add(who) => {
                if let Ok(participant) = conversation.create_participant(who) {
                    drop(conversation.participants().add(participant));
                }
            }
            _ => {}
        }
    }

    /// The conversation with an invitation of this user, as soon as there is one.
    async fn invited(&self, sender: Option<&str>) -> Option<Conversation> {
        let deadline = Instant::now() + INVITATION_TIMEOUT;
        let manager = self.application.conversations_manager();
        loop {
            let conversations = manager.conversations().snapshot();
            let invited = conversations.into_iter().rfind(|conversation| {
                let chat = conversation.self_participant().chat();
                let peer = conversation.participants().get(0);
                let is_sender = sender.is_none_or(|sender| {
                    peer.is_some_and(|peer| peer.person().id().get().eq_ignore_ascii_case(sender))
                });
                chat.state().get() == CallConnectionState::Notified && is_sender
            });
            if invited.is_some() || Instant::now() >= deadline {
                return invited;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn body(message: &RecordedMessage) -> MessageBody {
    if message.is_html {
        MessageBody::Html(message.text.clone())
    } else {
        MessageBody::Text(message.text.clone())
    }
}
