//! scikit-learn's tree ensembles, through a JSON dump; pickles run code and are not read.
//!
//! These lines of Python write the dump:
//!
//! ```python
#![doc = include_str!("dump.py")]
//! ```
//!
//! scikit-learn rounds inputs to float32 and sends them left iff `x ≤ t` with `t` a float64. Both steps are one
//! comparison `x < θ` of the float64 input: with `u` the largest float32 up to `t`, `θ` is the place where rounding
//! to nearest, ties to even, leaves `u` for the next float32. So the native model, of precision f64, decides
//! every float64 row as scikit-learn does.
//!
//! * `GradientBoostingClassifier` with `log_loss`: the base, then every tree's `rate·value`, rounded once,
//!   added in f64 in order: the bits of `decision_function`. With two classes a sum of 0 is class 1.
//! * `RandomForestClassifier`, `ExtraTreesClassifier`: the sums over trees of the classes' shares, with two
//!   classes the sum of `p₁ − p₀`. The label is the class with the largest sum, the first among equals, as in
//!   scikit-learn unless the last bit of an average decides there. A forest's own probabilities are
//!   averages, not the softmax of these sums: state properties of forests on labels, not on posteriors.
//! * `HistGradientBoostingClassifier`, `HistGradientBoostingRegressor`: the base, then every tree's value, added in
//!   f64 in order: the bits of `decision_function` and `predict`. Inputs are float64 and not rounded. With two
//!   classes a sum of 0 is class 0.
//! * `DecisionTreeClassifier` and the other single trees: forests of one tree.
//! * `MLPClassifier`, `MLPRegressor`: see `mlp`.
//! * `GradientBoostingRegressor`: a plain score, the bits of `predict`.
//! * `RandomForestRegressor`, `ExtraTreesRegressor` with one target: a plain score, the sum of the trees' values,
//!   each divided by their number; `predict` divides once, so its last bits may differ.
//!
//! A split that sends missing values one way and all others the other has an infinite threshold. Rows have no
//! missing values, so its left part takes its place.

mod file;
mod mlp;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::Deserialize;

use crate::model::{
    Ensemble, Family, Link, MAX_BYTES, Model, Precision, Schema, Tie, Tree, check_json,
};

use self::file::{Head, SklearnFile};
use super::forest::{Stated, TreePlace, grow};
use super::packed::unpack;
use super::{ImportError, Imported, Note, Rounds, features};

/// The Python function that writes what [`sklearn`] reads.
pub const SKLEARN_DUMP: &str = include_str!("dump.py");

/// Reads a dump of a scikit-learn ensemble, as [`SKLEARN_DUMP`] writes it, or such a dump in gzip.
///
/// Class `k` is `model.classes_[k]`; a regressor has one class, the plain score. The names are those of the file.
/// If a schema is given, its names must be the same.
///
/// # Errors
/// Refused by name: other models and losses, several targets, leaves that hold counts (scikit-learn before 1.3).
/// Refused with the place: whatever is broken.
pub fn sklearn(bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
    take(bytes, schema, Rounds::Best).map(|imported| imported.model)
}

/// Reads so many rounds; only boosting has rounds. After early stopping scikit-learn itself keeps no more.
pub(super) fn take(
    bytes: &[u8],
    schema: Option<&Schema>,
    rounds: Rounds,
) -> Result<Imported, ImportError> {
    let unpacked = unpack(bytes, MAX_BYTES)?;
    let text = finite(&unpacked);
    check_json(&text)?;
    let expected = "the JSON that the lines of Python in `import --help` write";
    let refused = |reason| ImportError::Document { reason, expected };
    if serde_json::from_slice::<Named>(&text).map_err(refused)?.format == mlp::FORMAT {
        return mlp::read(&text, schema, rounds);
    }
    let (head, mut trees) =
        serde_json::from_slice::<SklearnFile>(&text).map_err(refused)?.check()?;
    let taken = match &head.boosting {
        Some(_) => rounds.take(trees.len().div_ceil(head.sums()), None)?,
        // a forest has no rounds: the mean of its first trees would be another mean
        None => rounds.whole()?,
    };
    trees.truncate(head.boosting.as_ref().map_or(usize::MAX, |_| taken.rounds() * head.sums()));
    let (tie, base, trees) = match &head.boosting {
        Some(boosting) => {
            // a regression decides nothing; with several classes numpy's argmax takes the first of the largest sums
            // with two classes a sum of 0 is class 1 of GradientBoosting and class 0 of histograms
            let is_upper = head.classes == 2 && !boosting.is_histogram;
            let tie = if is_upper { Tie::Upper } else { Tie::Lower };
            (tie, boosting.base.clone(), boosted(&head, boosting.rate, &trees)?)
        }
        None if head.classes == 1 => (Tie::Lower, vec![0.0], mean(&head, &trees)?),
        None => (Tie::Lower, vec![0.0; head.sums()], shares(&head, &trees)?),
    };
    // shares of votes are not log-odds
    let link = match head.boosting {
        None if head.classes > 1 => Link::None,
        _ => Link::Softmax,
    };
    let Head { classes, features: names, .. } = head;
    let features = names.len();
    let model = Model {
        schema: features::schema(Some(names), features, schema)?,
        precision: Precision::F64,
        tie,
        classes,
        link,
        family: Family::Ensemble(Ensemble { base, trees }),
    };
    let notes = Some(taken).filter(|taken| !taken.is_plain()).map(Note::Rounds);
    let votes = (model.link == Link::None).then_some(Note::Votes);
    Ok(Imported { model, notes: notes.into_iter().chain(votes).collect() })
}

