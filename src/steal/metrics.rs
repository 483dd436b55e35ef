//! The closeness of a substitute to its target.
//!
//! ```text
//! agreement = share of points with argmax S = argmax F, F the undefended target
//! MSE       = mean over points and classes of (S_c − F_c)²
//! F1        = of S against true labels, positive = minority class of the training rows
//! ```
//!
//! Agreement is reported on three sets, never pooled: held-out rows, uniform points of the input
//! box, and points next to the target's boundary.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::dataset::ValidBox;
use crate::dataset::{f1, majority_and_minority};
use crate::model::{Model, Row};
use crate::oracle::{Answering, Oracle, OracleError};

use super::coverage::IntervalFigures;
use super::generators::{MoveCounts, distance, midpoint};
use super::guesses::InferenceFigures;
use super::{Classifier, Sample, Source, StealStream, Substitute, stream};

/// Bisection stops at this standardised distance between opposite labels (2-norm).
const BOUNDARY_GAP: f64 = 0.1;
/// Most bisection steps per pair.
const MAX_BISECTIONS: usize = 64;

/// Reasons why nothing can be measured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    /// There are no rows where some are needed.
    #[error("no {part} rows were given; agreement and F1 need at least one")]
    NoRows {
        /// `training` or `held-out`.
        part: &'static str,
    },
    /// No uniform points are to be drawn.
    #[error("0 uniform points were asked for; agreement needs at least one")]
    NoPoints,
    /// The target outside did not answer.
    #[error(transparent)]
    Oracle(#[from] OracleError),
}

/// Shares of agreeing points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// On held-out rows.
    pub held_out: f64,
    /// On uniform points of the input box.
    pub uniform: f64,
    /// On boundary points; `None` if no pair of opposite labels was found.
    pub boundary: Option<f64>,
}

/// The results of one classifier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// With the undefended target.
    pub agreement: Agreement,
    /// Per class, on held-out rows.
    pub mse: f64,
    /// Against the data's labels, on held-out rows; 0 if the positive class is never predicted.
    pub f1: f64,
}

/// One attack's figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Distinct points asked.
    pub queries: usize,
    /// Number of labelled points.
    pub labelled: usize,
    /// Labels inferred without a query, by proof or by guess.
    pub inferred: usize,
    /// Inferred labels that differ from the exact answer of the attacked (defended) target; decided
    /// outside the budget.
    pub wrong: usize,
    /// Generated points that already had a label.
    pub duplicates: usize,
    /// Gradient steps (networks) or trees (ensembles) of the substitute.
    pub steps: u64,
    /// The results of the substitute.
    pub scores: Scores,
    /// The inferred labels beside simple guesses; `None` if nothing was inferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference: Option<InferenceFigures>,
    /// The steps that moved points; `None` for generators without a substitute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<MoveCounts>,
    /// The intervals of inference by neighbours; `None` if it formed none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<IntervalFigures>,
}

impl Figures {
    /// The figures of a finished attack.
    ///
    /// # Errors
    /// A target outside that does not answer.
    pub fn new(
        evaluation: &Evaluation,
        substitute: &Substitute,
        oracle: &Oracle,
    ) -> Result<Self, OracleError> {
        let sample = &substitute.sample;
        let moves = Some(sample.moves).filter(|moves| *moves != MoveCounts::default());
        Ok(Self {
            queries: oracle.queries(),
            labelled: sample.points.len(),
            inferred: sample.points.len() - sample.count(Source::Paid),
            wrong: wrong_inferences(oracle.target(), sample)?,
            duplicates: sample.duplicates,
            steps: substitute.steps,
            scores: evaluation.scores(&substitute.classifier),
            inference: None,
            moves,
            intervals: IntervalFigures::new(sample, oracle.target())?,
        })
    }
}

/// Inferred labels that differ from the answers of the (defended) target, decided exactly.
pub(super) fn wrong_inferences(target: Answering, sample: &Sample) -> Result<usize, OracleError> {
    let inferred = sample.points.iter().filter(|point| point.source != Source::Paid);
    let (values, labels): (Vec<Vec<f64>>, Vec<usize>) =
        inferred.map(|point| (point.values.clone(), point.label)).unzip();
    let answers = target.labels(&values)?;
    Ok(answers.iter().zip(labels).filter(|(answer, label)| **answer != Some(*label)).count())
}

