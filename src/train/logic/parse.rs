//! Formulas as text.
//!
//! ```text
//! formula     = disjunction [ "=>" formula ]
//! disjunction = conjunction { "or" conjunction }
//! conjunction = negation { "and" negation }
//! negation    = "not" negation | "(" formula ")" | sum ( "<=" | "<" | ">=" | ">" | "=" ) sum
//! sum         = product { ( "+" | "-" ) product }
//! product     = unary { "*" unary }
//! unary       = "-" unary | number | "(" sum ")" | "abs(" sum ")"
//!             | "margin(" place ")" | "posterior(" place ")" | "distance(x, x')"
//! place       = "x" | "x'"
//! ```

use super::{AnswerTerm, LogicConstraint, Spot, TermRelation};

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 100;
/// Most tokens: a longer sum would be a term nested as deeply.
const MAX_TOKENS: usize = 1000;

/// The error for text that is no formula.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// Something else was expected.
    #[error("column {column}: found {found}, expected {expected}")]
    Unexpected {
        /// The place in the text, from 1.
        column: usize,
        /// The text found there.
        found: String,
        /// The kind of text that fits there.
        expected: &'static str,
    },
    /// A raw score.
    #[error(
        "column {column}: `{name}` is a raw score, which a constant added to all classes would satisfy; use \
         margin(x) or posterior(x)"
    )]
    RawScore {
        /// The place in the text, from 1.
        column: usize,
        /// The name found.
        name: String,
    },
    /// Nested too deeply.
    #[error("nested more than {MAX_DEPTH} deep")]
    Depth,
    /// Too long.
    #[error("more than {MAX_TOKENS} numbers, names and signs")]
    Length,
}

pub(super) fn formula(text: &str) -> Result<LogicConstraint, ConstraintError> {
    let mut reader = ConstraintReader { tokens: tokens(text)?, next: 0, depth: 0 };
    let formula = reader.formula()?;
    match reader.peek() {
        None => Ok(formula),
        Some(_) => Err(reader.unexpected("the end, `and`, `or` or `=>`")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum ConstraintToken {
    Number(f64),
    Word(String),
    Sign(&'static str),
}

const SIGNS: [&str; 12] = ["<=", ">=", "=>", "<", ">", "=", "+", "-", "*", "(", ")", ","];

/// The tokens of a text with their columns.
fn tokens(text: &str) -> Result<Vec<(ConstraintToken, usize)>, ConstraintError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let column = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
    while let Some(first) = rest.chars().next() {
        if tokens.len() >= MAX_TOKENS {
            return Err(ConstraintError::Length);
        }
        if first.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        let at = column(rest);
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push((ConstraintToken::Sign(sign), at));
            rest = &rest[sign.len()..];
            continue;
        }
        let (word, after) = rest.split_at(word_length(rest));
        let length = word.len();
        let number = word.parse::<f64>().ok().filter(|x| x.is_finite());
        match (first.is_ascii_digit() || first == '.', number) {
            (true, Some(number)) => tokens.push((ConstraintToken::Number(number), at)),
            (false, _) if length > 0 => tokens.push((ConstraintToken::Word(word.to_owned()), at)),
            _ => {
                let found = if length > 0 { word.to_owned() } else { first.to_string() };
                let expected = "a number, a name or a sign";
                return Err(ConstraintError::Unexpected {
                    column: at,
                    found: quoted(&found),
                    expected,
                });
            }
        }
        rest = after;
    }
    Ok(tokens)
}

/// Length of the name or the number that a text begins with; a number may have an exponent with a sign.
fn word_length(text: &str) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '\'' | '_');
    let end = |text: &str| text.find(|c| !is_part(c)).unwrap_or(text.len());
    let length = end(text);
    let (word, after) = text.split_at(length);
    let is_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    match after.strip_prefix(['-', '+']) {
        Some(digits) if is_number && word.ends_with(['e', 'E']) => length + 1 + end(digits),
        _ => length,
    }
}

fn quoted(text: &str) -> String {
    format!("`{text:.40}`")
}

struct ConstraintReader {
    tokens: Vec<(ConstraintToken, usize)>,
    next: usize,
    depth: usize,
}

impl ConstraintReader {
    fn peek(&self) -> Option<&ConstraintToken> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn unexpected(&self, expected: &'static str) -> ConstraintError {
        let (found, column) = match self.tokens.get(self.next) {
            Some((ConstraintToken::Number(number), column)) => {
                (quoted(&number.to_string()), *column)
            }
            Some((ConstraintToken::Word(word), column)) => (quoted(word), *column),
            Some((ConstraintToken::Sign(sign), column)) => (quoted(sign), *column),
            None => ("the end".to_owned(), self.tokens.last().map_or(1, |(_, column)| column + 1)),
        };
        ConstraintError::Unexpected { column, found, expected }
    }

    /// Takes a sign or a word if it comes next.
    fn takes(&mut self, text: &str) -> bool {
        let is_next = match self.peek() {
            Some(ConstraintToken::Sign(sign)) => *sign == text,
            Some(ConstraintToken::Word(word)) => word == text,
            Some(ConstraintToken::Number(_)) | None => false,
        };
        self.next += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, text: &'static str) -> Result<(), ConstraintError> {
        if self.takes(text) { Ok(()) } else { Err(self.unexpected(text)) }
    }

