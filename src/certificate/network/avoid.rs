//! Output regions: no point of a box reaches an unsafe block. A block is a conjunction of rows `y·f <= rhs`,
//! and a point is safe if it violates some row of every block. Over a region it suffices that, for every block,
//! a weighted sum of its rows is violated:
//!
//! ```text
//! min Σ_k w_k·(y_k·f − rhs_k)  >  0          w >= 0, not all 0
//! ```
//!
//! A row may be strict, `y·f < rhs`. Then `>= 0` is enough, for the row alone and for a sum in which its weight
//! is above 0: inside the block the other terms are at most 0 and its own is below 0.
//!
//! The weights are hints; without them every row is tried alone. With all weights 0 the sum is 0, and a bound
//! of it above 0 shows that the case holds no point at all (Farkas). Only the multipliers of signs can bring
//! this about.
//!
//! A block is one more affine layer `f → y·f − rhs`, so its rows are bounded like any others. If the linear
//! rule is asked for and two copies are bound to each other, a single row is bounded by difference lines as
//! well ([`super::coupling`]).

use std::cell::OnceCell;

use crate::interval::{Form, Stored, magnitudes};
use crate::spec::{Halfspace, OutputBlock};

use super::coupling::{Coupled, Coupling};
use crate::certificate::claims::Outcome;
use crate::certificate::{Bounds, Hidden, Hint, Leaf, Network, Rejection, Sign};

/// An unsafe block in one arithmetic.
pub struct Block<F: Form> {
    /// `y·f − rhs`, the right-hand sides rounded up.
    layer: F::Layer,
    /// The same row by row: `y`, and the number that is added.
    halves: Vec<(Vec<f64>, f64)>,
    /// Per row, true if it is strict.
    strict: Vec<bool>,
}

/// A lower bound of a row, or of a sum of rows, and whether points with exactly 0 are outside too.
#[derive(Clone, Copy)]
struct Distance {
    bound: f64,
    is_strict: bool,
}

impl Distance {
    /// True if the block is avoided; NaN says nothing.
    fn is_enough(self) -> bool {
        self.bound > 0.0 || (self.is_strict && self.bound >= 0.0)
    }
}

impl<F: Form> Block<F> {
    /// Prepares a block.
    pub fn new(block: &OutputBlock) -> Self {
        let half = |row: &Halfspace| (row.y.clone(), -row.rhs.up());
        let halves: Vec<_> = block.rows.iter().map(half).collect();
        let weights: Vec<f64> = halves.iter().flat_map(|(y, _)| y.iter().copied()).collect();
        let bias: Vec<f64> = halves.iter().map(|(_, constant)| *constant).collect();
        let outputs = halves.first().map_or(0, |(y, _)| y.len());
        let strict = block.rows.iter().map(|row| row.is_strict).collect();
        Self { layer: F::layer(Stored::new(&weights, &bias, outputs)), halves, strict }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.halves.len()
    }

    /// True if row `index` shows that the block is left; `bound` is a lower bound of its `y·f − rhs`.
    pub fn is_left(&self, index: usize, bound: f64) -> bool {
        self.distance(index, bound).is_enough()
    }

    fn distance(&self, index: usize, bound: f64) -> Distance {
        Distance { bound, is_strict: self.strict.get(index).copied().unwrap_or(false) }
    }

    /// Row `index` as a form over the outputs; exact but for its right-hand side.
    pub fn row(&self, index: usize) -> F {
        F::output(&self.layer, index, 1.0)
    }

    /// Row `index` as coefficients of the outputs and a number that is added.
    pub(super) fn half(&self, index: usize) -> Option<(&[f64], f64)> {
        self.halves.get(index).map(|(y, constant)| (y.as_slice(), *constant))
    }

    /// `Σ_k w_k·(y_k·f − rhs_k)` over the outputs; negative and infinite weights count as 0.
    pub fn weighted(&self, network: &Network<F>, hidden: &Hidden, weights: &[f64]) -> F {
        let weights: Vec<f64> = weights.iter().map(counted).collect();
        let outputs = magnitudes(&network.output_bounds(hidden));
        F::new(&weights).through_layer(&self.layer, &F::sizes(&self.layer, &outputs))
    }
}

