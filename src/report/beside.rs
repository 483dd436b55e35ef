//! The tables of a page as files of their own: Markdown to paste, CSV to compute with.
//!
//! ```text
//! tables.md    every table below its heading and caption
//! tables.csv   run,section,table,row,column,value,number     a line per cell; rows count from 1
//! ```
//!
//! `number` is the value of a cell with a number: a share as a decimal (`72 of 99` and `72.7%` too), without grouping;
//! empty for texts.

use super::Report;
use super::audit_sections::PageViews;
use super::html::only_audit;
use super::sections::{CellKind, Table, sections};
use crate::text::csv_of;

/// The columns of `tables.csv`.
const COLUMNS: [&str; 7] = ["run", "section", "table", "row", "column", "value", "number"];

/// A table with the name of its run and the title of its section.
struct PlacedTable {
    run: String,
    section: String,
    table: Table,
}

/// All tables of a report as `tables.md` and `tables.csv`, in the order of the page.
pub(super) fn render_tables(report: &Report) -> [String; 2] {
    let tables = placed(report);
    [markdown_of(&report.title, &tables), cells_of(&tables)]
}

fn placed(report: &Report) -> Vec<PlacedTable> {
    if let Some((run, model, audited)) = only_audit(report) {
        let all = PageViews { run, model, audited }.all_tables().into_iter();
        let place = |(section, table): (&str, Table)| PlacedTable {
            run: run.data.name.clone(),
            section: section.to_owned(),
            table,
        };
        return all.map(place).collect();
    }
    let of_run = report.runs.iter().flat_map(|run| {
        sections(run).into_iter().flat_map(move |section| {
            section.tables.into_iter().map(move |table| PlacedTable {
                run: run.data.name.clone(),
                section: section.title.to_owned(),
                table,
            })
        })
    });
    of_run.collect()
}

fn markdown_of(title: &str, tables: &[PlacedTable]) -> String {
    // a bar would end the cell, a line break the row
    let cell = |text: &str| format!("| {} ", text.replace('|', "\\|").replace(['\n', '\r'], " "));
    let line = |cells: &mut dyn Iterator<Item = &str>| cells.map(cell).collect::<String>() + "|\n";
    let mut text = format!("# {title}\n");
    let mut last = ("", "");
    for PlacedTable { run, section, table } in tables {
        if last != (run.as_str(), section.as_str()) {
            text += &format!("\n## {run}: {section}\n");
            last = (run, section);
        }
        if !table.caption.is_empty() {
            text += &format!("\n{}\n", table.caption);
        }
        text.push('\n');
        text += &line(&mut table.columns.iter().map(|column| column.name));
        text += &(table.columns.iter().map(|_| "|---").collect::<String>() + "|\n");
        table.rows.iter().for_each(|row| text += &line(&mut row.iter().map(String::as_str)));
    }
    text
}

fn cells_of(tables: &[PlacedTable]) -> String {
    let mut cells = vec![COLUMNS.map(str::to_owned)];
    for PlacedTable { run, section, table } in tables {
        for (number, row) in (1_u64..).zip(&table.rows) {
            cells.extend(table.columns.iter().zip(row).map(|(column, value)| {
                let place = [run, section, &table.caption].map(String::clone);
                let [run, section, caption] = place;
                let amount = match column.kind {
                    CellKind::Number => {
                        number_of(value).map_or_else(String::new, |x| x.to_string())
                    }
                    CellKind::Text | CellKind::Claim | CellKind::File => String::new(),
                };
                let (column, value) = (column.name.to_owned(), value.clone());
                [run, section, caption, number.to_string(), column, value, amount]
            }));
        }
    }
    csv_of(cells)
}

/// The number that a cell shows first; of a share with its counts their quotient.
fn number_of(text: &str) -> Option<f64> {
    let whole = |text: &str| text.replace(',', "").parse::<f64>().ok();
    let counted = text.rsplit_once('(').map_or(text, |(_, rest)| rest.trim_end_matches(')'));
    let counts = counted.split_once(" of ").and_then(|(a, b)| Some((whole(a)?, whole(b)?)));
    if let Some((count, of)) = counts {
        return (of > 0.0).then(|| count / of);
    }
    let first = text.split_whitespace().next()?;
    match first.strip_suffix('%') {
        Some(percent) => Some(whole(percent)? / 100.0),
        None => whole(first.strip_prefix('+').unwrap_or(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::run;
    use super::*;

    #[test]
    fn numbers_are_numbers() {
        for (text, number) in [
            ("75.0% (72 of 96)", Some(0.75)),
            ("812 of 1,624", Some(0.5)),
            ("94.5%", Some(0.945)),
            ("12,340", Some(12340.0)),
            ("94.21 ±0.35", Some(94.21)),
            ("+0.42 [-0.10, +0.94]", Some(0.42)),
            ("-0.10", Some(-0.1)),
            ("–", None),
            ("0 of 0", None),
            ("", None),
        ] {
            assert_eq!(number_of(text), number, "{text}");
        }
    }

    #[test]
    fn every_cell_of_the_page_is_in_both_files() {
        let report = Report::new("a | b", vec![run("one", false), run("two", true)]);
        let [markdown, csv] = render_tables(&report);
        let tables = placed(&report);
        let rules = markdown.lines().filter(|line| line.starts_with("|---")).count();
        assert_eq!(rules, tables.len());
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let cells = tables.iter().map(|one| one.table.rows.len() * one.table.columns.len());
        assert_eq!(reader.records().map(Result::unwrap).count(), cells.sum::<usize>());
        for one in &tables {
            let columns = one.table.columns.len();
            let row = |line: &&str| {
                line.matches('|').count() - line.matches("\\|").count() == columns + 1
            };
            assert!(markdown.lines().filter(row).count() >= one.table.rows.len());
        }
    }
}
