//! The one search over cases of a network: a case is closed, refutes the claim, or is cut in two, until
//! every case is closed, a counterexample is found, or the budget or the time ends.
//!
//! A claim brings its kind of case and a `look` at one case. Cases are taken in groups of a fixed size,
//! so the tree does not depend on the number of threads. Of the memory allowed, the tree takes half, and the open
//! cases the other half. If the tree needs more it is dropped: the search goes on for a counterexample, but there
//! will be no proof. If the open cases need more, nearly closed ones come first; if they need twice as much nevertheless,
//! the tree is dropped, and the cases with the best bounds with it.
//!
//! | file | what it holds |
//! |---|---|
//! | `queue` | the open cases, worst bound first |
//! | `tree` | the tree of the cases, written in preorder |

mod queue;
mod tree;

use std::sync::Arc;

use rayon::prelude::*;

use crate::certificate::{Cut, Leaf, LeafHint, Proof};
use crate::certify::Searcher;

use queue::Queue;
pub(super) use queue::Stowed;
use tree::{CaseTree, Slot};

/// The size of a hint in bytes, approximately.
pub(super) use tree::bytes as hint_bytes;

/// Size of a group if the worst bound comes first.
const GROUP: usize = 16;
/// Cases that are always looked at before a search may give up.
const FIRST_CASES: u64 = 32;
/// Give up when the projected cost exceeds this many budgets.
const HOPELESS: f64 = 4.0;

/// The result of a search.
#[derive(Default)]
pub(in crate::certify) struct Found {
    /// A split proof or a counterexample; `None` if the budget or the time ended first.
    pub(in crate::certify) proof: Option<Proof>,
    /// Cases visited.
    pub(in crate::certify) nodes: u64,
    /// True if there is no proof because the budget of nodes ended; a larger budget would continue.
    pub(in crate::certify) is_spent: bool,
    /// True if there is no proof because it needed more memory than allowed.
    pub(in crate::certify) is_full: bool,
}

/// The effort of one search.
pub(super) struct SearchPlan {
    /// Largest number of cases.
    pub(super) budget: u64,
    /// Number of cases that are looked at together.
    pub(super) group: usize,
    /// True to give up once the cases closed so far promise far more cases than the budget.
    pub(super) may_give_up: bool,
}

/// The result of looking at a case of type `C`.
pub(super) enum Look<C> {
    /// The case is closed, perhaps with bounds derived anew from layer `refresh` on.
    Closed { leaf: Leaf, refresh: Option<usize>, hint: Option<Arc<LeafHint>> },
    /// The case holds a counterexample, which the kernel has confirmed.
    Violated(Vec<Vec<String>>),
    /// The case is cut into a low and a high part, which wait at `bound`: the least come first.
    Cut { cut: Cut, refresh: Option<usize>, bound: f64, parts: [C; 2] },
    /// The case cannot be cut and leaves the claim open, but another case may violate it.
    Stuck,
    /// The search ends without a proof.
    Lost,
}

impl<C> Look<C> {
    /// A case that a rule closes without more.
    pub(super) fn closed(leaf: Leaf) -> Self {
        Self::Closed { leaf, refresh: None, hint: None }
    }

    /// A case that is cut, or ends the search if there is nothing to cut.
    pub(super) fn cut_or_lost(halves: Option<(Cut, [C; 2])>, bound: f64) -> Self {
        halves.map_or(Self::Lost, |(cut, parts)| Self::Cut { cut, refresh: None, bound, parts })
    }
}

/// A case that waits at a leaf of the tree.
struct QueuedCase<C> {
    slot: Slot,
    depth: usize,
    case: C,
}

impl<C: Stowed> Stowed for QueuedCase<C> {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.case.bytes()
    }
}

impl SearchPlan {
    /// Cases with the worst bound first, until the budget ends.
    pub(super) fn worst_first(budget: u64) -> Self {
        Self { budget, group: GROUP, may_give_up: false }
    }

    /// Searches below the case `root`; `look` gets a case and its depth.
    pub(super) fn search<C: Send + Sync + Stowed>(
        &self,
        searcher: &Searcher,
        root: C,
        look: impl Fn(&C, usize) -> Look<C> + Sync,
    ) -> Found {
        let half = usize::try_from(searcher.options.memory / 2).unwrap_or(usize::MAX);
        let mut tree = CaseTree::new(half);
        let slot = tree.root();
        let mut open = Queue::new(slot, QueuedCase { slot, depth: 0, case: root }, half);
        // `closed`: the share of the root, each cut counted as a half
        let (mut nodes, mut closed) = (0, 0.0);
        let end = |nodes, is_full| Found { proof: None, nodes, is_spent: false, is_full };
        while !open.is_empty() {
            let group = open.next_group(self.group);
            nodes += group.len() as u64;
            if self.is_spent(nodes, closed) {
                return Found { is_spent: true, ..end(nodes, tree.is_dropped()) };
            }
            if searcher.is_late() {
                return end(nodes, tree.is_dropped());
            }
            let looks = look_at_all(&group, &look);
            for (QueuedCase { slot, depth, .. }, look) in group.into_iter().zip(looks) {
                match look {
                    Look::Closed { leaf, refresh, hint } => {
                        closed += 0.5_f64.powi(depth as i32);
                        tree.close(slot, leaf, refresh, hint);
                    }
                    Look::Violated(points) => {
                        let proof = Some(Proof::Counterexample { points });
                        return Found { proof, ..end(nodes, false) };
                    }
                    Look::Cut { cut, refresh, bound, parts } => {
                        for (slot, case) in tree.cut(slot, cut, refresh).into_iter().zip(parts) {
                            open.insert(bound, slot, QueuedCase { slot, depth: depth + 1, case });
                        }
                    }
                    Look::Stuck => {}
                    Look::Lost => return end(nodes, tree.is_dropped()),
                }
            }
            if open.is_overfull() {
                tree.drop_all();
                open.forget();
            }
        }
        let found = end(nodes, tree.is_dropped());
        Found { proof: tree.finish(), ..found }
    }

    /// True if the budget is used up or far too small.
    fn is_spent(&self, nodes: u64, closed: f64) -> bool {
        // projected cases for the whole root; infinite while nothing is closed
        let needed = nodes as f64 / closed;
        let is_hopeless = nodes > FIRST_CASES && needed > HOPELESS * self.budget as f64;
        nodes > self.budget || self.may_give_up && is_hopeless
    }
}

fn look_at_all<C: Send + Sync>(
    group: &[QueuedCase<C>],
    look: impl Fn(&C, usize) -> Look<C> + Sync,
) -> Vec<Look<C>> {
    let look = |open: &QueuedCase<C>| look(&open.case, open.depth);
    // one thread or one case is not worth the cost of the pool
    if group.len() == 1 || rayon::current_num_threads() == 1 {
        group.iter().map(look).collect()
    } else {
        group.par_iter().map(look).collect()
    }
}
