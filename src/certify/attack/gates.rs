//! The slope of a network along one input, made smooth: the slope itself is constant between the kinks, so that
//! nothing tells where it grows.
//!
//! Every relu is replaced by a softplus of temperature `τ`, whose slope is the gate `g = σ(z/τ)`. With `t` the
//! derivative along the input, layer by layer
//!
//! ```text
//! z = W·h + b     s = W·t     h′ = relu(z)     t′ = g·s         slope = row·t at the output
//! ```
//!
//! and one pass back, with `p` the derivative of the slope by `h` and `q` that by `t`, gives its derivative by the
//! inputs: that by `s` is `g·q`, and that by `z` is `g·p + g·(1 − g)/τ·s·q`. Values stay those of the network itself.

use crate::model::{Layer, Mlp};

/// The derivative, by each standardised input, of the smoothed slope of `row · logits` along input `along`.
/// `temperature` is in units of the mean size of a layer's pre-activations; above 0.
pub(super) fn bend(
    mlp: &Mlp,
    point: &[f64],
    row: &[f64],
    along: usize,
    temperature: f64,
) -> Vec<f64> {
    let mut h = point.to_vec();
    let mut t: Vec<f64> = (0..h.len()).map(|i| f64::from(u8::from(i == along))).collect();
    let mut passed = Vec::with_capacity(mlp.layers.len());
    let hidden = mlp.layers.len().saturating_sub(1);
    for layer in mlp.layers.iter().take(hidden) {
        let z: Vec<f64> = through(layer, &h).zip(&layer.bias).map(|(z, b)| z + b).collect();
        let s: Vec<f64> = through(layer, &t).collect();
        let size = z.iter().map(|z| z.abs()).sum::<f64>() / z.len().max(1) as f64;
        let heat = temperature * size + f64::MIN_POSITIVE;
        let gates: Vec<f64> = z.iter().map(|z| 1.0 / (1.0 + (-z / heat).exp())).collect();
        h = z.iter().map(|z| z.max(0.0)).collect();
        t = gates.iter().zip(&s).map(|(g, s)| g * s).collect();
        passed.push((gates, s, heat));
    }
    let (mut p, mut q) = (vec![0.0; h.len()], vec![0.0; h.len()]);
    if let Some(last) = mlp.layers.last() {
        q = back(last, row);
    }
    for (layer, (gates, s, heat)) in mlp.layers.iter().zip(&passed).rev() {
        let by_slope: Vec<f64> = gates.iter().zip(&q).map(|(g, q)| g * q).collect();
        let bends = gates.iter().zip(s).zip(&q).map(|((g, s), q)| g * (1.0 - g) / heat * s * q);
        let by_value: Vec<f64> =
            gates.iter().zip(&p).zip(bends).map(|((g, p), b)| g * p + b).collect();
        (p, q) = (back(layer, &by_value), back(layer, &by_slope));
    }
    p
}

/// `W·h`
fn through<'a>(layer: &'a Layer, h: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    layer.rows().map(move |row| row.iter().zip(h).map(|(w, x)| w * x).sum())
}

/// `a·W`
fn back(layer: &Layer, a: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; layer.inputs];
    for (a, row) in a.iter().zip(layer.rows()) {
        sums.iter_mut().zip(row).for_each(|(sum, w)| *sum += a * w);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One neuron `relu(x + y)` read with weight 2: the slope along `x` is `2·g`, which grows with both inputs by
    /// `2·g·(1 − g)/τ`; at `x + y = 1` and temperature 1, `τ` is 1.
    #[test]
    fn the_bend_of_one_neuron_is_that_of_its_gate() {
        let first = Layer { weights: vec![1.0, 1.0], bias: vec![0.0], inputs: 2 };
        let second = Layer { weights: vec![2.0], bias: vec![0.0], inputs: 1 };
        let mlp = Mlp { layers: vec![first, second] };
        let gate = 1.0 / (1.0 + (-1.0_f64).exp());
        let expected = 2.0 * gate * (1.0 - gate);
        for found in bend(&mlp, &[0.25, 0.75], &[1.0], 0, 1.0) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
    }

    /// Where a second neuron is steeper and off, the way to it raises the slope.
    #[test]
    fn the_bend_leads_to_where_the_slope_is_larger() {
        let weights = vec![1.0, 0.0, 3.0, 1.0];
        let first = Layer { weights, bias: vec![5.0, -0.5], inputs: 2 };
        let second = Layer { weights: vec![1.0, 1.0], bias: vec![0.0], inputs: 2 };
        let mlp = Mlp { layers: vec![first, second] };
        let found = bend(&mlp, &[0.0, 0.0], &[1.0], 0, 0.3);
        assert!(found[1] > 0.0, "{found:?}");
        let falling = bend(&mlp, &[0.0, 0.0], &[-1.0], 0, 0.3);
        assert!(falling[1] < 0.0, "{falling:?}");
    }
}
