//! MixMatch (Berthelot et al. 2019): learns from labelled points and from further points without a label.
//!
//! ```text
//! for u without a label:  q = mean of S over K augmentations of u;   q_c ← q_c^{1/T} / Σ
//! mix:  l ~ Beta(a, a), l ← max(l, 1 − l);   x ← l·x + (1 − l)·x̃,  q ← l·q + (1 − l)·q̃
//!       partners x̃ from the shuffled union of both sets
//! loss  cross-entropy on the labelled part + λᵤ · mean squared difference on the other
//! ```
//!
//! λᵤ rises linearly from 0 over the first half of training. Augmentation: Gaussian noise, and with it a step along
//! the sign of the input gradient of the loss, as the Jacobian generator takes (networks only). Trees have no gradient by soft
//! labels: they learn from mixed points as weighted duplicates of each class, after one round of guessing.

use ndarray::{Array2, Axis, NdFloat, concatenate};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::train::mlp::{Adam, FloatNetwork, Schedule, float};

use super::soft::{cross_entropy_by_logits, gradient, posteriors, slopes, softmax_rows};

/// The augmentation of points without a label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Augmentation {
    /// Gaussian noise.
    #[default]
    Noise,
    /// Noise, then a step along the sign of the gradient (networks).
    Gradient,
}

/// The settings of MixMatch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct MixMatchOptions {
    /// K: augmentations per point. The paper of the attack prints 200; the method's own paper has 2.
    pub augmentations: usize,
    /// T: the sharpening.
    pub temperature: f64,
    /// a: of the Beta distribution of the mixture.
    pub alpha: f64,
    /// λᵤ: weight of the points without a label.
    pub weight: f64,
    /// The augmentation.
    pub augment: Augmentation,
    /// Standard deviation of the noise, and length of the gradient step; standardised units.
    pub noise: f64,
}

impl Default for MixMatchOptions {
    fn default() -> Self {
        Self {
            augmentations: 2,
            temperature: 0.5,
            alpha: 0.75,
            weight: 10.0,
            augment: Augmentation::Noise,
            noise: 0.1,
        }
    }
}

/// Points with soft labels, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SoftRows<F> {
    pub(super) inputs: Array2<F>,
    pub(super) labels: Array2<F>,
}

/// The share of each row in its mixture, and the partner of each row.
struct Mixing<F> {
    shares: Vec<F>,
    partners: Vec<usize>,
}

impl<F: NdFloat> Mixing<F> {
    fn draw(rows: usize, alpha: f64, rng: &mut impl Rng) -> Self {
        let mut partners: Vec<usize> = (0..rows).collect();
        partners.shuffle(rng);
        // alpha is positive and finite, as the attack's file was checked
        let beta = Beta::new(alpha, alpha).ok();
        let mut share = || {
            let l: f64 = beta.as_ref().map_or(1.0, |beta| beta.sample(rng));
            float(l.max(1.0 - l))
        };
        Self { shares: (0..rows).map(|_| share()).collect(), partners }
    }

    fn apply(&self, values: &Array2<F>) -> Array2<F> {
        let mut mixed = values.select(Axis(0), &self.partners);
        for ((mut row, own), &l) in
            mixed.rows_mut().into_iter().zip(values.rows()).zip(&self.shares)
        {
            row.zip_mut_with(&own, |x, &y| *x = l * y + (F::one() - l) * *x);
        }
        mixed
    }
}

impl<F: NdFloat> SoftRows<F> {
    /// Mixes each row with another of the same table.
    pub(super) fn mixed(&self, alpha: f64, rng: &mut impl Rng) -> Self {
        let mixing = Mixing::draw(self.inputs.nrows(), alpha, rng);
        Self { inputs: mixing.apply(&self.inputs), labels: mixing.apply(&self.labels) }
    }

    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let (inputs, labels) = (&self.inputs, &self.labels);
        Self { inputs: inputs.select(Axis(0), rows), labels: labels.select(Axis(0), rows) }
    }

    /// The rows of both tables.
    pub(super) fn followed_by(&self, other: &Self) -> Self {
        let join = |a: &Array2<F>, b: &Array2<F>| {
            concatenate(Axis(0), &[a.view(), b.view()]).expect("both have the same columns")
        };
        Self {
            inputs: join(&self.inputs, &other.inputs),
            labels: join(&self.labels, &other.labels),
        }
    }
}

