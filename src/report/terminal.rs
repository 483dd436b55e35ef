//! The report in a terminal: at most [`WIDTH`] columns, no colour.

use std::fmt::{self, Display, Formatter};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle};

use super::format::printable;
use super::reading::{IN_SHORT, alarms, data_facts, headlines, provenance};
use super::sections::{CellKind, Section, Table, overview, sections};
use super::{Report, Run};
use crate::dataset::keep_words;

/// Most columns of a line.
const WIDTH: u16 = 100;

/// A rule below the heading and nothing else.
const RULED: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// An empty table, the same for every terminal; columns after the first `texts` are numbers and flush right.
pub(crate) fn ruled<'h>(
    header: impl IntoIterator<Item = &'h str>,
    texts: usize,
) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(RULED);
    table.force_no_tty();
    table.set_header(header);
    for column in table.column_iter_mut().skip(texts) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write_wrapped(out, "", &printable(&self.title))?;
        write_tables(out, &overview(&self.runs))?;
        for run in &self.runs {
            write_run(out, run)?;
        }
        for run in &self.runs {
            write_in_short(out, run)?;
        }
        writeln!(out, "\nHow to read this")?;
        for line in IN_SHORT {
            write_wrapped(out, "  ", line)?;
        }
        Ok(())
    }
}

fn write_run(out: &mut Formatter<'_>, run: &Run) -> fmt::Result {
    let heading = format!("{} ({})", printable(&run.data.name), provenance(run));
    writeln!(out)?;
    write_wrapped(out, "", &heading)?;
    writeln!(out, "{}", "═".repeat(heading.chars().count().min(WIDTH.into())))?;
    for (name, fact) in data_facts(run) {
        write_wrapped(out, "", &format!("{name}: {}", printable(&fact)))?;
    }
    for alarm in alarms(run) {
        write_wrapped(out, "", &format!("!! {}", printable(&alarm)))?;
    }
    for section in sections(run) {
        write_section(out, run, &section)?;
    }
    if !run.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &run.notes {
        write_wrapped(out, "", &format!("note: {}", printable(note)))?;
    }
    Ok(())
}

/// Writes the main results, model by model. They come last, where a terminal stops scrolling.
fn write_in_short(out: &mut Formatter<'_>, run: &Run) -> fmt::Result {
    writeln!(out)?;
    write_wrapped(out, "", &format!("{} in short", printable(&run.data.name)))?;
    for (model, sentences) in headlines(run) {
        write_wrapped(out, "  ", &printable(&model))?;
        for sentence in sentences {
            write_wrapped(out, "    ", &printable(&sentence))?;
        }
    }
    Ok(())
}

fn write_section(out: &mut Formatter<'_>, run: &Run, section: &Section) -> fmt::Result {
    let synthetic = if run.data.synthetic { "; synthetic data" } else { "" };
    writeln!(out, "\n{} [{}{synthetic}]", section.title, section.evidence)?;
    write_tables(out, &section.tables)
}

/// Writes tables with a blank line between them.
fn write_tables(out: &mut Formatter<'_>, tables: &[Table]) -> fmt::Result {
    for (number, table) in tables.iter().filter(|table| !table.page_only).enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        if !table.caption.is_empty() {
            write_wrapped(out, "", &printable(&table.caption))?;
        }
        writeln!(out, "{}", lay_out(table).trim_fmt())?;
    }
    Ok(())
}

/// Lays a table out, wrapped to the width with numbers unbroken. A model's name stands
/// only in the first of its rows.
fn lay_out(table: &Table) -> comfy_table::Table {
    let mut laid = ruled(table.columns.iter().map(|column| column.name), table.columns.len());
    laid.set_content_arrangement(ContentArrangement::Dynamic);
    laid.set_width(WIDTH);
    let mut above = None;
    for row in &table.rows {
        let leading = row.first();
        let cell = |(index, text): (usize, &String)| match index {
            0 if leading == above => String::new(),
            _ => printable(text),
        };
        laid.add_row(row.iter().enumerate().map(cell));
        above = leading;
    }
    for (position, column) in table.columns.iter().enumerate() {
        let Some(laid_column) = laid.column_mut(position) else { continue };
        laid_column.set_padding((0, 1));
        if column.kind == CellKind::Number {
            laid_column.set_cell_alignment(CellAlignment::Right);
            laid_column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    keep_words(&mut laid);
    laid
}

/// Writes one paragraph; later lines are indented by two more columns.
fn write_wrapped(out: &mut Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    let mut line = indent.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let width = line.chars().count() + 1 + word.chars().count();
        if !is_empty && width > WIDTH.into() {
            writeln!(out, "{line}")?;
            line = format!("{indent}  ");
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    writeln!(out, "{line}")
}
