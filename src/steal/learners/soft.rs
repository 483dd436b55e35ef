//! A ReLU network that learns from soft labels, and its gradients.
//!
//! ```text
//! forward    Hₗ = relu(Hₗ₋₁ Wₗᵀ + bₗ),  H₀ = standardised inputs, no relu after the last
//! backward   dWₗ = Dₗᵀ Hₗ₋₁,  dbₗ = column sums of Dₗ,  Dₗ₋₁ = (Dₗ Wₗ) where Hₗ₋₁ > 0, else 0
//! ```
//!
//! Training by rows with one class each is that of `train::mlp`; this is for posteriors as labels, for mixed rows
//! (MixMatch), and for gradients by the weights (angular deviation). Generic so that gradients can be tested in `f64`.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Axis, NdFloat};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::model::{Family, Layer, Link, Mlp, Model, Precision, Schema, Tie};

/// Weights and biases; gradients and moments have the same shape and reuse the type.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::steal) struct SoftNetwork<F> {
    layers: Vec<SoftLayer<F>>,
}

/// `z = W·h + b`; `weights` has shape `[outputs][inputs]`.
#[derive(Clone, Debug, PartialEq)]
struct SoftLayer<F> {
    weights: Array2<F>,
    bias: Array1<F>,
}

/// The float nearest to `x`.
pub(super) fn nearest<F: NdFloat>(x: f64) -> F {
    num_traits::cast(x).expect("f32 and f64 take every f64, rounded")
}

impl<F: NdFloat> SoftNetwork<F> {
    /// Weights uniform within `±√(6 / inputs)` (He et al. 2015), biases zero; `widths` from input to output.
    pub(in crate::steal) fn random(widths: &[usize], rng: &mut ChaCha8Rng) -> Self {
        let layer = |pair: &[usize]| {
            let bound = (6.0 / pair[0] as f64).sqrt();
            let weights = Array2::from_shape_simple_fn((pair[1], pair[0]), || {
                nearest(rng.random_range(-bound..bound))
            });
            SoftLayer { weights, bias: Array1::zeros(pair[1]) }
        };
        Self { layers: widths.windows(2).map(layer).collect() }
    }

    fn zeros_like(&self) -> Self {
        let zeros = |layer: &SoftLayer<F>| SoftLayer {
            weights: Array2::zeros(layer.weights.raw_dim()),
            bias: Array1::zeros(layer.bias.raw_dim()),
        };
        Self { layers: self.layers.iter().map(zeros).collect() }
    }

    /// The outputs of every layer at `inputs`, shape `[rows][inputs]`; the last are the logits.
    pub(in crate::steal) fn forward(&self, inputs: &Array2<F>) -> Vec<Array2<F>> {
        let mut outputs: Vec<Array2<F>> = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let below = outputs.last().unwrap_or(inputs);
            let mut output = Array2::zeros((below.nrows(), layer.bias.len()));
            output += &layer.bias;
            general_mat_mul(F::one(), below, &layer.weights.t(), F::one(), &mut output);
            if index + 1 < self.layers.len() {
                output.mapv_inplace(|z| if z > F::zero() { z } else { F::zero() });
            }
            outputs.push(output);
        }
        outputs
    }

    /// The softmax of the logits at `inputs`.
    pub(in crate::steal) fn posteriors(&self, inputs: &Array2<F>) -> Array2<F> {
        let mut outputs = self.forward(inputs);
        let mut logits = outputs.pop().expect("a network has a layer");
        softmax_rows(&mut logits);
        logits
    }

    /// The gradient by the parameters, and that by the inputs, from the derivatives by the logits.
    pub(in crate::steal) fn backward(
        &self,
        inputs: &Array2<F>,
        outputs: &[Array2<F>],
        by_logits: Array2<F>,
    ) -> (Self, Array2<F>) {
        let mut gradient = self.zeros_like();
        let mut delta = by_logits;
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let below = index.checked_sub(1).map_or(inputs, |below| &outputs[below]);
            let slot = &mut gradient.layers[index];
            general_mat_mul(F::one(), &delta.t(), below, F::zero(), &mut slot.weights);
            slot.bias = delta.sum_axis(Axis(0));
            let mut lower = delta.dot(&layer.weights);
            if index > 0 {
                lower.zip_mut_with(below, |d, &h| *d = if h > F::zero() { *d } else { F::zero() });
            }
            delta = lower;
        }
        (gradient, delta)
    }

    /// Every weight and bias, always in the same order.
    pub(in crate::steal) fn parameters(&self) -> impl Iterator<Item = &F> {
        self.layers.iter().flat_map(|layer| layer.weights.iter().chain(&layer.bias))
    }

    pub(super) fn parameters_mut(&mut self) -> impl Iterator<Item = &mut F> {
        self.layers.iter_mut().flat_map(|layer| layer.weights.iter_mut().chain(&mut layer.bias))
    }

    /// Moves every parameter by `−rate` times the gradient.
    pub(in crate::steal) fn descend(&mut self, gradient: &Self, rate: F) {
        self.parameters_mut().zip(gradient.parameters()).for_each(|(w, g)| *w -= rate * *g);
    }

    /// True if every parameter is a finite number.
    pub(super) fn is_finite(&self) -> bool {
        self.parameters().all(|w| w.is_finite())
    }

    /// The network as a model of that schema.
    pub(super) fn into_model(self, schema: &Schema, classes: usize) -> Model {
        let exact = |w: &F| w.to_f64().unwrap_or(f64::NAN);
        let layer = |layer: &SoftLayer<F>| Layer {
            weights: layer.weights.iter().map(exact).collect(),
            bias: layer.bias.iter().map(exact).collect(),
            inputs: layer.weights.ncols(),
        };
        Model {
            schema: schema.clone(),
            precision: Precision::F32,
            tie: Tie::Lower,
            classes,
            link: Link::Softmax,
            family: Family::Mlp(Mlp { layers: self.layers.iter().map(layer).collect() }),
        }
    }
}

