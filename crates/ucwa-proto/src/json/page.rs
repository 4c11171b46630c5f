//! From JSON to event pages.

use std::borrow::Cow;

use super::{
    decode::{links, one_or_many, one_resource, resource},
    reader::{Read, Reader},
};
use crate::{
    DecodeError, DecodeErrorKind, Embedded, Event, EventKind, EventLink, EventPage, EventStatus,
    Follow, Limits, OneOrMany, Problem, Resource, Sender, Value,
};

pub(crate) fn decode_page<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<EventPage<'a>, DecodeError> {
    let mut page = EventPage::default();
    let mut budget = Budget {
        left: limits.events,
        limit: limits.events,
    };
    Reader::new(body, limits)?.whole(|reader| self::page(reader, &mut page, &mut budget))?;
    Ok(page)
}

/// How many more events there may be.
struct Budget {
    left: usize,
    limit: usize,
}

fn page<'a>(reader: &mut Reader<'a>, page: &mut EventPage<'a>, budget: &mut Budget) -> Read<()> {
    reader.object("an event page should be an object", |reader, name| {
        match &*name {
            "_links" => {
                links(reader, &mut page.href, &mut page.links)?;
                let follow = page.links.extract_if(.., |(rel, _)| Follow::is_named(rel));
                for (rel, links) in follow {
                    if let Some(link) = links.into_first()
                        && let Some(follow) = Follow::from_link(&rel, link.href)
                    {
                        Follow::outrank(&mut page.follow, follow);
                    }
                }
            }
            "sender" => each(reader, "the senders should be a list", &mut |reader| {
                page.senders.push(Sender::default());
                page.senders
                    .last_mut()
                    .map_or(Ok(()), |slot| sender(reader, slot, budget))
            })?,
            _ => page.properties.push((name, reader.value()?)),
        }
        Ok(())
    })
}

/// A list, one thing alone, or `null`.
fn each<'a>(
    reader: &mut Reader<'a>,
    what: &'static str,
    item: &mut dyn FnMut(&mut Reader<'a>) -> Read<()>,
) -> Read<()> {
    match reader.peek() {
        Some(b'n') => reader.null().map(drop),
        Some(b'{') => item(reader),
        _ => reader.array(what, item),
    }
}

fn sender<'a>(reader: &mut Reader<'a>, sender: &mut Sender<'a>, budget: &mut Budget) -> Read<()> {
    reader.object(
        "a sender should be an object",
        |reader, name| match &*name {
            "rel" => reader
                .text("the rel of a sender should be a string")
                .map(|rel| sender.rel = rel),
            "href" => reader
                .text("the href of a sender should be a string")
                .map(|href| sender.href = href),
            "events" => each(reader, "the events should be a list", &mut |reader| {
                match budget.left.checked_sub(1) {
                    Some(left) => budget.left = left,
                    None => {
                        return reader.fail(DecodeErrorKind::TooManyEvents {
                            limit: budget.limit,
                        });
                    }
                }
                sender
                    .events
                    .push(Event::new(EventKind::Updated, EventLink::default()));
                sender
                    .events
                    .last_mut()
                    .map_or(Ok(()), |slot| event(reader, slot))
            }),
            _ => {
                sender.properties.push((name, reader.value()?));
                Ok(())
            }
        },
    )
}

fn event<'a>(reader: &mut Reader<'a>, event: &mut Event<'a>) -> Read<()> {
    let mut linked = false;
    let mut typed = false;
    let mut found = Found::default();
    reader.object("an event should be an object", |reader, name| {
        match &*name {
            "link" => {
                if let Some(link) = link(reader)? {
                    event.link = link;
                    linked = true;
                }
            }
            "in" => event.within = link(reader)?,
            "type" => {
                event.kind =
                    EventKind::from(&*reader.text("the type of an event should be a string")?);
                typed = true;
            }
            "_embedded" => {
                if let Err(spoilt) = reader.contained(|reader| embedded(reader, &mut found))? {
                    found = Found::default();
                    found.add(Cow::Borrowed(""), malformed(spoilt));
                }
            }
            "reason" => {
                if !reader.null()? {
                    event.reason = Some(Problem::from_generic(one_resource(reader)?));
                }
            }
            _ => match reader.value()? {
                Value::Null => {}
                Value::String(text) if name == "status" => {
                    event.status = Some(EventStatus::from(&*text));
                }
                value => event.properties.push((name, value)),
            },
        }
        Ok(())
    })?;
    if !linked {
        return reader.structure("an event has no link");
    }
    if !typed {
        return reader.structure("an event has no type");
    }
    event.embedded = found.take(&event.link.rel);
    Ok(())
}

/// What is embedded in an event: hardly ever more than one.
#[derive(Default)]
struct Found<'a> {
    first: Option<(Cow<'a, str>, Embedded<'a>)>,
    more: Vec<(Cow<'a, str>, Embedded<'a>)>,
}

impl<'a> Found<'a> {
    fn add(&mut self, key: Cow<'a, str>, embedded: Embedded<'a>) {
        match &self.first {
            None => self.first = Some((key, embedded)),
            Some(_) => self.more.push((key, embedded)),
        }
    }

    /// The key is the role that the link names; what stands under another key is taken for it if there is nothing
    /// better.
    fn take(self, rel: &str) -> Option<Embedded<'a>> {
        let (key, first) = self.first?;
        if key == rel {
            return Some(first);
        }
        let better = self.more.into_iter().find(|(key, _)| *key == rel);
        Some(better.map_or(first, |(_, embedded)| embedded))
    }
}

/// A link that names its role, or `null`.
fn link<'a>(reader: &mut Reader<'a>) -> Read<Option<EventLink<'a>>> {
    if reader.null()? {
        return Ok(None);
    }
    let mut link = EventLink::default();
    reader.object(
        "the link of an event should be an object",
        |reader, name| {
            match &*name {
                "rel" => link.rel = reader.text("the rel of a link should be a string")?,
                "href" => link.href = reader.text("the href of a link should be a string")?,
                _ => match reader.value()? {
                    Value::String(title) if name == "title" => link.title = Some(title),
                    value => link.attributes.push((name, value)),
                },
            }
            Ok(())
        },
    )?;
    Ok(Some(link))
}

/// What is embedded in an event, each sound or malformed by itself.
fn embedded<'a>(reader: &mut Reader<'a>, found: &mut Found<'a>) -> Read<()> {
    if reader.null()? {
        return Ok(());
    }
    reader.object("what is embedded should be an object", |reader, rel| {
        let mut place = OneOrMany::One(Resource::default());
        let embedded = match reader.contained(|reader| one_or_many(reader, &mut place, resource))? {
            Ok(false) => return Ok(()),
            Ok(true) => match place.into_first() {
                Some(resource) => Embedded::Resource(resource),
                None => return Ok(()),
            },
            Err(spoilt) => malformed(spoilt),
        };
        found.add(rel, embedded);
        Ok(())
    })
}

fn malformed((raw, error): (&str, DecodeError)) -> Embedded<'_> {
    Embedded::Malformed {
        raw: Cow::Borrowed(raw),
        error,
    }
}
