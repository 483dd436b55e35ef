//! Branch and bound over boxes of pairs, the more promising half first.
//!
//! A box keeps, per tree over pairs, the first node with both sides in the box, and the largest sums below that
//! node. A cut changes only the trees that cut the feature. Sums are floats. The kernel is asked if they are
//! close to the claimed limit, and if every tree has one leaf left.

use std::collections::BTreeMap;

use crate::certificate::{Cut, MAX_DEPTH, Pairing, SplitTree, TwinBox};

use super::aim::FloatAim;
use super::grown::Grown;
use super::product::{AxisIndex, FALL, FORMS, PairSums, Product, Twin, larger, sums};

/// Distance to a limit, relative to the size of the sums, within which floats are not trusted.
const CLOSE: f64 = 1e-9;

/// A search of one question.
pub(super) struct PairSearch<'a> {
    pub(super) products: Vec<&'a Product>,
    pub(super) pairing: &'a Pairing,
    pub(super) aim: FloatAim,
    /// The sums of a pair without any tree.
    pub(super) base: PairSums,
}

/// The end of a search.
pub(super) enum PairSearchEnd {
    Tree(SplitTree),
    /// A box in which every tree has one leaf, and which is not closed.
    Open(TwinBox),
    /// The budget is used up.
    Nothing,
}

/// A tree on a box.
#[derive(Clone, Copy)]
struct PairStanding {
    node: usize,
    top: PairSums,
}

/// The boxes that wait, and the tree so far.
pub(super) struct Waiting {
    stack: Vec<WaitingBox>,
    grown: Grown,
    /// The closed share of all pairs, each half of a box counted as half of it.
    closed: f64,
}

/// A search is hopeless if it seems to need this many times its budget, judged by its first boxes and again
/// after a third of its budget. The closed shares of the root estimate the number of boxes (Knuth, "Estimating
/// the efficiency of backtrack programs", 1975). The estimate is far too high, because the half that misses more
/// comes first and is the harder one. So only extreme estimates count, with a lower limit later in the search.
const HOPELESS: [f64; 2] = [1e9, 1e6];

fn is_hopeless(closed: f64, nodes: u64, budget: u64, times: f64) -> bool {
    nodes as f64 > closed * times * budget as f64
}

impl Waiting {
    /// True if a budget will not suffice, judged by the first `nodes` boxes.
    pub(super) fn is_hopeless(&self, nodes: u64, budget: u64) -> bool {
        is_hopeless(self.closed, nodes, budget, HOPELESS[0])
    }
}

/// A box that waits.
pub(super) struct WaitingBox {
    pub(super) here: TwinBox,
    standing: Vec<PairStanding>,
    pub(super) top: PairSums,
    /// Number of cuts above it.
    pub(super) depth: usize,
    /// Its share of the root, each half of a box counted as half of it.
    share: f64,
    /// Its place in the tree; 0 or 1 for a child just made.
    pub(super) place: usize,
}

impl WaitingBox {
    /// The child, with its place counted from the low part of its parent's cut.
    pub(super) fn below(mut self, low: usize) -> Self {
        self.place += low;
        self
    }
}

