//! Bounds on gradients. A ReLU network is piecewise linear; along almost every segment of a convex
//! region its slope lies in the interval product `c·W_L·D·…·D·W_1`, where `D` is 1 for neurons that
//! are on, 0 for those that are off and [0, 1] otherwise. A difference of two values is the integral
//! of those slopes, so a sign of the product is a sign of the difference.
//!
//! The slope along one input is also the output of the network without its biases, read at the unit vector, where
//! a neuron passes `D` times what it gets. A step from `z` to `z′` changes `relu` by just that, if nothing but the
//! sign of `D`'s neuron is known of `z` and `z′`. So the linear rule on changes bounds it, and sees that every
//! path through a neuron shares its `D`, as the product does not.

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

/// A lower bound of `∂(row·logits)/∂z_feature` over a region with the given hidden bounds, by the product or by the
/// linear rule, whichever is better; −∞ after overflow.
pub fn least_slope<F: Form>(
    network: &Network<F>,
    row: &[f64],
    feature: usize,
    hidden: &Hidden,
) -> f64 {
    let slope = gradient(network, row, hidden).and_then(|all| all.get(feature).copied());
    let by_product = slope.map_or(f64::NEG_INFINITY, |slope| slope.lo());
    if by_product >= 0.0 {
        return by_product;
    }
    let unit = |input| Interval::point(if input == feature { 1.0 } else { 0.0 });
    let unit: Vec<_> = (0..hidden.input().len()).map(unit).collect();
    let places = hidden.layers().map(|layer| layer.iter().map(|&z| [half_of(z); 2]).collect());
    let slopes = network.change_bounds(places, &unit);
    let by_lines = slopes.map_or(f64::NEG_INFINITY, |slopes| network.least_change(row, &slopes));
    if by_lines > by_product { by_lines } else { by_product }
}

/// All numbers of the sign that is known of `z`.
fn half_of(z: Interval) -> Interval {
    let lo = if z.lo() >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
    let hi = if z.hi() <= 0.0 { 0.0 } else { f64::INFINITY };
    Interval::new(lo, hi).unwrap_or(Interval::WHOLE)
}

/// The rows of logits whose slopes must not be negative for `F_class` to move in a direction.
pub fn monotone_rows(class: usize, classes: usize, direction: Direction) -> Vec<Vec<f64>> {
    let row = |other| match direction {
        Direction::Increasing => margin_row(class, other, classes),
        Direction::Decreasing => margin_row(other, class, classes),
    };
    competitors(class, classes).map(row).collect()
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
    for row in monotone_rows(class, classes, direction) {
        let rate = least_slope(network, &row, feature, hidden);
        // NaN stays, and holds nothing
        reached = if rate >= reached || reached.is_nan() { reached } else { rate };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::{Exact, Rounded};
    use crate::model::{Layer, Mlp};

    /// `relu(2·relu(x + 2) − relu(x + 2) − 2)` is `relu(x)` over `[−1, 1]`. The product takes the slope of the outer
    /// relu once as 0 and once as 1.
    fn at_least<F: Form>(output: f64) -> [f64; 2] {
        let layer = |weights: &[f64], bias: &[f64], inputs| Layer {
            weights: weights.to_vec(),
            bias: bias.to_vec(),
            inputs,
        };
        let first = layer(&[1.0, 1.0], &[2.0, 2.0], 1);
        let last = layer(&[output], &[0.0], 1);
        let layers = vec![first, layer(&[2.0, -1.0], &[-2.0], 2), last];
        let network = Network::<F>::new(&Mlp { layers });
        let hidden = network.linear_bounds(&[Interval::new(-1.0, 1.0).unwrap()]).unwrap();
        let product = gradient(&network, &[1.0], &hidden).unwrap()[0].lo();
        [product, least_slope(&network, &[1.0], 0, &hidden)]
    }

    #[test]
    fn lines_see_that_paths_share_a_neuron() {
        assert_eq!(at_least::<Exact>(1.0), [-1.0, 0.0]);
        assert_eq!(at_least::<Exact>(-1.0), [-2.0, -1.0]);
        let [product, lines] = at_least::<Rounded>(-1.0);
        assert!(product < -1.9 && (-1.0 - 1e-12..=-1.0).contains(&lines), "{product} {lines}");
    }

    /// Half a line, so that a place says nothing about the size of a slope.
    #[test]
    fn of_a_neuron_only_the_sign_is_known() {
        let half = |lo, hi| {
            let half = half_of(Interval::new(lo, hi).unwrap());
            (half.lo(), half.hi())
        };
        let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(half(0.0, 0.5), (0.0, most));
        assert_eq!(half(-0.5, 0.0), (least, 0.0));
        assert_eq!(half(-0.5, 0.5), (least, most));
    }
}
