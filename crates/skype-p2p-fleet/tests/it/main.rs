//! The tests of the fleet.

mod memory_store;
