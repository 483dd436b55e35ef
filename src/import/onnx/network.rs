//! From steps to layers; only a batch normalisation is rounded.
//!
//! A native network has a Relu between any two layers. Two affine maps without a Relu between them become one
//! layer if every number of it is a float of the precision; else the first is doubled,
//!
//! ```text
//! V·z + c  =  [V, −V]·relu([z, −z]) + c
//! ```
//!
//! which is the same real function, and one of the executions that a served copy may choose. A batch
//! normalisation has no exact floats to begin with, because it contains a root: its numbers are rounded into
//! the matrix before it, and a note says so.

use crate::import::ImportError;
use crate::interval::Rational;
use crate::model::{FeatureSpec, Layer, LimitError, Schema, at_most};

use super::features::{self, Described};
use super::shape::MAX_WIDTH;
use super::value::VectorStep;
use super::wire::unsupported;

/// Most layers, as in native models.
const MAX_LAYERS: usize = 64;
/// Most weights and biases, as in native models.
const MAX_PARAMETERS: usize = 10_000_000;
/// Most multiplications, in all, to make one layer out of several maps.
const MAX_PRODUCTS: usize = 1 << 25;

/// Layers, with the standardisation before them.
#[derive(Default)]
pub(super) struct LayerStack {
    mean: Option<Vec<f64>>,
    scale: Option<Vec<f64>>,
    /// `scale·x + shift` of the input, that waits to be rounded into the first layer.
    normalised: Option<[Vec<f64>; 2]>,
    pub(super) layers: Vec<Layer>,
    /// Kind of the last step.
    last: Last,
    /// True if numbers are 32-bit floats.
    is_single: bool,
    /// True if some number is not the graph's, but a float next to it.
    pub(super) is_rounded: bool,
    /// Multiplications so far.
    products: usize,
    /// Layers that are stored twice, with opposite signs.
    pub(super) doubled: usize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Last {
    #[default]
    Input,
    Matrix,
    Bias,
    Relu,
}

impl LayerStack {
    pub(super) fn new(steps: Vec<VectorStep>, is_single: bool) -> Result<Self, ImportError> {
        let mut network = Self { is_single, ..Self::default() };
        steps.into_iter().try_for_each(|step| network.take(step))?;
        network.check_limits()?;
        match network.last {
            Last::Relu => Err(unsupported("a Relu at the output", "logits as the output")),
            Last::Input => Err(unsupported("a graph without a matrix", "at least one layer")),
            Last::Matrix | Last::Bias => Ok(network),
        }
    }

    fn take(&mut self, step: VectorStep) -> Result<(), ImportError> {
        let is_matrix = matches!(step, VectorStep::Matrix { .. });
        if self.normalised.is_some() && self.last == Last::Input && !is_matrix {
            return Err(out_of_place(&step, Last::Input));
        }
        self.last = match (step, self.last) {
            (VectorStep::Add(numbers), last) if numbers.iter().all(|c| *c == 0.0) => last,
            (VectorStep::Scale(numbers), last) if numbers.iter().all(|c| *c == 1.0) => last,
            (VectorStep::Add(c), Last::Input) if self.mean.is_none() && self.scale.is_none() => {
                self.mean = Some(c.into_iter().map(|c| 0.0 - c).collect());
                Last::Input
            }
            (VectorStep::Scale(scale), Last::Input) if self.scale.is_none() => {
                self.scale = Some(scale);
                Last::Input
            }
            (VectorStep::Add(c), Last::Input) if self.mean.is_none() => {
                self.mean = Some(mean_before(self.scale.as_deref().unwrap_or_default(), &c)?);
                Last::Input
            }
            (VectorStep::Matrix { weights, inputs }, Last::Input | Last::Relu) => {
                self.expect_room(weights.len())?;
                let bias = vec![0.0; weights.len() / inputs];
                self.layers.push(Layer { weights, bias, inputs });
                self.normalise_inputs()?;
                Last::Matrix
            }
            (VectorStep::Matrix { weights, inputs }, Last::Matrix | Last::Bias) => {
                self.compose(weights, inputs)?;
                Last::Matrix
            }
            (VectorStep::Add(shift), Last::Matrix | Last::Bias) => {
                self.shift(shift)?;
                Last::Bias
            }
            (VectorStep::Scale(scale), Last::Matrix | Last::Bias) => {
                self.scale(&scale)?;
                Last::Matrix
            }
            (VectorStep::Normalise { scale, shift, is_exact }, Last::Matrix | Last::Bias) => {
                self.is_rounded |= !is_exact;
                self.normalise(&scale, &shift)?;
                Last::Bias
            }
            (VectorStep::Normalise { scale, shift, .. }, Last::Input)
                if self.mean.is_some()
                    || self.scale.is_some()
                    || mean_before(&scale, &shift).is_err() =>
            {
                self.is_rounded = true;
                self.normalised = Some([scale, shift]);
                Last::Input
            }
            (VectorStep::Normalise { scale, shift, is_exact }, Last::Input | Last::Relu) => {
                self.is_rounded |= !is_exact;
                self.take(VectorStep::Scale(scale))?;
                self.take(VectorStep::Add(shift))?;
                self.last
            }
            (VectorStep::Scale(scale), Last::Relu) => {
                self.push_diagonal(&scale)?;
                Last::Matrix
            }
            (VectorStep::Add(shift), Last::Relu) => {
                self.push_diagonal(&vec![1.0; shift.len()])?;
                self.shift(shift)?;
                Last::Bias
            }
            (VectorStep::Relu, Last::Matrix | Last::Bias | Last::Relu) => Last::Relu,
            (step, last) => return Err(out_of_place(&step, last)),
        };
        Ok(())
    }

