//! Figures that accompany claims about two points of an ensemble.

use std::fmt;

use serde::Serialize;

use crate::certify::{CertifyError, LargestChange, Searcher, Task};
use crate::model::{Family, Model};
use crate::spec::{Aim, Bonds, Claim, Lowered};

use super::super::progress::bar;

/// The extent of scores, as far as the budget lasts for it.
#[derive(Default)]
pub(super) struct Extent {
    /// The largest changes, one for every obligation that bounds how the score changes.
    pub(super) changes: Vec<Change>,
    /// The range of scores, from the least to the greatest; small scores change little.
    pub(super) span: Option<ExtentEnds>,
    /// True if any point is as confident as the claim supposes.
    pub(super) is_premise_met: Option<bool>,
}

/// The largest change of the score that one obligation leaves possible.
#[derive(Serialize)]
pub(super) struct Change {
    at: usize,
    /// The features that move.
    name: String,
    #[serde(flatten)]
    ends: ExtentEnds,
}

/// Lower and upper end of a largest change.
#[derive(Clone, Copy, Serialize)]
pub(super) struct ExtentEnds {
    least: f64,
    most: f64,
    /// True if both ends are equal, or neighbouring floats where the change itself is not a float.
    #[serde(rename = "is-exact")]
    is_exact: bool,
}

impl From<LargestChange> for ExtentEnds {
    fn from(LargestChange { least, most, is_exact, .. }: LargestChange) -> Self {
        Self { least, most, is_exact }
    }
}

impl Extent {
    /// The extent for all obligations about two points of an ensemble; for other claims nothing is prepared.
    pub(super) fn of(task: &Task) -> Result<Self, CertifyError> {
        let model = task.subject.model.0;
        let lowered = task.lowered(task.rows()?)?;
        let is_change = lowered.aim().is_some_and(Aim::is_change);
        if !is_change || !matches!(model.family, Family::Ensemble(_)) {
            return Ok(Self::default());
        }
        task.prepare(|searcher| Self::new(searcher, model))
    }

    fn new(searcher: &Searcher, model: &Model) -> Self {
        let lowered = searcher.lowered();
        let progress = bar("largest changes", lowered.len() as u64);
        let change = |at: usize| {
            progress.set_position(at as u64);
            let ends = searcher.largest_change(at)?.into();
            Some(Change { at, name: name_of(model, lowered, at), ends })
        };
        let changes = (0..lowered.len()).filter_map(change).collect();
        progress.finish_and_clear();
        // the region and the premise are the same for all obligations
        Self {
            changes,
            span: searcher.score_span(0).map(ExtentEnds::from),
            is_premise_met: searcher.is_premise_met(0),
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        for Change { name, ends: ExtentEnds { least, most, .. }, .. } in &self.changes {
            writeln!(to, "{name}: the score changes by at most {most}, and by {least} somewhere")?;
        }
        match self.span {
            Some(ExtentEnds { most, is_exact: true, .. }) => {
                writeln!(to, "in all, the score goes over {most} on the domain")?;
            }
            Some(ExtentEnds { least, most, .. }) => {
                writeln!(
                    to,
                    "in all, the score goes over at least {least} and at most {most} on the domain"
                )?;
            }
            None => {}
        }
        match self.is_premise_met {
            Some(false) => {
                writeln!(to, "no point of the domain has that confidence: the claim holds emptily")
            }
            Some(true) => writeln!(to, "some point of the domain has that confidence"),
            None => Ok(()),
        }
    }
}

/// The name of an obligation about a change: the features that move while all others stay.
fn name_of(model: &Model, lowered: &Lowered, at: usize) -> String {
    let claim = lowered.obligation(at).map(|obligation| obligation.claim);
    let bonds = claim.as_ref().and_then(Claim::pair).map(|pair| &pair.bonds);
    let Some(Bonds::Moved(moved)) = bonds else {
        return "all features".to_owned();
    };
    let names = model.schema.features().iter().zip(moved.iter());
    let names = names.filter(|(_, is_moved)| **is_moved).map(|(feature, _)| feature.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}
