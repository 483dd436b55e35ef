//! Model stealing: labels points through the [`Oracle`], trains a substitute on them, and compares.
//!
//! ```text
//! attack TOML ── AttackSpec ── Attack::steal(oracle, knowledge, seed) ── Substitute
//!                                  │ generate points, ask or infer labels
//! Evaluation ── metrics on three sets, baselines ── paired runs ── leakage of the certificate
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `rounds` | the loop of all attacks: generate, infer or ask, train |
//! | `generators/` | the sources of new points |
//! | `inference/` | labels without a query: those that follow from proofs and paid answers, and guesses |
//! | `learners/` | the model trained on the labels |
//! | `presets`, `attack_file` | attacks of papers as settings of the loop, in TOML |
//! | `metrics`, `guesses`, `paired` | the results of an attack, next to those without inference |
//! | `extraction/` | targets read off their answers: thresholds by bisection, with proofs or without, layers by equations |
//! | `choosing` | a generator's length chosen among several, by paid labels or by an oracle |
//! | `coverage` | the intervals of a published inference beside the posteriors that they are said to hold |
//! | `angles` | angles between gradients on benign and on synthesised points |
//! | `leakage`, `covering` | the labels that the certificate alone gives away, and the fewest queries for that |
//!
//! Everything is a function of its inputs and one seed.

mod angles;
mod attack_file;
mod choosing;
mod coverage;
mod covering;
mod extraction;
mod generators;
mod guesses;
mod inference;
mod leakage;
mod learners;
#[cfg(test)]
mod measured;
mod metrics;
mod paired;
mod presets;
mod rounds;
#[cfg(test)]
mod tests;

pub use angles::{AngleFigures, AngleReading, angles};
pub use attack_file::{AttackNumbers, AttackSpecError};
pub use choosing::{ChosenBy, ChosenLength, LengthChoice};
pub use coverage::{IntervalFigures, PosteriorInterval};
pub use extraction::{EquationSolving, PathSearch, ThresholdSearch};
pub use generators::{Generator, MoveCounts};
pub use guesses::InferenceFigures;
pub use inference::{
    CertifiedLabels, DeviationForm, Inference, IntervalRule, LogTerm, NeighbourSource, RuleChoice,
    RuleName, SecurityProperty, VectorNorm,
};
pub use leakage::{FewestQueries, Settled, Settling, fewest, settled};
pub use learners::{
    Augmentation, Classifier, LearningMethod, MixMatchOptions, SmoothOptions, Substitute,
    SubstituteFamily, SubstituteOptions,
};
pub use metrics::{Agreement, Evaluation, Figures, MetricsError, Scores};
pub use paired::{Repetition, Scene, run};
pub use presets::{AttackName, AttackSpec, SeedRows};
pub use rounds::StealLoop;

use std::fmt;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::certificate::Proved;
use crate::dataset::ValidBox;
use crate::defense::Defense;
use crate::model::{DataSet, Model, Part, Row, Schema};
use crate::oracle::{Oracle, OracleError};
use crate::train::TrainError;

/// A method of obtaining a substitute.
pub trait Attack {
    /// Refuses what [`Attack::steal`] would refuse of the settings, before anything is asked.
    ///
    /// # Errors
    /// Settings that do not fit the target, its response or what is known of it.
    fn expect(&self, oracle: &Oracle, known: &Knowledge) -> Result<(), StealError>;

    /// Asks `oracle` for labels, within its budget, and trains a substitute on them.
    ///
    /// # Errors
    /// See [`StealError`]. A used-up budget is no error; attacks stop before it.
    fn steal(
        &self,
        oracle: &mut Oracle,
        known: &Knowledge,
        seed: u64,
    ) -> Result<Substitute, StealError>;
}

/// The attacker's knowledge before the first query.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    /// Features of the target, with their standardisation.
    pub schema: &'a Schema,
    /// Number of classes.
    pub classes: usize,
    /// Family of the target, `mlp` or `ensemble`.
    pub family: &'a str,
    /// The points that may be asked.
    pub valid: &'a ValidBox,
    /// The attacker's own rows. Their data labels are not used: the target's labels for them cost
    /// queries.
    pub seeds: &'a [Row],
    /// The claims that the kernel proved of the target.
    pub proved: &'a [Proved],
    /// The defense that `proved` was lowered with; `None` for the undefended model.
    pub proofs_about: Option<&'a Defense>,
    /// The defense in front of the target, with its parameters: an attacker who adapts to it knows them. Its key is a secret,
    /// and no attack uses it.
    pub defense: Option<&'a Defense>,
}

/// A stolen model, compared with its target.
#[derive(Clone, Debug)]
pub struct Theft {
    /// The thief's model.
    pub substitute: Substitute,
    /// The results of the attack.
    pub figures: Figures,
}

impl fmt::Display for Theft {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let Figures { queries, inferred, scores, .. } = &self.figures;
        let agreement = 100.0 * scores.agreement.held_out;
        write!(
            to,
            "{queries} queries, {inferred} labels by proof: agrees on {agreement:.1}% of held-out rows"
        )
    }
}

