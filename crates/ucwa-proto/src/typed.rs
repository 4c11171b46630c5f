//! Typed views on the generic resource.

use std::borrow::Cow;

use crate::{Input, Number, Resource, Value};

/// A typed view that borrows from a [`Resource`].
pub trait FromResource<'r>: Sized {
    /// Reads the fields that the type knows; unknown ones stay in the resource. An absent or `null` property is `None`.
    ///
    /// # Errors
    ///
    /// If a property has the wrong type.
    fn from_resource(resource: &'r Resource<'_>) -> Result<Self, FieldError>;
}

/// The way back from a typed view.
pub trait ToResource {
    /// Writes the fields that are set, in the order of their declaration.
    fn to_resource(&self) -> Resource<'_>;
}

/// The way back from the typed view of an input.
pub trait ToInput {
    /// Writes the fields that are set, in the order of their declaration.
    fn to_input(&self) -> Input<'_>;
}

/// The generic form as a view, for what has no view of its own.
impl<'r> FromResource<'r> for Resource<'r> {
    fn from_resource(resource: &'r Resource<'_>) -> Result<Self, FieldError> {
        Ok(resource.borrowed())
    }
}

impl ToResource for Resource<'_> {
    fn to_resource(&self) -> Resource<'_> {
        self.borrowed()
    }
}

/// A property of a resource has the wrong type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rel}: the property `{field}` is no {expected}")]
pub struct FieldError {
    /// The type of the resource.
    pub rel: &'static str,
    /// The name of the property.
    pub field: &'static str,
    /// What should stand there.
    pub expected: &'static str,
}

/// A type that can be the value of a property.
pub trait PropertyValue<'r>: Sized {
    /// What it is, for error messages.
    const EXPECTED: &'static str;

    /// Reads it; `None` if the value has another type.
    fn from_value(value: &'r Value<'_>) -> Option<Self>;

    /// Writes it.
    fn to_value(&self) -> Value<'_>;
}

impl<'r> PropertyValue<'r> for Cow<'r, str> {
    const EXPECTED: &'static str = "text";

    /// A number counts as its digits and a boolean as its name: servers write identifiers either way.
    fn from_value(value: &'r Value<'_>) -> Option<Self> {
        match value {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }

    fn to_value(&self) -> Value<'_> {
        Value::String(Cow::Borrowed(self))
    }
}

impl<'r> PropertyValue<'r> for bool {
    const EXPECTED: &'static str = "boolean";

    fn from_value(value: &'r Value<'_>) -> Option<Self> {
        value.as_bool()
    }

    fn to_value(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl<'r> PropertyValue<'r> for i64 {
    const EXPECTED: &'static str = "whole number";

    fn from_value(value: &'r Value<'_>) -> Option<Self> {
        value.as_integer()
    }

    fn to_value(&self) -> Value<'_> {
        Value::Number(Number::Integer(*self))
    }
}

impl<'r, T: PropertyValue<'r>> PropertyValue<'r> for Vec<T> {
    const EXPECTED: &'static str = "list";

    fn from_value(value: &'r Value<'_>) -> Option<Self> {
        value.as_list().iter().map(T::from_value).collect()
    }

    fn to_value(&self) -> Value<'_> {
        Value::List(self.iter().map(T::to_value).collect())
    }
}

impl<'r> PropertyValue<'r> for Value<'r> {
    const EXPECTED: &'static str = "value";

    fn from_value(value: &'r Value<'_>) -> Option<Self> {
        Some(value.borrowed())
    }

    fn to_value(&self) -> Value<'_> {
        self.borrowed()
    }
}

/// Reads one property for a typed view.
pub(crate) fn read<'r, T: PropertyValue<'r>>(
    value: &'r Value<'_>,
    rel: &'static str,
    field: &'static str,
) -> Result<T, FieldError> {
    T::from_value(value).ok_or(FieldError {
        rel,
        field,
        expected: T::EXPECTED,
    })
}

/// Reads the address for a typed view.
pub(crate) fn href<'r>(resource: &'r Resource<'_>) -> Option<Cow<'r, str>> {
    resource.href().map(Cow::Borrowed)
}

/// Reads the version tag for a typed view.
pub(crate) fn etag<'r>(resource: &'r Resource<'_>) -> Option<Cow<'r, str>> {
    resource.etag().map(Cow::Borrowed)
}

/// Writes the address or the version tag of a typed view.
pub(crate) fn write_head<'r>(
    resource: &mut Resource<'r>,
    field: &str,
    text: &'r Option<Cow<'_, str>>,
) {
    let Some(text) = text else { return };
    match field {
        "href" => resource.href = Some(Cow::Borrowed(text)),
        _ => resource
            .properties
            .push((Cow::Borrowed("etag"), Value::String(Cow::Borrowed(text)))),
    }
}
