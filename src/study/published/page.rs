//! The page and the table of printed numbers beside those of studies.

use std::collections::BTreeMap;
use std::fmt::Write;

use minijinja::{Value, context};

use crate::report::{ReportError, filled};
use crate::text::csv_of;

use super::super::formula::FigureName;
use super::agreement::TableAgreement;
use super::compared::{ComparedStudy, PublishedFinding};
use super::sheet::{PublishedSheet, PublishedTable, RoundedEnd};

/// The template. Names and sentences come from the sheet, whose author is the reader.
const TEMPLATE: &str = include_str!("beside.md.j2");

/// The columns of the table of all numbers.
pub const BESIDE_COLUMNS: [&str; 13] = [
    "table",
    "data",
    "cell",
    "published",
    "seed",
    "kind",
    "here",
    "sd",
    "n",
    "low",
    "high",
    "missing",
    "remark",
];

/// The page, as Markdown: a section per table, and a line for each of them in front. Of several studies a number is that of
/// the first that has it.
///
/// # Errors
/// The template cannot be filled in. This is a defect of the program.
pub fn beside_page(
    sheet: &PublishedSheet,
    studies: &[ComparedStudy],
) -> Result<String, ReportError> {
    let tables = sheet.tables.iter().enumerate();
    let tables: Vec<Value> =
        tables.map(|(at, table)| table_view(table, &first_found(at, studies))).collect();
    let figures: Vec<Value> =
        FigureName::meanings().map(|(name, meaning)| context! { name, meaning }).collect();
    let studies: Vec<Value> = studies
        .iter()
        .map(|study| {
            context! {
                seed => study.seed, data => study.data.join(", "), repetitions => study.repetitions,
                tool => study.tool.as_str(), grid => study.grid.to_string(),
            }
        })
        .collect();
    let (source, digest) = (sheet.source.as_str(), sheet.digest.to_string());
    filled("beside.md", TEMPLATE, context! { source, digest, studies, tables, figures })
}

/// A number with the seed of the study that it is from, if that is not the first one.
type SeededFinding = (PublishedFinding, Option<u64>);

/// The numbers of a table, each from the first study that has it.
fn first_found(at: usize, studies: &[ComparedStudy]) -> Vec<SeededFinding> {
    let seeds = studies.iter().enumerate().map(|(at, study)| (at > 0).then_some(study.seed));
    let of_study: Vec<(&Vec<PublishedFinding>, Option<u64>)> = studies
        .iter()
        .zip(seeds)
        .filter_map(|(study, seed)| Some((study.tables.get(at)?, seed)))
        .collect();
    let count = of_study.first().map_or(0, |(findings, _)| findings.len());
    let one = |number: usize| {
        let all = of_study.iter().filter_map(|(all, seed)| Some((all.get(number)?, *seed)));
        let found = all.clone().find(|(one, _)| one.here.is_some()).or_else(|| all.clone().next());
        found.map(|(one, seed)| (one.clone(), seed))
    };
    (0..count).filter_map(one).collect()
}

fn table_view(table: &PublishedTable, placed: &[SeededFinding]) -> Value {
    let findings: Vec<PublishedFinding> = placed.iter().map(|(one, _)| one.clone()).collect();
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in findings.iter().filter_map(|one| one.missing.as_deref()) {
        *missing.entry(reason).or_default() += 1;
    }
    let missing: Vec<Value> =
        missing.into_iter().map(|(reason, count)| context! { reason, count }).collect();
    let remarks: Vec<Value> = findings
        .iter()
        .filter_map(|one| {
            let remark = one.remark.as_deref()?;
            Some(context! { cell => place(one), remark, published => one.printed.as_str() })
        })
        .collect();
    let PageTable { head, rows } = match table.across.as_deref() {
        Some(across) => PageTable::across(across, placed),
        None => PageTable::plain(placed),
    };
    context! {
        name => table.name.as_str(), says => table.says.as_str(), note => table.note.as_deref(),
        formula => table.text.as_str(), summary => summary(table, &findings), head, rows, missing, remarks,
    }
}

