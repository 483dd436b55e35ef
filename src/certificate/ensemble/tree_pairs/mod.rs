//! Claims about two points of an ensemble that are bound to each other feature by feature: `x′_j` equals
//! `x_j`, or is shifted from it, or lies within a reach of it, or is free.
//!
//! A region of pairs is a box of cells for each point. A cell of one point goes with a run of cells of the
//! other (`band`), so a narrower side of one narrows that of the other. On such a box every tree reaches pairs
//! of leaves (`walk`); the extremes of `m(x)`, `m(x′)` and `m(x) − m(x′)` over them, summed over the trees,
//! decide (`aim`). Cuts of either point cover all pairs, and where every tree reaches one pair of leaves the
//! sums are exact, so a claim is decided by enough cuts. A bound on the change may also be shared out among the
//! trees, some of which are then cut without the others (`sum`).

mod aim;
mod band;
mod pairing;
#[cfg(any(test, feature = "advice"))]
mod questions;
mod sum;
mod walk;

use std::sync::Arc;

use crate::interval::Rational;
use crate::model::Tie;
use crate::spec::{Bonds, Claim, Pair, RawRegion, Regions};

use super::{CellBox, Forest, Score};
use crate::certificate::cases::{Visited, preorder};
use crate::certificate::claims::Outcome;
use crate::certificate::{Bounds, Cases, Cut, Leaf, Rejection, SplitTree, Step};
use aim::{PairAim, Sums};
use band::{Axis, Band, Bond};
pub use pairing::{Pairing, TwinBox};
#[cfg(any(test, feature = "advice"))]
pub use questions::Questions;
use sum::TreeSum;
pub(super) use walk::{Absent, Reached, reached};

