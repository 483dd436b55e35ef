//! The points that may be asked at all.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::interval::Rational;
use crate::model::{Kind, Schema};

/// Half-width, in standardised units, of the box of a feature without a declared range.
const UNDECLARED_REACH: f64 = 5.0;

/// The points that may be asked: declared ranges, rounded inward to floats, and the features that take
/// whole numbers only. A feature without a range takes five standardised units around its mean, a binary
/// one `[0, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidBox {
    sides: Vec<(f64, f64)>,
    is_whole: Vec<bool>,
}

impl ValidBox {
    /// The valid box of a schema.
    pub fn new(schema: &Schema) -> Self {
        let side = |feature: &crate::model::FeatureSpec| {
            let is_whole = feature.kind.is_whole();
            let inward = |low: &Rational, high: &Rational| {
                if is_whole {
                    let whole = |n| Rational::integer(n);
                    (whole(low.ceil()).up(), whole(high.floor()).down())
                } else {
                    (low.up(), high.down())
                }
            };
            let reach = UNDECLARED_REACH / f64::from(feature.scale);
            let mean = f64::from(feature.mean);
            let (low, high) = match (&feature.low, &feature.high) {
                (Some(low), Some(high)) => inward(low.value(), high.value()),
                (None, None) if feature.kind == Kind::Binary => (0.0, 1.0),
                (low, high) => (
                    low.as_ref().map_or(mean - reach, |low| low.value().up()),
                    high.as_ref().map_or(mean + reach, |high| high.value().down()),
                ),
            };
            if is_whole { (low.ceil(), high.floor()) } else { (low, high) }
        };
        Self {
            sides: schema.features().iter().map(side).collect(),
            is_whole: schema.features().iter().map(|f| f.kind.is_whole()).collect(),
        }
    }

    /// Lower and upper raw ends per feature.
    pub fn sides(&self) -> &[(f64, f64)] {
        &self.sides
    }

    /// Rounds whole features and clips to the box.
    pub fn snap(&self, raw: &mut [f64]) {
        for ((x, &(low, high)), &whole) in raw.iter_mut().zip(&self.sides).zip(&self.is_whole) {
            let rounded = if whole { x.round() } else { *x };
            *x = rounded.max(low).min(high) + 0.0;
        }
    }

    /// True if the point lies in the box and is whole where it must be.
    pub fn contains(&self, raw: &[f64]) -> bool {
        raw.len() == self.sides.len()
            && raw.iter().zip(&self.sides).zip(&self.is_whole).all(|((x, (low, high)), whole)| {
                low <= x && x <= high && (!whole || x.fract() == 0.0)
            })
    }

    /// A point drawn uniformly; whole features are rounded.
    pub fn uniform(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let draw = |&(low, high): &(f64, f64)| low + rng.random::<f64>() * (high - low);
        let mut raw: Vec<f64> = self.sides.iter().map(draw).collect();
        self.snap(&mut raw);
        raw
    }
}
