//! Lower slopes by gradient ascent on the linear bound (α-CROWN, Xu et al. 2021), hidden bounds fixed.
//!
//! For margin row `c` the linear rule substitutes `c·z` backwards to the input. Let `A_j` be the
//! coefficient of neuron `j` before its relu is replaced, `x*` the corner that the final coefficients
//! choose, and `z*` the values met when running forward from `x*` with every relu replaced by the line
//! that was chosen for it. Then the bound is `c·z*` at the output and
//!
//! ```text
//! d(bound) / d(α_j) = max(A_j, 0) · z*_j
//! ```
//!
//! so one sweep back and one forth make a step. In plain floats: the slopes are hints.

use crate::certificate::{Hidden, Hint, Proof, competitors, margin_row};
use crate::interval::{Interval, Lines};
use crate::model::{Family, Layer, Mlp};
use crate::spec::{Claim, Obligation};

use super::Searcher;

/// Length of the first step; later ones shrink.
const RATE: f64 = 0.25;
/// Slopes are kept in units of 2⁻⁸: short in a file, and any slope is sound.
const UNITS: f64 = 256.0;

/// The lower slopes of one layer, one per neuron; those of stable neurons mean nothing.
type Slopes = Vec<f64>;

/// Steps of the ascent on one obligation.
const STEPS: usize = 30;

/// Slopes for every margin of the obligation.
pub(super) fn linear_hint(searcher: &Searcher, obligation: &Obligation) -> Option<Proof> {
    let (model, network) = (searcher.subject.model.0, searcher.network.as_ref()?);
    let Family::Mlp(mlp) = &model.family else { return None };
    let (label, required) = match obligation.sufficient.as_ref()? {
        Claim::Label { label } => (*label, 0.0),
        Claim::Posterior { label, threshold, .. } => (*label, threshold.above.up()),
        Claim::Monotone { .. } | Claim::Fuzz { .. } => return None,
    };
    let region = obligation.region.standardised(&model.schema)?;
    let hidden = network.linear_bounds(region.sides())?;
    // a little more than is asked for, for rounding and served copies; with more classes the margins
    // count together, and each is made as large as it gets
    let enough = match model.classes {
        2 => required + 1e-3 * (1.0 + required.abs()),
        _ => f64::INFINITY,
    };
    let hint = |class| {
        let row = margin_row(label, class, model.classes);
        slopes(mlp, &hidden, region.sides(), &row, STEPS, enough).0
    };
    Some(Proof::Linear { hints: competitors(label, model.classes).map(hint).collect() })
}

/// Slopes for the lower bound of `row · logits` on the box `input`, after at most `steps` steps or as
/// soon as the bound exceeds `target`.
///
/// `hidden` holds the bounds of all hidden neurons on that box, `row` one entry per output. The best
/// slopes met are returned, and the bound they reach in floats.
pub fn slopes(
    mlp: &Mlp,
    hidden: &Hidden,
    input: &[Interval],
    row: &[f64],
    steps: usize,
    target: f64,
) -> (Hint, f64) {
    let bounds: Vec<&[Interval]> = hidden.layers().collect();
    let default = |z: &Interval| Lines::new(*z, None).lower();
    let mut alphas: Vec<Slopes> =
        bounds.iter().map(|layer| layer.iter().map(default).collect()).collect();
    let mut moments: Vec<Vec<(f64, f64)>> =
        bounds.iter().map(|layer| vec![(0.0, 0.0); layer.len()]).collect();
    let mut best = (alphas.clone(), f64::NEG_INFINITY);
    for step in 1..=steps.max(1) {
        let sweep = Sweep::new(mlp, &bounds, &alphas, input, row);
        if sweep.bound > best.1 {
            best = (alphas.clone(), sweep.bound);
        }
        if sweep.bound > target {
            break;
        }
        let rate = RATE / (1.0 + step as f64 / 8.0);
        for (layer, own) in alphas.iter_mut().enumerate() {
            for (neuron, alpha) in own.iter_mut().enumerate() {
                let gradient = sweep.before[layer][neuron].max(0.0) * sweep.values[layer][neuron];
                *alpha = (*alpha + rate * adam(&mut moments[layer][neuron], gradient, step))
                    .clamp(0.0, 1.0);
            }
        }
    }
    (hint(&bounds, &best.0), best.1)
}

