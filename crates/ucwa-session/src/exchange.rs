//! One HTTP exchange as the session sees it: what it is for, and what it takes to send it again.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tracing::{Span, field};
use ucwa_proto::{HrefKey, Origin};

use crate::chats::Measure;
use crate::failure::Stage;
use crate::history::HistoryPurpose;
use crate::io::{ConnectionAuth, Lane};
use crate::keys::{ConversationKey, MessageKey, ParticipantKey};
use crate::people::PeoplePurpose;
use crate::timers::TimerKey;

/// What an exchange is for; decides who gets its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An autodiscovery root, on the way that began so.
    Root(RootSource),
    /// The user resource.
    User,
    /// A token for an origin.
    Token(Origin),
    /// A challenge for an origin that refused a token without sending one.
    Challenge(Origin),
    /// POST applications.
    CreateApplication,
    /// POST makeMeAvailable.
    MakeMeAvailable,
    /// GET application.
    ReadApplication,
    /// The pending GET.
    Poll,
    /// POST reportMyActivity.
    ReportActivity,
    /// DELETE application.
    DeleteApplication,
    /// GET conversations, to learn which of these live on after the channel lost its place. What begins while the
    /// answer is on its way is not missing in it.
    ListConversations(Vec<HrefKey>),
    /// POST startMessaging or addMessaging, with the operation id.
    Invite(ConversationKey, String),
    /// GET the invitation with this operation id.
    ReadInvitation(ConversationKey, String),
    /// GET an invitation that an event only linked to, by its href and its rel.
    ReadForeignInvitation(String, String),
    /// POST accept.
    Accept(ConversationKey),
    /// POST decline.
    Decline(ConversationKey),
    /// POST cancel.
    Cancel(ConversationKey),
    /// POST stopMessaging.
    StopMessaging(ConversationKey),
    /// The chat is stopped where the server lets nobody end the conversation.
    StopInstead(ConversationKey),
    /// DELETE conversation.
    DeleteConversation(ConversationKey),
    /// GET conversation.
    ReadConversation(ConversationKey),
    /// GET a conversation that nobody claims, by its href, asked in vain so often before.
    ReadUnclaimed(String, u32),
    /// GET participants.
    ReadParticipants(ConversationKey),
    /// GET messaging.
    ReadMessaging(ConversationKey),
    /// GET a participant, by the key of its href.
    ReadParticipant(ConversationKey, String),
    /// POST sendMessage.
    SendMessage(ConversationKey, MessageKey),
    /// GET a message of ours for its verdict.
    ReadVerdict(ConversationKey, MessageKey),
    /// GET a message of ours that an event told of, to learn which it is, by the key of its href.
    ReadSent(ConversationKey, String),
    /// GET a message that an event only linked to, by the key of its href.
    ReadMessage(ConversationKey, String),
    /// POST setIsTyping.
    SetIsTyping(ConversationKey),
    /// POST addParticipant, with the operation id.
    AddParticipant(ConversationKey, String),
    /// GET the invitation of a participant with this operation id.
    ReadParticipantInvitation(ConversationKey, String),
    /// POST the cancellation of the invitation of a participant.
    CancelParticipant(ConversationKey, ParticipantKey),
    /// POST eject.
    Eject(ConversationKey, ParticipantKey),
    /// POST promote, demote, admit or reject.
    Lead(ConversationKey, ParticipantKey, Measure),
    /// POST userAcknowledged.
    Acknowledge(ConversationKey),
    /// Whatever people are about.
    People(PeoplePurpose),
    /// Whatever history is about.
    History(HistoryPurpose),
    /// POST batch: several GETs, each with a purpose of its own.
    Batch(u64),
}

/// Where the way to an autodiscovery root began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RootSource {
    /// It is configured.
    Configured,
    /// `lyncdiscoverinternal.<domain>`, which has priority.
    Internal,
    /// `lyncdiscover.<domain>`.
    External,
    /// The user resource redirected there.
    Redirect,
}

