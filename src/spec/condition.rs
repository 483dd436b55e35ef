//! Linear conditions on raw inputs, and what one says of two copies of a feature.

use crate::interval::{Interval, Rational};
use crate::model::Point;

/// `coefficients·x <= rhs` on raw values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) coefficients: Vec<Rational>,
    pub(super) rhs: Rational,
}

impl Condition {
    pub(super) fn holds(&self, point: &Point) -> bool {
        let terms = self.coefficients.iter().zip(point.values()).map(|(c, x)| c * x);
        terms.fold(Rational::ZERO, |sum, term| &sum + &term) <= self.rhs
    }

    /// The feature whose two values the condition binds to each other, and how, if it is
    /// `c·x′_i − c·x_i <= h` and nothing else.
    pub(super) fn difference(&self, features: usize) -> Option<(usize, DifferenceBound)> {
        let (first, second) = self.coefficients.split_at_checked(features)?;
        let is_named = |c: &&Rational| **c != Rational::ZERO;
        let feature = second.iter().position(|c| *c != Rational::ZERO)?;
        let (own, c) = (first.get(feature)?, second.get(feature)?);
        let is_pair = first.iter().filter(is_named).count() == 1
            && second.iter().filter(is_named).count() == 1
            && *own == -c.clone();
        let bound = (&self.rhs / c)?;
        is_pair.then(|| match *c > Rational::ZERO {
            true => (feature, DifferenceBound::Most(bound)),
            false => (feature, DifferenceBound::Least(bound)),
        })
    }
}

/// What a condition says of `x′_i − x_i`, where a point is two inputs, one after the other; raw.
#[derive(Clone, Debug, PartialEq)]
pub enum DifferenceBound {
    /// It is at least this.
    Least(Rational),
    /// It is at most this.
    Most(Rational),
}

impl DifferenceBound {
    /// The differences in z that it allows, where a raw unit has length `scale`, rounded outward.
    pub fn standardised(&self, scale: &Rational) -> Option<Interval> {
        match self {
            Self::Least(least) => Interval::new((scale * least).down(), f64::INFINITY),
            Self::Most(most) => Interval::new(f64::NEG_INFINITY, (scale * most).up()),
        }
    }
}
