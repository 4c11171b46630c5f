//! From XML to the generic resource.

use std::borrow::Cow;

use super::cursor::{Cursor, Element, Token};
use crate::{DecodeError, DecodeErrorKind, Limits, Link, OneOrMany, Resource, Value};

pub(crate) fn decode_resource<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<Resource<'a>, DecodeError> {
    let mut cursor = Cursor::new(body, limits)?;
    let (root, empty) = root(&mut cursor)?;
    if root.name == "events" {
        return Err(cursor.structure("an event page stands where a resource should"));
    }
    let mut resource = Resource::default();
    head(&cursor, root, &mut resource)?;
    if !empty {
        members(&mut cursor, &mut resource)?;
    }
    own_name(&mut resource, Role::Root);
    end(&mut cursor)?;
    Ok(resource)
}

/// The root element, and whether it is empty.
pub(super) fn root<'a>(cursor: &mut Cursor<'a>) -> Result<(Element<'a>, bool), DecodeError> {
    loop {
        match cursor.next()? {
            Token::Start(root) => return Ok((root, false)),
            Token::Empty(root) => return Ok((root, true)),
            Token::Text(text) if text.trim_ascii().is_empty() => {}
            Token::Text(_) | Token::End => {
                return Err(cursor.fail(DecodeErrorKind::Syntax("the body is not XML")));
            }
            Token::Eof => {
                return Err(cursor.fail(DecodeErrorKind::Syntax("the XML has no root element")));
            }
        }
    }
}

/// Makes sure that nothing follows the root element.
pub(super) fn end(cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
    loop {
        match cursor.next()? {
            Token::Eof => return Ok(()),
            Token::Text(text) if text.trim_ascii().is_empty() => {}
            _ => {
                return Err(cursor.fail(DecodeErrorKind::Syntax(
                    "something follows the root element",
                )));
            }
        }
    }
}

/// Reads `rel` and `href` of a resource's tag; other attributes become properties.
fn head<'a>(
    cursor: &Cursor<'a>,
    element: Element<'a>,
    resource: &mut Resource<'a>,
) -> Result<(), DecodeError> {
    cursor.attributes(element, |name, value| match name {
        "rel" => resource.rel = Some(value),
        "href" => resource.href = Some(value),
        _ => resource
            .properties
            .push((Cow::Borrowed(name), Value::String(value))),
    })
}

/// Where a resource stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Root,
    Embedded,
}

/// Settles what the resource's own name is, given the attribute `rel` in its field and perhaps properties of that
/// name. The attribute of an embedded resource
/// was its key, so a property alone can be its name; a root's property is superfluous unless it differs.
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

/// A resource element in the middle of a document, and its key.
pub(super) fn resource<'a>(
    cursor: &mut Cursor<'a>,
    element: Element<'a>,
    empty: bool,
) -> Result<(Option<Cow<'a, str>>, Resource<'a>), DecodeError> {
    let mut resource = Resource::default();
    head(cursor, element, &mut resource)?;
    let key = resource.rel.clone();
    if !empty {
        members(cursor, &mut resource)?;
    }
    own_name(&mut resource, Role::Embedded);
    Ok((key, resource))
}

/// What a resource's element holds, up to its end tag.
fn members<'a>(cursor: &mut Cursor<'a>, resource: &mut Resource<'a>) -> Result<(), DecodeError> {
    loop {
        let (element, empty) = match cursor.next()? {
            Token::Start(element) => (element, false),
            Token::Empty(element) => (element, true),
            Token::Text(text) if text.trim_ascii().is_empty() => continue,
            Token::Text(_) => return Err(cursor.structure("text stands outside of a property")),
            Token::End | Token::Eof => return Ok(()),
        };
        match element.name {
            "link" => {
                let (rel, link) = link(cursor, element, empty)?;
                add(cursor, &mut resource.links, rel, link)?;
            }
            "resource" => {
                let (key, embedded) = self::resource(cursor, element, empty)?;
                let key = key.ok_or_else(|| cursor.structure("an embedded resource has no rel"))?;
                add(cursor, &mut resource.embedded, key, embedded)?;
            }
            _ => {
                let (name, value) = property(cursor, element, empty)?;
                resource.properties.push((name, value));
            }
        }
    }
}

