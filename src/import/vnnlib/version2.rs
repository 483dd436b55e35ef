//! VNN-LIB 2.0 declares networks with their tensors:
//!
//! ```text
//! (declare-network g (equal-to f) (declare-input X_g real [5]) (declare-output Y_g real [5]))
//! ```
//!
//! The element type of the network file, such as `float32`, may stand for `real`: the query is about the
//! real function either way. A file declares one network, or two, the second `equal-to` the first: two copies.

use super::error::VnnlibError;
use super::lexer::Token;
use super::reader::Reader;
use super::tensors::{NetworkEnd, shape};

/// The networks so far: the first one, and their number.
#[derive(Debug, Default)]
pub(super) struct Networks<'a> {
    first: Option<(&'a str, DeclaredTensors)>,
    pub(super) count: usize,
}

impl<'a> Networks<'a> {
    fn first_name(&self) -> Option<&'a str> {
        self.first.as_ref().map(|(name, _)| *name)
    }
}

/// The declarations of a network.
#[derive(Debug, Default)]
struct DeclaredTensors {
    input: Option<Vec<usize>>,
    output: Option<Vec<usize>>,
    is_equal_to_first: bool,
}

impl<'a> Reader<'a> {
    /// Reads the version in angle brackets; only 2.0 is accepted.
    pub(super) fn version(&mut self) -> Result<(), VnnlibError> {
        self.lexer.expect(Token::Word("<"), "`<2.0>`")?;
        match self.lexer.peek() {
            Token::Word("2.0") => self.lexer.next(),
            Token::Word(word) => {
                let expected = "read are version 2.0 and files of 1.0, which have no version";
                return Err(self.lexer.unsupported(format!("version {word:.60}"), expected));
            }
            _ => return Err(self.lexer.unexpected("`2.0`")),
        };
        self.lexer.expect(Token::Word(">"), "`>`")
    }

    /// Reads the rest of a `(declare-network`.
    pub(super) fn declare_network(
        &mut self,
        networks: &mut Networks<'a>,
    ) -> Result<(), VnnlibError> {
        let place = self.lexer.place();
        if networks.count == 2 {
            let expected = "a spec has at most two copies of one network";
            return Err(self.lexer.unsupported("a third network".to_owned(), expected));
        }
        let name = self.lexer.word("the name of a network")?;
        let mut declared = DeclaredTensors::default();
        while self.lexer.peek() == Token::Open {
            self.lexer.next();
            self.part_of_network(networks, &mut declared)?;
            self.lexer.expect(Token::Close, "`)`")?;
        }
        for (what, shape) in
            [("declare-input", &declared.input), ("declare-output", &declared.output)]
        {
            if shape.is_none() {
                let found = format!("a network without `{what}`");
                let expected = "an input and an output";
                return Err(VnnlibError::Syntax { place, found, expected });
            }
        }
        if networks.count == 1 && !declared.is_equal_to_first {
            let what = format!("a second network `{name:.60}`");
            let expected = "two networks are two copies of one: (equal-to FIRST)";
            return Err(VnnlibError::Unsupported { place, what, expected });
        }
        match &networks.first {
            Some((_, first))
                if (&first.input, &first.output) != (&declared.input, &declared.output) =>
            {
                let found = format!("network `{name:.60}` with others");
                let expected = "the shapes of the first network";
                return Err(VnnlibError::Syntax { place, found, expected });
            }
            Some(_) => {}
            None => networks.first = Some((name, declared)),
        }
        networks.count += 1;
        Ok(())
    }

    /// Reads the text between the parentheses of one declaration.
    fn part_of_network(
        &mut self,
        networks: &Networks<'a>,
        declared: &mut DeclaredTensors,
    ) -> Result<(), VnnlibError> {
        match self.lexer.peek() {
            Token::Word("equal-to") => {
                self.lexer.next();
                match self.lexer.peek() {
                    Token::Word(name) if networks.first_name() == Some(name) => self.lexer.next(),
                    _ => return Err(self.lexer.unexpected("the name of the first network")),
                };
                declared.is_equal_to_first = true;
                Ok(())
            }
            Token::Word("declare-input") => self.tensor(NetworkEnd::Input, &mut declared.input),
            Token::Word("declare-output") => self.tensor(NetworkEnd::Output, &mut declared.output),
            Token::Word(word @ ("isomorphic-to" | "declare-hidden")) => {
                let expected = "a network has `equal-to`, `declare-input` and `declare-output`";
                Err(self.lexer.unsupported(format!("`{word}`"), expected))
            }
            _ => Err(self.lexer.unexpected("equal-to, declare-input or declare-output")),
        }
    }

    /// Reads a type of real numbers, or of floats; floats are noted.
    fn element(&mut self) -> Result<(), VnnlibError> {
        match self.lexer.peek() {
            Token::Word("float16" | "float32" | "float64" | "bfloat16") => {
                self.has_floats = true;
                self.lexer.next();
                Ok(())
            }
            _ => self.real(),
        }
    }

    /// Reads `declare-input NAME real [shape]`; `known` is the tensor of this network and side.
    fn tensor(
        &mut self,
        side: NetworkEnd,
        known: &mut Option<Vec<usize>>,
    ) -> Result<(), VnnlibError> {
        if known.is_some() {
            let expected = "a network has one input tensor and one output tensor";
            return Err(self.lexer.unsupported("a second tensor".to_owned(), expected));
        }
        self.lexer.next();
        let place = self.lexer.place();
        let name = self.lexer.word("the name of a tensor")?;
        self.element()?;
        let shape = shape(&mut self.lexer)?;
        if let Token::Text(_) = self.lexer.peek() {
            let expected = "the one input and the one output need no name of a node";
            let what = format!("the name {}", self.lexer.peek().describe());
            return Err(self.lexer.unsupported(what, expected));
        }
        self.tensors.declare((name, place), side, shape.clone())?;
        *known = Some(shape);
        Ok(())
    }
}
