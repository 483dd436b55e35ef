//! Branch and bound on networks (Bunel et al. 2020). Cases are boxes of inputs with the signs of some
//! neurons; cases with the worst bound come first, several at a time.
//!
//! With few free inputs, and if gradients must close the leaves, a case is cut along the input whose
//! gradient times width is largest. Otherwise it is cut at the neuron whose relaxation costs most or, with
//! one hidden layer, at an input if that promises more. A case is closed with its parent's hidden bounds if
//! they suffice, else with bounds derived anew by the linear rule (`!L`: from layer `L` on). If neurons are
//! cut, optimised slopes and multipliers are tried too. Every case that stays open is searched for a
//! counterexample.
//!
//! Cases are processed in groups of a fixed size, so the tree does not depend on the number of threads.
//! `changes` cuts small neighbourhoods with the same queue and tree, but with a rule that inherits nothing.

mod case;
pub(in crate::certify) mod changes;
mod cut;
mod goal;
mod queue;
mod steep;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::certificate::{LeafHint, Proof};
use crate::spec::Obligation;

use crate::certify::Searcher;
use case::{Look, Looker, OpenCase};
use queue::Queue;
use tree::CaseTree;

/// Largest number of cases in [`start`].
const FIRST_CASES: u64 = 1_000;
/// Deepest path tried.
const MAX_DEPTH: usize = 500;

/// The result of a search.
pub(in crate::certify) struct Found {
    /// A split proof or a counterexample; `None` if the budget or the time ended first.
    pub(in crate::certify) proof: Option<Proof>,
    /// Cases visited.
    pub(in crate::certify) nodes: u64,
    /// True if there is no proof because the budget of nodes ended; a larger budget would continue.
    pub(in crate::certify) is_spent: bool,
}

/// The first cases of a search, before a longer attack is worth its time; none if the
/// budget is at most `FIRST_CASES`.
pub(in crate::certify) fn start(searcher: &Searcher, obligation: &Obligation) -> Found {
    if searcher.options.budget_nodes <= FIRST_CASES {
        return Found { proof: None, nodes: 0, is_spent: false };
    }
    search_within(searcher, obligation, FIRST_CASES)
}

/// Cuts until every case is closed, a counterexample is found, or the budget or the time ends.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    search_within(searcher, obligation, searcher.options.budget_nodes)
}

fn search_within(searcher: &Searcher, obligation: &Obligation, budget: u64) -> Found {
    let mut nodes = 0;
    let proof = Looker::new(searcher, obligation, budget)
        .and_then(|looker| search_with(&looker, obligation, &mut nodes));
    let is_spent = proof.is_none() && nodes > budget;
    Found { proof, nodes, is_spent }
}

fn search_with(looker: &Looker, obligation: &Obligation, nodes: &mut u64) -> Option<Proof> {
    let mut tree = CaseTree::new();
    let mut hints = Hints::default();
    let mut open = Queue::new(tree.root(), OpenCase::root(obligation, tree.root()));
    // a case that cannot be cut further leaves the claim open, but another case may violate it
    let mut is_stuck = false;
    while !open.is_empty() {
        let group = open.next_group();
        *nodes += group.len() as u64;
        if looker.is_over(*nodes) {
            return None;
        }
        // one thread is not worth the cost of the pool
        let looks: Vec<Look> = if rayon::current_num_threads() == 1 {
            group.iter().map(|case| looker.look(case)).collect()
        } else {
            group.par_iter().map(|case| looker.look(case)).collect()
        };
        for (case, look) in group.into_iter().zip(looks) {
            match look {
                Look::Closed { leaf, refresh, hint } => {
                    let number = hint.map(|hint| hints.number(hint));
                    tree.close(case.slot, leaf, refresh, number);
                }
                Look::Violated(points) => return Some(Proof::Counterexample { points }),
                Look::Stuck => is_stuck = true,
                Look::Open { .. } if case.depth >= MAX_DEPTH => is_stuck = true,
                Look::Open { cut, refresh, hidden, bound, hints } => {
                    let slots = tree.cut(case.slot, cut, refresh);
                    for child in looker.children(&case, slots, cut, hidden, hints)? {
                        open.insert(bound, child.slot, child);
                    }
                }
            }
        }
    }
    if is_stuck {
        return None;
    }
    let (tree, order) = tree.finish()?;
    // hints in the order of the leaves, so that a certificate does not depend on the order of the search
    let hints = order.into_iter().map(|number| hints.all[number].as_ref().clone()).collect();
    Some(Proof::Split { tree, hints })
}

/// The hints of closed cases, each once; the hints that a case leaves to its parts may close several parts.
#[derive(Default)]
struct Hints {
    all: Vec<Arc<LeafHint>>,
    /// By address; none is freed while it is in `all`.
    numbers: BTreeMap<usize, usize>,
}

impl Hints {
    /// The place of a hint in `all`; a new hint is added.
    fn number(&mut self, hint: Arc<LeafHint>) -> usize {
        let address = Arc::as_ptr(&hint).addr();
        *self.numbers.entry(address).or_insert_with(|| {
            self.all.push(hint);
            self.all.len() - 1
        })
    }
}
