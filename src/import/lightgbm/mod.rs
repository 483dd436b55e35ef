//! LightGBM's text (`save_model("M.txt")`) and JSON (`json.dump(booster.dump_model(), file)`).
//!
//! ```text
//! m ← 0,  for every tree, in file order:  m ← m + leaf(tree, x)          all in f64
//! ```
//!
//! A node sends `x` left iff `x ≤ threshold`, both f64; natively that is `x <` the next float. Of a dense row LightGBM
//! reads every number up to 1.0000000180025095e-35 in size as 0, so these numbers go where 0 goes; rows of a sparse
//! matrix keep them. A threshold of `inf` parts missing values from all others, and its left part takes its place. The
//! JSON writes every number beyond 1e300 as 1e300, so a threshold there may be any of them and is refused. The
//! model has precision f64, and its sums in f64 are those of `predict(x, raw_score=True)`. Served copies
//! take float64 and float32 values alike, since every float32 is a float64. There is no base; the first tree
//! holds it. With several classes tree `t` adds to class `t mod classes`, and the first of the largest
//! sums wins. A regression is a plain score: the number that `predict(x)` gives. Rows have no missing values;
//! the direction these would take is kept.

mod dump;
mod keys;
#[cfg(test)]
mod tests;
mod text;

use crate::model::{
    Ensemble, Family, Link, MAX_BYTES, Model, Precision, Schema, Tie, Tree, at_most,
};

use super::forest::{
    MAX_CLASSES, MAX_FEATURES, MAX_TREES, Stated, TreePlace, grow, sums, without_missing,
};
use super::packed::unpack;
use super::{ImportError, Imported, Rounds, features};

/// Reads a LightGBM model from the bytes of its text or JSON, or of one of them in gzip.
///
/// The names are those of the file. If a schema is given, its names must be the same, but for blanks: LightGBM writes
/// `Age_(days)` for `Age (days)`.
///
/// # Errors
/// Refused by name: objectives other than `binary` with sigmoid 1, `multiclass` with at least three classes and
/// regression whose prediction is the sum itself; averaged trees (boosting `rf`), categorical splits,
/// linear trees, zeros that count as missing. Refused with the place: whatever is broken, and in JSON thresholds of 1e300
/// or more in size.
pub fn lightgbm(bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
    take(bytes, schema, Rounds::Best).map(|imported| imported.model)
}

/// Reads so many rounds of a LightGBM model. The file names no best round: after early
/// stopping LightGBM saves only the rounds up to it, unless it is told otherwise.
pub(super) fn take(
    bytes: &[u8],
    schema: Option<&Schema>,
    rounds: Rounds,
) -> Result<Imported, ImportError> {
    let text = unpack(bytes, MAX_BYTES)?;
    let is_json = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let booster = if is_json { dump::read(&text)? } else { text::read(&text)? };
    booster.into_model(schema, rounds)
}

/// The content of both forms.
struct BoosterFile {
    version: String,
    objective: String,
    is_averaged: bool,
    num_class: usize,
    trees_per_iteration: usize,
    max_feature: usize,
    names: Vec<String>,
    /// The nodes of every tree.
    trees: Vec<Vec<Stated>>,
}

impl BoosterFile {
    fn into_model(self, given: Option<&Schema>, asked: Rounds) -> Result<Imported, ImportError> {
        let classes = self.classes()?;
        let features = self.features()?;
        let names = match given {
            Some(given) => with_blanks(self.names, given),
            None => self.names,
        };
        let schema = features::schema(Some(names), features, given)?;
        let outputs = sums(classes);
        let taken = asked.take(self.trees.len().div_ceil(outputs), None)?;
        let kept = taken.rounds().saturating_mul(outputs).min(self.trees.len());
        let parted = parted(self.trees.iter().take(kept));
        let convert = |(tree, stated): (usize, Vec<Stated>)| {
            let nodes = grow(&without_missing(stated), TreePlace { tree, features })?;
            Ok(Tree { output: tree % outputs, nodes })
        };
        let trees = self.trees.into_iter().enumerate().map(convert);
        let mut trees: Vec<Tree> = trees.collect::<Result<_, ImportError>>()?;
        trees.truncate(kept);
        let model = Model {
            schema,
            precision: Precision::F64,
            tie: Tie::Lower,
            classes,
            link: Link::Softmax,
            family: Family::Ensemble(Ensemble { base: vec![0.0; outputs], trees }),
        };
        Ok(Imported::with_missing(model, Some(taken), parted))
    }