/// The table in short. Means over ends of what is proved would be ends of nothing.
fn summary(table: &PublishedTable, findings: &[PublishedFinding]) -> Value {
    let found = TableAgreement::of(findings);
    let measured = |value: Option<f64>| value.filter(|_| table.end.is_none());
    let text = |value: Option<f64>| value.map(|value| format!("{value:.2}"));
    context! {
        all => findings.len(), with => found.with, published => text(found.published),
        here => text(measured(found.here)), distance => text(measured(found.distance)),
        signs => found.signs.map(|count| format!("{count} of {}", found.with)),
        apart => (found.judged > 0).then(|| format!("{} of {}", found.apart, found.judged)),
        rank => text(found.rank),
    }
}

/// The names of a cell in one text.
fn place(one: &PublishedFinding) -> String {
    let names = one.choice.values().map(String::as_str);
    std::iter::once(one.data.as_str()).chain(names).collect::<Vec<_>>().join(", ")
}

/// A table as the page has it.
struct PageTable {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl PageTable {
    /// A row per number.
    fn plain(placed: &[SeededFinding]) -> Self {
        let variables = variables(placed, None);
        let own = ["published", "here", "here − published"].map(str::to_owned);
        let row = |one: &SeededFinding| {
            let cells = [one.0.printed.clone(), here(one), difference(&one.0)];
            names(&one.0, &variables).into_iter().chain(cells).collect()
        };
        let head = std::iter::once("data".to_owned()).chain(variables.clone()).chain(own).collect();
        Self { head, rows: placed.iter().map(row).collect() }
    }

