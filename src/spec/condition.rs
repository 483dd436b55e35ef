//! Linear conditions on raw inputs, and the bounds that they set on the difference between two copies of a
//! feature.

use std::collections::BTreeMap;
use std::sync::Arc;

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

    /// True if no point of a box meets the condition, decided exactly.
    pub(super) fn excludes(&self, sides: &[(Rational, Rational)]) -> bool {
        let least = self
            .coefficients
            .iter()
            .zip(sides)
            .map(|(c, (low, high))| if *c >= Rational::ZERO { c * low } else { c * high });
        least.fold(Rational::ZERO, |sum, term| &sum + &term) > self.rhs
    }

    /// If the condition is `c·x′_i − c·x_i <= h` and nothing else: the feature `i`, and the bound on its
    /// difference.
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

/// The bound that a single condition sets on a difference.
pub(super) enum DifferenceBound {
    Least(Rational),
    Most(Rational),
}

/// The bounds that the conditions set on `x′_i − x_i` for a feature `i`, in raw units; a point is here two
/// inputs, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The feature.
    pub feature: usize,
    /// The difference is at least this.
    pub(super) least: Option<Rational>,
    /// The difference is at most this.
    pub(super) most: Option<Rational>,
}

impl Link {
    /// The differences in z that the link allows, where a raw unit has length `scale`, rounded outward.
    pub fn standardised(&self, scale: &Rational) -> Option<Interval> {
        let low = self.least.as_ref().map_or(f64::NEG_INFINITY, |least| (scale * least).down());
        let high = self.most.as_ref().map_or(f64::INFINITY, |most| (scale * most).up());
        Interval::new(low, high)
    }

    /// The links that the conditions make between two inputs of `features` features, each with the tightest
    /// ends. A feature whose conditions no pair can meet is left out: nothing rests on that.
    pub(super) fn all(conditions: &[Condition], features: usize) -> Arc<[Self]> {
        let kept = tightest(conditions, features).into_iter().filter(|(_, ends)| is_possible(ends));
        kept.map(|(feature, (least, most))| Self { feature, least, most }).collect()
    }

    /// True if no pair can meet the conditions on the difference of some feature. For a feature that takes
    /// whole numbers only, only whole differences count.
    pub(super) fn contradict(
        conditions: &[Condition],
        features: usize,
        is_whole: impl Fn(usize) -> bool,
    ) -> bool {
        let inward = |(feature, (least, most)): (usize, DifferenceEnds)| match is_whole(feature) {
            true => (
                least.map(|least| Rational::integer(least.ceil())),
                most.map(|most| Rational::integer(most.floor())),
            ),
            false => (least, most),
        };
        tightest(conditions, features).into_iter().any(|ends| !is_possible(&inward(ends)))
    }
}

/// The least and the greatest difference that conditions leave.
type DifferenceEnds = (Option<Rational>, Option<Rational>);

fn is_possible((least, most): &DifferenceEnds) -> bool {
    least.as_ref().zip(most.as_ref()).is_none_or(|(least, most)| least <= most)
}

/// The tightest ends, for each feature whose copies are bound to each other.
fn tightest(conditions: &[Condition], features: usize) -> BTreeMap<usize, DifferenceEnds> {
    let mut links = BTreeMap::<usize, DifferenceEnds>::new();
    for (feature, bound) in conditions.iter().filter_map(|c| c.difference(features)) {
        let (least, most) = links.entry(feature).or_default();
        match bound {
            DifferenceBound::Least(found) if least.as_ref().is_none_or(|l| *l < found) => {
                *least = Some(found);
            }
            DifferenceBound::Most(found) if most.as_ref().is_none_or(|m| *m > found) => {
                *most = Some(found);
            }
            DifferenceBound::Least(_) | DifferenceBound::Most(_) => {}
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `c·x′_i − c·x_i <= rhs` over two copies of two inputs.
    fn condition(feature: usize, c: i64, rhs: i64) -> Condition {
        let mut coefficients = vec![Rational::ZERO; 4];
        coefficients[feature] = Rational::integer(-c);
        coefficients[2 + feature] = Rational::integer(c);
        Condition { coefficients, rhs: Rational::integer(rhs) }
    }

    #[test]
    fn many_conditions_on_a_feature_are_one_link() {
        let conditions: Vec<_> =
            (1..500).flat_map(|k| [condition(1, 1, k), condition(1, -2, 2 * k)]).collect();
        let ends = |k: i64| Some(Rational::integer(k));
        let link = Link { feature: 1, least: ends(-1), most: ends(1) };
        assert_eq!(*Link::all(&conditions, 2), [link]);
    }

    #[test]
    fn conditions_that_contradict_each_other_link_nothing() {
        let conditions = [condition(0, 1, -1), condition(0, -1, -1), condition(1, 3, 6)];
        let two = Some(Rational::integer(2));
        assert_eq!(*Link::all(&conditions, 2), [Link { feature: 1, least: None, most: two }]);
        let both_named = Condition { coefficients: vec![Rational::ONE; 4], rhs: Rational::ONE };
        assert!(Link::all(&[both_named], 2).is_empty());
    }
}
