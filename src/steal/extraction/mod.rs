//! Attacks that read a target off its answers, the upper end of what a thief can reach.
//!
//! | file | targets |
//! |---|---|
//! | `thresholds` | ensembles proved monotone in every feature, from labels |
//! | `paths` | small ensembles of any shape, from labels |
//! | `equations` | networks of one layer, from posteriors |

mod equations;
mod paths;
mod thresholds;

#[cfg(test)]
mod tests;

pub use equations::EquationSolving;
pub use paths::PathSearch;
pub use thresholds::ThresholdSearch;

use crate::oracle::Oracle;

use super::{Labelled, Sample, Source};

/// The answers of an oracle as a sample.
fn paid(oracle: &Oracle) -> Sample {
    let labelled = |one: &crate::oracle::Exchange| Labelled {
        values: one.point.clone(),
        label: one.label,
        source: Source::Paid,
        posterior: one.posterior.clone(),
    };
    Sample { points: oracle.transcript().iter().map(labelled).collect(), ..Sample::default() }
}
