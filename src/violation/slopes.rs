//! Slopes of scores and of what is made of them, by reverse passes in floats.

use crate::model::{Family, Mlp, Model};

/// A value and its slopes: a vector for each of the points that it was computed from, by the scores there or
/// by the point itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Sloped<const POINTS: usize> {
    /// The value.
    pub value: f64,
    /// Its derivatives, one vector per point. Where the value has a kink, those of one side.
    pub slopes: [Vec<f64>; POINTS],
}

impl<const POINTS: usize> Sloped<POINTS> {
    /// The same value by the raw points, from slopes by the scores of `model` there; 0 for ensembles, whose
    /// scores are constant almost everywhere.
    pub fn at_points(&self, model: &Model, points: [&[f64]; POINTS]) -> Self {
        let slopes = std::array::from_fn(|i| raw_slopes(model, points[i], &self.slopes[i]));
        Self { value: self.value, slopes }
    }
}

/// Score of class 1 minus that of class 0, as [`Model::margin`].
pub(super) fn margin(scores: &[f64]) -> f64 {
    match scores {
        [first, second, ..] => second - first,
        [only] => *only,
        [] => f64::NAN,
    }
}

/// `factor · ∂m/∂scores`, with two classes.
pub(super) fn margin_row(factor: f64) -> Vec<f64> {
    vec![-factor, factor]
}

/// The row of scores that gives the score of a class less the mean of the others: a smooth stand-in for its
/// margin, and the margin itself with two classes.
pub fn contrast(class: usize, classes: usize) -> Vec<f64> {
    let share = -1.0 / (classes - 1) as f64;
    (0..classes).map(|k| if k == class { 1.0 } else { share }).collect()
}

/// `∂m/∂x` in raw units, with two classes; 0 for ensembles.
pub fn margin_slopes(model: &Model, raw: &[f64]) -> Vec<f64> {
    raw_slopes(model, raw, &margin_row(1.0))
}

/// `∂(row·scores)/∂x` at a raw point, in raw units: standardised slopes times the scales. 0 for ensembles.
fn raw_slopes(model: &Model, raw: &[f64], row: &[f64]) -> Vec<f64> {
    let Family::Mlp(mlp) = &model.family else { return vec![0.0; raw.len()] };
    let slopes = slopes(mlp, &model.schema.standardise(raw), row);
    slopes.iter().zip(model.schema.features()).map(|(g, f)| g * f64::from(f.scale)).collect()
}

/// `∂(row·logits)/∂z` at a standardised point, in floats.
pub fn slopes(mlp: &Mlp, standardised: &[f64], row: &[f64]) -> Vec<f64> {
    let mut activations = vec![standardised.to_vec()];
    for layer in &mlp.layers {
        let inputs = &activations[activations.len() - 1];
        let dot = |weights: &[f64]| weights.iter().zip(inputs).map(|(w, x)| w * x).sum::<f64>();
        let outputs = layer.rows().zip(&layer.bias).map(|(w, b)| (dot(w) + b).max(0.0)).collect();
        activations.push(outputs);
    }
    let mut gradient = row.to_vec();
    for (index, layer) in mlp.layers.iter().enumerate().rev() {
        let mut below = vec![0.0; layer.inputs];
        for (weights, g) in layer.rows().zip(&gradient) {
            for (sum, w) in below.iter_mut().zip(weights) {
                *sum += g * w;
            }
        }
        if index > 0 {
            for (g, h) in below.iter_mut().zip(&activations[index]) {
                if *h <= 0.0 {
                    *g = 0.0;
                }
            }
        }
        gradient = below;
    }
    gradient
}
