//! ReLU networks.

use crate::interval::Scalar;

/// An affine layer, `z = W·h + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Row-major, shape `[outputs][inputs]`; every number is a float of the model's precision.
    pub weights: Vec<f64>,
    /// Length `outputs`.
    pub bias: Vec<f64>,
    /// Length of `h`.
    pub inputs: usize,
}

impl Layer {
    /// Length of `z`.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weights of each output, in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.weights.chunks_exact(self.inputs)
    }

    /// `W·h + b·unit`.
    fn apply<T: Scalar>(&self, unit: &T, inputs: &[T]) -> Vec<T> {
        let rows = self.rows().zip(&self.bias);
        rows.map(|(row, &bias)| affine(row, unit.scale(bias), inputs)).collect()
    }
}

/// `bias + weights · inputs`, summed left to right.
fn affine<T: Scalar>(weights: &[f64], bias: T, inputs: &[T]) -> T {
    weights.iter().zip(inputs).fold(bias, |sum, (&w, x)| sum + x.scale(w))
}

/// Affine layers with ReLU between them, none after the last. Inputs are standardised features.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// At least one; the outputs of each are the inputs of the next.
    pub layers: Vec<Layer>,
}

impl Mlp {
    /// `unit` times the logits at the standardised point `inputs / unit`; `unit` is positive and
    /// is 1 unless the point has a common denominator.
    pub fn forward<T: Scalar>(&self, unit: &T, inputs: Vec<T>) -> Vec<T> {
        let last = self.layers.len().saturating_sub(1);
        self.layers.iter().enumerate().fold(inputs, |inputs, (index, layer)| {
            let outputs = layer.apply(unit, &inputs);
            if index == last { outputs } else { outputs.into_iter().map(T::relu).collect() }
        })
    }
}
