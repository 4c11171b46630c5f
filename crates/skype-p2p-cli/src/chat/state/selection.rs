//! The selected row of a list, which the arrow keys move.

use crossterm::event::KeyCode;

/// The row that the key selects: `selectable` are the indices of the rows that can be selected, in ascending order. The
/// selection stays at the first and at the last of them. `None` if the key does not move a selection.
pub(crate) fn moved(
    key: KeyCode,
    selected: Option<usize>,
    mut selectable: impl DoubleEndedIterator<Item = usize>,
) -> Option<Option<usize>> {
    let next = match (key, selected) {
        (KeyCode::Down, None) => selectable.next(),
        (KeyCode::Down, Some(now)) => selectable.find(|index| *index > now),
        (KeyCode::Up, None) => selectable.next_back(),
        (KeyCode::Up, Some(now)) => selectable.rfind(|index| *index < now),
        _ => return None,
    };
    Some(next.or(selected))
}
