//! The side of an oracle that answers: a model, or a command.

use crate::defense::Defense;
use crate::model::{Model, Schema, argmax, softmax};

use super::{Exchange, OracleError, OutsideTarget, exact_label};

/// The side of an oracle that answers.
#[derive(Clone, Copy, Debug)]
pub enum Answering<'a> {
    /// A model, behind a defense or none.
    Model(&'a Model, Option<&'a Defense>),
    /// A command.
    Outside(&'a OutsideTarget),
}

impl<'a> Answering<'a> {
    /// The features of the points.
    pub fn schema(self) -> &'a Schema {
        match self {
            Self::Model(model, _) => &model.schema,
            Self::Outside(outside) => outside.schema(),
        }
    }

    /// Number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::Model(model, _) => model.classes,
            Self::Outside(outside) => outside.classes(),
        }
    }

    /// The same with this defense in front, or none; a command stays as it is.
    pub fn behind(self, defense: Option<&'a Defense>) -> Self {
        match self {
            Self::Model(model, _) => Self::Model(model, defense),
            Self::Outside(outside) => Self::Outside(outside),
        }
    }

    /// The family of the target, `mlp` or `ensemble`; nothing is known of a command, and `mlp` is said.
    pub fn family_name(self) -> &'static str {
        match self {
            Self::Model(model, _) => model.family_name(),
            Self::Outside(_) => "mlp",
        }
    }

    /// The labels at points, decided exactly for a model, without any count. This is how inferred labels and
    /// substitutes are judged, not a thief's way to the target. `None` where there is no label.
    ///
    /// # Errors
    /// A command that does not answer.
    pub fn labels(self, points: &[Vec<f64>]) -> Result<Vec<Option<usize>>, OracleError> {
        match self {
            Self::Model(model, defense) => {
                Ok(points.iter().map(|x| exact_label(model, defense, x)).collect())
            }
            Self::Outside(outside) => {
                Ok(outside.answers(points)?.into_iter().map(|one| Some(one.label)).collect())
            }
        }
    }

    /// Labels and posteriors of the undefended target at points in `f64`, without any count. A command that
    /// answers labels has their one-hot vectors as posteriors.
    ///
    /// # Errors
    /// A command that does not answer.
    pub fn undefended(self, points: &[Vec<f64>]) -> Result<Vec<(usize, Vec<f64>)>, OracleError> {
        let classes = self.classes();
        let one_hot =
            |label: usize| (0..classes).map(|c| if c == label { 1.0 } else { 0.0 }).collect();
        match self {
            Self::Model(model, _) => {
                let answer = |x: &Vec<f64>| {
                    let scores = model.scores(x);
                    (argmax(&scores, model.tie), softmax(&scores))
                };
                Ok(points.iter().map(answer).collect())
            }
            Self::Outside(outside) => {
                let answers = outside.answers(points)?.into_iter();
                let pair = |one: Exchange| {
                    (one.label, one.posterior.unwrap_or_else(|| one_hot(one.label)))
                };
                Ok(answers.map(pair).collect())
            }
        }
    }
}
