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
//! A block is one more affine layer `f → y·f − rhs`, so its rows are bounded like any others. Where
//! the linear rule is asked for and two copies are bound to each other, a single row is bounded by
//! difference lines as well ([`super::coupling`]).

use std::cell::OnceCell;

use crate::interval::{Form, magnitudes};
use crate::spec::{Halfspace, OutputBlock};

use super::claims::Outcome;
use super::coupling::{Coupled, Coupling};
use super::{Bounds, Hidden, Hint, Leaf, Network, Rejection, Sign};

/// An unsafe block in one arithmetic.
pub struct Block<F: Form> {
    /// `y·f − rhs`, the right-hand sides rounded up.
    layer: F::Layer,
    /// The same row by row: `y`, and what is added.
    halves: Vec<(Vec<f64>, f64)>,
}

impl<F: Form> Block<F> {
    /// Prepares a block.
    pub fn new(block: &OutputBlock) -> Self {
        let half = |row: &Halfspace| (row.y.clone(), -row.rhs.up());
        let halves: Vec<_> = block.rows.iter().map(half).collect();
        let weights: Vec<f64> = halves.iter().flat_map(|(y, _)| y.iter().copied()).collect();
        let bias: Vec<f64> = halves.iter().map(|(_, constant)| *constant).collect();
        let outputs = halves.first().map_or(0, |(y, _)| y.len());
        Self { layer: F::layer(&weights, &bias, outputs), halves }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.halves.len()
    }

    /// Row `index` as a form over the outputs; exact but for its right-hand side.
    pub fn row(&self, index: usize) -> F {
        F::output(&self.layer, index, 1.0)
    }

    /// Row `index` as coefficients of the outputs and a number that is added.
    pub(super) fn half(&self, index: usize) -> Option<(&[f64], f64)> {
        self.halves.get(index).map(|(y, constant)| (y.as_slice(), *constant))
    }

    /// `Σ_k w_k·(y_k·f − rhs_k)` over the outputs, negative and infinite weights counting as 0.
    pub fn weighted(&self, network: &Network<F>, hidden: &Hidden, weights: &[f64]) -> F {
        let clip = |w: &f64| if *w > 0.0 && w.is_finite() { *w } else { 0.0 };
        let weights: Vec<f64> = weights.iter().map(clip).collect();
        let outputs = magnitudes(&network.output_bounds(hidden));
        F::new(&weights).through_layer(&self.layer, &F::sizes(&self.layer, &outputs))
    }
}

/// The network that blocks are about.
pub(super) struct Avoidance<'a, F: Form> {
    /// Both copies side by side, if there are two.
    pub(super) network: &'a Network<F>,
    /// The unsafe blocks.
    pub(super) blocks: &'a [Block<F>],
    /// What binds the copies to each other.
    pub(super) coupling: Option<&'a Coupling<'a, F>>,
}

/// A region whose neurons have the given signs.
struct Place<'a, F: Form> {
    hidden: &'a Hidden,
    signs: &'a [Sign],
    /// Derived once a row asks for it.
    coupled: OnceCell<Option<Coupled<'a, F>>>,
}

/// Whether every block is avoided by the points of a region whose neurons have the given signs.
///
/// `hints`: none, one for all blocks, or one per block.
pub(super) fn decide<F: Form>(
    avoidance: &Avoidance<F>,
    leaf: Leaf,
    hidden: &Hidden,
    signs: &[Sign],
    hints: &[Hint],
) -> Result<Outcome, Rejection> {
    let blocks = avoidance.blocks;
    if hints.len() > 1 && hints.len() != blocks.len() {
        let (found, expected) = (hints.len(), blocks.len());
        return Err(Rejection::Count { what: "hints", found, expected });
    }
    let place = Place { hidden, signs, coupled: OnceCell::new() };
    let mut outcome = Outcome::Holds;
    for (index, block) in blocks.iter().enumerate() {
        let hint = if hints.len() > 1 { hints.get(index) } else { hints.first() };
        let reached = distance(avoidance, block, leaf, &place, hint)?;
        // NaN is not above 0
        let is_avoided = reached > 0.0;
        if !is_avoided {
            outcome = outcome.and(Outcome::Open(Bounds { reached, required: 0.0 }));
        }
    }
    Ok(outcome)
}

/// The best lower bound that the rule and the hint give for the block; above 0 it is avoided.
fn distance<'a, F: Form>(
    avoidance: &Avoidance<'a, F>,
    block: &Block<F>,
    leaf: Leaf,
    place: &Place<'a, F>,
    hint: Option<&Hint>,
) -> Result<f64, Rejection> {
    let Avoidance { network, coupling, .. } = *avoidance;
    let Place { hidden, signs, .. } = *place;
    let bound = |form: F| match leaf {
        Leaf::Interval => Ok(network.interval_margin(form, hidden)),
        Leaf::Linear => {
            let interval = network.interval_margin(form.clone(), hidden);
            let linear = network.linear_margin(form, hidden, hint, signs);
            Ok(if interval > linear { interval } else { linear })
        }
        Leaf::Dual | Leaf::Jacobian | Leaf::Fuzz | Leaf::Pairs => Err(Rejection::Inapplicable {
            rule: "a leaf `D`, `J`, `F` or `T`",
            why: "an output region is left by `I` and `L` only",
        }),
    };
    let weights = hint.map_or(&[][..], |hint| hint.weights.as_slice());
    if !weights.is_empty() {
        if weights.len() != block.rows() {
            let (found, expected) = (weights.len(), block.rows());
            return Err(Rejection::Count { what: "weights", found, expected });
        }
        return bound(block.weighted(network, hidden, weights));
    }
    let mut best = f64::NEG_INFINITY;
    for row in 0..block.rows() {
        let mut reached = bound(block.row(row))?;
        let is_avoided = reached > 0.0;
        if leaf == Leaf::Linear && !is_avoided {
            let derive = || coupling.and_then(|coupling| coupling.over(hidden));
            if let Some(coupled) = place.coupled.get_or_init(derive) {
                let by_change = coupled.bound(block, row, (network, hidden), hint, signs);
                reached = if by_change > reached { by_change } else { reached };
            }
        }
        best = if reached > best { reached } else { best };
        if best > 0.0 {
            break;
        }
    }
    Ok(best)
}
