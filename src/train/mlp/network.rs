//! A ReLU network over batches: forward, cross-entropy, backward.
//!
//! ```text
//! forward    Hₗ = relu(Hₗ₋₁ Wₗᵀ + bₗ),  H₀ = inputs, no relu after the last
//! loss       D_L = (softmax(H_L) − onehot(y)) / rows
//! backward   dWₗ = Dₗᵀ Hₗ₋₁,  dbₗ = column sums of Dₗ,  Dₗ₋₁ = (Dₗ Wₗ) where Hₗ₋₁ > 0, else 0
//! ```

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, NdFloat, Zip};
use rand::{Rng, RngExt};

use crate::model::{Layer, Mlp};

/// Weights and biases; gradients and moments have the same shape and reuse the type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FloatNetwork<F> {
    pub(super) layers: Vec<Affine<F>>,
}

/// `z = W·h + b`; `weights` has shape `[outputs][inputs]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Affine<F> {
    pub(super) weights: Array2<F>,
    pub(super) bias: Array1<F>,
}

/// The results of a forward pass for the backward pass, per layer, shape `[rows][outputs]`.
pub(crate) struct Tape<F> {
    /// Outputs after relu; the last ones are the logits.
    outputs: Vec<Array2<F>>,
    /// Derivatives of the loss by the values before relu.
    deltas: Vec<Array2<F>>,
}

/// The numbers of an array in order. The compiler makes vector instructions of loops over these, and few of a `Zip`.
pub(super) fn flat<F>(array: &Array2<F>) -> &[F] {
    array.as_slice().expect("the arrays of a pass lie in order")
}

/// The same, mutable.
pub(super) fn flat_mut<F>(array: &mut Array2<F>) -> &mut [F] {
    array.as_slice_mut().expect("the arrays of a pass lie in order")
}

/// A derivative, or 0 where it moves no weight: products of smaller ones are subnormal, and arithmetic with those takes many
/// times as long.
pub(super) fn telling<F: NdFloat>(derivative: F) -> F {
    if derivative.abs() < float(LEAST_TELLING) { F::zero() } else { derivative }
}

/// −1, 0 or 1.
pub(super) fn sign<F: NdFloat>(w: F) -> F {
    let (zero, one) = (F::zero(), F::one());
    if w > zero {
        one
    } else if w < zero {
        -one
    } else {
        zero
    }
}

/// Derivatives below this are 0. Adam divides by no less than 10⁻⁸.
const LEAST_TELLING: f64 = 1e-30;

/// The float nearest to `x`.
pub(crate) fn float<F: NdFloat>(x: f64) -> F {
    num_traits::cast(x).expect("f32 and f64 take every f64, rounded")
}

impl<F: NdFloat> FloatNetwork<F> {
    /// Weights uniform within `±√(6 / inputs)` (He et al. 2015), biases zero.
    ///
    /// `widths` are the lengths of input, hidden layers and output, at least two, all positive.
    pub(super) fn he_uniform(widths: &[usize], rng: &mut impl Rng) -> Self {
        let layer = |pair: &[usize]| {
            let bound = (6.0 / pair[0] as f64).sqrt();
            let weights = Array2::from_shape_simple_fn((pair[1], pair[0]), || {
                float(rng.random_range(-bound..bound))
            });
            Affine { weights, bias: Array1::zeros(pair[1]) }
        };
        Self { layers: widths.windows(2).map(layer).collect() }
    }

    /// A network of zeros with the same shape.
    pub(crate) fn zeros_like(&self) -> Self {
        let zeros = |layer: &Affine<F>| Affine {
            weights: Array2::zeros(layer.weights.raw_dim()),
            bias: Array1::zeros(layer.bias.raw_dim()),
        };
        Self { layers: self.layers.iter().map(zeros).collect() }
    }

    /// Number of inputs.
    pub(super) fn inputs(&self) -> usize {
        self.layers[0].weights.ncols()
    }

