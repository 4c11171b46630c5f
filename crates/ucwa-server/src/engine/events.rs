//! The event channel: pages, acknowledgements and pending GETs (`EventsInUCWA`, `EventChannelDetails`).

use std::fmt;
use std::mem;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use ucwa_proto::{
    DateTime, Event, EventKind, EventPage, Follow, OneOrMany, Representation, Resource, Sender,
    Value,
};

use super::exchange::Exchange;
use super::identifiers::{ApplicationId, ConversationId};
use super::message::DeliveryId;
use super::pending_gets::PendingGet;
use super::reply::{CORRELATION_ID, Refusal, Reply, leave_out_body, set};
use super::routes;
use super::timers::Timer;
use super::{Engine, RequestId};

/// The sender of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Me,
    People,
    Communication,
    Conversation(ConversationId),
}

#[derive(Clone, Debug)]
pub(super) struct Queued {
    source: Source,
    event: Event<'static>,
    /// For an incoming message: the delivery that ends when the page is acknowledged.
    delivery: Option<DeliveryId>,
}

/// The rel of a page's link to the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FollowKind {
    Next,
    Resume,
    Resync,
}

#[derive(Debug)]
struct Page {
    follow: FollowKind,
    events: Vec<Queued>,
}

/// The event channel of an application.
pub(super) struct Channel {
    /// The number of the next page, or of the last page if it was sent and not acknowledged.
    ack: u64,
    /// Page `ack`, if it was sent. A request for page `ack + 1` acknowledges it; a request for `ack` gets it again.
    sent: Option<Page>,
    queue: Vec<Queued>,
    /// The timeout of a pending GET.
    timeout: Duration,
    /// The rel of the next page's link, if it is not `next`.
    follow: Option<FollowKind>,
    /// When the last pending GET was answered, or the application was created.
    active: Duration,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("ack", &self.ack)
            .field("queue", &self.queue.len())
            .finish_non_exhaustive()
    }
}

/// What the `ack` of a pending GET means.
enum Ack {
    /// Acknowledges these deliveries.
    Good(Vec<DeliveryId>),
    /// Asks for the page that was sent last.
    Again,
    /// Is not the number of the last or the next page.
    Wrong,
}

impl Channel {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            active: now,
            ack: 1,
            sent: None,
            queue: Vec::new(),
            timeout: Duration::from_secs(180),
            follow: None,
        }
    }

    pub(super) fn ack(&self) -> u64 {
        self.ack
    }

    fn acknowledge(&mut self, ack: u64) -> Ack {
        match &self.sent {
            // An empty page is also sent again unchanged, since the client may have received it.
            Some(_) if ack == self.ack => Ack::Again,
            Some(page) if ack == self.ack + 1 => {
                let delivered = page.events.iter().filter_map(|queued| queued.delivery);
                let delivered = delivered.collect();
                self.sent = None;
                self.ack = ack;
                Ack::Good(delivered)
            }
            None if ack == self.ack => Ack::Good(Vec::new()),
            _ => Ack::Wrong,
        }
    }

    /// Removes a message that was not acknowledged.
    pub(super) fn withdraw(&mut self, delivery: DeliveryId) {
        let kept = |queued: &Queued| queued.delivery != Some(delivery);
        self.queue.retain(kept);
        if let Some(page) = &mut self.sent {
            page.events.retain(kept);
        }
    }

    /// Whether a pending GET would be answered at once.
    fn has_news(&self) -> bool {
        !self.queue.is_empty() || self.follow.is_some()
    }
}

/// The href of a page of events.
pub(super) fn page_href(id: ApplicationId, ack: u64) -> String {
    format!("{}?ack={ack}", routes::events(id))
}

impl Engine {
    /// Queues an event for an application. Does nothing if the application has ended.
    pub(super) fn emit(&mut self, id: ApplicationId, source: Source, event: Event<'static>) {
        self.enqueue(id, source, event, None);
    }

    pub(super) fn enqueue(
        &mut self,
        id: ApplicationId,
        source: Source,
        event: Event<'static>,
        delivery: Option<DeliveryId>,
    ) {
        if let Some(application) = self.applications.get_mut(id) {
            application.channel.queue.push(Queued {
                source,
                event,
                delivery,
            });
            self.pending.change(id);
        }
    }

