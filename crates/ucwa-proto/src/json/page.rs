//! The grammar of an event page in JSON.

use std::borrow::Cow;

use super::{
    decode::{link, one_or_many, resource},
    reader::{Mark, Reader},
};
use crate::{
    DecodeError, DecodeErrorKind, EventKind, EventLink, EventPage, EventStatus, Limits, Link,
    OneOrMany, Problem, Resource, Sender, Value,
    error::{Fail, Read},
    event_page_reader::{EventDraft, Grammar, PageReader},
};

pub(crate) fn decode_page<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<EventPage<'a>, DecodeError> {
    PageReader::read(Reader::new(body, limits)?, limits)
}

impl<'a> Grammar<'a> for Reader<'a> {
    type Mark = Mark;

    fn page(&mut self, page: &mut PageReader<'a>) -> Read<()> {
        self.members(
            "an event page should be an object",
            page,
            |reader, page, name| {
                match &*name {
                    "_links" => page_links(reader, page)?,
                    "sender" => reader.items(&mut |reader, mark| page.sender(reader, mark))?,
                    _ => page.property(name, reader.value()?),
                }
                Ok(())
            },
            |reader, page, mark, _, fail| {
                page.malformed(reader, reader.text_from(mark), fail, None)
            },
        )?;
        self.end()
    }

    fn sender(
        &mut self,
        mark: Mark,
        sender: &mut Sender<'a>,
        page: &mut PageReader<'a>,
    ) -> Read<()> {
        self.members(
            "a sender should be an object",
            &mut (sender, page),
            |reader, (sender, page), name| {
                match &*name {
                    "rel" => sender.rel = reader.text("the rel of a sender should be a string")?,
                    "href" => {
                        sender.href = reader.text("the href of a sender should be a string")?;
                    }
                    "events" => {
                        reader.items(&mut |reader, mark| page.event(reader, mark, sender))?;
                    }
                    _ => sender.properties.push((name, reader.value()?)),
                }
                Ok(())
            },
            |reader, (_, page), mark, _, fail| {
                page.malformed(reader, reader.text_from(mark), fail, None)
            },
        )?;
        self.end_at(mark)
    }

    fn event(&mut self, mark: Mark, draft: &mut EventDraft<'_, 'a>) -> Read<()> {
        self.members(
            "an event should be an object",
            draft,
            |reader, draft, name| {
                match &*name {
                    "link" => {
                        if let Some(link) = event_link(reader)? {
                            draft.link(link);
                        }
                    }
                    "in" => draft.event.within = event_link(reader)?,
                    "type" => draft.kind(EventKind::from(
                        &*reader.text("the type of an event should be a string")?,
                    )),
                    "status" => {
                        if !reader.null()? {
                            let status =
                                reader.text("the status of an event should be a string")?;
                            draft.event.status = Some(EventStatus::from(&*status));
                        }
                    }
                    "_embedded" => embedded(reader, draft)?,
                    "reason" => {
                        if !reader.null()? {
                            let mut reason = Resource::default();
                            resource(reader, &mut reason)?;
                            draft.event.reason = Some(Box::new(Problem::from_generic(reason)));
                        }
                    }
                    _ => match reader.value()? {
                        Value::Null => {}
                        value => draft.event.properties.push((name, value)),
                    },
                }
                Ok(())
            },
            |_, draft, _, name, fail| {
                // A member with an unreadable name may be any member.
                let name = name.as_deref();
                draft.failed(fail, matches!(name, None | Some("type" | "status" | "in")));
                Ok(())
            },
        )?;
        if let Err(fail) = self.end_at(mark) {
            let fail = self.recover(mark, fail)?;
            draft.failed(fail, false);
        }
        Ok(())
    }

    fn recover(&mut self, mark: Mark, fail: Fail) -> Read<Fail> {
        Reader::recover(self, mark, fail)
    }

    fn text_from(&self, mark: Mark) -> &'a str {
        Reader::text_from(self, mark)
    }

    fn failure(&self, kind: DecodeErrorKind) -> Fail {
        Reader::failure(self, kind)
    }

    fn error(&self, fail: Fail) -> DecodeError {
        Reader::error(self, fail)
    }
}

/// Reads the object `_links` of a page, or `null`.
fn page_links<'a>(reader: &mut Reader<'a>, page: &mut PageReader<'a>) -> Read<()> {
    if reader.null()? {
        return Ok(());
    }
    reader.members(
        "the links should be an object",
        page,
        |reader, page, rel| {
            let mut found = OneOrMany::One(Link::default());
            if one_or_many(reader, &mut found, link)? {
                page.link(rel, found).map_err(|kind| reader.failure(kind))?;
            }
            Ok(())
        },
        |reader, page, mark, _, fail| page.malformed(reader, reader.text_from(mark), fail, None),
    )
}

/// Reads a link of an event. `null`, and an object with neither `rel` nor `href`, is no link.
fn event_link<'a>(reader: &mut Reader<'a>) -> Read<Option<EventLink<'a>>> {
    if reader.null()? {
        return Ok(None);
    }
    let mut link = EventLink::default();
    let mut is_link = false;
    reader.object(
        "the link of an event should be an object",
        |reader, name| {
            match &*name {
                "rel" => {
                    link.rel = reader.text("the rel of a link should be a string")?;
                    is_link = true;
                }
                "href" => {
                    link.href = reader.text("the href of a link should be a string")?;
                    is_link = true;
                }
                _ => match reader.value()? {
                    Value::String(title) if name == "title" => link.title = Some(title),
                    value => link.attributes.push((name, value)),
                },
            }
            Ok(())
        },
    )?;
    Ok(is_link.then_some(link))
}

/// Reads the object `_embedded` of an event, or `null`.
fn embedded<'a>(reader: &mut Reader<'a>, draft: &mut EventDraft<'_, 'a>) -> Read<()> {
    if reader.null()? {
        return Ok(());
    }
    reader.members(
        "what is embedded should be an object",
        draft,
        |reader, draft, rel: Cow<'a, str>| {
            draft.embedded(|resource| Ok(first(reader, resource)?.then_some(rel)))
        },
        |_, draft, _, _, fail| {
            draft.failed(fail, false);
            Ok(())
        },
    )
}

/// Reads a resource, or the first resource of an array. Returns false if there is none.
fn first<'a>(reader: &mut Reader<'a>, place: &mut Resource<'a>) -> Read<bool> {
    if reader.peek() == Some(b'{') {
        return resource(reader, place).map(|()| true);
    }
    let mut found = OneOrMany::One(Resource::default());
    let is_there = one_or_many(reader, &mut found, resource)?;
    if let Some(first) = found.into_first() {
        *place = first;
    }
    Ok(is_there)
}
