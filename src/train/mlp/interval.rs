//! Interval bounds of a network on a box per row, and the loss of the worst outputs that they allow, with its
//! gradient (Gowal et al. 2019).
//!
//! A box is a centre `c` and a radius `r >= 0`. Through a layer and relu:
//!
//! ```text
//! c′ = W c + b,  r′ = |W| r,  l = relu(c′ − r′),  u = relu(c′ + r′),  c = (l + u)/2,  r = (u − l)/2
//! ```
//!
//! At the end the score of every other class less that of the row's own is bounded by one row of weights, the
//! difference of both, which is tighter than the difference of two bounds:
//!
//! ```text
//! d_k = (W_k − W_y) c + b_k − b_y + |W_k − W_y| r,      loss = ln(1 + Σ_{k≠y} e^{d_k + τ})
//! ```
//!
//! where the own score must win by more than `τ`. Nothing here is rigorous; models are certified afterwards.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, NdFloat, Zip};

use super::network::{Affine, FloatNetwork, add_columns, flat, flat_mut, float, sign, telling};

/// The results of a pass, per hidden layer, shape `[rows][outputs]`.
pub(super) struct IntervalTape<F> {
    /// Ends after relu.
    low: Vec<Array2<F>>,
    high: Vec<Array2<F>>,
    /// Centre and radius of the input and of each hidden layer.
    centre: Vec<Array2<F>>,
    radius: Vec<Array2<F>>,
    /// `|W|` of each hidden layer, shape `[outputs][inputs]`.
    sizes: Vec<Array2<F>>,
    /// `d_k`, shape `[rows][classes]`; 0 at the own class.
    excess: Array2<F>,
}

impl<F: NdFloat> IntervalTape<F> {
    /// Room for `rows` rows through `network`.
    pub(super) fn new(network: &FloatNetwork<F>, rows: usize) -> Self {
        let width = |layer: &Affine<F>| Array2::zeros((rows, layer.bias.len()));
        let hidden = &network.layers[..network.layers.len() - 1];
        let input = || std::iter::once(Array2::zeros((rows, network.inputs())));
        let arrays = || hidden.iter().map(width).collect::<Vec<_>>();
        Self {
            low: arrays(),
            high: arrays(),
            centre: input().chain(arrays()).collect(),
            radius: input().chain(arrays()).collect(),
            sizes: hidden.iter().map(|layer| Array2::zeros(layer.weights.raw_dim())).collect(),
            excess: width(&network.layers[hidden.len()]),
        }
    }

    /// Bounds the outputs on the boxes between `lo` and `hi`, shape `[rows][inputs]`.
    pub(super) fn forward(
        &mut self,
        network: &FloatNetwork<F>,
        [lo, hi]: [&Array2<F>; 2],
        labels: &[usize],
    ) {
        middle([lo, hi], &mut self.centre[0], &mut self.radius[0]);
        let last = network.layers.len() - 1;
        for (index, layer) in network.layers[..last].iter().enumerate() {
            let (low, high) = (&mut self.low[index], &mut self.high[index]);
            // `low` and `high` hold centre and radius first
            low.assign(&layer.bias);
            general_mat_mul(F::one(), &self.centre[index], &layer.weights.t(), F::one(), low);
            let sizes = &mut self.sizes[index];
            let weights = flat(&layer.weights);
            flat_mut(sizes).iter_mut().zip(weights).for_each(|(size, w)| *size = w.abs());
            general_mat_mul(F::one(), &self.radius[index], &sizes.t(), F::zero(), high);
            for (low, high) in flat_mut(low).iter_mut().zip(flat_mut(high)) {
                let (c, r) = (*low, *high);
                (*low, *high) = (relu(c - r), relu(c + r));
            }
            middle([low, high], &mut self.centre[index + 1], &mut self.radius[index + 1]);
        }
        self.bound_excess(&network.layers[last], labels);
    }

