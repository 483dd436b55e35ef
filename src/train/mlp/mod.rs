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
mod checkpoint;
mod descend;
mod dl2;
mod examples;
mod interval;
mod network;
mod objective;
mod outliers;
mod referee;
mod signs;
mod terms;
#[cfg(test)]
mod tests;
mod witness;

use std::collections::BTreeMap;

use ndarray::NdFloat;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::model::{Family, Feature, Link, Model, Precision, Row, Schema, Tie};
use crate::spec::Direction;

use super::{MovableRows, Progress, RowBoxes, TrainError, check_rows};
use descend::DescentPlan;
use examples::Examples;
use objective::TrainingLoss;
use outliers::ExposureTerm;
use referee::Referee;
use signs::WeightSigns;
use terms::ClaimTerms;

pub(crate) use adam::Adam;
pub use checkpoint::Checkpoints;
pub(crate) use descend::Schedule;
pub(crate) use network::{FloatNetwork, Tape, float};
pub use objective::{RobustOptions, Trainer};
pub use outliers::{OutlierExposure, OutlierPoints};
pub(super) use terms::is_claim;
pub use terms::{TrainedClaim, USUAL_WEIGHT};
pub use witness::{CounterexampleOptions, CounterexampleSource};

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
    /// Features in which the margin goes one way by construction: weights along their paths have a sign. Two classes.
    pub monotone: BTreeMap<Feature, Direction>,
    /// Rounds of the verifier between epochs; `None`: none.
    pub counterexamples: Option<CounterexampleOptions>,
    /// The loss of points away from the data; `None`: none.
    pub outlier_exposure: Option<OutlierExposure>,
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
            monotone: BTreeMap::new(),
            counterexamples: None,
            outlier_exposure: None,
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
        let epochs = self.epochs;
        let is_fit = (1..=MOST_EPOCHS).contains(&epochs);
        TrainError::unless(is_fit, "epochs", epochs as f64, "1 to 1,000,000")?;
        positive("batch", self.batch)?;
        let rate = self.learning_rate;
        let allowed = rate > 0.0 && rate.is_finite();
        TrainError::unless(allowed, "learning_rate", rate, "positive and finite")
    }

    /// The network before the first step, with the checks of these options.
    pub(crate) fn start<F: NdFloat>(
        &self,
        schema: &Schema,
        classes: usize,
    ) -> Result<FloatNetwork<F>, TrainError> {
        self.check()?;
        let widths = [&[schema.len()], self.hidden.as_slice(), &[classes]].concat();
        let parameters: f64 = widths.windows(2).map(|w| (w[0] as f64 + 1.0) * w[1] as f64).sum();
        let small = widths.iter().all(|&width| width <= 65_536) && parameters <= 1e7;
        let limits = "at most 65,536 a layer and 10⁷ parameters";
        TrainError::unless(small, "hidden", parameters, limits)?;
        let mut start =
            FloatNetwork::he_uniform(&widths, &mut stream(self.seed, TrainStream::Weights));
        self.signs(schema, classes)?.begin(&mut start);
        Ok(start)
    }

    /// The signs of weights by which the network is monotone.
    fn signs(&self, schema: &Schema, classes: usize) -> Result<WeightSigns, TrainError> {
        let last = schema.len().saturating_sub(1);
        if let Some(feature) = self.monotone.keys().find(|feature| feature.0 > last) {
            return Err(TrainError::MonotoneFeature { found: feature.0, last });
        }
        if !self.monotone.is_empty() && classes != 2 {
            let reason = format!("networks are made monotone with two classes, found {classes}");
            return Err(TrainError::Property { property: "monotonicity", reason });
        }
        Ok(WeightSigns::of(&self.monotone, schema.len()))
    }
}

/// Most passes over the rows.
const MOST_EPOCHS: usize = 1_000_000;

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
    Outliers,
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
    let course = &mut Course { progress, checkpoints: None, source: None };
    train_to_hold(schema, classes, [train, validation], MlpDemands::default(), options, course)
}

/// The company of a training.
pub struct Course<'a, 'b> {
    /// Called after every epoch.
    pub progress: &'a mut dyn FnMut(Progress),
    /// The place of its state.
    pub checkpoints: Option<&'a mut Checkpoints<'b>>,
    /// The rows in which the verifier looks for counterexamples, if the options ask for them.
    pub source: Option<CounterexampleSource<'a>>,
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
    course: &mut Course,
) -> Result<Model, TrainError> {
    let MlpDemands { keeping, claims } = demands;
    let robust = &options.robust;
    check_rows(schema, classes, train, validation)?;
    robust.check()?;
    options.counterexamples.as_ref().map_or(Ok(()), CounterexampleOptions::check)?;
    options.outlier_exposure.as_ref().map_or(Ok(()), OutlierExposure::check)?;
    expect_two_classes(claims, classes)?;
    let start: FloatNetwork<f32> = options.start(schema, classes)?;
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
            referee = referee.robust(&start, threshold, &mut stream(TrainStream::Judge));
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
    if let Some(exposure) = options.outlier_exposure {
        let term = ExposureTerm::new(
            exposure,
            (schema, train),
            (&start, batch),
            stream(TrainStream::Outliers),
        )?;
        objective = objective.with_exposure(term);
    }
    let is_natural = keeping.is_none() && claims.is_empty();
    let plan = DescentPlan {
        schema,
        classes,
        options,
        signs: options.signs(schema, classes)?,
        // only once boxes are whole and steps small is an epoch worth keeping
        ready: if is_natural { 0.0 } else { robust.ramp[1].max(LATE) },
        claims: claims.len(),
    };
    let network = plan.descend(start, &examples, (objective, referee), course)?;
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

/// The network as a model of that schema.
pub(crate) fn model<F: NdFloat>(
    schema: &Schema,
    classes: usize,
    network: &FloatNetwork<F>,
) -> Model {
    Model {
        schema: schema.clone(),
        precision: Precision::F32,
        tie: Tie::Lower,
        classes,
        link: Link::Softmax,
        family: Family::Mlp(network.to_mlp()),
    }
}
