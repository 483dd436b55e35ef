//! Small neighbourhoods box by box, each box closed by the rule on the change between two close points.
//!
//! The region of the first point is halved, worst box first, along the input whose slope times width
//! is largest, until the rule closes every box, a step across one of them violates the claim, or the
//! budget ends.

use crate::certificate::{Leaf, margin_row};
use crate::spec::{Bonds, Obligation, RawRegion};

use super::search::{Found, Look, SearchPlan, Stowed};
use super::side::{Side, region_bytes, slope_sizes};
use crate::certify::{Searcher, attack};

/// Deepest path tried.
const MAX_DEPTH: usize = 100;

impl Stowed for RawRegion {
    fn bytes(&self) -> usize {
        region_bytes(self)
    }
}

/// Searches for a split proof or a counterexample.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let plan = SearchPlan::worst_first(searcher.options.budget_nodes);
    plan.search(searcher, obligation.region.clone(), |part, depth| {
        look(searcher, obligation, part, depth)
    })
}

/// Closes a box of first points, finds a counterexample in it, or halves it.
fn look(
    searcher: &Searcher,
    obligation: &Obligation,
    part: &RawRegion,
    depth: usize,
) -> Look<RawRegion> {
    if part.is_empty() {
        return Look::closed(Leaf::Linear);
    }
    let Some(missed) = searcher.kernel.changes_missed(obligation, part) else {
        return Look::closed(Leaf::Linear);
    };
    let candidates = attack::candidates_in(searcher, obligation, part, None);
    if let Some(points) = searcher.refuted(obligation.at, candidates) {
        return Look::Violated(points);
    }
    if depth >= MAX_DEPTH {
        return Look::Lost;
    }
    let schema = &searcher.subject.model.0.schema;
    let side = steepest_side(searcher, obligation, part);
    let halves = side.and_then(|side| side.halve(part, schema, 0, true));
    Look::cut_or_lost(halves, missed.reached)
}

/// The side that moves the margin most, by the largest slopes around the box.
fn steepest_side(searcher: &Searcher, obligation: &Obligation, part: &RawRegion) -> Option<Side> {
    let schema = &searcher.subject.model.0.schema;
    let Bonds::Within { reach, .. } = &obligation.claim.pair()?.bonds else { return None };
    let around = part.neighbourhood(reach, &obligation.region).standardised(schema)?;
    let network = searcher.network()?;
    let hidden = network.linear_bounds(around.sides())?;
    let slopes = slope_sizes(network, &margin_row(1, 0, 2), &hidden)?;
    Side::steepest(part.standardised(schema)?.sides(), &slopes)
}
