//! The split of rows into parts: a function of the rows' keys alone. Groups of equal rows stay whole, except at
//! the border of the auxiliary part.

use std::collections::BTreeMap;

use super::{Digest, Row};

/// Number of rows that an attacker is given, unless the meta file states another; they are taken out of the test
/// part.
pub(super) const AUXILIARY_ROWS: usize = 50;

/// Moves the groups with the smallest keys into the second part until it has `percent` of the rows.
pub(super) fn deal(rows: Vec<Row>, percent: usize) -> (Vec<Row>, Vec<Row>) {
    split_groups(rows, percent, |keys| keys.sort())
}

/// Moves the groups with the largest keys into the second part until it has `percent` of the rows.
pub(super) fn hold_out(rows: Vec<Row>, percent: usize) -> (Vec<Row>, Vec<Row>) {
    split_groups(rows, percent, |keys| keys.sort_by(|a, b| b.cmp(a)))
}

/// Moves whole groups of equal rows into the second part, in the given order of keys, until it has `percent` of
/// the rows; both parts keep file order.
fn split_groups(
    rows: Vec<Row>,
    percent: usize,
    order: impl Fn(&mut Vec<Digest>),
) -> (Vec<Row>, Vec<Row>) {
    let mut sizes: BTreeMap<Digest, usize> = BTreeMap::new();
    for row in &rows {
        *sizes.entry(row.key).or_default() += 1;
    }
    let mut keys: Vec<Digest> = sizes.keys().copied().collect();
    order(&mut keys);
    let mut taken = std::collections::BTreeSet::new();
    let mut count = 0;
    for key in keys {
        if count * 100 >= rows.len() * percent {
            break;
        }
        count += sizes.get(&key).copied().unwrap_or(0);
        taken.insert(key);
    }
    rows.into_iter().partition(|row| !taken.contains(&row.key))
}

/// The `count` rows with the largest keys (equal keys: the earlier first), and the rest.
pub(super) fn take_auxiliary(test: Vec<Row>, count: usize) -> (Vec<Row>, Vec<Row>) {
    let mut order: Vec<usize> = (0..test.len()).collect();
    let key = |index: &usize| test.get(*index).map(|row| row.key);
    order.sort_by(|a, b| key(b).cmp(&key(a)).then(a.cmp(b)));
    let chosen: std::collections::BTreeSet<usize> = order.into_iter().take(count).collect();
    let (mut auxiliary, mut rest) = (Vec::new(), Vec::new());
    for (index, row) in test.into_iter().enumerate() {
        if chosen.contains(&index) { auxiliary.push(row) } else { rest.push(row) }
    }
    (auxiliary, rest)
}
