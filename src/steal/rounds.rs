//! The loop of attacks: generate points, infer their labels or ask, train the substitute.
//!
//! ```text
//! D = seeds, labelled by the oracle
//! while queries < Q and |D| < B:
//!     for each point x′ of a round of the generator:
//!         Label(c) from the inference ? D += (x′, c, inferred) : ask, D += (x′, y(x′), paid)
//!     a round in which D does not grow ends the loop
//! train the substitute on D
//! ```
//!
//! Without inference and with `B = Q` this is a plain attack: random queries and line search (Tramèr et al. 2016),
//! Jacobian augmentation (Papernot et al. 2017), query by committee. With inference it is MaskedThief.
//! A generator that needs a substitute trains it anew at the start of each round.

use std::collections::BTreeMap;

use crate::model::Row;
use crate::oracle::{Oracle, Response, bits};

use super::generators::{Generator, Maker, Proposal, View};
use super::inference::{CertifiedLabels, Deduction, Inference, Inferrer};
use super::{
    Attack, Augmentation, Knowledge, Labelled, LearningMethod, PosteriorInterval, Sample, Source,
    StealError, StealStream, Substitute, SubstituteOptions, stream,
};

/// The attack with its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct StealLoop {
    /// The source of new points.
    pub generator: Generator,
    /// The method of inferring labels; without one, every point is asked.
    pub inference: Inference,
    /// B: most labelled points, as a multiple of the query budget.
    pub cap_factor: usize,
    /// The training of the substitute.
    pub substitute: SubstituteOptions,
}

impl Attack for StealLoop {
    fn expect(&self, oracle: &Oracle, known: &Knowledge) -> Result<(), StealError> {
        let labels = CertifiedLabels::new(known.proved, known.classes);
        if self.inference == Inference::Certified {
            check_same_target(oracle, known)?;
        }
        self.check(oracle, known, &labels.monotone_features())?;
        Inferrer::new(&self.inference, known, &labels).map(|_| ())
    }

    fn steal(
        &self,
        oracle: &mut Oracle,
        known: &Knowledge,
        seed: u64,
    ) -> Result<Substitute, StealError> {
        self.expect(oracle, known)?;
        let labels = CertifiedLabels::new(known.proved, known.classes);
        let (sample, unlabelled) = self.collect(oracle, known, &labels, seed)?;
        Substitute::fit_beside(sample, &unlabelled, known, &self.substitute, seed)
    }
}

impl StealLoop {
    /// The loop described at the top of this module, and as many further points without a label as the
    /// learner wants, each valid.
    pub(super) fn collect(
        &self,
        oracle: &mut Oracle,
        known: &Knowledge,
        labels: &CertifiedLabels,
        seed: u64,
    ) -> Result<(Sample, Vec<Vec<f64>>), StealError> {
        let trends = labels.monotone_features();
        self.check(oracle, known, &trends)?;
        let cap = self.cap_factor.saturating_mul(oracle.budget());
        let mut maker = Maker::new(&self.generator, oracle.budget());
        let mut rng = stream(seed, StealStream::Points);
        let inferrer = Inferrer::new(&self.inference, known, labels)?;
        let mut thief = Thief::new(oracle, inferrer);
        for row in known.seeds {
            thief.take_seed(row)?;
        }
        thief.end_round();
        loop {
            let before = thief.sample.points.len();
            let view = thief.view(self, known, &trends, seed);
            let round = maker.round(&view, &mut rng)?;
            thief.ask_ahead(&round)?;
            for proposal in round {
                if !thief.may_go_on(cap) {
                    break;
                }
                if let Some(label) = thief.take(proposal)? {
                    maker.hear(label);
                }
            }
            thief.end_round();
            if !thief.may_go_on(cap) || thief.sample.points.len() == before {
                break;
            }
        }
        let wanted = match &self.substitute.learner {
            LearningMethod::Fit | LearningMethod::Smooth(_) | LearningMethod::Recover => 0,
            LearningMethod::MixMatch(_) => thief.oracle.budget(),
        };
        let view = thief.view(self, known, &trends, seed);
        let unlabelled = maker.unlabelled(&view, wanted, &mut rng)?;
        let mut sample = thief.sample;
        sample.moves = maker.moves();
        Ok((sample, unlabelled))
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
        if let LearningMethod::MixMatch(mixing) = &self.substitute.learner
            && mixing.augment == Augmentation::Gradient
            && !self.substitute.is_network(known)
        {
            let (what, needs) =
                ("mixmatch with augment = \"gradient\"", "the gradient of a network");
            return Err(StealError::Substitute { what, needs, found: "trees" });
        }
        if matches!(self.generator, Generator::Along { .. }) && trends.is_empty() {
            return Err(StealError::NothingMonotone);
        }
        Ok(())
    }
}

