//! Claims about two points of an ensemble: trees for rule `tree-pairs`, or a pair that violates the claim.

mod aim;
mod ascent;
mod extent;
mod grown;
mod parts;
mod product;
mod question;
mod search;
mod witness;

use std::collections::BTreeMap;

use crate::certificate::{Proof, TwinBox};
use crate::model::{Cells, Ensemble, Family, Point};
use crate::spec::{Claim, Obligation, RawRegion, Regions};

use crate::certify::Searcher;
use crate::certify::network::search::Found;
use aim::FloatAim;
use question::BoxQuestion;
use search::PairSearchEnd;
use witness::{Ground, shift};

pub use extent::LargestChange;
pub(in crate::certify) use extent::{is_premise_met, largest_change, score_span};

/// Searches all questions of an obligation within their shared budget of nodes.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let mut nodes = 0;
    let proof = prove(searcher, obligation, Means::All, &mut nodes);
    let is_spent = proof.is_none() && nodes >= searcher.options.budget_nodes;
    Found { proof, nodes, is_spent, is_full: false }
}

/// The means of showing a bound.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// Also part by part, which loosens the bound if the parts do not reach their largest changes together.
    All,
    /// All trees together.
    Together,
}

fn prove(
    searcher: &Searcher,
    obligation: &Obligation,
    means: Means,
    nodes: &mut u64,
) -> Option<Proof> {
    let Family::Ensemble(ensemble) = &searcher.subject.model.0.family else { return None };
    let claim = obligation.sufficient.as_ref()?;
    let (aim, questions) = (FloatAim::of(claim)?, searcher.kernel.questions(obligation)?);
    let grids = Grids::new(ensemble, searcher.lowered.is_whole(), claim);
    let pairings = questions.pairings();
    let options = searcher.options;
    let mut trees = BTreeMap::new();
    for (number, pairing) in pairings.iter().enumerate() {
        let Some(root) = pairing.root() else { continue };
        let question = BoxQuestion::new(ensemble, &grids, (pairing, root), aim)?;
        let mut close = |here: &_| questions.is_closed(number, here);
        let found = match means {
            Means::All => question.answer(options, nodes, &mut close),
            Means::Together => question.together(options.budget_nodes, nodes, &mut close),
        };
        match found {
            // an absent tree is a single leaf
            PairSearchEnd::Tree(tree) if tree.steps().len() == 1 => {}
            PairSearchEnd::Tree(tree) => {
                trees.insert(number, tree);
            }
            PairSearchEnd::Open(here) => {
                let ground = Ground { grids: grids.both(), regions: regions(obligation, claim) };
                return Some(refuted(&ground, claim, number, &here));
            }
            PairSearchEnd::Nothing => return None,
        }
    }
    // a single tree may take several lines
    Some(match trees.pop_first() {
        Some((_, tree)) if pairings.len() == 1 => Proof::split(tree, Vec::new()),
        first => Proof::tree_pairs(trees.into_iter().chain(first).collect()),
    })
}

/// The points of an open box in which every tree has one pair of leaves.
fn refuted(ground: &Ground, claim: &Claim, number: usize, here: &TwinBox) -> Proof {
    let [a, b] = ground.pair(here, shift(claim, number));
    let is_one = shift(claim, number).is_some();
    let points = if is_one { vec![a] } else { vec![a, b] };
    Proof::Counterexample { points: points.iter().map(|point| Point::texts(point)).collect() }
}

/// The regions of both points of a claim; `None`: anywhere.
fn regions<'a>(obligation: &'a Obligation, claim: &'a Claim) -> [Option<&'a RawRegion>; 2] {
    let region = &obligation.region;
    claim.pair().map_or([Some(region), Some(region)], |pair| pair.regions(region))
}

/// The grids of both points.
struct Grids {
    first: Cells,
    /// The grid of the second point, if it need not be whole.
    second: Option<Cells>,
}

impl Grids {
    fn new(ensemble: &Ensemble, is_whole: &[bool], claim: &Claim) -> Self {
        let is_anywhere = claim.pair().is_some_and(|pair| pair.regions == Regions::First);
        let second = is_anywhere.then(|| Cells::new(ensemble, &vec![false; is_whole.len()]));
        Self { first: Cells::new(ensemble, is_whole), second }
    }

    fn both(&self) -> [&Cells; 2] {
        [&self.first, self.second.as_ref().unwrap_or(&self.first)]
    }
}
