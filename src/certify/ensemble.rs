//! Case distinctions on the cells of an ensemble, depth first within a budget of nodes.
//!
//! One engine for all queries: *is the sum of these trees at least (more than) a number on the
//! whole box?* A query about a margin takes the trees as they are; a query about a threshold of a
//! monotone feature takes the small trees of differences across it (one per tree that contains the
//! threshold). A box is bounded by the sum of the smallest reachable leaves and is cut where that
//! promises most. Sums are floats: the kernel decides exactly afterwards.

use std::collections::BTreeMap;

use crate::certificate::{Cut, Leaf, Proof, SplitTree, Step};
use crate::model::{Cells, Ensemble, Feature, Node, Point};
use crate::spec::{Claim, Direction, Obligation, Semantics};

use super::Searcher;
use super::attack::{FloatBox, excess};

/// An ensemble on its grid, in floats.
pub(super) struct Grid {
    cells: Cells,
    trees: Vec<(usize, Vec<Part>)>,
    base: Vec<f64>,
}

/// A node on the grid: left iff cell <= number.
#[derive(Clone, Copy, Debug)]
enum Part {
    Split { feature: usize, number: usize, left: usize, right: usize },
    Leaf(f64),
}

impl Grid {
    pub(super) fn new(ensemble: &Ensemble, is_whole: &[bool]) -> Self {
        let cells = Cells::new(ensemble, is_whole);
        let place = |node: &Node| match *node {
            Node::Split { feature, threshold, left, right, .. } => {
                let number = cells.number(feature, threshold);
                Part::Split { feature: feature.0, number, left, right }
            }
            Node::Leaf(value) => Part::Leaf(value),
        };
        let trees = ensemble
            .trees
            .iter()
            .map(|tree| (tree.output, tree.nodes.iter().map(place).collect()))
            .collect();
        Self { trees, base: ensemble.base.clone(), cells }
    }

    pub(super) fn thresholds(&self, feature: usize) -> &[f64] {
        self.cells.thresholds(Feature(feature))
    }
}

/// A sum of trees that must not fall below (or to) a number.
struct Query {
    trees: Vec<Vec<Part>>,
    constant: f64,
    /// The sum must exceed this.
    required: f64,
    /// Reaching it is enough.
    is_inclusive: bool,
}

/// What a search ends with.
enum Found {
    Tree(SplitTree),
    /// A box in which every tree reaches one leaf, and the sum is too small.
    Witness(Vec<(usize, usize)>),
    Nothing,
}

type Box_ = Vec<(usize, usize)>;

impl Query {
    fn clears(&self, bound: f64) -> bool {
        bound > self.required || (self.is_inclusive && bound == self.required)
    }

    fn search(&self, root: Box_, budget: u64, mut is_witness: impl FnMut(&Box_) -> bool) -> Found {
        let mut steps = Vec::new();
        let mut stack = vec![root];
        let mut nodes = 0;
        while let Some(here) = stack.pop() {
            nodes += 1;
            if nodes > budget {
                return Found::Nothing;
            }
            let (bound, cut) = self.bound(&here);
            if self.clears(bound) {
                steps.push(Step::Leaf { leaf: Leaf::Interval, refresh: None, hint: None });
                continue;
            }
            if is_witness(&here) {
                return Found::Witness(here);
            }
            let Some((feature, number)) = cut else { return Found::Nothing };
            let (mut low, mut high) = (here.clone(), here);
            low[feature].1 = number;
            high[feature].0 = number + 1;
            steps.push(Step::Cut { cut: Cut::Cell { copy: 0, feature, number }, refresh: None });
            stack.push(high);
            stack.push(low);
        }
        SplitTree::new(steps).map_or(Found::Nothing, Found::Tree)
    }

