//! Small neighbourhoods box by box, each closed by the rule on the change between two close points.
//!
//! The region of the first point is halved, worst box first, along the input whose slope times width
//! is largest, until the rule closes every box, a step across one of them violates the claim, or the
//! budget ends.

use rayon::prelude::*;

use crate::certificate::{Cut, Leaf, Proof, Verdict, gradient};
use crate::spec::{Claim, Obligation, RawRegion};

use super::super::{Searcher, attack};
use super::Found;
use super::queue::Queue;
use super::tree::{Slot, Tree};

/// Deepest path that is tried.
const MAX_DEPTH: usize = 100;

/// A box of first points.
struct Part {
    slot: Slot,
    depth: usize,
    region: RawRegion,
}

/// What a look at a box shows.
enum Look {
    Closed,
    /// It holds a counterexample, which the kernel has confirmed.
    Violated(Vec<Vec<String>>),
    /// It stays open and is cut in the middle of a side.
    Open {
        feature: usize,
        at: f64,
        bound: f64,
    },
    /// There is nothing left to cut.
    Stuck,
}

/// A split proof or a counterexample.
pub(in super::super) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let mut nodes = 0;
    let proof = halve(searcher, obligation, &mut nodes);
    Found { proof, nodes }
}

/// Halves boxes, worst first and several at a time, until all are closed.
fn halve(searcher: &Searcher, obligation: &Obligation, nodes: &mut u64) -> Option<Proof> {
    let schema = &searcher.subject.model.0.schema;
    let mut tree = Tree::new();
    let root = Part { slot: tree.root(), depth: 0, region: obligation.region.clone() };
    let mut open = Queue::new(root.slot, root);
    while !open.is_empty() {
        let group = open.next_group();
        *nodes += group.len() as u64;
        if *nodes > searcher.options.budget_nodes || searcher.is_late() {
            return None;
        }
        let looks: Vec<Look> =
            group.par_iter().map(|part| look(searcher, obligation, &part.region)).collect();
        for (part, look) in group.into_iter().zip(looks) {
            match look {
                Look::Closed => tree.close(part.slot, Leaf::Linear, None, None),
                Look::Violated(points) => return Some(Proof::Counterexample { points }),
                // a claim is proved by all of its boxes or by none
                Look::Stuck => return None,
                Look::Open { .. } if part.depth >= MAX_DEPTH => return None,
                Look::Open { feature, at, bound } => {
                    let (low, high) = part.region.halved(schema, feature, at, true)?;
                    let slots = tree.cut(part.slot, Cut::Input { copy: 0, feature, at }, None);
                    for (slot, region) in slots.into_iter().zip([low, high]) {
                        let half = Part { slot, depth: part.depth + 1, region };
                        open.insert(bound, slot, half);
                    }
                }
            }
        }
    }
    let (tree, _) = tree.finish()?;
    Some(Proof::Split { tree, hints: Vec::new() })
}

/// Closes a box, finds a counterexample in it, or says where to cut it.
fn look(searcher: &Searcher, obligation: &Obligation, part: &RawRegion) -> Look {
    if part.is_empty() {
        return Look::Closed;
    }
    let Some(missed) = searcher.kernel.changes_missed(obligation, part) else {
        return Look::Closed;
    };
    for points in attack::candidates_in(searcher, obligation, part, None) {
        let proof = Proof::Counterexample { points: points.clone() };
        if let Ok(Verdict::Refuted(_)) = searcher.kernel.check(obligation.at, &proof) {
            return Look::Violated(points);
        }
    }
    match middle(searcher, obligation, part) {
        Some((feature, at)) => Look::Open { feature, at, bound: missed.reached },
        None => Look::Stuck,
    }
}

/// The input whose largest slope around the box times width is largest, and the middle of its side
/// (standardised); `None` if no float lies between its ends.
fn middle(searcher: &Searcher, obligation: &Obligation, part: &RawRegion) -> Option<(usize, f64)> {
    let schema = &searcher.subject.model.0.schema;
    let Claim::Near { reach, .. } = &obligation.claim else { return None };
    let around = part.neighbourhood(reach, &obligation.region).standardised(schema)?;
    let network = searcher.network()?;
    let hidden = network.linear_bounds(around.sides())?;
    let slopes = gradient(network, &[-1.0, 1.0], &hidden)?;
    let region = part.standardised(schema)?;
    let width = |input: usize| region.sides()[input].hi() - region.sides()[input].lo();
    let gain = |input: usize| width(input) * slopes[input].magnitude();
    let best = (0..slopes.len()).max_by(|&a, &b| gain(a).total_cmp(&gain(b)).then(b.cmp(&a)))?;
    let side = region.sides()[best];
    let at = side.lo() + width(best) / 2.0;
    (side.lo() < at && at < side.hi()).then_some((best, at))
}
