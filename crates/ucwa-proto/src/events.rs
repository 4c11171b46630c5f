//! Pages of the event channel.

use std::{borrow::Cow, fmt};

use crate::{
    DecodeError, DecodeErrorKind, Limits, Link, OneOrMany, Problem, Representation, Resource,
    Value, json, link::owned_links, names::owned, value::owned_members, xml,
};

/// One answer of the event channel: what happened, and where to ask next (`EventsInUCWA`, `EventChannelDetails`).
///
/// The order of senders and of events within them is the order in which things happened; one sender may occur
/// repeatedly.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventPage<'a> {
    /// The address of this page.
    pub href: Option<Cow<'a, str>>,
    /// Where to ask next; a page without it is a broken channel.
    pub follow: Option<Follow<'a>>,
    /// Who reports, in order; empty when the server's waiting time ran out.
    pub senders: Vec<Sender<'a>>,
    /// Other links of the page, in order.
    pub links: Vec<(Cow<'a, str>, OneOrMany<Link<'a>>)>,
    /// Other members of the page, in order. XML has none.
    pub properties: Vec<(Cow<'a, str>, Value<'a>)>,
    /// What could not be read, in order. A malformed event whose link could be read also stands among the events of
    /// its sender, without the members that could not be read.
    pub malformed: Vec<MalformedPart<'a>>,
}

/// The link of an event page to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follow<'a> {
    /// The usual one.
    Next(Cow<'a, str>),
    /// As [`Next`](Self::Next), but the server has lost the application's transient state, such as subscriptions.
    Resume(Cow<'a, str>),
    /// The request acknowledged the wrong page: events were lost, and what is known must be read anew.
    Resync(Cow<'a, str>),
}

impl<'a> Follow<'a> {
    /// Its address, as it was sent.
    #[must_use]
    pub fn href(&self) -> &str {
        match self {
            Self::Next(href) | Self::Resume(href) | Self::Resync(href) => href,
        }
    }

    /// The name of the link.
    #[must_use]
    pub fn rel(&self) -> &'static str {
        match self {
            Self::Next(_) => "next",
            Self::Resume(_) => "resume",
            Self::Resync(_) => "resync",
        }
    }

    pub(crate) fn is_named(rel: &str) -> bool {
        matches!(rel, "next" | "resume" | "resync")
    }

    /// The link of this name, if it is one to follow.
    pub(crate) fn from_link(rel: &str, href: Cow<'a, str>) -> Option<Self> {
        match rel {
            "next" => Some(Self::Next(href)),
            "resume" => Some(Self::Resume(href)),
            "resync" => Some(Self::Resync(href)),
            _ => None,
        }
    }

    /// Takes `other` if it outranks what is there: resync before resume before next.
    pub(crate) fn outrank(slot: &mut Option<Self>, other: Self) {
        let rank = |follow: &Self| match follow {
            Self::Next(_) => 0,
            Self::Resume(_) => 1,
            Self::Resync(_) => 2,
        };
        if slot
            .as_ref()
            .is_none_or(|present| rank(present) < rank(&other))
        {
            *slot = Some(other);
        }
    }

    fn into_owned(self) -> Follow<'static> {
        match self {
            Self::Next(href) => Follow::Next(owned(href)),
            Self::Resume(href) => Follow::Resume(owned(href)),
            Self::Resync(href) => Follow::Resync(owned(href)),
        }
    }
}

/// A resource that reports events, about itself or about what belongs to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sender<'a> {
    /// Its name, such as `communication` or `conversation`.
    pub rel: Cow<'a, str>,
    /// Its address.
    pub href: Cow<'a, str>,
    /// What it reports, in order.
    pub events: Vec<Event<'a>>,
    /// Other members of the sender, in order.
    pub properties: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Sender<'a> {
    /// A sender without events.
    #[must_use]
    pub fn new(rel: impl Into<Cow<'a, str>>, href: impl Into<Cow<'a, str>>) -> Self {
        Self {
            rel: rel.into(),
            href: href.into(),
            ..Self::default()
        }
    }

    /// The events that can be encoded.
    pub(crate) fn readable_events(&self) -> impl Iterator<Item = &Event<'a>> {
        let readable = |event: &&Event<'a>| event.kind != EventKind::Unreadable;
        self.events.iter().filter(readable)
    }

    /// Adds an event.
    #[must_use]
    pub fn with_event(mut self, event: Event<'a>) -> Self {
        self.events.push(event);
        self
    }
}

