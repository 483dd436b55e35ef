//! Newton steps to a margin.

use crate::model::Model;
use crate::violation::{FloatBox, margin_slopes};

/// One Newton step towards `m = target`, clipped.
pub(super) fn step_towards(model: &Model, space: &FloatBox, point: &mut [f64], target: f64) {
    let (margin, gradient) = (model.margin(point), margin_slopes(model, point));
    let square: f64 = gradient.iter().map(|g| g * g).sum();
    if square > 0.0 {
        for (x, g) in point.iter_mut().zip(&gradient) {
            *x -= (margin - target) * g / square;
        }
        space.clip(point);
    }
}
