//! Angles between gradients on benign and on synthesised points (PRADA's successors look at queries so; the paper's
//! figure 5).
//!
//! ```text
//! u = ∇_w CE(S; x, y),  u′ = ∇_w CE(S; x′, y′),   θ = arccos(u·u′ / |u||u′|), in degrees, for all pairs
//! drift   S starts at random and takes a step of plain descent after each point: every gradient has its own w
//! fixed   all gradients at the same random w
//! ```
//!
//! The published formula writes one Jacobian for both points; there are two. Gradients that are 0 have no angle and
//! are counted. With two classes the gradients of one point for both labels point in opposite directions.

use ndarray::Array2;
use serde::Serialize;

use crate::train::mlp::FloatNetwork;

use super::learners::{cross_entropy_by_logits, gradient};
use super::{Knowledge, Labelled, StealError, SubstituteOptions};

/// The weights at which gradients are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AngleReading {
    /// Those after a step on every point before.
    Drift,
    /// The random ones of the start.
    Fixed,
}

/// Angles of all pairs of a benign and a synthesised point, in degrees.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AngleFigures {
    /// The weights.
    pub reading: AngleReading,
    /// Benign points.
    pub benign: usize,
    /// Synthesised points.
    pub synthesised: usize,
    /// Points whose gradient is 0; they are in no pair.
    pub zero: usize,
    /// Mean angle; `None` without pairs.
    pub mean: Option<f64>,
    /// The quantiles 0.05, 0.25, 0.5, 0.75, 0.95.
    pub quantiles: Vec<f64>,
    /// Share of pairs above 90 degrees.
    pub above_90: Option<f64>,
}

/// The angles of all pairs, in one reading. The network is that of a substitute, before any training.
///
/// # Errors
/// Settings of which no network is made.
pub fn angles(
    known: &Knowledge,
    options: &SubstituteOptions,
    (benign, synthesised): (&[Labelled], &[Labelled]),
    reading: AngleReading,
    seed: u64,
) -> Result<AngleFigures, StealError> {
    let gradients = |points: &[Labelled]| gradients(known, options, points, reading, seed);
    let (left, right) = (gradients(benign)?, gradients(synthesised)?);
    let zero = benign.len() + synthesised.len() - left.len() - right.len();
    let mut angles: Vec<f64> =
        left.iter().flat_map(|u| right.iter().map(|v| degrees(u, v))).collect();
    angles.sort_by(f64::total_cmp);
    let share = |count: usize| count as f64 / angles.len() as f64;
    let is_some = !angles.is_empty();
    let quantile = |q: f64| {
        let at = (q * (angles.len() - 1) as f64).round() as usize;
        angles.get(at).copied().unwrap_or_default()
    };
    Ok(AngleFigures {
        reading,
        benign: benign.len(),
        synthesised: synthesised.len(),
        zero,
        mean: is_some.then(|| angles.iter().sum::<f64>() / angles.len() as f64),
        quantiles: if is_some {
            [0.05, 0.25, 0.5, 0.75, 0.95].map(quantile).to_vec()
        } else {
            Vec::new()
        },
        above_90: is_some.then(|| share(angles.iter().filter(|angle| **angle > 90.0).count())),
    })
}

