//! Monotone features, threshold by threshold. Steps add up, so the property is about neighbouring cells.
//! Only the trees that hold a threshold change across it. The difference of a tree is a small tree of its
//! own over the other features, and the sum of the differences is a query.

use std::collections::BTreeMap;

use crate::certificate::{Proof, SplitTree};
use crate::model::{Ensemble, Feature, Point};
use crate::spec::{Aim, Bonds, Claim, Direction, Obligation, Pair};
use crate::violation::FloatBox;

use super::grid::{FloorQuery, Grid, GridNode, Parts, Sides, WholeUnits};
use super::local::Local;
use super::proof::{leaf, steps};
use super::reduce::join;
use super::search::{Search, SearchEnd, Shortfall};
use crate::certify::Searcher;
use crate::certify::network::search::Found;

/// A threshold of a feature, and the direction in which the score may move there.
#[derive(Clone, Copy)]
struct FeatureStep {
    feature: usize,
    number: usize,
    /// The output whose score counts `+`.
    plus: usize,
    /// The output whose score counts `−`, with several outputs.
    minus: Option<usize>,
    direction: Direction,
}

/// The result of a search at one threshold.
enum ThresholdEnd {
    /// The step never goes in the wrong direction; `None` if a single box shows it.
    Holds(Option<SplitTree>),
    /// The step goes in the wrong direction in this box.
    Fails(Sides),
    /// The budget ended.
    Spent,
    /// A larger budget does not help: too large for the search, or cut too often for the kernel.
    Open,
}

/// Searches for trees for the thresholds that a single box does not prove, or a counterexample.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let (mut nodes, mut is_spent) = (0, false);
    let proof = prove(searcher, obligation, &mut nodes, &mut is_spent);
    Found { proof, nodes, is_spent, is_full: false }
}

fn prove(
    searcher: &Searcher,
    obligation: &Obligation,
    nodes: &mut u64,
    is_spent: &mut bool,
) -> Option<Proof> {
    let grid = searcher.grid.as_ref()?;
    let (feature, direction, class) = order(obligation)?;
    let root = searcher.kernel.cells(obligation)?.sides().to_vec();
    let (lo, hi) = root[feature.0];
    let outputs: Vec<(usize, Option<usize>)> = if grid.base.len() == 1 {
        vec![(0, None)]
    } else {
        (0..grid.base.len()).filter(|other| *other != class).map(|o| (class, Some(o))).collect()
    };
    let mut trees = BTreeMap::new();
    let space = FloatBox::new(&obligation.region);
    let holders = grid.holders(feature.0);
    for (position, (plus, minus)) in outputs.into_iter().enumerate() {
        for (number, holders) in holders.iter().enumerate().take(hi).skip(lo) {
            let step = FeatureStep { feature: feature.0, number, plus, minus, direction };
            let query = grid.steps(&step, holders, &root);
            match decide(&query, &root, searcher.options.budget_nodes, nodes) {
                ThresholdEnd::Holds(None) => {}
                ThresholdEnd::Holds(Some(tree)) => {
                    trees.insert(position * (hi - lo) + (number - lo), tree);
                }
                ThresholdEnd::Fails(here) => {
                    return Some(grid.step_witness(&here, feature.0, number, &space));
                }
                ThresholdEnd::Spent => {
                    *is_spent = true;
                    return None;
                }
                ThresholdEnd::Open => return None,
            }
        }
    }
    Some(Proof::jumps(trees))
}

/// The feature, the direction and the class of a monotone claim.
fn order(obligation: &Obligation) -> Option<(Feature, Direction, usize)> {
    let Some(Claim::Pair(Pair {
        bonds: Bonds::Raised(feature),
        aim: Aim::Order { direction, class },
        ..
    })) = &obligation.sufficient
    else {
        return None;
    };
    Some((*feature, *direction, *class))
}

