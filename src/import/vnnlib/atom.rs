//! Comparisons: bounds of inputs, and rows.

use crate::interval::Decimal;

use super::error::End;
use super::tensors::Side;

/// A comparison, stated with equality.
#[derive(Debug)]
pub(super) struct Atom {
    pub(super) condition: Condition,
    /// Whether the file excludes equality.
    pub(super) is_strict: bool,
}

/// `input >= value` or `input <= value`, or a row.
#[derive(Debug)]
pub(super) enum Condition {
    Bound { input: usize, end: End, value: Decimal },
    Row(Row),
}

/// `Σ coefficient·variable <= rhs`, the variables all inputs or all outputs, increasing.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) side: Side,
    pub(super) terms: Vec<(usize, Decimal)>,
    pub(super) rhs: Decimal,
}

impl Atom {
    pub(super) fn side(&self) -> Side {
        match &self.condition {
            Condition::Bound { .. } => Side::Input,
            Condition::Row(row) => row.side,
        }
    }
}
