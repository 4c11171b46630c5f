//! From XML to event pages.

use std::borrow::Cow;

use super::{
    cursor::{Cursor, Element, Token},
    decode::{add, end, link, nothing, reason, resource, root, text},
};
use crate::{
    DecodeError, DecodeErrorKind, Embedded, Event, EventKind, EventLink, EventPage, EventStatus,
    Follow, Limits, Problem, Sender, Value,
};

pub(crate) fn decode_page<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<EventPage<'a>, DecodeError> {
    let mut cursor = Cursor::new(body, limits)?;
    let (root, empty) = root(&mut cursor)?;
    if root.name != "events" {
        return Err(cursor.structure("the root element is not an event page"));
    }
    let mut page = EventPage::default();
    cursor.attributes(root, |name, value| {
        if name == "href" {
            page.href = Some(value);
        }
    })?;
    let mut events_left = limits.events;
    while let Some((element, empty)) = child(&mut cursor, empty)? {
        match element.name {
            "link" => {
                let (rel, link) = link(&mut cursor, element, empty)?;
                if !Follow::is_named(&rel) {
                    add(&cursor, &mut page.links, rel, link)?;
                } else if let Some(follow) = Follow::from_link(&rel, link.href) {
                    Follow::outrank(&mut page.follow, follow);
                }
            }
            "sender" => page.senders.push(sender(
                &mut cursor,
                element,
                empty,
                limits,
                &mut events_left,
            )?),
            _ => skip(&mut cursor, empty)?,
        }
    }
    end(&mut cursor)?;
    Ok(page)
}

/// The next element within an element that holds no text, or `None` at its end tag.
fn child<'a>(
    cursor: &mut Cursor<'a>,
    parent_is_empty: bool,
) -> Result<Option<(Element<'a>, bool)>, DecodeError> {
    if parent_is_empty {
        return Ok(None);
    }
    loop {
        match cursor.next()? {
            Token::Start(element) => return Ok(Some((element, false))),
            Token::Empty(element) => return Ok(Some((element, true))),
            Token::Text(text) if text.trim_ascii().is_empty() => {}
            Token::Text(_) => {
                return Err(cursor.structure("text stands where only elements should"));
            }
            Token::End | Token::Eof => return Ok(None),
        }
    }
}

fn skip(cursor: &mut Cursor<'_>, empty: bool) -> Result<(), DecodeError> {
    if empty {
        Ok(())
    } else {
        cursor.skip_to(cursor.depth())
    }
}

fn sender<'a>(
    cursor: &mut Cursor<'a>,
    element: Element<'a>,
    empty: bool,
    limits: &Limits,
    events_left: &mut usize,
) -> Result<Sender<'a>, DecodeError> {
    let mut sender = Sender::default();
    cursor.attributes(element, |name, value| match name {
        "rel" => sender.rel = value,
        "href" => sender.href = value,
        _ => sender
            .properties
            .push((Cow::Borrowed(name), Value::String(value))),
    })?;
    while let Some((element, empty)) = child(cursor, empty)? {
        *events_left = events_left.checked_sub(1).ok_or_else(|| {
            cursor.fail(DecodeErrorKind::TooManyEvents {
                limit: limits.events,
            })
        })?;
        sender.events.push(event(cursor, element, empty)?);
    }
    Ok(sender)
}

/// An event: the element's name is the type.
fn event<'a>(
    cursor: &mut Cursor<'a>,
    element: Element<'a>,
    empty: bool,
) -> Result<Event<'a>, DecodeError> {
    // It stands on the same element as the link.
    let mut status = None;
    let link = event_link(cursor, element, |name, value| {
        let own = name == "status";
        if own {
            status = Some(EventStatus::from(value));
        }
        own
    })?;
    let mut event = Event::new(EventKind::from(element.name), link);
    event.status = status;
    while let Some((element, empty)) = child(cursor, empty)? {
        match element.name {
            "resource" => {
                let embedded = embedded(cursor, element, empty)?;
                event.embedded.get_or_insert(embedded);
            }
            "in" => {
                event.within = Some(event_link(cursor, element, |_, _| false)?);
                if !empty {
                    nothing(cursor)?;
                }
            }
            "status" => event.status = Some(EventStatus::from(text(cursor, empty)?.trim_ascii())),
            "reason" => event.reason = Some(Problem::from_generic(reason(cursor, empty)?)),
            _ => skip(cursor, empty)?,
        }
    }
    Ok(event)
}

/// The link that an element is, but for the attributes that `takes` says are its own.
fn event_link<'a>(
    cursor: &Cursor<'a>,
    element: Element<'a>,
    mut takes: impl FnMut(&str, &str) -> bool,
) -> Result<EventLink<'a>, DecodeError> {
    let mut link = EventLink::default();
    cursor.attributes(element, |name, value| match name {
        "rel" => link.rel = value,
        "href" => link.href = value,
        "title" => link.title = Some(value),
        _ if takes(name, &value) => {}
        _ => link
            .attributes
            .push((Cow::Borrowed(name), Value::String(value))),
    })?;
    Ok(link)
}

/// The embedded resource of an event. If it has the wrong shape, only this event is spoilt.
fn embedded<'a>(
    cursor: &mut Cursor<'a>,
    element: Element<'a>,
    empty: bool,
) -> Result<Embedded<'a>, DecodeError> {
    let before = element.start();
    let depth = cursor.depth();
    let error = match resource(cursor, element, empty) {
        Ok((key, mut resource)) => {
            // Within an event the attribute is the best name there is.
            if resource.rel.is_none() {
                resource.rel = key;
            }
            return Ok(Embedded::Resource(resource));
        }
        Err(error) => error,
    };
    if !matches!(
        error.kind(),
        DecodeErrorKind::Structure(_)
            | DecodeErrorKind::TooDeep { .. }
            | DecodeErrorKind::TooManyMembers { .. }
    ) {
        return Err(error);
    }
    if !empty {
        cursor.skip_to(depth)?;
    }
    Ok(Embedded::Malformed {
        raw: Cow::Borrowed(cursor.slice(before, cursor.offset())),
        error,
    })
}
