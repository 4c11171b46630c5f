//! The JSON representation: a decoder of hand-written serde visitors and an encoder.

mod decode;
mod encode;
mod page;

pub(crate) use decode::decode_resource;
pub(crate) use encode::{encode_page, encode_resource};
pub(crate) use page::decode_page;
