//! The wire format of UCWA 2.0, the REST API of Skype for Business Server: resources, links, events, errors and inputs,
//! in JSON and in XML.
//!
//! The crate contains no I/O, no state, no async and no clock. It turns bytes into values and values into bytes.
//!
//! - [`Resource`] is the generic form of the body of a response: the common model of the two representations, borrowed
//!   from the bytes, without loss. [`Input`] is the body of a request.
//! - [`resources`] holds the typed views, a module for each family of resources. [`FromResource`] reads a view,
//!   [`ToResource`] and [`ToInput`] write one.
//! - [`EventPage`] is one response of the event channel. [`Problem`] is an error body or the reason of an event.
//! - [`DataUri`], [`Challenges`], [`Diagnostics`], [`TokenResponse`], [`DateTime`], [`SipUri`], [`Href`] and [`batch`]
//!   hold the smaller grammars.
//!
//! # Lenient in, strict out
//!
//! Decoders accept the deviations that servers and proxies are known to send. Encoders write what the specifications
//! require.
//!
//! - JSON and XML may begin with a byte order mark, and XML with white space before its declaration, as published
//!   bodies do.
//! - A single item may replace a list, and a list a single item: XML does not distinguish them, and servers differ.
//! - `null` counts as absent for links, embedded resources, senders, events and reasons.
//! - Half of a surrogate pair in JSON, an XML reference to a code point that is no character, and bytes that are not
//!   UTF-8 become U+FFFD. Servers produce them when they truncate a text.
//! - An unknown entity and a lone ampersand in XML are text. Entities are never expanded, and a document type
//!   declaration is refused.
//! - XML may name control characters by reference, and a property may be an element of its own name, as in reasons;
//!   any root element but `<events>` is read as a resource.
//! - An empty list of links or embedded resources counts as absent: XML cannot express it.
//! - A malformed part of an event page affects no other part: it is reported in [`EventPage::malformed`].
//! - Batches may end their lines with LF, lack the closing delimiter, `Content-Length` and the part's own headers.
//! - Challenges may have unquoted values, unclosed quotes and several schemes in one header; diagnostics may have
//!   unclosed quotes.
//! - A data URI may lack the padding of its base64, and have blanks or `%3d` in it.
//!
//! Decoders never panic. A body that cannot be decoded gives a [`DecodeError`] with its position. Debug output contains
//! no message text, token or password.
//!
//! # Example
//!
//! ```
//! use ucwa_proto::{EventPage, FromResource, Limits, Representation, resources::Message};
//!
//! let body = br#"{
//!   "_links": { "self": { "href": "/v1/events?ack=1" }, "next": { "href": "/v1/events?ack=2" } },
//!   "sender": [{ "rel": "conversation", "href": "/v1/conversations/7", "events": [{
//!     "link": { "rel": "message", "href": "/v1/conversations/7/messages/1" },
//!     "type": "completed", "status": "Success",
//!     "_embedded": { "message": { "rel": "message", "direction": "Incoming",
//!       "_links": { "plainMessage": { "href": "data:text/plain;charset=utf-8,Hello+there" } } } }
//!   }] }]
//! }"#;
//!
//! let page = EventPage::decode(body, Representation::Json, &Limits::default())?;
//! let event = &page.senders[0].events[0];
//! let message = Message::from_resource(event.resource().unwrap())?;
//! let text = ucwa_proto::DataUri::parse(&message.plain_message.unwrap().href)?.text().into_owned();
//! assert_eq!(text, "Hello there");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod batch;
mod challenge;
mod data_uri;
mod date;
mod diagnostics;
mod error;
mod error_code;
mod event_page_reader;
mod events;
mod href;
mod input;
mod interning;
mod json;
mod limits;
mod link;
mod open_enum;
mod problem;
mod representation;
mod resource;
pub mod resources;
mod sip_uri;
mod token;
mod typed;
mod value;
mod view;
mod xml;

pub use challenge::{BearerChallenge, Challenge, Challenges, GrantType, MsRtcOAuth};
pub use data_uri::{DataUri, DataUriError, MediaType, strip_trailing_newline};
pub use date::{DateError, DateTime};
pub use diagnostics::Diagnostics;
pub use error::{DecodeError, DecodeErrorKind, Position};
pub use error_code::{ErrorCode, ErrorSubcode};
pub use events::{
    Event, EventKind, EventLink, EventPage, EventStatus, Follow, MalformedPart, Sender,
};
pub use href::{Href, HrefError, HrefKey, Origin, Scheme};
pub use input::Input;
pub use limits::Limits;
pub use link::{Link, OneOrMany};
pub use problem::Problem;
pub use representation::Representation;
pub use resource::Resource;
pub use sip_uri::{SipUri, SipUriError};
pub use token::{OAuthError, TokenResponse};
pub use typed::{FieldError, FromResource, PropertyValue, ToInput, ToResource};
pub use value::{Number, Value};
