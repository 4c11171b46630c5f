//! The grammar of an event page in XML.

use std::borrow::Cow;

use super::{
    cursor::{Cursor, Element, Token},
    decode::{embedded, end, link, reason, require_empty, root, text},
};
use crate::{
    DecodeError, DecodeErrorKind, EventKind, EventLink, EventPage, EventStatus, Limits, OneOrMany,
    Problem, Sender, Value,
    error::{Fail, Read},
    event_page_reader::{EventDraft, Grammar, PageReader},
};

pub(crate) fn decode_page<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<EventPage<'a>, DecodeError> {
    PageReader::read(Cursor::new(body, limits)?, limits)
}

impl<'a> Grammar<'a> for Cursor<'a> {
    type Mark = Element<'a>;

    fn page(&mut self, page: &mut PageReader<'a>) -> Read<()> {
        let root = root(self)?;
        if root.name != "events" {
            return Err(self.structure("the root element is not an event page"));
        }
        let attributes = self.attributes(root, |name, value| {
            if name == "href" {
                page.href(value);
            }
        });
        if let Err(fail) = attributes {
            page.malformed(self, self.text_from(root), fail, None)?;
        }
        while let Some(child) = child(self, root)? {
            let element = match child {
                Child::Element(element) => element,
                Child::Text(text, fail) => {
                    page.malformed(self, text, fail, None)?;
                    continue;
                }
            };
            if element.name == "sender" {
                page.sender(self, element)?;
                continue;
            }
            let read = match element.name {
                "link" => link(self, element).and_then(|(rel, link)| {
                    page.link(rel, OneOrMany::One(link))
                        .map_err(|kind| self.failure(kind))
                }),
                _ => self.skip(element),
            };
            if let Some(fail) = self.contain(element, read)? {
                page.malformed(self, self.text_from(element), fail, None)?;
            }
        }
        end(self)
    }

    fn sender(
        &mut self,
        mark: Element<'a>,
        sender: &mut Sender<'a>,
        page: &mut PageReader<'a>,
    ) -> Read<()> {
        let attributes = self.attributes(mark, |name, value| match name {
            "rel" => sender.rel = value,
            "href" => sender.href = value,
            _ => sender
                .properties
                .push((Cow::Borrowed(name), Value::String(value))),
        });
        if let Err(fail) = attributes {
            page.malformed(self, self.text_from(mark), fail, None)?;
        }
        while let Some(child) = child(self, mark)? {
            match child {
                Child::Element(element) => page.event(self, element, sender)?,
                Child::Text(text, fail) => page.malformed(self, text, fail, None)?,
            }
        }
        Ok(())
    }

    /// The name of the element is the type, and its attributes are the link.
    fn event(&mut self, mark: Element<'a>, draft: &mut EventDraft<'_, 'a>) -> Read<()> {
        draft.kind(EventKind::from(mark.name));
        let mut status = None;
        let mut link = EventLink::default();
        let mut is_link = false;
        let attributes = self.attributes(mark, |name, value| match name {
            "status" => status = Some(EventStatus::from(&*value)),
            _ => {
                is_link |= matches!(name, "rel" | "href");
                link_attribute(&mut link, name, value);
            }
        });
        draft.event.status = status;
        if is_link {
            draft.link(link);
        }
        if let Err(fail) = attributes {
            draft.failed(fail, true);
        }
        while let Some(child) = child(self, mark)? {
            match child {
                Child::Element(element) => {
                    let read = event_member(self, element, draft);
                    if let Some(fail) = self.contain(element, read)? {
                        draft.failed(fail, matches!(element.name, "status" | "in"));
                    }
                }
                Child::Text(_, fail) => draft.failed(fail, false),
            }
        }
        Ok(())
    }

    fn recover(&mut self, mark: Element<'a>, fail: Fail) -> Read<Fail> {
        Cursor::recover(self, mark, fail)
    }

    fn text_from(&self, mark: Element<'a>) -> &'a str {
        Cursor::text_from(self, mark)
    }

    fn failure(&self, kind: DecodeErrorKind) -> Fail {
        Cursor::failure(self, kind)
    }

    fn error(&self, fail: Fail) -> DecodeError {
        Cursor::error(self, fail)
    }
}

/// Reads an element within an event.
fn event_member<'a>(
    cursor: &mut Cursor<'a>,
    element: Element<'a>,
    draft: &mut EventDraft<'_, 'a>,
) -> Read<()> {
    match element.name {
        "resource" => {
            draft.embedded(|resource| {
                let key = embedded(cursor, element, resource)?;
                // Within an event the attribute is the name, if the resource has no other.
                if resource.rel.is_none() {
                    resource.rel.clone_from(&key);
                }
                Ok(Some(key.unwrap_or_default()))
            })?;
        }
        "in" => {
            let mut link = EventLink::default();
            cursor.attributes(element, |name, value| {
                link_attribute(&mut link, name, value);
            })?;
            require_empty(cursor, element)?;
            draft.event.within = Some(link);
        }
        "status" => {
            draft.event.status = Some(EventStatus::from(text(cursor, element)?.trim_ascii()));
        }
        "reason" => {
            let reason = Problem::from_generic(reason(cursor, element)?);
            draft.event.reason = Some(Box::new(reason));
        }
        _ => cursor.skip(element)?,
    }
    Ok(())
}

fn link_attribute<'a>(link: &mut EventLink<'a>, name: &'a str, value: Cow<'a, str>) {
    match name {
        "rel" => link.rel = value,
        "href" => link.href = value,
        "title" => link.title = Some(value),
        _ => link
            .attributes
            .push((Cow::Borrowed(name), Value::String(value))),
    }
}

/// A child of an element that has to contain elements only.
enum Child<'a> {
    Element(Element<'a>),
    /// Unexpected text.
    Text(&'a str, Fail),
}

/// Reads the next child of an element; `None` at the end tag.
fn child<'a>(cursor: &mut Cursor<'a>, parent: Element<'a>) -> Read<Option<Child<'a>>> {
    if parent.is_empty {
        return Ok(None);
    }
    loop {
        let begin = cursor.offset();
        return Ok(match cursor.next()? {
            Token::Start(element) => Some(Child::Element(element)),
            Token::Text(text) if text.trim_ascii().is_empty() => continue,
            Token::Text(_) => {
                let fail = cursor.structure("expected an element, found text");
                Some(Child::Text(cursor.slice(begin, cursor.offset()), fail))
            }
            Token::End | Token::Eof => None,
        });
    }
}
