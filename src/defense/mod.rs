//! Defenses: maps of a model's answers, as data, one file each.
//!
//! "Proved of the defended model" is a statement about a map. No other room knows the parameters of a map. Each
//! map gives three things: the label that it answers, exactly; an enclosure of the posterior that it answers;
//! and the claim about the undefended model that a claim about the defended one needs ([`Defense::carry`]). A
//! map that carries no claims of some kind loses them: such a claim is refused, or stays undecided, and never
//! becomes a claim about the undefended model.
//!
//! Trusted.

mod adaptive_misinformation;
mod closeness;
mod mixture;
mod prediction_poisoning;
mod randomised_response;
mod rounding;
#[cfg(any(test, feature = "advice"))]
mod served;
#[cfg(test)]
mod tests;
mod vertex_poisoning;

use serde::Deserialize;
use std::fmt;

use crate::interval::{Decimal, Rational, sigmoid};
use crate::model::{Digest, LimitError, Object, Tie, check_json};

use mixture::Mixture;
use prediction_poisoning::PredictionPoisoning;
use rounding::Rounding;

pub use adaptive_misinformation::{AdaptiveMisinformation, Decoy};
pub use closeness::Closeness;
pub use randomised_response::{RandomisedResponse, ResponseUnits, ResponseZone};
pub use vertex_poisoning::{PoisonNorm, PoisonStep, VertexChoice, VertexPoisoning};

/// A map in front of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Defense {
    /// The model that is defended.
    pub target: Digest,
    map: Map,
    /// The model that the map answers by where it is unsure, once it is there; no claim is about it.
    #[cfg(any(test, feature = "advice"))]
    decoy: Option<std::sync::Arc<crate::model::Model>>,
}

/// All maps.
#[derive(Clone, Debug, PartialEq)]
enum Map {
    PredictionPoisoning(PredictionPoisoning),
    AdaptiveMisinformation(AdaptiveMisinformation),
    Mixture(Mixture),
    Rounding(Rounding),
    RandomisedResponse(RandomisedResponse),
    VertexPoisoning(VertexPoisoning),
    /// Says nothing about anything: by default a map loses every claim.
    #[cfg(test)]
    Mute,
}

/// The map of a defense, as the trait that is asked for.
macro_rules! map_of {
    ($defense:expr) => {
        match &$defense.map {
            Map::PredictionPoisoning(map) => map,
            Map::AdaptiveMisinformation(map) => map,
            Map::Mixture(map) => map,
            Map::Rounding(map) => map,
            Map::RandomisedResponse(map) => map,
            Map::VertexPoisoning(map) => map,
            #[cfg(test)]
            Map::Mute => &tests::Mute,
        }
    };
}
#[cfg(any(test, feature = "advice"))]
use map_of;

/// A map of the answers of a model, most for two classes: what is proved of it follows from what is proved of the model.
trait AnswerMap: fmt::Display {
    /// The name of its kind.
    fn kind(&self) -> &'static str;

    /// True if it is defined for so many classes.
    fn takes(&self, classes: usize) -> bool {
        classes == 2
    }

    /// The statement about the undefended model that suffices for one about the defended model; `None` if it is lost.
    fn carry(&self, asked: &Asked) -> Option<Asked>;

    /// `[least, greatest]` of the answered posterior of a class.
    fn enclosure(&self, class: usize, scores: &[Rational; 2], tie: Tie) -> (Rational, Rational);
}

