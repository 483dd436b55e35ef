//! The ways in which two points `a`, `b` of a claim may move, in standardised floats. Slopes `g` are those of the
//! violation, at `a` and at `b`:
//!
//! ```text
//! free      a by g_a,                b by g_b
//! within    a by g_a + g_b,          b − a by g_b, no further than the reach
//! moved     a by g_a + g_b where the points are equal; where they are not, each by its own
//! shifted   a by g_a + g_b,          b = a ± shift along the axis that turns the label soonest
//! ```
//!
//! A step goes along the sign of each slope, an eighth of the side of its box.

use ndarray::{ArrayView1, ArrayViewMut1, NdFloat};

use crate::model::Schema;
use crate::spec::{Bonds, Norm, Pair};

use super::super::network::float;

/// The length of a step, as a share of the box's side.
const STEP: f64 = 0.125;

/// Bonds in standardised floats.
#[derive(Clone, Debug)]
pub(super) enum FloatBonds<F> {
    /// None.
    Free,
    /// Each coordinate of `b − a` within its reach, and `b − a` within the norm's ball of these radii if there is one.
    Within { reach: Vec<F>, ball: Option<Norm> },
    /// Equal but where marked. With a feature that is raised it is the one marked, and `b` has the greater value.
    Moved { moved: Vec<bool>, raised: Option<usize> },
    /// One coordinate differs by its shift.
    Shifted { shifts: Vec<F> },
}