    fn bound_excess(&mut self, layer: &Affine<F>, labels: &[usize]) {
        let (centre, radius) = (last(&self.centre), last(&self.radius));
        self.excess.assign(&layer.bias);
        general_mat_mul(F::one(), centre, &layer.weights.t(), F::one(), &mut self.excess);
        for (mut row, &label) in self.excess.rows_mut().into_iter().zip(labels) {
            let own = row[label];
            row.mapv_inplace(|z| z - own);
        }
        for own in classes_of(labels) {
            let reach = radius.dot(&differences(layer, own).mapv(F::abs).t());
            for ((mut row, reach), _) in of_class(&mut self.excess, &reach, labels, own) {
                row += &reach;
            }
        }
    }

    /// True for the rows whose own score wins by more than `threshold` on the whole box, by these bounds.
    pub(super) fn wins(&self, labels: &[usize], threshold: F) -> Vec<bool> {
        let rows = self.excess.rows().into_iter().zip(labels);
        rows.map(|(row, own)| {
            row.iter().enumerate().all(|(class, d)| class == *own || *d + threshold < F::zero())
        })
        .collect()
    }

    /// The mean loss of the last forward pass times `factor`; adds its gradient to `gradient`.
    pub(super) fn backward(
        &mut self,
        network: &FloatNetwork<F>,
        labels: &[usize],
        (threshold, factor): (F, F),
        gradient: &mut FloatNetwork<F>,
    ) -> F {
        let last_layer = network.layers.len() - 1;
        let loss = excess_loss(&mut self.excess, labels, threshold, factor);
        let layer = &network.layers[last_layer];
        let slot = &mut gradient.layers[last_layer];
        let (mut by_centre, mut by_radius) = self.backward_excess(layer, labels, slot);
        for index in (0..last_layer).rev() {
            let layer = &network.layers[index];
            self.through_relu(index, &mut by_centre, &mut by_radius);
            let slot = &mut gradient.layers[index];
            general_mat_mul(
                F::one(),
                &by_centre.t(),
                &self.centre[index],
                F::one(),
                &mut slot.weights,
            );
            let by_size = by_radius.t().dot(&self.radius[index]);
            add_signed(&mut slot.weights, &layer.weights, &by_size);
            add_columns(&by_centre, &mut slot.bias);
            if index > 0 {
                by_centre = by_centre.dot(&layer.weights);
                by_radius = by_radius.dot(&self.sizes[index]);
            }
        }
        loss
    }

    /// The gradient of the last layer; returns the derivatives by the centre and the radius below it. `excess`
    /// holds the derivatives by `d_k`.
    fn backward_excess(
        &self,
        layer: &Affine<F>,
        labels: &[usize],
        slot: &mut Affine<F>,
    ) -> (Array2<F>, Array2<F>) {
        let (centre, radius) = (last(&self.centre), last(&self.radius));
        let mut by_score = self.excess.clone();
        for (mut row, &own) in by_score.rows_mut().into_iter().zip(labels) {
            row[own] = -row.sum();
        }
        general_mat_mul(F::one(), &by_score.t(), centre, F::one(), &mut slot.weights);
        add_columns(&by_score, &mut slot.bias);
        let mut by_radius = Array2::zeros(radius.raw_dim());
        for own in classes_of(labels) {
            let mut of_own = self.excess.clone();
            for (mut row, &label) in of_own.rows_mut().into_iter().zip(labels) {
                if label != own {
                    row.fill(F::zero());
                }
            }
            let differences = differences(layer, own);
            let mut by_difference = of_own.t().dot(radius);
            Zip::from(&mut by_difference).and(&differences).for_each(|d, w| *d *= sign(*w));
            slot.weights += &by_difference;
            let total = by_difference.sum_axis(ndarray::Axis(0));
            let mut own_row = slot.weights.row_mut(own);
            own_row -= &total;
            general_mat_mul(F::one(), &of_own, &differences.mapv(F::abs), F::one(), &mut by_radius);
        }
        (by_score.dot(&layer.weights), by_radius)
    }

