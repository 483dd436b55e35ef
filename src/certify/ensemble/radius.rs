//! The distance to the nearest change of label: an infimum over real inputs, not attained left of a
//! threshold.

use crate::interval::{Decimal, Rational};
use crate::model::{Family, Model, Point, Precision, argmax};
use crate::spec::{Domain, Integers, LowerError, Norm};

use super::distance::Ruler;
use super::grid::{Grid, Sides};
use super::length::{ends, is_attained, root_up};
use super::rounds::{Nearest, RadiusRounds};

/// Reasons why a model has no radii.
#[derive(Debug, thiserror::Error)]
pub enum RadiusError {
    /// The model is a network.
    #[error(
        "exact radii are for ensembles; this model is a network: `certify` decides a given epsilon"
    )]
    Network,
    /// The model has no labels.
    #[error(
        "a radius is the distance to a change of label; this model is a plain score without classes"
    )]
    PlainScore,
    /// The declared ranges give no domain.
    #[error(transparent)]
    Domain(#[from] LowerError),
}

/// The distance from a point to the nearest change of label, in units of `z = scale·(x − mean)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Radius {
    /// A lower bound of the distance; the distance rounded down if the search closed. Infinite if the label
    /// never changes.
    pub lower: f64,
    /// An upper bound of the distance; the distance rounded up if the search closed. Infinite if no change
    /// was found.
    pub upper: f64,
    /// True if the search closed: `lower` and `upper` are then the same float or neighbours.
    pub is_exact: bool,
    /// Boxes visited.
    pub nodes: u64,
    /// The largest radius of a closed ball that is proved to keep the label: `lower`, or the float below
    /// it if a point at that distance changes the label.
    pub epsilon: f64,
    /// A raw point with another label, as near as floats allow.
    pub witness: Option<Vec<f64>>,
    /// The label at the point.
    pub label: usize,
}

/// Exact radii of one ensemble in one norm. Points are compared within the declared ranges of the model.
pub struct Radii<'a> {
    model: &'a Model,
    grid: Grid,
    norm: Norm,
    integers: Integers,
    domain: Domain,
    /// The cells of the domain.
    sides: Sides,
    weights: Vec<f64>,
    /// More than the error of floats in a difference of scores.
    doubt: f64,
}

impl<'a> Radii<'a> {
    /// Prepares an ensemble, whose whole features are taken as real ones.
    pub fn new(model: &'a Model, norm: Norm) -> Result<Self, RadiusError> {
        Self::with_integers(model, norm, Integers::Relax)
    }

    /// Prepares an ensemble, whose whole features are taken as real ones or keep to whole values.
    ///
    /// # Errors
    /// Networks, plain scores, and ranges that give no domain.
    pub fn with_integers(
        model: &'a Model,
        norm: Norm,
        integers: Integers,
    ) -> Result<Self, RadiusError> {
        let Family::Ensemble(ensemble) = &model.family else { return Err(RadiusError::Network) };
        if model.is_plain_score() {
            return Err(RadiusError::PlainScore);
        }
        let domain = Domain::new(&model.schema, &Default::default(), integers)?;
        let grid = Grid::new(ensemble, domain.is_whole());
        let side = |(feature, (low, high)): (usize, &(Option<Rational>, Option<Rational>))| {
            let last = grid.thresholds(feature).len();
            // t <= x ⇔ t <= the largest float that is at most x
            let cell = |end: &Rational| grid.cell(feature, end.down());
            (low.as_ref().map_or(0, cell), high.as_ref().map_or(last, cell))
        };
        let sides = domain.sides().iter().enumerate().map(side).collect();
        let weights = model.schema.features().iter().map(|f| f64::from(f.scale)).collect();
        // n additions with total size S have an error of less than n·2⁻⁵³·S, twice that in a difference
        let doubt = 16.0 * grid.trees.len() as f64 * f64::EPSILON * grid.total();
        Ok(Self { model, grid, norm, integers, domain, sides, weights, doubt })
    }

    /// The radius at a raw point, within `budget` nodes; `None` if the point lies outside the domain,
    /// has a fraction where whole values are kept, or is not finite.
    pub fn at(&self, raw: &[f64], budget: u64) -> Option<Radius> {
        let point = Point::from_floats(raw)?;
        if !self.domain.contains(&point) {
            return None;
        }
        let label = self.label(raw, &point);
        let ensemble = (self.model, &self.grid);
        let mut rounds = RadiusRounds::new(ensemble, &self.sides, self.ruler(raw), label, budget);
        let is_closed = rounds.run();
        Some(self.radius(rounds, label, is_closed))
    }

    /// The point that a served copy sees for a row: a model of precision f32 rounds to f32 first. A value that
    /// only rounding would move outside the declared range stays as it is, because the row itself decides if it
    /// is valid.
    pub fn served(&self, raw: &[f64]) -> Vec<f64> {
        if self.model.precision != Precision::F32 {
            return raw.to_vec();
        }
        let is_inside = |x: f64, (low, high): &(Option<Rational>, Option<Rational>)| {
            Rational::from_f64(x).is_some_and(|x| {
                low.as_ref().is_none_or(|low| *low <= x)
                    && high.as_ref().is_none_or(|high| x <= *high)
            })
        };
        let value = |(&x, side)| {
            let rounded = f64::from(x as f32);
            if is_inside(x, side) && !is_inside(rounded, side) { x } else { rounded }
        };
        raw.iter().zip(self.domain.sides()).map(value).collect()
    }

