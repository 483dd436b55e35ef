//! The boundary property of networks box by box.
//!
//! A box is cut in the middle of the input that moves the margin most, with zone `ball` perhaps an input
//! of the partners. The search goes depth first and ends when the kernel's cheap rules close every box, one
//! box holds a counterexample, or the budget is used up or far too small.

use crate::certificate::{Cut, Leaf};
use crate::spec::{Bonds, Claim, Obligation, RawRegion};
use crate::violation::{FloatBox, slopes};

use super::search::{Found, Look, SearchPlan, Stowed};
use super::side::{FEW_INPUTS, Side, region_bytes};
use crate::certify::Searcher;
use crate::certify::attack::boundary_points;

/// Deepest path tried; the kernel allows more.
const MAX_DEPTH: usize = 100;

/// A box of points and, once partners are cut, the box of their partners.
struct PointBox {
    region: RawRegion,
    partners: Option<RawRegion>,
}

impl Stowed for PointBox {
    fn bytes(&self) -> usize {
        region_bytes(&self.region) + self.partners.as_ref().map_or(0, region_bytes)
    }
}

/// Searches for a split proof or a counterexample; networks only.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let free = obligation.region.sides().iter().filter(|(low, high)| low < high).count();
    let (budget, may_give_up) = (searcher.options.budget_nodes, free > FEW_INPUTS);
    let root = PointBox { region: obligation.region.clone(), partners: None };
    let plan = SearchPlan { budget, group: 1, may_give_up };
    plan.search(searcher, root, |part, depth| look(searcher, obligation, part, depth))
}

/// Closes a box, finds a counterexample in it, or halves it.
fn look(
    searcher: &Searcher,
    obligation: &Obligation,
    part: &PointBox,
    depth: usize,
) -> Look<PointBox> {
    if depth > MAX_DEPTH {
        return Look::Lost;
    }
    let (claim, PointBox { region, partners }) = (&obligation.claim, part);
    if region.is_empty() || searcher.kernel.is_fuzz_closed(claim, region, partners.as_ref()) {
        return Look::closed(Leaf::Fuzz);
    }
    let candidates = boundary_points(searcher, obligation, region, partners.as_ref());
    if let Some(points) = searcher.refuted(obligation.at, candidates) {
        return Look::Violated(points);
    }
    let deepest_first = -(depth as f64);
    Look::cut_or_lost(part.halves(searcher, claim), deepest_first)
}

impl PointBox {
    /// Cuts the side that moves the margin most, of the points or of their partners, in the middle.
    fn halves(&self, searcher: &Searcher, claim: &Claim) -> Option<(Cut, [Self; 2])> {
        let Self { region, partners } = self;
        let schema = &searcher.subject.model.0.schema;
        let own = steepest_side(searcher, region);
        let partners = match (partners, &claim.pair()?.bonds) {
            (Some(partners), _) => Some(partners.clone()),
            (None, Bonds::Within { reach, .. }) => Some(region.widened(reach)),
            (None, _) => None,
        };
        if let Some(partners) = partners
            && let Some(side) = steepest_side(searcher, &partners)
            // a cut of the points' side also narrows the places of their partners
            && own.as_ref().is_none_or(|own| side.gain > 2.0 * own.gain)
        {
            let (cut, halves) = side.halve(&partners, schema, 1, false)?;
            let part = |half| Self { region: region.clone(), partners: Some(half) };
            return Some((cut, halves.map(part)));
        }
        let (cut, halves) = own?.halve(region, schema, 0, true)?;
        Some((cut, halves.map(|region| Self { region, partners: self.partners.clone() })))
    }
}

/// The side that moves the margin most, by the slopes in the middle of the box.
fn steepest_side(searcher: &Searcher, part: &RawRegion) -> Option<Side> {
    let (schema, mlp) = (&searcher.subject.model.0.schema, searcher.mlp()?);
    let region = part.standardised(schema)?;
    let point = schema.standardise(&FloatBox::new(part).middle());
    let gradient = slopes(mlp, &point, &[-1.0, 1.0]);
    let steepest = gradient.iter().fold(0.0, |top: f64, g| top.max(g.abs()));
    // a flat side may still keep the neurons open
    let slopes: Vec<f64> = gradient.iter().map(|g| g.abs() + 1e-3 * steepest + 1e-9).collect();
    Side::steepest(region.sides(), &slopes)
}
