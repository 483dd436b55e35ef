//! Sums of decision trees.

use super::Feature;

/// One node of a tree. A point goes left iff `x[feature] < threshold`.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// An inner node.
    Split {
        /// The raw feature compared.
        feature: Feature,
        /// A finite float of the model's precision.
        threshold: f64,
        /// Child for `x < threshold`; larger than the node's own index is not required.
        left: usize,
        /// Child for `x >= threshold`.
        right: usize,
        /// True if a missing value would go left; rows here have none.
        default_left: bool,
    },
    /// A leaf with its value.
    Leaf(f64),
}

/// A binary tree; node 0 is the root, every node is reached from it exactly once.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The score this tree adds to.
    pub output: usize,
    /// At least one.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// Values of all leaves.
    pub fn leaves(&self) -> impl Iterator<Item = f64> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Leaf(value) => Some(*value),
            Node::Split { .. } => None,
        })
    }
}

/// `base + Σ trees`, per output.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// One number per output; one output for a plain score or two classes, else one per class.
    pub base: Vec<f64>,
    /// The trees, in the order in which a served copy adds them.
    pub trees: Vec<Tree>,
}

/// The threshold grid of an ensemble: per feature the distinct thresholds, ascending.
///
/// Cell `c` of a feature is `[t_{c−1}, t_c)`: `c` = number of thresholds that are at most `x`.
/// A point in cell `c` goes left at threshold number `k` iff `c <= k`. For features that take whole
/// numbers only, `x < θ ⇔ x < ⌈θ⌉`: their thresholds are moved up to whole numbers and merged.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    thresholds: Vec<Vec<f64>>,
    is_whole: Vec<bool>,
}

impl Cells {
    /// The grid of `ensemble`; one entry of `is_whole` per feature.
    pub fn new(ensemble: &Ensemble, is_whole: &[bool]) -> Self {
        let thresholds = vec![Vec::new(); is_whole.len()];
        let mut cells = Self { thresholds, is_whole: is_whole.to_vec() };
        for node in ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
            if let Node::Split { feature, threshold, .. } = node {
                let moved = cells.moved(*feature, *threshold);
                if let Some(list) = cells.thresholds.get_mut(feature.0) {
                    list.push(moved);
                }
            }
        }
        for list in &mut cells.thresholds {
            list.sort_by(f64::total_cmp);
            list.dedup();
        }
        cells
    }

    /// The threshold as it stands on the grid.
    fn moved(&self, feature: Feature, threshold: f64) -> f64 {
        if self.is_whole(feature) { threshold.ceil() + 0.0 } else { threshold }
    }

    /// The thresholds of a feature on the grid, ascending and distinct.
    pub fn thresholds(&self, feature: Feature) -> &[f64] {
        self.thresholds.get(feature.0).map_or(&[], Vec::as_slice)
    }

    /// The number that a threshold of the ensemble has on the grid.
    pub fn number(&self, feature: Feature, threshold: f64) -> usize {
        let at = self.moved(feature, threshold);
        self.thresholds(feature).partition_point(|t| *t < at)
    }

    /// The cell of a value: the number of thresholds that are at most `x`.
    pub fn cell(&self, feature: Feature, x: f64) -> usize {
        self.thresholds(feature).partition_point(|t| *t <= x)
    }

    /// True if the feature takes whole numbers only.
    pub fn is_whole(&self, feature: Feature) -> bool {
        self.is_whole.get(feature.0).copied().unwrap_or(false)
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.thresholds.len()
    }
}
