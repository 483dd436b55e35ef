//! The only way to query a target, defended or not. It counts queries and keeps the transcript.
//!
//! ```text
//! label(x)      the target's exact real scores  → defense →  argmax, or one stored draw
//! posterior(x)  the softmax of its scores in f64 → defense
//! ```
//!
//! Behind boundary randomised response the answer is that of a server ([`crate::defend`]), a label in every mode.
//!
//! Each distinct point costs one query; a point asked before is answered from memory, but in mode
//! [`Response::SampledAfresh`], where every repetition is a query with an answer of its own. Labels are decided
//! exactly, behind a defense too, so everything proved of the real function is true of every answer. A target may
//! also be a command outside (`outside`); nothing is proved of its answers.

mod answering;
mod error;
mod outside;

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::defend::{Placed, ResponseMemory, Server, defended_label, defended_posterior};
use crate::defense::Defense;
use crate::interval::{format_hexadecimal, parse_hexadecimal};
use crate::model::{Digest, Model, Point, argmax};

pub use answering::Answering;
pub use error::OracleError;
pub use outside::{Heard, OutsideTarget};

/// The kind of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// The class with the largest posterior.
    #[default]
    Label,
    /// A class drawn from the posterior, the same for every repetition of a point.
    SampledLabel,
    /// A class drawn from the posterior anew each time; every repetition of a point counts.
    SampledAfresh,
    /// The posterior itself.
    Posterior,
}

impl Response {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::SampledLabel => "sampled-label",
            Self::SampledAfresh => "sampled-afresh",
            Self::Posterior => "posterior",
        }
    }

    /// True if labels are drawn: none is the target's for certain.
    pub(crate) fn is_drawn(self) -> bool {
        match self {
            Self::SampledLabel | Self::SampledAfresh => true,
            Self::Label | Self::Posterior => false,
        }
    }
}

/// One point and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Raw feature values; hexadecimal floats in files.
    #[serde(serialize_with = "hexadecimal", deserialize_with = "from_hexadecimal")]
    pub point: Vec<f64>,
    /// The class answered.
    pub label: usize,
    /// The posterior answered, in mode [`Response::Posterior`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posterior: Option<Vec<f64>>,
}

impl Exchange {
    /// The line of a transcript, with its end.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("plain data has a JSON text") + "\n"
    }
}

fn hexadecimal<S: serde::Serializer>(point: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(point.iter().map(|&x| format_hexadecimal(x)))
}

fn from_hexadecimal<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let read = |text: &String| {
        let expected = "a hexadecimal float";
        let refused =
            || serde::de::Error::invalid_value(serde::de::Unexpected::Str(text), &expected);
        parse_hexadecimal(text).ok_or_else(refused)
    };
    Vec::<String>::deserialize(from)?.iter().map(read).collect()
}

/// The bits of a point; both zeros have the same bits.
pub(crate) fn bits(point: &[f64]) -> Vec<u64> {
    point.iter().map(|x| (x + 0.0).to_bits()).collect()
}

/// A target that answers counted queries only.
#[derive(Debug)]
pub struct Oracle<'a> {
    target: Answering<'a>,
    response: Response,
    budget: usize,
    seed: u64,
    transcript: Vec<Exchange>,
    /// Maps the bits of a point to its place in the transcript.
    places: BTreeMap<Vec<u64>, usize>,
    /// Answers of cells, behind a defense that draws them.
    memory: ResponseMemory,
    /// Points prepared for such a defense, by their bits.
    ahead: BTreeMap<Vec<u64>, Placed>,
}

impl<'a> Oracle<'a> {
    /// Opens an oracle on `target` for `budget` distinct points; `seed` decides drawn labels.
    pub fn new(
        target: &'a Model,
        defense: Option<&'a Defense>,
        response: Response,
        budget: usize,
        seed: u64,
    ) -> Self {
        Self::open(Answering::Model(target, defense), response, budget, seed)
    }

    /// Opens an oracle on a command outside, as [`Oracle::new`] does on a model.
    pub fn outside(
        target: &'a OutsideTarget,
        response: Response,
        budget: usize,
        seed: u64,
    ) -> Self {
        Self::open(Answering::Outside(target), response, budget, seed)
    }

