//! The session: dispatches inputs to its parts and collects their outputs.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use ucwa_proto::EventPage;

use crate::channel::Channel;
use crate::chats::Chats;
use crate::config::{Root, SessionConfig};
use crate::contact_list::ContactsOperation;
use crate::core::{Core, Finished};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::history::History;
use crate::io::{Input, Output};
use crate::keys::Ticket;
use crate::operation::Operation;
use crate::people::People;
use crate::response::Answer;
use crate::sign_in::{ApplicationLinks, Phase, SignIn};
use crate::timers::{Timer, TimerKey};

/// One sign-in of one user. See the crate documentation for how to drive it.
///
/// A session cannot be used again after it has signed out, for whatever reason. Create another session for the next
/// sign-in.
pub struct Session {
    pub(crate) core: Core,
    pub(crate) sign_in: SignIn,
    pub(crate) channel: Channel,
    pub(crate) chats: Chats,
    pub(crate) people: People,
    pub(crate) history: History,
    /// Responses that wait for the check whether the application exists.
    pub(crate) unchecked: Vec<Finished>,
}

/// The end of an application, as reported by the server.
enum ApplicationEnd {
    /// The server does not know the application. Another one can be created.
    Lost(Failure),
    /// The server ended the application. The user decides what to do.
    Over(Failure),
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("phase", &self.sign_in.phase)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Creates a session that is not signed in.
    pub fn new(config: SessionConfig) -> Self {
        Self {
            core: Core::new(config),
            sign_in: SignIn::new(),
            channel: Channel::default(),
            chats: Chats::default(),
            people: People::default(),
            history: History::default(),
            unchecked: Vec::new(),
        }
    }

    /// Sets where the discovery of the server starts. Has no effect after the sign-in has begun.
    pub fn set_root(&mut self, root: Root) {
        if self.sign_in.phase == Phase::Fresh {
            self.core.config.root = root;
        }
    }

    /// Begins an operation at `now`. The operation takes effect before this returns; its results come out of
    /// [`Session::poll_output`], and its end as one [`Output::Completed`] with `ticket`. A session must get each ticket once.
    pub fn submit(&mut self, now: Duration, ticket: Ticket, operation: Operation) {
        self.core.now = self.core.now.max(now);
        self.core.open_ticket(ticket);
        tracing::debug!(ticket = ticket.0, ?operation, "submit");
        self.perform(ticket, operation);
        self.settle();
    }

    /// Whether an operation needs links that the application may have only after the user is available. An interest in a person
    /// or in a list needs none: it is recorded, and holds for every application.
    fn needs_application(&self, operation: &Operation) -> bool {
        match operation {
            Operation::Contacts(
                ContactsOperation::Follow { .. } | ContactsOperation::FollowPresence { .. },
            )
            | Operation::FollowPerson { .. } => false,
            Operation::FetchPerson { .. }
            | Operation::SetMe(_)
            | Operation::SearchPeople { .. }
            | Operation::Contacts(_)
            | Operation::SetHistory(_)
            | Operation::ListArchived { .. }
            | Operation::ReadArchived(_)
            | Operation::MarkAsRead(_) => true,
            // All operations on conversations wait, so that their order remains.
            _ => !self.chats.can_begin(),
        }
    }

    /// Performs an operation, or keeps it until the application has been read.
    pub(crate) fn perform(&mut self, ticket: Ticket, operation: Operation) {
        match operation {
            Operation::SignIn(credentials) => self.sign_in(ticket, credentials),
            Operation::SignOut => self.sign_out(ticket),
            operation
                if self.is_waiting_for_application() && self.needs_application(&operation) =>
            {
                self.wait_for_application(ticket, operation);
            }
            Operation::FetchPerson { .. }
            | Operation::FollowPerson { .. }
            | Operation::SetMe(_)
            | Operation::SearchPeople { .. }
            | Operation::Contacts(_) => {
                self.people.submit(&mut self.core, ticket, operation);
            }
            Operation::SetHistory(_)
            | Operation::ListArchived { .. }
            | Operation::ReadArchived(_)
            | Operation::MarkAsRead(_) => {
                self.history
                    .submit(&mut self.core, &self.chats, ticket, &operation);
            }
            operation => {
                self.chats.submit(&mut self.core, ticket, operation);
            }
        }
    }

