//! The triangle relaxation as a linear program; the only file that knows the solver.
//!
//! The dual is posed explicitly, since the solver gives no multipliers. Everything that the triangles
//! imply is eliminated. Let `c` be the margin row, `y_q` the multiplier of `z_q = W·h + b`, and, per
//! unstable neuron, `p, r >= 0` the multipliers of `h >= z` and of the upper line `h <= s·z + t`:
//!
//! ```text
//! maximise   Σ y_q·b_q − Σ r_q·t_q + Σ (low_i·u_i − high_i·v_i)
//! subject to y_q = c_q                     outputs
//!            y_q = p_q − s_q·r_q           unstable      Σ_j y_j W_jq − p_q + r_q >= 0
//!            y_q = Σ_j y_j W_jq            on            y_q = 0 off
//!            u_i − v_i = Σ_j y_j W_ji,     u, v >= 0     inputs
//! ```
//!
//! Slopes are read from the multipliers: a backward pass with them reaches the optimum. The objective and the
//! status are no evidence.

use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, Variable, WithTimeLimit, constraint,
    microlp, variable,
};

use crate::certificate::{Hidden, Hint, Proof, competitors, margin_row};
use crate::interval::{Interval, Lines};
use crate::model::{Family, Layer, Mlp};
use crate::spec::Obligation;

use crate::certify::Searcher;

/// Time limit of a simplex. One that runs longer is cycling and finds nothing: programs of the posed sizes
/// take seconds at most. Its partial result is not used, so that no hint depends on the clock.
pub(in crate::certify) const LONGEST_SECONDS: f64 = 30.0;
/// The largest number given to a simplex, whose tolerances are absolute: larger numbers may make it cycle for ever.
const MOST: f64 = 1e18;

/// True if a solver can handle these numbers.
fn is_tame(mlp: &Mlp, hidden: &Hidden, input: &[Interval]) -> bool {
    let weights = mlp.layers.iter().flat_map(|layer| layer.weights.iter().chain(&layer.bias));
    let bounds = hidden.layers().flatten().chain(input).flat_map(|side| [side.lo(), side.hi()]);
    weights.copied().chain(bounds).all(|x| x.abs() <= MOST)
}

/// Slopes for every margin of the obligation; `None` if the program is too large or the
/// solver fails.
pub(in crate::certify) fn linear_hint(
    searcher: &Searcher,
    obligation: &Obligation,
) -> Option<Proof> {
    let (model, network) = (searcher.subject.model.0, searcher.network()?);
    let Family::Mlp(mlp) = &model.family else { return None };
    let (label, _) = obligation.sufficient.as_ref()?.label()?;
    let region = obligation.region.standardised(&model.schema)?;
    let hidden = network.linear_bounds(region.sides())?;
    let unstable = hidden.layers().flatten().filter(|z| z.lo() < 0.0 && z.hi() > 0.0).count();
    if unstable == 0 || unstable > searcher.options.lp_neurons {
        return None;
    }
    let hints = competitors(label, model.classes)
        .map(|class| margin_row(label, class, model.classes))
        .map(|row| solve(mlp, &hidden, region.sides(), &row))
        .collect::<Option<Vec<_>>>()?;
    Some(Proof::linear(hints))
}

/// The value of a neuron's `y` in the program.
#[derive(Clone)]
enum Multiplier {
    Fixed(f64),
    /// A stable active neuron: a free variable with an equation of its own.
    On(Variable),
    /// `p − s·r`
    Unstable {
        lower: Variable,
        upper: Variable,
        line: Lines,
    },
}

impl Multiplier {
    fn add_to(&self, sum: &mut Expression, factor: f64) {
        match self {
            Self::Fixed(value) => *sum += factor * value,
            Self::On(y) => sum.add_mul(factor, *y),
            Self::Unstable { lower, upper, line } => {
                sum.add_mul(factor, *lower);
                sum.add_mul(-factor * line.upper(), *upper);
            }
        }
    }
}

