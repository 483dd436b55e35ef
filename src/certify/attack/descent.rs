//! Attacks on claims about single points. Networks: sign-gradient descent on the margin of violation
//! (projected gradient descent, Madry et al. 2018). Ensembles: random points.

use rand_chacha::ChaCha8Rng;

use crate::model::{Family, Model, Point};
use crate::spec::{Claim, Obligation};

use super::excess::excess;
use super::space::{FloatBox, slopes};
use crate::certify::Searcher;

/// Steps per descent.
const STEPS: usize = 12;

/// Descends from the row and from random starts until something looks like a violation.
pub(super) fn descend(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    start: Vec<f64>,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<f64>> {
    let model = searcher.subject.model.0;
    let is_hit = |point: &[f64]| {
        excess(searcher, obligation, point) <= 0.0
            && Point::from_floats(point).is_some_and(|p| obligation.region.contains(&p))
    };
    if is_hit(&start) {
        return Some(start);
    }
    for attempt in 0..=searcher.options.attack_starts {
        let mut point = if attempt == 0 { start.clone() } else { space.random(rng) };
        let Family::Mlp(mlp) = &model.family else {
            if is_hit(&point) {
                return Some(point);
            }
            continue;
        };
        let towards = downhill(obligation, model)?;
        for step in 0..STEPS {
            let gradient = slopes(mlp, &model.schema.standardise(&point), &towards);
            let share = 0.5 * (1.0 - step as f64 / STEPS as f64) + 0.02;
            for (index, slope) in gradient.iter().enumerate() {
                let width = space.hi()[index] - space.lo()[index];
                // raw and standardised slopes have the same sign
                point[index] -= share * width * if *slope == 0.0 { 0.0 } else { slope.signum() };
            }
            space.clip(&mut point);
            if is_hit(&point) {
                return Some(point);
            }
        }
    }
    None
}

/// The row of logits whose decrease leads to a violation: the label's logit less the mean of the others.
fn downhill(obligation: &Obligation, model: &Model) -> Option<Vec<f64>> {
    let label = match &obligation.claim {
        Claim::Label { label } | Claim::Posterior { label, .. } => *label,
        Claim::Fuzz { .. } => 1,
        Claim::Monotone { .. } | Claim::Avoid { .. } => return None,
        Claim::Near { .. } | Claim::Lipschitz { .. } | Claim::AllPairs { .. } => return None,
        Claim::Stable { .. } | Claim::Confident { .. } => return None,
    };
    let share = -1.0 / (model.classes - 1) as f64;
    Some((0..model.classes).map(|class| if class == label { 1.0 } else { share }).collect())
}
