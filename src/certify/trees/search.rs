//! Depth first over boxes of cells (reference: Devos, Meert and Davis 2021 for the bound and the
//! boxes; the rule of branching is our own).
//!
//! A box is closed if the sum of the smallest reachable leaves reaches the floor, or if it lies beyond a
//! limit that may come nearer while the search runs. Its point nearest to the centre is tried; if the sum
//! falls short there, that is told. Else the box is cut where that promises most: for every tree with
//! more than one reachable leaf let `(j, k)` be the node that parts them, and `a`, `b` what the smallest
//! leaf gains if the low, the high part is gone; added up per cut, `max(A, B) + 3·min(A, B)` is largest.

use crate::interval::Rational;

use super::distance::{Key, Ruler};
use super::grid::{Grid, Sides};
use super::local::{Axis, LEAF, Local};
use super::state::{One, Several, State, Width};

/// How a search ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Every box is closed.
    Closed,
    /// Whoever was told of a point had enough.
    Stopped,
    /// Nodes, or the depth of a path, ran out.
    Spent,
}

/// What becomes of a box whose nearest point falls short.
pub(super) enum Answer {
    /// It is closed.
    Close,
    /// It is closed, and so is what is not nearer than this.
    Nearer(Key),
    /// It is looked at further.
    Cut,
    /// The search ends.
    Stop,
}

/// A case distinction as it is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Case {
    /// A cut by its number among all, with the cases of its low and its high side.
    Cut { cut: u32, low: u32, high: u32 },
    /// Closed by the bound.
    Bound,
    /// Closed because it is too far, or because nothing more is asked of it.
    Far,
}

/// Deepest path that is tried; a proof may be a little deeper.
const MAX_DEPTH: usize = 480;

/// A search over the boxes of a local query.
pub(super) struct Search<'a> {
    local: &'a Local,
    /// Per axis and cell, the term of the distance; empty without a centre.
    away: Vec<Vec<Key>>,
    around: Option<Around<'a>>,
    /// The features that are not cut, where the box lies apart from the centre.
    elsewhere: Vec<(usize, Edge)>,
    /// Per axis, lowest and highest cell.
    sides: Vec<(u32, u32)>,
    /// Per axis, the cell of the centre.
    centre: Vec<u32>,
    /// The terms of the distance: per axis, and then those of the other features.
    terms: Vec<Key>,
    state: State<'a>,
    gains: Vec<(i64, i64)>,
    touched: Vec<u32>,
    /// Boxes from here on are of no interest.
    pub(super) limit: Key,
    /// Nodes that may still be looked at.
    budget: u64,
    /// Nodes looked at.
    pub(super) nodes: u64,
    /// The nearest box that was left open.
    pub(super) left_open: Key,
    /// The cases in the order in which they were closed, if they are to be kept.
    record: Option<Vec<Case>>,
}

/// What a search is about, beside the query: from where distances count, and in which box.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) grid: &'a Grid,
    pub(super) ruler: &'a Ruler,
    /// The box that is searched; the centre need not lie in it.
    pub(super) sides: &'a Sides,
}

/// The threshold at which some cells are nearest to the centre.
#[derive(Clone, Copy)]
struct Edge {
    number: usize,
    /// Whether the cells lie left of it, so that it is in none of them.
    is_left: bool,
}

impl Around<'_> {
    /// The cell of the centre.
    fn cell(&self, feature: usize) -> usize {
        self.grid.cell(feature, self.ruler.centre[feature])
    }

    /// Where cells are nearest to the centre; `None` if they hold it.
    fn edge(&self, feature: usize, (from, to): (usize, usize)) -> Option<Edge> {
        let centre = self.cell(feature);
        if centre < from {
            Some(Edge { number: from - 1, is_left: false })
        } else if centre > to {
            Some(Edge { number: to, is_left: true })
        } else {
            None
        }
    }

    fn term(&self, feature: usize, Edge { number, is_left }: Edge) -> Key {
        let at = self.grid.thresholds(feature)[number];
        self.ruler.term(self.ruler.to(feature, at, is_left))
    }

    fn exact_term(&self, feature: usize, edge: Edge) -> Rational {
        self.ruler.exact_term(feature, self.grid.thresholds(feature)[edge.number])
    }
}

impl<'a> Search<'a> {
    /// A search of the box that `local` was made for, with at most `budget` nodes.
    pub(super) fn new(local: &'a Local, around: Option<&Around<'a>>, budget: u64) -> Self {
        let mut centre = vec![0; local.axes.len()];
        let mut elsewhere = Vec::new();
        if let Some(around) = around {
            for (axis, centre) in local.axes.iter().zip(&mut centre) {
                let cell = around.cell(axis.feature);
                let cuts = &local.cuts[axis.first..axis.first + axis.cuts];
                *centre = cuts.partition_point(|place| place.number < cell) as u32;
            }
            let is_axis = |feature| local.axes.iter().any(|axis| axis.feature == feature);
            let others = (0..around.sides.len()).filter(|&feature| !is_axis(feature));
            elsewhere = others
                .filter_map(|feature| Some((feature, around.edge(feature, around.sides[feature])?)))
                .collect();
        }
        let sides: Vec<(u32, u32)> = local.axes.iter().map(|a| (0, a.cuts as u32)).collect();
        let mut search = Self {
            local,
            away: Vec::new(),
            around: around.copied(),
            elsewhere,
            sides,
            terms: Vec::new(),
            state: State::new(local, centre.clone()),
            centre,
            gains: vec![(0, 0); local.cuts.len()],
            touched: Vec::new(),
            limit: Key::INFINITE,
            budget,
            nodes: 0,
            left_open: Key::INFINITE,
            record: None,
        };
        search.measure();
        search
    }

