//! The substitute: by default of the target's family, trained on the attacker's labels.

use serde::{Deserialize, Serialize};

use crate::model::{Digest, Model, Row, argmax, softmax};
use crate::train::{Progress, mlp, trees};

use super::{Knowledge, Sample, StealError};

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
            max_steps: None,
        }
    }
}

impl SubstituteOptions {
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
pub(super) fn answer(model: &Model, raw: &[f64]) -> (usize, Vec<f64>) {
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
        let Some(first) = sample.points.first() else {
            return Err(StealError::NothingLabelled);
        };
        let (class, classes) = (first.label, known.classes);
        if sample.points.iter().all(|point| point.label == class) {
            let classifier = Classifier::Constant { class, classes };
            return Ok(Self { classifier, sample, steps: 0 });
        }
        let (model, steps) = train(&sample, known, options, seed)?;
        Ok(Self { classifier: Classifier::Model(Box::new(model)), sample, steps })
    }
}

fn train(
    sample: &Sample,
    known: &Knowledge,
    options: &SubstituteOptions,
    seed: u64,
) -> Result<(Model, u64), StealError> {
    // synthesised points have no cells to hash
    let key = Digest::of(b"");
    let row =
        |point: &super::Labelled| Row { values: point.values.clone(), label: point.label, key };
    let rows: Vec<Row> = sample.points.iter().map(row).collect();
    let (schema, classes) = (known.schema, known.classes);
    let is_network = match options.family {
        SubstituteFamily::Target => known.family == "mlp",
        SubstituteFamily::Mlp => true,
        SubstituteFamily::Trees => false,
    };
    let mut steps = 0;
    let mut count = |progress: Progress| steps = progress.done;
    let model = if is_network {
        mlp::train(schema, classes, &rows, &[], &options.mlp(seed), &mut count)?
    } else {
        trees::train(schema, classes, &rows, &[], &options.boosting(), &mut count)?
    };
    Ok((model, steps))
}