    /// The sum of the smallest reachable leaves, and the most promising cut: for every undecided
    /// tree with first open split `(j, k)` the losses `a`, `b` of its two sides are added up per
    /// cut, and the cut with the largest `max + 3·min` is taken.
    fn bound(&self, here: &Box_) -> (f64, Option<(usize, usize)>) {
        let mut bound = self.constant;
        let mut gains: BTreeMap<(usize, usize), (f64, f64)> = BTreeMap::new();
        for tree in &self.trees {
            let top = open_node(tree, here);
            match tree[top] {
                Part::Leaf(value) => bound += value,
                Part::Split { feature, number, left, right } => {
                    let (below, above) = (
                        smallest(tree, left, here, (feature, number), true),
                        smallest(tree, right, here, (feature, number), false),
                    );
                    let least = below.min(above);
                    bound += least;
                    let gain = gains.entry((feature, number)).or_default();
                    gain.0 += below - least;
                    gain.1 += above - least;
                }
            }
        }
        let weight = |(a, b): &(f64, f64)| a.max(*b) + 3.0 * a.min(*b);
        let best =
            gains.iter().max_by(|x, y| weight(x.1).total_cmp(&weight(y.1)).then(y.0.cmp(x.0)));
        (bound, best.map(|(&cut, _)| cut))
    }
}

/// The first node from the root at which the box goes both ways, or the only leaf.
fn open_node(tree: &[Part], here: &Box_) -> usize {
    let mut at = 0;
    while let Part::Split { feature, number, left, right } = tree[at] {
        let (lo, hi) = here[feature];
        if hi <= number {
            at = left;
        } else if lo > number {
            at = right;
        } else {
            return at;
        }
    }
    at
}

/// The smallest leaf below a node that the box reaches on one side of a cut.
fn smallest(tree: &[Part], from: usize, here: &Box_, cut: (usize, usize), is_low: bool) -> f64 {
    let mut least = f64::INFINITY;
    let mut stack = vec![from];
    while let Some(at) = stack.pop() {
        match tree[at] {
            Part::Leaf(value) => least = least.min(value),
            Part::Split { feature, number, left, right } => {
                let (mut lo, mut hi) = here[feature];
                if feature == cut.0 {
                    if is_low {
                        hi = hi.min(cut.1);
                    } else {
                        lo = lo.max(cut.1 + 1);
                    }
                }
                if lo <= number {
                    stack.push(left);
                }
                if hi > number {
                    stack.push(right);
                }
            }
        }
    }
    least
}

/// A split proof of a claim about one label, or a counterexample. Two classes, or the smallest
/// margin over the competing classes one by one is left to the root box.
pub(super) fn search(searcher: &Searcher, obligation: &Obligation) -> Option<Proof> {
    let grid = searcher.grid.as_ref()?;
    let (label, required, is_inclusive) = match obligation.sufficient.as_ref()? {
        Claim::Label { label } => {
            let wins_tie =
                (*label == 0) == (searcher.subject.model.0.tie == crate::model::Tie::Lower);
            (*label, 0.0, wins_tie)
        }
        Claim::Posterior { label, threshold, .. } => (*label, threshold.above.up(), false),
        _ => return None,
    };
    if grid.base.len() != 1 {
        return None;
    }
    let semantics = searcher.lowered.semantics();
    let sign = if label == 1 { 1.0 } else { -1.0 };
    let scaled = |part: &Part| match *part {
        Part::Leaf(value) => Part::Leaf(sign * value),
        split => split,
    };
    let allowance = match semantics {
        Semantics::Real => 0.0,
        Semantics::ServedF32 => served_allowance(grid),
    };
    let query = Query {
        trees: grid.trees.iter().map(|(_, tree)| tree.iter().map(scaled).collect()).collect(),
        constant: sign * grid.base[0],
        required: required + allowance,
        is_inclusive,
    };
    let root = searcher.kernel.cells(obligation)?.sides().to_vec();
    let space = FloatBox::new(&obligation.region);
    let centre = searcher.lowered.row_of(obligation.at).map(|row| &searcher.rows[row].values)?;
    let mut witness = None;
    let found = query.search(root, searcher.options.budget_nodes, |here| {
        let point = nearest(grid, here, centre, &space);
        if excess(searcher, obligation, &point) <= 0.0 {
            witness = Some(point);
        }
        witness.is_some()
    });
    match found {
        Found::Tree(tree) => Some(Proof::Split { tree, hints: Vec::new() }),
        Found::Witness(_) => {
            witness.map(|p| Proof::Counterexample { points: vec![Point::texts(&p)] })
        }
        Found::Nothing => None,
    }
}

