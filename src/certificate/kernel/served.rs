//! The most that a served f32 copy may lose: an a-priori allowance per score, valid for every order of
//! summation, with or without fused operations or flush-to-zero.
//!
//! With `u = 2⁻²⁴`, `η = 2⁻¹²⁶`, fan-in `n` and a magnitude bound `M` of a layer's inputs:
//!
//! ```text
//! e⁰ = γ₃·scale·(max|x| + |mean|) + (2 + scale)·η
//! eˡ = |W|·eˡ⁻¹ + γ_{n+1}·(|W|·(M + eˡ⁻¹) + |b|) + (n + 1)·η
//! ```
//!
//! The result is `None` if an intermediate result could overflow, or if a stored number is subnormal.

use crate::interval::{Interval, gamma_f32, magnitudes, product_up, sum_up};
use crate::model::{Ensemble, Layer, Mlp, Node, Schema};
use crate::spec::RawRegion;

use crate::certificate::Hidden;

/// The smallest normal f32.
const ETA: f64 = f32::MIN_POSITIVE as f64;

/// 2¹²⁷: twice below overflow.
fn overflow() -> f64 {
    2f64.powi(127)
}

fn is_normal_f32(value: f64) -> bool {
    value == 0.0 || (value.abs() >= ETA && f64::from(value as f32) == value)
}

/// The allowance of each logit of a network over a region.
pub(super) fn network_allowance(
    mlp: &Mlp,
    schema: &Schema,
    region: &RawRegion,
    hidden: &Hidden,
) -> Option<Vec<f64>> {
    let mut errors = standardisation_errors(schema, region)?;
    let mut sizes = magnitudes(hidden.input());
    let activations: Vec<&[Interval]> = hidden.activations().collect();
    for (index, layer) in mlp.layers.iter().enumerate() {
        if !layer.weights.iter().chain(&layer.bias).all(|&w| is_normal_f32(w)) {
            return None;
        }
        errors = layer_errors(layer, &sizes, &errors)?;
        if let Some(after) = activations.get(index) {
            sizes = magnitudes(after);
        }
    }
    Some(errors)
}

fn standardisation_errors(schema: &Schema, region: &RawRegion) -> Option<Vec<f64>> {
    let gamma = gamma_f32(3);
    let error = |(feature, (low, high)): (&crate::model::FeatureSpec, &_)| {
        let low: &crate::interval::Rational = low;
        let high: &crate::interval::Rational = high;
        let (mean, scale) = (f64::from(feature.mean), f64::from(feature.scale));
        if !is_normal_f32(mean) || !is_normal_f32(scale) {
            return None;
        }
        let raw = Interval::new(low.down(), high.up())?.magnitude();
        let sum = sum_up([raw, mean.abs()]);
        let inner = product_up(sum, 1.0 + 2.0 * gamma);
        let product = product_up(scale, inner);
        if !(inner < overflow() && sum_up([product, 3.0 * ETA]) < overflow()) {
            return None;
        }
        let relative = product_up(gamma, product_up(scale, sum));
        Some(sum_up([relative, product_up(sum_up([2.0, scale]), ETA)]))
    };
    schema
        .features()
        .iter()
        .zip(region.sides())
        .map(|(f, (low, high))| error((f, &(low.clone(), high.clone()))))
        .collect()
}

fn layer_errors(layer: &Layer, sizes: &[f64], errors: &[f64]) -> Option<Vec<f64>> {
    let gamma = gamma_f32(layer.inputs + 1);
    let underflow = product_up((layer.inputs + 1) as f64, ETA);
    let row_error = |(row, bias): (&[f64], &f64)| {
        let carried = sum_up(row.iter().zip(errors).map(|(w, &e)| product_up(w.abs(), e)));
        let reach = row.iter().zip(sizes.iter().zip(errors));
        let terms = reach.map(|(w, (&m, &e))| product_up(w.abs(), sum_up([m, e])));
        let total = sum_up(terms.chain([bias.abs()]));
        let guard = sum_up([product_up(sum_up([1.0, gamma]), total), underflow]);
        (guard < overflow()).then(|| sum_up([carried, product_up(gamma, total), underflow]))
    };
    layer.rows().zip(&layer.bias).map(row_error).collect()
}

/// The allowance of each output of an ensemble: `γ_T·S + T·η` with `S = |base| + Σ max|leaf|`.
pub(super) fn ensemble_allowance(ensemble: &Ensemble) -> Option<Vec<f64>> {
    let is_normal = |node: &Node| match node {
        Node::Split { threshold, .. } => is_normal_f32(*threshold),
        Node::Leaf(value) => is_normal_f32(*value),
    };
    if !ensemble.trees.iter().flat_map(|tree| &tree.nodes).all(is_normal) {
        return None;
    }
    let allowance = |(output, base): (usize, &f64)| {
        let own = || ensemble.trees.iter().filter(|tree| tree.output == output);
        let largest =
            own().map(|tree| tree.leaves().fold(0.0, |top: f64, leaf| top.max(leaf.abs())));
        let count = own().count();
        let gamma = gamma_f32(count);
        let total = sum_up(largest.chain([base.abs()]));
        let guard = product_up(sum_up([1.0, gamma]), total);
        let fits = is_normal_f32(*base) && guard < overflow();
        fits.then(|| sum_up([product_up(gamma, total), product_up(count as f64, ETA)]))
    };
    ensemble.base.iter().enumerate().map(allowance).collect()
}
