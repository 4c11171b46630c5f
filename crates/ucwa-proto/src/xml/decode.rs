//! Decodes generic resources from XML.

use std::borrow::Cow;

use super::cursor::{Cursor, Element, Token};
use crate::{DecodeError, Limits, Link, OneOrMany, Resource, Value, error::Read, link::add_named};

pub(crate) fn decode_resource<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<Resource<'a>, DecodeError> {
    let mut cursor = Cursor::new(body, limits)?;
    let mut resource = Resource::default();
    match document(&mut cursor, &mut resource) {
        Ok(()) => Ok(resource),
        Err(fail) => Err(cursor.error(fail)),
    }
}

fn document<'a>(cursor: &mut Cursor<'a>, resource: &mut Resource<'a>) -> Read<()> {
    let root = root(cursor)?;
    if root.name == "events" {
        return Err(cursor.structure("expected a resource, found an event page"));
    }
    head(cursor, root, resource)?;
    members(cursor, root, resource)?;
    own_name(resource, Role::Root);
    end(cursor)
}

/// Reads up to the start tag of the root element.
pub(super) fn root<'a>(cursor: &mut Cursor<'a>) -> Read<Element<'a>> {
    loop {
        match cursor.next()? {
            Token::Start(root) => return Ok(root),
            Token::Text(text) if text.trim_ascii().is_empty() => {}
            Token::Text(_) | Token::End => return Err(cursor.syntax("the body is not XML")),
            Token::Eof => return Err(cursor.syntax("the XML has no root element")),
        }
    }
}

/// Checks that only white space follows the root element.
pub(super) fn end(cursor: &mut Cursor<'_>) -> Read<()> {
    loop {
        match cursor.next()? {
            Token::Eof => return Ok(()),
            Token::Text(text) if text.trim_ascii().is_empty() => {}
            _ => {
                return Err(cursor.syntax("something follows the root element"));
            }
        }
    }
}

/// Reads `rel` and `href` of a resource's tag; other attributes become properties.
fn head<'a>(cursor: &Cursor<'a>, element: Element<'a>, resource: &mut Resource<'a>) -> Read<()> {
    cursor.attributes(element, |name, value| match name {
        "rel" => resource.rel = Some(value),
        "href" => resource.href = Some(value),
        _ => resource
            .properties
            .push((Cow::Borrowed(name), Value::String(value))),
    })
}

/// The place of a resource in a document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Root,
    Embedded,
}

/// Sets the name of a resource, from the attribute `rel` in its field and from a property `rel`. The attribute of an
/// embedded resource is its key, so only the property is its name. The property of a root is redundant unless it differs.
fn own_name(resource: &mut Resource<'_>, role: Role) {
    let is_name = |(name, value): &(Cow<'_, str>, Value<'_>)| {
        name == "rel" && matches!(value, Value::String(_))
    };
    if role == Role::Embedded {
        resource.rel = None;
    }
    if resource.rel.is_none()
        && let Some(at) = resource.properties.iter().position(is_name)
        && let Value::String(name) = resource.properties.remove(at).1
    {
        resource.rel = Some(name);
    }
    let own = &resource.rel;
    resource.properties.retain(|(name, value)| {
        name != "rel" || value.as_str().is_none() || value.as_str() != own.as_deref()
    });
}

/// Reads an embedded resource into `resource`, and returns its key.
pub(super) fn embedded<'a>(
    cursor: &mut Cursor<'a>,
    element: Element<'a>,
    resource: &mut Resource<'a>,
) -> Read<Option<Cow<'a, str>>> {
    head(cursor, element, resource)?;
    let key = resource.rel.clone();
    members(cursor, element, resource)?;
    own_name(resource, Role::Embedded);
    Ok(key)
}

/// Reads the content of a resource up to the end tag.
fn members<'a>(
    cursor: &mut Cursor<'a>,
    parent: Element<'a>,
    resource: &mut Resource<'a>,
) -> Read<()> {
    if parent.is_empty {
        return Ok(());
    }
    loop {
        let element = match cursor.next()? {
            Token::Start(element) => element,
            Token::Text(text) if text.trim_ascii().is_empty() => continue,
            Token::Text(_) => return Err(cursor.structure("found text outside of a property")),
            Token::End | Token::Eof => return Ok(()),
        };
        match element.name {
            "link" => {
                let (rel, link) = link(cursor, element)?;
                if resource.links.is_empty() {
                    // Most resources have five to eight links.
                    resource.links.reserve(8);
                }
                add_named(&mut resource.links, rel, OneOrMany::One(link))
                    .map_err(|kind| cursor.failure(kind))?;
            }
            "resource" => {
                let mut embedded = Resource::default();
                let key = self::embedded(cursor, element, &mut embedded)?;
                let key = key.ok_or_else(|| cursor.structure("an embedded resource has no rel"))?;
                add_named(&mut resource.embedded, key, OneOrMany::One(embedded))
                    .map_err(|kind| cursor.failure(kind))?;
            }
            _ => {
                let (name, value) = property(cursor, element)?;
                resource.properties.push((name, value));
            }
        }
    }
}

