//! The choice of the parameters of an interval rule on the paid points.
//!
//! ```text
//! for each setting (scale of the bound, level a = (1 − η)/K, T):
//!     infer every paid point from the others
//! of the settings with at least 3 inferences and accuracy >= 0.98, the one that infers most; else no inference
//! ```
//!
//! A searched scale is the width of a kernel, no property of the target.

use super::deviation::{AnsweredNeighbour, Deviation};
use super::interval::{IntervalRule, RuleName, nearest, share_of_ones};

/// Factors of the bound that are tried.
const SCALES: [f64; 10] = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0];
/// Chances of failure per level that are tried; 0.002 is η 0.9 with fifty levels.
const LEVELS: [f64; 5] = [0.002, 0.02, 0.1, 0.3, 0.5];
/// Lengths of an interval that are tried.
const THRESHOLDS: [f64; 4] = [0.3, 0.4, 0.5, 0.6];
/// Smallest accuracy of a setting.
const ACCURACY: f64 = 0.98;
/// Least inferences of a setting.
const INFERENCES: usize = 3;
/// Most paid points that are inferred from the others.
const MOST: usize = 500;

/// The nearest neighbours of a point, nearest first, each with its distance.
type Ordered<'p> = Vec<(f64, &'p AnsweredNeighbour)>;

/// The rule with the chosen parameters; `None` if no setting is good enough.
pub(super) fn tuned(
    given: &IntervalRule,
    deviation: &Deviation,
    paid: &[AnsweredNeighbour],
) -> Option<(IntervalRule, Deviation)> {
    let others = |at: usize| paid.iter().enumerate().filter(move |(k, _)| *k != at).map(|(_, p)| p);
    let held_out: Vec<(&AnsweredNeighbour, Ordered)> = paid
        .iter()
        .enumerate()
        .take(MOST)
        .map(|(at, point)| (point, nearest(deviation, others(at), &point.z, given.neighbours)))
        .collect();
    let share = share_of_ones(paid);
    let one = [1.0];
    let scales = if given.property.has_scale() { &SCALES[..] } else { &one[..] };
    let given_threshold = [given.threshold];
    let thresholds = match given.rule {
        RuleName::Length | RuleName::Endpoints => &THRESHOLDS[..],
        RuleName::Exclude => &given_threshold[..],
    };
    let mut best: Option<(usize, IntervalRule, Deviation)> = None;
    for &scale in scales {
        let scaled = deviation.scaled(scale);
        let bounded: Vec<(usize, Vec<(f64, f64)>)> = held_out
            .iter()
            .map(|(point, nearest)| {
                let bound = |(apart, neighbour): &(f64, &AnsweredNeighbour)| {
                    (neighbour.label as f64, scaled.bound(neighbour, &point.z, *apart))
                };
                (point.label, nearest.iter().map(bound).collect())
            })
            .collect();
        for level in LEVELS {
            for &threshold in thresholds {
                let eta = 1.0 - level * given.neighbours as f64;
                let rule = IntervalRule {
                    eta,
                    threshold,
                    property: given.property.scaled(scale),
                    ..given.clone()
                };
                let decided = bounded.iter().filter_map(|(label, neighbours)| {
                    rule.decide(rule.interval(neighbours), share).map(|found| found == *label)
                });
                let (inferred, right) =
                    decided.fold((0, 0), |(n, right), hit| (n + 1, right + usize::from(hit)));
                let is_good = inferred >= INFERENCES && right as f64 >= ACCURACY * inferred as f64;
                // the first of the best, so that ties depend on nothing else
                if is_good && best.as_ref().is_none_or(|(most, ..)| inferred > *most) {
                    best = Some((inferred, rule, scaled.clone()));
                }
            }
        }
    }
    best.map(|(_, rule, deviation)| (rule, deviation))
}