    /// Every weight and bias, tensor by tensor, always in the same order.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = &[F]> {
        self.layers
            .iter()
            .flat_map(|layer| [layer.weights.as_slice(), layer.bias.as_slice()])
            .map(|slice| slice.expect("parameters lie in order"))
    }

    /// The same parameters, mutable.
    pub(crate) fn tensors_mut(&mut self) -> impl Iterator<Item = &mut [F]> {
        self.layers
            .iter_mut()
            .flat_map(|layer| [layer.weights.as_slice_mut(), layer.bias.as_slice_mut()])
            .map(|slice| slice.expect("parameters lie in order"))
    }

    /// True if every parameter is a finite number.
    pub(crate) fn is_finite(&self) -> bool {
        self.tensors().flatten().all(|w| w.is_finite())
    }

    /// Fills `tape.outputs` with the outputs of every layer at `inputs`, shape `[rows][inputs]`.
    pub(crate) fn forward(&self, inputs: &Array2<F>, tape: &mut Tape<F>) {
        let last = self.layers.len() - 1;
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, rest) = tape.outputs.split_at_mut(index);
            let (input, output) = (before.last().unwrap_or(inputs), &mut rest[0]);
            output.assign(&layer.bias);
            general_mat_mul(F::one(), input, &layer.weights.t(), F::one(), output);
            if index < last {
                output.mapv_inplace(|z| if z > F::zero() { z } else { F::zero() });
            }
        }
    }

    /// Adds the gradient of the parameters to `gradient`, from the derivatives by the logits in `tape`.
    pub(crate) fn backward(&self, inputs: &Array2<F>, tape: &mut Tape<F>, gradient: &mut Self) {
        for index in (0..self.layers.len()).rev() {
            let input = index.checked_sub(1).map_or(inputs, |below| &tape.outputs[below]);
            let (delta, slot) = (&tape.deltas[index], &mut gradient.layers[index]);
            general_mat_mul(F::one(), &delta.t(), input, F::one(), &mut slot.weights);
            add_columns(delta, &mut slot.bias);
            self.carry_down(index, tape);
        }
    }

    /// Fills `by_input` with the derivatives by the inputs, from those by the logits in `tape`.
    pub(crate) fn backward_to_inputs(&self, tape: &mut Tape<F>, by_input: &mut Array2<F>) {
        (1..self.layers.len()).rev().for_each(|index| self.carry_down(index, tape));
        let first = &self.layers[0].weights;
        general_mat_mul(F::one(), &tape.deltas[0], first, F::zero(), by_input);
    }

    /// Carries the derivatives before relu of layer `index` to those of the layer below, if there is one.
    fn carry_down(&self, index: usize, tape: &mut Tape<F>) {
        let Some(lower) = index.checked_sub(1) else { return };
        let (below, rest) = tape.deltas.split_at_mut(index);
        let below = &mut below[lower];
        general_mat_mul(F::one(), &rest[0], &self.layers[index].weights, F::zero(), below);
        for (d, h) in flat_mut(below).iter_mut().zip(flat(&tape.outputs[lower])) {
            *d = if *h > F::zero() { *d } else { F::zero() };
        }
    }

    /// Sets every parameter to 0.
    pub(super) fn clear(&mut self) {
        self.tensors_mut().for_each(|tensor| tensor.fill(F::zero()));
    }

    /// The network as plain data; exact, since every float here is an `f64`.
    pub(super) fn to_mlp(&self) -> Mlp {
        let exact = |values: &[F]| -> Vec<f64> {
            values.iter().map(|w| w.to_f64().expect("f32 and f64 are f64")).collect()
        };
        let layer = |layer: &Affine<F>| Layer {
            weights: exact(layer.weights.as_slice().expect("parameters lie in order")),
            bias: exact(layer.bias.as_slice().expect("parameters lie in order")),
            inputs: layer.weights.ncols(),
        };
        Mlp { layers: self.layers.iter().map(layer).collect() }
    }
}

impl<F: NdFloat> Tape<F> {
    /// Room for `rows` rows through `network`.
    pub(crate) fn new(network: &FloatNetwork<F>, rows: usize) -> Self {
        let arrays = || {
            let array = |layer: &Affine<F>| Array2::zeros((rows, layer.bias.len()));
            network.layers.iter().map(array).collect()
        };
        Self { outputs: arrays(), deltas: arrays() }
    }

    /// The logits of the last forward pass, shape `[rows][classes]`.
    pub(crate) fn logits(&self) -> &Array2<F> {
        self.outputs.last().expect("a network has a layer")
    }
}

impl<F> Tape<F> {
    /// The derivatives by the logits, to be filled before a backward pass, shape `[rows][classes]`.
    pub(crate) fn last_deltas(&mut self) -> &mut Array2<F> {
        self.deltas.last_mut().expect("a network has a layer")
    }
}

/// `sums[j] += Σᵢ array[i][j]`, row by row.
pub(super) fn add_columns<F: NdFloat>(array: &Array2<F>, sums: &mut Array1<F>) {
    let sums = sums.as_slice_mut().expect("parameters lie in order");
    for row in array.as_slice().expect("the tape lies in order").chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
    }
}

