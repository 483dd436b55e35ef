//! Signs of numbers: one column may need other ones, and all columns have the same.

use super::numbers::NumberSigns;
use super::options::{DecimalSign, ThousandsSign};
use super::plan::{CellCode, ColumnPlan};
use super::problem::{ImportProblem, Mend};
use super::survey::ColumnSurvey;
use super::texts::CsvTexts;

/// The signs that differ from those that were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignChange {
    /// The sign before fractions; `None`: as given.
    pub decimal: Option<DecimalSign>,
    /// The sign between thousands; `None`: as given.
    pub thousands: Option<ThousandsSign>,
}

impl SignChange {
    /// The change from the first signs to the second ones.
    pub(super) fn between(from: NumberSigns, to: NumberSigns) -> Self {
        Self {
            decimal: (from.decimal != to.decimal).then_some(to.decimal),
            thousands: (from.thousands != to.thousands).then_some(to.thousands),
        }
    }

    /// Both changes at once; `None` if they contradict one another.
    fn with(self, other: Self) -> Option<Self> {
        let both = Self {
            decimal: self.decimal.or(other.decimal),
            thousands: self.thousands.or(other.thousands),
        };
        let holds = |one: Self| {
            one.decimal.is_none_or(|sign| both.decimal == Some(sign))
                && one.thousands.is_none_or(|sign| both.thousands == Some(sign))
        };
        let is_ambiguous = both
            == Self { decimal: Some(DecimalSign::Comma), thousands: Some(ThousandsSign::Comma) };
        (holds(self) && holds(other) && !is_ambiguous).then_some(both)
    }

    fn of(self, signs: NumberSigns) -> NumberSigns {
        NumberSigns {
            decimal: self.decimal.unwrap_or(signs.decimal),
            thousands: self.thousands.unwrap_or(signs.thousands),
        }
    }

    /// The options.
    pub(super) fn options(self) -> Vec<String> {
        let decimal = self.decimal.map(|sign| format!("--decimal {sign}"));
        decimal
            .into_iter()
            .chain(self.thousands.map(|sign| format!("--thousands {sign}")))
            .collect()
    }
}

/// The one change that mends every column which needs one; `None` if it is open, or there is none for all.
pub(super) fn common(problems: &[ImportProblem]) -> Option<SignChange> {
    let choices: Vec<Vec<SignChange>> = problems
        .iter()
        .map(|problem| {
            let change = |mend: &Mend| match mend {
                Mend::Signs(change) => Some(*change),
                Mend::Drop(_) | Mend::Encode(..) | Mend::Fill | Mend::Missing(_) => None,
            };
            problem.mends.iter().filter_map(change).collect()
        })
        .collect();
    let mut all = SignChange::default();
    for choice in choices.iter().filter(|choice| choice.len() == 1) {
        all = all.with(*choice.first()?)?;
    }
    for choice in choices.iter().filter(|choice| choice.len() > 1) {
        let mut fitting = choice.iter().filter_map(|&change| all.with(change));
        let (first, second) = (fitting.next()?, fitting.next());
        if second.is_some() {
            return None;
        }
        all = first;
    }
    Some(all)
}

/// Columns of numbers that are none any more with the signs that other columns need.
pub(super) fn hidden(
    texts: &CsvTexts,
    plans: &[ColumnPlan],
    signs: NumberSigns,
    problems: &[ImportProblem],
) -> Vec<ImportProblem> {
    let Some(change) = common(problems).filter(|change| *change != SignChange::default()) else {
        return Vec::new();
    };
    let changed = change.of(signs);
    let numbers = plans.iter().filter(|plan| plan.code == CellCode::Numbers);
    let problem = |plan: &ColumnPlan| {
        let survey = |signs| ColumnSurvey::of(plan.column, &texts.rows, signs);
        let none = survey(changed).words;
        let line = none.line()?;
        let grouped = |&(_, sign): &(_, ThousandsSign)| {
            let signs = NumberSigns { thousands: sign, ..changed };
            sign != changed.thousands && !signs.is_ambiguous() && survey(signs).words.count == 0
        };
        let grouped = ThousandsSign::NAMES.iter().find(|named| grouped(named));
        let options = change.options().join(" ");
        let found = format!(
            "found {}, which is no number with {options}, as other columns need it",
            none.text()
        );
        let mend = grouped.map(|&(_, sign)| {
            let to = NumberSigns { thousands: sign, ..changed };
            Mend::Signs(SignChange::between(signs, to))
        });
        let reason = match mend {
            Some(_) => format!("{found}; its sign may stand between thousands"),
            None => format!("{found}; write the numbers of all columns with the same signs"),
        };
        let (column, mends) = (plan.column.place(), mend.into_iter().collect());
        Some(ImportProblem { line: Some(line), column, reason, mends })
    };
    numbers.filter_map(problem).collect()
}
