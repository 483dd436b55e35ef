//! The bound ξ on `|F(x′)_c − F(x)_c|` that a property gives for a labelled x and a new x′ (table 4 of the paper).
//!
//! ```text
//! property             as published                                   sound
//! Lipschitz            L/√2 · dist                                    the same
//! local invariance     δ · e^{λ·max(dist − ε, 0)}                     δ within ε, else 1
//! the same, training   √(ε₂/2) · e^{λ·max(dist − ε₁, 0)}              √(ε₂/2) within ε₁ (Pinsker), else 1
//! small neighbourhood  ε·L/√2 · e^{λ·max(dist − ε, 0)}                (⌊dist/ε⌋ + 1) · ε·L/√2
//! monotone, raising j  (1 − F(x)₁) · e^{λ·max(x_j − x′_j, Σ_{k≠j} |x_k − x′_k|)}   1 − F₁ above, F₁ below, else 1
//! ```
//!
//! All are cut at 1. The exponentials outside the ball are guesses of the paper; its own text has no row for local
//! invariance on training rows, the one here is read off the others. The sound form holds if the property does, with
//! the parameters given, at both points. Distances are in standardised units; class c = 1 of two.

use std::f64::consts::SQRT_2;

use serde::{Deserialize, Serialize};

use crate::spec::Direction;
use crate::steal::{Knowledge, StealError};

/// A norm of differences of standardised points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorNorm {
    /// The sum of sizes.
    L1,
    /// The Euclidean norm.
    #[default]
    L2,
    /// The largest size.
    Linf,
}

impl VectorNorm {
    /// The distance of two points.
    pub(super) fn distance(self, a: &[f64], b: &[f64]) -> f64 {
        let sizes = a.iter().zip(b).map(|(x, y)| (x - y).abs());
        match self {
            Self::L1 => sizes.sum(),
            Self::L2 => sizes.map(|size| size * size).sum::<f64>().sqrt(),
            Self::Linf => sizes.fold(0.0, f64::max),
        }
    }
}

/// The property that the attacker believes the target has, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecurityProperty {
    /// The posterior changes by at most `l` times the distance.
    Lipschitz {
        /// L.
        l: f64,
        /// Norm of the distance.
        #[serde(default)]
        norm: VectorNorm,
    },
    /// Within `epsilon` of a row, the posterior of its label stays above `1 − delta`.
    LocalInvariance {
        /// ε.
        epsilon: f64,
        /// δ.
        delta: f64,
        /// Norm of the distance.
        #[serde(default = "largest")]
        norm: VectorNorm,
    },
    /// Within `epsilon` of a training row, the posterior diverges (Kullback–Leibler) by at most `divergence`.
    LocalInvarianceT {
        /// ε₁.
        epsilon: f64,
        /// ε₂.
        divergence: f64,
        /// Norm of the distance.
        #[serde(default = "largest")]
        norm: VectorNorm,
    },
    /// Within `epsilon` (largest standardised difference of a feature), the posterior changes by at most `epsilon·l`.
    SmallNeighborhood {
        /// ε.
        epsilon: f64,
        /// L.
        l: f64,
    },
    /// Raising one of the features moves the posterior of class 1 in one direction only.
    Monotonicity {
        /// Names.
        features: Vec<String>,
        /// The direction of class 1.
        direction: Direction,
    },
}

fn largest() -> VectorNorm {
    VectorNorm::Linf
}

impl SecurityProperty {
    /// The numbers of the property, by key.
    pub(in crate::steal) fn numbers(&self) -> Vec<(&'static str, f64)> {
        match *self {
            Self::Lipschitz { l, .. } => vec![("l", l)],
            Self::LocalInvariance { epsilon, delta, .. } => {
                vec![("epsilon", epsilon), ("delta", delta)]
            }
            Self::LocalInvarianceT { epsilon, divergence, .. } => {
                vec![("epsilon", epsilon), ("divergence", divergence)]
            }
            Self::SmallNeighborhood { epsilon, l } => vec![("epsilon", epsilon), ("l", l)],
            Self::Monotonicity { .. } => Vec::new(),
        }
    }

    /// The property with its bound scaled by `factor`, for searches. A monotone one has nothing to scale.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        let mut scaled = self.clone();
        match &mut scaled {
            Self::Lipschitz { l, .. } | Self::SmallNeighborhood { l, .. } => *l *= factor,
            Self::LocalInvariance { delta, .. } => *delta *= factor,
            // the bound is the root
            Self::LocalInvarianceT { divergence, .. } => *divergence *= factor * factor,
            Self::Monotonicity { .. } => {}
        }
        scaled
    }

    /// True if [`SecurityProperty::scaled`] changes something.
    pub(super) fn has_scale(&self) -> bool {
        !self.numbers().is_empty()
    }
}

