//! The pairs of leaves of one tree that two bound points reach together.

use super::super::{CutNode, CutTree, Score};
use super::{Pairing, TwinBox};

/// The least and the most of a number.
pub(in super::super) type Range<N> = (N, N);

/// The values of a sum of trees that two points reach.
#[derive(Clone, Debug)]
pub(in super::super) struct Reached<N> {
    /// The values at the first point.
    pub(super) first: Range<N>,
    /// The values at the second point.
    pub(super) second: Range<N>,
    /// The values at the first point minus those at the second.
    pub(in super::super) change: Range<N>,
}

impl<N: Score> Reached<N> {
    pub(super) fn start(base: &N) -> Self {
        let point = (base.clone(), base.clone());
        Self { first: point.clone(), second: point, change: (N::zero(), N::zero()) }
    }

    fn of(first: &N, second: &N) -> Self {
        let mut change = first.clone();
        change += &-second.clone();
        let point = |x: &N| (x.clone(), x.clone());
        Self { first: point(first), second: point(second), change: point(&change) }
    }

    fn join(&mut self, other: &Self) {
        let join = |range: &mut Range<N>, other: &Range<N>| {
            if other.0 < range.0 {
                range.0 = other.0.clone();
            }
            if other.1 > range.1 {
                range.1 = other.1.clone();
            }
        };
        join(&mut self.first, &other.first);
        join(&mut self.second, &other.second);
        join(&mut self.change, &other.change);
    }

    /// Adds another tree.
    pub(super) fn add(&mut self, tree: &Self) {
        let add = |range: &mut Range<N>, tree: &Range<N>| {
            range.0 += &tree.0;
            range.1 += &tree.1;
        };
        add(&mut self.first, &tree.first);
        add(&mut self.second, &tree.second);
        add(&mut self.change, &tree.change);
    }
}

/// A step of the walk.
enum PairVisit {
    /// Look at a pair of nodes, one of each copy.
    Pair([usize; 2]),
    /// Narrow the cells of one point, then look at a pair of nodes.
    Narrowed { copy: usize, feature: usize, side: (usize, usize), next: [usize; 2] },
    /// Put both sides back.
    Widen { feature: usize, sides: [(usize, usize); 2] },
}

/// A tree, or a node of one, that does not exist. The reader has refused such models; nothing is said about
/// them here.
#[derive(Debug)]
pub(in super::super) struct Absent;

/// The values that a tree, given on the grid of either point, reaches over a box of pairs. The box is narrowed
/// along each path and left as it was. `None` if no pair of leaves is reached.
pub(in super::super) fn reached<N: Score>(
    pairing: &Pairing,
    trees: [&CutTree<N>; 2],
    here: &mut TwinBox,
) -> Result<Option<Reached<N>>, Absent> {
    let mut found: Option<Reached<N>> = None;
    let mut stack = vec![PairVisit::Pair([0, 0])];
    while let Some(visit) = stack.pop() {
        let pair = match visit {
            PairVisit::Pair(pair) => pair,
            PairVisit::Narrowed { copy, feature, side, next } => {
                let sides = here.sides(feature);
                here.set(copy, feature, side);
                if !pairing.tighten(here, feature) {
                    here.restore(feature, sides);
                    continue;
                }
                stack.push(PairVisit::Widen { feature, sides });
                next
            }
            PairVisit::Widen { feature, sides } => {
                here.restore(feature, sides);
                continue;
            }
        };
        match descend(trees, pair, here) {
            PairDescent::Leaves(first, second) => {
                let leaves = Reached::of(first, second);
                match &mut found {
                    None => found = Some(leaves),
                    Some(found) => found.join(&leaves),
                }
            }
            PairDescent::One(pair) => stack.push(PairVisit::Pair(pair)),
            PairDescent::Both(low, high) => stack.extend([low, high]),
            PairDescent::Nowhere => return Err(Absent),
        }
    }
    Ok(found)
}

/// The next step from a pair of nodes.
enum PairDescent<'a, N> {
    Leaves(&'a N, &'a N),
    One([usize; 2]),
    Both(PairVisit, PairVisit),
    /// An index that does not exist.
    Nowhere,
}

fn descend<'a, N: Score>(
    [first, second]: [&'a CutTree<N>; 2],
    [a, b]: [usize; 2],
    here: &TwinBox,
) -> PairDescent<'a, N> {
    let (Some(left), Some(right)) = (first.nodes.get(a), second.nodes.get(b)) else {
        return PairDescent::Nowhere;
    };
    let (copy, split) = match (left, right) {
        (CutNode::Leaf(x), CutNode::Leaf(y)) => return PairDescent::Leaves(x, y),
        (CutNode::Split { feature, number, left, right }, _) => (0, (feature, number, left, right)),
        (_, CutNode::Split { feature, number, left, right }) => (1, (feature, number, left, right)),
    };
    let (&feature, &number, &low, &high) = split;
    let to = |child: usize| if copy == 0 { [child, b] } else { [a, child] };
    let (lo, hi) = here.side(copy, feature);
    if hi <= number {
        PairDescent::One(to(low))
    } else if lo > number {
        PairDescent::One(to(high))
    } else {
        let narrowed = |side, child| PairVisit::Narrowed { copy, feature, side, next: to(child) };
        PairDescent::Both(narrowed((lo, number), low), narrowed((number + 1, hi), high))
    }
}
