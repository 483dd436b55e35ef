//! Defenses as they are made, written and served: for the rooms above. No verdict rests on it, and the checker is built
//! without it.

use std::sync::Arc;

use serde::Serialize;

use crate::interval::{Decimal, Rational};
use crate::model::{Digest, Model, Tie};

#[cfg(test)]
use super::tests;
use super::{
    AdaptiveMisinformation, AnswerMap, Decoy, Defense, DefenseError, Map, Mixture, PoisonStep,
    PredictionPoisoning, RandomisedResponse, ResponseUnits, ResponseZone, Rounding, VertexChoice,
    VertexPoisoning, map_of,
};

/// A map in the hands of those who serve it.
pub(super) trait Served: AnswerMap {
    /// The text of the file.
    fn to_json(&self, target: Digest) -> String;

    /// The answered label; where arithmetic cannot tell, the one that carried claims do not name.
    fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize;

    /// The answers for a posterior whose label is `label`, in `f64`; not evidence.
    fn apply(&self, posterior: [f64; 2], label: usize) -> [f64; 2];
}

/// Refuses a decoy without posterior, or with other classes or features than the model's.
fn expect_alike(decoy: &Model, model: &Model) -> Result<(), DefenseError> {
    let names = |model: &Model| -> Vec<String> {
        model.schema.features().iter().map(|feature| feature.name.clone()).collect()
    };
    let problem = match (decoy.has_posterior(), decoy.classes, names(decoy) == names(model)) {
        (false, ..) => "its scores have no posterior".to_owned(),
        (_, found, _) if found != model.classes => {
            format!("it has {found} classes, the model {}", model.classes)
        }
        (_, _, false) => "their features differ in name or order".to_owned(),
        (_, _, true) => return Ok(()),
    };
    Err(DefenseError::DecoyInputs(problem))
}

/// The text of a file.
pub(super) fn written(file: &impl Serialize) -> String {
    serde_json::to_string(file).expect("plain data has a JSON text") + "\n"
}

impl Defense {
    /// Prediction poisoning of strength `alpha`, `0 <= alpha < ½`.
    pub fn prediction_poisoning(target: Digest, alpha: Decimal) -> Result<Self, DefenseError> {
        Ok(Self::new(target, Map::PredictionPoisoning(PredictionPoisoning::new(alpha)?)))
    }

    /// Adaptive misinformation below the confidence `tau`, `½ <= tau < 1`, with a step of steepness `nu > 0` there.
    pub fn adaptive_misinformation(
        target: Digest,
        (nu, tau): (Decimal, Decimal),
        decoy: Decoy,
    ) -> Result<Self, DefenseError> {
        let map = AdaptiveMisinformation::new(nu, tau, decoy)?;
        Ok(Self::new(target, Map::AdaptiveMisinformation(map)))
    }

    /// A mixture with the constant answer `eta`, of weight `0 <= alpha < 1`.
    pub fn mixture(
        target: Digest,
        alpha: Decimal,
        eta: [Decimal; 2],
    ) -> Result<Self, DefenseError> {
        Ok(Self::new(target, Map::Mixture(Mixture::new(alpha, eta)?)))
    }

    /// Answers rounded to 1 to 15 digits.
    pub fn rounding(target: Digest, digits: u32) -> Result<Self, DefenseError> {
        Ok(Self::new(target, Map::Rounding(Rounding::new(digits)?)))
    }

    /// Labels that are drawn in a zone near the boundary, `e^epsilon` times as often right as wrong, `0 < epsilon <= 60`;
    /// `grid` is the width of a cell that shares its answer, and its unit.
    pub fn randomised_response(
        target: Digest,
        epsilon: Decimal,
        zone: ResponseZone,
        grid: (Decimal, ResponseUnits),
        key: Digest,
    ) -> Result<Self, DefenseError> {
        let map = RandomisedResponse::new(epsilon, zone, grid, key)?;
        Ok(Self::new(target, Map::RandomisedResponse(map)))
    }

    /// Poisoning for any number of classes, towards a point of the simplex that is chosen as `choice` says, by what is drawn
    /// from `seed`.
    pub fn vertex_poisoning(
        target: Digest,
        step: PoisonStep,
        choice: VertexChoice,
        seed: u64,
    ) -> Result<Self, DefenseError> {
        Ok(Self::new(target, Map::VertexPoisoning(VertexPoisoning::new(step, choice, seed)?)))
    }

    fn served(&self) -> &dyn Served {
        map_of!(self)
    }

    /// The parameters of poisoning for any number of classes; `None` for other maps.
    pub fn vertices(&self) -> Option<&VertexPoisoning> {
        match &self.map {
            Map::VertexPoisoning(map) => Some(map),
            Map::PredictionPoisoning(_)
            | Map::AdaptiveMisinformation(_)
            | Map::Mixture(_)
            | Map::Rounding(_)
            | Map::RandomisedResponse(_) => None,
            #[cfg(test)]
            Map::Mute => None,
        }
    }

