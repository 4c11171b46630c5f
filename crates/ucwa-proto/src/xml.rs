//! The XML representation: a decoder that drives quick-xml by hand and an encoder.

mod cursor;
mod decode;
mod encode;
mod page;
mod recovery;
mod reference;

pub(crate) use decode::decode_resource;
pub(crate) use encode::{encode_page, encode_problem, encode_resource};
pub(crate) use page::decode_page;

/// The namespace of every element of UCWA.
const NAMESPACE: &str = "http://schemas.microsoft.com/rtc/2012/03/ucwa";
