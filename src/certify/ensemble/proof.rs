//! Cases as the steps of a split tree of the kernel.

use crate::certificate::{Cut, Leaf, Step};

use super::grid::Sides;
use super::local::Local;
use super::search::Distinction;

/// The steps of the cases, starting with the box `root`. A case that the bound closed becomes the steps that
/// `grow` returns for its box; every other case becomes a single leaf. `None` if there are no cases.
pub(super) fn steps(
    local: &Local,
    cases: &[Distinction],
    root: &Sides,
    grow: &mut dyn FnMut(&Sides) -> Option<Vec<Step>>,
) -> Option<Vec<Step>> {
    let mut steps = Vec::with_capacity(cases.len());
    let mut open = vec![(cases.len().checked_sub(1)?, root.clone())];
    while let Some((case, here)) = open.pop() {
        match cases[case] {
            Distinction::Cut { cut, low, high } => {
                let place = local.cuts[cut as usize];
                let (feature, number) = (local.axes[place.axis as usize].feature, place.number);
                steps
                    .push(Step::Cut { cut: Cut::Cell { copy: 0, feature, number }, refresh: None });
                let (mut below, mut above) = (here.clone(), here);
                below[feature].1 = number;
                above[feature].0 = number + 1;
                open.extend([(high as usize, above), (low as usize, below)]);
            }
            Distinction::Bound => steps.extend(grow(&here)?),
            Distinction::Far => steps.push(leaf()),
        }
    }
    Some(steps)
}

/// A leaf that the box rule closes.
pub(super) fn leaf() -> Step {
    Step::Leaf { leaf: Leaf::Interval, refresh: None, hint: None }
}