/// The value of a hinted weight; negative and infinite ones count as 0.
fn counted(weight: &f64) -> f64 {
    if *weight > 0.0 && weight.is_finite() { *weight } else { 0.0 }
}

/// The network that blocks are about.
pub(super) struct Avoidance<'a, F: Form> {
    /// Both copies side by side, if there are two.
    pub(super) network: &'a Network<F>,
    /// The unsafe blocks.
    pub(super) blocks: &'a [Block<F>],
    /// The coupling that binds the copies to each other.
    pub(super) coupling: Option<&'a Coupling<'a, F>>,
}

/// A region whose neurons have the given signs.
struct SignedRegion<'a, F: Form> {
    hidden: &'a Hidden,
    signs: &'a [Sign],
    /// Derived when a row first asks for it.
    coupled: OnceCell<Option<Coupled<'a, F>>>,
}

/// Decides whether the points of a region whose neurons have the given signs avoid every block.
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
    let place = SignedRegion { hidden, signs, coupled: OnceCell::new() };
    let mut outcome = Outcome::Holds;
    for (index, block) in blocks.iter().enumerate() {
        let hint = if hints.len() > 1 { hints.get(index) } else { hints.first() };
        let reached = distance(avoidance, block, leaf, &place, hint)?;
        if !reached.is_enough() {
            let reached = reached.bound;
            outcome = outcome.and(Outcome::Open(Bounds { reached, required: 0.0 }));
        }
    }
    Ok(outcome)
}

