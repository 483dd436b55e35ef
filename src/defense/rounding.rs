//! Answers rounded to a few digits, for two classes.
//!
//! ```text
//! F′_c = ⌊10ᵏ·F_c + ½⌋ / 10ᵏ          1 <= k <= 15
//! ```
//!
//! The label is that of the larger rounded answer; equal ones are a tie of the model. Trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interval::Rational;
#[cfg(any(test, feature = "advice"))]
use crate::model::argmax;
use crate::model::{Digest, Object, Tie};

#[cfg(any(test, feature = "advice"))]
use super::served::{Served, written};
use super::{AnswerMap, Asked, Closeness, DefenseError, posterior};

/// The map whose formula is at the head of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rounding {
    /// k.
    digits: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundingFile {
    format: String,
    target: Digest,
    kind: String,
    digits: u32,
}

impl Rounding {
    pub(super) const KIND: &'static str = "rounding";
    /// Most digits: beyond these `f64` cannot follow.
    const MOST: u32 = 15;

    pub(super) fn new(digits: u32) -> Result<Self, DefenseError> {
        if !(1..=Self::MOST).contains(&digits) {
            let (name, expected) = ("digits", "a whole number from 1 to 15");
            return Err(DefenseError::Parameter { name, found: digits.to_string(), expected });
        }
        Ok(Self { digits })
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Digest, Self), DefenseError> {
        let Object(file): Object<RoundingFile> = serde_json::from_slice(bytes)?;
        Ok((file.target, Self::new(file.digits)?))
    }

    /// `10ᵏ`.
    fn unit(&self) -> Rational {
        Rational::integer(10_i64.pow(self.digits))
    }

    fn rounded(&self, x: &Rational) -> Rational {
        let unit = self.unit();
        let steps = Rational::integer((&(&unit * x) + &Rational::half()).floor());
        (&steps / &unit).unwrap_or(Rational::ZERO)
    }
}

impl AnswerMap for Rounding {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    /// An answer moves by at most `½·10⁻ᵏ`, and never against the order. Answers whose gap is above `10⁻ᵏ` stay apart.
    fn carry(&self, asked: &Asked) -> Option<Asked> {
        let delta = match asked {
            Asked::Order | Asked::Rows => return Some(asked.clone()),
            // both answers at both points move by at most half a unit
            Asked::Closeness(limit) => {
                let shift = (&Closeness::root_of_two() / &self.unit())?;
                let carried = limit.behind(&Rational::ONE, &shift, &Rational::ZERO);
                return carried.map(Asked::Closeness);
            }
            Asked::Label => Rational::half(),
            Asked::Confidence { delta } => delta.clone(),
            Asked::Boundary | Asked::Outputs | Asked::Change => return None,
        };
        let delta = &delta - &(&Rational::half() / &self.unit())?;
        (delta > Rational::ZERO).then_some(Asked::Confidence { delta })
    }

    fn enclosure(&self, class: usize, scores: &[Rational; 2], _: Tie) -> (Rational, Rational) {
        let (low, high) = posterior(class, scores);
        (self.rounded(&low), self.rounded(&high))
    }
}

#[cfg(any(test, feature = "advice"))]
impl Served for Rounding {
    fn to_json(&self, target: Digest) -> String {
        let (format, kind) = ("defense/1".to_owned(), Self::KIND.to_owned());
        let file = RoundingFile { format, target, kind, digits: self.digits };
        written(&file)
    }

    fn label(&self, scores: &[Rational; 2], tie: Tie) -> usize {
        let own = argmax(scores, tie);
        let [(low, high), (other_low, other_high)] =
            [own, 1 - own].map(|class| self.enclosure(class, scores, tie));
        let tied = usize::from(tie == Tie::Upper);
        match low > other_high {
            true => own,
            false if low == high && other_low == other_high && low == other_low => tied,
            false => 1 - own,
        }
    }

    fn apply(&self, posterior: [f64; 2], _: usize) -> [f64; 2] {
        let unit = 10_f64.powi(self.digits as i32);
        posterior.map(|p| (unit * p + 0.5).floor() / unit)
    }
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "digits {}", self.digits)
    }
}
