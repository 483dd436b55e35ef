//! The boundary property of networks box by box.
//!
//! Boxes are cut in the middle of the input that moves the margin most, until the kernel's cheap rules
//! close every box, a box holds a counterexample, or the budget ends.

use crate::certificate::{Cut, Leaf, Proof, SplitTree, Step, Verdict};
use crate::spec::{Obligation, RawRegion};

use super::Searcher;
use super::attack::{FloatBox, candidates_in, slopes};
use super::branch::Found;

/// With more inputs that can move than this, a search ends early where it is hopeless.
const FEW_INPUTS: usize = 10;
/// Cases that are looked at in any event.
const FIRST_CASES: u64 = 32;
/// Hopeless is a search that at its pace would need so many times the budget.
const HOPELESS: f64 = 4.0;
/// Deepest path that is tried.
const MAX_DEPTH: usize = 100;

/// A split proof or a counterexample; networks only.
pub(super) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let mut nodes = 0;
    let proof = halve(searcher, obligation, &mut nodes);
    Found { proof, nodes }
}

/// Halves boxes, depth first, until all are closed.
fn halve(searcher: &Searcher, obligation: &Obligation, nodes: &mut u64) -> Option<Proof> {
    let schema = &searcher.subject.model.0.schema;
    let budget = searcher.options.budget_nodes;
    let free = obligation.region.sides().iter().filter(|(low, high)| low < high).count();
    let mut stack = vec![(obligation.region.clone(), 0)];
    let mut steps = Vec::new();
    // the share of the region that is closed, each cut counted as a half
    let mut closed = 0.0;
    while let Some((part, depth)) = stack.pop() {
        *nodes += 1;
        if *nodes > budget || depth > MAX_DEPTH || searcher.is_late() {
            return None;
        }
        // cases for the whole region at this pace; infinite while nothing is closed
        let needed = *nodes as f64 / closed;
        if free > FEW_INPUTS && *nodes > FIRST_CASES && needed > HOPELESS * budget as f64 {
            return None;
        }
        if part.is_empty() || searcher.kernel.is_fuzz_closed(&obligation.claim, &part) {
            closed += 0.5_f64.powi(depth as i32);
            steps.push(Step::Leaf { leaf: Leaf::Fuzz, refresh: None, hint: None });
            continue;
        }
        for points in candidates_in(searcher, obligation, &part, None) {
            let proof = Proof::Counterexample { points };
            if let Ok(Verdict::Refuted(_)) = searcher.kernel.check(obligation.at, &proof) {
                return Some(proof);
            }
        }
        let (feature, at) = steepest_middle(searcher, &part)?;
        let (low, high) = part.halved(schema, feature, at, true)?;
        steps.push(Step::Cut { cut: Cut::Input { copy: 0, feature, at }, refresh: None });
        stack.push((high, depth + 1));
        stack.push((low, depth + 1));
    }
    SplitTree::new(steps).map(|tree| Proof::Split { tree, hints: Vec::new() })
}

/// The input whose slope in the middle times width is largest, and the middle of its side.
fn steepest_middle(searcher: &Searcher, part: &RawRegion) -> Option<(usize, f64)> {
    let (schema, mlp) = (&searcher.subject.model.0.schema, searcher.mlp()?);
    let region = part.standardised(schema)?;
    let point = schema.standardise(&FloatBox::new(part).middle());
    let gradient = slopes(mlp, &point, &[-1.0, 1.0]);
    let widths: Vec<f64> = region.sides().iter().map(|side| side.hi() - side.lo()).collect();
    let steepest = gradient.iter().fold(0.0, |top: f64, g| top.max(g.abs()));
    // a flat side may still keep the neurons open
    let gain = |i: usize| widths[i] * (gradient[i].abs() + 1e-3 * steepest + 1e-9);
    let best = (0..widths.len()).max_by(|&a, &b| gain(a).total_cmp(&gain(b)).then(b.cmp(&a)))?;
    let side = region.sides()[best];
    let at = side.lo() + widths[best] / 2.0;
    (side.lo() < at && at < side.hi()).then_some((best, at))
}
