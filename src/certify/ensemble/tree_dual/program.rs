//! The best shares by linear program; beside `certify/network/lp.rs` the only file that knows the solver.
//!
//! The shares themselves are the variables, so the solver's point consists of the multipliers that the
//! kernel receives. `θ` is constant on the runs between a tree's own cuts, `m` is its least over several
//! runs, `u` the least leaf of a tree, and `ρ` the least remainder of a feature:
//!
//! ```text
//! maximise   Σ_t u_t + Σ_j ρ_j
//! subject to u_t <= v + Σ_j m_{t,j}(leaf)     every leaf of tree t
//!            m_{t,j}(runs) <= θ_{t,j}(run)    every run of several
//!            ρ_j + Σ_t θ_{t,j}(cell) <= 0     every cell of feature j between the cuts of all trees
//! ```
//!
//! Only the shares are used; the objective and the status are no evidence.

use std::collections::{BTreeMap, BTreeSet};

use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, Variable, WithTimeLimit, constraint,
    microlp, variable,
};

use super::{Factor, Relaxation};
use crate::certify::network::lp::LONGEST_SECONDS;

/// Largest share that is offered.
const LARGEST: f64 = 1e9;

/// Sets the shares to the solution of the program, provided it has at most `most_rows` rows, is solved, and
/// its bound is better in floats.
pub(super) fn improve(relaxation: &mut Relaxation, most_rows: usize) {
    if rows(relaxation) > most_rows {
        return;
    }
    let Some(thetas) = solve(relaxation) else { return };
    let (before, value) = (relaxation.thetas(), relaxation.value());
    relaxation.adopt(&thetas);
    if relaxation.value() <= value {
        relaxation.adopt(&before);
    }
}

/// An upper bound of the rows of the program.
fn rows(relaxation: &Relaxation) -> usize {
    let of_factor = |factor: &Factor| {
        let spans: usize = factor.shares.iter().map(|share| share.theta.len()).sum();
        let several = spans_of(factor).into_iter().map(|(_, (first, last))| last - first + 1);
        factor.leaves.len() + spans + several.sum::<usize>()
    };
    relaxation.factors.iter().map(of_factor).sum()
}

/// A share on several runs: its place in the tree, then first and last run.
type Span = (usize, (usize, usize));

/// The different spans of a tree's leaves.
fn spans_of(factor: &Factor) -> BTreeSet<Span> {
    let of_leaf = factor.leaves.iter().flat_map(|leaf| leaf.runs.iter().copied().enumerate());
    of_leaf.filter(|(_, (first, last))| first < last).collect()
}

/// The variables of one tree.
struct TreeVariables {
    /// Per share and run; `None` for the first run, whose share is 0: a constant of a share cancels.
    theta: Vec<Vec<Option<Variable>>>,
    spans: BTreeMap<Span, Variable>,
    least: Variable,
}

impl TreeVariables {
    fn new(factor: &Factor, variables: &mut ProblemVariables) -> Self {
        let theta = factor.shares.iter().map(|share| {
            let rest = (1..share.theta.len()).map(|_| variables.add(free()));
            std::iter::once(None).chain(rest.map(Some).collect::<Vec<_>>()).collect()
        });
        let theta = theta.collect();
        let spans = spans_of(factor).into_iter().map(|span| (span, variables.add(free())));
        Self { theta, spans: spans.collect(), least: variables.add(free()) }
    }

    /// Adds the share on some runs of a place to a sum.
    fn add_to(&self, sum: &mut Expression, factor: f64, (place, (first, last)): Span) {
        if first < last {
            sum.add_mul(factor, self.spans[&(place, (first, last))]);
        } else if let Some(theta) = self.theta[place][first] {
            sum.add_mul(factor, theta);
        }
    }
}

fn free() -> good_lp::VariableDefinition {
    variable().min(-LARGEST).max(LARGEST)
}

