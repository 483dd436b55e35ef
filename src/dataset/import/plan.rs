//! The plan for a feature's column: numbers as they are, codes of its texts, or a problem.

use std::collections::{BTreeMap, BTreeSet};

use super::classes::ranked;
use super::numbers::{CellText, NumberSigns};
use super::options::{FillRule, TextCode};
use super::problem::{ImportProblem, Mend};
use super::signs::SignChange;
use super::survey::{CellTally, ColumnSurvey, median, most_frequent, texts, truth};
use super::texts::{GivenColumn, GivenRow};

/// Most columns that one column of texts becomes.
const MOST_COLUMNS: usize = 100;
/// Most different texts that are coded.
const MOST_CODED: usize = 1000;
/// Most different words that are suggested as words for missing values.
const FEW_WORDS: usize = 3;
/// Texts are taken for identifiers if more than so many are different, and more than half of them.
const FEW_TEXTS: usize = 20;

/// The plan for a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ColumnPlan<'a> {
    pub(super) column: &'a GivenColumn,
    pub(super) code: CellCode,
    /// The text that a missing cell gets, as another cell has it; `None`: none is missing.
    pub(super) fill: Option<String>,
    /// Number of missing cells.
    pub(super) missing: usize,
}

/// Numbers of the cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CellCode {
    /// They are numbers.
    Numbers,
    /// 1 and 0 for True and False.
    Truths,
    /// A column of 0 and 1 per text, in this order.
    OneHot(Vec<String>),
    /// The rank of each text.
    Ordinal(BTreeMap<String, usize>),
}

/// The fault of a column that is not taken for texts.
enum ColumnFault {
    /// It is made of other things than numbers.
    OfAll(ImportProblem),
    /// Cells of a column of numbers are none.
    OfCells(ImportProblem),
}

/// A column and all that decides about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undecided<'a> {
    pub(super) column: &'a GivenColumn,
    /// True if no other column has its name.
    pub(super) is_only: bool,
    pub(super) rows: &'a [GivenRow],
    pub(super) signs: NumberSigns,
    /// The code that a rule names for this column.
    pub(super) own: Option<TextCode>,
    /// The code of columns of texts without a rule.
    pub(super) usual: Option<TextCode>,
    pub(super) fill: FillRule,
}

