//! Property values.

use std::{borrow::Cow, fmt};

use crate::names::owned;

/// The value of a property.
///
/// XML carries no scalar types: everything but lists, objects and [`Value::Null`] arrives from it as a
/// [`Value::String`]. Read values through
/// [`Resource::boolean`](crate::Resource::boolean) and its neighbours, which know both spellings.
#[derive(Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`; in XML an element with `xsi:nil="true"`.
    Null,
    /// `true` or `false`; in XML the text `True` or `False`.
    Bool(bool),
    /// A number; in XML its digits.
    Number(Number),
    /// A text.
    String(Cow<'a, str>),
    /// A list; in XML a `propertyList` of `item`s.
    List(Vec<Value<'a>>),
    /// A property bag, in order; in XML properties within the property.
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

    /// The boolean: a JSON one, or `True`, `true`, `False`, `false` as XML spells it.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Self::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The whole number: a JSON one, or digits in a string as XML and some JSON properties have it.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            Self::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The elements of a list; a scalar counts as a list of one, `null` as an empty one.
    #[must_use]
    pub fn as_list(&self) -> &[Value<'a>] {
        match self {
            Self::Null => &[],
            Self::List(items) => items,
            scalar => std::slice::from_ref(scalar),
        }
    }

    /// The same value, borrowing nothing.
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

    /// The same value, borrowing from this one.
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

/// Values with their names, borrowing nothing. Often there are none, which should cost nothing.
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

/// Values with their names, borrowing from these.
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
            Self::String(text) => fmt::Debug::fmt(&Concealed(text), f),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Object(members) => f
                .debug_map()
                .entries(
                    members
                        .iter()
                        .map(|(name, value)| (name, Shown { name, value })),
                )
                .finish(),
        }
    }
}

/// A property's value in debug output, hidden where the name says that it is a secret or somebody's words.
pub(crate) struct Shown<'v, 'a> {
    pub(crate) name: &'v str,
    pub(crate) value: &'v Value<'a>,
}

impl fmt::Debug for Shown<'_, '_> {
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

/// A text in debug output; of a data URI, which may hold a message, only the media type is shown.
pub(crate) struct Concealed<'v>(pub(crate) &'v str);

impl fmt::Debug for Concealed<'_> {
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

/// A number as JSON has it.
#[derive(Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number that fits in 64 bits with a sign.
    Integer(i64),
    /// A whole number above `i64::MAX`.
    Unsigned(u64),
    /// Anything else.
    Float(f64),
}

impl Number {
    /// The number if it is whole and fits.
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
            // The shortest digits that read back as the same number, always with a point or an exponent.
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