    /// Rounds a normalisation of the input into the first layer: `W·(s∘x + c) = (W∘s)·x + W·c`.
    fn normalise_inputs(&mut self) -> Result<(), ImportError> {
        let Some([scale, shift]) = self.normalised.take() else { return Ok(()) };
        let Some(first) = self.layers.last_mut() else { return Ok(()) };
        for (row, bias) in first.weights.chunks_exact_mut(first.inputs).zip(&mut first.bias) {
            *bias =
                narrowed(row.iter().zip(&shift).map(|(w, c)| w * c).sum(), true, self.is_single).0;
            for (weight, factor) in row.iter_mut().zip(&scale) {
                *weight = narrowed(*weight * factor, true, self.is_single).0;
            }
        }
        let mut numbers = first.weights.iter().chain(&first.bias);
        match numbers.all(|number| number.is_finite()) {
            true => Ok(()),
            false => Err(unsupported(
                "a normalisation of the input that overflows a float",
                "finite numbers",
            )),
        }
    }

    fn check_limits(&self) -> Result<(), LimitError> {
        at_most("layers", self.layers.len(), MAX_LAYERS)?;
        for layer in &self.layers {
            at_most("neurons of a layer", layer.outputs(), MAX_WIDTH)?;
            at_most("inputs of a layer", layer.inputs, MAX_WIDTH)?;
        }
        let parameters = self.layers.iter().map(|l| l.weights.len() + l.bias.len()).sum();
        at_most("parameters", parameters, MAX_PARAMETERS)
    }

    /// Checks that there is room for so many more weights and one more layer.
    fn expect_room(&self, weights: usize) -> Result<(), LimitError> {
        let held: usize = self.layers.iter().map(|l| l.weights.len() + l.bias.len()).sum();
        at_most("parameters", held.saturating_add(weights), MAX_PARAMETERS)?;
        at_most("layers", self.layers.len() + 1, MAX_LAYERS)
    }

    /// Counts multiplications and returns true if they may be done.
    fn spend(&mut self, products: usize) -> bool {
        self.products = self.products.saturating_add(products);
        self.products <= MAX_PRODUCTS
    }

    /// Applies a matrix to the last layer: as one layer if that is exact, else as two around a doubled one.
    fn compose(&mut self, weights: Vec<f64>, inputs: usize) -> Result<(), ImportError> {
        let before = self.layers.last().map_or(0, |first| first.inputs + 1);
        let is_cheap = self.spend(before.saturating_mul(weights.len()));
        let before = self.layers.last().filter(|_| is_cheap);
        let one = before.and_then(|first| composed(first, &weights, inputs, self.is_single));
        if let (Some(one), Some(last)) = (one, self.layers.last_mut()) {
            *last = one;
            return Ok(());
        }
        self.double_last(2 * weights.len())?;
        let both = |row: &[f64]| row.iter().copied().chain(row.iter().map(|w| 0.0 - w)).collect();
        let doubled: Vec<Vec<f64>> = weights.chunks_exact(inputs).map(both).collect();
        let bias = vec![0.0; doubled.len()];
        self.layers.push(Layer { weights: doubled.concat(), bias, inputs: 2 * inputs });
        Ok(())
    }

