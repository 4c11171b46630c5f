//! From JSON to event pages.

use std::{borrow::Cow, fmt};

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::decode::{
    Context, LinksSeed, OneOrManyResources, ResourceSeed, Text, ValueSeed, expecting, run, seed,
    text,
};
use crate::{
    DecodeError, DecodeErrorKind, Embedded, Event, EventKind, EventLink, EventPage, EventStatus,
    Follow, Limits, OneOrMany, Problem, Resource, Sender, Value,
};

/// Decodes a page in one pass. Only if something has the wrong shape a second pass takes the embedded resources one by one, so that a malformed one spoils
/// nothing but its own event.
pub(crate) fn decode_page<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<EventPage<'a>, DecodeError> {
    let (text, start) = text(body, limits)?;
    let decode = |one_by_one: bool| {
        let context = Context::new(limits);
        let source = Source {
            context: &context,
            one_by_one: one_by_one.then_some(Whole { body, limits }),
        };
        run(&context, text, PageSeed { source: &source })
    };
    let page = match decode(false) {
        Err(error)
            if matches!(
                error.kind(),
                DecodeErrorKind::Structure(_) | DecodeErrorKind::TooDeep { .. }
            ) =>
        {
            decode(true)
        }
        result => result,
    };
    page.map_err(|error| error.shifted(body, start))
}

struct Source<'c, 'w> {
    context: &'c Context,
    /// Present in the second pass.
    one_by_one: Option<Whole<'w>>,
}

struct Whole<'w> {
    body: &'w [u8],
    limits: &'w Limits,
}

struct PageSeed<'s> {
    source: &'s Source<'s, 's>,
}

seed!(PageSeed -> EventPage<'de>);

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = EventPage<'de>;
    expecting!("an event page");

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let context = self.source.context;
        let depth = context.enter(0)?;
        let mut page = EventPage::default();
        while let Some(name) = members.next_key_seed(Text)? {
            match &*name {
                "_links" => {
                    let mut links = Vec::with_capacity(2);
                    members.next_value_seed(LinksSeed {
                        context,
                        depth,
                        href: &mut page.href,
                        links: &mut links,
                    })?;
                    for (rel, links) in links {
                        let Some(link) = links.into_vec().into_iter().next() else {
                            continue;
                        };
                        if let Some(follow) = Follow::from_link(&rel, link.href) {
                            Follow::outrank(&mut page.follow, follow);
                        }
                    }
                }
                "sender" => members.next_value_seed(SendersSeed {
                    source: self.source,
                    depth,
                    senders: &mut page.senders,
                })?,
                _ => page
                    .properties
                    .push((name, members.next_value_seed(ValueSeed { context, depth })?)),
            }
        }
        Ok(page)
    }
}

/// The senders: a list, one alone, or `null`.
struct SendersSeed<'s, 'r, 'de> {
    source: &'s Source<'s, 's>,
    depth: usize,
    senders: &'r mut Vec<Sender<'de>>,
}

impl<'de> DeserializeSeed<'de> for SendersSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for SendersSeed<'_, '_, 'de> {
    type Value = ();
    expecting!("a list of senders");

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        let sender = SenderSeed {
            source: self.source,
            depth: self.depth,
        }
        .visit_map(members)?;
        self.senders.push(sender);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let depth = self.source.context.enter(self.depth)?;
        while let Some(sender) = items.next_element_seed(SenderSeed {
            source: self.source,
            depth,
        })? {
            self.senders.push(sender);
        }
        Ok(())
    }
}

struct SenderSeed<'s> {
    source: &'s Source<'s, 's>,
    depth: usize,
}

