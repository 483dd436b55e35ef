//! The boundary property of networks: points that violate it, and boxes.
//!
//! A point that violates it is confident, `|m| >= μ`, and has another label within Δ. Both are likeliest
//! just above `m = ±μ`, so points are moved there. Boxes are cut in the middle of the input that moves
//! the margin most, until the kernel's cheap rules close every box, a box holds a counterexample, or the
//! budget ends.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::certificate::{Cut, Leaf, Proof, SplitTree, Step, Verdict};
use crate::interval::Rational;
use crate::model::{Family, Model};
use crate::spec::{Claim, Norm, Obligation, RawRegion, Zone};

use super::Searcher;
use super::branch::Found;
use super::nearby::{descend, raw_slopes};
use super::refute::{FloatBox, candidates_in, excess, slopes, texts};

/// With more inputs that can move than this, a search ends early where it is hopeless.
const FEW_INPUTS: usize = 10;
/// Cases that are looked at in any event.
const FIRST_CASES: u64 = 32;
/// Hopeless is a search that at its pace would need so many times the budget.
const HOPELESS: f64 = 4.0;
/// Deepest path that is tried.
const MAX_DEPTH: usize = 100;
/// Places that are moved to where the network is barely confident.
const PLACES: usize = 24;
/// Newton steps of a move.
const STEPS: usize = 6;
/// Steps inside the ball zone.
const ZONE_STEPS: usize = 4;

/// A longer attack, for what the cheap rules leave open; networks only.
pub(super) fn insist(searcher: &Searcher, obligation: &Obligation) -> Option<Vec<Vec<String>>> {
    let mut rng = ChaCha8Rng::seed_from_u64(searcher.options.seed);
    rng.set_stream(u64::MAX - obligation.at as u64);
    let space = FloatBox::new(&obligation.region);
    let point = barely_confident(searcher, obligation, &space, &mut rng)?;
    let points = witness(searcher.subject.model.0, &obligation.claim, point)?;
    Some(texts(&points))
}

/// A point that is barely confident and looks like a violation; networks only.
pub(super) fn barely_confident(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<f64>> {
    let model = searcher.subject.model.0;
    let Claim::Fuzz { margin, .. } = &obligation.claim else { return None };
    if !matches!(model.family, Family::Mlp(_)) {
        return None;
    }
    let target = margin.above.up() * (1.0 + 1e-6);
    for place in 0..PLACES {
        let start = if place == 0 { space.middle() } else { space.random(rng) };
        for target in [target, -target] {
            let mut point = start.clone();
            for _ in 0..STEPS {
                descend(model, space, &mut point, target);
                if excess(searcher, obligation, &point) <= 0.0 {
                    return Some(point);
                }
            }
        }
    }
    None
}

/// What the kernel is shown of a point that looks like a violation: with zone `ball` also the point
/// of the other label.
pub(super) fn witness(model: &Model, claim: &Claim, point: Vec<f64>) -> Option<Vec<Vec<f64>>> {
    let Claim::Fuzz { zone, .. } = claim else { return None };
    match zone {
        Zone::Axis => Some(vec![point]),
        Zone::Ball => {
            let other = flip(model, &point, claim)?;
            Some(vec![point, other])
        }
    }
}

/// A point of the zone with another label, in floats: one shift away along an axis or, in a ball,
/// where the margin falls.
pub(super) fn flip(model: &Model, raw: &[f64], claim: &Claim) -> Option<Vec<f64>> {
    let Claim::Fuzz { shifts, zone, zone_norm, .. } = claim else { return None };
    let label = model.label(raw);
    let is_flipped = |moved: &Vec<f64>| model.label(moved) != label;
    if *zone == Zone::Ball
        && let Some(moved) = inside_ball(model, raw, shifts, *zone_norm).find(is_flipped)
    {
        return Some(moved);
    }
    let mut moves = shifts.iter().enumerate().flat_map(|(index, shift)| {
        // rounded towards the point, so that it stays within Δ
        let reach = shift.down();
        [(index, raw[index] + reach, 1.0), (index, raw[index] - reach, -1.0)]
    });
    moves.find_map(|(index, end, sign)| {
        let mut moved = raw.to_vec();
        let is_beyond = (end - raw[index]).abs() > shifts[index].down();
        moved[index] = match (is_beyond, sign > 0.0) {
            (false, _) => end,
            (true, true) => end.next_down(),
            (true, false) => end.next_up(),
        };
        is_flipped(&moved).then_some(moved)
    })
}

/// Points at distance Δ, less what rounding may add, each where the slopes at the one before it make
/// |m| least if they stay as they are.
fn inside_ball<'a>(
    model: &'a Model,
    raw: &'a [f64],
    shifts: &'a [Rational],
    norm: Norm,
) -> impl Iterator<Item = Vec<f64>> + 'a {
    let reach: Vec<f64> = shifts.iter().map(|shift| shift.down() * (1.0 - 1e-9)).collect();
    let sign = if model.margin(raw) > 0.0 { -1.0 } else { 1.0 };
    let is_network = matches!(model.family, Family::Mlp(_));
    let next = move |from: &Vec<f64>| {
        let slopes = raw_slopes(model, from);
        let gains: Vec<f64> = slopes.iter().zip(&reach).map(|(g, r)| sign * g * r).collect();
        let length = gains.iter().map(|gain| gain * gain).sum::<f64>().sqrt();
        let most = gains.iter().fold(0.0, |top: f64, gain| top.max(gain.abs()));
        let share = |gain: f64| match norm {
            Norm::Linf => gain.signum(),
            Norm::L2 => gain / length,
            Norm::L1 => {
                if gain.abs() == most {
                    gain.signum()
                } else {
                    0.0
                }
            }
        };
        let moved = raw.iter().zip(&gains).zip(&reach);
        (most > 0.0).then(|| moved.map(|((x, gain), r)| x + share(*gain) * r).collect())
    };
    let first = is_network.then(|| raw.to_vec());
    std::iter::successors(first, next).skip(1).take(ZONE_STEPS)
}

