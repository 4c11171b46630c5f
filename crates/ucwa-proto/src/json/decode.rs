//! From JSON to the generic resource.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::{
    DecodeError, DecodeErrorKind, Limits, Link, Number, OneOrMany, Position, Resource, Value,
};

pub(crate) fn decode_resource<'a>(
    body: &'a [u8],
    limits: &Limits,
) -> Result<Resource<'a>, DecodeError> {
    let (text, start) = text(body, limits)?;
    let context = Context::new(limits);
    run(
        &context,
        text,
        ResourceSeed {
            context: &context,
            depth: 0,
        },
    )
    .map_err(|error| error.shifted(body, start))
}

/// The text of a body without its byte order mark, and how many bytes stand before it.
pub(super) fn text<'a>(body: &'a [u8], limits: &Limits) -> Result<(&'a str, usize), DecodeError> {
    if body.len() > limits.body_bytes {
        return Err(DecodeError::at(
            DecodeErrorKind::TooLarge {
                limit: limits.body_bytes,
            },
            body,
            limits.body_bytes,
        ));
    }
    let start = if body.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let text = std::str::from_utf8(body)
        .map_err(|error| DecodeError::at(DecodeErrorKind::Encoding, body, error.valid_up_to()))?;
    let text = text.get(start..).unwrap_or_default();
    if text.trim_ascii().is_empty() {
        return Err(DecodeError::at(DecodeErrorKind::Empty, body, body.len()));
    }
    Ok((text, start))
}

/// Runs one seed over a whole text. Positions count from its start.
pub(super) fn run<'de, S: DeserializeSeed<'de>>(
    context: &Context,
    text: &'de str,
    seed: S,
) -> Result<S::Value, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let result = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    result.map_err(|error| {
        // The deserializer's own words may quote the body, so none of them are kept.
        let kind = context.failure.take().unwrap_or(match error.classify() {
            Category::Eof => DecodeErrorKind::Syntax("the JSON ends too early"),
            Category::Data => DecodeErrorKind::Structure("a member has the wrong shape"),
            Category::Syntax | Category::Io => DecodeErrorKind::Syntax("the body is not JSON"),
        });
        DecodeError::new(
            kind,
            Position::of_line(text.as_bytes(), error.line(), error.column()),
        )
    })
}

/// What the visitors of one run share.
pub(super) struct Context {
    depth: usize,
    pub(super) events_left: Cell<usize>,
    pub(super) events_limit: usize,
    failure: Cell<Option<DecodeErrorKind>>,
}

impl Context {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            depth: limits.depth(),
            events_left: Cell::new(limits.events),
            events_limit: limits.events,
            failure: Cell::new(None),
        }
    }

    pub(super) fn fail<E: serde::de::Error>(&self, kind: DecodeErrorKind) -> E {
        self.failure.set(Some(kind));
        E::custom("")
    }

    /// One container deeper.
    pub(super) fn enter<E: serde::de::Error>(&self, depth: usize) -> Result<usize, E> {
        if depth >= self.depth {
            Err(self.fail(DecodeErrorKind::TooDeep { limit: self.depth }))
        } else {
            Ok(depth + 1)
        }
    }
}

/// Implements the seed by way of the visitor, which is the same type.
macro_rules! seed {
    ($seed:ident -> $value:ty) => {
        impl<'de> DeserializeSeed<'de> for $seed<'_> {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_any(self)
            }
        }
    };
}

macro_rules! expecting {
    ($what:literal) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str($what)
        }
    };
}

pub(super) use {expecting, seed};

/// A string, borrowed where it holds no escape.
pub(super) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;
    expecting!("a string");

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Any value.
pub(super) struct ValueSeed<'c> {
    pub(super) context: &'c Context,
    pub(super) depth: usize,
}

seed!(ValueSeed -> Value<'de>);

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value<'de>;
    expecting!("a value");

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(Number::Integer(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(
            i64::try_from(value).map_or(Number::Unsigned(value), Number::Integer),
        ))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(Number::Float(value)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let depth = self.context.enter(self.depth)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(ValueSeed {
            context: self.context,
            depth,
        })? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let depth = self.context.enter(self.depth)?;
        let mut object = Vec::new();
        while let Some(name) = members.next_key_seed(Text)? {
            object.push((
                name,
                members.next_value_seed(ValueSeed {
                    context: self.context,
                    depth,
                })?,
            ));
        }
        Ok(Value::Object(object))
    }
}

/// A whole resource.
pub(super) struct ResourceSeed<'c> {
    pub(super) context: &'c Context,
    pub(super) depth: usize,
}

seed!(ResourceSeed -> Resource<'de>);

impl<'de> Visitor<'de> for ResourceSeed<'_> {
    type Value = Resource<'de>;
    expecting!("a resource");

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let context = self.context;
        let depth = context.enter(self.depth)?;
        let mut resource = Resource::default();
        while let Some(name) = members.next_key_seed(Text)? {
            match &*name {
                "_links" => {
                    members.next_value_seed(LinksSeed {
                        context,
                        depth,
                        href: &mut resource.href,
                        links: &mut resource.links,
                    })?;
                }
                "_embedded" => members.next_value_seed(EmbeddedSeed {
                    context,
                    depth,
                    embedded: &mut resource.embedded,
                })?,
                _ => {
                    let value = members.next_value_seed(ValueSeed { context, depth })?;
                    match value {
                        Value::String(text) if name == "rel" => resource.rel = Some(text),
                        value => resource.properties.push((name, value)),
                    }
                }
            }
        }
        Ok(resource)
    }
}

