//! The cells of a column, counted by content.

use std::collections::BTreeMap;

use super::numbers::{CellText, NumberSigns, is_date};
use super::texts::{GivenColumn, GivenRow, printable};

/// Cells of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct CellTally<'a> {
    pub(super) count: usize,
    /// Line and text of the first.
    pub(super) first: Option<(u64, &'a str)>,
}

impl<'a> CellTally<'a> {
    fn add(&mut self, line: u64, text: &'a str) {
        self.count += 1;
        self.first = self.first.or(Some((line, text)));
    }

    /// Line of the first.
    pub(super) fn line(&self) -> Option<u64> {
        self.first.map(|(line, _)| line)
    }

    /// The first text, in marks.
    pub(super) fn text(&self) -> String {
        match self.first {
            None | Some((_, "")) => "an empty cell".to_owned(),
            Some((_, text)) => format!("`{}`", printable(text)),
        }
    }
}

/// The cells of a column by content.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnSurvey<'a> {
    pub(super) numbers: usize,
    /// Empty cells.
    pub(super) blank: CellTally<'a>,
    /// Empty cells and words for missing values.
    pub(super) missing: CellTally<'a>,
    pub(super) endless: CellTally<'a>,
    pub(super) words: CellTally<'a>,
    /// Words that are True or False.
    pub(super) truths: usize,
    /// Words that are dates or times.
    pub(super) dates: usize,
    /// Words that are numbers but for a sign beside them.
    pub(super) beside: usize,
}

impl<'a> ColumnSurvey<'a> {
    pub(super) fn of(column: &GivenColumn, rows: &'a [GivenRow], signs: NumberSigns) -> Self {
        let mut survey = Self::default();
        for row in rows {
            let (line, text) = (row.line, row.text(column));
            match signs.read(text) {
                CellText::Number(_) => survey.numbers += 1,
                CellText::Blank => {
                    survey.blank.add(line, text);
                    survey.missing.add(line, text);
                }
                CellText::Missing => survey.missing.add(line, text),
                CellText::Endless => survey.endless.add(line, text),
                CellText::Words => {
                    survey.words.add(line, text);
                    survey.truths += usize::from(truth(text).is_some());
                    survey.dates += usize::from(is_date(text));
                    survey.beside += usize::from(signs.beside(text).is_some());
                }
            }
        }
        survey
    }
}

/// `1` and `0` for True and False.
pub(super) fn truth(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some("1"),
        "false" => Some("0"),
        _ => None,
    }
}

/// The texts of a column without its empty cells, and how often each occurs.
pub(super) fn texts<'a>(column: &GivenColumn, rows: &'a [GivenRow]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for text in rows.iter().map(|row| row.text(column)).filter(|text| !text.is_empty()) {
        *counts.entry(text).or_default() += 1;
    }
    counts
}

/// The most frequent text; among equally frequent ones the first in order.
pub(super) fn most_frequent(counts: &BTreeMap<&str, usize>) -> Option<String> {
    let most = counts.values().max()?;
    counts.iter().find(|(_, count)| *count == most).map(|(text, _)| (*text).to_owned())
}

/// The median of the numbers of a column, in the notation of a data set: of an even number of values the lower one of
/// the two in the middle, so that whole numbers stay whole.
pub(super) fn median(
    column: &GivenColumn,
    rows: &[GivenRow],
    signs: NumberSigns,
) -> Option<String> {
    let mut numbers: Vec<(f64, String)> = rows
        .iter()
        .filter_map(|row| match signs.read(row.text(column)) {
            CellText::Number(number) => Some((number.parse().ok()?, number.into_owned())),
            _ => None,
        })
        .collect();
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
    let middle = numbers.len().checked_sub(1)? / 2;
    numbers.into_iter().nth(middle).map(|(_, text)| text)
}

/// Texts that differ in case alone, in groups.
pub(super) fn alike_but_for_case<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Vec<&'a str>> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    texts.for_each(|text| groups.entry(text.to_lowercase()).or_default().push(text));
    groups.into_values().filter(|group| group.len() > 1).collect()
}
