//! One question about the pairs of a box, and the means to answer it.

use crate::certificate::{Pairing, TwinBox};
use crate::model::Ensemble;

use super::Grids;
use super::aim::FloatAim;
use super::ascent::PairAscent;
use super::parts::{self, Shown};
use super::product::{FORMS, MOST_PAIRS, PairSums, Product};
use super::search::{PairSearch, PairSearchEnd};
use crate::certify::Options;

/// Boxes of all trees together before anything else is tried: enough for most claims, true or false.
pub(super) const FIRST_BOXES: u64 = 2_000;

/// A question: every pair of a box reaches an aim.
pub(super) struct BoxQuestion<'a> {
    ensemble: &'a Ensemble,
    grids: &'a Grids,
    pairing: &'a Pairing,
    pub(super) root: &'a TwinBox,
    products: Vec<Product>,
    aim: FloatAim,
}

impl<'a> BoxQuestion<'a> {
    /// Returns `None` if the trees are too large over pairs.
    pub(super) fn new(
        ensemble: &'a Ensemble,
        grids: &'a Grids,
        (pairing, root): (&'a Pairing, &'a TwinBox),
        aim: FloatAim,
    ) -> Option<Self> {
        let (mut pairs, is_change) = (MOST_PAIRS, aim.is_change());
        let product = |tree| Product::new(tree, grids.both(), pairing, root, is_change, &mut pairs);
        let products = ensemble.trees.iter().map(product).collect::<Option<_>>()?;
        Some(Self { ensemble, grids, pairing, root, products, aim })
    }

