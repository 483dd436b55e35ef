//! What stands beside claims about two points of an ensemble.

use std::fmt;

use serde::Serialize;

use crate::certify::{LargestChange, Searcher};
use crate::model::Model;
use crate::spec::{Claim, Lowered};

/// How far scores go, where the budget lasts for it.
#[derive(Default)]
pub(super) struct Extent {
    /// Of every obligation that bounds how the score changes.
    pub(super) changes: Vec<Change>,
    /// From the least score to the greatest: small scores change little.
    pub(super) span: Option<Ends>,
    /// Whether any point is as confident as the claim supposes.
    pub(super) is_premise_met: Option<bool>,
}

/// The largest change that one obligation allows for.
#[derive(Serialize)]
pub(super) struct Change {
    at: usize,
    /// The features that move.
    name: String,
    #[serde(flatten)]
    ends: Ends,
}

/// What a largest change is at least, and at most: two neighbouring floats where it is none itself.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Ends {
    least: f64,
    most: f64,
}

impl From<LargestChange> for Ends {
    fn from(LargestChange { least, most, .. }: LargestChange) -> Self {
        Self { least, most }
    }
}

impl Extent {
    /// Of the obligations that were decided: where the budget did not last for the bound, it does not for
    /// the value.
    pub(super) fn new(
        searcher: &Searcher,
        model: &Model,
        lowered: &Lowered,
        decided: &[usize],
    ) -> Self {
        let change = |&at: &usize| {
            let ends = searcher.largest_change(at)?.into();
            Some(Change { at, name: name_of(model, lowered, at), ends })
        };
        // the region and the premise are those of all
        let first = decided.first();
        Self {
            changes: decided.iter().filter_map(change).collect(),
            span: first.and_then(|&at| searcher.score_span(at)).map(Ends::from),
            is_premise_met: first.and_then(|&at| searcher.is_premise_met(at)),
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        for Change { name, ends: Ends { least, most }, .. } in &self.changes {
            writeln!(to, "{name}: the score changes by at most {most}, and by {least} somewhere")?;
        }
        if let Some(Ends { most, .. }) = self.span {
            writeln!(to, "in all, the score goes over {most} on the domain")?;
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

/// What an obligation about a change is called: by the features that move alone.
fn name_of(model: &Model, lowered: &Lowered, at: usize) -> String {
    let claim = lowered.obligation(at).map(|obligation| obligation.claim);
    let Some(Claim::Stable { moved, .. } | Claim::Confident { moved, .. }) = claim else {
        return "all features".to_owned();
    };
    let names = model.schema.features().iter().zip(moved.iter());
    let names = names.filter(|(_, is_moved)| **is_moved).map(|(feature, _)| feature.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}