/// Direction of an Adam step (Kingma and Ba 2015), about ±1.
fn adam((mean, square): &mut (f64, f64), gradient: f64, step: usize) -> f64 {
    const DECAY: (f64, f64) = (0.9, 0.999);
    *mean = DECAY.0 * *mean + (1.0 - DECAY.0) * gradient;
    *square = DECAY.1 * *square + (1.0 - DECAY.1) * gradient * gradient;
    let power = i32::try_from(step).unwrap_or(i32::MAX);
    let (mean, square) =
        (*mean / (1.0 - DECAY.0.powi(power)), *square / (1.0 - DECAY.1.powi(power)));
    if square > 0.0 { mean / square.sqrt() } else { 0.0 }
}

/// Slopes that differ from the default, of unstable neurons.
fn hint(bounds: &[&[Interval]], alphas: &[Slopes]) -> Hint {
    let mut slopes = Vec::new();
    for (layer, (bounds, alphas)) in bounds.iter().zip(alphas).enumerate() {
        for (neuron, (z, alpha)) in bounds.iter().zip(alphas).enumerate() {
            let short = (alpha * UNITS).round() / UNITS;
            let is_unstable = z.lo() < 0.0 && z.hi() > 0.0;
            if is_unstable && short != Lines::new(*z, None).lower() {
                slopes.push((layer, neuron, short));
            }
        }
    }
    Hint { slopes, multipliers: Vec::new() }
}

/// One pass back and one forth.
struct Sweep {
    /// Per hidden layer, the coefficients before relu is replaced.
    before: Vec<Vec<f64>>,
    /// Per hidden layer, the values before relu.
    values: Vec<Vec<f64>>,
    /// The lower bound.
    bound: f64,
}

impl Sweep {
    fn new(
        mlp: &Mlp,
        bounds: &[&[Interval]],
        alphas: &[Slopes],
        input: &[Interval],
        row: &[f64],
    ) -> Self {
        let mut before = vec![Vec::new(); bounds.len()];
        let mut coefficients = row.to_vec();
        for (index, layer) in mlp.layers.iter().enumerate().rev() {
            coefficients = backward(layer, &coefficients);
            let Some(below) = index.checked_sub(1) else { break };
            before[below].clone_from(&coefficients);
            for ((a, z), alpha) in coefficients.iter_mut().zip(bounds[below]).zip(&alphas[below]) {
                *a *= line(*z, *alpha, *a).0;
            }
        }
        let corner = coefficients.iter().zip(input);
        let mut h: Vec<f64> =
            corner.map(|(a, side)| if *a >= 0.0 { side.lo() } else { side.hi() }).collect();
        let mut values = Vec::with_capacity(bounds.len());
        for (index, layer) in mlp.layers.iter().enumerate() {
            let z = forward(layer, &h);
            let Some((bounds, alphas)) = bounds.get(index).zip(alphas.get(index)) else {
                let bound = row.iter().zip(&z).map(|(c, z)| c * z).sum();
                return Self { before, values, bound };
            };
            let lines = bounds.iter().zip(alphas).zip(&before[index]);
            let replace = |(((interval, alpha), a), z): (((&Interval, &f64), &f64), &f64)| {
                let (slope, intercept) = line(*interval, *alpha, *a);
                slope * z + intercept
            };
            h = lines.zip(&z).map(replace).collect();
            values.push(z);
        }
        Self { before, values, bound: f64::NEG_INFINITY }
    }
}