/// Attacks a model: the thief's own rows are of the auxiliary part, the test part measures agreement. For
/// repetitions beside runs without inference, or through a defense, there is [`run`].
///
/// # Errors
/// An attack that cannot start, or data without the rows to measure on.
pub fn steal(
    target: &Model,
    data: &DataSet,
    attack: &AttackSpec,
    proved: &[Proved],
    seed: u64,
) -> Result<Theft, StealError> {
    let valid = &ValidBox::new(&target.schema);
    let (training, test) = (data.part(Part::Train), data.part(Part::Test));
    let evaluation = &Evaluation::new(target, training, test, valid, POINTS, seed)?;
    let pool = data.part(Part::Auxiliary);
    let scene = Scene { evaluation, defense: None, pool, valid, proved, proofs_about: None };
    let seeds = scene.seed_rows(attack, seed);
    let (substitute, figures) = scene.play(attack, &scene.knowledge(&seeds), seed)?;
    Ok(Theft { substitute, figures })
}

/// Uniform points, and pairs of points bisected, on which a theft is measured.
const POINTS: usize = 1000;

/// A point with the attacker's label for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// Raw feature values.
    pub values: Vec<f64>,
    /// The class.
    pub label: usize,
    /// The source of the label.
    pub source: Source,
    /// The posterior answered, if the oracle gives posteriors.
    pub posterior: Option<Vec<f64>>,
}

/// The source of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The oracle, for one query.
    Paid,
    /// A proof and a paid answer.
    Inferred,
    /// A tuned interval around the labels of neighbours; nothing guarantees it.
    Guessed,
}

/// The labelled points of one attack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The points in the order of labelling; distinct.
    pub points: Vec<Labelled>,
    /// Generated points that already had a label and were dropped.
    pub duplicates: usize,
    /// The steps that moved points, for generators that search with a substitute.
    pub moves: MoveCounts,
    /// The intervals of inference by neighbours, in the order of its points.
    pub intervals: Vec<PosteriorInterval>,
}

impl Sample {
    /// Number of labels from that source.
    pub fn count(&self, source: Source) -> usize {
        self.points.iter().filter(|point| point.source == source).count()
    }

    /// The points that were asked, in order.
    pub fn paid(&self) -> impl Iterator<Item = &Labelled> {
        self.points.iter().filter(|point| point.source == Source::Paid)
    }
}

/// Reasons why an attack failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StealError {
    /// There is nothing to measure agreement on.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The oracle refused.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// The substitute could not be trained.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A generator or attack that starts from rows, without rows.
    #[error("`{what}` starts from the attacker's own rows, and there are none; give seed rows")]
    NoSeeds {
        /// The generator or attack.
        what: &'static str,
    },
    /// The seed rows alone use more than the budget.
    #[error("{seeds} seed rows need {seeds} queries, the budget is {budget}")]
    SeedsOverBudget {
        /// Seed rows.
        seeds: usize,
        /// Queries allowed.
        budget: usize,
    },
    /// Generator `along` without a monotone feature.
    #[error("generator `along` moves along features proved monotone, and none is; use `neighbour`")]
    NothingMonotone,
    /// The proofs are about one function, the answers come from another.
    #[error("the proofs are about the {proofs} target, the oracle answers for the {oracle} one")]
    OtherTarget {
        /// `undefended` or `defended`.
        proofs: &'static str,
        /// `undefended`, `defended` or `otherwise defended`.
        oracle: &'static str,
    },
    /// Certified inference was combined with drawn labels.
    #[error(
        "certified inference needs labels that follow from the point; found response `{found}`"
    )]
    DrawnLabels {
        /// The response mode.
        found: &'static str,
    },
    /// The oracle's answer is not the proved one: certificate and target do not belong together.
    #[error(
        "the oracle answers {answer} where the certificate proves {proved}; check that both belong to one target"
    )]
    Contradiction {
        /// The oracle's label.
        answer: usize,
        /// The proved label.
        proved: usize,
    },
    /// Inference by intervals with other than two classes.
    #[error("rule `{rule}` infers labels of two classes; the target has {found}")]
    TwoClasses {
        /// The rule.
        rule: &'static str,
        /// Classes of the target.
        found: usize,
    },
    /// The property of the attack's file is about a feature that the target does not have.
    #[error("the attack's property is about feature `{feature}`; the target has {features}")]
    NoSuchFeature {
        /// The name in the file.
        feature: String,
        /// The features of the target.
        features: String,
    },
    /// A part of the attack needs another substitute.
    #[error("{what} needs {needs}; the substitute is {found}: change one of them in [substitute]")]
    Substitute {
        /// The part.
        what: &'static str,
        /// Needed.
        needs: &'static str,
        /// Found.
        found: &'static str,
    },
    /// Threshold search on a target that is not proved monotone in every feature.
    #[error(
        "threshold search needs two classes and proofs of monotone order in every feature: {found} of {features} features are proved; give --certificates, or use paths, which needs no proof"
    )]
    NotMonotone {
        /// Features proved monotone.
        found: usize,
        /// All features.
        features: usize,
    },
    /// Equation solving without posteriors.
    #[error("equation solving needs response = \"posterior\"; the oracle answers with `{found}`")]
    NeedsPosteriors {
        /// The response mode.
        found: &'static str,
    },
    /// There is no sample to train on.
    #[error("no point was labelled, so there is nothing to train on; raise the budget")]
    NothingLabelled,
}

/// Independent random streams of one seed. Their numbers decide what chance brings, so they stay.
#[derive(Clone, Copy, Debug)]
enum StealStream {
    Points = 0,
    SeedRows = 1,
    Evaluation = 2,
    Order = 4,
    Mixing = 5,
    Bootstrap = 6,
}

fn stream(seed: u64, purpose: StealStream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}
