//! The state of a reader: its place in the file, the declared names, and the comparisons so far.

use super::atom::Atom;
use super::error::VnnlibError;
use super::lexer::Lexer;
use super::tensors::{Tensors, at_most};

/// Most numbers and variables in all asserts; long numbers count more than once.
const MAX_LEAVES: usize = 300_000;

/// Reads asserts and collects their comparisons.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) tensors: Tensors<'a>,
    pub(super) atoms: Vec<Atom>,
    /// True if inputs or outputs are declared as floats.
    pub(super) has_floats: bool,
    /// Count of numbers and variables so far.
    leaves: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let (lexer, tensors) = (Lexer::new(text), Tensors::default());
        Self { lexer, tensors, atoms: Vec::new(), has_floats: false, leaves: 0 }
    }

    /// Counts a leaf of the given weight.
    pub(super) fn count(&mut self, weight: usize) -> Result<(), VnnlibError> {
        self.leaves += weight;
        at_most("numbers and variables", self.leaves, MAX_LEAVES, self.lexer.place())
    }
}
