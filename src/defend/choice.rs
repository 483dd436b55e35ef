//! The strength of a defense by a budget of accuracy, and its effect on rows.

use serde::{Serialize, Serializer};

use crate::certify::CertifyError;
use crate::dataset::{f1, majority_and_minority};
use crate::defense::{Defense, DefenseError};
use crate::model::{DataError, Digest, Model, ModelError, Row, argmax};
use crate::spec::LowerError;
use crate::train::TrainError;

use super::{AnswerGround, DecoyModel, DefenseKind, ResponseMemory, Server, defended_posterior};

/// Reasons why no defense was chosen or measured.
#[derive(Debug, thiserror::Error)]
pub enum DefendError {
    /// The map is for two classes.
    #[error(
        "{kind} is built for 2 classes, the model has {found}; vertex-poisoning (vp) takes more"
    )]
    Classes {
        /// The kind of the map.
        kind: &'static str,
        /// Classes of the model.
        found: usize,
    },
    /// There is nothing to measure accuracy on.
    #[error("no rows were given; accuracy needs at least one")]
    NoRows,
    /// The budget is no number of points.
    #[error("the budget is {found} points of accuracy; it must be 0 or more, and finite")]
    Budget {
        /// The budget requested.
        found: f64,
    },
    /// Parameters that make no defense of the kind.
    #[error("{problem}; {kind} takes {keys}")]
    Parameters {
        /// The short name of the kind.
        kind: &'static str,
        /// The problem in words.
        problem: String,
        /// The keys it takes, with their defaults.
        keys: &'static str,
    },
    /// A parameter is outside its range, or the map is not for the model.
    #[error(transparent)]
    Defense(#[from] DefenseError),
    /// Answers that follow from the scores are not drawn.
    #[error("{kind} draws no answers; boundary-randomised-response does")]
    NotDrawn {
        /// The kind of the map.
        kind: &'static str,
    },
    /// A log of answers that have no proofs.
    #[error(
        "a log is a certificate of the answers that are proved; a band of confidence proves none: give a defense with \
         `shift`"
    )]
    NoProofs,
    /// A log of nothing.
    #[error("no points were given; a log is about at least one")]
    NoPoints,
    /// The model is none that claims about labels are made of.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The answered points are no data set.
    #[error("the answered points: {0}")]
    Data(#[from] DataError),
    /// No decoy can be trained.
    #[error("the decoy: {0}")]
    Decoy(#[source] TrainError),
    /// The decoy that was trained cannot be read.
    #[error("the decoy: {0}")]
    DecoyFile(#[source] ModelError),
    /// A decoy for a kind that has none.
    #[error("{kind} answers by no decoy; adaptive misinformation (am) does")]
    NoDecoy {
        /// The short name of the kind.
        kind: &'static str,
    },
    /// The log could not be made.
    #[error(transparent)]
    Certify(#[from] CertifyError),
}

/// A defense, and the reason for its strength. Accuracies are shares of the validation rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The last admissible defense; the one that changes nothing if there was none.
    #[serde(rename = "parameters", serialize_with = "parameters")]
    pub defense: Defense,
    /// True if no strength was within the budget; the defense changes nothing.
    #[serde(skip)]
    pub is_identity: bool,
    /// Number of strengths tried, the refused one included; 0 if the parameters were given.
    pub steps: usize,
    /// Accuracy without the defense.
    pub accuracy_before: f64,
    /// Accuracy with it.
    pub accuracy_after: f64,
}

fn parameters<S: Serializer>(defense: &Defense, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&defense.parameters())
}

/// The effect of a defense on the answers on rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// Number of rows.
    pub rows: usize,
    /// Share classified correctly without the defense.
    pub accuracy_before: f64,
    /// Share classified correctly with it.
    pub accuracy_after: f64,
    /// F1 of the rarer class of these rows without the defense.
    pub f1_before: f64,
    /// F1 of it with the defense.
    pub f1_after: f64,
    /// Share of rows whose label changes.
    pub flipped: f64,
    /// Share of rows whose answer is drawn; `None` if the defense draws none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawn: Option<f64>,
}

/// Raises the strength of a kind step by step while accuracy on `validation` drops by at most `points` percentage
/// points, and keeps the last admissible one.
///
/// # Errors
/// A model that the defense is not for, no rows, a budget that is negative or not finite.
pub fn choose(
    (kind, decoy): (DefenseKind, Option<&DecoyModel>),
    (model, target): (&Model, Digest),
    validation: &[Row],
    points: f64,
) -> Result<Choice, DefendError> {
    if !(points >= 0.0 && points.is_finite()) {
        return Err(DefendError::Budget { found: points });
    }
    let answers = Answers::new(model, validation)?;
    let correct_before = answers.undefended().correct;
    let (mut chosen, mut correct_after, mut steps) = (None, correct_before, 0);
    for stronger in kind.ladder(target, decoy)? {
        expect_classes(&stronger, model)?;
        steps += 1;
        let correct = answers.behind(&stronger)?.correct;
        let drop = 100.0 * (correct_before as f64 - correct as f64);
        if drop > points * validation.len() as f64 {
            break;
        }
        (chosen, correct_after) = (Some(stronger), correct);
    }
    let share = |count: usize| count as f64 / validation.len() as f64;
    let (accuracy_before, accuracy_after) = (share(correct_before), share(correct_after));
    let is_identity = chosen.is_none();
    let defense = chosen.map_or_else(|| kind.identity(target), Ok)?;
    defense.check_model(model)?;
    Ok(Choice { defense, is_identity, steps, accuracy_before, accuracy_after })
}

