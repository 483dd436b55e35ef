//! A mixture with a constant answer, for two classes.
//!
//! ```text
//! F′ = (1 − α)·F + α·η          0 <= α < 1, η constant, η₀ + η₁ = 1
//! ```
//!
//! Trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interval::{Decimal, Rational};
#[cfg(any(test, feature = "advice"))]
use crate::model::argmax;
use crate::model::{Digest, Object, Tie};

#[cfg(any(test, feature = "advice"))]
use super::served::{Served, written};
use super::{AnswerMap, Asked, DefenseError, posterior};

/// The map whose formula is at the head of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mixture {
    /// α.
    alpha: Decimal,
    /// η.
    eta: [Decimal; 2],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MixtureFile {
    format: String,
    target: Digest,
    kind: String,
    alpha: Decimal,
    eta: [Decimal; 2],
}

impl Mixture {
    pub(super) const KIND: &'static str = "mixture";

    pub(super) fn new(alpha: Decimal, eta: [Decimal; 2]) -> Result<Self, DefenseError> {
        if *alpha.value() < Rational::ZERO || *alpha.value() >= Rational::ONE {
            let (name, expected) = ("alpha", "0 <= alpha < 1");
            return Err(DefenseError::Parameter { name, found: alpha.to_string(), expected });
        }
        let [zero, one] = [eta[0].value(), eta[1].value()];
        if *zero < Rational::ZERO || *one < Rational::ZERO || zero + one != Rational::ONE {
            let found = format!("[{}, {}]", eta[0], eta[1]);
            let (name, expected) = ("eta", "two shares, 0 or more, that add up to 1");
            return Err(DefenseError::Parameter { name, found, expected });
        }
        Ok(Self { alpha, eta })
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Digest, Self), DefenseError> {
        let Object(file): Object<MixtureFile> = serde_json::from_slice(bytes)?;
        Ok((file.target, Self::new(file.alpha, file.eta)?))
    }

    /// `1 − α`.
    fn rest(&self) -> Rational {
        &Rational::ONE - self.alpha.value()
    }

    /// `α·η` of a class.
    fn added(&self, class: usize) -> Rational {
        self.eta.get(class).map_or(Rational::ZERO, |eta| self.alpha.value() * eta.value())
    }

    /// True if neither class gains on the other, or nothing is mixed in.
    fn keeps_labels(&self) -> bool {
        self.eta[0].value() == self.eta[1].value() || *self.alpha.value() == Rational::ZERO
    }

    /// The claim `F_y > t` that suffices for `F′_y > bound`: `t = (bound − α·min η)/(1 − α)`.
    fn above(&self, bound: &Rational) -> Option<Asked> {
        let (first, second) = (self.added(0), self.added(1));
        let least = if first < second { first } else { second };
        let delta = &Rational::ONE - &(&(bound - &least) / &self.rest())?;
        // a claim that holds of every answer is made of one that says a little more
        let most = &Rational::ONE - &Rational::from_f64(0.5_f64.powi(20))?;
        let delta = if delta < most { delta } else { most };
        (delta > Rational::ZERO).then_some(Asked::Confidence { delta })
    }
}

impl AnswerMap for Mixture {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    /// Answers move by the factor `1 − α` and a constant, so an order is kept, and two of them come nearer; with an even constant
    /// labels are as well, and no answer is surer than before.
    fn carry(&self, asked: &Asked) -> Option<Asked> {
        match asked {
            Asked::Order | Asked::Rows => Some(asked.clone()),
            Asked::Closeness(limit) => {
                let (rate, none) = (self.rest(), Rational::ZERO);
                limit.behind(&rate, &none, &none).map(Asked::Closeness)
            }
            Asked::Label | Asked::Boundary if self.keeps_labels() => Some(asked.clone()),
            Asked::Label => self.above(&Rational::half()),
            Asked::Confidence { delta } => self.above(&(&Rational::ONE - delta)),
            Asked::Boundary | Asked::Outputs | Asked::Change => None,
        }
    }

    fn enclosure(&self, class: usize, scores: &[Rational; 2], _: Tie) -> (Rational, Rational) {
        let (low, high) = posterior(class, scores);
        let (rest, added) = (self.rest(), self.added(class));
        (&(&rest * &low) + &added, &(&rest * &high) + &added)
    }
}

#[cfg(any(test, feature = "advice"))]
impl Served for Mixture {
    fn to_json(&self, target: Digest) -> String {
        let (format, kind) = ("defense/1".to_owned(), Self::KIND.to_owned());
        let (alpha, eta) = (self.alpha.clone(), self.eta.clone());
        let file = MixtureFile { format, target, kind, alpha, eta };
        written(&file)
    }

    fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize {
        let own = argmax(scores, tie);
        let (low, _) = self.enclosure(own, scores, tie);
        if self.keeps_labels() || low > Rational::half() { own } else { 1 - own }
    }

    fn apply(&self, posterior: [f64; 2], _: usize) -> [f64; 2] {
        let alpha = self.alpha.value().down();
        let eta = [0, 1].map(|class: usize| self.eta[class].value().down());
        [0, 1].map(|class: usize| (1.0 - alpha) * posterior[class] + alpha * eta[class])
    }
}

impl fmt::Display for Mixture {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "alpha {}, eta {} and {}", self.alpha, self.eta[0], self.eta[1])
    }
}
