//! Adaptive misinformation (Kariyappa and Qureshi, CVPR 2020) with a decoy in closed form, for two classes.
//!
//! ```text
//! F′ = (1 − a)·F + a·M          a = 1/(1 + exp(ν·(max F − τ)))          ν > 0, ½ <= τ < 1
//! M = (½, ½)                    decoy `uniform`
//! M = (F₁, F₀)                  decoy `mirror`
//! ```
//!
//! A misinformation network trained by reverse cross entropy tends to the mirrored answer. With `p = max F` the answer
//! to the label is `½ + s(p)·(p − ½)`, where `s = 1 − a` of the uniform decoy and `s = 1 − 2a` of the mirror, both rising
//! with `p`. Trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interval::{Decimal, Rational, sigmoid};
use crate::model::{Digest, Object, Tie, argmax};

use super::{AnswerMap, Asked, DefenseError, posterior, written};

/// Halvings of an interval of confidence in which a bound is sought.
const HALVINGS: u32 = 40;

/// The answer that is mixed in where the model is unsure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decoy {
    /// Each class with the same probability: labels stay, confidence goes.
    Uniform,
    /// The answers of both classes exchanged: below τ the label turns.
    Mirror,
}

/// The map whose formula is at the head of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AdaptiveMisinformation {
    nu: Decimal,
    tau: Decimal,
    decoy: Decoy,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MisinformationFile {
    format: String,
    target: Digest,
    kind: String,
    nu: Decimal,
    tau: Decimal,
    decoy: Decoy,
}

impl AdaptiveMisinformation {
    pub(super) const KIND: &'static str = "adaptive-misinformation";

    pub(super) fn new(nu: Decimal, tau: Decimal, decoy: Decoy) -> Result<Self, DefenseError> {
        if *nu.value() <= Rational::ZERO || *nu.value() > Rational::integer(1_000_000) {
            let (name, expected) = ("nu", "0 < nu <= 1000000");
            return Err(DefenseError::Parameter { name, found: nu.to_string(), expected });
        }
        if *tau.value() < Rational::half() || *tau.value() >= Rational::ONE {
            let (name, expected) = ("tau", "0.5 <= tau < 1");
            return Err(DefenseError::Parameter { name, found: tau.to_string(), expected });
        }
        Ok(Self { nu, tau, decoy })
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Digest, Self), DefenseError> {
        let Object(file): Object<MisinformationFile> = serde_json::from_slice(bytes)?;
        Ok((file.target, Self::new(file.nu, file.tau, file.decoy)?))
    }

    /// `[least, greatest]` of `s(p)`.
    fn share(&self, p: &Rational) -> (Rational, Rational) {
        let (low, high) = sigmoid(&(self.nu.value() * &(p - self.tau.value())));
        match self.decoy {
            Decoy::Uniform => (low, high),
            // 1 − 2a = 2(1 − a) − 1
            Decoy::Mirror => (&(&low + &low) - &Rational::ONE, &(&high + &high) - &Rational::ONE),
        }
    }

    /// `[least, greatest]` of the answer to the label, whose posterior lies in `[low, high]`, `½ <= low`.
    fn answer(&self, low: &Rational, high: &Rational) -> (Rational, Rational) {
        let half = Rational::half();
        let (near, far) = (low - &half, high - &half);
        let (least, most) = (self.share(low).0, self.share(high).1);
        // a negative share takes most away where the distance from ½ is greatest
        let below = if least < Rational::ZERO { &least * &far } else { &least * &near };
        let above = if most < Rational::ZERO { &most * &near } else { &most * &far };
        (&half + &below, &half + &above)
    }

    /// The confidence above which the label is kept, and from which on the answer to it rises.
    fn kept_above(&self) -> Rational {
        match self.decoy {
            Decoy::Uniform => Rational::half(),
            Decoy::Mirror => self.tau.value().clone(),
        }
    }

