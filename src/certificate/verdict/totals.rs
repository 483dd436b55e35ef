//! Totals: the counts of verdicts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Verdict;

/// The last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Obligations proved.
    pub proved: u64,
    /// Obligations refuted.
    pub refuted: u64,
    /// Neither.
    pub undecided: u64,
    /// Obligations whose premise no data meets.
    pub vacuous: u64,
    /// Rows outside the domain.
    pub invalid: u64,
}

impl Totals {
    /// `proved + refuted + undecided`: the number that shares are taken of.
    pub fn n(self) -> u64 {
        self.proved.saturating_add(self.refuted).saturating_add(self.undecided)
    }

    /// Counts one verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Proved(_) => self.proved += 1,
            Verdict::Refuted(_) => self.refuted += 1,
            Verdict::Undecided(_) => self.undecided += 1,
            Verdict::Invalid => self.invalid += 1,
            Verdict::Counted(totals) => {
                self.proved += totals.proved;
                self.refuted += totals.refuted;
                self.undecided += totals.undecided;
                self.vacuous += totals.vacuous;
                self.invalid += totals.invalid;
            }
        }
    }
}

impl fmt::Display for Totals {
    /// `proved P refuted R undecided U of N (vacuous V)`, and `(invalid I)` where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proved, refuted, undecided, vacuous, invalid } = self;
        let n = self.n();
        write!(
            f,
            "proved {proved} refuted {refuted} undecided {undecided} of {n} (vacuous {vacuous})"
        )?;
        if *invalid > 0 { write!(f, " (invalid {invalid})") } else { Ok(()) }
    }
}
