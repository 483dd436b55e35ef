//! Branch and bound on networks (Bunel et al. 2020). Cases are boxes of inputs with the signs of some
//! neurons; cases with the worst bound come first, several at a time.
//!
//! With few free inputs, and if gradients must close the leaves, a case is cut along the input whose
//! gradient times width is largest. Otherwise it is cut at the neuron whose relaxation costs most or, with
//! one hidden layer, at an input if that promises more. A case is closed with its parent's hidden bounds if
//! they suffice, else with bounds derived anew by the linear rule (`!L`: from layer `L` on). If neurons are
//! cut, optimised slopes and multipliers are tried too. Every case that stays open is searched for a
//! counterexample.

mod case;
mod cut;
mod goal;
mod steep;

use crate::spec::Obligation;

use super::search::{Found, SearchPlan};
use crate::certify::Searcher;
use case::{Looker, SignedBox};

/// Largest number of cases in [`start`].
const FIRST_CASES: u64 = 1_000;

/// The first cases of a search, before a longer attack is worth its time; none if the
/// budget is at most `FIRST_CASES`.
pub(in crate::certify) fn start(searcher: &Searcher, obligation: &Obligation) -> Found {
    if searcher.options.budget_nodes <= FIRST_CASES {
        return Found::default();
    }
    search_within(searcher, obligation, FIRST_CASES)
}

/// Cuts until every case is closed, a counterexample is found, or the budget or the time ends.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    search_within(searcher, obligation, searcher.options.budget_nodes)
}

fn search_within(searcher: &Searcher, obligation: &Obligation, budget: u64) -> Found {
    let Some(looker) = Looker::new(searcher, obligation) else { return Found::default() };
    let plan = SearchPlan::worst_first(budget);
    let root = SignedBox::root(obligation);
    plan.search(searcher, root, |case, depth| looker.look(case, depth))
}
