//! Adam (Kingma and Ba 2015, algorithm 1).
//!
//! ```text
//! m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²
//! θ ← θ − rate · m̂ / (√v̂ + ε),   m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
//! ```

use ndarray::NdFloat;

use super::network::{FloatNetwork, float};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// First and second moments of the gradients seen so far.
pub(crate) struct Adam<F> {
    first: FloatNetwork<F>,
    second: FloatNetwork<F>,
    steps: i32,
}

impl<F: NdFloat> Adam<F> {
    /// All moments are zero, before the first step.
    pub(crate) fn new(network: &FloatNetwork<F>) -> Self {
        Self { first: network.zeros_like(), second: network.zeros_like(), steps: 0 }
    }

    /// The state after so many steps.
    pub(super) fn resumed([first, second]: [FloatNetwork<F>; 2], steps: u64) -> Self {
        Self { first, second, steps: i32::try_from(steps).unwrap_or(i32::MAX) }
    }

    /// First and second moments.
    pub(super) fn moments(&self) -> [&FloatNetwork<F>; 2] {
        [&self.first, &self.second]
    }

    /// Moves `network` against `gradient`.
    pub(crate) fn step(
        &mut self,
        network: &mut FloatNetwork<F>,
        gradient: &FloatNetwork<F>,
        rate: f64,
    ) {
        self.steps = self.steps.saturating_add(1);
        let (beta_1, beta_2, epsilon) = (float::<F>(BETA_1), float::<F>(BETA_2), float(EPSILON));
        let (keep_1, keep_2) = (F::one() - beta_1, F::one() - beta_2);
        let rate = float::<F>(rate / (1.0 - BETA_1.powi(self.steps)));
        let unbias: F = float((1.0 - BETA_2.powi(self.steps)).sqrt().recip());
        let moments = self.first.tensors_mut().zip(self.second.tensors_mut());
        for ((weights, gradient), (first, second)) in
            network.tensors_mut().zip(gradient.tensors()).zip(moments)
        {
            for (((w, &g), m), v) in weights.iter_mut().zip(gradient).zip(first).zip(second) {
                *m = flushed(beta_1 * *m + keep_1 * g);
                *v = flushed(beta_2 * *v + keep_2 * g * g);
                *w -= rate * *m / (v.sqrt() * unbias + epsilon);
            }
        }
    }
}

/// Zero instead of a subnormal. Otherwise the moments of a dead unit would shrink into the subnormals and
/// stay there, where arithmetic is a hundred times slower.
fn flushed<F: NdFloat>(x: F) -> F {
    if x.abs() < F::min_positive_value() { F::zero() } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn network() -> FloatNetwork<f64> {
        FloatNetwork::he_uniform(&[2, 3, 2], &mut ChaCha8Rng::seed_from_u64(1))
    }

    fn values(network: &FloatNetwork<f64>) -> Vec<f64> {
        network.tensors().flatten().copied().collect()
    }

    #[test]
    fn the_first_step_is_the_rate_against_the_sign() {
        let mut moved = network();
        let gradient = network();
        Adam::new(&moved).step(&mut moved, &gradient, 0.01);
        for ((after, before), g) in
            values(&moved).iter().zip(values(&network())).zip(values(&gradient))
        {
            let step = if g == 0.0 { 0.0 } else { -0.01 * g.signum() };
            assert!((after - before - step).abs() < 1e-8);
        }
    }

    #[test]
    fn steps_follow_the_published_algorithm() {
        let (mut moved, mut adam) = (network(), Adam::new(&network()));
        let mut expected: Vec<[f64; 3]> =
            values(&moved).into_iter().map(|w| [w, 0.0, 0.0]).collect();
        for t in 1..=20 {
            // Of the loss Σ w²/2: the gradient is the network itself.
            let gradient = moved.clone();
            adam.step(&mut moved, &gradient, 0.1);
            for [w, m, v] in &mut expected {
                let g = *w;
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.999 * *v + 0.001 * g * g;
                let (m_hat, v_hat) = (*m / (1.0 - 0.9f64.powi(t)), *v / (1.0 - 0.999f64.powi(t)));
                *w -= 0.1 * m_hat / (v_hat.sqrt() + 1e-8);
            }
        }
        let found = values(&moved);
        assert!(found.iter().zip(&expected).all(|(w, [e, ..])| (w - e).abs() < 1e-10));
    }

    #[test]
    fn moments_of_a_dead_unit_reach_zero() {
        let mut network =
            FloatNetwork::<f32>::he_uniform(&[1, 1], &mut ChaCha8Rng::seed_from_u64(0));
        let mut adam = Adam::new(&network);
        let gradient = network.clone();
        adam.step(&mut network, &gradient, 0.1);
        let none = network.zeros_like();
        (0..1000).for_each(|_| adam.step(&mut network, &none, 0.1));
        assert!(adam.first.tensors().flatten().all(|m| *m == 0.0));
    }
}
