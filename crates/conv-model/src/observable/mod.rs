//! The observable core: values, collections and commands behind one lock, and the exact delivery of their changes.
//!
//! The core uses only the modules `sync` and `reason` beside it, so that a test can run the same source on the primitives of
//! a scheduler that explores interleavings.

pub(crate) mod cell;
mod collection;
pub(crate) mod command;
mod derived;
mod keys;
pub(crate) mod list;
mod listener;
mod property;
mod reduce;
pub(crate) mod store;
pub(crate) mod stream;
mod subscription;

use super::{reason, sync};

pub(crate) use collection::CollectionCommands;
pub use collection::{Collection, CollectionChange, Key};
pub use command::{Command, CommandFuture};
pub(crate) use listener::{Deliver, guarded};
pub use property::{Change, Property};
pub use reduce::Reader;
pub use stream::{Changes, Closed, Latest};
pub use subscription::{Subscription, Subscriptions};
