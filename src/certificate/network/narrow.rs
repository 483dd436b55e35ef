//! A half of a box narrows what is affine in the inputs: the half at which a neuron of the first layer has a
//! sign, or that a linear condition leaves ([`super::condition`]).
//!
//! Let `s·z_j >= 0`, where `s` is 1 or −1. The other neurons of the layer are affine in the inputs as well, so
//! any `λ >= 0` bounds them over the box of the case:
//!
//! ```text
//! t·z_k  >=  min over the box of  t·z_k − λ·s·z_j          t = 1 or −1
//! ```
//!
//! The best `λ` solves a fractional knapsack (Dantzig 1957): from the corner where `t·z_k` is least, the inputs
//! are moved in the order of `|w_k|/|w_j|`, the cheapest first, until `s·z_j` reaches 0; `λ` is the ratio at
//! which it does. It is found in floats, since any `λ >= 0` is sound.

use crate::interval::{Form, Interval, magnitudes};

use crate::certificate::Sign;

/// Narrows `before`, the bounds of the first layer over the whole box `input`, to the points at which one of
/// its neurons has a sign; `None` if no point has it. The layer is a single one.
pub(super) fn narrowed<F: Form>(
    first: &F::Layer,
    input: &[Interval],
    sign: Sign,
    mut before: Vec<Interval>,
) -> Option<Vec<Interval>> {
    let stored = F::stored(first);
    let Some((_, own, bias)) = stored.row(sign.neuron) else { return Some(before) };
    let half = Half::new(own, bias, input, sign.is_on);
    let mut moves = Vec::new();
    for (neuron, (bound, row)) in before.iter_mut().zip(stored.rows()).enumerate() {
        if neuron == sign.neuron || bound.lo() >= 0.0 || bound.hi() <= 0.0 {
            continue;
        }
        let mut least = |t| {
            let multiplier = half.multiplier(row, t, &mut moves)?;
            Some(half.raised(F::output(first, neuron, t), multiplier).minimum(input))
        };
        let low = least(1.0).unwrap_or(f64::NEG_INFINITY);
        let high = least(-1.0).map_or(f64::INFINITY, |least| -least);
        // all bounds hold at every point of the case, so if they do not meet there is no point
        if low > high || low > bound.hi() || high < bound.lo() {
            return None;
        }
        // NaN narrows nothing
        let both = Interval::new(low, high).and_then(|found| bound.intersect(found));
        *bound = both.unwrap_or(*bound);
    }
    Some(before)
}

/// The points of a box at which `s·z_j`, an affine function of the inputs, is at least 0.
pub(super) struct Half<'a> {
    sizes: Vec<f64>,
    /// The weights and the bias of `z_j`.
    row: &'a [f64],
    bias: f64,
    /// 1 or −1.
    side: f64,
    /// The approximate largest value of `s·z_j`.
    most: f64,
    /// The most that a move of each input can add to `s·z_j`.
    gains: Vec<f64>,
    /// `1/(s·w_j)` per input, or 0.
    inverse: Vec<f64>,
}

/// A move of an input by which `s·z_j` grows: its cost per unit, and the most that it adds.
#[derive(Clone, Copy, Default)]
pub(super) struct Move {
    ratio: f64,
    gain: f64,
}

impl<'a> Half<'a> {
    /// The points with `row·z + bias >= 0` if `is_on`, else `<= 0`.
    pub(super) fn new(row: &'a [f64], bias: f64, input: &[Interval], is_on: bool) -> Self {
        let side = if is_on { 1.0 } else { -1.0 };
        let end = |(w, x): (&f64, &Interval)| {
            let w = side * w;
            if w > 0.0 { w * x.hi() } else { w * x.lo() }
        };
        let most = side * bias + row.iter().zip(input).map(end).sum::<f64>();
        let gain = |(w, x): (&f64, &Interval)| w.abs() * (x.hi() - x.lo());
        let gains = row.iter().zip(input).map(gain).collect();
        let inverse = row.iter().map(|&w| if w == 0.0 { 0.0 } else { side / w }).collect();
        Self { sizes: magnitudes(input), row, bias, side, most, gains, inverse }
    }

    /// A form over the inputs less `λ·s·z_j`: at most the form, at the points of the half.
    pub(super) fn raised<F: Form>(&self, mut form: F, multiplier: f64) -> F {
        let factor = -(self.side * multiplier);
        for (index, (w, size)) in self.row.iter().zip(&self.sizes).enumerate() {
            form.add_product(index, factor, *w, *size);
        }
        form.add_constant(factor, self.bias);
        form
    }

