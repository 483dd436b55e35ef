//! Lower slopes and sign multipliers by gradient ascent on the linear bound, with fixed hidden bounds
//! (α-CROWN, Xu et al. 2021; β-CROWN, Wang et al. 2021).
//!
//! For margin row `c`, the linear rule substitutes `c·z` backwards to the input. Let `A_j` be the
//! coefficient of neuron `j` before its relu is replaced, and `x*` the corner that the final coefficients
//! choose. Let `z*` be the values of a forward run from `x*` with every relu replaced by its chosen line.
//! Then the bound is `c·z*` at the output less `Σ ±β_j·z*_j` over the neurons whose sign the case fixes
//! (`+` for `z >= 0`), and
//!
//! ```text
//! d(bound) / d(α_j) = max(A_j, 0) · z*_j          d(bound) / d(β_j) = ∓ z*_j
//! ```
//!
//! so one sweep back and one forth make a step. Slopes and multipliers are hints, so plain floats suffice.

mod pull;
mod sweep;

use crate::certificate::{Hidden, Hint, Proof, Sign, competitors, margin_row};
use crate::model::{Family, Mlp};
use crate::spec::Obligation;

use crate::certify::Searcher;
use sweep::{Relaxed, Sweep, is_unstable};

/// Length of the first step; later steps are shorter.
const RATE: f64 = 0.25;
/// Decay of the running mean of a derivative, and of its square.
const MEAN: f64 = 0.9;
const SQUARE: f64 = 0.999;
/// Slopes are kept in units of 2⁻⁸: short in a file, and any slope is sound.
const UNITS: f64 = 256.0;

/// The lower slopes of one layer, one per neuron; slopes of stable neurons have no meaning.
type Slopes = Vec<f64>;

/// Steps of the ascent on one obligation.
const STEPS: usize = 30;

/// Slopes for every margin of the obligation.
pub(in crate::certify) fn linear_hint(
    searcher: &Searcher,
    obligation: &Obligation,
) -> Option<Proof> {
    let (model, network) = (searcher.subject.model.0, searcher.network()?);
    let Family::Mlp(mlp) = &model.family else { return None };
    let (label, threshold) = obligation.sufficient.as_ref()?.label()?;
    let required = threshold.map_or(0.0, |threshold| threshold.above.up());
    let region = obligation.region.standardised(&model.schema)?;
    let hidden = network.linear_bounds(region.sides())?;
    // a little more than required, for rounding and served copies; with more classes the margins
    // count together, and each is made as large as possible
    let enough = match model.classes {
        2 => required + 1e-3 * (1.0 + required.abs()),
        _ => f64::INFINITY,
    };
    let ascent = Ascent { mlp, hidden: &hidden, signs: &[] };
    let hint = |class| {
        let row = margin_row(label, class, model.classes);
        ascent.climb(&row, None, STEPS, enough).hint
    };
    Some(Proof::linear(competitors(label, model.classes).map(hint).collect()))
}

/// A row of logits and the value that it must exceed; of several, a weighted sum must.
#[derive(Clone, Debug)]
pub struct Demand {
    row: Vec<f64>,
    required: f64,
    /// The factor that both were multiplied by.
    scale: f64,
}

impl Demand {
    /// `row · logits > required`.
    pub fn new(row: Vec<f64>, required: f64) -> Self {
        Self { row, required, scale: 1.0 }
    }

    /// The same demand, its coefficients of total size 1, so that it compares with others.
    pub fn scaled(self) -> Self {
        let size: f64 = self.row.iter().map(|c| c.abs()).sum();
        let scale = if size > 0.0 && size.is_finite() { 1.0 / size } else { 1.0 };
        let row = self.row.iter().map(|c| c * scale).collect();
        Self { row, required: self.required * scale, scale }
    }

    /// The row of logits.
    pub fn row(&self) -> &[f64] {
        &self.row
    }

    /// The value that it must exceed.
    pub fn required(&self) -> f64 {
        self.required
    }

    /// A little more than nothing, for rounding and for slopes in units of 2⁻⁸.
    pub fn slack(&self) -> f64 {
        1e-3 * (1.0 + self.required.abs())
    }