    /// Sets the rel of the next page's link.
    pub(super) fn follow_with(&mut self, id: ApplicationId, follow: FollowKind) {
        if let Some(application) = self.applications.get_mut(id) {
            application.channel.follow = Some(follow);
            self.pending.change(id);
        }
    }

    /// GET events.
    pub(super) fn poll(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        representation: Representation,
    ) -> Result<Reply, Refusal> {
        const NO_NUMBER: Refusal = Refusal::parameter("A query parameter isn't a number.");
        let number = |name: &str| match exchange.query(name) {
            Some(text) => text.parse::<u64>().map(Some).map_err(|_| NO_NUMBER),
            None => Ok(None),
        };
        let ack = number("ack")?.ok_or(NO_NUMBER)?;
        let timeout = number("timeout")?;
        // These parameters set how long events may be held back for aggregation. The server holds back none.
        for name in ["low", "medium", "priority"] {
            number(name)?;
        }
        // A new pending GET replaces the one that waits, also if its `ack` is wrong.
        self.drop_poll(id, Refusal::PGET_REPLACED);
        let Some(application) = self.applications.get_mut(id) else {
            return Err(Refusal::APPLICATION_NOT_FOUND);
        };
        let channel = &mut application.channel;
        channel.active = self.now;
        if let Some(seconds) = timeout {
            channel.timeout = Duration::from_secs(seconds.clamp(180, 1800));
        }
        match channel.acknowledge(ack) {
            Ack::Wrong => {
                let next = page_href(id, channel.ack);
                let page = EventPage::new(page_href(id, ack), Follow::Resync(next.into()));
                let body = page.encode(representation);
                Ok(Reply::Ready(self.with_body(
                    StatusCode::OK,
                    representation,
                    body,
                )))
            }
            Ack::Again => Ok(self
                .sent_page(id, representation)
                .map_or(Reply::Parked, Reply::Ready)),
            Ack::Good(delivered) => {
                let timeout = channel.timeout;
                let pending = PendingGet {
                    request: exchange.id,
                    correlation: exchange.correlation.clone(),
                    representation,
                    head: exchange.method() == Method::HEAD,
                    timer: self.set_timer(timeout, Timer::Poll(id)),
                };
                self.pending.park(id, pending);
                for delivery in delivered {
                    self.message_fetched(delivery);
                }
                Ok(Reply::Parked)
            }
        }
    }

    /// Refuses the pending GET of an application, if there is one.
    pub(super) fn drop_poll(&mut self, id: ApplicationId, refusal: Refusal) {
        if let Some(pending) = self.take_pending(id) {
            let response = self.refusal(refusal, pending.representation);
            self.reply_to(&pending, response);
        }
    }

    fn take_pending(&mut self, id: ApplicationId) -> Option<PendingGet> {
        let pending = self.pending.take(id)?;
        self.cancel_timer(pending.timer);
        Some(pending)
    }

    /// Drops a pending GET whose connection is closed.
    pub(super) fn unpark(&mut self, request: RequestId) {
        let Some(id) = self.pending.application_of(request) else {
            return;
        };
        self.take_pending(id);
        if let Some(application) = self.applications.get_mut(id) {
            application.channel.active = self.now;
        }
    }

    /// Ends the application if it has been without a pending GET for too long. Otherwise sets the timer again.
    pub(super) fn check_inactivity(&mut self, id: ApplicationId) {
        let Some(application) = self.applications.get(id) else {
            return;
        };
        let limit = self.config.inactivity_timeout;
        let since = if self.pending.is_waiting(id) {
            self.now
        } else {
            application.channel.active
        };
        match (since + limit).checked_sub(self.now) {
            None | Some(Duration::ZERO) => self.expire_application(id),
            Some(left) => {
                self.set_timer(left, Timer::Inactivity(id));
            }
        }
    }

    pub(super) fn poll_timed_out(&mut self, id: ApplicationId) {
        self.release(id);
    }

    /// Answers each pending GET whose application has events.
    pub(super) fn release_polls(&mut self) {
        for id in self.pending.take_changed() {
            let application = self.applications.get(id);
            if application.is_some_and(|application| application.channel.has_news()) {
                self.release(id);
            }
        }
    }

