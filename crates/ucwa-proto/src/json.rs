//! The JSON representation: a pull parser, decoders and encoders.

mod decode;
mod encode;
mod page;
mod reader;
mod recovery;

pub(crate) use decode::decode_resource;
pub(crate) use encode::{encode_page, encode_resource};
pub(crate) use page::decode_page;