/// Checks that the proofs are about the function that answers.
pub(super) fn check_same_target(oracle: &Oracle, known: &Knowledge) -> Result<(), StealError> {
    if oracle.response().is_drawn() {
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
    inferrer: Inferrer<'a>,
    sample: Sample,
    /// Maps the bits of labelled points to their places in the sample.
    places: BTreeMap<Vec<u64>, usize>,
}

impl<'o, 'm, 'a> Thief<'o, 'm, 'a> {
    fn new(oracle: &'o mut Oracle<'m>, inferrer: Inferrer<'a>) -> Self {
        Self { oracle, inferrer, sample: Sample::default(), places: BTreeMap::new() }
    }

    fn may_go_on(&self, cap: usize) -> bool {
        self.oracle.remaining() > 0 && self.sample.points.len() < cap
    }

    fn view<'v>(
        &'v self,
        attack: &'v StealLoop,
        known: &'v Knowledge<'v>,
        trends: &'v [(usize, f64)],
        seed: u64,
    ) -> View<'v> {
        let (points, places) = (&self.sample.points, &self.places);
        let (remaining, substitute) = (self.oracle.remaining(), &attack.substitute);
        View { known, trends, points, places, remaining, substitute, seed }
    }

    /// Always asks for the label of one of the attacker's own rows, as it is.
    fn take_seed(&mut self, row: &Row) -> Result<(), StealError> {
        if self.is_new(&row.values) { self.ask(row.values.clone()).map(|_| ()) } else { Ok(()) }
    }

    /// Asks for the round in one batch if every point of it will be asked. It saves time with a target outside
    /// and changes no answer.
    fn ask_ahead(&mut self, round: &[Proposal]) -> Result<(), StealError> {
        if !matches!(self.inferrer, Inferrer::Nothing) {
            return Ok(());
        }
        let points = round.iter().map(|proposal| &proposal.point);
        let new = points.filter(|point| !self.places.contains_key(&bits(point)));
        let batch: Vec<Vec<f64>> = new.take(self.oracle.remaining()).cloned().collect();
        Ok(self.oracle.ask_ahead(&batch)?)
    }

    /// Labels a generated point, by inference or else by a query. `None` if it had a label before.
    fn take(&mut self, proposal: Proposal) -> Result<Option<usize>, StealError> {
        let Proposal { point, steers } = proposal;
        if !self.is_new(&point) {
            return Ok(None);
        }
        let Deduction { label, interval } = self.inferrer.infer(&point);
        let place = self.sample.points.len();
        let interval = interval.map(|ends| PosteriorInterval { place, ends });
        self.sample.intervals.extend(interval);
        match label.filter(|(_, source)| !steers || *source == Source::Inferred) {
            Some((label, source)) => {
                self.inferrer.note(&point, label);
                self.sample.points.push(Labelled { values: point, label, source, posterior: None });
                Ok(Some(label))
            }
            None => self.ask(point).map(Some),
        }
    }

    fn is_new(&mut self, point: &[f64]) -> bool {
        let place = self.sample.points.len();
        // drawn afresh, a repetition tells more
        let is_new = self.oracle.response() == Response::SampledAfresh
            || !self.places.contains_key(&bits(point));
        if is_new {
            self.places.insert(bits(point), place);
        }
        self.sample.duplicates += usize::from(!is_new);
        is_new
    }

    fn ask(&mut self, point: Vec<f64>) -> Result<usize, StealError> {
        let label = self.oracle.label(&point)?;
        let posterior = match self.oracle.response() {
            Response::Posterior => Some(self.oracle.posterior(&point)?),
            Response::Label | Response::SampledLabel | Response::SampledAfresh => None,
        };
        self.inferrer.record(&point, label, posterior.as_deref())?;
        self.sample.points.push(Labelled { values: point, label, source: Source::Paid, posterior });
        Ok(label)
    }

    fn end_round(&mut self) {
        self.inferrer.end_round();
    }
}
