//! Networks by minibatch gradient descent.
//!
//! ```text
//! for each epoch:
//!     shuffle the rows, cut them into batches, drop the odd last one
//!     for each batch: θ ← θ − rate · Adam(∇θ mean cross-entropy)
//!     keep θ if the validation rows like it better; stop once patience is spent
//! ```
//!
//! The rate falls to a fifth after three quarters of the steps. Arithmetic is `f32`, like the
//! stored weights. The code is generic over the float so that gradients can be tested in `f64`.

mod adam;
mod network;
#[cfg(test)]
mod tests;

use ndarray::{Array2, Axis, NdFloat};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::model::{Family, Link, Model, Precision, Row, Schema, Tie, argmax};

use super::{Progress, TrainError, check_rows};
use adam::Adam;
use network::{FloatNetwork, Tape, cross_entropy};

/// The training settings of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct MlpOptions {
    /// Width of each hidden layer, in order; empty for a linear model.
    pub hidden: Vec<usize>,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Rows per gradient step; all rows if there are fewer.
    pub batch: usize,
    /// Adam's rate for the first three quarters of the steps, a fifth of it afterwards.
    pub learning_rate: f64,
    /// Epochs without a better validation result before training stops; `None`: never stop.
    /// With validation rows, the best epoch is kept in both cases.
    pub patience: Option<usize>,
    /// Decides the initial weights and the order of rows.
    pub seed: u64,
    /// Take exactly this many gradient steps; `epochs` and `patience` are then ignored.
    pub max_steps: Option<u64>,
}

impl Default for MlpOptions {
    fn default() -> Self {
        Self {
            hidden: vec![64, 64],
            epochs: 100,
            batch: 128,
            learning_rate: 1e-3,
            patience: Some(30),
            seed: 0,
            max_steps: None,
        }
    }
}

impl MlpOptions {
    fn check(&self) -> Result<(), TrainError> {
        let positive = |option, value: usize| {
            TrainError::unless(value > 0, option, value as f64, "at least 1")
        };
        self.hidden.iter().try_for_each(|&width| positive("hidden", width))?;
        // the limit when the model is read again
        let layers = self.hidden.len();
        TrainError::unless(layers < 64, "hidden", layers as f64, "at most 63 hidden layers")?;
        positive("epochs", self.epochs)?;
        positive("batch", self.batch)?;
        let rate = self.learning_rate;
        let allowed = rate > 0.0 && rate.is_finite();
        TrainError::unless(allowed, "learning_rate", rate, "positive and finite")
    }
}

/// Independent random streams of one seed.
enum TrainStream {
    Weights,
    Order,
}

