//! The substitute: by default of the target's family, trained on the attacker's labels.
//!
//! | file | learns from |
//! |---|---|
//! | `mod` | one label per point, by the trainers of the house |
//! | `soft` | posteriors |
//! | `mixmatch` | labels, and further points without one |

mod mixmatch;
mod soft;

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::model::{Digest, Model, Row, argmax, softmax};
use crate::train::{Progress, TrainError, mlp, trees};

use super::{Knowledge, Labelled, Sample, StealError, StealStream, stream};
use mixmatch::{SoftPlan, SoftRows, fit_mixed, fit_soft, shaken, sharpen};

pub use mixmatch::{Augmentation, MixMatchOptions};
use soft::SoftNetwork;

/// The family of the substitute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubstituteFamily {
    /// The target's family.
    #[default]
    Target,
    /// Networks.
    Mlp,
    /// Boosted trees.
    Trees,
}

/// The method of training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Learner {
    /// By the labels.
    #[default]
    Fit,
    /// By the labels, and as many further points of the generator as there are queries.
    MixMatch(MixMatchOptions),
}

/// The training of the substitute: one-hot labels, cross-entropy, no validation rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SubstituteOptions {
    /// The family to train.
    pub family: SubstituteFamily,
    /// The choice of the attack's parameters.
    pub(super) choice: super::presets::ChoiceName,
    /// Network: width of each hidden layer.
    pub hidden: Vec<usize>,
    /// Network: passes over the sample.
    pub epochs: usize,
    /// Network: rows per gradient step.
    pub batch: usize,
    /// Network: Adam's rate.
    pub learning_rate: f64,
    /// Trees: their number.
    pub trees: usize,
    /// Trees: splits on the way to a leaf.
    pub depth: usize,
    /// Trees: factor of every leaf.
    pub eta: f64,
    /// The method of training.
    pub learner: Learner,
    /// Network: exactly this many gradient steps, instead of `epochs`.
    #[serde(skip)]
    pub max_steps: Option<u64>,
}

impl Default for SubstituteOptions {
    /// 2 × 50 ReLU, Adam 2e-3, batch 32, 150 epochs; 50 trees of depth 4.
    fn default() -> Self {
        Self {
            family: SubstituteFamily::Target,
            choice: Default::default(),
            hidden: vec![50, 50],
            epochs: 150,
            batch: 32,
            learning_rate: 2e-3,
            trees: 50,
            depth: 4,
            eta: 0.3,
            learner: Learner::Fit,
            max_steps: None,
        }
    }
}

impl SubstituteOptions {
    /// True if the substitute is a network, false if it is an ensemble.
    pub(super) fn is_network(&self, known: &Knowledge) -> bool {
        match self.family {
            SubstituteFamily::Target => known.family == "mlp",
            SubstituteFamily::Mlp => true,
            SubstituteFamily::Trees => false,
        }
    }

    /// Batches and steps as the trainer of networks takes them.
    fn plan(&self, rows: usize) -> SoftPlan {
        let batch = self.batch.min(rows).max(1);
        let steps = (rows / batch * self.epochs) as u64;
        let steps = self.max_steps.unwrap_or(steps);
        SoftPlan { batch, steps, learning_rate: self.learning_rate }
    }

    fn mlp(&self, seed: u64) -> mlp::MlpOptions {
        mlp::MlpOptions {
            hidden: self.hidden.clone(),
            epochs: self.epochs,
            batch: self.batch,
            learning_rate: self.learning_rate,
            patience: None,
            seed,
            max_steps: self.max_steps,
            ..mlp::MlpOptions::default()
        }
    }

    fn boosting(&self) -> trees::TreeOptions {
        trees::TreeOptions {
            trees: self.trees,
            depth: self.depth,
            eta: self.eta,
            ..trees::TreeOptions::default()
        }
    }
}

/// A classifier that stands in for the target.
#[derive(Clone, Debug, PartialEq)]
pub enum Classifier {
    /// A trained model.
    Model(Box<Model>),
    /// One class for every point, because only that class was seen.
    Constant {
        /// The class.
        class: usize,
        /// Number of classes.
        classes: usize,
    },
}

impl Classifier {
    /// The class of a raw point.
    pub fn label(&self, raw: &[f64]) -> usize {
        match self {
            Self::Model(model) => model.label(raw),
            Self::Constant { class, .. } => *class,
        }
    }

    /// Class and posterior of a raw point, from one evaluation.
    pub fn answer(&self, raw: &[f64]) -> (usize, Vec<f64>) {
        match self {
            Self::Model(model) => answer(model, raw),
            Self::Constant { class, classes } => {
                let one_hot = (0..*classes).map(|c| if c == *class { 1.0 } else { 0.0 });
                (*class, one_hot.collect())
            }
        }
    }
}