/// A defense whose parameters are given, with its accuracy on `validation`.
///
/// # Errors
/// A model that the defense is not for, no rows.
pub fn given(defense: Defense, model: &Model, validation: &[Row]) -> Result<Choice, DefendError> {
    defense.check_model(model)?;
    let Effect { accuracy_before, accuracy_after, .. } = effect(model, &defense, validation)?;
    Ok(Choice { defense, is_identity: false, steps: 0, accuracy_before, accuracy_after })
}

/// Measures `defense` on `rows`, with draws as a server with its key makes them.
///
/// # Errors
/// Other than two classes, no rows.
pub fn effect(model: &Model, defense: &Defense, rows: &[Row]) -> Result<Effect, DefendError> {
    expect_classes(defense, model)?;
    let answers = Answers::new(model, rows)?;
    let share = |count: usize| count as f64 / rows.len() as f64;
    let behind = answers.behind(defense)?;
    let undefended = answers.undefended();
    Ok(Effect {
        rows: rows.len(),
        accuracy_before: share(undefended.correct),
        accuracy_after: share(behind.correct),
        f1_before: undefended.f1,
        f1_after: behind.f1,
        flipped: share(behind.flipped),
        drawn: behind.drawn.map(share),
    })
}

/// Refuses a defense that is not for so many classes.
fn expect_classes(defense: &Defense, model: &Model) -> Result<(), DefendError> {
    match defense.takes(model.classes) {
        true => Ok(()),
        false => Err(DefendError::Classes { kind: defense.kind(), found: model.classes }),
    }
}

/// The undefended answers on rows, computed once.
struct Answers<'a> {
    model: &'a Model,
    rows: &'a [Row],
    /// The label of each row.
    labels: Vec<usize>,
}

/// Numbers of rows.
struct Counted {
    /// Classified correctly.
    correct: usize,
    /// F1 of the rarer class.
    f1: f64,
    /// With another label than without a defense.
    flipped: usize,
    /// With an answer that was drawn, if any is.
    drawn: Option<usize>,
}

impl<'a> Answers<'a> {
    fn new(model: &'a Model, rows: &'a [Row]) -> Result<Self, DefendError> {
        if rows.is_empty() {
            return Err(DefendError::NoRows);
        }
        let labels = rows.iter().map(|row| model.label(&row.values)).collect();
        Ok(Self { model, rows, labels })
    }

    fn undefended(&self) -> Counted {
        self.count(self.labels.iter().copied(), None)
    }

    fn behind(&self, defense: &Defense) -> Result<Counted, DefendError> {
        if defense.randomised().is_some() {
            return self.drawn(defense);
        }
        let served = |row: &Row| {
            argmax(&defended_posterior(self.model, defense, &row.values), self.model.tie)
        };
        Ok(self.count(self.rows.iter().map(served), None))
    }

    /// The answers of a server that has not answered before.
    fn drawn(&self, defense: &Defense) -> Result<Counted, DefendError> {
        let points: Vec<Vec<f64>> = self.rows.iter().map(|row| row.values.clone()).collect();
        let served =
            Server::new(self.model, defense)?.answer(&points, &mut ResponseMemory::default())?;
        let is_drawn = |ground: &AnswerGround| !matches!(ground, AnswerGround::Plain(_));
        let drawn = served.iter().filter(|answer| is_drawn(&answer.ground)).count();
        Ok(self.count(served.iter().map(|answer| answer.label), Some(drawn)))
    }

