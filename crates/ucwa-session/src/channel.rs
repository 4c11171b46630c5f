//! The event channel: one pending GET at a time, at the address that the last page named.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{EventPage, Follow, HrefKey, Origin};

use crate::config::ReplacementPolicy;
use crate::exchange::{Exchange, POLL_MARGIN, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::io::{Lane, TransportFailureKind};
use crate::response::{not_ucwa, representation_of, retry_after};
use crate::session::Session;
use crate::sign_in::{ApplicationLinks, Phase};
use crate::timers::Timer;

/// The maximum pause between two polls, and between attempts of a request that the next poll needs. The server drops a
/// message that is not fetched within 30 s (`message_ref`).
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How long polls may fail in a row. The server ends an application that does not poll for this time (`MeDashboard`),
/// and the session then ends, too.
const MAX_FAILING_TIME: Duration = Duration::from_secs(15 * 60);
/// A poll that lasted this long was held by the server. If its connection breaks afterwards, the channel works.
const HELD: Duration = Duration::from_secs(10);
/// How long the read of the application for its events link may take, with all retries. Then the old address is polled
/// again.
const READ_TIME: Duration = Duration::from_secs(10);
/// The number of unreadable pages in a row after which the channel restarts at the events link.
const MAX_BAD_PAGES: u32 = 3;
/// The maximum number of attempts to list the conversations, each with its own retries.
const MAX_LISTS: u32 = 3;
/// The pause after a failed list of conversations.
const LIST_PAUSE: Duration = Duration::from_secs(10);
/// The pauses before the channel is taken back. After one more replacement the session yields. Together they are shorter than
/// the 30 s after which an unfetched message is lost (`message_ref`).
const TAKE_BACK_PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(8),
];
/// A replacement this long after the last one is counted as the first one. If the session noticed a suspend within this time
/// before a replacement, or has got no page since, another process took over during the suspend.
const REPLACED_WINDOW: Duration = Duration::from_secs(60);

/// How long a commit may take. The server keeps a message for 30 s (`message_ref`).
const COMMIT_TIME: Duration = Duration::from_secs(25);

/// The subcode of the refusal of a pending GET that another one replaced (`EventChannelDetails`).
const PGET_REPLACED: &str = "PGetReplaced";

#[derive(Debug, Default)]
pub(crate) struct Channel {
    /// The href of the next pending GET.
    next: String,
    /// The href that the last page named, which acknowledges the page. Empty before the first page. It differs from `next`
    /// after a restart at the events link.
    acknowledging: String,
    failures: u32,
    bad_pages: u32,
    /// The parts of event pages that could not be read.
    malformed_parts: u64,
    /// When the first of the current consecutive failures of polls was noticed. The time of the last page is not used, since
    /// a successful poll may take up to the configured timeout.
    failing_since: Option<Duration>,
    /// A poll has failed since the last page. The server may have sent a page that was lost, and sends a newer one.
    is_repeated: bool,
    /// The channel has restarted since the last page, so events may have been lost.
    has_gap: bool,
    /// When the channel was last replaced by another process.
    replaced_at: Option<Duration>,
    /// The number of replacements in a row.
    replacements: usize,
    /// When the last page arrived.
    page_at: Option<Duration>,
    /// The number of the page that waits for its commit, and when it arrived.
    uncommitted: Option<(u64, Duration)>,
    /// The number of failed lists of conversations in a row.
    unlisted: u32,
}

impl Channel {
    /// The href at which another process continues: it acknowledges every page that this one has handled.
    pub(crate) fn continuation(&self) -> &str {
        match self.acknowledging.is_empty() {
            true => &self.next,
            false => &self.acknowledging,
        }
    }
}

impl Session {
    /// Opens the channel of an application.
    pub(crate) fn begin_channel(&mut self) {
        self.channel = Channel {
            malformed_parts: self.channel.malformed_parts,
            ..Channel::default()
        };
        self.use_events_link();
        self.poll(Duration::ZERO);
    }

