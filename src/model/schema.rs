//! The features of a model.

use crate::interval::{Decimal, Rational};

/// Index of a feature, from 0, in the order of the schema.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Feature(pub usize);

/// The values that a feature takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Any number of the range.
    Real,
    /// Whole numbers of the range.
    Integer,
    /// 0 or 1.
    Binary,
}

impl Kind {
    /// True if only whole numbers are values.
    pub fn is_whole(self) -> bool {
        self != Self::Real
    }
}

/// One feature: name, kind, declared range and standardisation.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSpec {
    /// Unique name, as in the header of the data.
    pub name: String,
    /// Kind of its values.
    pub kind: Kind,
    /// Smallest declared raw value.
    pub low: Option<Decimal>,
    /// Largest declared raw value.
    pub high: Option<Decimal>,
    /// The mean; subtracted first.
    pub mean: f32,
    /// The scale; multiplied second, positive.
    pub scale: f32,
}

impl FeatureSpec {
    /// `scale·(x − mean)`, exactly.
    pub fn standardise_exactly(&self, raw: &Rational) -> Rational {
        &self.exact_scale() * &(raw - &self.exact_mean())
    }

    /// `mean` as a rational.
    pub fn exact_mean(&self) -> Rational {
        Rational::from_f64(f64::from(self.mean)).expect("the reader refuses infinite means")
    }

    /// `scale` as a rational; positive.
    pub fn exact_scale(&self) -> Rational {
        Rational::from_f64(f64::from(self.scale)).expect("the reader refuses infinite scales")
    }
}

/// The features of a model, in order. Names are distinct, scales positive.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    features: Vec<FeatureSpec>,
}

/// The error for a list of features that is no schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// There are no features.
    #[error("a model needs at least one feature")]
    Empty,
    /// Two features share a name.
    #[error("feature name `{0}` occurs twice")]
    DuplicateName(String),
    /// A name that no header or message can show as it is.
    #[error("feature name {0:?} has a control character; expected printable characters")]
    ControlCharacter(String),
    /// `mean` is not finite, or `scale` is not finite and positive.
    #[error("feature `{0}`: mean must be finite and scale finite and positive")]
    Scale(String),
    /// `low` exceeds `high`.
    #[error("feature `{0}`: low is larger than high")]
    Range(String),
}

impl Schema {
    /// Checks names, ranges and scales.
    pub fn new(features: Vec<FeatureSpec>) -> Result<Self, SchemaError> {
        if features.is_empty() {
            return Err(SchemaError::Empty);
        }
        let mut names = std::collections::BTreeSet::new();
        for feature in &features {
            let name = || feature.name.clone();
            if !names.insert(&feature.name) {
                return Err(SchemaError::DuplicateName(name()));
            }
            if feature.name.contains(char::is_control) {
                return Err(SchemaError::ControlCharacter(name()));
            }
            let is_positive = feature.scale > 0.0 && feature.scale.is_finite();
            if !feature.mean.is_finite() || !is_positive {
                return Err(SchemaError::Scale(name()));
            }
            if let (Some(low), Some(high)) = (&feature.low, &feature.high)
                && low.value() > high.value()
            {
                return Err(SchemaError::Range(name()));
            }
        }
        Ok(Self { features })
    }

    /// The features in order.
    pub fn features(&self) -> &[FeatureSpec] {
        &self.features
    }

    /// Number of features, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a schema has at least one feature")]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// The feature of that name, or of that index written in digits.
    pub fn find(&self, name: &str) -> Option<Feature> {
        let by_name = self.features.iter().position(|f| f.name == name);
        let is_plain = name.bytes().all(|byte| byte.is_ascii_digit())
            && (name == "0" || !name.starts_with('0'));
        let by_index = || {
            let index = name.parse().ok().filter(|&index| index < self.features.len());
            index.filter(|_| is_plain)
        };
        by_name.or_else(by_index).map(Feature)
    }
}
