//! Prediction poisoning for any number of classes: answers move towards a point `v` of the simplex that the server
//! chooses for each point (Orekondy, Schiele, Fritz, ICLR 2020).
//!
//! ```text
//! F′ = (1 − a)·F + a·v        v in the simplex
//! fixed                       a = α,                        0 <= α < ½
//! budget e in the p-norm      a = min(1, e/‖F − v‖ₚ)        p = 1 or 2, 0 < e < ½
//! ```
//!
//! Whatever `v` is chosen, the answer to a class falls by at most a share α of it, or by `e/2` (1-norm), or by `e` (2-norm),
//! and it falls behind another by at most `e` (1-norm) or `√2·e` (2-norm): `F′ − F` adds up to 0. If `v` is largest at the
//! model's label, the label stays. Trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interval::{Decimal, Rational};
#[cfg(any(test, feature = "advice"))]
use crate::model::argmax;
use crate::model::{Digest, Object, Tie};

#[cfg(any(test, feature = "advice"))]
use super::served::{Served, written};
use super::{AnswerMap, Asked, Closeness, DefenseError, posterior};

/// The choice of the point that answers move to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VertexChoice {
    /// The vertex that turns the gradient of a random surrogate most.
    Gradient,
    /// The same over means of vertices that keep the label on top.
    Keeping,
    /// A vertex drawn for each point.
    Random,
    /// The vertex of the least likely class.
    Argmin,
}

/// The strength of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum PoisonStep {
    /// α, the same for all points.
    Fixed(Decimal),
    /// e, in a norm.
    Budget(Decimal, PoisonNorm),
}

/// The norm of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoisonNorm {
    /// The sum of the changes.
    L1,
    /// The root of the sum of their squares.
    L2,
}

/// The map whose formula is at the head of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct VertexPoisoning {
    step: PoisonStep,
    choice: VertexChoice,
    seed: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VertexFile {
    format: String,
    target: Digest,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alpha: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    budget: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    norm: Option<PoisonNorm>,
    vertex: VertexChoice,
    seed: u64,
}

impl VertexPoisoning {
    pub(super) const KIND: &'static str = "vertex-poisoning";

    pub(super) fn new(
        step: PoisonStep,
        choice: VertexChoice,
        seed: u64,
    ) -> Result<Self, DefenseError> {
        let (name, value, expected) = match &step {
            PoisonStep::Fixed(alpha) => ("alpha", alpha, "0 <= alpha < 0.5"),
            PoisonStep::Budget(budget, _) => ("budget", budget, "0 <= budget < 0.5"),
        };
        if *value.value() < Rational::ZERO || *value.value() >= Rational::half() {
            return Err(DefenseError::Parameter { name, found: value.to_string(), expected });
        }
        Ok(Self { step, choice, seed })
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Digest, Self), DefenseError> {
        let Object(file): Object<VertexFile> = serde_json::from_slice(bytes)?;
        let step = match (file.alpha, file.budget, file.norm) {
            (Some(alpha), None, None) => PoisonStep::Fixed(alpha),
            (None, Some(budget), Some(norm)) => PoisonStep::Budget(budget, norm),
            _ => {
                let (name, found) = ("the strength", "another set of keys".to_owned());
                let expected = "`alpha`, or `budget` with `norm`";
                return Err(DefenseError::Parameter { name, found, expected });
            }
        };
        Ok((file.target, Self::new(step, file.vertex, file.seed)?))
    }

    /// `1 − α`, and the most that an answer falls beyond that factor.
    fn fall(&self) -> (Rational, Rational) {
        match &self.step {
            PoisonStep::Fixed(alpha) => (&Rational::ONE - alpha.value(), Rational::ZERO),
            PoisonStep::Budget(budget, PoisonNorm::L1) => {
                (Rational::ONE, budget.value() * &Rational::half())
            }
            PoisonStep::Budget(budget, PoisonNorm::L2) => (Rational::ONE, budget.value().clone()),
        }
    }

    /// Two answers of two classes: `‖F′ − G′‖₂ <= rate·‖F − G‖₂ + shift`.
    fn moves_apart(&self) -> (Rational, Rational) {
        let twice = |norm: &Rational| norm + norm;
        match &self.step {
            // α·‖v − v′‖₂, between two vertices
            PoisonStep::Fixed(alpha) => {
                (&Rational::ONE - alpha.value(), alpha.value() * &Closeness::root_of_two())
            }
            // a change of e in the 1-norm is one of e/2 for each class
            PoisonStep::Budget(budget, PoisonNorm::L1) => {
                (Rational::ONE, budget.value() * &Closeness::root_of_two())
            }
            PoisonStep::Budget(budget, PoisonNorm::L2) => (Rational::ONE, twice(budget.value())),
        }
    }

