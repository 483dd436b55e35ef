//! Boosted trees for two classes: logistic loss, histogram splits, monotone constraints.
//!
//! ```text
//! f ← logit(share of class 1)
//! for each tree:
//!     p = σ(f(x)),  g = p − y,  h = p(1 − p)         per training row
//!     tree ← grow(g, h)                              leaf values η·w, w = −Σg / (Σh + λ)
//!     f ← f + tree
//! ```
//!
//! Thresholds lie between neighbouring training values, see `bins.rs`; gains and monotone
//! constraints are those of `split.rs` (Chen and Guestrin 2016; `monotone_constraints` of XGBoost).
//! Nothing is random: the same rows and options give the same trees.

mod bins;
mod grow;
mod histogram;
mod robust;
mod split;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::model::{Ensemble, Family, Feature, Link, Model, Precision, Row, Schema, Tie};

use super::{MovableRows, Progress, TrainError, check_rows};
use bins::Binned;
use grow::Grower;
use histogram::Derivatives;

use crate::spec::Direction;

/// The training settings of an ensemble.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeOptions {
    /// Number of trees, unless `patience` ends training earlier.
    pub trees: usize,
    /// Splits on the way to a leaf, at most.
    pub depth: usize,
    /// Factor of every leaf, in `(0, 1]`.
    pub eta: f64,
    /// Bins per feature, 2 to 256; a feature has at most one threshold fewer.
    pub bins: usize,
    /// Ridge penalty on leaf weights (the λ of the gain).
    pub lambda: f64,
    /// Smallest sum of `p(1 − p)` over the rows of a node.
    pub min_child_weight: f64,
    /// A split must gain more than this.
    pub gamma: f64,
    /// Features in which the score must be monotone.
    pub monotone: BTreeMap<Feature, Direction>,
    /// The weight of a row's worst case if rows may move, in `[0, 1]`; the rest is that of the row itself.
    pub worst_case: f64,
    /// Trees without a smaller validation loss before training stops and the ensemble is cut after its best
    /// tree. `None`, or no validation rows: all trees are kept.
    pub patience: Option<usize>,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self {
            trees: 50,
            depth: 6,
            eta: 0.3,
            bins: 256,
            lambda: 1.0,
            min_child_weight: 1.0,
            gamma: 0.0,
            monotone: BTreeMap::new(),
            worst_case: 0.4,
            patience: None,
        }
    }
}

impl TreeOptions {
    /// Checks the options, the rows, and that there are two classes.
    fn check(
        &self,
        schema: &Schema,
        classes: usize,
        train: &[Row],
        validation: &[Row],
    ) -> Result<(), TrainError> {
        if classes != 2 {
            return Err(TrainError::TwoClassesOnly { classes });
        }
        check_rows(schema, classes, train, validation)?;
        self.check_ranges(schema.len())
    }

    fn check_ranges(&self, features: usize) -> Result<(), TrainError> {
        let unless = TrainError::unless;
        let not_negative = |option, value: f64| {
            unless(value >= 0.0 && value.is_finite(), option, value, "0 or positive, and finite")
        };
        unless((1..=10_000).contains(&self.trees), "trees", self.trees as f64, "1 to 10000")?;
        unless((1..=15).contains(&self.depth), "depth", self.depth as f64, "1 to 15")?;
        unless(self.eta > 0.0 && self.eta <= 1.0, "eta", self.eta, "above 0 and at most 1")?;
        unless((2..=256).contains(&self.bins), "bins", self.bins as f64, "2 to 256")?;
        not_negative("lambda", self.lambda)?;
        not_negative("min_child_weight", self.min_child_weight)?;
        not_negative("gamma", self.gamma)?;
        let is_share = (0.0..=1.0).contains(&self.worst_case);
        unless(is_share, "worst_case", self.worst_case, "0 to 1")?;
        match self.monotone.keys().find(|feature| feature.0 >= features) {
            Some(&Feature(found)) => Err(TrainError::MonotoneFeature { found, last: features - 1 }),
            None => Ok(()),
        }
    }
}