impl Purpose {
    /// What is being done, for errors.
    pub(crate) fn stage(&self) -> Stage {
        match self {
            Self::Root(_) => Stage::Discovery,
            Self::User => Stage::User,
            Self::Token(_) | Self::Challenge(_) => Stage::Authentication,
            Self::CreateApplication
            | Self::MakeMeAvailable
            | Self::ReadApplication
            | Self::ReportActivity
            | Self::Batch(_)
            | Self::DeleteApplication => Stage::Application,
            Self::Poll | Self::ListConversations(_) => Stage::Events,
            Self::Invite(..)
            | Self::ReadInvitation(..)
            | Self::ReadForeignInvitation(..)
            | Self::Accept(_)
            | Self::Decline(_)
            | Self::Cancel(_)
            | Self::AddParticipant(..)
            | Self::ReadParticipantInvitation(..)
            | Self::CancelParticipant(..) => Stage::Invitation,
            Self::SendMessage(..)
            | Self::ReadVerdict(..)
            | Self::ReadSent(..)
            | Self::ReadMessage(..) => Stage::Message,
            Self::StopMessaging(_)
            | Self::StopInstead(_)
            | Self::DeleteConversation(_)
            | Self::ReadConversation(_)
            | Self::ReadUnclaimed(..)
            | Self::ReadMessaging(_)
            | Self::ReadParticipants(_)
            | Self::ReadParticipant(..)
            | Self::SetIsTyping(_)
            | Self::Eject(..)
            | Self::Lead(..)
            | Self::Acknowledge(_) => Stage::Conversation,
            Self::People(_) => Stage::People,
            Self::History(_) => Stage::History,
        }
    }

    /// The operation by the name of its resource, for traces. Names no person and holds no id.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Root(_) => "root",
            Self::User => "user",
            Self::Token(_) => "token",
            Self::Challenge(_) => "challenge",
            Self::CreateApplication => "applications",
            Self::MakeMeAvailable => "makeMeAvailable",
            Self::ReadApplication => "application",
            Self::Poll => "events",
            Self::ReportActivity => "reportMyActivity",
            Self::DeleteApplication => "application.delete",
            Self::ListConversations(_) => "conversations",
            Self::Invite(..) => "startMessaging",
            Self::ReadInvitation(..) | Self::ReadForeignInvitation(..) => "messagingInvitation",
            Self::Accept(_) => "accept",
            Self::Decline(_) => "decline",
            Self::Cancel(_) => "cancel",
            Self::StopMessaging(_) | Self::StopInstead(_) => "stopMessaging",
            Self::DeleteConversation(_) => "conversation.delete",
            Self::ReadConversation(_) | Self::ReadUnclaimed(..) => "conversation",
            Self::ReadParticipants(_) => "participants",
            Self::ReadMessaging(_) => "messaging",
            Self::ReadParticipant(..) => "participant",
            Self::SendMessage(..) => "sendMessage",
            Self::ReadVerdict(..) | Self::ReadSent(..) | Self::ReadMessage(..) => "message",
            Self::SetIsTyping(_) => "setIsTyping",
            Self::AddParticipant(..) => "addParticipant",
            Self::ReadParticipantInvitation(..) => "participantInvitation",
            Self::CancelParticipant(..) => "cancel",
            Self::Eject(..) => "eject",
            Self::Lead(_, _, measure) => measure.rel(),
            Self::Acknowledge(_) => "userAcknowledged",
            Self::People(purpose) => purpose.name(),
            Self::History(purpose) => purpose.name(),
            Self::Batch(_) => "batch",
        }
    }

    /// The conversation that it belongs to.
    pub(crate) fn conversation(&self) -> Option<ConversationKey> {
        match self {
            Self::Invite(key, _)
            | Self::ReadInvitation(key, _)
            | Self::Accept(key)
            | Self::Decline(key)
            | Self::Cancel(key)
            | Self::StopMessaging(key)
            | Self::StopInstead(key)
            | Self::DeleteConversation(key)
            | Self::ReadConversation(key)
            | Self::ReadMessaging(key)
            | Self::ReadParticipants(key)
            | Self::ReadParticipant(key, _)
            | Self::SendMessage(key, _)
            | Self::ReadVerdict(key, _)
            | Self::ReadSent(key, _)
            | Self::ReadMessage(key, _)
            | Self::SetIsTyping(key)
            | Self::AddParticipant(key, _)
            | Self::ReadParticipantInvitation(key, _)
            | Self::CancelParticipant(key, _)
            | Self::Eject(key, _)
            | Self::Lead(key, ..)
            | Self::Acknowledge(key) => Some(*key),
            _ => None,
        }
    }

    /// Whether it belongs to the application: its hrefs die with it.
    pub(crate) fn is_of_application(&self) -> bool {
        !matches!(
            self,
            Self::Root(_)
                | Self::User
                | Self::Token(_)
                | Self::Challenge(_)
                | Self::CreateApplication
        )
    }
}

