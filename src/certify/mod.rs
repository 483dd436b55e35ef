//! Finding proofs. Everything here advises; the kernel decides.
//!
//! A [`Searcher`] answers one obligation after the other by the ladder: what costs less than an attack, an attack, the
//! rules of the kernel from the cheapest to the most expensive, a linear program, a longer attack, and case
//! distinctions within a budget of nodes. The result, even with a wrong hint, is a weaker proof and never a
//! false theorem. [`network::batch`] stands beside the ladder: rigorous bounds of many boxes at once, for
//! figures.

mod attack;
pub mod ensemble;
mod ladder;
pub mod network;
mod write;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::certificate::{Arithmetic, Kernel, Line, Network, Proof, Subject, Totals, Verdict};
use crate::interval::Rounded;
use crate::model::{Family, Mlp, Part, Row};
use crate::spec::{LowerError, Lowered, OutputBlock};
use crate::store::{LogError, StoreError};

pub use ensemble::LargestChange;
pub use ladder::Answer;
pub use write::{Advance, Certificate, Selection, Task, Watch, Written, certify};

/// The effort of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Nodes of a case distinction per obligation.
    pub budget_nodes: u64,
    /// Random starts of the attack per obligation.
    pub attack_starts: usize,
    /// Largest number of unstable neurons for which the linear program is posed.
    pub lp_neurons: usize,
    /// Largest number of rows for which the linear program of an ensemble's leaves is posed.
    pub lp_rows: usize,
    /// Most trees in a part of an ensemble, if the change of the score is bounded part by part; 0: all
    /// trees together only.
    pub part_trees: usize,
    /// Bytes that one search over cases of a network may keep: its tree, and its open cases.
    pub memory: u64,
    /// Seed of the attack's random starts.
    pub seed: u64,
    /// The time to give up; obligations not decided by then stay undecided. Searches about networks check it;
    /// those about ensembles end with their boxes.
    pub deadline: Option<Instant>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            budget_nodes: 500,
            attack_starts: 4,
            lp_neurons: 150,
            lp_rows: 2_000,
            part_trees: 32,
            memory: 2 << 30,
            seed: 0,
            deadline: None,
        }
    }
}

/// Reasons why nothing can be certified.
#[derive(Debug, thiserror::Error)]
pub enum CertifyError {
    /// The spec says nothing about this model.
    #[error("{0}")]
    Lower(#[from] LowerError),
    /// The data does not fit the model.
    #[error("{0}")]
    Data(#[from] crate::model::DataError),
    /// The property is about rows, but there are none.
    #[error("property `{0}` is about rows: give --data")]
    NoData(&'static str),
    /// No obligation at all, as of pairs of one distinct row.
    #[error(
        "there is no obligation about these rows, and a certificate of nothing says nothing; give more rows, or different ones"
    )]
    Nothing,
    /// Fewer rows than requested.
    #[error("--rows {asked}: part {part} has {found} {what}", part = part.name())]
    Rows {
        /// Rows requested.
        asked: usize,
        /// Rows found.
        found: usize,
        /// The kind of rows counted: `rows`, or `distinct rows`.
        what: &'static str,
        /// The part.
        part: Part,
    },
    /// The certificate could not be written.
    #[error("writing the certificate: {0}")]
    Write(#[from] StoreError),
    /// The remains of an interrupted run are not of this one, or could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// The result of a run, beside the lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Obligations by verdict.
    pub totals: Totals,
    /// Obligations that the attack alone refuted: the sampled figure. If every pair of rows is decided, the
    /// number of refuted pairs.
    pub refuted_by_attack: u64,
}

/// Proofs for the obligations of one spec.
pub struct Searcher<'a> {
    lowered: &'a Lowered<'a>,
    kernel: Kernel<'a>,
    subject: Subject<'a>,
    rows: &'a [Row],
    /// The network of the claim; with two copies, both side by side.
    mlp: Option<Cow<'a, Mlp>>,
    grid: Option<ensemble::Grid>,
    options: Options,
}

/// Number of obligations that are answered together. Their lines are handed on when all of them are answered, so it is
/// small where one takes long: what is finished is kept within about a second.
#[derive(Clone, Copy)]
struct Chunk {
    size: usize,
}

impl Default for Chunk {
    fn default() -> Self {
        Self { size: rayon::current_num_threads().min(Self::LARGEST) }
    }
}

impl Chunk {
    const LARGEST: usize = 64;
    /// Between these a chunk stays as it is.
    const USUAL: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(600)];

    /// Grows after a fast chunk and shrinks after a slow one.
    fn fit(&mut self, took: Duration) {
        let [fast, slow] = Self::USUAL;
        if took < fast {
            self.size = (2 * self.size).min(Self::LARGEST);
        } else if took > slow {
            self.size = (self.size / 2).max(rayon::current_num_threads().min(Self::LARGEST)).max(1);
        }
    }
}

impl<'a> Searcher<'a> {
    /// Prepares the search; `lowered` must be made from the subject and `rows`.
    pub fn new(
        subject: Subject<'a>,
        lowered: &'a Lowered<'a>,
        rows: &'a [Row],
        options: Options,
    ) -> Self {
        let model = subject.model.0;
        let kernel = Kernel::new(model, lowered, Arithmetic::Rounded);
        let (mlp, grid) = match &model.family {
            Family::Mlp(mlp) => {
                let is_pair = lowered.blocks().is_some_and(|(_, copies)| copies == 2);
                let mlp = if is_pair { Cow::Owned(mlp.twice()) } else { Cow::Borrowed(mlp) };
                (Some(mlp), None)
            }
            Family::Ensemble(e) => (None, Some(ensemble::Grid::new(e, lowered.is_whole()))),
        };
        Self { lowered, kernel, subject, rows, mlp, grid, options }
    }

