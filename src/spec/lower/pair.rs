//! Statements about two points `x`, `x′`: bonds between them feature by feature, the regions in which they lie,
//! and the aim that all such pairs must meet.

use std::sync::Arc;

use crate::interval::Rational;
use crate::model::{Feature, Point};

use super::super::{Direction, Norm, On, RawRegion};
use super::Threshold;

/// For all `x`, `x′` of their regions that are bound to each other: the aim. Two classes, but for orders.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The bonds between both points.
    pub bonds: Bonds,
    /// The regions of both points.
    pub regions: Regions,
    /// The statement about the answers at both points.
    pub aim: Aim,
}

/// The bonds of two points, for all features.
#[derive(Clone, Debug, PartialEq)]
pub enum Bonds {
    /// None.
    Free,
    /// `|x_j − x′_j| <= reach_j` in raw units, or below it if strict; reaches are above 0.
    Within {
        /// Per feature.
        reach: Arc<[Rational]>,
        /// True if the difference must stay below.
        is_strict: bool,
    },
    /// `x′` equals `x` but in the features marked, which are free.
    Moved(Arc<[bool]>),
    /// `x′_j >= x_j` for one feature; equal elsewhere.
    Raised(Feature),
    /// `x′ = x ± shift_j·e_j` for any one feature; raw lengths.
    Shifted(Arc<[Rational]>),
}

/// The regions of two points. That of an obligation holds `x`.
#[derive(Clone, Debug, PartialEq)]
pub enum Regions {
    /// Both lie in the obligation's.
    Both,
    /// `x′` lies anywhere, also between whole numbers.
    First,
    /// `x′` lies in a region of its own.
    Own(Arc<RawRegion>),
    /// Each lies in one of these; the obligation's is their hull.
    Each(Arc<[RawRegion; 2]>),
}

/// The statement about the answers at two points, `m` being the score of class 1 less that of class 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Aim {
    /// `|m − m′| <= bound`, or `‖F − F′‖₂ <= bound`, or below it if strict.
    Close {
        /// The bound.
        bound: Rational,
        /// The answers that are compared.
        on: On,
        /// True if the change must stay below the bound.
        is_strict: bool,
    },
    /// `‖F − F′‖₂ <= L·‖x − x′‖`.
    Lipschitz {
        /// Raw length of a unit of the distance, per feature.
        units: Arc<[Rational]>,
        /// The norm of the distance.
        norm: Norm,
        /// L.
        constant: Rational,
    },
    /// `F_class(x) <= F_class(x′)`, or `>=`.
    Order {
        /// The direction from `x` to `x′`.
        direction: Direction,
        /// The class.
        class: usize,
    },
    /// `m >= floor ⇒ m′ >= cutoff`.
    Stays(Arc<Confidence>),
    /// `|m| >= μ` ⇒ the labels agree.
    Flip {
        /// μ.
        margin: Threshold,
        /// Only pairs with `‖(x − x′)/lengths‖ <= 1` count; `None`: all that are bound.
        ball: Option<(Arc<[Rational]>, Norm)>,
    },
}

/// The score from which on an answer is confident, and the score that it must keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confidence {
    /// k: the score of the confidence.
    pub floor: Threshold,
    /// c: the score of the cutoff.
    pub cutoff: Threshold,
}

impl Pair {
    /// True if no point can be the partner of another, whatever the model.
    pub(super) fn has_no_partners(&self) -> bool {
        matches!(&self.regions, Regions::Own(partners) if partners.is_empty())
    }