/// `q_c^{1/T} / Σ` in each row.
pub(super) fn sharpen<F: NdFloat>(posteriors: &mut Array2<F>, temperature: f64) {
    let power = float::<F>(1.0 / temperature);
    for mut row in posteriors.rows_mut() {
        row.mapv_inplace(|q| q.powf(power));
        let total = row.sum();
        row.mapv_inplace(|q| q / total);
    }
}

/// Points moved by Gaussian noise.
pub(super) fn shaken<F: NdFloat>(
    inputs: &Array2<F>,
    noise: f64,
    rng: &mut ChaCha8Rng,
) -> Array2<F> {
    let mut draw = || -> f64 { StandardNormal.sample(rng) };
    inputs.mapv(|x| x + float(noise * draw()))
}

/// Fits to soft labels alone, by the loss whose derivatives by the logits are given.
pub(super) fn fit<F: NdFloat>(
    network: &mut FloatNetwork<F>,
    rows: &SoftRows<F>,
    by_logits: fn(&Array2<F>, &Array2<F>) -> Array2<F>,
    plan: &Schedule,
    rng: &mut ChaCha8Rng,
) {
    let mut adam = Adam::new(network);
    let mut batches = Batches::new(rows.inputs.nrows(), plan.batch);
    for done in 0..plan.steps {
        let batch = rows.select(batches.next(rng));
        let gradient = gradient(network, &batch.inputs, |logits| by_logits(logits, &batch.labels));
        adam.step(network, &gradient, plan.rate(done));
    }
}

/// The loop described at the top of this module.
pub(super) fn fit_mixed<F: NdFloat>(
    network: &mut FloatNetwork<F>,
    labelled: &SoftRows<F>,
    unlabelled: &Array2<F>,
    options: &MixMatchOptions,
    plan: &Schedule,
    rng: &mut ChaCha8Rng,
) {
    let mut adam = Adam::new(network);
    let mut batches = Batches::new(labelled.inputs.nrows(), plan.batch);
    let mut further = Batches::new(unlabelled.nrows(), plan.batch);
    for done in 0..plan.steps {
        let own = labelled.select(batches.next(rng));
        let points = unlabelled.select(Axis(0), further.next(rng));
        let guessed = guess(network, &points, options, rng);
        let mixed = own.followed_by(&guessed).mixed(options.alpha, rng);
        let ramp = (2.0 * done as f64 / plan.steps as f64).min(1.0);
        let (labelled, weight) = (own.inputs.nrows(), options.weight * ramp);
        let by_logits = |logits: &_| mixed_by_logits(logits, &mixed.labels, labelled, weight);
        let gradient = gradient(network, &mixed.inputs, by_logits);
        adam.step(network, &gradient, plan.rate(done));
    }
}

/// All augmentations of the points, each with the sharpened mean of the posteriors at its point.
fn guess<F: NdFloat>(
    network: &FloatNetwork<F>,
    points: &Array2<F>,
    options: &MixMatchOptions,
    rng: &mut ChaCha8Rng,
) -> SoftRows<F> {
    let copies: Vec<Array2<F>> = (0..options.augmentations)
        .map(|_| {
            let shaken = shaken(points, options.noise, rng);
            match options.augment {
                Augmentation::Noise => shaken,
                Augmentation::Gradient => climbed(network, &shaken, options.noise),
            }
        })
        .collect();
    let mut mean = Array2::zeros((points.nrows(), 0));
    for copy in &copies {
        let posteriors = posteriors(network, copy);
        mean = if mean.ncols() == 0 { posteriors } else { mean + posteriors };
    }
    mean.mapv_inplace(|q| q / float(copies.len() as f64));
    sharpen(&mut mean, options.temperature);
    let mut all = SoftRows { inputs: copies[0].clone(), labels: mean.clone() };
    for copy in &copies[1..] {
        all = all.followed_by(&SoftRows { inputs: copy.clone(), labels: mean.clone() });
    }
    all
}

/// Points after one step along the signs of the gradient of the loss of the network's own label.
fn climbed<F: NdFloat>(network: &FloatNetwork<F>, points: &Array2<F>, length: f64) -> Array2<F> {
    let own_label = |logits: &Array2<F>| {
        let mut labels = Array2::zeros(logits.raw_dim());
        for (mut label, row) in labels.rows_mut().into_iter().zip(logits.rows()) {
            let better = |best: usize, c: usize| if row[c] > row[best] { c } else { best };
            label[(0..row.len()).fold(0, better)] = F::one();
        }
        cross_entropy_by_logits(logits, &labels)
    };
    let slopes = slopes(network, points, own_label);
    let sign = |g: F| if g == F::zero() { F::zero() } else { g.signum() };
    let mut moved = points.clone();
    moved.zip_mut_with(&slopes, |x, &g| *x += float::<F>(length) * sign(g));
    moved
}