    /// Handles an input at `now`. Time does not go backwards: a smaller `now` than that of the last input counts as the
    /// same time.
    pub fn handle(&mut self, now: Duration, input: Input) {
        let idle = now.saturating_sub(self.core.now);
        self.core.now = self.core.now.max(now);
        match input {
            // A response precedes the deadline that it met, so timers wait for the input that the driver woke for.
            Input::WallClock(time) => {
                self.core.read_wall_clock(time, idle);
                return self.settle();
            }
            Input::Response { id, result } => self.core.on_response(id, result),
            Input::Answer { id, answer } => self.core.on_answer_to(id, Some(answer)),
            Input::Commit(number) => self.commit(number),
            Input::Timeout => {}
            Input::Shutdown => self.shut_down(),
        }
        // Timers fire after every input, not only after `Timeout`.
        while let Some((key, timer)) = self.core.pop_due() {
            self.on_timer(key, timer);
        }
        self.settle();
    }

    /// The next output, or [`Output::Idle`] if there is nothing to do until the next input.
    pub fn poll_output(&mut self) -> Output {
        self.core.next_output()
    }

    fn settle(&mut self) {
        loop {
            while let Some((exchange, result)) = self.core.next_finished() {
                self.dispatch(exchange, result);
            }
            if !self.core.send_collected() {
                return;
            }
        }
    }

    fn on_timer(&mut self, key: TimerKey, timer: Timer) {
        match timer {
            Timer::Watchdog(id) => self.core.on_watchdog(id),
            Timer::RepeatPoll(id) => self.core.repeat_now(id),
            Timer::Uncommitted => self.on_commit_overdue(),
            Timer::Retry(exchange) => self.core.issue(*exchange),
            Timer::Unanswered(id) => self.core.on_answer_to(id, None),
            Timer::RenewToken(origin) => self.core.renew_token(origin),
            Timer::DiscoveryGrace => self.on_discovery_grace(),
            Timer::ReportActivity => self.report_activity(),
            Timer::Recreate => self.recreate(),
            Timer::ListConversations => self.list_conversations(),
            Timer::Chats(timer) => self.chats.on_timer(&mut self.core, key, timer),
            Timer::People(timer) => self.people.on_timer(&mut self.core, timer),
            Timer::History(timer) => self.history.on_timer(&mut self.core, timer),
        }
        self.settle();
    }

