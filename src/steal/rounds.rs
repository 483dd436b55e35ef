//! The loop of attacks: generate points, infer their labels or ask, train the substitute.
//!
//! ```text
//! D = seeds, labelled by the oracle
//! while queries < Q and |D| < B:
//!     for each base point of the snapshot of D (as many fresh points, for random generators):
//!         x′ = generate
//!         Label(c) from the proofs and the paid part of D ? D += (x′, c, inferred) : ask, D += …
//!     a round in which D does not grow ends the loop
//! train the substitute on D
//! ```
//!
//! Without inference and with `B = Q` this is the attack by random queries (Tramèr et al. 2016); with it,
//! MaskedThief. The generators built so far do not use the substitute,
//! so retraining it every round would change nothing. It is trained once, at the end.

use std::collections::BTreeSet;

use crate::model::Row;
use crate::oracle::{Oracle, Response};

use super::generators::Generator;
use super::inference::{CertifiedLabels, Ledger};
use super::{
    Attack, Knowledge, Labelled, Sample, Source, StealError, StealStream, Substitute,
    SubstituteOptions, stream,
};

/// Fresh points in the first round, if there are no seeds to count.
const FIRST_ROUND: usize = 50;

/// The attack with its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct StealLoop {
    /// The source of new points.
    pub generator: Generator,
    /// True if labels are inferred from proofs; otherwise every point is asked.
    pub infers: bool,
    /// B: most labelled points, as a multiple of the query budget.
    pub cap_factor: usize,
    /// The training of the substitute.
    pub substitute: SubstituteOptions,
}

impl Attack for StealLoop {
    fn steal(
        &self,
        oracle: &mut Oracle,
        known: &Knowledge,
        seed: u64,
    ) -> Result<Substitute, StealError> {
        let labels = CertifiedLabels::new(known.proved, known.classes);
        if self.infers {
            check_same_target(oracle, known)?;
        }
        let sample = self.collect(oracle, known, &labels, seed)?;
        Substitute::fit(sample, known, &self.substitute, seed)
    }
}

impl StealLoop {
    /// The loop described at the top of this module.
    pub(super) fn collect(
        &self,
        oracle: &mut Oracle,
        known: &Knowledge,
        labels: &CertifiedLabels,
        seed: u64,
    ) -> Result<Sample, StealError> {
        let trends = labels.monotone_features();
        self.check(oracle, known, &trends)?;
        let cap = self.cap_factor.saturating_mul(oracle.budget());
        let mut rng = stream(seed, StealStream::Points);
        let mut thief = Thief::new(oracle, labels, self.infers);
        for row in known.seeds {
            thief.take_seed(row)?;
        }
        loop {
            let before = thief.sample.points.len();
            let round = if before == 0 { FIRST_ROUND } else { before };
            for index in 0..round {
                if !thief.may_go_on(cap) {
                    return Ok(thief.sample);
                }
                let base = thief.base(index);
                let point =
                    self.generator.point(known.schema, known.valid, &base, &trends, &mut rng);
                thief.take(point)?;
            }
            if thief.sample.points.len() == before {
                return Ok(thief.sample);
            }
        }
    }

    fn check(
        &self,
        oracle: &Oracle,
        known: &Knowledge,
        trends: &[(usize, f64)],
    ) -> Result<(), StealError> {
        let (seeds, budget) = (known.seeds.len(), oracle.remaining());
        if seeds > budget {
            return Err(StealError::SeedsOverBudget { seeds, budget });
        }
        if self.generator.needs_base() && seeds == 0 {
            return Err(StealError::NoSeeds { what: self.generator.name() });
        }
        if matches!(self.generator, Generator::Along { .. }) && trends.is_empty() {
            return Err(StealError::NothingMonotone);
        }
        Ok(())
    }
}

/// Checks that the proofs are about the function that answers.
fn check_same_target(oracle: &Oracle, known: &Knowledge) -> Result<(), StealError> {
    if oracle.response() == Response::SampledLabel {
        return Err(StealError::DrawnLabels { found: oracle.response().name() });
    }
    match (known.proofs_about, oracle.defense()) {
        (None, None) => Ok(()),
        (Some(proofs), Some(served)) if proofs.is_same_map(served) => Ok(()),
        (Some(_), Some(_)) => {
            Err(StealError::OtherTarget { proofs: "defended", oracle: "otherwise defended" })
        }
        (None, Some(_)) => {
            Err(StealError::OtherTarget { proofs: "undefended", oracle: "defended" })
        }
        (Some(_), None) => {
            Err(StealError::OtherTarget { proofs: "defended", oracle: "undefended" })
        }
    }
}

/// The state of the loop.
struct Thief<'o, 'm, 'a> {
    oracle: &'o mut Oracle<'m>,
    ledger: Ledger<'a>,
    infers: bool,
    sample: Sample,
    /// Bits of the labelled points.
    labelled: BTreeSet<Vec<u64>>,
}

impl<'o, 'm, 'a> Thief<'o, 'm, 'a> {
    fn new(oracle: &'o mut Oracle<'m>, labels: &'a CertifiedLabels, infers: bool) -> Self {
        let ledger = Ledger::new(labels);
        Self { oracle, ledger, infers, sample: Sample::default(), labelled: BTreeSet::new() }
    }

    fn may_go_on(&self, cap: usize) -> bool {
        self.oracle.remaining() > 0 && self.sample.points.len() < cap
    }

    /// The raw values of the labelled point with that index; empty if there is none.
    fn base(&self, index: usize) -> Vec<f64> {
        self.sample.points.get(index).map_or_else(Vec::new, |point| point.values.clone())
    }

    /// Always asks for the label of one of the attacker's own rows, as it is.
    fn take_seed(&mut self, row: &Row) -> Result<(), StealError> {
        if self.is_new(&row.values) { self.ask(row.values.clone()) } else { Ok(()) }
    }

    /// Labels a generated point: by proof, else by a query.
    fn take(&mut self, point: Vec<f64>) -> Result<(), StealError> {
        if !self.is_new(&point) {
            return Ok(());
        }
        match self.ledger.infer(&point).filter(|_| self.infers) {
            Some(label) => {
                self.sample.points.push(Labelled {
                    values: point,
                    label,
                    source: Source::Inferred,
                });
                Ok(())
            }
            None => self.ask(point),
        }
    }

    fn is_new(&mut self, point: &[f64]) -> bool {
        let is_new = self.labelled.insert(point.iter().map(|x| (x + 0.0).to_bits()).collect());
        self.sample.duplicates += usize::from(!is_new);
        is_new
    }

    fn ask(&mut self, point: Vec<f64>) -> Result<(), StealError> {
        let label = self.oracle.label(&point)?;
        if self.infers {
            self.ledger.record(&point, label)?;
        }
        self.sample.points.push(Labelled { values: point, label, source: Source::Paid });
        Ok(())
    }
}
