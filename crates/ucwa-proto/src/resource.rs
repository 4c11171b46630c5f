//! The generic resource.

use std::{borrow::Cow, fmt};

use crate::{
    DecodeError, DecodeErrorKind, Limits, Link, OneOrMany, Representation, Value,
    interning::owned,
    json,
    link::owned_named,
    value::{RedactedProperty, borrowed_members, owned_members},
    xml,
};

/// The generic form of a UCWA body: a resource, an input, or a reason (`PayloadFormat`, `ResourcesInUCWA`).
///
/// An empty list of links or embedded resources counts as absent, since XML cannot express it: decoders and encoders
/// omit it.
///
/// Members keep their order, and unknown members are kept, so that decoding and encoding loses nothing. Strings without
/// escapes borrow from the decoded bytes; [`into_owned`](Self::into_owned) makes a `Resource<'static>`.
///
/// In JSON `rel` is a member, and the address is `_links.self.href`; in XML both are attributes. The `rel` attribute of
/// an embedded XML resource is its key. Its own name, which may differ (`from` is a `participant`), may be the property
/// `rel`.
#[derive(Clone, Default, PartialEq)]
pub struct Resource<'a> {
    /// The name; inputs have none, and embedded resources may omit it.
    pub rel: Option<Cow<'a, str>>,
    /// The address, as it was sent.
    pub href: Option<Cow<'a, str>>,
    /// The properties, in order, with `etag` and the PUT marker.
    pub properties: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The links, in order, without `self`.
    pub links: Vec<(Cow<'a, str>, OneOrMany<Link<'a>>)>,
    /// The embedded resources, in order.
    pub embedded: Vec<(Cow<'a, str>, OneOrMany<Resource<'a>>)>,
}

/// Constructors and setters.
impl<'a> Resource<'a> {
    /// An empty resource with this name.
    #[must_use]
    pub fn new(rel: impl Into<Cow<'a, str>>) -> Self {
        Self {
            rel: Some(rel.into()),
            ..Self::default()
        }
    }

    /// An empty resource without a name, for inputs.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Sets the address.
    #[must_use]
    pub fn with_href(mut self, href: impl Into<Cow<'a, str>>) -> Self {
        self.href = Some(href.into());
        self
    }

    /// Adds a property.
    #[must_use]
    pub fn with_property(
        mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<Value<'a>>,
    ) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// Adds a single link.
    #[must_use]
    pub fn with_link(mut self, rel: impl Into<Cow<'a, str>>, link: impl Into<Link<'a>>) -> Self {
        self.links.push((rel.into(), OneOrMany::One(link.into())));
        self
    }

    /// Adds a list of links. An empty list counts as absent.
    #[must_use]
    pub fn with_links(
        mut self,
        rel: impl Into<Cow<'a, str>>,
        links: impl IntoIterator<Item = Link<'a>>,
    ) -> Self {
        self.links
            .push((rel.into(), OneOrMany::Many(links.into_iter().collect())));
        self
    }

    /// Adds a single embedded resource.
    #[must_use]
    pub fn with_embedded(mut self, rel: impl Into<Cow<'a, str>>, resource: Resource<'a>) -> Self {
        self.embedded.push((rel.into(), OneOrMany::One(resource)));
        self
    }

    /// Adds a list of embedded resources. An empty list counts as absent.
    #[must_use]
    pub fn with_embedded_many(
        mut self,
        rel: impl Into<Cow<'a, str>>,
        resources: Vec<Resource<'a>>,
    ) -> Self {
        self.embedded.push((rel.into(), OneOrMany::Many(resources)));
        self
    }
}

/// Accessors and conversions.
impl<'a> Resource<'a> {
    /// The name.
    #[must_use]
    pub fn rel(&self) -> Option<&str> {
        self.rel.as_deref()
    }

    /// The address, as it was sent.
    #[must_use]
    pub fn href(&self) -> Option<&str> {
        self.href.as_deref()
    }