/// Class and posterior of a raw point, in `f64`.
fn answer(model: &Model, raw: &[f64]) -> (usize, Vec<f64>) {
    let scores = model.scores(raw);
    (argmax(&scores, model.tie), softmax(&scores))
}

/// A stolen model.
#[derive(Clone, Debug, PartialEq)]
pub struct Substitute {
    /// The trained classifier.
    pub classifier: Classifier,
    /// The sample it was trained on.
    pub sample: Sample,
    /// Gradient steps (networks) or trees (ensembles) taken; 0 for a constant.
    pub steps: u64,
}

impl Substitute {
    /// Trains on `sample`; a sample with one class gives that constant.
    ///
    /// # Errors
    /// The sample is empty, or training refuses it.
    pub fn fit(
        sample: Sample,
        known: &Knowledge,
        options: &SubstituteOptions,
        seed: u64,
    ) -> Result<Self, StealError> {
        Self::fit_beside(sample, &[], known, options, seed)
    }

    /// Trains on `sample`, and on further points without a label if the learner takes them.
    pub(super) fn fit_beside(
        sample: Sample,
        unlabelled: &[Vec<f64>],
        known: &Knowledge,
        options: &SubstituteOptions,
        seed: u64,
    ) -> Result<Self, StealError> {
        let (classifier, steps) = match (&options.learner, unlabelled) {
            (Learner::Fit, _) | (Learner::MixMatch(_), []) => {
                Classifier::fit(&sample.points, known, options, seed)?
            }
            (Learner::MixMatch(mixing), _) => {
                Classifier::fit_mixed(&sample.points, unlabelled, known, (options, mixing), seed)?
            }
        };
        Ok(Self { classifier, sample, steps })
    }
}

impl Classifier {
    /// Trains on labelled points, of which one class gives that constant. Also the number of gradient steps (networks)
    /// or trees.
    pub(super) fn fit(
        points: &[Labelled],
        known: &Knowledge,
        options: &SubstituteOptions,
        seed: u64,
    ) -> Result<(Self, u64), StealError> {
        if let Some(constant) = Self::constant(points, known)? {
            return Ok((constant, 0));
        }
        let is_soft = points.iter().any(|point| point.posterior.is_some());
        let (model, steps) = match (is_soft, options.is_network(known)) {
            (false, true) => train_network(&rows(points), known, options, seed)?,
            (false, false) => train_trees(&rows(points), known, options)?,
            (true, true) => {
                let soft = soft_rows(points, known);
                let mut network = start(known, options, seed);
                let plan = options.plan(points.len());
                fit_soft(&mut network, &soft, plan, &mut stream(seed, StealStream::Order));
                (finished(network, known, options, plan)?, plan.steps)
            }
            (true, false) => {
                let soft: SoftRows<f64> = soft_rows(points, known);
                train_trees(&duplicates(&soft, known), known, options)?
            }
        };
        Ok((Self::Model(Box::new(model)), steps))
    }

    /// Trains by MixMatch.
    fn fit_mixed(
        points: &[Labelled],
        unlabelled: &[Vec<f64>],
        known: &Knowledge,
        (options, mixing): (&SubstituteOptions, &MixMatchOptions),
        seed: u64,
    ) -> Result<(Self, u64), StealError> {
        if let Some(constant) = Self::constant(points, known)? {
            return Ok((constant, 0));
        }
        let mut rng = stream(seed, StealStream::Mixing);
        let (model, steps) = if options.is_network(known) {
            let (labelled, further) = (soft_rows(points, known), inputs(unlabelled, known));
            let mut network = start(known, options, seed);
            let plan = options.plan(points.len());
            fit_mixed(&mut network, &labelled, &further, mixing, plan, &mut rng);
            (finished(network, known, options, plan)?, plan.steps)
        } else {
            let first = Self::fit(points, known, options, seed)?.0;
            let labelled: SoftRows<f64> = soft_rows(points, known);
            let further: Array2<f64> = inputs(unlabelled, known);
            let guessed = guess_once(&first, &further, known, mixing, &mut rng);
            let mixed = labelled.followed_by(&guessed).mixed(mixing.alpha, &mut rng);
            train_trees(&duplicates(&mixed, known), known, options)?
        };
        Ok((Self::Model(Box::new(model)), steps))
    }

    /// The constant of a sample with one class; `None` if there are more.
    fn constant(points: &[Labelled], known: &Knowledge) -> Result<Option<Self>, StealError> {
        let class = points.first().ok_or(StealError::NothingLabelled)?.label;
        let is_one = points.iter().all(|point| point.label == class);
        Ok(is_one.then_some(Self::Constant { class, classes: known.classes }))
    }
}

/// Copies of a row with a soft label, shared between its classes.
const COPIES: usize = 10;