/// Mean of `−ln softmax(logits)_label` over the rows times `factor`; writes its derivatives into the tape.
pub(super) fn cross_entropy<F: NdFloat>(tape: &mut Tape<F>, labels: &[usize], factor: F) -> F {
    let logits = tape.outputs.last().expect("a network has a layer");
    let deltas = tape.deltas.last_mut().expect("a network has a layer");
    let share = factor / float(labels.len() as f64);
    let mut loss = F::zero();
    for ((logits, mut delta), &label) in
        logits.rows().into_iter().zip(deltas.rows_mut()).zip(labels)
    {
        // Shifted by the largest logit, so that nothing overflows and the sum is at least 1.
        let top = logits.iter().copied().fold(F::neg_infinity(), F::max);
        Zip::from(&mut delta).and(&logits).for_each(|d, &z| *d = (z - top).exp());
        let total = delta.sum();
        loss += share * (total.ln() + top - logits[label]);
        let scale = share / total;
        delta.mapv_inplace(|e| telling(e * scale));
        delta[label] -= share;
    }
    loss
}

/// Mean of `ln Σ e^z − mean z` over the rows times `factor`; writes its derivatives into the tape.
pub(super) fn against_uniform<F: NdFloat>(tape: &mut Tape<F>, factor: F) -> F {
    let logits = tape.outputs.last().expect("a network has a layer");
    let deltas = tape.deltas.last_mut().expect("a network has a layer");
    let share = factor / float(logits.nrows() as f64);
    let classes = float::<F>(logits.ncols() as f64);
    let mut loss = F::zero();
    for (logits, mut delta) in logits.rows().into_iter().zip(deltas.rows_mut()) {
        let top = logits.iter().copied().fold(F::neg_infinity(), F::max);
        delta.assign(&logits.mapv(|z| (z - top).exp()));
        let total = delta.sum();
        loss += share * (total.ln() + top - logits.sum() / classes);
        delta.mapv_inplace(|e| share * (e / total - F::one() / classes));
    }
    loss
}