/// The boxes of both points: least and greatest value per coordinate.
#[derive(Clone, Copy)]
pub(super) struct TwoBoxes<'a, F> {
    pub(super) near: [ArrayView1<'a, F>; 2],
    pub(super) far: [ArrayView1<'a, F>; 2],
}

/// The slopes at both points: of the violation, and of the margin at the first.
pub(super) struct TwoSlopes<'a, F> {
    pub(super) violation: [&'a [F]; 2],
    pub(super) margin: &'a [F],
    /// The side of the first point: the sign of its margin.
    pub(super) side: F,
}

impl<F: NdFloat> FloatBonds<F> {
    /// The bonds of a pair. Features that take whole numbers only and cannot reach the next one stay equal.
    pub(super) fn of(pair: &Pair, schema: &Schema, is_whole: &[bool]) -> Self {
        let standardised = |lengths: &[crate::interval::Rational]| -> Vec<F> {
            let features = lengths.iter().zip(schema.features()).zip(is_whole);
            let length = |((raw, feature), is_whole): ((&_, &crate::model::FeatureSpec), &bool)| {
                let raw = crate::interval::Rational::down(raw);
                let raw = if *is_whole { raw.floor() } else { raw };
                float(raw * f64::from(feature.scale))
            };
            features.map(length).collect()
        };
        match &pair.bonds {
            Bonds::Free => Self::Free,
            Bonds::Within { reach, .. } => {
                let ball = match &pair.aim {
                    crate::spec::Aim::Flip { ball, .. } => ball.as_ref().map(|(_, norm)| *norm),
                    _ => None,
                };
                // a partner of the boundary property may lie between whole numbers
                let reach = match ball {
                    None => standardised(reach),
                    Some(_) => Self::lengths(reach, schema),
                };
                Self::Within { reach, ball }
            }
            Bonds::Moved(moved) => Self::Moved { moved: moved.to_vec(), raised: None },
            Bonds::Raised(feature) => {
                let moved = (0..schema.len()).map(|index| index == feature.0).collect();
                Self::Moved { moved, raised: Some(feature.0) }
            }
            Bonds::Shifted(shifts) => Self::Shifted { shifts: Self::lengths(shifts, schema) },
        }
    }

    /// Raw lengths in standardised units.
    pub(super) fn lengths(raw: &[crate::interval::Rational], schema: &Schema) -> Vec<F> {
        let features = raw.iter().zip(schema.features());
        features.map(|(raw, feature)| float(raw.down() * f64::from(feature.scale))).collect()
    }

    /// True where the coordinate of both points moves over the whole box.
    pub(super) fn is_moved(&self, coordinate: usize) -> bool {
        matches!(self, Self::Moved { moved, .. } if moved.get(coordinate) == Some(&true))
    }

    /// Moves both points a step. Both lie in their boxes and are bound afterwards.
    pub(super) fn step(
        &self,
        mut a: ArrayViewMut1<F>,
        mut b: ArrayViewMut1<F>,
        boxes: TwoBoxes<F>,
        slopes: &TwoSlopes<F>,
    ) {
        let [by_a, by_b] = slopes.violation;
        let gaps: Vec<F> = b.iter().zip(&a).map(|(b, a)| *b - *a).collect();
        for i in 0..a.len() {
            let side = boxes.near[1][i] - boxes.near[0][i];
            let is_shared = match self {
                Self::Free => false,
                Self::Within { .. } | Self::Shifted { .. } => true,
                Self::Moved { .. } => !self.is_moved(i),
            };
            let slope = if is_shared { by_a[i] + by_b[i] } else { by_a[i] };
            a[i] = clipped(a[i] + along(slope, side), boxes.near[0][i], boxes.near[1][i]);
            if !is_shared {
                let side = boxes.far[1][i] - boxes.far[0][i];
                b[i] += along(by_b[i], side);
            }
        }
        if let Self::Within { reach, .. } = self {
            for (i, reach) in reach.iter().enumerate() {
                b[i] = a[i] + gaps[i] + along(by_b[i], *reach + *reach);
            }
        }
        self.bind(a, b, boxes, slopes);
    }

    /// Makes `b` a partner of `a`: the nearest to it, or for shifts the one that turns the label soonest.
    pub(super) fn bind(
        &self,
        mut a: ArrayViewMut1<F>,
        mut b: ArrayViewMut1<F>,
        boxes: TwoBoxes<F>,
        slopes: &TwoSlopes<F>,
    ) {
        match self {
            Self::Free => {}
            Self::Within { reach, ball } => {
                let gaps: Vec<F> = b.iter().zip(&a).map(|(b, a)| *b - *a).collect();
                let within = |(gap, reach): (&F, &F)| clipped(*gap, -*reach, *reach);
                let gaps: Vec<F> = gaps.iter().zip(reach).map(within).collect();
                let share = ball.map_or(F::one(), |norm| shrunk(&gaps, reach, norm));
                b.iter_mut().zip(a.iter()).zip(&gaps).for_each(|((b, a), gap)| {
                    *b = *a + share * *gap;
                });
            }
            Self::Moved { moved, raised } => {
                for (i, _) in moved.iter().enumerate().filter(|(_, moved)| !**moved) {
                    b[i] = a[i];
                }
                if let Some(i) = raised.filter(|i| b[*i] < a[*i]) {
                    let least = b[i].max(boxes.near[0][i]).min(boxes.near[1][i]);
                    (a[i], b[i]) = (least, a[i]);
                }
            }
            Self::Shifted { shifts } => {
                b.assign(&a);
                let turn = |i: &usize| (slopes.margin[*i] * shifts[*i]).abs();
                let most = |best: usize, i: usize| if turn(&i) > turn(&best) { i } else { best };
                if let Some(i) = (0..shifts.len()).reduce(most) {
                    let way = -slopes.side * sign(slopes.margin[i]);
                    b[i] += way * shifts[i];
                }
            }
        }
        let is_anywhere = matches!(self, Self::Shifted { .. } | Self::Within { ball: Some(_), .. });
        if !is_anywhere {
            b.iter_mut().enumerate().for_each(|(i, b)| {
                *b = clipped(*b, boxes.far[0][i], boxes.far[1][i]);
            });
        }
    }
}

/// The largest share of the gaps that lies in the ball of these radii, at most 1.
fn shrunk<F: NdFloat>(gaps: &[F], radii: &[F], norm: Norm) -> F {
    let ratios = gaps.iter().zip(radii).filter(|(_, radius)| **radius > F::zero());
    let ratios = ratios.map(|(gap, radius)| (*gap / *radius).abs());
    let length = match norm {
        Norm::Linf => ratios.fold(F::zero(), F::max),
        Norm::L1 => ratios.fold(F::zero(), |sum, ratio| sum + ratio),
        Norm::L2 => ratios.fold(F::zero(), |sum, ratio| sum + ratio * ratio).sqrt(),
    };
    if length > F::one() { F::one() / length } else { F::one() }
}

fn along<F: NdFloat>(slope: F, side: F) -> F {
    float::<F>(STEP) * side * sign(slope)
}

/// The sign; 0 of 0 and of what is not a number.
pub(super) fn sign<F: NdFloat>(x: F) -> F {
    if x > F::zero() {
        F::one()
    } else if x < F::zero() {
        -F::one()
    } else {
        F::zero()
    }
}

pub(super) fn clipped<F: NdFloat>(x: F, lo: F, hi: F) -> F {
    x.max(lo).min(hi)
}