    /// The obligations.
    pub fn lowered(&self) -> &Lowered<'a> {
        self.lowered
    }

    /// The network of the claim, prepared for bounding.
    fn network(&self) -> Option<&Network<Rounded>> {
        self.kernel.network().map(|(network, _)| network)
    }

    /// The network of the claim, in floats.
    fn mlp(&self) -> Option<&Mlp> {
        self.mlp.as_deref()
    }

    /// The unsafe blocks of the claim.
    fn blocks(&self) -> &[OutputBlock] {
        self.lowered.blocks().map_or(&[], |(blocks, _)| blocks)
    }

    /// The first candidate that the kernel confirms as a counterexample to an obligation.
    fn refuted(
        &self,
        at: usize,
        candidates: impl IntoIterator<Item = Vec<Vec<String>>>,
    ) -> Option<Vec<Vec<String>>> {
        candidates.into_iter().find(|points| {
            let proof = Proof::Counterexample { points: points.clone() };
            matches!(self.kernel.check(at, &proof), Ok(Verdict::Refuted(_)))
        })
    }

    /// The largest change of the score that obligation `at` of an ensemble allows for, whatever its bound
    /// (`small-neighborhood`, `stability`), or an enclosure of it as far as the budget of nodes lasts. `None`
    /// for other claims, behind a defense, which answers no score, and if trees are too large over pairs of points. For
    /// strict claims, it is the value reached in the limit.
    pub fn largest_change(&self, at: usize) -> Option<LargestChange> {
        if self.subject.defense.is_some() {
            return None;
        }
        ensemble::tree_pairs::largest_change(self, &self.lowered.obligation(at)?)
    }

    /// The range of the score over the region of such an obligation, from its least to its greatest value, or
    /// an enclosure of it.
    pub fn score_span(&self, at: usize) -> Option<LargestChange> {
        if self.subject.defense.is_some() {
            return None;
        }
        ensemble::tree_pairs::score_span(self, &self.lowered.obligation(at)?)
    }

    /// True if some point is as confident as obligation `at` supposes (`high-confidence`, `redundancy`); if no
    /// point is, the obligation holds emptily. The kernel has decided it. `None` for other claims, or if the
    /// budget of nodes is too small.
    pub fn is_premise_met(&self, at: usize) -> Option<bool> {
        ensemble::tree_pairs::is_premise_met(self, &self.lowered.obligation(at)?)
    }

    /// Points at which a monotone claim about an ensemble looks violated, one pair per threshold where the score can
    /// step in the wrong direction: advice for whoever mends the model. Empty for other claims.
    pub fn steps_against(&self, at: usize) -> Vec<Vec<Vec<String>>> {
        let obligation = self.lowered.obligation(at);
        let found = obligation.and_then(|it| ensemble::jumps::steps_against(self, &it));
        let points = |proof| {
            let Proof::Counterexample { points } = proof else { return None };
            Some(points)
        };
        found.unwrap_or_default().into_iter().filter_map(points).collect()
    }

    /// True if the time allowed is over.
    fn is_late(&self) -> bool {
        self.options.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Number of obligations.
    pub fn len(&self) -> usize {
        self.kernel.len()
    }

    /// True if there are no obligations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Answers the obligations from `start` on, in order, several at a time; the answers do not
    /// depend on the number of threads. `sink` gets every line, in order.
    pub fn run(
        &self,
        start: usize,
        mut sink: impl FnMut(&Line, &Answer) -> Result<(), CertifyError>,
    ) -> Result<Summary, CertifyError> {
        let mut summary = Summary::default();
        let mut from = start;
        let mut chunk = Chunk::default();
        while from < self.len() {
            let to = (from + chunk.size).min(self.len());
            let begun = Instant::now();
            let answers: Vec<Answer> =
                (from..to).into_par_iter().map(|at| self.answer(at)).collect();
            chunk.fit(begun.elapsed());
            for (at, answer) in (from..to).zip(&answers) {
                summary.totals.add(&answer.verdict);
                // with all pairs, each pair was tried
                summary.refuted_by_attack += match &answer.verdict {
                    Verdict::Counted(totals) => totals.refuted,
                    Verdict::Proved(_)
                    | Verdict::Refuted(_)
                    | Verdict::Undecided(_)
                    | Verdict::Invalid => u64::from(answer.is_refuted_by_attack),
                };
                let proof = match answer.verdict {
                    Verdict::Undecided(_) | Verdict::Invalid => Proof::None,
                    Verdict::Proved(_) | Verdict::Refuted(_) | Verdict::Counted(_) => {
                        answer.proof.clone()
                    }
                };
                sink(&Line { at, proof }, answer)?;
            }
            from = to;
        }
        Ok(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_obligations_are_handed_on_in_small_chunks() {
        let mut chunk = Chunk::default();
        let least = chunk.size;
        (0..10).for_each(|_| chunk.fit(Duration::from_millis(1)));
        assert_eq!(chunk.size, Chunk::LARGEST);
        (0..3).for_each(|_| chunk.fit(Duration::from_millis(300)));
        assert_eq!(chunk.size, Chunk::LARGEST, "it stays where it is kept in time");
        (0..10).for_each(|_| chunk.fit(Duration::from_secs(2)));
        assert_eq!(chunk.size, least);
    }
}
