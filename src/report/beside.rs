//! The tables of a page as files of their own: Markdown to paste, CSV to compute with.
//!
//! ```text
//! tables.md    every table below its heading and caption
//! tables.csv   run,section,table,row,column,value     a line per cell; rows count from 1
//! ```

use super::Report;
use super::audit_sections::PageViews;
use super::html::only_audit;
use super::sections::{Table, sections};
use crate::text::csv_of;

/// The columns of `tables.csv`.
const COLUMNS: [&str; 6] = ["run", "section", "table", "row", "column", "value"];

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
                [run, section, caption, number.to_string(), column.name.to_owned(), value.clone()]
            }));
        }
    }
    csv_of(cells)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::run;
    use super::*;

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
