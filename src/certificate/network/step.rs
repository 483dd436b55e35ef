//! The step rule: a margin cannot fall as far as the boundary in one step. The linear rule shows it over two
//! copies of a network that share a point.
//!
//! For `x` in a region, `x′ = x + v` with `v` in a box, a sign `c` and some `λ >= 0`:
//!
//! ```text
//! min [ c·m(x + v) − λ·(c·m(x) − μ⁻) ] > 0   ⇒   c·m(x + v) > 0 wherever c·m(x) >= μ⁻
//! ```
//!
//! Each copy has lines of its own. The forms over their inputs are added over `(x, v)`, where the part that
//! both have in common cancels. `λ = 0` would be a bound of the moved copy alone.

use crate::interval::{Form, Interval, magnitudes};

use crate::certificate::{Hidden, Network};

/// The multipliers that are tried.
const LAMBDAS: [f64; 2] = [1.0, 0.5];

/// True if the rule shows `c·m(z + v) > 0` for all `z` of the box of `own` with `c·m(z) >= floor` and all `v`
/// of `moves` (standardised, one per feature). `moved` serves all `z + v`; `sign` is `c`, and `floor >= 0`.
pub(super) fn keeps_sign<F: Form>(
    network: &Network<F>,
    own: &Hidden,
    moved: &Hidden,
    moves: &[Interval],
    sign: f64,
    floor: f64,
) -> bool {
    // moves that are 0 are left out
    let is_moved = |(_, side): &(usize, &Interval)| side.lo() != 0.0 || side.hi() != 0.0;
    let (movers, moves): (Vec<usize>, Vec<Interval>) =
        moves.iter().enumerate().filter(is_moved).map(|(feature, side)| (feature, *side)).unzip();
    let sizes = magnitudes(own.input());
    let sides: Vec<Interval> = own.input().iter().copied().chain(moves).collect();
    let form = |row: [f64; 2], hidden| network.input_form(F::new(&row), hidden, None, &[]);
    let Some(after) = form([-sign, sign], moved) else { return false };
    LAMBDAS.iter().any(|&lambda| {
        let Some(before) = form([lambda * sign, -lambda * sign], own) else { return false };
        let mut both = after.clone().shared(before, &movers, &sizes);
        both.add_constant(lambda, floor);
        both.minimum(&sides) > 0.0
    })
}
