//! A map of conversations, messages or participants by their IDs. It takes less memory than a `BTreeMap`, because IDs ascend: the
//! entries are two sorted vectors, and a new ID is usually the last one.

use std::marker::PhantomData;

use crate::ids::Id;
use crate::observable::list::growth;

/// The entries with local IDs and those with remote IDs, each in the order of the numbers.
pub(crate) struct IdMap<I, V> {
    local: Vec<(u64, V)>,
    remote: Vec<(u64, V)>,
    id: PhantomData<fn(I)>,
}

impl<I: Id, V> IdMap<I, V> {
    pub(crate) const fn new() -> Self {
        Self {
            local: Vec::new(),
            remote: Vec::new(),
            id: PhantomData,
        }
    }

    pub(crate) fn get(&self, id: I) -> Option<&V> {
        let (is_local, number) = id.parts();
        let entries = if is_local { &self.local } else { &self.remote };
        let index = position(entries, number).ok()?;
        entries.get(index).map(|(_, value)| value)
    }

    pub(crate) fn contains(&self, id: I) -> bool {
        self.get(id).is_some()
    }

    /// Inserts a value. Returns the value that it replaces.
    pub(crate) fn insert(&mut self, id: I, value: V) -> Option<V> {
        let (entries, number) = self.entries_mut(id);
        match position(entries, number) {
            Ok(index) => {
                let entry = entries.get_mut(index)?;
                Some(std::mem::replace(&mut entry.1, value))
            }
            Err(index) => {
                if entries.len() == entries.capacity() {
                    entries.reserve_exact(growth(entries.len()));
                }
                entries.insert(index, (number, value));
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, id: I) -> Option<V> {
        let (entries, number) = self.entries_mut(id);
        let index = position(entries, number).ok()?;
        Some(entries.remove(index).1)
    }

    fn entries_mut(&mut self, id: I) -> (&mut Vec<(u64, V)>, u64) {
        match id.parts() {
            (true, number) => (&mut self.local, number),
            (false, number) => (&mut self.remote, number),
        }
    }
}

/// The index of a number, or the index at which it belongs.
fn position<V>(entries: &[(u64, V)], number: u64) -> Result<usize, usize> {
    match entries.last() {
        Some((last, _)) if *last < number => Err(entries.len()),
        _ => entries.binary_search_by_key(&number, |(number, _)| *number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MessageId::{self, Local, Remote};

    #[test]
    fn local_and_remote_ids_with_the_same_number_are_different() {
        let mut map = IdMap::<MessageId, &str>::new();
        assert_eq!(map.insert(Local(1), "mine"), None);
        assert_eq!(map.insert(Remote(1), "theirs"), None);
        assert_eq!(map.get(Local(1)), Some(&"mine"));
        assert_eq!(map.remove(Remote(1)), Some("theirs"));
        assert!(!map.contains(Remote(1)) && map.contains(Local(1)));
    }

    #[test]
    fn ids_are_found_in_whichever_order_they_were_inserted() {
        let mut map = IdMap::<MessageId, u64>::new();
        for number in [5, 1, 9, 3, 7] {
            assert_eq!(map.insert(Remote(number), number), None);
        }
        assert_eq!(map.insert(Remote(3), 30), Some(3));
        assert_eq!(map.remove(Remote(5)), Some(5));
        let found: Vec<_> = (0..10)
            .filter_map(|number| map.get(Remote(number)))
            .collect();
        assert_eq!(found, [&1, &30, &7, &9]);
        assert_eq!(map.remove(Remote(4)), None);
    }
}
