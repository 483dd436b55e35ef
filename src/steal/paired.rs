//! Paired runs: an attack next to comparable runs with equal seeds.
//!
//! ```text
//! attack               as specified
//! without inference    the same points and budget, every label paid
//! same steps           without inference, trained for as many gradient steps as `attack`
//! ceiling              the points of the attack, each inferred label replaced by the true one
//! majority, seeds only baselines
//! ```
//!
//! A larger sample means more gradient steps, which help by themselves; the third run shows by how much.
//! Trees take the same number of rounds in every run, so for them it equals the second run. If one of the
//! two runs saw a single class and took no step at all, there is no third run. Nothing inferred can be worth more than
//! the ceiling. An attack that infers nothing is its own run without inference.

use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::certificate::Proved;
use crate::dataset::ValidBox;
use crate::defense::Defense;
use crate::model::Row;
use crate::oracle::{Answering, Oracle};

use super::{
    AttackSpec, ChosenLength, Evaluation, Figures, InferenceFigures, Knowledge, Sample, Scores,
    Source, StealError, StealStream, Substitute, SubstituteOptions, stream,
};

/// The settings around an attack that its TOML does not state.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The target, and the points to compare on.
    pub evaluation: &'a Evaluation<'a>,
    /// The defense in front of the target.
    pub defense: Option<&'a Defense>,
    /// Rows that seeds are drawn from, `P` or `X` as the attack states.
    pub pool: &'a [Row],
    /// The points that may be asked.
    pub valid: &'a ValidBox,
    /// The claims that the kernel proved of the target.
    pub proved: &'a [Proved],
    /// The defense that `proved` was lowered with.
    pub proofs_about: Option<&'a Defense>,
}

/// The figures of one repetition; all runs share its seed and seed rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repetition {
    /// Seed of the seed rows, points, initial weights, order of rows and drawn labels.
    pub seed: u64,
    /// The attack as specified.
    pub attack: Figures,
    /// Every label paid.
    pub without_inference: Figures,
    /// Every label paid, with as many gradient steps as `attack`. `None` if exactly one of the two runs took no
    /// step because it saw a single class.
    pub same_steps: Option<Figures>,
    /// The labels that were inferred replaced by true ones. `None` if none was inferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Scores>,
    /// The majority class of the training rows everywhere.
    pub majority: Scores,
    /// A substitute trained on the seed rows alone; `None` if the attack has no seeds.
    pub seeds_only: Option<Scores>,
    /// The generator's length, if it was chosen among several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<ChosenLength>,
}

/// Runs an attack `repetitions` times, with seeds `seed`, `seed + 1`, …
///
/// # Errors
/// The first failure, in the order of repetitions.
pub fn run(
    scene: &Scene,
    attack: &AttackSpec,
    repetitions: usize,
    seed: u64,
) -> Result<Vec<Repetition>, StealError> {
    scene.each(repetitions, seed, |seed| scene.repeat(attack, seed))
}

/// True if both runs were trained, or neither.
pub(super) fn have_comparable_steps(a: &Figures, b: &Figures) -> bool {
    (a.steps == 0) == (b.steps == 0)
}

/// `count` rows of the pool without replacement, in random order; all rows if there are no more.
fn draw(pool: &[Row], count: usize, seed: u64) -> Vec<Row> {
    let mut order: Vec<&Row> = pool.iter().collect();
    order.shuffle(&mut stream(seed, StealStream::SeedRows));
    order.into_iter().take(count).cloned().collect()
}

impl<'a> Scene<'a> {
    /// Makes repetitions with seeds `seed`, `seed + 1`, …, in any order of time; they are given in that of the seeds.
    ///
    /// # Errors
    /// The first failure, in the order of repetitions.
    pub fn each<E: Send>(
        &self,
        repetitions: usize,
        seed: u64,
        make: impl Fn(u64) -> Result<Repetition, E> + Sync,
    ) -> Result<Vec<Repetition>, E> {
        let seeds = (0..repetitions as u64).map(|k| seed.wrapping_add(k));
        match self.evaluation.target() {
            Answering::Model(..) => {
                let seeds: Vec<u64> = seeds.collect();
                let outcomes: Vec<_> = seeds.par_iter().map(|&seed| make(seed)).collect();
                outcomes.into_iter().collect()
            }
            // one command answers one repetition after the other, so that it is always asked in the same order
            Answering::Outside(_) => seeds.map(make).collect(),
        }
    }

    /// One repetition with its controls.
    ///
    /// # Errors
    /// An attack that cannot start, training that fails, a target outside that does not answer.
    pub fn repeat(&self, attack: &AttackSpec, seed: u64) -> Result<Repetition, StealError> {
        match &attack.choose {
            Some(choice) => self.repeat_chosen(attack, choice, seed),
            None => Ok(self.repeat_once(attack, seed)?.0),
        }
    }

