//! Decodes generic resources from JSON.

use std::borrow::Cow;

use super::reader::Reader;
use crate::{
    DecodeError, Limits, Link, OneOrMany, Resource, Value, error::Read, link::link_to_itself,
};

pub(crate) fn decode_resource<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<Resource<'a>, DecodeError> {
    let mut reader = Reader::new(body, limits)?;
    let mut resource = Resource::default();
    match self::resource(&mut reader, &mut resource).and_then(|()| reader.end()) {
        Ok(()) => Ok(resource),
        Err(fail) => Err(reader.error(fail)),
    }
}

/// Reads a resource.
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

/// Reads the object `_links`, or `null`. The link `self` becomes the address.
fn links<'a>(
    reader: &mut Reader<'a>,
    href: &mut Option<Cow<'a, str>>,
    links: &mut Vec<(Cow<'a, str>, OneOrMany<Link<'a>>)>,
) -> Read<()> {
    if reader.null()? {
        return Ok(());
    }
    reader.object("the links should be an object", |reader, rel| {
        if rel == "self" {
            let mut found = OneOrMany::One(Link::default());
            if one_or_many(reader, &mut found, link)? {
                link_to_itself(rel, found, href, links);
            }
            return Ok(());
        }
        if links.is_empty() {
            // Most resources have five to eight links.
            links.reserve(8);
        }
        links.push((rel, OneOrMany::One(Link::default())));
        let is_there = match links.last_mut() {
            Some((_, slot)) => one_or_many(reader, slot, link)?,
            None => true,
        };
        if !is_there {
            links.pop();
        }
        Ok(())
    })
}

pub(super) fn link<'a>(reader: &mut Reader<'a>, link: &mut Link<'a>) -> Read<()> {
    let mut leads_somewhere = false;
    reader.object("a link should be an object", |reader, name| {
        if name == "href" {
            link.href = reader.text("the href of a link should be a string")?;
            leads_somewhere = true;
            return Ok(());
        }
        match reader.value()? {
            Value::String(text) if name == "title" => link.title = Some(text),
            value => link.attributes.push((name, value)),
        }
        Ok(())
    })?;
    if leads_somewhere {
        Ok(())
    } else {
        reader.structure("a link has no href")
    }
}

/// Reads the object `_embedded`, or `null`.
fn embedded<'a>(
    reader: &mut Reader<'a>,
    embedded: &mut Vec<(Cow<'a, str>, OneOrMany<Resource<'a>>)>,
) -> Read<()> {
    if reader.null()? {
        return Ok(());
    }
    reader.object("what is embedded should be an object", |reader, rel| {
        let mut found = OneOrMany::One(Resource::default());
        if one_or_many(reader, &mut found, resource)? {
            embedded.push((rel, found));
        }
        Ok(())
    })
}

/// Reads one item, or an array of items, into `place`, which avoids copies. Returns false if there is no item: for `null`,
/// and for an empty array, which counts as absent.
pub(super) fn one_or_many<'a, T: Default>(
    reader: &mut Reader<'a>,
    place: &mut OneOrMany<T>,
    read: impl Fn(&mut Reader<'a>, &mut T) -> Read<()>,
) -> Read<bool> {
    match reader.peek() {
        Some(b'n') => return reader.null().map(|_| false),
        Some(b'[') => *place = OneOrMany::Many(Vec::new()),
        _ => {}
    }
    match place {
        OneOrMany::One(one) => read(reader, one)?,
        OneOrMany::Many(many) => reader.array("", |reader| {
            many.push(T::default());
            many.last_mut().map_or(Ok(()), |one| read(reader, one))
        })?,
    }
    Ok(!place.is_empty())
}
