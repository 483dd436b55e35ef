//! Blocks of outputs that no input of a region may reach.

use crate::interval::Rational;

/// `y·f <= rhs`, or `<`, multiplied by a positive whole number so that every coefficient is a float.
#[derive(Clone, Debug, PartialEq)]
pub struct Halfspace {
    /// One coefficient per output (of both copies, one after the other).
    pub y: Vec<f64>,
    /// Right-hand side.
    pub rhs: Rational,
    /// True if equality is outside.
    pub is_strict: bool,
}

/// A conjunction of rows: an unsafe set of outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputBlock {
    /// The rows; at least one.
    pub rows: Vec<Halfspace>,
}

impl Halfspace {
    /// True if this value of `y·f` is inside.
    fn has(&self, value: &Rational) -> bool {
        if self.is_strict { *value < self.rhs } else { *value <= self.rhs }
    }
}

impl OutputBlock {
    /// True if the exact outputs lie in the block.
    pub fn contains(&self, outputs: &[Rational]) -> bool {
        let product = |y: &f64, f: &Rational| Rational::from_f64(*y).map(|y| &y * f);
        self.rows.iter().all(|row| {
            let terms = row.y.iter().zip(outputs).map(|(y, f)| product(y, f));
            let sum = terms.collect::<Option<Vec<_>>>();
            let sum = sum.map(|terms| terms.iter().fold(Rational::ZERO, |sum, t| &sum + t));
            row.y.len() == outputs.len() && sum.is_some_and(|sum| row.has(&sum))
        })
    }
}
