//! The substitute: by default of the target's family, trained on the attacker's labels.
//!
//! | file | learns from |
//! |---|---|
//! | `fitting` | one label per point, by the trainers of the house; the choice between all |
//! | `soft` | posteriors |
//! | `mixmatch` | labels, and further points without one |
//! | `smooth` | labels that neighbours set right, against turned and drawn ones |
//! | `recover` | posteriors as they were before a defense that is known |

mod fitting;
mod mixmatch;
mod recover;
mod smooth;
mod soft;

use serde::{Deserialize, Serialize};

use crate::model::{Model, argmax, softmax};
use crate::train::{mlp, trees};

use super::{Knowledge, Sample, StealError};

pub use mixmatch::{Augmentation, MixMatchOptions};
pub use smooth::SmoothOptions;
pub(super) use soft::{cross_entropy_by_logits, gradient};

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
pub enum LearningMethod {
    /// By the labels.
    #[default]
    Fit,
    /// By the labels, and as many further points of the generator as there are queries.
    MixMatch(MixMatchOptions),
    /// By labels that neighbours set right.
    Smooth(SmoothOptions),
    /// By posteriors recovered from those of a defense that the attacker knows; two classes.
    Recover,
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
    pub learner: LearningMethod,
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
            learner: LearningMethod::Fit,
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

    /// The training of a network.
    pub(super) fn mlp(&self, seed: u64) -> mlp::MlpOptions {
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
            (LearningMethod::Fit, _) | (LearningMethod::MixMatch(_), []) => {
                Classifier::fit(&sample.points, known, options, seed)?
            }
            (LearningMethod::MixMatch(mixing), _) => {
                Classifier::fit_mixed(&sample.points, unlabelled, known, (options, mixing), seed)?
            }
            (LearningMethod::Smooth(by), _) => {
                let smoothed = smooth::smoothed(&sample.points, known.schema, known.classes, by);
                Classifier::fit(&smoothed, known, options, seed)?
            }
            (LearningMethod::Recover, _) => {
                let recovered = recover::recovered(&sample.points, known, options, seed)?;
                Classifier::fit(&recovered, known, options, seed)?
            }
        };
        Ok(Self { classifier, sample, steps })
    }
}
