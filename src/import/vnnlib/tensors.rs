//! Declared names, and the input or output that a name with an index stands for.

use std::collections::HashMap;

use crate::model;

use super::error::{Place, VnnlibError};
use super::lexer::{Lexer, Token};

/// Most inputs, and most outputs, of a network, as in native models.
const MAX_WIDTH: usize = 65_536;

/// An end of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NetworkEnd {
    /// Inputs.
    Input,
    /// Outputs.
    Output,
}

/// An input or an output; with two copies, those of the second follow those of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variable {
    pub(super) side: NetworkEnd,
    pub(super) index: usize,
}

/// A declared name of a tensor; a constant of version 1 is a tensor without dimensions.
#[derive(Debug)]
struct DeclaredName {
    side: NetworkEnd,
    /// Index of the first element.
    start: usize,
    shape: Vec<usize>,
}

/// All declared names.
#[derive(Debug, Default)]
pub(super) struct Tensors<'a> {
    by_name: HashMap<&'a str, DeclaredName>,
    inputs: usize,
    outputs: usize,
}

impl<'a> Tensors<'a> {
    /// Number of inputs of all copies.
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs of all copies.
    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Adds a name; its elements follow those already declared.
    pub(super) fn declare(
        &mut self,
        (name, place): (&'a str, Place),
        side: NetworkEnd,
        shape: Vec<usize>,
    ) -> Result<(), VnnlibError> {
        let total = match side {
            NetworkEnd::Input => &mut self.inputs,
            NetworkEnd::Output => &mut self.outputs,
        };
        let start = *total;
        *total += elements(&shape);
        // twice the width, for two copies
        at_most("inputs or outputs", *total, 2 * MAX_WIDTH, place)?;
        match self.by_name.insert(name, DeclaredName { side, start, shape }) {
            None => Ok(()),
            Some(_) => Err(VnnlibError::Twice { place, name: shorten(name) }),
        }
    }

    /// Reads `name` or `name[i, j]`.
    pub(super) fn variable(&self, lexer: &mut Lexer<'a>) -> Result<Variable, VnnlibError> {
        let place = lexer.place();
        let name = lexer.word("a variable")?;
        let mut index = Vec::new();
        if lexer.peek() == Token::OpenBracket {
            index = numbers(lexer)?;
        }
        let tensor = self.by_name.get(name);
        let found = tensor.and_then(|tensor| Some((tensor, tensor.offset(&index)?)));
        let (tensor, offset) = found.ok_or_else(|| {
            let index = if index.is_empty() { String::new() } else { format!("{index:?}") };
            VnnlibError::Unknown { place, name: format!("{}{index}", shorten(name)) }
        })?;
        Ok(Variable { side: tensor.side, index: tensor.start + offset })
    }

    /// The name of an input as the file writes it.
    pub(super) fn name_of_input(&self, index: usize) -> String {
        let holds = |tensor: &DeclaredName| {
            let end = tensor.start + elements(&tensor.shape);
            tensor.side == NetworkEnd::Input && (tensor.start..end).contains(&index)
        };
        match self.by_name.iter().find(|(_, tensor)| holds(tensor)) {
            Some((name, tensor)) if tensor.shape.is_empty() => shorten(name),
            Some((name, tensor)) => {
                format!("{}{:?}", shorten(name), tensor.index(index - tensor.start))
            }
            None => format!("input {index}"),
        }
    }
}

impl DeclaredName {
    /// Row-major position of an index; `None` if it is not one of the shape.
    fn offset(&self, index: &[usize]) -> Option<usize> {
        if index.len() != self.shape.len() {
            return None;
        }
        index
            .iter()
            .zip(&self.shape)
            .try_fold(0, |offset, (&i, &length)| (i < length).then(|| offset * length + i))
    }

    /// The index at a row-major position.
    fn index(&self, mut offset: usize) -> Vec<usize> {
        let mut index = Vec::new();
        for &length in self.shape.iter().rev() {
            index.push(offset % length);
            offset /= length;
        }
        index.reverse();
        index
    }
}

/// Reads a shape `[n, m]`; `[]` is the shape of a single number.
pub(super) fn shape(lexer: &mut Lexer<'_>) -> Result<Vec<usize>, VnnlibError> {
    let place = lexer.place();
    let shape = numbers(lexer)?;
    if shape.contains(&0) {
        let expected = "shapes without a zero";
        return Err(VnnlibError::Unsupported { place, what: format!("shape {shape:?}"), expected });
    }
    at_most("elements of a shape", elements(&shape), MAX_WIDTH, place)?;
    Ok(shape)
}

fn elements(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product, &length| product.saturating_mul(length))
}

/// Reads `[i, j]`.
fn numbers(lexer: &mut Lexer<'_>) -> Result<Vec<usize>, VnnlibError> {
    let mut numbers = Vec::new();
    lexer.expect(Token::OpenBracket, "`[`")?;
    if lexer.peek() == Token::CloseBracket {
        lexer.next();
        return Ok(numbers);
    }
    loop {
        let expected = "a whole number";
        let number = match lexer.peek() {
            Token::Word(word) if word.bytes().all(|b| b.is_ascii_digit()) => word.parse().ok(),
            _ => None,
        };
        numbers.push(number.ok_or_else(|| lexer.unexpected(expected))?);
        at_most("dimensions", numbers.len(), 16, lexer.place())?;
        lexer.next();
        match lexer.peek() {
            Token::Comma => lexer.next(),
            Token::CloseBracket => {
                lexer.next();
                return Ok(numbers);
            }
            _ => return Err(lexer.unexpected("`,` or `]`")),
        };
    }
}

/// Refuses `found > limit` at a place.
pub(super) fn at_most(
    what: &'static str,
    found: usize,
    limit: usize,
    place: Place,
) -> Result<(), VnnlibError> {
    model::at_most(what, found, limit).map_err(|limit| VnnlibError::LimitAt { place, limit })
}

fn shorten(name: &str) -> String {
    name.chars().take(60).collect()
}
