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
mod ascent;
mod dl2;
mod examples;
mod interval;
mod network;
mod objective;
mod referee;
mod terms;
#[cfg(test)]
mod tests;

use ndarray::NdFloat;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::model::{Family, Link, Model, Precision, Row, Schema, Tie};

use super::{MovableRows, Progress, RowBoxes, TrainError, check_rows};
use adam::Adam;
use examples::{Batch, Examples};
use network::FloatNetwork;
use objective::TrainingLoss;
use referee::Referee;
use terms::ClaimTerms;

pub use objective::{RobustOptions, Trainer};
pub(super) use terms::is_claim;
pub use terms::{TrainedClaim, USUAL_WEIGHT};

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
    /// The loss if rows may move; of no meaning otherwise.
    pub robust: RobustOptions,
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
            robust: RobustOptions::of(Trainer::MtlIbp),
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

    /// The network before the first step, with the checks of these options.
    fn start(&self, schema: &Schema, classes: usize) -> Result<FloatNetwork<f32>, TrainError> {
        self.check()?;
        let widths = [&[schema.len()], self.hidden.as_slice(), &[classes]].concat();
        let parameters: f64 = widths.windows(2).map(|w| (w[0] as f64 + 1.0) * w[1] as f64).sum();
        let small = widths.iter().all(|&width| width <= 65_536) && parameters <= 1e7;
        let limits = "at most 65,536 a layer and 10⁷ parameters";
        TrainError::unless(small, "hidden", parameters, limits)?;
        Ok(FloatNetwork::he_uniform(&widths, &mut stream(self.seed, TrainStream::Weights)))
    }
}

/// The share of the steps after which the rate falls.
const LATE: f64 = 0.75;

/// Independent random streams of one seed.
enum TrainStream {
    Weights,
    Order,
    Attack,
    Judge,
    Claims,
    JudgeClaims,
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
    let start = options.start(schema, classes)?;
    let examples = Examples::<f32>::new(schema, train)?;
    let held_out = Examples::new(schema, validation)?;
    let objective = TrainingLoss::natural(&start, options.batch.min(examples.len()));
    let referee = Referee::new(&start, &held_out);
    let network = descend(start, &examples, (objective, referee), (options, 0.0), progress)?;
    Ok(model(schema, classes, &network))
}

/// The demand that rows keep their label where they may move.
#[derive(Clone, Copy, Debug)]
pub struct Keeping<'a> {
    /// The boxes of the rows to fit.
    pub train: &'a RowBoxes,
    /// Those of the rows that choose the epoch to keep.
    pub validation: &'a RowBoxes,
    /// The score by which the own class must win by more: `ln((1 − δ)/δ)`, 0 for the label alone.
    pub threshold: f64,
}

/// The properties that a network is trained for.
#[derive(Clone, Copy, Debug, Default)]
pub struct MlpDemands<'a> {
    /// Labels near rows.
    pub keeping: Option<Keeping<'a>>,
    /// Claims about two points, or about pairs of rows; two classes.
    pub claims: &'a [TrainedClaim],
}