fn rows(points: &[Labelled]) -> Vec<Row> {
    // synthesised points have no cells to hash
    let key = Digest::of(b"");
    let row = |point: &Labelled| Row { values: point.values.clone(), label: point.label, key };
    points.iter().map(row).collect()
}

fn train_network(
    rows: &[Row],
    known: &Knowledge,
    options: &SubstituteOptions,
    seed: u64,
) -> Result<(Model, u64), StealError> {
    let (schema, classes, mut steps) = (known.schema, known.classes, 0);
    let mut count = |progress: Progress| steps = progress.done;
    let model = mlp::train(schema, classes, rows, &[], &options.mlp(seed), &mut count)?;
    Ok((model, steps))
}

fn train_trees(
    rows: &[Row],
    known: &Knowledge,
    options: &SubstituteOptions,
) -> Result<(Model, u64), StealError> {
    let (schema, classes, mut steps) = (known.schema, known.classes, 0);
    let mut count = |progress: Progress| steps = progress.done;
    let model = trees::train(schema, classes, rows, &[], &options.boosting(), &mut count)?;
    Ok((model, steps))
}

/// Standardised points, row by row.
fn inputs<F: ndarray::NdFloat>(points: &[Vec<f64>], known: &Knowledge) -> Array2<F> {
    let flat = points.iter().flat_map(|x| known.schema.standardise(x)).map(soft::nearest);
    let shape = (points.len(), known.schema.len());
    Array2::from_shape_vec(shape, flat.collect()).expect("a point has a value per feature")
}

/// The posterior of each point, or its label as one.
fn soft_rows<F: ndarray::NdFloat>(points: &[Labelled], known: &Knowledge) -> SoftRows<F> {
    let values: Vec<Vec<f64>> = points.iter().map(|point| point.values.clone()).collect();
    let mut labels = Array2::zeros((points.len(), known.classes));
    for (mut row, point) in labels.rows_mut().into_iter().zip(points) {
        let one_hot = |class: usize| if class == point.label { 1.0 } else { 0.0 };
        let given = |class: usize| point.posterior.as_ref().and_then(|p| p.get(class).copied());
        for (class, slot) in row.iter_mut().enumerate() {
            *slot = soft::nearest(given(class).unwrap_or_else(|| one_hot(class)));
        }
    }
    SoftRows { inputs: inputs(&values, known), labels }
}

fn start(known: &Knowledge, options: &SubstituteOptions, seed: u64) -> SoftNetwork<f32> {
    let widths = [&[known.schema.len()], options.hidden.as_slice(), &[known.classes]].concat();
    SoftNetwork::random(&widths, &mut stream(seed, StealStream::Weights))
}

fn finished(
    network: SoftNetwork<f32>,
    known: &Knowledge,
    options: &SubstituteOptions,
    plan: SoftPlan,
) -> Result<Model, StealError> {
    if !network.is_finite() {
        let (steps, learning_rate) = (plan.steps, options.learning_rate);
        return Err(TrainError::Diverged { steps, learning_rate }.into());
    }
    Ok(network.into_model(known.schema, known.classes))
}

/// The sharpened mean of the posteriors around each point, for substitutes without gradients.
fn guess_once(
    first: &Classifier,
    points: &Array2<f64>,
    known: &Knowledge,
    mixing: &MixMatchOptions,
    rng: &mut ChaCha8Rng,
) -> SoftRows<f64> {
    let mut labels = Array2::zeros((points.nrows(), known.classes));
    for _ in 0..mixing.augmentations {
        let copy = shaken(points, mixing.noise, rng);
        for (mut sum, z) in labels.rows_mut().into_iter().zip(copy.rows()) {
            let (_, posterior) = first.answer(&known.schema.destandardise(&z.to_vec()));
            sum.iter_mut().zip(posterior).for_each(|(sum, p)| *sum += p);
        }
    }
    labels /= mixing.augmentations as f64;
    sharpen(&mut labels, mixing.temperature);
    SoftRows { inputs: points.clone(), labels }
}

/// Each row as ten copies, shared between its classes as its soft label says.
fn duplicates(soft: &SoftRows<f64>, known: &Knowledge) -> Vec<Row> {
    let key = Digest::of(b"");
    let mut rows = Vec::with_capacity(COPIES * soft.inputs.nrows());
    for (z, posterior) in soft.inputs.rows().into_iter().zip(soft.labels.rows()) {
        let mut values = known.schema.destandardise(&z.to_vec());
        known.valid.snap(&mut values);
        let mut below = 0.0;
        for (label, share) in posterior.iter().enumerate() {
            let before = (COPIES as f64 * below).round() as usize;
            below += share;
            let copies = ((COPIES as f64 * below).round() as usize).saturating_sub(before);
            let row = Row { values: values.clone(), label, key };
            rows.extend(std::iter::repeat_n(row, copies));
        }
    }
    rows
}
