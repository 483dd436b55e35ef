//! The space of attacks: the floats inside a region, and the slopes of the model there.
//!
//! Points are raw. A gradient in raw units is the standardised gradient times the scales.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::model::{Family, FeatureSpec, Mlp, Model, Schema};
use crate::spec::RawRegion;

/// The largest box of floats inside a region, raw. A side without a float has `lo > hi`.
pub(in crate::certify) struct FloatBox {
    lo: Vec<f64>,
    hi: Vec<f64>,
    is_whole: Vec<bool>,
}

impl FloatBox {
    pub(in crate::certify) fn new(region: &RawRegion) -> Self {
        let lo = region.sides().iter().map(|(lo, _)| lo.up()).collect();
        let hi = region.sides().iter().map(|(_, hi)| hi.down()).collect();
        Self { lo, hi, is_whole: region.is_whole().to_vec() }
    }

    /// Moves a point to the nearest member of the box, whole where it must be.
    pub(in crate::certify) fn clip(&self, raw: &mut [f64]) {
        for (index, x) in raw.iter_mut().enumerate() {
            if self.is_whole[index] {
                *x = x.round();
            }
            // a side without a float is empty: any value is refused later
            *x = x.max(self.lo[index]).min(self.hi[index].max(self.lo[index])) + 0.0;
        }
    }

    /// The member nearest to a standardised point (of both copies, with two).
    pub(super) fn nearest(&self, schema: &Schema, standardised: &[f64]) -> Vec<f64> {
        let features = schema.features().iter().cycle().zip(standardised);
        let raw = |(f, z): (&FeatureSpec, &f64)| z / f64::from(f.scale) + f64::from(f.mean);
        let mut point = features.map(raw).collect::<Vec<_>>();
        self.clip(&mut point);
        point
    }

    /// Per coordinate, true if it takes whole numbers only.
    pub(super) fn is_whole(&self) -> &[bool] {
        &self.is_whole
    }

    pub(super) fn lo(&self) -> &[f64] {
        &self.lo
    }

    pub(super) fn hi(&self) -> &[f64] {
        &self.hi
    }

    pub(in crate::certify) fn middle(&self) -> Vec<f64> {
        let ends = self.lo.iter().zip(&self.hi);
        let mut middle: Vec<f64> = ends.map(|(lo, hi)| lo + (hi - lo) / 2.0).collect();
        self.clip(&mut middle);
        middle
    }

    /// A random point of the box, each coordinate on its own.
    pub(super) fn random(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let ends = self.lo.iter().zip(&self.hi);
        let mut point: Vec<f64> =
            ends.map(|(lo, hi)| lo + (hi - lo) * rng.random::<f64>()).collect();
        self.clip(&mut point);
        point
    }
}

/// One Newton step towards `m = target`, clipped.
pub(super) fn step_towards(model: &Model, space: &FloatBox, point: &mut [f64], target: f64) {
    let (margin, gradient) = (model.margin(point), raw_slopes(model, point));
    let square: f64 = gradient.iter().map(|g| g * g).sum();
    if square > 0.0 {
        for (x, g) in point.iter_mut().zip(&gradient) {
            *x -= (margin - target) * g / square;
        }
        space.clip(point);
    }
}

/// `∂m/∂x` in raw units; 0 for ensembles.
pub(super) fn raw_slopes(model: &Model, point: &[f64]) -> Vec<f64> {
    let Family::Mlp(mlp) = &model.family else { return vec![0.0; point.len()] };
    let slopes = slopes(mlp, &model.schema.standardise(point), &[-1.0, 1.0]);
    slopes.iter().zip(model.schema.features()).map(|(g, f)| g * f64::from(f.scale)).collect()
}

/// `∂(row·logits)/∂z` at a standardised point, in floats.
pub(in crate::certify) fn slopes(mlp: &Mlp, standardised: &[f64], row: &[f64]) -> Vec<f64> {
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
