//! The object that is certified: a model together with its feature schema, as plain data.
//!
//! A model is a function of *raw* features. Its schema says how they are standardised,
//! `z = scale·(x − mean)`; a network takes `z`, an ensemble compares raw values.
//!
//! Trusted: reading is strict, evaluation is exact where a verdict rests on it.

mod digest;
mod ensemble;
mod limits;
mod meta;
mod meta_keys;
mod mlp;
mod object;
mod parts;
mod point;
mod read;
mod rows;
mod schema;
mod table;
mod write;

pub use digest::Digest;
pub use ensemble::{Cells, Ensemble, Node, Tree};
pub use limits::{LimitError, MAX_BYTES, at_most, check_json, check_json_to_depth};
pub use meta::{Files, Meta};
pub use mlp::{Layer, Mlp};
pub use object::{Object, object, optional_object};
pub use point::{Point, PointError};
pub use read::ModelError;
pub use rows::{CsvFile, DataError, DataSet, Part, Row};
pub use schema::{Feature, FeatureSpec, Kind, Schema, SchemaError};
pub use table::{csv_error, line_at, parse_number, unpack};

/// The floats that a served copy computes in; every stored number is a float of this precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// 64-bit floats.
    F64,
}

/// The class that wins among equal scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tie {
    /// The smaller class index.
    Lower,
    /// The larger class index.
    Upper,
}

/// The meaning of a classifier's scores beside its label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// The posterior is the softmax of the scores.
    #[default]
    Softmax,
    /// The scores order the classes and have no posterior: for instance sums of votes of a forest.
    None,
}

/// The two families that can be certified.
#[derive(Clone, Debug, PartialEq)]
pub enum Family {
    /// A ReLU network over standardised features, one logit per class. With one output it is a plain score.
    Mlp(Mlp),
    /// A sum of trees over raw features. With two classes it is one score, the margin of class 1; with one
    /// class it is a score without label and posterior.
    Ensemble(Ensemble),
}

/// A classifier, or a plain score: schema, precision, tie rule and the function itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Names, kinds, ranges and scales of the features.
    pub schema: Schema,
    /// The floats that a served copy computes in.
    pub precision: Precision,
    /// The class that wins among equal scores.
    pub tie: Tie,
    /// Number of classes; 1 for a plain score, as of a regression.
    pub classes: usize,
    /// The meaning of the scores beside the label.
    pub link: Link,
    /// The function.
    pub family: Family,
}

impl Model {
    /// `mlp` or `ensemble`, as in the file.
    pub fn family_name(&self) -> &'static str {
        match self.family {
            Family::Mlp(_) => "mlp",
            Family::Ensemble(_) => "ensemble",
        }
    }

    /// True if the one output is a score that means no class; claims can only be about that score.
    pub fn is_plain_score(&self) -> bool {
        self.classes == 1
    }

    /// True if some splits send missing values left and others right, as in models that were trained with
    /// missing values. No claim is about missing values.
    pub fn has_missing_directions(&self) -> bool {
        let Family::Ensemble(ensemble) = &self.family else { return false };
        let nodes = || ensemble.trees.iter().flat_map(|tree| &tree.nodes);
        let some_go = |left: bool| {
            nodes().any(
                |node| matches!(node, Node::Split { default_left, .. } if *default_left == left),
            )
        };
        some_go(true) && some_go(false)
    }

    /// True if the scores have a posterior. Otherwise they have labels only, or not even labels.
    pub fn has_posterior(&self) -> bool {
        self.link == Link::Softmax && !self.is_plain_score()
    }

    /// Scores at a raw point in round-to-nearest `f64`, for training, attacks and tables. One per output for a
    /// network or a multi-class ensemble; an ensemble with one output gives `[0, output]`. Not a proof of
    /// anything.
    pub fn scores(&self, raw: &[f64]) -> Vec<f64> {
        match &self.family {
            Family::Mlp(mlp) => mlp.forward(&1.0, self.schema.standardise(raw)),
            Family::Ensemble(ensemble) => {
                let outputs = ensemble.scores(raw);
                if outputs.len() == 1 { vec![0.0, outputs.iter().sum()] } else { outputs }
            }
        }
    }

    /// Score of class 1 minus score of class 0, or the plain score, in round-to-nearest `f64`.
    pub fn margin(&self, raw: &[f64]) -> f64 {
        match self.scores(raw).as_slice() {
            [first, second, ..] => second - first,
            [only] => *only,
            _ => f64::NAN,
        }
    }

    /// The class with the largest score; ties by [`Tie`]. It means nothing for a plain score; nor does
    /// [`Model::posterior`].
    pub fn label(&self, raw: &[f64]) -> usize {
        argmax(&self.scores(raw), self.tie)
    }

    /// Softmax of the scores, in `f64`.
    pub fn posterior(&self, raw: &[f64]) -> Vec<f64> {
        softmax(&self.scores(raw))
    }
}

/// Index of the largest score; ties by `tie`.
pub fn argmax<T: PartialOrd>(scores: &[T], tie: Tie) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate().skip(1) {
        let Some(leader) = scores.get(best) else { continue };
        if score > leader || (tie == Tie::Upper && score == leader) {
            best = class;
        }
    }
    best
}

/// `exp(s_c) / Σ exp(s)`, shifted by the largest score so that nothing overflows.
pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / total).collect()
}
