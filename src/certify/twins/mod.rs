//! Claims about two points of an ensemble: trees for rule `tree-pairs`, or a pair that violates the claim.

mod aim;
mod extent;
mod product;
mod search;
mod witness;

use std::collections::BTreeMap;

use crate::certificate::{Pairing, Proof, TwinBox};
use crate::model::{Cells, Ensemble, Family, Point};
use crate::spec::{Claim, Obligation, RawRegion, Zone};

use super::Searcher;
use super::branch;
use aim::Aim;
use product::{FORMS, MOST_PAIRS, Product, Sums};
use search::{Found, Search};
use witness::{Ground, shift};

pub use extent::LargestChange;
pub(super) use extent::{is_premise_met, largest_change, score_span};

/// Searches all questions of an obligation within the budget of nodes, which they share.
pub(super) fn search(searcher: &Searcher, obligation: &Obligation) -> branch::Found {
    let mut nodes = 0;
    let proof = prove(searcher, obligation, &mut nodes);
    branch::Found { proof, nodes }
}

fn prove(searcher: &Searcher, obligation: &Obligation, nodes: &mut u64) -> Option<Proof> {
    let Family::Ensemble(ensemble) = &searcher.subject.model.0.family else { return None };
    let claim = obligation.sufficient.as_ref()?;
    let (aim, questions) = (Aim::of(claim)?, searcher.kernel.questions(obligation)?);
    let grids = Grids::new(ensemble, searcher.lowered.is_whole(), claim);
    let pairings = questions.pairings();
    let mut trees = BTreeMap::new();
    for (number, pairing) in pairings.iter().enumerate() {
        let Some(root) = pairing.root() else { continue };
        let search = grids.search(ensemble, pairing, root, aim)?;
        let mut close = |here: &_| questions.is_closed(number, here);
        match search.run(root, searcher.options.budget_nodes, nodes, &mut close) {
            // an absent tree is a single leaf
            Found::Tree(tree) if tree.steps().len() == 1 => {}
            Found::Tree(tree) => {
                trees.insert(number, tree);
            }
            Found::Open(here) => {
                let ground = Ground { grids: grids.both(), regions: regions(obligation, claim) };
                return Some(refuted(&ground, claim, number, &here));
            }
            Found::Nothing => return None,
        }
    }
    // a tree of its own may go over several lines
    Some(match trees.pop_first() {
        Some((_, tree)) if pairings.len() == 1 => Proof::Split { tree, hints: Vec::new() },
        first => Proof::TreePairs { trees: trees.into_iter().chain(first).collect() },
    })
}

/// The points of an open box in which every tree has one pair of leaves.
fn refuted(ground: &Ground, claim: &Claim, number: usize, here: &TwinBox) -> Proof {
    let [a, b] = ground.pair(here, shift(claim, number));
    let points = match claim {
        Claim::Fuzz { zone: Zone::Axis, .. } => vec![a],
        _ => vec![a, b],
    };
    Proof::Counterexample { points: points.iter().map(|point| Point::texts(point)).collect() }
}

/// Where either point of a claim may lie; `None`: anywhere.
fn regions<'a>(obligation: &'a Obligation, claim: &'a Claim) -> [Option<&'a RawRegion>; 2] {
    let region = &obligation.region;
    match claim {
        Claim::Confident { partners, .. } => [Some(region), Some(partners)],
        Claim::Lipschitz { boxes, .. } => [Some(&boxes[0]), Some(&boxes[1])],
        Claim::Fuzz { .. } => [Some(region), None],
        _ => [Some(region), Some(region)],
    }
}

/// The grids of both points.
struct Grids {
    first: Cells,
    /// Where the second point need not be whole.
    second: Option<Cells>,
}

impl Grids {
    fn new(ensemble: &Ensemble, is_whole: &[bool], claim: &Claim) -> Self {
        let second = matches!(claim, Claim::Fuzz { .. })
            .then(|| Cells::new(ensemble, &vec![false; is_whole.len()]));
        Self { first: Cells::new(ensemble, is_whole), second }
    }

    fn both(&self) -> [&Cells; 2] {
        [&self.first, self.second.as_ref().unwrap_or(&self.first)]
    }

    /// The search of a question over the pairs of a box; `None` if its trees are too large.
    fn search<'a>(
        &self,
        ensemble: &Ensemble,
        pairing: &'a Pairing,
        root: &TwinBox,
        aim: Aim,
    ) -> Option<Search<'a>> {
        let is_change = aim.is_change();
        let mut pairs = MOST_PAIRS;
        let product = |tree| Product::new(tree, self.both(), pairing, root, is_change, &mut pairs);
        let products = ensemble.trees.iter().map(product).collect::<Option<_>>()?;
        let base = ensemble.base.iter().sum::<f64>();
        let base: Sums =
            if is_change { [0.0; FORMS] } else { [base, -base, base, -base, 0.0, 0.0] };
        Some(Search { products, pairing, aim, base })
    }
}
