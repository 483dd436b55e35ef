//! Weak duality on the triangle relaxation. With multipliers `y` (free) for `z = W·h + b` and
//! `w >= 0` for `G·v >= g`, and the reduced costs `r` of all variables,
//!
//! ```text
//! c·z  >=  y·b + w·g + Σᵢ min(rᵢ·lowᵢ, rᵢ·highᵢ)
//! ```
//!
//! *Sound for every y and every w >= 0:* a valid combination is subtracted, then every variable is
//! bounded alone. The multipliers are hints, integers in units of 2⁻²⁰; negative ones of
//! inequalities are clipped to 0.
//!
//! Rows of neuron `q`, counted through all layers: `3q`: z = Wh + b; `3q+1`: h − z >= 0, an
//! equality if the neuron is on; `3q+2`: s·z − h >= −t if it is unstable. A multiplier on a row that
//! does not exist at this stability is ignored.

use std::collections::BTreeMap;

use crate::interval::{Form, Interval, Lines, magnitudes};

use crate::certificate::{Hidden, Hint, Network, Rejection};

/// 2⁻²⁰
const UNIT: f64 = 1.0 / (1 << 20) as f64;

/// Multipliers of the two ReLU rows of one neuron, and its upper line.
#[derive(Clone, Copy, Default)]
struct ReluRows {
    /// The multiplier of `h − z >= 0`, or of `h − z = 0`.
    lower: f64,
    /// The multiplier of `s·z − h >= −t`.
    upper: f64,
}

/// Lower bound of `row · logits` from the hinted multipliers; −∞ if nothing is known.
pub(super) fn dual_margin<F: Form>(
    network: &Network<F>,
    row: &[f64],
    hidden: &Hidden,
    hint: Option<&Hint>,
) -> Result<f64, Rejection> {
    let empty = Hint::default();
    let multipliers: BTreeMap<usize, i64> =
        hint.unwrap_or(&empty).multipliers.iter().copied().collect();
    let value = |index: usize| multipliers.get(&index).map_or(0.0, |&n| n as f64 * UNIT);

    let before: Vec<&[Interval]> = hidden.layers().collect();
    let after: Vec<&[Interval]> = hidden.activations().collect();
    let outputs = network.output_bounds(hidden);
    let mut total = 0.0;
    let mut first = network.widths().iter().sum::<usize>();
    for layer in (0..network.depth()).rev() {
        let width = network.widths().get(layer).copied().unwrap_or(0);
        first -= width;
        let affine: Vec<f64> = (first..first + width).map(|q| value(3 * q)).collect();

        // the variables z of this layer
        let bounds = before.get(layer).copied().unwrap_or(&outputs);
        let is_output = layer + 1 == network.depth();
        let mut z = F::new(&vec![0.0; width]);
        for (index, (&y, bound)) in affine.iter().zip(bounds).enumerate() {
            let size = bound.magnitude();
            z.add_product(index, -1.0, y, size);
            if is_output {
                z.add_product(index, row.get(index).copied().unwrap_or(0.0), 1.0, size);
            } else {
                let rows = relu_rows(*bound, first + index, value);
                let line = Lines::new(*bound, None);
                z.add_product(index, rows.lower, 1.0, size);
                z.add_product(index, -rows.upper, line.upper(), size);
                z.add_constant(-rows.upper, line.intercept());
            }
        }
        total = add_down(total, z.minimum(bounds));

        // the variables h (or x) that this layer reads
        let Some(matrix) = network.layer(layer) else { return Ok(f64::NEG_INFINITY) };
        let (sides, previous) = match layer.checked_sub(1) {
            None => (hidden.input(), None),
            Some(previous) => {
                (after.get(previous).copied().unwrap_or(&[]), before.get(previous).copied())
            }
        };
        let sizes = magnitudes(sides);
        let Some(paid) = hidden.sizes(layer) else { return Ok(f64::NEG_INFINITY) };
        let mut h = F::new(&affine).through_layer(matrix, paid);
        if let Some(bounds) = previous {
            let first = first - bounds.len();
            for (index, (bound, &size)) in bounds.iter().zip(&sizes).enumerate() {
                let rows = relu_rows(*bound, first + index, value);
                h.add_product(index, -1.0, rows.lower, size);
                h.add_product(index, 1.0, rows.upper, size);
            }
        }
        total = add_down(total, h.minimum(sides));
    }
    Ok(total)
}

/// The multipliers that exist at the neuron's stability, inequalities clipped to be >= 0.
fn relu_rows(bound: Interval, neuron: usize, value: impl Fn(usize) -> f64) -> ReluRows {
    let clip = |w: f64| if w > 0.0 { w } else { 0.0 };
    if bound.lo() >= 0.0 {
        ReluRows { lower: value(3 * neuron + 1), upper: 0.0 }
    } else if bound.hi() <= 0.0 {
        ReluRows::default()
    } else {
        ReluRows { lower: clip(value(3 * neuron + 1)), upper: clip(value(3 * neuron + 2)) }
    }
}

/// `a + b` rounded down; −∞ if either is.
fn add_down(a: f64, b: f64) -> f64 {
    let sum = (a + b).next_down();
    if sum.is_finite() { sum } else { f64::NEG_INFINITY }
}
