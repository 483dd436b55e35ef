//! Formulas: `and`, `or` and comparisons.
//!
//! ```text
//! formula    = (and formula …) | (or formula …) | comparison
//! comparison = (op term term) | (term op term)      op = <= | >= | < | > | == | =
//! ```
//!
//! Every comparison becomes `Σ cᵢ·vᵢ <= rhs`; an equality becomes two of them. A strict comparison is marked as
//! strict.

use crate::interval::Rational;

use super::atom::{Atom, AtomRow, Constraint};
use super::error::{End, Place, VnnlibError};
use super::lexer::Token;
use super::number;
use super::reader::Reader;
use super::tensors::{NetworkEnd, Variable, at_most};
use super::term::{Term, too_long};

/// Deepest nesting of `and` and `or`.
const MAX_DEPTH: usize = 64;
/// A formula over comparisons, which are named by their position in [`Reader::atoms`].
#[derive(Debug)]
pub(super) enum Formula {
    Atom(usize),
    And(Vec<Formula>),
    Or(Vec<Formula>),
}

impl<'a> Reader<'a> {
    /// Reads one formula.
    pub(super) fn formula(&mut self, depth: usize) -> Result<Formula, VnnlibError> {
        let place = self.lexer.place();
        at_most("levels of a formula", depth, MAX_DEPTH, place)?;
        self.lexer.expect(Token::Open, "a formula such as (<= X_0 1.0)")?;
        let formula = match self.lexer.peek() {
            Token::Word(word @ ("and" | "or")) => {
                self.lexer.next();
                let mut parts = vec![self.formula(depth + 1)?];
                while self.lexer.peek() != Token::Close {
                    parts.push(self.formula(depth + 1)?);
                }
                if word == "and" { Formula::And(parts) } else { Formula::Or(parts) }
            }
            Token::Word(word @ ("not" | "=>" | "xor" | "ite" | "let" | "exists" | "forall")) => {
                let expected = "formulas are of `and`, `or` and comparisons";
                return Err(self.lexer.unsupported(format!("`{word}`"), expected));
            }
            _ => self.comparison(place)?,
        };
        self.lexer.expect(Token::Close, "`)`")?;
        Ok(formula)
    }

    /// A comparison without its parentheses.
    fn comparison(&mut self, place: Place) -> Result<Formula, VnnlibError> {
        let is_prefix = matches!(self.lexer.peek(), Token::Word(word) if is_operator(word));
        let (operator, left) = if is_prefix {
            (self.operator()?, self.term(0)?)
        } else {
            let left = self.term(0)?;
            (self.operator()?, left)
        };
        let right = self.term(0)?;
        let mut difference = left;
        difference.subtract(right);
        let sum = collected(difference);
        let opposite = || Term {
            parts: sum.parts.iter().map(|(variable, c)| (*variable, -c.clone())).collect(),
            constant: -sum.constant.clone(),
        };
        let is_strict = matches!(operator, "<" | ">");
        match operator {
            "<=" | "<" => self.atom(&sum, is_strict, place),
            ">=" | ">" => self.atom(&opposite(), is_strict, place),
            _ => {
                let both = [self.atom(&sum, false, place)?, self.atom(&opposite(), false, place)?];
                Ok(Formula::And(both.into()))
            }
        }
    }

    fn operator(&mut self) -> Result<&'a str, VnnlibError> {
        match self.lexer.peek() {
            Token::Word(word @ ("!=" | "distinct")) => {
                let expected = "comparisons are <=, >=, <, > and ==";
                Err(self.lexer.unsupported(format!("`{word}`"), expected))
            }
            Token::Word(word) if is_operator(word) => {
                self.lexer.next();
                Ok(word)
            }
            _ => Err(self.lexer.unexpected("<=, >=, <, > or ==")),
        }
    }

    /// Adds the comparison `sum <= 0`.
    fn atom(&mut self, sum: &Term, is_strict: bool, place: Place) -> Result<Formula, VnnlibError> {
        let condition = condition(sum, place)?;
        self.atoms.push(Atom { condition, is_strict });
        Ok(Formula::Atom(self.atoms.len() - 1))
    }
}

fn is_operator(word: &str) -> bool {
    matches!(word, "<=" | ">=" | "<" | ">" | "==" | "=" | "!=" | "distinct")
}

/// The same term with every variable once, in order, and without zeros.
fn collected(term: Term) -> Term {
    let Term { mut parts, constant } = term;
    parts.sort_by_key(|(variable, _)| *variable);
    let mut once: Vec<(Variable, Rational)> = Vec::with_capacity(parts.len());
    for (variable, c) in parts {
        match once.last_mut() {
            Some((last, sum)) if *last == variable => *sum = &*sum + &c,
            _ => once.push((variable, c)),
        }
    }
    once.retain(|(_, c)| *c != Rational::ZERO);
    Term { parts: once, constant }
}

/// `sum <= 0` as a bound if possible, else as a row.
fn condition(sum: &Term, place: Place) -> Result<Constraint, VnnlibError> {
    let unsupported = |what: &str, expected| {
        Err(VnnlibError::Unsupported { place, what: what.to_owned(), expected })
    };
    let (Some((first, c)), Some((last, _))) = (sum.parts.first(), sum.parts.last()) else {
        let expected = "a comparison says something of an input or an output";
        return unsupported("a comparison without variables", expected);
    };
    if first.side != last.side {
        let expected = "a spec has conditions on inputs and conditions on outputs";
        return unsupported("a comparison of inputs with outputs", expected);
    }
    let rhs = -sum.constant.clone();
    // c·x <= rhs  ⇔  x <= rhs/c, or x >= rhs/c for c < 0
    if sum.parts.len() == 1
        && first.side == NetworkEnd::Input
        && let Some(value) = (&rhs / c).and_then(|quotient| number::decimal(&quotient))
    {
        let end = if *c > Rational::ZERO { End::Upper } else { End::Lower };
        return Ok(Constraint::Bound { input: first.index, end, value });
    }
    let decimal = |c: &Rational| number::decimal(c).ok_or_else(|| too_long(place));
    let terms = sum.parts.iter().map(|(variable, c)| Ok((variable.index, decimal(c)?)));
    let terms = terms.collect::<Result<_, VnnlibError>>()?;
    Ok(Constraint::Row(AtomRow { side: first.side, terms, rhs: decimal(&rhs)? }))
}