    /// Doubles the last layer, so that `z` becomes `z, −z`, if there is room for the layer that follows.
    fn double_last(&mut self, weights: usize) -> Result<(), LimitError> {
        let Some(last) = self.layers.last() else { return Ok(()) };
        self.expect_room(weights.saturating_add(last.weights.len()))?;
        if let Some(Layer { weights, bias, .. }) = self.layers.last_mut() {
            for numbers in [weights, bias] {
                let opposite: Vec<f64> = numbers.iter().map(|w| 0.0 - w).collect();
                numbers.extend(opposite);
            }
            self.doubled += 1;
        }
        Ok(())
    }

    /// Adds a shift: `z + shift`.
    fn shift(&mut self, shift: Vec<f64>) -> Result<(), ImportError> {
        let before = self.layers.last().map_or(&[][..], |layer| &layer.bias);
        let sums = before.iter().zip(&shift).map(|(&b, &c)| sum(b, c, self.is_single));
        let (sums, exact): (Vec<f64>, Vec<bool>) = sums.unzip();
        let is_exact = exact.into_iter().all(|is| is);
        if !is_exact {
            self.pass(&vec![1.0; shift.len()])?;
        }
        if let Some(layer) = self.layers.last_mut() {
            layer.bias = if is_exact { sums } else { shift };
        }
        Ok(())
    }

    /// Multiplies by a scale: `scale·z`.
    fn scale(&mut self, scale: &[f64]) -> Result<(), ImportError> {
        let is_cheap = self.spend(self.layers.last().map_or(0, |layer| layer.weights.len()));
        let layer = self.layers.last().filter(|_| is_cheap);
        match layer.map(|layer| scaled(layer, scale, self.is_single)) {
            Some((layer, true)) => {
                self.layers.pop();
                self.layers.push(layer);
                Ok(())
            }
            Some((_, false)) | None => self.pass(scale),
        }
    }

    /// Applies `scale·z + shift`, rounded into the layer.
    fn normalise(&mut self, scale: &[f64], shift: &[f64]) -> Result<(), ImportError> {
        let Some(layer) = self.layers.pop() else { return Ok(()) };
        if !self.spend(layer.weights.len()) {
            let what = "so many normalisations of large layers";
            return Err(unsupported(what, "at most one after each matrix"));
        }
        let (mut layer, mut is_exact) = scaled(&layer, scale, self.is_single);
        for (b, &c) in layer.bias.iter_mut().zip(shift) {
            let (both, is) = sum(*b, c, self.is_single);
            (*b, is_exact) = (both, is_exact && is);
        }
        if layer.weights.iter().chain(&layer.bias).any(|number| !number.is_finite()) {
            let what = "a normalisation that overflows a float";
            return Err(unsupported(what, "finite products"));
        }
        self.is_rounded |= !is_exact;
        self.layers.push(layer);
        Ok(())
    }

    /// Applies `scale·z` as a layer of its own after the doubled one.
    fn pass(&mut self, scale: &[f64]) -> Result<(), ImportError> {
        let width = scale.len();
        self.double_last((2 * width).saturating_mul(width))?;
        let mut weights = vec![0.0; 2 * width * width];
        for (index, (row, &a)) in weights.chunks_exact_mut(2 * width).zip(scale).enumerate() {
            (row[index], row[width + index]) = (a, 0.0 - a);
        }
        self.layers.push(Layer { weights, bias: vec![0.0; width], inputs: 2 * width });
        Ok(())
    }

