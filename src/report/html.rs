//! The report as one self-contained page: no script, no resource from anywhere.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value, context};

use super::format::printable;
use super::plots::{Figure, figures};
use super::reading::{GLOSSARY, alarms, data_facts, headlines, provenance};
use super::sections::{Column, Section, Table, overview, sections};
use super::{Report, ReportError, Run};

/// Everything in it is escaped except the figures, whose text kuva escapes.
const TEMPLATE: &str = include_str!("report.html.j2");

/// The text of `report.html`; the same bytes for the same report.
///
/// # Errors
/// The template cannot be filled in; a defect, not the reader's doing.
pub fn render_html(report: &Report) -> Result<String, ReportError> {
    let runs: Vec<Value> = report.runs.iter().enumerate().map(run_view).collect();
    let mut environment = Environment::new();
    environment.set_syntax(line_based().map_err(template_error)?);
    // The ending `.html` turns escaping on.
    environment.add_template("report.html", TEMPLATE).map_err(template_error)?;
    let template = environment.get_template("report.html").map_err(template_error)?;
    let overview: Vec<Value> = overview(&report.runs).into_iter().map(table_view).collect();
    let glossary = pairs(GLOSSARY);
    let page =
        template.render(context! { title => report.title.clone(), overview, runs, glossary });
    let lines = page.map_err(template_error)?;
    Ok(lines.split('\n').map(printable).collect::<Vec<_>>().join("\n"))
}

/// Lines that hold only a tag leave nothing behind; the final newline stays.
fn line_based() -> Result<SyntaxConfig, minijinja::Error> {
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()
}

fn run_view((number, run): (usize, &Run)) -> Value {
    let id = format!("run-{}", number + 1);
    let section = |(place, section)| section_view(run, format!("{id}-{}", place + 1), section);
    let sections: Vec<Value> = sections(run).into_iter().enumerate().map(section).collect();
    context! {
        id => id.clone(),
        name => run.data.name.clone(),
        synthetic => run.data.synthetic,
        provenance => provenance(run),
        facts => pairs(data_facts(run)),
        alarms => alarms(run),
        headlines => pairs(headlines(run)),
        sections,
        notes => run.notes.clone(),
    }
}

fn section_view(run: &Run, id: String, section: Section) -> Value {
    let figures: Vec<Value> =
        figures(run, section.topic, &id).into_iter().map(figure_view).collect();
    let tables: Vec<Value> = section.tables.into_iter().map(table_view).collect();
    let Section { title, evidence, intro, .. } = section;
    context! { id, title, evidence, intro, figures, tables }
}

fn figure_view(Figure { title, description, width, height, body }: Figure) -> Value {
    context! { title, description, width => width as u64, height => height as u64, body }
}

fn table_view(Table { caption, columns, rows, .. }: Table) -> Value {
    let column = |column: &Column| context! { name => column.name, numeric => column.numeric };
    let columns: Vec<Value> = columns.iter().map(column).collect();
    context! { caption, columns, rows }
}

/// Names with what belongs to them, in order.
fn pairs<N: Into<Value>, T: Into<Value>>(entries: impl IntoIterator<Item = (N, T)>) -> Vec<Value> {
    entries.into_iter().map(|(name, value)| Value::from(vec![name.into(), value.into()])).collect()
}

fn template_error(error: minijinja::Error) -> ReportError {
    ReportError::Template { reason: error.to_string() }
}
