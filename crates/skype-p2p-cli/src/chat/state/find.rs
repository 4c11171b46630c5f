//! The search for text in one conversation.

use super::{conversation::Item, text_field::TextField};

/// The text and the message that is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Find {
    pub(crate) query: TextField,
    /// The index of the item that has the text.
    pub(crate) at: Option<usize>,
}

impl Find {
    /// Goes to the newest message with the text.
    pub(crate) fn newest(&mut self, items: &[Item]) {
        self.at = self.matches(items).next_back();
    }

    /// Goes to the next older message with the text, if there is one.
    pub(crate) fn older(&mut self, items: &[Item]) {
        let at = self.at.unwrap_or(items.len());
        self.at = self.matches(items).rfind(|it| *it < at).or(self.at);
    }

    /// Goes to the next newer message with the text, if there is one.
    pub(crate) fn newer(&mut self, items: &[Item]) {
        if let Some(at) = self.at {
            self.at = self.matches(items).find(|it| *it > at).or(self.at);
        }
    }

    /// The indices of the items with the text, whatever its case.
    fn matches<'a>(&self, items: &'a [Item]) -> impl DoubleEndedIterator<Item = usize> + use<'a> {
        let query = self.query.text().to_lowercase();
        items
            .iter()
            .enumerate()
            .filter(move |(_, item)| {
                let text = item.message().map(|it| it.text.as_str().to_lowercase());
                !query.is_empty() && text.is_some_and(|text| text.contains(&query))
            })
            .map(|(index, _)| index)
    }
}
