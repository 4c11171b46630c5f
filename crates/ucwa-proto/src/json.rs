//! The JSON representation: a pull reader driven by hand and an encoder.

mod decode;
mod encode;
mod page;
mod reader;
mod recovery;

pub(crate) use decode::decode_resource;
pub(crate) use encode::{encode_page, encode_resource};
pub(crate) use page::decode_page;