    /// Opens an oracle on either.
    pub fn open(target: Answering<'a>, response: Response, budget: usize, seed: u64) -> Self {
        Self {
            target,
            response,
            budget,
            seed,
            transcript: Vec::new(),
            places: BTreeMap::new(),
            memory: ResponseMemory::default(),
            ahead: BTreeMap::new(),
        }
    }

    /// The class answered at a raw point; in mode [`Response::Posterior`] the class of the
    /// largest entry.
    ///
    /// # Errors
    /// [`OracleError::BudgetExhausted`] for a new point when the budget is used; a point of
    /// another length or with values that are not finite.
    pub fn label(&mut self, raw: &[f64]) -> Result<usize, OracleError> {
        self.exchange(raw).map(|exchange| exchange.label)
    }

    /// The posterior answered at a raw point, one entry per class.
    ///
    /// # Errors
    /// As [`Oracle::label`], and [`OracleError::NoPosteriors`] in the other modes.
    pub fn posterior(&mut self, raw: &[f64]) -> Result<Vec<f64>, OracleError> {
        let response = self.response.name();
        let refused = OracleError::NoPosteriors { response };
        if self.response != Response::Posterior {
            return Err(refused);
        }
        self.exchange(raw)?.posterior.clone().ok_or(refused)
    }

    /// Prepares the answers of points that will all be asked next; they are not counted before that.
    ///
    /// # Errors
    /// A target outside that does not answer.
    pub fn ask_ahead(&mut self, points: &[Vec<f64>]) -> Result<(), OracleError> {
        match self.target {
            Answering::Model(model, Some(defense)) if defense.randomised().is_some() => {
                let keys: Vec<Vec<u64>> =
                    points.iter().map(|point| self.key(point)).collect::<Result<_, _>>()?;
                self.ahead.extend(keys.into_iter().zip(placed(model, defense, points)?));
                Ok(())
            }
            Answering::Model(..) => Ok(()),
            Answering::Outside(outside) => outside.answers(points).map(|_| ()),
        }
    }

    /// Distinct points answered so far; drawn afresh, every repetition too.
    pub fn queries(&self) -> usize {
        self.transcript.len()
    }

    /// Distinct points allowed.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Distinct points that may still be asked.
    pub fn remaining(&self) -> usize {
        self.budget.saturating_sub(self.queries())
    }

    /// The kind of the answers.
    pub fn response(&self) -> Response {
        self.response
    }