    /// The best `λ` for the least value of `t·row·z`, in floats; `None` if it is 0.
    pub(super) fn multiplier(&self, row: &[f64], t: f64, moves: &mut Vec<Move>) -> Option<f64> {
        moves.resize(row.len(), Move::default());
        let inputs = row.iter().zip(&self.inverse).zip(&self.gains);
        let mut count = 0;
        for ((k, inverse), &gain) in inputs {
            let ratio = t * k * inverse;
            // always written, and counted only if it is a move: signs cannot be predicted
            *moves.get_mut(count)? = Move { ratio, gain };
            count += usize::from(ratio > 0.0);
        }
        let moves = moves.get_mut(..count)?;
        // how far `s·z_j` is from 0 in the corner where `t·z_k` is least
        let mut missing = moves.iter().map(|step| step.gain).sum::<f64>() - self.most;
        if !(missing > 0.0 && self.most > 0.0) {
            return None;
        }
        moves.sort_unstable_by(|a, b| a.ratio.total_cmp(&b.ratio));
        let last = moves.iter().find(|step| {
            missing -= step.gain;
            missing <= 0.0
        });
        last.or(moves.last()).map(|step| step.ratio).filter(|ratio| ratio.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Network, Signed};
    use crate::interval::{Exact, Rounded};
    use crate::model::{Layer, Mlp};

    fn layer(weights: &[f64], bias: &[f64], inputs: usize) -> Layer {
        Layer { weights: weights.to_vec(), bias: bias.to_vec(), inputs }
    }

    /// The first layer's bounds over `[−1, 1]²`, after signs one after the other; `None` if no point has
    /// them all.
    fn after<F: Form>(
        rows: &[f64],
        bias: &[f64],
        signs: &[(usize, bool)],
    ) -> Option<Vec<Interval>> {
        let last = layer(&vec![1.0; bias.len()], &[0.0], bias.len());
        let network = Network::<F>::new(&Mlp { layers: vec![layer(rows, bias, 2), last] });
        let input = [Interval::new(-1.0, 1.0).unwrap(); 2];
        let mut hidden = network.linear_bounds(&input).unwrap();
        for &(neuron, is_on) in signs {
            let sign = Sign { layer: 0, neuron, is_on };
            hidden = match network.signed_bounds(&hidden, sign, None) {
                Signed::Bounds(hidden) => hidden,
                Signed::Empty => return None,
                Signed::Unknown => panic!("small numbers overflow"),
            };
        }
        Some(hidden.layers().next().unwrap().to_vec())
    }

    fn interval(lo: f64, hi: f64) -> Interval {
        Interval::new(lo, hi).unwrap()
    }

    /// With `x + y >= 1`, `2x + y` lies in `[1, 3]` of `[−3, 3]`, and `x − y` in `[−1, 1]` of `[−2, 2]`.
    #[test]
    fn the_knapsack_is_solved() {
        let rows = [1.0, 1.0, 2.0, 1.0, 1.0, -1.0];
        let found = after::<Exact>(&rows, &[-1.0, 0.0, 0.0], &[(0, true)]).unwrap();
        assert_eq!(found[1], interval(1.0, 3.0));
        assert_eq!(found[2], interval(-1.0, 1.0));
        let about = after::<Rounded>(&rows, &[-1.0, 0.0, 0.0], &[(0, true)]).unwrap();
        assert!(about[1].lo() <= 1.0 && about[1].lo() > 1.0 - 1e-12);
        assert!(about[2].hi() >= 1.0 && about[2].hi() < 1.0 + 1e-12);
        let off = after::<Exact>(&rows, &[1.0, 0.0, 0.0], &[(0, false)]).unwrap();
        assert_eq!(off[1], interval(-3.0, -1.0));
    }

    /// No point has `x + y >= 1` and `x + y <= −1`.
    #[test]
    fn signs_that_exclude_each_other_leave_nothing() {
        let (rows, bias) = ([1.0, 1.0, 1.0, 1.0], [-1.0, 1.0]);
        assert!(after::<Rounded>(&rows, &bias, &[(0, true)]).is_some());
        assert_eq!(after::<Exact>(&rows, &bias, &[(0, true), (1, false)]), None);
        assert_eq!(after::<Rounded>(&rows, &bias, &[(0, true), (1, false)]), None);
        // but one that has both by a hair is a case
        assert!(after::<Rounded>(&rows, &[0.0, 0.0], &[(0, true), (1, false)]).is_some());
    }
}
