//! The neuron that keeps a gradient wide.
//!
//! If the sign of a neuron is open, its slope is anything in `[0, 1]`. It widens the gradient's interval by at
//! most the product of two factors: the slope from the output down to the neuron, and the slope from the
//! neuron down to the inputs.

use crate::certificate::Hidden;
use crate::interval::Interval;
use crate::model::Mlp;

/// The neurons with an open sign that widen `∂(row · logits)` along `directions`, approximately the widest first:
/// layer and number. `directions` weigh the inputs.
pub(super) fn widest_slopes(
    mlp: &Mlp,
    hidden: &Hidden,
    row: &[f64],
    directions: &[f64],
) -> Vec<(usize, usize)> {
    let bounds: Vec<&[Interval]> = hidden.layers().collect();
    let from_output = largest_slopes(mlp, &bounds, row);
    let from_inputs = largest_reach(mlp, &bounds, directions);
    let mut gains = Vec::new();
    for (layer, own) in bounds.iter().enumerate() {
        for (neuron, z) in own.iter().enumerate() {
            let gain = from_output[layer][neuron] * from_inputs[layer][neuron];
            if z.lo() < 0.0 && z.hi() > 0.0 && gain > 0.0 {
                gains.push((gain, (layer, neuron)));
            }
        }
    }
    gains.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    gains.into_iter().map(|(_, neuron)| neuron).collect()
}

/// Per hidden layer and neuron, the largest slope of the row by the neuron's output, in floats.
fn largest_slopes(mlp: &Mlp, bounds: &[&[Interval]], row: &[f64]) -> Vec<Vec<f64>> {
    let mut all = vec![Vec::new(); bounds.len()];
    let mut slopes: Vec<(f64, f64)> = row.iter().map(|c| (*c, *c)).collect();
    for (layer, affine) in mlp.layers.iter().enumerate().skip(1).rev() {
        let mut below = vec![(0.0, 0.0); affine.inputs];
        for ((low, high), weights) in slopes.iter().zip(affine.rows()) {
            for (sum, w) in below.iter_mut().zip(weights) {
                let (a, b) = if *w >= 0.0 { (low * w, high * w) } else { (high * w, low * w) };
                *sum = (sum.0 + a, sum.1 + b);
            }
        }
        all[layer - 1] = below.iter().map(|(low, high)| low.abs().max(high.abs())).collect();
        let through = |(slope, z): (&(f64, f64), &Interval)| match (z.lo() >= 0.0, z.hi() <= 0.0) {
            (true, _) => *slope,
            (_, true) => (0.0, 0.0),
            _ => (slope.0.min(0.0), slope.1.max(0.0)),
        };
        slopes = below.iter().zip(bounds[layer - 1]).map(through).collect();
    }
    all
}

/// Per hidden layer and neuron, the largest slope of the neuron's input along the directions, in floats.
fn largest_reach(mlp: &Mlp, bounds: &[&[Interval]], directions: &[f64]) -> Vec<Vec<f64>> {
    let mut all = Vec::with_capacity(bounds.len());
    let mut reach = directions.to_vec();
    for (affine, own) in mlp.layers.iter().zip(bounds) {
        let sum = |weights: &[f64]| weights.iter().zip(&reach).map(|(w, r)| (w * r).abs()).sum();
        let next: Vec<f64> = affine.rows().map(sum).collect();
        let is_off = |z: &Interval| z.hi() <= 0.0;
        reach = next.iter().zip(*own).map(|(r, z)| if is_off(z) { 0.0 } else { *r }).collect();
        all.push(next);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Network;
    use crate::interval::Rounded;
    use crate::model::Layer;

    /// The second neuron is three times as steep, the third is always on, the fourth does not see the input.
    #[test]
    fn the_steepest_open_neuron_is_found() {
        let weights = vec![1.0, 0.0, 3.0, 0.0, 9.0, 0.0, 0.0, 9.0];
        let first = Layer { weights, bias: vec![0.0, 0.0, 20.0, 0.0], inputs: 2 };
        let second = Layer { weights: vec![1.0; 4], bias: vec![0.0], inputs: 4 };
        let mlp = Mlp { layers: vec![first, second] };
        let input = vec![Interval::new(-1.0, 1.0).unwrap(); 2];
        let hidden = Network::<Rounded>::new(&mlp).linear_bounds(&input).unwrap();
        let widest = |row, directions: [f64; 2]| widest_slopes(&mlp, &hidden, &[row], &directions);
        assert_eq!(widest(1.0, [1.0, 0.0]), [(0, 1), (0, 0)]);
        assert_eq!(widest(1.0, [0.0, 1.0]), [(0, 3)]);
        assert_eq!(widest(0.0, [1.0, 0.0]), []);
    }
}