    /// The parameters of adaptive misinformation; `None` for other maps.
    pub fn misinformation(&self) -> Option<&AdaptiveMisinformation> {
        match &self.map {
            Map::AdaptiveMisinformation(map) => Some(map),
            Map::PredictionPoisoning(_)
            | Map::Mixture(_)
            | Map::Rounding(_)
            | Map::RandomisedResponse(_)
            | Map::VertexPoisoning(_) => None,
            #[cfg(test)]
            Map::Mute => None,
        }
    }

    /// The posterior of the label below which the label turns, so that defenses can be compared at equal reach; `None` for
    /// maps that turn no labels, or draw them. By a model as decoy it is where that model is all for the other class.
    pub fn turns_below(&self) -> Option<Rational> {
        match &self.map {
            Map::PredictionPoisoning(map) => map.turns_below(),
            Map::AdaptiveMisinformation(map) => map.turns_below(),
            Map::Mixture(_) | Map::Rounding(_) | Map::RandomisedResponse(_) => None,
            Map::VertexPoisoning(_) => None,
            #[cfg(test)]
            Map::Mute => None,
        }
    }

    /// Prediction poisoning that turns labels below the posterior `turns_below` of the label, `½ <= turns_below < 1`, as
    /// nearly as a float can say.
    pub fn poisoning_below(target: Digest, turns_below: &Rational) -> Result<Self, DefenseError> {
        // 1/(2(1 − α)) = p
        let alpha = (&Rational::half() / turns_below).map(|half| &Rational::ONE - &half);
        let alpha = alpha.and_then(|alpha| Decimal::from_f64(alpha.down()));
        let found = || turns_below.down().to_string();
        let (name, expected) = ("the threshold", "0.5 <= threshold < 1");
        let refused = || DefenseError::Parameter { name, found: found(), expected };
        Self::prediction_poisoning(target, alpha.ok_or_else(refused)?)
    }

    /// The digest of the decoy model that the answers need; `None` if they need none.
    pub fn decoy_digest(&self) -> Option<Digest> {
        self.misinformation().and_then(AdaptiveMisinformation::model)
    }

    /// The decoy model, where the map names one and it was given.
    pub fn decoy(&self) -> Option<&Model> {
        self.decoy.as_deref()
    }

    /// The defense with its decoy model at hand. Answers need it; no proof does.
    ///
    /// # Errors
    /// Another model than the map names, or a map that names none.
    pub fn with_decoy(mut self, decoy: Arc<Model>, found: Digest) -> Result<Self, DefenseError> {
        match self.decoy_digest() {
            Some(expected) if expected == found => self.decoy = Some(decoy),
            Some(expected) => return Err(DefenseError::Decoy { found, expected }),
            None => return Err(DefenseError::NoDecoy { kind: self.kind() }),
        }
        Ok(self)
    }

    /// The parameters of a defense whose answers are drawn; `None` if they follow from the scores.
    pub fn randomised(&self) -> Option<&RandomisedResponse> {
        match &self.map {
            Map::RandomisedResponse(map) => Some(map),
            Map::PredictionPoisoning(_)
            | Map::AdaptiveMisinformation(_)
            | Map::Mixture(_)
            | Map::Rounding(_)
            | Map::VertexPoisoning(_) => None,
            #[cfg(test)]
            Map::Mute => None,
        }
    }

    /// Its parameters in words: `alpha 0.3`.
    pub fn parameters(&self) -> String {
        self.rule().to_string()
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        self.served().to_json(self.target)
    }

    /// True if both give the same answers, for every model behind them.
    pub fn is_same_map(&self, other: &Self) -> bool {
        self.map == other.map
    }

    /// Refuses a model that the map is not defined for, or whose inputs are not those of the decoy at hand.
    pub fn check_model(&self, model: &Model) -> Result<(), DefenseError> {
        if let Some(decoy) = &self.decoy {
            expect_alike(decoy, model)?;
        }
        let (kind, found) = (self.kind(), model.classes);
        match self.takes(found) {
            true if model.has_posterior() => Ok(()),
            true => Err(DefenseError::NoPosterior { kind }),
            false => Err(DefenseError::Classes { kind, found }),
        }
    }

    /// The answered label of a model with two classes, decided from exact scores. If arithmetic cannot decide,
    /// it is the label that carried claims do not name.
    pub fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize {
        self.served().label(scores, tie)
    }

    /// The answers for a two-class posterior whose label is `label`, in `f64`; not evidence. A posterior of
    /// another length has no answers: see [`Defense::check_model`].
    pub fn apply(&self, posterior: &[f64], label: usize) -> Vec<f64> {
        match *posterior {
            [zero, one] => self.served().apply([zero, one], label).to_vec(),
            _ => Vec::new(),
        }
    }
}
