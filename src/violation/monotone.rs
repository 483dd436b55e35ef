//! Monotone claims, at a lower and a higher value of the feature.
//!
//! ```text
//! increasing   score(low) − score(high)        decreasing   score(high) − score(low)
//! ```
//!
//! The score is the margin of the class; with more than two classes, its posterior.

use crate::model::{Mlp, softmax};
use crate::spec::{Aim, Bonds, Claim, Direction, Pair};

use super::label::posterior;
use super::slopes::{Sloped, contrast, margin, margin_row, slopes};

/// A monotone claim. Its violation is in units of scores, with more than two classes in units of posteriors;
/// that the points differ in the feature alone, the first being lower, is the caller's affair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonotoneClaim {
    feature: usize,
    class: usize,
    /// The factor by which scores are multiplied so that they must not fall.
    sign: f64,
}

impl MonotoneClaim {
    /// Returns `None` for other claims.
    pub fn of(claim: &Claim) -> Option<Self> {
        let Pair { bonds: Bonds::Raised(feature), aim: Aim::Order { direction, class }, .. } =
            claim.pair()?
        else {
            return None;
        };
        let sign = match direction {
            Direction::Increasing => 1.0,
            Direction::Decreasing => -1.0,
        };
        Some(Self { feature: feature.0, class: *class, sign })
    }

    /// Index of the feature.
    pub fn feature(&self) -> usize {
        self.feature
    }

    /// The value that must not fall as the feature rises, from the scores at a point. The violation is what
    /// it loses from the lower to the higher point.
    pub fn rising(&self, scores: &[f64]) -> f64 {
        let score = match (scores.len(), self.class) {
            (..=2, 1) => margin(scores),
            (..=2, _) => -margin(scores),
            _ => softmax(scores)[self.class],
        };
        self.sign * score
    }

    /// The same from an answered posterior, as behind a defense.
    pub fn rising_answer(&self, posterior: &[f64]) -> f64 {
        self.sign * posterior.get(self.class).copied().unwrap_or(f64::NAN)
    }

    /// The violation, and its slopes by the scores at the lower and at the higher point.
    pub fn by_scores(&self, [low, high]: [&[f64]; 2]) -> Sloped<2> {
        let value = self.rising(low) - self.rising(high);
        Sloped { value, slopes: [self.row(low, self.sign), self.row(high, -self.sign)] }
    }

    /// `factor` times the slopes of the class's score by the scores.
    fn row(&self, scores: &[f64], factor: f64) -> Vec<f64> {
        match (scores.len(), self.class) {
            (..=2, 1) => margin_row(factor),
            (..=2, _) => margin_row(-factor),
            _ => posterior(self.class, scores).1.iter().map(|slope| factor * slope).collect(),
        }
    }

    /// The row of logits that rises where the score falls along the feature; see [`MonotoneClaim::fall_rate`].
    pub fn falling(&self, classes: usize) -> Vec<f64> {
        contrast(self.class, classes).iter().map(|c| -self.sign * c).collect()
    }

    /// The score's loss per standardised unit of the feature around a standardised point: positive if it
    /// goes in the wrong direction. With more than two classes, the score here is the class's [`contrast`].
    pub fn fall_rate(&self, mlp: &Mlp, standardised: &[f64], classes: usize) -> f64 {
        -self.sign * slopes(mlp, standardised, &contrast(self.class, classes))[self.feature]
    }
}
