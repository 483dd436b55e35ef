//! Thresholds, and the rows in terms of them.
//!
//! A cut is an `f32` `t` between two neighbouring distinct training values `a < b`, as near to their
//! middle as possible. No training row is on the wrong side of it, whether a value is compared as it is or
//! rounded to `f32` first:
//!
//! ```text
//! a < t,  f32(a) < t,  t ≤ b          (then t ≤ f32(b), rounding being monotone)
//! ```
//!
//! Neighbours that `f32` cannot separate have no cut between them. Code `c` of a value is the number
//! of cuts that are at most the value, so `x < t_k` iff `c ≤ k`.

use crate::model::Row;

/// Rows as codes.
pub(super) struct Binned {
    /// Per feature, the cuts in ascending order; fewer than 256.
    cuts: Vec<Vec<f64>>,
    /// Row-major, shape `[rows][features]`.
    codes: Vec<u8>,
}

impl Binned {
    /// At most `bins` (2 to 256) bins per feature, with about equally many rows each.
    pub(super) fn new(rows: &[Row], features: usize, bins: usize) -> Self {
        let mut codes = vec![0; rows.len() * features];
        let cuts: Vec<_> = (0..features)
            .map(|feature| {
                let column: Vec<f64> = rows.iter().map(|row| row.values[feature]).collect();
                let cuts = cuts(&column, bins);
                for (row, x) in codes.chunks_exact_mut(features).zip(&column) {
                    row[feature] = code(&cuts, *x);
                }
                cuts
            })
            .collect();
        Self { cuts, codes }
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        self.cuts.len()
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.codes.len() / self.features()
    }

    /// The codes of a row, in feature order.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.codes[row * self.features()..][..self.features()]
    }

    /// The cuts of each feature.
    pub(super) fn cuts(&self) -> &[Vec<f64>] {
        &self.cuts
    }
}

/// Number of `cuts` that are at most `x`; fewer than 256.
pub(super) fn code(cuts: &[f64], x: f64) -> u8 {
    cuts.partition_point(|cut| *cut <= x) as u8
}

/// Fewer than `bins` cuts of a column. Values with more than an equal share of the rows get a
/// bin of their own; the other values share the remaining bins.
pub(super) fn cuts(column: &[f64], bins: usize) -> Vec<f64> {
    let groups = groups(column);
    let mut cuts = Vec::new();
    let (mut left, mut held) = (column.len(), 0);
    for pair in groups.windows(2) {
        let [(below, rows), (above, next)] = [pair[0], pair[1]];
        held += rows;
        let free = bins - cuts.len();
        if free == 1 {
            break;
        }
        // The bin is full, or the next value would overfill it by more than it lacks now.
        let share = left as f64 / free as f64;
        let is_full = held as f64 >= share || (held as f64 + next as f64 / 2.0) > share;
        if (groups.len() <= bins || is_full)
            && let Some(cut) = threshold(below, above)
        {
            cuts.push(cut);
            left -= held;
            held = 0;
        }
    }
    cuts
}

/// The distinct values in ascending order, each with its number of rows; `-0` counts as `0`.
fn groups(column: &[f64]) -> Vec<(f64, usize)> {
    let mut sorted: Vec<f64> = column.iter().map(|x| x + 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(|group| (group[0], group.len())).collect()
}

/// The cut between the neighbours `below < above`, if there is one.
pub(super) fn threshold(below: f64, above: f64) -> Option<f64> {
    let separates = |t: &f32| (below as f32) < *t && f64::from(*t) <= above;
    // `+ 0` turns `-0` into `0`.
    let middle = (below / 2.0 + above / 2.0) as f32 + 0.0;
    [middle, middle.next_up(), middle.next_down()].into_iter().find(separates).map(f64::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::train::tests::row;

    #[test]
    fn cuts_are_midpoints_between_distinct_values() {
        assert_eq!(cuts(&[3.0, 1.0, 1.0, 2.0, 6.0], 256), [1.5, 2.5, 4.5]);
        assert_eq!(cuts(&[0.0, -0.0, 1.0], 256), [0.5]);
        assert!(cuts(&[7.0, 7.0], 256).is_empty());
    }

    #[test]
    fn no_more_bins_than_asked_for() {
        let column: Vec<f64> = (0..1000).map(f64::from).collect();
        for bins in [2, 3, 10, 256] {
            assert_eq!(cuts(&column, bins).len(), bins - 1);
        }
    }

    #[test]
    fn few_distinct_values_all_get_a_bin() {
        let mut column: Vec<f64> = (0..1000).map(|x| f64::from(x % 10)).collect();
        column.extend([100.0; 10_000]);
        assert_eq!(cuts(&column, 11).len(), 10);
    }

    #[test]
    fn bins_hold_about_equally_many_rows() {
        // Half of the rows share one value; the other 500 values share the other bins.
        let mut column = vec![-1.0; 500];
        column.extend((0..500).map(f64::from));
        let cuts = cuts(&column, 11);
        let mut sizes = [0; 11];
        column.iter().for_each(|&x| sizes[usize::from(code(&cuts, x))] += 1);
        assert_eq!(sizes[0], 500);
        assert!(sizes[1..].iter().all(|size| (45..=55).contains(size)), "{sizes:?}");
    }

    #[test]
    fn neighbours_that_f32_cannot_tell_apart_share_a_bin() {
        let x = 1.0f64;
        assert_eq!(threshold(x, x + 1e-12), None);
        // Here an f32 lies between in f64, but the lower value rounds onto it.
        assert_eq!(threshold(x - 1e-12, x + 1e-12), None);
        let next = f64::from(1f32.next_up());
        assert_eq!(threshold(x, next), Some(next));
    }

    proptest! {
        #[test]
        fn no_training_row_crosses_a_cut(
            start in prop_oneof![-1e9..1e9f64, -1.0..1.0f64, Just(0.0)],
            steps in prop::collection::vec((1u64..1 << 34, 1usize..4), 1..40),
            bins in 2usize..12,
        ) {
            let mut values = vec![start];
            for (ulps, copies) in steps {
                let last = values[values.len() - 1];
                let next = (0..64).fold(last, |x: f64, _| x.next_up())
                    + last.abs().max(1e-300) * f64::EPSILON * ulps as f64;
                values.extend(std::iter::repeat_n(next, copies));
            }
            let rows: Vec<_> = values.iter().map(|&x| row(&[x], 0)).collect();
            let binned = Binned::new(&rows, 1, bins);
            prop_assert!(binned.cuts()[0].len() < bins);
            prop_assert!(binned.cuts()[0].is_sorted_by(|a, b| a < b));
            for (at, &x) in values.iter().enumerate() {
                for (k, &cut) in binned.cuts()[0].iter().enumerate() {
                    let is_left = usize::from(binned.row(at)[0]) <= k;
                    prop_assert_eq!(f64::from(cut as f32), cut);
                    prop_assert_eq!(is_left, x < cut);
                    prop_assert_eq!(is_left, f64::from(x as f32) < cut);
                }
            }
        }
    }
}
