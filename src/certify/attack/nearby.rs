//! Attacks on claims about two points: steep places, and a step across each.
//!
//! A point is moved along the gradient to a place with `m` about 0, where posteriors are steepest. The
//! two candidates lie half a step to either side; the step goes in every coordinate as far as the claim
//! allows. For two boxes, the points are moved apart inside each box, and each point climbs on its own.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::interval::Rational;
use crate::model::{Model, Part};
use crate::spec::{Aim, Bonds, Obligation, On, Pair, Regions};
use crate::violation::{FloatBox, LipschitzClaim, NearClaim, margin_slopes};

use super::newton::step_towards;
use crate::certify::Searcher;

/// Number of places to try.
const PLACES: usize = 24;
/// Steps towards the boundary.
const STEPS: usize = 6;
/// Ascent steps of both points.
const ASCENT: usize = 12;
/// Distances by which two points are moved apart inside their boxes, in widths of the sides.
const SHARES: [f64; 4] = [0.0, 1e-3, 0.05, 0.5];

/// The pair of points that violates the claim most, in floats; `None` if no pair met violates it.
pub(super) fn steepest(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<Vec<f64>>> {
    let best = most_apart(searcher, obligation, space, rng);
    best.filter(|(excess, _)| *excess >= 0.0).map(|(_, pair)| pair)
}

/// The pair of points that comes nearest to violating the claim, or violates it most.
pub(super) fn farthest(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Option<[Vec<f64>; 2]> {
    most_apart(searcher, obligation, space, rng).and_then(|(_, pair)| pair.try_into().ok())
}

fn most_apart(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Option<(f64, Vec<Vec<f64>>)> {
    let model = searcher.subject.model.0;
    let known = searcher.subject.data.map_or(&[][..], |data| data.part(Part::Train));
    let place = |index: usize, rng: &mut ChaCha8Rng| {
        if index.is_multiple_of(2) && !known.is_empty() {
            let mut point = known[rng.random_range(0..known.len())].values.clone();
            space.clip(&mut point);
            point
        } else {
            space.random(rng)
        }
    };
    let ground = NearbyClaim::new(obligation)?;
    let mut best = ground.pull_apart(model);
    for index in 0..PLACES {
        let mut point = if index == 0 { space.middle() } else { place(index, rng) };
        for step in 0..STEPS {
            if step > 0 {
                step_towards(model, space, &mut point, 0.0);
            }
            let Some((excess, pair)) = ground.step_across(model, &point) else { continue };
            if best.as_ref().is_none_or(|(most, _)| excess > *most) {
                best = Some((excess, pair));
            }
        }
    }
    best
}

/// The step across one place, if it looks like a violation.
pub(super) fn across(
    searcher: &Searcher,
    obligation: &Obligation,
    point: &[f64],
) -> Option<Vec<Vec<f64>>> {
    let found = NearbyClaim::new(obligation)?.step_across(searcher.subject.model.0, point);
    found.filter(|(excess, _)| *excess >= 0.0).map(|(_, pair)| pair)
}

/// A claim about two points and the boxes to move them in, for many places.
enum NearbyClaim {
    /// Two points of one region, less than `reach` apart in each coordinate.
    Near { space: FloatBox, reach: Vec<f64>, claim: NearClaim },
    /// One point in each box.
    Lipschitz { spaces: [FloatBox; 2], claim: LipschitzClaim },
}

impl NearbyClaim {
    /// Returns `None` for other claims.
    fn new(obligation: &Obligation) -> Option<Self> {
        let Pair { bonds, regions, aim } = obligation.claim.pair()?;
        Some(match (bonds, regions, aim) {
            (Bonds::Within { reach, .. }, _, Aim::Close { on, .. }) => {
                let is_whole = obligation.region.is_whole();
                // a little less than ε, so that it stays strictly less after rounding
                let step = |(reach, is_whole): (&Rational, &bool)| match (is_whole, on) {
                    (false, _) => reach.down() * (1.0 - 2e-9),
                    (true, On::Score) => reach.down().floor(),
                    (true, On::Posterior) => reach.up().ceil() - 1.0,
                };
                Self::Near {
                    space: FloatBox::new(&obligation.region),
                    reach: reach.iter().zip(is_whole).map(step).collect(),
                    claim: NearClaim::of(&obligation.claim)?,
                }
            }
            (_, Regions::Each(boxes), Aim::Lipschitz { .. }) => Self::Lipschitz {
                spaces: boxes.each_ref().map(FloatBox::new),
                claim: LipschitzClaim::of(&obligation.claim)?,
            },
            _ => return None,
        })
    }

    /// Sign-gradient ascent on `‖F(a) − F(b)‖₂ − L·‖a − b‖`, each point in its own box. Tries both signs,
    /// from the middles and from the ends that face each other.
    fn pull_apart(&self, model: &Model) -> Option<(f64, Vec<Vec<f64>>)> {
        let Self::Lipschitz { spaces, claim } = self else { return None };
        let climbed = claim.in_l2();
        let middles = spaces.each_ref().map(FloatBox::middle);
        let mut facing = [middles[1].clone(), middles[0].clone()];
        facing.iter_mut().zip(spaces).for_each(|(point, space)| space.clip(point));
        let mut best: Option<(f64, Vec<Vec<f64>>)> = None;
        for start in [middles, facing] {
            for sign in [1.0, -1.0] {
                let mut pair = start.clone();
                for step in 0..ASCENT {
                    let excess = claim.at(model, [&pair[0], &pair[1]]);
                    if best.as_ref().is_none_or(|(most, _)| excess > *most) {
                        best = Some((excess, pair.to_vec()));
                    }
                    let share = 0.5 * (1.0 - step as f64 / ASCENT as f64);
                    let slopes = climbed.slopes(model, [&pair[0], &pair[1]], sign);
                    for ((point, space), slopes) in pair.iter_mut().zip(spaces).zip(&slopes) {
                        move_along(space, point, slopes, share);
                    }
                }
            }
        }
        best
    }

    /// Two points around `point`, and the amount by which they violate the claim.
    fn step_across(&self, model: &Model, point: &[f64]) -> Option<(f64, Vec<Vec<f64>>)> {
        let gradient = margin_slopes(model, point);
        match self {
            Self::Near { space, reach, claim } => {
                // a whole step is not reduced: half of it would not be whole
                let moved = |sign: f64| {
                    let coordinate = |(i, &x): (usize, &f64)| {
                        let share = match (space.is_whole()[i], sign > 0.0) {
                            (false, _) => 0.5,
                            (true, true) => 1.0,
                            (true, false) => 0.0,
                        };
                        x + sign * gradient[i].signum() * share * reach[i]
                    };
                    let mut moved: Vec<f64> = point.iter().enumerate().map(coordinate).collect();
                    space.clip(&mut moved);
                    moved
                };
                let [low, high] = [moved(-1.0), moved(1.0)];
                let excess = claim.by_scores([&model.scores(&low), &model.scores(&high)]).value;
                Some((excess, vec![low, high]))
            }
            Self::Lipschitz { spaces, claim } => {
                let nearest = |space: &FloatBox, sign: f64, share: f64| {
                    let sides = space.hi().iter().zip(space.lo());
                    let coordinates = point.iter().zip(sides).zip(&gradient);
                    let coordinate = |((x, (hi, lo)), slope): ((&f64, (&f64, &f64)), &f64)| {
                        x + sign * slope.signum() * share * (hi - lo)
                    };
                    let mut moved: Vec<f64> = coordinates.map(coordinate).collect();
                    space.clip(&mut moved);
                    moved
                };
                let pairs = SHARES.iter().flat_map(|&share| {
                    [1.0, -1.0].map(|sign| {
                        vec![nearest(&spaces[0], sign, share), nearest(&spaces[1], -sign, share)]
                    })
                });
                let scored = pairs.map(|pair| (claim.at(model, [&pair[0], &pair[1]]), pair));
                scored.max_by(|(a, _), (b, _)| a.total_cmp(b))
            }
        }
    }
}

/// Moves every coordinate of a point by `share` of its side, upwards where the slope is positive.
fn move_along(space: &FloatBox, point: &mut [f64], slopes: &[f64], share: f64) {
    for (i, slope) in slopes.iter().enumerate() {
        let width = space.hi()[i] - space.lo()[i];
        point[i] += if *slope == 0.0 { 0.0 } else { slope.signum() * share * width };
    }
    space.clip(point);
}