/// A split proof or a counterexample; networks only.
pub(super) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let mut nodes = 0;
    let proof = cut(searcher, obligation, &mut nodes);
    Found { proof, nodes }
}

/// Halves boxes, depth first, until all are closed.
fn cut(searcher: &Searcher, obligation: &Obligation, nodes: &mut u64) -> Option<Proof> {
    let schema = &searcher.subject.model.0.schema;
    let budget = searcher.options.budget_nodes;
    let free = obligation.region.sides().iter().filter(|(low, high)| low < high).count();
    let mut stack = vec![(obligation.region.clone(), 0)];
    let mut steps = Vec::new();
    // the share of the region that is closed, each cut counted as a half
    let mut closed = 0.0;
    while let Some((part, depth)) = stack.pop() {
        *nodes += 1;
        if *nodes > budget || depth > MAX_DEPTH || searcher.is_late() {
            return None;
        }
        // cases for the whole region at this pace; infinite while nothing is closed
        let needed = *nodes as f64 / closed;
        if free > FEW_INPUTS && *nodes > FIRST_CASES && needed > HOPELESS * budget as f64 {
            return None;
        }
        if part.is_empty() || searcher.kernel.is_fuzz_closed(&obligation.claim, &part) {
            closed += 0.5_f64.powi(depth as i32);
            steps.push(Step::Leaf { leaf: Leaf::Fuzz, refresh: None, hint: None });
            continue;
        }
        for points in candidates_in(searcher, obligation, &part, None) {
            let proof = Proof::Counterexample { points };
            if let Ok(Verdict::Refuted(_)) = searcher.kernel.check(obligation.at, &proof) {
                return Some(proof);
            }
        }
        let (feature, at) = middle(searcher, &part)?;
        let (low, high) = part.halved(schema, feature, at, true)?;
        steps.push(Step::Cut { cut: Cut::Input { copy: 0, feature, at }, refresh: None });
        stack.push((high, depth + 1));
        stack.push((low, depth + 1));
    }
    SplitTree::new(steps).map(|tree| Proof::Split { tree, hints: Vec::new() })
}

/// The input whose slope in the middle times width is largest, and the middle of its side.
fn middle(searcher: &Searcher, part: &RawRegion) -> Option<(usize, f64)> {
    let (schema, mlp) = (&searcher.subject.model.0.schema, searcher.mlp.as_deref()?);
    let region = part.standardised(schema)?;
    let point = schema.standardise(&FloatBox::new(part).middle());
    let gradient = slopes(mlp, &point, &[-1.0, 1.0]);
    let widths: Vec<f64> = region.sides().iter().map(|side| side.hi() - side.lo()).collect();
    let steepest = gradient.iter().fold(0.0, |top: f64, g| top.max(g.abs()));
    // a flat side may still keep the neurons open
    let gain = |i: usize| widths[i] * (gradient[i].abs() + 1e-3 * steepest + 1e-9);
    let best = (0..widths.len()).max_by(|&a, &b| gain(a).total_cmp(&gain(b)).then(b.cmp(&a)))?;
    let side = region.sides()[best];
    let at = side.lo() + widths[best] / 2.0;
    (side.lo() < at && at < side.hi()).then_some((best, at))
}
