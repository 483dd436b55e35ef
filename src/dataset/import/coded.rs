//! A table of numbers made of the texts of a CSV: names, cells, and what is told about both.

use std::collections::{BTreeMap, BTreeSet};

use super::classes::LabelClasses;
use super::numbers::{CellText, NumberSigns};
use super::options::ImportOptions;
use super::plan::{CellCode, ColumnPlan, Undecided};
use super::problem::{ImportProblem, Mend};
use super::signs::hidden;
use super::survey::{alike_but_for_case, truth};
use super::texts::{CsvTexts, GivenRow, no_column, printable};
use crate::text::counted;
use crate::text::csv_of;

/// Rows from which on a column that counts them is noticed.
const COUNTED_ROWS: usize = 20;

/// The texts of a CSV with a plan for every column.
#[derive(Debug)]
pub(super) struct CodedTable<'a> {
    texts: &'a CsvTexts,
    plans: Vec<ColumnPlan<'a>>,
    signs: NumberSigns,
    pub(super) classes: LabelClasses,
}

impl<'a> CodedTable<'a> {
    /// Plans every column.
    ///
    /// # Errors
    /// All that is in the way of it.
    pub(super) fn of(
        texts: &'a CsvTexts,
        options: &ImportOptions,
    ) -> Result<Self, Vec<ImportProblem>> {
        let signs = NumberSigns { decimal: options.decimal, thousands: options.thousands };
        let mut problems = texts.problems.clone();
        problems.extend(wrong_options(texts, options, signs));
        let mut plans = Vec::with_capacity(texts.features.len());
        // without rows there is nothing to say about columns
        let columns = texts.features.iter().filter(|_| !texts.rows.is_empty());
        for column in columns {
            let rules = || options.encode.iter().rev();
            let is_own =
                |name: &Option<String>| name.as_deref().map(str::trim) == Some(&column.name);
            let names = || texts.features.iter().chain([&texts.label]);
            let undecided = Undecided {
                column,
                is_only: names().filter(|other| other.name == column.name).count() == 1,
                rows: &texts.rows,
                signs,
                own: rules().find(|rule| is_own(&rule.column)).map(|rule| rule.code),
                usual: rules().find(|rule| rule.column.is_none()).map(|rule| rule.code),
                fill: options.fill,
            };
            match undecided.plan() {
                Ok(plan) => plans.push(plan),
                Err(found) => problems.extend(found),
            }
        }
        problems.extend(hidden(texts, &plans, signs, &problems));
        problems.extend(taken_names(texts, &plans));
        problems.extend(wrong_directions(texts, &plans, options));
        let classes = LabelClasses::of(&texts.label, &texts.rows);
        match classes {
            Ok(classes) if problems.is_empty() => Ok(Self { texts, plans, signs, classes }),
            _ if texts.rows.is_empty() => Err(problems),
            classes => Err([problems, classes.err().unwrap_or_default()].concat()),
        }
    }

    /// Names of the features, in the order of their columns.
    pub(super) fn features(&self) -> Vec<String> {
        self.plans.iter().flat_map(names).collect()
    }

    /// Numbers that stand for texts, by feature.
    pub(super) fn category_codes(&self) -> BTreeMap<String, BTreeMap<String, f64>> {
        let codes = self.plans.iter().filter_map(|plan| match &plan.code {
            CellCode::Ordinal(ranks) => {
                let ranks = ranks.iter().map(|(text, &rank)| (text.clone(), rank as f64));
                Some((plan.column.name.clone(), ranks.collect()))
            }
            _ => None,
        });
        codes.collect()
    }

    /// The CSV: the columns in their order, with class numbers for labels.
    pub(super) fn rows(&self) -> Vec<u8> {
        let place = self.plans.partition_point(|plan| plan.column.at < self.texts.label.at);
        let (before, after) = self.plans.split_at(place);
        let named = |plans: &[ColumnPlan]| plans.iter().flat_map(names).collect::<Vec<String>>();
        let label = self.texts.label.name.clone();
        let header = [named(before), vec![label], named(after)].concat();
        let record = |row: &GivenRow| {
            let class = self.classes.class(row.text(&self.texts.label)).to_string();
            let cells = |plans: &[ColumnPlan]| -> Vec<String> {
                plans.iter().flat_map(|plan| self.cells(plan, row)).collect()
            };
            [cells(before), vec![class], cells(after)].concat()
        };
        csv_of(std::iter::once(header).chain(self.texts.rows.iter().map(record))).into_bytes()
    }

