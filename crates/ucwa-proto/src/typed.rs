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

/// Declares a typed view: the struct, the way from a [`Resource`] and the way back.
///
/// The sections may be left out but keep their order. Properties become `Option`, links `Option<Link>`, lists `Vec`,
/// and single embedded resources
/// `Option<Box<_>>`. `resource` adds the address and the version tag, which inputs do not have.
macro_rules! view {
    (
        $(#[$meta:meta])*
        resource $name:ident<$lt:lifetime> = $rel:literal { $($body:tt)* }
    ) => {
        $crate::typed::view! { @define [$(#[$meta])*] $name [<$lt>] $lt $rel [Some($rel)]
            {
                /// Its address, as it was sent.
                href,
                /// Its version tag, for `If-Match`.
                etag,
            }
            $($body)*
        }
    };
    (
        $(#[$meta:meta])*
        input $name:ident<$lt:lifetime> = $rel:literal { $($body:tt)* }
    ) => {
        $crate::typed::view! { @define [$(#[$meta])*] $name [<$lt>] $lt $rel [None] {} $($body)* }
    };
    (
        $(#[$meta:meta])*
        input $name:ident = $rel:literal { $($body:tt)* }
    ) => {
        $crate::typed::view! { @define [$(#[$meta])*] $name [] 'r $rel [None] {} $($body)* }
    };
    (
        @define [$($meta:tt)*] $name:ident [$($generics:tt)*] $lt:lifetime $rel:literal [$own:expr]
        { $($(#[$head_meta:meta])* $head:ident,)* }
        $(properties { $($(#[$property_meta:meta])* $property:ident: $property_type:ty = $property_name:literal,)* })?
        $(property_lists { $($(#[$list_meta:meta])* $list:ident: $list_type:ty = $list_name:literal,)* })?
        $(links { $($(#[$link_meta:meta])* $link:ident = $link_name:literal,)* })?
        $(link_lists { $($(#[$links_meta:meta])* $links:ident = $links_name:literal,)* })?
        $(embedded { $($(#[$embedded_meta:meta])* $embedded:ident: $embedded_type:ident = $embedded_name:literal,)* })?
        $(embedded_lists { $($(#[$many_meta:meta])* $many:ident: $many_type:ident = $many_name:literal,)* })?
    ) => {
        $($meta)*
        #[derive(Clone, Default, PartialEq)]
        pub struct $name $($generics)* {
            $($(#[$head_meta])* pub $head: Option<std::borrow::Cow<$lt, str>>,)*
            $($($(#[$property_meta])* pub $property: Option<$property_type>,)*)?
            $($($(#[$list_meta])* pub $list: Vec<$list_type>,)*)?
            $($($(#[$link_meta])* pub $link: Option<$crate::Link<$lt>>,)*)?
            $($($(#[$links_meta])* pub $links: Vec<$crate::Link<$lt>>,)*)?
            $($($(#[$embedded_meta])* pub $embedded: Option<Box<$embedded_type<$lt>>>,)*)?
            $($($(#[$many_meta])* pub $many: Vec<$many_type<$lt>>,)*)?
        }

        impl $($generics)* $name $($generics)* {
            /// The name of the resource, or of the capability that takes the input.
            pub const REL: &'static str = $rel;
        }

        impl<$lt> $crate::FromResource<$lt> for $name $($generics)* {
            #[allow(unused_mut, unused_variables, reason = "not every view has every section")]
            fn from_resource(resource: &$lt $crate::Resource<'_>) -> Result<Self, $crate::FieldError> {
                let mut view = Self::default();
                $(view.$head = $crate::typed::$head(resource);)*
                for (name, value) in &resource.properties {
                    if matches!(value, $crate::Value::Null) {
                        continue;
                    }
                    match &**name {
                        $($($property_name => view.$property = Some($crate::typed::read(value, $rel, $property_name)?),)*)?
                        $($($list_name => view.$list = $crate::typed::read(value, $rel, $list_name)?,)*)?
                        _ => {}
                    }
                }
                for (rel, links) in &resource.links {
                    match &**rel {
                        $($($link_name => view.$link = links.as_slice().first().map($crate::Link::borrowed),)*)?
                        $($($links_name => view.$links = links.as_slice().iter().map($crate::Link::borrowed).collect(),)*)?
                        _ => {}
                    }
                }
                for (rel, resources) in &resource.embedded {
                    match &**rel {
                        $($($embedded_name => {
                            if let Some(resource) = resources.as_slice().first() {
                                view.$embedded = Some(Box::new($crate::FromResource::from_resource(resource)?));
                            }
                        })*)?
                        $($($many_name => {
                            view.$many =
                                resources.as_slice().iter().map($crate::FromResource::from_resource).collect::<Result<_, _>>()?;
                        })*)?
                        _ => {}
                    }
                }
                Ok(view)
            }
        }

        impl $($generics)* $crate::ToResource for $name $($generics)* {
            #[allow(unused_mut, reason = "not every view has every section")]
            fn to_resource(&self) -> $crate::Resource<'_> {
                use std::borrow::Cow;
                let mut resource = $crate::Resource::default();
                let own: Option<&'static str> = $own;
                resource.rel = own.map(Cow::Borrowed);
                $($crate::typed::write_head(&mut resource, stringify!($head), &self.$head);)*
                $($(
                    if let Some(value) = &self.$property {
                        resource.properties.push((Cow::Borrowed($property_name), $crate::PropertyValue::to_value(value)));
                    }
                )*)?
                $($(
                    if !self.$list.is_empty() {
                        resource.properties.push((Cow::Borrowed($list_name), $crate::PropertyValue::to_value(&self.$list)));
                    }
                )*)?
                $($(
                    if let Some(link) = &self.$link {
                        resource.links.push((Cow::Borrowed($link_name), $crate::OneOrMany::One(link.borrowed())));
                    }
                )*)?
                $($(
                    if !self.$links.is_empty() {
                        let links = self.$links.iter().map($crate::Link::borrowed).collect();
                        resource.links.push((Cow::Borrowed($links_name), $crate::OneOrMany::Many(links)));
                    }
                )*)?
                $($(
                    if let Some(embedded) = &self.$embedded {
                        let embedded = $crate::OneOrMany::One(embedded.to_resource());
                        resource.embedded.push((Cow::Borrowed($embedded_name), embedded));
                    }
                )*)?
                $($(
                    if !self.$many.is_empty() {
                        let many = self.$many.iter().map($crate::ToResource::to_resource).collect();
                        resource.embedded.push((Cow::Borrowed($many_name), $crate::OneOrMany::Many(many)));
                    }
                )*)?
                resource
            }
        }

        /// Shows what is set; messages and secrets are hidden.
        impl $($generics)* std::fmt::Debug for $name $($generics)* {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&$crate::ToResource::to_resource(self)).finish()
            }
        }
    };
}

pub(crate) use view;

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
