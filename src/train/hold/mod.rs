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
use super::{Fit, HoldDemands, Progress, Recipe, RepairOptions, RepairRound, TrainError, repair};
use attempts::{Afterwards, Attempt};

pub use attempts::HoldFamily;
pub use figures::HoldFigures;

/// The settings of [`hold`].
#[derive(Clone, Debug, PartialEq)]
pub struct HoldOptions {
    /// The family; `None`: ensembles with two classes, else networks.
    pub family: Option<HoldFamily>,
    /// The accuracy on validation rows that may be lost, as a share. `None`: the usual training, whatever it
    /// costs.
    pub price: Option<f64>,
    /// The first rows of each part that claims are certified on.
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
    /// There are no rows to choose by.
    #[error("the data has no validation rows to certify on; a model is chosen by them")]
    NoValidation,
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
    /// The training that was chosen, in words; the natural one if nothing better was to be had at the price.
    pub training: String,
    /// True if the natural model was kept.
    pub is_natural: bool,
    /// All that were tried, the natural model first.
    pub tried: Vec<Tried>,
    /// Figures of the natural and of the chosen model on validation rows, by which it was chosen.
    pub validation: [HoldFigures; 2],
    /// The same on test rows.
    pub test: [HoldFigures; 2],
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
/// one that is proved to hold most among those that lose no more accuracy; without, the usual training.
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
    if data.part(Part::Validation).is_empty() {
        return Err(HoldError::NoValidation);
    }
    let schema =
        dataset::schema(data).map_err(|error| TrainError::Schema { reason: error.to_string() })?;
    let demands = HoldDemands::of(specs, &schema, data.classes())?;
    let family = options.family.unwrap_or_else(|| HoldFamily::usual(data.classes()));
    family.expect(&demands)?;
    let of_training: Vec<Spec> =
        specs.iter().filter(|spec| !demands.by_repair.contains(spec)).cloned().collect();
    let fit = Fit::of(data, &schema, options.seed);
    let certified = |model: &Model, part| HoldFigures::of(model, specs, data, part, options);

    let mut candidates = Vec::new();
    for attempt in attempts::of(family, &demands, options.price.is_some()) {
        let recipe = attempt.recipe(&of_training);
        let model = train(&recipe, &fit, &attempt, tell)?;
        let Some(model) = finish(model, attempt.after, &demands, data, tell)? else { continue };
        tell(HoldProgress::Certifying(&attempt.words));
        let figures = certified(&model, Part::Validation)?;
        candidates.push((attempt, model, figures));
    }
    let chosen = choose(&candidates, options.price);
    let test = [0, chosen].map(|at| certified(&candidates[at].1, Part::Test));
    let [natural, held] = test;
    let tried = candidates.iter().map(|(attempt, _, figures)| Tried {
        training: attempt.words.clone(),
        figures: figures.clone(),
    });
    Ok(HeldModel {
        tried: tried.collect(),
        validation: [0, chosen].map(|at| candidates[at].2.clone()),
        test: [natural?, held?],
        is_natural: chosen == 0,
        training: candidates[chosen].0.words.clone(),
        model: candidates.swap_remove(chosen).1,
    })
}

fn train(
    recipe: &Recipe,
    fit: &Fit,
    attempt: &Attempt,
    tell: &mut dyn FnMut(HoldProgress),
) -> Result<Model, TrainError> {
    tell(HoldProgress::Training(&attempt.words));
    recipe.fit(fit, &mut |step| tell(HoldProgress::Step(step)))
}

/// The work on a trained model; `None` if it does not help.
fn finish(
    model: Model,
    after: Afterwards,
    demands: &HoldDemands,
    data: &DataSet,
    tell: &mut dyn FnMut(HoldProgress),
) -> Result<Option<Model>, HoldError> {
    let options = RepairOptions::default();
    Ok(match after {
        Afterwards::Nothing => Some(model),
        Afterwards::Repair => {
            let watch = &mut |round| tell(HoldProgress::Repair(round));
            Some(repair(model, &demands.of_repair(), data, &options, watch)?.model)
        }
        Afterwards::Shrink => shrink(&model, &demands.of_repair(), data, &options)?,
    })
}

/// The candidate to keep; the first one is natural. Without a price it is one of the others.
fn choose(candidates: &[(Attempt, Model, HoldFigures)], price: Option<f64>) -> usize {
    let natural = candidates[0].2.accuracy();
    let is_candidate = |at: &usize| {
        let figures = &candidates[*at].2;
        price.map_or(*at > 0, |price| natural - figures.accuracy() <= price)
    };
    let worth = |at: usize| (candidates[at].2.proved(), candidates[at].2.accuracy());
    (0..candidates.len())
        .filter(is_candidate)
        .reduce(|best, at| if worth(at) > worth(best) { at } else { best })
        .unwrap_or(0)
}
