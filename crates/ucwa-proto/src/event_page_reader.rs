//! Reads event pages: one reader over the grammars of JSON and XML.
//!
//! A failure is contained in the smallest part of the page that holds it: a member of an event, an event, a member of
//! a sender, a sender, or a member of the page. The reader reports the part and continues after it. The page as a
//! whole fails only if it is truncated or exceeds a limit: a client cannot acknowledge a page that fails, and the server
//! sends it again and again.
//!
//! A part ends where its brackets or tags end. A string, comment or CDATA section that is never closed has no end, so it
//! cannot be contained; unbalanced brackets or tags may extend a malformed part over its neighbours.

use std::borrow::Cow;

use crate::{
    DecodeError, DecodeErrorKind, Event, EventKind, EventLink, EventPage, Follow, Limits, Link,
    MalformedPart, OneOrMany, Resource, Sender, Value,
    error::{Fail, Read},
    link::{add_named, link_to_itself},
};

/// The grammar of event pages in one representation.
pub(crate) trait Grammar<'a>: Sized {
    /// The beginning of a part of the page.
    type Mark: Copy;

    /// Reads the whole body.
    fn page(&mut self, page: &mut PageReader<'a>) -> Read<()>;

    /// Reads the sender at `mark`.
    fn sender(
        &mut self,
        mark: Self::Mark,
        sender: &mut Sender<'a>,
        page: &mut PageReader<'a>,
    ) -> Read<()>;

    /// Reads the event at `mark`.
    fn event(&mut self, mark: Self::Mark, draft: &mut EventDraft<'_, 'a>) -> Read<()>;

    /// Moves to the end of the part at `mark`, which failed with `fail`. Fails with `fail` if the part never ends.
    fn recover(&mut self, mark: Self::Mark, fail: Fail) -> Read<Fail>;

    /// The text from `mark` to the current position.
    fn text_from(&self, mark: Self::Mark) -> &'a str;

    /// A failure at the current position.
    fn failure(&self, kind: DecodeErrorKind) -> Fail;

    /// Converts a failure into an error with a position in the body.
    fn error(&self, fail: Fail) -> DecodeError;

    /// Contains the failure of the part at `mark`: moves to the end of the part and returns the failure. Fails if the
    /// failure concerns the whole page.
    fn contain(&mut self, mark: Self::Mark, read: Read<()>) -> Read<Option<Fail>> {
        match read {
            Ok(()) => Ok(None),
            Err(fail) if matches!(fail.kind, DecodeErrorKind::TooManyEvents { .. }) => Err(fail),
            Err(fail) => self.recover(mark, fail).map(Some),
        }
    }
}

/// Reads a page.
pub(crate) struct PageReader<'a> {
    page: EventPage<'a>,
    /// The number of events so far.
    events: usize,
    /// The greatest number of events, of senders, and of malformed parts.
    limit: usize,
}

impl<'a> PageReader<'a> {
    pub(crate) fn read(
        mut grammar: impl Grammar<'a>,
        limits: &Limits,
    ) -> Result<EventPage<'a>, DecodeError> {
        let mut reader = Self {
            page: EventPage::default(),
            events: 0,
            limit: limits.events,
        };
        match grammar.page(&mut reader) {
            Ok(()) => Ok(reader.page),
            Err(fail) => Err(grammar.error(fail)),
        }
    }

    /// Stores the address of the page.
    pub(crate) fn href(&mut self, href: Cow<'a, str>) {
        self.page.href = Some(href);
    }

    /// Stores the links of one name.
    pub(crate) fn link(
        &mut self,
        rel: Cow<'a, str>,
        found: OneOrMany<Link<'a>>,
    ) -> Result<(), DecodeErrorKind> {
        if rel == "self" {
            link_to_itself(rel, found, &mut self.page.href, &mut self.page.links);
        } else if !Follow::is_named(&rel) {
            add_named(&mut self.page.links, rel, found)?;
        } else if let Some(link) = found.into_first()
            && let Some(follow) = Follow::from_link(&rel, link.href)
        {
            Follow::outrank(&mut self.page.follow, follow);
        }
        Ok(())
    }

    /// Stores another member of the page.
    pub(crate) fn property(&mut self, name: Cow<'a, str>, value: Value<'a>) {
        self.page.properties.push((name, value));
    }

    /// Reads the sender at `mark`.
    pub(crate) fn sender<G: Grammar<'a>>(&mut self, grammar: &mut G, mark: G::Mark) -> Read<()> {
        if self.page.senders.len() >= self.limit {
            return Err(self.too_many(grammar));
        }
        let mut sender = Sender::default();
        let read = grammar.sender(mark, &mut sender, self);
        match grammar.contain(mark, read)? {
            Some(fail) => {
                self.malformed(grammar, grammar.text_from(mark), fail, None)?;
                if sender != Sender::default() {
                    self.page.senders.push(sender);
                }
            }
            None => self.page.senders.push(sender),
        }
        Ok(())
    }

    /// Reads the event at `mark`. A malformed event is kept, with the members that can be read, if its link is one of them.
    pub(crate) fn event<G: Grammar<'a>>(
        &mut self,
        grammar: &mut G,
        mark: G::Mark,
        sender: &mut Sender<'a>,
    ) -> Read<()> {
        if self.events >= self.limit {
            return Err(self.too_many(grammar));
        }
        self.events += 1;
        // An event is large, so it is read into its final place instead of being moved there.
        sender
            .events
            .push(Event::new(EventKind::Unreadable, EventLink::default()));
        let Some(event) = sender.events.last_mut() else {
            return Ok(());
        };
        let mut draft = EventDraft::new(event);
        let read = grammar.event(mark, &mut draft);
        if let Some(fail) = grammar.contain(mark, read)? {
            draft.failed(fail, true);
        }
        let is_linked = draft.is_linked;
        if let Some(fail) = draft.finish(grammar) {
            let link = if is_linked {
                sender.events.last().map(|event| event.link.clone())
            } else {
                sender.events.pop();
                None
            };
            self.malformed(grammar, grammar.text_from(mark), fail, link)?;
        }
        Ok(())
    }

    /// Reports a part that could not be read.
    #[cold]
    pub(crate) fn malformed(
        &mut self,
        grammar: &impl Grammar<'a>,
        raw: &'a str,
        fail: Fail,
        link: Option<EventLink<'a>>,
    ) -> Read<()> {
        if matches!(fail.kind, DecodeErrorKind::TooManyEvents { .. }) {
            return Err(fail);
        }
        if self.page.malformed.len() >= self.limit {
            return Err(self.too_many(grammar));
        }
        self.page.malformed.push(MalformedPart {
            error: grammar.error(fail),
            raw: Cow::Borrowed(beginning(raw)),
            link,
        });
        Ok(())
    }

    fn too_many(&self, grammar: &impl Grammar<'a>) -> Fail {
        grammar.failure(DecodeErrorKind::TooManyEvents { limit: self.limit })
    }
}