    fn count(&self, served: impl Iterator<Item = usize>, drawn: Option<usize>) -> Counted {
        let (mut correct, mut flipped) = (0, 0);
        let (_, rarer) = majority_and_minority(self.rows, self.model.classes);
        let pairs = served.zip(&self.labels).zip(self.rows).map(|((served, label), row)| {
            correct += usize::from(served == row.label);
            flipped += usize::from(served != *label);
            (served, row.label)
        });
        let f1 = f1(pairs, rarer);
        Counted { correct, f1, flipped, drawn }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::model::{Ensemble, Family, FeatureSpec, Kind, Node, Precision, Schema, Tie, Tree};

    use super::*;

    /// One feature, margin −4, −0.2, 0.2, 4 in the cells cut at 1, 2, 3.
    fn stairs() -> Model {
        let split = |threshold, left, right| Node::Split {
            feature: crate::model::Feature(0),
            threshold,
            left,
            right,
            default_left: false,
        };
        let nodes = vec![
            split(2.0, 1, 2),
            split(1.0, 3, 4),
            split(3.0, 5, 6),
            Node::Leaf(-4.0),
            Node::Leaf(-0.2),
            Node::Leaf(0.2),
            Node::Leaf(4.0),
        ];
        let feature = FeatureSpec {
            name: "x".to_owned(),
            kind: Kind::Real,
            low: None,
            high: None,
            mean: 0.0,
            scale: 1.0,
        };
        Model {
            schema: Schema::new(vec![feature]).unwrap(),
            precision: Precision::F64,
            tie: Tie::Lower,
            classes: 2,
            link: crate::model::Link::Softmax,
            family: Family::Ensemble(Ensemble {
                base: vec![0.0],
                trees: vec![Tree { output: 0, nodes }],
            }),
        }
    }

    /// `sure` rows far from the boundary and `unsure` rows near it, all labelled correctly.
    fn rows(sure: usize, unsure: usize) -> Vec<Row> {
        let row = |x: f64| Row { values: vec![x], label: 1, key: Digest::of(b"") };
        let near = std::iter::repeat_n(row(2.5), unsure);
        std::iter::repeat_n(row(9.0), sure).chain(near).collect()
    }

    #[test]
    fn the_last_strength_within_the_budget_is_kept() {
        // σ(0.2) = 0.5498 flips as soon as 1/(2(1 − α)) exceeds it: α = 0.10
        let chosen = |kind, rows: &[Row]| {
            let choice = choose((kind, None), (&stairs(), Digest::of(b"")), rows, 1.0).unwrap();
            (choice.defense.parameters(), choice.steps, choice)
        };
        let pp = DefenseKind::PredictionPoisoning;
        let (parameters, steps, choice) = chosen(pp, &rows(90, 10));
        assert_eq!((parameters.as_str(), steps), ("alpha 0.09", 10));
        assert_eq!((choice.accuracy_before, choice.accuracy_after), (1.0, 1.0));
        // one flipped row in a hundred is one point: admissible, to the end
        let (parameters, steps, choice) = chosen(pp, &rows(99, 1));
        assert_eq!((parameters.as_str(), steps), ("alpha 0.49", 49));
        assert_eq!(choice.accuracy_after, 0.99);
        // a mirror turns the same rows from τ = 0.55 on, and even mixtures none
        let am = DefenseKind::AdaptiveMisinformation;
        let (parameters, steps, _) = chosen(am, &rows(90, 10));
        assert_eq!((parameters.as_str(), steps), ("nu 1000, tau 0.54, decoy mirror", 6));
        // 0.45 and 0.55 are both 0.5 with one digit
        assert_eq!(chosen(DefenseKind::Rounding, &rows(90, 10)).0, "digits 2");
        assert_eq!(chosen(DefenseKind::Mixture, &rows(90, 10)).0, "alpha 0.99, eta 0.50 and 0.50");
    }

    #[test]
    fn nothing_is_chosen_without_rows_or_with_a_bad_budget() {
        let chosen = |model: &Model, rows: &[Row], points| {
            choose((DefenseKind::PredictionPoisoning, None), (model, Digest::of(b"")), rows, points)
        };
        assert!(matches!(chosen(&stairs(), &[], 1.0), Err(DefendError::NoRows)));
        for points in [-1.0, f64::NAN, f64::INFINITY] {
            let refused = chosen(&stairs(), &rows(1, 1), points);
            assert!(matches!(refused, Err(DefendError::Budget { .. })));
        }
        let mut three = stairs();
        three.classes = 3;
        let refused = chosen(&three, &rows(1, 1), 1.0);
        assert!(matches!(refused, Err(DefendError::Classes { found: 3, .. })));
    }

    #[test]
    fn the_effect_counts_flips_and_lost_rows() {
        let defense =
            Defense::prediction_poisoning(Digest::of(b""), "0.2".parse().unwrap()).unwrap();
        let mut rows = rows(6, 2);
        rows[7].label = 0; // a wrong answer that the flip makes right
        let effect = effect(&stairs(), &defense, &rows).unwrap();
        assert_eq!(
            (effect.flipped, effect.accuracy_before, effect.accuracy_after),
            (0.25, 0.875, 0.875)
        );
    }

    proptest! {
        #[test]
        fn a_label_flips_below_the_closed_form_threshold(top in 0.5001f64..1.0, step in 1u32..50) {
            let alpha = f64::from(step) / 100.0;
            let threshold = 1.0 / (2.0 * (1.0 - alpha));
            prop_assume!((top - threshold).abs() > 1e-9);
            let defense = DefenseKind::PredictionPoisoning
                .with(Digest::of(b""), &format!("alpha=0.{step:02}"), None)
                .unwrap();
            for label in [0, 1] {
                let mut posterior = vec![1.0 - top; 2];
                posterior[label] = top;
                let served = argmax(&defense.apply(&posterior, label), Tie::Lower);
                prop_assert_eq!(served != label, top < threshold);
            }
        }
    }
}