    /// The result around a point with this label.
    fn radius(&self, rounds: RadiusRounds, label: usize, is_closed: bool) -> Radius {
        let RadiusRounds { nearest: Nearest { key, exact, witness }, proved, nodes, .. } = rounds;
        let norm = self.norm;
        let (below, above) = ends(norm, key, exact.as_ref().map(|(exact, _)| exact));
        let (lower, is_attained) = if is_closed {
            (below, is_attained(norm, key, exact.as_ref(), below))
        } else {
            // there may be a flip at that distance, unless the key says that no point attains it
            let lower = ends(norm, proved, None).0;
            (lower, is_attained(norm, proved, None, lower))
        };
        Radius {
            lower,
            upper: above,
            is_exact: is_closed,
            nodes,
            epsilon: if is_attained { lower.next_down() } else { lower },
            witness,
            label,
        }
    }

    /// The exact label; floats decide it unless two scores are close.
    fn label(&self, raw: &[f64], point: &Point) -> usize {
        let mut scores = self.model.scores(raw);
        scores.sort_by(|a, b| b.total_cmp(a));
        match scores.as_slice() {
            [first, second, ..] if first - second > self.doubt => self.model.label(raw),
            _ => argmax(&self.model.exact_scores(point), self.model.tie),
        }
    }

    /// The norm.
    pub fn norm(&self) -> Norm {
        self.norm
    }

    /// The values that whole features take.
    pub fn integers(&self) -> Integers {
        self.integers
    }

    /// An upper bound of the distance between two raw points, rounded up.
    pub fn distance_up(&self, from: &[f64], to: &[f64]) -> f64 {
        let ruler = self.ruler(from);
        let terms = to.iter().enumerate().filter(|&(feature, x)| *x != from[feature]);
        let terms = terms.map(|(feature, &x)| ruler.exact_term(feature, x, false));
        let total = match self.norm {
            Norm::Linf => terms.max(),
            Norm::L1 | Norm::L2 => terms.reduce(|sum, term| &sum + &term),
        };
        let total = total.unwrap_or(Rational::ZERO);
        if self.norm == Norm::L2 { root_up(&total) } else { total.up() }
    }

    /// A whole number so large that the ball of that radius around a raw point reaches every cell, in any norm.
    pub fn span(&self, raw: &[f64]) -> Decimal {
        let ruler = self.ruler(raw);
        let mut sum = Rational::ONE;
        for (feature, &x) in raw.iter().enumerate() {
            let thresholds = self.grid.thresholds(feature);
            let ends = thresholds.first().into_iter().chain(thresholds.last());
            let farthest = ends.map(|&at| ruler.exactly_to(feature, at, at <= x)).max();
            sum = &sum + &farthest.unwrap_or(Rational::ZERO);
        }
        let digits = sum.ceil().to_string();
        digits
            .parse()
            .expect("at most 65536 lengths below 2^1152 have a sum of fewer than 400 digits")
    }

    fn ruler(&self, raw: &[f64]) -> Ruler {
        let (weights, whole) = (self.weights.clone(), self.domain.is_whole().to_vec());
        Ruler { norm: self.norm, centre: raw.to_vec(), weights, whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Left of every threshold the label is 0, beyond one of them 1.
    fn stumps(thresholds: &[&str]) -> Model {
        let tree = |(feature, threshold): (usize, &&str)| {
            format!(
                r#"{{"output":0,"feature":[{feature},0,0],"threshold":[{threshold},0,0],
                "left":[1,-1,-1],"right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0,0,9]}}"#
            )
        };
        let trees: Vec<String> = thresholds.iter().enumerate().map(tree).collect();
        let names = (0..thresholds.len()).map(|k| format!(r#"{{"name":"x{k}","kind":"real"}}"#));
        let names: Vec<String> = names.collect();
        let text = format!(
            r#"{{"format":"model/1","family":"ensemble","precision":"f64","tie":"lower","classes":2,
            "features":[{}],"base":[-1],"trees":[{}]}}"#,
            names.join(","),
            trees.join(",")
        );
        Model::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn distances_whose_squares_are_no_floats() {
        for (thresholds, nearest) in [
            (["3e-200", "2e-200"], 2e-200),
            (["2e-200", "3e-200"], 2e-200),
            (["1e200", "3e160"], 3e160),
        ] {
            let model = stumps(&thresholds);
            for norm in [Norm::Linf, Norm::L1, Norm::L2] {
                let radius = Radii::new(&model, norm).unwrap().at(&[0.0, 0.0], 1000).unwrap();
                assert_eq!((radius.lower, radius.upper), (nearest, nearest), "{norm:?}");
                assert!(radius.is_exact && radius.epsilon == nearest.next_down());
            }
        }
    }

    /// Beyond 1.3e154 the square of a length is no float, and a round that is limited by it proves nothing.
    #[test]
    fn a_budget_that_ends_among_large_lengths_proves_no_infinite_radius() {
        let model = stumps(&["1e200"]);
        let radii = Radii::new(&model, Norm::L2).unwrap();
        for budget in (500..700).step_by(10) {
            let radius = radii.at(&[0.0], budget).unwrap();
            assert!(radius.lower <= 1e200 && radius.upper >= 1e200, "{budget}: {radius:?}");
        }
    }

    #[test]
    fn no_float_lies_left_of_the_least() {
        let model = stumps(&["-1.7976931348623157e308"]);
        for norm in [Norm::Linf, Norm::L1, Norm::L2] {
            let radius = Radii::new(&model, norm).unwrap().at(&[0.0], 10_000).unwrap();
            assert_eq!((radius.lower, radius.label), (f64::MAX, 1));
            assert!(radius.is_exact && radius.witness.is_none());
        }
    }
}