/// The first [`MalformedPart::MAX_BYTES`] of a text.
fn beginning(text: &str) -> &str {
    if text.len() <= MalformedPart::MAX_BYTES {
        return text;
    }
    let end = (0..=MalformedPart::MAX_BYTES)
        .rev()
        .find(|&end| text.is_char_boundary(end));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The event that is being read.
pub(crate) struct EventDraft<'e, 'a> {
    pub(crate) event: &'e mut Event<'a>,
    is_linked: bool,
    is_typed: bool,
    /// False if the type, the status or `in` is present and could not be read.
    is_certain: bool,
    /// The first failure.
    fail: Option<Fail>,
    /// The key of the embedded resource, and further embedded resources, which are rare.
    key: Option<Cow<'a, str>>,
    more_embedded: Vec<(Cow<'a, str>, Resource<'a>)>,
}

impl<'e, 'a> EventDraft<'e, 'a> {
    fn new(event: &'e mut Event<'a>) -> Self {
        Self {
            event,
            is_linked: false,
            is_typed: false,
            is_certain: true,
            fail: None,
            key: None,
            more_embedded: Vec::new(),
        }
    }

    pub(crate) fn link(&mut self, link: EventLink<'a>) {
        self.event.link = link;
        self.is_linked = true;
    }

    pub(crate) fn kind(&mut self, kind: EventKind) {
        self.event.kind = kind;
        self.is_typed = true;
    }

    /// Calls `read` to read an embedded resource. `read` returns the key of the resource, or `None` if there is no resource.
    pub(crate) fn embedded(
        &mut self,
        read: impl FnOnce(&mut Resource<'a>) -> Read<Option<Cow<'a, str>>>,
    ) -> Read<()> {
        if self.key.is_some() {
            let mut resource = Resource::default();
            if let Some(key) = read(&mut resource)? {
                self.more_embedded.push((key, resource));
            }
            return Ok(());
        }
        // A resource is large, so it is read into its final place.
        match read(self.event.embedded.insert(Resource::default())) {
            Ok(Some(key)) => {
                self.key = Some(key);
                Ok(())
            }
            nothing => {
                self.event.embedded = None;
                nothing.map(drop)
            }
        }
    }

    /// Stores the failure of a member, and whether the member may be the type, the status or `in`.
    #[cold]
    pub(crate) fn failed(&mut self, fail: Fail, is_uncertain: bool) {
        self.is_certain &= !is_uncertain;
        self.fail.get_or_insert(fail);
    }

    /// Completes the event and returns its first failure.
    fn finish(mut self, grammar: &impl Grammar<'a>) -> Option<Fail> {
        if !self.is_linked {
            let kind = DecodeErrorKind::Structure("an event has no link");
            self.failed(grammar.failure(kind), true);
        } else if !self.is_typed {
            let kind = DecodeErrorKind::Structure("an event has no type");
            self.failed(grammar.failure(kind), true);
        }
        if !self.is_certain {
            self.event.kind = EventKind::Unreadable;
        }
        // The key of the embedded resource is the rel of the link. Otherwise the first embedded resource is taken.
        let rel = Some(&self.event.link.rel);
        if self.key.as_ref() != rel
            && let Some((_, better)) =
                (self.more_embedded.into_iter()).find(|(key, _)| Some(key) == rel)
        {
            self.event.embedded = Some(better);
        }
        self.fail
    }
}