    /// The search over boxes of pairs, all trees together.
    pub(super) fn search(&self) -> PairSearch<'_> {
        let base = self.ensemble.base.iter().sum::<f64>();
        let base: PairSums = match self.aim.is_change() {
            true => [0.0; FORMS],
            false => [base, -base, base, -base, 0.0, 0.0],
        };
        let products = self.products.iter().collect();
        PairSearch { products, pairing: self.pairing, aim: self.aim, base }
    }

    /// The climb to pairs with a large change.
    pub(super) fn ascent(&self, seed: u64) -> PairAscent<'_> {
        PairAscent::new(self.ensemble, &self.grids.first, (self.pairing, self.root), seed)
    }

    /// The lowest bound of the change by parts within `boxes` boxes, or by all trees together without a cut; it
    /// need not be below `limit`.
    pub(super) fn by_parts(
        &self,
        limit: f64,
        (boxes, options): (u64, Options),
        nodes: &mut u64,
    ) -> Option<Shown> {
        let search = self.search();
        let trees = self.products.len().max(1) as u64;
        let mut work = boxes.saturating_mul(trees);
        let shown = parts::lowest(&search, self.root, (limit, options.part_trees), &mut work);
        *nodes += boxes - work.div_ceil(trees);
        shown.or_else(|| self.uncut())
    }

    /// The bound of all trees together on the root.
    pub(super) fn uncut(&self) -> Option<Shown> {
        parts::uncut(&self.search(), self.root)
    }

    /// Searches all trees together, within a budget of boxes.
    pub(super) fn together(
        &self,
        budget: u64,
        nodes: &mut u64,
        close: &mut dyn FnMut(&TwinBox) -> bool,
    ) -> PairSearchEnd {
        let search = self.search();
        search.run(&mut search.waiting(self.root), budget, nodes, close)
    }

    /// Searches all trees together with at most half of the budget. For claims on the change of the score, a
    /// short ascent follows, then the parts with half of the rest, or with all of it if all trees together seem
    /// hopeless. Then all trees together again, and a longer ascent. Ascents count no boxes: their time is extra.
    pub(super) fn answer(
        &self,
        options: Options,
        nodes: &mut u64,
        close: &mut dyn FnMut(&TwinBox) -> bool,
    ) -> PairSearchEnd {
        let (budget, seed) = (options.budget_nodes, options.seed);
        let FloatAim::Change { limit } = self.aim else {
            return self.together(budget, nodes, close);
        };
        let search = self.search();
        let mut waiting = search.waiting(self.root);
        let before = *nodes;
        let first = before + (budget.saturating_sub(before) / 2).min(FIRST_BOXES);
        let found = search.run(&mut waiting, first, nodes, close);
        if !matches!(found, PairSearchEnd::Nothing) {
            return found;
        }
        let mut ascent = self.ascent(seed);
        if let Some(here) = ascent.climb(limit, *nodes - before).filter(|here| !close(here)) {
            return PairSearchEnd::Open(here);
        }
        let left = budget.saturating_sub(*nodes);
        let is_hopeless = waiting.is_hopeless(*nodes - before, budget.saturating_sub(before));
        let boxes = if is_hopeless { left } else { left / 2 };
        let shown = self.by_parts(limit, (boxes, options), nodes);
        if let Some(shown) = shown.filter(|shown| shown.most <= limit) {
            return PairSearchEnd::Tree(shown.tree);
        }
        let found = search.run(&mut waiting, budget, nodes, close);
        if !matches!(found, PairSearchEnd::Nothing) {
            return found;
        }
        let climbed = ascent.climb(limit, budget).filter(|here| !close(here));
        climbed.map_or(PairSearchEnd::Nothing, PairSearchEnd::Open)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::certificate::{Proof, Subject, Verdict};
    use crate::certify::Searcher;
    use crate::certify::ensemble::tree_pairs::extent::expect_change;
    use crate::interval::Rational;
    use crate::model::{Digest, Family, Model};
    use crate::spec::{Lowered, Spec};

    /// Twelve trees of three leaves over three features, from a linear congruence.
    fn model() -> Model {
        let mut state = 7u32;
        let mut below = |count: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % count
        };
        let mut trees = String::new();
        for _ in 0..12 {
            let (f, g) = (below(3), below(3));
            let (s, t) = (below(8), below(8));
            let leaves = [0, 1, 2].map(|_| f64::from(below(17)) / 8.0 - 1.0);
            let comma = if trees.is_empty() { "" } else { "," };
            write!(
                trees,
                r#"{comma}{{"output":0,"feature":[{f},{g},0,0,0],"threshold":[{s},{t}.5,0,0,0],
                "left":[1,3,-1,-1,-1],"right":[2,4,-1,-1,-1],"default-left":[0,0,0,0,0],
                "leaf":[0,0,{},{},{}]}}"#,
                leaves[0], leaves[1], leaves[2]
            )
            .unwrap();
        }
        let feature = |name| format!(r#"{{"name":"{name}","kind":"real","low":"0","high":"8"}}"#);
        let text = format!(
            r#"{{"format":"model/1","family":"ensemble","precision":"f64","tie":"lower","classes":2,
            "features":[{}],"base":[0],"trees":[{trees}]}}"#,
            ["x", "y", "z"].map(feature).join(",")
        );
        Model::read(text.as_bytes()).unwrap()
    }

    /// Calls with what a claim about the change of the model's score is about, its first trees taken.
    fn with_claim<T>(trees: usize, look: impl FnOnce(&Model, &Spec, &Lowered) -> T) -> T {
        let mut model = model();
        if let Family::Ensemble(ensemble) = &mut model.family {
            ensemble.trees.truncate(trees);
        }
        let text = b"property = 'small-neighborhood'\nepsilon = '1'\nconstant = '1'\non = 'score'";
        let spec = Spec::read(text).unwrap();
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        look(&model, &spec, &lowered)
    }

    fn searcher<'a>(
        model: &'a Model,
        spec: &'a Spec,
        lowered: &'a Lowered<'a>,
        budget_nodes: u64,
    ) -> Searcher<'a> {
        let digest = Digest::of(b"");
        let subject = Subject { model: (model, digest), spec, data: None, defense: None };
        let options = Options { budget_nodes, ..Options::default() };
        Searcher::new(subject, lowered, &[], options)
    }

    /// A budget that ends leaves an interval around the exact answer, however few trees there are.
    #[test]
    fn the_largest_change_lies_in_its_interval() {
        for trees in [2, 3, 12] {
            with_claim(trees, |model, spec, lowered| {
                let largest =
                    |budget| searcher(model, spec, lowered, budget).largest_change(0).unwrap();
                let exact = largest(1_000_000);
                assert!(exact.is_exact && exact.least == exact.most, "{exact:?}");
                for budget in [0, 1, 2, 20] {
                    let open = largest(budget);
                    assert!(!open.is_exact || open.most == exact.most, "{open:?} {exact:?}");
                    assert!(open.least <= exact.least && exact.most <= open.most, "{open:?}");
                    // ascents need some boxes to be allowed
                    let is_close = exact.least - open.least < 0.2 * exact.least;
                    assert!(budget < 2 || is_close, "{open:?} {exact:?}");
                }
            });
        }
    }

    /// Parts come to a bound, which the kernel shows and which more boxes lower.
    #[test]
    fn more_boxes_lower_what_parts_show() {
        with_claim(12, |model, spec, lowered| {
            let Family::Ensemble(ensemble) = &model.family else { panic!("an ensemble") };
            let all = searcher(model, spec, lowered, 1_000_000);
            let exact = all.largest_change(0).unwrap();
            let obligation = all.kernel.obligation(0).unwrap();
            let questions = all.kernel.questions(&obligation).unwrap();
            let pairing = questions.pairings()[0];
            let grids = Grids::new(ensemble, lowered.is_whole(), &obligation.claim);
            let pairs = (pairing, pairing.root().unwrap());
            let question =
                BoxQuestion::new(ensemble, &grids, pairs, FloatAim::Change { limit: 0.0 }).unwrap();
            let bounds = [0, 5, 40, 800].map(|boxes| {
                let (mut nodes, options) = (0, (boxes, Options::default()));
                let shown = question.by_parts(f64::NEG_INFINITY, options, &mut nodes).unwrap();
                assert!(nodes <= boxes, "{nodes} of {boxes}");
                let mut at_most = obligation.clone();
                let most = Rational::from_f64(shown.most).unwrap();
                expect_change(&mut at_most, most, lowered.is_whole());
                let proof = Proof::split(shown.tree, Vec::new());
                let verdict = all.kernel.judge(at_most, &proof);
                assert!(matches!(verdict, Ok(Verdict::Proved(_))), "{verdict:?}");
                shown.most
            });
            assert!(bounds.is_sorted_by(|a, b| a > b || (a - b).abs() < 1e-9), "{bounds:?}");
            assert!(bounds[3] < 0.9 * bounds[0] && bounds[3] >= exact.most, "{bounds:?}");
        });
    }
}
