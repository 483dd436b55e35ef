//! Everything that stands in the way of an import, at once and with the options that mend it.

use std::fmt;

use super::options::TextCode;
use super::signs::{SignChange, common};
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
    /// Reads numbers by other signs.
    Signs(SignChange),
    /// Takes these words for missing values, and fills them.
    Missing(Vec<String>),
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.options().join(" "))
    }
}

impl Mend {
    /// The options, each with its value.
    fn options(&self) -> Vec<String> {
        match self {
            Self::Drop(column) => vec![option("--drop", column)],
            Self::Encode(column, code) => vec![option("--encode", &format!("{column}={code}"))],
            Self::Fill => vec![FILL.to_owned()],
            Self::Signs(change) => change.options(),
            Self::Missing(words) => {
                let words = words.iter().map(|word| option("--missing", word));
                words.chain([FILL.to_owned()]).collect()
            }
        }
    }
}

/// The option that fills missing cells.
const FILL: &str = "--fill median";

/// An option with a value, which may look like an option itself.
fn option(name: &str, value: &str) -> String {
    let sign = if value.starts_with('-') { "=" } else { " " };
    format!("{name}{sign}{}", quoted(value))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-=.,:/+@%#".contains(c);
    if !word.is_empty() && !word.starts_with('#') && word.chars().all(is_plain) {
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
    let mut words = common(problems)?.options();
    let is_sign = |mend: &&Mend| matches!(mend, Mend::Signs(_));
    let firsts = problems.iter().filter_map(|problem| problem.mends.first());
    let firsts: Vec<&Mend> = firsts.filter(|mend| !is_sign(mend)).collect();
    let texts = firsts.iter().filter(|mend| matches!(mend, Mend::Encode(..))).count();
    for mend in firsts {
        let options = match mend {
            Mend::Encode(_, code) if texts > 1 => vec![format!("--encode {code}")],
            Mend::Drop(_) | Mend::Encode(..) | Mend::Fill | Mend::Signs(_) | Mend::Missing(_) => {
                mend.options()
            }
        };
        for option in options {
            if !words.contains(&option) {
                words.push(option);
            }
        }
    }
    (1..=SHOWN).contains(&words.len()).then(|| words.join(" "))
}
