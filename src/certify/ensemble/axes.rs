//! The features that are cut inside a box, and their cuts, numbered anew.

use std::ops::Range;

use super::grid::GridNode;

/// A feature that is cut inside the box. Its cell `i` lies between its cuts `i − 1` and `i`.
#[derive(Clone, Debug)]
pub(super) struct CutAxis {
    /// The feature.
    pub(super) feature: usize,
    /// Its cuts in the list of all cuts.
    pub(super) cuts: Range<usize>,
}

/// A cut inside the box: the cells of its axis up to `position` lie on its low side.
#[derive(Clone, Copy, Debug)]
pub(super) struct CutPlace {
    pub(super) axis: u32,
    pub(super) position: u32,
    /// The number of the cut on the grid.
    pub(super) number: usize,
}

/// The axes of trees that were cut down to the box `sides`, and their cuts.
pub(super) fn axes(
    parts: &[GridNode<i64>],
    sides: &[(usize, usize)],
) -> (Vec<CutAxis>, Vec<CutPlace>) {
    let mut is_used: Vec<Vec<bool>> =
        sides.iter().map(|(lo, hi)| vec![false; hi.saturating_sub(*lo)]).collect();
    for part in parts {
        if let GridNode::Split { feature, number, .. } = *part {
            is_used[feature][number - sides[feature].0] = true;
        }
    }
    let (mut axes, mut cuts) = (Vec::new(), Vec::new());
    for (feature, is_used) in is_used.iter().enumerate() {
        let first = cuts.len();
        let numbers = is_used.iter().enumerate().filter(|(_, used)| **used);
        for (position, (offset, _)) in numbers.enumerate() {
            let number = sides[feature].0 + offset;
            cuts.push(CutPlace { axis: axes.len() as u32, position: position as u32, number });
        }
        if cuts.len() > first {
            axes.push(CutAxis { feature, cuts: first..cuts.len() });
        }
    }
    (axes, cuts)
}

/// Maps features and cut numbers of the grid to axes and cuts of the box.
pub(super) struct CutIndex {
    axis: Vec<usize>,
    lowest: Vec<usize>,
    cut: Vec<Vec<u32>>,
}

impl CutIndex {
    pub(super) fn new(axes: &[CutAxis], cuts: &[CutPlace], sides: &[(usize, usize)]) -> Self {
        let mut index = Self {
            axis: vec![usize::MAX; sides.len()],
            lowest: sides.iter().map(|(lo, _)| *lo).collect(),
            cut: vec![Vec::new(); sides.len()],
        };
        for (number, CutAxis { feature, cuts: of_axis }) in axes.iter().enumerate() {
            let (lo, hi) = sides[*feature];
            index.axis[*feature] = number;
            index.cut[*feature] = vec![u32::MAX; hi - lo];
            for cut in of_axis.clone() {
                index.cut[*feature][cuts[cut].number - lo] = cut as u32;
            }
        }
        index
    }

    /// The axis of a feature; the feature must be cut.
    pub(super) fn axis(&self, feature: usize) -> usize {
        self.axis[feature]
    }

    /// The cut with a number on the grid; the cut must be used.
    pub(super) fn cut(&self, feature: usize, number: usize) -> usize {
        self.cut[feature][number - self.lowest[feature]] as usize
    }
}