    /// The regions of both points; `None`: anywhere. `region` is that of the obligation.
    pub fn regions<'a>(&'a self, region: &'a RawRegion) -> [Option<&'a RawRegion>; 2] {
        match &self.regions {
            Regions::Both => [Some(region), Some(region)],
            Regions::First => [Some(region), None],
            Regions::Own(partners) => [Some(region), Some(partners)],
            Regions::Each(boxes) => boxes.each_ref().map(Some),
        }
    }

    /// The pairs of which one point tells the other, with `x` as first point; `None` if it does not tell.
    pub fn partners<'a>(&'a self, x: &'a Point) -> Option<impl Iterator<Item = Point> + 'a> {
        let Bonds::Shifted(shifts) = &self.bonds else { return None };
        let both = |(feature, shift): (usize, &'a Rational)| {
            [shift.clone(), -shift.clone()].map(|by| x.moved(feature, &by))
        };
        Some(shifts.iter().enumerate().flat_map(both))
    }

    /// True if the claim speaks of these two points. Exact.
    pub fn speaks_of(&self, region: &RawRegion, a: &Point, b: &Point) -> bool {
        let [own, other] = self.regions(region);
        let lies = |region: Option<&RawRegion>, point| region.is_none_or(|it| it.contains(point));
        self.bonds.hold(a, b) && lies(own, a) && lies(other, b) && self.aim.counts(a, b)
    }
}

impl Bonds {
    fn hold(&self, a: &Point, b: &Point) -> bool {
        let mut pairs = a.values().iter().zip(b.values()).enumerate();
        let at = |index: usize, flags: &[bool]| flags.get(index).copied().unwrap_or(false);
        match self {
            Self::Free => true,
            Self::Within { reach, is_strict } => {
                let mut gaps = differences(a, b).zip(reach.iter());
                gaps.all(|(gap, reach)| gap < *reach || (!is_strict && gap == *reach))
            }
            Self::Moved(moved) => pairs.all(|(index, (x, y))| at(index, moved) || x == y),
            Self::Raised(feature) => {
                pairs.all(|(index, (x, y))| if index == feature.0 { x <= y } else { x == y })
            }
            Self::Shifted(shifts) => {
                let mut moved = pairs.filter(|(_, (x, y))| x != y);
                let is_shift = |(index, (x, y)): (usize, (&Rational, &Rational))| {
                    shifts.get(index).is_some_and(|shift| (x - y).abs() == *shift)
                };
                match (moved.next(), moved.next()) {
                    (Some(one), None) => is_shift(one),
                    (None, _) => shifts.contains(&Rational::ZERO),
                    (Some(_), Some(_)) => false,
                }
            }
        }
    }
}

impl Aim {
    /// True if posteriors of two points are compared.
    pub fn compares_posteriors(&self) -> bool {
        matches!(self, Self::Close { on: On::Posterior, .. } | Self::Lipschitz { .. })
    }

    /// True if the aim is about these two points.
    fn counts(&self, a: &Point, b: &Point) -> bool {
        let Self::Flip { ball: Some((lengths, norm)), .. } = self else { return true };
        square_distance(a, b, lengths, *norm).is_some_and(|square| square <= Rational::ONE)
    }
}

/// `|a_i − b_i|` per feature.
fn differences(a: &Point, b: &Point) -> impl Iterator<Item = Rational> {
    a.values().iter().zip(b.values()).map(|(x, y)| (x - y).abs())
}

/// `‖(a − b)/units‖²`; `None` if a unit is 0.
pub fn square_distance(a: &Point, b: &Point, units: &[Rational], norm: Norm) -> Option<Rational> {
    let ratios = differences(a, b).zip(units).map(|(gap, unit)| &gap / unit);
    norm_squared(&ratios.collect::<Option<Vec<_>>>()?, norm)
}

/// The square of a norm of non-negative numbers; `None` for the largest of none.
pub fn norm_squared(lengths: &[Rational], norm: Norm) -> Option<Rational> {
    let sum = |terms: Vec<Rational>| terms.iter().fold(Rational::ZERO, |sum, term| &sum + term);
    let length = match norm {
        Norm::Linf => lengths.iter().max()?.clone(),
        Norm::L1 => sum(lengths.to_vec()),
        Norm::L2 => return Some(sum(lengths.iter().map(|length| length * length).collect())),
    };
    Some(&length * &length)
}