    /// The excess of these logits.
    fn excess(&self, logits: &[f64]) -> f64 {
        let sum: f64 = self.row.iter().zip(logits).map(|(c, z)| c * z).sum();
        sum - self.required
    }
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

/// The end of an ascent.
#[derive(Clone, Debug)]
pub struct Summit {
    /// The best slopes and multipliers met.
    pub hint: Hint,
    /// The bound they reach, in floats.
    pub bound: f64,
    /// The hidden neuron whose relaxation costs the bound most: layer and number.
    pub loosest: Option<(usize, usize)>,
    /// The input whose halving narrows the relaxation of the first layer most.
    pub widest: Option<usize>,
}

impl Ascent<'_> {
    /// Raises the lower bound of `row · logits` from the slopes of `start` (`None`: the default slopes), for
    /// at most `steps` steps or until the bound exceeds `target`.
    pub fn climb(&self, row: &[f64], start: Option<&Hint>, steps: usize, target: f64) -> Summit {
        self.climb_sum(&[Demand::new(row.to_vec(), 0.0)], start, steps, target)
    }

    /// Raises the lower bound of `Σ w_k·(row_k · logits − required_k)`, whose weights are at least 0 and sum up
    /// to 1, as [`Ascent::climb`] does; the weights are raised together with slopes and multipliers.
    pub fn climb_sum(
        &self,
        demands: &[Demand],
        start: Option<&Hint>,
        steps: usize,
        target: f64,
    ) -> Summit {
        let relaxed = Relaxed::new(self.mlp, self.hidden, self.signs);
        let mut at = SlopePoint {
            weights: weights_of(demands, start),
            slopes: slopes_of(&relaxed, start),
            multipliers: self.multipliers_of(start),
        };
        let mut row = Vec::new();
        let mut adam = None;
        let (mut sweep, mut top) = (Sweep::default(), Sweep::default());
        sweep.pulls.start(self.pulls_of(start));
        let mut best = None;
        for step in 1..=steps.max(1) {
            let required = at.sum(demands, &mut row);
            sweep.run(&relaxed, &at.slopes, &at.multipliers, &row);
            sweep.bound -= required;
            let is_last = sweep.bound > target || step == steps.max(1);
            // NaN is never the best
            let is_best = best.is_none() || sweep.bound > top.bound;
            if is_best {
                std::mem::swap(&mut sweep, &mut top);
                best.get_or_insert_with(|| at.clone()).clone_from(&at);
            }
            if is_last {
                break;
            }
            let current = if is_best { &top } else { &sweep };
            let adam = adam.get_or_insert_with(|| Stepper::new(&relaxed, demands));
            adam.step(&relaxed, demands, &mut at, current);
        }
        let at = best.unwrap_or(at);
        let hint = hint(&relaxed, demands, &at, top.pulls.multipliers());
        Summit {
            hint,
            bound: top.bound,
            loosest: top.loosest(&relaxed, &at.slopes),
            widest: top.widest(&relaxed),
        }
    }

    /// The hinted multipliers, one per condition; 0 without a hint.
    fn pulls_of(&self, start: Option<&Hint>) -> Vec<f64> {
        let mut all = vec![0.0; self.hidden.conditions().len()];
        for &(index, multiplier) in start.iter().flat_map(|hint| &hint.conditions) {
            all[index] = multiplier;
        }
        all
    }

    /// The hinted multipliers, one per sign; 0 without a hint.
    fn multipliers_of(&self, start: Option<&Hint>) -> Vec<f64> {
        let named = |sign: &Sign| {
            let split = start.iter().flat_map(|hint| &hint.split);
            let own = |&&(l, n, _): &&(usize, usize, f64)| l == sign.layer && n == sign.neuron;
            split.clone().find(own).map_or(0.0, |(_, _, value)| *value)
        };
        self.signs.iter().map(named).collect()
    }
}

/// Weights per demand, slopes per hidden layer and neuron, and multipliers per sign.
#[derive(Clone)]
struct SlopePoint {
    weights: Vec<f64>,
    slopes: Vec<Slopes>,
    multipliers: Vec<f64>,
}