/// `[least, greatest]` of the undefended posterior of a class.
fn posterior(class: usize, [zero, one]: &[Rational; 2]) -> (Rational, Rational) {
    sigmoid(&if class == 1 { one - zero } else { zero - one })
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
    /// Posteriors at two points are close.
    Closeness(Closeness),
    /// Scores at two points differ little, or one confident answer entails another.
    Change,
    /// Answers at two rows differ little, for all pairs of rows. Carried as it is, it is decided by the answers at rows.
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
    #[error(
        "defense kind `{0}` has no rule in this version; it knows `prediction-poisoning`, `adaptive-misinformation`, \
         `mixture`, `rounding`, `boundary-randomised-response`, `vertex-poisoning`"
    )]
    Kind(String),
    /// α of prediction poisoning outside `[0, ½)`.
    #[error("alpha is {0}, expected 0 <= alpha < 0.5")]
    Alpha(Decimal),
    /// Another parameter outside its range.
    #[error("{name} is {found}, expected {expected}")]
    Parameter {
        /// The key.
        name: &'static str,
        /// Its value.
        found: String,
        /// Its range, in words.
        expected: &'static str,
    },
    /// A map of posteriors in front of scores that have none.
    #[cfg(any(test, feature = "advice"))]
    #[error(
        "the model's link is `none`: its scores have no posterior, which {kind} would change",
        kind = kind.replace('-', " ")
    )]
    NoPosterior {
        /// The kind of the map.
        kind: &'static str,
    },
    /// Another decoy than the map names.
    #[cfg(any(test, feature = "advice"))]
    #[error("the decoy has digest {found}, the defense names {expected}")]
    Decoy {
        /// The digest of the file.
        found: Digest,
        /// The digest that the defense names.
        expected: Digest,
    },
    /// A decoy for a map that has none.
    #[cfg(any(test, feature = "advice"))]
    #[error("{kind} answers by no decoy model", kind = kind.replace('-', " "))]
    NoDecoy {
        /// The kind of the map.
        kind: &'static str,
    },
    /// A decoy that is no model of the target's inputs and classes.
    #[cfg(any(test, feature = "advice"))]
    #[error("the decoy cannot stand in for the model: {0}")]
    DecoyInputs(String),
    /// A map for two classes in front of more.
    #[cfg(any(test, feature = "advice"))]
    #[error("{kind} is built for 2 classes, the model has {found}", kind = kind.replace('-', " "))]
    Classes {
        /// The kind of the map.
        kind: &'static str,
        /// Classes of the model.
        found: usize,
    },
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
        let (target, map) = match file.kind.as_str() {
            PredictionPoisoning::KIND => {
                let (target, map) = PredictionPoisoning::read(bytes)?;
                (target, Map::PredictionPoisoning(map))
            }
            AdaptiveMisinformation::KIND => {
                let (target, map) = AdaptiveMisinformation::read(bytes)?;
                (target, Map::AdaptiveMisinformation(map))
            }
            Mixture::KIND => {
                let (target, map) = Mixture::read(bytes)?;
                (target, Map::Mixture(map))
            }
            Rounding::KIND => {
                let (target, map) = Rounding::read(bytes)?;
                (target, Map::Rounding(map))
            }
            RandomisedResponse::KIND => {
                let (target, map) = RandomisedResponse::read(bytes)?;
                (target, Map::RandomisedResponse(map))
            }
            VertexPoisoning::KIND => {
                let (target, map) = VertexPoisoning::read(bytes)?;
                (target, Map::VertexPoisoning(map))
            }
            _ => return Err(DefenseError::Kind(file.kind)),
        };
        Ok(Self::new(target, map))
    }

    fn new(target: Digest, map: Map) -> Self {
        Self {
            target,
            map,
            #[cfg(any(test, feature = "advice"))]
            decoy: None,
        }
    }

    /// A map that says nothing.
    #[cfg(test)]
    pub(crate) fn mute() -> Self {
        Self::new(Digest::of(b""), Map::Mute)
    }

    fn rule(&self) -> &dyn AnswerMap {
        map_of!(self)
    }

    /// True if the map is defined for models of so many classes.
    pub fn takes(&self, classes: usize) -> bool {
        self.rule().takes(classes)
    }

    /// The name of its kind: `prediction-poisoning`, …
    pub fn kind(&self) -> &'static str {
        self.rule().kind()
    }

    /// The statement about the undefended model that suffices for one about the defended model; `None` if the
    /// map loses such claims. In both, the label is the undefended one.
    pub fn carry(&self, asked: &Asked) -> Option<Asked> {
        self.rule().carry(asked)
    }

    /// `[least, greatest]` of the answered posterior of a class, from exact scores of two classes.
    pub fn enclosure(
        &self,
        class: usize,
        scores: &[Rational; 2],
        tie: Tie,
    ) -> (Rational, Rational) {
        self.rule().enclosure(class, scores, tie)
    }
}

/// The kind with its parameters: `prediction-poisoning alpha 0.3`.
impl fmt::Display for Defense {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.rule())
    }
}