    /// One repetition of an attack as it is set, with its sample.
    pub(super) fn repeat_once(
        &self,
        attack: &AttackSpec,
        seed: u64,
    ) -> Result<(Repetition, Sample), StealError> {
        let rows = self.seed_rows(attack, seed);
        let known = self.knowledge(&rows);
        let paying = attack.without_inference();
        let (stolen, figures) = self.play(attack, &known, seed)?;
        let (paid, without_inference) = if *attack == paying {
            (stolen.clone(), figures)
        } else {
            self.play(&paying, &known, seed)?
        };
        let same_steps = if !have_comparable_steps(&figures, &without_inference) {
            None
        } else if figures.steps == without_inference.steps {
            Some(without_inference)
        } else {
            let max_steps = Some(stolen.steps);
            let options = SubstituteOptions { max_steps, ..attack.substitute.clone() };
            let longer = Substitute::fit(paid.sample, &known, &options, seed)?;
            let scores = self.evaluation.scores(&longer.classifier);
            Some(Figures { steps: longer.steps, scores, ..without_inference })
        };
        let ceiling = self.ceiling(attack, &known, &stolen.sample, seed)?;
        let seeds_only = self.seeds_only(attack, &known, &stolen.sample, seed)?;
        let majority = self.evaluation.majority_scores();
        let repetition = Repetition {
            seed,
            attack: figures,
            without_inference,
            same_steps,
            ceiling,
            majority,
            seeds_only,
            chosen: None,
        };
        Ok((repetition, stolen.sample))
    }

    /// The seed rows of a repetition.
    pub fn seed_rows(&self, attack: &AttackSpec, seed: u64) -> Vec<Row> {
        draw(self.pool, attack.seed_rows, seed)
    }

    /// The attacker's knowledge, with these seed rows.
    pub fn knowledge<'k>(&'k self, seeds: &'k [Row]) -> Knowledge<'k> {
        let target = self.evaluation.target();
        Knowledge {
            schema: target.schema(),
            classes: target.classes(),
            family: target.family_name(),
            valid: self.valid,
            seeds,
            proved: self.proved,
            proofs_about: self.proofs_about,
            defense: self.defense,
        }
    }

    /// Runs one attack through a fresh oracle.
    pub(super) fn play(
        &self,
        attack: &AttackSpec,
        known: &Knowledge,
        seed: u64,
    ) -> Result<(Substitute, Figures), StealError> {
        let mut oracle = self.oracle(attack, seed);
        let substitute = attack.attack().steal(&mut oracle, known, seed)?;
        let (sample, options) = (&substitute.sample, &attack.substitute);
        let inference = InferenceFigures::new(sample, known, options, seed, self.served())?;
        let figures = Figures::new(self.evaluation, &substitute, &oracle)?;
        Ok((substitute, Figures { inference, ..figures }))
    }

    /// The target with the defense in front of it.
    fn served(&self) -> Answering<'a> {
        self.evaluation.target().behind(self.defense)
    }

    /// A fresh oracle for one run of an attack.
    pub fn oracle(&self, attack: &AttackSpec, seed: u64) -> Oracle<'a> {
        Oracle::open(self.served(), attack.response, attack.queries, seed)
    }

    /// The results of a thief who has true labels where the attack inferred some.
    fn ceiling(
        &self,
        attack: &AttackSpec,
        known: &Knowledge,
        sample: &Sample,
        seed: u64,
    ) -> Result<Option<Scores>, StealError> {
        if sample.count(Source::Paid) == sample.points.len() {
            return Ok(None);
        }
        let mut sample = sample.clone();
        let values: Vec<Vec<f64>> = sample.points.iter().map(|p| p.values.clone()).collect();
        let truth = self.served().labels(&values)?;
        for (point, truth) in sample.points.iter_mut().zip(truth) {
            if point.source != Source::Paid {
                point.label = truth.unwrap_or(point.label);
            }
        }
        let substitute = Substitute::fit(sample, known, &attack.substitute, seed)?;
        Ok(Some(self.evaluation.scores(&substitute.classifier)))
    }

    /// The baseline trained on the labelled seed rows, which are the first of every sample.
    fn seeds_only(
        &self,
        attack: &AttackSpec,
        known: &Knowledge,
        sample: &Sample,
        seed: u64,
    ) -> Result<Option<Scores>, StealError> {
        let is_seed = |values: &[f64]| known.seeds.iter().any(|row| row.values == values);
        let points = sample.points.iter().take(known.seeds.len());
        let points: Vec<_> = points.filter(|point| is_seed(&point.values)).cloned().collect();
        if points.is_empty() {
            return Ok(None);
        }
        let sample = Sample { points, ..Sample::default() };
        let substitute = Substitute::fit(sample, known, &attack.substitute, seed)?;
        Ok(Some(self.evaluation.scores(&substitute.classifier)))
    }
}