/// The key that says which reader a dump is for.
#[derive(Deserialize)]
struct Named {
    format: String,
}

/// Turns `Infinity` into `null` outside texts. Python writes it as the threshold of a
/// split that parts missing values from all others, and JSON has no such number.
fn finite(text: &[u8]) -> Cow<'_, [u8]> {
    const WORD: &[u8] = b"Infinity";
    if !text.windows(WORD.len()).any(|window| window == WORD) {
        return text.into();
    }
    let (mut out, mut at, mut is_text) = (Vec::with_capacity(text.len()), 0, false);
    while let Some(&byte) = text.get(at) {
        let is_escape = is_text && byte == b'\\';
        is_text ^= byte == b'"';
        let (length, copy): (usize, &[u8]) = match text.get(at..).unwrap_or_default() {
            rest if !is_text && rest.starts_with(WORD) => (WORD.len(), b"null"),
            rest if is_escape => (2, rest.get(..2).unwrap_or(rest)),
            rest => (1, rest.get(..1).unwrap_or_default()),
        };
        out.extend(copy);
        at += length;
    }
    out.into()
}

/// The trees of boosting: each adds `rate·value` to its output.
fn boosted(head: &Head, rate: f64, trees: &[file::DumpTree]) -> Result<Vec<Tree>, ImportError> {
    let convert = |(index, tree): (usize, &file::DumpTree)| {
        let output = tree.output(index, head.sums())?;
        one(head, index, tree, output, |value| rate * value)
    };
    trees.iter().enumerate().map(convert).collect()
}

/// The trees of a mean: each adds its part of it.
fn mean(head: &Head, trees: &[file::DumpTree]) -> Result<Vec<Tree>, ImportError> {
    let count = trees.len() as f64;
    let convert = |(index, tree)| one(head, index, tree, 0, |value| value / count);
    trees.iter().enumerate().map(convert).collect()
}

/// A tree with one value per leaf; the leaf adds `part` of it.
fn one(
    head: &Head,
    index: usize,
    tree: &file::DumpTree,
    output: usize,
    part: impl Fn(f64) -> f64,
) -> Result<Tree, ImportError> {
    let is_histogram = head.boosting.as_ref().is_some_and(|boosting| boosting.is_histogram);
    let leaf = |row: &[f64]| match row {
        [value] => Some(part(*value)),
        _ => None,
    };
    let stated = tree.stated(index, leaf, if is_histogram { file::next } else { file::border })?;
    Ok(Tree {
        output,
        nodes: grow(&stated, TreePlace { tree: index, features: head.features.len() })?,
    })
}

/// The trees of a forest of classifiers: each adds its share of every class, or with two classes `p₁ − p₀`.
fn shares(head: &Head, trees: &[file::DumpTree]) -> Result<Vec<Tree>, ImportError> {
    let features = head.features.len();
    let mut native = Vec::with_capacity(trees.len());
    for (index, tree) in trees.iter().enumerate() {
        let place = TreePlace { tree: index, features };
        tree.expect_shares(index, head.classes)?;
        for output in 0..head.sums() {
            let leaf = |row: &[f64]| match row {
                [p0, p1] => Some(p1 - p0),
                shares => shares.get(output).copied(),
            };
            let stated: Vec<Stated> = tree.stated(index, leaf, file::border)?;
            native.push(Tree { output, nodes: grow(&stated, place)? });
        }
    }
    Ok(native)
}
