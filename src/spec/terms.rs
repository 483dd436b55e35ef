//! The terms of a spec: the choices that it makes, and the names and ends that it gives.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interval::Decimal;
use crate::model::{Feature, Schema};

/// The distance in which a ball is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Largest coordinate.
    #[default]
    Linf,
    /// Sum of coordinates.
    L1,
    /// Euclidean.
    L2,
}

/// The direction in which a score moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Never down when the feature goes up.
    Increasing,
    /// Never up when the feature goes up.
    Decreasing,
}

/// The place where a claim is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// On the whole domain.
    Domain,
    /// Around each row.
    Local,
}

/// The answers on which a bound is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// Softmax outputs.
    Posterior,
    /// Scores before it.
    Score,
}

/// The zone around a point; the point is sensitive if the label flips within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zone {
    /// The points one step of Δ away along one axis (Definition 2 of the paper, both signs).
    #[default]
    Axis,
    /// All points within Δ, as soft boundary privacy itself needs.
    Ball,
}

/// The unit of length of ε and Δ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Units {
    /// `z = scale·(x − mean)`.
    #[default]
    Standardised,
    /// `x`.
    Raw,
}

/// The function that a claim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Semantics {
    /// The real function of the stored numbers.
    #[serde(rename = "real")]
    Real,
    /// Every f32 execution of it, in any order of summation.
    #[serde(rename = "served-f32")]
    ServedF32,
}

/// The values that integer and binary features take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Integers {
    /// Whole numbers only.
    #[default]
    Respect,
    /// All real numbers of the range.
    Relax,
}

/// The source of a row's label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelSource {
    /// The label of the data.
    #[default]
    True,
    /// The label of the model, evaluated exactly at the row.
    Predicted,
}

/// A choice reads as in files: its name in small letters.
macro_rules! reads_as_in_files {
    ($($choice:ty),*) => {$(
        impl fmt::Display for $choice {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(&format!("{self:?}").to_lowercase())
            }
        }
    )*};
}

reads_as_in_files!(Norm, Direction, Scope, On, Zone, Integers, LabelSource);

/// A feature as a spec names it: a text is its name (or, if there is none of that name, its index in digits), a
/// number its index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum FeatureName {
    /// The name.
    Name(String),
    /// The index, from 0.
    Index(usize),
}

impl FeatureName {
    /// The feature of a model that the name means.
    pub fn find(&self, schema: &Schema) -> Option<Feature> {
        match self {
            Self::Name(name) => schema.find(name),
            Self::Index(index) => (*index < schema.len()).then_some(Feature(*index)),
        }
    }
}

impl fmt::Display for FeatureName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// Two ends and nothing else: a plain pair would take the first two of a longer TOML array.
#[derive(Deserialize)]
#[serde(try_from = "Vec<Decimal>")]
pub(super) struct TwoEnds(pub(super) (Decimal, Decimal));

impl TryFrom<Vec<Decimal>> for TwoEnds {
    type Error = String;

    fn try_from(ends: Vec<Decimal>) -> Result<Self, String> {
        let [low, high] = <[Decimal; 2]>::try_from(ends)
            .map_err(|ends| format!("{} numbers; expected two ends", ends.len()))?;
        Ok(Self((low, high)))
    }
}
