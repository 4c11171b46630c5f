//! Error bodies and the reasons of events.

use std::borrow::Cow;

use crate::{
    DecodeError, ErrorCode, ErrorSubcode, Limits, Representation, Resource, Value,
    interning::owned, value::owned_members, xml,
};

/// The body of an error response, or the reason of an event (`ErrorsAndInformationalMessages`, `reason_ref`).
///
/// Servers always send the code. The other members are optional. The code `Informational` explains a change that is
/// not a failure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problem<'a> {
    /// The code as it was sent; [`code`](Self::code) gives the enumeration.
    pub code: Option<Cow<'a, str>>,
    /// The subcode as it was sent; [`subcode`](Self::subcode) gives the enumeration.
    pub subcode: Option<Cow<'a, str>>,
    /// The message, in the language of the application.
    pub message: Option<Cow<'a, str>>,
    /// The address of a page about the error.
    pub link: Option<Cow<'a, str>>,
    /// The invalid fields of the request; only with status 400.
    pub parameters: Option<Value<'a>>,
    /// Data for a search in the logs of the server.
    pub debug_info: Option<Value<'a>>,
    /// The other members, in order.
    pub properties: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Problem<'a> {
    /// A problem with this code.
    #[must_use]
    pub fn new(code: impl Into<Cow<'a, str>>) -> Self {
        Self {
            code: Some(code.into()),
            ..Self::default()
        }
    }

    /// Sets the subcode.
    #[must_use]
    pub fn with_subcode(mut self, subcode: impl Into<Cow<'a, str>>) -> Self {
        self.subcode = Some(subcode.into());
        self
    }

    /// Sets the message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'a, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The code as an open enumeration.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.code.as_deref().map(ErrorCode::from)
    }

    /// The subcode as an open enumeration.
    #[must_use]
    pub fn subcode(&self) -> Option<ErrorSubcode> {
        self.subcode.as_deref().map(ErrorSubcode::from)
    }

    /// Whether the code or the subcode is this word. The published tables do not separate the two.
    #[must_use]
    pub fn is(&self, word: &str) -> bool {
        self.code.as_deref() == Some(word) || self.subcode.as_deref() == Some(word)
    }

    /// Decodes an error body.
    ///
    /// # Errors
    ///
    /// If the bytes break the grammar or a limit. A body that is neither JSON nor XML comes from a proxy.
    pub fn decode(
        body: &'a [u8],
        representation: Representation,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        Resource::decode(body, representation, limits).map(Self::from_generic)
    }

    /// Encodes an error body; in XML the root element is `<reason>`.
    #[must_use]
    pub fn encode(&self, representation: Representation) -> Vec<u8> {
        match representation {
            Representation::Json => self.to_resource().encode(representation),
            Representation::Xml => xml::encode_problem(self),
        }
    }

    /// The generic form.
    #[must_use]
    pub fn to_resource(&self) -> Resource<'_> {
        let mut resource = Resource::anonymous();
        let texts = [
            ("code", &self.code),
            ("subcode", &self.subcode),
            ("message", &self.message),
            ("link", &self.link),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                resource = resource.with_property(name, &**text);
            }
        }
        for (name, value) in [
            ("parameters", &self.parameters),
            ("debugInfo", &self.debug_info),
        ] {
            if let Some(value) = value {
                resource = resource.with_property(name, value.borrowed());
            }
        }
        resource.properties.extend(
            self.properties
                .iter()
                .map(|(name, value)| (Cow::Borrowed(&**name), value.borrowed())),
        );
        resource
    }

    /// Converts from the generic form. Empty and `null` members count as absent.
    #[must_use]
    pub fn from_generic(resource: Resource<'a>) -> Self {
        let mut problem = Self::default();
        for (name, value) in resource.properties {
            if matches!(&value, Value::Null) || value.as_str() == Some("") {
                continue;
            }
            let slot = match &*name {
                "code" => &mut problem.code,
                "subcode" => &mut problem.subcode,
                "message" => &mut problem.message,
                "link" => &mut problem.link,
                "parameters" => {
                    problem.parameters = Some(value);
                    continue;
                }
                "debugInfo" => {
                    problem.debug_info = Some(value);
                    continue;
                }
                _ => {
                    problem.properties.push((name, value));
                    continue;
                }
            };
            match value {
                Value::String(text) => *slot = Some(text),
                Value::Number(number) => *slot = Some(Cow::Owned(number.to_string())),
                other => problem.properties.push((name, other)),
            }
        }
        problem
    }

    /// Converts the problem into one that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Problem<'static> {
        Problem {
            code: self.code.map(owned),
            subcode: self.subcode.map(owned),
            message: self.message.map(owned),
            link: self.link.map(owned),
            parameters: self.parameters.map(Value::into_owned),
            debug_info: self.debug_info.map(Value::into_owned),
            properties: owned_members(self.properties),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;
    use crate::{ErrorCode, ErrorSubcode, Limits, Representation, Value};

    #[test]
    fn an_error_body_survives_both_representations() {
        let problem = Problem::new("NotFound")
            .with_subcode("ApplicationNotFound")
            .with_message("Gone since <Monday>");
        let problem = Problem {
            link: Some("http://contoso.com/help".into()),
            parameters: Some(Value::from(["to"])),
            debug_info: Some(Value::from("fe01")),
            ..problem
        };
        for representation in [Representation::Json, Representation::Xml] {
            let body = problem.encode(representation);
            let again = Problem::decode(&body, representation, &Limits::default());
            assert_eq!(again.unwrap(), problem, "{representation:?}");
        }
    }

    #[test]
    fn code_and_subcode_are_read_as_enumerations_and_as_words() {
        let problem = Problem::new("NotFound").with_subcode("ApplicationNotFound");
        assert_eq!(problem.code(), Some(ErrorCode::NotFound));
        assert_eq!(problem.subcode(), Some(ErrorSubcode::ApplicationNotFound));
        assert!(problem.is("NotFound") && problem.is("ApplicationNotFound"));
        assert!(!problem.is("Gone"));
        let nothing = Problem::default();
        assert_eq!((nothing.code(), nothing.subcode()), (None, None));
        assert!(!nothing.is("NotFound"));
    }
}
