//! A CSV as texts: the header, the rows, and what is wrong with their shape.

use std::collections::BTreeMap;

use csv::StringRecord;

use super::heading::{fault_of, open_quote};
use super::options::{CellSeparator, ImportOptions};
use super::problem::{ImportProblem, Mend};
use super::separator::{by_content, reader, told_separator};
use crate::dataset::DatasetError;
use crate::model::{DataError, csv_error, line_at};
use crate::near::advice;
use crate::text::{counted, listed};

/// A column of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GivenColumn {
    /// Place in the records, from 0.
    pub(super) at: usize,
    /// Name in the header, without blanks around it.
    pub(super) name: String,
}

impl GivenColumn {
    /// Number and name, for messages.
    pub(super) fn place(&self) -> Option<(usize, String)> {
        Some((self.number(), self.name.clone()))
    }

    /// Number in the file, from 1.
    pub(super) fn number(&self) -> usize {
        self.at + 1
    }
}

/// A row of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GivenRow {
    /// The line it starts on.
    pub(super) line: u64,
    cells: StringRecord,
}

impl GivenRow {
    /// The text of a column, without blanks around it.
    pub(super) fn text(&self, column: &GivenColumn) -> &str {
        self.raw(column).trim()
    }

    /// The cells with content, without blanks around them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(str::trim).filter(|name| !name.is_empty())
    }

    /// How many cells there are.
    pub(super) fn width(&self) -> usize {
        self.cells.len()
    }

    /// The text of a column as it stands there.
    pub(super) fn raw(&self, column: &GivenColumn) -> &str {
        self.cells.get(column.at).unwrap_or_default()
    }
}

/// The texts of a CSV.
#[derive(Debug)]
pub(super) struct CsvTexts {
    /// Line of the header.
    pub(super) header_line: u64,
    pub(super) label: GivenColumn,
    pub(super) features: Vec<GivenColumn>,
    pub(super) rows: Vec<GivenRow>,
    /// Readings that differ from the written text, one sentence each.
    pub(super) notes: Vec<String>,
    pub(super) problems: Vec<ImportProblem>,
}

impl CsvTexts {
    /// Splits a text into cells. What is wrong with names and with the lengths of rows is kept as problems; such rows
    /// are not among the rows.
    ///
    /// # Errors
    /// A text without header or without rows, or without the label column.
    pub(super) fn read(
        file: &str,
        text: &str,
        options: &ImportOptions,
    ) -> Result<Self, DatasetError> {
        let (told, text, skipped) = told_separator(text);
        let separator = match (options.separator, told) {
            (CellSeparator::Auto, Some(told)) => told,
            (CellSeparator::Auto, None) => by_content(text),
            (given, _) => given,
        };
        let mut notes = Vec::new();
        if separator != CellSeparator::Comma {
            let name = separator.plural();
            notes.push(format!("columns are separated by {name}; written with commas"));
        }
        let refused = |line: u64, reason: String| {
            let problem = ImportProblem { line: Some(line), ..ImportProblem::of_option(reason) };
            DatasetError::Import { file: file.to_owned(), problems: vec![problem] }
        };
        if let Some(line) = open_quote(text, separator) {
            let reason = "a quote is not closed before the end of the file; close it, or double it if it is part of \
                          a text";
            return Err(refused(skipped + line, reason.to_owned()));
        }
        let (header, rows) = records(file, text, separator, skipped)?;
        let Some(header) = header else {
            let reason = "the file is empty; expected a header line".to_owned();
            return Err(DataError::Csv { file: file.to_owned(), line: 1, reason }.into());
        };
        if let Some(reason) = fault_of(&header, &rows, text) {
            return Err(refused(header.line, reason));
        }
        let mut shape = TableShape { header: &header, rows, notes, problems: Vec::new() };
        let columns = shape.columns(&options.drop);
        shape.keep_fitting();
        let TableShape { rows, mut notes, mut problems, .. } = shape;
        let (label, features) = part(file, &header, columns, options)?;
        if rows.is_empty() && problems.is_empty() {
            return Err(DataError::NoRows { file: file.to_owned() }.into());
        }
        if features.is_empty() {
            let reason = format!("found no column beside the label `{}`", label.name);
            problems.push(ImportProblem::of_option(reason));
        }
        let mut rows = rows;
        without_words(&mut rows, &label, &options.missing);
        notes.sort_by_key(|note| !note.starts_with("columns are"));
        let header_line = header.line;
        Ok(Self { header_line, label, features, rows, notes, problems })
    }
}

