//! Networks prepared for bounding: forward intervals and backward substitution.

use crate::interval::{Form, Interval, Lines};
use crate::model::Mlp;

use super::Hint;

/// A network in one arithmetic.
#[derive(Debug)]
pub struct Network<F: Form> {
    layers: Vec<F::Layer>,
    /// Per layer, the column of weights that each input meets: `[inputs][outputs]`.
    columns: Vec<Vec<Vec<f64>>>,
    widths: Vec<usize>,
}

/// Bounds of the pre-activations of the hidden layers over some region, and what follows from them.
#[derive(Clone, Debug)]
pub struct Hidden {
    layers: Vec<HiddenLayer>,
}

#[derive(Clone, Debug)]
struct HiddenLayer {
    /// `z`
    before: Vec<Interval>,
    /// `relu(z)`
    after: Vec<Interval>,
    /// `max |relu(z)|`
    magnitudes: Vec<f64>,
    /// Default lines.
    lines: Vec<Lines>,
}

impl HiddenLayer {
    fn new(before: Vec<Interval>) -> Self {
        let after: Vec<_> = before.iter().map(|z| z.relu()).collect();
        let magnitudes = after.iter().map(|h| h.magnitude()).collect();
        let lines = before.iter().map(|&z| Lines::new(z, None)).collect();
        Self { before, after, magnitudes, lines }
    }
}

impl Hidden {
    /// Pre-activation bounds per hidden layer, first layer first.
    pub fn layers(&self) -> impl Iterator<Item = &[Interval]> {
        self.layers.iter().map(|layer| layer.before.as_slice())
    }

    /// Bounds after the ReLU per hidden layer, first layer first.
    pub(super) fn activations(&self) -> impl Iterator<Item = &[Interval]> {
        self.layers.iter().map(|layer| layer.after.as_slice())
    }

    fn get(&self, layer: usize) -> Option<&HiddenLayer> {
        self.layers.get(layer)
    }
}

/// Which rule bounds the next layer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Intervals of the layer before.
    Forward,
    /// All the way back to the input.
    Backward,
}

impl<F: Form> Network<F> {
    /// Prepares `mlp`.
    pub fn new(mlp: &Mlp) -> Self {
        let layers = mlp.layers.iter().map(|l| F::layer(&l.weights, &l.bias, l.inputs)).collect();
        let column = |layer: &crate::model::Layer, input: usize| -> Vec<f64> {
            layer.rows().filter_map(|row| row.get(input).copied()).collect()
        };
        let columns = mlp
            .layers
            .iter()
            .map(|layer| (0..layer.inputs).map(|input| column(layer, input)).collect())
            .collect();
        let widths = mlp.layers.iter().map(crate::model::Layer::outputs).collect();
        Self { layers, columns, widths }
    }

    /// Number of layers, the output included.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Outputs per layer.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// The weights that each input of a layer meets, `[inputs][outputs]`.
    pub(super) fn columns(&self, layer: usize) -> &[Vec<f64>] {
        self.columns.get(layer).map_or(&[], Vec::as_slice)
    }

    /// The layer, prepared.
    pub(super) fn layer(&self, layer: usize) -> Option<&F::Layer> {
        self.layers.get(layer)
    }

    /// Hidden bounds by the interval rule; `None` after overflow.
    pub fn interval_bounds(&self, input: &[Interval]) -> Option<Hidden> {
        self.extend(Hidden { layers: Vec::new() }, input, Depth::Forward, None)
    }

    /// Hidden bounds by the linear rule with default slopes, intersected with the interval rule.
    pub fn linear_bounds(&self, input: &[Interval]) -> Option<Hidden> {
        self.extend(Hidden { layers: Vec::new() }, input, Depth::Backward, None)
    }

    /// The bounds of a smaller region: the parent's, intersected with the interval rule, and from
    /// layer `refresh` on with the linear rule.
    pub fn inherited_bounds(
        &self,
        parent: &Hidden,
        input: &[Interval],
        refresh: Option<usize>,
    ) -> Option<Hidden> {
        let mut hidden = Hidden { layers: Vec::new() };
        for layer in 0..parent.layers.len() {
            let depth = match refresh {
                Some(first) if layer >= first => Depth::Backward,
                _ => Depth::Forward,
            };
            hidden = self.extend_by_one(hidden, input, depth, parent.get(layer))?;
        }
        Some(hidden)
    }

    fn extend(
        &self,
        mut hidden: Hidden,
        input: &[Interval],
        depth: Depth,
        parent: Option<&HiddenLayer>,
    ) -> Option<Hidden> {
        while hidden.layers.len() + 1 < self.layers.len() {
            hidden = self.extend_by_one(hidden, input, depth, parent)?;
        }
        Some(hidden)
    }

