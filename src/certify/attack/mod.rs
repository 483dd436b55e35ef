//! Attacks: points that look like counterexamples in floats. The kernel evaluates them exactly. A claim
//! that no attack refutes still needs a proof.
//!
//! Every kind of claim has its own attack, made of moves in a box of floats; [`crate::violation`] says by how
//! much the claim fails at a point, and in which direction more. This file chooses the attack by the claim.

mod answers;
mod boundary;
mod descent;
mod gates;
mod monotone;
mod nearby;
mod newton;
mod reach;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::model::{Part, Point, Row};
use crate::spec::{Aim, Claim, Obligation, RawRegion};
use crate::violation::{BoundaryClaim, FloatBox, PointClaim};

use crate::certify::Searcher;

pub(super) use reach::unsafe_points;

/// A few promising sets of points to offer as counterexamples.
pub(super) fn candidates(searcher: &Searcher, obligation: &Obligation) -> Vec<Vec<Vec<String>>> {
    let mut rng = generator(searcher, obligation.at as u64);
    let space = FloatBox::new(&obligation.region);
    let start = match searcher.lowered.row_of(obligation.at) {
        Some(row) => searcher.rows[row].values.clone(),
        None => space.middle(),
    };
    if let Some((defense, _)) = searcher.subject.defense
        && obligation.claim.pair().is_some_and(|pair| !matches!(pair.aim, Aim::Order { .. }))
    {
        let found = answers::pairs((searcher, defense), obligation, &space, &mut rng);
        return found.iter().map(|points| texts(points)).collect();
    }
    let found = match &obligation.claim {
        Claim::Avoid { copies, .. } => {
            let blocks = searcher.blocks();
            return reach::candidates(searcher, obligation, *copies, blocks, 0..=0, &mut rng);
        }
        Claim::AllPairs { .. } => None,
        Claim::Label { .. } | Claim::Posterior { .. } => {
            descent::descend(searcher, obligation, &space, start, &mut rng).map(|point| vec![point])
        }
        Claim::Pair(pair) => match &pair.aim {
            // an ensemble has no gradient to climb; its search finds pairs
            Aim::Close { .. } if searcher.network().is_none() => None,
            Aim::Close { .. } | Aim::Lipschitz { .. } => {
                nearby::steepest(searcher, obligation, &space, &mut rng)
            }
            Aim::Stays(_) => None,
            Aim::Order { .. } => {
                let found = monotone::walks(searcher, obligation, &space, &mut rng);
                return found.iter().map(|points| texts(points)).collect();
            }
            Aim::Flip { .. } => {
                let mut point = descent::descend(searcher, obligation, &space, start, &mut rng);
                if point.is_none() && searcher.lowered.row_of(obligation.at).is_none() {
                    point = boundary::barely_confident(searcher, obligation, &space, &mut rng);
                }
                point.and_then(|point| witness(searcher, &obligation.claim, point))
            }
        },
    };
    found.map(|points| texts(&points)).into_iter().collect()
}

/// A longer attack for obligations that the cheap rules leave open; networks only.
pub(super) fn insist(searcher: &Searcher, obligation: &Obligation) -> Option<Vec<Vec<String>>> {
    // use other places than the first attack
    let mut rng = generator(searcher, u64::MAX - obligation.at as u64);
    let found = match &obligation.claim {
        Claim::Avoid { .. } => return reach::insist(searcher, obligation, &mut rng),
        Claim::Label { .. } | Claim::Posterior { .. } | Claim::AllPairs { .. } => None,
        Claim::Pair(pair) => match &pair.aim {
            Aim::Flip { .. } => boundary::insist(searcher, obligation, &mut rng),
            Aim::Order { .. } => monotone::insist(searcher, obligation, &mut rng),
            Aim::Close { .. } | Aim::Lipschitz { .. } | Aim::Stays(_) => None,
        },
    };
    found.map(|points| texts(&points))
}

/// Rows to start from: the row of the obligation, else the training rows if they have the model's features.
fn known_rows<'a>(searcher: &Searcher<'a>, obligation: &Obligation) -> &'a [Row] {
    let Searcher { subject, rows, .. } = searcher;
    match (searcher.lowered.row_of(obligation.at), subject.data) {
        (Some(row), _) => &rows[row..=row],
        (None, Some(data)) if data.check_features(&subject.model.0.schema).is_ok() => {
            data.part(Part::Train)
        }
        (None, _) => &[],
    }
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
    let middle = space.middle();
    let pair = match obligation.claim.pair().map(|pair| &pair.aim) {
        Some(Aim::Order { .. }) => Some(monotone::across(searcher, obligation, &space)),
        Some(Aim::Close { .. } | Aim::Lipschitz { .. }) => {
            Some(nearby::across(searcher, obligation, &middle))
        }
        Some(Aim::Flip { .. } | Aim::Stays(_)) | None => None,
    };
    if let Some(found) = pair {
        return found.map(|points| texts(&points)).into_iter().collect();
    }
    let Some(claim) = PointClaim::of(&obligation.claim, model.classes) else { return Vec::new() };
    let corner = corner.map(|z| space.nearest(&model.schema, z));
    let points = std::iter::once(middle).chain(corner);
    let hits = points.filter(|point| is_hit(searcher, &claim, point));
    let witnesses = hits.filter_map(|point| witness(searcher, &obligation.claim, point));
    witnesses.map(|points| texts(&points)).collect()
}

/// True if a raw point looks like a violation; the kernel decides.
pub(super) fn is_hit(searcher: &Searcher, claim: &PointClaim, raw: &[f64]) -> bool {
    let is_worth_a_look = match claim {
        PointClaim::Label(_) => true,
        PointClaim::Boundary(claim) => claim.seems_near(searcher.subject.model.0, raw),
    };
    is_worth_a_look && is_violation(searcher, claim, raw)
}

/// The same, however far slopes say that it is from one.
fn is_violation(searcher: &Searcher, claim: &PointClaim, raw: &[f64]) -> bool {
    let defense = searcher.subject.defense.map(|(defense, _)| defense);
    claim.at(searcher.subject.model.0, defense, raw) >= 0.0
}

/// The points shown to the kernel for a point that looks like a violation; for the boundary property with
/// zone `ball` also its partner.
fn witness(searcher: &Searcher, claim: &Claim, point: Vec<f64>) -> Option<Vec<Vec<f64>>> {
    match BoundaryClaim::of(claim) {
        Some(claim) if claim.is_ball() => {
            let partner = claim.partner(searcher.subject.model.0, &point)?;
            Some(vec![point, partner])
        }
        Some(_) | None => Some(vec![point]),
    }
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
    if let (Some(partners), Some(claim)) = (partners, BoundaryClaim::of(&obligation.claim)) {
        let middles = [region, partners].map(|part| FloatBox::new(part).middle());
        let pair = claim.towards(searcher.subject.model.0, middles);
        found.extend(pair.map(|points| texts(&points)));
    }
    found
}

/// Points as text, in the format of a certificate.
fn texts(points: &[Vec<f64>]) -> Vec<Vec<String>> {
    points.iter().map(|point| Point::texts(point)).collect()
}