/// About what the kernel will ask for beyond the threshold: `γ_T·S`, doubled.
fn served_allowance(grid: &Grid) -> f64 {
    let largest = |tree: &Vec<Part>| {
        tree.iter().fold(0.0, |top: f64, part| match part {
            Part::Leaf(value) => top.max(value.abs()),
            Part::Split { .. } => top,
        })
    };
    let total: f64 = grid.base.iter().map(|b| b.abs()).sum::<f64>()
        + grid.trees.iter().map(|(_, t)| largest(t)).sum::<f64>();
    2.0 * grid.trees.len() as f64 * f64::from(f32::EPSILON) * total
}

/// The point of a box of cells nearest to `centre`, inside the region where possible.
fn nearest(grid: &Grid, here: &Box_, centre: &[f64], space: &FloatBox) -> Vec<f64> {
    let value = |(feature, &x): (usize, &f64)| {
        let thresholds = grid.thresholds(feature);
        let cell = grid.cells.cell(Feature(feature), x);
        let (lo, hi) = here[feature];
        if cell < lo {
            thresholds[lo - 1]
        } else if cell > hi {
            // just left of the threshold, also after rounding to f32
            let below = f64::from((thresholds[hi] as f32).next_down());
            if hi == 0 || below >= thresholds[hi - 1] { below } else { thresholds[hi].next_down() }
        } else {
            x
        }
    };
    let mut point: Vec<f64> = centre.iter().enumerate().map(value).collect();
    // whole features: just left of a whole threshold is one less
    for (feature, x) in point.iter_mut().enumerate() {
        if grid.cells.is_whole(Feature(feature)) {
            *x = x.floor();
        }
    }
    space.clip(&mut point);
    point
}

/// Trees for the thresholds that a single box does not prove, or a counterexample.
pub(super) fn search_jumps(searcher: &Searcher, obligation: &Obligation) -> Option<Proof> {
    let grid = searcher.grid.as_ref()?;
    let Some(Claim::Monotone { feature, direction, class }) = &obligation.sufficient else {
        return None;
    };
    let root = searcher.kernel.cells(obligation)?.sides().to_vec();
    let (lo, hi) = root[feature.0];
    let outputs: Vec<(usize, Option<usize>)> = if grid.base.len() == 1 {
        vec![(0, None)]
    } else {
        (0..grid.base.len()).filter(|other| other != class).map(|o| (*class, Some(o))).collect()
    };
    let mut trees = BTreeMap::new();
    let space = FloatBox::new(&obligation.region);
    for (position, (plus, minus)) in outputs.into_iter().enumerate() {
        for number in lo..hi {
            let query = grid.difference_query(feature.0, number, plus, minus, *direction);
            if query.clears(query.bound(&root).0) {
                continue;
            }
            let budget = searcher.options.budget_nodes;
            // only a box in which every tree is decided is offered
            match query.search(root.clone(), budget, |here| query.is_decided(here)) {
                Found::Tree(tree) => {
                    trees.insert(position * (hi - lo) + (number - lo), tree);
                }
                Found::Witness(here) => {
                    return Some(grid.step_witness(&here, feature.0, number, &space));
                }
                Found::Nothing => return None,
            }
        }
    }
    Some(Proof::Jumps { trees })
}

