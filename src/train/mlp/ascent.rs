//! Points of each row's box at which the loss is large, by projected gradient ascent (Madry et al. 2018): from a
//! random point, steps along the sign of the gradient.

use ndarray::{Array2, Ix2, NdFloat};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::network::{FloatNetwork, Tape, flat, flat_mut, float, sign, steepest};

/// Points in the making, and the arrays that they are moved with.
pub(super) struct BoxAscent<F> {
    /// Shape `[rows][inputs]`.
    pub(super) points: Array2<F>,
    by_input: Array2<F>,
    tape: Tape<F>,
}

/// The length of a step, as a share of half the box's side.
const STEP: f64 = 0.25;

impl<F: NdFloat> BoxAscent<F> {
    /// Room for `rows` rows through `network`.
    pub(super) fn new(network: &FloatNetwork<F>, rows: usize) -> Self {
        let zeros = || Array2::zeros((rows, network.inputs()));
        Self { points: zeros(), by_input: zeros(), tape: Tape::new(network, rows) }
    }

    /// Puts the points so far on the way from `lo` to `hi`, in shares.
    pub(super) fn start(&mut self, [lo, hi]: [&Array2<F>; 2], shares: &Array2<F>) {
        let ends = flat(lo).iter().zip(flat(hi)).zip(flat(shares));
        for (x, ((lo, hi), share)) in flat_mut(&mut self.points).iter_mut().zip(ends) {
            *x = *lo + (*hi - *lo) * *share;
        }
    }

    /// Seeks points between `lo` and `hi` at which the cross-entropy is large, in so many steps.
    pub(super) fn climb(
        &mut self,
        network: &FloatNetwork<F>,
        ends: [&Array2<F>; 2],
        labels: &[usize],
        steps: usize,
    ) {
        for _ in 0..steps {
            network.forward(&self.points, &mut self.tape);
            steepest(&mut self.tape, labels);
            network.backward_to_inputs(&mut self.tape, &mut self.by_input);
            stepped(&mut self.points, &self.by_input, ends);
        }
    }
}

/// Random shares between 0 and 1.
pub(super) fn shares<F: NdFloat>(shape: Ix2, rng: &mut ChaCha8Rng) -> Array2<F> {
    Array2::from_shape_simple_fn(shape, || float(rng.random::<f64>()))
}

/// Moves points within their boxes: a step along the sign of each slope, and no further than the box.
pub(super) fn stepped<F: NdFloat>(
    points: &mut Array2<F>,
    slopes: &Array2<F>,
    [lo, hi]: [&Array2<F>; 2],
) {
    let share = float::<F>(STEP / 2.0);
    let places = flat(slopes).iter().zip(flat(lo)).zip(flat(hi));
    for (x, ((slope, lo), hi)) in flat_mut(points).iter_mut().zip(places) {
        let moved = *x + share * (*hi - *lo) * sign(*slope);
        let moved = if moved < *lo { *lo } else { moved };
        *x = if moved > *hi { *hi } else { moved };
    }
}