    fn release(&mut self, id: ApplicationId) {
        let aggregate = self.faults.aggregate_events;
        let Some(pending) = self.take_pending(id) else {
            return;
        };
        let Some(application) = self.applications.get_mut(id) else {
            return;
        };
        let channel = &mut application.channel;
        channel.active = self.now;
        let mut events = mem::take(&mut channel.queue);
        if aggregate {
            events = aggregated(events);
        }
        self.events_sent += u64::try_from(events.len()).unwrap_or(u64::MAX);
        channel.sent = Some(Page {
            follow: channel.follow.take().unwrap_or(FollowKind::Next),
            events,
        });
        if let Some(response) = self.sent_page(id, pending.representation) {
            self.reply_to(&pending, response);
        }
    }

    fn reply_to(&mut self, pending: &PendingGet, mut response: Response<Bytes>) {
        set(&mut response, CORRELATION_ID, &pending.correlation);
        if pending.head {
            leave_out_body(&mut response);
        }
        self.replies.push_back((pending.request, response));
    }

    /// The response with the page that was sent and is not acknowledged.
    fn sent_page(
        &self,
        id: ApplicationId,
        representation: Representation,
    ) -> Option<Response<Bytes>> {
        let channel = &self.applications.get(id)?.channel;
        let page = channel.sent.as_ref()?;
        let next = page_href(id, channel.ack + 1).into();
        let follow = match page.follow {
            FollowKind::Next => Follow::Next(next),
            FollowKind::Resume => Follow::Resume(next),
            FollowKind::Resync => Follow::Resync(next),
        };
        let mut body = EventPage::new(page_href(id, channel.ack), follow);
        let mut last = None;
        for queued in &page.events {
            let mut event = queued.event.clone();
            if let Some(resource) = &mut event.embedded {
                spell_dates(resource, representation);
            }
            // Successive events of one sender share a block, so that the order of the events is kept.
            match body.senders.last_mut() {
                Some(sender) if last == Some(queued.source) => sender.events.push(event),
                _ => {
                    let (rel, href) = match queued.source {
                        Source::Me => ("me", routes::me(id)),
                        Source::People => ("people", routes::people(id)),
                        Source::Communication => ("communication", routes::communication(id)),
                        Source::Conversation(conversation) => {
                            ("conversation", routes::conversation(id, conversation))
                        }
                    };
                    body.senders.push(Sender::new(rel, href).with_event(event));
                    last = Some(queued.source);
                }
            }
        }
        Some(self.with_body(StatusCode::OK, representation, body.encode(representation)))
    }
}

/// Converts the dates of a resource, which are built as `/Date(ms)/` for JSON, to ISO 8601 for XML (`PayloadFormat`).
pub(super) fn spell_dates(resource: &mut Resource<'_>, representation: Representation) {
    if representation == Representation::Json {
        return;
    }
    for (name, value) in &mut resource.properties {
        if matches!(
            &**name,
            "timeStamp" | "lastActive" | "creationTime" | "created"
        ) && let Value::String(text) = value
            && let Ok(date) = DateTime::parse(text)
        {
            *text = date.to_iso8601().into();
        }
    }
    for (_, embedded) in &mut resource.embedded {
        match embedded {
            OneOrMany::One(resource) => spell_dates(resource, representation),
            OneOrMany::Many(resources) => {
                for resource in resources {
                    spell_dates(resource, representation);
                }
            }
        }
    }
}

/// Aggregates events: of several events about one link only the last one stays, and none if the resource neither existed
/// before them nor exists after them.
fn aggregated(events: Vec<Queued>) -> Vec<Queued> {
    let place = |queued: &Queued| {
        let event = &queued.event;
        let within = event.within.as_ref().map(|within| within.href.clone());
        (event.link.href.clone(), within)
    };
    // Each with whether the resource existed before the first event about it.
    let mut kept: Vec<(Queued, bool)> = Vec::new();
    for mut queued in events {
        let earlier = kept
            .iter()
            .position(|(other, _)| place(other) == place(&queued));
        let Some((earlier, existed)) = earlier.map(|earlier| kept.remove(earlier)) else {
            let existed = queued.event.kind != EventKind::Added;
            kept.push((queued, existed));
            continue;
        };
        match (earlier.event.kind, &queued.event.kind) {
            (EventKind::Added, EventKind::Deleted) if !existed => continue,
            // The client has not seen the `added` event.
            (EventKind::Added, EventKind::Updated) => queued.event.kind = EventKind::Added,
            _ => {}
        }
        kept.push((queued, existed));
    }
    kept.into_iter().map(|(queued, _)| queued).collect()
}