/// A claim about two points, on the grids of both.
pub(in crate::certificate) struct Twins<'a, N> {
    forests: [&'a Forest<N>; 2],
    regions: [Option<&'a RawRegion>; 2],
    pairing: Pairing,
    aim: PairAim,
}

/// The bonds of one question.
enum Question<'a> {
    /// The bonds of the claim.
    Whole,
    /// `x′` equals `x` except for one feature, which is shifted.
    Along { feature: usize, by: &'a Rational, is_up: bool },
}

impl<'a> Question<'a> {
    /// The questions of a claim, in order; `None` for orders, which jumps decide.
    fn all(pair: &'a Pair) -> Option<Vec<Self>> {
        match &pair.bonds {
            Bonds::Shifted(shifts) => {
                let both = |(feature, by): (usize, &'a Rational)| {
                    [true, false].map(|is_up| Question::Along { feature, by, is_up })
                };
                Some(shifts.iter().enumerate().flat_map(both).collect())
            }
            Bonds::Raised(_) => None,
            Bonds::Free | Bonds::Within { .. } | Bonds::Moved(_) => Some(vec![Question::Whole]),
        }
    }
}

/// The bond of each feature, if they are the same for all pairs of a claim.
fn bonds(bonds: &Bonds, features: usize) -> Vec<Bond> {
    let stays = || Bond::Shifted(Rational::ZERO);
    match bonds {
        Bonds::Free => vec![Bond::Free; features],
        Bonds::Within { reach, is_strict } => {
            let within =
                |reach: &Rational| Bond::Within { reach: reach.clone(), is_strict: *is_strict };
            reach.iter().map(within).collect()
        }
        Bonds::Moved(moved) => {
            moved.iter().map(|is_moved| if *is_moved { Bond::Free } else { stays() }).collect()
        }
        Bonds::Raised(_) | Bonds::Shifted(_) => vec![stays(); features],
    }
}

/// Decides a claim about two points: every question by its tree.
pub(in crate::certificate) fn decide<'a, N: Score + 'a>(
    questions: impl ExactSizeIterator<Item = Twins<'a, N>>,
    cases: &Cases,
) -> Result<Outcome, Rejection> {
    cases.expect_questions(questions.len(), "question")?;
    let mut all = Outcome::Holds;
    for (index, twins) in questions.enumerate() {
        all = all.and(twins.decide(&cases.tree(index))?);
    }
    Ok(all)
}

impl<'a, N: Score> Twins<'a, N> {
    /// The questions of a claim, each made when it is asked for: there are up to two per feature, and each
    /// takes room for every feature. `None` for claims that are not about two points.
    pub(in crate::certificate) fn all(
        [claimed, plain]: [&'a Forest<N>; 2],
        region: &'a RawRegion,
        claim: &'a Claim,
        tie: Tie,
    ) -> Option<impl ExactSizeIterator<Item = Self>> {
        let pair = claim.pair()?;
        let questions = Question::all(pair)?;
        // a point that may lie anywhere may lie between whole values
        let other = if pair.regions == Regions::First { plain } else { claimed };
        let mut still = None;
        let make = move |question| {
            let regions = pair.regions(region);
            let aim = PairAim::new(&pair.aim, tie);
            let twins =
                Twins { forests: [claimed, other], regions, pairing: Pairing::nothing(), aim };
            twins.paired(&pair.bonds, question, &mut still)
        };
        Some(questions.into_iter().map(make))
    }

    /// Pairs the cells of one question. `still` keeps the bands of features that are not shifted; they are made
    /// once for all questions of a claim.
    fn paired(
        mut self,
        of_claim: &Bonds,
        question: Question,
        still: &mut Option<Vec<Arc<Band>>>,
    ) -> Self {
        if self.regions.iter().flatten().any(|region| region.is_empty()) {
            return self;
        }
        let own = |copy: usize| match (self.forests.get(copy), self.regions.get(copy)) {
            (Some(forest), Some(Some(region))) => forest.cells(region, false),
            (Some(forest), _) => forest.all_cells(),
            _ => CellBox::default(),
        };
        let root = TwinBox::new([own(0), own(1)]);
        let band = |feature, bond: &Bond| Arc::new(Band::new(&self.axis(feature, &root), bond));
        let [claimed, _] = self.forests;
        let of_all = || {
            let all = bonds(of_claim, claimed.features());
            all.iter().enumerate().map(|(feature, bond)| band(feature, bond)).collect()
        };
        let mut bands: Vec<_> = still.get_or_insert_with(of_all).clone();
        if let Question::Along { feature, by, is_up } = question
            && let Some(slot) = bands.get_mut(feature)
        {
            *slot = band(feature, &Bond::Shifted(if is_up { by.clone() } else { -by.clone() }));
        }
        self.pairing = Pairing::new(bands, root);
        self
    }

    /// One feature, with the cells of both points as in a box.
    fn axis(&self, feature: usize, here: &TwinBox) -> Axis<'_> {
        let side = |copy: usize| {
            let region = self.regions.get(copy).copied().flatten()?;
            region.sides().get(feature)
        };
        let [first, second] = self.forests;
        Axis {
            grids: [first.grid(), second.grid()],
            feature,
            sides: [side(0), side(1)],
            cells: here.sides(feature),
        }
    }

    /// Walks a tree of cuts of either point, and of sums; every leaf must reach its aim.
    fn decide(&self, tree: &SplitTree) -> Result<Outcome, Rejection> {
        let all = Arc::new(self.all_trees());
        preorder((self.pairing.root().cloned(), all), tree, |token, step, (here, sum)| {
            match (step, here) {
                (
                    Step::Cut { cut: Cut::Cell { copy, feature, number }, refresh: None },
                    Some(here),
                ) => {
                    let parts = self.pairing.cut(&here, *copy, *feature, *number);
                    let (low, high) = parts.ok_or(Rejection::CutOutside { token })?;
                    Ok(Visited::Cut(((low, sum.clone()), (high, sum))))
                }
                (Step::Sum { most, trees }, Some(here)) => {
                    let problem = |problem| Rejection::Tree { token, problem };
                    let (named, others) = sum.parts(*most, trees).map_err(problem)?;
                    let part = |sum| (Some(here.clone()), Arc::new(sum));
                    Ok(Visited::Cut((part(named), part(others))))
                }
                (Step::Leaf { leaf: Leaf::Pairs, refresh: None, hint: None }, here) => {
                    let close = |here: TwinBox| self.close_sum(&here, &sum);
                    Ok(Visited::Leaf(here.map_or(Outcome::Holds, close)))
                }
                (Step::Cut { .. } | Step::Sum { .. }, None) => Err(Rejection::CutOutside { token }),
                _ => Err(Rejection::Tree { token, problem: "not a step of a box of two points" }),
            }
        })
    }

    /// The sum of all trees, with the aim of the claim.
    fn all_trees(&self) -> TreeSum {
        let [forest, _] = self.forests;
        TreeSum { trees: (0..forest.trees.len()).collect(), aim: self.aim.clone() }
    }

    /// The outcome of the pairs of leaves of some trees for a box.
    fn close_sum(&self, here: &TwinBox, sum: &TreeSum) -> Outcome {
        if sum.aim.is_out_of_reach(|feature| self.gap(here, feature)) {
            return Outcome::Holds;
        }
        match self.reached(here, &sum.trees) {
            Err(Absent) => Outcome::Open(Bounds::NONE),
            // no pair of the box is bound as the claim asks
            Ok(None) => Outcome::Holds,
            Ok(Some(reached)) => {
                let [forest, _] = self.forests;
                let number = |score: &N| forest.value(score);
                let range = |(low, high): &(N, N)| (number(low), number(high));
                let Reached { first, second, change } = &reached;
                sum.aim.judge(&Sums {
                    first: range(first),
                    second: range(second),
                    change: range(change),
                    gap: &|feature| self.gap(here, feature),
                })
            }
        }
    }

    /// The least difference of both points along a feature.
    fn gap(&self, here: &TwinBox, feature: usize) -> Rational {
        self.axis(feature, here).gap(here.sides(feature)).0
    }

    /// Sums over some trees; `None` if one of them reaches no pair of leaves.
    fn reached(&self, here: &TwinBox, trees: &[usize]) -> Result<Option<Reached<N>>, Absent> {
        let [first, second] = self.forests;
        let mut sums = Reached::start(first.base.first().ok_or(Absent)?);
        let mut here = here.clone();
        for &tree in trees {
            let pair = first.trees.get(tree).zip(second.trees.get(tree)).ok_or(Absent)?;
            match reached(&self.pairing, pair.into(), &mut here)? {
                Some(of_tree) => sums.add(&of_tree),
                None => return Ok(None),
            }
        }
        Ok(Some(sums))
    }
}

#[cfg(test)]
mod tests {
    use crate::certificate::{Arithmetic, Kernel, Proof, Verdict};
    use crate::model::Model;
    use crate::spec::{Lowered, Spec};

    /// Two questions for each feature, every one about all features.
    #[test]
    fn questions_of_many_features_are_asked_one_by_one() {
        let names =
            (0..2000).map(|k| format!(r#"{{"name":"x{k}","kind":"real","low":"0","high":"1"}}"#));
        let names: Vec<String> = names.collect();
        let text = format!(
            r#"{{"format":"model/1","family":"ensemble","precision":"f64","tie":"lower","classes":2,
            "features":[{}],"base":[1],"trees":[]}}"#,
            names.join(",")
        );
        let model = Model::read(text.as_bytes()).unwrap();
        let spec = "property = 'boundary-fuzz'\nscope = 'domain'\nshift = '0.5'\nepsilon = '0.1'";
        let spec = Spec::read(spec.as_bytes()).unwrap();
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
        let verdict = kernel.check(0, &Proof::tree_pairs(Default::default()));
        assert!(matches!(verdict, Ok(Verdict::Proved(_))), "{verdict:?}");
        assert!(kernel.questions(&kernel.obligation(0).unwrap()).is_none());
        // no shifted copy has another label
        let points = vec![vec!["0".to_owned(); 2000]];
        let verdict = kernel.check(0, &Proof::Counterexample { points });
        assert!(matches!(verdict, Ok(Verdict::Undecided(_))), "{verdict:?}");
    }
}