/// Something that happened to the resource behind [`link`](Self::link).
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// What happened.
    pub kind: EventKind,
    /// To what.
    pub link: EventLink<'a>,
    /// Within what (the member `in`): a participant event in `typingParticipants` says who types, not who came.
    pub within: Option<EventLink<'a>>,
    /// How an operation ended.
    pub status: Option<EventStatus>,
    /// Why.
    pub reason: Option<Problem<'a>>,
    /// The resource itself, where the server sends it along.
    pub embedded: Option<Resource<'a>>,
    /// Other members of the event, in order. XML has none.
    pub properties: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Event<'a> {
    /// An event that is only a link.
    #[must_use]
    pub fn new(kind: EventKind, link: EventLink<'a>) -> Self {
        Self {
            kind,
            link,
            within: None,
            status: None,
            reason: None,
            embedded: None,
            properties: Vec::new(),
        }
    }

    /// Sets the member `in`.
    #[must_use]
    pub fn within(mut self, link: EventLink<'a>) -> Self {
        self.within = Some(link);
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: EventStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn reason(mut self, reason: Problem<'a>) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Embeds the resource, under the name of the event's link.
    #[must_use]
    pub fn embedding(mut self, resource: Resource<'a>) -> Self {
        self.embedded = Some(resource);
        self
    }

    /// The embedded resource.
    #[must_use]
    pub fn resource(&self) -> Option<&Resource<'a>> {
        self.embedded.as_ref()
    }

    fn into_owned(self) -> Event<'static> {
        Event {
            kind: self.kind,
            link: self.link.into_owned(),
            within: self.within.map(EventLink::into_owned),
            status: self.status,
            reason: self.reason.map(Problem::into_owned),
            embedded: self.embedded.map(Resource::into_owned),
            properties: owned_members(self.properties),
        }
    }
}

/// The resource that an event is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventLink<'a> {
    /// Its role, such as `localParticipant`; an embedded resource's own name may differ.
    pub rel: Cow<'a, str>,
    /// Its address.
    pub href: Cow<'a, str>,
    /// Its name for people; may be empty, which means unknown.
    pub title: Option<Cow<'a, str>>,
    /// Everything else, in order.
    pub attributes: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> EventLink<'a> {
    /// A link without a title.
    #[must_use]
    pub fn new(rel: impl Into<Cow<'a, str>>, href: impl Into<Cow<'a, str>>) -> Self {
        Self {
            rel: rel.into(),
            href: href.into(),
            ..Self::default()
        }
    }

    /// Sets the title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<Cow<'a, str>>) -> Self {
        self.title = Some(title.into());
        self
    }

    fn into_owned(self) -> EventLink<'static> {
        EventLink {
            rel: owned(self.rel),
            href: owned(self.href),
            title: self.title.map(owned),
            attributes: owned_members(self.attributes),
        }
    }
}

/// What happened: `added`, `updated` and `deleted` tell of resources, `started`, `updated` and `completed` of
/// operations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The resource came to be.
    Added,
    /// The resource or operation changed.
    Updated,
    /// The resource is gone.
    Deleted,
    /// The operation began.
    Started,
    /// The operation ended; the status says how.
    Completed,
    /// The event is [malformed](EventPage::malformed), and its type, its status or its member `in` could not be read:
    /// something happened to the resource, which has to be read to know what. Not encoded.
    Unreadable,
    /// A type that this crate does not know, kept as it is.
    Other(String),
}

impl EventKind {
    /// The type as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Started => "started",
            Self::Completed => "completed",
            Self::Unreadable => "unreadable",
            Self::Other(other) => other,
        }
    }
}

