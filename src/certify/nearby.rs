//! Attacks on claims about two points: steep places, and a step across each.
//!
//! A point is moved along the gradient to where `m` is about 0, which is where posteriors are steepest;
//! the two candidates lie half a step to either side, the step going in every coordinate as far as the
//! claim allows. For two boxes the points are moved apart inside each box.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::model::{Family, Model, Part};
use crate::spec::{Claim, Norm, Obligation, On, RawRegion};

use super::Searcher;
use super::refute::{FloatBox, slopes};

/// Places that are tried.
const PLACES: usize = 24;
/// Steps towards the boundary.
const STEPS: usize = 6;

/// The pair of points that violates the claim most, in floats.
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
    let mut best: Option<(f64, Vec<Vec<f64>>)> = None;
    for index in 0..PLACES {
        let mut point = if index == 0 { space.middle() } else { place(index, rng) };
        for step in 0..STEPS {
            if step > 0 {
                descend(model, space, &mut point, 0.0);
            }
            let Some((excess, pair)) = step_across(model, obligation, &point) else { continue };
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
    let found = step_across(searcher.subject.model.0, obligation, point);
    found.filter(|(excess, _)| *excess >= 0.0).map(|(_, pair)| pair)
}

/// A point that is barely confident, from which a step flips the label most easily; networks only.
pub(super) fn barely_confident(
    model: &Model,
    space: &FloatBox,
    confident: f64,
    rng: &mut ChaCha8Rng,
    is_hit: impl Fn(&[f64]) -> bool,
) -> Option<Vec<f64>> {
    if !matches!(model.family, Family::Mlp(_)) {
        return None;
    }
    let target = confident * (1.0 + 1e-6);
    for place in 0..PLACES {
        let start = if place == 0 { space.middle() } else { space.random(rng) };
        for target in [target, -target] {
            let mut point = start.clone();
            for _ in 0..STEPS {
                descend(model, space, &mut point, target);
                if is_hit(&point) {
                    return Some(point);
                }
            }
        }
    }
    None
}

/// One Newton step towards `m = target`, clipped.
fn descend(model: &Model, space: &FloatBox, point: &mut [f64], target: f64) {
    let (margin, gradient) = (model.margin(point), raw_slopes(model, point));
    let square: f64 = gradient.iter().map(|g| g * g).sum();
    if square > 0.0 {
        for (x, g) in point.iter_mut().zip(&gradient) {
            *x -= (margin - target) * g / square;
        }
        space.clip(point);
    }
}

/// `∂m/∂x`.
fn raw_slopes(model: &Model, point: &[f64]) -> Vec<f64> {
    let Family::Mlp(mlp) = &model.family else { return vec![0.0; point.len()] };
    let slopes = slopes(mlp, &model.schema.standardise(point), &[-1.0, 1.0]);
    slopes.iter().zip(model.schema.features()).map(|(g, f)| g * f64::from(f.scale)).collect()
}

/// Two points around `point`, and by how much they violate the claim.
fn step_across(
    model: &Model,
    obligation: &Obligation,
    point: &[f64],
) -> Option<(f64, Vec<Vec<f64>>)> {
    let gradient = raw_slopes(model, point);
    let towards = |sign: f64, index: usize| sign * gradient[index].signum();
    match &obligation.claim {
        Claim::Near { reach, bound, on } => {
            let is_whole = obligation.region.is_whole();
            let moved = |sign: f64| -> Vec<f64> {
                let coordinate = |(index, &x): (usize, &f64)| {
                    let reach = &reach[index];
                    let step = match (is_whole[index], sign > 0.0, on) {
                        // a little less than ε: also after rounding, and strictly
                        (false, ..) => reach.down() * (0.5 - 1e-9),
                        (true, true, On::Score) => reach.down().floor(),
                        (true, true, On::Posterior) => reach.up().ceil() - 1.0,
                        (true, false, _) => 0.0,
                    };
                    x + towards(sign, index) * step
                };
                point.iter().enumerate().map(coordinate).collect()
            };
            let space = FloatBox::new(&obligation.region);
            let [mut low, mut high] = [moved(-1.0), moved(1.0)];
            space.clip(&mut low);
            space.clip(&mut high);
            let bound = bound.down();
            let gap = match on {
                On::Score => (model.margin(&high) - model.margin(&low)).abs(),
                On::Posterior => apart(model, &high, &low),
            };
            Some((gap - bound, vec![low, high]))
        }
        Claim::Lipschitz { units, norm, constant, boxes } => {
            let nearest = |region: &RawRegion, sign: f64, share: f64| {
                let space = FloatBox::new(region);
                let widths = space.hi().iter().zip(space.lo());
                let widths: Vec<f64> = widths.map(|(hi, lo)| hi - lo).collect();
                let moved = point.iter().zip(&widths).enumerate();
                let mut moved: Vec<f64> =
                    moved.map(|(i, (x, w))| x + towards(sign, i) * share * w).collect();
                space.clip(&mut moved);
                moved
            };
            let shares = [0.0, 1e-3, 0.05, 0.5];
            let pairs = shares.iter().flat_map(|&share| {
                [1.0, -1.0].map(|sign| {
                    vec![nearest(&boxes[0], sign, share), nearest(&boxes[1], -sign, share)]
                })
            });
            let excess = |pair: &[Vec<f64>]| {
                let lengths = pair[0].iter().zip(&pair[1]).zip(units.iter());
                let lengths = lengths.map(|((a, b), unit)| (a - b).abs() / unit.down());
                let distance = match norm {
                    Norm::Linf => lengths.fold(0.0, f64::max),
                    Norm::L1 => lengths.sum(),
                    Norm::L2 => lengths.map(|l| l * l).sum::<f64>().sqrt(),
                };
                let gap = apart(model, &pair[0], &pair[1]);
                if gap > 0.0 { gap - constant.up() * distance } else { f64::NEG_INFINITY }
            };
            let scored = pairs.map(|pair| (excess(&pair), pair));
            scored.max_by(|(a, _), (b, _)| a.total_cmp(b))
        }
        _ => None,
    }
}

/// `‖F(a) − F(b)‖₂` in floats.
fn apart(model: &Model, a: &[f64], b: &[f64]) -> f64 {
    let (p, q) = (model.posterior(a), model.posterior(b));
    p.iter().zip(&q).map(|(p, q)| (p - q).powi(2)).sum::<f64>().sqrt()
}
