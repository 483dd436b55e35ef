//! Gates of audits as test cases in JUnit's XML, and one case for each figure that got worse.

use minijinja::{Value, context};

use super::format::printable;
use super::html::filled;
use super::{Report, ReportError};

/// The template. Everything in it is escaped.
const TEMPLATE: &str = include_str!("junit.xml.j2");

/// The text of `junit.xml`.
///
/// # Errors
/// The template cannot be filled in. This is a defect of the program, not the reader's doing.
pub fn render_junit(report: &Report) -> Result<String, ReportError> {
    let mut cases: Vec<(String, Option<String>)> = Vec::new();
    let models = report.runs.iter().flat_map(|run| &run.models);
    for audited in models.filter_map(|model| model.audited.as_ref()) {
        for gate in &audited.gates {
            let failure = (!gate.passed).then(|| format!("found {}", gate.found));
            cases.push((format!("{} {}", gate.name, gate.demand), failure));
        }
        for worse in audited.against.iter().flat_map(|against| &against.worse) {
            cases.push((format!("against: {worse}"), Some("got worse".to_owned())));
        }
    }
    let failures = cases.iter().filter(|(_, failure)| failure.is_some()).count();
    let view = |(name, failure): &(String, Option<String>)| {
        context! { name => printable(name), failure => failure.as_deref().map(printable) }
    };
    let cases: Vec<Value> = cases.iter().map(view).collect();
    let title = printable(&report.title);
    filled("junit.xml", TEMPLATE, context! { title, cases, failures })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_attribute() {
        let report = Report::new("a<b> & \"c\"\u{1}\u{ffff}".to_owned(), Vec::new());
        let text = render_junit(&report).unwrap();
        let start =
            "<testsuite name=\"a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}\u{fffd}\" tests=\"0\"";
        assert!(text.contains(start), "{text}");
    }
}
