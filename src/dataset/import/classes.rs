//! Labels of any kind as class numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::ImportProblem;
use super::survey::{CellTally, alike_but_for_case};
use super::texts::{GivenColumn, GivenRow, printable};
use crate::text::counted;

/// Most classes.
const MAX_CLASSES: usize = 1000;
/// Words for a label that is missing, in small letters.
const MISSING: [&str; 7] = ["", "na", "n/a", "#n/a", "nan", "null", "?"];

/// The class of each label text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LabelClasses {
    numbers: BTreeMap<String, usize>,
    /// True if labels were numbered, not taken as they are.
    pub(super) renumbered: bool,
}

impl LabelClasses {
    /// Labels that are the numbers from 0 on stay as they are. Other numbers are numbered in ascending order, texts in
    /// the order of their bytes.
    ///
    /// # Errors
    /// Rows without label, a single class, too many classes.
    pub(super) fn of(label: &GivenColumn, rows: &[GivenRow]) -> Result<Self, Vec<ImportProblem>> {
        let problem =
            |line, reason| ImportProblem { line, column: label.place(), reason, mends: Vec::new() };
        let is_missing =
            |row: &&GivenRow| MISSING.contains(&row.text(label).to_ascii_lowercase().as_str());
        let missing = rows.iter().filter(is_missing).count();
        let first = rows.iter().find(is_missing).map(|row| row.line);
        let more = if missing > 1 { format!(" ({missing} such rows)") } else { String::new() };
        let reason = format!("the label is missing{more}; give it, or remove the row");
        let mut problems: Vec<ImportProblem> =
            first.map(|line| problem(Some(line), reason)).into_iter().collect();
        let texts: BTreeSet<&str> = rows.iter().map(|row| row.text(label)).collect();
        let found = texts.len();
        if found > MAX_CLASSES {
            let reason = format!(
                "{found} different labels, at most {MAX_CLASSES} are supported; is it the label column?"
            );
            problems.push(problem(None, reason));
        }
        let numbers = ranked(&texts);
        let classes: BTreeSet<&usize> = numbers.values().collect();
        if classes.len() == 1 && problems.is_empty() {
            let only = printable(texts.first().copied().unwrap_or_default());
            let reason =
                format!("only one class occurs, `{only}`; a classifier needs at least two");
            problems.push(problem(None, reason));
        }
        if problems.is_empty() { Ok(Self::numbered(&texts, numbers)) } else { Err(problems) }
    }

    fn numbered(texts: &BTreeSet<&str>, ranks: BTreeMap<String, usize>) -> Self {
        let class_number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|_| is_plain).map(usize::from)
        };
        let is_as_it_is = |text: &&str| class_number(text) == ranks.get(*text).copied();
        Self { renumbered: !texts.iter().all(is_as_it_is), numbers: ranks }
    }

    /// The class of a row.
    pub(super) fn class(&self, text: &str) -> usize {
        self.numbers.get(text).copied().unwrap_or(0)
    }

    /// The label text of each class; the first in order if several mean the same number.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: BTreeMap<usize, &str> = BTreeMap::new();
        for (text, &class) in &self.numbers {
            names.entry(class).or_insert(text);
        }
        names.into_values().map(str::to_owned).collect()
    }

    /// Warnings about labels that may be meant to be one.
    pub(super) fn warnings(&self, label: &GivenColumn, rows: &[GivenRow]) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut blanks = CellTally::default();
        for row in rows.iter().filter(|row| row.raw(label) != row.text(label)) {
            blanks.count += 1;
            blanks.first = blanks.first.or(Some((row.line, row.raw(label))));
        }
        if let Some((line, text)) = blanks.first {
            warnings.push(format!(
                "labels with blanks around them are read without: {}, the first `{}` on line {line}",
                counted(blanks.count, "row"),
                printable(text)
            ));
        }
        for group in alike_but_for_case(self.numbers.keys().map(String::as_str)) {
            let names: Vec<String> =
                group.iter().map(|text| format!("`{}`", printable(text))).collect();
            warnings.push(format!(
                "labels {} differ in case alone and are {} classes; if they are one, write them the same",
                names.join(" and "),
                group.len()
            ));
        }
        warnings
    }
}

/// Ranks of texts: by value if all are numbers, else by text.
pub(super) fn ranked(texts: &BTreeSet<&str>) -> BTreeMap<String, usize> {
    let value = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    let values: Option<Vec<f64>> = texts.iter().map(|text| value(text)).collect();
    let Some(mut values) = values else {
        return texts.iter().enumerate().map(|(rank, text)| ((*text).to_owned(), rank)).collect();
    };
    values.sort_by(f64::total_cmp);
    values.dedup();
    let rank = |text: &str| {
        let own = value(text).unwrap_or(f64::NEG_INFINITY);
        values.partition_point(|&other| other < own)
    };
    texts.iter().map(|text| ((*text).to_owned(), rank(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_ranked_by_value_or_by_text() {
        let ranks = |texts: &[&str]| ranked(&texts.iter().copied().collect());
        let classes = ranks(&["10.0", "-1", "2"]);
        assert_eq!([classes["-1"], classes["2"], classes["10.0"]], [0, 1, 2]);
        let classes = ranks(&["yes", "no", "10"]);
        assert_eq!([classes["10"], classes["no"], classes["yes"]], [0, 1, 2]);
        assert_eq!(ranks(&["-1", "-1.0", "1"])["1"], 1, "equal numbers are one class");
    }

    #[test]
    fn numbers_from_0_on_stay() {
        let is_new = |texts: &[&str]| {
            let texts = texts.iter().copied().collect();
            LabelClasses::numbered(&texts, ranked(&texts)).renumbered
        };
        assert!(!is_new(&["0", "1", "2"]) && !is_new(&["0", "1", "01"]));
        assert!(is_new(&["1", "2"]) && is_new(&["0", "2"]) && is_new(&["-1", "1"]));
        assert!(is_new(&["0.0", "1"]) && is_new(&["no", "yes"]));
    }
}
