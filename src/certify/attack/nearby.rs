//! Attacks on claims about two points: steep places, and a step across each.
//!
//! A point is moved along the gradient to a place with `m` about 0, where posteriors are steepest. The
//! two candidates lie half a step to either side; the step goes in every coordinate as far as the claim
//! allows. For two boxes, the points are moved apart inside each box, and each point climbs on its own.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::interval::Rational;
use crate::model::{Model, Part};
use crate::spec::{Claim, Norm, Obligation, On};

use super::space::{FloatBox, raw_slopes, step_towards};
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
    best.filter(|(excess, _)| *excess >= 0.0).map(|(_, pair)| pair)
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

/// A claim about two points in floats, for many places.
enum NearbyClaim {
    /// Two points of one region, less than `reach` apart in each coordinate.
    Near { space: FloatBox, reach: Vec<f64>, bound: f64, on: On },
    /// One point in each box; distances are divided by `units`.
    Lipschitz { spaces: [FloatBox; 2], units: Vec<f64>, norm: Norm, constant: f64 },
}

impl NearbyClaim {
    /// Returns `None` for other claims.
    fn new(obligation: &Obligation) -> Option<Self> {
        Some(match &obligation.claim {
            Claim::Near { reach, bound, on } => {
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
                    bound: bound.down(),
                    on: *on,
                }
            }
            Claim::Lipschitz { units, norm, constant, boxes } => Self::Lipschitz {
                spaces: boxes.each_ref().map(FloatBox::new),
                units: units.iter().map(Rational::down).collect(),
                norm: *norm,
                constant: constant.up(),
            },
            Claim::Label { .. } | Claim::Posterior { .. } | Claim::Fuzz { .. } => return None,
            Claim::Monotone { .. } | Claim::Avoid { .. } | Claim::AllPairs { .. } => return None,
            Claim::Stable { .. } | Claim::Confident { .. } => return None,
        })
    }

    /// Sign-gradient ascent on `‖F(a) − F(b)‖₂ − L·‖a − b‖`, each point in its own box. Tries both signs,
    /// from the middles and from the ends that face each other.
    fn pull_apart(&self, model: &Model) -> Option<(f64, Vec<Vec<f64>>)> {
        let Self::Lipschitz { spaces, units, .. } = self else { return None };
        let middles = spaces.each_ref().map(FloatBox::middle);
        let mut facing = [middles[1].clone(), middles[0].clone()];
        facing.iter_mut().zip(spaces).for_each(|(point, space)| space.clip(point));
        let mut best: Option<(f64, Vec<Vec<f64>>)> = None;
        for start in [middles, facing] {
            for sign in [1.0, -1.0] {
                let mut pair = start.to_vec();
                for step in 0..ASCENT {
                    let excess = self.excess(model, &pair);
                    if best.as_ref().is_none_or(|(most, _)| excess > *most) {
                        best = Some((excess, pair.clone()));
                    }
                    let share = 0.5 * (1.0 - step as f64 / ASCENT as f64);
                    pair = self.ascend(model, &pair, units, sign, share);
                }
            }
        }
        best
    }

    /// One step of both points, each coordinate by `share` of its side. `sign` is the wanted sign of
    /// `F₁(a) − F₁(b)`. The distance falls as in L2, whatever the norm of the claim.
    fn ascend(
        &self,
        model: &Model,
        pair: &[Vec<f64>],
        units: &[f64],
        sign: f64,
        share: f64,
    ) -> Vec<Vec<f64>> {
        let Self::Lipschitz { spaces, constant, .. } = self else { return pair.to_vec() };
        let along: Vec<f64> =
            pair[0].iter().zip(&pair[1]).zip(units).map(|((a, b), u)| (a - b) / (u * u)).collect();
        let differences = pair[0].iter().zip(&pair[1]).zip(&along);
        let distance = differences.map(|((a, b), d)| (a - b) * d).sum::<f64>().sqrt();
        let moved = |(index, point): (usize, &Vec<f64>)| {
            let sign = if index == 0 { sign } else { -sign };
            let p = model.posterior(point).last().copied().unwrap_or(0.0);
            let slopes = raw_slopes(model, point);
            let space = &spaces[index];
            let outward = if index == 0 { 1.0 } else { -1.0 };
            let coordinate = |(i, x): (usize, &f64)| {
                let rise = std::f64::consts::SQRT_2 * p * (1.0 - p) * sign * slopes[i];
                let run =
                    if distance > 0.0 { outward * constant * along[i] / distance } else { 0.0 };
                let gain = rise - run;
                let width = space.hi()[i] - space.lo()[i];
                x + if gain == 0.0 { 0.0 } else { gain.signum() * share * width }
            };
            let mut moved: Vec<f64> = point.iter().enumerate().map(coordinate).collect();
            space.clip(&mut moved);
            moved
        };
        pair.iter().enumerate().map(moved).collect()
    }

    /// `‖F(a) − F(b)‖₂ − L·‖a − b‖` in floats; −∞ if the answers are equal.
    fn excess(&self, model: &Model, pair: &[Vec<f64>]) -> f64 {
        let Self::Lipschitz { units, norm, constant, .. } = self else { return f64::NEG_INFINITY };
        let lengths = pair[0].iter().zip(&pair[1]).zip(units);
        let lengths = lengths.map(|((a, b), unit)| (a - b).abs() / unit);
        let distance = match norm {
            Norm::Linf => lengths.fold(0.0, f64::max),
            Norm::L1 => lengths.sum(),
            Norm::L2 => lengths.map(|l| l * l).sum::<f64>().sqrt(),
        };
        let gap = apart(model, &pair[0], &pair[1]);
        if gap > 0.0 { gap - constant * distance } else { f64::NEG_INFINITY }
    }

    /// Two points around `point`, and the amount by which they violate the claim.
    fn step_across(&self, model: &Model, point: &[f64]) -> Option<(f64, Vec<Vec<f64>>)> {
        let gradient = raw_slopes(model, point);
        match self {
            Self::Near { space, reach, bound, on } => {
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
                let gap = match on {
                    On::Score => (model.margin(&high) - model.margin(&low)).abs(),
                    On::Posterior => apart(model, &high, &low),
                };
                Some((gap - bound, vec![low, high]))
            }
            Self::Lipschitz { spaces, .. } => {
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
                let scored = pairs.map(|pair| (self.excess(model, &pair), pair));
                scored.max_by(|(a, _), (b, _)| a.total_cmp(b))
            }
        }
    }
}

/// `‖F(a) − F(b)‖₂` in floats.
fn apart(model: &Model, a: &[f64], b: &[f64]) -> f64 {
    let (p, q) = (model.posterior(a), model.posterior(b));
    p.iter().zip(&q).map(|(p, q)| (p - q).powi(2)).sum::<f64>().sqrt()
}