/// Fits a ReLU network as [`train`] does, by a loss for what is demanded of it. The epoch is chosen once boxes have
/// their full size, by the mean of accuracy and of the shares of validation rows at which an attack finds nothing
/// that breaks a demand.
///
/// # Errors
/// Those of [`train`]; claims that say nothing about such networks, or with more than two classes.
pub fn train_to_hold(
    schema: &Schema,
    classes: usize,
    [train, validation]: [&[Row]; 2],
    demands: MlpDemands,
    options: &MlpOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Model, TrainError> {
    let MlpDemands { keeping, claims } = demands;
    let robust = &options.robust;
    check_rows(schema, classes, train, validation)?;
    robust.check()?;
    expect_two_classes(claims, classes)?;
    let start = options.start(schema, classes)?;
    let examples = |rows, boxes: Option<&RowBoxes>| match boxes {
        Some(moves) => Examples::<f32>::movable(schema, MovableRows { rows, moves }),
        None => Examples::new(schema, rows),
    };
    let (near, far) = (keeping.map(|it| it.train), keeping.map(|it| it.validation));
    let (examples, held_out) = (examples(train, near)?, examples(validation, far)?);
    let stream = |purpose| stream(options.seed, purpose);
    let mut referee = Referee::new(&start, &held_out);
    let batch = options.batch.min(examples.len());
    let mut objective = match keeping {
        None => TrainingLoss::natural(&start, batch),
        Some(Keeping { threshold, .. }) => {
            referee = referee.robust(&start, threshold, stream(TrainStream::Judge));
            let attack = stream(TrainStream::Attack);
            TrainingLoss::robust(&start, batch, robust, threshold, attack)
        }
    };
    if !claims.is_empty() {
        let terms = |rows, count, purpose| {
            ClaimTerms::new(claims, (schema, rows), (&start, count), stream(purpose))
        };
        objective = objective.with_claims(terms(train, batch, TrainStream::Claims)?, robust);
        let rows = Referee::rows_for_claims(&held_out);
        let judged = terms(validation, rows.labels.len(), TrainStream::JudgeClaims)?;
        referee = referee.with_claims(rows, judged);
    }
    // only once boxes are whole and steps small is an epoch worth keeping
    let whole = (options, robust.ramp[1].max(LATE));
    let network = descend(start, &examples, (objective, referee), whole, progress)?;
    Ok(model(schema, classes, &network))
}

/// Refuses claims about two points with more than two classes.
fn expect_two_classes(claims: &[TrainedClaim], classes: usize) -> Result<(), TrainError> {
    let reason = format!("networks are trained for it with two classes, found {classes}");
    match claims.first().filter(|_| classes != 2) {
        Some(claim) => Err(TrainError::Property { property: claim.spec.property.name(), reason }),
        None => Ok(()),
    }
}

fn model(schema: &Schema, classes: usize, network: &FloatNetwork<f32>) -> Model {
    Model {
        schema: schema.clone(),
        precision: Precision::F32,
        tie: Tie::Lower,
        classes,
        link: Link::Softmax,
        family: Family::Mlp(network.to_mlp()),
    }
}

/// The loop described at the top of this module. Epochs are kept once the share `ready` of the steps is taken.
fn descend<F: NdFloat>(
    mut network: FloatNetwork<F>,
    examples: &Examples<F>,
    (mut objective, mut referee): (TrainingLoss<F>, Referee<F>),
    (options, ready): (&MlpOptions, f64),
    progress: &mut dyn FnMut(Progress),
) -> Result<FloatNetwork<F>, TrainError> {
    let plan = Schedule::new(examples.len(), options);
    let mut rng = stream(options.seed, TrainStream::Order);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut batch = Batch::new(plan.batch, network.inputs());
    let (mut gradient, mut adam) = (network.zeros_like(), Adam::new(&network));
    let mut done = 0;
    while done < plan.steps && !referee.is_out_of_patience(plan.patience) {
        order.shuffle(&mut rng);
        for chosen in order.chunks_exact(plan.batch).take(plan.remaining(done)) {
            batch.gather(examples, chosen);
            objective.differentiate(&network, &batch, plan.share(done), &mut gradient);
            adam.step(&mut network, &gradient, plan.rate(done));
            done += 1;
        }
        if !network.is_finite() {
            let learning_rate = options.learning_rate;
            return Err(TrainError::Diverged { steps: done, learning_rate });
        }
        let judged = referee.judge(&network, plan.share(done) >= ready);
        progress(Progress {
            done,
            total: plan.steps,
            validation_accuracy: judged.map(|judged| judged.accuracy),
            validation_holding: judged.and_then(|judged| judged.holding),
            validation_claims: judged.and_then(|judged| judged.claims),
        });
    }
    Ok(referee.best.map_or(network, |best| best.network))
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

    /// The share of the steps that is taken.
    fn share(&self, done: u64) -> f64 {
        done as f64 / self.steps.max(1) as f64
    }

    fn rate(&self, done: u64) -> f64 {
        if self.share(done) >= LATE { 0.2 * self.learning_rate } else { self.learning_rate }
    }
}
