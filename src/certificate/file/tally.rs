//! Counting verdicts: over all obligations, over distinct rows, and by rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Digest, Row};
use crate::spec::Lowered;

use crate::certificate::{Totals, Verdict};

/// Counts over obligations and, for properties about rows, over distinct rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// All obligations.
    pub all: Totals,
    /// The first obligation of every group of equal rows (per feature, where there are several).
    pub distinct: Option<Totals>,
    /// Proved obligations by rule.
    pub rules: BTreeMap<&'static str, u64>,
    /// Refuted obligations about rows whose label in the data is not the model's: nothing has to be moved to refute
    /// them. `None` if the claim is not about the labels of the data.
    pub wrong_already: Option<u64>,
}

impl Tally {
    /// The refuted obligations whose row is right, so that a move refutes them; `None` as for `wrong_already`.
    pub fn attacked(&self) -> Option<u64> {
        Some(self.all.refuted.saturating_sub(self.wrong_already?))
    }
}

/// A tally in the making.
#[derive(Debug)]
pub struct Counter<'a> {
    lowered: &'a Lowered<'a>,
    rows: &'a [Row],
    seen: BTreeSet<(Digest, usize)>,
    tally: Tally,
}

impl<'a> Counter<'a> {
    /// Nothing counted yet; `rows` are those of `lowered`.
    pub fn new(lowered: &'a Lowered<'a>, rows: &'a [Row]) -> Self {
        let is_about_single_rows = !rows.is_empty() && lowered.row_of(0).is_some();
        let distinct = is_about_single_rows.then(Totals::default);
        let wrong_already = lowered.is_about_true_labels().then_some(0);
        let tally = Tally { distinct, wrong_already, ..Tally::default() };
        Self { lowered, rows, seen: BTreeSet::new(), tally }
    }

    /// Counts the verdict on obligation `at`.
    pub fn add(&mut self, at: usize, verdict: &Verdict) {
        self.tally.all.add(verdict);
        if let Verdict::Proved(proved) = verdict {
            *self.tally.rules.entry(proved.rule()).or_default() += 1;
        }
        if let Verdict::Counted(totals) = verdict
            && totals.proved > 0
        {
            *self.tally.rules.entry("all-pairs").or_default() += totals.proved;
        }
        let Some(row) = self.lowered.row_of(at) else { return };
        if let (Verdict::Refuted(_), Some(count)) = (verdict, &mut self.tally.wrong_already) {
            *count += u64::from(self.lowered.is_wrong(row));
        }
        let per_row = (self.lowered.len() / self.rows.len().max(1)).max(1);
        let Some(key) = self.rows.get(row).map(|row| row.key) else { return };
        if self.seen.insert((key, at % per_row))
            && let Some(distinct) = &mut self.tally.distinct
        {
            distinct.add(verdict);
        }
    }

    /// The counts so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The final counts.
    pub fn into_tally(self) -> Tally {
        self.tally
    }
}