impl SlopePoint {
    /// Writes the weighted sum of all rows into `row`, and returns that of the required values.
    fn sum(&self, demands: &[Demand], row: &mut Vec<f64>) -> f64 {
        row.clear();
        row.resize(demands.first().map_or(0, |demand| demand.row.len()), 0.0);
        let mut required = 0.0;
        for (demand, weight) in demands.iter().zip(&self.weights) {
            row.iter_mut().zip(&demand.row).for_each(|(sum, c)| *sum += weight * c);
            required += weight * demand.required;
        }
        required
    }
}

/// The hinted weights, so that they sum up to 1; without a hint, equal ones.
fn weights_of(demands: &[Demand], start: Option<&Hint>) -> Vec<f64> {
    let hinted = start.filter(|hint| hint.weights.len() == demands.len());
    let hinted = hinted.into_iter().flat_map(|hint| &hint.weights).zip(demands);
    let own: Vec<f64> = hinted.map(|(weight, demand)| weight / demand.scale).collect();
    let total: f64 = own.iter().sum();
    if total > 0.0 && total.is_finite() {
        own.iter().map(|weight| weight / total).collect()
    } else {
        vec![1.0 / demands.len() as f64; demands.len()]
    }
}

/// Moves the weights to the nearest ones that are at least 0 and sum up to 1.
fn project(weights: &mut [f64]) {
    let mut sorted = weights.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let (mut sum, mut shift) = (0.0, 0.0);
    for (count, weight) in (1..).zip(sorted) {
        sum += weight;
        let next = (sum - 1.0) / f64::from(count);
        if weight <= next {
            break;
        }
        shift = next;
    }
    weights.iter_mut().for_each(|weight| *weight = (*weight - shift).max(0.0));
}

/// The hinted slopes of neurons with an open sign; else the default slopes.
fn slopes_of(relaxed: &Relaxed, start: Option<&Hint>) -> Vec<Slopes> {
    let mut slopes: Vec<Slopes> =
        relaxed.layers.iter().map(|layer| layer.default_slopes()).collect();
    for &(layer, neuron, slope) in start.iter().flat_map(|hint| &hint.slopes) {
        let bounds = relaxed.layers.get(layer).and_then(|own| own.bounds.get(neuron));
        if bounds.is_some_and(is_unstable) {
            slopes[layer][neuron] = slope;
        }
    }
    slopes
}

/// Steps of about ±1 times a falling rate (Kingma and Ba 2015).
struct Stepper {
    steps: i32,
    weights: Vec<Moment>,
    slopes: Vec<Vec<Moment>>,
    multipliers: Vec<Moment>,
}

/// Running means of a derivative and of its square.
#[derive(Clone, Copy, Default)]
struct Moment {
    mean: f64,
    square: f64,
}

impl Stepper {
    fn new(relaxed: &Relaxed, demands: &[Demand]) -> Self {
        let zeros = |count: usize| vec![Moment::default(); count];
        let slopes = relaxed.layers.iter().map(|layer| zeros(layer.bounds.len())).collect();
        let (weights, multipliers) = (zeros(demands.len()), zeros(relaxed.signs.len()));
        Self { steps: 0, weights, slopes, multipliers }
    }

    /// Moves `at` one step along the derivatives there.
    fn step(&mut self, relaxed: &Relaxed, demands: &[Demand], at: &mut SlopePoint, sweep: &Sweep) {
        self.steps += 1;
        let rate = RATE / (1.0 + f64::from(self.steps) / 8.0);
        let shares = [MEAN, SQUARE].map(|decay| 1.0 / (1.0 - decay.powi(self.steps)));
        for (index, layer) in relaxed.layers.iter().enumerate() {
            for &neuron in &layer.unstable {
                let moment = &mut self.slopes[index][neuron];
                let move_by = rate * moment.direction(sweep.gradient(index, neuron), shares);
                let slope = &mut at.slopes[index][neuron];
                *slope = (*slope + move_by).clamp(0.0, 1.0);
            }
        }
        let own = at.multipliers.iter_mut().zip(&mut self.multipliers).zip(relaxed.signs);
        for ((multiplier, moment), &sign) in own {
            let move_by = rate * moment.direction(sweep.push(sign), shares);
            *multiplier = (*multiplier + move_by).max(0.0);
        }
        if demands.len() > 1 {
            // along the plane of constant sum
            let excess: Vec<f64> = demands.iter().map(|d| d.excess(&sweep.logits)).collect();
            let mean = excess.iter().sum::<f64>() / excess.len() as f64;
            let own = at.weights.iter_mut().zip(&mut self.weights).zip(excess);
            for ((weight, moment), excess) in own {
                *weight += rate * moment.direction(excess - mean, shares);
            }
            project(&mut at.weights);
        }
    }
}

