//! Formulas over the figures of a study.
//!
//! ```text
//! f1(natural-mlp, none, base) - f1(natural-mlp, poisoned, base) - 0.01
//! |agreement(lipschitz, none, base) - agreement(natural, none, base)|
//!
//! sum    = [-] item { (+ | -) item }
//! item   = number [* factor] | factor
//! factor = figure "(" name { "," name } ")" | "|" sum "|" | "(" sum ")"
//! ```

use std::fmt;

use super::figures::FigureName;

/// A formula.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum StudyFormula {
    /// A number.
    Number(f64),
    /// A figure of a cell, by the names of its model, its defense, and its attack or property.
    Figure(FigureName, Vec<String>),
    /// A sum with coefficients.
    Sum(Vec<(f64, StudyFormula)>),
    /// The absolute value.
    Size(Box<StudyFormula>),
}

/// The value of a figure with its names, or the reason why there is none.
pub(super) type FigureValue<'f> = dyn FnMut(FigureName, &[String]) -> Result<f64, String> + 'f;

/// The reason why a text is no formula, with the byte at which reading ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct FormulaError {
    at: usize,
    expected: String,
}

impl fmt::Display for FormulaError {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "at character {}: expected {}", self.at + 1, self.expected)
    }
}

/// Deepest nesting of brackets.
const DEEPEST: usize = 32;

impl StudyFormula {
    /// Reads a formula.
    pub(in super::super) fn read(text: &str) -> Result<Self, FormulaError> {
        let mut reader = FormulaReader { text, at: 0, depth: 0 };
        let formula = reader.sum()?;
        match reader.peek() {
            None => Ok(formula),
            Some(_) => Err(reader.expected("`+`, `-` or the end")),
        }
    }

    /// All figures, with their names.
    pub(in super::super) fn figures(&self) -> Vec<(FigureName, &[String])> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Figure(figure, names) => vec![(*figure, names.as_slice())],
            Self::Sum(items) => items.iter().flat_map(|(_, item)| item.figures()).collect(),
            Self::Size(inner) => inner.figures(),
        }
    }

    /// The value, if that of every figure is there.
    ///
    /// # Errors
    /// The first error of `value`.
    pub(in super::super) fn value(&self, value: &mut FigureValue) -> Result<f64, String> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Figure(figure, names) => value(*figure, names),
            Self::Sum(items) => items
                .iter()
                .try_fold(0.0, |sum, (factor, item)| Ok(sum + factor * item.value(value)?)),
            Self::Size(inner) => Ok(inner.value(value)?.abs()),
        }
    }
}

/// A formula that is being read.
struct FormulaReader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> FormulaReader<'t> {
    fn expected(&self, what: impl Into<String>) -> FormulaError {
        FormulaError { at: self.at, expected: what.into() }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    /// Takes a character if it is next.
    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += if is_next { wanted.len_utf8() } else { 0 };
        is_next
    }

    fn need(&mut self, wanted: char) -> Result<(), FormulaError> {
        match self.take(wanted) {
            true => Ok(()),
            false => Err(self.expected(format!("`{wanted}`"))),
        }
    }

    /// The characters of a name or a number.
    fn word(&mut self) -> &'t str {
        self.peek();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let rest = self.rest();
        let word = rest.split(|c| !is_part(c)).next().unwrap_or_default();
        self.at += word.len();
        word
    }

    fn sum(&mut self) -> Result<StudyFormula, FormulaError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.expected(format!("at most {DEEPEST} brackets in each other")));
        }
        let mut sign = if self.take('-') { -1.0 } else { 1.0 };
        let mut items = Vec::new();
        loop {
            let (factor, item) = self.item()?;
            items.push((sign * factor, item));
            sign = match self.peek() {
                Some('+') => 1.0,
                Some('-') => -1.0,
                _ => break,
            };
            self.at += 1;
        }
        self.depth -= 1;
        Ok(StudyFormula::Sum(items))
    }

    fn item(&mut self) -> Result<(f64, StudyFormula), FormulaError> {
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Ok((1.0, self.factor()?));
        }
        let start = self.at;
        let number = self.word().parse().ok().filter(|number: &f64| number.is_finite());
        let Some(number) = number else {
            self.at = start;
            return Err(self.expected("a number such as 0.5"));
        };
        match self.take('*') {
            true => Ok((number, self.factor()?)),
            false => Ok((1.0, StudyFormula::Number(number))),
        }
    }

    fn factor(&mut self) -> Result<StudyFormula, FormulaError> {
        if self.take('|') {
            let inner = self.sum()?;
            self.need('|')?;
            return Ok(StudyFormula::Size(Box::new(inner)));
        }
        if self.take('(') {
            let inner = self.sum()?;
            self.need(')')?;
            return Ok(inner);
        }
        let start = self.at;
        let word = self.word();
        let Some(figure) = FigureName::named(word) else {
            self.at = start;
            return Err(
                self.expected(format!("a figure ({}), a number, `(` or `|`", FigureName::names()))
            );
        };
        Ok(StudyFormula::Figure(figure, self.names(figure)?))
    }

    /// The names of a figure.
    fn names(&mut self, figure: FigureName) -> Result<Vec<String>, FormulaError> {
        self.need('(')?;
        let mut names = Vec::new();
        for place in figure.places() {
            if !names.is_empty() {
                self.need(',')?;
            }
            let word = self.word();
            if word.is_empty() {
                return Err(self.expected(format!("the name of {place}")));
            }
            names.push(word.to_owned());
        }
        self.need(')')?;
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> f64 {
        let formula = StudyFormula::read(text).unwrap();
        let length = |_: FigureName, names: &[String]| Ok(names.concat().len() as f64);
        formula.value(&mut { length }).unwrap()
    }

    #[test]
    fn sums_and_sizes_are_what_they_look_like() {
        assert_eq!(value("f1(a, none, b) - 0.5*f1(aa,none,bb) + 1"), 6.0 - 4.0 + 1.0);
        assert_eq!(value("|1 - f1(a,none,b)| - (2 - 1)"), 5.0 - 1.0);
        assert_eq!(value("-accuracy(a-b, none)"), -7.0);
        assert_eq!(value("3 - 1 - 1"), 1.0);
    }

    #[test]
    fn faults_are_told_with_their_place() {
        for (text, at, expected) in [
            ("", 1, "a figure (agreement"),
            ("f2(a, none, b)", 1, "a figure (agreement"),
            ("f1(a, none)", 11, "`,`"),
            ("f1(a, none, )", 13, "the name of the attack"),
            ("f1(a, none, b) f1(a, none, b)", 16, "`+`, `-` or the end"),
            ("|1 - 2", 7, "`|`"),
            ("1e999", 1, "a number"),
            ("accuracy(a, none, b)", 17, "`)`"),
        ] {
            let error = StudyFormula::read(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("at character {at}: expected {expected}")),
                "{error}"
            );
        }
        assert!(StudyFormula::read(&"(".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_ends_the_program(text in "[a-z0-9(),|.*+ -]{0,60}|\\PC{0,30}") {
            let _ = StudyFormula::read(&text);
        }
    }
}