/// Adds a link or a resource to those of its name. All names are searched for each, so there must not be too many.
pub(super) fn add<'a, T>(
    cursor: &Cursor<'a>,
    to: &mut Vec<(Cow<'a, str>, OneOrMany<T>)>,
    name: Cow<'a, str>,
    item: T,
) -> Result<(), DecodeError> {
    const LIMIT: usize = 1000;
    let names = to.len();
    match to.iter_mut().find(|(present, _)| *present == name) {
        Some((_, items)) => items.push(item),
        None if names < LIMIT => to.push((name, OneOrMany::One(item))),
        None => return Err(cursor.fail(DecodeErrorKind::TooManyMembers { limit: LIMIT })),
    }
    Ok(())
}

/// A `link` element.
pub(super) fn link<'a>(
    cursor: &mut Cursor<'a>,
    element: Element<'a>,
    empty: bool,
) -> Result<(Cow<'a, str>, Link<'a>), DecodeError> {
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
    if !empty {
        nothing(cursor)?;
    }
    Ok((
        rel,
        Link {
            href,
            title,
            attributes,
        },
    ))
}

/// White space up to the end tag.
pub(super) fn nothing(cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
    loop {
        match cursor.next()? {
            Token::End => return Ok(()),
            Token::Text(text) if text.trim_ascii().is_empty() => {}
            _ => return Err(cursor.structure("an element that should be empty is not")),
        }
    }
}

/// A property: a `property` or `propertyList` by its attribute `name`, any other element by its own name.
fn property<'a>(
    cursor: &mut Cursor<'a>,
    element: Element<'a>,
    empty: bool,
) -> Result<(Cow<'a, str>, Value<'a>), DecodeError> {
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
    let value = if empty {
        Value::String(Cow::Borrowed(""))
    } else {
        content(cursor)?
    };
    let value = match (kind, value) {
        _ if nil => Value::Null,
        (Kind::List, Value::String(text)) if text.trim_ascii().is_empty() => {
            Value::List(Vec::new())
        }
        (Kind::List, Value::String(_) | Value::Object(_)) => {
            return Err(cursor.structure("a list of properties has something else than items"));
        }
        (_, value) => value,
    };
    Ok((name, value))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Property,
    List,
    /// An element that stands for a property of its own name.
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

/// What an element holds, up to its end tag: text; or a list, if all its children bear the same name of their own,
/// such as `item`; or else a property bag.
fn content<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, DecodeError> {
    let mut text: Option<Cow<'a, str>> = None;
    let mut children: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
    let mut own = true;
    loop {
        let (element, empty) = match cursor.next()? {
            Token::Start(element) => (element, false),
            Token::Empty(element) => (element, true),
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
        children.push(property(cursor, element, empty)?);
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

/// What a reason holds, up to its end tag.
pub(super) fn reason<'a>(
    cursor: &mut Cursor<'a>,
    empty: bool,
) -> Result<Resource<'a>, DecodeError> {
    let mut resource = Resource::default();
    if !empty {
        members(cursor, &mut resource)?;
    }
    Ok(resource)
}

/// The text of an element, up to its end tag.
pub(super) fn text<'a>(cursor: &mut Cursor<'a>, empty: bool) -> Result<Cow<'a, str>, DecodeError> {
    match if empty {
        Value::String(Cow::Borrowed(""))
    } else {
        content(cursor)?
    } {
        Value::String(text) => Ok(text),
        _ => Err(cursor.structure("an element that should hold text holds elements")),
    }
}