/// A point with the target's answer.
#[derive(Clone, Debug)]
struct AnsweredPoint {
    values: Vec<f64>,
    label: usize,
    posterior: Vec<f64>,
}

/// Points to compare on, with the answers of the undefended target in `f64`.
#[derive(Clone, Debug)]
pub struct Evaluation<'a> {
    target: Answering<'a>,
    /// Held-out rows, each with the data's label.
    held_out: Vec<(AnsweredPoint, usize)>,
    uniform: Vec<AnsweredPoint>,
    boundary: Vec<AnsweredPoint>,
    majority: usize,
    minority: usize,
}

impl<'a> Evaluation<'a> {
    /// Prepares the three sets for a model. `size` = number of uniform points and of pairs bisected;
    /// classes are counted on `training`.
    ///
    /// # Errors
    /// No training rows, no held-out rows, `size` 0.
    pub fn new(
        target: &'a Model,
        training: &[Row],
        held_out: &[Row],
        valid: &ValidBox,
        size: usize,
        seed: u64,
    ) -> Result<Self, MetricsError> {
        Self::of(Answering::Model(target, None), training, held_out, valid, size, seed)
    }

    /// Prepares the three sets for a model or a command; a command is asked for its answers, beside any budget.
    ///
    /// # Errors
    /// Those of [`Evaluation::new`], and a command that does not answer.
    pub fn of(
        target: Answering<'a>,
        training: &[Row],
        held_out: &[Row],
        valid: &ValidBox,
        size: usize,
        seed: u64,
    ) -> Result<Self, MetricsError> {
        if training.is_empty() {
            return Err(MetricsError::NoRows { part: "training" });
        }
        if held_out.is_empty() {
            return Err(MetricsError::NoRows { part: "held-out" });
        }
        if size == 0 {
            return Err(MetricsError::NoPoints);
        }
        let mut rng = stream(seed, StealStream::Evaluation);
        let rows: Vec<Vec<f64>> = held_out.iter().map(|row| row.values.clone()).collect();
        let answered = answered_points(target, rows)?;
        let held_out: Vec<_> =
            answered.into_iter().zip(held_out.iter().map(|row| row.label)).collect();
        let uniform = (0..size).map(|_| valid.uniform(&mut rng)).collect();
        let uniform: Vec<AnsweredPoint> = answered_points(target, uniform)?;
        let pool: Vec<&AnsweredPoint> = held_out.iter().map(|(q, _)| q).chain(&uniform).collect();
        let boundary = boundary_points(target, &pool, valid, size, &mut rng)?;
        let boundary = answered_points(target, boundary)?;
        let (majority, minority) = majority_and_minority(training, target.classes());
        Ok(Self { target, held_out, uniform, boundary, majority, minority })
    }

    /// The undefended target.
    pub fn target(&self) -> Answering<'a> {
        self.target
    }

    /// The results of a classifier.
    pub fn scores(&self, classifier: &Classifier) -> Scores {
        let answers: Vec<(usize, Vec<f64>)> =
            self.held_out.iter().map(|(q, _)| classifier.answer(&q.values)).collect();
        let agreeing =
            answers.iter().zip(&self.held_out).filter(|((label, _), (q, _))| *label == q.label);
        let held_out = agreeing.count() as f64 / self.held_out.len() as f64;
        let uniform = agreement(classifier, &self.uniform).unwrap_or_default();
        let boundary = agreement(classifier, &self.boundary);
        let posteriors = answers.iter().map(|(_, p)| p).zip(self.held_out.iter().map(|(q, _)| q));
        let labels = answers.iter().map(|(label, _)| *label);
        let pairs = labels.zip(self.held_out.iter().map(|(_, truth)| *truth));
        Scores {
            agreement: Agreement { held_out, uniform, boundary },
            mse: mean_squared_error(posteriors),
            f1: f1(pairs, self.minority),
        }
    }

    /// The baseline that answers the majority class of the training rows everywhere.
    pub fn majority_scores(&self) -> Scores {
        let classes = self.target.classes();
        self.scores(&Classifier::Constant { class: self.majority, classes })
    }
}