    /// The version tag, without the quotes that `If-Match` requires (`PayloadFormat`).
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.text("etag")
    }

    /// The first property with this name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Value<'a>> {
        self.properties
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value)
    }

    /// The text of a property.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.property(name)?.as_str()
    }

    /// The boolean of a property, in the format of JSON or XML.
    #[must_use]
    pub fn boolean(&self, name: &str) -> Option<bool> {
        self.property(name)?.as_bool()
    }

    /// The integer of a property, also if it is a string of digits.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.property(name)?.as_integer()
    }

    /// The texts of a list property; a single text counts as a list.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.property(name)
            .map(Value::as_list)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
    }

    /// The first link with this name.
    #[must_use]
    pub fn link(&self, rel: &str) -> Option<&Link<'a>> {
        self.links(rel).first()
    }

    /// The address of the first link with this name.
    #[must_use]
    pub fn link_href(&self, rel: &str) -> Option<&str> {
        self.link(rel).map(|link| &*link.href)
    }

    /// All links with this name.
    #[must_use]
    pub fn links(&self, rel: &str) -> &[Link<'a>] {
        self.links
            .iter()
            .find(|(r, _)| r == rel)
            .map(|(_, links)| links.as_slice())
            .unwrap_or_default()
    }

    /// The first embedded resource with this key.
    #[must_use]
    pub fn embedded(&self, rel: &str) -> Option<&Resource<'a>> {
        self.embedded_all(rel).first()
    }

    /// All embedded resources with this key.
    #[must_use]
    pub fn embedded_all(&self, rel: &str) -> &[Resource<'a>] {
        self.embedded
            .iter()
            .find(|(r, _)| r == rel)
            .map(|(_, resources)| resources.as_slice())
            .unwrap_or_default()
    }

    /// The property that a PUT must send back. Its name is random, and its value asks clients to pass it (`PayloadFormat`).
    #[must_use]
    pub fn put_marker(&self) -> Option<(&str, &str)> {
        self.properties.iter().find_map(|(name, value)| {
            let text = value.as_str()?;
            let asks = text
                .trim_start()
                .get(..11)
                .is_some_and(|start| start.eq_ignore_ascii_case("please pass"));
            asks.then_some((&**name, text))
        })
    }

    /// A copy that borrows from this resource.
    #[must_use]
    pub fn borrowed(&self) -> Resource<'_> {
        Resource {
            rel: self.rel().map(Cow::Borrowed),
            href: self.href().map(Cow::Borrowed),
            properties: borrowed_members(&self.properties),
            links: self
                .links
                .iter()
                .map(|(rel, links)| (Cow::Borrowed(&**rel), links.each(Link::borrowed)))
                .collect(),
            embedded: self
                .embedded
                .iter()
                .map(|(rel, resources)| (Cow::Borrowed(&**rel), resources.each(Resource::borrowed)))
                .collect(),
        }
    }

    /// Converts the resource into one that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Resource<'static> {
        Resource {
            rel: self.rel.map(owned),
            href: self.href.map(owned),
            properties: owned_members(self.properties),
            links: owned_named(self.links, Link::into_owned),
            embedded: owned_named(self.embedded, Resource::into_owned),
        }
    }
}

/// Decoding and encoding.
impl<'a> Resource<'a> {
    /// Decodes a body: a resource, an input, a reason, or an object. Accepts a byte order mark and white space before the
    /// body. Bytes that are not UTF-8 are read as U+FFFD.
    ///
    /// # Errors
    ///
    /// If the body is not well-formed, exceeds a limit, or has a link or an embedded resource of the wrong type.
    pub fn decode(
        body: &'a [u8],
        representation: Representation,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let decode = match representation {
            Representation::Json => json::decode_resource,
            Representation::Xml => xml::decode_resource,
        };
        match decode(body, limits) {
            Err(error) if error.kind() == &DecodeErrorKind::Encoding => {
                let (text, limits) = limits.repaired(body);
                decode(text.as_bytes(), &limits).map(Resource::into_owned)
            }
            read => read,
        }
    }

    /// Encodes the resource as the body of a response; in XML the root element is `<resource>`. The body of a request is
    /// an [`Input`](crate::Input).
    #[must_use]
    pub fn encode(&self, representation: Representation) -> Vec<u8> {
        match representation {
            Representation::Json => json::encode_resource(self),
            Representation::Xml => xml::encode_resource(self, "resource"),
        }
    }
}

impl fmt::Debug for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Properties<'r, 'a>(&'r [(Cow<'a, str>, Value<'a>)]);
        impl fmt::Debug for Properties<'_, '_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_map()
                    .entries(
                        self.0
                            .iter()
                            .map(|(name, value)| (name, RedactedProperty { name, value })),
                    )
                    .finish()
            }
        }
        f.debug_struct("Resource")
            .field("rel", &self.rel)
            .field("href", &self.href)
            .field("properties", &Properties(&self.properties))
            .field("links", &self.links)
            .field("embedded", &self.embedded)
            .finish()
    }
}
