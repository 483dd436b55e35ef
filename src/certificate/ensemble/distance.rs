//! Boxes of cells that a ball does not meet (ensembles, `norm` l1 and l2).
//!
//! A region is the box around its ball; points in the box but not in the ball are no part of the claim. Cell
//! `c` of a feature is `[t_{c−1}, t_c)`. For a cell to the right of the centre, the value nearest to the centre
//! is `t_{c−1}`, which the cell holds; to the left it is `t_c`, which the cell does not hold. With `d_i` the
//! weighted length to that value (0 if the box holds the centre along the feature), a box of cells has no point
//! in the ball if
//!
//! ```text
//! Σ d_i > ε  (l1),   Σ d_i² > ε²  (l2),   or "=" and some feature lies to the left
//! ```
//!
//! For a feature that takes whole numbers, the nearest value to the left is `t_c − 1`, and the cell holds it.

use crate::interval::Rational;
use crate::model::{Cells, Feature};
use crate::spec::{Ball, Norm, RawRegion};

use super::CellBox;

/// The distances of cells from the centre of a ball.
pub(in crate::certificate) struct Distances {
    /// ε, or ε² for l2.
    limit: Rational,
    /// Per feature, the distances of the cells that the region meets.
    features: Vec<Along>,
}

/// The cells of a feature.
struct Along {
    /// The cell of the centre.
    centre: usize,
    /// The first cell of `terms`.
    first: usize,
    terms: Vec<DistanceTerm>,
}

/// The part that a feature adds to the distance of a box whose nearest cell this is.
struct DistanceTerm {
    length: Rational,
    /// True if every point of the cell is farther away.
    is_open: bool,
}

impl Distances {
    /// The distances in a region whose cells are `root`; `None` if the region is no ball, or a ball that is its
    /// box.
    pub(in crate::certificate) fn new(
        region: &RawRegion,
        grid: &Cells,
        root: &CellBox,
    ) -> Option<Self> {
        let ball = region.as_ball()?;
        let limit = match ball.norm {
            Norm::Linf => return None,
            Norm::L1 => ball.epsilon.clone(),
            Norm::L2 => ball.epsilon * ball.epsilon,
        };
        let features = ball.centre.iter().zip(ball.weights).enumerate();
        let features = features.map(|(feature, (centre, weight))| {
            Along::new(grid, Feature(feature), (centre, weight), &ball, root.side(feature))
        });
        Some(Self { limit, features: features.collect::<Option<_>>()? })
    }

    /// True if no point of the box lies in the ball.
    pub(super) fn is_beyond(&self, cells: &CellBox) -> bool {
        let (mut sum, mut is_open) = (Rational::ZERO, false);
        for (along, &side) in self.features.iter().zip(cells.sides()) {
            if let Some(term) = along.term(side) {
                sum = &sum + &term.length;
                is_open |= term.is_open;
            }
        }
        sum > self.limit || (is_open && sum == self.limit)
    }
}

impl Along {
    /// `None` if the numbers do not fit each other.
    fn new(
        grid: &Cells,
        feature: Feature,
        (x, weight): (&Rational, &Rational),
        ball: &Ball,
        (first, last): (usize, usize),
    ) -> Option<Self> {
        // t <= x ⇔ t <= the largest float that is at most x
        let centre = grid.cell(feature, x.down());
        let thresholds = grid.thresholds(feature);
        let term = |cell: usize| {
            let (at, is_open) = if cell > centre {
                (Rational::from_f64(*thresholds.get(cell.checked_sub(1)?)?)?, false)
            } else if cell < centre {
                let at = Rational::from_f64(*thresholds.get(cell)?)?;
                let is_whole = grid.is_whole(feature);
                (if is_whole { &at - &Rational::ONE } else { at }, !is_whole)
            } else {
                (x.clone(), false)
            };
            let length = weight * &(&at - x).abs();
            let length = if ball.norm == Norm::L2 { &length * &length } else { length };
            Some(DistanceTerm { length, is_open })
        };
        let terms = (first..=last).map(term).collect::<Option<_>>()?;
        Some(Self { centre, first, terms })
    }

    /// The term of the cell that is nearest to the centre; `None` where it is the centre's own.
    fn term(&self, (lo, hi): (usize, usize)) -> Option<&DistanceTerm> {
        let nearest = if self.centre < lo {
            lo
        } else if self.centre > hi {
            hi
        } else {
            return None;
        };
        self.terms.get(nearest.checked_sub(self.first)?)
    }
}