    /// The numbers of a cell.
    fn cells(&self, plan: &ColumnPlan, row: &GivenRow) -> Vec<String> {
        let given = row.text(plan.column);
        let fill = plan.fill.as_deref().unwrap_or(given);
        let text = if given.is_empty() { fill } else { given };
        match &plan.code {
            CellCode::Numbers => match self.signs.read(given) {
                CellText::Number(number) => vec![number.into_owned()],
                _ => vec![fill.to_owned()],
            },
            CellCode::Truths => {
                let own = truth(given).or_else(|| truth(fill));
                vec![own.unwrap_or(given).to_owned()]
            }
            CellCode::OneHot(texts) => {
                texts.iter().map(|own| u8::from(own == text).to_string()).collect()
            }
            CellCode::Ordinal(ranks) => {
                vec![ranks.get(text).map_or(text.to_owned(), usize::to_string)]
            }
        }
    }

    /// Readings that differ from the written text, one sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.texts.notes.clone();
        let truths: Vec<String> = self
            .plans
            .iter()
            .filter(|plan| plan.code == CellCode::Truths)
            .map(|plan| format!("`{}`", plan.column.name))
            .collect();
        if !truths.is_empty() {
            notes.push(format!("True and False of {} are read as 1 and 0", truths.join(", ")));
        }
        for plan in &self.plans {
            let name = &plan.column.name;
            match &plan.code {
                CellCode::OneHot(texts) => {
                    notes.push(format!("`{name}` is one-hot: {}", counted(texts.len(), "column")))
                }
                CellCode::Ordinal(ranks) => {
                    notes.push(format!("`{name}` is ordinal: {}", shown_ranks(ranks)))
                }
                CellCode::Numbers | CellCode::Truths => {}
            }
            if let Some(fill) = &plan.fill {
                let kind =
                    if plan.code == CellCode::Numbers { "the median" } else { "the most frequent" };
                let cells = counted(plan.missing, "missing cell");
                notes.push(format!(
                    "{cells} of `{name}`: filled with `{}`, {kind} of all rows",
                    printable(fill)
                ));
            }
        }
        notes
    }

    /// Warnings about columns that teach nothing, and about labels and texts that may be meant to be one.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.classes.warnings(&self.texts.label, &self.texts.rows);
        for plan in &self.plans {
            let name = &plan.column.name;
            if let CellCode::OneHot(texts) = &plan.code {
                warnings.extend(self.case_warning(name, texts.iter()));
            }
            if let CellCode::Ordinal(ranks) = &plan.code {
                warnings.extend(self.case_warning(name, ranks.keys()));
            }
            let mend = Mend::Drop(name.clone());
            if self.is_constant(plan) {
                warnings.push(format!(
                    "`{name}` is the same in every row: nothing can be learned of it; {mend} leaves it out"
                ));
            } else if self.counts_rows(plan) {
                warnings.push(format!(
                    "`{name}` grows from row to row in whole numbers: if it only counts rows, {mend} leaves it out"
                ));
            }
        }
        warnings
    }

    fn case_warning<'t>(
        &self,
        name: &str,
        texts: impl Iterator<Item = &'t String>,
    ) -> Option<String> {
        let groups = alike_but_for_case(texts.map(String::as_str));
        let first = groups.first()?;
        let names: Vec<String> =
            first.iter().map(|text| format!("`{}`", printable(text))).collect();
        Some(format!("texts of `{name}` differ in case alone: {}", names.join(" and ")))
    }

    fn is_constant(&self, plan: &ColumnPlan) -> bool {
        let mut cells = self.texts.rows.iter().map(|row| self.cells(plan, row));
        let first = cells.next();
        cells.all(|cell| Some(cell) == first)
    }

    /// True if every row has a larger whole number than the one before.
    fn counts_rows(&self, plan: &ColumnPlan) -> bool {
        let rows = &self.texts.rows;
        let value = |row: &GivenRow| self.cells(plan, row).first()?.parse::<f64>().ok();
        let is_larger = |pair: &[GivenRow]| {
            let [a, b] = pair else { return false };
            matches!((value(a), value(b)), (Some(a), Some(b)) if a < b && b.fract() == 0.0)
        };
        plan.code == CellCode::Numbers
            && rows.len() >= COUNTED_ROWS
            && rows.windows(2).all(is_larger)
    }
}