impl From<&str> for EventKind {
    fn from(text: &str) -> Self {
        match text {
            "added" => Self::Added,
            "updated" => Self::Updated,
            "deleted" => Self::Deleted,
            "started" => Self::Started,
            "completed" => Self::Completed,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventStatus {
    /// It succeeded.
    Success,
    /// It failed; the reason may say why.
    Failure,
    /// A status that this crate does not know, kept as it is.
    Other(String),
}

impl EventStatus {
    /// The status as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "Success",
            Self::Failure => "Failure",
            Self::Other(other) => other,
        }
    }
}

impl From<&str> for EventStatus {
    fn from(text: &str) -> Self {
        match text {
            "Success" => Self::Success,
            "Failure" => Self::Failure,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for EventStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part of a page that could not be read: an event, a sender, or another member.
#[derive(Clone, PartialEq)]
pub struct MalformedPart<'a> {
    /// What is wrong with it, and where; the position counts from the start of the page.
    pub error: DecodeError,
    /// Its text, at most [`MAX_BYTES`](Self::MAX_BYTES).
    pub raw: Cow<'a, str>,
    /// The link of an event, if it could be read. The event then stands among the events of its sender.
    pub link: Option<EventLink<'a>>,
}

impl MalformedPart<'_> {
    /// The longest text that is kept, in bytes.
    pub const MAX_BYTES: usize = 4096;

    fn into_owned(self) -> MalformedPart<'static> {
        MalformedPart {
            error: self.error,
            raw: owned(self.raw),
            link: self.link.map(EventLink::into_owned),
        }
    }
}

/// Hides the text, which may hold a message.
impl fmt::Debug for MalformedPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MalformedPart")
            .field("error", &self.error)
            .field("raw", &format_args!("[{} bytes]", self.raw.len()))
            .field("link", &self.link)
            .finish()
    }
}

impl<'a> EventPage<'a> {
    /// A page without events.
    #[must_use]
    pub fn new(href: impl Into<Cow<'a, str>>, follow: Follow<'a>) -> Self {
        Self {
            href: Some(href.into()),
            follow: Some(follow),
            ..Self::default()
        }
    }

    /// Adds a block of events.
    #[must_use]
    pub fn with_sender(mut self, sender: Sender<'a>) -> Self {
        self.senders.push(sender);
        self
    }

    /// Decodes a page. What is malformed is [reported](Self::malformed) and spoils nothing else. Bytes that are not
    /// UTF-8 are read as U+FFFD.
    ///
    /// # Errors
    ///
    /// If the body is no event page, is cut off, or breaks a limit.
    pub fn decode(
        body: &'a [u8],
        representation: Representation,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let decode = match representation {
            Representation::Json => json::decode_page,
            Representation::Xml => xml::decode_page,
        };
        match decode(body, limits) {
            Err(error) if error.kind() == &DecodeErrorKind::Encoding => {
                let (text, limits) = limits.repaired(body);
                decode(text.as_bytes(), &limits).map(EventPage::into_owned)
            }
            read => read,
        }
    }

    /// Encodes the page. What was malformed is left out.
    #[must_use]
    pub fn encode(&self, representation: Representation) -> Vec<u8> {
        match representation {
            Representation::Json => json::encode_page(self),
            Representation::Xml => xml::encode_page(self),
        }
    }

    /// Every event with its sender, in order.
    pub fn events(&self) -> impl Iterator<Item = (&Sender<'a>, &Event<'a>)> {
        self.senders
            .iter()
            .flat_map(|sender| sender.events.iter().map(move |event| (sender, event)))
    }

    /// The same page, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> EventPage<'static> {
        EventPage {
            href: self.href.map(owned),
            follow: self.follow.map(Follow::into_owned),
            senders: self
                .senders
                .into_iter()
                .map(|sender| Sender {
                    rel: owned(sender.rel),
                    href: owned(sender.href),
                    events: sender.events.into_iter().map(Event::into_owned).collect(),
                    properties: owned_members(sender.properties),
                })
                .collect(),
            links: owned_links(self.links),
            properties: owned_members(self.properties),
            malformed: self
                .malformed
                .into_iter()
                .map(MalformedPart::into_owned)
                .collect(),
        }
    }
}
