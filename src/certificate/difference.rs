//! Rule `difference`: how far the margin changes between two points that are close to each other, by the
//! linear rule on the change itself.
//!
//! For `x` and `x′ = x + d` the change of a layer's output is `W` times the change of its inputs, biases
//! cancel, and the change of a relu lies between two lines over the change of what it reads
//! ([`crate::interval::Lines::of_change`]). Substituted backwards, that bounds `m(x′) − m(x)` by what `d`
//! can do, which two passes on their own, subtracted, would not see. A bound by the gradient stands in where
//! it is less.

use crate::interval::{Form, Interval, Rational};
use crate::model::Schema;
use crate::spec::{Claim, RawRegion};

use super::claims::Outcome;
use super::jacobian::{gradient, largest_change};
use super::rates::{Rate, steepest};
use super::{Bounds, Network};

/// Decides a claim about all pairs of points of a convex region that are close. `unbiased` is the network without
/// its biases.
pub(super) fn decide<F: Form>(
    network: &Network<F>,
    unbiased: &Network<F>,
    schema: &Schema,
    claim: &Claim,
    region: &RawRegion,
) -> Outcome {
    let verdict = || {
        let rate = Rate::of(claim, schema)?;
        let both = network.linear_bounds(region.standardised(schema)?.sides())?;
        let (units, norm) = rate.units();
        let changes = unbiased.change_bounds(&both, &moves(units, both.input()))?;
        let least = |row: &[f64]| unbiased.linear_margin(F::new(row), &changes, None, &[]);
        let (rise, fall) = (-least(&[1.0, -1.0]), -least(&[-1.0, 1.0]));
        let change = if rise > fall { rise } else { fall };
        // never below 0: the two points may be one
        let change = if change > 0.0 { change } else { 0.0 };
        let slopes = gradient(network, &[-1.0, 1.0], &both)?;
        let by_slopes = largest_change(&slopes, units, norm);
        let change = Rational::from_f64(if by_slopes < change { by_slopes } else { change })?;
        Some(rate.allows(&change, &steepest(network, &both, &[])))
    };
    match verdict() {
        Some((true, _)) => Outcome::Holds,
        Some((false, slack)) => Outcome::Open(Bounds { reached: slack, required: 0.0 }),
        None => Outcome::Open(Bounds::NONE),
    }
}

/// How far each standardised input may move, either way: by a unit of the distance, and within its side.
fn moves(units: &[f64], input: &[Interval]) -> Vec<Interval> {
    let reach = |(unit, side): (&f64, &Interval)| {
        let width = (side.hi() - side.lo()).next_up();
        let reach = if width < *unit { width } else { *unit };
        Interval::new(-reach, reach).unwrap_or(Interval::WHOLE)
    };
    units.iter().zip(input).map(reach).collect()
}
