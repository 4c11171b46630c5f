//! A map of bounded size: a session that runs for months recognizes recent repetitions and evicts older entries.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::hash::Hash;

use crate::hash_map::SeedlessHashMap;

/// A map that holds the `N` keys that were inserted last.
pub(crate) struct Recent<K, V, const N: usize> {
    known: SeedlessHashMap<K, V>,
    /// The keys in the order of their first insertion.
    order: VecDeque<K>,
}

impl<K, V, const N: usize> Default for Recent<K, V, N> {
    fn default() -> Self {
        Self {
            known: SeedlessHashMap::default(),
            order: VecDeque::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, V, const N: usize> Recent<K, V, N> {
    /// Inserts a value. Returns whether the key is new.
    pub(crate) fn insert(&mut self, key: K, value: V) -> bool {
        let news = self.known.insert(key.clone(), value).is_none();
        if news {
            self.order.push_back(key);
            if self.order.len() > N
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
        news
    }

    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.known.get(key)
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.known.contains_key(key)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.known.remove(key)?;
        self.order.retain(|other| other != key);
        Some(value)
    }

    /// The keys, the oldest first.
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.order.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_evicts_the_oldest_entry_only() {
        let mut recent = Recent::<u32, &str, 3>::default();
        for key in 1..=3 {
            assert!(recent.insert(key, "first"));
        }
        assert!(!recent.insert(1, "again"), "known, and noted anew");
        assert_eq!(recent.get(&1), Some(&"again"));
        assert!(recent.insert(4, "first"));
        assert!(!recent.contains(&1), "the oldest, however often it was met");
        assert!((2..=4).all(|key| recent.contains(&key)));
    }

    #[test]
    fn a_removed_entry_frees_its_place() {
        let mut recent = Recent::<u32, (), 2>::default();
        recent.insert(1, ());
        recent.insert(2, ());
        assert_eq!(recent.remove(&1), Some(()));
        assert_eq!(recent.remove(&1), None);
        recent.insert(3, ());
        assert!(recent.contains(&2) && recent.contains(&3));
        recent.clear();
        assert!(!recent.contains(&2));
        assert!(recent.order.is_empty());
    }
}
