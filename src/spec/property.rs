//! The properties of the paper and of its sources, in their symbols.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};

use crate::interval::Decimal;
use crate::model::{Digest, Feature, Object, Part, Row, Schema};

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

impl std::fmt::Display for FeatureName {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// One row `x·input <= rhs` of an output region.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRow {
    /// One coefficient per input; with two copies, those of the first, then those of the second.
    pub x: Vec<Decimal>,
    /// Right-hand side.
    pub rhs: Decimal,
}

/// Two ends and nothing else: a plain pair would take the first two of a longer TOML array.
#[derive(Deserialize)]
#[serde(try_from = "Vec<Decimal>")]
pub(super) struct TwoEnds(pub(super) Decimal, pub(super) Decimal);

impl TryFrom<Vec<Decimal>> for TwoEnds {
    type Error = String;

    fn try_from(ends: Vec<Decimal>) -> Result<Self, String> {
        let [low, high] = <[Decimal; 2]>::try_from(ends)
            .map_err(|ends| format!("{} numbers; expected two ends", ends.len()))?;
        Ok(Self(low, high))
    }
}

fn all_ends<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(Decimal, Decimal)>, D::Error> {
    let ends = Vec::<TwoEnds>::deserialize(from)?;
    Ok(ends.into_iter().map(|TwoEnds(low, high)| (low, high)).collect())
}

fn input_rows<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<InputRow>, D::Error> {
    let rows = Vec::<Object<InputRow>>::deserialize(from)?;
    Ok(rows.into_iter().map(|Object(row)| row).collect())
}

/// One row `y·f <= rhs`, or `<` if strict, of an unsafe block.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRow {
    /// One coefficient per output; with two copies, those of the first, then those of the second.
    pub y: Vec<Decimal>,
    /// Right-hand side.
    pub rhs: Decimal,
    /// True if outputs with equality are safe.
    #[serde(default)]
    pub strict: bool,
}

/// One input box of an output region.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputBox {
    /// Lower and upper end per feature; with two copies, the ends of the first, then those of the second, or
    /// one list for both.
    #[serde(rename = "box", deserialize_with = "all_ends")]
    pub sides: Vec<(Decimal, Decimal)>,
    /// Further linear conditions.
    #[serde(default, deserialize_with = "input_rows")]
    pub rows: Vec<InputRow>,
}

/// The claim about a model `f` with posterior `F`. Field names are the keys of the file (`epsilon`, `delta`,
/// …), in the units that the spec states.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are the symbols of the formulas")]
pub enum Property {
    /// `argmax f = y` within ε of a row.
    Label { epsilon: Decimal, norm: Norm },
    /// `F_y > 1 − δ` within ε of a row.
    LocalInvariance { epsilon: Decimal, delta: Decimal, norm: Norm },
    /// `‖x − x′‖₂ < ε₁ ⇒ KL(F(x)‖F(x′)) < ε₂` for two rows.
    LocalInvarianceT { epsilon_1: Decimal, epsilon_2: Decimal },
    /// `‖F(a) − F(b)‖₂ <= L‖a − b‖` for `a`, `b` in the ε-boxes of two rows.
    Lipschitzness { epsilon: Decimal, constant: Decimal, norm: Norm },
    /// The same bound at the two rows themselves.
    LipschitznessT { constant: Decimal },
    /// `d(x, x′) < ε ⇒ ‖F(x) − F(x′)‖₂ < Lε` on the domain.
    SmallNeighborhood { epsilon: Decimal, constant: Decimal, on: On },
    /// `x_j <= x′_j`, the rest equal `⇒ F_c(x) <= F_c(x′)` (or `>=`).
    Monotonicity {
        features: Vec<FeatureName>,
        direction: Direction,
        class: Option<usize>,
        scope: Scope,
        epsilon: Option<Decimal>,
    },
    /// A label flip within Δ `⇒ ‖F(x)‖² < e^ε/(e^ε + 1)`.
    BoundaryFuzz {
        shift: Decimal,
        epsilon: Decimal,
        zone: Zone,
        zone_norm: Norm,
        scope: Scope,
        radius: Option<Decimal>,
        norm: Norm,
    },
    /// Changing one feature moves the score by at most a bound.
    Stability { features: Vec<FeatureName>, bound: Decimal, on: On },
    /// A confident answer survives any change of one cheap feature; `range` holds the raw values that it may
    /// take.
    HighConfidence {
        features: Vec<FeatureName>,
        confidence: Decimal,
        cutoff: Decimal,
        range: Option<(Decimal, Decimal)>,
    },
    /// A confident answer survives any change of one group of features.
    Redundancy { groups: Vec<Vec<FeatureName>>, confidence: Decimal, cutoff: Decimal },
    /// No input of a box reaches an unsafe block of outputs.
    OutputRegion { copies: usize, input: Vec<InputBox>, unsafe_blocks: Vec<Vec<OutputRow>> },
}

