//! Models trained to hold specs, at a price in accuracy.
//!
//! A natural model and one or more models trained to hold the specs are certified on the same validation rows. The
//! choice is made there; figures on test rows come afterwards and choose nothing.
//!
//! | file | what it holds |
//! |---|---|
//! | `attempts` | the trainings to try, from the strongest on |
//! | `figures` | what a model is worth: accuracy, loss, and what is proved of it |

mod attempts;
mod figures;
#[cfg(test)]
mod tests;

use crate::certify::CertifyError;
use crate::dataset;
use crate::model::{DataSet, Model, Part};
use crate::spec::Spec;

use super::repair::shrink;
use super::{Fit, HoldDemands, Progress, RepairOptions, RepairRound, TrainError, repair};
use attempts::Afterwards;

pub use attempts::HoldFamily;
pub use figures::{HoldFigures, ScoreScale};

/// The settings of [`hold`].
#[derive(Clone, Debug, PartialEq)]
pub struct HoldOptions {
    /// The family; `None`: ensembles with two classes, else networks; networks too where no trainer of ensembles holds a
    /// spec.
    pub family: Option<HoldFamily>,
    /// The accuracy on validation rows that may be lost, as a share. `None`: the usual training, whatever it
    /// costs.
    pub price: Option<f64>,
    /// Rows of each part, at equal steps, that claims are certified on.
    pub rows: usize,
    /// Nodes of a case distinction per obligation.
    pub budget_nodes: u64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for HoldOptions {
    fn default() -> Self {
        Self { family: None, price: None, rows: 300, budget_nodes: 300, seed: 0 }
    }
}

/// The reasons why no model was trained to hold specs.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// It cannot be trained.
    #[error("{0}")]
    Train(#[from] TrainError),
    /// It cannot be certified.
    #[error("{0}")]
    Certify(#[from] CertifyError),
    /// There are no rows to certify on.
    #[error("the data has no {part} rows; a model is chosen by validation rows and told by test rows", part = part.name())]
    NoRows {
        /// The part.
        part: Part,
    },
    /// No rows are asked for.
    #[error("--rows 0: certify at least one row")]
    Rows,
    /// The price is no share.
    #[error("--price {found}: expected the share of accuracy that may be lost, from 0 to 1")]
    Price {
        /// The price asked.
        found: f64,
    },
}

/// One model that was tried, with its figures on validation rows.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The training, in words.
    pub training: String,
    /// Its figures on validation rows.
    pub figures: HoldFigures,
}

/// A model trained to hold specs, beside the natural one.
#[derive(Clone, Debug)]
pub struct HeldModel {
    /// The model.
    pub model: Model,
    /// All that were tried, the natural model first.
    pub tried: Vec<Tried>,
    /// The place of the chosen one among them; 0 if nothing better than the natural one was to be had.
    pub chosen: usize,
    /// Figures of the natural and of the chosen model on test rows, which choose nothing.
    pub test: [HoldFigures; 2],
}

impl HeldModel {
    /// True if the natural model was kept.
    pub fn is_natural(&self) -> bool {
        self.chosen == 0
    }

    /// The training that was chosen, in words.
    pub fn training(&self) -> &str {
        &self.tried[self.chosen].training
    }

    /// Figures of the natural and of the chosen model on validation rows, by which it was chosen.
    pub fn validation(&self) -> [&HoldFigures; 2] {
        [0, self.chosen].map(|at| &self.tried[at].figures)
    }
}

/// The progress of [`hold`].
#[derive(Clone, Copy, Debug)]
pub enum HoldProgress<'a> {
    /// A training begins.
    Training(&'a str),
    /// A step of it.
    Step(Progress),
    /// A round of moving leaf values.
    Repair(RepairRound),
    /// It is certified.
    Certifying(&'a str),
}

/// Trains models of `data` to hold `specs`, certifies each on validation rows, and chooses one: with a price, the
/// one that is proved to hold most among those that lose no more accuracy; without, the same among all but the
/// natural one.
///
/// # Errors
/// Specs that no trainer can hold, or that say nothing about the data; data without validation rows.
pub fn hold(
    data: &DataSet,
    specs: &[Spec],
    options: &HoldOptions,
    tell: &mut dyn FnMut(HoldProgress),
) -> Result<HeldModel, HoldError> {
    if let Some(found) = options.price.filter(|price| !(0.0..=1.0).contains(price)) {
        return Err(HoldError::Price { found });
    }
    if options.rows == 0 {
        return Err(HoldError::Rows);
    }
    let mut parts = [Part::Validation, Part::Test].into_iter();
    if let Some(part) = parts.find(|part| data.part(*part).is_empty()) {
        return Err(HoldError::NoRows { part });
    }
    let schema =
        dataset::schema(data).map_err(|error| TrainError::Schema { reason: error.to_string() })?;
    let demands = HoldDemands::of(specs, &schema, data.classes())?;
    let family = options.family.unwrap_or_else(|| HoldFamily::usual(data.classes(), &demands));
    family.expect(&demands)?;
    let fit = Fit::of(data, &schema, options.seed);
    let certified = |model: &Model, part| HoldFigures::of(model, specs, data, part, options);

    let mut candidates = Vec::new();
    for attempt in attempts::of(family, (&demands, &schema), specs, options.price.is_some()) {
        tell(HoldProgress::Training(&attempt.words));
        let trained = attempt.recipe.fit(&fit, &mut |step| tell(HoldProgress::Step(step)))?;
        for after in attempt.afterwards {
            let Some(model) = finish(&trained, after, &demands, data, tell)? else { continue };
            let training = after.words(&attempt.words);
            tell(HoldProgress::Certifying(&training));
            let figures = certified(&model, Part::Validation)?;
            candidates.push(Trained { model, tried: Tried { training, figures } });
        }
    }
    let chosen = choose(&candidates, options.price);
    let [natural, held] = [0, chosen].map(|at| certified(&candidates[at].model, Part::Test));
    let test = [natural?, held?];
    let model = candidates[chosen].model.clone();
    let tried = candidates.into_iter().map(|candidate| candidate.tried).collect();
    Ok(HeldModel { model, tried, chosen, test })
}

/// A model that may be chosen.
struct Trained {
    model: Model,
    tried: Tried,
}

/// The work on a trained model; `None` if it does not help.
fn finish(
    model: &Model,
    after: Afterwards,
    demands: &HoldDemands,
    data: &DataSet,
    tell: &mut dyn FnMut(HoldProgress),
) -> Result<Option<Model>, HoldError> {
    let options = RepairOptions::default();
    Ok(match after {
        Afterwards::Nothing => Some(model.clone()),
        Afterwards::Repair => {
            let watch = &mut |round| tell(HoldProgress::Repair(round));
            Some(repair(model.clone(), &demands.of_repair(), data, &options, watch)?.model)
        }
        Afterwards::Shrink => shrink(model, &demands.of_repair(), data, &options)?,
    })
}

/// The candidate to keep; the first one is natural. Without a price it is one of the others.
fn choose(candidates: &[Trained], price: Option<f64>) -> usize {
    let figures = |at: usize| &candidates[at].tried.figures;
    let natural = figures(0).accuracy();
    let is_candidate =
        |at: &usize| price.map_or(*at > 0, |price| natural - figures(*at).accuracy() <= price);
    let worth = |at: usize| (figures(at).proved(), figures(at).accuracy());
    (0..candidates.len())
        .filter(is_candidate)
        .reduce(|best, at| if worth(at) > worth(best) { at } else { best })
        .unwrap_or(0)
}
