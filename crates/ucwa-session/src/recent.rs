//! A map of bounded size: a session that runs for months recognizes recent repetitions and evicts older entries.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::hash::Hash;

use crate::hash_map::SeedlessHashMap;

/// A map that holds the `N` keys that were inserted last. Most maps stay empty, so the entries are allocated with the first key.
pub(crate) struct Recent<K, V, const N: usize>(Option<Box<Entries<K, V>>>);

struct Entries<K, V> {
    known: SeedlessHashMap<K, V>,
    /// The keys in the order of their first insertion.
    order: VecDeque<K>,
}

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self {
            known: SeedlessHashMap::default(),
            order: VecDeque::new(),
        }
    }
}

impl<K, V, const N: usize> Default for Recent<K, V, N> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: Clone + Eq + Hash, V, const N: usize> Recent<K, V, N> {
    /// Inserts a value. Returns whether the key is new.
    pub(crate) fn insert(&mut self, key: K, value: V) -> bool {
        let Entries { known, order } = &mut **self.0.get_or_insert_default();
        let news = known.insert(key.clone(), value).is_none();
        if news {
            order.push_back(key);
            if order.len() > N
                && let Some(oldest) = order.pop_front()
            {
                known.remove(&oldest);
            }
        }
        news
    }

    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.as_ref()?.known.get(key)
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let Entries { known, order } = &mut **self.0.as_mut()?;
        let value = known.remove(key)?;
        order.retain(|other| other != key);
        Some(value)
    }

    /// The keys, the oldest first.
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.iter().flat_map(|entries| &entries.order)
    }

    pub(crate) fn clear(&mut self) {
        self.0 = None;
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
        assert_eq!(recent.keys().count(), 0);
    }
}
