//! The fewest sets that cover a number of points, from below: the linear relaxation of the covering program.
//!
//! ```text
//! primal   min Σ x_q    Σ_{q settles i} x_q >= y_i,   0 <= y_i <= 1,   Σ y_i >= k
//! dual     max k·v − Σ max(0, v − u_i)     u >= 0,  v >= 0,  Σ_{i settled by q} u_i <= 1 for every q
//! ```
//!
//! The solver poses the dual, and its u are hints: they are clamped and scaled until every set has at most 1, v is
//! chosen anew, and the bound is computed from them. So a wrong answer of the solver gives a weaker bound, no false one,
//! up to the rounding of sums of some hundred floats, for which 10⁻⁹ is taken off.

use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, WithTimeLimit, constraint, microlp,
    variable,
};

/// Most points of a program; larger ones are bounded by the largest sets alone.
const MOST_POINTS: usize = 600;
/// Time limit of the solver. One that runs longer is cycling; its result is not used.
const LONGEST_SECONDS: f64 = 120.0;

/// A lower bound on the number of sets whose union has `points` points. `sets` lists the points of each.
pub(super) fn at_least(sets: &[Vec<usize>], points: usize) -> usize {
    let by_size = by_size(sets, points);
    if sets.len() > MOST_POINTS || points == 0 {
        return by_size;
    }
    let hints = solve(sets, points).unwrap_or_default();
    by_size.max(bound(sets, points, hints))
}

/// The largest sets, as if no two had a point in common.
fn by_size(sets: &[Vec<usize>], points: usize) -> usize {
    let mut sizes: Vec<usize> = sets.iter().map(Vec::len).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut covered = 0;
    let enough = sizes.iter().position(|size| {
        covered += size;
        covered >= points
    });
    if points == 0 { 0 } else { enough.map_or(sizes.len(), |at| at + 1) }
}

/// The weights u of the dual program; `None` if the solver fails.
fn solve(sets: &[Vec<usize>], points: usize) -> Option<Vec<f64>> {
    let mut variables = ProblemVariables::new();
    let weights: Vec<_> =
        (0..sets.len()).map(|_| variables.add(variable().min(0.0).max(1.0))).collect();
    let value = variables.add(variable().min(0.0).max(1.0));
    let short: Vec<_> = (0..sets.len()).map(|_| variables.add(variable().min(0.0))).collect();
    let mut objective: Expression = points as f64 * value;
    short.iter().for_each(|one| objective -= *one);
    let mut problem = variables.maximise(objective).using(microlp).with_time_limit(LONGEST_SECONDS);
    for set in sets {
        let sum: Expression = set.iter().filter_map(|at| weights.get(*at)).copied().sum();
        problem = problem.with(constraint!(sum <= 1.0));
    }
    for (weight, short) in weights.iter().zip(&short) {
        problem = problem.with(constraint!(value - *weight <= *short));
    }
    let solution = problem.solve().ok()?;
    Some(weights.into_iter().map(|weight| solution.value(weight)).collect())
}

/// The bound that weights give, whatever they are.
fn bound(sets: &[Vec<usize>], points: usize, mut weights: Vec<f64>) -> usize {
    weights.resize(sets.len(), 0.0);
    for weight in &mut weights {
        *weight = if *weight > 0.0 && *weight <= 1.0 { *weight } else { 0.0 };
    }
    let sum = |set: &Vec<usize>| set.iter().filter_map(|at| weights.get(*at)).sum::<f64>();
    let largest = sets.iter().map(sum).fold(1.0, f64::max);
    let scaled: Vec<f64> = weights.iter().map(|weight| weight / largest).collect();
    // the value is piecewise linear in v, with its corners at the weights
    let value =
        |v: f64| points as f64 * v - scaled.iter().map(|weight| (v - weight).max(0.0)).sum::<f64>();
    let best = scaled.iter().map(|v| value(*v)).fold(0.0, f64::max);
    (best - 1e-9).ceil().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disjoint_sets_are_counted_and_overlaps_are_seen() {
        let disjoint = vec![vec![0, 1], vec![0, 1], vec![2, 3], vec![2, 3], vec![4]];
        assert_eq!(at_least(&disjoint, 5), 3);
        assert_eq!(at_least(&disjoint, 4), 2);
        assert_eq!(at_least(&disjoint, 0), 0);
        // three points, every two of them in one set: the relaxation is 3/2, so 2
        let triangle = vec![vec![0, 1], vec![1, 2], vec![0, 2]];
        assert_eq!(at_least(&triangle, 3), 2);
    }

    #[test]
    fn hints_that_are_wrong_give_weaker_bounds_only() {
        let sets = vec![vec![0, 1], vec![0, 1], vec![2, 3], vec![2, 3]];
        for hints in [vec![], vec![1.0; 4], vec![f64::NAN; 4], vec![-1.0, 9.0, 0.5, 1e300]] {
            assert!(bound(&sets, 4, hints) <= 2);
        }
        assert_eq!(bound(&sets, 4, vec![0.5; 4]), 2);
    }
}
