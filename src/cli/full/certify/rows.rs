//! The rows that a certificate is made about, as the command line names them.

use std::num::NonZeroUsize;

use crate::certify::Selection;
use crate::dataset::{UnlikeRows, step_for, unlike};
use crate::model::{DataSet, Part};
use crate::spec::Property;

use super::super::Refusal;

/// `--rows` and `--every`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct RowArguments {
    /// Only the first N rows of the part, or of those that --every leaves [default: all].
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Every K-th row of the part, from its first, instead of all: rows of the whole part where its order says something.
    #[arg(long, value_name = "K")]
    every: Option<usize>,
}

impl RowArguments {
    /// Refuses numbers that mean nothing for a property.
    pub(super) fn expect_meant(self, property: &Property) -> Result<(), Refusal> {
        let given = [("--rows", self.rows), ("--every", self.every)];
        let mut given = given.into_iter().filter_map(|(key, value)| Some((key, value?)));
        if let (Some((key, value)), false) = (given.clone().next(), property.is_about_rows()) {
            return Err(Refusal::new(format!(
                "{key} {value}: property `{}` is not about rows as this spec states it; leave out {key}",
                property.name()
            )));
        }
        match given.find(|(_, value)| *value == 0) {
            Some(("--every", _)) => Err(Refusal::new("--every 0: expected 1 (all rows) or more")),
            Some(_) => Err(Refusal::new(
                "--rows 0: expected at least 1; a certificate of nothing says nothing",
            )),
            None => Ok(()),
        }
    }

    /// The data at the step; `None` if all rows count.
    pub(super) fn thinned(self, data: Option<&DataSet>, part: Part) -> Option<DataSet> {
        Some(data?.every(part, NonZeroUsize::new(self.every?)?))
    }

    /// The selection among the rows at the step.
    pub(super) fn selection(self, part: Part) -> Selection {
        Selection { part, rows: self.rows }
    }

    /// Tells if the rows that are asked for are unlike their part, and what to do.
    pub(super) fn warn_of_order(self, data: &DataSet, part: Part) {
        let all = data.part(part);
        let thinned = all.iter().step_by(self.every.unwrap_or(1));
        let rows: Vec<_> = thinned.take(self.rows.unwrap_or(all.len())).cloned().collect();
        let Some(UnlikeRows { class, share, of_part }) = unlike(&rows, all, data.classes()) else {
            return;
        };
        let step = step_for(all.len(), rows.len()).get();
        let advice = match self.every {
            Some(given) if given >= step => "leave out --rows for all of them".to_owned(),
            _ if step == 1 => "leave out --rows for all of them".to_owned(),
            _ => format!("--every {step} takes rows of the whole part"),
        };
        tell!(
            "propcert: of the {} rows asked for {:.0}% are of class {class}, of all {} rows of the {} part {:.0}%; figures are \
             about the former: {advice}",
            rows.len(),
            100.0 * share,
            all.len(),
            part.name(),
            100.0 * of_part,
        );
    }
}
