//! scikit-learn's tree ensembles, through a JSON dump; pickles run code and are not read.
//!
//! These lines of Python write the dump:
//!
//! ```python
#![doc = include_str!("dump.py")]
//! ```
//!
//! scikit-learn rounds inputs to float32 and sends them left iff `x ≤ t` with `t` a float64. Both are one
//! comparison `x < θ` of the float64 input: with `u` the largest float32 up to `t`, `θ` is where rounding
//! to nearest, ties to even, leaves `u` for the next float32. So the native model, of precision f64, decides
//! every float64 row as scikit-learn does.
//!
//! * `GradientBoostingClassifier` with `log_loss`: the base, then every tree's `rate·value`, rounded once,
//!   added in f64 in order: the bits of `decision_function`. With two classes a sum of 0 is class 1.
//! * `RandomForestClassifier`, `ExtraTreesClassifier`: the sums over trees of the classes' shares, with two
//!   classes the sum of `p₁ − p₀`. The label is the class with the largest sum, the first among equals, as in
//!   scikit-learn unless the last bit of an average decides there. A forest's own probabilities are
//!   averages, not the softmax of these sums: state properties of forests on labels, not on posteriors.
//! * `GradientBoostingRegressor`: a plain score, the bits of `predict`.
//! * `RandomForestRegressor`, `ExtraTreesRegressor` with one target: a plain score, the sum of the trees' values,
//!   each divided by their number; `predict` divides once, so its last bits may differ.

mod file;
#[cfg(test)]
mod tests;

use crate::model::{Ensemble, Family, MAX_BYTES, Model, Precision, Schema, Tie, Tree, check_json};

use self::file::{DumpFile, Head};
use super::forest::{Place, Stated, grow};
use super::packed::unpack;
use super::{ImportError, features};

/// The Python function that writes what [`sklearn`] reads.
pub const SKLEARN_DUMP: &str = include_str!("dump.py");

/// Reads a dump of a scikit-learn ensemble, as [`SKLEARN_DUMP`] writes it, or that in gzip.
///
/// Class `k` is `model.classes_[k]`; a regressor has one class, the plain score. Names are those of the file unless a schema is given, whose names
/// must be the same.
///
/// # Errors
/// By name: other models and losses, several targets, leaves that hold counts (scikit-learn before 1.3). With the place:
/// whatever is broken.
pub fn sklearn(bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
    let text = unpack(bytes, MAX_BYTES)?;
    check_json(&text)?;
    let expected = "the JSON that the lines of Python in `import --help` write";
    let refused = |reason| ImportError::Document { reason, expected };
    let (head, trees) = serde_json::from_slice::<DumpFile>(&text).map_err(refused)?.check()?;
    let (tie, base, trees) = match &head.boosting {
        Some(boosting) => {
            // a regression decides nothing; with several classes numpy's argmax does: the first of the largest
            let tie = if head.classes == 2 { Tie::Upper } else { Tie::Lower };
            (tie, boosting.base.clone(), boosted(&head, boosting.rate, &trees)?)
        }
        None if head.classes == 1 => (Tie::Lower, vec![0.0], mean(&head, &trees)?),
        None => (Tie::Lower, vec![0.0; head.sums()], shares(&head, &trees)?),
    };
    let Head { classes, features: names, .. } = head;
    let features = names.len();
    Ok(Model {
        schema: features::schema(Some(names), features, schema)?,
        precision: Precision::F64,
        tie,
        classes,
        family: Family::Ensemble(Ensemble { base, trees }),
    })
}

/// Each tree adds `rate·value` to its output.
fn boosted(head: &Head, rate: f64, trees: &[file::Tree]) -> Result<Vec<Tree>, ImportError> {
    let convert = |(index, tree): (usize, &file::Tree)| {
        let output = tree.output(index, head.sums())?;
        one(head, index, tree, output, |value| rate * value)
    };
    trees.iter().enumerate().map(convert).collect()
}

/// Each tree adds its part of the mean.
fn mean(head: &Head, trees: &[file::Tree]) -> Result<Vec<Tree>, ImportError> {
    let count = trees.len() as f64;
    let convert = |(index, tree)| one(head, index, tree, 0, |value| value / count);
    trees.iter().enumerate().map(convert).collect()
}

/// A tree with one value a leaf, of which `part` is added.
fn one(
    head: &Head,
    index: usize,
    tree: &file::Tree,
    output: usize,
    part: impl Fn(f64) -> f64,
) -> Result<Tree, ImportError> {
    let stated = tree.stated(index, |row| match row {
        [value] => Some(part(*value)),
        _ => None,
    })?;
    Ok(Tree { output, nodes: grow(&stated, Place { tree: index, features: head.features.len() })? })
}

/// Each tree adds its share of every class, or with two classes `p₁ − p₀`.
fn shares(head: &Head, trees: &[file::Tree]) -> Result<Vec<Tree>, ImportError> {
    let features = head.features.len();
    let mut native = Vec::with_capacity(trees.len());
    for (index, tree) in trees.iter().enumerate() {
        let place = Place { tree: index, features };
        tree.expect_shares(index, head.classes)?;
        for output in 0..head.sums() {
            let stated: Vec<Stated> = tree.stated(index, |row| match row {
                [p0, p1] => Some(p1 - p0),
                shares => shares.get(output).copied(),
            })?;
            native.push(Tree { output, nodes: grow(&stated, place)? });
        }
    }
    Ok(native)
}