/// Slopes for the lower bound of `row · logits` on the box `input`; `None` if the
/// solver fails. With fixed hidden bounds, the optimum is also the best bound that slopes can reach. The
/// slopes follow from it: with `p` the multiplier of `h >= z` and `q` that of `h >= 0`, the slope is `p/(p+q)`.
pub fn solve(mlp: &Mlp, hidden: &Hidden, input: &[Interval], row: &[f64]) -> Option<Hint> {
    if !is_tame(mlp, hidden, input) {
        return None;
    }
    let mut variables = ProblemVariables::new();
    let mut multipliers: Vec<Vec<Multiplier>> = hidden
        .layers()
        .map(|layer| layer.iter().map(|&z| multiplier(&mut variables, z)).collect())
        .collect();
    multipliers.push(row.iter().map(|&c| Multiplier::Fixed(c)).collect());
    let ends: Vec<(Variable, Variable)> = input
        .iter()
        .map(|_| (variables.add(variable().min(0.0)), variables.add(variable().min(0.0))))
        .collect();

    let mut objective = Expression::default();
    for (layer, own) in mlp.layers.iter().zip(&multipliers) {
        for (y, &bias) in own.iter().zip(&layer.bias) {
            y.add_to(&mut objective, bias);
            if let Multiplier::Unstable { upper, line, .. } = y {
                objective.add_mul(-line.intercept(), *upper);
            }
        }
    }
    for ((low, high), side) in ends.iter().zip(input) {
        objective.add_mul(side.lo(), *low);
        objective.add_mul(-side.hi(), *high);
    }
    let problem = variables.maximise(objective).using(microlp);
    let mut problem = problem.with_time_limit(LONGEST_SECONDS);
    for (index, layer) in mlp.layers.iter().enumerate() {
        let above = multipliers.get(index)?;
        for input_index in 0..layer.inputs {
            let mut flow = through(layer, above, input_index);
            match index.checked_sub(1).map(|below| multipliers.get(below)?.get(input_index)) {
                None => {
                    let (low, high) = ends.get(input_index)?;
                    flow.add_mul(-1.0, *low);
                    flow.add_mul(1.0, *high);
                    problem.add_constraint(constraint!(flow == 0.0));
                }
                Some(Some(Multiplier::On(y))) => {
                    flow.add_mul(-1.0, *y);
                    problem.add_constraint(constraint!(flow == 0.0));
                }
                Some(Some(Multiplier::Unstable { lower, upper, .. })) => {
                    flow.add_mul(-1.0, *lower);
                    flow.add_mul(1.0, *upper);
                    problem.add_constraint(constraint!(flow >= 0.0));
                }
                _ => {}
            }
        }
    }
    let solution = problem.solve().ok()?;
    Some(Hint { slopes: slopes(mlp, &multipliers, &solution), ..Hint::default() })
}

/// The lower slopes of unstable neurons.
fn slopes(
    mlp: &Mlp,
    multipliers: &[Vec<Multiplier>],
    solution: &impl Solution,
) -> Vec<(usize, usize, f64)> {
    let mut slopes = Vec::new();
    for (layer, own) in multipliers.iter().enumerate() {
        let Some((next, above)) = mlp.layers.get(layer + 1).zip(multipliers.get(layer + 1)) else {
            break;
        };
        for (neuron, multiplier) in own.iter().enumerate() {
            let Multiplier::Unstable { lower, upper, .. } = multiplier else { continue };
            let p = solution.value(*lower).max(0.0);
            let flow = solution.eval(through(next, above, neuron));
            let q = (flow - p + solution.value(*upper)).max(0.0);
            let slope = if p + q > 0.0 { p / (p + q) } else { 0.0 };
            slopes.push((layer, neuron, slope));
        }
    }
    slopes
}

fn multiplier(variables: &mut ProblemVariables, z: Interval) -> Multiplier {
    if z.lo() >= 0.0 {
        Multiplier::On(variables.add(variable()))
    } else if z.hi() <= 0.0 {
        Multiplier::Fixed(0.0)
    } else {
        let mut non_negative = || variables.add(variable().min(0.0));
        let (lower, upper) = (non_negative(), non_negative());
        Multiplier::Unstable { lower, upper, line: Lines::new(z, None) }
    }
}

/// `Σ_j y_j·W_ji`
fn through(layer: &Layer, above: &[Multiplier], input: usize) -> Expression {
    let mut flow = Expression::with_capacity(layer.outputs());
    for (y, row) in above.iter().zip(layer.rows()) {
        if let Some(&weight) = row.get(input) {
            y.add_to(&mut flow, weight);
        }
    }
    flow
}
