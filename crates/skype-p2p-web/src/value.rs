//! The values of properties as plain data, and their conversion to JavaScript.

use std::time::{Duration, SystemTime};

use js_sys::{Array, Date, Object, Reflect};
use skype_p2p::{
    CallConnectionState, ConversationState, Direction, EndpointType, GroupType, MessageFormat,
    MessageStatus, NoteKind, ParticipantRole, ParticipantState, PersonStatus, PhoneNumber,
    PrivacyLevel, SignInState,
};
use wasm_bindgen::JsValue;

/// A value of a property.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    /// `undefined`: the value is not known, or there is none.
    Undefined,
    Bool(bool),
    Number(f64),
    Text(String),
    Date(SystemTime),
    List(Vec<Value>),
    /// An object with these members.
    Record(Vec<(&'static str, Value)>),
}

impl Value {
    /// Converts the value to JavaScript: a date to a `Date`, a list to an array, a record to an object.
    pub(crate) fn to_js(&self) -> JsValue {
        match self {
            Self::Undefined => JsValue::UNDEFINED,
            Self::Bool(value) => JsValue::from_bool(*value),
            Self::Number(value) => JsValue::from_f64(*value),
            Self::Text(text) => JsValue::from_str(text),
            Self::Date(date) => Date::new(&JsValue::from_f64(milliseconds(*date))).into(),
            Self::List(values) => values.iter().map(Self::to_js).collect::<Array>().into(),
            Self::Record(members) => {
                let object = Object::new();
                for (name, value) in members {
                    // Setting a member of a new object cannot fail.
                    let _ = Reflect::set(&object, &JsValue::from_str(name), &value.to_js());
                }
                object.into()
            }
        }
    }
}

/// The time as milliseconds since 1970, as `Date` takes it.
fn milliseconds(date: SystemTime) -> f64 {
    let (span, sign) = match date.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (after, 1.0),
        Err(before) => (before.duration(), -1.0),
    };
    (span.max(Duration::ZERO).as_secs_f64() * 1000.0 * sign).round()
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Undefined
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u16> for Value {
    fn from(value: u16) -> Self {
        Self::Number(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Number(value.into())
    }
}

impl From<usize> for Value {
    /// A size of a collection is exact up to 2⁵³.
    #[allow(clippy::cast_precision_loss, reason = "no collection is that large")]
    fn from(value: usize) -> Self {
        Self::Number(value as f64)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<SystemTime> for Value {
    fn from(date: SystemTime) -> Self {
        Self::Date(date)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Undefined, Into::into)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl From<PhoneNumber> for Value {
    fn from(phone: PhoneNumber) -> Self {
        Self::Record(vec![
            ("type", phone.kind.into()),
            ("number", phone.number.into()),
        ])
    }
}

/// The SDK's words for the variants are their names.
macro_rules! words {
    ($($name:ident),+ $(,)?) => {
        $(impl From<$name> for Value {
            fn from(value: $name) -> Self {
                Self::Text(format!("{value:?}"))
            }
        })+
    };
}

words!(
    CallConnectionState,
    ConversationState,
    Direction,
    EndpointType,
    GroupType,
    MessageFormat,
    MessageStatus,
    NoteKind,
    ParticipantRole,
    ParticipantState,
    PersonStatus,
    PrivacyLevel,
    SignInState,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_becomes_its_name() {
        let words: [(Value, &str); 3] = [
            (ConversationState::Created.into(), "Created"),
            (PersonStatus::DoNotDisturb.into(), "DoNotDisturb"),
            (MessageFormat::Html.into(), "Html"),
        ];
        for (value, word) in words {
            assert!(value == Value::Text(word.to_owned()), "{word}");
        }
    }

    #[test]
    fn an_absent_value_becomes_undefined() {
        assert!(Value::from(None::<String>) == Value::Undefined);
        assert!(Value::from(Some(true)) == Value::Bool(true));
    }

    #[test]
    fn a_date_becomes_milliseconds_since_1970() {
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(
            milliseconds(epoch + Duration::from_micros(1_500_400)),
            1500.0
        );
        assert_eq!(milliseconds(epoch - Duration::from_secs(2)), -2000.0);
    }
}