seed!(SenderSeed -> Sender<'de>);

impl<'de> Visitor<'de> for SenderSeed<'_> {
    type Value = Sender<'de>;
    expecting!("a sender");

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let depth = self.source.context.enter(self.depth)?;
        let mut sender = Sender::default();
        while let Some(name) = members.next_key_seed(Text)? {
            match &*name {
                "rel" => sender.rel = members.next_value_seed(Text)?,
                "href" => sender.href = members.next_value_seed(Text)?,
                "events" => members.next_value_seed(EventsSeed {
                    source: self.source,
                    depth,
                    events: &mut sender.events,
                })?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(sender)
    }
}

/// The events of a sender: a list, one alone, or `null`.
struct EventsSeed<'s, 'r, 'de> {
    source: &'s Source<'s, 's>,
    depth: usize,
    events: &'r mut Vec<Event<'de>>,
}

impl<'de> DeserializeSeed<'de> for EventsSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EventsSeed<'_, '_, 'de> {
    type Value = ();
    expecting!("a list of events");

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        let event = EventSeed {
            source: self.source,
            depth: self.depth,
        }
        .visit_map(members)?;
        self.events.push(event);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let depth = self.source.context.enter(self.depth)?;
        while let Some(event) = items.next_element_seed(EventSeed {
            source: self.source,
            depth,
        })? {
            self.events.push(event);
        }
        Ok(())
    }
}

struct EventSeed<'s> {
    source: &'s Source<'s, 's>,
    depth: usize,
}

seed!(EventSeed -> Event<'de>);

impl<'de> Visitor<'de> for EventSeed<'_> {
    type Value = Event<'de>;
    expecting!("an event");

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let context = self.source.context;
        let depth = context.enter(self.depth)?;
        match context.events_left.get().checked_sub(1) {
            Some(left) => context.events_left.set(left),
            None => {
                return Err(context.fail(DecodeErrorKind::TooManyEvents {
                    limit: context.events_limit,
                }));
            }
        }
        let mut link = None;
        let mut embedded = Vec::new();
        let mut event = Event::new(EventKind::Updated, EventLink::default());
        let mut kind = None;
        while let Some(name) = members.next_key_seed(Text)? {
            match &*name {
                "link" => link = members.next_value_seed(EventLinkSeed { context, depth })?,
                "in" => event.within = members.next_value_seed(EventLinkSeed { context, depth })?,
                "type" => kind = Some(EventKind::from(&*members.next_value_seed(Text)?)),
                "_embedded" => members.next_value_seed(EventEmbeddedSeed {
                    source: self.source,
                    depth,
                    embedded: &mut embedded,
                })?,
                "reason" => {
                    event.reason = members.next_value_seed(ReasonSeed { context, depth })?;
                }
                _ => match members.next_value_seed(ValueSeed { context, depth })? {
                    Value::Null => {}
                    Value::String(text) if name == "status" => {
                        event.status = Some(EventStatus::from(&*text));
                    }
                    value => event.properties.push((name, value)),
                },
            }
        }
        let missing = |what| context.fail::<A::Error>(DecodeErrorKind::Structure(what));
        event.link = link.ok_or_else(|| missing("an event has no link"))?;
        event.kind = kind.ok_or_else(|| missing("an event has no type"))?;
        // The key is the role that the link names; a lone one under another key is taken for it.
        let at = embedded
            .iter()
            .position(|(rel, _): &(Cow<'_, str>, _)| *rel == event.link.rel)
            .unwrap_or(0);
        if at < embedded.len() {
            event.embedded = Some(embedded.swap_remove(at).1);
        }
        Ok(event)
    }
}

/// A link that names its role; `null` is none.
struct EventLinkSeed<'c> {
    context: &'c Context,
    depth: usize,
}

seed!(EventLinkSeed -> Option<EventLink<'de>>);

impl<'de> Visitor<'de> for EventLinkSeed<'_> {
    type Value = Option<EventLink<'de>>;
    expecting!("an event's link");

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let depth = self.context.enter(self.depth)?;
        let mut link = EventLink::default();
        while let Some(name) = members.next_key_seed(Text)? {
            match &*name {
                "rel" => link.rel = members.next_value_seed(Text)?,
                "href" => link.href = members.next_value_seed(Text)?,
                _ => {
                    let value = members.next_value_seed(ValueSeed {
                        context: self.context,
                        depth,
                    })?;
                    if name == "title"
                        && let Value::String(title) = value
                    {
                        link.title = Some(title);
                    }
                }
            }
        }
        Ok(Some(link))
    }
}

