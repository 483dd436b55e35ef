//! Standardised rows, their classes and their boxes.

use ndarray::{Array2, NdFloat};

use crate::model::{Row, Schema};
use crate::train::{MovableRows, TrainError};

/// Standardised rows, shape `[rows][features]`, and their classes.
pub(super) struct Examples<F> {
    pub(super) inputs: Array2<F>,
    pub(super) labels: Vec<usize>,
    /// The least and the greatest value of each row's box; `None` where rows do not move.
    pub(super) ends: Option<[Array2<F>; 2]>,
}

/// Some of the rows, in an order of their own.
pub(super) struct Batch<F> {
    pub(super) inputs: Array2<F>,
    pub(super) labels: Vec<usize>,
    /// Their places among the examples.
    pub(super) chosen: Vec<usize>,
    /// Copies of the ends of their boxes; those of the rows themselves where rows do not move.
    pub(super) ends: [Array2<F>; 2],
}

impl<F: NdFloat> Examples<F> {
    pub(super) fn new(schema: &Schema, rows: &[Row]) -> Result<Self, TrainError> {
        let values = rows.iter().map(|row| row.values.as_slice());
        let inputs = standardised(schema, values, rows.len())?;
        Ok(Self { inputs, labels: rows.iter().map(|row| row.label).collect(), ends: None })
    }

    pub(super) fn movable(schema: &Schema, sample: MovableRows) -> Result<Self, TrainError> {
        let count = sample.rows.len();
        let lo = standardised(schema, (0..count).map(|row| sample.moves.row(row).0), count)?;
        let hi = standardised(schema, (0..count).map(|row| sample.moves.row(row).1), count)?;
        Ok(Self { ends: Some([lo, hi]), ..Self::new(schema, sample.rows)? })
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }
}

impl<F: NdFloat> Batch<F> {
    /// Room for `rows` rows of `features` features.
    pub(super) fn new(rows: usize, features: usize) -> Self {
        let zeros = || Array2::zeros((rows, features));
        let chosen = vec![0; rows];
        Self { inputs: zeros(), labels: vec![0; rows], chosen, ends: [zeros(), zeros()] }
    }

    /// All rows of `examples`, in order.
    pub(super) fn all(examples: &Examples<F>) -> Self {
        Self::first(examples, examples.len())
    }

    /// The first rows of `examples`, at most so many.
    pub(super) fn first(examples: &Examples<F>, rows: usize) -> Self {
        let rows = rows.min(examples.len());
        let mut first = Self::new(rows, examples.inputs.ncols());
        first.gather(examples, &(0..rows).collect::<Vec<_>>());
        first
    }

    /// Copies the rows `chosen`, in their order.
    pub(super) fn gather(&mut self, examples: &Examples<F>, chosen: &[usize]) {
        copy_rows(&examples.inputs, chosen, &mut self.inputs);
        self.chosen.clear();
        self.chosen.extend_from_slice(chosen);
        if let Some(ends) = &examples.ends {
            ends.iter().zip(&mut self.ends).for_each(|(from, to)| copy_rows(from, chosen, to));
        }
        self.labels.iter_mut().zip(chosen).for_each(|(label, &row)| *label = examples.labels[row]);
    }
}

/// Rows as `z = scale·(x − mean)`, shape `[rows][features]`.
pub(super) fn standardised<'a, F: NdFloat>(
    schema: &Schema,
    rows: impl Iterator<Item = &'a [f64]>,
    count: usize,
) -> Result<Array2<F>, TrainError> {
    let mut inputs = Array2::zeros((count, schema.len()));
    for ((at, row), mut input) in rows.enumerate().zip(inputs.rows_mut()) {
        let standardised = schema.standardise(row);
        for ((&z, slot), feature) in standardised.iter().zip(&mut input).zip(schema.features()) {
            let overflow =
                || TrainError::Value { row: at, feature: feature.name.clone(), found: z };
            *slot = F::from(z).filter(|z| z.is_finite()).ok_or_else(overflow)?;
        }
    }
    Ok(inputs)
}

pub(super) fn copy_rows<F: NdFloat>(from: &Array2<F>, chosen: &[usize], to: &mut Array2<F>) {
    let width = from.ncols();
    let from = from.as_slice().expect("examples lie in order");
    let to = to.as_slice_mut().expect("batches lie in order");
    for (slot, &row) in to.chunks_exact_mut(width).zip(chosen) {
        slot.copy_from_slice(&from[row * width..][..width]);
    }
}
