//! The loop of training: steps of Adam, epochs, and what goes on between epochs.

use ndarray::NdFloat;
use rand::seq::SliceRandom;

use crate::model::Schema;
use crate::train::{Progress, TrainError};

use super::checkpoint::{self, Running};
use super::examples::{Batch, Examples};
use super::network::FloatNetwork;
use super::objective::TrainingLoss;
use super::referee::Referee;
use super::signs::WeightSigns;
use super::witness::Witness;
use super::{Course, LATE, MlpOptions, TrainStream, model, stream};

/// The settings of the loop.
pub(super) struct DescentPlan<'a> {
    pub(super) schema: &'a Schema,
    pub(super) classes: usize,
    pub(super) options: &'a MlpOptions,
    pub(super) signs: WeightSigns,
    /// Epochs are kept once this share of the steps is taken.
    pub(super) ready: f64,
    /// Number of claims beside labels.
    pub(super) claims: usize,
}

impl DescentPlan<'_> {
    /// The loop described at the top of `mlp`.
    pub(super) fn descend<F: NdFloat>(
        &self,
        start: FloatNetwork<F>,
        examples: &Examples<F>,
        (mut objective, mut referee): (TrainingLoss<F>, Referee<F>),
        course: &mut Course,
    ) -> Result<FloatNetwork<F>, TrainError> {
        let plan = Schedule::new(examples.len(), self.options);
        let mut rng = stream(self.options.seed, TrainStream::Order);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut batch = Batch::new(plan.batch, start.inputs());
        let mut gradient = start.zeros_like();
        let mut running = Running::new(start);
        if let Some(state) = course.checkpoints.as_ref().and_then(|it| it.from.as_ref()) {
            checkpoint::restore(state, &mut running, &mut objective, &mut referee)?;
            (0..running.epochs).for_each(|_| order.shuffle(&mut rng));
            self.meet(&running.witnesses, &mut objective, course);
        }
        while running.done < plan.steps && !referee.is_out_of_patience(plan.patience) {
            order.shuffle(&mut rng);
            for chosen in order.chunks_exact(plan.batch).take(plan.remaining(running.done)) {
                batch.gather(examples, chosen);
                let (network, share) = (&mut running.network, plan.share(running.done));
                objective.differentiate(network, &batch, share, &mut gradient);
                running.adam.step(network, &gradient, plan.rate(running.done));
                self.signs.project(network);
                running.done += 1;
            }
            running.epochs += 1;
            if !running.network.is_finite() {
                let learning_rate = self.options.learning_rate;
                return Err(TrainError::Diverged { steps: running.done, learning_rate });
            }
            let share = plan.share(running.done);
            let judged = referee.judge(&running.network, share >= self.ready);
            (course.progress)(Progress {
                done: running.done,
                total: plan.steps,
                validation_accuracy: judged.map(|judged| judged.accuracy),
                validation_holding: judged.and_then(|judged| judged.holding),
                validation_claims: judged.and_then(|judged| judged.claims),
            });
            if share < 1.0 {
                self.look_for_witnesses(&mut running, &mut objective, share, course)?;
                keep(&running, &mut objective, &referee, course)?;
            }
        }
        Ok(referee.best.map_or(running.network, |best| best.network))
    }

    /// Has the verifier look for counterexamples, if it is time.
    fn look_for_witnesses<F: NdFloat>(
        &self,
        running: &mut Running<F>,
        objective: &mut TrainingLoss<F>,
        share: f64,
        course: &Course,
    ) -> Result<(), TrainError> {
        let (Some(options), Some(source)) = (&self.options.counterexamples, course.source) else {
            return Ok(());
        };
        let is_whole = share >= self.options.robust.ramp[1];
        if is_whole && running.epochs.is_multiple_of(options.every as u64) {
            let model = model(self.schema, self.classes, &running.network);
            let found = options.found(&model, source)?;
            self.meet(&found, objective, course);
            running.witnesses.extend(found);
        }
        Ok(())
    }

    /// Gives counterexamples to the loss.
    fn meet<F: NdFloat>(
        &self,
        found: &[Witness],
        objective: &mut TrainingLoss<F>,
        course: &Course,
    ) {
        let specs = course.source.map_or(0, |source| source.specs.len());
        let labels = specs.saturating_sub(self.claims);
        found.iter().for_each(|witness| objective.keep(witness, labels, self.schema));
    }
}

/// Keeps the state, if it is time.
fn keep<F: NdFloat>(
    running: &Running<F>,
    objective: &mut TrainingLoss<F>,
    referee: &Referee<F>,
    course: &mut Course,
) -> Result<(), TrainError> {
    let Some(checkpoints) = &mut course.checkpoints else { return Ok(()) };
    if !running.epochs.is_multiple_of(checkpoints.every.max(1) as u64) {
        return Ok(());
    }
    (checkpoints.keep)(&checkpoint::written(running, objective, referee)?)
}

/// Batch size, number of steps, learning rate and patience.
pub(crate) struct Schedule {
    pub(crate) batch: usize,
    pub(crate) steps: u64,
    learning_rate: f64,
    patience: Option<usize>,
}

impl Schedule {
    /// The schedule for so many rows, at least one; the options have been checked.
    pub(crate) fn new(rows: usize, options: &MlpOptions) -> Self {
        let batch = options.batch.min(rows);
        let whole = (rows / batch) as u64 * options.epochs as u64;
        Self {
            batch,
            steps: options.max_steps.unwrap_or(whole),
            learning_rate: options.learning_rate,
            patience: options.patience.filter(|_| options.max_steps.is_none()),
        }
    }

    fn remaining(&self, done: u64) -> usize {
        usize::try_from(self.steps - done).unwrap_or(usize::MAX)
    }

    /// The share of the steps that is taken.
    fn share(&self, done: u64) -> f64 {
        done as f64 / self.steps.max(1) as f64
    }

    /// The learning rate of a step.
    pub(crate) fn rate(&self, done: u64) -> f64 {
        if self.share(done) >= LATE { 0.2 * self.learning_rate } else { self.learning_rate }
    }
}