/// Fits an ensemble with one score, the margin of class 1, to `train` by logistic loss.
///
/// `validation` decides when to stop, if `options.patience` is set. `progress` is called after
/// every tree. With monotone constraints every tree is monotone, and so is their sum.
///
/// # Errors
/// Rows that do not fit the schema, other than two classes, options out of range.
pub fn train(
    schema: &Schema,
    classes: usize,
    train: &[Row],
    validation: &[Row],
    options: &TreeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Model, TrainError> {
    options.check(schema, classes, train, validation)?;
    Ok(model(schema, boost(schema.len(), train, validation, options, progress)))
}

/// Fits an ensemble as [`train`] does, by the loss of each row in the worst case of its box: the score keeps its
/// sign where rows may move. Features with a direction stay monotone.
///
/// # Errors
/// Those of [`train`].
pub fn train_under_moves(
    schema: &Schema,
    classes: usize,
    train: MovableRows,
    validation: MovableRows,
    options: &TreeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Model, TrainError> {
    options.check(schema, classes, train.rows, validation.rows)?;
    Ok(model(schema, robust::boost(train, validation, options, progress)))
}

fn model(schema: &Schema, ensemble: Ensemble) -> Model {
    Model {
        schema: schema.clone(),
        precision: Precision::F32,
        tie: Tie::Lower,
        classes: 2,
        link: Link::Softmax,
        family: Family::Ensemble(ensemble),
    }
}

/// The loop described at the top of this module.
fn boost(
    features: usize,
    train: &[Row],
    validation: &[Row],
    options: &TreeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Ensemble {
    let base = base_score(train);
    let binned = Binned::new(train, features, options.bins);
    let mut grower = Grower::new(&binned, options);
    let mut margins = vec![base; train.len()];
    let mut held_out = vec![base; validation.len()];
    let mut best = BestTrees::new(options.patience.filter(|_| !validation.is_empty()));
    let mut trees = Vec::new();
    while trees.len() < options.trees && !best.is_out_of_patience(trees.len()) {
        let derivatives = margins.iter().zip(train);
        let derivatives = derivatives.map(|(&f, row)| Derivatives::logistic(f, row.label));
        let tree = grower.grow(derivatives.collect(), &mut margins);
        let mut loss = 0.0;
        for (margin, row) in held_out.iter_mut().zip(validation) {
            *margin += tree.value(&row.values);
            loss += logistic_loss(*margin, row.label);
        }
        trees.push(tree);
        best.judge(loss, trees.len());
        let (done, total) = (trees.len() as u64, options.trees as u64);
        let validation_accuracy = accuracy(&held_out, validation);
        progress(Progress {
            done,
            total,
            validation_accuracy,
            validation_holding: None,
            validation_claims: None,
        });
    }
    trees.truncate(best.kept().unwrap_or(trees.len()));
    Ensemble { base: vec![base], trees }
}

/// Logit of the share of class 1, an `f32`; finite, since both classes occur.
fn base_score(train: &[Row]) -> f64 {
    let ones = train.iter().filter(|row| row.label == 1).count() as f64;
    f64::from((ones / (train.len() as f64 - ones)).ln() as f32)
}

/// Remembers the number of trees with the smallest validation loss, if there is a patience to spend.
struct BestTrees {
    patience: Option<usize>,
    loss: f64,
    trees: usize,
}

impl BestTrees {
    fn new(patience: Option<usize>) -> Self {
        Self { patience, loss: f64::INFINITY, trees: 0 }
    }

    fn judge(&mut self, loss: f64, trees: usize) {
        if loss < self.loss {
            (self.loss, self.trees) = (loss, trees);
        }
    }

    fn is_out_of_patience(&self, trees: usize) -> bool {
        self.patience.is_some_and(|wait| trees - self.trees > wait)
    }

    /// Number of trees to keep; `None`: all.
    fn kept(&self) -> Option<usize> {
        self.patience.map(|_| self.trees)
    }
}

/// The share of rows whose margin of class 1 has the sign of their label; `None` without rows.
fn accuracy(margins: &[f64], rows: &[Row]) -> Option<f64> {
    let is_hit = |(margin, row): &(&f64, &Row)| usize::from(**margin > 0.0) == row.label;
    let hits = margins.iter().zip(rows).filter(is_hit).count();
    (!rows.is_empty()).then(|| hits as f64 / rows.len() as f64)
}

/// `ln(1 + e^{−f})` for class 1, `ln(1 + e^f)` for class 0, without overflow.
fn logistic_loss(margin: f64, label: usize) -> f64 {
    let agreement = if label == 1 { margin } else { -margin };
    (-agreement).max(0.0) + (-agreement.abs()).exp().ln_1p()
}
