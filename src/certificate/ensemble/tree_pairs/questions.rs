//! The questions of a claim, and boxes of pairs, in the hands of a search. No verdict rests on it, and the checker is built
//! without it.

use dashu_int::IBig;

use super::{Pairing, Score, TwinBox, Twins};
use crate::certificate::claims::Outcome;

/// The questions of a claim about two points. A search can test them before it asks the kernel.
pub struct Questions<'a>(BySize<'a>);

/// The questions, by the size of the scores.
enum BySize<'a> {
    Small(Vec<Twins<'a, i128>>),
    Big(Vec<Twins<'a, IBig>>),
}

impl<'a> Questions<'a> {
    pub(in crate::certificate) fn small(all: impl Iterator<Item = Twins<'a, i128>>) -> Self {
        Self(BySize::Small(all.collect()))
    }

    pub(in crate::certificate) fn big(all: impl Iterator<Item = Twins<'a, IBig>>) -> Self {
        Self(BySize::Big(all.collect()))
    }

    /// The pairs of cells that each question is about, in order.
    pub fn pairings(&self) -> Vec<&Pairing> {
        match &self.0 {
            BySize::Small(all) => all.iter().map(|twins| &twins.pairing).collect(),
            BySize::Big(all) => all.iter().map(|twins| &twins.pairing).collect(),
        }
    }

    /// True if rule `tree-pairs` closes a box of one question.
    pub fn is_closed(&self, question: usize, here: &TwinBox) -> bool {
        let outcome = match &self.0 {
            BySize::Small(all) => all.get(question).map(|twins| twins.close(here)),
            BySize::Big(all) => all.get(question).map(|twins| twins.close(here)),
        };
        outcome == Some(Outcome::Holds)
    }
}

impl<N: Score> Twins<'_, N> {
    /// The outcome of the pairs of leaves for a box.
    fn close(&self, here: &TwinBox) -> Outcome {
        self.close_sum(here, &self.all_trees())
    }
}

impl Pairing {
    /// Number of features.
    pub fn features(&self) -> usize {
        self.bands.len()
    }

    /// The cells of the other point that go with a run of cells of a point (0 or 1) along a feature, within
    /// all pairs; empty where the first is past the last.
    pub fn partners(&self, copy: usize, feature: usize, run: (usize, usize)) -> (usize, usize) {
        self.bands.get(feature).map_or((1, 0), |band| band.partners(copy, run))
    }

    /// The box with one side cut to these cells, narrowed; `None` if nothing is left.
    pub fn narrowed(
        &self,
        mut here: TwinBox,
        copy: usize,
        feature: usize,
        side: (usize, usize),
    ) -> Option<TwinBox> {
        self.narrow(&mut here, copy, feature, side).then_some(here)
    }

    /// Does the same as [`Pairing::narrowed`] in place; `false` if nothing is left, and then the sides of the
    /// feature mean nothing.
    pub fn narrow(
        &self,
        here: &mut TwinBox,
        copy: usize,
        feature: usize,
        (lo, hi): (usize, usize),
    ) -> bool {
        let (least, most) = here.side(copy, feature);
        let side = (least.max(lo), most.min(hi));
        here.set(copy, feature, side);
        side.0 <= side.1 && self.tighten(here, feature)
    }
}