impl<'a> Undecided<'a> {
    /// The plan for the column, or all that is in the way.
    pub(super) fn plan(self) -> Result<ColumnPlan<'a>, Vec<ImportProblem>> {
        let survey = ColumnSurvey::of(self.column, self.rows, self.signs);
        let filled = self.rows.len() - survey.missing.count;
        if let Some(code) = self.own {
            return self.coded(code, &survey.blank);
        }
        if survey.words.count == 0 {
            return self.numbers(&survey, filled);
        }
        if survey.truths == filled {
            let fill = || most_frequent(&self.words(|text| truth(text).is_some()));
            return self.with_fill(CellCode::Truths, &survey.missing, fill);
        }
        match (self.fault(&survey), self.usual) {
            (None, Some(code)) => self.coded(code, &survey.blank),
            (None, None) => {
                let missing = self.missing(&survey.blank, "a text").err();
                Err(std::iter::once(self.is_text(&survey.words)).chain(missing).collect())
            }
            (Some(ColumnFault::OfAll(problem)), _) => Err(vec![problem]),
            (Some(ColumnFault::OfCells(problem)), _) => {
                let missing = self.missing(&survey.missing, "a number").err();
                let others = self.endless(&survey.endless).into_iter().chain(missing);
                Err(std::iter::once(problem).chain(others).collect())
            }
        }
    }

    fn numbers(
        self,
        survey: &ColumnSurvey,
        filled: usize,
    ) -> Result<ColumnPlan<'a>, Vec<ImportProblem>> {
        let endless = self.endless(&survey.endless);
        if filled == 0 {
            let reason = "every cell is missing".to_owned();
            return Err(vec![self.problem(&survey.missing, reason, vec![self.drop()])]);
        }
        let fill = || median(self.column, self.rows, self.signs);
        match (endless, self.with_fill(CellCode::Numbers, &survey.missing, fill)) {
            (Some(endless), Err(others)) => Err(std::iter::once(endless).chain(others).collect()),
            (Some(endless), Ok(_)) => Err(vec![endless]),
            (None, planned) => planned,
        }
    }

    /// The problem of infinite numbers, if there are some.
    fn endless(self, endless: &CellTally) -> Option<ImportProblem> {
        (endless.count > 0).then(|| {
            let reason = format!(
                "found {}, expected a finite number that fits a 32-bit float{}; correct it",
                endless.text(),
                of_cells(endless.count)
            );
            let mends = self.called_missing(&CellText::Endless).into_iter().chain([self.drop()]);
            self.problem(endless, reason, mends.collect())
        })
    }

    /// The option that takes all cells of a kind for missing ones, if they are few different words.
    fn called_missing(self, kind: &CellText) -> Option<Mend> {
        let texts = self.rows.iter().map(|row| row.text(self.column));
        let words = texts.filter(|text| self.signs.read(text) == *kind).map(str::to_lowercase);
        let words: BTreeSet<String> = words.take(MOST_CODED).collect();
        let are_writable = !words.iter().any(|word| word.contains(char::is_control));
        let is_few = (1..=FEW_WORDS).contains(&words.len());
        (is_few && are_writable).then(|| Mend::Missing(words.into_iter().collect()))
    }

    fn coded(
        self,
        code: TextCode,
        blank: &CellTally,
    ) -> Result<ColumnPlan<'a>, Vec<ImportProblem>> {
        let counts = texts(self.column, self.rows);
        let most = if code == TextCode::OneHot { MOST_COLUMNS } else { MOST_CODED };
        if counts.len() > most {
            let first = CellTally { count: 0, first: self.first(|_| true) };
            let reason = format!(
                "{} different texts, at most {most} get a number with --encode {code}",
                counts.len()
            );
            let ordinal = (counts.len() <= MOST_CODED).then(|| self.encode(TextCode::Ordinal));
            let mends = ordinal.into_iter().chain([self.drop()]).collect();
            return Err(vec![self.problem(&first, reason, mends)]);
        }
        if counts.is_empty() {
            let reason = "every cell is missing".to_owned();
            return Err(vec![self.problem(blank, reason, vec![self.drop()])]);
        }
        let known = counts.keys().copied();
        let cells = match code {
            TextCode::OneHot => CellCode::OneHot(known.map(str::to_owned).collect()),
            TextCode::Ordinal => CellCode::Ordinal(ranked(&known.collect())),
        };
        self.with_fill(cells, blank, || most_frequent(&counts))
    }

    fn with_fill(
        self,
        code: CellCode,
        missing: &CellTally,
        fill: impl Fn() -> Option<String>,
    ) -> Result<ColumnPlan<'a>, Vec<ImportProblem>> {
        let kind = if code == CellCode::Numbers { "a number" } else { "a text" };
        self.missing(missing, kind).map_err(|problem| vec![problem])?;
        let fill = (missing.count > 0).then(fill).flatten();
        Ok(ColumnPlan { column: self.column, code, fill, missing: missing.count })
    }

    /// Refuses missing cells that are not to be filled.
    fn missing(self, missing: &CellTally, kind: &str) -> Result<(), ImportProblem> {
        if missing.count == 0 || self.fill == FillRule::Median {
            return Ok(());
        }
        let (found, count, all) = (missing.text(), missing.count, self.rows.len());
        let are = if count == 1 { "is" } else { "are" };
        let reason =
            format!("found {found}, expected {kind}: {count} of {all} cells {are} missing");
        Err(self.problem(missing, reason, vec![Mend::Fill, self.drop()]))
    }

    /// The fault of a column with words in it, if it has another one than being of texts.
    fn fault(self, survey: &ColumnSurvey) -> Option<ColumnFault> {
        let words = &survey.words;
        let (found, count) = (words.text(), words.count);
        let problem = |reason: String, mends| self.problem(words, reason, mends);
        let of_all = |reason, mends| Some(ColumnFault::OfAll(problem(reason, mends)));
        let of_cells_of = |reason, mends| Some(ColumnFault::OfCells(problem(reason, mends)));
        if let Some((signs, none)) = self.other_signs(count) {
            let mut reason = format!("found {found}, expected a number{}", of_cells(count));
            if let Some(line) = none.line() {
                reason.push_str(&format!(
                    "; {} on line {line} is none with other signs either{}: correct it, or call it --missing",
                    none.text(),
                    of_cells(none.count)
                ));
            }
            return of_cells_of(reason, signs);
        }
        if survey.beside * 2 > count {
            let cells = self.rows.iter().map(|row| (row.line, row.text(self.column)));
            let first = cells.into_iter().find_map(|(line, text)| {
                self.signs.beside(text).map(|sign| (sign, Some((line, text))))
            });
            let (sign, first) = first?;
            let first = CellTally { count: survey.beside, first };
            let reason = format!(
                "found {}, a number with {sign}{}, expected numbers alone; write them without it",
                first.text(),
                of_cells(survey.beside)
            );
            return Some(ColumnFault::OfCells(self.problem(&first, reason, vec![self.drop()])));
        }
        if survey.dates * 2 > count {
            let reason = format!(
                "found the date {found}{}, expected a number; give it as one, as days since a first day, or leave it out",
                of_cells(count)
            );
            return of_all(reason, vec![self.drop()]);
        }
        let filled = count + survey.numbers + survey.endless.count;
        if survey.numbers * 10 > filled {
            let reason = format!(
                "found {found}, expected a number as in {} other cells{}; correct it, or call it --missing",
                survey.numbers,
                of_cells(count)
            );
            let called = self.called_missing(&CellText::Words).into_iter();
            let mends = called.chain([self.drop(), self.encode(TextCode::Ordinal)]).collect();
            return of_cells_of(reason, mends);
        }
        let different = texts(self.column, self.rows).len();
        if different > FEW_TEXTS && different * 2 > filled {
            let reason = format!(
                "found {found}, expected a number: {different} of {filled} texts are different, as names and \
                 identifiers are"
            );
            return of_all(reason, vec![self.drop()]);
        }
        None
    }

    fn is_text(self, words: &CellTally) -> ImportProblem {
        let different = texts(self.column, self.rows).len();
        let reason =
            format!("found {}, expected a number: {different} different texts", words.text());
        let one_hot = (different <= MOST_COLUMNS).then(|| self.encode(TextCode::OneHot));
        let mends = one_hot.into_iter().chain([self.encode(TextCode::Ordinal), self.drop()]);
        self.problem(words, reason, mends.collect())
    }

    /// The signs with which more than half of the words are numbers, and the cells that are none even then.
    fn other_signs(self, words: usize) -> Option<(Vec<Mend>, CellTally<'a>)> {
        let others = self.signs.others().into_iter().map(|signs| (signs, self.no_numbers(signs)));
        let mut others: Vec<(NumberSigns, CellTally)> =
            others.filter(|(_, none)| none.count * 2 < words).collect();
        let fewest = others.iter().map(|(_, none)| none.count).min()?;
        others.retain(|(_, none)| none.count == fewest);
        // two signs where one will do say nothing more
        let is_simple = |signs: &NumberSigns| {
            signs.thousands == self.signs.thousands || signs.decimal == self.signs.decimal
        };
        if others.iter().any(|(signs, _)| is_simple(signs)) {
            others.retain(|(signs, _)| is_simple(signs));
        }
        let none = others.first().map(|(_, none)| *none)?;
        let mend = |(to, _): (NumberSigns, _)| Mend::Signs(SignChange::between(self.signs, to));
        Some((others.into_iter().map(mend).collect(), none))
    }

    /// The cells that are neither numbers with these signs nor missing.
    fn no_numbers(self, signs: NumberSigns) -> CellTally<'a> {
        let survey = ColumnSurvey::of(self.column, self.rows, signs);
        let (words, endless) = (survey.words, survey.endless);
        let first = words.first.or(endless.first);
        CellTally { count: words.count + endless.count, first }
    }

    /// The texts of a kind, and how often each occurs.
    fn words(self, is_one: impl Fn(&str) -> bool) -> BTreeMap<&'a str, usize> {
        let mut counts = texts(self.column, self.rows);
        counts.retain(|text, _| is_one(text));
        counts
    }

    /// Line and text of the first cell of a kind.
    fn first(self, is_one: impl Fn(&str) -> bool) -> Option<(u64, &'a str)> {
        let cells = self.rows.iter().map(|row| (row.line, row.text(self.column)));
        cells.into_iter().find(|(_, text)| is_one(text))
    }

    fn drop(self) -> Mend {
        let GivenColumn { name, .. } = self.column;
        let is_writable = self.is_only && !name.is_empty() && !name.contains(char::is_control);
        Mend::Drop(if is_writable { name.clone() } else { self.column.number().to_string() })
    }

    fn encode(self, code: TextCode) -> Mend {
        Mend::Encode(self.column.name.clone(), code)
    }

    fn problem(self, cells: &CellTally, reason: String, mends: Vec<Mend>) -> ImportProblem {
        ImportProblem { line: cells.line(), column: self.column.place(), reason, mends }
    }
}

/// ` (3 such cells)`, if there are several.
fn of_cells(count: usize) -> String {
    if count > 1 { format!(" ({count} such cells)") } else { String::new() }
}
