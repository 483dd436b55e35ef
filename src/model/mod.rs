//! The object that is certified: a model together with its feature schema, as plain data.
//!
//! A model is a function of *raw* features. Its schema says how they are standardised,
//! `z = scale·(x − mean)`; a network takes `z`, an ensemble compares raw values.
//!
//! Trusted: reading is strict, evaluation is exact where a verdict rests on it. What it is in `f64`, and its text, are
//! for the rooms above.

mod digest;
mod ensemble;
#[cfg(any(test, feature = "advice"))]
mod floats;
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
#[cfg(any(test, feature = "advice"))]
mod write;

pub use digest::Digest;
pub use ensemble::{Cells, Ensemble, Node, Tree};
#[cfg(any(test, feature = "advice"))]
pub use floats::softmax;
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
