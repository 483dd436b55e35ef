//! The page and the table of printed numbers beside those of studies.

use std::collections::BTreeMap;

use minijinja::{Environment, Value, context};

use crate::report::{ReportError, line_based, template_error};
use crate::text::csv_of;

use super::super::formula::FigureName;
use super::agreement::TableAgreement;
use super::compared::{ComparedTable, PublishedFinding};
use super::sheet::{PublishedSheet, PublishedTable, RoundedEnd};

/// The template. Names and sentences come from the sheet, whose author is the reader.
const TEMPLATE: &str = include_str!("beside.md.j2");

/// The columns of the table of all numbers.
pub const BESIDE_COLUMNS: [&str; 12] = [
    "table",
    "data",
    "cell",
    "published",
    "seed",
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
    studies: &[ComparedTable],
) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_syntax(line_based().map_err(template_error)?);
    // The ending `.md` leaves escaping off.
    environment.add_template("beside.md", TEMPLATE).map_err(template_error)?;
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
    let template = environment.get_template("beside.md").map_err(template_error)?;
    template.render(context! { source, digest, studies, tables, figures }).map_err(template_error)
}

/// The numbers of a table, each from the first study that has it.
fn first_found(at: usize, studies: &[ComparedTable]) -> Vec<PublishedFinding> {
    let of_study: Vec<&Vec<PublishedFinding>> =
        studies.iter().filter_map(|study| study.tables.get(at)).collect();
    let count = of_study.first().map_or(0, |findings| findings.len());
    let one = |number: usize| {
        let mut found = of_study.iter().filter_map(|findings| findings.get(number));
        let all = found.clone();
        found.find(|one| one.here.is_some()).or_else(|| all.clone().next()).cloned()
    };
    (0..count).filter_map(one).collect()
}

fn table_view(table: &PublishedTable, findings: &[PublishedFinding]) -> Value {
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
            Some(context! { cell => place(one), remark, published => one.published.to_string() })
        })
        .collect();
    let (head, rows) = rows(table, findings);
    context! {
        name => table.name.as_str(), says => table.says.as_str(), note => table.note.as_deref(),
        formula => table.text.as_str(), summary => summary(findings), head, rows, missing, remarks,
    }
}

fn summary(findings: &[PublishedFinding]) -> Value {
    let found = TableAgreement::of(findings);
    let text = |value: Option<f64>| value.map(|value| format!("{value:.2}"));
    context! {
        all => findings.len(), with => found.with, published => text(found.published),
        here => text(found.here), distance => text(found.distance),
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

/// The head and the rows of a table: a row per number, or one per choice of the other names if a variable stands across.
fn rows(table: &PublishedTable, findings: &[PublishedFinding]) -> (Vec<String>, Vec<Vec<String>>) {
    let across = table.across.as_deref();
    let variables = findings.first().map(|one| one.choice.keys().cloned().collect::<Vec<_>>());
    let variables: Vec<String> = variables.unwrap_or_default();
    let down: Vec<&String> =
        variables.iter().filter(|name| Some(name.as_str()) != across).collect();
    let names = |one: &PublishedFinding| {
        let down = down.iter().filter_map(|name| one.choice.get(*name).cloned());
        std::iter::once(one.data.clone()).chain(down).collect::<Vec<_>>()
    };
    let mut head: Vec<String> = vec!["data".to_owned()];
    head.extend(down.iter().map(|name| (*name).clone()));
    let Some(across) = across else {
        head.extend(["published", "here", "here − published"].map(str::to_owned));
        let row = |one: &PublishedFinding| {
            let difference = one.difference().map_or(String::new(), |apart| format!("{apart:+.2}"));
            let own = [one.published.to_string(), here(table, one), difference];
            names(one).into_iter().chain(own).collect()
        };
        return (head, findings.iter().map(row).collect());
    };
    let column = |one: &PublishedFinding| one.choice.get(across).cloned().unwrap_or_default();
    let (mut columns, mut rows): (Vec<String>, Vec<(Vec<String>, BTreeMap<usize, String>)>) =
        (Vec::new(), Vec::new());
    for one in findings {
        let (key, name) = (names(one), column(one));
        let at = columns.iter().position(|known| *known == name).unwrap_or_else(|| {
            columns.push(name);
            columns.len() - 1
        });
        let row = rows.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            rows.push((key, BTreeMap::new()));
            rows.len() - 1
        });
        rows[row].1.insert(at, format!("{} / {}", one.published, here(table, one)));
    }
    let count = columns.len();
    head.extend(columns);
    let whole = |(names, cells): (Vec<String>, BTreeMap<usize, String>)| {
        let cell = |at: usize| cells.get(&at).cloned().unwrap_or_default();
        names.into_iter().chain((0..count).map(cell)).collect()
    };
    (head, rows.into_iter().map(whole).collect())
}

/// The figure of a study: `3.12 ±0.80`, bold if its interval does not hold the printed number. Ends of what is proved are
/// rounded outward.
fn here(table: &PublishedTable, one: &PublishedFinding) -> String {
    let Some(here) = one.here else { return "–".to_owned() };
    let text = match table.end {
        None => format!("{:.2}", here.mean),
        Some(RoundedEnd::AtLeast) => format!("≥ {:.2}", hundredths(here.mean, f64::floor)),
        Some(RoundedEnd::AtMost) => format!("≤ {:.2}", hundredths(here.mean, f64::ceil)),
    };
    let text = match one.interval {
        Some([low, high]) => format!("{text} ±{:.2}", (high - low) / 2.0),
        None => text,
    };
    if one.is_apart() == Some(true) { format!("**{text}**") } else { text }
}

/// A number in whole hundredths. A share of fewer than 10⁷ obligations that is not whole differs by more than the floats err.
fn hundredths(value: f64, rounded: fn(f64) -> f64) -> f64 {
    let (scaled, nearest) = (value * 100.0, (value * 100.0).round());
    let is_whole = (scaled - nearest).abs() < 1e-8;
    (if is_whole { nearest } else { rounded(scaled) }) / 100.0
}

/// All numbers, as CSV: a line per study.
pub fn beside_csv(sheet: &PublishedSheet, studies: &[ComparedTable]) -> String {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let row = |study: &ComparedTable, table: &PublishedTable, one: &PublishedFinding| {
        let choice = one.choice.iter().map(|(name, value)| format!("{name}={value}"));
        [
            table.name.clone(),
            one.data.clone(),
            choice.collect::<Vec<_>>().join(" "),
            one.published.to_string(),
            study.seed.to_string(),
            number(one.here.map(|here| here.mean)),
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