    /// Bounds one more hidden layer. Bounds of several rules are intersected; all being true of
    /// the same numbers, an empty intersection means an empty region, which is bounded by anything.
    fn extend_by_one(
        &self,
        mut hidden: Hidden,
        input: &[Interval],
        depth: Depth,
        parent: Option<&HiddenLayer>,
    ) -> Option<Hidden> {
        let layer = hidden.layers.len();
        let width = *self.widths.get(layer)?;
        let mut before = Vec::with_capacity(width);
        for neuron in 0..width {
            let mut bounds = self.neuron(layer, neuron, &hidden, input, Depth::Forward)?;
            if depth == Depth::Backward && layer > 0 {
                let tighter = self.neuron(layer, neuron, &hidden, input, Depth::Backward);
                bounds = tighter.and_then(|t| t.intersect(bounds)).unwrap_or(bounds);
            }
            if let Some(held) = parent.and_then(|p| p.before.get(neuron)) {
                bounds = held.intersect(bounds).unwrap_or(bounds);
            }
            before.push(bounds);
        }
        hidden.layers.push(HiddenLayer::new(before));
        Some(hidden)
    }

    /// Bounds of one pre-activation; `None` unless finite.
    fn neuron(
        &self,
        layer: usize,
        neuron: usize,
        hidden: &Hidden,
        input: &[Interval],
        depth: Depth,
    ) -> Option<Interval> {
        let width = *self.widths.get(layer)?;
        let lower = |sign: f64| {
            let mut row = vec![0.0; width];
            if let Some(entry) = row.get_mut(neuron) {
                *entry = sign;
            }
            let form = F::new(&row);
            match depth {
                Depth::Forward => self.forward(form, layer, hidden, input),
                Depth::Backward => self.backward(form, layer, hidden, input, None),
            }
        };
        Interval::new(lower(1.0), -lower(-1.0)).filter(|bounds| bounds.is_finite())
    }

    /// Lower bound of `row · logits` by the interval rule.
    pub fn interval_margin(&self, row: &[f64], hidden: &Hidden, input: &[Interval]) -> f64 {
        self.last().map_or(f64::NEG_INFINITY, |last| self.forward(F::new(row), last, hidden, input))
    }

    /// Lower bound of `row · logits` by the linear rule.
    pub fn linear_margin(
        &self,
        row: &[f64],
        hidden: &Hidden,
        input: &[Interval],
        hint: Option<&Hint>,
    ) -> f64 {
        let form = F::new(row);
        self.last().map_or(f64::NEG_INFINITY, |last| self.backward(form, last, hidden, input, hint))
    }

    /// Bounds of the logits by the interval rule; an end may be infinite.
    pub(super) fn output_bounds(&self, hidden: &Hidden, input: &[Interval]) -> Vec<Interval> {
        let Some(last) = self.last() else { return Vec::new() };
        let width = self.widths.get(last).copied().unwrap_or(0);
        let bounds = |neuron| self.neuron(last, neuron, hidden, input, Depth::Forward);
        (0..width).map(|neuron| bounds(neuron).unwrap_or(Interval::WHOLE)).collect()
    }

    fn last(&self) -> Option<usize> {
        self.layers.len().checked_sub(1)
    }

    /// The minimum of a form over the outputs of `layer`, from the intervals of its inputs.
    fn forward(&self, form: F, layer: usize, hidden: &Hidden, input: &[Interval]) -> f64 {
        let Some(affine) = self.layers.get(layer) else { return f64::NEG_INFINITY };
        match layer.checked_sub(1) {
            None => form.through_layer(affine, &magnitudes(input)).minimum(input),
            Some(previous) => match hidden.get(previous) {
                Some(h) => form.through_layer(affine, &h.magnitudes).minimum(&h.after),
                None => f64::NEG_INFINITY,
            },
        }
    }

    /// The minimum of a form over the outputs of `layer`, substituted back to the input.
    fn backward(
        &self,
        mut form: F,
        layer: usize,
        hidden: &Hidden,
        input: &[Interval],
        hint: Option<&Hint>,
    ) -> f64 {
        for at in (0..=layer).rev() {
            let Some(affine) = self.layers.get(at) else { return f64::NEG_INFINITY };
            let Some(previous) = at.checked_sub(1) else {
                return form.through_layer(affine, &magnitudes(input)).minimum(input);
            };
            let Some(h) = hidden.get(previous) else { return f64::NEG_INFINITY };
            form = form.through_layer(affine, &h.magnitudes);
            form = match hinted_lines(h, previous, hint) {
                Some(lines) => form.through_relu(&lines, &h.before),
                None => form.through_relu(&h.lines, &h.before),
            };
        }
        f64::NEG_INFINITY
    }
}

pub(super) fn magnitudes(sides: &[Interval]) -> Vec<f64> {
    sides.iter().map(|side| side.magnitude()).collect()
}

/// The lines of a layer with the hinted lower slopes; `None` if no hint names the layer.
fn hinted_lines(hidden: &HiddenLayer, layer: usize, hint: Option<&Hint>) -> Option<Vec<Lines>> {
    let mut named = hint?.slopes.iter().filter(|(at, _, _)| *at == layer).peekable();
    named.peek()?;
    let mut lines = hidden.lines.clone();
    for &(_, neuron, slope) in named {
        if let (Some(line), Some(&bounds)) = (lines.get_mut(neuron), hidden.before.get(neuron)) {
            *line = Lines::new(bounds, Some(slope));
        }
    }
    Some(lines)
}