    /// The number of classes, 1 for a plain score; every other objective is refused.
    fn classes(&self) -> Result<usize, ImportError> {
        let unsupported = |what: String, expected| Err(ImportError::Unsupported { what, expected });
        if !["v3", "v4"].contains(&self.version.as_str()) {
            let what = format!("a LightGBM file of version `{:.60}`", self.version);
            return unsupported(what, "versions v3 and v4 are read");
        }
        if self.is_averaged {
            return unsupported("an average of trees (boosting `rf`)".to_owned(), "sums are read");
        }
        let objective: Vec<&str> = self.objective.split_whitespace().collect();
        let (classes, trees) = (self.num_class, self.trees_per_iteration);
        match objective.as_slice() {
            ["binary", "sigmoid:1"] if classes == 1 && trees == 1 => Ok(2),
            ["multiclass", stated] if *stated == format!("num_class:{classes}") => {
                if classes < 3 || trees != classes {
                    let what =
                        format!("`multiclass` with {classes} classes, {trees} trees a round");
                    return unsupported(what, "three classes or more, with a tree each, are read");
                }
                at_most("classes", classes, MAX_CLASSES)?;
                Ok(classes)
            }
            [name] if REGRESSIONS.contains(name) && classes == 1 && trees == 1 => Ok(1),
            _ => unsupported(
                format!(
                    "objective `{:.60}` with {classes} classes, {trees} trees a round",
                    self.objective
                ),
                "read are `binary sigmoid:1`, `multiclass`, and regression whose prediction is the sum: \
                 regression, regression_l1, huber, fair, quantile, mape",
            ),
        }
    }

    fn features(&self) -> Result<usize, ImportError> {
        let found = self.max_feature.saturating_add(1);
        at_most("features", found, MAX_FEATURES)?;
        at_most("trees", self.trees.len(), MAX_TREES)?;
        if self.names.len() != found {
            let (place, expected) = ("feature_names".to_owned(), found);
            return Err(ImportError::Length { place, found: self.names.len(), expected });
        }
        Ok(found)
    }
}

/// The names, with the blanks of a schema's names where the file has `_` for them.
fn with_blanks(names: Vec<String>, given: &Schema) -> Vec<String> {
    let mut names = names;
    for (name, feature) in names.iter_mut().zip(given.features()) {
        if *name == feature.name.replace(' ', "_") {
            name.clone_from(&feature.name);
        }
    }
    names
}

/// Objectives of regression whose prediction is the sum. Those whose prediction is another function of the
/// sum are left out: `poisson`, `gamma` and `tweedie` predict its exponential, `regression sqrt` its square.
const REGRESSIONS: [&str; 6] = ["regression", "regression_l1", "huber", "fair", "quantile", "mape"];

/// Treatment of missing values at a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// As zero.
    None,
    /// In the default direction.
    Nan,
}

/// Of a dense row, numbers up to this size are read as 0.
const LARGEST_ZERO: f64 = 1e-35f32 as f64;

/// A split that sends `x ≤ threshold` left; an infinite threshold is that of a split which parts missing values from
/// all others.
fn split(
    feature: i64,
    threshold: f64,
    [left, right]: [i64; 2],
    (missing, is_left): (Missing, bool),
) -> Stated {
    let default_left = if missing == Missing::None { threshold >= 0.0 } else { is_left };
    let threshold = border(threshold);
    Stated::Split { feature, threshold, left, right, default_left }
}

/// The float `θ` with `x < θ` iff a dense row with `x` goes left at `threshold`.
fn border(threshold: f64) -> f64 {
    match threshold.abs() <= LARGEST_ZERO {
        true if threshold < 0.0 => -LARGEST_ZERO,
        true => LARGEST_ZERO.next_up(),
        false => threshold.next_up(),
    }
}

/// Number of splits which part missing values from all others and send them right. They send a 0 left.
fn parted<'a>(trees: impl Iterator<Item = &'a Vec<Stated>>) -> usize {
    let is_parted = |node: &&Stated| match node {
        Stated::Split { threshold, default_left, .. } => {
            *threshold == f64::INFINITY && !default_left
        }
        Stated::Leaf(_) => false,
    };
    trees.flatten().filter(is_parted).count()
}

fn categorical(tree: usize, node: usize) -> ImportError {
    let what = format!("a categorical split (tree {tree}, node {node})");
    ImportError::Unsupported { what, expected: "only splits x <= threshold are read" }
}

fn zero_is_missing(tree: usize, node: usize) -> ImportError {
    let what = format!("missing_type Zero (tree {tree}, node {node})");
    ImportError::Unsupported { what, expected: "train with zero_as_missing=false" }
}

fn linear(tree: usize) -> ImportError {
    let what = format!("a linear tree (tree {tree})");
    ImportError::Unsupported { what, expected: "leaves with one value are read" }
}
