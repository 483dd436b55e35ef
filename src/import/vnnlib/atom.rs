//! Comparisons: bounds of inputs, and rows.

use crate::interval::Decimal;

use super::error::End;
use super::tensors::NetworkEnd;

/// A comparison, stated with equality.
#[derive(Debug)]
pub(super) struct Atom {
    pub(super) condition: Constraint,
    /// True if the file excludes equality.
    pub(super) is_strict: bool,
}

/// `input >= value` or `input <= value`, or a row.
#[derive(Debug)]
pub(super) enum Constraint {
    Bound { input: usize, end: End, value: Decimal },
    Row(AtomRow),
}

/// `Σ coefficient·variable <= rhs`. The variables are all inputs or all outputs, in increasing order.
#[derive(Debug)]
pub(super) struct AtomRow {
    pub(super) side: NetworkEnd,
    pub(super) terms: Vec<(usize, Decimal)>,
    pub(super) rhs: Decimal,
}

impl Atom {
    pub(super) fn side(&self) -> NetworkEnd {
        match &self.condition {
            Constraint::Bound { .. } => NetworkEnd::Input,
            Constraint::Row(row) => row.side,
        }
    }
}
