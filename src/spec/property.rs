//! The properties of the paper and of its sources, in their symbols.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};

use crate::interval::Decimal;
use crate::model::{Digest, Object, Part, Row};

use super::terms::{Direction, FeatureName, Norm, On, Scope, TwoEnds, Zone};

/// One row `x·input <= rhs` of an output region.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRow {
    /// One coefficient per input; with two copies, those of the first, then those of the second.
    pub x: Vec<Decimal>,
    /// Right-hand side.
    pub rhs: Decimal,
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