/// Slope and intercept that the linear rule takes for a coefficient of this sign.
fn line(z: Interval, alpha: f64, coefficient: f64) -> (f64, f64) {
    let lines = Lines::new(z, Some(alpha));
    if coefficient >= 0.0 { (lines.lower(), 0.0) } else { (lines.upper(), lines.intercept()) }
}

/// `coefficients · W`.
fn backward(layer: &Layer, coefficients: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; layer.inputs];
    for (&a, row) in coefficients.iter().zip(layer.rows()) {
        if a != 0.0 {
            sums.iter_mut().zip(row).for_each(|(sum, w)| *sum += a * w);
        }
    }
    sums
}

/// `W·h + b`.
fn forward(layer: &Layer, h: &[f64]) -> Vec<f64> {
    let value = |(row, b): (&[f64], &f64)| b + row.iter().zip(h).map(|(w, x)| w * x).sum::<f64>();
    layer.rows().zip(&layer.bias).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Network;
    use crate::interval::Rounded;

    fn network() -> Mlp {
        let wave = |k: usize| ((k * 7919 + 13) % 101) as f64 / 50.0 - 1.0;
        let layer = |inputs: usize, outputs: usize, from: usize| Layer {
            weights: (0..inputs * outputs).map(|k| wave(from + k)).collect(),
            bias: (0..outputs).map(|k| 0.3 * wave(from + 1000 + k)).collect(),
            inputs,
        };
        Mlp { layers: vec![layer(4, 12, 0), layer(12, 10, 400), layer(10, 2, 700)] }
    }

    fn setting() -> (Mlp, Vec<Interval>, Hidden) {
        let mlp = network();
        let input = vec![Interval::new(-0.4, 0.5).unwrap(); 4];
        let hidden = Network::<Rounded>::new(&mlp).linear_bounds(&input).unwrap();
        (mlp, input, hidden)
    }

    #[test]
    fn the_derivatives_are_differences() {
        let (mlp, input, hidden) = setting();
        let bounds: Vec<&[Interval]> = hidden.layers().collect();
        let alphas: Vec<Slopes> = bounds.iter().map(|layer| vec![0.4; layer.len()]).collect();
        let row = [1.0, -1.0];
        let sweep = Sweep::new(&mlp, &bounds, &alphas, &input, &row);
        let mut nonzero = 0;
        for (layer, own) in alphas.iter().enumerate() {
            for neuron in 0..own.len() {
                let at = |shift: f64| {
                    let mut moved = alphas.clone();
                    moved[layer][neuron] += shift;
                    Sweep::new(&mlp, &bounds, &moved, &input, &row).bound
                };
                let difference = (at(1e-7) - at(-1e-7)) / 2e-7;
                let z = bounds[layer][neuron];
                let is_unstable = z.lo() < 0.0 && z.hi() > 0.0;
                let derivative = sweep.before[layer][neuron].max(0.0) * sweep.values[layer][neuron];
                let derivative = if is_unstable { derivative } else { 0.0 };
                assert!((difference - derivative).abs() < 1e-5, "{difference} or {derivative}");
                nonzero += usize::from(derivative != 0.0);
            }
        }
        assert!(nonzero > 3);
    }

    #[test]
    fn the_kernel_reaches_what_the_ascent_says_and_more_than_without() {
        let (mlp, input, hidden) = setting();
        let kernel = Network::<Rounded>::new(&mlp);
        for row in [[1.0, -1.0], [-1.0, 1.0]] {
            let (hint, reached) = slopes(&mlp, &hidden, &input, &row, 40, f64::INFINITY);
            let plain = kernel.linear_margin(&row, &hidden, &input, None);
            let hinted = kernel.linear_margin(&row, &hidden, &input, Some(&hint));
            assert!(hinted > plain + 0.01, "{hinted} after {plain}");
            assert!((hinted - reached).abs() < 0.01, "slopes are rounded to 1/256");
        }
    }
}
