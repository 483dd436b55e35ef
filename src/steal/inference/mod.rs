//! Labels without a query: one file for each rule.
//!
//! | file | labels |
//! |---|---|
//! | `certified` | that follow from proofs and paid answers; never wrong |
//! | `interval` | guessed from the labels of neighbours, as MaskedThief does; nothing guarantees them |
//! | `deviation` | the distance that a property allows between the posteriors of two points |
//! | `tuning` | the choice of the parameters of `interval` on the paid points |

mod certified;
mod deviation;
mod interval;
mod tuning;

use super::{Knowledge, Source, StealError};

pub use certified::CertifiedLabels;
#[cfg(test)]
pub(super) use certified::{FloatRegion, Trend};
pub(super) use certified::{Ledger, PlacedPoint};
pub use deviation::{DeviationForm, SecurityProperty, VectorNorm};
pub use interval::{IntervalRule, LogTerm, NeighbourSource, RuleChoice, RuleName};

use interval::Neighbourhood;

/// The method of inferring labels.
#[derive(Clone, Debug, PartialEq)]
pub enum Inference {
    /// No inference.
    None,
    /// By proof.
    Certified,
    /// By an interval around the labels of neighbours.
    Interval(Box<IntervalRule>),
}

impl Inference {
    /// The name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Certified => "certified",
            Self::Interval(rule) => rule.rule.name(),
        }
    }

    /// The promise about inferred labels: `proved` if none can be wrong, `none` if nothing is promised.
    pub fn guarantee(&self) -> &'static str {
        match self {
            Self::None | Self::Certified => "proved",
            Self::Interval(_) => "none",
        }
    }
}

/// What follows for a point before it is asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deduction {
    /// The label with its source; `None` if it must be asked.
    pub(super) label: Option<(usize, Source)>,
    /// The interval of its posterior, if the method forms one.
    pub(super) interval: Option<[f64; 2]>,
}

/// A method with the answers it has seen.
pub(super) enum Inferrer<'a> {
    Nothing,
    Proofs(Ledger<'a>),
    Neighbours(Box<Neighbourhood>),
}

impl<'a> Inferrer<'a> {
    /// A method before the first answer.
    ///
    /// # Errors
    /// A method by intervals for other than two classes, or about a feature that is not there.
    pub(super) fn new(
        inference: &Inference,
        known: &Knowledge,
        labels: &'a CertifiedLabels,
    ) -> Result<Self, StealError> {
        Ok(match inference {
            Inference::None => Self::Nothing,
            Inference::Certified => Self::Proofs(Ledger::new(labels)),
            Inference::Interval(rule) => {
                Self::Neighbours(Box::new(Neighbourhood::new(rule, known)?))
            }
        })
    }

    /// Notes a paid answer.
    ///
    /// # Errors
    /// [`StealError::Contradiction`] if a proof contradicts the answer.
    pub(super) fn record(
        &mut self,
        raw: &[f64],
        label: usize,
        posterior: Option<&[f64]>,
    ) -> Result<(), StealError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Proofs(ledger) => ledger.record(raw, label),
            Self::Neighbours(neighbours) => {
                neighbours.record(raw, label, posterior);
                Ok(())
            }
        }
    }

    /// Notes an inferred label; proofs never build on those.
    pub(super) fn note(&mut self, raw: &[f64], label: usize) {
        match self {
            Self::Nothing | Self::Proofs(_) => {}
            Self::Neighbours(neighbours) => neighbours.note(raw, label),
        }
    }

    /// What follows for a point.
    pub(super) fn infer(&self, raw: &[f64]) -> Deduction {
        match self {
            Self::Nothing => Deduction::default(),
            Self::Proofs(ledger) => {
                let label = ledger.infer(raw).map(|label| (label, Source::Inferred));
                Deduction { label, interval: None }
            }
            Self::Neighbours(neighbours) => {
                let (interval, label) = neighbours.infer(raw).unzip();
                Deduction { label: label.flatten().map(|label| (label, Source::Guessed)), interval }
            }
        }
    }

    /// Chooses parameters anew, at the end of a round.
    pub(super) fn end_round(&mut self) {
        match self {
            Self::Nothing | Self::Proofs(_) => {}
            Self::Neighbours(neighbours) => neighbours.tune(),
        }
    }
}