/// The form of the bound outside the reach of the property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviationForm {
    /// As the paper prints it.
    #[default]
    Published,
    /// As it follows from the property.
    Sound,
}

/// A point with the attacker's answer for it; standardised.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AnsweredNeighbour {
    pub(super) z: Vec<f64>,
    pub(super) label: usize,
    /// The posterior of class 1, or the label where only labels are answered.
    pub(super) one: f64,
}

/// A property with its features found and the form of its bound chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deviation {
    property: SecurityProperty,
    form: DeviationForm,
    lambda: f64,
    /// Monotone features, with the sign that raises class 1.
    trends: Vec<(usize, f64)>,
}

impl Deviation {
    /// # Errors
    /// The property is about a feature that the target does not have.
    pub(super) fn new(
        property: &SecurityProperty,
        form: DeviationForm,
        lambda: f64,
        known: &Knowledge,
    ) -> Result<Self, StealError> {
        let mut trends = Vec::new();
        if let SecurityProperty::Monotonicity { features, direction } = property {
            let sign = match direction {
                Direction::Increasing => 1.0,
                Direction::Decreasing => -1.0,
            };
            for name in features {
                let found = known.schema.find(name).ok_or_else(|| StealError::NoSuchFeature {
                    feature: name.clone(),
                    features: some_names(known),
                })?;
                trends.push((found.0, sign));
            }
        }
        Ok(Self { property: property.clone(), form, lambda, trends })
    }

    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self { property: self.property.scaled(factor), ..self.clone() }
    }

    /// The distance by which neighbours are ordered.
    pub(super) fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        let norm = match self.property {
            SecurityProperty::Lipschitz { norm, .. }
            | SecurityProperty::LocalInvariance { norm, .. }
            | SecurityProperty::LocalInvarianceT { norm, .. } => norm,
            SecurityProperty::SmallNeighborhood { .. } => VectorNorm::Linf,
            SecurityProperty::Monotonicity { .. } => VectorNorm::L2,
        };
        norm.distance(a, b)
    }

    /// ξ for a neighbour at distance `apart` of the new point.
    pub(super) fn bound(&self, neighbour: &AnsweredNeighbour, new: &[f64], apart: f64) -> f64 {
        let beyond = |reach: f64| (self.lambda * (apart - reach).max(0.0)).exp();
        let ball = |inside: f64, reach: f64| match self.form {
            DeviationForm::Published => inside * beyond(reach),
            DeviationForm::Sound if apart <= reach => inside,
            DeviationForm::Sound => 1.0,
        };
        let bound = match &self.property {
            SecurityProperty::Lipschitz { l, .. } => l / SQRT_2 * apart,
            SecurityProperty::LocalInvariance { epsilon, delta, .. } => ball(*delta, *epsilon),
            SecurityProperty::LocalInvarianceT { epsilon, divergence, .. } => {
                ball((divergence / 2.0).sqrt(), *epsilon)
            }
            SecurityProperty::SmallNeighborhood { epsilon, l } => {
                let step = epsilon * l / SQRT_2;
                match self.form {
                    DeviationForm::Published => step * beyond(*epsilon),
                    DeviationForm::Sound => ((apart / epsilon).floor() + 1.0) * step,
                }
            }
            SecurityProperty::Monotonicity { .. } => self.monotone(neighbour, new),
        };
        bound.min(1.0)
    }

    fn monotone(&self, neighbour: &AnsweredNeighbour, new: &[f64]) -> f64 {
        let mut elsewhere = 0.0;
        // by how much the new point lies against the order, and along it
        let (mut down, mut up) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for (index, (old, new)) in neighbour.z.iter().zip(new).enumerate() {
            match self.trends.iter().find(|(feature, _)| *feature == index) {
                Some((_, sign)) => {
                    down = f64::max(down, sign * (old - new));
                    up = f64::max(up, sign * (new - old));
                }
                None => elsewhere += (old - new).abs(),
            }
        }
        match self.form {
            DeviationForm::Published => {
                let against = f64::max(down, elsewhere);
                let open = 1.0 - neighbour.one;
                // 0 stays 0 at any distance, where e^… may be infinite
                if open == 0.0 { 0.0 } else { open * (self.lambda * against).exp() }
            }
            DeviationForm::Sound if elsewhere > 0.0 => 1.0,
            DeviationForm::Sound if down <= 0.0 => 1.0 - neighbour.one,
            DeviationForm::Sound if up <= 0.0 => neighbour.one,
            DeviationForm::Sound => 1.0,
        }
    }
}