/// The best lower bound that the rule and the hint give for the block.
fn distance<'a, F: Form>(
    avoidance: &Avoidance<'a, F>,
    block: &Block<F>,
    leaf: Leaf,
    place: &SignedRegion<'a, F>,
    hint: Option<&Hint>,
) -> Result<Distance, Rejection> {
    let Avoidance { network, coupling, .. } = *avoidance;
    let SignedRegion { hidden, signs, .. } = *place;
    let bound = |form: F| match leaf {
        Leaf::Interval => Ok(network.interval_margin(form, hidden)),
        Leaf::Linear => {
            let interval = network.interval_margin(form.clone(), hidden);
            let linear = network.linear_margin(form, hidden, hint, signs);
            Ok(if interval > linear { interval } else { linear })
        }
        Leaf::Jacobian | Leaf::Fuzz | Leaf::Pairs => Err(Rejection::Inapplicable {
            rule: "a leaf `J`, `F` or `T`",
            why: "an output region is left by `I` and `L` only",
        }),
    };
    let weights = hint.map_or(&[][..], |hint| hint.weights.as_slice());
    if !weights.is_empty() {
        if weights.len() != block.rows() {
            let (found, expected) = (weights.len(), block.rows());
            return Err(Rejection::Count { what: "weights", found, expected });
        }
        let is_strict =
            weights.iter().zip(&block.strict).any(|(w, strict)| *strict && counted(w) > 0.0);
        let bound = bound(block.weighted(network, hidden, weights))?;
        return Ok(Distance { bound, is_strict });
    }
    let mut best = Distance { bound: f64::NEG_INFINITY, is_strict: false };
    for row in 0..block.rows() {
        let mut reached = bound(block.row(row))?;
        if leaf == Leaf::Linear && !block.is_left(row, reached) {
            let derive = || coupling.and_then(|coupling| coupling.over(hidden));
            if let Some(coupled) = place.coupled.get_or_init(derive) {
                let by_change = coupled.bound(block, row, hidden, hint, signs);
                reached = if by_change > reached { by_change } else { reached };
            }
        }
        let reached = block.distance(row, reached);
        if reached.is_enough() {
            return Ok(reached);
        }
        best = if reached.bound > best.bound { reached } else { best };
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use crate::certificate::{Arithmetic, Hint, Kernel, Proof, Verdict};
    use crate::model::Model;
    use crate::spec::{Lowered, Spec};

    /// `f0 = relu(x0 + x1)`, `f1 = relu(x0 − x1)`; over the square `f0` reaches 2, and then `f1` is 0.
    const MODEL: &str = r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower","classes":2,
        "features":[{"name":"a","kind":"real"},{"name":"b","kind":"real"}],
        "layers":[{"weights":[[1.0,1.0],[1.0,-1.0]],"bias":[0.0,0.0]},
        {"weights":[[1.0,0.0],[0.0,1.0]],"bias":[0.0,0.0]}]}"#;

    /// `y` and what follows it.
    fn row(y: [i8; 2], rhs: &str, is_strict: bool) -> String {
        format!("{{y = ['{}', '{}'], rhs = '{rhs}', strict = {is_strict}}}", y[0], y[1])
    }

    /// The kernel's answer to a proof that the square leaves the block, in both arithmetics.
    fn is_proved(rows: &[String], proof: &Proof) -> [bool; 2] {
        let text = format!(
            "property = 'output-region'\nunsafe = [[{}]]\n[[input]]\nbox = [['-1', '1'], ['-1', '1']]",
            rows.join(", ")
        );
        let model = Model::read(MODEL.as_bytes()).unwrap();
        let spec = Spec::read(text.as_bytes()).unwrap();
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        [Arithmetic::Rounded, Arithmetic::Exact].map(|arithmetic| {
            let verdict = Kernel::new(&model, &lowered, arithmetic).check(0, proof);
            match proof {
                Proof::Counterexample { .. } => matches!(verdict, Ok(Verdict::Refuted(_))),
                _ => matches!(verdict, Ok(Verdict::Proved(_))),
            }
        })
    }

    fn weighted(weights: &[f64]) -> Proof {
        Proof::linear(vec![Hint { weights: weights.to_vec(), ..Hint::default() }])
    }

    const NO: [bool; 2] = [false; 2];

    #[test]
    fn a_strict_row_is_left_at_zero_and_another_is_not() {
        let linear = Proof::linear(Vec::new());
        for proof in [Proof::interval(), linear, weighted(&[1.0])] {
            // f0 > 2
            assert!(is_proved(&[row([-1, 0], "-2", true)], &proof)[1], "{proof:?}");
            assert_eq!(is_proved(&[row([-1, 0], "-2", false)], &proof), NO, "{proof:?}");
            for below in ["-1.9999", "-1.99999999999999999999"] {
                assert_eq!(is_proved(&[row([-1, 0], below, true)], &proof), NO, "{proof:?}");
            }
        }
        assert_eq!(is_proved(&[row([-1, 0], "-2.1", true)], &Proof::interval()), [true; 2]);
    }

    /// At (1, 1), `f = (2, 0)`: of `f0 >= 2` and `f1 < ½` only the second is strict.
    #[test]
    fn a_sum_is_left_at_zero_only_by_the_weight_of_a_strict_row() {
        let reached = [row([-1, 0], "-2", false), row([0, 1], "0.5", true)];
        let exact = vec!["1".to_owned(), "1".to_owned()];
        let witness = Proof::Counterexample { points: vec![exact] };
        assert_eq!(is_proved(&reached, &witness), [true; 2]);
        for weights in [[1.0, 0.0], [1.0, -1.0], [1.0, f64::INFINITY], [1.0, f64::NAN], [0.0, 0.0]]
        {
            assert_eq!(is_proved(&reached, &weighted(&weights)), NO, "{weights:?}");
        }
        for proof in [Proof::interval(), Proof::linear(Vec::new())] {
            assert_eq!(is_proved(&reached, &proof), NO, "{proof:?}");
        }
        // f0 > 2 and f1 < ½
        let left = [row([-1, 0], "-2", true), row([0, 1], "0.5", true)];
        assert_eq!(is_proved(&left, &witness), NO);
        assert!(is_proved(&left, &weighted(&[1.0, 0.0]))[1]);
        assert_eq!(is_proved(&left, &weighted(&[0.0, 1.0])), NO);
        assert_eq!(
            is_proved(&left, &weighted(&[0.0, 0.0])),
            NO,
            "a bound of 0 shows no empty case"
        );
    }

    #[test]
    fn a_witness_of_a_strict_row_is_inside() {
        let point =
            |x: &str| Proof::Counterexample { points: vec![vec![x.to_owned(), x.to_owned()]] };
        assert_eq!(is_proved(&[row([-1, 0], "-2", false)], &point("1")), [true; 2]);
        assert_eq!(is_proved(&[row([-1, 0], "-2", true)], &point("1")), NO);
        assert_eq!(is_proved(&[row([-1, 0], "-1.9", true)], &point("1")), [true; 2]);
        assert_eq!(is_proved(&[row([-1, 0], "-1.9", true)], &point("0.95")), NO);
    }
}