    /// Applies `scale·h` after a Relu.
    fn push_diagonal(&mut self, scale: &[f64]) -> Result<(), ImportError> {
        let width = scale.len();
        self.expect_room(width.saturating_mul(width))?;
        let mut weights = vec![0.0; width * width];
        for (index, (row, &a)) in weights.chunks_exact_mut(width).zip(scale).enumerate() {
            row[index] = a;
        }
        self.layers.push(Layer { weights, bias: vec![0.0; width], inputs: width });
        Ok(())
    }

    pub(super) fn schema(
        &self,
        described: Option<Vec<Described>>,
        given: Option<&Schema>,
    ) -> Result<Schema, ImportError> {
        let inputs = self.layers.first().map_or(0, |layer| layer.inputs);
        let number = |numbers: &Option<Vec<f64>>, index: usize, default: f32| match numbers {
            None => Ok(default),
            Some(numbers) => single(numbers.get(index).copied()),
        };
        let standardised = |(index, feature): (usize, FeatureSpec)| {
            let mean = number(&self.mean, index, 0.0)?;
            let scale = number(&self.scale, index, 1.0)?;
            Ok(FeatureSpec { mean, scale, ..feature })
        };
        let features = features::of_network(inputs, described, given)?;
        let features = features.into_iter().enumerate().map(standardised);
        Ok(Schema::new(features.collect::<Result<_, ImportError>>()?)?)
    }
}

/// A layer and a matrix after it as one layer, if every number of the result is a float.
fn composed(first: &Layer, weights: &[f64], inner: usize, is_single: bool) -> Option<Layer> {
    if first.outputs() != inner {
        return None;
    }
    let total = |row: &[f64], column: &dyn Fn(usize) -> f64| {
        let mut all = 0.0;
        for (index, &v) in row.iter().enumerate() {
            let (term, is_product) = exact_product(v, column(index), is_single);
            let (next, is_sum) = sum(all, term, false);
            if !(is_product && is_sum) {
                return None;
            }
            all = next;
        }
        Some(all).filter(|&all| !is_single || f64::from(all as f32) == all)
    };
    let (mut numbers, mut bias) = (Vec::new(), Vec::new());
    for row in weights.chunks_exact(inner) {
        for input in 0..first.inputs {
            numbers.push(total(row, &|index| first.weights[index * first.inputs + input])?);
        }
        bias.push(total(row, &|index| first.bias[index])?);
    }
    Some(Layer { weights: numbers, bias, inputs: first.inputs })
}

/// The layer times `scale`, and true if every product is exact.
fn scaled(layer: &Layer, scale: &[f64], is_single: bool) -> (Layer, bool) {
    let mut is_exact = true;
    let mut times = |a: f64, w: f64| {
        let (product, is) = product(a, w, is_single);
        is_exact &= is;
        product
    };
    let mut weights = Vec::with_capacity(layer.weights.len());
    for (row, &a) in layer.rows().zip(scale) {
        weights.extend(row.iter().map(|&w| times(a, w)));
    }
    let bias = layer.bias.iter().zip(scale).map(|(&b, &a)| times(a, b)).collect();
    (Layer { weights, bias, inputs: layer.inputs }, is_exact)
}

/// `a·b` as a float of the precision, and true if it equals the exact product; −0 becomes 0.
pub(super) fn product(a: f64, b: f64, is_single: bool) -> (f64, bool) {
    let (product, is_exact) = exact_product(a, b, is_single);
    narrowed(product, is_exact, is_single)
}

/// `a·b` in 64 bits, and true if it equals the exact product. `is_single` says that both are 32-bit floats.
fn exact_product(a: f64, b: f64, is_single: bool) -> (f64, bool) {
    let product = a * b;
    // the product of two 24-bit numbers fits; the error of other products is a float itself, unless it is tiny
    let is_whole = || is_single || a.mul_add(b, -product) == 0.0;
    let is_usual = product.is_finite() && product.abs() > 1e-280;
    (product, a == 0.0 || b == 0.0 || (is_usual && is_whole()))
}

/// `a + b` as a float of the precision, and true if it equals the exact sum.
fn sum(a: f64, b: f64, is_single: bool) -> (f64, bool) {
    let sum = a + b;
    // the error of a sum of two floats is a float
    let taken = sum - a;
    let error = (a - (sum - taken)) + (b - taken);
    narrowed(sum, sum.is_finite() && error == 0.0, is_single)
}

fn narrowed(value: f64, is_exact: bool, is_single: bool) -> (f64, bool) {
    let narrow = if is_single { f64::from(value as f32) } else { value };
    (narrow + 0.0, is_exact && narrow == value)
}

/// The step of a batch normalisation; its two numbers per entry are rounded as a server rounds them.
pub(super) fn normalisation(
    [scale, shift, mean, variance]: [&[f64]; 4],
    epsilon: f64,
    is_single: bool,
) -> Result<VectorStep, (String, &'static str)> {
    let (mut factors, mut offsets, mut is_exact) = (Vec::new(), Vec::new(), true);
    let entries = scale.iter().zip(shift).zip(mean.iter().zip(variance));
    for ((&g, &b), (&m, &v)) in entries {
        let spread = v + epsilon;
        if !(spread > 0.0 && spread.is_finite()) {
            return Err((format!("a variance {v} with epsilon {epsilon}"), "a sum above 0"));
        }
        let (factor, _) = narrowed(g / spread.sqrt(), true, is_single);
        let (offset, _) = narrowed(b - m * factor, true, is_single);
        if !(factor.is_finite() && offset.is_finite()) {
            return Err(("a normalisation that overflows a float".to_owned(), "finite numbers"));
        }
        is_exact = is_exact
            && is_exactly([factor, offset], [g, b, m, spread]).unwrap_or(false)
            && sum(v, epsilon, false).1;
        factors.push(factor);
        offsets.push(offset);
    }
    Ok(VectorStep::Normalise { scale: factors, shift: offsets, is_exact })
}

/// True if `a = g/√s`, whose sign is that of `g`, and `c = b − a·m`.
fn is_exactly(found: [f64; 2], numbers: [f64; 4]) -> Option<bool> {
    let [a, c] = found.map(Rational::from_f64);
    let [g, b, m, s] = numbers.map(Rational::from_f64);
    let (a, c, g, b, m, s) = (a?, c?, g?, b?, m?, s?);
    Some(&(&a * &a) * &s == &g * &g && c == &b - &(&a * &m))
}

/// The mean with which `scale·x + c` is `scale·(x − mean)`, if it is an `f32`.
fn mean_before(scale: &[f64], c: &[f64]) -> Result<Vec<f64>, ImportError> {
    let mean = |(scale, c): (&f64, &f64)| {
        let mean = f64::from((-c / scale) as f32);
        // exact: scale and mean are f32
        let is_exact = f64::from(*scale as f32) == *scale && mean * scale == -c;
        is_exact.then_some(mean + 0.0).ok_or_else(|| ImportError::Graph {
            place: "the constant after the scaling".to_owned(),
            found: format!("{scale}·x + {c}"),
            expected: "scale·(x − mean) with a mean that is a 32-bit float: have the model compute (x − mean)·scale \
                       in this order; a MinMaxScaler of scikit-learn is read with its network from the dump of \
                       `import sklearn` (`import --help`)",
        })
    };
    scale.iter().zip(c).map(mean).collect()
}

/// A mean or a scale as `f32`, which a schema needs.
fn single(value: Option<f64>) -> Result<f32, ImportError> {
    let exact = value.map(|value| (value, value as f32)).filter(|(v, s)| f64::from(*s) == *v);
    exact.map(|(_, single)| single).ok_or_else(|| ImportError::Graph {
        place: "the constant before the first layer".to_owned(),
        found: value.map_or("too few numbers".to_owned(), |value| value.to_string()),
        expected: "a 32-bit float for each input",
    })
}

fn out_of_place(step: &VectorStep, last: Last) -> ImportError {
    let name = match step {
        VectorStep::Add(_) => "an addition",
        VectorStep::Scale(_) => "a multiplication",
        VectorStep::Normalise { .. } => "a normalisation",
        VectorStep::Matrix { .. } => "a matrix",
        VectorStep::Relu => "a Relu",
    };
    let after = match last {
        Last::Input => "the input",
        Last::Matrix => "a matrix",
        Last::Bias => "a matrix with its bias",
        Last::Relu => "a Relu",
    };
    let expected = "a constant may be subtracted from the input and the result scaled, then \
                    matrices, constants and Relus";
    unsupported(format!("{name} after {after}"), expected)
}