/// The header and the rows, with their lines; `skipped` lines stand above the text.
fn records(
    file: &str,
    text: &str,
    separator: CellSeparator,
    skipped: u64,
) -> Result<(Option<GivenRow>, Vec<GivenRow>), DatasetError> {
    let mut rows = Vec::new();
    let mut header = None;
    for record in reader(text, separator).into_records() {
        let cells = record.map_err(|error| csv_error(file, text.as_bytes(), &error))?;
        let line = skipped + line_at(text.as_bytes(), cells.position());
        let row = GivenRow { line, cells };
        if header.is_none() {
            header = (!is_blank(&row.cells)).then_some(row);
        } else {
            rows.push(row);
        }
    }
    Ok((header, rows))
}

/// Cells that a row must have: up to the last column with a name.
pub(super) fn needed(header: &StringRecord) -> usize {
    let places = header.iter().enumerate().filter(|(_, name)| !name.trim().is_empty());
    places.last().map_or(0, |(last, _)| last + 1)
}

/// True if a row has all cells that it must have, and nothing beyond the header.
pub(super) fn fits(record: &StringRecord, needed: usize, width: usize) -> bool {
    record.len() >= needed && record.iter().skip(width).all(|text| text.trim().is_empty())
}

pub(super) fn is_blank(record: &StringRecord) -> bool {
    record.iter().all(|text| text.trim().is_empty())
}

/// A header and rows of any lengths.
struct TableShape<'a> {
    header: &'a GivenRow,
    rows: Vec<GivenRow>,
    notes: Vec<String>,
    problems: Vec<ImportProblem>,
}

impl TableShape<'_> {
    /// The columns that stay, each with a name of its own.
    fn columns(&mut self, drop: &[String]) -> Vec<GivenColumn> {
        let names = self.header.cells.iter().map(|name| name.trim().to_owned());
        let columns: Vec<GivenColumn> =
            names.enumerate().map(|(at, name)| GivenColumn { at, name }).collect();
        let kept = self.without_dropped(columns, drop);
        let kept = self.without_nameless(kept);
        self.check_names(&kept);
        kept
    }

    fn without_dropped(&mut self, columns: Vec<GivenColumn>, drop: &[String]) -> Vec<GivenColumn> {
        let mut left_out = Vec::new();
        for wanted in drop {
            let mut found: Vec<usize> =
                columns.iter().filter(|c| c.name == wanted.trim()).map(|c| c.at).collect();
            if found.is_empty() {
                let number = wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                found.extend(number.filter(|&at| at < columns.len()));
            }
            if found.is_empty() {
                self.problems.push(ImportProblem::of_option(no_column(
                    "--drop",
                    wanted,
                    columns.iter().map(|column| column.name.as_str()),
                )));
            }
            left_out.extend(found);
        }
        let (out, kept): (Vec<GivenColumn>, Vec<GivenColumn>) =
            columns.into_iter().partition(|column| left_out.contains(&column.at));
        if !out.is_empty() {
            let is_only = |one: &&GivenColumn| {
                out.iter().chain(&kept).filter(|other| other.name == one.name).count() == 1
            };
            let shown = |one: &GivenColumn| match is_only(&one) {
                true => shown(one),
                false => format!("column {} (`{}`)", one.number(), printable(&one.name)),
            };
            let names: Vec<String> = out.iter().map(shown).collect();
            self.notes.push(format!("left out: {}", names.join(", ")));
        }
        kept
    }

    /// Leaves out the index of a data frame, and columns with neither name nor content: separators at the ends of
    /// lines make them.
    fn without_nameless(&mut self, columns: Vec<GivenColumn>) -> Vec<GivenColumn> {
        let (nameless, mut kept): (Vec<GivenColumn>, Vec<GivenColumn>) =
            columns.into_iter().partition(|column| column.name.is_empty());
        for column in nameless {
            let number = column.at + 1;
            if self.rows.iter().all(|row| row.text(&column).is_empty()) {
                self.notes.push(format!("column {number} has neither name nor content: left out"));
            } else if column.at == 0 && !kept.is_empty() {
                self.notes
                    .push(format!("column {number} has no name (a data frame's index): left out"));
            } else {
                kept.push(column);
            }
        }
        kept.sort_by_key(|column| column.at);
        kept
    }

    /// A name must be there, be the only one of its kind and fit a line.
    fn check_names(&mut self, columns: &[GivenColumn]) {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for column in columns {
            let number = column.at + 1;
            let name = printable(&column.name);
            let taken = first.get(column.name.as_str()).copied();
            let reason = if name.is_empty() {
                "the column has no name; give it one, or leave it out".to_owned()
            } else if let Some(taken) = taken {
                format!("found `{name}`, expected a name of its own, not that of column {taken}")
            } else if column.name.contains(char::is_control) {
                format!("found `{name}`, expected a name without control characters")
            } else {
                first.insert(&column.name, number);
                continue;
            };
            let is_free = columns.iter().all(|other| other.name != number.to_string());
            self.problems.push(ImportProblem {
                line: Some(self.header.line),
                column: Some((number, String::new())),
                reason,
                mends: is_free.then(|| Mend::Drop(number.to_string())).into_iter().collect(),
            });
        }
    }

    /// Leaves out rows of blanks, and those that have too few or too many cells; the latter are a problem.
    fn keep_fitting(&mut self) {
        let (needed, width) = (needed(&self.header.cells), self.header.cells.len());
        let all = self.rows.len();
        self.rows.retain(|row| !is_blank(&row.cells));
        let blank = all - self.rows.len();
        if blank > 0 {
            self.notes.push(format!("{} without content left out", counted(blank, "row")));
        }
        let (fitting, ragged): (Vec<GivenRow>, Vec<GivenRow>) = std::mem::take(&mut self.rows)
            .into_iter()
            .partition(|row| fits(&row.cells, needed, width));
        self.rows = fitting;
        if let Some(first) = ragged.first() {
            self.problems.push(ragged_rows(first, ragged.len(), width));
        }
    }
}