/// The derivatives of the loss by the logits: mean cross-entropy on the first `labelled` rows, `weight` times the
/// mean squared difference of the softmax on the others.
fn mixed_by_logits<F: NdFloat>(
    logits: &Array2<F>,
    labels: &Array2<F>,
    labelled: usize,
    weight: f64,
) -> Array2<F> {
    let mut delta = logits.clone();
    softmax_rows(&mut delta);
    let (rows, classes) = logits.dim();
    let own = float::<F>(labelled.max(1) as f64);
    let factor = float::<F>(2.0 * weight / ((rows - labelled).max(1) * classes) as f64);
    for (index, (mut p, q)) in delta.rows_mut().into_iter().zip(labels.rows()).enumerate() {
        if index < labelled {
            p.zip_mut_with(&q, |p, &q| *p = (*p - q) / own);
        } else {
            // ∂/∂z_j Σ(p − q)² = 2 p_j ((p_j − q_j) − Σ_k p_k (p_k − q_k))
            let mean = p.iter().zip(&q).fold(F::zero(), |sum, (&p, &q)| sum + p * (p - q));
            p.zip_mut_with(&q, |p, &q| *p = factor * *p * (*p - q - mean));
        }
    }
    delta
}

/// Shuffled batches of row numbers, epoch after epoch; the odd last one is dropped.
struct Batches {
    order: Vec<usize>,
    batch: usize,
    at: usize,
}

impl Batches {
    fn new(rows: usize, batch: usize) -> Self {
        Self { order: (0..rows).collect(), batch: batch.min(rows).max(1), at: rows }
    }

    fn next(&mut self, rng: &mut impl RngExt) -> &[usize] {
        if self.at + self.batch > self.order.len() {
            self.order.shuffle(rng);
            self.at = 0;
        }
        let from = self.at;
        self.at += self.batch;
        self.order.get(from..self.at).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_derivative_of_the_mixed_loss_is_its_slope() {
        let labels = array![[1.0, 0.0, 0.0], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]];
        let logits: Array2<f64> = array![[0.3, -0.2, 0.5], [1.0, 0.1, -0.4], [0.0, 0.7, 0.2]];
        let loss = |logits: &Array2<f64>| {
            let mut p = logits.clone();
            softmax_rows(&mut p);
            let entropy: f64 = -(0..3).map(|c| labels[[0, c]] * p[[0, c]].ln()).sum::<f64>();
            let squares: f64 = (1..3)
                .flat_map(|r| (0..3).map(move |c| (r, c)))
                .map(|at| (p[at] - labels[at]).powi(2))
                .sum();
            entropy + 7.0 * squares / 6.0
        };
        let found = mixed_by_logits(&logits, &labels, 1, 7.0);
        for (at, derivative) in found.indexed_iter() {
            let h = 1e-6;
            let (mut up, mut down) = (logits.clone(), logits.clone());
            up[at] += h;
            down[at] -= h;
            let difference = (loss(&up) - loss(&down)) / (2.0 * h);
            assert!((derivative - difference).abs() < 1e-8, "{at:?}: {derivative}, {difference}");
        }
    }

    #[test]
    fn mixing_keeps_sums_and_the_larger_share_is_the_rows_own() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let rows: SoftRows<f64> = SoftRows {
            inputs: array![[0.0], [1.0], [2.0], [3.0]],
            labels: array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]],
        };
        for _ in 0..50 {
            let mixed = rows.mixed(0.75, &mut rng);
            for (q, own) in mixed.labels.rows().into_iter().zip(rows.labels.rows()) {
                assert!((q.sum() - 1.0).abs() < 1e-12);
                assert!(q.iter().zip(&own).all(|(q, own)| (q - own).abs() <= 0.5));
            }
            assert!(mixed.inputs.iter().all(|x| (0.0..=3.0).contains(x)));
        }
    }

    #[test]
    fn sharpening_keeps_the_order_and_the_sum() {
        let mut q: Array2<f64> = array![[0.6, 0.4], [0.5, 0.5], [0.0, 1.0]];
        sharpen(&mut q, 0.5);
        assert!((q[[0, 0]] - 0.36 / 0.52).abs() < 1e-12);
        assert_eq!(q.row(1).to_vec(), [0.5, 0.5]);
        assert_eq!(q.row(2).to_vec(), [0.0, 1.0]);
    }
}
