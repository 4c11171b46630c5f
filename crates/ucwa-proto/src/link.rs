//! Links.

use std::{borrow::Cow, fmt};

use crate::{
    DecodeErrorKind,
    interning::owned,
    value::{RedactedText, Value, borrowed_members, owned_members},
};

/// A link to a resource, or a message in a data URI (`WebLinks`).
///
/// Debug output hides the content of a data URI.
#[derive(Clone, Default, PartialEq)]
pub struct Link<'a> {
    /// The target as it was sent: absolute, relative to the host, or a `data:` URI.
    pub href: Cow<'a, str>,
    /// The title, such as the display name of a participant; may be empty.
    pub title: Option<Cow<'a, str>>,
    /// The other attributes, in order, such as `revision`.
    pub attributes: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Link<'a> {
    /// A link without a title.
    #[must_use]
    pub fn new(href: impl Into<Cow<'a, str>>) -> Self {
        Self {
            href: href.into(),
            title: None,
            attributes: Vec::new(),
        }
    }

    /// Sets the title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<Cow<'a, str>>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The revision of the target that the server offers; 1 if the link has none (`Versioning`).
    #[must_use]
    pub fn revision(&self) -> f64 {
        self.attributes
            .iter()
            .find(|(name, _)| name == "revision")
            .and_then(|(_, value)| match value {
                Value::Number(number) => number.to_string().parse().ok(),
                Value::String(text) => text.trim().parse().ok(),
                _ => None,
            })
            .unwrap_or(1.0)
    }

    /// Converts the link into one that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Link<'static> {
        Link {
            href: owned(self.href),
            title: self.title.map(owned),
            attributes: owned_members(self.attributes),
        }
    }

    /// A copy that borrows from this link.
    #[must_use]
    pub fn borrowed(&self) -> Link<'_> {
        Link {
            href: Cow::Borrowed(&self.href),
            title: self.title.as_deref().map(Cow::Borrowed),
            attributes: borrowed_members(&self.attributes),
        }
    }
}

/// Stores the link `self` of a resource or a page: the first one is the address. The link also stays among the links if
/// it has more than the address.
pub(crate) fn link_to_itself<'a>(
    rel: Cow<'a, str>,
    found: OneOrMany<Link<'a>>,
    href: &mut Option<Cow<'a, str>>,
    links: &mut Vec<(Cow<'a, str>, OneOrMany<Link<'a>>)>,
) {
    if let Some(first) = found.as_slice().first()
        && href.is_none()
    {
        *href = Some(first.href.clone());
        let says_more = first.title.is_some() || !first.attributes.is_empty();
        if says_more || matches!(found, OneOrMany::Many(_)) {
            links.push((rel, found));
        }
    }
}

/// Adds links or resources to those with the same name. The search is linear, so the number of names is limited.
pub(crate) fn add_named<'a, T>(
    to: &mut Vec<(Cow<'a, str>, OneOrMany<T>)>,
    name: Cow<'a, str>,
    items: OneOrMany<T>,
) -> Result<(), DecodeErrorKind> {
    const LIMIT: usize = 1000;
    let names = to.len();
    match to.iter_mut().find(|(present, _)| *present == name) {
        Some((_, present)) => present.append(items),
        None if names < LIMIT => to.push((name, items)),
        None => return Err(DecodeErrorKind::TooManyMembers { limit: LIMIT }),
    }
    Ok(())
}

/// Converts links or resources with their names into ones that borrow nothing.
pub(crate) fn owned_named<T, U>(
    named: Vec<(Cow<'_, str>, OneOrMany<T>)>,
    into_owned: impl Fn(T) -> U,
) -> Vec<(Cow<'static, str>, OneOrMany<U>)> {
    if named.is_empty() {
        return Vec::new();
    }
    named
        .into_iter()
        .map(|(name, items)| (owned(name), items.map(&into_owned)))
        .collect()
}

impl fmt::Debug for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Link");
        debug.field("href", &RedactedText(&self.href));
        if let Some(title) = &self.title {
            debug.field("title", title);
        }
        if !self.attributes.is_empty() {
            debug.field("attributes", &self.attributes);
        }
        debug.finish()
    }
}

impl<'a> From<&'a str> for Link<'a> {
    fn from(href: &'a str) -> Self {
        Self::new(href)
    }
}

impl From<String> for Link<'_> {
    fn from(href: String) -> Self {
        Self::new(href)
    }
}

/// One item, or a list. In JSON a rel that can be plural is an array even for one target; XML does not distinguish the
/// two, so both are read everywhere.
///
/// One item equals a list of that item.
#[derive(Debug, Clone)]
pub enum OneOrMany<T> {
    /// One item; in JSON without an array.
    One(T),
    /// A list; in JSON an array.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The items, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// Whether there is no item. An empty list counts as absent and is not encoded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// The items, in order.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }

    /// The first item.
    #[must_use]
    pub fn into_first(self) -> Option<T> {
        match self {
            Self::One(one) => Some(one),
            Self::Many(many) => many.into_iter().next(),
        }
    }

    /// Appends an item.
    pub fn push(&mut self, item: T) {
        match self {
            Self::Many(many) => many.push(item),
            Self::One(_) => {
                let Self::One(first) = std::mem::replace(self, Self::Many(Vec::with_capacity(2)))
                else {
                    return;
                };
                if let Self::Many(many) = self {
                    many.extend([first, item]);
                }
            }
        }
    }

    fn append(&mut self, items: Self) {
        for item in items.into_vec() {
            self.push(item);
        }
    }

    pub(crate) fn each<'s, U>(&'s self, f: impl Fn(&'s T) -> U) -> OneOrMany<U> {
        match self {
            Self::One(one) => OneOrMany::One(f(one)),
            Self::Many(many) => OneOrMany::Many(many.iter().map(f).collect()),
        }
    }

    pub(crate) fn map<U>(self, f: impl Fn(T) -> U) -> OneOrMany<U> {
        match self {
            Self::One(one) => OneOrMany::One(f(one)),
            Self::Many(many) => OneOrMany::Many(many.into_iter().map(f).collect()),
        }
    }
}

impl<T: PartialEq> PartialEq for OneOrMany<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}
