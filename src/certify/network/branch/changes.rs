//! Small neighbourhoods box by box, each box closed by the rule on the change between two close points.
//!
//! The region of the first point is halved, worst box first, along the input whose slope times width
//! is largest, until the rule closes every box, a step across one of them violates the claim, or the
//! budget ends.

use rayon::prelude::*;

use crate::certificate::{Cut, Leaf, Proof, gradient};
use crate::spec::{Claim, Obligation, RawRegion};

use super::super::side::Side;
use super::Found;
use super::queue::Queue;
use super::tree::{CaseTree, Slot};
use crate::certify::{Searcher, attack};

/// Deepest path tried.
const MAX_DEPTH: usize = 100;

/// A box of first points.
struct FirstBox {
    slot: Slot,
    depth: usize,
    region: RawRegion,
}

/// The result of looking at a box.
enum BoxLook {
    Closed,
    /// The box holds a counterexample, which the kernel has confirmed.
    Violated(Vec<Vec<String>>),
    /// The box stays open and is cut in the middle of a side.
    Open {
        side: Side,
        bound: f64,
    },
    /// There is nothing left to cut.
    Stuck,
}

/// Searches for a split proof or a counterexample.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let mut nodes = 0;
    let proof = halve(searcher, obligation, &mut nodes);
    let is_spent = proof.is_none() && nodes > searcher.options.budget_nodes;
    Found { proof, nodes, is_spent }
}

/// Halves boxes, worst first and several at a time, until all are closed.
fn halve(searcher: &Searcher, obligation: &Obligation, nodes: &mut u64) -> Option<Proof> {
    let schema = &searcher.subject.model.0.schema;
    let mut tree = CaseTree::new();
    let root = FirstBox { slot: tree.root(), depth: 0, region: obligation.region.clone() };
    let mut open = Queue::new(root.slot, root);
    while !open.is_empty() {
        let group = open.next_group();
        *nodes += group.len() as u64;
        if *nodes > searcher.options.budget_nodes || searcher.is_late() {
            return None;
        }
        let looks: Vec<BoxLook> =
            group.par_iter().map(|part| look(searcher, obligation, &part.region)).collect();
        for (part, look) in group.into_iter().zip(looks) {
            match look {
                BoxLook::Closed => tree.close(part.slot, Leaf::Linear, None, None),
                BoxLook::Violated(points) => return Some(Proof::Counterexample { points }),
                // a claim is proved only if all of its boxes are
                BoxLook::Stuck => return None,
                BoxLook::Open { .. } if part.depth >= MAX_DEPTH => return None,
                BoxLook::Open { side: Side { input: feature, at, .. }, bound } => {
                    let (low, high) = part.region.halved(schema, feature, at, true)?;
                    let slots = tree.cut(part.slot, Cut::Input { copy: 0, feature, at }, None);
                    for (slot, region) in slots.into_iter().zip([low, high]) {
                        let half = FirstBox { slot, depth: part.depth + 1, region };
                        open.insert(bound, slot, half);
                    }
                }
            }
        }
    }
    let (tree, _) = tree.finish()?;
    Some(Proof::Split { tree, hints: Vec::new() })
}

/// Closes a box, finds a counterexample in it, or returns a place to cut.
fn look(searcher: &Searcher, obligation: &Obligation, part: &RawRegion) -> BoxLook {
    if part.is_empty() {
        return BoxLook::Closed;
    }
    let Some(missed) = searcher.kernel.changes_missed(obligation, part) else {
        return BoxLook::Closed;
    };
    let candidates = attack::candidates_in(searcher, obligation, part, None);
    if let Some(points) = searcher.refuted(obligation.at, candidates) {
        return BoxLook::Violated(points);
    }
    match steepest_side(searcher, obligation, part) {
        Some(side) => BoxLook::Open { side, bound: missed.reached },
        None => BoxLook::Stuck,
    }
}

/// The side that moves the margin most, by the largest slopes around the box.
fn steepest_side(searcher: &Searcher, obligation: &Obligation, part: &RawRegion) -> Option<Side> {
    let schema = &searcher.subject.model.0.schema;
    let Claim::Near { reach, .. } = &obligation.claim else { return None };
    let around = part.neighbourhood(reach, &obligation.region).standardised(schema)?;
    let network = searcher.network()?;
    let hidden = network.linear_bounds(around.sides())?;
    let slopes = gradient(network, &[-1.0, 1.0], &hidden)?;
    let slopes: Vec<f64> = slopes.iter().map(|slope| slope.magnitude()).collect();
    Side::steepest(part.standardised(schema)?.sides(), &slopes)
}
