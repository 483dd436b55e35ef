//! Everything that stands in the way of an import, at once and with the options that mend it.

use std::fmt;

use super::options::{DecimalSign, TextCode, ThousandsSign};
use super::texts::printable;

/// Most problems that are shown.
const SHOWN: usize = 40;

/// One thing that stands in the way of an import.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportProblem {
    /// The line of the first cell or row that has it, from 1; `None`: an option names what is not there.
    pub line: Option<u64>,
    /// The column, from 1, with its name; the name is empty if it has none, or if the name is the problem.
    pub column: Option<(usize, String)>,
    /// The fault: what was found, how often, and what was expected.
    pub reason: String,
    /// Options each of which mends it, the best first; none: the file or the call must be corrected.
    pub mends: Vec<Mend>,
}

/// An option that mends a problem.
#[derive(Clone, Debug, PartialEq)]
pub enum Mend {
    /// Leaves the column out.
    Drop(String),
    /// Makes numbers of the texts of a column.
    Encode(String, TextCode),
    /// Fills missing cells.
    Fill,
    /// Reads numbers by these signs.
    Signs(DecimalSign, Option<ThousandsSign>),
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop(column) => write!(f, "--drop {}", quoted(column)),
            Self::Encode(column, code) => {
                write!(f, "--encode {}", quoted(&format!("{column}={code}")))
            }
            Self::Fill => f.write_str("--fill median"),
            Self::Signs(decimal, thousands) => {
                let decimal =
                    (*decimal == DecimalSign::Comma).then(|| format!("--decimal {decimal}"));
                let thousands = thousands.map(|sign| format!("--thousands {sign}"));
                let words: Vec<String> = decimal.into_iter().chain(thousands).collect();
                f.write_str(&words.join(" "))
            }
        }
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-=.,:/+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

impl ImportProblem {
    /// A problem of an option.
    pub(super) fn of_option(reason: String) -> Self {
        Self { line: None, column: None, reason, mends: Vec::new() }
    }

    /// The sentence with its place.
    fn told(&self) -> String {
        let line = self.line.map(|line| format!("line {line}"));
        let column = self.column.as_ref().map(|(number, name)| match name.as_str() {
            "" => format!("column {number}"),
            name => format!("column {number} (`{}`)", printable(name)),
        });
        let place: Vec<String> = line.into_iter().chain(column).collect();
        let place = if place.is_empty() { String::new() } else { place.join(", ") + ": " };
        let mends: Vec<String> = self.mends.iter().map(Mend::to_string).collect();
        let mends =
            if mends.is_empty() { String::new() } else { format!("; {}", mends.join(" or ")) };
        format!("{place}{}{mends}", self.reason)
    }
}

/// All of them, one a line, and the options that mend them together.
pub(crate) fn told(file: &str, problems: &[ImportProblem]) -> String {
    if let [only] = problems {
        let sign = if only.line.is_some() || only.column.is_some() { ", " } else { ": " };
        return format!("{file}{sign}{}", only.told());
    }
    let mut text = format!("{file}: {} things are in the way", problems.len());
    for problem in problems.iter().take(SHOWN) {
        text.push_str(&format!("\n  {}", problem.told()));
    }
    if let Some(more) = problems.len().checked_sub(SHOWN).filter(|&more| more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    if let Some(options) = together(problems) {
        let is_all = problems.iter().all(|problem| !problem.mends.is_empty());
        let what =
            if is_all { "all of it" } else { "what need not be corrected in the file or the call" };
        text.push_str(&format!("\nThese options mend {what}: {options}"));
    }
    text
}

/// The first option of every problem; `None` if there is none, if there are too many to write, or if it is open which
/// signs numbers have.
fn together(problems: &[ImportProblem]) -> Option<String> {
    let is_sign = |mend: &Mend| matches!(mend, Mend::Signs(..));
    let is_open =
        |problem: &ImportProblem| problem.mends.iter().filter(|mend| is_sign(mend)).count() > 1;
    if problems.iter().any(is_open) {
        return None;
    }
    let firsts: Vec<&Mend> = problems.iter().filter_map(|problem| problem.mends.first()).collect();
    let texts = firsts.iter().filter(|mend| matches!(mend, Mend::Encode(..))).count();
    let mut words: Vec<String> = Vec::new();
    for mend in firsts {
        let word = match mend {
            Mend::Encode(_, code) if texts > 1 => format!("--encode {code}"),
            mend => mend.to_string(),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    (1..=SHOWN).contains(&words.len()).then(|| words.join(" "))
}
