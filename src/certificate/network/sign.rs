//! The sign of a hidden neuron, which tells the two cases of a cut apart.

use crate::interval::Interval;

use crate::certificate::Hint;

/// The sign that a case gives a neuron: `z >= 0`, or `z <= 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// Hidden layer, from 0.
    pub layer: usize,
    /// Neuron of that layer.
    pub neuron: usize,
    /// True for `z >= 0`, false for `z <= 0`.
    pub is_on: bool,
}

impl Sign {
    /// The values that the neuron may have.
    pub(super) fn half(self) -> Interval {
        let half = if self.is_on {
            Interval::new(0.0, f64::INFINITY)
        } else {
            Interval::new(f64::NEG_INFINITY, 0.0)
        };
        half.unwrap_or(Interval::WHOLE)
    }

    /// The hinted multiplier `β >= 0`, clipped: over `z >= 0`, `f >= f − β·z`; over `z <= 0`,
    /// `f >= f + β·z`.
    pub(super) fn multiplier(self, hint: Option<&Hint>) -> f64 {
        let named = |&(layer, neuron, value): &(usize, usize, f64)| {
            let is_own = layer == self.layer && neuron == self.neuron;
            (is_own && value > 0.0 && value.is_finite()).then_some(value)
        };
        hint.and_then(|hint| hint.split.iter().find_map(named)).unwrap_or(0.0)
    }
}
