//! Linear terms, `Σ cᵢ·vᵢ + c`, in exact arithmetic.
//!
//! ```text
//! term = number | variable | (+ term …) | (- term) | (- term term …) | (* term …)
//! ```
//!
//! All factors of a product but one are constant.

use std::mem;

use crate::interval::Rational;

use super::error::{Place, VnnlibError};
use super::lexer::Token;
use super::number;
use super::reader::Reader;
use super::tensors::{Variable, at_most};

/// Deepest nesting of a term; every level may multiply everything below it.
const MAX_DEPTH: usize = 16;

/// A linear term; a variable may occur more than once.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) parts: Vec<(Variable, Rational)>,
    pub(super) constant: Rational,
}

impl Term {
    fn constant(constant: Rational) -> Self {
        Self { parts: Vec::new(), constant }
    }

    fn add(&mut self, other: Self) {
        self.parts.extend(other.parts);
        self.constant = &self.constant + &other.constant;
    }

    pub(super) fn subtract(&mut self, other: Self) {
        self.parts.extend(other.parts.into_iter().map(|(variable, c)| (variable, -c)));
        self.constant = &self.constant - &other.constant;
    }

    fn scale(&mut self, factor: &Rational, place: Place) -> Result<(), VnnlibError> {
        for c in self.parts.iter_mut().map(|(_, c)| c).chain([&mut self.constant]) {
            *c = product(c, factor, place)?;
        }
        Ok(())
    }
}

impl Reader<'_> {
    pub(super) fn term(&mut self, depth: usize) -> Result<Term, VnnlibError> {
        match self.lexer.peek() {
            Token::Word(word) if is_number(word) => {
                let value = number::literal(word)
                    .ok_or_else(|| self.lexer.unexpected("a number such as -0.5 or 1e-3"))?;
                self.count(number::weight(&value))?;
                self.lexer.next();
                Ok(Term::constant(value))
            }
            Token::Word(_) => {
                self.count(1)?;
                let variable = self.tensors.variable(&mut self.lexer)?;
                Ok(Term { parts: vec![(variable, Rational::ONE)], constant: Rational::ZERO })
            }
            Token::Open => {
                at_most("levels of a term", depth, MAX_DEPTH, self.lexer.place())?;
                self.lexer.next();
                let term = self.operation(depth + 1)?;
                self.lexer.expect(Token::Close, "`)`")?;
                Ok(term)
            }
            _ => Err(self.lexer.unexpected("a number, a variable or `(`")),
        }
    }

    /// Reads the text between the parentheses of a term.
    fn operation(&mut self, depth: usize) -> Result<Term, VnnlibError> {
        let place = self.lexer.place();
        let Token::Word(operator @ ("+" | "-" | "*")) = self.lexer.peek() else {
            return Err(self.lexer.unexpected("`+`, `-` or `*`"));
        };
        self.lexer.next();
        let mut sum = self.term(depth)?;
        if operator == "*" {
            return self.product(sum, depth);
        }
        if operator == "-" && self.lexer.peek() == Token::Close {
            sum.scale(&Rational::integer(-1), place)?;
        }
        while self.lexer.peek() != Token::Close {
            let term = self.term(depth)?;
            if operator == "+" { sum.add(term) } else { sum.subtract(term) }
        }
        Ok(sum)
    }

    /// The product of `first` and the factors that follow.
    fn product(&mut self, first: Term, depth: usize) -> Result<Term, VnnlibError> {
        let (mut factor, mut linear) = (Rational::ONE, first);
        while self.lexer.peek() != Token::Close {
            let place = self.lexer.place();
            let mut term = self.term(depth)?;
            if linear.parts.is_empty() {
                mem::swap(&mut linear, &mut term);
            }
            if !term.parts.is_empty() {
                let what = "a product of two variables".to_owned();
                let expected = "only linear terms are read";
                return Err(VnnlibError::Unsupported { place, what, expected });
            }
            factor = product(&factor, &term.constant, place)?;
        }
        let place = self.lexer.place();
        linear.scale(&factor, place)?;
        Ok(linear)
    }
}

/// `a·b`, unless it becomes too long.
fn product(a: &Rational, b: &Rational, place: Place) -> Result<Rational, VnnlibError> {
    let product = a * b;
    if number::is_short(&product) { Ok(product) } else { Err(too_long(place)) }
}

/// The refusal of a number with too many digits.
pub(super) fn too_long(place: Place) -> VnnlibError {
    let what = "a number of very many digits".to_owned();
    let expected = "numbers are written in at most 800 characters, exponents within ±400";
    VnnlibError::Unsupported { place, what, expected }
}

/// True if a word is meant as a number.
fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
}
