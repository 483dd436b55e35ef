//! Attacks on claims about single points. Networks: sign-gradient descent on the margin of violation
//! (projected gradient descent, Madry et al. 2018). Ensembles: random points.

use rand_chacha::ChaCha8Rng;

use crate::model::{Family, Point};
use crate::spec::Obligation;
use crate::violation::{FloatBox, PointClaim, contrast, slopes};

use super::{is_hit, is_violation};
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
    let claim = PointClaim::of(&obligation.claim, model.classes)?;
    let is_inside =
        |point: &[f64]| Point::from_floats(point).is_some_and(|p| obligation.region.contains(&p));
    let is_hit = |point: &[f64]| is_hit(searcher, &claim, point) && is_inside(point);
    // slopes at a start may be those of a flat place
    if is_violation(searcher, &claim, &start) && is_inside(&start) {
        return Some(start);
    }
    let row = downhill(&claim, model.classes);
    for attempt in 0..=searcher.options.attack_starts {
        let mut point = if attempt == 0 { start.clone() } else { space.random(rng) };
        let Family::Mlp(mlp) = &model.family else {
            if is_hit(&point) {
                return Some(point);
            }
            continue;
        };
        for step in 0..STEPS {
            let gradient = slopes(mlp, &model.schema.standardise(&point), &row);
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

/// The row of logits whose decrease leads to a violation.
fn downhill(claim: &PointClaim, classes: usize) -> Vec<f64> {
    let class = match claim {
        PointClaim::Label(claim) => claim.label(),
        // towards class 0, whatever side a start is on
        PointClaim::Boundary(_) => 1,
    };
    contrast(class, classes)
}
