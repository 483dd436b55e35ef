//! Bounds on gradients. A ReLU network is piecewise linear; along almost every segment of a convex
//! region its slope lies in the interval product `c·W_L·D·…·D·W_1`, where `D` is 1 for neurons that
//! are on, 0 for those that are off and [0, 1] otherwise. A difference of two values is the integral
//! of those slopes, so a sign of the product is a sign of the difference.

use crate::interval::{Form, Interval, product_up, sum_up};
use crate::spec::{Direction, Norm};

use crate::certificate::claims::{Outcome, competitors, margin_row};
use crate::certificate::{Bounds, Hidden, Network};

/// The interval of `∂(row·logits)/∂z_i` over a region with the given hidden bounds, per input;
/// `None` after overflow.
pub fn gradient<F: Form>(
    network: &Network<F>,
    row: &[f64],
    hidden: &Hidden,
) -> Option<Vec<Interval>> {
    let before: Vec<&[Interval]> = hidden.layers().collect();
    let mut slopes: Vec<Interval> = row.iter().map(|&c| Interval::point(c)).collect();
    for layer in (0..network.depth()).rev() {
        // copies side by side have nothing between them
        let columns = network.columns(layer);
        let outputs = columns.first()?.len().max(1);
        let of_copy = |part| columns.iter().map(move |column| combine::<F>(column, part));
        slopes = slopes.chunks_exact(outputs).flat_map(of_copy).collect::<Option<_>>()?;
        if let Some(bounds) = layer.checked_sub(1).and_then(|previous| before.get(previous)) {
            slopes = slopes.iter().zip(*bounds).map(|(&s, &z)| through_relu(s, z)).collect();
        }
    }
    Some(slopes)
}

/// `Σ_j column_j·slopes_j`, outward.
fn combine<F: Form>(column: &[f64], slopes: &[Interval]) -> Option<Interval> {
    let negated: Vec<f64> = column.iter().map(|w| -w).collect();
    let (lo, hi) = (F::new(column).minimum(slopes), -F::new(&negated).minimum(slopes));
    Interval::new(lo, hi).filter(|bounds| bounds.is_finite())
}

/// `slope · D` for a neuron whose input lies in `z`.
fn through_relu(slope: Interval, z: Interval) -> Interval {
    if z.lo() >= 0.0 {
        slope
    } else if z.hi() <= 0.0 {
        Interval::point(0.0)
    } else {
        slope.hull(Interval::point(0.0))
    }
}

/// Decides whether raising `feature` alone never moves `F_class` against `direction`: every
/// `∂(z_class − z_k)/∂x` must have the sign.
pub(super) fn monotone<F: Form>(
    network: &Network<F>,
    hidden: &Hidden,
    feature: usize,
    class: usize,
    direction: Direction,
) -> Outcome {
    let classes = network.widths().last().copied().unwrap_or(0);
    let mut reached = f64::INFINITY;
    for other in competitors(class, classes) {
        let row = margin_row(class, other, classes);
        let slope = gradient(network, &row, hidden).and_then(|all| all.get(feature).copied());
        let rate = slope.map_or(f64::NEG_INFINITY, |slope| match direction {
            Direction::Increasing => slope.lo(),
            Direction::Decreasing => -slope.hi(),
        });
        reached = if rate < reached { rate } else { reached };
    }
    if reached >= 0.0 && classes > 1 {
        Outcome::Holds
    } else {
        Outcome::Open(Bounds { reached, required: 0.0 })
    }
}

/// An upper bound of `max |m(x) − m(x′)|` over pairs of a convex region with
/// `(|x_i − x′_i|/reach_i)` in the unit ball of `norm`: the dual norm of `(reach_i·|∂_i m|)`.
/// `reach` is in standardised units.
pub(super) fn largest_change(slopes: &[Interval], reach: &[f64], norm: Norm) -> f64 {
    let products = slopes.iter().zip(reach).map(|(s, &r)| product_up(s.magnitude(), r));
    match norm {
        Norm::Linf => sum_up(products),
        Norm::L1 => products.fold(0.0, |top, p| if p > top { p } else { top }),
        Norm::L2 => sum_up(products.map(|p| product_up(p, p))).sqrt().next_up(),
    }
}