    /// The distances of the cells.
    fn measure(&mut self) {
        let Some(around) = self.around else {
            self.terms = vec![Key::ZERO; self.centre.len()];
            return;
        };
        let term =
            |feature, edge: Option<Edge>| edge.map_or(Key::ZERO, |edge| around.term(feature, edge));
        let axes = self.local.axes.iter().enumerate();
        let cells = axes.map(|(axis, Axis { feature, cuts, .. })| {
            let edges = (0..=*cuts).map(|cell| around.edge(*feature, self.cells_of(axis, cell)));
            edges.map(|edge| term(*feature, edge)).collect()
        });
        self.away = cells.collect();
        let nearest = self.away.iter().zip(&self.state.nearest);
        self.terms = nearest.map(|(away, &cell)| away[cell as usize]).collect();
        self.terms.extend(self.elsewhere.iter().map(|&(f, edge)| term(f, Some(edge))));
    }

    /// The cells of the grid that a cell of an axis holds, the root's sides apart.
    fn cells_of(&self, axis: usize, cell: usize) -> (usize, usize) {
        let Axis { first, cuts, feature, .. } = self.local.axes[axis];
        let cuts = &self.local.cuts[first..first + cuts];
        let from = cell.checked_sub(1).map_or(0, |k| cuts[k].number + 1);
        let to = cuts.get(cell).map_or(usize::MAX, |place| place.number);
        match self.around {
            Some(Around { sides, .. }) => (from.max(sides[feature].0), to.min(sides[feature].1)),
            None => (from, to),
        }
    }

    /// Keeps the cases.
    pub(super) fn recording(mut self) -> Self {
        self.record = Some(Vec::new());
        self
    }

    /// The cases that were kept; the last one is the first that was looked at.
    pub(super) fn cases(&self) -> &[Case] {
        self.record.as_deref().unwrap_or(&[])
    }

    /// The cells of the grid, inside the box `root` that was searched, around the point that was told of.
    pub(super) fn nearest_cells(&self, root: &Sides) -> Sides {
        let mut cells = root.clone();
        for (axis, &cell) in self.state.nearest.iter().enumerate() {
            let (from, to) = self.cells_of(axis, cell as usize);
            let side = &mut cells[self.local.axes[axis].feature];
            *side = (from.max(side.0), to.min(side.1));
        }
        cells
    }

    /// The distance of the box at hand.
    pub(super) fn distance(&self) -> Key {
        self.around.map_or(Key::ZERO, |around| around.ruler.sum(self.terms.iter().copied()))
    }

    /// Whether the sums are exact.
    pub(super) fn is_exact(&self) -> bool {
        self.local.is_exact
    }

    /// The distance of the box at hand as its norm adds it (a squared one for L2), exactly, and whether
    /// it is an infimum that no point attains; L1 and L2.
    pub(super) fn exact_distance(&self) -> (Rational, bool) {
        let (mut sum, mut is_open) = (Rational::ZERO, false);
        let Some(around) = self.around else { return (sum, false) };
        let of_axes = self.state.nearest.iter().enumerate().filter_map(|(axis, &cell)| {
            let feature = self.local.axes[axis].feature;
            Some((feature, around.edge(feature, self.cells_of(axis, cell as usize))?))
        });
        for (feature, edge) in of_axes.chain(self.elsewhere.iter().copied()) {
            is_open |= edge.is_left;
            sum = &sum + &around.exact_term(feature, edge);
        }
        (sum, is_open)
    }

    /// Looks at every box; `tell` hears of nearest points that fall short.
    pub(super) fn run(&mut self, tell: &mut dyn FnMut(&Self) -> Answer) -> End {
        match self.local.words {
            1 => self.root(One, tell),
            words => self.root(Several(words), tell),
        }
    }

    fn root<W: Width>(&mut self, width: W, tell: &mut dyn FnMut(&Self) -> Answer) -> End {
        self.nodes += 1;
        if self.distance() >= self.limit {
            self.close(Case::Far);
            return End::Closed;
        }
        if self.state.bound >= self.local.floor {
            self.close(Case::Bound);
            return End::Closed;
        }
        if self.state.here < self.local.floor {
            match tell(self) {
                Answer::Close => {
                    self.close(Case::Far);
                    return End::Closed;
                }
                Answer::Nearer(limit) => {
                    self.limit = limit;
                    self.close(Case::Far);
                    return End::Closed;
                }
                Answer::Stop => return End::Stopped,
                Answer::Cut => {}
            }
        }
        self.explore(width, 0, tell).err().unwrap_or(End::Closed)
    }

