//! Boundary randomised response, for two classes: answers are labels, and those near the boundary are drawn.
//!
//! ```text
//! zone of a band     F_y <= τ, y the label                                  ½ < τ < 1
//! zone of a ball     no proof that every point within Δ (L∞) has label y    Δ > 0
//! in the zone        y with probability e^ε/(1 + e^ε), else the other class; outside y
//! ```
//!
//! A draw is a function of a secret key and the point, and the first draw in a cell of a grid answers for the whole
//! cell. Whoever serves makes the draws; here is what may be claimed of the answers.
//!
//! Trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interval::{Decimal, Rational, ln};
#[cfg(any(test, feature = "advice"))]
use crate::model::argmax;
use crate::model::{Digest, Object, Tie};

#[cfg(any(test, feature = "advice"))]
use super::served::{Served, written};
use super::{AnswerMap, Asked, DefenseError};

/// The points whose answers are drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseZone {
    /// Those with a posterior of the label up to this one.
    Band {
        /// τ.
        confidence: Decimal,
    },
    /// Those around which some label within this distance (L∞) may be another one.
    Ball {
        /// Δ.
        shift: Decimal,
    },
}

/// The unit of Δ and of the cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseUnits {
    /// Standard deviations: `scale·(x − mean)`.
    #[default]
    Standardised,
    /// Raw units of the features.
    Raw,
}

/// The map whose formula is at the head of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomisedResponse {
    epsilon: Decimal,
    zone: ResponseZone,
    cell: Decimal,
    units: ResponseUnits,
    key: Digest,
    /// The upper end of `ln(τ/(1 − τ))`: beyond it a margin is outside the band.
    edge: Option<Rational>,
}

/// The norm of balls.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BallNorm {
    Linf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseFile {
    format: String,
    target: Digest,
    kind: String,
    epsilon: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shift: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    norm: Option<BallNorm>,
    cell: Decimal,
    units: ResponseUnits,
    key: Digest,
}

impl RandomisedResponse {
    pub(super) const KIND: &'static str = "boundary-randomised-response";

    pub(super) fn new(
        epsilon: Decimal,
        zone: ResponseZone,
        (cell, units): (Decimal, ResponseUnits),
        key: Digest,
    ) -> Result<Self, DefenseError> {
        expect_positive("epsilon", &epsilon, "0 < epsilon <= 60", &Rational::integer(60))?;
        let most = Rational::integer(1_000_000);
        expect_positive("cell", &cell, "0 < cell <= 1000000", &most)?;
        let edge = match &zone {
            ResponseZone::Band { confidence } => Some(edge_of(confidence)?),
            ResponseZone::Ball { shift } => {
                expect_positive("shift", shift, "0 < shift <= 1000000", &most)?;
                None
            }
        };
        Ok(Self { epsilon, zone, cell, units, key, edge })
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Digest, Self), DefenseError> {
        let Object(file): Object<ResponseFile> = serde_json::from_slice(bytes)?;
        let zone = match (file.confidence, file.shift, file.norm) {
            (Some(confidence), None, None) => ResponseZone::Band { confidence },
            (None, Some(shift), Some(BallNorm::Linf)) => ResponseZone::Ball { shift },
            (confidence, shift, norm) => {
                let given = [
                    ("`confidence`", confidence.is_some()),
                    ("`shift`", shift.is_some()),
                    ("`norm`", norm.is_some()),
                ];
                let given = given.iter().filter(|(_, is_there)| *is_there).map(|(key, _)| *key);
                let found = given.collect::<Vec<_>>().join(" with ");
                let expected = "`confidence`, or `shift` with `norm`";
                let found = if found.is_empty() { "missing".to_owned() } else { found };
                return Err(DefenseError::Parameter { name: "the zone", found, expected });
            }
        };
        let grid = (file.cell, file.units);
        Ok((file.target, Self::new(file.epsilon, zone, grid, file.key)?))
    }
}

fn expect_positive(
    name: &'static str,
    value: &Decimal,
    expected: &'static str,
    most: &Rational,
) -> Result<(), DefenseError> {
    if *value.value() > Rational::ZERO && value.value() <= most {
        return Ok(());
    }
    Err(DefenseError::Parameter { name, found: value.to_string(), expected })
}