/// The shares per tree, share and run; `None` if the solver fails.
fn solve(relaxation: &Relaxation) -> Option<Vec<Vec<Vec<f64>>>> {
    let mut variables = ProblemVariables::new();
    let factors = &relaxation.factors;
    let columns: Vec<TreeVariables> =
        factors.iter().map(|f| TreeVariables::new(f, &mut variables)).collect();
    let cells: Vec<BTreeSet<usize>> =
        (0..relaxation.sides.len()).map(|j| cells(factors, j)).collect();
    let rest: Vec<Option<Variable>> =
        cells.iter().map(|cells| (!cells.is_empty()).then(|| variables.add(free()))).collect();
    let objective: Expression =
        columns.iter().map(|tree| tree.least).chain(rest.iter().copied().flatten()).sum();
    let problem = variables.maximise(objective).using(microlp);
    let mut problem = problem.with_time_limit(LONGEST_SECONDS);
    for (factor, own) in factors.iter().zip(&columns) {
        for leaf in &factor.leaves {
            let mut slack = Expression::from(own.least);
            leaf.runs
                .iter()
                .copied()
                .enumerate()
                .for_each(|span| own.add_to(&mut slack, -1.0, span));
            problem.add_constraint(constraint!(slack <= leaf.value));
        }
        for (&(place, (first, last)), least) in &own.spans {
            for run in first..=last {
                let mut slack = Expression::from(*least);
                own.add_to(&mut slack, -1.0, (place, (run, run)));
                problem.add_constraint(constraint!(slack <= 0.0));
            }
        }
    }
    for (feature, (cells, rest)) in cells.iter().zip(rest).enumerate() {
        let Some(rest) = rest else { continue };
        for &cell in cells {
            let mut sum = Expression::from(rest);
            for (factor, own) in factors.iter().zip(&columns) {
                let Some(place) = factor.place(feature) else { continue };
                let run = factor.shares[place].run(cell);
                own.add_to(&mut sum, 1.0, (place, (run, run)));
            }
            problem.add_constraint(constraint!(sum <= 0.0));
        }
    }
    let solution = problem.solve().ok()?;
    let value = |theta: &Option<Variable>| theta.map_or(0.0, |theta| solution.value(theta));
    let thetas = columns
        .iter()
        .map(|own| own.theta.iter().map(|runs| runs.iter().map(value).collect()).collect());
    Some(thetas.collect())
}

/// A cell of every run between the cuts of all trees.
fn cells(factors: &[Factor], feature: usize) -> BTreeSet<usize> {
    let shares = factors.iter().filter_map(|f| Some(&f.shares[f.place(feature)?]));
    shares.flat_map(|share| share.starts.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certify::ensemble::grid::Grid;
    use crate::model::{Ensemble, Feature, Node, Tree};

    /// A full tree of depth 2 over three features, by digits of a number.
    fn tree(mut digits: u64) -> Tree {
        let mut digit = |of: u64| {
            let digit = digits % of;
            digits /= of;
            digit
        };
        let mut split = |left: usize| Node::Split {
            feature: Feature(digit(3) as usize),
            threshold: digit(3) as f64,
            left,
            right: left + 1,
            default_left: false,
        };
        let mut nodes = vec![split(1), split(3), split(5)];
        nodes.extend((0..4).map(|_| Node::Leaf(digit(9) as f64 - 4.0)));
        Tree { output: 0, nodes }
    }

    /// Bounds of one random sum over all cells: rounds, program, and the least sum.
    fn bounds(seed: u64) -> [f64; 3] {
        let digits = |tree: u64| (seed * 7 + tree).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        let trees: Vec<Tree> = (0..6).map(|number| tree(digits(number))).collect();
        let ensemble = Ensemble { base: vec![0.0], trees };
        let grid = Grid::new(&ensemble, &[false; 3]);
        let sides = (0..3).map(|feature| (0, grid.thresholds(feature).len())).collect();
        let mut relaxation = Relaxation::new(&grid, &sides, 1, 0);
        relaxation.solve(f64::INFINITY);
        let rounds = relaxation.value();
        improve(&mut relaxation, 1_000);
        let places = [-0.5, 0.5, 1.5, 2.5];
        let points = places.iter().flat_map(|&x| places.iter().map(move |&y| (x, y)));
        let points = points.flat_map(|(x, y)| places.iter().map(move |&z| [x, y, z]));
        let least = points.map(|point| ensemble.scores(&point)[0]).fold(f64::INFINITY, f64::min);
        [rounds, relaxation.value(), least]
    }

    #[test]
    fn the_program_is_no_worse_than_rounds_and_never_beyond_the_least_sum() {
        let (mut better, mut exact) = (0, 0);
        for seed in 0..200 {
            let [rounds, program, least] = bounds(seed);
            assert!(
                rounds <= program + 1e-9 && program <= least + 1e-6,
                "{seed}: {rounds} {program} {least}"
            );
            better += usize::from(program > rounds + 0.1);
            exact += usize::from(program > least - 1e-6);
        }
        // of sums of whole numbers
        assert!(better >= 20 && exact >= 100, "{better} better than rounds, {exact} exact");
    }

    /// A program beyond the limit is not posed.
    #[test]
    fn large_programs_are_left_alone() {
        let ensemble = Ensemble { base: vec![0.0], trees: (0..6).map(|n| tree(n * 977)).collect() };
        let grid = Grid::new(&ensemble, &[false; 3]);
        let sides = (0..3).map(|feature| (0, grid.thresholds(feature).len())).collect();
        let mut relaxation = Relaxation::new(&grid, &sides, 1, 0);
        let before = relaxation.thetas();
        improve(&mut relaxation, 10);
        assert_eq!(relaxation.thetas(), before);
    }
}
