//! The event channel: one pending GET at a time, each asked for by the page before.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{EventPage, Follow, HrefKey, Origin};

use crate::exchange::{Exchange, POLL_MARGIN, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::io::Lane;
use crate::response::{not_ucwa, representation_of, retry_after};
use crate::session::Session;
use crate::sign_in::{ApplicationLinks, Phase};
use crate::timers::Timer;

/// The longest pause between two polls, and before each attempt at what they wait for. A message that nobody fetches for
/// 30 s is lost (`message_ref`).
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How long polls may fail in a row. The server ends an application that does not poll after this time (`MeDashboard`); so
/// does the session.
const MAX_FAILING_TIME: Duration = Duration::from_secs(15 * 60);
/// How long the application may take to say where its channel begins, with all repeats; then the old address has its turn.
const READ_TIME: Duration = Duration::from_secs(10);
/// How often the same address may bring an unreadable page before the channel is begun anew.
const MAX_BAD_PAGES: u32 = 3;
/// How often the conversations are asked for that live on, each time with all repeats of a request.
const MAX_LISTS: u32 = 3;
/// How long after the list of conversations failed it is asked for again.
const LIST_PAUSE: Duration = Duration::from_secs(10);
/// A channel that is taken over twice within this time belongs to somebody else.
const REPLACED_WINDOW: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Channel {
    /// The address of the next pending GET, as the server gave it.
    next: String,
    failures: u32,
    bad_pages: u32,
    /// When the first of the polls that failed in a row was found to have failed. A poll that succeeds takes up to the
    /// configured timeout, so the time of the last page says nothing.
    failing_since: Option<Duration>,
    /// The channel has been begun anew since its last page, so events may have been lost.
    has_gap: bool,
    replaced_at: Option<Duration>,
    /// How often in a row the conversations could not be listed.
    unlisted: u32,
}

impl Session {
    /// Begins the channel of an application.
    pub(crate) fn begin_channel(&mut self) {
        self.channel = Channel::default();
        self.poll_events_link();
    }

    /// Begins the channel anew, at the application's events link. What the server told before may be lost.
    pub(crate) fn restart_channel(&mut self) {
        self.channel.has_gap = true;
        self.poll_events_link();
    }

    fn poll_events_link(&mut self) {
        self.channel.next = self.entry.links.events.clone().unwrap_or_default();
        self.name_parameters();
        self.channel.bad_pages = 0;
        self.poll(Duration::ZERO);
    }

    /// Adds the parameters of the channel to the next address. The server remembers them.
    fn name_parameters(&mut self) {
        for (name, value) in self.core.config.channel.parameters() {
            self.channel.next = Origin::append_query(&self.channel.next, name, &value);
        }
    }

    fn poll(&mut self, pause: Duration) {
        let url = match self.core.resolve(&self.channel.next, Stage::Events) {
            Ok(url) => url,
            Err(failure) => return self.give_up(failure.with_kind(FailureKind::ConnectionLost)),
        };
        let exchange = Exchange::new(Purpose::Poll, Method::GET, url)
            .on_lane(Lane::Events)
            .with_timeout(self.core.config.channel.held() + POLL_MARGIN);
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
        match result {
            Ok(response) if response.status().is_success() => {
                self.on_page_answer(exchange, &response);
            }
            Ok(response) => {
                let failure = self.core.refusal(exchange, &response);
                if failure.subcode() == Some("PGetReplaced")
                    || failure.code() == Some("PGetReplaced")
                {
                    return self.on_replaced(failure);
                }
                let asked = retry_after(&response);
                let transient = matches!(
                    response.status().as_u16(),
                    408 | 429 | 500 | 502 | 503 | 504
                );
                if transient {
                    self.poll_again(failure, asked);
                } else {
                    self.on_bad_page(failure);
                }
            }
            // A proxy cuts long polls as a matter of course; the same address brings the same page.
            Err(failure) => match failure.kind() {
                FailureKind::InvalidCredentials
                | FailureKind::GrantNotOffered { .. }
                | FailureKind::Untrusted => self.give_up(failure),
                _ => self.poll_again(failure, None),
            },
        }
    }

    fn on_page_answer(&mut self, exchange: &Exchange, response: &Response<Bytes>) {
        let page = match representation_of(response) {
            Some(representation) => {
                EventPage::decode(response.body(), representation, &self.core.config.limits)
                    .map_err(|error| not_ucwa(exchange, response).with_message(error.to_string()))
            }
            None => Err(not_ucwa(exchange, response)),
        };
        let page = match page {
            Ok(page) => page,
            Err(failure) => return self.on_bad_page(failure),
        };
        let Some(follow) = &page.follow else {
            return self.on_bad_page(
                not_ucwa(exchange, response).with_message("the page says not where to go on"),
            );
        };
        self.channel.next = follow.href().to_owned();
        if matches!(follow, Follow::Resume(_)) {
            // What the server remembered of the channel went with its transient state.
            self.name_parameters();
        }
        self.channel.failures = 0;
        self.channel.bad_pages = 0;
        self.channel.failing_since = None;
        let has_gap = std::mem::take(&mut self.channel.has_gap)
            || matches!(follow, Follow::Resume(_) | Follow::Resync(_));
        // The next GET acknowledges this page; it goes out before anybody acts on the page.
        self.poll(Duration::ZERO);
        if self.entry.phase != Phase::Running {
            // It leads elsewhere, so it is nobody's to believe, and the session is over.
            return;
        }
        self.on_page_arrived();
        self.on_events(&page);
        if has_gap {
            self.list_conversations();
            self.people.begin_anew(&mut self.core);
            self.history.begin_anew(&mut self.core);
        }
    }

    fn poll_again(&mut self, failure: Failure, asked: Option<Duration>) {
        let since = *self.channel.failing_since.get_or_insert(self.core.now);
        if self.core.now.saturating_sub(since) >= MAX_FAILING_TIME {
            return self.give_up(failure.with_kind(FailureKind::ConnectionLost));
        }
        self.interrupted_since(since, &failure);
        let pause = asked
            .unwrap_or_else(|| {
                self.core
                    .backoff(Duration::from_millis(100), self.channel.failures, MAX_PAUSE)
            })
            .min(MAX_PAUSE);
        self.channel.failures += 1;
        self.poll(pause);
    }

    /// The address answers, but not with a page that says where to go on.
    fn on_bad_page(&mut self, failure: Failure) {
        self.channel.bad_pages += 1;
        if self.channel.bad_pages < MAX_BAD_PAGES {
            return self.poll_again(failure, None);
        }
        self.interrupted(&failure);
        // The same address will not get better: the application says where its channel begins.
        self.channel.bad_pages = 0;
        self.channel.failures += 1;
        let href = self.entry.links.application.clone().unwrap_or_default();
        match self.core.resolve(&href, Stage::Events) {
            Ok(url) => self
                .core
                .issue(Exchange::new(Purpose::ReadApplication, Method::GET, url).within(READ_TIME)),
            Err(failure) => self.give_up(failure.with_kind(FailureKind::ConnectionLost)),
        }
    }

    /// The application could not be read to begin the channel anew.
    pub(crate) fn on_channel_unreadable(&mut self, failure: Failure) {
        self.poll_again(failure, None);
    }

    /// Another pending GET took this one's place, and this session sent none: another process uses the application.
    fn on_replaced(&mut self, failure: Failure) {
        let now = self.core.now;
        let again = self
            .channel
            .replaced_at
            .is_some_and(|at| now.saturating_sub(at) < REPLACED_WINDOW);
        if again {
            // It is the one application of both processes, and the other one goes on with it: nothing to delete.
            self.entry.links = ApplicationLinks::default();
            return self.give_up(failure.with_kind(FailureKind::ConnectionLost));
        }
        self.channel.replaced_at = Some(now);
        self.restart_channel();
    }

    /// Asks which conversations the server has: for those that live on without having been heard of.
    pub(crate) fn list_conversations(&mut self) {
        self.core
            .cancel_timers(|timer| matches!(timer, Timer::ListConversations));
        if let Some(href) = &self.entry.links.conversations
            && self.entry.phase == Phase::Running
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
            // Who says that they are on another host says nothing of those that are here.
            let all = list.links("conversation");
            let here = |href: &str| self.core.resolve(href, Stage::Events).map(drop);
            all.iter().try_for_each(|link| here(&link.href))?;
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
                    tracing::warn!(%failure, "nobody can tell which conversations live on");
                }
                return;
            }
        };
        self.channel.unlisted = 0;
        let living: Vec<String> = list
            .links("conversation")
            .iter()
            .map(|link| link.href.to_string())
            .collect();
        self.chats.end_unlisted(&mut self.core, known, &living);
        self.chats.claim_unknown(&mut self.core, &living);
    }
}
