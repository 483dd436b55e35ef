//! Lower slopes and sign multipliers by gradient ascent on the linear bound, hidden bounds fixed
//! (α-CROWN, Xu et al. 2021; β-CROWN, Wang et al. 2021).
//!
//! For margin row `c` the linear rule substitutes `c·z` backwards to the input. Let `A_j` be the
//! coefficient of neuron `j` before its relu is replaced, `x*` the corner that the final coefficients
//! choose, and `z*` the values met when running forward from `x*` with every relu replaced by the line
//! that was chosen for it. Then the bound is `c·z*` at the output less `Σ ±β_j·z*_j` over the neurons
//! whose sign the case fixes (`+` for `z >= 0`), and
//!
//! ```text
//! d(bound) / d(α_j) = max(A_j, 0) · z*_j          d(bound) / d(β_j) = ∓ z*_j
//! ```
//!
//! so one sweep back and one forth make a step. In plain floats: slopes and multipliers are hints.

use crate::certificate::{Hidden, Hint, Proof, Sign, competitors, margin_row};
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
    let (model, network) = (searcher.subject.model.0, searcher.network()?);
    let Family::Mlp(mlp) = &model.family else { return None };
    let (label, required) = match obligation.sufficient.as_ref()? {
        Claim::Label { label } => (*label, 0.0),
        Claim::Posterior { label, threshold, .. } => (*label, threshold.above.up()),
        _ => return None,
    };
    let region = obligation.region.standardised(&model.schema)?;
    let hidden = network.linear_bounds(region.sides())?;
    // a little more than is asked for, for rounding and served copies; with more classes the margins
    // count together, and each is made as large as it gets
    let enough = match model.classes {
        2 => required + 1e-3 * (1.0 + required.abs()),
        _ => f64::INFINITY,
    };
    let ascent = Ascent { mlp, hidden: &hidden, signs: &[] };
    let hint = |class| {
        let row = margin_row(label, class, model.classes);
        ascent.climb(&row, None, STEPS, enough).hint
    };
    Some(Proof::Linear { hints: competitors(label, model.classes).map(hint).collect() })
}

/// A network over one case: a box, bounds of all hidden neurons, and the signs of some.
#[derive(Clone, Copy, Debug)]
pub struct Ascent<'a> {
    /// The network.
    pub mlp: &'a Mlp,
    /// The box and the bounds of all hidden neurons over it.
    pub hidden: &'a Hidden,
    /// Signs that hold in the case.
    pub signs: &'a [Sign],
}

/// Where an ascent ended.
#[derive(Clone, Debug)]
pub struct Summit {
    /// The best slopes and multipliers met.
    pub hint: Hint,
    /// The bound they reach, in floats.
    pub bound: f64,
    /// The hidden neuron whose relaxation costs the bound most: layer and number.
    pub loosest: Option<(usize, usize)>,
}

impl Ascent<'_> {
    /// Climbs with the lower bound of `row · logits` from the slopes of `start` (`None`: the default
    /// ones), for at most `steps` steps or until the bound exceeds `target`.
    pub fn climb(&self, row: &[f64], start: Option<&Hint>, steps: usize, target: f64) -> Summit {
        let bounds: Vec<&[Interval]> = self.hidden.layers().collect();
        let mut alphas = self.slopes_of(&bounds, start);
        let mut betas = self.multipliers_of(start);
        let mut moments: Vec<Vec<(f64, f64)>> =
            bounds.iter().map(|layer| vec![(0.0, 0.0); layer.len()]).collect();
        let mut sign_moments = vec![(0.0, 0.0); self.signs.len()];
        let mut best: Option<(Vec<Slopes>, Vec<f64>, Sweep)> = None;
        for step in 1..=steps.max(1) {
            let sweep = Sweep::new(self, &bounds, &alphas, &betas, row);
            let is_enough = sweep.bound > target;
            let gradients: Vec<Vec<f64>> = (0..bounds.len()).map(|l| sweep.gradients(l)).collect();
            let sign_gradients: Vec<f64> = self.signs.iter().map(|s| sweep.push(*s)).collect();
            // NaN is never the best
            if best.as_ref().is_none_or(|(_, _, top)| sweep.bound > top.bound) {
                best = Some((alphas.clone(), betas.clone(), sweep));
            }
            if is_enough || step == steps.max(1) {
                break;
            }
            let rate = RATE / (1.0 + step as f64 / 8.0);
            for (layer, own) in alphas.iter_mut().enumerate() {
                for (neuron, alpha) in own.iter_mut().enumerate() {
                    let moment = &mut moments[layer][neuron];
                    let move_by = rate * adam(moment, gradients[layer][neuron], step);
                    *alpha = (*alpha + move_by).clamp(0.0, 1.0);
                }
            }
            for (index, beta) in betas.iter_mut().enumerate() {
                let move_by = rate * adam(&mut sign_moments[index], sign_gradients[index], step);
                *beta = (*beta + move_by).max(0.0);
            }
        }
        let Some((alphas, betas, sweep)) = best else {
            return Summit { hint: Hint::default(), bound: f64::NEG_INFINITY, loosest: None };
        };
        let hint = hint(&bounds, &alphas, self.signs, &betas);
        Summit { hint, bound: sweep.bound, loosest: sweep.loosest(&bounds, &alphas) }
    }

    fn slopes_of(&self, bounds: &[&[Interval]], start: Option<&Hint>) -> Vec<Slopes> {
        let default = |z: &Interval| Lines::new(*z, None).lower();
        let mut alphas: Vec<Slopes> =
            bounds.iter().map(|layer| layer.iter().map(default).collect()).collect();
        for &(layer, neuron, slope) in start.iter().flat_map(|hint| &hint.slopes) {
            if let Some(alpha) = alphas.get_mut(layer).and_then(|own| own.get_mut(neuron)) {
                *alpha = slope;
            }
        }
        alphas
    }

    fn multipliers_of(&self, start: Option<&Hint>) -> Vec<f64> {
        let named = |sign: &Sign| {
            let split = start.iter().flat_map(|hint| &hint.split);
            let own = |&&(l, n, _): &&(usize, usize, f64)| l == sign.layer && n == sign.neuron;
            split.clone().find(own).map_or(0.0, |(_, _, value)| *value)
        };
        self.signs.iter().map(named).collect()
    }
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

