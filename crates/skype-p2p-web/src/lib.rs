//! The chat of [`skype_p2p`] in web pages.
//!
//! The crate has what a page needs of Rust: [`Browser`], the runtime; [`Fetch`] and [`XFrame`], the transports; and handles of
//! the objects for JavaScript. `cargo xtask web` compiles it to WebAssembly and joins it with the modules in
//! `js`, which give the handles the shapes of the Skype Web SDK.
//!
//! A handle is a class that `wasm-bindgen` exports. [`Property`], [`Collection`] and [`Command`] have one class each, for all
//! types of values: a value is converted to plain JavaScript data, and an object to its handle. A [`Subscription`] ends when
//! its handle is freed. Each call makes a new handle; `is_same` and `key` tell whether two are handles of one object.
//!
//! The crate also compiles for other targets than `wasm32-unknown-unknown`, but nothing there can call it: without a
//! JavaScript engine each call into JavaScript panics.
//!
//! No rule of UCWA and no shape of the SDK is in this crate. It has no state of its own, so that a page may have several
//! applications.

mod application;
mod browser;
mod collection;
mod command;
mod conversation;
mod exchange;
mod fetch;
mod group;
mod message;
mod participant;
mod person;
mod property;
mod reason;
mod roster;
mod sign_in;
mod subscription;
mod transport;
mod value;
mod xframe;

pub use application::{Application, Settings};
pub use browser::Browser;
pub use collection::Collection;
pub use command::Command;
pub use conversation::Conversation;
pub use fetch::Fetch;
pub use group::Group;
pub use message::{Message, ParticipantActivity};
pub use participant::Participant;
pub use person::{Me, Person};
pub use property::Property;
pub use subscription::Subscription;
pub use xframe::XFrame;
