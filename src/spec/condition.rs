//! Linear conditions on raw inputs, and the bounds that they set on the difference between two copies of a
//! feature.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::interval::{Interval, Rational};
use crate::model::{FeatureSpec, Point};

/// `coefficients·x <= rhs` on raw values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) coefficients: Vec<Rational>,
    pub(super) rhs: Rational,
}

/// `row·z <= rhs` on standardised inputs, in floats.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearCondition {
    /// One coefficient per input, finite.
    pub row: Vec<f64>,
    /// Right-hand side, finite.
    pub rhs: f64,
}

impl Condition {
    /// The condition as all points of a box that meet it satisfy it in floats, with `z = scale·(x − mean)`.
    /// If rounded coefficients `w <= q` replace exact ones, the rest is bounded at the lower ends:
    ///
    /// ```text
    /// c·x = q·z + c·mean        q·z >= w·z + (q − w)·low
    /// ```
    ///
    /// If a number is beyond the floats, it is `0 <= 0`.
    pub(super) fn standardised(
        &self,
        features: &[FeatureSpec],
        sides: &[(Rational, Rational)],
    ) -> LinearCondition {
        let mut rhs = self.rhs.clone();
        let mut term =
            |((c, (low, _)), feature): ((&Rational, &(Rational, Rational)), &FeatureSpec)| {
                let exact = (c / &feature.exact_scale())?;
                let rounded = exact.down();
                let rest = &exact - &Rational::from_f64(rounded)?;
                let paid = &rest * &feature.standardise_exactly(low);
                rhs = &(&rhs - &(c * &feature.exact_mean())) - &paid;
                Some(rounded)
            };
        let terms = self.coefficients.iter().zip(sides).zip(features.iter().cycle());
        let row: Option<Vec<f64>> = terms.map(&mut term).collect();
        let stated = row.map(|row| LinearCondition { row, rhs: rhs.up() });
        stated
            .filter(|stated| stated.rhs.is_finite())
            .unwrap_or_else(|| LinearCondition { row: vec![0.0; sides.len()], rhs: 0.0 })
    }

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

    fn feature(mean: f32, scale: f32) -> FeatureSpec {
        let (name, kind) = (String::new(), crate::model::Kind::Real);
        FeatureSpec { name, kind, low: None, high: None, mean, scale }
    }

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

    /// Coefficients such as a third of a scale are no floats; a point at which the condition is exactly an
    /// equation is where a rounded one would be missed.
    #[test]
    fn what_holds_exactly_holds_in_floats() {
        let features = [feature(0.1, 0.3), feature(-7.7, 1.9)];
        let third = |k: i64| (&Rational::integer(k) / &Rational::integer(3)).unwrap();
        let mut unequal = 0;
        for (a, b) in (-4..5).flat_map(|a| (-4..5).map(move |b| (a, b))) {
            let coefficients = vec![third(a), third(b)];
            for (x, y) in [(-5, -5), (-5, 7), (7, -5), (7, 7), (1, 2)] {
                let (x, y) = (third(x), third(y));
                let rhs = &(&coefficients[0] * &x) + &(&coefficients[1] * &y);
                let sides = [(third(-5), third(7)), (third(-5), third(7))];
                let condition = Condition { coefficients: coefficients.clone(), rhs };
                let LinearCondition { row, rhs } = condition.standardised(&features, &sides);
                let z = [features[0].standardise_exactly(&x), features[1].standardise_exactly(&y)];
                let term = |(w, z): (&f64, &Rational)| &Rational::from_f64(*w).unwrap() * z;
                let sum = row.iter().zip(&z).map(term).fold(Rational::ZERO, |sum, t| &sum + &t);
                let rhs = Rational::from_f64(rhs).unwrap();
                assert!(sum <= rhs, "{a} {b}: {sum:?} {rhs:?}");
                unequal += usize::from(sum < rhs);
                let room = &rhs - &sum;
                assert!(room < (&Rational::ONE / &Rational::integer(1i64 << 40)).unwrap());
            }
        }
        assert!(unequal > 100, "{unequal}");
    }

    #[test]
    fn a_condition_beyond_the_floats_says_nothing() {
        let huge: crate::interval::Decimal = "-1e400".parse().unwrap();
        let condition = Condition { coefficients: vec![huge.value().clone()], rhs: Rational::ONE };
        let sides = [(Rational::ZERO, Rational::ONE)];
        let nothing = LinearCondition { row: vec![0.0], rhs: 0.0 };
        assert_eq!(condition.standardised(&[feature(0.0, 1.0)], &sides), nothing);
    }
}
