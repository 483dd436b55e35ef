//! Bounds of many boxes at once, rigorous in round-to-nearest `f64`.
//!
//! The rules are those of the kernel, interval and linear with default slopes; here the boxes share
//! matrix products. An error bound known beforehand covers every float operation. So a bound is on the
//! safe side of the exact value, whatever the order of the sums in a product, fused or not:
//!
//! ```text
//! u = 2⁻⁵³,  γ_k = k·u/(1−k·u)            |fl(Σ_k terms) − Σ| <= γ_k·Σ|terms| + underflow
//! interval   c = middle, r >= radius       z in  W·c + b  ±  |W|·(r + γ·|c|)  ±  16u·|W·c + b|
//! linear     A' = A·W over h, |h| <= H     A'·h loses  γ·|A|·v,   v = |W|·H once per box
//! ```
//!
//! Verdicts never rest on this module. A box about which nothing is known, overflow included, has
//! the bounds `[−∞, ∞]`. Boxes are taken in chunks of fixed size, so results do not depend on the
//! number of threads. The last digits may differ between processors that fuse operations
//! and those that do not.

mod affine;
mod backward;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use crate::interval::Interval;
use crate::model::Mlp;

use affine::{AffineBand, BoxBounds};

/// Number of boxes whose interval bounds share matrix products.
const INTERVAL_CHUNK: usize = 64;
/// Number of boxes whose linear bounds share them; the coefficients of all these boxes are held at once.
const LINEAR_CHUNK: usize = 32;

/// A network and linear functions of its logits, prepared for bounding many boxes.
#[derive(Debug)]
pub struct Engine {
    hidden: Vec<AffineBand>,
    /// The functions, folded into the last layer.
    output: AffineBand,
    inputs: usize,
}

impl Engine {
    /// Prepares the functions `row · logits` of `mlp`; a row has one entry per logit.
    pub fn new(mlp: &Mlp, rows: &[Vec<f64>]) -> Self {
        let (hidden, output) = match mlp.layers.split_last() {
            Some((last, hidden)) => {
                (hidden.iter().map(AffineBand::new).collect(), AffineBand::folded(rows, last))
            }
            None => (Vec::new(), AffineBand::unknown(rows.len())),
        };
        Self { hidden, output, inputs: mlp.layers.first().map_or(0, |layer| layer.inputs) }
    }

    /// Bounds by the interval rule: per box, one interval per function. A box has one side per input,
    /// standardised.
    pub fn interval(&self, boxes: &[Vec<Interval>]) -> Vec<Vec<Interval>> {
        self.in_chunks(boxes, INTERVAL_CHUNK, |input| {
            let after = self.hidden.iter().fold(input, |h, layer| layer.bounds(&h).relu());
            self.output.bounds(&after)
        })
    }

    /// Bounds by the linear rule with default slopes: per box, one interval per function. Hidden neurons
    /// are bounded by the interval rule and, if that leaves the sign open, by the linear rule.
    pub fn linear(&self, boxes: &[Vec<Interval>]) -> Vec<Vec<Interval>> {
        self.in_chunks(boxes, LINEAR_CHUNK, |input| {
            backward::bounds(&self.hidden, &self.output, input)
        })
    }

    /// Bounds chunks of `size` boxes, several chunks at a time, and joins the results in order.
    fn in_chunks(
        &self,
        boxes: &[Vec<Interval>],
        size: usize,
        rule: impl Fn(BoxBounds) -> BoxBounds + Sync,
    ) -> Vec<Vec<Interval>> {
        let chunks = boxes
            .par_chunks(size)
            .flat_map_iter(|chunk| rule(BoxBounds::of_boxes(chunk, self.inputs)).into_intervals());
        chunks.collect()
    }
}
