//! The boxes in which rows may move: what a local property says about every point near a row.

use rayon::prelude::*;

use crate::model::{Model, Row};
use crate::spec::{Lowered, Spec};
use crate::violation::FloatBox;

use super::TrainError;

/// Rows with the boxes in which they may move.
#[derive(Clone, Copy, Debug)]
pub struct MovableRows<'a> {
    /// The rows.
    pub rows: &'a [Row],
    /// A box for each.
    pub moves: &'a RowBoxes,
}

/// A box around each of some rows, raw: the least and the greatest value per feature. Boxes stay within the
/// declared ranges, and features that take whole numbers only have whole ends.
#[derive(Clone, Debug, PartialEq)]
pub struct RowBoxes {
    features: usize,
    /// Row-major, shape `[rows][features]`.
    lo: Vec<f64>,
    hi: Vec<f64>,
}

impl RowBoxes {
    /// The boxes of rows that do not move.
    pub fn none(rows: &[Row]) -> Self {
        let features = rows.first().map_or(0, |row| row.values.len());
        let values: Vec<f64> = rows.iter().flat_map(|row| row.values.iter().copied()).collect();
        Self { features, lo: values.clone(), hi: values }
    }

    /// Widens the boxes to hold those in which `spec` makes its claims about `model`, which stands for every model
    /// of its schema. A row outside the domain does not move.
    pub(super) fn widen(
        &mut self,
        spec: &Spec,
        model: &Model,
        rows: &[Row],
    ) -> Result<(), TrainError> {
        let lowered = Lowered::new(spec, model, None, rows).map_err(|error| {
            TrainError::Property { property: spec.property.name(), reason: error.to_string() }
        })?;
        // the ends are exact before they are rounded, which takes longer than some epochs
        let reach = |at| lowered.obligation(at).map(|found| FloatBox::new(&found.region));
        let boxes: Vec<Option<FloatBox>> = (0..rows.len()).into_par_iter().map(reach).collect();
        for (at, (row, reach)) in rows.iter().zip(&boxes).enumerate() {
            let Some(reach) = reach else { continue };
            let sides = reach.lo().iter().zip(reach.hi()).zip(&row.values).enumerate();
            for (feature, ((&lo, &hi), &x)) in sides {
                let slot = at * self.features + feature;
                if lo <= x && x <= hi {
                    self.lo[slot] = self.lo[slot].min(lo);
                    self.hi[slot] = self.hi[slot].max(hi);
                }
            }
        }
        Ok(())
    }

    /// Adds the boxes of other rows.
    pub(super) fn extend(&mut self, other: &Self) {
        self.lo.extend_from_slice(&other.lo);
        self.hi.extend_from_slice(&other.hi);
    }

    /// The least and the greatest values of a row's box.
    pub fn row(&self, row: usize) -> (&[f64], &[f64]) {
        let range = row * self.features..(row + 1) * self.features;
        (&self.lo[range.clone()], &self.hi[range])
    }
}
