//! Scores of predicted labels against true ones.

use crate::model::{Model, Row, softmax};

/// `2·TP / (2·TP + FP + FN)` over `(predicted, true)`; 0 without a true positive.
pub fn f1(pairs: impl Iterator<Item = (usize, usize)>, positive: usize) -> f64 {
    let (mut hits, mut errors) = (0usize, 0usize);
    for (predicted, truth) in pairs {
        hits += usize::from(predicted == positive && truth == positive);
        errors += usize::from((predicted == positive) != (truth == positive));
    }
    if hits == 0 { 0.0 } else { 2.0 * hits as f64 / (2 * hits + errors) as f64 }
}

/// The share of pairs of a positive row and another one in which the positive one has the higher score; equal scores
/// count half (Mann and Whitney 1947). `None` without both kinds of rows.
pub fn auc(scored: impl IntoIterator<Item = (f64, bool)>) -> Option<f64> {
    let mut scored: Vec<(f64, bool)> = scored.into_iter().collect();
    scored.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut below, mut halves, mut positives) = (0usize, 0usize, 0usize);
    for equal in scored.chunk_by(|(a, _), (b, _)| a == b) {
        let hits = equal.iter().filter(|(_, is_positive)| *is_positive).count();
        let others = equal.len() - hits;
        halves += hits * (2 * below + others);
        (below, positives) = (below + others, positives + hits);
    }
    let pairs = below * positives;
    (pairs > 0).then(|| halves as f64 / (2 * pairs) as f64)
}

/// Mean of `−ln F_y` over rows, in nats; a posterior below the least positive float counts as that.
pub fn log_loss(model: &Model, rows: &[Row]) -> f64 {
    let loss = |row: &Row| {
        let posterior = softmax(&model.scores(&row.values));
        -posterior.get(row.label).copied().unwrap_or(0.0).max(f64::MIN_POSITIVE).ln()
    };
    rows.iter().map(loss).sum::<f64>() / rows.len() as f64
}

/// The share of pairs of rows of the two classes that the score of class 1 orders rightly; `None` with more classes.
pub fn auc_of(model: &Model, rows: &[Row]) -> Option<f64> {
    let scored = || rows.iter().map(|row| (model.margin(&row.values), row.label == 1));
    if model.classes == 2 { auc(scored()) } else { None }
}

/// The most frequent class, and the least frequent class that occurs. Ties go to the lower index, and
/// the two classes are never the same.
pub fn majority_and_minority(rows: &[Row], classes: usize) -> (usize, usize) {
    let count = |class: &usize| rows.iter().filter(|row| row.label == *class).count();
    let majority = (0..classes).rev().max_by_key(count).unwrap_or(0);
    let others = (0..classes).filter(|class| *class != majority);
    let minority = others.filter(|class| classes == 2 || count(class) > 0).min_by_key(count);
    (majority, minority.unwrap_or(majority))
}

#[cfg(test)]
mod tests {
    use super::auc;

    #[test]
    fn auc_is_the_share_of_pairs_in_order() {
        let scored =
            [(0.0, false), (0.0, true), (-1.0, true), (2.0, true), (-0.0, false), (3.0, false)];
        let (mut won, mut pairs) = (0.0, 0.0);
        for (high, _) in scored.iter().filter(|(_, is_positive)| *is_positive) {
            for (low, _) in scored.iter().filter(|(_, is_positive)| !is_positive) {
                won += if high > low { 1.0 } else { 0.5 * f64::from(u8::from(high == low)) };
                pairs += 1.0;
            }
        }
        assert_eq!(auc(scored), Some(won / pairs));
        assert_eq!(auc([(1.0, true), (0.0, false)]), Some(1.0));
        assert_eq!(auc([(1.0, true)]), None);
    }
}