/// The object `_links`. The link to itself becomes the address, and stays a link only where it says more than that.
pub(super) struct LinksSeed<'c, 'r, 'de> {
    pub(super) context: &'c Context,
    pub(super) depth: usize,
    pub(super) href: &'r mut Option<Cow<'de, str>>,
    pub(super) links: &'r mut Vec<(Cow<'de, str>, OneOrMany<Link<'de>>)>,
}

impl<'de> DeserializeSeed<'de> for LinksSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for LinksSeed<'_, '_, 'de> {
    type Value = ();
    expecting!("an object of links");

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let depth = self.context.enter(self.depth)?;
        while let Some(rel) = members.next_key_seed(Text)? {
            let Some(links) = members.next_value_seed(OneOrManyLinks {
                context: self.context,
                depth,
            })?
            else {
                continue;
            };
            match links {
                OneOrMany::One(link) if rel == "self" && self.href.is_none() => {
                    if link.title.is_none() && link.attributes.is_empty() {
                        *self.href = Some(link.href);
                    } else {
                        *self.href = Some(link.href.clone());
                        self.links.push((rel, OneOrMany::One(link)));
                    }
                }
                links => self.links.push((rel, links)),
            }
        }
        Ok(())
    }
}

/// A link or a list of links; `null` is none.
struct OneOrManyLinks<'c> {
    context: &'c Context,
    depth: usize,
}

seed!(OneOrManyLinks -> Option<OneOrMany<Link<'de>>>);

impl<'de> Visitor<'de> for OneOrManyLinks<'_> {
    type Value = Option<OneOrMany<Link<'de>>>;
    expecting!("a link or a list of links");

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let Self { context, depth } = self;
        LinkSeed { context, depth }
            .visit_map(members)
            .map(|link| Some(OneOrMany::One(link)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let context = self.context;
        let depth = context.enter(self.depth)?;
        let mut links = Vec::new();
        while let Some(link) = items.next_element_seed(LinkSeed { context, depth })? {
            links.push(link);
        }
        Ok(Some(OneOrMany::Many(links)))
    }
}

struct LinkSeed<'c> {
    context: &'c Context,
    depth: usize,
}

seed!(LinkSeed -> Link<'de>);

impl<'de> Visitor<'de> for LinkSeed<'_> {
    type Value = Link<'de>;
    expecting!("a link");

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let context = self.context;
        let depth = context.enter(self.depth)?;
        let mut href = None;
        let mut title = None;
        let mut attributes = Vec::new();
        while let Some(name) = members.next_key_seed(Text)? {
            if name == "href" {
                href = Some(members.next_value_seed(Text)?);
                continue;
            }
            match members.next_value_seed(ValueSeed { context, depth })? {
                Value::String(text) if name == "title" => title = Some(text),
                value => attributes.push((name, value)),
            }
        }
        let href = href.ok_or_else(|| {
            context.fail::<A::Error>(DecodeErrorKind::Structure("a link has no href"))
        })?;
        Ok(Link {
            href,
            title,
            attributes,
        })
    }
}

/// The object `_embedded`.
struct EmbeddedSeed<'c, 'r, 'de> {
    context: &'c Context,
    depth: usize,
    embedded: &'r mut Vec<(Cow<'de, str>, OneOrMany<Resource<'de>>)>,
}

impl<'de> DeserializeSeed<'de> for EmbeddedSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EmbeddedSeed<'_, '_, 'de> {
    type Value = ();
    expecting!("an object of resources");

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let depth = self.context.enter(self.depth)?;
        while let Some(rel) = members.next_key_seed(Text)? {
            if let Some(resources) = members.next_value_seed(OneOrManyResources {
                context: self.context,
                depth,
            })? {
                self.embedded.push((rel, resources));
            }
        }
        Ok(())
    }
}

/// A resource or a list of resources; `null` is none.
pub(super) struct OneOrManyResources<'c> {
    pub(super) context: &'c Context,
    pub(super) depth: usize,
}

seed!(OneOrManyResources -> Option<OneOrMany<Resource<'de>>>);

impl<'de> Visitor<'de> for OneOrManyResources<'_> {
    type Value = Option<OneOrMany<Resource<'de>>>;
    expecting!("a resource or a list of resources");

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let Self { context, depth } = self;
        ResourceSeed { context, depth }
            .visit_map(members)
            .map(|resource| Some(OneOrMany::One(resource)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let context = self.context;
        let depth = context.enter(self.depth)?;
        let mut resources = Vec::new();
        while let Some(resource) = items.next_element_seed(ResourceSeed { context, depth })? {
            resources.push(resource);
        }
        Ok(Some(OneOrMany::Many(resources)))
    }
}
