//! The bodies of requests.

use crate::{Representation, Resource, json, xml};

/// The body of a POST or PUT: the input of a capability, or a changed resource that is sent back.
///
/// Only this type is encoded with the root element `<input>`, which servers require in a request
/// (`PayloadFormat`); [`Resource::encode`] writes the `<resource>` of a response.
///
/// ```
/// use ucwa_proto::{Input, Representation, Resource};
///
/// let input = Input::from(Resource::anonymous().with_property("message", "At lunch"));
/// assert_eq!(input.encode(Representation::Json), br#"{"message":"At lunch"}"#);
/// assert!(String::from_utf8(input.encode(Representation::Xml))?.contains("<input "));
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Input<'a>(Resource<'a>);

impl<'a> Input<'a> {
    /// Encodes the input.
    #[must_use]
    pub fn encode(&self, representation: Representation) -> Vec<u8> {
        match representation {
            Representation::Json => json::encode_resource(&self.0),
            Representation::Xml => xml::encode_resource(&self.0, "input"),
        }
    }

    /// The generic form.
    #[must_use]
    pub fn into_resource(self) -> Resource<'a> {
        self.0
    }
}

impl<'a> From<Resource<'a>> for Input<'a> {
    fn from(resource: Resource<'a>) -> Self {
        Self(resource)
    }
}
