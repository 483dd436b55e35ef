//! The intervals of MaskedThief beside the posteriors that they are said to hold.
//!
//! An interval at level η would hold the posterior of at least that share of points, were labels independent draws from it.
//! They are not, so the share is measured; and an interval of all of `[0, 1]` holds everything and says nothing.

use serde::{Deserialize, Serialize};

use crate::oracle::{Answering, OracleError};

use super::Sample;

/// The interval that an attack formed for the posterior of class 1 at a generated point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PosteriorInterval {
    /// The place of the point in the sample.
    pub place: usize,
    /// `[l, r]`, within `[0, 1]`; empty if `l > r`.
    pub ends: [f64; 2],
}

/// The intervals of one attack.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalFigures {
    /// Generated points with an interval.
    pub points: usize,
    /// The share of them whose interval holds the undefended target's posterior of class 1, in `f64`; of a target outside
    /// that answers labels, 0 or 1.
    pub holding: f64,
    /// The share of them whose interval is all of `[0, 1]`.
    pub saying_nothing: f64,
}

impl IntervalFigures {
    /// Compares the intervals of a sample with the posteriors. `None` if there are none.
    ///
    /// # Errors
    /// A target outside that does not answer.
    pub(super) fn new(sample: &Sample, target: Answering) -> Result<Option<Self>, OracleError> {
        let known = |it: &&PosteriorInterval| it.place < sample.points.len();
        let intervals: Vec<&PosteriorInterval> = sample.intervals.iter().filter(known).collect();
        let points: Vec<Vec<f64>> =
            intervals.iter().map(|it| sample.points[it.place].values.clone()).collect();
        if points.is_empty() {
            return Ok(None);
        }
        let answers = target.undefended(&points)?;
        let share = |count: usize| count as f64 / points.len() as f64;
        let is_held = |(it, (_, posterior)): &(&&PosteriorInterval, &(usize, Vec<f64>))| {
            let [low, high] = it.ends;
            posterior.get(1).is_some_and(|one| low <= *one && *one <= high)
        };
        let holding = intervals.iter().zip(&answers).filter(is_held).count();
        let vacuous = intervals.iter().filter(|it| it.ends == [0.0, 1.0]).count();
        Ok(Some(Self {
            points: points.len(),
            holding: share(holding),
            saying_nothing: share(vacuous),
        }))
    }
}
