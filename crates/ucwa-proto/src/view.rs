//! The macros that declare typed views.

/// Declares the typed views of a family of resources: a struct for each, its conversions from and to
/// the generic form, and the functions `through_view` and `through_input_view` for the family.
///
/// A `resource` has `href` and `etag`, and is written as a [`Resource`](crate::Resource). An `input` has neither, and is
/// written as an [`Input`](crate::Input). The first name after the equals sign is the name of the view; the others are
/// further names of such a resource.
macro_rules! views {
    ($(
        $(#[$meta:meta])*
        $kind:ident $name:ident $(<$lt:lifetime>)? = $rel:literal $(| $alias:literal)* { $($body:tt)* }
    )*) => {
        $($crate::view::view! { $(#[$meta])* $kind $name $(<$lt>)? = $rel { $($body)* } })*

        /// Reads a resource of this family by its view and writes it back.
        #[allow(unused_variables, reason = "not every family has resources")]
        pub(super) fn through_view(
            rel: &str,
            resource: &$crate::Resource<'_>,
        ) -> Option<super::ThroughView> {
            $($crate::view::through! { resource $kind $name [$($lt)?] [$rel $(, $alias)*] rel resource })*
            None
        }

        /// Reads an input of this family by its view and writes it back.
        #[allow(unused_variables, reason = "not every family has inputs")]
        pub(super) fn through_input_view(
            rel: &str,
            resource: &$crate::Resource<'_>,
        ) -> Option<super::ThroughView> {
            $($crate::view::through! { input $kind $name [$($lt)?] [$rel $(, $alias)*] rel resource })*
            None
        }
    };
}

pub(crate) use views;

/// One row of the table of a family: if `rel` is a name of the view, returns the resource after the round trip. Views of
/// the other kind give no row.
macro_rules! through {
    (resource resource $name:ident [$lt:lifetime] [$($rels:literal),+] $rel:ident $resource:ident) => {
        if [$($rels),+].contains(&$rel) {
            return Some(super::through_resource::<$name<'_>>($resource));
        }
    };
    (input input $name:ident [$lt:lifetime] [$($rels:literal),+] $rel:ident $resource:ident) => {
        if [$($rels),+].contains(&$rel) {
            return Some(super::through_input::<$name<'_>>($resource));
        }
    };
    (input input $name:ident [] [$($rels:literal),+] $rel:ident $resource:ident) => {
        if [$($rels),+].contains(&$rel) {
            return Some(super::through_input::<$name>($resource));
        }
    };
    ($($other_kind:tt)*) => {};
}

pub(crate) use through;

/// Declares one typed view: the struct and its conversions.
///
/// The sections are optional and have this order. Properties become `Option`, links `Option<Link>`, lists `Vec`, and
/// single embedded resources `Option<Box<_>>`. `resource` adds the address and the version tag.
macro_rules! view {
    (
        $(#[$meta:meta])*
        resource $name:ident<$lt:lifetime> = $rel:literal { $($body:tt)* }
    ) => {
        $crate::view::view! { @define [$(#[$meta])*] $name [<$lt>] $lt $rel [Some($rel)] [ToResource to_resource Resource]
            {
                /// The address, as it was sent.
                href,
                /// The version tag, for `If-Match`.
                etag,
            }
            $($body)*
        }
    };
    (
        $(#[$meta:meta])*
        input $name:ident<$lt:lifetime> = $rel:literal { $($body:tt)* }
    ) => {
        $crate::view::view! { @define [$(#[$meta])*] $name [<$lt>] $lt $rel [None] [ToInput to_input Input] {} $($body)* }
    };
    (
        $(#[$meta:meta])*
        input $name:ident = $rel:literal { $($body:tt)* }
    ) => {
        $crate::view::view! { @define [$(#[$meta])*] $name [] 'r $rel [None] [ToInput to_input Input] {} $($body)* }
    };
    (
        @define [$($meta:tt)*] $name:ident [$($generics:tt)*] $lt:lifetime $rel:literal [$own:expr]
        [$trait:ident $write:ident $form:ident]
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

        impl $($generics)* $crate::$trait for $name $($generics)* {
            #[allow(unused_mut, reason = "not every view has every section")]
            fn $write(&self) -> $crate::$form<'_> {
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
                        let embedded = $crate::OneOrMany::One($crate::ToResource::to_resource(&**embedded));
                        resource.embedded.push((Cow::Borrowed($embedded_name), embedded));
                    }
                )*)?
                $($(
                    if !self.$many.is_empty() {
                        let many = self.$many.iter().map($crate::ToResource::to_resource).collect();
                        resource.embedded.push((Cow::Borrowed($many_name), $crate::OneOrMany::Many(many)));
                    }
                )*)?
                resource.into()
            }
        }

        /// Shows the fields that are set. Hides messages and secrets.
        impl $($generics)* std::fmt::Debug for $name $($generics)* {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&$crate::$trait::$write(self)).finish()
            }
        }
    };
}

pub(crate) use view;
