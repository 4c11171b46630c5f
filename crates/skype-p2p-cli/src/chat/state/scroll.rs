//! The position in a timeline, which does not change when items are added above or below it.

/// The bottom edge of the shown part of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// The index of the last item that is shown.
    pub(crate) item: usize,
    /// The number of its lines that are below the edge.
    pub(crate) hidden: usize,
}

/// The result of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The new position; `None` is the end of the timeline.
    pub(crate) anchor: Option<Anchor>,
    /// The first line of the timeline is shown.
    pub(crate) at_top: bool,
}

/// Moves the edge up by `lines`, until the first line is at the top of the `rows` of the screen. `height` is the number of
/// lines of an item.
pub(crate) fn up(
    anchor: Option<Anchor>,
    lines: usize,
    rows: usize,
    items: usize,
    height: impl Fn(usize) -> usize,
) -> Moved {
    let end = Anchor {
        item: items.saturating_sub(1),
        hidden: 0,
    };
    let start = anchor.unwrap_or(end);
    let mut new = Anchor {
        item: start.item,
        hidden: start.hidden + lines,
    };
    while new.item > 0 && new.hidden >= height(new.item) {
        new.hidden -= height(new.item);
        new.item -= 1;
    }
    // The lines above the new edge must fill the screen.
    let mut above = height(new.item).saturating_sub(new.hidden);
    let overshoot = new.hidden.saturating_sub(height(new.item));
    let mut item = new.item;
    while item > 0 && above < rows {
        item -= 1;
        above += height(item);
    }
    let at_top = (item == 0 && above <= rows) || overshoot > 0;
    let missing = rows.saturating_sub(above) + overshoot;
    let anchor = down(Some(new), missing, items, height);
    Moved { anchor, at_top }
}

/// Moves the edge down by `lines`. Returns the new position.
pub(crate) fn down(
    anchor: Option<Anchor>,
    lines: usize,
    items: usize,
    height: impl Fn(usize) -> usize,
) -> Option<Anchor> {
    let mut anchor = anchor?;
    let mut left = lines;
    loop {
        if anchor.hidden >= left {
            anchor.hidden -= left;
            break;
        }
        left -= anchor.hidden;
        if anchor.item + 1 >= items {
            return None;
        }
        anchor.item += 1;
        anchor.hidden = height(anchor.item);
    }
    let at_end = anchor.item + 1 >= items && anchor.hidden == 0;
    (!at_end).then_some(anchor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten items of two lines each, on a screen of five rows.
    const ITEMS: usize = 10;
    const ROWS: usize = 5;

    fn height(_: usize) -> usize {
        2
    }

    fn page_up(anchor: Option<Anchor>) -> Moved {
        up(anchor, ROWS - 1, ROWS, ITEMS, height)
    }

    fn page_down(anchor: Option<Anchor>) -> Option<Anchor> {
        down(anchor, ROWS - 1, ITEMS, height)
    }

    #[test]
    fn pages_lead_to_the_top_and_back_to_the_end() {
        let mut moved = page_up(None);
        assert_eq!(moved.anchor, Some(Anchor { item: 7, hidden: 0 }));
        assert!(!moved.at_top);
        let mut pages = 1;
        while !moved.at_top {
            moved = page_up(moved.anchor);
            pages += 1;
        }
        assert_eq!(pages, 4);
        // The first five lines: two items and one line of the third.
        assert_eq!(moved.anchor, Some(Anchor { item: 2, hidden: 1 }));
        assert_eq!(page_up(moved.anchor), moved);
        let mut anchor = moved.anchor;
        let mut pages = 0;
        while anchor.is_some() {
            anchor = page_down(anchor);
            pages += 1;
        }
        assert_eq!(pages, 4);
        assert_eq!(page_down(None), None);
    }

    #[test]
    fn a_short_timeline_does_not_move() {
        let moved = up(None, 4, ROWS, 2, height);
        assert_eq!(
            moved,
            Moved {
                anchor: None,
                at_top: true
            }
        );
        assert!(up(None, 4, ROWS, 0, |_| 0).anchor.is_none());
    }

    #[test]
    fn a_long_item_is_crossed_in_parts() {
        let moved = up(None, 4, ROWS, 1, |_| 20);
        assert_eq!(moved.anchor, Some(Anchor { item: 0, hidden: 4 }));
        assert!(!moved.at_top);
        let moved = up(moved.anchor, 100, ROWS, 1, |_| 20);
        let top = Anchor {
            item: 0,
            hidden: 15,
        };
        assert_eq!(moved.anchor, Some(top));
        assert!(moved.at_top);
    }
}