fn stream(seed: u64, purpose: TrainStream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// Fits a ReLU network with one logit per class to `train` by cross-entropy.
///
/// `validation` chooses the epoch to keep; without such rows, the last epoch is kept.
/// `progress` is called after every epoch.
///
/// # Errors
/// Rows that do not fit the schema, fewer than two classes among the training rows, options
/// out of range, weights that diverge.
pub fn train(
    schema: &Schema,
    classes: usize,
    train: &[Row],
    validation: &[Row],
    options: &MlpOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Model, TrainError> {
    check_rows(schema, classes, train, validation)?;
    options.check()?;
    let examples = Examples::<f32>::new(schema, train)?;
    let held_out = Examples::new(schema, validation)?;
    let widths = [&[schema.len()], options.hidden.as_slice(), &[classes]].concat();
    let parameters: f64 = widths.windows(2).map(|w| (w[0] as f64 + 1.0) * w[1] as f64).sum();
    let small = widths.iter().all(|&width| width <= 65_536) && parameters <= 1e7;
    TrainError::unless(small, "hidden", parameters, "at most 65,536 a layer and 10⁷ parameters")?;
    let start = FloatNetwork::he_uniform(&widths, &mut stream(options.seed, TrainStream::Weights));
    let network = descend(start, &examples, &held_out, options, progress)?;
    Ok(Model {
        schema: schema.clone(),
        precision: Precision::F32,
        tie: Tie::Lower,
        classes,
        link: Link::Softmax,
        family: Family::Mlp(network.to_mlp()),
    })
}

/// The loop described at the top of this module.
fn descend<F: NdFloat>(
    mut network: FloatNetwork<F>,
    examples: &Examples<F>,
    held_out: &Examples<F>,
    options: &MlpOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<FloatNetwork<F>, TrainError> {
    let plan = Schedule::new(examples.len(), options);
    let mut rng = stream(options.seed, TrainStream::Order);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut learner = Workspace::new(&network, plan.batch);
    let mut referee = Referee::new(&network, held_out);
    let mut done = 0;
    while done < plan.steps && !referee.is_out_of_patience(plan.patience) {
        order.shuffle(&mut rng);
        for batch in order.chunks_exact(plan.batch).take(plan.remaining(done)) {
            learner.step(&mut network, examples, batch, plan.rate(done));
            done += 1;
        }
        if !network.is_finite() {
            let learning_rate = options.learning_rate;
            return Err(TrainError::Diverged { steps: done, learning_rate });
        }
        let validation_accuracy = referee.judge(&network, held_out);
        progress(Progress { done, total: plan.steps, validation_accuracy });
    }
    Ok(referee.best.map_or(network, |best| best.network))
}

/// Standardised rows, shape `[rows][features]`, and their classes.
struct Examples<F> {
    inputs: Array2<F>,
    labels: Vec<usize>,
}

impl<F: NdFloat> Examples<F> {
    fn new(schema: &Schema, rows: &[Row]) -> Result<Self, TrainError> {
        let mut inputs = Array2::zeros((rows.len(), schema.len()));
        for ((at, row), mut input) in rows.iter().enumerate().zip(inputs.rows_mut()) {
            let standardised = schema.standardise(&row.values);
            for ((&z, slot), feature) in standardised.iter().zip(&mut input).zip(schema.features())
            {
                let overflow =
                    || TrainError::Value { row: at, feature: feature.name.clone(), found: z };
                *slot = F::from(z).filter(|z| z.is_finite()).ok_or_else(overflow)?;
            }
        }
        Ok(Self { inputs, labels: rows.iter().map(|row| row.label).collect() })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    /// Copies the rows of `batch`, in its order.
    fn gather(&self, batch: &[usize], inputs: &mut Array2<F>, labels: &mut [usize]) {
        let width = self.inputs.ncols();
        let from = self.inputs.as_slice().expect("examples lie in order");
        let to = inputs.as_slice_mut().expect("batches lie in order");
        for ((input, label), &row) in to.chunks_exact_mut(width).zip(labels).zip(batch) {
            input.copy_from_slice(&from[row * width..][..width]);
            *label = self.labels[row];
        }
    }
}

/// Batch size, number of steps, learning rate and patience.
struct Schedule {
    batch: usize,
    steps: u64,
    learning_rate: f64,
    patience: Option<usize>,
}

impl Schedule {
    fn new(rows: usize, options: &MlpOptions) -> Self {
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

    fn rate(&self, done: u64) -> f64 {
        let is_late = u128::from(done) * 4 >= u128::from(self.steps) * 3;
        if is_late { 0.2 * self.learning_rate } else { self.learning_rate }
    }
}

/// One gradient step and the arrays it works in.
struct Workspace<F> {
    inputs: Array2<F>,
    labels: Vec<usize>,
    tape: Tape<F>,
    gradient: FloatNetwork<F>,
    adam: Adam<F>,
}

impl<F: NdFloat> Workspace<F> {
    fn new(network: &FloatNetwork<F>, batch: usize) -> Self {
        Self {
            inputs: Array2::zeros((batch, network.inputs())),
            labels: vec![0; batch],
            tape: Tape::new(network, batch),
            gradient: network.zeros_like(),
            adam: Adam::new(network),
        }
    }

    fn step(
        &mut self,
        network: &mut FloatNetwork<F>,
        examples: &Examples<F>,
        batch: &[usize],
        rate: f64,
    ) {
        examples.gather(batch, &mut self.inputs, &mut self.labels);
        network.forward(&self.inputs, &mut self.tape);
        cross_entropy(&mut self.tape, &self.labels);
        network.backward(&self.inputs, &mut self.tape, &mut self.gradient);
        self.adam.step(network, &self.gradient, rate);
    }
}

/// Judges networks on the validation rows and remembers the best.
struct Referee<F> {
    tape: Tape<F>,
    best: Option<BestNetwork<F>>,
    epochs_since_best: usize,
}

struct BestNetwork<F> {
    network: FloatNetwork<F>,
    accuracy: f64,
    loss: F,
}

impl<F: NdFloat> Referee<F> {
    fn new(network: &FloatNetwork<F>, held_out: &Examples<F>) -> Self {
        Self { tape: Tape::new(network, held_out.len()), best: None, epochs_since_best: 0 }
    }

    /// Returns the accuracy on the validation rows. A network is better if it is more accurate, then if its
    /// loss is smaller.
    fn judge(&mut self, network: &FloatNetwork<F>, held_out: &Examples<F>) -> Option<f64> {
        if held_out.len() == 0 {
            return None;
        }
        network.forward(&held_out.inputs, &mut self.tape);
        let loss = cross_entropy(&mut self.tape, &held_out.labels);
        let accuracy = accuracy(&self.tape, &held_out.labels);
        let is_better = self.best.as_ref().is_none_or(|best| {
            accuracy > best.accuracy || (accuracy == best.accuracy && loss < best.loss)
        });
        if is_better {
            self.best = Some(BestNetwork { network: network.clone(), accuracy, loss });
            self.epochs_since_best = 0;
        } else {
            self.epochs_since_best += 1;
        }
        Some(accuracy)
    }

    fn is_out_of_patience(&self, patience: Option<usize>) -> bool {
        patience.is_some_and(|epochs| self.epochs_since_best > epochs)
    }
}

fn accuracy<F: NdFloat>(tape: &Tape<F>, labels: &[usize]) -> f64 {
    let is_hit = |(logits, label): &(ndarray::ArrayView1<F>, &usize)| {
        argmax(logits.as_slice().expect("rows of the tape lie in order"), Tie::Lower) == **label
    };
    let hits = tape.logits().axis_iter(Axis(0)).zip(labels).filter(is_hit).count();
    hits as f64 / labels.len() as f64
}