impl Property {
    /// All names, as in files.
    pub const NAMES: [&'static str; 12] = [
        "label",
        "local-invariance",
        "local-invariance-t",
        "lipschitzness",
        "lipschitzness-t",
        "small-neighborhood",
        "monotonicity",
        "boundary-fuzz",
        "stability",
        "high-confidence",
        "redundancy",
        "output-region",
    ];

    /// The name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Label { .. } => "label",
            Self::LocalInvariance { .. } => "local-invariance",
            Self::LocalInvarianceT { .. } => "local-invariance-t",
            Self::Lipschitzness { .. } => "lipschitzness",
            Self::LipschitznessT { .. } => "lipschitzness-t",
            Self::SmallNeighborhood { .. } => "small-neighborhood",
            Self::Monotonicity { .. } => "monotonicity",
            Self::BoundaryFuzz { .. } => "boundary-fuzz",
            Self::Stability { .. } => "stability",
            Self::HighConfidence { .. } => "high-confidence",
            Self::Redundancy { .. } => "redundancy",
            Self::OutputRegion { .. } => "output-region",
        }
    }

    /// True if the obligations are rows of data (or rows times features, or pairs of rows).
    pub fn is_about_rows(&self) -> bool {
        match self {
            Self::Label { .. } | Self::LocalInvariance { .. } => true,
            Self::LocalInvarianceT { .. } | Self::LipschitznessT { .. } => true,
            Self::Lipschitzness { .. } => true,
            Self::Monotonicity { scope, .. } | Self::BoundaryFuzz { scope, .. } => {
                *scope == Scope::Local
            }
            Self::SmallNeighborhood { .. }
            | Self::Stability { .. }
            | Self::HighConfidence { .. }
            | Self::Redundancy { .. }
            | Self::OutputRegion { .. } => false,
        }
    }

    /// The first rows of a part, up to a count (`None`: all). For `lipschitzness` the count is of distinct
    /// rows, each counted at its first occurrence. `None` if there are fewer.
    pub fn first_rows<'a>(&self, rows: &'a [Row], count: Option<usize>) -> Option<&'a [Row]> {
        let Some(count) = count else { return Some(rows) };
        if !self.is_about_distinct_rows() || count == 0 {
            return rows.get(..count);
        }
        let last = *distinct(rows).get(count - 1)?;
        rows.get(..=last)
    }

    /// The count of these rows; for `lipschitzness` that of distinct rows.
    pub fn count_of(&self, rows: &[Row]) -> usize {
        if self.is_about_distinct_rows() { distinct(rows).len() } else { rows.len() }
    }

    /// True if equal rows count once.
    fn is_about_distinct_rows(&self) -> bool {
        matches!(self, Self::Lipschitzness { .. })
    }

    /// The part of the data that is used if none is named.
    pub fn default_part(&self) -> Part {
        match self {
            Self::LocalInvarianceT { .. } | Self::LipschitznessT { .. } => Part::Train,
            Self::Label { .. }
            | Self::LocalInvariance { .. }
            | Self::Lipschitzness { .. }
            | Self::SmallNeighborhood { .. }
            | Self::Monotonicity { .. }
            | Self::BoundaryFuzz { .. }
            | Self::Stability { .. }
            | Self::HighConfidence { .. }
            | Self::Redundancy { .. }
            | Self::OutputRegion { .. } => Part::Test,
        }
    }
}

/// Positions of the first row of every group of equal rows, ascending.
pub(super) fn distinct(rows: &[Row]) -> Vec<usize> {
    let mut seen: BTreeSet<Digest> = BTreeSet::new();
    (0..rows.len()).filter(|&index| seen.insert(rows[index].key)).collect()
}
