//! The keys of the items of a list.

use std::collections::VecDeque;

use super::collection::Key;

/// The keys in the order of the items. The keys of most lists are consecutive, because items are only added at the end and removed
/// from the beginning. Consecutive keys take no memory.
pub(crate) struct Keys {
    next: u64,
    /// The keys, unless they are consecutive.
    scattered: Option<Box<Scattered>>,
}

struct Scattered {
    keys: VecDeque<Key>,
    /// Whether the keys ascend, so that a key is found by binary search.
    is_sorted: bool,
}

/// Each method takes the number of items, which the list knows.
impl Keys {
    pub(crate) const fn new() -> Self {
        Self {
            next: 0,
            scattered: None,
        }
    }

    /// The keys of the items, in order.
    pub(crate) fn iter(&self, size: usize) -> impl Iterator<Item = Key> {
        (0..size).map(move |index| self.at(index, size))
    }

    fn at(&self, index: usize, size: usize) -> Key {
        let scattered = self.scattered.as_ref();
        let scattered = scattered.and_then(|scattered| scattered.keys.get(index).copied());
        scattered.unwrap_or(Key(self.next - size as u64 + index as u64))
    }

    pub(crate) fn position(&self, key: Key, size: usize) -> Option<usize> {
        match &self.scattered {
            Some(scattered) if scattered.is_sorted => scattered.keys.binary_search(&key).ok(),
            Some(scattered) => scattered.keys.iter().position(|other| *other == key),
            None => {
                let index = key.0.checked_sub(self.next - size as u64)?;
                usize::try_from(index).ok().filter(|index| *index < size)
            }
        }
    }

    /// Makes the key of an item that is inserted at an index.
    pub(crate) fn insert(&mut self, index: usize, size: usize) -> Key {
        let is_last = index == size;
        if !is_last {
            self.scatter(size);
        }
        let key = Key(self.next);
        self.next += 1;
        if let Some(scattered) = &mut self.scattered {
            scattered.is_sorted &= is_last;
            scattered.keys.insert(index, key);
        }
        key
    }

    /// Removes the key of the item at an index.
    pub(crate) fn remove(&mut self, index: usize, size: usize) -> Key {
        let key = self.at(index, size);
        if size == 1 {
            self.scattered = None;
        } else if index > 0 {
            self.scatter(size);
        }
        if let Some(scattered) = &mut self.scattered {
            scattered.keys.remove(index);
        }
        key
    }

    fn scatter(&mut self, size: usize) {
        if self.scattered.is_none() {
            let keys = self.iter(size).collect();
            self.scattered = Some(Box::new(Scattered {
                keys,
                is_sorted: true,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step: the index at which an item is inserted, or that of an item that is removed.
    enum Step {
        Insert(usize),
        Remove(usize),
    }
    use Step::{Insert, Remove};

    /// Compares the keys with a plain list of them after each step. Returns whether they are consecutive.
    fn is_consecutive_after(steps: &[Step]) -> bool {
        let (mut keys, mut expected, mut next) = (Keys::new(), Vec::new(), 0);
        for step in steps {
            let size = expected.len();
            match *step {
                Insert(index) => {
                    assert_eq!(keys.insert(index, size), Key(next));
                    expected.insert(index, Key(next));
                    next += 1;
                }
                Remove(index) => assert_eq!(keys.remove(index, size), expected.remove(index)),
            }
            let size = expected.len();
            assert_eq!(keys.iter(size).collect::<Vec<_>>(), expected);
            for number in 0..next + 2 {
                let position = expected.iter().position(|key| key.0 == number);
                assert_eq!(keys.position(Key(number), size), position, "{number}");
            }
        }
        keys.scattered.is_none()
    }

    #[test]
    fn the_keys_are_those_of_a_list_of_keys() {
        let queue = [
            Insert(0),
            Insert(1),
            Remove(0),
            Insert(1),
            Insert(2),
            Remove(0),
        ];
        assert!(is_consecutive_after(&queue));
        assert!(!is_consecutive_after(&[Insert(0), Insert(0), Insert(1)]));
        assert!(!is_consecutive_after(&[
            Insert(0),
            Insert(1),
            Insert(2),
            Remove(1),
            Insert(2)
        ]));
        let removed_last = [Insert(0), Insert(1), Remove(1), Insert(1), Remove(0)];
        assert!(!is_consecutive_after(&removed_last));
        let emptied = [
            Insert(0),
            Insert(0),
            Remove(1),
            Remove(0),
            Insert(0),
            Insert(1),
        ];
        assert!(is_consecutive_after(&emptied));
    }
}
