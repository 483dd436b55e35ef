//! Thresholds for boosting under moves: in the middle of gaps between neighbouring training values, chosen at
//! quantiles of the rows, at quantiles of the distinct values, and in the widest gaps, which make room on both
//! sides.

use crate::train::trees::bins::{cuts, threshold};

/// Fewer than `bins` cuts of a column, ascending.
pub(super) fn roomy_cuts(column: &[f64], bins: usize) -> Vec<f64> {
    let mut values: Vec<f64> = column.iter().map(|x| x + 0.0).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    if values.len() <= bins {
        return cuts(column, bins);
    }
    let gaps: Vec<[f64; 2]> = values.windows(2).map(|pair| [pair[0], pair[1]]).collect();
    let share = bins / 3;
    let mut chosen = cuts(column, bins - 2 * share);
    let at_distinct = (1..=share).map(|k| gaps[k * gaps.len() / (share + 1)]);
    chosen.extend(at_distinct.filter_map(|[a, b]| threshold(a, b)));
    let mut widest: Vec<&[f64; 2]> = gaps.iter().collect();
    // of equal gaps the lower one: the order of rows decides nothing
    widest.sort_by(|a, b| (b[1] - b[0]).total_cmp(&(a[1] - a[0])).then(a[0].total_cmp(&b[0])));
    chosen.extend(widest.iter().take(share).filter_map(|[a, b]| threshold(*a, *b)));
    chosen.sort_unstable_by(f64::total_cmp);
    chosen.dedup();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_gaps_get_a_cut_and_there_are_never_too_many() {
        // dense values, then one far away: quantiles of the rows alone would not cut there
        let mut column: Vec<f64> = (0..3000).map(|x| f64::from(x) * 1e-3).collect();
        column.push(1000.0);
        let cuts = roomy_cuts(&column, 30);
        assert!(cuts.len() < 30 && cuts.is_sorted_by(|a, b| a < b));
        assert!(cuts.iter().any(|cut| *cut > 100.0 && *cut < 1000.0));
    }

    #[test]
    fn few_values_get_every_cut() {
        assert_eq!(roomy_cuts(&[3.0, 1.0, 1.0, 2.0], 256), [1.5, 2.5]);
    }
}
