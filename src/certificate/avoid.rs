//! Output regions: no point of a box reaches an unsafe block. A block is a conjunction of
//! `y·f <= rhs`, and the point is safe if for every block some row is violated; so over a region
//! it suffices that for every block a weighted sum of its rows is,
//!
//! ```text
//! min Σ_k w_k·(y_k·f − rhs_k)  >  0          w >= 0, not all 0
//! ```
//!
//! The weights are hints; without them every row is tried alone. With all weights 0 a bound of 0
//! above 0 shows that the case holds no point at all (Farkas), which only the multipliers of signs
//! can bring about.
//!
//! A block is one more affine layer `f → y·f − rhs`, so its rows are bounded like any others.

use crate::interval::Form;
use crate::spec::OutputBlock;

use super::claims::Outcome;
use super::network::magnitudes;
use super::{Bounds, Hidden, Hint, Leaf, Network, Rejection, Sign};

/// An unsafe block in one arithmetic.
pub struct Block<F: Form> {
    /// `y·f − rhs`, the right-hand sides rounded up.
    layer: F::Layer,
    rows: usize,
}

impl<F: Form> Block<F> {
    /// Prepares a block.
    pub fn new(block: &OutputBlock) -> Self {
        let weights: Vec<f64> = block.rows.iter().flat_map(|row| row.y.iter().copied()).collect();
        let bias: Vec<f64> = block.rows.iter().map(|row| -row.rhs.up()).collect();
        let outputs = block.rows.first().map_or(0, |row| row.y.len());
        Self { layer: F::layer(&weights, &bias, outputs), rows: block.rows.len() }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Row `index` as a form over the outputs; exact but for its right-hand side.
    pub fn row(&self, index: usize) -> F {
        F::output(&self.layer, index, 1.0)
    }

    /// `Σ_k w_k·(y_k·f − rhs_k)` over the outputs, negative and infinite weights counting as 0.
    pub fn weighted(&self, network: &Network<F>, hidden: &Hidden, weights: &[f64]) -> F {
        let clip = |w: &f64| if *w > 0.0 && w.is_finite() { *w } else { 0.0 };
        let weights: Vec<f64> = weights.iter().map(clip).collect();
        let outputs = magnitudes(&network.output_bounds(hidden));
        F::new(&weights).through_layer(&self.layer, &F::sizes(&self.layer, &outputs))
    }
}

/// Whether every block is avoided by the points of a region whose neurons have the given signs.
///
/// `hints`: none, one for all blocks, or one per block.
pub(super) fn decide<F: Form>(
    network: &Network<F>,
    blocks: &[Block<F>],
    leaf: Leaf,
    hidden: &Hidden,
    signs: &[Sign],
    hints: &[Hint],
) -> Result<Outcome, Rejection> {
    if hints.len() > 1 && hints.len() != blocks.len() {
        let (found, expected) = (hints.len(), blocks.len());
        return Err(Rejection::Count { what: "hints", found, expected });
    }
    let mut outcome = Outcome::Holds;
    for (index, block) in blocks.iter().enumerate() {
        let hint = if hints.len() > 1 { hints.get(index) } else { hints.first() };
        let reached = distance(network, block, leaf, hidden, signs, hint)?;
        // NaN is not above 0
        let is_avoided = reached > 0.0;
        if !is_avoided {
            outcome = outcome.and(Outcome::Open(Bounds { reached, required: 0.0 }));
        }
    }
    Ok(outcome)
}

/// The best lower bound that the rule and the hint give for the block; above 0 it is avoided.
fn distance<F: Form>(
    network: &Network<F>,
    block: &Block<F>,
    leaf: Leaf,
    hidden: &Hidden,
    signs: &[Sign],
    hint: Option<&Hint>,
) -> Result<f64, Rejection> {
    let bound = |form: F| match leaf {
        Leaf::Interval => Ok(network.interval_margin(form, hidden)),
        Leaf::Linear => {
            let interval = network.interval_margin(form.clone(), hidden);
            let linear = network.linear_margin(form, hidden, hint, signs);
            Ok(if interval > linear { interval } else { linear })
        }
        Leaf::Dual | Leaf::Jacobian | Leaf::Fuzz => Err(Rejection::Inapplicable {
            rule: "a leaf `D`, `J` or `F`",
            why: "an output region is left by `I` and `L` only",
        }),
    };
    let weights = hint.map_or(&[][..], |hint| hint.weights.as_slice());
    if !weights.is_empty() {
        if weights.len() != block.rows {
            let (found, expected) = (weights.len(), block.rows);
            return Err(Rejection::Count { what: "weights", found, expected });
        }
        return bound(block.weighted(network, hidden, weights));
    }
    let mut best = f64::NEG_INFINITY;
    for row in 0..block.rows {
        let reached = bound(block.row(row))?;
        best = if reached > best { reached } else { best };
        if best > 0.0 {
            break;
        }
    }
    Ok(best)
}