/// Names of the features that a column becomes; a line end inside a text is a blank.
fn names(plan: &ColumnPlan) -> Vec<String> {
    let name = &plan.column.name;
    match &plan.code {
        CellCode::OneHot(texts) => texts
            .iter()
            .map(|text| format!("{name}_{}", text.replace(char::is_control, " ")))
            .collect(),
        _ => vec![name.clone()],
    }
}

/// The first ranks, by rank.
fn shown_ranks(ranks: &BTreeMap<String, usize>) -> String {
    const SHOWN: usize = 8;
    let mut pairs: Vec<(usize, &String)> = ranks.iter().map(|(text, &rank)| (rank, text)).collect();
    pairs.sort();
    let shown: Vec<String> = pairs
        .iter()
        .take(SHOWN)
        .map(|(rank, text)| format!("{rank} = `{}`", printable(text)))
        .collect();
    let more = pairs.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}

/// Options that name columns that are not there, and signs that are the same.
fn wrong_options(
    texts: &CsvTexts,
    options: &ImportOptions,
    signs: NumberSigns,
) -> Vec<ImportProblem> {
    let mut reasons = Vec::new();
    if signs.is_ambiguous() {
        reasons.push(format!(
            "--decimal {0} and --thousands {0}: expected two different signs",
            signs.decimal
        ));
    }
    let wanted = options.encode.iter().filter_map(|rule| rule.column.as_deref());
    for name in wanted {
        if texts.features.iter().all(|column| column.name != name.trim()) {
            reasons.push(no_column(
                "--encode",
                name,
                texts.features.iter().map(|c| c.name.as_str()),
            ));
        }
    }
    reasons.into_iter().map(ImportProblem::of_option).collect()
}

/// Directions that are none, or of features that are not there, or told twice. A column without a plan may become
/// a feature.
fn wrong_directions(
    texts: &CsvTexts,
    plans: &[ColumnPlan],
    options: &ImportOptions,
) -> Vec<ImportProblem> {
    let is_planned = |at: usize| plans.iter().any(|plan| plan.column.at == at);
    let open = texts.features.iter().filter(|column| !is_planned(column.at));
    let open = open.map(|column| column.name.clone());
    let features: Vec<String> = plans.iter().flat_map(names).chain(open).collect();
    let mut reasons = Vec::new();
    let mut taken = BTreeSet::new();
    for (name, direction) in &options.monotone {
        let option = format!("--monotone {name}={direction}");
        if !features.contains(name) {
            reasons.push(no_column("--monotone", name, features.iter().map(String::as_str)));
        } else if !taken.insert(name) {
            reasons.push(format!("{option}: a direction of `{name}` was given before"));
        }
        if !matches!(direction.as_str(), "increasing" | "decreasing") {
            reasons.push(format!("{option}: expected `increasing` or `decreasing`"));
        }
    }
    reasons.into_iter().map(ImportProblem::of_option).collect()
}

/// Columns of texts whose new names are those of other columns.
fn taken_names(texts: &CsvTexts, plans: &[ColumnPlan]) -> Vec<ImportProblem> {
    let given = || texts.features.iter().chain([&texts.label]);
    let mut taken: BTreeSet<String> = given().map(|column| column.name.clone()).collect();
    let mut problems = Vec::new();
    for plan in plans {
        let CellCode::OneHot(_) = plan.code else { continue };
        let names = names(plan);
        if let Some(name) = names.iter().find(|name| !taken.insert((*name).clone())) {
            let own = plan.column.name.clone();
            problems.push(ImportProblem {
                line: Some(texts.header_line),
                column: plan.column.place(),
                reason: format!("its column `{name}` would have the name of another one"),
                mends: vec![Mend::Encode(own.clone(), super::TextCode::Ordinal), Mend::Drop(own)],
            });
        }
    }
    problems
}