/// The first features of the target, for messages.
fn some_names(known: &Knowledge) -> String {
    let features = known.schema.features();
    let names: Vec<&str> = features.iter().take(5).map(|f| f.name.as_str()).collect();
    let more = features.len().saturating_sub(names.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use crate::dataset::ValidBox;
    use crate::steal::tests::{knowledge, monotone_target};

    use super::*;

    fn deviation(property: SecurityProperty, form: DeviationForm) -> Deviation {
        let model = monotone_target();
        let valid = ValidBox::new(&model.schema);
        Deviation::new(&property, form, 2.0, &knowledge(&model, &valid, &[], &[])).unwrap()
    }

    fn neighbour(z: [f64; 3], one: f64) -> AnsweredNeighbour {
        AnsweredNeighbour { z: z.to_vec(), label: usize::from(one > 0.5), one }
    }

    fn increasing() -> SecurityProperty {
        let features = vec!["a".to_owned()];
        SecurityProperty::Monotonicity { features, direction: Direction::Increasing }
    }

    /// Fact 6: with labels the published bound is 0 at any distance for label 1, and at least 1 for label 0.
    #[test]
    fn the_published_monotone_bound_of_a_label_says_nothing_or_everything() {
        let published = deviation(increasing(), DeviationForm::Published);
        for new in [[1.0, 1.0, 1.0], [9.0, 1.0, 1.0], [-50.0, 80.0, -1e3]] {
            let one = neighbour([1.0, 1.0, 1.0], 1.0);
            assert_eq!(published.bound(&one, &new, 0.0), 0.0);
            assert_eq!(published.bound(&neighbour([1.0, 1.0, 1.0], 0.0), &new, 0.0), 1.0);
        }
    }

    #[test]
    fn the_sound_monotone_bound_holds_on_its_own_side_only() {
        let sound = deviation(increasing(), DeviationForm::Sound);
        let base = neighbour([1.0, 2.0, 3.0], 0.75);
        let bound = |new: [f64; 3]| sound.bound(&base, &new, 0.0);
        assert_eq!(bound([4.0, 2.0, 3.0]), 0.25);
        assert_eq!(bound([-4.0, 2.0, 3.0]), 0.75);
        assert_eq!(bound([4.0, 2.5, 3.0]), 1.0);
        let falling = SecurityProperty::Monotonicity {
            features: vec!["a".to_owned(), "c".to_owned()],
            direction: Direction::Decreasing,
        };
        let sound = deviation(falling, DeviationForm::Sound);
        let bound = |new: [f64; 3]| sound.bound(&base, &new, 0.0);
        assert_eq!(bound([0.0, 2.0, 1.0]), 0.25);
        assert_eq!(bound([2.0, 2.0, 3.0]), 0.75);
        assert_eq!(bound([0.0, 2.0, 4.0]), 1.0, "up in one, down in the other");
    }

    #[test]
    fn bounds_are_those_of_the_table() {
        let at = |property: SecurityProperty, form, apart: f64| {
            deviation(property, form).bound(&neighbour([0.0; 3], 1.0), &[0.0; 3], apart)
        };
        let (published, sound) = (DeviationForm::Published, DeviationForm::Sound);
        let norm = VectorNorm::Linf;
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
        };
        near(at(SecurityProperty::Lipschitz { l: 0.5, norm }, published, 2.0), 1.0 / SQRT_2);
        near(at(SecurityProperty::Lipschitz { l: 0.5, norm }, sound, 9.0), 1.0);
        let local = || SecurityProperty::LocalInvariance { epsilon: 0.5, delta: 0.1, norm };
        near(at(local(), published, 0.5), 0.1);
        near(at(local(), published, 1.0), 0.1 * 1f64.exp());
        near(at(local(), sound, 0.5), 0.1);
        near(at(local(), sound, 0.51), 1.0);
        let training =
            || SecurityProperty::LocalInvarianceT { epsilon: 0.5, divergence: 0.02, norm };
        near(at(training(), sound, 0.3), 0.1);
        near(at(training(), published, 1.0), 0.1 * 1f64.exp());
        let small = || SecurityProperty::SmallNeighborhood { epsilon: 0.5, l: 0.2 };
        near(at(small(), published, 0.75), 0.1 / SQRT_2 * 0.5f64.exp());
        near(at(small(), sound, 0.25), 0.1 / SQRT_2);
        near(at(small(), sound, 1.25), 0.3 / SQRT_2);
    }

    #[test]
    fn a_searched_scale_moves_the_bound_and_nothing_else() {
        let property = SecurityProperty::Lipschitz { l: 0.5, norm: VectorNorm::L2 };
        let deviation = deviation(property, DeviationForm::Published);
        let point = neighbour([0.0; 3], 1.0);
        let bound = deviation.bound(&point, &[0.0; 3], 1.0);
        assert!((deviation.scaled(0.1).bound(&point, &[0.0; 3], 1.0) - bound * 0.1).abs() < 1e-15);
        assert!(!increasing().has_scale());
    }
}