impl Query {
    fn is_decided(&self, here: &Box_) -> bool {
        self.trees.iter().all(|tree| matches!(tree[open_node(tree, here)], Part::Leaf(_)))
    }
}

impl Grid {
    /// `Σ ±[T(right of the threshold) − T(left of it)] >= 0`, one small tree per tree with the
    /// threshold.
    fn difference_query(
        &self,
        feature: usize,
        number: usize,
        plus: usize,
        minus: Option<usize>,
        direction: Direction,
    ) -> Query {
        let mut trees = Vec::new();
        for (output, tree) in &self.trees {
            let sign = if *output == plus {
                1.0
            } else if Some(*output) == minus {
                -1.0
            } else {
                continue;
            };
            let sign = if direction == Direction::Increasing { sign } else { -sign };
            let has_threshold = tree.iter().any(|part| {
                matches!(part, Part::Split { feature: f, number: k, .. } if *f == feature && *k == number)
            });
            if has_threshold {
                let mut parts = Vec::new();
                difference(tree, (0, 0), feature, number, sign, &mut parts);
                trees.push(parts);
            }
        }
        Query { trees, constant: 0.0, required: 0.0, is_inclusive: true }
    }

    /// Two points across the threshold, the other features in the box.
    fn step_witness(&self, here: &Box_, feature: usize, number: usize, space: &FloatBox) -> Proof {
        let thresholds = self.thresholds(feature);
        let mut centre: Vec<f64> = Vec::new();
        for (index, &(lo, _)) in here.iter().enumerate() {
            let lowest = if lo == 0 { f64::NEG_INFINITY } else { self.thresholds(index)[lo - 1] };
            centre.push(lowest);
        }
        space.clip(&mut centre);
        let (mut below, mut above) = (centre.clone(), centre);
        above[feature] = thresholds[number];
        below[feature] = if self.cells.is_whole(Feature(feature)) {
            thresholds[number] - 1.0
        } else {
            thresholds[number].next_down()
        };
        Proof::Counterexample { points: vec![Point::texts(&below), Point::texts(&above)] }
    }
}

/// Appends the tree of differences of the two sides of a threshold; returns its root.
fn difference(
    tree: &[Part],
    (low_side, high_side): (usize, usize),
    feature: usize,
    number: usize,
    sign: f64,
    parts: &mut Vec<Part>,
) -> usize {
    let mut pair = (low_side, high_side);
    // both sides move along the threshold's own feature by their cells
    loop {
        match (tree[pair.0], tree[pair.1]) {
            (Part::Split { feature: f, number: k, left, right }, _) if f == feature => {
                let same = pair.0 == pair.1;
                let next = if number <= k { left } else { right };
                let other = if number < k { left } else { right };
                pair = (next, if same { other } else { pair.1 });
            }
            (_, Part::Split { feature: f, number: k, left, right }) if f == feature => {
                pair.1 = if number < k { left } else { right };
            }
            _ => break,
        }
    }
    let at = parts.len();
    let (split, children) = match (tree[pair.0], tree[pair.1]) {
        (Part::Leaf(low), Part::Leaf(high)) => {
            parts.push(Part::Leaf(sign * (high - low)));
            return at;
        }
        (Part::Split { feature: f, number: k, left, right }, _) => {
            let other = |end: usize| if pair.0 == pair.1 { end } else { pair.1 };
            ((f, k), ((left, other(left)), (right, other(right))))
        }
        (_, Part::Split { feature: f, number: k, left, right }) => {
            ((f, k), ((pair.0, left), (pair.0, right)))
        }
    };
    parts.push(Part::Leaf(0.0));
    let left = difference(tree, children.0, feature, number, sign, parts);
    let right = difference(tree, children.1, feature, number, sign, parts);
    parts[at] = match (parts[left], parts[right]) {
        (Part::Leaf(a), Part::Leaf(b)) if a == b => Part::Leaf(a),
        _ => Part::Split { feature: split.0, number: split.1, left, right },
    };
    at
}