/// The upper end of `ln(τ/(1 − τ))`, the same number that a claim about a posterior above τ needs.
fn edge_of(confidence: &Decimal) -> Result<Rational, DefenseError> {
    let tau = confidence.value();
    let is_inside = *tau > Rational::half() && *tau < Rational::ONE;
    let odds = tau / &(&Rational::ONE - tau);
    match odds.filter(|_| is_inside).and_then(|odds| ln(&odds)) {
        Some((_, above)) => Ok(above),
        None => {
            let (name, expected) = ("confidence", "0.5 < confidence < 1");
            Err(DefenseError::Parameter { name, found: confidence.to_string(), expected })
        }
    }
}

impl AnswerMap for RandomisedResponse {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    /// A drawn label is no label that a claim could name, and no posterior is answered. So with a band a label is
    /// kept where the whole region is above it, and nothing else is. With a ball nothing is kept: what no proof is
    /// found for is drawn, however true it is.
    fn carry(&self, asked: &Asked) -> Option<Asked> {
        match (asked, &self.zone) {
            (Asked::Label, ResponseZone::Band { confidence }) => {
                Some(Asked::Confidence { delta: &Rational::ONE - confidence.value() })
            }
            (Asked::Label, ResponseZone::Ball { .. })
            | (Asked::Confidence { .. } | Asked::Order | Asked::Boundary | Asked::Outputs, _)
            | (Asked::Closeness(_) | Asked::Change | Asked::Rows, _) => None,
        }
    }

    /// Nothing: a drawn answer is certain for either class.
    fn enclosure(&self, _: usize, _: &[Rational; 2], _: Tie) -> (Rational, Rational) {
        (Rational::ZERO, Rational::ONE)
    }
}

#[cfg(any(test, feature = "advice"))]
impl RandomisedResponse {
    /// ε, the privacy that one drawn answer costs.
    pub fn epsilon(&self) -> &Decimal {
        &self.epsilon
    }

    /// The points whose answers are drawn.
    pub fn zone(&self) -> &ResponseZone {
        &self.zone
    }

    /// The width of a cell, and its unit, which is Δ's too.
    pub fn grid(&self) -> (&Decimal, ResponseUnits) {
        (&self.cell, self.units)
    }

    /// The secret that decides all draws.
    pub fn key(&self) -> &Digest {
        &self.key
    }

    /// True if exact scores are outside the band. They never are outside the zone of a ball, which scores do not tell.
    pub fn is_sure(&self, [zero, one]: &[Rational; 2]) -> bool {
        self.edge.as_ref().is_some_and(|edge| (one - zero).abs() > *edge)
    }
}

#[cfg(any(test, feature = "advice"))]
impl Served for RandomisedResponse {
    fn to_json(&self, target: Digest) -> String {
        let (format, kind) = ("defense/1".to_owned(), Self::KIND.to_owned());
        let (confidence, shift, norm) = match &self.zone {
            ResponseZone::Band { confidence } => (Some(confidence.clone()), None, None),
            ResponseZone::Ball { shift } => (None, Some(shift.clone()), Some(BallNorm::Linf)),
        };
        let (epsilon, cell, units, key) =
            (self.epsilon.clone(), self.cell.clone(), self.units, self.key);
        written(&ResponseFile {
            format,
            target,
            kind,
            epsilon,
            confidence,
            shift,
            norm,
            cell,
            units,
            key,
        })
    }

    /// The label outside the band; where it is drawn, the one that carried claims do not name.
    fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize {
        let own = argmax(scores, tie);
        if self.is_sure(scores) { own } else { 1 - own }
    }

    /// The probabilities of the answers; with a ball as if the point were in the zone.
    fn apply(&self, posterior: [f64; 2], label: usize) -> [f64; 2] {
        let own = match &self.zone {
            ResponseZone::Band { confidence }
                if posterior.get(label).is_some_and(|p| *p > confidence.value().up()) =>
            {
                1.0
            }
            ResponseZone::Band { .. } | ResponseZone::Ball { .. } => {
                1.0 / (1.0 + (-self.epsilon.value().down()).exp())
            }
        };
        [0, 1].map(|class: usize| if class == label { own } else { 1.0 - own })
    }
}

/// All but the key, which is a secret.
impl fmt::Display for RandomisedResponse {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "epsilon {}, ", self.epsilon)?;
        match &self.zone {
            ResponseZone::Band { confidence } => write!(f, "confidence {confidence}")?,
            ResponseZone::Ball { shift } => write!(f, "shift {shift} linf")?,
        }
        let unit = match self.units {
            ResponseUnits::Standardised => "sd",
            ResponseUnits::Raw => "raw",
        };
        write!(f, ", cell {} {unit}", self.cell)
    }
}
