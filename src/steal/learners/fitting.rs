//! Training of substitutes: the trainers of the house for labels, those beside this file for everything softer.

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;

use crate::model::{Digest, Model, Row};
use crate::steal::{Knowledge, Labelled, StealError, StealStream, stream};
use crate::train::mlp::{FloatNetwork, Schedule, float};
use crate::train::{Progress, TrainError, mlp, trees};

use super::mixmatch::{SoftRows, fit, fit_mixed, shaken, sharpen};
use super::soft::{centre_logits, cross_entropy_by_logits, squares_by_logits};
use super::{Classifier, MixMatchOptions, SubstituteOptions};

impl Classifier {
    /// Trains on labelled points, of which one class gives that constant. Also the number of gradient steps (networks)
    /// or trees.
    pub(in crate::steal) fn fit(
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
                train_softly(&soft, cross_entropy_by_logits, known, (options, seed))?
            }
            (true, false) => {
                let soft: SoftRows<f64> = soft_rows(points, known);
                train_trees(&duplicates(&soft, known), known, options)?
            }
        };
        Ok((Self::Model(Box::new(model)), steps))
    }

    /// Trains by least squares on centred logits of posteriors: a network, whatever the family.
    pub(in crate::steal) fn fit_logits(
        points: &[Labelled],
        known: &Knowledge,
        options: &SubstituteOptions,
        seed: u64,
    ) -> Result<(Self, u64), StealError> {
        if let Some(constant) = Self::constant(points, known)? {
            return Ok((constant, 0));
        }
        let mut rows = soft_rows(points, known);
        centre_logits(&mut rows.labels);
        let (model, steps) = train_softly(&rows, squares_by_logits, known, (options, seed))?;
        Ok((Self::Model(Box::new(model)), steps))
    }

    /// Trains by MixMatch.
    pub(super) fn fit_mixed(
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
            let (mut network, plan) = start(points.len(), known, (options, seed))?;
            fit_mixed(&mut network, &labelled, &further, mixing, &plan, &mut rng);
            finished(&network, known, options, &plan)?
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
    let flat = points.iter().flat_map(|x| known.schema.standardise(x)).map(float);
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
            *slot = float(given(class).unwrap_or_else(|| one_hot(class)));
        }
    }
    SoftRows { inputs: inputs(&values, known), labels }
}

/// Trains a network on soft labels by the loss whose derivatives by the logits are given; also its steps.
fn train_softly(
    rows: &SoftRows<f32>,
    by_logits: fn(&Array2<f32>, &Array2<f32>) -> Array2<f32>,
    known: &Knowledge,
    (options, seed): (&SubstituteOptions, u64),
) -> Result<(Model, u64), StealError> {
    let (mut network, plan) = start(rows.inputs.nrows(), known, (options, seed))?;
    fit(&mut network, rows, by_logits, &plan, &mut stream(seed, StealStream::Order));
    finished(&network, known, options, &plan)
}

/// A network before its first step, and its schedule for so many rows.
fn start(
    rows: usize,
    known: &Knowledge,
    (options, seed): (&SubstituteOptions, u64),
) -> Result<(FloatNetwork<f32>, Schedule), StealError> {
    let options = options.mlp(seed);
    let network = options.start(known.schema, known.classes)?;
    Ok((network, Schedule::new(rows, &options)))
}

/// The trained model with its steps.
fn finished(
    network: &FloatNetwork<f32>,
    known: &Knowledge,
    options: &SubstituteOptions,
    plan: &Schedule,
) -> Result<(Model, u64), StealError> {
    let (steps, learning_rate) = (plan.steps, options.learning_rate);
    if !network.is_finite() {
        return Err(TrainError::Diverged { steps, learning_rate }.into());
    }
    Ok((mlp::model(known.schema, known.classes, network), steps))
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
