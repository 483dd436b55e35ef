//! What a defense does to posteriors, as data: the statement "proved of the defended model" is
//! about it.

use serde::{Deserialize, Serialize};

use crate::interval::{Decimal, Rational};

use super::{Digest, LimitError, check_json};

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
        let head: Head = serde_json::from_slice(bytes)?;
        if head.format != "defense/1" {
            return Err(DefenseError::Format(head.format));
        }
        if head.kind != "prediction-poisoning" {
            return Err(DefenseError::Kind(head.kind));
        }
        let file: DefenseFile = serde_json::from_slice(bytes)?;
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

    /// The answers for a two-class posterior, in `f64`; anything else is returned unchanged.
    /// On a tie the argmin is the class that does not win it (class 1 under [`super::Tie::Lower`]).
    pub fn apply(&self, posterior: &[f64], label: usize) -> Vec<f64> {
        let DefenseKind::PredictionPoisoning { alpha } = &self.kind;
        let alpha = alpha.value().down();
        let poison = |(class, p): (usize, &f64)| {
            (1.0 - alpha) * p + if class == label { 0.0 } else { alpha }
        };
        if posterior.len() == 2 {
            posterior.iter().enumerate().map(poison).collect()
        } else {
            posterior.to_vec()
        }
    }
}
