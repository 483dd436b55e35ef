//! One pass back and one forth through a relaxed network, and the best places to cut that it shows.

use crate::certificate::{Hidden, Sign};
use crate::interval::{Interval, Lines};
use crate::model::{Layer, Mlp};
use crate::spec::LinearCondition;

use super::pull::Pulls;

/// The hidden neurons of a network with their lines, and the signs of some: the parts that stay the same
/// while slopes and multipliers change.
pub(super) struct Relaxed<'a> {
    pub(super) mlp: &'a Mlp,
    /// The box, standardised.
    pub(super) input: &'a [Interval],
    pub(super) conditions: &'a [LinearCondition],
    pub(super) signs: &'a [Sign],
    /// The hidden layers.
    pub(super) layers: Vec<RelaxedLayer<'a>>,
}

/// One hidden layer.
pub(super) struct RelaxedLayer<'a> {
    /// Bounds of every neuron, before relu.
    pub(super) bounds: &'a [Interval],
    lines: Vec<Lines>,
    /// The neurons whose sign is open.
    pub(super) unstable: Vec<usize>,
    /// True if the value of a neuron is needed: it is not off, or its sign is fixed and has
    /// a multiplier.
    is_asked: Vec<bool>,
}

impl<'a> RelaxedLayer<'a> {
    fn new(index: usize, bounds: &'a [Interval], signs: &[Sign]) -> Self {
        let lines: Vec<Lines> = bounds.iter().map(|&z| Lines::new(z, None)).collect();
        let unstable = (0..bounds.len()).filter(|&neuron| is_unstable(&bounds[neuron])).collect();
        let mut is_asked: Vec<bool> = bounds.iter().map(|z| z.hi() > 0.0).collect();
        for sign in signs.iter().filter(|sign| sign.layer == index) {
            is_asked[sign.neuron] = true;
        }
        Self { bounds, lines, unstable, is_asked }
    }

    /// Lower slopes that the linear rule takes without a hint.
    pub(super) fn default_slopes(&self) -> Vec<f64> {
        self.lines.iter().map(|lines| lines.lower()).collect()
    }

    /// Slope and intercept of the linear rule at a neuron for a coefficient of this sign.
    fn line(&self, neuron: usize, slope: f64, coefficient: f64) -> (f64, f64) {
        if coefficient >= 0.0 {
            (slope, 0.0)
        } else {
            let lines = &self.lines[neuron];
            (lines.upper(), lines.intercept())
        }
    }
}

impl<'a> Relaxed<'a> {
    pub(super) fn new(mlp: &'a Mlp, hidden: &'a Hidden, signs: &'a [Sign]) -> Self {
        let layer = |(index, bounds)| RelaxedLayer::new(index, bounds, signs);
        let layers = hidden.layers().enumerate().map(layer).collect();
        Self { mlp, input: hidden.input(), conditions: hidden.conditions(), signs, layers }
    }
}

/// One pass back and one forth.
#[derive(Default)]
pub(super) struct Sweep {
    /// Per hidden layer, the coefficients before relu is replaced.
    before: Vec<Vec<f64>>,
    /// Per hidden layer, the values before relu that are needed; the others are 0.
    values: Vec<Vec<f64>>,
    /// The logits at which the bound is attained.
    pub(super) logits: Vec<f64>,
    /// The lower bound.
    pub(super) bound: f64,
    /// The multipliers of the conditions; those of the last sweep are where the next one starts.
    pub(super) pulls: Pulls,
    /// Current and next coefficients or values; the memory is kept from sweep to sweep.
    scratch: [Vec<f64>; 2],
}

impl Sweep {
    /// Bounds `row · logits` from below. `slopes` are per hidden layer and neuron; stable neurons have
    /// 0 or 1. `multipliers` has one entry per sign.
    pub(super) fn run(
        &mut self,
        relaxed: &Relaxed,
        slopes: &[Vec<f64>],
        multipliers: &[f64],
        row: &[f64],
    ) {
        self.before.resize(relaxed.layers.len(), Vec::new());
        self.values.resize(relaxed.layers.len(), Vec::new());
        self.pass_back(relaxed, slopes, multipliers, row);
        let [form, h] = &mut self.scratch;
        h.clear();
        self.pulls.raise(form, relaxed.input, relaxed.conditions);
        let corner = form.iter().zip(relaxed.input);
        h.extend(corner.map(|(a, side)| if *a >= 0.0 { side.lo() } else { side.hi() }));
        let gained = self.pulls.settle(form, h, relaxed.input, relaxed.conditions);
        self.bound = self.pass_forth(relaxed, slopes, multipliers, row) + gained;
    }

    /// Leaves the coefficients of the inputs in the first scratch.
    fn pass_back(
        &mut self,
        relaxed: &Relaxed,
        slopes: &[Vec<f64>],
        multipliers: &[f64],
        row: &[f64],
    ) {
        let [coefficients, next] = &mut self.scratch;
        coefficients.clear();
        coefficients.extend_from_slice(row);
        for (index, affine) in relaxed.mlp.layers.iter().enumerate().rev() {
            backward(affine, coefficients, next);
            std::mem::swap(coefficients, next);
            let Some(below) = index.checked_sub(1) else { break };
            self.before[below].clone_from(coefficients);
            let layer = &relaxed.layers[below];
            for (neuron, (a, slope)) in coefficients.iter_mut().zip(&slopes[below]).enumerate() {
                *a *= layer.line(neuron, *slope, *a).0;
            }
            let own = relaxed.signs.iter().zip(multipliers).filter(|(sign, _)| sign.layer == below);
            for (sign, multiplier) in own {
                coefficients[sign.neuron] -= if sign.is_on { *multiplier } else { -multiplier };
            }
        }
    }

