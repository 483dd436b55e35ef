//! The report as one self-contained page: no script, no resource from anywhere.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value, context};

use super::audit_reading::{example_of, verdict_of};
use super::audited::{AuditView, audits_of};
use super::format::{NONE, printable};
use super::plots::audited::frontier_of_audits;
use super::plots::{Figure, figures};
use super::reading::{GLOSSARY, alarms, data_facts, digests, headlines, provenance};
use super::sections::{CellKind, Column, Section, Table, overview, sections};
use super::{AuditFindings, ModelReport, Report, ReportError, Run};

/// The template. Everything in it is escaped except the figures, whose text kuva escapes.
const TEMPLATE: &str = concat!(include_str!("tables.html.j2"), include_str!("report.html.j2"));

/// The text of `report.html`; the same report gives the same bytes.
///
/// # Errors
/// The template cannot be filled in. This is a defect of the program, not the reader's doing.
pub fn render_html(report: &Report) -> Result<String, ReportError> {
    if let Some((run, model, audited)) = only_audit(report) {
        return super::audit_page::render(&report.title, run, model, audited);
    }
    let runs: Vec<Value> = report.runs.iter().enumerate().map(run_view).collect();
    let overview: Vec<Value> = overview(&report.runs).into_iter().map(table_view).collect();
    let glossary = pairs(GLOSSARY);
    let audits = audits_of(&report.runs);
    let sentences = audits.iter().map(|AuditView { name, model, audited }| {
        let sentences = std::iter::once(verdict_of(model, audited)).chain(example_of(audited));
        (name.clone(), sentences.collect::<Vec<_>>())
    });
    let audited = pairs(sentences);
    let frontier = frontier_of_audits(&audits).map(figure_view);
    let is_apart = audits.len() > 1 && frontier.is_none();
    let values = context! { title => report.title.clone(), overview, audited, frontier, is_apart, runs, glossary };
    let lines = filled("report.html", TEMPLATE, values)?;
    Ok(lines.split('\n').map(printable).collect::<Vec<_>>().join("\n"))
}

/// The one model of a report of one audit, which has a page of its own; several stand side by side on the usual one.
pub(super) fn only_audit(report: &Report) -> Option<(&Run, &ModelReport, &AuditFindings)> {
    let [run] = report.runs.as_slice() else { return None };
    let [model] = run.models.as_slice() else { return None };
    Some((run, model, model.audited.as_deref()?))
}

/// A template filled in. The ending of its name turns escaping on, of `.html` and `.xml`, or leaves it off, of `.md`; lines
/// that hold only a tag leave nothing behind, and the final newline stays.
///
/// # Errors
/// The template cannot be filled in. This is a defect of the program.
pub(crate) fn filled(name: &str, template: &str, values: Value) -> Result<String, ReportError> {
    let fill = || {
        let mut syntax = SyntaxConfig::builder();
        let syntax = syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
        let mut environment = Environment::new();
        environment.set_syntax(syntax.build()?);
        environment.add_template(name, template)?;
        environment.get_template(name)?.render(values)
    };
    fill().map_err(|error: minijinja::Error| ReportError::Template { reason: error.to_string() })
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
        facts => pairs([data_facts(run), digests(run)].concat()),
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

pub(super) fn figure_view(Figure { title, description, width, height, body }: Figure) -> Value {
    context! { title, description, width => width as u64, height => height as u64, body }
}

pub(super) fn table_view(Table { caption, columns, rows, .. }: Table) -> Value {
    let heading = |column: &Column| context! { name => column.name, class => class(column.kind) };
    let headings: Vec<Value> = columns.iter().map(heading).collect();
    let leaders = leaders(&rows);
    let row = |(row, leads): (&Vec<String>, &usize)| {
        let cells: Vec<Value> = row
            .iter()
            .zip(&columns)
            .skip(1)
            .map(|(text, column)| cell_view(text, column))
            .collect();
        context! { leader => row.first(), leads, cells }
    };
    let rows: Vec<Value> = rows.iter().zip(&leaders).map(row).collect();
    context! { caption, headings, rows }
}

fn class(kind: CellKind) -> &'static str {
    match kind {
        CellKind::Text => "",
        CellKind::Number => "num",
        CellKind::Claim => "claim",
        CellKind::File => "file",
    }
}

/// Number of rows that each first cell leads. A name repeated in the rows below is
/// written once; the repeats lead 0.
fn leaders(rows: &[Vec<String>]) -> Vec<usize> {
    let groups = rows.chunk_by(|above, below| above.first() == below.first());
    let counts = |group: &[Vec<String>]| {
        std::iter::once(group.len()).chain(std::iter::repeat_n(0, group.len() - 1))
    };
    groups.flat_map(counts).collect()
}

/// A cell with the name of its column, for small windows, which have no headings. The parameters of a
/// claim go to a line of their own, and a file becomes a link.
fn cell_view(text: &str, column: &Column) -> Value {
    let (class, name) = (class(column.kind), column.name);
    match column.kind {
        CellKind::Claim => {
            let (text, detail) = text.split_once(" (").unwrap_or((text, ""));
            context! { class, name, text, detail => detail.strip_suffix(')').unwrap_or(detail) }
        }
        CellKind::File => context! { class, name, text, href => link(text) },
        CellKind::Text | CellKind::Number => context! { class, name, text },
    }
}

/// The target of a path, if it leads from this page to a file and nowhere else. A report may come from
/// anybody, and so may its paths.
fn link(path: &str) -> Option<String> {
    let is_way = path != NONE && !path.starts_with('/') && !path.contains([':', '\\']);
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    is_way.then(|| path.bytes().map(escaped).collect())
}

/// Pairs of a name and its value, in order.
pub(super) fn pairs<N: Into<Value>, T: Into<Value>>(
    entries: impl IntoIterator<Item = (N, T)>,
) -> Vec<Value> {
    entries.into_iter().map(|(name, value)| Value::from(vec![name.into(), value.into()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_way_to_a_file_is_a_link() {
        assert_eq!(link("../a b/c-1.jsonl"), Some("../a%20b/c-1.jsonl".to_owned()));
        assert_eq!(link("a?b#c\"d"), Some("a%3Fb%23c%22d".to_owned()));
        for elsewhere in
            [NONE, "/etc/passwd", "//host/x", "javascript:alert(1)", "https://x", "\\\\x"]
        {
            assert_eq!(link(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_name_below_itself_is_written_once() {
        let rows = ["a", "a", "b", "a"].map(|name| vec![name.to_owned(), String::new()]);
        assert_eq!(leaders(&rows), [2, 0, 1, 1]);
        assert!(leaders(&[]).is_empty());
    }
}
