//! The boundary property of networks box by box.
//!
//! A box is cut in the middle of the input that moves the margin most, with zone `ball` perhaps an input
//! of the partners. The search ends when the kernel's cheap rules close every box, one box holds a
//! counterexample, or the budget is used up.

use crate::certificate::{Cut, Leaf, Proof, SplitTree, Step};
use crate::spec::{Claim, Obligation, RawRegion, Zone};
use crate::violation::{FloatBox, slopes};

use super::branch::Found;
use super::side::{FEW_INPUTS, Side};
use crate::certify::Searcher;
use crate::certify::attack::boundary_points;

/// Cases that are always processed before the search may give up.
const FIRST_CASES: u64 = 32;
/// Give up when the projected cost exceeds this many budgets.
const HOPELESS: f64 = 4.0;
/// Deepest path tried; the kernel allows more.
const MAX_DEPTH: usize = 100;

/// Searches for a split proof or a counterexample; networks only.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let mut nodes = 0;
    let mut is_hopeless = false;
    let proof = halve(searcher, obligation, &mut nodes, &mut is_hopeless);
    let is_spent = proof.is_none() && (is_hopeless || nodes > searcher.options.budget_nodes);
    Found { proof, nodes, is_spent }
}

/// A box of points and, once partners are cut, the box of their partners.
struct PointBox {
    region: RawRegion,
    partners: Option<RawRegion>,
    depth: usize,
}

/// Halves boxes, depth first, until all are closed. Sets `is_hopeless` if the budget is far too small.
fn halve(
    searcher: &Searcher,
    obligation: &Obligation,
    nodes: &mut u64,
    is_hopeless: &mut bool,
) -> Option<Proof> {
    let claim = &obligation.claim;
    let budget = searcher.options.budget_nodes;
    let free = obligation.region.sides().iter().filter(|(low, high)| low < high).count();
    let mut stack = vec![PointBox { region: obligation.region.clone(), partners: None, depth: 0 }];
    let mut steps = Vec::new();
    // the closed share of the region, each cut counted as a half
    let mut closed = 0.0;
    while let Some(part) = stack.pop() {
        *nodes += 1;
        if *nodes > budget || part.depth > MAX_DEPTH || searcher.is_late() {
            return None;
        }
        // projected cases for the whole region; infinite while nothing is closed
        let needed = *nodes as f64 / closed;
        *is_hopeless =
            free > FEW_INPUTS && *nodes > FIRST_CASES && needed > HOPELESS * budget as f64;
        if *is_hopeless {
            return None;
        }
        let PointBox { region, partners, depth } = &part;
        if region.is_empty() || searcher.kernel.is_fuzz_closed(claim, region, partners.as_ref()) {
            closed += 0.5_f64.powi(*depth as i32);
            steps.push(Step::Leaf { leaf: Leaf::Fuzz, refresh: None, hint: None });
            continue;
        }
        let candidates = boundary_points(searcher, obligation, region, partners.as_ref());
        if let Some(points) = searcher.refuted(obligation.at, candidates) {
            return Some(Proof::Counterexample { points });
        }
        let (cut, low, high) = part.cut(searcher, claim)?;
        steps.push(Step::Cut { cut, refresh: None });
        stack.extend([high, low]);
    }
    SplitTree::new(steps).map(|tree| Proof::Split { tree, hints: Vec::new() })
}

impl PointBox {
    /// Cuts the side that moves the margin most, of the points or of their partners, in the middle.
    fn cut(&self, searcher: &Searcher, claim: &Claim) -> Option<(Cut, Self, Self)> {
        let Self { region, partners, depth } = self;
        let schema = &searcher.subject.model.0.schema;
        let cut = |copy, side: &Side| Cut::Input { copy, feature: side.input, at: side.at };
        let own = steepest_side(searcher, region);
        let partners = || match (partners, claim) {
            (Some(partners), _) => Some(partners.clone()),
            (None, Claim::Fuzz { zone: Zone::Ball, shifts, .. }) => Some(region.widened(shifts)),
            _ => None,
        };
        if let Some(partners) = partners()
            && let Some(side) = steepest_side(searcher, &partners)
            // a cut of the points' side also narrows the places of their partners
            && own.as_ref().is_none_or(|own| side.gain > 2.0 * own.gain)
        {
            let (low, high) = partners.halved(schema, side.input, side.at, false)?;
            let part = |partners| Self {
                region: region.clone(),
                partners: Some(partners),
                depth: depth + 1,
            };
            return Some((cut(1, &side), part(low), part(high)));
        }
        let side = own?;
        let (low, high) = region.halved(schema, side.input, side.at, true)?;
        let part = |region| Self { region, partners: self.partners.clone(), depth: depth + 1 };
        Some((cut(0, &side), part(low), part(high)))
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