/// Counterexamples to a monotone claim at every threshold where the score can step in the wrong direction, as far
/// as the budget of nodes lasts.
pub(in crate::certify) fn steps_against(
    searcher: &Searcher,
    obligation: &Obligation,
) -> Option<Vec<Proof>> {
    let grid = searcher.grid.as_ref()?;
    let (feature, direction, _) = order(obligation)?;
    if grid.base.len() != 1 {
        return None;
    }
    let root = searcher.kernel.cells(obligation)?.sides().to_vec();
    let (lo, hi) = root[feature.0];
    let space = FloatBox::new(&obligation.region);
    let (mut found, mut nodes) = (Vec::new(), 0);
    for (number, holders) in grid.holders(feature.0).iter().enumerate().take(hi).skip(lo) {
        let feature = feature.0;
        let step = FeatureStep { feature, number, plus: 0, minus: None, direction };
        let query = grid.steps(&step, holders, &root);
        if let ThresholdEnd::Fails(here) =
            decide(&query, &root, searcher.options.budget_nodes, &mut nodes)
        {
            found.push(grid.step_witness(&here, feature, number, &space));
        }
    }
    Some(found)
}

/// Decides if a sum of steps is never negative in a box.
fn decide(query: &FloorQuery, root: &Sides, budget: u64, nodes: &mut u64) -> ThresholdEnd {
    let Some(local) = Local::new(query, root) else { return ThresholdEnd::Open };
    let mut search = Search::new(&local, None, budget).recording();
    let mut fails = None;
    let end = search.run(&mut |search| {
        fails = Some(search.nearest_cells(root));
        Shortfall::Stop
    });
    *nodes += search.nodes;
    match (end, fails) {
        (SearchEnd::Closed, _) if search.cases().len() <= 1 => ThresholdEnd::Holds(None),
        (SearchEnd::Closed, _) => {
            let steps = steps(&local, search.cases(), root, &mut |_| Some(vec![leaf()]));
            steps
                .and_then(SplitTree::new)
                .map_or(ThresholdEnd::Open, |tree| ThresholdEnd::Holds(Some(tree)))
        }
        (SearchEnd::Stopped, Some(here)) => ThresholdEnd::Fails(here),
        (SearchEnd::Spent, _) => ThresholdEnd::Spent,
        _ => ThresholdEnd::Open,
    }
}

/// The state of the thresholds of a feature on the whole grid, every real value allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Distinct thresholds of the feature.
    pub thresholds: usize,
    /// Thresholds at which the score never steps in the wrong direction.
    pub holds: usize,
    /// Thresholds at which the score steps in the wrong direction somewhere.
    pub violated: usize,
    /// Boxes visited.
    pub nodes: u64,
}

impl Census {
    /// Decides every threshold of a feature of a two-class ensemble, within `budget` nodes each. Thresholds
    /// that are neither held nor violated were left open. The search decides, not the kernel.
    pub fn take(
        ensemble: &Ensemble,
        features: usize,
        feature: Feature,
        direction: Direction,
        budget: u64,
    ) -> Self {
        let grid = Grid::new(ensemble, &vec![false; features]);
        let root: Sides = (0..features).map(|f| (0, grid.thresholds(f).len())).collect();
        let thresholds = root[feature.0].1;
        let mut census = Self { thresholds, ..Self::default() };
        for (number, holders) in grid.holders(feature.0).iter().enumerate() {
            let step = FeatureStep { feature: feature.0, number, plus: 0, minus: None, direction };
            let query = grid.steps(&step, holders, &root);
            match decide(&query, &root, budget, &mut census.nodes) {
                ThresholdEnd::Holds(_) => census.holds += 1,
                // a rounded sum proves nothing
                ThresholdEnd::Fails(_) if query.is_exact => census.violated += 1,
                ThresholdEnd::Fails(_) | ThresholdEnd::Spent | ThresholdEnd::Open => {}
            }
        }
        census
    }
}

impl Grid {
    /// Per threshold of a feature, the trees that hold it.
    fn holders(&self, feature: usize) -> Vec<Vec<usize>> {
        let mut holders = vec![Vec::new(); self.thresholds(feature).len()];
        for (tree, (_, parts)) in self.trees.iter().enumerate() {
            for part in parts {
                if let GridNode::Split { feature: f, number, .. } = *part
                    && f == feature
                    && holders[number].last() != Some(&tree)
                {
                    holders[number].push(tree);
                }
            }
        }
        holders
    }

