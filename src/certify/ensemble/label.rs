//! Claims about one label: a split proof, or a counterexample.
//!
//! Every competing class is a query of its own. The cases that the bound of the first query closes are cut
//! further until the second query holds, and so on.

use crate::certificate::{Proof, SplitTree, Step, competitors};
use crate::interval::Rational;
use crate::model::{Point, Tie};
use crate::spec::{Norm, Obligation, Semantics};
use crate::violation::{FloatBox, PointClaim};

use super::around::Around;
use super::distance::{Key, Rest, Ruler};
use super::grid::{FloorQuery, Grid, Sides};
use super::local::Local;
use super::proof::{leaf, steps};
use super::search::{Search, SearchEnd, Shortfall};
use crate::certify::Searcher;
use crate::certify::attack::is_hit;
use crate::certify::network::search::Found;

/// A split proof of a claim about one label, or a counterexample.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Found {
    let mut nodes = 0;
    let proof = Claims::new(searcher, obligation).and_then(|claims| claims.prove(&mut nodes));
    let is_spent = proof.is_none() && nodes >= searcher.options.budget_nodes;
    Found { proof, nodes, is_spent, is_full: false }
}

/// The queries of an obligation about a label.
struct Claims<'a> {
    searcher: &'a Searcher<'a>,
    obligation: &'a Obligation,
    grid: &'a Grid,
    ruler: Ruler,
    /// The radius of a ball that is smaller than its box (squared for L2).
    limit: Option<Rational>,
    space: FloatBox,
    violation: PointClaim<'a>,
    queries: Vec<FloorQuery>,
    root: Sides,
}

impl<'a> Claims<'a> {
    fn new(searcher: &'a Searcher<'a>, obligation: &'a Obligation) -> Option<Self> {
        let grid = searcher.grid.as_ref()?;
        let classes = searcher.subject.model.0.classes;
        let (label, threshold) = obligation.sufficient.as_ref()?.label()?;
        // each of n odds must be below the n-th part of the allowed sum
        let others = (classes.saturating_sub(1).max(1) as f64).ln();
        let required = threshold.map(|threshold| threshold.above.up() + others);
        let ties = searcher.subject.model.0.tie;
        let allowance = match searcher.lowered.semantics() {
            Semantics::Real => 0.0,
            Semantics::ServedF32 => served_allowance(grid),
        };
        let query = |other: usize| {
            let wins_tie = required.is_none() && (label < other) == (ties == Tie::Lower);
            grid.margin(label, other, required.unwrap_or(0.0) + allowance, wins_tie)
        };
        let row = &searcher.rows[searcher.lowered.row_of(obligation.at)?];
        // the kernel knows only balls of the real function; otherwise their box counts
        let ball = obligation.region.as_ball().filter(|ball| {
            ball.norm != Norm::Linf && searcher.lowered.semantics() == Semantics::Real
        });
        Some(Self {
            searcher,
            obligation,
            grid,
            ruler: match &ball {
                Some(ball) => Ruler {
                    norm: ball.norm,
                    centre: row.values.clone(),
                    // scales are floats of 32 bits
                    weights: ball.weights.iter().map(Rational::down).collect(),
                    whole: searcher.lowered.is_whole().to_vec(),
                },
                None => Ruler::of_box(&row.values),
            },
            limit: ball.map(|ball| match ball.norm {
                Norm::L2 => ball.epsilon * ball.epsilon,
                Norm::L1 | Norm::Linf => ball.epsilon.clone(),
            }),
            space: FloatBox::new(&obligation.region),
            violation: PointClaim::of(&obligation.claim, classes)?,
            queries: competitors(label, classes).map(query).collect(),
            root: searcher.kernel.cells(obligation)?.sides().to_vec(),
        })
    }

    fn prove(&self, nodes: &mut u64) -> Option<Proof> {
        let mut witness = None;
        let steps = self.cases(&self.root, 0, nodes, &mut witness);
        if let Some(points) = witness {
            return Some(Proof::Counterexample { points });
        }
        Some(Proof::split(SplitTree::new(steps?)?, Vec::new()))
    }

    /// The steps that prove the queries from `first` on over a box.
    fn cases(
        &self,
        root: &Sides,
        first: usize,
        nodes: &mut u64,
        witness: &mut Option<Vec<Vec<String>>>,
    ) -> Option<Vec<Step>> {
        let Some(query) = self.queries.get(first) else { return Some(vec![leaf()]) };
        let local = Local::new(query, root)?;
        let around = Around { grid: self.grid, ruler: &self.ruler, sides: root };
        let budget = self.searcher.options.budget_nodes.saturating_sub(*nodes);
        let mut search = Search::new(&local, Some(&around), budget).recording();
        if let Some(limit) = &self.limit {
            // from here on, a distance is certainly larger than the radius
            search.limit = Key { down: limit.down().next_up(), rest: Rest::Attained };
        }
        let end = search.run(&mut |search| self.try_nearest(search, root, witness));
        *nodes += search.nodes;
        if end != SearchEnd::Closed {
            return None;
        }
        let mut grow = |here: &Sides| self.cases(here, first + 1, nodes, witness);
        steps(&local, search.cases(), root, &mut grow)
    }

    /// Checks if the nearest point of the current box is a counterexample.
    fn try_nearest(
        &self,
        search: &Search,
        root: &Sides,
        witness: &mut Option<Vec<Vec<String>>>,
    ) -> Shortfall {
        if let Some(limit) = &self.limit {
            let (distance, is_open) = search.exact_distance();
            if distance > *limit || (is_open && distance == *limit) {
                return Shortfall::Close;
            }
        }
        let point = self.nearest(&search.nearest_cells(root));
        // floats decide if it is worth asking; the kernel evaluates exactly
        let looks_like_one = is_hit(self.searcher, &self.violation, &point);
        let texts = looks_like_one.then(|| vec![Point::texts(&point)]);
        if let Some(texts) = self.searcher.refuted(self.obligation.at, texts) {
            *witness = Some(texts);
            return Shortfall::Stop;
        }
        Shortfall::Cut
    }

    /// The point of a box of cells nearest to the centre, inside the region where possible.
    fn nearest(&self, cells: &Sides) -> Vec<f64> {
        let value = |((feature, &x), &cells): ((usize, &f64), &(usize, usize))| match self.limit {
            Some(_) => self.grid.nearest_float(feature, cells, x),
            None => self.grid.nearest(feature, cells, x),
        };
        let centre = self.ruler.centre.iter().enumerate();
        let mut point: Vec<f64> = centre.zip(cells).map(value).collect();
        self.space.clip(&mut point);
        point
    }
}

/// Approximate amount that the kernel requires beyond the threshold: `γ_T·S`, doubled.
fn served_allowance(grid: &Grid) -> f64 {
    2.0 * grid.trees.len() as f64 * f64::from(f32::EPSILON) * grid.total()
}
