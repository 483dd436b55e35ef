//! Numbers with their slopes by the three values that a formula depends on.

use super::{AnswerPair, Spot};

/// A number, and its derivatives by the margin at `x`, the margin at `x'` and the distance. Where a function has a
/// kink, those of one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual {
    /// The number.
    pub value: f64,
    /// By [`AnswerPair::row`], [`AnswerPair::near`] and [`AnswerPair::distance`].
    pub slopes: [f64; 3],
}

impl Dual {
    pub(super) fn constant(value: f64) -> Self {
        Self { value, slopes: [0.0; 3] }
    }

    pub(super) fn margin(at: &AnswerPair, place: Spot) -> Self {
        match place {
            Spot::Row => Self { value: at.row, slopes: [1.0, 0.0, 0.0] },
            Spot::Near => Self { value: at.near, slopes: [0.0, 1.0, 0.0] },
        }
    }

    pub(super) fn distance(at: &AnswerPair) -> Self {
        Self { value: at.distance, slopes: [0.0, 0.0, 1.0] }
    }

    fn mapped(self, value: f64, slope: f64) -> Self {
        Self { value, slopes: self.slopes.map(|own| slope * own) }
    }

    pub(super) fn times(self, factor: f64) -> Self {
        self.mapped(factor * self.value, factor)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let slopes = std::array::from_fn(|i| self.slopes[i] + other.slopes[i]);
        Self { value: self.value + other.value, slopes }
    }

    pub(super) fn product(self, other: Self) -> Self {
        let slopes =
            std::array::from_fn(|i| self.slopes[i] * other.value + self.value * other.slopes[i]);
        Self { value: self.value * other.value, slopes }
    }

    /// `1/(1 + e^{−a})`.
    pub(super) fn sigmoid(self) -> Self {
        let p = 1.0 / (1.0 + (-self.value).exp());
        self.mapped(p, p * (1.0 - p))
    }

    pub(super) fn abs(self) -> Self {
        self.times(if self.value < 0.0 { -1.0 } else { 1.0 })
    }

    /// `max(0, a)`.
    pub(super) fn positive(self) -> Self {
        if self.value > 0.0 { self } else { Self::constant(0.0) }
    }

    /// The smaller; of equals the first.
    pub(super) fn min(self, other: Self) -> Self {
        if other.value < self.value { other } else { self }
    }

    /// The larger; of equals the first.
    pub(super) fn max(self, other: Self) -> Self {
        if other.value > self.value { other } else { self }
    }
}
