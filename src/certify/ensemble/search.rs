//! Depth-first search over boxes of cells (reference: Devos, Meert and Davis 2021 for the bound and the
//! boxes; the branching rule is our own).
//!
//! A box is closed if the sum of the smallest reachable leaves reaches the floor, or if the box lies beyond
//! a limit that may become smaller during the search. The point of the box nearest to the centre is tried;
//! if the sum falls short there, the caller is told. Otherwise the box is cut at the most promising cut. For
//! every tree with more than one reachable leaf, let `(j, k)` be the node that parts them, and `a`, `b` the
//! gain of the smallest leaf if the low or the high part is gone. With `A` and `B` their sums per cut, the
//! chosen cut has the largest `max(A, B) + 3·min(A, B)`.

use crate::interval::Rational;

use super::around::{Around, Terms};
use super::axes::CutPlace;
use super::distance::Key;
use super::grid::Sides;
use super::local::{LEAF, Local};
use super::state::{One, Several, State, Width};

/// The end of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchEnd {
    /// Every box is closed.
    Closed,
    /// The caller that was told of a point had enough.
    Stopped,
    /// Nodes, or the depth of a path, ran out.
    Spent,
}

/// The treatment of a box whose nearest point falls short.
pub(super) enum Shortfall {
    /// The box is closed.
    Close,
    /// The box is closed, and so is everything that is not nearer than this.
    Nearer(Key),
    /// The box is searched further.
    Cut,
    /// The search ends.
    Stop,
}

/// A case distinction, as it is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Distinction {
    /// A cut by its number among all, with the cases of its low and its high side.
    Cut { cut: u32, low: u32, high: u32 },
    /// Closed by the bound.
    Bound,
    /// Closed because it is too far, or because nothing more is asked of it.
    Far,
}

/// Deepest path tried; a proof may be a little deeper.
const MAX_DEPTH: usize = 480;

/// A search over the boxes of a local query.
pub(super) struct Search<'a> {
    local: &'a Local,
    /// Per axis, lowest and highest cell.
    sides: Vec<(u32, u32)>,
    terms: Terms<'a>,
    state: State<'a>,
    gains: Vec<(i64, i64)>,
    touched: Vec<u32>,
    /// Boxes at this distance or farther are skipped.
    pub(super) limit: Key,
    /// Largest number of nodes to visit.
    budget: u64,
    /// Nodes visited.
    pub(super) nodes: u64,
    /// The distance of the nearest box that was left open.
    pub(super) left_open: Key,
    /// The cases in the order in which they were closed, if they are kept.
    record: Option<Vec<Distinction>>,
}

impl<'a> Search<'a> {
    /// A search of the box that `local` was made for, with at most `budget` nodes.
    pub(super) fn new(local: &'a Local, around: Option<&Around<'a>>, budget: u64) -> Self {
        let terms = Terms::new(local, around);
        Self {
            local,
            sides: local.axes.iter().map(|axis| (0, axis.cuts.len() as u32)).collect(),
            state: State::new(local, terms.centre.clone()),
            terms,
            gains: vec![(0, 0); local.cuts.len()],
            touched: Vec::new(),
            limit: Key::INFINITE,
            budget,
            nodes: 0,
            left_open: Key::INFINITE,
            record: None,
        }
    }

    /// Makes the search keep its cases.
    pub(super) fn recording(mut self) -> Self {
        self.record = Some(Vec::new());
        self
    }

    /// The cases that were kept; the last one is the first that was visited.
    pub(super) fn cases(&self) -> &[Distinction] {
        self.record.as_deref().unwrap_or(&[])
    }

    /// The cells of the grid, inside the searched box `root`, around the point that the caller was told of.
    pub(super) fn nearest_cells(&self, root: &Sides) -> Sides {
        let mut cells = root.clone();
        for (axis, &cell) in self.state.nearest.iter().enumerate() {
            let (from, to) = self.terms.cells(axis, cell as usize);
            let side = &mut cells[self.local.axes[axis].feature];
            *side = (from.max(side.0), to.min(side.1));
        }
        cells
    }

    /// The distance of the current box.
    pub(super) fn distance(&self) -> Key {
        self.terms.distance()
    }

    /// The exact distance of the current box, as its norm adds it (squared for L2), and true if it is an infimum
    /// that no point attains; L1 and L2.
    pub(super) fn exact_distance(&self) -> (Rational, bool) {
        self.terms.exact_distance(&self.state.nearest)
    }

    /// True if the sums are exact.
    pub(super) fn is_exact(&self) -> bool {
        self.local.is_exact
    }

    /// Visits every box; `tell` is called for nearest points that fall short.
    pub(super) fn run(&mut self, tell: &mut dyn FnMut(&Self) -> Shortfall) -> SearchEnd {
        match self.local.words {
            1 => self.root(One, tell),
            words => self.root(Several(words), tell),
        }
    }

    fn root<W: Width>(&mut self, width: W, tell: &mut dyn FnMut(&Self) -> Shortfall) -> SearchEnd {
        self.nodes += 1;
        let outcome = if self.distance() >= self.limit {
            Ok(self.close(Distinction::Far))
        } else if self.state.bound >= self.local.floor {
            Ok(self.close(Distinction::Bound))
        } else {
            self.look(width, true, 0, tell)
        };
        outcome.err().unwrap_or(SearchEnd::Closed)
    }

    /// Keeps a case; returns its number.
    fn close(&mut self, case: Distinction) -> u32 {
        let Some(record) = &mut self.record else { return 0 };
        record.push(case);
        record.len() as u32 - 1
    }

