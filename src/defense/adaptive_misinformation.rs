//! Adaptive misinformation (Kariyappa and Qureshi, CVPR 2020), for two classes.
//!
//! ```text
//! F′ = (1 − a)·F + a·M          a = 1/(1 + exp(ν·(max F − τ)))          ν > 0, ½ <= τ < 1
//! M = (½, ½)                    decoy `uniform`
//! M = (F₁, F₀)                  decoy `mirror`
//! M in the simplex              decoy named by its digest: a model that nothing is asked of
//! ```
//!
//! A misinformation network trained by reverse cross entropy tends to the mirrored answer. With `p = max F` the answer
//! to the label is `½ + s(p)·(p − ½)`, where `s = 1 − a` of the uniform decoy and `s = 1 − 2a` of the mirror, both rising
//! with `p`. Whatever a model answers, it lies in `[(1 − a)·p, (1 − a)·p + a]`, whose lower end rises with `p` too, and the
//! label stays where that end is above ½. Trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interval::{Decimal, Rational, sigmoid};
use crate::model::{Digest, Object, Tie, argmax};

#[cfg(any(test, feature = "advice"))]
use super::served::{Served, written};
use super::{AnswerMap, Asked, DefenseError, posterior};

/// Halvings of an interval of confidence in which a bound is sought.
const HALVINGS: u32 = 40;
/// Pieces of `[½, 1]` whose slopes are bounded one by one.
const PIECES: u32 = 128;

/// The answer that is mixed in where the model is unsure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Decoy {
    /// Each class with the same probability: labels stay, confidence goes.
    Uniform,
    /// The answers of both classes exchanged: below τ the label turns.
    Mirror,
    /// The answer of a model, by the digest of its file.
    Model(Digest),
}

/// `uniform`, `mirror`, or a digest.
impl fmt::Display for Decoy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Mirror => f.write_str("mirror"),
            Self::Model(digest) => digest.fmt(f),
        }
    }
}

impl From<Decoy> for String {
    fn from(decoy: Decoy) -> Self {
        decoy.to_string()
    }
}

impl TryFrom<String> for Decoy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "uniform" => Ok(Self::Uniform),
            "mirror" => Ok(Self::Mirror),
            digest => digest.parse().map(Self::Model).map_err(|_| {
                format!(
                    "decoy is `{digest:.80}`, expected uniform, mirror or the digest of a model"
                )
            }),
        }
    }
}

/// The map whose formula is at the head of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptiveMisinformation {
    nu: Decimal,
    tau: Decimal,
    decoy: Decoy,
    /// The confidence above which the label is kept, and from which on the answer to it rises; `None` if none suffices.
    kept_above: Option<Rational>,
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
        let mut map = Self { nu, tau, decoy, kept_above: None };
        map.kept_above = match decoy {
            Decoy::Uniform => Some(Rational::half()),
            Decoy::Mirror => Some(map.tau.value().clone()),
            Decoy::Model(_) => map.confidence_for(&Rational::half(), Rational::half()),
        };
        Ok(map)
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Digest, Self), DefenseError> {
        let Object(file): Object<MisinformationFile> = serde_json::from_slice(bytes)?;
        Ok((file.target, Self::new(file.nu, file.tau, file.decoy)?))
    }

    /// `[least, greatest]` of `1 − a`, the share of the target in an answer, at a posterior `p` of its label.
    pub fn share(&self, p: &Rational) -> (Rational, Rational) {
        sigmoid(&(self.nu.value() * &(p - self.tau.value())))
    }

    /// `[least, greatest]` of the answer to the label, whose posterior lies in `[low, high]`, `½ <= low`.
    fn answer(&self, low: &Rational, high: &Rational) -> (Rational, Rational) {
        let half = Rational::half();
        let (near, far) = (low - &half, high - &half);
        let (least, most) = (self.share(low).0, self.share(high).1);
        match self.decoy {
            Decoy::Uniform => (&half + &(&least * &near), &half + &(&most * &far)),
            Decoy::Mirror => {
                // 1 − 2a = 2(1 − a) − 1
                let turned = |share: &Rational| &(share + share) - &Rational::ONE;
                let (least, most) = (turned(&least), turned(&most));
                // a negative share takes most away where the distance from ½ is greatest
                let below = if least < Rational::ZERO { &least * &far } else { &least * &near };
                let above = if most < Rational::ZERO { &most * &near } else { &most * &far };
                (&half + &below, &half + &above)
            }
            // (1 − a)·p and (1 − a)·p + a = 1 − (1 − a)·(1 − p)
            Decoy::Model(_) => {
                (&least * low, &Rational::ONE - &(&least * &(&Rational::ONE - high)))
            }
        }
    }

    /// At least the slope of the answer by `p`, which is `s + s'·(p − ½)` in size at most: `s' = ν·a·(1 − a)`, twice that with
    /// the mirror. By pieces of `[½, 1]`; `None` if a model answers.
    fn steepest(&self) -> Option<Rational> {
        let turns = match self.decoy {
            Decoy::Uniform => Rational::ONE,
            Decoy::Mirror => Rational::integer(2),
            Decoy::Model(_) => return None,
        };
        let (half, piece) = (Rational::half(), Rational::from_f64(0.5 / f64::from(PIECES))?);
        let end = |index: u32| &half + &(&Rational::integer(index) * &piece);
        let mut steepest = Rational::ZERO;
        let mut low = self.share(&half).0;
        for index in 1..=PIECES {
            let (p, high) = (end(index), self.share(&end(index)).1);
            // a·(1 − a) is largest where the share is nearest to ½
            let share = match (low > half, high < half) {
                (true, _) => &low,
                (_, true) => &high,
                (false, false) => &half,
            };
            let rise = &(self.nu.value() * &turns) * &(share * &(&Rational::ONE - share));
            let size = match self.decoy {
                Decoy::Uniform | Decoy::Model(_) => high.clone(),
                Decoy::Mirror => Rational::ONE,
            };
            let slope = &size + &(&rise * &(&p - &half));
            steepest = if slope > steepest { slope } else { steepest };
            low = self.share(&p).0;
        }
        Some(steepest)
    }

    /// A confidence `p`, `from < p < 1`, with an answer to the label above `bound` wherever its posterior exceeds `p`: the
    /// answer rises from `from` on.
    fn confidence_for(&self, bound: &Rational, from: Rational) -> Option<Rational> {
        let suffices = |p: &Rational| self.answer(p, p).0 > *bound;
        let (mut low, mut high) = (from, Rational::ONE);
        for _ in 0..HALVINGS {
            let middle = &(&low + &high) * &Rational::half();
            if suffices(&middle) { high = middle } else { low = middle }
        }
        (high < Rational::ONE).then_some(high)
    }
}