/// Slopes that differ from the default, of unstable neurons, and multipliers that are not 0.
fn hint(bounds: &[&[Interval]], alphas: &[Slopes], signs: &[Sign], betas: &[f64]) -> Hint {
    let mut slopes = Vec::new();
    for (layer, (bounds, alphas)) in bounds.iter().zip(alphas).enumerate() {
        for (neuron, (z, alpha)) in bounds.iter().zip(alphas).enumerate() {
            let short = (alpha * UNITS).round() / UNITS;
            if is_unstable(z) && short != Lines::new(*z, None).lower() {
                slopes.push((layer, neuron, short));
            }
        }
    }
    let mut split: Vec<(usize, usize, f64)> = Vec::new();
    for (sign, beta) in signs.iter().zip(betas) {
        // short in a file; any multiplier is sound
        let short = f64::from(*beta as f32);
        let is_new = split.iter().all(|&(l, n, _)| (l, n) != (sign.layer, sign.neuron));
        if short > 0.0 && is_new {
            split.push((sign.layer, sign.neuron, short));
        }
    }
    Hint { slopes, split, ..Hint::default() }
}

fn is_unstable(z: &Interval) -> bool {
    z.lo() < 0.0 && z.hi() > 0.0
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
        ascent: &Ascent,
        bounds: &[&[Interval]],
        alphas: &[Slopes],
        betas: &[f64],
        row: &[f64],
    ) -> Self {
        let Ascent { mlp, hidden, signs } = *ascent;
        let mut before = vec![Vec::new(); bounds.len()];
        let mut coefficients = row.to_vec();
        for (index, layer) in mlp.layers.iter().enumerate().rev() {
            coefficients = backward(layer, &coefficients);
            let Some(below) = index.checked_sub(1) else { break };
            before[below].clone_from(&coefficients);
            for ((a, z), alpha) in coefficients.iter_mut().zip(bounds[below]).zip(&alphas[below]) {
                *a *= line(*z, *alpha, *a).0;
            }
            for (sign, beta) in signs.iter().zip(betas).filter(|(sign, _)| sign.layer == below) {
                coefficients[sign.neuron] -= if sign.is_on { *beta } else { -beta };
            }
        }
        let corner = coefficients.iter().zip(hidden.input());
        let mut h: Vec<f64> =
            corner.map(|(a, side)| if *a >= 0.0 { side.lo() } else { side.hi() }).collect();
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(bounds.len());
        for (index, layer) in mlp.layers.iter().enumerate() {
            let z = forward(layer, &h);
            let Some((bounds, alphas)) = bounds.get(index).zip(alphas.get(index)) else {
                let bound: f64 = row.iter().zip(&z).map(|(c, z)| c * z).sum();
                let cost = |(sign, beta): (&Sign, &f64)| {
                    let z = values[sign.layer][sign.neuron];
                    if sign.is_on { beta * z } else { -beta * z }
                };
                let bound = bound - signs.iter().zip(betas).map(cost).sum::<f64>();
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

    /// The derivatives of the bound by the slopes of a layer.
    fn gradients(&self, layer: usize) -> Vec<f64> {
        self.before[layer].iter().zip(&self.values[layer]).map(|(a, z)| a.max(0.0) * z).collect()
    }

    /// The derivative of the bound by the multiplier of a sign.
    fn push(&self, sign: Sign) -> f64 {
        let z = self.values[sign.layer][sign.neuron];
        if sign.is_on { -z } else { z }
    }

    /// The unstable neuron at which the lines give most away: what they lose where the bound is
    /// attained, and a little of what they may lose at most (after BaBSR, Bunel et al. 2020).
    fn loosest(&self, bounds: &[&[Interval]], alphas: &[Slopes]) -> Option<(usize, usize)> {
        let mut loosest = None;
        let mut most = f64::NEG_INFINITY;
        for (layer, own) in bounds.iter().enumerate() {
            for (neuron, z) in own.iter().enumerate().filter(|(_, z)| is_unstable(z)) {
                let (a, value) = (self.before[layer][neuron], self.values[layer][neuron]);
                let (slope, intercept) = line(*z, alphas[layer][neuron], a);
                let gap = (a * (value.max(0.0) - (slope * value + intercept))).max(0.0);
                let widest = Lines::new(*z, None).intercept();
                let loss = gap + 0.1 * a.abs() * widest;
                if loss > most {
                    (most, loosest) = (loss, Some((layer, neuron)));
                }
            }
        }
        loosest
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
    use crate::interval::{Form, Rounded};

    fn network() -> Mlp {
        let wave = |k: usize| ((k * 7919 + 13) % 101) as f64 / 50.0 - 1.0;
        let layer = |inputs: usize, outputs: usize, from: usize| Layer {
            weights: (0..inputs * outputs).map(|k| wave(from + k)).collect(),
            bias: (0..outputs).map(|k| 0.3 * wave(from + 1000 + k)).collect(),
            inputs,
        };
        Mlp { layers: vec![layer(4, 12, 0), layer(12, 10, 400), layer(10, 2, 700)] }
    }

    fn setting() -> (Mlp, Hidden) {
        let mlp = network();
        let input = vec![Interval::new(-0.4, 0.5).unwrap(); 4];
        let hidden = Network::<Rounded>::new(&mlp).linear_bounds(&input).unwrap();
        (mlp, hidden)
    }

    #[test]
    fn the_derivatives_are_differences() {
        let (mlp, hidden) = setting();
        let bounds: Vec<&[Interval]> = hidden.layers().collect();
        let alphas: Vec<Slopes> = bounds.iter().map(|layer| vec![0.4; layer.len()]).collect();
        let row = [1.0, -1.0];
        let signs = [Sign { layer: 0, neuron: 3, is_on: true }];
        let ascent = Ascent { mlp: &mlp, hidden: &hidden, signs: &signs };
        let sweep = Sweep::new(&ascent, &bounds, &alphas, &[0.2], &row);
        let moved = |beta: f64| Sweep::new(&ascent, &bounds, &alphas, &[beta], &row).bound;
        let difference = (moved(0.2 + 1e-7) - moved(0.2 - 1e-7)) / 2e-7;
        assert!((difference - sweep.push(signs[0])).abs() < 1e-5, "{difference}");
        let mut nonzero = 0;
        for (layer, own) in alphas.iter().enumerate() {
            for neuron in 0..own.len() {
                let at = |shift: f64| {
                    let mut moved = alphas.clone();
                    moved[layer][neuron] += shift;
                    Sweep::new(&ascent, &bounds, &moved, &[0.2], &row).bound
                };
                let difference = (at(1e-7) - at(-1e-7)) / 2e-7;
                let derivative = sweep.gradients(layer)[neuron];
                let derivative = if is_unstable(&bounds[layer][neuron]) { derivative } else { 0.0 };
                assert!((difference - derivative).abs() < 1e-5, "{difference} or {derivative}");
                nonzero += usize::from(derivative != 0.0);
            }
        }
        assert!(nonzero > 3);
    }

    #[test]
    fn the_kernel_reaches_what_the_ascent_says_and_more_than_without() {
        let (mlp, hidden) = setting();
        let kernel = Network::<Rounded>::new(&mlp);
        for row in [[1.0, -1.0], [-1.0, 1.0]] {
            let ascent = Ascent { mlp: &mlp, hidden: &hidden, signs: &[] };
            let Summit { hint, bound: reached, .. } = ascent.climb(&row, None, 40, f64::INFINITY);
            let plain = kernel.linear_margin(Rounded::new(&row), &hidden, None, &[]);
            let hinted = kernel.linear_margin(Rounded::new(&row), &hidden, Some(&hint), &[]);
            assert!(hinted > plain + 0.01, "{hinted} after {plain}");
            assert!((hinted - reached).abs() < 0.01, "slopes are rounded to 1/256");
        }
    }
}
