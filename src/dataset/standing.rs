//! Some rows that stand for all rows of their part, whatever order the file has.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use crate::model::{DataSet, Part, Row};

/// At most so many of some rows or points at equal distances, with their places: number `⌊k·len/n⌋` for each k below n.
pub fn evenly<T>(all: &[T], most: usize) -> impl ExactSizeIterator<Item = (usize, &T)> {
    let count = all.len().min(most);
    (0..count).map(move |k| {
        let at = k * all.len() / count;
        (at, &all[at])
    })
}

/// The step that leaves at most so many of a part's rows, and reaches to its end.
pub fn step_for(rows: usize, most: usize) -> NonZeroUsize {
    NonZeroUsize::new(rows.div_ceil(most.max(1))).unwrap_or(NonZeroUsize::MIN)
}

/// The data at that step, for certificates, which name rows by a step.
pub fn at_step_for(data: &DataSet, part: Part, most: usize) -> Cow<'_, DataSet> {
    match step_for(data.part(part).len(), most) {
        NonZeroUsize::MIN => Cow::Borrowed(data),
        step => Cow::Owned(data.every(part, step)),
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
    use super::*;

    use crate::model::Digest;

    fn sorted(ones: usize, all: usize) -> Vec<Row> {
        let row = |label| Row { label, values: Vec::new(), key: Digest::of(b"") };
        (0..all).map(|k| row(usize::from(k < ones))).collect()
    }

    #[test]
    fn rows_of_a_sorted_file_are_unlike_their_part() {
        let sorted = sorted(400, 1000);
        let found = unlike(&sorted[..200], &sorted, 2).unwrap();
        assert_eq!(
            (found.share, found.of_part),
            ([0.0, 1.0][found.class], [0.6, 0.4][found.class])
        );
        let even: Vec<Row> = evenly(&sorted, 200).map(|(_, row)| row.clone()).collect();
        assert_eq!(unlike(&even, &sorted, 2), None);
        // three rows of one class are chance
        assert_eq!(unlike(&sorted[..3], &sorted, 2), None);
        assert_eq!(unlike(&sorted, &sorted, 2), None);
        assert_eq!(unlike(&[], &sorted, 2), None);
    }

    #[test]
    fn chosen_rows_have_the_labels_of_their_part() {
        for all in [1, 2, 7, 100, 1331] {
            for ones in [0, 1, all / 3, all] {
                let rows = sorted(ones, all);
                for most in [1, 2, 3, all / 2, all - 1, all, 2 * all] {
                    let share = |rows: Vec<&Row>| {
                        let count = rows.iter().filter(|row| row.label == 1).count();
                        count as f64 / rows.len() as f64
                    };
                    let even: Vec<&Row> = evenly(&rows, most).map(|(_, row)| row).collect();
                    assert_eq!(even.len(), most.min(all));
                    let step = step_for(all, most).get();
                    let stepped: Vec<&Row> = rows.iter().step_by(step).collect();
                    assert!(stepped.len() <= most.max(1) && 2 * stepped.len() >= most.min(all));
                    for chosen in [even, stepped] {
                        let within = 1.0 / chosen.len().max(1) as f64;
                        let apart = (share(chosen.clone()) - ones as f64 / all as f64).abs();
                        assert!(chosen.is_empty() || apart <= within, "{ones} {all} {most}");
                    }
                }
            }
        }
    }
}
