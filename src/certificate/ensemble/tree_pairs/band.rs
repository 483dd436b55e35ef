//! The cells that a cell of one point allows the other point, along one feature.

use crate::interval::Rational;
use crate::model::{Cells, Feature};

/// No cells.
const NOTHING: (usize, usize) = (1, 0);

/// Raw ends of a region along one feature.
pub(super) type RawEnds = (Rational, Rational);

/// The bond of two points along one feature.
#[derive(Clone, Debug)]
pub(super) enum Bond {
    /// Nothing.
    Free,
    /// `x′ = x + by`; `by = 0` where the points agree.
    Shifted(Rational),
    /// `|x − x′| <= reach`, or below it if strict; `reach > 0`.
    Within { reach: Rational, is_strict: bool },
}

/// One feature of two points: their grids, and the sides in which they may lie; `None`: anywhere.
pub(super) struct Axis<'a> {
    pub(super) grids: [&'a Cells; 2],
    pub(super) feature: usize,
    pub(super) sides: [Option<&'a RawEnds>; 2],
    /// The cells that the sides meet, both included.
    pub(super) cells: [(usize, usize); 2],
}

/// For every cell of either point, the first and the last cell of the other that goes with it. Both rise with
/// the cell, so a run of cells goes with a run of cells.
#[derive(Debug)]
pub(super) struct Band {
    /// The first cell that has an entry, per point.
    origin: [usize; 2],
    partners: [Vec<(usize, usize)>; 2],
}

impl Band {
    pub(super) fn new(axis: &Axis, bond: &Bond) -> Self {
        let [own, other] = axis.cells;
        let forward: Vec<(usize, usize)> = match bond {
            Bond::Free => vec![other; (own.0..=own.1).count()],
            Bond::Shifted(by) => {
                (own.0..=own.1).map(|cell| axis.values(0, cell).moved(by).cells(axis)).collect()
            }
            Bond::Within { reach, is_strict } => axis.neighbours(reach, *is_strict),
        };
        Self::of([own, other], forward)
    }

    /// The band of two points on one grid, in the same cells: free, or equal.
    pub(super) fn on_one_grid(side: (usize, usize), is_free: bool) -> Self {
        let cells = side.0..=side.1;
        Self::of(
            [side, side],
            cells.map(|cell| if is_free { side } else { (cell, cell) }).collect(),
        )
    }

    /// The band of the cells of the second point that go with each cell of the first.
    fn of([own, other]: [(usize, usize); 2], forward: Vec<(usize, usize)>) -> Self {
        let backward = (other.0..=other.1).map(|cell| {
            // firsts and lasts rise: those that reach the cell are a run
            let from = forward.partition_point(|partners| partners.1 < cell);
            let to = forward.partition_point(|partners| partners.0 <= cell);
            match to.checked_sub(1) {
                Some(to) => (own.0 + from, own.0 + to),
                None => NOTHING,
            }
        });
        let backward = backward.collect();
        Self { origin: [own.0, other.0], partners: [forward, backward] }
    }

    /// The cells of the other point that go with a run of cells of this one; empty if the first is past the
    /// last. In places the run goes beyond the cells that the other point may reach.
    pub(super) fn partners(&self, copy: usize, (lo, hi): (usize, usize)) -> (usize, usize) {
        let entry = |cell: usize| {
            let index = cell.checked_sub(*self.origin.get(copy)?)?;
            self.partners.get(copy)?.get(index)
        };
        match (entry(lo), entry(hi)) {
            (Some(first), Some(last)) => (first.0, last.1),
            _ => NOTHING,
        }
    }
}

/// The values of a cell that a point may take.
pub(super) struct CellValues {
    low: Option<Rational>,
    high: Option<Rational>,
    /// True if `high` itself is not among them.
    is_open: bool,
}

impl Axis<'_> {
    /// The values of a cell.
    pub(super) fn values(&self, copy: usize, cell: usize) -> CellValues {
        self.run(copy, (cell, cell))
    }

    /// The values of a run of cells.
    pub(super) fn run(&self, copy: usize, (from, to): (usize, usize)) -> CellValues {
        let nothing = CellValues { low: None, high: None, is_open: false };
        let Some(grid) = self.grids.get(copy) else { return nothing };
        let side = self.sides.get(copy).copied().flatten();
        let threshold = |number: usize| {
            grid.thresholds(Feature(self.feature)).get(number).and_then(|&t| Rational::from_f64(t))
        };
        let low = match (from.checked_sub(1).and_then(threshold), side) {
            (Some(t), Some((low, _))) => Some(t.max(low.clone())),
            (t, side) => t.or_else(|| side.map(|(low, _)| low.clone())),
        };
        let end = threshold(to);
        let cut = side.map(|(_, high)| high.clone());
        match (end, cut) {
            // whole values end one below a whole threshold
            (Some(t), cut) if cut.as_ref().is_none_or(|cut| t <= *cut) => {
                let is_whole = grid.is_whole(Feature(self.feature));
                let high = if is_whole { &t - &Rational::ONE } else { t };
                CellValues { low, high: Some(high), is_open: !is_whole }
            }
            (_, high) => CellValues { low, high, is_open: false },
        }
    }

    /// The least difference of two runs of cells, one of each point, and whether it is attained.
    pub(super) fn gap(&self, runs: [(usize, usize); 2]) -> (Rational, bool) {
        let [own, other] = runs;
        let (own, other) = (self.run(0, own), self.run(1, other));
        own.gap(&other)
    }

    /// For every cell of the first point, the cells of the second that come close enough.
    fn neighbours(&self, reach: &Rational, is_strict: bool) -> Vec<(usize, usize)> {
        let [own, other] = self.cells;
        let others: Vec<CellValues> =
            (other.0..=other.1).map(|cell| self.values(1, cell)).collect();
        let is_near = |own: &CellValues, index: usize| {
            others.get(index).is_some_and(|other| {
                let (gap, is_attained) = own.gap(other);
                gap < *reach || (gap == *reach && is_attained && !is_strict)
            })
        };
        let mut first = 0;
        let mut last = 0;
        let cells = (own.0..=own.1).map(|cell| {
            let own = self.values(0, cell);
            // both ends only rise
            while first < others.len() && !is_near(&own, first) {
                first += 1;
            }
            last = last.max(first);
            while is_near(&own, last + 1) {
                last += 1;
            }
            (other.0 + first, other.0 + last)
        });
        cells.collect()
    }
}