impl Moment {
    /// Takes in one more derivative and returns the direction to move, of size about 1. `shares` compensate
    /// for the start of the means at 0.
    fn direction(&mut self, gradient: f64, shares: [f64; 2]) -> f64 {
        self.mean = MEAN * self.mean + (1.0 - MEAN) * gradient;
        self.square = SQUARE * self.square + (1.0 - SQUARE) * gradient * gradient;
        let square = self.square * shares[1];
        if square > 0.0 { self.mean * shares[0] / square.sqrt() } else { 0.0 }
    }
}

/// Slopes of unstable neurons that differ from the default, multipliers of signs and conditions that are not 0,
/// and the weights of several demands.
fn hint(relaxed: &Relaxed, demands: &[Demand], at: &SlopePoint, pulls: &[f64]) -> Hint {
    let mut slopes = Vec::new();
    for (index, layer) in relaxed.layers.iter().enumerate() {
        let defaults = layer.default_slopes();
        for &neuron in &layer.unstable {
            let short = (at.slopes[index][neuron] * UNITS).round() / UNITS;
            if short != defaults[neuron] {
                slopes.push((index, neuron, short));
            }
        }
    }
    let mut split: Vec<(usize, usize, f64)> = Vec::new();
    for (sign, multiplier) in relaxed.signs.iter().zip(&at.multipliers) {
        let short = shortened(*multiplier);
        let is_new = split.iter().all(|&(l, n, _)| (l, n) != (sign.layer, sign.neuron));
        if short > 0.0 && is_new {
            split.push((sign.layer, sign.neuron, short));
        }
    }
    let weights = at.weights.iter().zip(demands).filter(|_| demands.len() > 1);
    let weights = weights.map(|(weight, demand)| shortened(weight * demand.scale)).collect();
    let pulls = pulls.iter().map(|multiplier| shortened(*multiplier)).enumerate();
    let conditions = pulls.filter(|(_, multiplier)| *multiplier > 0.0).collect();
    Hint { slopes, split, weights, conditions }
}

/// The nearest number with ten binary digits: short in a file, and any multiplier is sound.
fn shortened(multiplier: f64) -> f64 {
    const DROPPED: u32 = f64::MANTISSA_DIGITS - 10;
    let rounded = multiplier.to_bits() + (1 << (DROPPED - 1));
    f64::from_bits(rounded >> DROPPED << DROPPED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Network;
    use crate::interval::{Form, Interval, Rounded};
    use crate::model::Layer;

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
        let open = |layer: &[Interval]| -> Slopes {
            layer
                .iter()
                .map(|z| if is_unstable(z) { 0.4 } else { f64::from(u8::from(z.lo() >= 0.0)) })
                .collect()
        };
        let alphas: Vec<Slopes> = hidden.layers().map(open).collect();
        let row = [1.0, -1.0];
        let signs = [Sign { layer: 0, neuron: 3, is_on: true }];
        let relaxed = Relaxed::new(&mlp, &hidden, &signs);
        let swept = |alphas: &[Slopes], beta: f64| {
            let mut sweep = Sweep::default();
            sweep.run(&relaxed, alphas, &[beta], &row);
            sweep
        };
        let sweep = swept(&alphas, 0.2);
        let moved = |beta: f64| swept(&alphas, beta).bound;
        let difference = (moved(0.2 + 1e-7) - moved(0.2 - 1e-7)) / 2e-7;
        assert!((difference - sweep.push(signs[0])).abs() < 1e-5, "{difference}");
        let mut nonzero = 0;
        for (layer, own) in relaxed.layers.iter().enumerate() {
            for &neuron in &own.unstable {
                let at = |shift: f64| {
                    let mut moved = alphas.clone();
                    moved[layer][neuron] += shift;
                    swept(&moved, 0.2).bound
                };
                let difference = (at(1e-7) - at(-1e-7)) / 2e-7;
                let derivative = sweep.gradient(layer, neuron);
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
