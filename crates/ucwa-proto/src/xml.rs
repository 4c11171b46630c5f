//! The XML representation: decoders over quick-xml, and encoders.

mod cursor;
mod decode;
mod encode;
mod page;
mod recovery;
mod reference;

pub(crate) use decode::decode_resource;
pub(crate) use encode::{encode_page, encode_problem, encode_resource};
pub(crate) use page::decode_page;

/// The namespace of the elements of UCWA.
const NAMESPACE: &str = "http://schemas.microsoft.com/rtc/2012/03/ucwa";