    /// The defense in front of the target. It serves to check that proofs are about the answers;
    /// an attack takes nothing else from it.
    pub fn defense(&self) -> Option<&'a Defense> {
        match self.target {
            Answering::Model(_, defense) => defense,
            Answering::Outside(_) => None,
        }
    }

    /// The side that answers, to judge what was learnt; an attack takes nothing from it.
    pub fn target(&self) -> Answering<'a> {
        self.target
    }

    /// Every distinct point with its answer, in the order asked.
    pub fn transcript(&self) -> &[Exchange] {
        &self.transcript
    }

    /// The transcript, one JSON object per line.
    pub fn transcript_json_lines(&self) -> String {
        self.transcript.iter().map(Exchange::line).collect()
    }

    fn exchange(&mut self, raw: &[f64]) -> Result<&Exchange, OracleError> {
        let key = self.key(raw)?;
        let has_memory = self.response != Response::SampledAfresh;
        let place = match self.places.get(&key).filter(|_| has_memory) {
            Some(&place) => place,
            None if self.remaining() == 0 => {
                return Err(OracleError::BudgetExhausted { budget: self.budget });
            }
            None => {
                let exchange = self.answer(raw, &key)?;
                self.transcript.push(exchange);
                let place = self.transcript.len() - 1;
                self.places.insert(key, place);
                place
            }
        };
        Ok(self.transcript.get(place).expect("places are indexes of the transcript"))
    }

    /// The [`bits`] of a point that may be asked.
    fn key(&self, raw: &[f64]) -> Result<Vec<u64>, OracleError> {
        let (found, expected) = (raw.len(), self.target.schema().len());
        if found != expected {
            return Err(OracleError::Length { found, expected });
        }
        if let Answering::Model(model, Some(defense)) = self.target
            && defense.check_model(model).is_err()
        {
            return Err(OracleError::Classes { found: model.classes });
        }
        if let Some(feature) = raw.iter().position(|x| !x.is_finite()) {
            return Err(OracleError::NotFinite { feature });
        }
        Ok(bits(raw))
    }

    fn answer(&mut self, raw: &[f64], key: &[u64]) -> Result<Exchange, OracleError> {
        match self.target {
            Answering::Model(model, Some(defense)) if defense.randomised().is_some() => {
                self.answer_drawn(model, defense, raw, key)
            }
            Answering::Model(model, defense) => Ok(self.answer_of(model, defense, raw, key)),
            Answering::Outside(outside) => self.answer_outside(outside, raw, key),
        }
    }

    /// The command's answer, in the mode of this oracle.
    fn answer_outside(
        &self,
        outside: &OutsideTarget,
        raw: &[f64],
        key: &[u64],
    ) -> Result<Exchange, OracleError> {
        let mut answers = outside.answers(&[raw.to_vec()])?;
        let only = OracleError::OnlyLabels { response: self.response.name() };
        let answer = answers.pop().ok_or_else(|| only.clone())?;
        match (self.response, &answer.posterior) {
            (Response::Label, _) => Ok(Exchange { posterior: None, ..answer }),
            (Response::Posterior, Some(_)) => Ok(answer),
            (Response::SampledLabel | Response::SampledAfresh, Some(posterior)) => {
                Ok(Exchange { label: self.draw(posterior, key), posterior: None, ..answer })
            }
            (Response::Posterior | Response::SampledLabel | Response::SampledAfresh, None) => {
                Err(only)
            }
        }
    }

    fn answer_of(
        &self,
        model: &Model,
        defense: Option<&Defense>,
        raw: &[f64],
        key: &[u64],
    ) -> Exchange {
        let served = match defense {
            Some(defense) => defended_posterior(model, defense, raw),
            None => model.posterior(raw),
        };
        let label = match self.response {
            Response::SampledLabel | Response::SampledAfresh => self.draw(&served, key),
            Response::Label | Response::Posterior => {
                exact_label(model, defense, raw).expect("points without a label have no key")
            }
        };
        let posterior = (self.response == Response::Posterior).then_some(served);
        Exchange { point: raw.to_vec(), label, posterior }
    }

    /// The answer of a server that remembers this oracle's answers. Its posterior, where one is asked for, is all on the
    /// class answered.
    fn answer_drawn(
        &mut self,
        model: &Model,
        defense: &Defense,
        raw: &[f64],
        key: &[u64],
    ) -> Result<Exchange, OracleError> {
        let point = raw.to_vec();
        let prepared = self.ahead.remove(key);
        let prepared = match prepared {
            Some(prepared) => Some(prepared),
            None => placed(model, defense, std::slice::from_ref(&point))?.pop(),
        };
        let prepared = prepared.ok_or(OracleError::Classes { found: model.classes })?;
        let label = Server::settle(prepared, &mut self.memory).label;
        let one_hot = || (0..model.classes).map(|c| if c == label { 1.0 } else { 0.0 }).collect();
        let posterior = (self.response == Response::Posterior).then(one_hot);
        Ok(Exchange { point, label, posterior })
    }

    /// A class drawn from `posterior`. It is a function of seed and point, whatever was asked before; drawn afresh, of the
    /// number of the query too.
    fn draw(&self, posterior: &[f64], key: &[u64]) -> usize {
        let number = (self.response == Response::SampledAfresh).then_some(self.queries() as u64);
        let bytes: Vec<u8> = key.iter().copied().chain(number).flat_map(u64::to_le_bytes).collect();
        let digest = Digest::of_all([self.seed.to_le_bytes().as_slice(), &bytes]);
        let draw: f64 = ChaCha8Rng::from_seed(*digest.bytes()).random();
        let mut below = 0.0;
        let last = posterior.len().saturating_sub(1);
        let chosen = posterior.iter().position(|p| {
            below += p;
            draw < below
        });
        chosen.unwrap_or(last)
    }
}