    /// Cuts the current box, which is open.
    fn explore<W: Width>(
        &mut self,
        width: W,
        depth: usize,
        tell: &mut dyn FnMut(&Self) -> Shortfall,
    ) -> Result<u32, SearchEnd> {
        let cut = if depth < MAX_DEPTH { self.choose() } else { None };
        let Some((cut, is_high_first)) = cut else {
            if depth < MAX_DEPTH && !self.local.is_exact {
                // every point of the box has the exact value of the point that was told, which is enough
                return Ok(self.close(Distinction::Bound));
            }
            self.leave_open();
            return Err(SearchEnd::Spent);
        };
        let first = self.child(width, cut, is_high_first, depth, tell);
        let first = match first {
            Ok(case) => case,
            Err(end) => {
                if end == SearchEnd::Spent {
                    self.leave_child_open(cut, !is_high_first);
                }
                return Err(end);
            }
        };
        let second = self.child(width, cut, !is_high_first, depth, tell)?;
        let (low, high) = if is_high_first { (second, first) } else { (first, second) };
        Ok(self.close(Distinction::Cut { cut, low, high }))
    }

    /// The most promising cut, and the side to visit first: the one that is more likely to fall short.
    fn choose(&mut self) -> Option<(u32, bool)> {
        for standing in &self.state.standings {
            let knot = &self.local.knots[standing.top as usize];
            if knot.cut == LEAF {
                continue;
            }
            let gain = &mut self.gains[knot.cut as usize];
            if *gain == (0, 0) {
                self.touched.push(knot.cut);
            }
            // the low side of the cut loses the high part
            gain.0 += standing.high_gone;
            gain.1 += standing.low_gone;
        }
        let mut best: Option<(i64, u32, bool)> = None;
        for cut in self.touched.drain(..) {
            let (low, high) = std::mem::take(&mut self.gains[cut as usize]);
            let weight = low.max(high) + 3 * low.min(high);
            if best.is_none_or(|(most, at, _)| weight > most || (weight == most && cut < at)) {
                best = Some((weight, cut, high < low));
            }
        }
        best.map(|(_, cut, is_high_first)| (cut, is_high_first))
    }

    /// Visits one side of a cut of the current box.
    fn child<W: Width>(
        &mut self,
        width: W,
        cut: u32,
        is_high: bool,
        depth: usize,
        tell: &mut dyn FnMut(&Self) -> Shortfall,
    ) -> Result<u32, SearchEnd> {
        let CutPlace { axis, position, .. } = self.local.cuts[cut as usize];
        let axis = axis as usize;
        let (side, nearest) = (self.sides[axis], self.state.nearest[axis]);
        let half = self.half(axis, position, is_high);
        let is_moved = self.move_nearest(axis, half);
        let outcome = if self.nodes >= self.budget {
            self.leave_open();
            Err(SearchEnd::Spent)
        } else {
            self.nodes += 1;
            if is_moved && self.distance() >= self.limit {
                Ok(self.close(Distinction::Far))
            } else if self.state.bound_of_child(width, axis, position, is_high) >= self.local.floor
            {
                Ok(self.close(Distinction::Bound))
            } else {
                let mark = self.state.mark();
                self.sides[axis] = half;
                self.state.enter(width, axis, position, is_high);
                let outcome = self.look(width, is_moved, depth + 1, tell);
                self.state.put_back(width, mark);
                self.sides[axis] = side;
                outcome
            }
        };
        if is_moved {
            self.set_nearest(axis, nearest);
        }
        outcome
    }

    /// Visits the current box, which neither its bound nor its distance closes.
    fn look<W: Width>(
        &mut self,
        width: W,
        is_moved: bool,
        depth: usize,
        tell: &mut dyn FnMut(&Self) -> Shortfall,
    ) -> Result<u32, SearchEnd> {
        if is_moved && self.state.here < self.local.floor {
            match tell(self) {
                Shortfall::Close => return Ok(self.close(Distinction::Far)),
                Shortfall::Nearer(limit) => {
                    self.limit = limit;
                    return Ok(self.close(Distinction::Far));
                }
                Shortfall::Stop => return Err(SearchEnd::Stopped),
                Shortfall::Cut => {}
            }
        }
        self.explore(width, depth, tell)
    }

    fn half(&self, axis: usize, position: u32, is_high: bool) -> (u32, u32) {
        let (lo, hi) = self.sides[axis];
        if is_high { (position + 1, hi) } else { (lo, position) }
    }

    /// Moves the nearest point into a side; true if it had to move.
    fn move_nearest(&mut self, axis: usize, (lo, hi): (u32, u32)) -> bool {
        let nearest = self.terms.centre[axis].clamp(lo, hi);
        if nearest == self.state.nearest[axis] {
            return false;
        }
        self.set_nearest(axis, nearest);
        true
    }

    fn set_nearest(&mut self, axis: usize, cell: u32) {
        self.state.nearest[axis] = cell;
        self.terms.set(axis, cell);
    }

    /// Notes that the current box stays open.
    fn leave_open(&mut self) {
        self.left_open = self.left_open.min(self.distance());
    }

    /// Notes that a child is not visited any more.
    fn leave_child_open(&mut self, cut: u32, is_high: bool) {
        let CutPlace { axis, position, .. } = self.local.cuts[cut as usize];
        let axis = axis as usize;
        let nearest = self.state.nearest[axis];
        self.move_nearest(axis, self.half(axis, position, is_high));
        self.leave_open();
        self.set_nearest(axis, nearest);
    }
}
