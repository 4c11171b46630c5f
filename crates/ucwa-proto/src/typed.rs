//! Typed views on the generic resource.

use std::borrow::Cow;

use crate::{Number, Resource, Value};

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
    resource: &'r Resource<'_>,
    rel: &'static str,
    field: &'static str,
) -> Result<Option<T>, FieldError> {
    match resource.property(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => T::from_value(value).map(Some).ok_or(FieldError {
            rel,
            field,
            expected: T::EXPECTED,
        }),
    }
}