/// The gradients by the weights, without those that are 0, each of length 1.
fn gradients(
    known: &Knowledge,
    options: &SubstituteOptions,
    points: &[Labelled],
    reading: AngleReading,
    seed: u64,
) -> Result<Vec<Vec<f64>>, StealError> {
    let mut network: FloatNetwork<f64> = options.mlp(seed).start(known.schema, known.classes)?;
    let mut found = Vec::new();
    for point in points {
        let z = known.schema.standardise(&point.values);
        let inputs = Array2::from_shape_fn((1, z.len()), |(_, column)| z[column]);
        let one_hot = |class: usize| if class == point.label { 1.0 } else { 0.0 };
        let labels = Array2::from_shape_fn((1, known.classes), |(_, class)| one_hot(class));
        let by_weights =
            gradient(&network, &inputs, |logits| cross_entropy_by_logits(logits, &labels));
        let flat: Vec<f64> = by_weights.tensors().flatten().copied().collect();
        let norm = flat.iter().map(|g| g * g).sum::<f64>().sqrt();
        if norm > 0.0 && norm.is_finite() {
            found.push(flat.into_iter().map(|g| g / norm).collect());
        }
        match reading {
            AngleReading::Drift => {
                let steps = network.tensors_mut().flatten().zip(by_weights.tensors().flatten());
                steps.for_each(|(w, g)| *w -= options.learning_rate * g);
            }
            AngleReading::Fixed => {}
        }
    }
    Ok(found)
}

/// The angle of two vectors of length 1.
fn degrees(u: &[f64], v: &[f64]) -> f64 {
    let cosine: f64 = u.iter().zip(v).map(|(a, b)| a * b).sum();
    cosine.clamp(-1.0, 1.0).acos().to_degrees()
}

#[cfg(test)]
mod tests {
    use crate::dataset::ValidBox;
    use crate::steal::Source;
    use crate::steal::tests::{knowledge, linear_target, rows};

    use super::*;

    fn labelled(values: &[f64], label: usize) -> Labelled {
        Labelled { values: values.to_vec(), label, source: Source::Paid, posterior: None }
    }

    #[test]
    fn one_point_has_angle_zero_with_itself_and_a_straight_one_with_its_other_label() {
        let model = linear_target();
        let valid = ValidBox::new(&model.schema);
        let known = knowledge(&model, &valid, &[], &[]);
        let options = SubstituteOptions { hidden: vec![7], ..Default::default() };
        let x = [labelled(&[3.0, 2.0, 1.0], 0)];
        let other = [labelled(&[3.0, 2.0, 1.0], 1)];
        let fixed = AngleReading::Fixed;
        let same = angles(&known, &options, (&x, &x), fixed, 1).unwrap();
        assert!(same.mean.unwrap() < 1e-5 && same.zero == 0);
        let straight = angles(&known, &options, (&x, &other), fixed, 1).unwrap();
        assert!((straight.mean.unwrap() - 180.0).abs() < 1e-5);
        assert_eq!(straight.above_90, Some(1.0));
    }

    #[test]
    fn zero_gradients_are_counted_and_both_readings_differ() {
        let model = linear_target();
        let valid = ValidBox::new(&model.schema);
        let known = knowledge(&model, &valid, &[], &[]);
        let points = |seed| -> Vec<Labelled> {
            rows(&model, 50, seed).iter().map(|row| labelled(&row.values, row.label)).collect()
        };
        let (benign, made) = (points(1), points(2));
        let options = SubstituteOptions { hidden: vec![7], ..Default::default() };
        let at = |reading| angles(&known, &options, (&benign, &made), reading, 3).unwrap();
        let (drift, fixed) = (at(AngleReading::Drift), at(AngleReading::Fixed));
        assert_ne!(drift.mean, fixed.mean);
        assert_eq!((drift.benign, drift.synthesised, drift.quantiles.len()), (50, 50, 5));
        assert!(
            drift.quantiles.is_sorted()
                && drift.quantiles.iter().all(|q| (0.0..=180.0).contains(q))
        );
        // logits so far apart that the softmax is exactly one-hot
        let far = [labelled(&[1e8, -1e8, 1e8], 0), labelled(&[1e8, -1e8, 1e8], 1)];
        let found = angles(&known, &options, (&far, &made), AngleReading::Fixed, 3).unwrap();
        assert_eq!(found.zero, 1, "{found:?}");
        let none = angles(&known, &options, (&far[..0], &made), AngleReading::Fixed, 3).unwrap();
        assert_eq!((none.mean, none.quantiles.len()), (None, 0));
    }
}