/// A reason; `null` is none.
struct ReasonSeed<'c> {
    context: &'c Context,
    depth: usize,
}

seed!(ReasonSeed -> Option<Problem<'de>>);

impl<'de> Visitor<'de> for ReasonSeed<'_> {
    type Value = Option<Problem<'de>>;
    expecting!("a reason");

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let resource = ResourceSeed {
            context: self.context,
            depth: self.depth,
        }
        .visit_map(members)?;
        Ok(Some(Problem::from_generic(resource)))
    }
}

/// The object `_embedded` of an event.
struct EventEmbeddedSeed<'s, 'r, 'de> {
    source: &'s Source<'s, 's>,
    depth: usize,
    embedded: &'r mut Vec<(Cow<'de, str>, Embedded<'de>)>,
}

impl<'de> DeserializeSeed<'de> for EventEmbeddedSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if let Some(whole) = &self.source.one_by_one {
            // Not even an object: the event keeps it under its own role.
            let raw: &'de RawValue = Deserialize::deserialize(deserializer)?;
            *self.embedded = one_by_one(raw.get(), whole);
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EventEmbeddedSeed<'_, '_, 'de> {
    type Value = ();
    expecting!("an object of resources");

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let context = self.source.context;
        let depth = context.enter(self.depth)?;
        while let Some(rel) = members.next_key_seed(Text)? {
            if let Some(resource) = members
                .next_value_seed(OneOrManyResources { context, depth })?
                .and_then(first)
            {
                self.embedded.push((rel, Embedded::Resource(resource)));
            }
        }
        Ok(())
    }
}

fn first(resources: OneOrMany<Resource<'_>>) -> Option<Resource<'_>> {
    match resources {
        OneOrMany::One(resource) => Some(resource),
        OneOrMany::Many(resources) => resources.into_iter().next(),
    }
}

/// The embedded resources of one event, each sound or malformed by itself.
fn one_by_one<'de>(raw: &'de str, whole: &Whole<'_>) -> Vec<(Cow<'de, str>, Embedded<'de>)> {
    let context = Context::new(whole.limits);
    let members = match run(&context, raw, RawMembers) {
        Ok(members) => members,
        Err(error) => return vec![(Cow::Borrowed(""), malformed(raw, error, whole))],
    };
    let decode = |raw: &'de str| {
        let context = Context::new(whole.limits);
        match run(
            &context,
            raw,
            OneOrManyResources {
                context: &context,
                depth: 0,
            },
        ) {
            Ok(resources) => resources.and_then(first).map(Embedded::Resource),
            Err(error) => Some(malformed(raw, error, whole)),
        }
    };
    members
        .into_iter()
        .filter_map(|(rel, raw)| Some((rel, decode(raw)?)))
        .collect()
}

fn malformed<'de>(raw: &'de str, error: DecodeError, whole: &Whole<'_>) -> Embedded<'de> {
    let before = (raw.as_ptr() as usize).saturating_sub(whole.body.as_ptr() as usize);
    Embedded::Malformed {
        raw: Cow::Borrowed(raw),
        error: error.shifted(whole.body, before),
    }
}

/// The members of an object, undecoded; `null` has none.
struct RawMembers;

impl<'de> DeserializeSeed<'de> for RawMembers {
    type Value = Vec<(Cow<'de, str>, &'de str)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RawMembers {
    type Value = Vec<(Cow<'de, str>, &'de str)>;
    expecting!("an object");

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut raw = Vec::new();
        while let Some(name) = members.next_key_seed(Text)? {
            raw.push((name, members.next_value::<&'de RawValue>()?.get()));
        }
        Ok(raw)
    }
}
