//! A margin that cannot fall as far as the boundary in one step, by the linear rule over two copies of
//! a network that share a point.
//!
//! For `x` in a region, `x′ = x + v` with `v` in a box, a sign `c` and some `λ >= 0`:
//!
//! ```text
//! min [ c·m(x + v) − λ·(c·m(x) − μ⁻) ] > 0   ⇒   c·m(x + v) > 0 wherever c·m(x) >= μ⁻
//! ```
//!
//! Each copy has lines of its own; the forms over their inputs are added over `(x, v)`, where what both
//! have in common cancels. `λ = 0` would be a bound of the moved copy alone.

use crate::interval::{Form, Interval, Sizes};

use super::network::magnitudes;
use super::{Hidden, Network};

/// The multipliers that are tried.
const LAMBDAS: [f64; 2] = [1.0, 0.5];

/// Whether `c·m(z + v) > 0` for all `z` of the box of `own` with `c·m(z) >= floor` and all `v` of `moves`
/// (standardised, one a feature). `moved` serves all `z + v`; `sign` is `c`, and `floor >= 0`.
pub(super) fn keeps_sign<F: Form>(
    network: &Network<F>,
    own: &Hidden,
    moved: &Hidden,
    moves: &[Interval],
    sign: f64,
    floor: f64,
) -> bool {
    let shared = Shared::<F>::new(own.input(), moves);
    let form = |row: [f64; 2], hidden| network.input_form(F::new(&row), hidden, None, &[]);
    let Some(after) = form([-sign, sign], moved) else { return false };
    LAMBDAS.iter().any(|&lambda| {
        let Some(before) = form([lambda * sign, -lambda * sign], own) else { return false };
        let mut both = after.clone().joined(before).through_layer(&shared.layer, &shared.sizes);
        both.add_constant(lambda, floor);
        both.minimum(&shared.sides) > 0.0
    })
}

/// The affine map from `(z, v)` to the inputs `(z + v, z)` of two copies. Moves that are 0 are left out.
struct Shared<F: Form> {
    layer: F::Layer,
    sides: Vec<Interval>,
    sizes: Sizes,
}

impl<F: Form> Shared<F> {
    fn new(input: &[Interval], moves: &[Interval]) -> Self {
        let features = input.len();
        let is_moved = |(_, side): &(usize, &Interval)| side.lo() != 0.0 || side.hi() != 0.0;
        let movers: Vec<(usize, &Interval)> = moves.iter().enumerate().filter(is_moved).collect();
        let width = features + movers.len();
        let weight = |row: usize, column: usize| {
            let is_own = column == row % features;
            let moves_it = movers.get(column.wrapping_sub(features)).is_some_and(|m| m.0 == row);
            f64::from(u8::from(is_own || moves_it))
        };
        let weights: Vec<f64> = (0..2 * features)
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .map(|(row, column)| weight(row, column))
            .collect();
        let layer = F::layer(&weights, &vec![0.0; 2 * features], width);
        let moves = movers.iter().map(|(_, side)| **side);
        let sides: Vec<Interval> = input.iter().copied().chain(moves).collect();
        let sizes = F::sizes(&layer, &magnitudes(&sides));
        Self { layer, sides, sizes }
    }
}