    /// Continues the channel of an earlier session. The server keeps the parameters.
    pub(crate) fn continue_channel(&mut self, next: String) {
        self.channel.acknowledging.clone_from(&next);
        self.channel.next = next;
        self.poll(Duration::ZERO);
    }

    /// Restarts the channel at the application's events link. Unread events may be lost.
    pub(crate) fn restart_channel(&mut self) {
        self.return_to_events_link();
        self.poll(Duration::ZERO);
    }

    /// Sets the address of the next poll to the events link. Unread events may be lost.
    fn return_to_events_link(&mut self) {
        self.channel.has_gap = true;
        self.use_events_link();
    }

    fn use_events_link(&mut self) {
        // An application that was resumed and not read yet is polled where the earlier session stopped.
        if let Some(events) = &self.sign_in.links.events {
            self.channel.next.clone_from(events);
            self.append_parameters();
        }
        self.channel.bad_pages = 0;
    }

    /// Adds the parameters of the channel to the next address. The server keeps them.
    fn append_parameters(&mut self) {
        for (name, value) in self.core.config.channel.parameters() {
            self.channel.next = Origin::append_query(&self.channel.next, name, &value);
        }
    }

    /// Whether there is a pending GET, also one whose end has not been handled yet, or a page that waits for its commit.
    pub(crate) fn is_polling(&self) -> bool {
        let mut exchanges = self.core.exchanges();
        exchanges.any(|exchange| exchange.purpose == Purpose::Poll) || self.has_uncommitted_page()
    }

    /// The next pending GET. `None` if its address leads to another host, which ends the session.
    fn next_poll(&mut self) -> Option<Exchange> {
        let url = match self.core.resolve(&self.channel.next, Stage::Events) {
            Ok(url) => url,
            Err(failure) => {
                self.give_up(failure.with_kind(FailureKind::ConnectionLost));
                return None;
            }
        };
        let exchange = Exchange::new(Purpose::Poll, Method::GET, url)
            .on_lane(Lane::Events)
            .with_timeout(self.core.config.channel.held() + POLL_MARGIN);
        Some(exchange)
    }

    fn poll(&mut self, pause: Duration) {
        let Some(exchange) = self.next_poll() else {
            return;
        };
        if pause.is_zero() {
            self.core.issue(exchange);
        } else {
            self.core.arm(pause, Timer::Retry(Box::new(exchange)));
        }
    }

    pub(crate) fn on_poll(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let is_repeated = std::mem::replace(&mut self.channel.is_repeated, true);
        match result {
            Ok(response) if response.status().is_success() => {
                self.on_page_answer(exchange, &response, is_repeated);
            }
            Ok(response) => {
                let failure = self.core.refusal(exchange, &response);
                if failure.subcode() == Some(PGET_REPLACED) || failure.code() == Some(PGET_REPLACED)
                {
                    return self.on_replaced(failure);
                }
                let asked = retry_after(&response);
                let transient = matches!(
                    response.status().as_u16(),
                    408 | 429 | 500 | 502 | 503 | 504
                );
                if transient {
                    if matches!(response.status().as_u16(), 408 | 502 | 504) {
                        self.on_cut(exchange);
                    }
                    self.poll_again(failure, asked);
                } else {
                    self.on_bad_page(failure);
                }
            }
            // The answer of the caller leaves the channel to the other process.
            Err(failure) if failure.subcode() == Some(PGET_REPLACED) => self.yield_to(failure),
            Err(failure) => match failure.kind() {
                FailureKind::InvalidCredentials
                | FailureKind::GrantNotOffered { .. }
                | FailureKind::Untrusted
                | FailureKind::PlainHttp => self.give_up(failure),
                FailureKind::NoCredentials => self.leave_application(failure),
                _ => {
                    let transport = failure.transport_failure();
                    if transport.is_some_and(|it| it.kind == TransportFailureKind::Broken) {
                        self.on_cut(exchange);
                    }
                    self.poll_again(failure, None);
                }
            },
        }
    }