fn agreement(classifier: &Classifier, questions: &[AnsweredPoint]) -> Option<f64> {
    let agreeing = questions.iter().filter(|q| classifier.label(&q.values) == q.label).count();
    (!questions.is_empty()).then(|| agreeing as f64 / questions.len() as f64)
}

fn mean_squared_error<'q>(pairs: impl Iterator<Item = (&'q Vec<f64>, &'q AnsweredPoint)>) -> f64 {
    let squares = pairs.flat_map(|(p, q)| p.iter().zip(&q.posterior).map(|(s, f)| (s - f).powi(2)));
    let (total, count) = squares.fold((0.0, 0usize), |(sum, n), square| (sum + square, n + 1));
    total / count.max(1) as f64
}

fn answered_points(
    target: Answering,
    points: Vec<Vec<f64>>,
) -> Result<Vec<AnsweredPoint>, OracleError> {
    let answers = target.undefended(&points)?;
    let pair = |(values, (label, posterior))| AnsweredPoint { values, label, posterior };
    Ok(points.into_iter().zip(answers).map(pair).collect())
}

/// The last midpoints of bisections between random points of opposite labels.
fn boundary_points(
    target: Answering,
    pool: &[&AnsweredPoint],
    valid: &ValidBox,
    pairs: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Vec<f64>>, OracleError> {
    let Some(first) = pool.first() else { return Ok(Vec::new()) };
    let (same, other): (Vec<&AnsweredPoint>, Vec<&AnsweredPoint>) =
        pool.iter().copied().partition(|q| q.label == first.label);
    if other.is_empty() {
        return Ok(Vec::new());
    }
    let mut pick = |of: &[&AnsweredPoint]| {
        let index = rng.random_range(0..of.len());
        of.get(index).map_or_else(Vec::new, |q| q.values.clone())
    };
    let pairs = (0..pairs).map(|_| (pick(&same), pick(&other))).collect();
    bisect(target, valid, first.label, pairs)
}

/// The last midpoint between the points of each pair, of which the first has that label and the second another. All
/// pairs are halved together, so that a command is asked in batches.
fn bisect(
    target: Answering,
    valid: &ValidBox,
    label: usize,
    mut pairs: Vec<(Vec<f64>, Vec<f64>)>,
) -> Result<Vec<Vec<f64>>, OracleError> {
    let middle = |(a, b): &(Vec<f64>, Vec<f64>)| midpoint(valid, a, b);
    let mut middles: Vec<Vec<f64>> = pairs.iter().map(middle).collect();
    for _ in 0..MAX_BISECTIONS {
        // with whole features, there may be nothing between two neighbours
        let is_open = |((a, b), middle): &(&(Vec<f64>, Vec<f64>), &Vec<f64>)| {
            let is_far = distance(target.schema(), a, b) > BOUNDARY_GAP;
            is_far && *middle != a && *middle != b
        };
        let open = pairs.iter().zip(&middles).enumerate().filter(|(_, pair)| is_open(pair));
        let open: Vec<usize> = open.map(|(at, _)| at).collect();
        if open.is_empty() {
            break;
        }
        let asked: Vec<Vec<f64>> = open.iter().map(|&at| middles[at].clone()).collect();
        let answers = target.undefended(&asked)?;
        for (at, (found, _)) in open.into_iter().zip(answers) {
            let moved = std::mem::take(&mut middles[at]);
            if found == label {
                pairs[at].0 = moved;
            } else {
                pairs[at].1 = moved;
            }
            middles[at] = middle(&pairs[at]);
        }
    }
    Ok(middles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_counts_the_positive_class_only() {
        let pairs = [(1, 1), (1, 0), (0, 1), (0, 0), (0, 0)];
        assert_eq!(f1(pairs.into_iter(), 1), 0.5);
        assert_eq!(f1(pairs.into_iter(), 0), 2.0 / 3.0);
        assert_eq!(f1([(0, 1), (0, 0)].into_iter(), 1), 0.0);
    }

    #[test]
    fn the_error_is_a_mean_over_points_and_classes() {
        let question = AnsweredPoint { values: vec![], label: 0, posterior: vec![0.75, 0.25] };
        let substitute = vec![0.25, 0.75];
        let pairs = [(&substitute, &question), (&question.posterior, &question)];
        assert_eq!(mean_squared_error(pairs.into_iter()), 0.125);
    }
}
