//! Networks by stochastic gradient descent and tree ensembles by boosting: natural, or trained to hold specs.
//!
//! ```text
//! rows ── mlp::train   ── minimise mean −ln softmax(f(z))_y   by Adam on minibatches of z
//!     └── trees::train ── f ← f + η·tree, tree fitted to the gradient of ln(1 + e^{∓f(x)})
//!
//! specs ── HoldDemands ─┬─ boxes in which rows keep their label ── mlp, trees: robust losses
//!                       ├─ directions ── monotone constraints of boosting
//!                       └─ claims about two points ─┬─ repair: leaf values moved until nothing is refuted
//!                                                   └─ mlp: pairs that break them are sought and trained on
//! ```
//!
//! All fit the training rows alone; validation rows decide when to stop, which epoch to keep, and which model
//! ([`hold`]). A trainer promises nothing about its model: to prove a property, certify the result. The same rows,
//! options and seed give the same model, bit for bit.
//!
//! | file | what it holds |
//! |---|---|
//! | `mlp/` | networks: cross-entropy, attacked points, interval bounds, formulas, claims about two points, signs of weights |
//! | `trees/` | boosting, also under moves |
//! | `demand`, `moves` | what specs ask of a model: boxes, directions, claims to repair |
//! | `held` | specs as recipes name them |
//! | `logic/` | constraints as formulas with their loss |
//! | `repair/` | leaf values under counterexamples |
//! | `hold/` | several trainings, certified and chosen by validation rows |
//! | `recipe` | a training as TOML |

mod demand;
mod error;
mod held;
mod hold;
pub mod logic;
pub mod mlp;
mod moves;
mod recipe;
mod repair;
pub mod trees;

pub use demand::HoldDemands;
pub use error::{RecipeError, TrainError};
pub use hold::{
    HeldModel, HoldError, HoldFamily, HoldFigures, HoldOptions, HoldProgress, ScoreScale, Tried,
    hold,
};
pub use moves::{MovableRows, RowBoxes};
pub use recipe::{Fit, Recipe};
pub use repair::{RepairOptions, RepairRound, Repaired, repair};

use crate::model::{Row, Schema};

/// The progress of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Gradient steps or trees so far.
    pub done: u64,
    /// Gradient steps or trees if nothing stops the training early.
    pub total: u64,
    /// Share of the validation rows classified correctly just now; `None` without such rows.
    pub validation_accuracy: Option<f64>,
    /// The shares of the validation rows that keep their label where they may move, in training for that: as far as
    /// an attack can tell, and by interval bounds in floats. Sampled and advisory; nothing is proved.
    pub validation_holding: Option<[f64; 2]>,
    /// The mean share of the validation rows, pairs or bounds that keep the claims trained for beside the label's, as
    /// far as an attack can tell. Sampled and advisory.
    pub validation_claims: Option<f64>,
}

/// Checks that training rows exist and have at least two classes, and that all rows fit `schema` and
/// have labels below `classes`.
fn check_rows(
    schema: &Schema,
    classes: usize,
    train: &[Row],
    validation: &[Row],
) -> Result<(), TrainError> {
    let first = train.first().ok_or(TrainError::NoRows)?;
    train.iter().enumerate().try_for_each(|(at, row)| check_row(schema, classes, at, row))?;
    validation.iter().enumerate().try_for_each(|(at, row)| check_row(schema, classes, at, row))?;
    if train.iter().all(|row| row.label == first.label) {
        return Err(TrainError::OneClass { class: first.label, rows: train.len() });
    }
    Ok(())
}

fn check_row(schema: &Schema, classes: usize, at: usize, row: &Row) -> Result<(), TrainError> {
    if row.values.len() != schema.len() {
        let (found, expected) = (row.values.len(), schema.len());
        return Err(TrainError::RowLength { row: at, found, expected });
    }
    if row.label >= classes {
        return Err(TrainError::Label { row: at, found: row.label, classes });
    }
    let fits = |x: &f64| (*x as f32).is_finite();
    match row.values.iter().zip(schema.features()).find(|(x, _)| !fits(x)) {
        Some((&found, feature)) => {
            Err(TrainError::Value { row: at, feature: feature.name.clone(), found })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Digest, FeatureSpec, Kind};

    /// Real features without ranges, `z = x`.
    pub(super) fn plain_schema(features: usize) -> Schema {
        let feature = |index| FeatureSpec {
            name: format!("x{index}"),
            kind: Kind::Real,
            low: None,
            high: None,
            mean: 0.0,
            scale: 1.0,
        };
        Schema::new((0..features).map(feature).collect()).unwrap()
    }

    pub(super) fn row(values: &[f64], label: usize) -> Row {
        Row { values: values.to_vec(), label, key: Digest::of(b"") }
    }

    fn check(rows: &[Row]) -> Result<(), TrainError> {
        check_rows(&plain_schema(2), 2, rows, &[])
    }

    #[test]
    fn rows_of_two_classes_pass() {
        assert_eq!(check(&[row(&[0.0, 1.0], 0), row(&[0.0, 1.0], 1)]), Ok(()));
    }

    #[test]
    fn bad_rows_are_refused_by_name() {
        assert_eq!(check(&[]), Err(TrainError::NoRows));
        let one_class = [row(&[0.0, 1.0], 1), row(&[1.0, 1.0], 1)];
        assert_eq!(check(&one_class), Err(TrainError::OneClass { class: 1, rows: 2 }));
        let short = [row(&[0.0, 1.0], 0), row(&[0.0], 1)];
        assert_eq!(check(&short), Err(TrainError::RowLength { row: 1, found: 1, expected: 2 }));
        let label = [row(&[0.0, 1.0], 2)];
        assert_eq!(check(&label), Err(TrainError::Label { row: 0, found: 2, classes: 2 }));
        for found in [f64::INFINITY, 1e39] {
            let refusal = TrainError::Value { row: 0, feature: "x1".to_owned(), found };
            assert_eq!(check(&[row(&[0.0, found], 0)]), Err(refusal));
        }
        assert!(matches!(check(&[row(&[f64::NAN, 0.0], 0)]), Err(TrainError::Value { .. })));
    }

    #[test]
    fn validation_rows_are_checked_too() {
        let train = [row(&[0.0, 1.0], 0), row(&[0.0, 1.0], 1)];
        let refused = check_rows(&plain_schema(2), 2, &train, &[row(&[0.0], 0)]);
        assert_eq!(refused, Err(TrainError::RowLength { row: 0, found: 1, expected: 2 }));
    }
}
