//! The generic resource.

use std::{borrow::Cow, fmt};

use crate::{
    DecodeError, DecodeErrorKind, Limits, Link, OneOrMany, Representation, Value, json,
    link::owned_links,
    names::owned,
    value::{Shown, borrowed_members, owned_members},
    xml,
};

/// Any UCWA body: a resource, an input, or a reason (`PayloadFormat`, `ResourcesInUCWA`).
///
/// An empty list of links or embedded resources counts as absent, since XML cannot say it: decoders leave it out, and
/// encoders do not write it.
///
/// Names keep their order and unknown ones are kept, so that encoding what was decoded loses nothing. Strings borrow
/// from the decoded bytes where they hold no
/// escape; `Resource<'static>` is the owned twin, made by [`into_owned`](Self::into_owned).
///
/// Where the two representations differ: in JSON `rel` is a member and the address is `_links.self.href`; in XML both
/// are attributes. The `rel` attribute of an
/// embedded XML resource is the key under which it is embedded; its own name, which may differ (`from` is a
/// `participant`), may then stand as the property `rel`.
#[derive(Clone, Default, PartialEq)]
pub struct Resource<'a> {
    /// Its own name; inputs have none, and an embedded resource may omit it.
    pub rel: Option<Cow<'a, str>>,
    /// Its address, as it was sent.
    pub href: Option<Cow<'a, str>>,
    /// Its properties in order, `etag` and the PUT marker among them.
    pub properties: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Its links in order, without the one to itself.
    pub links: Vec<(Cow<'a, str>, OneOrMany<Link<'a>>)>,
    /// The resources within it, in order.
    pub embedded: Vec<(Cow<'a, str>, OneOrMany<Resource<'a>>)>,
}

/// Building.
impl<'a> Resource<'a> {
    /// An empty resource of this name.
    #[must_use]
    pub fn new(rel: impl Into<Cow<'a, str>>) -> Self {
        Self {
            rel: Some(rel.into()),
            ..Self::default()
        }
    }

    /// An empty resource without a name, as inputs are.
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

/// Reading.
impl<'a> Resource<'a> {
    /// Its own name.
    #[must_use]
    pub fn rel(&self) -> Option<&str> {
        self.rel.as_deref()
    }

    /// Its address, as it was sent.
    #[must_use]
    pub fn href(&self) -> Option<&str> {
        self.href.as_deref()
    }

    /// Its version tag, without quotes; `If-Match` wants it quoted (`PayloadFormat`).
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.text("etag")
    }

    /// The first property of this name.
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

    /// The boolean of a property, in either spelling.
    #[must_use]
    pub fn boolean(&self, name: &str) -> Option<bool> {
        self.property(name)?.as_bool()
    }

    /// The whole number of a property, also where it is written as a string.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.property(name)?.as_integer()
    }

    /// The texts of a list property; one text counts as a list of one.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.property(name)
            .map(Value::as_list)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
    }

    /// The first link of this name.
    #[must_use]
    pub fn link(&self, rel: &str) -> Option<&Link<'a>> {
        self.links(rel).first()
    }

    /// Where the first link of this name leads.
    #[must_use]
    pub fn link_href(&self, rel: &str) -> Option<&str> {
        self.link(rel).map(|link| &*link.href)
    }

    /// All links of this name.
    #[must_use]
    pub fn links(&self, rel: &str) -> &[Link<'a>] {
        self.links
            .iter()
            .find(|(r, _)| r == rel)
            .map(|(_, links)| links.as_slice())
            .unwrap_or_default()
    }

    /// The first embedded resource under this name.
    #[must_use]
    pub fn embedded(&self, rel: &str) -> Option<&Resource<'a>> {
        self.embedded_all(rel).first()
    }

    /// All embedded resources under this name.
    #[must_use]
    pub fn embedded_all(&self, rel: &str) -> &[Resource<'a>] {
        self.embedded
            .iter()
            .find(|(r, _)| r == rel)
            .map(|(_, resources)| resources.as_slice())
            .unwrap_or_default()
    }

    /// The property that a PUT must send back: its name is random and its value asks for it (`PayloadFormat`).
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

    /// The same resource, borrowing from this one.
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

    /// The same resource, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Resource<'static> {
        Resource {
            rel: self.rel.map(owned),
            href: self.href.map(owned),
            properties: owned_members(self.properties),
            links: owned_links(self.links),
            embedded: self
                .embedded
                .into_iter()
                .map(|(rel, resources)| (owned(rel), resources.map(Resource::into_owned)))
                .collect(),
        }
    }
}

/// Bytes.
impl<'a> Resource<'a> {
    /// Decodes a body: a resource, an input, a reason, or a bare object. A byte order mark and white space before the
    /// body are tolerated.
    ///
    /// # Errors
    ///
    /// If the bytes break the grammar or a limit, or if a link or an embedded resource has the wrong shape.
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
                            .map(|(name, value)| (name, Shown { name, value })),
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
