//! Gates as JUnit XML: a test case per gate, and one per figure that got worse.

use std::fmt::Write;

use crate::report::Report;

/// The text of `junit.xml`.
pub fn junit(report: &Report) -> String {
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
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\">\n",
        escaped(&report.title),
        cases.len()
    );
    for (name, failure) in &cases {
        let start = format!("  <testcase classname=\"propcert.audit\" name=\"{}\"", escaped(name));
        // a string takes everything
        let _ = match failure {
            None => writeln!(text, "{start}/>"),
            Some(failure) => {
                writeln!(
                    text,
                    "{start}>\n    <failure message=\"{}\"/>\n  </testcase>",
                    escaped(failure)
                )
            }
        };
    }
    text + "</testsuite>\n"
}

/// A text as an attribute of XML holds it; characters that XML does not know become `�`.
fn escaped(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => found += "&amp;",
            '<' => found += "&lt;",
            '>' => found += "&gt;",
            '"' => found += "&quot;",
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                found.push('\u{fffd}');
            }
            letter => found.push(letter),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_attribute() {
        assert_eq!(escaped("a<b> & \"c\"\u{1}"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}");
    }
}