impl AnswerMap for AdaptiveMisinformation {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    /// With a uniform decoy `s` is positive: labels stay, answers keep their order, and none is surer than before. With
    /// another the label stays where the model is sure only. Answers in closed form depend on `p` alone, and change by at
    /// most their steepest slope; those of a model may change at once.
    fn carry(&self, asked: &Asked) -> Option<Asked> {
        let confidence = |p: Rational| Asked::Confidence { delta: &Rational::ONE - &p };
        match (asked, self.decoy) {
            (Asked::Label | Asked::Order | Asked::Boundary, Decoy::Uniform) => Some(asked.clone()),
            (Asked::Label, Decoy::Mirror | Decoy::Model(_)) => {
                self.kept_above.clone().map(confidence)
            }
            // the label's answer is above ½ wherever the label is kept
            (Asked::Confidence { delta }, _) if *delta >= Rational::half() => {
                self.kept_above.clone().map(confidence)
            }
            (Asked::Confidence { delta }, _) => {
                let from = self.kept_above.clone()?;
                self.confidence_for(&(&Rational::ONE - delta), from).map(confidence)
            }
            (Asked::Closeness(limit), _) => {
                let (rate, none) = (self.steepest()?, Rational::ZERO);
                limit.behind(&rate, &none, &none).map(Asked::Closeness)
            }
            (Asked::Rows, _) => Some(Asked::Rows),
            (Asked::Order | Asked::Boundary, Decoy::Mirror | Decoy::Model(_))
            | (Asked::Outputs | Asked::Change, _) => None,
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
}

#[cfg(any(test, feature = "advice"))]
impl AdaptiveMisinformation {
    /// The model that answers where the target is unsure; `None` if the decoy is in closed form.
    pub fn model(&self) -> Option<Digest> {
        match self.decoy {
            Decoy::Uniform | Decoy::Mirror => None,
            Decoy::Model(digest) => Some(digest),
        }
    }

    /// The posterior of the label below which the label turns, if the decoy is all for the other class; `None` if none
    /// does.
    pub(super) fn turns_below(&self) -> Option<Rational> {
        match self.decoy {
            Decoy::Uniform => None,
            Decoy::Mirror | Decoy::Model(_) => Some(self.tau.value().clone()),
        }
    }

    /// `a`, the share of the decoy at a posterior of the label, in `f64`; not evidence.
    pub fn weight(&self, posterior: f64) -> f64 {
        let beyond = posterior - self.tau.value().down();
        1.0 / (1.0 + (self.nu.value().down() * beyond).exp())
    }
}

#[cfg(any(test, feature = "advice"))]
impl Served for AdaptiveMisinformation {
    fn to_json(&self, target: Digest) -> String {
        let (format, kind) = ("defense/1".to_owned(), Self::KIND.to_owned());
        let (nu, tau, decoy) = (self.nu.clone(), self.tau.clone(), self.decoy);
        let file = MisinformationFile { format, target, kind, nu, tau, decoy };
        written(&file)
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
            Decoy::Model(_) => {
                let is_kept =
                    self.kept_above.as_ref().is_some_and(|p| posterior(own, scores).0 > *p);
                if is_kept { own } else { 1 - own }
            }
        }
    }

    fn apply(&self, posterior: [f64; 2], label: usize) -> [f64; 2] {
        let [own, other] = [posterior[label.min(1)], posterior[1 - label.min(1)]];
        let a = self.weight(own);
        let decoy = match self.decoy {
            Decoy::Uniform => [0.5; 2],
            Decoy::Mirror => [other, own],
            // a claim fails for certain where it fails though the decoy is all for the label
            Decoy::Model(_) => [1.0, 0.0],
        };
        let [own, other] = [(1.0 - a) * own + a * decoy[0], (1.0 - a) * other + a * decoy[1]];
        if label == 0 { [own, other] } else { [other, own] }
    }
}

impl fmt::Display for AdaptiveMisinformation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { nu, tau, decoy, .. } = self;
        match decoy {
            Decoy::Uniform | Decoy::Mirror => write!(f, "nu {nu}, tau {tau}, decoy {decoy}"),
            Decoy::Model(digest) => write!(f, "nu {nu}, tau {tau}, decoy model {digest:.12}"),
        }
    }
}
