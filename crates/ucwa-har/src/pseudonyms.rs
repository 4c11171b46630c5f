//! Pseudonyms for values, in the order of their first occurrence.

use std::collections::BTreeMap;

/// The values, each with its pseudonym.
#[derive(Default)]
pub(crate) struct Pseudonyms(BTreeMap<String, String>);

impl Pseudonyms {
    /// The pseudonym of `value`. A new value gets the one that `make` returns for its number, counted from 1.
    pub(crate) fn of(&mut self, value: &str, make: impl FnOnce(usize) -> String) -> &str {
        let number = self.0.len() + 1;
        self.0
            .entry(value.to_owned())
            .or_insert_with(|| make(number))
    }

    /// The values with their pseudonyms.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter();
        pairs.map(|(value, name)| (value.as_str(), name.as_str()))
    }
}
