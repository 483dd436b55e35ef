//! The nearest change of label around one point, exactly.
//!
//! For every other class, the sum is the margin of the label over that class. Boxes at least as far as the
//! nearest flip so far are skipped. To make this limit small from the start, the search is done in rounds of
//! radius `ε, 2ε, 4ε, …` on the cells that meet the ball's cube. A round ends with the nearest flip, or with
//! the proof that nothing is nearer than its radius. A flip beyond the radius of a round does not count in
//! that round, in any norm.

use crate::certificate::competitors;
use crate::interval::Rational;
use crate::model::{Model, Point, Tie, argmax};
use crate::spec::Norm;

use super::around::Around;
use super::distance::{Key, Rest, Ruler};
use super::grid::{Grid, Sides};
use super::local::Local;
use super::search::{Search, SearchEnd, Shortfall};

/// The radius of the first round, in units of z.
const FIRST: f64 = 0.01;

/// The nearest flip so far.
pub(super) struct Nearest {
    pub(super) key: Key,
    /// The distance (its square for L2), and true if it is an infimum that no point attains; for norms whose
    /// key does not decide this.
    pub(super) exact: Option<(Rational, bool)>,
    /// A raw point with another label, as near as floats allow.
    pub(super) witness: Option<Vec<f64>>,
}

impl Nearest {
    fn none() -> Self {
        Self { key: Key::INFINITE, exact: None, witness: None }
    }

    /// True if nothing can be nearer, as far as floats can tell. A square may be 0 as a float although its root
    /// is not.
    fn is_zero(&self, norm: Norm) -> bool {
        match (norm, &self.exact) {
            (Norm::L2, Some((square, _))) => *square == Rational::ZERO,
            _ => self.key.down == 0.0,
        }
    }
}

/// The search around one point.
pub(super) struct RadiusRounds<'a> {
    model: &'a Model,
    grid: &'a Grid,
    /// The cells of the domain.
    domain: &'a Sides,
    ruler: Ruler,
    /// The label at the point.
    label: usize,
    budget: u64,
    pub(super) nearest: Nearest,
    /// Proved lower limit: nothing is nearer than this.
    pub(super) proved: Key,
    pub(super) nodes: u64,
}

impl<'a> RadiusRounds<'a> {
    /// A search from the ruler's centre, which has this label, over the cells of `domain`, within `budget`
    /// nodes.
    pub(super) fn new(
        (model, grid): (&'a Model, &'a Grid),
        domain: &'a Sides,
        ruler: Ruler,
        label: usize,
        budget: u64,
    ) -> Self {
        let nearest = Nearest::none();
        Self { model, grid, domain, ruler, label, budget, nearest, proved: Key::ZERO, nodes: 0 }
    }

    /// Runs round after round; true if the last round closed.
    pub(super) fn run(&mut self) -> bool {
        let mut epsilon = FIRST;
        let mut before = None;
        loop {
            let mut cube = self.cube(epsilon);
            // a square beyond the floats limits nothing, so there must be nothing beyond the cube
            if self.limit(epsilon) == Key::INFINITE {
                cube.clone_from(self.domain);
            }
            let is_whole = cube == *self.domain;
            let limit = if is_whole { Key::INFINITE } else { self.limit(epsilon) };
            let is_same = self.ruler.norm == Norm::Linf && before.as_ref() == Some(&cube);
            if !is_same && !self.round(&cube, limit) {
                return false;
            }
            if is_whole || self.nearest.key < limit {
                return true;
            }
            self.proved = limit;
            epsilon *= 2.0;
            before = Some(cube);
        }
    }

    /// The key below which a distance is less than ε; for L2 up to the rounding of ε², which no length in
    /// floats shows.
    fn limit(&self, epsilon: f64) -> Key {
        let down = if self.ruler.norm == Norm::L2 { epsilon * epsilon } else { epsilon };
        Key { down, rest: Rest::Attained }
    }

    /// The cells of the domain that meet the cube of half side ε.
    fn cube(&self, epsilon: f64) -> Sides {
        let limit = Key { down: epsilon, rest: Rest::Attained };
        let side = |(feature, &(least, most)): (usize, &(usize, usize))| {
            let thresholds = self.grid.thresholds(feature);
            let cell = self.grid.cell(feature, self.ruler.centre[feature]);
            let is_near = |at: f64, is_left| self.ruler.to(feature, at, is_left) < limit;
            let left = thresholds[least.min(cell)..cell].iter().rev();
            let left = left.take_while(|at| is_near(**at, true)).count();
            let right = thresholds[cell..most.max(cell)].iter();
            let right = right.take_while(|at| is_near(**at, false)).count();
            (cell - left, cell + right)
        };
        self.domain.iter().enumerate().map(side).collect()
    }

    /// Looks for flips nearer than `limit` in a cube, class by class. True if everything was searched: neither
    /// the budget nor memory ended.
    fn round(&mut self, cube: &Sides, limit: Key) -> bool {
        let others: Vec<usize> = competitors(self.label, self.model.classes).collect();
        for (index, other) in others.iter().enumerate() {
            if self.nearest.is_zero(self.ruler.norm) {
                return true;
            }
            if self.nodes >= self.budget {
                return false;
            }
            let wins_tie = (self.label < *other) == (self.model.tie == Tie::Lower);
            let query = self.grid.margin(self.label, *other, 0.0, wins_tie);
            let Some(local) = Local::new(&query, cube) else { return false };
            let ruler = self.ruler.clone();
            let around = Around { grid: self.grid, ruler: &ruler, sides: cube };
            let mut search = Search::new(&local, Some(&around), self.budget - self.nodes);
            search.limit = self.nearest.key.min(limit);
            let end = search.run(&mut |search| self.tell(search, cube));
            self.nodes += search.nodes;
            if end == SearchEnd::Spent {
                // the other classes have been searched up to the last round only
                if index + 1 == others.len() {
                    let near = self.nearest.key.min(limit).min(search.left_open);
                    self.proved = self.proved.max(near);
                }
                return false;
            }
        }
        true
    }

    /// True if a raw point has the label, exactly.
    fn has_label(&self, raw: &[f64]) -> bool {
        let model = self.model;
        Point::from_floats(raw)
            .is_none_or(|point| argmax(&model.exact_scores(&point), model.tie) == self.label)
    }

    /// Handles a box whose nearest point has another label, as far as the sum tells.
    fn tell(&mut self, search: &Search, cube: &Sides) -> Shortfall {
        let cells = search.nearest_cells(cube);
        let centre = self.ruler.centre.iter().enumerate().zip(&cells);
        let witness: Vec<f64> = centre
            .map(|((feature, &x), &cells)| self.grid.nearest_float(feature, cells, x))
            .collect();
        if !search.is_exact() && self.has_label(&witness) {
            return Shortfall::Cut;
        }
        let (key, exact) = match self.ruler.norm {
            Norm::Linf => (search.distance(), None),
            Norm::L1 | Norm::L2 => {
                let (exact, is_open) = search.exact_distance();
                (Key::of(&exact, is_open), Some((exact, is_open)))
            }
        };
        // between two floats, only exact distances decide which is nearer
        let is_tie = key == self.nearest.key && exact.is_some() && exact < self.nearest.exact;
        if key >= search.limit && !is_tie {
            return Shortfall::Close;
        }
        // left of the least float there are numbers but no floats
        let witness = Some(witness).filter(|witness| witness.iter().all(|x| x.is_finite()));
        self.nearest = Nearest { key, exact, witness };
        if self.nearest.is_zero(self.ruler.norm) { Shortfall::Stop } else { Shortfall::Nearer(key) }
    }
}
