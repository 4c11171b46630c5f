//! Enumerations that keep unknown values.

/// Declares an enumeration of words, with a variant that keeps an unknown word so that it can be written again.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( #[doc = concat!("`", $text, "`.")] $(#[$variant_meta])* $variant, )+
            /// A word that this crate does not know, kept as it is.
            Other(String),
        }

        impl $name {
            /// The word as a string.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Other(other) => other,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $( $text => Self::$variant, )+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<'r> $crate::PropertyValue<'r> for $name {
            const EXPECTED: &'static str = "word";

            fn from_value(value: &'r $crate::Value<'_>) -> Option<Self> {
                value.as_str().map(Self::from)
            }

            fn to_value(&self) -> $crate::Value<'_> {
                $crate::Value::String(std::borrow::Cow::Borrowed(self.as_str()))
            }
        }
    };
}

pub(crate) use open_enum;