/// The points in front of a server that draws answers.
fn placed(
    model: &Model,
    defense: &Defense,
    points: &[Vec<f64>],
) -> Result<Vec<Placed>, OracleError> {
    let server = Server::new(model, defense);
    let refused = |error| OracleError::NotServed { reason: format!("{error}") };
    server.and_then(|server| server.place(points)).map_err(refused)
}

/// The class that a target answers, behind a defense or none, decided exactly. `None` at a point with
/// values that are not finite, and behind a defense that is not for this many classes. Certified labels
/// are measured against it, without a query. Of an answer that is drawn it is the label that the draw is about.
pub fn exact_label(model: &Model, defense: Option<&Defense>, raw: &[f64]) -> Option<usize> {
    match defense {
        None => Some(argmax(&model.exact_scores(&Point::from_floats(raw)?), model.tie)),
        Some(defense) => defended_label(model, defense, raw),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Family, FeatureSpec, Kind, Layer, Link, Mlp, Precision, Schema, Tie};

    use super::*;

    /// Logits `[0, x]`.
    fn slope() -> Model {
        let feature = FeatureSpec {
            name: "x".to_owned(),
            kind: Kind::Real,
            low: None,
            high: None,
            mean: 0.0,
            scale: 1.0,
        };
        let layer = Layer { weights: vec![0.0, 1.0], bias: vec![0.0, 0.0], inputs: 1 };
        Model {
            schema: Schema::new(vec![feature]).unwrap(),
            precision: Precision::F32,
            tie: Tie::Lower,
            classes: 2,
            link: Link::Softmax,
            family: Family::Mlp(Mlp { layers: vec![layer] }),
        }
    }

    fn poisoning(alpha: &str) -> Defense {
        Defense::prediction_poisoning(Digest::of(b""), alpha.parse().unwrap()).unwrap()
    }

    #[test]
    fn distinct_points_cost_one_query_each_and_repeats_nothing() {
        let model = slope();
        let mut oracle = Oracle::new(&model, None, Response::Label, 2, 0);
        assert_eq!(oracle.label(&[1.0]), Ok(1));
        assert_eq!(oracle.label(&[1.0]), Ok(1));
        assert_eq!((oracle.queries(), oracle.remaining()), (1, 1));
        assert_eq!(oracle.label(&[0.0]), Ok(0));
        assert_eq!(oracle.label(&[-0.0]), Ok(0));
        assert_eq!(oracle.queries(), 2);
    }

    #[test]
    fn more_than_the_budget_is_an_error_and_old_points_stay_free() {
        let model = slope();
        let mut oracle = Oracle::new(&model, None, Response::Label, 1, 0);
        oracle.label(&[1.0]).unwrap();
        let exhausted = Err(OracleError::BudgetExhausted { budget: 1 });
        assert_eq!(oracle.label(&[2.0]), exhausted);
        assert_eq!(oracle.label(&[1.0]), Ok(1));
        assert_eq!(oracle.queries(), 1);
    }

    #[test]
    fn a_bad_point_is_refused_and_costs_nothing() {
        let model = slope();
        let mut oracle = Oracle::new(&model, None, Response::Label, 1, 0);
        assert_eq!(oracle.label(&[]), Err(OracleError::Length { found: 0, expected: 1 }));
        assert_eq!(oracle.label(&[f64::NAN]), Err(OracleError::NotFinite { feature: 0 }));
        assert_eq!(oracle.queries(), 0);
    }

    #[test]
    fn posteriors_are_refused_by_name_in_other_modes() {
        let model = slope();
        let mut oracle = Oracle::new(&model, None, Response::SampledLabel, 1, 0);
        let refused = Err(OracleError::NoPosteriors { response: "sampled-label" });
        assert_eq!(oracle.posterior(&[1.0]), refused);
        let mut oracle = Oracle::new(&model, None, Response::Posterior, 1, 0);
        assert_eq!(oracle.posterior(&[0.0]), Ok(vec![0.5, 0.5]));
        assert_eq!(oracle.label(&[0.0]), Ok(0));
        assert_eq!(oracle.queries(), 1);
    }

    #[test]
    fn a_defense_turns_labels_in_its_band_only() {
        let (model, defense) = (slope(), poisoning("0.2"));
        // flips iff max F < 0.625, that is |x| < ln(5/3) = 0.51
        let mut oracle = Oracle::new(&model, Some(&defense), Response::Label, 9, 0);
        let labels = [0.4, 0.6, -0.4, -0.6].map(|x| oracle.label(&[x]).unwrap());
        assert_eq!(labels, [0, 1, 1, 0]);
    }

    #[test]
    fn a_defense_for_two_classes_does_not_stand_before_three() {
        let mut model = slope();
        model.classes = 3;
        let layer = Layer { weights: vec![0.0, 1.0, 2.0], bias: vec![0.0; 3], inputs: 1 };
        model.family = Family::Mlp(Mlp { layers: vec![layer] });
        let defense = poisoning("0.2");
        let mut oracle = Oracle::new(&model, Some(&defense), Response::Label, 9, 0);
        assert_eq!(oracle.label(&[1.0]), Err(OracleError::Classes { found: 3 }));
        assert_eq!((oracle.queries(), exact_label(&model, Some(&defense), &[1.0])), (0, None));
    }

    #[test]
    fn drawn_labels_follow_the_posterior_and_do_not_depend_on_the_order() {
        let model = slope();
        let mut forward = Oracle::new(&model, None, Response::SampledLabel, 2000, 5);
        let mut backward = Oracle::new(&model, None, Response::SampledLabel, 2000, 5);
        let points: Vec<f64> = (0..2000).map(|k| 1.0 + f64::from(k) * 1e-9).collect();
        let labels: Vec<usize> = points.iter().map(|x| forward.label(&[*x]).unwrap()).collect();
        let again = points.iter().rev().map(|x| backward.label(&[*x]).unwrap());
        assert_eq!(again.collect::<Vec<_>>(), labels.iter().rev().copied().collect::<Vec<_>>());
        // σ(1) = 0.731; three standard deviations are 0.03
        let ones = labels.iter().sum::<usize>() as f64 / 2000.0;
        assert!((ones - 0.731).abs() < 0.03, "{ones}");
    }

    /// Without memory a repetition is a query of its own, and tells the posterior in the end; with it, it costs and tells nothing.
    #[test]
    fn drawn_afresh_every_repetition_counts() {
        let model = slope();
        let mut afresh = Oracle::new(&model, None, Response::SampledAfresh, 2000, 5);
        let ones: usize = (0..2000).map(|_| afresh.label(&[1.0]).unwrap()).sum();
        assert!((ones as f64 / 2000.0 - 0.731).abs() < 0.03, "{ones}");
        assert_eq!((afresh.queries(), afresh.remaining()), (2000, 0));
        assert_eq!(afresh.label(&[1.0]), Err(OracleError::BudgetExhausted { budget: 2000 }));
        let mut remembered = Oracle::new(&model, None, Response::SampledLabel, 2, 5);
        let labels: Vec<usize> = (0..50).map(|_| remembered.label(&[1.0]).unwrap()).collect();
        assert!(labels.iter().all(|label| *label == labels[0]) && remembered.queries() == 1);
        // the same questions in the same order have the same answers
        let mut again = Oracle::new(&model, None, Response::SampledAfresh, 2000, 5);
        let repeated: usize = (0..2000).map(|_| again.label(&[1.0]).unwrap()).sum();
        assert_eq!(repeated, ones);
        assert_eq!(again.transcript(), afresh.transcript());
    }

    #[test]
    fn the_transcript_is_json_lines_with_exact_points() {
        let model = slope();
        let mut oracle = Oracle::new(&model, None, Response::Label, 2, 0);
        oracle.label(&[0.375]).unwrap();
        oracle.label(&[-1.0]).unwrap();
        let expected = "{\"point\":[\"0x1.8p-2\"],\"label\":1}\n\
                        {\"point\":[\"-0x1p0\"],\"label\":0}\n";
        assert_eq!(oracle.transcript_json_lines(), expected);
    }
}