    /// Reads what is nested one deeper.
    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ConstraintError>,
    ) -> Result<T, ConstraintError> {
        if self.depth >= MAX_DEPTH {
            return Err(ConstraintError::Depth);
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn formula(&mut self) -> Result<LogicConstraint, ConstraintError> {
        let premise = self.list(
            "or",
            |reader| reader.list("and", Self::negation, LogicConstraint::All),
            LogicConstraint::Any,
        )?;
        if !self.takes("=>") {
            return Ok(premise);
        }
        let conclusion = self.deeper(Self::formula)?;
        Ok(LogicConstraint::Implies(Box::new(premise), Box::new(conclusion)))
    }

    fn list(
        &mut self,
        word: &str,
        part: impl Fn(&mut Self) -> Result<LogicConstraint, ConstraintError>,
        join: impl Fn(Vec<LogicConstraint>) -> LogicConstraint,
    ) -> Result<LogicConstraint, ConstraintError> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.takes(word) {
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { join(parts) })
    }

    fn negation(&mut self) -> Result<LogicConstraint, ConstraintError> {
        if self.takes("not") {
            return Ok(LogicConstraint::Not(Box::new(self.deeper(Self::negation)?)));
        }
        // a parenthesis may open a formula or a term: the term is tried first
        let (start, depth) = (self.next, self.depth);
        let as_comparison = self.comparison();
        if as_comparison.is_ok()
            || !matches!(self.tokens.get(start), Some((ConstraintToken::Sign("("), _)))
        {
            return as_comparison;
        }
        let furthest = self.next;
        (self.next, self.depth) = (start + 1, depth);
        let inner = self.deeper(Self::formula).and_then(|inner| {
            self.expect(")")?;
            Ok(inner)
        });
        // the reading that came further tells the error
        if inner.is_err() && self.next < furthest { as_comparison } else { inner }
    }

    fn comparison(&mut self) -> Result<LogicConstraint, ConstraintError> {
        let left = self.sum()?;
        for (sign, comparison, is_swapped) in [
            ("<=", TermRelation::AtMost, false),
            ("<", TermRelation::Below, false),
            (">=", TermRelation::AtMost, true),
            (">", TermRelation::Below, true),
            ("=", TermRelation::Equal, false),
        ] {
            if self.takes(sign) {
                let right = self.sum()?;
                let (a, b) = if is_swapped { (right, left) } else { (left, right) };
                return Ok(LogicConstraint::Compare(a, comparison, b));
            }
        }
        Err(self.unexpected("a comparison: <=, <, >=, > or ="))
    }

    fn sum(&mut self) -> Result<AnswerTerm, ConstraintError> {
        let mut sum = self.product()?;
        loop {
            if self.takes("+") {
                sum = AnswerTerm::Sum(Box::new(sum), Box::new(self.product()?));
            } else if self.takes("-") {
                let negated = AnswerTerm::Negated(Box::new(self.product()?));
                sum = AnswerTerm::Sum(Box::new(sum), Box::new(negated));
            } else {
                return Ok(sum);
            }
        }
    }

    fn product(&mut self) -> Result<AnswerTerm, ConstraintError> {
        let mut product = self.unary()?;
        while self.takes("*") {
            product = AnswerTerm::Product(Box::new(product), Box::new(self.unary()?));
        }
        Ok(product)
    }

    fn unary(&mut self) -> Result<AnswerTerm, ConstraintError> {
        if self.takes("-") {
            return Ok(AnswerTerm::Negated(Box::new(self.deeper(Self::unary)?)));
        }
        if self.takes("(") {
            let inner = self.deeper(Self::sum)?;
            self.expect(")")?;
            return Ok(inner);
        }
        match self.tokens.get(self.next).cloned() {
            Some((ConstraintToken::Number(number), _)) => {
                self.next += 1;
                Ok(AnswerTerm::Number(number))
            }
            Some((ConstraintToken::Word(name), column)) => self.call(&name, column),
            Some((ConstraintToken::Sign(_), _)) | None => Err(self.unexpected("a term")),
        }
    }

    fn call(&mut self, name: &str, column: usize) -> Result<AnswerTerm, ConstraintError> {
        let expected = "margin(x), posterior(x), distance(x, x'), abs(…) or a number";
        match name {
            "margin" | "posterior" | "abs" | "distance" => {}
            "logit" | "score" | "logits" | "scores" => {
                return Err(ConstraintError::RawScore { column, name: name.to_owned() });
            }
            _ => return Err(self.unexpected(expected)),
        }
        self.next += 1;
        self.expect("(")?;
        let term = match name {
            "margin" => AnswerTerm::Margin(self.place()?),
            "posterior" => AnswerTerm::Posterior(self.place()?),
            "abs" => AnswerTerm::Absolute(Box::new(self.deeper(Self::sum)?)),
            _ => {
                self.expect("x")?;
                self.expect(",")?;
                self.expect("x'")?;
                AnswerTerm::Distance
            }
        };
        self.expect(")")?;
        Ok(term)
    }

    fn place(&mut self) -> Result<Spot, ConstraintError> {
        if self.takes("x'") {
            return Ok(Spot::Near);
        }
        if self.takes("x") { Ok(Spot::Row) } else { Err(self.unexpected("x or x'")) }
    }
}