/// Writes the derivatives of each row's cross-entropy into the tape, divided by one less the posterior of its label: the
/// way up is the same, also where the loss is too small for a float, and arithmetic stays out of the slow subnormals.
pub(super) fn steepest<F: NdFloat>(tape: &mut Tape<F>, labels: &[usize]) {
    let logits = tape.outputs.last().expect("a network has a layer");
    let deltas = tape.deltas.last_mut().expect("a network has a layer");
    for ((logits, mut delta), &own) in logits.rows().into_iter().zip(deltas.rows_mut()).zip(labels)
    {
        delta.assign(&logits);
        delta[own] = F::neg_infinity();
        let top = delta.iter().copied().fold(F::neg_infinity(), F::max);
        delta.mapv_inplace(|z| (z - top).exp());
        let total = delta.sum();
        delta.mapv_inplace(|e| e / total);
        delta[own] = -F::one();
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// A network with biases that are not zero, rows of inputs, and their labels.
    fn setting(widths: &[usize], rows: usize) -> (FloatNetwork<f64>, Array2<f64>, Vec<usize>) {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut network = FloatNetwork::he_uniform(widths, &mut rng);
        for layer in &mut network.layers {
            layer.bias.mapv_inplace(|_| rng.random_range(-0.5..0.5));
        }
        let inputs =
            Array2::from_shape_simple_fn((rows, widths[0]), || rng.random_range(-2.0..2.0));
        let classes = widths[widths.len() - 1];
        (network, inputs, (0..rows).map(|row| row % classes).collect())
    }

    fn loss(network: &FloatNetwork<f64>, inputs: &Array2<f64>, labels: &[usize]) -> f64 {
        let mut tape = Tape::new(network, labels.len());
        network.forward(inputs, &mut tape);
        cross_entropy(&mut tape, labels, 1.0)
    }

    #[test]
    fn gradients_are_central_differences() {
        for widths in [&[3, 2][..], &[4, 5, 2], &[3, 6, 4, 3]] {
            let (mut network, inputs, labels) = setting(widths, 7);
            let mut gradient = network.zeros_like();
            let mut tape = Tape::new(&network, 7);
            network.forward(&inputs, &mut tape);
            cross_entropy(&mut tape, &labels, 1.0);
            network.backward(&inputs, &mut tape, &mut gradient);
            let flat: Vec<f64> = gradient.tensors().flatten().copied().collect();
            for (at, derivative) in flat.into_iter().enumerate() {
                let mut shifted = |by: f64| {
                    *network.tensors_mut().flatten().nth(at).unwrap() += by;
                    loss(&network, &inputs, &labels)
                };
                let h = 1e-5;
                let difference = (shifted(h) - shifted(-2.0 * h)) / (2.0 * h);
                shifted(h);
                let error = (derivative - difference).abs();
                assert!(error < 1e-8, "{widths:?} parameter {at}: {derivative} or {difference}");
            }
        }
    }

    #[test]
    fn a_batch_passes_like_its_points() {
        let (network, inputs, labels) = setting(&[4, 5, 3, 2], 6);
        let mut tape = Tape::new(&network, labels.len());
        network.forward(&inputs, &mut tape);
        for (logits, input) in tape.logits().rows().into_iter().zip(inputs.rows()) {
            let point = network.to_mlp().forward(&1.0, input.to_vec());
            assert!(logits.iter().zip(&point).all(|(batch, one)| (batch - one).abs() < 1e-12));
        }
    }

    #[test]
    fn the_steepest_way_is_that_of_cross_entropy() {
        let (network, inputs, labels) = setting(&[4, 5, 3], 6);
        let (mut loss, mut way) = (Tape::new(&network, 6), Tape::new(&network, 6));
        [&mut loss, &mut way].into_iter().for_each(|tape| network.forward(&inputs, tape));
        cross_entropy(&mut loss, &labels, 6.0);
        steepest(&mut way, &labels);
        for ((loss, way), own) in
            loss.deltas[1].rows().into_iter().zip(way.deltas[1].rows()).zip(labels)
        {
            let scaled = loss.mapv(|d| -d / loss[own]);
            assert!(scaled.iter().zip(&way).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }

    #[test]
    fn cross_entropy_of_huge_logits_is_finite() {
        let network = FloatNetwork::<f32> {
            layers: vec![Affine { weights: Array2::eye(2), bias: Array1::zeros(2) }],
        };
        let mut tape = Tape::new(&network, 2);
        network.forward(&ndarray::array![[1e30, -1e30], [1e30, -1e30]], &mut tape);
        assert_eq!(cross_entropy(&mut tape, &[0, 0], 1.0), 0.0);
        assert_eq!(cross_entropy(&mut tape, &[0, 1], 1.0), 1e30);
        assert_eq!(tape.deltas[0], ndarray::array![[0.0, 0.0], [0.5, -0.5]]);
    }

    /// Confident rows have derivatives that are 0 or far from subnormal.
    #[test]
    fn no_derivative_is_too_small_to_compute_with() {
        let network = FloatNetwork::<f32> {
            layers: vec![Affine { weights: Array2::eye(2), bias: Array1::zeros(2) }],
        };
        let inputs =
            Array2::from_shape_fn(
                (300, 2),
                |(row, class)| {
                    if class == 0 { row as f32 / 2.0 } else { 0.0 }
                },
            );
        let mut tape = Tape::new(&network, 300);
        network.forward(&inputs, &mut tape);
        cross_entropy(&mut tape, &[0; 300], 1.0);
        let of_other = tape.deltas[0].column(1);
        assert!(of_other.iter().all(|d| *d == 0.0 || *d > 1e-31));
        assert!(of_other[0] > 1e-3 && of_other[120] > 0.0 && of_other[299] == 0.0);
    }

    #[test]
    fn equal_logits_are_uniform_already() {
        let network = FloatNetwork::<f64>::he_uniform(&[2, 3], &mut ChaCha8Rng::seed_from_u64(1));
        let flat = network.zeros_like();
        let mut tape = Tape::new(&flat, 2);
        flat.forward(&ndarray::array![[1.0, 2.0], [3.0, -4.0]], &mut tape);
        assert!((against_uniform(&mut tape, 1.0) - 3f64.ln()).abs() < 1e-15);
        assert!(tape.deltas.last().unwrap().iter().all(|delta| delta.abs() < 1e-16));
    }

    #[test]
    fn equal_logits_lose_the_logarithm_of_the_classes() {
        let (network, inputs, labels) = setting(&[2, 4], 8);
        let found = loss(&network.zeros_like(), &inputs, &labels);
        assert!((found - 4f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn initial_weights_stay_within_their_bound_and_fill_it() {
        let network =
            FloatNetwork::<f32>::he_uniform(&[24, 50, 2], &mut ChaCha8Rng::seed_from_u64(0));
        let [first, .., last] = network.layers.as_slice() else { panic!("two layers") };
        let largest = |layer: &Affine<f32>| layer.weights.iter().fold(0f32, |a, w| a.max(w.abs()));
        assert!((0.48..=0.5).contains(&largest(first)));
        assert!((0.3..=0.3465).contains(&largest(last)));
        assert!(network.layers.iter().all(|layer| layer.bias.iter().all(|b| *b == 0.0)));
    }
}
