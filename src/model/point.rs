//! Evaluation at one point, exactly or as served.

use dashu_int::IBig;
use dashu_int::ops::Gcd;

use crate::interval::{Decimal, Dyadic, Rational, parse_hexadecimal};

use super::{Ensemble, Family, Mlp, Model, Node, Schema};

/// An exact raw point; one value per feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Point(Vec<Rational>);

/// The error for texts that are no point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// Neither a hexadecimal float nor a decimal.
    #[error("value {index} of a point: `{text:.60}` is neither a hexadecimal float nor a decimal")]
    Value {
        /// Position in the point.
        index: usize,
        /// The text found.
        text: String,
    },
    /// Wrong number of values.
    #[error("a point has {found} values, the model has {expected} features")]
    Length {
        /// Number of values found.
        found: usize,
        /// Number of features.
        expected: usize,
    },
}

impl Point {
    /// Reads one value per feature: hexadecimal floats or exact decimals.
    pub fn parse(texts: &[String], features: usize) -> Result<Self, PointError> {
        if texts.len() != features {
            return Err(PointError::Length { found: texts.len(), expected: features });
        }
        let value = |(index, text): (usize, &String)| {
            let hexadecimal = parse_hexadecimal(text).and_then(Rational::from_f64);
            let decimal = || text.parse::<Decimal>().ok().map(|d| d.value().clone());
            hexadecimal
                .or_else(decimal)
                .ok_or_else(|| PointError::Value { index, text: text.clone() })
        };
        texts.iter().enumerate().map(value).collect::<Result<_, _>>().map(Self)
    }

    /// The point of finite floats; `None` if one is not finite.
    pub fn from_floats(raw: &[f64]) -> Option<Self> {
        raw.iter().map(|&x| Rational::from_f64(x)).collect::<Option<_>>().map(Self)
    }

    /// The points one after the other.
    pub fn joint(points: &[Self]) -> Self {
        Self(points.iter().flat_map(|point| point.0.iter().cloned()).collect())
    }

    /// The point moved by `shift` along one feature.
    pub fn moved(&self, feature: usize, shift: &Rational) -> Self {
        let mut values = self.0.clone();
        if let Some(value) = values.get_mut(feature) {
            *value = &*value + shift;
        }
        Self(values)
    }

    /// The exact values in feature order.
    pub fn values(&self) -> &[Rational] {
        &self.0
    }
}

impl Model {
    /// The exact real scores: one per output for a network or a multi-class ensemble,
    /// `[0, sum]` for an ensemble with one.
    pub fn exact_scores(&self, point: &Point) -> Vec<Rational> {
        match &self.family {
            Family::Mlp(mlp) => exact_logits(mlp, &self.schema, point),
            Family::Ensemble(ensemble) => with_zero(exact_sums(ensemble, point), Rational::ZERO),
        }
    }

    /// The exact real score of class 1 minus that of class 0, or the plain score; `None` with more classes.
    pub fn exact_margin(&self, point: &Point) -> Option<Rational> {
        match self.exact_scores(point).as_slice() {
            [zero, one] => Some(one - zero),
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// The scores of one f32 execution at the point rounded to f32: standardisation
    /// `(x − mean)·scale`, index order, no fused operations. Infinite or NaN scores are possible.
    pub fn served_scores(&self, point: &Point) -> Vec<f32> {
        let raw: Vec<f32> = point.0.iter().map(Rational::nearest_f32).collect();
        match &self.family {
            Family::Mlp(mlp) => {
                let features = self.schema.features().iter().zip(&raw);
                let inputs = features.map(|(f, x)| (x - f.mean) * f.scale).collect();
                mlp.forward(&1f32, inputs)
            }
            Family::Ensemble(ensemble) => with_zero(served_sums(ensemble, &raw), 0.0),
        }
    }
}

fn with_zero<T>(mut scores: Vec<T>, zero: T) -> Vec<T> {
    if scores.len() == 1 {
        scores.insert(0, zero);
    }
    scores
}

/// Logits over the common denominator of the standardised point.
fn exact_logits(mlp: &Mlp, schema: &Schema, point: &Point) -> Vec<Rational> {
    let features = schema.features().iter().zip(&point.0);
    let inputs: Vec<Rational> = features.map(|(f, x)| f.standardise_exactly(x)).collect();
    let common = inputs.iter().fold(IBig::ONE, |common, z| {
        let denominator = z.parts().1;
        let divisor = IBig::from((&common).gcd(denominator));
        &common * denominator / divisor
    });
    let whole = |z: &Rational| {
        let (numerator, denominator) = z.parts();
        Dyadic::new(numerator * (&common / denominator), 0)
    };
    let unit = Dyadic::new(common.clone(), 0);
    let logits = mlp.forward(&unit, inputs.iter().map(whole).collect());
    let divide = |logit: &Dyadic| &logit.to_rational() / &Rational::integer(common.clone());
    logits.iter().map(|logit| divide(logit).expect("the common denominator is positive")).collect()
}

fn exact_sums(ensemble: &Ensemble, point: &Point) -> Vec<Rational> {
    let exact = |value: f64| Dyadic::from_f64(value).expect("models hold finite numbers only");
    let mut sums: Vec<Dyadic> = ensemble.base.iter().map(|&base| exact(base)).collect();
    for tree in &ensemble.trees {
        let goes_left = |feature: usize, threshold: f64| {
            let limit = Rational::from_f64(threshold).expect("thresholds are finite");
            point.0.get(feature).is_some_and(|x| *x < limit)
        };
        if let Some(sum) = sums.get_mut(tree.output) {
            *sum = &*sum + &exact(walk(&tree.nodes, goes_left));
        }
    }
    sums.iter().map(Dyadic::to_rational).collect()
}

fn served_sums(ensemble: &Ensemble, raw: &[f32]) -> Vec<f32> {
    let mut sums: Vec<f32> = ensemble.base.iter().map(|&base| base as f32).collect();
    for tree in &ensemble.trees {
        let goes_left = |feature: usize, threshold: f64| {
            raw.get(feature).is_some_and(|x| *x < threshold as f32)
        };
        if let Some(sum) = sums.get_mut(tree.output) {
            *sum += walk(&tree.nodes, goes_left) as f32;
        }
    }
    sums
}

/// The leaf value that the decisions lead to.
fn walk(nodes: &[Node], goes_left: impl Fn(usize, f64) -> bool) -> f64 {
    let mut at = 0;
    loop {
        match nodes.get(at) {
            Some(&Node::Split { feature, threshold, left, right, .. }) => {
                at = if goes_left(feature.0, threshold) { left } else { right };
            }
            Some(&Node::Leaf(value)) => return value,
            // the reader has checked every index
            None => return 0.0,
        }
    }
}
