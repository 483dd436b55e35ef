//! The distance of the current box from a point, term by term.

use crate::interval::Rational;

use super::axes::CutAxis;
use super::distance::{Key, Ruler};
use super::grid::{Grid, Sides};
use super::local::Local;

/// The centre of a search and the box that is searched, beside the query.
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
    /// True if the cells lie left of it; the threshold is then in none of them.
    is_left: bool,
}

impl Around<'_> {
    /// The cell of the centre.
    fn cell(&self, feature: usize) -> usize {
        self.grid.cell(feature, self.ruler.centre[feature])
    }

    /// The edge at which cells are nearest to the centre; `None` if they contain it.
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
        self.ruler.exact_term(feature, self.grid.thresholds(feature)[edge.number], edge.is_left)
    }
}

/// The terms of the distance of the current box from the centre, if there is one.
pub(super) struct Terms<'a> {
    local: &'a Local,
    around: Option<Around<'a>>,
    /// Per axis, the cell of the centre.
    pub(super) centre: Vec<u32>,
    /// Per axis and cell, its term; empty without a centre.
    of_cells: Vec<Vec<Key>>,
    /// The features that are not cut and along which the box lies apart from the centre.
    elsewhere: Vec<(usize, Edge)>,
    /// The terms of the current box: per axis, then those of `elsewhere`.
    here: Vec<Key>,
}

impl<'a> Terms<'a> {
    /// The terms of the box that `local` was made for.
    pub(super) fn new(local: &'a Local, around: Option<&Around<'a>>) -> Self {
        let mut terms = Self {
            local,
            around: around.copied(),
            centre: vec![0; local.axes.len()],
            of_cells: Vec::new(),
            elsewhere: Vec::new(),
            here: Vec::new(),
        };
        if let Some(around) = around {
            terms.measure(around);
        }
        terms
    }

    fn measure(&mut self, around: &Around) {
        for (axis, CutAxis { feature, cuts }) in self.local.axes.iter().enumerate() {
            let cell = around.cell(*feature);
            let of_axis = &self.local.cuts[cuts.clone()];
            self.centre[axis] = of_axis.partition_point(|place| place.number < cell) as u32;
            let term = |cell| {
                let edge = around.edge(*feature, self.cells(axis, cell));
                edge.map_or(Key::ZERO, |edge| around.term(*feature, edge))
            };
            let terms = (0..=cuts.len()).map(term).collect();
            self.of_cells.push(terms);
        }
        let is_axis = |feature| self.local.axes.iter().any(|axis| axis.feature == feature);
        let others = (0..around.sides.len()).filter(|&feature| !is_axis(feature));
        self.elsewhere = others
            .filter_map(|feature| Some((feature, around.edge(feature, around.sides[feature])?)))
            .collect();
        let of_centre = self.of_cells.iter().zip(&self.centre);
        self.here = of_centre.map(|(terms, &cell)| terms[cell as usize]).collect();
        self.here.extend(self.elsewhere.iter().map(|&(f, edge)| around.term(f, edge)));
    }

    /// The cells of the grid that a cell of an axis holds, inside the searched box.
    pub(super) fn cells(&self, axis: usize, cell: usize) -> (usize, usize) {
        let CutAxis { feature, cuts } = &self.local.axes[axis];
        let cuts = &self.local.cuts[cuts.clone()];
        let from = cell.checked_sub(1).map_or(0, |k| cuts[k].number + 1);
        let to = cuts.get(cell).map_or(usize::MAX, |place| place.number);
        match self.around {
            Some(Around { sides, .. }) => (from.max(sides[*feature].0), to.min(sides[*feature].1)),
            None => (from, to),
        }
    }

    /// Sets another cell of an axis as the nearest of the box.
    pub(super) fn set(&mut self, axis: usize, cell: u32) {
        if let Some(terms) = self.of_cells.get(axis) {
            self.here[axis] = terms[cell as usize];
        }
    }

    /// The distance of the current box.
    pub(super) fn distance(&self) -> Key {
        self.around.map_or(Key::ZERO, |around| around.ruler.sum(self.here.iter().copied()))
    }

    /// The exact distance of a box with these `nearest` cells, as its norm adds it (squared for L2), and true
    /// if it is an infimum that no point attains; L1 and L2.
    pub(super) fn exact_distance(&self, nearest: &[u32]) -> (Rational, bool) {
        let (mut sum, mut is_open) = (Rational::ZERO, false);
        let Some(around) = self.around else { return (sum, false) };
        let of_axes = nearest.iter().enumerate().filter_map(|(axis, &cell)| {
            let feature = self.local.axes[axis].feature;
            Some((feature, around.edge(feature, self.cells(axis, cell as usize))?))
        });
        for (feature, edge) in of_axes.chain(self.elsewhere.iter().copied()) {
            is_open |= around.ruler.is_open(feature, edge.is_left);
            sum = &sum + &around.exact_term(feature, edge);
        }
        (sum, is_open)
    }
}