    /// Carries derivatives by centre and radius after relu to those before it.
    fn through_relu(&self, index: usize, by_centre: &mut Array2<F>, by_radius: &mut Array2<F>) {
        let (zero, half) = (F::zero(), float::<F>(0.5));
        let ends = flat(&self.low[index]).iter().zip(flat(&self.high[index]));
        let derivatives = flat_mut(by_centre).iter_mut().zip(flat_mut(by_radius));
        for ((c, r), (low, high)) in derivatives.zip(ends) {
            let by_low = if *low > zero { half * (*c - *r) } else { zero };
            let by_high = if *high > zero { half * (*c + *r) } else { zero };
            (*c, *r) = (by_low + by_high, by_high - by_low);
        }
    }
}

fn last<F>(arrays: &[Array2<F>]) -> &Array2<F> {
    arrays.last().expect("there is an input")
}

fn middle<F: NdFloat>([lo, hi]: [&Array2<F>; 2], centre: &mut Array2<F>, radius: &mut Array2<F>) {
    let half = float::<F>(0.5);
    let ends = flat(lo).iter().zip(flat(hi));
    for ((c, r), (lo, hi)) in flat_mut(centre).iter_mut().zip(flat_mut(radius)).zip(ends) {
        (*c, *r) = (half * (*lo + *hi), half * (*hi - *lo));
    }
}

fn relu<F: NdFloat>(x: F) -> F {
    if x > F::zero() { x } else { F::zero() }
}

/// The classes that occur, ascending.
fn classes_of(labels: &[usize]) -> std::collections::BTreeSet<usize> {
    labels.iter().copied().collect()
}

/// `W_k − W_own` for every class `k`, shape `[classes][inputs]`.
fn differences<F: NdFloat>(layer: &Affine<F>, own: usize) -> Array2<F> {
    &layer.weights - &layer.weights.row(own)
}

/// `slot += sign(weights)·by_size`, entry by entry.
fn add_signed<F: NdFloat>(slot: &mut Array2<F>, weights: &Array2<F>, by_size: &Array2<F>) {
    let sizes = flat(weights).iter().zip(flat(by_size));
    for (slot, (w, d)) in flat_mut(slot).iter_mut().zip(sizes) {
        *slot += sign(*w) * *d;
    }
}