    /// Handles a poll whose connection broke, or that timed out at a gateway. Proxies often close the connection
    /// of a poll that the server holds. This is no failure of the channel, and the same address returns the same page.
    fn on_cut(&mut self, poll: &Exchange) {
        let sent = poll.first_sent.unwrap_or(self.core.now);
        if self.core.now.saturating_sub(sent) >= HELD {
            self.channel.failures = 0;
            self.channel.failing_since = None;
            self.on_channel_works();
        }
    }

    pub(crate) fn decode_page<'a>(
        &self,
        exchange: &Exchange,
        response: &'a Response<Bytes>,
    ) -> Result<EventPage<'a>, Failure> {
        let representation = representation_of(response);
        let representation = representation.ok_or_else(|| not_ucwa(exchange, response))?;
        EventPage::decode(response.body(), representation, &self.core.config.limits)
            .map_err(|error| not_ucwa(exchange, response).with_message(error.to_string()))
    }

    /// How long an event of the page may have waited at the server: from the page before until the poll. `None` without such
    /// a page, as the first one of a resumed session may be old.
    fn waited(&self, poll: &Exchange) -> Option<Duration> {
        let page_at = self.channel.page_at?;
        // A poll that was repeated may have lost the page.
        let sent = poll.first_sent.filter(|_| poll.attempts == 1);
        Some(sent.unwrap_or(self.core.now).saturating_sub(page_at))
    }

    fn on_page_answer(
        &mut self,
        exchange: &Exchange,
        response: &Response<Bytes>,
        is_repeated: bool,
    ) {
        let page = match self.decode_page(exchange, response) {
            Ok(page) => page,
            Err(failure) => return self.on_bad_page(failure),
        };
        let Some(follow) = &page.follow else {
            return self.on_bad_page(
                not_ucwa(exchange, response).with_message("the page has no link to the next one"),
            );
        };
        self.channel.next = follow.href().to_owned();
        let waited = self.waited(exchange);
        self.channel.page_at = Some(self.core.now);
        self.report_malformed(&page);
        if matches!(follow, Follow::Resume(_)) {
            // The server dropped the parameters with its transient state.
            self.append_parameters();
        }
        self.channel.acknowledging.clone_from(&self.channel.next);
        self.channel.failures = 0;
        self.channel.bad_pages = 0;
        self.channel.failing_since = None;
        self.channel.is_repeated = false;
        let has_gap = std::mem::take(&mut self.channel.has_gap)
            || matches!(follow, Follow::Resume(_) | Follow::Resync(_));
        // The next GET acknowledges this page. It is sent before the events of the page are handled, or after the commit.
        if self.core.config.commit_gate && page.events().next().is_some() {
            self.await_commit();
        } else {
            self.poll(Duration::ZERO);
        }
        if self.sign_in.phase != Phase::Running {
            // The link points to another host: the page is ignored, and the session has ended.
            return;
        }
        self.on_channel_works();
        self.people.on_event_page(&mut self.core, is_repeated);
        self.on_events(&page, waited);
        if has_gap {
            self.list_conversations();
            self.people.resynchronize(&mut self.core);
            self.history.resynchronize(&mut self.core);
        }
    }

    /// Waits for the commit of a page, whose successor is on the application's host.
    fn await_commit(&mut self) {
        if self.next_poll().is_some() {
            self.channel.uncommitted = Some((self.core.commit_gate.next(), self.core.now));
            self.core.arm(COMMIT_TIME, Timer::Uncommitted);
        }
    }

    /// The number that the caller passes to [`Input::Commit`](crate::Input::Commit) after it has stored what the session
    /// reported until now, with [`SessionConfig::commit_gate`](crate::SessionConfig::commit_gate). `None` if neither a page
    /// nor a message waits for a commit. The caller stores the current [checkpoint](Session::checkpoint).
    #[must_use]
    pub fn uncommitted(&self) -> Option<u64> {
        let page = self.channel.uncommitted.map(|(number, _)| number);
        page.max(self.core.commit_gate.awaited())
    }

    /// Whether an event page waits for its commit.
    pub(crate) fn has_uncommitted_page(&self) -> bool {
        self.channel.uncommitted.is_some()
    }

    /// Sends the messages and acknowledges the page that waited for this commit.
    pub(crate) fn commit(&mut self, number: u64) {
        if !self.core.commit(number) {
            return;
        }
        let is_stored = |(page, _): &mut (u64, Duration)| *page <= number;
        if self.channel.uncommitted.take_if(is_stored).is_some()
            && self.sign_in.phase == Phase::Running
        {
            self.core
                .cancel_timers(|timer| matches!(timer, Timer::Uncommitted));
            self.on_channel_works();
            self.poll(Duration::ZERO);
        }
    }

    /// Reports that messages may be lost, because the caller has not committed their page in time.
    pub(crate) fn on_commit_overdue(&mut self) {
        if let Some((_, since)) = self.channel.uncommitted {
            let failure = Failure::new(FailureKind::Timeout, Stage::Events)
                .with_message("an event page has not been committed in time");
            self.interrupted(since, &failure);
        }
    }

    /// Logs and counts the parts of a page that could not be read. Their text is not logged, since it may be a message.
    fn report_malformed(&mut self, page: &EventPage<'_>) {
        for part in &page.malformed {
            self.channel.malformed_parts += 1;
            let rel = part.link.as_ref().map(|link| &*link.rel);
            tracing::warn!(error = %part.error, bytes = part.raw.len(), rel, "a part of an event page is malformed");
        }
    }

    /// The number of malformed parts of event pages, mostly events, since the session started. Their readable part was used,
    /// and the resources of malformed events are read by their links.
    #[must_use]
    pub fn malformed_parts(&self) -> u64 {
        self.channel.malformed_parts
    }

    fn poll_again(&mut self, failure: Failure, asked: Option<Duration>) {
        let since = *self.channel.failing_since.get_or_insert(self.core.now);
        if self.core.now.saturating_sub(since) >= MAX_FAILING_TIME {
            return self.give_up(failure.with_kind(FailureKind::ConnectionLost));
        }
        self.interrupted_since(since, &failure);
        // The pause that the server asks for extends the backoff, and never shortens it.
        let base = Duration::from_millis(100);
        let backoff = self.core.backoff(base, self.channel.failures, MAX_PAUSE);
        let pause = backoff.max(asked.unwrap_or_default()).min(MAX_PAUSE);
        self.channel.failures += 1;
        self.poll(pause);
    }

    /// Handles a response that is not a page, or a page without a link to the next one.
    fn on_bad_page(&mut self, failure: Failure) {
        self.channel.bad_pages += 1;
        // Until the user is available, the address is that of the events link.
        if self.channel.bad_pages < MAX_BAD_PAGES || self.sign_in.phase == Phase::Entering {
            return self.poll_again(failure, None);
        }
        let since = self.channel.failing_since.unwrap_or(self.core.now);
        self.interrupted(since, &failure);
        // The same address will return the same page, so the channel restarts at the events link of the application.
        self.channel.bad_pages = 0;
        self.channel.failures += 1;
        if self.core.is_under_way(&Purpose::ReadApplication) {
            // A session that signs in or resumes reads its application, and restarts the channel then.
            return;
        }
        let href = self.sign_in.links.application.clone().unwrap_or_default();
        match self.core.resolve(&href, Stage::Events) {
            Ok(url) => self
                .core
                .issue(Exchange::new(Purpose::ReadApplication, Method::GET, url).within(READ_TIME)),
            Err(failure) => self.give_up(failure.with_kind(FailureKind::ConnectionLost)),
        }
    }

    /// Handles a failed read of the application before a restart.
    pub(crate) fn on_channel_unreadable(&mut self, failure: Failure) {
        self.poll_again(failure, None);
    }

    /// Handles the replacement of the pending GET by one that this session did not send: another process uses the
    /// application.
    fn on_replaced(&mut self, failure: Failure) {
        let now = self.core.now;
        let is_recent = |at: Duration| now.saturating_sub(at) < REPLACED_WINDOW;
        if !self.channel.replaced_at.is_some_and(is_recent) {
            self.channel.replacements = 0;
        }
        self.channel.replaced_at = Some(now);
        let pause = TAKE_BACK_PAUSES.get(self.channel.replacements).copied();
        self.channel.replacements += 1;
        let was_suspended = self.was_suspended();
        // The pending GET from before a suspend may have reached the server after its repetition.
        let repeated_at = self.core.clocks.poll_repeated_at.take();
        let may_be_own = repeated_at.is_some_and(is_recent);
        match (self.core.config.replacement, pause) {
            (_, Some(_)) if may_be_own => self.restart_channel(),
            (ReplacementPolicy::Ask, _) => {
                self.return_to_events_link();
                if let Some(poll) = self.next_poll() {
                    self.core.ask_take_back(poll, failure);
                }
            }
            (ReplacementPolicy::TakeBack, Some(pause)) if !was_suspended => {
                tracing::warn!(%failure, ?pause, "another process took over the event channel; taking it back");
                self.return_to_events_link();
                self.poll(pause);
            }
            (ReplacementPolicy::TakeBack | ReplacementPolicy::Yield, _) => self.yield_to(failure),
        }
    }

    /// Whether another process may have taken over during a suspend: it was noticed less than [`REPLACED_WINDOW`] ago, or no
    /// page has arrived since.
    pub(crate) fn was_suspended(&self) -> bool {
        let noticed_at = self.core.clocks.suspend_noticed_at;
        noticed_at.is_some_and(|at| {
            self.core.now.saturating_sub(at) < REPLACED_WINDOW || self.channel.page_at < Some(at)
        })
    }

    /// Ends the session without deleting the application, because another process has taken over the event channel.
    pub(crate) fn yield_to(&mut self, failure: Failure) {
        tracing::warn!(%failure, "another process took over the event channel; leaving the application to it");
        self.leave_application(failure.with_kind(FailureKind::ConnectionLost));
    }

    /// Ends the session without deleting the application.
    pub(crate) fn leave_application(&mut self, failure: Failure) {
        self.sign_in.links = ApplicationLinks::default();
        self.give_up(failure);
    }

    /// Lists the conversations on the server, to find those whose start or end no event reported.
    pub(crate) fn list_conversations(&mut self) {
        self.core
            .cancel_timers(|timer| matches!(timer, Timer::ListConversations));
        if let Some(href) = &self.sign_in.links.conversations
            && self.sign_in.phase == Phase::Running
            && let Ok(url) = self.core.resolve(href, Stage::Events)
        {
            let purpose = Purpose::ListConversations(self.chats.known_hrefs());
            self.core.issue(Exchange::new(purpose, Method::GET, url));
        }
    }

    pub(crate) fn on_conversations_listed(
        &mut self,
        known: &[HrefKey],
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let list = self.core.fetched(exchange, result).and_then(|list| {
            // A list with links to another host is not trusted.
            let all = list.links("conversation");
            let is_resolvable = |href: &str| self.core.resolve(href, Stage::Events).map(drop);
            all.iter().try_for_each(|link| is_resolvable(&link.href))?;
            Ok(list)
        });
        let list = match list {
            Ok(list) => list,
            Err(failure) => {
                self.channel.unlisted += 1;
                if self.channel.unlisted < MAX_LISTS {
                    self.core.arm(LIST_PAUSE, Timer::ListConversations);
                } else {
                    self.channel.unlisted = 0;
                    tracing::warn!(%failure, "the conversations could not be listed");
                }
                return;
            }
        };
        self.channel.unlisted = 0;
        let listed: Vec<String> = list
            .links("conversation")
            .iter()
            .map(|link| link.href.to_string())
            .collect();
        self.chats.compare_with_list(&mut self.core, known, &listed);
        self.chats.read_unknown(&mut self.core, &listed);
    }
}