    /// Runs from the inputs in the second scratch; returns the bound.
    fn pass_forth(
        &mut self,
        relaxed: &Relaxed,
        slopes: &[Vec<f64>],
        multipliers: &[f64],
        row: &[f64],
    ) -> f64 {
        let [next, h] = &mut self.scratch;
        for (index, layer) in relaxed.layers.iter().enumerate() {
            let affine = &relaxed.mlp.layers[index];
            let values = &mut self.values[index];
            let rows = affine.rows().zip(&affine.bias).zip(&layer.is_asked);
            values.clear();
            values.extend(rows.map(|((w, b), asked)| if *asked { b + dot(w, h) } else { 0.0 }));
            let replaced = values.iter().zip(&slopes[index]).zip(&self.before[index]).enumerate();
            next.clear();
            next.extend(replaced.map(|(neuron, ((z, slope), a))| {
                let (slope, intercept) = layer.line(neuron, *slope, *a);
                slope * z + intercept
            }));
            std::mem::swap(next, h);
        }
        let cost = |(sign, multiplier): (&Sign, &f64)| {
            let z = self.values[sign.layer][sign.neuron];
            if sign.is_on { multiplier * z } else { -multiplier * z }
        };
        let costs: f64 = relaxed.signs.iter().zip(multipliers).map(cost).sum();
        self.logits.clear();
        if let Some(affine) = relaxed.mlp.layers.last() {
            self.logits.extend(affine.rows().zip(&affine.bias).map(|(w, b)| b + dot(w, h)));
        }
        let outputs: f64 = row.iter().zip(&self.logits).map(|(c, z)| c * z).sum();
        outputs - costs
    }

    /// The derivative of the bound by the slope of an unstable neuron.
    pub(super) fn gradient(&self, layer: usize, neuron: usize) -> f64 {
        self.before[layer][neuron].max(0.0) * self.values[layer][neuron]
    }

    /// The derivative of the bound by the multiplier of a sign.
    pub(super) fn push(&self, sign: Sign) -> f64 {
        let z = self.values[sign.layer][sign.neuron];
        if sign.is_on { -z } else { z }
    }

    /// The unstable neuron whose lines lose most: the loss at the point of the bound, plus a little of the
    /// largest possible loss (after BaBSR, Bunel et al. 2020).
    pub(super) fn loosest(&self, relaxed: &Relaxed, slopes: &[Vec<f64>]) -> Option<(usize, usize)> {
        let mut loosest = None;
        let mut most = f64::NEG_INFINITY;
        for (index, layer) in relaxed.layers.iter().enumerate() {
            for &neuron in &layer.unstable {
                let (a, value) = (self.before[index][neuron], self.values[index][neuron]);
                let (slope, intercept) = layer.line(neuron, slopes[index][neuron], a);
                let gap = (a * (value.max(0.0) - (slope * value + intercept))).max(0.0);
                let loss = gap + 0.1 * a.abs() * layer.lines[neuron].intercept();
                if loss > most {
                    (most, loosest) = (loss, Some((index, neuron)));
                }
            }
        }
        loosest
    }

    /// The input whose halving takes most from the relaxations of the first layer. A neuron loses
    /// `|w|·width/2` at one end of its bounds in one half, at the other end in the other half.
    pub(super) fn widest(&self, relaxed: &Relaxed) -> Option<usize> {
        let (affine, layer) = (relaxed.mlp.layers.first()?, relaxed.layers.first()?);
        let mut gains = vec![0.0; relaxed.input.len()];
        for &neuron in &layer.unstable {
            let (a, z) = (self.before[0][neuron], layer.bounds[neuron]);
            let row = affine.rows().nth(neuron)?;
            let whole = opening(z.lo(), z.hi());
            for ((gain, w), side) in gains.iter_mut().zip(row).zip(relaxed.input) {
                let loss = w.abs() * (side.hi() - side.lo()) / 2.0;
                let halves = opening(z.lo() + loss, z.hi()) + opening(z.lo(), z.hi() - loss);
                *gain += a.abs() * (whole - halves / 2.0);
            }
        }
        let best = (0..gains.len()).max_by(|&a, &b| gains[a].total_cmp(&gains[b]).then(b.cmp(&a)));
        best.filter(|&index| gains[index] > 0.0)
    }
}

/// True if the sign of a neuron with these bounds is open.
pub(super) fn is_unstable(z: &Interval) -> bool {
    z.lo() < 0.0 && z.hi() > 0.0
}

/// The largest distance between the lines of a neuron with these bounds.
fn opening(lo: f64, hi: f64) -> f64 {
    if lo < 0.0 && hi > 0.0 { -lo * hi / (hi - lo) } else { 0.0 }
}

/// `coefficients · W`, into `sums`.
fn backward(layer: &Layer, coefficients: &[f64], sums: &mut Vec<f64>) {
    sums.clear();
    sums.resize(layer.inputs, 0.0);
    for (&a, row) in coefficients.iter().zip(layer.rows()) {
        if a != 0.0 {
            sums.iter_mut().zip(row).for_each(|(sum, w)| *sum += a * w);
        }
    }
}

/// `Σ w_i·h_i`, four sums at a time.
fn dot(w: &[f64], h: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (fours, rest) = w.as_chunks::<4>();
    let (values, rest_values) = h.as_chunks::<4>();
    for (w, h) in fours.iter().zip(values) {
        for (sum, (w, h)) in sums.iter_mut().zip(w.iter().zip(h)) {
            *sum += w * h;
        }
    }
    let rest: f64 = rest.iter().zip(rest_values).map(|(w, h)| w * h).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
