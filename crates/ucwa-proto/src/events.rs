//! Event pages.

use std::{borrow::Cow, fmt};

use crate::{
    DecodeError, DecodeErrorKind, Limits, Link, OneOrMany, Problem, Representation, Resource,
    Value, interning::owned, json, link::owned_named, value::owned_members, xml,
};

/// One response of the event channel: events, and the address of the next request (`EventsInUCWA`,
/// `EventChannelDetails`).
///
/// Senders and their events are in chronological order. A sender may occur several times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventPage<'a> {
    /// The address of the page.
    pub href: Option<Cow<'a, str>>,
    /// The link to the next page. Without it the channel is broken.
    pub follow: Option<Follow<'a>>,
    /// The senders, in order; empty when the long poll timed out at the server.
    pub senders: Vec<Sender<'a>>,
    /// Other links of the page, in order.
    pub links: Vec<(Cow<'a, str>, OneOrMany<Link<'a>>)>,
    /// Other members of the page, in order. XML has none.
    pub properties: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The malformed parts, in order. A malformed event whose link could be read is also among the events of its sender,
    /// without the members that could not be read.
    pub malformed: Vec<MalformedPart<'a>>,
}

/// The link of an event page to the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follow<'a> {
    /// The usual link.
    Next(Cow<'a, str>),
    /// The server has lost the transient state of the application, such as subscriptions.
    Resume(Cow<'a, str>),
    /// The request acknowledged the wrong page, and events were lost: read all resources anew.
    Resync(Cow<'a, str>),
}

impl<'a> Follow<'a> {
    /// The address, as it was sent.
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

    /// The link with this name, if it leads to the next page.
    pub(crate) fn from_link(rel: &str, href: Cow<'a, str>) -> Option<Self> {
        match rel {
            "next" => Some(Self::Next(href)),
            "resume" => Some(Self::Resume(href)),
            "resync" => Some(Self::Resync(href)),
            _ => None,
        }
    }

    /// Stores `other` if it outranks the present link: resync before resume before next.
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

/// A resource that reports events about itself or about its parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sender<'a> {
    /// The name, such as `communication` or `conversation`.
    pub rel: Cow<'a, str>,
    /// The address.
    pub href: Cow<'a, str>,
    /// The events, in order.
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

    /// The events except the [unreadable](EventKind::Unreadable) ones, which are not encoded.
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

/// A change of the resource that [`link`](Self::link) points to.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// The type.
    pub kind: EventKind,
    /// The link to the resource.
    pub link: EventLink<'a>,
    /// The member `in`: the context of the event. A participant event in `typingParticipants` reports typing, not joining.
    pub within: Option<EventLink<'a>>,
    /// The result of an operation.
    pub status: Option<EventStatus>,
    /// The reason of the event. Few events have one, so it is boxed.
    pub reason: Option<Box<Problem<'a>>>,
    /// The resource, if the server embedded it.
    pub embedded: Option<Resource<'a>>,
    /// Other members of the event, in order. XML has none.
    pub properties: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Event<'a> {
    /// An event with a link only.
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
        self.reason = Some(Box::new(reason));
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
            reason: self.reason.map(|reason| Box::new(reason.into_owned())),
            embedded: self.embedded.map(Resource::into_owned),
            properties: owned_members(self.properties),
        }
    }
}

/// The link of an event to a resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventLink<'a> {
    /// The role, such as `localParticipant`; the name of the embedded resource may differ.
    pub rel: Cow<'a, str>,
    /// The address.
    pub href: Cow<'a, str>,
    /// The display name; empty means unknown.
    pub title: Option<Cow<'a, str>>,
    /// The other attributes, in order.
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

/// The type of an event: `added`, `updated` and `deleted` for resources; `started`, `updated` and `completed` for
/// operations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The resource was created.
    Added,
    /// The resource or operation changed.
    Updated,
    /// The resource was deleted.
    Deleted,
    /// The operation started.
    Started,
    /// The operation ended with the status of the event.
    Completed,
    /// The event is [malformed](EventPage::malformed), and its type, its status or its member `in` could not be read. Read
    /// the resource to find out what changed. Not encoded.
    Unreadable,
    /// A type that this crate does not know, kept as it is.
    Other(String),
}

impl EventKind {
    /// The type as a string.
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

/// The result of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventStatus {
    /// The operation succeeded.
    Success,
    /// The operation failed; the event may have a reason.
    Failure,
    /// A status that this crate does not know, kept as it is.
    Other(String),
}

impl EventStatus {
    /// The status as a string.
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

/// A part of a page that could not be read: an event, a sender, or another member of the page.
#[derive(Clone, PartialEq)]
pub struct MalformedPart<'a> {
    /// The error. Its position counts from the start of the page.
    pub error: DecodeError,
    /// The text of the part, at most its first [`MAX_BYTES`](Self::MAX_BYTES).
    pub raw: Cow<'a, str>,
    /// The link of a malformed event, if it could be read. The event is then also among the events of its sender.
    pub link: Option<EventLink<'a>>,
}

impl MalformedPart<'_> {
    /// The length of the longest [`raw`](Self::raw), in bytes.
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

    /// Adds a sender.
    #[must_use]
    pub fn with_sender(mut self, sender: Sender<'a>) -> Self {
        self.senders.push(sender);
        self
    }

    /// Decodes a page. Malformed parts are [reported](Self::malformed) and affect no other part. Bytes that are not UTF-8
    /// are read as U+FFFD.
    ///
    /// # Errors
    ///
    /// If the body is not an event page, is truncated, or exceeds a limit.
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

    /// Encodes the page without its malformed parts.
    #[must_use]
    pub fn encode(&self, representation: Representation) -> Vec<u8> {
        match representation {
            Representation::Json => json::encode_page(self),
            Representation::Xml => xml::encode_page(self),
        }
    }

    /// The events with their senders, in order.
    pub fn events(&self) -> impl Iterator<Item = (&Sender<'a>, &Event<'a>)> {
        self.senders
            .iter()
            .flat_map(|sender| sender.events.iter().map(move |event| (sender, event)))
    }

    /// Converts the page into one that borrows nothing.
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
            links: owned_named(self.links, Link::into_owned),
            properties: owned_members(self.properties),
            malformed: self
                .malformed
                .into_iter()
                .map(MalformedPart::into_owned)
                .collect(),
        }
    }
}
