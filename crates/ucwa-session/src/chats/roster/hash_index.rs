//! An index of a list by a key that is not unique or not in order: the positions in the list, sorted by the hashes of the keys.
//! Unlike a map, it holds no copies of the keys, and takes 8 bytes for each entry.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Positions by hash. Different keys may have the same hash, so the caller compares the keys at the positions.
#[derive(Debug, Default)]
pub(super) struct HashIndex(Vec<(u32, u32)>);

impl HashIndex {
    pub(super) fn insert(&mut self, key: &impl Hash, position: usize) {
        let entry = entry(key, position);
        if let Err(index) = self.0.binary_search(&entry) {
            if self.0.is_empty() {
                // Most conversations have one participant.
                self.0.reserve_exact(1);
            }
            self.0.insert(index, entry);
        }
    }

    pub(super) fn remove(&mut self, key: &impl Hash, position: usize) {
        if let Ok(index) = self.0.binary_search(&entry(key, position)) {
            self.0.remove(index);
        }
    }

    /// The positions at which the key may be, in order.
    pub(super) fn positions(&self, key: &impl Hash) -> impl Iterator<Item = usize> {
        let wanted = hash(key);
        let begin = self.0.partition_point(|(hash, _)| *hash < wanted);
        let entries = self.0.get(begin..).unwrap_or_default().iter();
        let same = entries.take_while(move |(hash, _)| *hash == wanted);
        same.filter_map(|(_, position)| usize::try_from(*position).ok())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn entry(key: &impl Hash, position: usize) -> (u32, u32) {
    // No list has so many entries.
    (hash(key), u32::try_from(position).unwrap_or(u32::MAX))
}

/// Half of the hash. The hasher has no random seed, so that equal runs do equal work.
fn hash(key: &impl Hash) -> u32 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key whose hash is 7.
    struct Colliding;

    impl Hash for Colliding {
        fn hash<H: Hasher>(&self, state: &mut H) {
            7_u64.hash(state);
        }
    }

    fn positions(index: &HashIndex, key: &impl Hash) -> Vec<usize> {
        index.positions(key).collect()
    }

    #[test]
    fn each_key_has_its_positions() {
        let mut index = HashIndex::default();
        for position in (0..1_000).rev() {
            index.insert(&format!("key {position}"), position);
        }
        index.insert(&"key 3".to_owned(), 3);
        for position in 0..1_000 {
            assert_eq!(positions(&index, &format!("key {position}")), [position]);
        }
        index.remove(&"key 3".to_owned(), 4);
        assert_eq!(positions(&index, &"key 3".to_owned()), [3]);
        index.remove(&"key 3".to_owned(), 3);
        assert!(positions(&index, &"key 3".to_owned()).is_empty());
        index.clear();
        assert!(positions(&index, &"key 5".to_owned()).is_empty());
    }

    #[test]
    fn keys_with_the_same_hash_share_their_positions() {
        let mut index = HashIndex::default();
        index.insert(&Colliding, 9);
        index.insert(&7_u64, 4);
        assert_eq!(positions(&index, &Colliding), [4, 9]);
    }
}