/// Replaces each row of logits by its softmax.
pub(in crate::steal) fn softmax_rows<F: NdFloat>(logits: &mut Array2<F>) {
    for mut row in logits.rows_mut() {
        let top = row.iter().copied().fold(F::neg_infinity(), F::max);
        row.mapv_inplace(|z| (z - top).exp());
        let total = row.sum();
        row.mapv_inplace(|z| z / total);
    }
}

/// The derivatives of the mean cross-entropy to soft labels by the logits: `(softmax − labels) / rows`.
pub(in crate::steal) fn cross_entropy_by_logits<F: NdFloat>(
    logits: &Array2<F>,
    labels: &Array2<F>,
) -> Array2<F> {
    let mut delta = logits.clone();
    softmax_rows(&mut delta);
    let rows = nearest::<F>(logits.nrows().max(1) as f64);
    delta.zip_mut_with(labels, |d, &q| *d = (*d - q) / rows);
    delta
}

/// Replaces each posterior by its logits less their mean; probabilities below 10⁻⁶ count as that.
pub(super) fn centre_logits<F: NdFloat>(posteriors: &mut Array2<F>) {
    let least = nearest::<F>(1e-6);
    for mut row in posteriors.rows_mut() {
        row.mapv_inplace(|p| p.max(least).ln());
        let mean = row.sum() / nearest(row.len().max(1) as f64);
        row.mapv_inplace(|l| l - mean);
    }
}

/// The derivatives of the mean squared difference of centred logits by the logits.
pub(super) fn squares_by_logits<F: NdFloat>(logits: &Array2<F>, centred: &Array2<F>) -> Array2<F> {
    let factor = nearest::<F>(2.0 / (logits.len().max(1) as f64));
    let mut delta = logits.clone();
    for (mut row, target) in delta.rows_mut().into_iter().zip(centred.rows()) {
        let mean = row.sum() / nearest(row.len().max(1) as f64);
        row.zip_mut_with(&target, |z, &l| *z = factor * (*z - mean - l));
    }
    delta
}

/// Adam (Kingma and Ba 2015) with its moments.
pub(super) struct SoftAdam<F> {
    first: SoftNetwork<F>,
    second: SoftNetwork<F>,
    steps: i32,
}

impl<F: NdFloat> SoftAdam<F> {
    pub(super) fn new(network: &SoftNetwork<F>) -> Self {
        Self { first: network.zeros_like(), second: network.zeros_like(), steps: 0 }
    }

