//! Trees cut down to a box, and the cuts that are left.

use super::grid::{Part, Parts, Query};
use super::local::{Axis, LEAF, Place};

/// Trees cut down to a box; children come before their parents, the root is the last.
pub(super) struct Reduced {
    pub(super) parts: Parts<i64>,
    /// First part of every tree, and the end of the last.
    pub(super) starts: Vec<usize>,
    /// The constant, and the trees that reach one leaf.
    pub(super) constant: i64,
}

impl Reduced {
    /// The trees of a query inside the box `sides`.
    pub(super) fn new(query: &Query, sides: &[(usize, usize)]) -> Self {
        let mut all = Self { parts: Vec::new(), starts: vec![0], constant: query.constant };
        let mut here = sides.to_vec();
        for (root, parts) in &query.trees {
            reduce(parts, *root, query.is_exact, &mut here, &mut all.parts);
            match all.parts.last() {
                Some(Part::Leaf(value)) => {
                    all.constant += value;
                    all.parts.pop();
                }
                _ => all.starts.push(all.parts.len()),
            }
        }
        all
    }

    /// How many trees are left.
    pub(super) fn trees(&self) -> usize {
        self.starts.len() - 1
    }

    /// The parts of a tree.
    pub(super) fn parts_of(&self, tree: usize) -> &[Part<i64>] {
        &self.parts[self.starts[tree]..self.starts[tree + 1]]
    }
}

/// Appends the part of a tree that the box reaches; returns its root. The box is left as it was.
fn reduce(
    parts: &[Part<i64>],
    mut at: usize,
    is_exact: bool,
    here: &mut [(usize, usize)],
    out: &mut Parts<i64>,
) -> usize {
    while let Part::Split { feature, number, left, right } = parts[at] {
        let (lo, hi) = here[feature];
        if hi <= number {
            at = left;
        } else if lo > number {
            at = right;
        } else {
            here[feature] = (lo, number);
            let low = reduce(parts, left, is_exact, here, out);
            here[feature] = (number + 1, hi);
            let high = reduce(parts, right, is_exact, here, out);
            here[feature] = (lo, hi);
            match (out[low], out[high]) {
                // equal leaves are siblings at the end of the list; rounded ones may differ
                (Part::Leaf(a), Part::Leaf(b)) if a == b && is_exact => {
                    out.pop();
                }
                _ => out.push(Part::Split { feature, number, left: low, right: high }),
            }
            return out.len() - 1;
        }
    }
    out.push(parts[at]);
    out.len() - 1
}

/// The features that are cut inside the box, with their cuts.
pub(super) fn axes(parts: &[Part<i64>], sides: &[(usize, usize)]) -> (Vec<Axis>, Vec<Place>) {
    let mut is_used: Vec<Vec<bool>> =
        sides.iter().map(|(lo, hi)| vec![false; hi.saturating_sub(*lo)]).collect();
    for part in parts {
        if let Part::Split { feature, number, .. } = *part {
            is_used[feature][number - sides[feature].0] = true;
        }
    }
    let (mut axes, mut cuts) = (Vec::new(), Vec::new());
    for (feature, is_used) in is_used.iter().enumerate() {
        let first = cuts.len();
        let numbers = is_used.iter().enumerate().filter(|(_, used)| **used);
        for (position, (offset, _)) in numbers.enumerate() {
            let number = sides[feature].0 + offset;
            cuts.push(Place { axis: axes.len() as u32, position: position as u32, number });
        }
        if cuts.len() > first {
            axes.push(Axis { feature, first, cuts: cuts.len() - first, users: 0..0, sets: 0 });
        }
    }
    (axes, cuts)
}

/// From features and cut numbers of the grid to axes and cuts of the box.
pub(super) struct CutIndex {
    axis: Vec<usize>,
    lowest: Vec<usize>,
    cut: Vec<Vec<u32>>,
}

impl CutIndex {
    pub(super) fn new(axes: &[Axis], cuts: &[Place], sides: &[(usize, usize)]) -> Self {
        let mut index = Self {
            axis: vec![usize::MAX; sides.len()],
            lowest: sides.iter().map(|(lo, _)| *lo).collect(),
            cut: vec![Vec::new(); sides.len()],
        };
        for (number, axis) in axes.iter().enumerate() {
            let (lo, hi) = sides[axis.feature];
            index.axis[axis.feature] = number;
            let mut of_feature = vec![LEAF; hi - lo];
            for (offset, place) in cuts[axis.first..axis.first + axis.cuts].iter().enumerate() {
                of_feature[place.number - lo] = (axis.first + offset) as u32;
            }
            index.cut[axis.feature] = of_feature;
        }
        index
    }

    /// The axis of a feature.
    pub(super) fn axis(&self, feature: usize) -> usize {
        self.axis[feature]
    }

    /// The cut of a number.
    pub(super) fn cut(&self, feature: usize, number: usize) -> usize {
        self.cut[feature][number - self.lowest[feature]] as usize
    }
}
