//! A map that counts the entries that are visited: a request that scans it visits more entries the more users are signed in.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// An ordered map that counts its visited entries.
pub(super) struct Table<K, V> {
    entries: BTreeMap<K, V>,
    visited: AtomicU64,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            visited: AtomicU64::new(0),
        }
    }
}

/// Shows the number of entries only, since tables hold tokens and texts.
impl<K, V> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl<K: Ord, V> Table<K, V> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of entries that were visited since the table was created. Each lookup visits one, an iteration each entry.
    pub(super) fn visited(&self) -> u64 {
        self.visited.load(Ordering::Relaxed)
    }

    fn visit(&self) {
        self.visited.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.visit();
        self.entries.get(key)
    }

    pub(super) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.visit();
        self.entries.get_mut(key)
    }

    pub(super) fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.visit();
        self.entries.entry(key).or_default()
    }

    pub(super) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.visit();
        self.entries.contains_key(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.visit();
        self.entries.insert(key, value)
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.visit();
        self.entries.remove(key)
    }

    pub(super) fn first(&self) -> Option<(&K, &V)> {
        self.visit();
        self.entries.first_key_value()
    }

    /// The entries in the order of their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().inspect(|_| self.visit())
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}