impl<'a> PairSearch<'a> {
    /// The same search for some of the trees alone.
    pub(super) fn of_some(&self, trees: &[usize]) -> PairSearch<'a> {
        let products = trees.iter().filter_map(|&tree| self.products.get(tree).copied()).collect();
        PairSearch { products, pairing: self.pairing, aim: self.aim, base: [0.0; FORMS] }
    }

    fn axis_of(&self, copy: usize, feature: usize) -> AxisIndex {
        copy * self.pairing.features() + feature
    }

    /// A cut in the terms of the format.
    pub(super) fn cut(&self, (axis, number): (AxisIndex, usize)) -> Cut {
        let features = self.pairing.features();
        Cut::Cell { copy: axis / features, feature: axis % features, number }
    }

    fn side(&self, here: &TwinBox, axis: AxisIndex) -> (usize, usize) {
        let features = self.pairing.features();
        here.side(axis / features, axis % features)
    }

    /// The box whose pairs change most, as far as the budget lasts, and true if it did; `None` if no box changes
    /// by more than `best`. Every box with one leaf left in each tree raises the limit. A search that seems
    /// hopeless when `nodes` reaches `trial` ends too.
    pub(super) fn largest(
        &mut self,
        root: &TwinBox,
        best: f64,
        (trial, budget): (u64, u64),
        nodes: &mut u64,
    ) -> (Option<TwinBox>, bool) {
        let mut found = None;
        self.aim = FloatAim::Change { limit: best };
        let (mut stack, mut closed) = (vec![self.start(root.clone())], 0.0);
        while let Some(case) = stack.pop() {
            let is_tried = *nodes == trial && closed > 0.0;
            let is_vain = is_tried && is_hopeless(closed, *nodes, budget, HOPELESS[1]);
            if *nodes >= budget || is_vain {
                return (found, false);
            }
            *nodes += 1;
            if self.aim.missed(&case.top) <= 0.0 {
                closed += case.share;
                continue;
            }
            let Some(cut) = self.choose(&case) else {
                closed += case.share;
                self.aim = FloatAim::Change { limit: case.top[FALL] };
                found = Some(case.here);
                continue;
            };
            let Some(children) = self.children(&case, cut) else { return (found, false) };
            stack.extend(children);
        }
        (found, true)
    }

    /// Both parts of a cut that have a pair; the part that misses more comes last.
    pub(super) fn children(
        &self,
        case: &WaitingBox,
        (axis, number): (AxisIndex, usize),
    ) -> Option<Vec<WaitingBox>> {
        let features = self.pairing.features();
        let (copy, feature) = (axis / features, axis % features);
        let (low, high) = self.pairing.cut(&case.here, copy, feature, number)?;
        let parts = [low, high]
            .into_iter()
            .zip(0..)
            .filter_map(|(part, place)| part.map(|here| self.child(case, here, feature, place)));
        let mut children: Vec<WaitingBox> = parts.collect();
        let count = children.len() as f64;
        children.iter_mut().for_each(|child| child.share /= count);
        children.sort_by(|a, b| self.aim.missed(&a.top).total_cmp(&self.aim.missed(&b.top)));
        Some(children)
    }

    /// Continues the search within a budget of boxes; `nodes` counts all boxes visited. `close` asks the kernel.
    pub(super) fn run(
        &self,
        waiting: &mut Waiting,
        budget: u64,
        nodes: &mut u64,
        close: &mut dyn FnMut(&TwinBox) -> bool,
    ) -> PairSearchEnd {
        while let Some(case) = waiting.stack.pop() {
            if *nodes >= budget {
                waiting.stack.push(case);
                return PairSearchEnd::Nothing;
            }
            *nodes += 1;
            if self.is_closed(&case, close) {
                waiting.closed += case.share;
                continue;
            }
            let Some(cut) = self.choose(&case) else {
                if close(&case.here) {
                    waiting.closed += case.share;
                    continue;
                }
                return PairSearchEnd::Open(case.here);
            };
            let children = self.children(&case, cut).filter(|_| case.depth < MAX_DEPTH);
            let Some(children) = children else {
                // no budget helps
                waiting.stack.push(case);
                return PairSearchEnd::Nothing;
            };
            let low = waiting.grown.cut(case.place, self.cut(cut));
            waiting.stack.extend(children.into_iter().map(|child| child.below(low)));
        }
        SplitTree::new(waiting.grown.steps()).map_or(PairSearchEnd::Nothing, PairSearchEnd::Tree)
    }

    /// The start of a search: all pairs of a box.
    pub(super) fn waiting(&self, root: &TwinBox) -> Waiting {
        Waiting { stack: vec![self.start(root.clone())], grown: Grown::default(), closed: 0.0 }
    }

    pub(super) fn start(&self, here: TwinBox) -> WaitingBox {
        let standing: Vec<PairStanding> = self
            .products
            .iter()
            .map(|product| self.stand(product, product.root(), &here))
            .collect();
        let top = self.total(&standing);
        WaitingBox { here, standing, top, depth: 0, share: 1.0, place: 0 }
    }

    fn child(
        &self,
        parent: &WaitingBox,
        here: TwinBox,
        feature: usize,
        place: usize,
    ) -> WaitingBox {
        let axes = [0, 1].map(|copy| self.axis_of(copy, feature));
        let stand = |(product, old): (&&Product, &PairStanding)| {
            let is_decided = matches!(product.nodes[old.node], Twin::Leaf { .. });
            let is_moved = axes.iter().any(|&axis| product.has_cut(axis));
            if is_moved && !is_decided { self.stand(product, old.node, &here) } else { *old }
        };
        let standing: Vec<PairStanding> =
            self.products.iter().zip(&parent.standing).map(stand).collect();
        let top = self.total(&standing);
        WaitingBox { here, standing, top, depth: parent.depth + 1, share: parent.share, place }
    }

    fn total(&self, standing: &[PairStanding]) -> PairSums {
        standing.iter().fold(self.base, |mut total, tree| {
            for (sum, top) in total.iter_mut().zip(&tree.top) {
                *sum += top;
            }
            total
        })
    }

    /// The standing of a tree on a box, from a node that the box reaches.
    fn stand(&self, product: &Product, from: usize, here: &TwinBox) -> PairStanding {
        let mut node = from;
        while let Twin::Split { axis, number, low, high } = product.nodes[node] {
            let (lo, hi) = self.side(here, axis);
            if hi <= number {
                node = low;
            } else if lo > number {
                node = high;
            } else {
                break;
            }
        }
        PairStanding { node, top: self.top(product, node, here, None) }
    }

    /// The largest sums below a node that a box reaches; with `within`, only in that part of an axis.
    fn top(
        &self,
        product: &Product,
        from: usize,
        here: &TwinBox,
        within: Option<(AxisIndex, (usize, usize))>,
    ) -> PairSums {
        let mut top = [f64::NEG_INFINITY; FORMS];
        let mut stack = vec![from];
        while let Some(node) = stack.pop() {
            // nothing below can add
            if product.tops[node].iter().zip(&top).all(|(below, top)| below <= top) {
                continue;
            }
            match product.nodes[node] {
                Twin::Leaf { first, second } => top = larger(&top, &sums(first, second)),
                Twin::Split { axis, number, low, high } => {
                    let (lo, hi) = match within {
                        Some((cut, side)) if cut == axis => side,
                        _ => self.side(here, axis),
                    };
                    if lo <= number {
                        stack.push(low);
                    }
                    if hi > number {
                        stack.push(high);
                    }
                }
            }
        }
        top
    }

    /// Decides by floats if they are sure, else by the kernel.
    fn is_closed(&self, case: &WaitingBox, close: &mut dyn FnMut(&TwinBox) -> bool) -> bool {
        let missed = self.aim.missed(&case.top);
        let size = case.top.iter().fold(1.0, |size: f64, sum| size.max(sum.abs()));
        if matches!(self.aim, FloatAim::Distance) {
            return missed <= 0.0 || close(&case.here);
        }
        missed < -CLOSE * size || (missed <= CLOSE * size && close(&case.here))
    }

    /// The most promising cut. For each cut at the node of a tree, the losses of its low and its high half in the
    /// pressing sum are added up over the trees; the cut with the largest `max + 3·min` is taken.
    pub(super) fn choose(&self, case: &WaitingBox) -> Option<(AxisIndex, usize)> {
        let form = self.aim.pressing(&case.top);
        let mut gains: BTreeMap<(AxisIndex, usize), (f64, f64)> = BTreeMap::new();
        for (product, tree) in self.products.iter().zip(&case.standing) {
            let Twin::Split { axis, number, low, high } = product.nodes[tree.node] else {
                continue;
            };
            let (lo, hi) = self.side(&case.here, axis);
            let below = self.top(product, low, &case.here, Some((axis, (lo, number))))[form];
            let above = self.top(product, high, &case.here, Some((axis, (number + 1, hi))))[form];
            let most = below.max(above);
            let gain = gains.entry((axis, number)).or_default();
            gain.0 += most - below;
            gain.1 += most - above;
        }
        let weight = |(a, b): &(f64, f64)| a.max(*b) + 3.0 * a.min(*b);
        let best =
            gains.iter().max_by(|x, y| weight(x.1).total_cmp(&weight(y.1)).then(y.0.cmp(x.0)));
        best.map(|(&cut, _)| cut)
    }
}