    /// A row per choice of the other names, with the values of one variable beside each other.
    fn across(across: &str, placed: &[SeededFinding]) -> Self {
        let variables = variables(placed, Some(across));
        let (mut columns, mut keys): (Vec<String>, Vec<Vec<String>>) = (Vec::new(), Vec::new());
        let mut cells: BTreeMap<(usize, usize), String> = BTreeMap::new();
        for one in placed {
            let name = one.0.choice.get(across).cloned().unwrap_or_default();
            let place =
                (place_of(&mut keys, names(&one.0, &variables)), place_of(&mut columns, name));
            cells.insert(place, format!("{} / {}", one.0.printed, here(one)));
        }
        let row = |(number, key): (usize, Vec<String>)| {
            let cell = |at: usize| cells.get(&(number, at)).cloned().unwrap_or_default();
            key.into_iter().chain((0..columns.len()).map(cell)).collect()
        };
        let rows = keys.into_iter().enumerate().map(row).collect();
        let head = std::iter::once("data".to_owned()).chain(variables).chain(columns).collect();
        Self { head, rows }
    }
}

/// The place of a value in a list, at its end if it is new.
fn place_of<T: PartialEq>(known: &mut Vec<T>, value: T) -> usize {
    known.iter().position(|one| *one == value).unwrap_or_else(|| {
        known.push(value);
        known.len() - 1
    })
}

/// The variables of a table but one.
fn variables(placed: &[SeededFinding], but: Option<&str>) -> Vec<String> {
    let all = placed.first().into_iter().flat_map(|(one, _)| one.choice.keys());
    all.filter(|name| Some(name.as_str()) != but).cloned().collect()
}

/// The data set of a number, and the names of some variables.
fn names(one: &PublishedFinding, variables: &[String]) -> Vec<String> {
    let given = variables.iter().map(|name| one.choice.get(name).cloned().unwrap_or_default());
    std::iter::once(one.data.clone()).chain(given).collect()
}

/// The figure of a study: `3.12 ±0.80`, bold if its interval does not hold the printed number. Ends of what is proved are
/// rounded outward.
fn here((one, seed): &SeededFinding) -> String {
    let Some(here) = one.here else { return "–".to_owned() };
    let mut text = match one.end {
        None => format!("{:.2}", here.mean),
        Some(RoundedEnd::AtLeast) => format!("≥ {:.2}", hundredths(here.mean, f64::floor)),
        Some(RoundedEnd::AtMost) => format!("≤ {:.2}", hundredths(here.mean, f64::ceil)),
    };
    if let Some([low, high]) = one.interval {
        let _ = write!(text, " ±{:.2}", (high - low) / 2.0);
    }
    if one.is_apart() == Some(true) {
        text = format!("**{text}**");
    }
    if one.lost > 0 {
        let _ = write!(text, " ({} of {})", here.n, here.n + one.lost);
    }
    if let Some(seed) = seed {
        let _ = write!(text, " [seed {seed}]");
    }
    text
}

/// The figure less the printed number, an end of what is proved rounded outward.
fn difference(one: &PublishedFinding) -> String {
    let Some(apart) = one.difference() else { return String::new() };
    match one.end {
        None => format!("{apart:+.2}"),
        Some(RoundedEnd::AtLeast) => format!("≥ {:+.2}", hundredths(apart, f64::floor)),
        Some(RoundedEnd::AtMost) => format!("≤ {:+.2}", hundredths(apart, f64::ceil)),
    }
}

/// A number in whole hundredths. A share of fewer than 10⁷ obligations that is not whole differs by more than the floats err.
fn hundredths(value: f64, rounded: fn(f64) -> f64) -> f64 {
    let (scaled, nearest) = (value * 100.0, (value * 100.0).round());
    let is_whole = (scaled - nearest).abs() < 1e-8;
    (if is_whole { nearest } else { rounded(scaled) }) / 100.0
}

/// All numbers, as CSV: a line per study.
pub fn beside_csv(sheet: &PublishedSheet, studies: &[ComparedStudy]) -> String {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let rounded = |one: &PublishedFinding, end: fn(f64) -> f64| {
        one.here.map_or(String::new(), |here| format!("{:.2}", hundredths(here.mean, end)))
    };
    let row = |study: &ComparedStudy, table: &PublishedTable, one: &PublishedFinding| {
        let choice = one.choice.iter().map(|(name, value)| format!("{name}={value}"));
        [
            table.name.clone(),
            one.data.clone(),
            choice.collect::<Vec<_>>().join(" "),
            one.printed.clone(),
            study.seed.to_string(),
            match one.end {
                None => "measured",
                Some(RoundedEnd::AtLeast) => "proved, at least",
                Some(RoundedEnd::AtMost) => "proved, at most",
            }
            .to_owned(),
            match one.end {
                None => number(one.here.map(|here| here.mean)),
                Some(RoundedEnd::AtLeast) => rounded(one, f64::floor),
                Some(RoundedEnd::AtMost) => rounded(one, f64::ceil),
            },
            number(one.here.and_then(|here| here.sd)),
            one.here.map_or(String::new(), |here| here.n.to_string()),
            number(one.interval.map(|[low, _]| low)),
            number(one.interval.map(|[_, high]| high)),
            one.missing.clone().unwrap_or_default(),
            one.remark.clone().unwrap_or_default(),
        ]
    };
    let mut rows = vec![BESIDE_COLUMNS.map(str::to_owned)];
    for study in studies {
        for (table, findings) in sheet.tables.iter().zip(&study.tables) {
            rows.extend(findings.iter().map(|one| row(study, table, one)));
        }
    }
    csv_of(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_rounded_outward() {
        let ends = |count: f64, of: f64| {
            let percent = 100.0 * (count / of);
            (hundredths(percent, f64::floor), hundredths(percent, f64::ceil))
        };
        assert_eq!(ends(2.0, 3.0), (66.66, 66.67));
        assert_eq!(ends(1_999_999.0, 2_000_000.0), (99.99, 100.0));
        for count in 0..=100 {
            assert_eq!(ends(f64::from(count), 100.0), (f64::from(count), f64::from(count)));
        }
    }
}
