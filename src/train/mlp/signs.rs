//! Monotone networks by construction: signs of weights along the paths of some features (Sill 1997).
//!
//! ```text
//! units    half of each hidden layer rises with every such feature; the others do not see them
//! first    rising units: weight >= 0 by a rising feature, <= 0 by a falling one; others: 0
//! hidden   rising from rising: weight >= 0; others from rising: 0; from the others: any
//! last     class 1 less class 0 from rising: weight >= 0
//! ```
//!
//! A sum of non-negative products rises, so the margin does, wherever; other features enter as they like. Weights are
//! put back after every step. That the stored network is monotone is for the kernel to say.

use ndarray::NdFloat;

use crate::model::Feature;
use crate::spec::Direction;

use super::network::{FloatNetwork, float};

/// The directions of features, per input: 1, −1, or 0 for any.
#[derive(Clone, Debug, Default)]
pub(super) struct WeightSigns {
    inputs: Vec<i8>,
}

impl WeightSigns {
    /// The signs for these features of `inputs` ones; none: any weights.
    pub(super) fn of<'a>(
        directions: impl IntoIterator<Item = (&'a Feature, &'a Direction)>,
        inputs: usize,
    ) -> Self {
        let mut signs = vec![0; inputs];
        for (feature, direction) in directions {
            if let Some(sign) = signs.get_mut(feature.0) {
                *sign = match direction {
                    Direction::Increasing => 1,
                    Direction::Decreasing => -1,
                };
            }
        }
        let is_any = signs.iter().all(|sign| *sign == 0);
        Self { inputs: if is_any { Vec::new() } else { signs } }
    }

    /// Makes initial weights fit: those with the wrong sign change it, at half the size.
    pub(super) fn begin<F: NdFloat>(&self, network: &mut FloatNetwork<F>) {
        self.each(network, |w, sign| {
            let half = float::<F>(0.5) * w.abs();
            if sign > 0 { half } else { -half }
        });
    }

    /// Puts weights back: those with the wrong sign become 0.
    pub(super) fn project<F: NdFloat>(&self, network: &mut FloatNetwork<F>) {
        self.each(network, |w, sign| {
            let is_fit = if sign > 0 { w > F::zero() } else { w < F::zero() };
            if is_fit { w } else { F::zero() }
        });
    }

    /// Changes the weights that have a sign, and sets those to 0 that must not be.
    fn each<F: NdFloat>(&self, network: &mut FloatNetwork<F>, signed: impl Fn(F, i8) -> F) {
        if self.inputs.is_empty() {
            return;
        }
        let last = network.layers.len() - 1;
        let mut below = self.inputs.clone();
        for (index, layer) in network.layers.iter_mut().enumerate() {
            let outputs = layer.bias.len();
            let own: Vec<i8> = match index == last {
                // the score of class 0 falls
                true => vec![-1, 1],
                false => (0..outputs).map(|unit| i8::from(2 * unit < outputs)).collect(),
            };
            for (i, own) in own.iter().enumerate() {
                for (k, below) in below.iter().enumerate().filter(|(_, below)| **below != 0) {
                    let w = &mut layer.weights[[i, k]];
                    *w = if *own == 0 { F::zero() } else { signed(*w, own * below) };
                }
            }
            below = own;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn signs() -> WeightSigns {
        let directions = [(Feature(0), Direction::Increasing), (Feature(2), Direction::Decreasing)];
        WeightSigns::of(directions.iter().map(|(f, d)| (f, d)), 4)
    }

    #[test]
    fn the_margin_moves_as_it_should_wherever() {
        for (seed, widths) in [(1, &[4, 2][..]), (2, &[4, 9, 2]), (3, &[4, 8, 6, 2])] {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut network = FloatNetwork::<f64>::he_uniform(widths, &mut rng);
            network.layers.iter_mut().for_each(|layer| {
                layer.bias.mapv_inplace(|_| rng.random_range(-0.5..0.5));
            });
            signs().begin(&mut network);
            let mlp = network.to_mlp();
            let mut moved = [0.0f64; 4];
            for _ in 0..200 {
                let point: Vec<f64> = (0..4).map(|_| rng.random_range(-3.0..3.0)).collect();
                let slopes = crate::violation::slopes(&mlp, &point, &[-1.0, 1.0]);
                assert!(slopes[0] >= 0.0 && slopes[2] <= 0.0, "{slopes:?}");
                moved.iter_mut().zip(&slopes).for_each(|(most, s)| *most = most.max(s.abs()));
            }
            assert!(moved.iter().all(|most| *most > 0.0), "{widths:?}: {moved:?}");
        }
    }

    #[test]
    fn what_fits_stays_and_the_rest_is_0() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut network = FloatNetwork::<f32>::he_uniform(&[4, 6, 2], &mut rng);
        signs().begin(&mut network);
        let begun = network.clone();
        signs().project(&mut network);
        assert_eq!(network, begun);
        network.layers[0].weights[[0, 0]] = -1.0;
        network.layers[0].weights[[0, 1]] = -1.0;
        signs().project(&mut network);
        assert_eq!(network.layers[0].weights[[0, 0]], 0.0);
        assert_eq!(network.layers[0].weights[[0, 1]], -1.0);
    }

    #[test]
    fn without_directions_nothing_changes() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let network = FloatNetwork::<f32>::he_uniform(&[4, 6, 2], &mut rng);
        let mut same = network.clone();
        WeightSigns::of([], 4).begin(&mut same);
        assert_eq!(same, network);
    }
}
