//! What a defense does to posteriors, as data: the statement "proved of the defended model" is
//! about it.

use serde::{Deserialize, Serialize};

use crate::interval::{Decimal, Rational, exp};

use super::{Digest, LimitError, Model, Object, Tie, argmax, check_json};

/// A map from the target's posteriors to what it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Defense {
    /// The model that is defended.
    pub target: Digest,
    /// The map.
    pub kind: DefenseKind,
}

/// The maps the kernel has a rule for.
#[derive(Clone, Debug, PartialEq)]
pub enum DefenseKind {
    /// Two classes: `F′ = (1 − α)·F + α·e_argmin(F)`, `0 <= α < ½`. The closed form of
    /// prediction poisoning (Orekondy, Schiele, Fritz, ICLR 2020) for two classes.
    PredictionPoisoning {
        /// Strength.
        alpha: Decimal,
    },
}

/// Why a file is no defense.
#[derive(Debug, thiserror::Error)]
pub enum DefenseError {
    /// A size over its limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Not the JSON that `defense/1` asks for.
    #[error("not a defense/1 file: {0}")]
    Json(#[from] serde_json::Error),
    /// Another format or version.
    #[error("format is `{0}`, this version reads `defense/1`")]
    Format(String),
    /// A kind without a rule: nothing could be said of the defended model.
    #[error("defense kind `{0}` has no rule in this version; it knows `prediction-poisoning`")]
    Kind(String),
    /// α outside `[0, ½)`.
    #[error("alpha is {0}, expected 0 <= alpha < 0.5")]
    Alpha(Decimal),
    /// A map of posteriors in front of scores that have none.
    #[error(
        "the model's link is `none`: its scores have no posterior, which prediction poisoning would change"
    )]
    NoPosterior,
    /// A map for two classes in front of more.
    #[error("prediction poisoning is built for 2 classes, the model has {0}")]
    Classes(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefenseFile {
    format: String,
    target: Digest,
    kind: String,
    alpha: Decimal,
}

impl Defense {
    /// Reads `defense/1`.
    pub fn read(bytes: &[u8]) -> Result<Self, DefenseError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            kind: String,
        }
        check_json(bytes)?;
        let Object(head): Object<Head> = serde_json::from_slice(bytes)?;
        if head.format != "defense/1" {
            return Err(DefenseError::Format(head.format));
        }
        if head.kind != "prediction-poisoning" {
            return Err(DefenseError::Kind(head.kind));
        }
        let Object(file): Object<DefenseFile> = serde_json::from_slice(bytes)?;
        Self::prediction_poisoning(file.target, file.alpha)
    }

    /// Prediction poisoning of strength `alpha`, `0 <= alpha < ½`.
    pub fn prediction_poisoning(target: Digest, alpha: Decimal) -> Result<Self, DefenseError> {
        let half = Rational::from_f64(0.5).expect("a half is finite");
        if *alpha.value() < Rational::ZERO || *alpha.value() >= half {
            return Err(DefenseError::Alpha(alpha));
        }
        Ok(Self { target, kind: DefenseKind::PredictionPoisoning { alpha } })
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        let DefenseKind::PredictionPoisoning { alpha } = &self.kind;
        let file = DefenseFile {
            format: "defense/1".to_owned(),
            target: self.target,
            kind: "prediction-poisoning".to_owned(),
            alpha: alpha.clone(),
        };
        serde_json::to_string(&file).expect("plain data has a JSON text") + "\n"
    }

    /// Refuses a model that the map is not defined for.
    pub fn check_classes(&self, model: &Model) -> Result<(), DefenseError> {
        let DefenseKind::PredictionPoisoning { .. } = &self.kind;
        if model.classes != 2 {
            return Err(DefenseError::Classes(model.classes));
        }
        if model.has_posterior() { Ok(()) } else { Err(DefenseError::NoPosterior) }
    }

    /// The answers for a two-class posterior whose label is `label`, in `f64`. A posterior of
    /// another length has none: see [`Defense::check_classes`].
    /// On a tie the argmin is the class that does not win it (class 1 under [`Tie::Lower`]).
    pub fn apply(&self, posterior: &[f64], label: usize) -> Vec<f64> {
        let DefenseKind::PredictionPoisoning { alpha } = &self.kind;
        let alpha = alpha.value().down();
        let poison = |(class, p): (usize, &f64)| {
            (1.0 - alpha) * p + if class == label { 0.0 } else { alpha }
        };
        if posterior.len() == 2 {
            posterior.iter().enumerate().map(poison).collect()
        } else {
            Vec::new()
        }
    }

    /// The class with the largest defended posterior, decided exactly from exact scores.
    ///
    /// ```text
    /// F′_y >= ½  ⇔  F_y >= 1/(2(1−α))  ⇔  e^|m| >= 1/(1−2α)          y = argmax F, m the margin
    /// ```
    ///
    /// Equality needs α = 0, since `e^m` is irrational for rational `m ≠ 0`. A margin too near to
    /// tell (within about 2⁻¹⁸⁰), or beyond 64 while `1/(1−2α)` is too, counts as flipped: no
    /// certificate of the defended model covers such a point, for the kernel's threshold is the
    /// upper end of the same enclosure or above.
    pub fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize {
        let DefenseKind::PredictionPoisoning { alpha } = &self.kind;
        let own = argmax(scores, tie);
        let [first, second] = scores;
        let (growth, _) = exp(&(second - first).abs());
        // e^|m|·(1 − 2α) >= 1
        let rest = &(&Rational::ONE - alpha.value()) - alpha.value();
        if &growth * &rest >= Rational::ONE { own } else { 1 - own }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let refused = defense.check_classes(&model).unwrap_err().to_string();
        assert_eq!(refused, "prediction poisoning is built for 2 classes, the model has 3");
    }
}
