//! VNN-LIB, the property files of the verification competition, versions 1.0 and 2.0.
//!
//! A file asks for a *violation*: inputs and outputs that satisfy all its asserts. It becomes
//! input boxes and unsafe blocks, the property `output-region`:
//!
//! ```text
//! (assert (<= X_0 0.5))                 a side of the box
//! (assert (<= X_0 X_1))                 a row x·input <= rhs
//! (assert (<= Y_1 Y_0))                 a row y·f <= rhs
//! (assert (or (and …) (and …)))         boxes, blocks, or cases of both
//! ```
//!
//! Version 1.0 declares `X_0`, …, `Y_0`, … one by one, and may have the frame of an SMT-LIB script
//! around its asserts. In version 2.0 two networks, the second `equal-to` the first, are two copies.
//! Decimals are taken as they are written, and all arithmetic on them is exact, even where version 2.0
//! declares floats. Conditions that a spec cannot state are refused by name.
//!
//! Sources: <https://www.vnnlib.org> and the benchmarks `acasxu_2023`, `safenlp`, `rl_benchmarks`,
//! `mnist_fc` and `monotonic_acasxu`. The last one also writes comparisons infix, so both forms are read.

mod atom;
mod cases;
mod error;
mod formula;
mod instances;
mod lexer;
mod normal;
mod number;
mod query;
mod reader;
mod script;
mod tensors;
mod term;
#[cfg(test)]
mod tests;
mod version1;
mod version2;
mod write;

pub use error::{End, Place, VnnlibError};
pub use instances::{Instance, instances};
pub use query::{Input, Query, Strict, UnsafeBlock};
pub use write::spec_text;

use crate::import::packed::unpack;
use crate::model::at_most;

use self::formula::Formula;
use self::lexer::{Token, after};
use self::normal::Normal;
use self::reader::Reader;
use self::script::Script;
use self::version2::Networks;

/// Largest file, in bytes.
const MAX_BYTES: usize = 64 << 20;
/// The byte order mark that some editors put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads a property; an input violates it iff it violates one of the queries.
///
/// The file may be packed with gzip, and may begin with a byte order mark. There is one query, except for files
/// whose cases pair conditions on inputs with conditions on outputs: these give one query for each pair of boxes
/// and blocks.
///
/// # Errors
/// Texts outside the grammar, with line and column; parts of the language that a spec cannot state,
/// by name; inputs without two bounds, empty boxes; sizes over a limit.
pub fn vnnlib(bytes: &[u8]) -> Result<Vec<Query>, VnnlibError> {
    at_most("bytes of a file", bytes.len(), MAX_BYTES)?;
    let unpacked = unpack(bytes, MAX_BYTES as u64).map_err(Box::new);
    let bytes = unpacked.map_err(VnnlibError::Packed)?;
    let mut reader = Reader::new(text(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes))?);
    let (asserts, copies) = reader.commands()?;
    for (count, what) in [(reader.tensors.inputs(), "input"), (reader.tensors.outputs(), "output")]
    {
        if count == 0 {
            return Err(VnnlibError::Undeclared(what));
        }
    }
    let normal = Normal::new(asserts, &reader.atoms)?;
    let mut queries = cases::queries(&normal, &reader.atoms, &reader.tensors, copies)?;
    queries.iter_mut().for_each(|query| query.has_floats = reader.has_floats);
    Ok(queries)
}

fn text(bytes: &[u8]) -> Result<&str, VnnlibError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let start = Place { line: 1, column: 1 };
        let valid = bytes.get(..error.valid_up_to()).unwrap_or(bytes);
        VnnlibError::Text { place: after(start, valid) }
    })
}

impl Reader<'_> {
    /// Reads all commands of the file: its asserts, and the number of copies they are about.
    fn commands(&mut self) -> Result<(Vec<Formula>, usize), VnnlibError> {
        let mut asserts = Vec::new();
        let (mut networks, mut script) = (Networks::default(), Script::default());
        let (mut is_second_version, mut is_first_command) = (false, true);
        while self.lexer.peek() != Token::End {
            self.lexer.expect(Token::Open, "`(`")?;
            let command = self.lexer.peek();
            if !is_second_version && self.frame(&mut script)? {
                // says nothing about inputs and outputs
            } else if command == Token::Word("assert") {
                self.lexer.next();
                asserts.push(self.formula(0)?);
            } else if command == Token::Word("vnnlib-version") && is_first_command {
                self.lexer.next();
                self.version()?;
                is_second_version = true;
            } else if command == Token::Word("declare-network") && is_second_version {
                self.lexer.next();
                self.declare_network(&mut networks)?;
            } else if !is_second_version
                && let Token::Word("declare-const" | "declare-fun") = command
            {
                self.lexer.next();
                self.declare_const(command == Token::Word("declare-fun"))?;
            } else if is_second_version {
                return Err(self.lexer.unexpected("declare-network or assert"));
            } else {
                return Err(self.lexer.unexpected("declare-const, declare-fun or assert"));
            }
            self.lexer.expect(Token::Close, "`)`")?;
            is_first_command = false;
        }
        Ok((asserts, if is_second_version { networks.count } else { 1 }))
    }
}