    /// The posterior above which the label is kept: `p` with `(1 − α)p > (1 − α)(1 − p) + gap`.
    fn kept_above(&self) -> Option<Rational> {
        let gap = match &self.step {
            PoisonStep::Fixed(alpha) => {
                return &Rational::half() / &(&Rational::ONE - alpha.value());
            }
            PoisonStep::Budget(budget, PoisonNorm::L1) => budget.value().clone(),
            // √2 < 1.4143
            PoisonStep::Budget(budget, PoisonNorm::L2) => {
                budget.value() * &Rational::new(14_143.into(), 10_000.into())?
            }
        };
        Some(&(&Rational::ONE + &gap) * &Rational::half())
    }
}

impl AnswerMap for VertexPoisoning {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn takes(&self, classes: usize) -> bool {
        classes >= 2
    }

    /// Claims about one label follow from a larger posterior; `v` jumps from point to point, so orders are lost, and two
    /// answers come to stand further apart by what `v` moves both.
    fn carry(&self, asked: &Asked) -> Option<Asked> {
        let above = match asked {
            Asked::Label if self.choice == VertexChoice::Keeping => return Some(Asked::Label),
            Asked::Label => self.kept_above()?,
            // (1 − α)·p − fall >= 1 − δ
            Asked::Confidence { delta } => {
                let (factor, fall) = self.fall();
                (&(&(&Rational::ONE - delta) + &fall) / &factor)?
            }
            Asked::Closeness(limit) => {
                let (rate, shift) = self.moves_apart();
                let carried = limit.behind(&rate, &shift, &Rational::ZERO);
                return carried.map(Asked::Closeness);
            }
            Asked::Rows => return Some(Asked::Rows),
            Asked::Order | Asked::Boundary | Asked::Outputs | Asked::Change => return None,
        };
        let delta = &Rational::ONE - &above;
        (delta > Rational::ZERO).then_some(Asked::Confidence { delta })
    }

    fn enclosure(&self, class: usize, scores: &[Rational; 2], _: Tie) -> (Rational, Rational) {
        let (low, high) = posterior(class, scores);
        let (factor, fall) = self.fall();
        let rise = &(&Rational::ONE - &factor) + &fall;
        (&(&factor * &low) - &fall, &(&factor * &high) + &rise)
    }
}

#[cfg(any(test, feature = "advice"))]
impl VertexPoisoning {
    /// The strength of a step.
    pub fn step(&self) -> &PoisonStep {
        &self.step
    }

    /// The choice of `v`, and the seed of what is drawn for it.
    pub fn choice(&self) -> (VertexChoice, u64) {
        (self.choice, self.seed)
    }
}

#[cfg(any(test, feature = "advice"))]
impl Served for VertexPoisoning {
    fn to_json(&self, target: Digest) -> String {
        let (format, kind) = ("defense/1".to_owned(), Self::KIND.to_owned());
        let (alpha, budget, norm) = match &self.step {
            PoisonStep::Fixed(alpha) => (Some(alpha.clone()), None, None),
            PoisonStep::Budget(budget, norm) => (None, Some(budget.clone()), Some(*norm)),
        };
        let (vertex, seed) = (self.choice, self.seed);
        written(&VertexFile { format, target, kind, alpha, budget, norm, vertex, seed })
    }

    /// Of two classes. Where the choice of `v` decides, it is the label that carried claims do not name.
    fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize {
        let own = argmax(scores, tie);
        let is_kept = self.choice == VertexChoice::Keeping
            || self.kept_above().is_some_and(|above| posterior(own, scores).0 > above);
        if is_kept { own } else { 1 - own }
    }

    /// Towards the less likely class, which is one of the choices; the server knows the others.
    fn apply(&self, posterior: [f64; 2], label: usize) -> [f64; 2] {
        let [own, other] = [posterior[label.min(1)], posterior[1 - label.min(1)]];
        let share = match (&self.step, self.choice) {
            (_, VertexChoice::Keeping) => 0.0,
            (PoisonStep::Fixed(alpha), _) => alpha.value().down(),
            (PoisonStep::Budget(budget, norm), _) => {
                let length = match norm {
                    PoisonNorm::L1 => 2.0 * own,
                    PoisonNorm::L2 => own * std::f64::consts::SQRT_2,
                };
                (budget.value().down() / length).min(1.0)
            }
        };
        let [own, other] = [(1.0 - share) * own, (1.0 - share) * other + share];
        if label == 0 { [own, other] } else { [other, own] }
    }
}

impl fmt::Display for VertexPoisoning {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.step {
            PoisonStep::Fixed(alpha) => write!(f, "alpha {alpha}")?,
            PoisonStep::Budget(budget, PoisonNorm::L1) => write!(f, "budget {budget} l1")?,
            PoisonStep::Budget(budget, PoisonNorm::L2) => write!(f, "budget {budget} l2")?,
        }
        let vertex = match self.choice {
            VertexChoice::Gradient => "gradient",
            VertexChoice::Keeping => "keeping",
            VertexChoice::Random => "random",
            VertexChoice::Argmin => "argmin",
        };
        write!(f, ", vertex {vertex}, seed {}", self.seed)
    }
}