fn ragged_rows(first: &GivenRow, count: usize, width: usize) -> ImportProblem {
    let cells = first.cells.len();
    let mut reason = format!("the row has {}, the header {width}", counted(cells, "cell"));
    if count > 1 {
        reason.push_str(&format!(" ({count} such rows)"));
    }
    let is_long = first.cells.iter().any(|text| text.lines().count() > 3);
    reason.push_str(if is_long {
        "; perhaps a quote is not closed: correct the row"
    } else {
        "; correct it, or give another --separator if all rows are cut at wrong places"
    });
    ImportProblem { line: Some(first.line), column: None, reason, mends: Vec::new() }
}

/// Empties the cells that hold one of these words, but for labels.
fn without_words(rows: &mut [GivenRow], label: &GivenColumn, words: &[String]) {
    if words.is_empty() {
        return;
    }
    let words: Vec<String> = words.iter().map(|word| word.trim().to_lowercase()).collect();
    let is_missing = |text: &str| words.contains(&text.trim().to_lowercase());
    for row in rows {
        let cells = row.cells.iter().enumerate();
        let cells =
            cells.map(|(at, text)| if at != label.at && is_missing(text) { "" } else { text });
        row.cells = cells.collect();
    }
}

/// Divides the columns into the label and the others.
fn part(
    file: &str,
    header: &GivenRow,
    columns: Vec<GivenColumn>,
    options: &ImportOptions,
) -> Result<(GivenColumn, Vec<GivenColumn>), DatasetError> {
    let wanted = options.label.as_deref().unwrap_or(super::DEFAULT_LABEL);
    let is_named = |name: &str| name == wanted.trim();
    let number = options.label.as_deref().and_then(|label| label.trim().parse::<usize>().ok());
    let number = number.filter(|_| !header.names().any(is_named));
    let is_label = |column: &GivenColumn| match number {
        Some(number) => column.number() == number,
        None => is_named(&column.name),
    };
    let Some(place) = columns.iter().position(is_label) else {
        let is_dropped = header.names().any(is_named)
            || number.is_some_and(|number| (1..=header.width()).contains(&number));
        if is_dropped {
            let reason = format!("--drop {wanted}: that is the label column; name another --label");
            let problems = vec![ImportProblem::of_option(reason)];
            return Err(DatasetError::Import { file: file.to_owned(), problems });
        }
        return Err(DatasetError::NoLabel {
            file: file.to_owned(),
            line: header.line,
            label: wanted.to_owned(),
            header: columns.into_iter().map(|column| column.name).collect(),
        });
    };
    let mut features = columns;
    let label = features.remove(place);
    Ok((label, features))
}

/// The fault of an option that names a column that is not there.
pub(super) fn no_column<'n>(
    option: &str,
    wanted: &str,
    names: impl Iterator<Item = &'n str> + Clone,
) -> String {
    let fault = format!("{option} {wanted}: there is no such column");
    let near = advice(wanted, names.clone());
    if !near.is_empty() {
        return fault + &near;
    }
    let names: Vec<String> = names.map(printable).collect();
    format!("{fault}; expected one of {}", listed(names.iter().map(String::as_str)))
}

fn shown(column: &GivenColumn) -> String {
    match column.name.as_str() {
        "" => format!("column {}", column.at + 1),
        name => format!("`{name}`"),
    }
}

/// The first letters of a text, its control characters by number or sign.
pub(super) fn printable(text: &str) -> String {
    const SHOWN: usize = 40;
    let letters = text.chars().take(SHOWN);
    let shown =
        letters.map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() });
    shown.collect()
}