/// Reads a `link` element.
pub(super) fn link<'a>(
    cursor: &mut Cursor<'a>,
    element: Element<'a>,
) -> Read<(Cow<'a, str>, Link<'a>)> {
    let mut rel = None;
    let mut href = None;
    let mut title = None;
    let mut attributes = Vec::new();
    cursor.attributes(element, |name, value| match name {
        "rel" => rel = Some(value),
        "href" => href = Some(value),
        "title" => title = Some(value),
        _ => attributes.push((Cow::Borrowed(name), Value::String(value))),
    })?;
    let rel = rel.ok_or_else(|| cursor.structure("a link has no rel"))?;
    let href = href.ok_or_else(|| cursor.structure("a link has no href"))?;
    require_empty(cursor, element)?;
    Ok((
        rel,
        Link {
            href,
            title,
            attributes,
        },
    ))
}

/// Checks that the element `parent` is empty apart from white space, and reads its end tag.
pub(super) fn require_empty(cursor: &mut Cursor<'_>, parent: Element<'_>) -> Read<()> {
    if parent.is_empty {
        return Ok(());
    }
    loop {
        match cursor.next()? {
            Token::End => return Ok(()),
            Token::Text(text) if text.trim_ascii().is_empty() => {}
            _ => return Err(cursor.structure("an element that has to be empty has content")),
        }
    }
}

/// Reads a property: a `property` or `propertyList` has its name in the attribute `name`; any other element is a property
/// of its own name.
fn property<'a>(cursor: &mut Cursor<'a>, element: Element<'a>) -> Read<(Cow<'a, str>, Value<'a>)> {
    let kind = Kind::of(element.name);
    let mut name = None;
    let mut nil = false;
    cursor.attributes(element, |attribute, value| match attribute {
        "name" if kind != Kind::Own => name = Some(value),
        "nil" => nil = value == "true" || value == "1",
        _ => {}
    })?;
    let name = match kind {
        Kind::Own => Cow::Borrowed(element.name),
        Kind::Property | Kind::List => {
            name.ok_or_else(|| cursor.structure("a property has no name"))?
        }
    };
    let value = match (kind, content(cursor, element)?) {
        _ if nil => Value::Null,
        (Kind::List, Value::String(text)) if text.trim_ascii().is_empty() => {
            Value::List(Vec::new())
        }
        (Kind::List, Value::String(_) | Value::Object(_)) => {
            return Err(cursor.structure("a property list has content other than items"));
        }
        (_, value) => value,
    };
    Ok((name, value))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Property,
    List,
    /// An element that is a property of its own name.
    Own,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "property" => Self::Property,
            "propertyList" => Self::List,
            _ => Self::Own,
        }
    }
}

/// Reads the content of an element up to the end tag: a text; a list, if all children have the same name, such as `item`;
/// or an object.
fn content<'a>(cursor: &mut Cursor<'a>, parent: Element<'a>) -> Read<Value<'a>> {
    if parent.is_empty {
        return Ok(Value::String(Cow::Borrowed("")));
    }
    let mut text: Option<Cow<'a, str>> = None;
    let mut children: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
    let mut own = true;
    loop {
        let element = match cursor.next()? {
            Token::Start(element) => element,
            Token::Text(piece) => {
                match &mut text {
                    None => text = Some(piece),
                    Some(text) => text.to_mut().push_str(&piece),
                }
                continue;
            }
            Token::End | Token::Eof => break,
        };
        own &= Kind::of(element.name) == Kind::Own;
        children.push(property(cursor, element)?);
    }
    let Some((first, _)) = children.first() else {
        return Ok(Value::String(text.unwrap_or_default()));
    };
    if text.is_some_and(|text| !text.trim_ascii().is_empty()) {
        return Err(cursor.structure("a property has both text and elements"));
    }
    if own && children.iter().all(|(name, _)| name == first) {
        return Ok(Value::List(
            children.into_iter().map(|(_, value)| value).collect(),
        ));
    }
    Ok(Value::Object(children))
}

/// Reads the content of a reason up to the end tag.
pub(super) fn reason<'a>(cursor: &mut Cursor<'a>, element: Element<'a>) -> Read<Resource<'a>> {
    let mut resource = Resource::default();
    members(cursor, element, &mut resource)?;
    Ok(resource)
}

/// Reads the text of an element up to the end tag.
pub(super) fn text<'a>(cursor: &mut Cursor<'a>, element: Element<'a>) -> Read<Cow<'a, str>> {
    match content(cursor, element)? {
        Value::String(text) => Ok(text),
        _ => Err(cursor.structure("expected text, found elements")),
    }
}
