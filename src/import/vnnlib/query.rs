//! Input boxes and unsafe blocks: the question of a VNN-LIB file in the shape of a spec.

use crate::interval::{Decimal, Rational};
use crate::spec::{InputBox, InputRow, OutputRow};

/// A violation is an input of one of the boxes whose outputs are in one of the blocks.
///
/// With two copies, boxes and rows are over the inputs (outputs) of the first copy and then those of
/// the second. Boxes are closed: a strict condition of the file on inputs is stated with equality.
/// This makes the set to be avoided larger, so a proof holds for the file too. A
/// counterexample need not: see [`Query::is_witness`].
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Number of copies of the network, 1 or 2.
    pub copies: usize,
    /// True if the file declares floats; the query is about real numbers all the same.
    pub has_floats: bool,
    /// The boxes that inputs lie in.
    pub inputs: Vec<Input>,
    /// The blocks that outputs must not reach.
    pub blocks: Vec<UnsafeBlock>,
}

/// An input box.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Sides and further conditions.
    pub set: InputBox,
    /// The conditions of the box that are strict in the file, in increasing order.
    pub strict: Vec<Strict>,
}

/// A condition on inputs that the file states strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strict {
    /// The lower end of the side with this index.
    Lower(usize),
    /// The upper end of the side with this index.
    Upper(usize),
    /// The row with this index.
    Row(usize),
}

/// Unsafe outputs: those that satisfy all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsafeBlock {
    /// The rows, each `y·f <= rhs` or, if strict, `y·f < rhs`.
    pub rows: Vec<OutputRow>,
}

impl Query {
    /// Number of inputs and of outputs that the file declares, counting those of both copies.
    pub fn declared(&self) -> (usize, usize) {
        let inputs = self.inputs.first().map_or(0, |input| input.set.sides.len());
        let row = self.blocks.first().and_then(|block| block.rows.first());
        (inputs, row.map_or(0, |row| row.y.len()))
    }

    /// True if some condition is strict in the file.
    pub fn is_strict(&self) -> bool {
        self.inputs.iter().any(|input| !input.strict.is_empty())
            || self.blocks.iter().any(UnsafeBlock::is_strict)
    }

    /// True if these inputs with these outputs are the violation that the file asks for, strict
    /// conditions included. Lists of another length are no violation.
    pub fn is_witness(&self, inputs: &[Rational], outputs: &[Rational]) -> bool {
        self.inputs.iter().any(|input| input.contains(inputs))
            && self.blocks.iter().any(|block| block.contains(outputs))
    }
}

impl Input {
    fn contains(&self, point: &[Rational]) -> bool {
        let InputBox { sides, rows } = &self.set;
        let is_strict = |what: Strict| self.strict.binary_search(&what).is_ok();
        sides.len() == point.len()
            && sides.iter().zip(point).enumerate().all(|(k, ((low, high), x))| {
                is_below(low.value(), x, is_strict(Strict::Lower(k)))
                    && is_below(x, high.value(), is_strict(Strict::Upper(k)))
            })
            && rows
                .iter()
                .enumerate()
                .all(|(k, InputRow { x, rhs })| satisfies(x, rhs, point, is_strict(Strict::Row(k))))
    }
}

impl UnsafeBlock {
    /// True if the outputs satisfy every row, strictly where the file says so.
    pub fn contains(&self, point: &[Rational]) -> bool {
        self.rows.iter().all(|OutputRow { y, rhs, strict }| satisfies(y, rhs, point, *strict))
    }

    /// True if some row is strict in the file.
    pub fn is_strict(&self) -> bool {
        self.rows.iter().any(|row| row.strict)
    }
}

fn satisfies(row: &[Decimal], rhs: &Decimal, point: &[Rational], is_strict: bool) -> bool {
    let products = row.iter().zip(point).map(|(c, x)| c.value() * x);
    let sum = products.fold(Rational::ZERO, |sum, product| &sum + &product);
    row.len() == point.len() && is_below(&sum, rhs.value(), is_strict)
}

fn is_below(a: &Rational, b: &Rational, is_strict: bool) -> bool {
    if is_strict { a < b } else { a <= b }
}
