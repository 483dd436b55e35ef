//! One question about the pairs of a box, and the means to answer it.

use crate::certificate::{Pairing, TwinBox};
use crate::model::Ensemble;

use super::Grids;
use super::aim::Aim;
use super::ascent::Ascent;
use super::parts::{self, Shown};
use super::product::{FORMS, MOST_PAIRS, Product, Sums};
use super::search::{Found, Search};

/// Boxes of all trees together before anything else is tried: enough for most claims, true or false.
const FIRST_BOXES: u64 = 2_000;

/// A question: every pair of a box reaches an aim.
pub(super) struct Question<'a> {
    ensemble: &'a Ensemble,
    grids: &'a Grids,
    pairing: &'a Pairing,
    pub(super) root: &'a TwinBox,
    products: Vec<Product>,
    aim: Aim,
}

impl<'a> Question<'a> {
    /// `None` if the trees are too large over pairs.
    pub(super) fn new(
        ensemble: &'a Ensemble,
        grids: &'a Grids,
        (pairing, root): (&'a Pairing, &'a TwinBox),
        aim: Aim,
    ) -> Option<Self> {
        let (mut pairs, is_change) = (MOST_PAIRS, aim.is_change());
        let product = |tree| Product::new(tree, grids.both(), pairing, root, is_change, &mut pairs);
        let products = ensemble.trees.iter().map(product).collect::<Option<_>>()?;
        Some(Self { ensemble, grids, pairing, root, products, aim })
    }

    /// The search over boxes of pairs, all trees together.
    pub(super) fn search(&self) -> Search<'_> {
        let base = self.ensemble.base.iter().sum::<f64>();
        let base: Sums = match self.aim.is_change() {
            true => [0.0; FORMS],
            false => [base, -base, base, -base, 0.0, 0.0],
        };
        let products = self.products.iter().collect();
        Search { products, pairing: self.pairing, aim: self.aim, base }
    }

    /// A pair whose score falls by more than `enough`, or by as much as was found in the time of so many boxes.
    pub(super) fn climb(&self, enough: f64, boxes: u64, seed: u64) -> Option<TwinBox> {
        let ascent = Ascent::new(self.ensemble, &self.grids.first, self.pairing, self.root);
        ascent.best(enough, boxes, seed)
    }

    /// The lowest bound of the change, part by part, that so many boxes come to; it need not be below `limit`.
    pub(super) fn by_parts(&self, limit: f64, boxes: u64, nodes: &mut u64) -> Option<Shown> {
        let trees = self.products.len().max(1) as u64;
        let mut work = boxes.saturating_mul(trees);
        let shown = parts::lowest(&self.search(), self.root, limit, &mut work);
        *nodes += boxes - work.div_ceil(trees);
        shown
    }

    /// All trees together, within a budget of boxes.
    pub(super) fn together(
        &self,
        budget: u64,
        nodes: &mut u64,
        close: &mut dyn FnMut(&TwinBox) -> bool,
    ) -> Found {
        let search = self.search();
        search.run(&mut search.waiting(self.root), budget, nodes, close)
    }

    /// All trees together with at most half of the budget; for claims on the change of the score then a short
    /// ascent, and part by part with half of what is left; then all together again, and a long ascent.
    pub(super) fn answer(
        &self,
        (budget, seed): (u64, u64),
        nodes: &mut u64,
        close: &mut dyn FnMut(&TwinBox) -> bool,
    ) -> Found {
        let Aim::Change { limit } = self.aim else { return self.together(budget, nodes, close) };
        let search = self.search();
        let mut waiting = search.waiting(self.root);
        let first = *nodes + (budget.saturating_sub(*nodes) / 2).min(FIRST_BOXES);
        let found = search.run(&mut waiting, first, nodes, close);
        if !matches!(found, Found::Nothing) {
            return found;
        }
        if let Some(here) = self.climb(limit, first, seed).filter(|here| !close(here)) {
            return Found::Open(here);
        }
        let half = budget.saturating_sub(*nodes) / 2;
        if let Some(shown) = self.by_parts(limit, half, nodes).filter(|shown| shown.most <= limit) {
            return Found::Tree(shown.tree);
        }
        let found = search.run(&mut waiting, budget, nodes, close);
        if !matches!(found, Found::Nothing) {
            return found;
        }
        let climbed = self.climb(limit, budget, seed).filter(|here| !close(here));
        climbed.map_or(Found::Nothing, Found::Open)
    }
}
