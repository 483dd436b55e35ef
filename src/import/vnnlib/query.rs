//! Input boxes and unsafe blocks: what a VNN-LIB file asks, in the shape of a spec.

use crate::interval::{Decimal, Rational};
use crate::spec::{InputBox, InputRow, OutputRow};

/// A violation is an input of one of the boxes whose outputs are in one of the blocks.
///
/// With two copies, boxes and rows are over the inputs (outputs) of the first copy and then those of
/// the second. Boxes are closed: what the file states strictly of inputs is stated with equality,
/// which makes the set to be avoided larger, so that a proof holds for the file too. A
/// counterexample does not: see [`Query::is_witness`].
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// How many copies of the network, 1 or 2.
    pub copies: usize,
    /// Whether the file declares floats; the query is about real numbers all the same.
    pub has_floats: bool,
    /// Where inputs are.
    pub inputs: Vec<Input>,
    /// Where outputs must not be.
    pub blocks: Vec<UnsafeBlock>,
}

/// An input box.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Sides and further conditions.
    pub set: InputBox,
    /// Which of them the file states strictly, increasing.
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
    /// `y·f <= rhs`, or `<`, each.
    pub rows: Vec<OutputRow>,
}

impl Query {
    /// How many inputs and outputs the file declares, those of both copies counted.
    pub fn declared(&self) -> (usize, usize) {
        let inputs = self.inputs.first().map_or(0, |input| input.set.sides.len());
        let row = self.blocks.first().and_then(|block| block.rows.first());
        (inputs, row.map_or(0, |row| row.y.len()))
    }

    /// Whether some condition is strict in the file.
    pub fn is_strict(&self) -> bool {
        self.inputs.iter().any(|input| !input.strict.is_empty())
            || self.blocks.iter().any(UnsafeBlock::is_strict)
    }

    /// Whether these inputs with these outputs are the violation that the file asks for, strict
    /// conditions included. Lists of another length are none.
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
    /// Whether the outputs satisfy every row, strictly where the file says so.
    pub fn contains(&self, point: &[Rational]) -> bool {
        self.rows.iter().all(|OutputRow { y, rhs, strict }| satisfies(y, rhs, point, *strict))
    }

    /// Whether some row is strict in the file.
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
