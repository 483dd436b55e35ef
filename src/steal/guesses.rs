//! Inferred labels beside simple guesses, on the same points.
//!
//! ```text
//! rate       inferred / labelled points that were generated
//! accuracy   share of inferred labels that are the target's
//! majority, 1-NN, 5-NN      guesses from the points paid before the inferred one
//! substitute                trained on the paid points alone
//! ```
//!
//! An accuracy that these reach too is no merit of the inference.

use serde::{Deserialize, Serialize};

use crate::oracle::Answering;

use super::generators::distance;
use super::{Classifier, Knowledge, Labelled, Sample, Source, StealError, SubstituteOptions};

/// The inferred labels of an attack, and guesses for the same points. All are shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InferenceFigures {
    /// Inferred labels among those of generated points.
    pub rate: f64,
    /// Inferred labels that are the exact answers of the attacked target.
    pub accuracy: f64,
    /// The class of most points paid before; class 0 before the first and among equals.
    pub majority: f64,
    /// The label of the nearest point paid before (standardised 2-norm).
    pub nearest: f64,
    /// The label of most of the five nearest.
    pub nearest_5: f64,
    /// A substitute trained on all paid points, and on nothing else.
    pub substitute: f64,
}

impl InferenceFigures {
    /// Compares the inferred labels of a sample with the answers of the attacked target. `None` if none was inferred.
    ///
    /// # Errors
    /// The substitute could not be trained, or a target outside does not answer.
    pub(super) fn new(
        sample: &Sample,
        known: &Knowledge,
        options: &SubstituteOptions,
        seed: u64,
        target: Answering,
    ) -> Result<Option<Self>, StealError> {
        let inferred = sample.points.len() - sample.count(Source::Paid);
        if inferred == 0 {
            return Ok(None);
        }
        let paid: Vec<Labelled> = sample.paid().cloned().collect();
        let (substitute, _) = Classifier::fit(&paid, known, options, seed)?;
        let values = sample.points.iter().filter(|point| point.source != Source::Paid);
        let truth = target.labels(&values.map(|p| p.values.clone()).collect::<Vec<_>>())?;
        let mut truth = truth.into_iter();
        let mut hits = [0usize; 5];
        for (at, point) in sample.points.iter().enumerate() {
            if point.source == Source::Paid {
                continue;
            }
            let before = || sample.points.iter().take(at).filter(|p| p.source == Source::Paid);
            let [one, five] = neighbours(known, before(), &point.values);
            let majority = most_common(before().map(|p| p.label), known.classes);
            let guesses = [point.label, majority, one, five, substitute.label(&point.values)];
            let answer = truth.next().flatten();
            for (hits, guess) in hits.iter_mut().zip(guesses) {
                *hits += usize::from(answer == Some(guess));
            }
        }
        let share = |hits: usize| hits as f64 / inferred as f64;
        let [accuracy, majority, nearest, nearest_5, substitute] = hits.map(share);
        let generated = sample.points.len().saturating_sub(known.seeds.len()).max(1);
        let rate = inferred as f64 / generated as f64;
        Ok(Some(Self { rate, accuracy, majority, nearest, nearest_5, substitute }))
    }
}

/// The labels of the nearest point and of most of the five nearest; class 0 if there are none.
fn neighbours<'p>(
    known: &Knowledge,
    points: impl Iterator<Item = &'p Labelled>,
    values: &[f64],
) -> [usize; 2] {
    let apart = |p: &'p Labelled| (distance(known.schema, &p.values, values), p.label);
    let mut all: Vec<(f64, usize)> = points.map(apart).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let one = all.first().map_or(0, |(_, label)| *label);
    let five = all.iter().take(5).map(|(_, label)| *label);
    [one, most_common(five, known.classes)]
}

/// The class that occurs most; the smaller one among equals.
fn most_common(labels: impl Iterator<Item = usize>, classes: usize) -> usize {
    let mut counts = vec![0usize; classes.max(1)];
    for label in labels {
        if let Some(count) = counts.get_mut(label) {
            *count += 1;
        }
    }
    let best = counts.iter().enumerate().rev().max_by_key(|(_, count)| **count);
    best.map_or(0, |(class, _)| class)
}