    fn dispatch(&mut self, exchange: Exchange, result: Result<Response<Bytes>, Failure>) {
        if exchange.purpose.is_of_application()
            && self.sign_in.phase != Phase::Leaving
            && let Some(end) = self.application_ended(&exchange, &result)
        {
            if let ApplicationEnd::Lost(failure) = &end
                && Self::may_be_expired_subscription(&exchange, failure)
            {
                return self.check_application((exchange, result));
            }
            // A message in the request was certainly not sent. Everything else in flight ends with the application.
            if let Purpose::Chats(purpose) = &exchange.purpose
                && purpose.carries_message()
            {
                let exchange = &exchange;
                let answer = Answer { exchange, result };
                self.chats.on_finished(&mut self.core, purpose, answer);
            }
            return match end {
                ApplicationEnd::Lost(failure) => self.application_lost(failure),
                // The caller has just asked for this sign-in.
                ApplicationEnd::Over(failure) if self.sign_in.resumption.is_under_way() => {
                    self.application_lost(failure);
                }
                ApplicationEnd::Over(failure) => {
                    // An application that the server has ended need not be deleted.
                    self.sign_in.links = ApplicationLinks::default();
                    self.give_up(failure.with_kind(FailureKind::Gone));
                }
            };
        }
        match &exchange.purpose {
            Purpose::Root(source) => self.on_root(*source, &exchange, result),
            Purpose::User => self.on_user(&exchange, result),
            Purpose::Token(origin) => {
                let another = self.core.on_token(origin, &exchange, result);
                if another && self.sign_in.phase == Phase::Running {
                    let failure = Failure::new(FailureKind::ConnectionLost, Stage::Authentication)
                        .with_message("the server issued the token of another participant");
                    self.application_lost(failure);
                }
            }
            Purpose::Challenge(origin) => {
                self.core
                    .on_challenge_answer(origin.clone(), &exchange, result);
            }
            Purpose::CreateApplication => self.on_application_created(&exchange, result),
            Purpose::MakeMeAvailable => self.on_made_available(&exchange, result),
            Purpose::ReadApplication => self.on_application_read(&exchange, result),
            Purpose::CheckApplication => self.on_application_checked(),
            Purpose::Poll if self.is_early_page(&result) => self.hold_page((exchange, result)),
            Purpose::Poll => self.on_poll(&exchange, result),
            Purpose::ReportActivity => self.on_activity_reported(&exchange, result),
            Purpose::DeleteApplication => self.on_application_deleted(&exchange, result),
            Purpose::ListConversations(known) => {
                self.on_conversations_listed(known, &exchange, result);
            }
            Purpose::People(purpose) => {
                self.people
                    .on_finished(&mut self.core, purpose, &exchange, result);
            }
            Purpose::History(purpose) => self.history.on_finished(
                &mut self.core,
                &mut self.chats,
                purpose,
                &exchange,
                result,
            ),
            Purpose::Chats(purpose) => {
                let exchange = &exchange;
                let answer = Answer { exchange, result };
                self.chats.on_finished(&mut self.core, purpose, answer);
            }
            // The end of a batch is the end of the exchanges in it.
            Purpose::Batch(_) => {}
        }
    }

    /// Any request of an application may be answered with its end: 404 ApplicationNotFound, after which the session
    /// creates another one (for a request of a subscription to presence, after a check), or 410, after which it does not (`ApplicationDashboard`).
    fn application_ended(
        &self,
        exchange: &Exchange,
        result: &Result<Response<Bytes>, Failure>,
    ) -> Option<ApplicationEnd> {
        let response = result.as_ref().ok()?;
        if !matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            return None;
        }
        let failure = self.core.refusal(exchange, response);
        let says = |word: &str| failure.subcode() == Some(word) || failure.code() == Some(word);
        let expired = says("InactiveApplicationExpired");
        let lost = match response.status() {
            StatusCode::NOT_FOUND => says("ApplicationNotFound"),
            _ => expired && self.core.config.recreate_expired,
        };
        let over = expired || says("TooManyApplications") || says("UserAgentNotAllowed");
        if lost {
            Some(ApplicationEnd::Lost(failure))
        } else if over && response.status() == StatusCode::GONE {
            Some(ApplicationEnd::Over(failure))
        } else {
            None
        }
    }

    /// Ends everything that belongs to an application.
    pub(crate) fn end_all(&mut self, failure: &Failure) {
        self.unchecked.clear();
        self.end_early_page();
        self.end_waiting(failure);
        self.chats.end_all(&mut self.core, failure);
        self.people.end_all(&mut self.core, failure);
        self.history.end_all(&mut self.core, failure);
    }

    /// Handles the events of a page, in order. `waited` is the maximum time that they waited for a poll, if it is known.
    pub(crate) fn on_events(&mut self, page: &EventPage<'_>, waited: Option<Duration>) {
        for (_, event) in page
            .events()
            .filter(|(sender, _)| sender.rel == "communication")
        {
            if event.link.rel == "communication"
                && let Some(communication) = event.resource()
            {
                self.apply_communication(communication);
            }
        }
        self.chats.on_page(&mut self.core, page, waited);
        // Everything of interest is read when the application has been read.
        if !self.is_waiting_for_application() {
            self.people.on_page(&mut self.core, page);
        }
        self.history.on_page(&mut self.core, page);
    }
}
