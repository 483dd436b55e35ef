//! Prediction poisoning in its closed form for two classes (Orekondy, Schiele, Fritz, ICLR 2020).
//!
//! ```text
//! F′ = (1 − α)·F + α·e_argmin(F)          0 <= α < ½
//! ```
//!
//! Trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(any(test, feature = "advice"))]
use crate::interval::exp;
use crate::interval::{Decimal, Rational};
use crate::model::{Digest, Object, Tie, argmax};

#[cfg(any(test, feature = "advice"))]
use super::served::{Served, written};
use super::{AnswerMap, Asked, Closeness, DefenseError, posterior};

/// The map whose formula is at the head of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PredictionPoisoning {
    /// α.
    alpha: Decimal,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefenseFile {
    format: String,
    target: Digest,
    kind: String,
    alpha: Decimal,
}

impl PredictionPoisoning {
    pub(super) const KIND: &'static str = "prediction-poisoning";

    pub(super) fn new(alpha: Decimal) -> Result<Self, DefenseError> {
        if *alpha.value() < Rational::ZERO || *alpha.value() >= Rational::half() {
            return Err(DefenseError::Alpha(alpha));
        }
        Ok(Self { alpha })
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Digest, Self), DefenseError> {
        let Object(file): Object<DefenseFile> = serde_json::from_slice(bytes)?;
        Ok((file.target, Self::new(file.alpha)?))
    }
}

impl AnswerMap for PredictionPoisoning {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    /// `F′_y` is `(1−α)·F_y`, or more by α if `y` is not the label; so `F_y > (1−δ)/(1−α)` suffices for
    /// `F′_y > 1 − δ`, that is `F_y > 1 − δ′` with `δ′ = (δ−α)/(1−α)`. Nothing is kept if `δ <= α`. The map
    /// jumps at the boundary, so an order is lost. There the answers of two points change sides: with `F_y` and `F_y′` on
    /// both sides of ½, `F′_y − F′_y′ = (1−α)(F_y − F_y′) − α`, which is at most the one or the other in size.
    fn carry(&self, asked: &Asked) -> Option<Asked> {
        let delta = match asked {
            // the label wins
            Asked::Label => Rational::half(),
            Asked::Confidence { delta } => delta.clone(),
            Asked::Closeness(limit) => {
                let rate = &Rational::ONE - self.alpha.value();
                let jump = self.alpha.value() * &Closeness::root_of_two();
                return limit.behind(&rate, &Rational::ZERO, &jump).map(Asked::Closeness);
            }
            Asked::Rows => return Some(Asked::Rows),
            Asked::Order | Asked::Boundary | Asked::Outputs | Asked::Change => return None,
        };
        let alpha = self.alpha.value();
        let delta = (&(&delta - alpha) / &(&Rational::ONE - alpha))?;
        (delta > Rational::ZERO).then_some(Asked::Confidence { delta })
    }

    fn enclosure(&self, class: usize, scores: &[Rational; 2], tie: Tie) -> (Rational, Rational) {
        let (low, high) = posterior(class, scores);
        let rest = &Rational::ONE - self.alpha.value();
        let (low, high) = (&rest * &low, &rest * &high);
        match argmax(scores, tie) == class {
            true => (low, high),
            false => (&low + self.alpha.value(), &high + self.alpha.value()),
        }
    }
}

#[cfg(any(test, feature = "advice"))]
impl PredictionPoisoning {
    /// The posterior of the label below which the label turns: `1/(2(1 − α))`.
    pub(super) fn turns_below(&self) -> Option<Rational> {
        &Rational::half() / &(&Rational::ONE - self.alpha.value())
    }
}

#[cfg(any(test, feature = "advice"))]
impl Served for PredictionPoisoning {
    fn to_json(&self, target: Digest) -> String {
        let (format, kind) = ("defense/1".to_owned(), Self::KIND.to_owned());
        let file = DefenseFile { format, target, kind, alpha: self.alpha.clone() };
        written(&file)
    }

    /// On a tie the argmin is the class that does not win it (class 1 under [`Tie::Lower`]).
    fn apply(&self, posterior: [f64; 2], label: usize) -> [f64; 2] {
        let alpha = self.alpha.value().down();
        [0, 1].map(|class: usize| {
            (1.0 - alpha) * posterior[class] + if class == label { 0.0 } else { alpha }
        })
    }

    /// The class with the largest defended posterior.
    ///
    /// ```text
    /// F′_y >= ½  ⇔  F_y >= 1/(2(1−α))  ⇔  e^|m| >= 1/(1−2α)          y = argmax F, m the margin
    /// ```
    ///
    /// Equality needs α = 0, since `e^m` is irrational for rational `m ≠ 0`. A margin too near to tell (within
    /// about 2⁻¹⁸⁰), or beyond 64 while `1/(1−2α)` is too, counts as flipped: no certificate of the defended
    /// model covers such a point, since the kernel's threshold is the upper end of the same enclosure or above.
    fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize {
        let alpha = self.alpha.value();
        let own = argmax(scores, tie);
        let [first, second] = scores;
        let (growth, _) = exp(&(second - first).abs());
        // e^|m|·(1 − 2α) >= 1
        let rest = &(&Rational::ONE - alpha) - alpha;
        if &growth * &rest >= Rational::ONE { own } else { 1 - own }
    }
}

impl fmt::Display for PredictionPoisoning {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "alpha {}", self.alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defense::Defense;
    use crate::model::Model;

    fn label(alpha: &str, scores: [f64; 2], tie: Tie) -> usize {
        let defense = Defense::prediction_poisoning(Digest::of(b""), alpha.parse().unwrap());
        defense.unwrap().label(&scores.map(|s| Rational::from_f64(s).unwrap()), tie)
    }

    #[test]
    fn labels_turn_below_the_threshold_and_nowhere_else() {
        // ln(5/3) = 0.510825623765990683…; these are the floats next to it
        let threshold = 0.510_825_623_765_990_7_f64;
        let (below, above) = (threshold.next_down(), threshold.next_up());
        for tie in [Tie::Lower, Tie::Upper] {
            assert_eq!(label("0.2", [0.0, above], tie), 1);
            assert_eq!(label("0.2", [0.0, below], tie), 0);
            assert_eq!(label("0.2", [above, 0.0], tie), 0);
            assert_eq!(label("0.2", [below, 0.0], tie), 1);
        }
    }

    #[test]
    fn strength_zero_changes_nothing_and_a_tie_turns() {
        assert_eq!(label("0", [0.0, 0.0], Tie::Lower), 0);
        assert_eq!(label("0", [0.0, 0.0], Tie::Upper), 1);
        assert_eq!(label("0", [0.0, 1e-300], Tie::Lower), 1);
        assert_eq!(label("0.01", [1.0, 1.0], Tie::Lower), 1);
        assert_eq!(label("0.01", [1.0, 1.0], Tie::Upper), 0);
        assert_eq!(label("0.49", [0.0, 1e300], Tie::Lower), 1);
    }

    #[test]
    fn more_than_two_classes_are_refused_by_name() {
        let scores = r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower","classes":3,
            "features":[{"name":"x","kind":"real"}],"layers":[{"weights":[[1.0],[0.0],[0.5]],"bias":[0,0,0]}]}"#;
        let model = Model::read(scores.as_bytes()).unwrap();
        let defense =
            Defense::prediction_poisoning(Digest::of(b""), "0.1".parse().unwrap()).unwrap();
        let refused = defense.check_model(&model).unwrap_err().to_string();
        assert_eq!(refused, "prediction poisoning is built for 2 classes, the model has 3");
    }
}
