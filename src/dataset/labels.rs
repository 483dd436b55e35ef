//! Scores of predicted labels against true ones.

use crate::model::Row;

/// `2·TP / (2·TP + FP + FN)` over `(predicted, true)`; 0 without a true positive.
pub fn f1(pairs: impl Iterator<Item = (usize, usize)>, positive: usize) -> f64 {
    let (mut hits, mut errors) = (0usize, 0usize);
    for (predicted, truth) in pairs {
        hits += usize::from(predicted == positive && truth == positive);
        errors += usize::from((predicted == positive) != (truth == positive));
    }
    if hits == 0 { 0.0 } else { 2.0 * hits as f64 / (2 * hits + errors) as f64 }
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
