//! Attacks: points that look like counterexamples in floats. The kernel evaluates them exactly. A claim
//! that no attack refutes still needs a proof.
//!
//! Every kind of claim has its own attack, made of moves in a `space` of floats. Attacks on single points
//! ask `excess` by how much the claim holds at a point; for the boundary property it looks around in the
//! `zone` of the point. This file chooses the attack by the claim.

mod boundary;
mod descent;
mod excess;
mod monotone;
mod nearby;
mod reach;
mod space;
mod zone;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::model::Point;
use crate::spec::{Claim, Obligation, RawRegion};

use crate::certify::Searcher;

pub(super) use excess::excess;
pub(super) use reach::unsafe_points;
pub(super) use space::{FloatBox, slopes};

/// A few promising sets of points to offer as counterexamples.
pub(super) fn candidates(searcher: &Searcher, obligation: &Obligation) -> Vec<Vec<Vec<String>>> {
    let mut rng = generator(searcher, obligation.at as u64);
    let space = FloatBox::new(&obligation.region);
    let start = match searcher.lowered.row_of(obligation.at) {
        Some(row) => searcher.rows[row].values.clone(),
        None => space.middle(),
    };
    let found = match &obligation.claim {
        Claim::Avoid { copies, .. } => {
            let blocks = searcher.blocks();
            return reach::candidates(searcher, obligation, *copies, blocks, 0..=0, &mut rng);
        }
        Claim::AllPairs { .. } | Claim::Stable { .. } | Claim::Confident { .. } => None,
        // an ensemble has no gradient to climb; its search finds pairs
        Claim::Near { .. } if searcher.network().is_none() => None,
        Claim::Near { .. } | Claim::Lipschitz { .. } => {
            nearby::steepest(searcher, obligation, &space, &mut rng)
        }
        Claim::Monotone { feature, direction, .. } => {
            monotone::walk(searcher, obligation, &space, feature.0, *direction, &mut rng)
        }
        Claim::Label { .. } | Claim::Posterior { .. } => {
            descent::descend(searcher, obligation, &space, start, &mut rng).map(|point| vec![point])
        }
        Claim::Fuzz { .. } => {
            let mut point = descent::descend(searcher, obligation, &space, start, &mut rng);
            if point.is_none() && searcher.lowered.row_of(obligation.at).is_none() {
                point = boundary::barely_confident(searcher, obligation, &space, &mut rng);
            }
            let model = searcher.subject.model.0;
            point.and_then(|point| zone::witness(model, &obligation.claim, point))
        }
    };
    found.map(|points| texts(&points)).into_iter().collect()
}

/// A longer attack for obligations that the cheap rules leave open; networks only.
pub(super) fn insist(searcher: &Searcher, obligation: &Obligation) -> Option<Vec<Vec<String>>> {
    // use other places than the first attack
    let mut rng = generator(searcher, u64::MAX - obligation.at as u64);
    let found = match &obligation.claim {
        Claim::Avoid { .. } => return reach::insist(searcher, obligation, &mut rng),
        Claim::Fuzz { .. } => boundary::insist(searcher, obligation, &mut rng),
        Claim::Monotone { .. } => monotone::insist(searcher, obligation, &mut rng),
        Claim::Label { .. } | Claim::Posterior { .. } => None,
        Claim::Near { .. } | Claim::Lipschitz { .. } | Claim::AllPairs { .. } => None,
        Claim::Stable { .. } | Claim::Confident { .. } => None,
    };
    found.map(|points| texts(&points))
}

/// The random numbers of one attack; they depend only on the seed and `stream`.
fn generator(searcher: &Searcher, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(searcher.options.seed);
    rng.set_stream(stream);
    rng
}

/// Points of a region that look like counterexamples: its middle and the point `corner`
/// (standardised). For claims about two points, a step across its middle.
pub(super) fn candidates_in(
    searcher: &Searcher,
    obligation: &Obligation,
    region: &RawRegion,
    corner: Option<&[f64]>,
) -> Vec<Vec<Vec<String>>> {
    let model = searcher.subject.model.0;
    let space = FloatBox::new(region);
    if let Claim::Monotone { .. } = &obligation.claim {
        let found = monotone::across(searcher, obligation, &space);
        return found.map(|points| texts(&points)).into_iter().collect();
    }
    let middle = space.middle();
    if let Claim::Near { .. } | Claim::Lipschitz { .. } = &obligation.claim {
        let found = nearby::across(searcher, obligation, &middle);
        return found.map(|points| texts(&points)).into_iter().collect();
    }
    let corner = corner.map(|z| space.nearest(&model.schema, z));
    let points = std::iter::once(middle).chain(corner);
    let hits = points.filter(|point| excess(searcher, obligation, point) <= 0.0);
    let is_pair = matches!(obligation.claim, Claim::Fuzz { .. });
    let witness = |point| match is_pair {
        true => zone::witness(model, &obligation.claim, point),
        false => Some(vec![point]),
    };
    let witnesses = hits.filter_map(witness);
    witnesses.map(|points| texts(&points)).collect()
}

/// Points of a region that look like violations of the boundary property. With `partners`, also a pair
/// whose second point is sought towards that box.
pub(super) fn boundary_points(
    searcher: &Searcher,
    obligation: &Obligation,
    region: &RawRegion,
    partners: Option<&RawRegion>,
) -> Vec<Vec<Vec<String>>> {
    let mut found = candidates_in(searcher, obligation, region, None);
    if let Some(partners) = partners {
        let middles = [region, partners].map(|part| FloatBox::new(part).middle());
        let pair = zone::towards(searcher.subject.model.0, &obligation.claim, middles);
        found.extend(pair.map(|points| texts(&points)));
    }
    found
}

/// Points as text, in the format of a certificate.
fn texts(points: &[Vec<f64>]) -> Vec<Vec<String>> {
    points.iter().map(|point| Point::texts(point)).collect()
}
