//! The box rule for ensembles: on a box of cells, a score is at least the sum over trees of the smallest
//! reachable leaf. The bound is exact for one tree, and if every tree reaches one leaf.

use crate::interval::Rational;

use super::{CellBox, Forest, Score};
use crate::certificate::claims::competitors;

/// Lower bounds of the margins of `label` over the box, one per competing class, exactly.
pub(in crate::certificate) fn margins<N: Score>(
    forest: &Forest<N>,
    label: usize,
    classes: usize,
    cells: &CellBox,
) -> Vec<Option<Rational>> {
    let (low, high) = ranges(forest, cells);
    let end = |ends: &[N], output: usize| ends.get(output).map(|score| forest.value(score));
    if forest.outputs() == 1 {
        // one score: the margin of class 1
        let margin = if label == 1 { end(&low, 0) } else { end(&high, 0).map(|top| -top) };
        return vec![margin];
    }
    let over = |class: usize| Some(&end(&low, label)? - &end(&high, class)?);
    competitors(label, classes).map(over).collect()
}

/// The smallest and largest value of every output over the box.
pub(in crate::certificate) fn ranges<N: Score>(
    forest: &Forest<N>,
    cells: &CellBox,
) -> (Vec<N>, Vec<N>) {
    let (mut low, mut high) = (forest.base.clone(), forest.base.clone());
    let mut here = cells.clone();
    for tree in &forest.trees {
        let (least, most) = Forest::extremes(tree, &mut here);
        if let (Some(low), Some(high)) = (low.get_mut(tree.output), high.get_mut(tree.output)) {
            *low += &least;
            *high += &most;
        }
    }
    (low, high)
}
