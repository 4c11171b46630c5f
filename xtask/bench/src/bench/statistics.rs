//! Medians and their spread.

/// The median of some values, and the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) median: f64,
    /// Half of the values lie between these two.
    pub(super) quartiles: (f64, f64),
}

impl Summary {
    /// `None` without values.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&values, 0.5)?,
            quartiles: (quantile(&values, 0.25)?, quantile(&values, 0.75)?),
        })
    }
}

/// The value at a share of sorted values, interpolated between the two nearest ones.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = share * sorted.len().checked_sub(1)? as f64;
    let below = sorted.get(at.floor() as usize)?;
    let above = sorted.get(at.ceil() as usize)?;
    Some(below + (above - below) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_values_is_the_middle_of_two() {
        let summary = Summary::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(summary.median, 2.5);
        assert_eq!(summary.quartiles, (1.75, 3.25));
    }

    #[test]
    fn one_outlier_changes_neither_the_median_nor_the_quartiles() {
        let with = |last| Summary::of([5.0, 1.0, 2.0, 3.0, last]);
        assert_eq!(with(4.0), Summary::of([1.0, 2.0, 3.0, 4.0, 5.0]));
        assert_eq!(with(4.0).unwrap().median, 3.0);
        let outlier = with(1000.0).unwrap();
        assert_eq!((outlier.median, outlier.quartiles), (3.0, (2.0, 5.0)));
    }

    #[test]
    fn one_value_is_its_own_median_and_no_value_has_none() {
        let summary = Summary::of([7.0]).unwrap();
        assert_eq!((summary.median, summary.quartiles), (7.0, (7.0, 7.0)));
        assert_eq!(Summary::of([]), None);
    }
}