    /// Keeps a case; returns its number.
    fn close(&mut self, case: Case) -> u32 {
        let Some(record) = &mut self.record else { return 0 };
        record.push(case);
        record.len() as u32 - 1
    }

    /// Cuts the box at hand, which is open.
    fn explore<W: Width>(
        &mut self,
        width: W,
        depth: usize,
        tell: &mut dyn FnMut(&Self) -> Answer,
    ) -> Result<u32, End> {
        let cut = if depth < MAX_DEPTH { self.choose() } else { None };
        let Some((cut, is_high_first)) = cut else {
            if depth < MAX_DEPTH && !self.local.is_exact {
                // every point of the box has the exact value of the one that was told of, which is enough
                return Ok(self.close(Case::Bound));
            }
            self.leave_open();
            return Err(End::Spent);
        };
        let first = self.child(width, cut, is_high_first, depth, tell);
        let first = match first {
            Ok(case) => case,
            Err(end) => {
                if end == End::Spent {
                    self.leave_child_open(cut, !is_high_first);
                }
                return Err(end);
            }
        };
        let second = self.child(width, cut, !is_high_first, depth, tell)?;
        let (low, high) = if is_high_first { (second, first) } else { (first, second) };
        Ok(self.close(Case::Cut { cut, low, high }))
    }

    /// The cut that promises most, and which side is looked at first: the one that is more likely to
    /// fall short.
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

    /// Looks at one side of a cut of the box at hand.
    fn child<W: Width>(
        &mut self,
        width: W,
        cut: u32,
        is_high: bool,
        depth: usize,
        tell: &mut dyn FnMut(&Self) -> Answer,
    ) -> Result<u32, End> {
        let place = self.local.cuts[cut as usize];
        let axis = place.axis as usize;
        let (side, nearest, term) = (self.sides[axis], self.state.nearest[axis], self.terms[axis]);
        let half = self.half(axis, place.position, is_high);
        let is_moved = self.move_nearest(axis, half);
        if self.nodes >= self.budget {
            self.leave_open();
            (self.state.nearest[axis], self.terms[axis]) = (nearest, term);
            return Err(End::Spent);
        }
        self.nodes += 1;
        if is_moved && self.distance() >= self.limit {
            (self.state.nearest[axis], self.terms[axis]) = (nearest, term);
            return Ok(self.close(Case::Far));
        }
        let mark = self.state.mark();
        let outcome = if self.state.bound_of_child(width, axis, place.position, is_high)
            >= self.local.floor
        {
            Ok(self.close(Case::Bound))
        } else {
            self.sides[axis] = half;
            self.state.enter(width, axis, place.position, is_high);
            self.look(width, is_moved, depth, tell)
        };
        self.state.put_back(width, mark);
        self.sides[axis] = side;
        (self.state.nearest[axis], self.terms[axis]) = (nearest, term);
        outcome
    }

    /// The child at hand is not closed by its bound.
    fn look<W: Width>(
        &mut self,
        width: W,
        is_moved: bool,
        depth: usize,
        tell: &mut dyn FnMut(&Self) -> Answer,
    ) -> Result<u32, End> {
        if is_moved && self.state.here < self.local.floor {
            match tell(self) {
                Answer::Close => return Ok(self.close(Case::Far)),
                Answer::Nearer(limit) => {
                    self.limit = limit;
                    return Ok(self.close(Case::Far));
                }
                Answer::Stop => return Err(End::Stopped),
                Answer::Cut => {}
            }
        }
        self.explore(width, depth + 1, tell)
    }

    fn half(&self, axis: usize, position: u32, is_high: bool) -> (u32, u32) {
        let (lo, hi) = self.sides[axis];
        if is_high { (position + 1, hi) } else { (lo, position) }
    }

    /// Moves the nearest point into a side; whether it had to move.
    fn move_nearest(&mut self, axis: usize, (lo, hi): (u32, u32)) -> bool {
        let nearest = self.centre[axis].clamp(lo, hi);
        if nearest == self.state.nearest[axis] {
            return false;
        }
        self.state.nearest[axis] = nearest;
        if let Some(away) = self.away.get(axis) {
            self.terms[axis] = away[nearest as usize];
        }
        true
    }

    /// The box at hand stays open.
    fn leave_open(&mut self) {
        let distance = self.distance();
        if distance < self.left_open {
            self.left_open = distance;
        }
    }

    /// A child that is not looked at any more.
    fn leave_child_open(&mut self, cut: u32, is_high: bool) {
        let place = self.local.cuts[cut as usize];
        let axis = place.axis as usize;
        let (nearest, term) = (self.state.nearest[axis], self.terms[axis]);
        self.move_nearest(axis, self.half(axis, place.position, is_high));
        self.leave_open();
        (self.state.nearest[axis], self.terms[axis]) = (nearest, term);
    }
}
