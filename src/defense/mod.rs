//! Defenses: maps of a model's answers, as data, one file each.
//!
//! "Proved of the defended model" is a statement about a map. No other room knows the parameters of a map. Each
//! map gives three things: the label that it answers, exactly; an enclosure of the posterior that it answers;
//! and the claim about the undefended model that a claim about the defended one needs ([`Defense::carry`]). A
//! map that carries no claims of some kind loses them: such a claim is refused, or stays undecided, and never
//! becomes a claim about the undefended model.
//!
//! Trusted.

mod prediction_poisoning;

use std::fmt;

use serde::Deserialize;

use crate::interval::{Decimal, Rational};
use crate::model::{Digest, LimitError, Model, Object, Tie, check_json};

use prediction_poisoning::PredictionPoisoning;

/// A map in front of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Defense {
    /// The model that is defended.
    pub target: Digest,
    map: Map,
}

/// All maps.
#[derive(Clone, Debug, PartialEq)]
enum Map {
    PredictionPoisoning(PredictionPoisoning),
    /// Says nothing about anything: by default a map loses every claim.
    #[cfg(test)]
    Mute,
}

/// The statement that a claim makes about the answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// At a point the answered label is the named one.
    Label,
    /// At a point `F_y > 1 − δ`.
    Confidence {
        /// δ, in (0, 1).
        delta: Rational,
    },
    /// Along a feature the posterior of a class does not fall.
    Order,
    /// The posterior is even wherever a shift turns the label.
    Boundary,
    /// A statement about outputs of the network itself.
    Outputs,
    /// Answers at two points differ little, or one confident answer entails another.
    Change,
    /// Answers at two rows differ little, for all pairs of rows.
    Rows,
}

/// The error for a file that is no defense, or for a defense that does not fit a model.
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
    /// A kind without a rule: nothing could be said about the defended model.
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

impl Defense {
    /// Reads `defense/1`.
    pub fn read(bytes: &[u8]) -> Result<Self, DefenseError> {
        #[derive(Deserialize)]
        struct KindOnly {
            format: String,
            kind: String,
        }
        check_json(bytes)?;
        let Object(file): Object<KindOnly> = serde_json::from_slice(bytes)?;
        if file.format != "defense/1" {
            return Err(DefenseError::Format(file.format));
        }
        if file.kind != PredictionPoisoning::KIND {
            return Err(DefenseError::Kind(file.kind));
        }
        let (target, map) = PredictionPoisoning::read(bytes)?;
        Ok(Self { target, map: Map::PredictionPoisoning(map) })
    }

    /// Prediction poisoning of strength `alpha`, `0 <= alpha < ½`.
    pub fn prediction_poisoning(target: Digest, alpha: Decimal) -> Result<Self, DefenseError> {
        Ok(Self { target, map: Map::PredictionPoisoning(PredictionPoisoning::new(alpha)?) })
    }

    /// A map that says nothing.
    #[cfg(test)]
    pub(crate) fn mute() -> Self {
        Self { target: Digest::of(b""), map: Map::Mute }
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        match &self.map {
            Map::PredictionPoisoning(map) => map.to_json(self.target),
            #[cfg(test)]
            Map::Mute => String::new(),
        }
    }

    /// True if both give the same answers, for every model behind them.
    pub fn is_same_map(&self, other: &Self) -> bool {
        self.map == other.map
    }

    /// Refuses a model that the map is not defined for.
    pub fn check_model(&self, model: &Model) -> Result<(), DefenseError> {
        match &self.map {
            Map::PredictionPoisoning(map) => map.check_model(model),
            #[cfg(test)]
            Map::Mute => Ok(()),
        }
    }

    /// The statement about the undefended model that suffices for one about the defended model; `None` if the
    /// map loses such claims. In both, the label is the undefended one.
    pub fn carry(&self, asked: &Asked) -> Option<Asked> {
        match &self.map {
            Map::PredictionPoisoning(map) => map.carry(asked),
            #[cfg(test)]
            Map::Mute => None,
        }
    }

    /// The answered label of a model with two classes, decided from exact scores. If arithmetic cannot decide,
    /// it is the label that carried claims do not name.
    pub fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize {
        match &self.map {
            Map::PredictionPoisoning(map) => map.label(scores, tie),
            #[cfg(test)]
            Map::Mute => 0,
        }
    }

    /// `[least, greatest]` of the answered posterior of a class, from exact scores of two classes.
    pub fn enclosure(
        &self,
        class: usize,
        scores: &[Rational; 2],
        tie: Tie,
    ) -> (Rational, Rational) {
        match &self.map {
            Map::PredictionPoisoning(map) => map.enclosure(class, scores, tie),
            #[cfg(test)]
            Map::Mute => (Rational::ZERO, Rational::ONE),
        }
    }

    /// The answers for a two-class posterior whose label is `label`, in `f64`; not evidence. A posterior of
    /// another length has no answers: see [`Defense::check_model`].
    pub fn apply(&self, posterior: &[f64], label: usize) -> Vec<f64> {
        match &self.map {
            Map::PredictionPoisoning(map) => map.apply(posterior, label),
            #[cfg(test)]
            Map::Mute => posterior.to_vec(),
        }
    }
}

/// The kind with its parameters: `prediction-poisoning alpha 0.3`.
impl fmt::Display for Defense {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.map {
            Map::PredictionPoisoning(map) => write!(f, "{} {map}", PredictionPoisoning::KIND),
            #[cfg(test)]
            Map::Mute => f.write_str("mute"),
        }
    }
}