/// How an exchange proves who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// Not at all, and it may go to any host.
    None,
    /// Not in the header, but the host must be trusted: it carries a password, or decides where one goes.
    TrustedHost,
    /// With the token for its host.
    Bearer,
}

/// A request with its purpose and its history.
pub(crate) struct Exchange {
    pub(crate) purpose: Purpose,
    pub(crate) method: Method,
    /// Absolute.
    pub(crate) url: String,
    /// Content type and content.
    pub(crate) body: Option<(Cow<'static, str>, Bytes)>,
    /// The version that it may change (`If-Match`).
    pub(crate) condition: Option<String>,
    pub(crate) credential: Credential,
    pub(crate) lane: Lane,
    /// What the transport proves on the connection.
    pub(crate) authentication: Option<ConnectionAuth>,
    /// How long one sending of it may take.
    pub(crate) timeout: Duration,
    /// How long all sendings of it together may take, from the first on; where absent, repeats end by the rule for all.
    pub(crate) total: Option<Duration>,
    /// How often it was sent.
    pub(crate) attempts: u32,
    /// When it was sent first.
    pub(crate) first_sent: Option<Duration>,
    /// The version of the token that it was last sent with.
    pub(crate) token_version: Option<u64>,
    /// The one repeat after an authentication challenge is used up.
    pub(crate) challenged: bool,
    /// The deadline of the transport, and a bit, while it is on the wire.
    pub(crate) watchdog: Option<TimerKey>,
    /// By which both sides find it in their logs, over all repeats; absent until it has begun.
    pub(crate) correlation_id: Option<String>,
    /// From its beginning to its end, over all repeats: operation, host, status, subcode, correlation id.
    pub(crate) span: Span,
}

impl Exchange {
    /// An exchange with the token, on the commands lane.
    pub(crate) fn new(purpose: Purpose, method: Method, url: String) -> Self {
        let span = tracing::info_span!(
            "exchange",
            operation = purpose.name(),
            host = field::Empty,
            attempts = field::Empty,
            status = field::Empty,
            subcode = field::Empty,
            correlation_id = field::Empty,
        );
        Self {
            purpose,
            method,
            url,
            body: None,
            condition: None,
            credential: Credential::Bearer,
            lane: Lane::Commands,
            authentication: None,
            timeout: COMMAND_TIMEOUT,
            total: None,
            attempts: 0,
            first_sent: None,
            token_version: None,
            challenged: false,
            watchdog: None,
            correlation_id: None,
            span,
        }
    }

    pub(crate) fn with_body(
        mut self,
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Bytes>,
    ) -> Self {
        self.body = Some((content_type.into(), body.into()));
        self
    }

    pub(crate) fn if_match(mut self, condition: String) -> Self {
        self.condition = Some(condition);
        self
    }

    pub(crate) fn with_credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Bounds the time of all sendings together.
    pub(crate) fn within(mut self, total: Duration) -> Self {
        self.total = Some(total);
        self
    }

    /// How long the next sending may take.
    pub(crate) fn time_left(&self, now: Duration) -> Duration {
        let taken = now.saturating_sub(self.first_sent.unwrap_or(now));
        self.total.map_or(self.timeout, |total| {
            self.timeout.min(total.saturating_sub(taken))
        })
    }

    pub(crate) fn on_lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    /// Whether doing it twice does no more than doing it once. Of the POSTs that is so for a batch, which only reads, for a
    /// report of activity, and for the steps of a sign-in: one token more changes nothing, an endpoint that asks again gets
    /// the application that it has (`applications_ref`), and who is available is told so (`makeMeAvailable_ref`).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method == Method::GET
            || self.method == Method::DELETE
            || self.method == Method::PUT
            || matches!(
                self.purpose,
                Purpose::Batch(_)
                    | Purpose::Token(_)
                    | Purpose::CreateApplication
                    | Purpose::MakeMeAvailable
                    | Purpose::ReportActivity
            )
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // URL queries and bodies may carry secrets and messages.
        write!(
            f,
            "Exchange({:?}, {}, attempt {})",
            self.purpose, self.method, self.attempts
        )
    }
}

/// How long a command may take. Invitations and verdicts wait on the event channel, not on the response.
pub(crate) const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a discovery host may take to answer once.
pub(crate) const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take with all repeats and with the hosts that it redirects to: one lost answer fails no sign-in.
pub(crate) const DISCOVERY_TIME: Duration = Duration::from_secs(30);
/// What a pending GET may take beyond the time that the server holds it.
pub(crate) const POLL_MARGIN: Duration = Duration::from_secs(30);
