//! The attack on the boundary property of networks.
//!
//! A violating point is confident, `|m| >= μ`, and has another label within Δ. Both are most likely
//! just above `m = ±μ`, so the attack moves points there.

use rand_chacha::ChaCha8Rng;

use crate::model::Family;
use crate::spec::Obligation;
use crate::violation::{BoundaryClaim, FloatBox, PointClaim};

use super::newton::step_towards;
use super::{is_hit, witness};
use crate::certify::Searcher;

/// Number of places that are moved to where the network is barely confident.
const PLACES: usize = 24;
/// Newton steps per move.
const STEPS: usize = 6;

/// A longer attack for obligations that the cheap rules leave open; networks only.
pub(super) fn insist(
    searcher: &Searcher,
    obligation: &Obligation,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<Vec<f64>>> {
    let space = FloatBox::new(&obligation.region);
    let point = barely_confident(searcher, obligation, &space, rng)?;
    witness(searcher, &obligation.claim, point)
}

/// A point that is barely confident and looks like a violation; networks only.
pub(super) fn barely_confident(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<f64>> {
    let model = searcher.subject.model.0;
    let claim = BoundaryClaim::of(&obligation.claim)?;
    if !matches!(model.family, Family::Mlp(_)) {
        return None;
    }
    let target = claim.mu() * (1.0 + 1e-6);
    let claim = PointClaim::Boundary(claim);
    for place in 0..PLACES {
        let start = if place == 0 { space.middle() } else { space.random(rng) };
        for target in [target, -target] {
            let mut point = start.clone();
            for _ in 0..STEPS {
                step_towards(model, space, &mut point, target);
            }
            // a look at every shift costs more than all steps
            if is_hit(searcher, &claim, &point) {
                return Some(point);
            }
        }
    }
    None
}
