//! Answers away from the data. Three sets of points are told apart, since the set changes a figure more than the model
//! does.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};

use crate::dataset::{ValidBox, shuffled};
use crate::defense::Defense;
use crate::model::{Digest, Model, Row};
use crate::text::Share;

use super::{DefendError, effect};

/// Points of a set, fewer where they are shuffled rows and there are no more rows.
const POINTS: usize = 1000;
/// Standard deviations of the data by which the far points spread.
const FAR: f64 = 3.0;
/// The stream of a study's seed from which the points are drawn.
const STREAM: u64 = 13;

/// Points away from the data whose label a defense changes. The set of points matters more than the model: it is named.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedElsewhere {
    /// Of uniform points of the domain.
    pub uniform: Share,
    /// Of test rows whose columns are shuffled, each by itself.
    pub shuffled: Share,
    /// Of normal points, three standard deviations of the data wide, clipped to the domain.
    pub far: Share,
}

/// The labels that a defense changes on points away from the rows `test`, drawn from `seed`.
///
/// # Errors
/// A model that the defense is not for, no rows.
pub fn changed_elsewhere(
    (model, defense): (&Model, &Defense),
    valid: &ValidBox,
    test: &[Row],
    seed: u64,
) -> Result<ChangedElsewhere, DefendError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(STREAM);
    let share = |points: Vec<Vec<f64>>| {
        let rows: Vec<Row> = points.into_iter().map(|values| labelled(model, values)).collect();
        let changed = effect(model, defense, &rows)?.flipped * rows.len() as f64;
        Ok::<_, DefendError>(Share::new(changed.round() as u64, rows.len() as u64))
    };
    let uniform = (0..POINTS).map(|_| valid.uniform(&mut rng)).collect();
    let shuffled = shuffled(test, POINTS, &mut rng);
    let far = (0..POINTS).map(|_| far(model, valid, &mut rng)).collect();
    Ok(ChangedElsewhere { uniform: share(uniform)?, shuffled: share(shuffled)?, far: share(far)? })
}

/// A point with the model's label; nobody asks for the text that it stands for.
fn labelled(model: &Model, values: Vec<f64>) -> Row {
    Row { label: model.label(&values), values, key: Digest::of(b"") }
}

/// A normal point around the mean of the data, clipped to the domain.
fn far(model: &Model, valid: &ValidBox, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let normal = Normal::new(0.0, FAR).expect("the deviation is positive");
    let standardised: Vec<f64> = (0..model.schema.len()).map(|_| normal.sample(rng)).collect();
    let mut raw = model.schema.destandardise(&standardised);
    valid.snap(&mut raw);
    raw
}
