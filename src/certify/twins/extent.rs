//! What stands beside claims about two points: by how much the score changes at most, how far it goes at
//! all, and whether any point is as confident as a claim supposes.

use std::sync::Arc;

use crate::certificate::{Proof, TwinBox, Verdict};
use crate::interval::Rational;
use crate::model::{Family, Point};
use crate::spec::{Claim, Confidence, Obligation, On, Threshold};

use super::super::{Options, Searcher};
use super::aim::Aim;
use super::question::Question;
use super::witness::Ground;
use super::{Grids, Means, prove, regions};

/// The most by which the score changes between two points that a claim binds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LargestChange {
    /// Some pair changes by at least this.
    pub least: f64,
    /// No pair changes by more, which the kernel has shown.
    pub most: f64,
    /// Whether both are the largest change, up to the rounding of `f64`; else the budget ended before.
    pub is_exact: bool,
    /// Boxes of pairs that were looked at.
    pub nodes: u64,
}

/// The largest change of an obligation about it (`small-neighborhood`, `stability`), whatever its bound;
/// `None` for other claims, or if the budget of nodes does not last.
pub(in crate::certify) fn largest_change(
    searcher: &Searcher,
    obligation: &Obligation,
) -> Option<LargestChange> {
    let mut on_score = obligation.clone();
    expect_change(&mut on_score, Rational::ZERO)?;
    widest(searcher, on_score)
}

/// How far the score goes over the whole region of an obligation about its change, from its least to its
/// greatest value: what bounds are to be compared with, since a small score changes little. `None` as for
/// [`largest_change`].
pub(in crate::certify) fn score_span(
    searcher: &Searcher,
    obligation: &Obligation,
) -> Option<LargestChange> {
    let mut all = obligation.clone();
    expect_change(&mut all, Rational::ZERO)?;
    let moved: Arc<[bool]> = vec![true; searcher.subject.model.0.schema.len()].into();
    let claim = Claim::Stable { moved, bound: Rational::ZERO, on: On::Score };
    all.sufficient = Some(claim.clone());
    all.claim = claim;
    widest(searcher, all)
}

/// Whether some point of the region has the confidence that an obligation speaks of (`high-confidence`,
/// `redundancy`): if none has, it holds emptily. `None` for other claims, or if the budget of nodes does
/// not last.
pub(in crate::certify) fn is_premise_met(
    searcher: &Searcher,
    obligation: &Obligation,
) -> Option<bool> {
    let Claim::Confident { scores, .. } = &obligation.claim else { return None };
    let grid = searcher.grid.as_ref()?;
    // a point that has the confidence violates this by itself: no score reaches the cutoff
    let beyond = Rational::from_f64(2.0 * grid.total() + 1.0)?;
    let cutoff = Threshold { below: beyond.clone(), above: beyond };
    let claim = Claim::Confident {
        moved: vec![false; searcher.subject.model.0.schema.len()].into(),
        partners: Arc::new(obligation.region.clone()),
        scores: Arc::new(Confidence { floor: scores.floor.clone(), cutoff }),
    };
    let alone = Obligation { sufficient: Some(claim.clone()), claim, ..obligation.clone() };
    let proof = prove(searcher, &alone, Means::All, &mut 0)?;
    match searcher.kernel.judge(alone, &proof) {
        Ok(Verdict::Refuted(_)) => Some(true),
        Ok(Verdict::Proved(_)) => Some(false),
        _ => None,
    }
}

fn exact_margin(searcher: &Searcher, point: &Point) -> Option<Rational> {
    match searcher.subject.model.0.exact_scores(point).as_slice() {
        [zero, one] => Some(one - zero),
        _ => None,
    }
}

/// The largest change that a claim about the score allows for.
fn widest(searcher: &Searcher, on_score: Obligation) -> Option<LargestChange> {
    let Family::Ensemble(ensemble) = &searcher.subject.model.0.family else { return None };
    let Options { budget_nodes: budget, seed, .. } = searcher.options;
    let claim = on_score.sufficient.as_ref()?;
    let questions = searcher.kernel.questions(&on_score)?;
    let pairing = questions.pairings().into_iter().next()?;
    let root = pairing.root()?;
    let grids = Grids::new(ensemble, searcher.lowered.is_whole(), claim);
    let question = Question::new(ensemble, &grids, (pairing, root), Aim::of(claim)?)?;
    let ground = Ground { grids: grids.both(), regions: regions(&on_score, claim) };
    let change = |here: &TwinBox| {
        let margin = |x: &Vec<f64>| exact_margin(searcher, &Point::from_floats(x)?);
        let [a, b] = ground.pair(here, None);
        Some((&margin(&a)? - &margin(&b)?).abs())
    };
    let shown = |most: &Rational, proof: &Proof| {
        let mut at_most = on_score.clone();
        expect_change(&mut at_most, most.clone())?;
        matches!(searcher.kernel.judge(at_most, proof), Ok(Verdict::Proved(_))).then(|| most.up())
    };
    let mut nodes = 0;
    // parts get what the search of all trees together leaves; it ends early or not at all
    let (here, is_largest) = question.search().largest(root, budget / 4, &mut nodes);
    if is_largest {
        let exact = change(&here)?;
        let mut at_most = on_score.clone();
        expect_change(&mut at_most, exact.clone())?;
        let proof = prove(searcher, &at_most, Means::Together, &mut nodes)?;
        let most = shown(&exact, &proof)?;
        // rounding up may give −0
        return Some(LargestChange {
            least: exact.down(),
            most: most + 0.0,
            is_exact: true,
            nodes,
        });
    }
    let climbed = question.climb(f64::INFINITY, budget, seed).and_then(|here| change(&here));
    let least = change(&here)?.max(climbed.unwrap_or(Rational::ZERO));
    let parts =
        question.by_parts(least.down(), (budget - budget / 4, searcher.options), &mut nodes)?;
    let proof = Proof::Split { tree: parts.tree, hints: Vec::new() };
    let most = shown(&Rational::from_f64(parts.most)?, &proof)?;
    Some(LargestChange { least: least.down(), most, is_exact: false, nodes })
}

/// Turns the claim into one about the score, with another bound; `None` for claims that are not about a
/// change.
pub(super) fn expect_change(obligation: &mut Obligation, limit: Rational) -> Option<()> {
    for claim in [Some(&mut obligation.claim), obligation.sufficient.as_mut()] {
        match claim? {
            Claim::Near { bound, on, .. } | Claim::Stable { bound, on, .. } => {
                (*bound, *on) = (limit.clone(), On::Score);
            }
            _ => return None,
        }
    }
    Some(())
}
