//! From JSON to the generic resource.

use std::borrow::Cow;

use super::reader::{Read, Reader};
use crate::{DecodeError, Limits, Link, OneOrMany, Resource, Value};

pub(crate) fn decode_resource<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<Resource<'a>, DecodeError> {
    let mut resource = Resource::default();
    Reader::new(body, limits)?.whole(|reader| self::resource(reader, &mut resource))?;
    Ok(resource)
}

/// A whole resource.
pub(super) fn resource<'a>(reader: &mut Reader<'a>, resource: &mut Resource<'a>) -> Read<()> {
    reader.object("a resource should be an object", |reader, name| {
        match &*name {
            "_links" => links(reader, &mut resource.href, &mut resource.links)?,
            "_embedded" => embedded(reader, &mut resource.embedded)?,
            _ => match reader.value()? {
                Value::String(text) if name == "rel" => resource.rel = Some(text),
                value => resource.properties.push((name, value)),
            },
        }
        Ok(())
    })
}

/// The object `_links`, or `null`. The link to itself becomes the address, and stays a link only where it says more
/// than that.
pub(super) fn links<'a>(
    reader: &mut Reader<'a>,
    href: &mut Option<Cow<'a, str>>,
    links: &mut Vec<(Cow<'a, str>, OneOrMany<Link<'a>>)>,
) -> Read<()> {
    if reader.null()? {
        return Ok(());
    }
    reader.object("the links should be an object", |reader, rel| {
        let Some(found) = one_or_many(reader, link)? else {
            return Ok(());
        };
        if rel != "self" {
            links.push((rel, found));
        } else if let Some(first) = found.as_slice().first()
            && href.is_none()
        {
            *href = Some(first.href.clone());
            let says_more = first.title.is_some() || !first.attributes.is_empty();
            if says_more || matches!(found, OneOrMany::Many(_)) {
                links.push((rel, found));
            }
        }
        Ok(())
    })
}

fn link<'a>(reader: &mut Reader<'a>) -> Read<Link<'a>> {
    let mut href = None;
    let mut title = None;
    let mut attributes = Vec::new();
    reader.object("a link should be an object", |reader, name| {
        if name == "href" {
            href = Some(reader.text("the href of a link should be a string")?);
            return Ok(());
        }
        match reader.value()? {
            Value::String(text) if name == "title" => title = Some(text),
            value => attributes.push((name, value)),
        }
        Ok(())
    })?;
    match href {
        Some(href) => Ok(Link {
            href,
            title,
            attributes,
        }),
        None => reader.structure("a link has no href"),
    }
}

/// The object `_embedded`, or `null`.
fn embedded<'a>(
    reader: &mut Reader<'a>,
    embedded: &mut Vec<(Cow<'a, str>, OneOrMany<Resource<'a>>)>,
) -> Read<()> {
    if reader.null()? {
        return Ok(());
    }
    reader.object("what is embedded should be an object", |reader, rel| {
        if let Some(resources) = one_or_many(reader, one_resource)? {
            embedded.push((rel, resources));
        }
        Ok(())
    })
}

pub(super) fn one_resource<'a>(reader: &mut Reader<'a>) -> Read<Resource<'a>> {
    let mut resource = Resource::default();
    self::resource(reader, &mut resource)?;
    Ok(resource)
}

/// One thing or an array of them; `null` is none.
pub(super) fn one_or_many<'a, T>(
    reader: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Read<T>,
) -> Read<Option<OneOrMany<T>>> {
    match reader.peek() {
        Some(b'n') => reader.null().map(|_| None),
        Some(b'[') => {
            let mut many = Vec::new();
            reader.array("", |reader| {
                many.push(read(reader)?);
                Ok(())
            })?;
            Ok(Some(OneOrMany::Many(many)))
        }
        _ => read(reader).map(|one| Some(OneOrMany::One(one))),
    }
}