/// The rows of two arrays whose label is `own`.
fn of_class<'a, F: NdFloat>(
    to: &'a mut Array2<F>,
    from: &'a Array2<F>,
    labels: &'a [usize],
    own: usize,
) -> impl Iterator<Item = ((ndarray::ArrayViewMut1<'a, F>, ndarray::ArrayView1<'a, F>), &'a usize)>
{
    let rows = to.rows_mut().into_iter().zip(from.rows()).zip(labels);
    rows.filter(move |(_, label)| **label == own)
}

/// Mean of `ln(1 + Σ_{k≠y} e^{d_k + τ})` times `factor`; replaces every `d_k` by its derivative, 0 at the own
/// class.
fn excess_loss<F: NdFloat>(excess: &mut Array2<F>, labels: &[usize], threshold: F, factor: F) -> F {
    let share = factor / float(labels.len().max(1) as f64);
    let mut loss = F::zero();
    for (mut row, &own) in excess.rows_mut().into_iter().zip(labels) {
        row.mapv_inplace(|d| d + threshold);
        row[own] = F::zero();
        // shifted by the largest, at least 0, so that nothing overflows
        let top = row.iter().copied().fold(F::zero(), F::max);
        row.mapv_inplace(|d| (d - top).exp());
        let total = row.sum();
        loss += share * (total.ln() + top);
        let scale = share / total;
        row.mapv_inplace(|e| telling(e * scale));
        row[own] = F::zero();
    }
    loss
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    type Setting = (FloatNetwork<f64>, [Array2<f64>; 2], Vec<usize>);

    /// A network with biases that are not zero, boxes, and the labels of their rows.
    fn setting(widths: &[usize], rows: usize, seed: u64) -> Setting {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut network = FloatNetwork::he_uniform(widths, &mut rng);
        for layer in &mut network.layers {
            layer.bias.mapv_inplace(|_| rng.random_range(-0.5..0.5));
        }
        let lo = Array2::from_shape_simple_fn((rows, widths[0]), || rng.random_range(-1.0..1.0));
        let hi = lo.mapv(|lo| lo + rng.random_range(0.0..0.8));
        let classes = widths[widths.len() - 1];
        (network, [lo, hi], (0..rows).map(|row| row % classes).collect())
    }

    fn loss(network: &FloatNetwork<f64>, [lo, hi]: &[Array2<f64>; 2], labels: &[usize]) -> f64 {
        let mut tape = IntervalTape::new(network, labels.len());
        tape.forward(network, [lo, hi], labels);
        tape.backward(network, labels, (0.3, 0.7), &mut network.zeros_like())
    }

    #[test]
    fn gradients_are_central_differences() {
        for widths in [&[3, 2][..], &[4, 6, 2], &[3, 6, 5, 3]] {
            let (mut network, ends, labels) = setting(widths, 7, 3);
            let mut gradient = network.zeros_like();
            let mut tape = IntervalTape::new(&network, 7);
            tape.forward(&network, [&ends[0], &ends[1]], &labels);
            tape.backward(&network, &labels, (0.3, 0.7), &mut gradient);
            let flat: Vec<f64> = gradient.tensors().flatten().copied().collect();
            assert!(flat.iter().any(|d| d.abs() > 0.01));
            for (at, derivative) in flat.into_iter().enumerate() {
                let mut shifted = |by: f64| {
                    *network.tensors_mut().flatten().nth(at).unwrap() += by;
                    loss(&network, &ends, &labels)
                };
                let h = 1e-6;
                let difference = (shifted(h) - shifted(-2.0 * h)) / (2.0 * h);
                shifted(h);
                let error = (derivative - difference).abs();
                assert!(error < 1e-7, "{widths:?} parameter {at}: {derivative} or {difference}");
            }
        }
    }

    #[test]
    fn no_point_of_the_box_is_worse_than_its_bound() {
        for seed in 0..20 {
            let (network, ends, labels) = setting(&[4, 8, 6, 3], 9, seed);
            let mut tape = IntervalTape::new(&network, 9);
            tape.forward(&network, [&ends[0], &ends[1]], &labels);
            let mut rng = ChaCha8Rng::seed_from_u64(seed + 100);
            for _ in 0..50 {
                let share: f64 = rng.random();
                let points = &ends[0] + &((&ends[1] - &ends[0]) * share);
                for ((point, bounds), own) in
                    points.rows().into_iter().zip(tape.excess.rows()).zip(&labels)
                {
                    let scores = network.to_mlp().forward(&1.0, point.to_vec());
                    let excess = scores.iter().map(|score| score - scores[*own]);
                    assert!(excess.zip(bounds).all(|(found, bound)| found <= bound + 1e-9));
                }
            }
        }
    }

    /// In a box that is a point the loss is the cross-entropy there.
    #[test]
    fn a_point_has_the_loss_of_cross_entropy() {
        let (network, [lo, _], labels) = setting(&[4, 8, 3], 9, 5);
        let mut tape = IntervalTape::new(&network, 9);
        tape.forward(&network, [&lo, &lo], &labels);
        let found = tape.backward(&network, &labels, (0.0, 1.0), &mut network.zeros_like());
        let mut plain = crate::train::mlp::network::Tape::new(&network, 9);
        network.forward(&lo, &mut plain);
        let expected = crate::train::mlp::network::cross_entropy(&mut plain, &labels, 1.0);
        assert!((found - expected).abs() < 1e-12);
    }
}
