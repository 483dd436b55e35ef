//! Gradients of losses by soft labels: posteriors, or mixtures of labels (MixMatch). The network is that of `train::mlp`.

use ndarray::{Array2, NdFloat};

use crate::train::mlp::{FloatNetwork, Tape, float};

/// A forward pass at `inputs`, shape `[rows][inputs]`.
fn passed<F: NdFloat>(network: &FloatNetwork<F>, inputs: &Array2<F>) -> Tape<F> {
    let mut tape = Tape::new(network, inputs.nrows());
    network.forward(inputs, &mut tape);
    tape
}

/// The softmax of the logits at `inputs`.
pub(super) fn posteriors<F: NdFloat>(network: &FloatNetwork<F>, inputs: &Array2<F>) -> Array2<F> {
    let mut logits = passed(network, inputs).logits().clone();
    softmax_rows(&mut logits);
    logits
}

/// The gradient by the parameters of the loss whose derivatives by the logits are given.
pub(in crate::steal) fn gradient<F: NdFloat>(
    network: &FloatNetwork<F>,
    inputs: &Array2<F>,
    by_logits: impl FnOnce(&Array2<F>) -> Array2<F>,
) -> FloatNetwork<F> {
    let mut tape = with_deltas(network, inputs, by_logits);
    let mut gradient = network.zeros_like();
    network.backward(inputs, &mut tape, &mut gradient);
    gradient
}

/// The derivatives by the inputs of such a loss, shape `[rows][inputs]`.
pub(super) fn slopes<F: NdFloat>(
    network: &FloatNetwork<F>,
    inputs: &Array2<F>,
    by_logits: impl FnOnce(&Array2<F>) -> Array2<F>,
) -> Array2<F> {
    let mut tape = with_deltas(network, inputs, by_logits);
    let mut by_input = Array2::zeros(inputs.raw_dim());
    network.backward_to_inputs(&mut tape, &mut by_input);
    by_input
}

/// A pass forward, with the derivatives by the logits.
fn with_deltas<F: NdFloat>(
    network: &FloatNetwork<F>,
    inputs: &Array2<F>,
    by_logits: impl FnOnce(&Array2<F>) -> Array2<F>,
) -> Tape<F> {
    let mut tape = passed(network, inputs);
    let deltas = by_logits(tape.logits());
    tape.last_deltas().assign(&deltas);
    tape
}

/// Replaces each row of logits by its softmax.
pub(super) fn softmax_rows<F: NdFloat>(logits: &mut Array2<F>) {
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
    let rows = float::<F>(logits.nrows().max(1) as f64);
    delta.zip_mut_with(labels, |d, &q| *d = (*d - q) / rows);
    delta
}

/// Replaces each posterior by its logits less their mean; probabilities below 10⁻⁶ count as that.
pub(super) fn centre_logits<F: NdFloat>(posteriors: &mut Array2<F>) {
    let least = float::<F>(1e-6);
    for mut row in posteriors.rows_mut() {
        row.mapv_inplace(|p| p.max(least).ln());
        let mean = row.sum() / float(row.len().max(1) as f64);
        row.mapv_inplace(|l| l - mean);
    }
}

/// The derivatives of the mean squared difference of centred logits by the logits.
pub(super) fn squares_by_logits<F: NdFloat>(logits: &Array2<F>, centred: &Array2<F>) -> Array2<F> {
    let factor = float::<F>(2.0 / (logits.len().max(1) as f64));
    let mut delta = logits.clone();
    for (mut row, target) in delta.rows_mut().into_iter().zip(centred.rows()) {
        let mean = row.sum() / float(row.len().max(1) as f64);
        row.zip_mut_with(&target, |z, &l| *z = factor * (*z - mean - l));
    }
    delta
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use crate::train::mlp::MlpOptions;

    use super::*;

    fn loss(network: &FloatNetwork<f64>, inputs: &Array2<f64>, labels: &Array2<f64>) -> f64 {
        let p = posteriors(network, inputs);
        let sum: f64 = p.iter().zip(labels).map(|(p, q)| -q * p.ln()).sum();
        sum / inputs.nrows() as f64
    }

    fn setting() -> (FloatNetwork<f64>, Array2<f64>, Array2<f64>) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let options = MlpOptions { hidden: vec![6, 5], ..MlpOptions::default() };
        let network = options.start(&crate::steal::tests::plain_schema(4), 3).unwrap();
        let inputs = Array2::from_shape_simple_fn((7, 4), || rng.random_range(-2.0..2.0));
        let mut labels = Array2::from_shape_simple_fn((7, 3), || rng.random_range(-1.0..1.0));
        softmax_rows(&mut labels);
        (network, inputs, labels)
    }

    #[test]
    fn gradients_by_weights_and_inputs_are_the_slopes_of_the_loss() {
        let (mut network, mut inputs, labels) = setting();
        let by_logits = |logits: &Array2<f64>| cross_entropy_by_logits(logits, &labels);
        let by_weights = gradient(&network, &inputs, by_logits);
        let by_inputs = slopes(&network, &inputs, by_logits);
        let h = 1e-5;
        let by_weights: Vec<f64> = by_weights.tensors().flatten().copied().collect();
        for (at, derivative) in by_weights.into_iter().enumerate() {
            let mut shifted = |by: f64| {
                *network.tensors_mut().flatten().nth(at).unwrap() += by;
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
}
