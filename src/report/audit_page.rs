//! The page of an audit: what matters on the first screen, long tables folded, no script, no resource from anywhere.

use minijinja::{Value, context};

use super::audit_reading::{model_sentence, proved, refuted, stolen};
use super::audit_sections::PageViews;
use super::format::printable;
use super::html::{figure_view, filled, pairs};
use super::plots::audited as drawn;
use super::reading::GLOSSARY;
use super::{AuditFindings, ModelReport, ReportError, Run};

/// The template, after the macros that it shares with that of other reports.
const TEMPLATE: &str = concat!(include_str!("tables.html.j2"), include_str!("audit.html.j2"));

/// The page of a run with one audited model.
pub(super) fn render(
    title: &str,
    run: &Run,
    model: &ModelReport,
    audited: &AuditFindings,
) -> Result<String, ReportError> {
    let page = PageViews { run, model, audited };
    let failed = audited.gates.iter().filter(|gate| !gate.passed).count();
    let gates: Vec<Value> = audited
        .gates
        .iter()
        .map(|gate| context! {
            name => gate.name.clone(), demand => gate.demand.clone(), found => gate.found.clone(), passed => gate.passed,
        })
        .collect();
    let verdicts: Vec<String> =
        model.defenses.iter().map(|one| one.verdict(audited.defended_budget)).collect();
    let values = context! {
        title,
        sentence => model_sentence(run, model, audited),
        origin => origin(run, model),
        synthetic => run.data.synthetic,
        facts => pairs(page.facts()),
        gates,
        failed,
        against => audited.against.as_ref().map(
            |against| context! { worse => against.worse.clone(), better => against.better.clone(), apart => against.apart.clone() },
        ),
        summary => [
            context! { name => "Proved", kind => "decided by the kernel", sentences => proved(model, audited) },
            context! { name => "Refuted", kind => "decided by the kernel", sentences => refuted(audited) },
            context! { name => "Stolen", kind => "measured", sentences => stolen(model, audited) },
            context! { name => "Defended", kind => "proved and measured", sentences => verdicts },
        ],
        frontier => drawn::frontier(model, audited).map(figure_view),
        again => context! { command => page.cells_command(), results => page.cells() },
        sections => page.sections(),
        left_out => audited.left_out.clone(),
        glossary => pairs(GLOSSARY),
    };
    let lines = filled("audit.html", TEMPLATE, values)?;
    Ok(lines.split('\n').map(printable).collect::<Vec<_>>().join("\n"))
}

/// Version, model and seed on one line; the digest is cut, and stands whole further down.
fn origin(run: &Run, model: &ModelReport) -> String {
    let digest = model.digest.iter().filter_map(|digest| digest.get(..12));
    let digest = digest.map(|digest| format!("model {digest}…"));
    let seed = std::iter::once(format!("seed {}", run.seed));
    run.tool.iter().cloned().chain(digest).chain(seed).collect::<Vec<_>>().join(" · ")
}
