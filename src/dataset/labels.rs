//! Scores of predicted labels against true ones, and rows that stand for their part.

use std::borrow::Cow;

use crate::model::{DataSet, Model, Part, Row, softmax};

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

/// The data at the largest step that leaves `rows` rows of a part: rows of the whole part, whatever its order says.
pub fn spread(data: &DataSet, part: Part, rows: usize) -> Cow<'_, DataSet> {
    match data.part(part).len() / rows.max(1) {
        0 | 1 => Cow::Borrowed(data),
        step => Cow::Owned(data.every(step)),
    }
}

/// A class that some rows of a part have far more or less often than the part has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnlikeRows {
    /// The class.
    pub class: usize,
    /// Its share of the rows.
    pub share: f64,
    /// Its share of the part.
    pub of_part: f64,
}

/// The class whose share of some rows is furthest from its share of their part, if that is more than ten points and more than
/// four standard deviations of chance: rows that are taken from the front of a file sorted by label, for instance.
pub fn unlike(rows: &[Row], part: &[Row], classes: usize) -> Option<UnlikeRows> {
    let share = |rows: &[Row], class: usize| {
        rows.iter().filter(|row| row.label == class).count() as f64 / rows.len() as f64
    };
    let found =
        |class: usize| UnlikeRows { class, share: share(rows, class), of_part: share(part, class) };
    let apart = |one: &UnlikeRows| (one.share - one.of_part).abs();
    let most = (0..classes).map(found).max_by(|a, b| apart(a).total_cmp(&apart(b)))?;
    let chance = (most.of_part * (1.0 - most.of_part) / rows.len() as f64).sqrt();
    (apart(&most) > 0.1 && apart(&most) > 4.0 * chance).then_some(most)
}

#[cfg(test)]
mod tests {
    use super::{auc, unlike};

    use crate::model::{Digest, Row};

    #[test]
    fn rows_of_a_sorted_file_are_unlike_their_part() {
        let row = |label| Row { label, values: Vec::new(), key: Digest::of(b"") };
        let sorted: Vec<Row> = (0..1000).map(|k| row(usize::from(k < 400))).collect();
        let found = unlike(&sorted[..200], &sorted, 2).unwrap();
        assert_eq!(
            (found.share, found.of_part),
            ([0.0, 1.0][found.class], [0.6, 0.4][found.class])
        );
        let spread: Vec<Row> = sorted.iter().step_by(5).cloned().collect();
        assert_eq!(unlike(&spread, &sorted, 2), None);
        // three rows of one class are chance
        assert_eq!(unlike(&sorted[..3], &sorted, 2), None);
        assert_eq!(unlike(&sorted, &sorted, 2), None);
        assert_eq!(unlike(&[], &sorted, 2), None);
    }

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
