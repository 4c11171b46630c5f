//! Property values.

use std::{borrow::Cow, fmt};

use crate::interning::owned;

/// The value of a property.
///
/// XML has no types of scalars: all values but lists, objects and [`Value::Null`] are decoded as [`Value::String`].
/// [`Resource::boolean`](crate::Resource::boolean) and the other accessors read the formats of both representations.
#[derive(Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`; in XML an element with `xsi:nil="true"`.
    Null,
    /// A boolean; in XML the text `True` or `False`.
    Bool(bool),
    /// A number; in XML its digits.
    Number(Number),
    /// A text.
    String(Cow<'a, str>),
    /// A list; in XML a `propertyList` of `item`s.
    List(Vec<Value<'a>>),
    /// A property bag, in order; in XML nested properties.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean: a JSON boolean, or the text `true` or `false` in any case.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Self::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The integer: a JSON number, or a string of digits as in XML and in some JSON properties.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            Self::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The elements of a list; a scalar counts as a list of one item, `null` as an empty list.
    #[must_use]
    pub fn as_list(&self) -> &[Value<'a>] {
        match self {
            Self::Null => &[],
            Self::List(items) => items,
            scalar => std::slice::from_ref(scalar),
        }
    }

    /// Converts the value into one that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number),
            Self::String(text) => Value::String(owned(text)),
            Self::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Self::Object(members) => Value::Object(owned_members(members)),
        }
    }

    /// A copy that borrows from this value.
    #[must_use]
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(*number),
            Self::String(text) => Value::String(Cow::Borrowed(text)),
            Self::List(items) => Value::List(items.iter().map(Value::borrowed).collect()),
            Self::Object(members) => Value::Object(borrowed_members(members)),
        }
    }
}

/// Converts members into ones that borrow nothing. No members, which is frequent, take no allocation.
pub(crate) fn owned_members(
    members: Vec<(Cow<'_, str>, Value<'_>)>,
) -> Vec<(Cow<'static, str>, Value<'static>)> {
    if members.is_empty() {
        return Vec::new();
    }
    members
        .into_iter()
        .map(|(name, value)| (owned(name), value.into_owned()))
        .collect()
}

/// Copies of members that borrow from them.
pub(crate) fn borrowed_members<'r>(
    members: &'r [(Cow<'_, str>, Value<'_>)],
) -> Vec<(Cow<'r, str>, Value<'r>)> {
    if members.is_empty() {
        return Vec::new();
    }
    members
        .iter()
        .map(|(name, value)| (Cow::Borrowed(&**name), value.borrowed()))
        .collect()
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => fmt::Debug::fmt(value, f),
            Self::Number(number) => fmt::Debug::fmt(number, f),
            Self::String(text) => fmt::Debug::fmt(&RedactedText(text), f),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Object(members) => f
                .debug_map()
                .entries(
                    members
                        .iter()
                        .map(|(name, value)| (name, RedactedProperty { name, value })),
                )
                .finish(),
        }
    }
}

/// The value of a property in debug output; hidden if the name says that the value is a secret or a message.
pub(crate) struct RedactedProperty<'v, 'a> {
    pub(crate) name: &'v str,
    pub(crate) value: &'v Value<'a>,
}

impl fmt::Debug for RedactedProperty<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HIDDEN: [&str; 9] = [
            "message",
            "previewMessage",
            "plainMessage",
            "htmlMessage",
            "password",
            "token",
            "access_token",
            "accessToken",
            "customContent",
        ];
        match self.value {
            Value::String(text) if HIDDEN.contains(&self.name) => {
                write!(f, "[{} bytes]", text.len())
            }
            value => fmt::Debug::fmt(value, f),
        }
    }
}

/// A text in debug output. Shows only the media type of a data URI, which may contain a message.
pub(crate) struct RedactedText<'v>(pub(crate) &'v str);

impl fmt::Debug for RedactedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.trim_start().get(..5);
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
            let media_type = self.0.split([',', ';']).next().unwrap_or_default();
            write!(f, "\"{media_type},[{} bytes]\"", self.0.len())
        } else {
            fmt::Debug::fmt(self.0, f)
        }
    }
}

/// A number of JSON.
#[derive(Clone, Copy, PartialEq)]
pub enum Number {
    /// An integer that fits in an `i64`.
    Integer(i64),
    /// An integer above `i64::MAX`.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
}

impl Number {
    /// The number, if it is an integer that fits in an `i64`.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(value),
            Self::Unsigned(_) | Self::Float(_) => None,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => fmt::Display::fmt(value, f),
            Self::Unsigned(value) => fmt::Display::fmt(value, f),
            // The shortest digits that are read as the same number, always with a point or an exponent.
            Self::Float(value) => fmt::Debug::fmt(value, f),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Number(Number::Integer(value))
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Number(Number::Integer(value.into()))
    }
}

impl<'a, T: Into<Value<'a>>> From<Vec<T>> for Value<'a> {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<'a, T: Into<Value<'a>>, const N: usize> From<[T; N]> for Value<'a> {
    fn from(items: [T; N]) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}