    /// Moves `network` against `gradient`.
    pub(super) fn step(
        &mut self,
        network: &mut SoftNetwork<F>,
        gradient: &SoftNetwork<F>,
        rate: f64,
    ) {
        self.steps = self.steps.saturating_add(1);
        let (beta_1, beta_2, epsilon) = (nearest::<F>(0.9), nearest::<F>(0.999), nearest(1e-8));
        let rate = nearest::<F>(rate / (1.0 - 0.9f64.powi(self.steps)));
        let unbias = nearest::<F>((1.0 - 0.999f64.powi(self.steps)).sqrt().recip());
        let moments = self.first.parameters_mut().zip(self.second.parameters_mut());
        let weights = network.parameters_mut().zip(gradient.parameters());
        for ((w, &g), (m, v)) in weights.zip(moments) {
            *m = flushed(beta_1 * *m + (F::one() - beta_1) * g);
            *v = flushed(beta_2 * *v + (F::one() - beta_2) * g * g);
            *w -= rate * *m / (v.sqrt() * unbias + epsilon);
        }
    }
}

/// Zero instead of a subnormal, on which arithmetic is slow.
fn flushed<F: NdFloat>(x: F) -> F {
    if x.abs() < F::min_positive_value() { F::zero() } else { x }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn loss(network: &SoftNetwork<f64>, inputs: &Array2<f64>, labels: &Array2<f64>) -> f64 {
        let p = network.posteriors(inputs);
        let sum: f64 = p.iter().zip(labels).map(|(p, q)| -q * p.ln()).sum();
        sum / inputs.nrows() as f64
    }

    fn setting() -> (SoftNetwork<f64>, Array2<f64>, Array2<f64>) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let network = SoftNetwork::random(&[4, 6, 5, 3], &mut rng);
        let inputs = Array2::from_shape_simple_fn((7, 4), || rng.random_range(-2.0..2.0));
        let mut labels = Array2::from_shape_simple_fn((7, 3), || rng.random_range(-1.0..1.0));
        softmax_rows(&mut labels);
        (network, inputs, labels)
    }

    #[test]
    fn gradients_by_weights_and_inputs_are_the_slopes_of_the_loss() {
        let (mut network, mut inputs, labels) = setting();
        let outputs = network.forward(&inputs);
        let by_logits = cross_entropy_by_logits(outputs.last().unwrap(), &labels);
        let (gradient, by_inputs) = network.backward(&inputs, &outputs, by_logits);
        let gradient: Vec<f64> = gradient.parameters().copied().collect();
        let h = 1e-5;
        for (at, derivative) in gradient.into_iter().enumerate() {
            let mut shifted = |by: f64| {
                *network.parameters_mut().nth(at).unwrap() += by;
                loss(&network, &inputs, &labels)
            };
            let difference = (shifted(h) - shifted(-2.0 * h)) / (2.0 * h);
            shifted(h);
            assert!((derivative - difference).abs() < 1e-8, "{at}: {derivative} or {difference}");
        }
        for (at, derivative) in by_inputs.into_iter().enumerate() {
            let mut shifted = |by: f64| {
                *inputs.iter_mut().nth(at).unwrap() += by;
                loss(&network, &inputs, &labels)
            };
            let difference = (shifted(h) - shifted(-2.0 * h)) / (2.0 * h);
            shifted(h);
            assert!((derivative - difference).abs() < 1e-8, "{at}: {derivative} or {difference}");
        }
    }

    #[test]
    fn squares_of_centred_logits_have_the_slopes_of_their_loss() {
        let (_, _, mut posteriors) = setting();
        centre_logits(&mut posteriors);
        let mut logits = posteriors.mapv(|l| 0.5 * l + 0.3);
        let loss = |logits: &Array2<f64>| {
            let row = |(z, l): (ndarray::ArrayView1<f64>, ndarray::ArrayView1<f64>)| {
                let mean = z.sum() / 3.0;
                z.iter().zip(&l).map(|(z, l)| (z - mean - l).powi(2)).sum::<f64>()
            };
            logits.rows().into_iter().zip(posteriors.rows()).map(row).sum::<f64>() / 21.0
        };
        let slopes = squares_by_logits(&logits, &posteriors);
        for (at, slope) in slopes.indexed_iter() {
            let h = 1e-6;
            logits[at] += h;
            let up = loss(&logits);
            logits[at] -= 2.0 * h;
            let difference = (up - loss(&logits)) / (2.0 * h);
            logits[at] += h;
            assert!((slope - difference).abs() < 1e-8, "{at:?}: {slope} or {difference}");
        }
    }

    #[test]
    fn the_model_answers_as_the_network() {
        let (network, inputs, _) = setting();
        let posteriors = network.posteriors(&inputs);
        let schema = crate::steal::tests::plain_schema(4);
        let model = network.into_model(&schema, 3);
        for (p, x) in posteriors.rows().into_iter().zip(inputs.rows()) {
            let found = model.posterior(&x.to_vec());
            assert!(p.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }
}