impl CellValues {
    fn moved(self, by: &Rational) -> Self {
        let moved = |end: Option<Rational>| end.map(|end| &end + by);
        Self { low: moved(self.low), high: moved(self.high), is_open: self.is_open }
    }

    /// The cells of the second point that hold one of the values.
    fn cells(&self, axis: &Axis) -> (usize, usize) {
        let thresholds =
            axis.grids.get(1).map_or(&[][..], |grid| grid.thresholds(Feature(axis.feature)));
        let value = |t: f64| Rational::from_f64(t).unwrap_or(Rational::ZERO);
        let at_most = |x: &Rational| thresholds.partition_point(|&t| value(t) <= *x);
        let below = |x: &Rational| thresholds.partition_point(|&t| value(t) < *x);
        let first = self.low.as_ref().map_or(0, at_most);
        let last = match &self.high {
            Some(high) if self.is_open => below(high),
            Some(high) => at_most(high),
            None => thresholds.len(),
        };
        (first, last)
    }

    /// The infimum of `|x − x′|` over both sets, and whether it is attained; 0 where they meet.
    fn gap(&self, other: &Self) -> (Rational, bool) {
        let above = |upper: &Self, lower: &Self| {
            let gap = upper.low.as_ref()? - lower.high.as_ref()?;
            (gap > Rational::ZERO).then_some((gap, !lower.is_open))
        };
        above(other, self).or_else(|| above(self, other)).unwrap_or((Rational::ZERO, true))
    }
}
