//! Typed views on the generic resource.

use std::borrow::Cow;

use crate::{Input, Number, Resource, Value};

/// A typed view that borrows from a [`Resource`].
pub trait FromResource<'r>: Sized {
    /// Reads the members that the type knows. An absent property and `null` are `None`.
    ///
    /// # Errors
    ///
    /// If a property has the wrong type.
    fn from_resource(resource: &'r Resource<'_>) -> Result<Self, FieldError>;
}

/// The conversion of a typed view into the generic form.
pub trait ToResource {
    /// Writes the fields that are set, in the order of the declaration.
    fn to_resource(&self) -> Resource<'_>;
}

/// The conversion of the typed view of an input into the body of a request.
pub trait ToInput {
    /// Writes the fields that are set, in the order of the declaration.
    fn to_input(&self) -> Input<'_>;
}

/// The generic form, for resources without a view.
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
#[error("{rel}: the property `{field}` is not a {expected}")]
pub struct FieldError {
    /// The name of the resource.
    pub rel: &'static str,
    /// The name of the property.
    pub field: &'static str,
    /// The expected type.
    pub expected: &'static str,
}

/// A type that can be the value of a property.
pub trait PropertyValue<'r>: Sized {
    /// The name of the type, for error messages.
    const EXPECTED: &'static str;

    /// Converts from a value; `None` if the value has another type.
    fn from_value(value: &'r Value<'_>) -> Option<Self>;

    /// Converts to a value.
    fn to_value(&self) -> Value<'_>;
}

impl<'r> PropertyValue<'r> for Cow<'r, str> {
    const EXPECTED: &'static str = "text";

    /// Accepts a number and a boolean as text, since servers write IDs in both ways.
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

/// The address for a typed view.
pub(crate) fn href<'r>(resource: &'r Resource<'_>) -> Option<Cow<'r, str>> {
    resource.href().map(Cow::Borrowed)
}

/// The version tag for a typed view.
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
