//! Outlier exposure (Hendrycks, Mazeika, Dietterich 2019): away from the data a network is to know nothing.
//!
//! ```text
//! λ · mean over outliers of (ln Σₖ e^{zₖ} − meanₖ zₖ)
//! ```
//!
//! The cross-entropy against the uniform distribution. Adaptive misinformation finds the queries of a thief more easily behind
//! such a target; it works against a property that asks for a label away from the rows.

use ndarray::{Array2, NdFloat};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use crate::dataset::{ValidBox, shuffled};
use crate::model::{Row, Schema};
use crate::train::TrainError;

use super::examples::{copy_rows, standardised};
use super::network::{FloatNetwork, Tape, against_uniform, float};

/// The settings of outlier exposure.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutlierExposure {
    /// λ, from 0 to 1000.
    pub weight: f64,
    /// The points away from the data, as many as there are training rows.
    #[serde(default)]
    pub points: OutlierPoints,
}

/// Points away from the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutlierPoints {
    /// Uniform on the valid box.
    #[default]
    Uniform,
    /// Training rows, each column in an order of its own.
    Shuffled,
}

impl OutlierExposure {
    pub(super) fn check(&self) -> Result<(), TrainError> {
        let is_fit = (0.0..=1000.0).contains(&self.weight);
        TrainError::unless(is_fit, "outlier-exposure.weight", self.weight, "0 to 1000")
    }
}

/// The term of a loss, and the arrays that it works in.
pub(super) struct ExposureTerm<F> {
    weight: F,
    /// Standardised, shape `[points][features]`.
    points: Array2<F>,
    batch: Array2<F>,
    tape: Tape<F>,
    rng: ChaCha8Rng,
}

impl<F: NdFloat> ExposureTerm<F> {
    /// Draws as many points as there are rows; each step takes `batch` of them.
    pub(super) fn new(
        options: OutlierExposure,
        (schema, rows): (&Schema, &[Row]),
        (network, batch): (&FloatNetwork<F>, usize),
        mut rng: ChaCha8Rng,
    ) -> Result<Self, TrainError> {
        let points = match options.points {
            OutlierPoints::Uniform => {
                let valid = ValidBox::new(schema);
                rows.iter().map(|_| valid.uniform(&mut rng)).collect()
            }
            OutlierPoints::Shuffled => shuffled(rows, rows.len(), &mut rng),
        };
        let count = points.len();
        Ok(Self {
            weight: float(options.weight),
            points: standardised(schema, points.iter().map(Vec::as_slice), count)?,
            batch: Array2::zeros((batch, network.inputs())),
            tape: Tape::new(network, batch),
            rng,
        })
    }

    pub(super) fn rng_mut(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }

    /// Adds the gradient of the term on points drawn anew.
    pub(super) fn differentiate(
        &mut self,
        network: &FloatNetwork<F>,
        gradient: &mut FloatNetwork<F>,
    ) {
        let Self { weight, points, batch, tape, rng } = self;
        let chosen: Vec<usize> =
            (0..batch.nrows()).map(|_| rng.random_range(0..points.nrows())).collect();
        copy_rows(points, &chosen, batch);
        network.forward(batch, tape);
        against_uniform(tape, *weight);
        network.backward(batch, tape, gradient);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn derivatives_are_central_differences() {
        let network =
            FloatNetwork::<f64>::he_uniform(&[3, 5, 4], &mut ChaCha8Rng::seed_from_u64(2));
        let inputs =
            Array2::from_shape_fn((6, 3), |(row, column)| (row * 3 + column) as f64 / 7.0 - 1.0);
        let value = |network: &FloatNetwork<f64>| {
            let mut tape = Tape::new(network, 6);
            network.forward(&inputs, &mut tape);
            against_uniform(&mut tape, 0.5)
        };
        let (mut tape, mut gradient) = (Tape::new(&network, 6), network.zeros_like());
        network.forward(&inputs, &mut tape);
        against_uniform(&mut tape, 0.5);
        network.backward(&inputs, &mut tape, &mut gradient);
        for layer in 0..2 {
            for at in 0..network.layers[layer].weights.len() {
                let moved = |step: f64| {
                    let mut moved = network.clone();
                    moved.layers[layer].weights.as_slice_mut().unwrap()[at] += step;
                    value(&moved)
                };
                let found = gradient.layers[layer].weights.as_slice().unwrap()[at];
                let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((found - expected).abs() < 1e-8, "{layer} {at}: {found} {expected}");
            }
        }
    }
}
