//! A hash map without a random seed, so that equal runs do equal work.
//!
//! Hrefs of one application begin with the same hundred characters, which an ordered map compares at each of its levels. The order
//! of a hash map is not defined: its entries are looked up, and never iterated unless they are sorted.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

pub(crate) type SeedlessHashMap<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;