    /// The claim `F_y > p` that suffices for `F′_y > bound`, `bound >= ½`: the answer rises with `p` from ½ on, behind a mirror
    /// from τ on.
    fn above(&self, bound: &Rational) -> Option<Asked> {
        let suffices = |p: &Rational| self.answer(p, p).0 > *bound;
        let (mut low, mut high) = (self.kept_above(), Rational::ONE);
        for _ in 0..HALVINGS {
            let middle = &(&low + &high) * &Rational::half();
            if suffices(&middle) { high = middle } else { low = middle }
        }
        let delta = &Rational::ONE - &high;
        (delta > Rational::ZERO).then_some(Asked::Confidence { delta })
    }
}

impl AnswerMap for AdaptiveMisinformation {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn to_json(&self, target: Digest) -> String {
        let (format, kind) = ("defense/1".to_owned(), Self::KIND.to_owned());
        let (nu, tau, decoy) = (self.nu.clone(), self.tau.clone(), self.decoy);
        let file = MisinformationFile { format, target, kind, nu, tau, decoy };
        written(&file)
    }

    /// With a uniform decoy `s` is positive: labels stay, answers keep their order, and none is surer than before. With a
    /// mirror the label stays above τ only.
    fn carry(&self, asked: &Asked) -> Option<Asked> {
        match (asked, self.decoy) {
            (Asked::Label | Asked::Order | Asked::Boundary, Decoy::Uniform) => Some(asked.clone()),
            (Asked::Label, Decoy::Mirror) => {
                Some(Asked::Confidence { delta: &Rational::ONE - &self.kept_above() })
            }
            // the label's answer is above ½ wherever its posterior is, or behind a mirror wherever that is above τ
            (Asked::Confidence { delta }, _) if *delta >= Rational::half() => {
                Some(Asked::Confidence { delta: &Rational::ONE - &self.kept_above() })
            }
            (Asked::Confidence { delta }, _) => self.above(&(&Rational::ONE - delta)),
            (Asked::Order | Asked::Boundary, Decoy::Mirror)
            | (Asked::Outputs | Asked::Closeness | Asked::Change | Asked::Rows, _) => None,
        }
    }

    fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize {
        let own = argmax(scores, tie);
        match self.decoy {
            Decoy::Uniform => own,
            // s > 0 ⇔ p > τ; at p = ½ both answers are ½, and τ = ½ is never above p
            Decoy::Mirror => {
                let tau = self.tau.value();
                let is_even = *tau == Rational::half() || scores[0] == scores[1];
                if is_even || posterior(own, scores).0 > *tau { own } else { 1 - own }
            }
        }
    }

    fn enclosure(&self, class: usize, scores: &[Rational; 2], tie: Tie) -> (Rational, Rational) {
        let own = argmax(scores, tie);
        let (low, high) = posterior(own, scores);
        let half = Rational::half();
        // the label's posterior is ½ or more; its enclosure may begin below
        let (low, high) =
            (if low < half { half.clone() } else { low }, if high < half { half } else { high });
        let (least, most) = self.answer(&low, &high);
        match class == own {
            true => (least, most),
            false => (&Rational::ONE - &most, &Rational::ONE - &least),
        }
    }

    fn apply(&self, posterior: [f64; 2], label: usize) -> [f64; 2] {
        let [own, other] = [posterior[label.min(1)], posterior[1 - label.min(1)]];
        let a = 1.0 / (1.0 + (self.nu.value().down() * (own - self.tau.value().down())).exp());
        let decoy = match self.decoy {
            Decoy::Uniform => [0.5; 2],
            Decoy::Mirror => [other, own],
        };
        let [own, other] = [(1.0 - a) * own + a * decoy[0], (1.0 - a) * other + a * decoy[1]];
        if label == 0 { [own, other] } else { [other, own] }
    }
}

impl fmt::Display for AdaptiveMisinformation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let decoy = match self.decoy {
            Decoy::Uniform => "uniform",
            Decoy::Mirror => "mirror",
        };
        write!(f, "nu {}, tau {}, decoy {decoy}", self.nu, self.tau)
    }
}