    /// `Σ ±[T(right of the threshold) − T(left of it)] >= 0`, one small tree per tree with the
    /// threshold.
    fn steps(&self, step: &FeatureStep, holders: &[usize], root: &Sides) -> FloorQuery {
        let trees = holders.iter().map(|&tree| &self.trees[tree]);
        let units = WholeUnits::new(trees.clone().map(|(_, parts)| parts.as_slice()), &[], 0.0);
        let of_tree = |(output, tree): &(usize, Parts<f64>)| {
            let is_plus = match *output {
                output if output == step.plus => true,
                output if Some(output) == step.minus => false,
                _ => return None,
            };
            let is_rising = is_plus == (step.direction == Direction::Increasing);
            let mut parts = Vec::new();
            let units = if is_rising { units } else { units.negated() };
            let root = difference(&units, tree, (0, 0), step, &mut root.clone(), &mut parts);
            Some((root, parts))
        };
        let trees = trees.filter_map(of_tree).collect();
        FloorQuery { trees, constant: 0, floor: 0, is_exact: units.is_exact }
    }

    /// Two points across the threshold, the other features in the box.
    fn step_witness(&self, here: &Sides, feature: usize, number: usize, space: &FloatBox) -> Proof {
        let thresholds = self.thresholds(feature);
        let mut centre: Vec<f64> = Vec::new();
        for (index, &(lo, _)) in here.iter().enumerate() {
            let lowest = if lo == 0 { f64::NEG_INFINITY } else { self.thresholds(index)[lo - 1] };
            centre.push(lowest);
        }
        space.clip(&mut centre);
        let (mut below, mut above) = (centre.clone(), centre);
        above[feature] = thresholds[number];
        below[feature] = if self.is_whole(feature) {
            thresholds[number] - 1.0
        } else {
            thresholds[number].next_down()
        };
        Proof::Counterexample { points: vec![Point::texts(&below), Point::texts(&above)] }
    }
}

/// The side of a threshold that a node belongs to.
#[derive(Clone, Copy)]
enum ThresholdSide {
    Below,
    Above,
    Both,
}

/// Appends the tree of differences of the two sides of a threshold, as far as the box `here` reaches it, and
/// returns its root. `below` and `above` are the current nodes of the two sides. The box is left as it was.
fn difference(
    units: &WholeUnits,
    tree: &[GridNode<f64>],
    (mut below, mut above): (usize, usize),
    step: &FeatureStep,
    here: &mut Sides,
    parts: &mut Parts<i64>,
) -> usize {
    loop {
        let is_same = below == above;
        let (side, (feature, number, left, right)) = match (tree[below], tree[above]) {
            (GridNode::Leaf(from), GridNode::Leaf(to)) => {
                parts.push(GridNode::Leaf(if is_same { 0 } else { units.change(from, to) }));
                return parts.len() - 1;
            }
            (GridNode::Split { feature, number, left, right }, _) => (
                if is_same { ThresholdSide::Both } else { ThresholdSide::Below },
                (feature, number, left, right),
            ),
            (GridNode::Leaf(_), GridNode::Split { feature, number, left, right }) => {
                (ThresholdSide::Above, (feature, number, left, right))
            }
        };
        let to = |low: usize, high: usize| match side {
            ThresholdSide::Below => (low, above),
            ThresholdSide::Above => (below, high),
            ThresholdSide::Both => (low, high),
        };
        if feature == step.feature {
            // the low side lies in the cell of the threshold's number, the high side in the next
            let low = if step.number <= number { left } else { right };
            let high = if step.number < number { left } else { right };
            (below, above) = to(low, high);
            continue;
        }
        let (lo, hi) = here[feature];
        if hi <= number {
            (below, above) = to(left, left);
        } else if lo > number {
            (below, above) = to(right, right);
        } else {
            here[feature] = (lo, number);
            let low = difference(units, tree, to(left, left), step, here, parts);
            here[feature] = (number + 1, hi);
            let high = difference(units, tree, to(right, right), step, here, parts);
            here[feature] = (lo, hi);
            return join(feature, number, (low, high), units.is_exact, parts);
        }
    }
}
