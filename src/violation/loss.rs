//! The loss of a batch: `mean of max(0, v)` over its violations `v`.

use super::slopes::Sloped;

/// The mean of `max(0, v)`, and its slopes by the scores of each violation, in order: `1/n` of the violation's
/// own where it is positive, else 0. The mean of nothing is 0.
pub fn mean_hinge<const POINTS: usize>(batch: &[Sloped<POINTS>]) -> (f64, Vec<[Vec<f64>; POINTS]>) {
    let share = 1.0 / batch.len().max(1) as f64;
    let loss = batch.iter().map(|v| share * v.value.max(0.0)).sum();
    let scaled = |v: &Sloped<POINTS>| {
        let factor = if v.value > 0.0 { share } else { 0.0 };
        v.slopes.each_ref().map(|slopes| slopes.iter().map(|slope| factor * slope).collect())
    };
    (loss, batch.iter().map(scaled).collect())
}
