//! Tests of the pages as a whole; numbers and their rounding are tested beside their types.

use crate::spec::CountedBy;

use super::fixture::{certificate, local_invariance, report, run};
use super::*;

/// A name that would do harm if it were believed: markup, mathematics, control characters.
const HOSTILE: &str =
    "</title><script>alert('1')</script>\"><img src=x onerror=a>$x_1$\u{1b}[2J\u{202e}";

fn hostile() -> Report {
    let mut run = run(HOSTILE, true);
    run.notes.push(HOSTILE.to_owned());
    for model in &mut run.models {
        model.name = HOSTILE.to_owned();
        for certificate in &mut model.certificates {
            certificate.claim.parameters = HOSTILE.to_owned();
        }
    }
    Report::new(HOSTILE, vec![run])
}

#[test]
fn terminal() {
    insta::assert_snapshot!(report());
}

#[test]
fn json() {
    insta::assert_snapshot!(to_json(&report()).unwrap());
}

#[test]
fn two_runs_start_with_an_overview() {
    let mut second = run("shape-of-churn", true);
    second.models.truncate(1);
    let merged = merge(vec![report(), Report::new("another", vec![second])]);
    assert_eq!(merged.runs.len(), 2);
    let page = render_html(&merged).unwrap();
    assert!(page.contains("id=\"overview\"") && page.contains("shape-of-churn (synthetic)"));
    let text = merged.to_string();
    insta::assert_snapshot!(text.split("spam (collected data)").next().unwrap());
}

#[test]
fn one_report_merged_stays_itself() {
    assert_eq!(merge(vec![report()]), report());
    assert!(merge(Vec::new()).runs.is_empty());
    assert!(render_html(&merge(Vec::new())).unwrap().ends_with("</html>\n"));
}

#[test]
fn what_is_written_reads_back() {
    assert_eq!(from_json(&to_json(&report()).unwrap()), Ok(report()));
}

#[test]
fn unknown_keys_and_other_versions_are_refused() {
    let text = to_json(&report()).unwrap();
    for (old, new) in [("\"seed\"", "\"sead\""), ("report/1", "report/2"), ("\"title\"", "\"x\"")] {
        let refused = from_json(&text.replacen(old, new, 1));
        assert!(matches!(refused, Err(ReportError::Unreadable { .. })), "{new}");
    }
}

#[test]
fn a_figure_that_json_cannot_hold_is_refused() {
    let mut broken = report();
    broken.runs[0].models[0].f1 = f64::NAN;
    assert_eq!(to_json(&broken), Err(ReportError::NotRepresentable));
}

#[test]
fn same_report_same_bytes() {
    assert_eq!(render_html(&report()).unwrap(), render_html(&report()).unwrap());
    assert_eq!(report().to_string(), report().to_string());
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    for report in [report(), hostile()] {
        let page = render_html(&report).unwrap();
        for forbidden in
            ["http", "<script", "<link", "<img", "<iframe", "src=\"", "@import", "@font-face"]
        {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        // References stay inside the page; a link leads to a file beside it.
        assert!(page.match_indices("url(").all(|(at, _)| page[at..].starts_with("url(#")));
        let links = page.split("href=\"").skip(1).filter_map(|part| part.split('"').next());
        for link in links.filter(|link| !link.starts_with('#')) {
            assert!(!link.contains(':') && !link.starts_with("&#x2f;"), "{link}");
        }
    }
}

#[test]
fn hostile_names_are_shown_as_they_are() {
    let page = render_html(&hostile()).unwrap();
    assert!(page.contains("&lt;script&gt;alert(") && page.contains("$x_1$"));
    assert!(!page.contains(['\u{1b}', '\u{202e}']));
    assert_eq!(page.matches("</title>").count(), page.matches("<title").count());
    let text = hostile().to_string();
    assert!(text.contains("<script>") && !text.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn every_certificate_stands_on_the_page() {
    let report = report();
    let page = render_html(&report).unwrap();
    // a model's name leads several rows
    let mut leader = "";
    let rows = page.split("<tr>").map(|row| {
        leader = row.split_once("<th scope=\"row").map_or(leader, |(_, name)| name);
        format!("{leader}{row}")
    });
    let rows: Vec<String> = rows.collect();
    for model in &report.runs[0].models {
        for certificate in &model.certificates {
            let counts = certificate.counts;
            let cells = [counts.n(), counts.proved, counts.refuted, counts.undecided];
            let cells = cells.map(|cell| format!("\">{}</td>", format::integer(cell)));
            let stands = |row: &&String| {
                row.contains(&model.name)
                    && row.contains(&certificate.claim.parameters)
                    && cells.iter().all(|cell| row.contains(cell.as_str()))
            };
            assert!(rows.iter().any(|row| stands(&row)), "{} {:?}", model.name, certificate.claim);
        }
    }
}

#[test]
fn files_are_links() {
    let mut report = report();
    let model = &mut report.runs[0].models[0];
    (model.name, model.file) = ("m".to_owned(), Some("javascript:alert(1)".to_owned()));
    model.certificates[0].file = Some("certificates/a b.jsonl".to_owned());
    let page = render_html(&report).unwrap();
    assert!(
        page.contains("<a href=\"certificates&#x2f;a%20b.jsonl\">certificates&#x2f;a b.jsonl</a>")
    );
    assert!(!page.contains("href=\"javascript"));
    assert!(page.contains("<td class=\"file\" data-name=\"file\">javascript:alert(1)</td>"));
}

#[test]
fn identifiers_are_unique() {
    let page = render_html(&merge(vec![report(), report()])).unwrap();
    let id = |part: &str| part.split('"').next().map(str::to_owned);
    let mut ids: Vec<String> = page.split(" id=\"").skip(1).filter_map(id).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    // Every reference has its target.
    for part in page.split("url(#").skip(1) {
        let target = part.split(')').next().unwrap();
        assert!(ids.iter().any(|id| id == target), "{target}");
    }
}

#[test]
fn every_figure_scales_and_has_a_name() {
    let page = render_html(&report()).unwrap();
    let figures = page.matches("<svg").count();
    assert_eq!(figures, 11);
    assert_eq!(page.matches("<svg viewBox=\"0 0 ").count(), figures);
    assert_eq!(page.matches("<title id=\"run-1-").count(), figures);
}

#[test]
fn lines_fit_the_terminal() {
    let mut wide = run(&"a-long-name ".repeat(30), true);
    wide.models[0].name = "m".repeat(80);
    wide.models[0].certificates[0].counts.proved = 123_456_789;
    let wide = Report::new("t ".repeat(70), vec![wide]);
    for report in [report(), wide] {
        for line in report.to_string().lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn figures_that_cannot_be_still_give_a_page() {
    let mut run = run("odd", false);
    let model = &mut run.models[0];
    model.accuracy = Share::new(u64::MAX, 1);
    model.certificates[0].counts.proved = u64::MAX;
    model.attacks[0].agreement.heldout.mean = -1e308;
    model.attacks[1].agreement.uniform = Estimate { mean: 1e308, sd: Some(1e308), n: 0 };
    model.attacks[1].repetitions = 0;
    model.attacks[2].mse.mean = 1e308;
    let curve = &mut model.gives_away.as_mut().unwrap().settled[0];
    curve.points[5].queries = u64::MAX;
    curve.points[4].settled = Share::new(7, 0);
    run.models[1].attacks[0].mse = Estimate { mean: 0.0, sd: None, n: 1 };
    let report = Report::new("odd", vec![run]);
    assert!(render_html(&report).unwrap().ends_with("</html>\n"));
    assert!(report.to_string().contains("–"));
    assert_eq!(from_json(&to_json(&report).unwrap()), Ok(report));
}

/// Where nothing is undecided too: 66.7% is more than two of three.
#[test]
fn ends_of_constraint_accuracy_are_rounded_outward() {
    let mut run = run("thirds", false);
    run.models.truncate(1);
    run.models[0].certificates =
        vec![certificate(local_invariance(), CountedBy::Rows, [2, 1, 0, 0, 0])];
    let text = Report::new("thirds", vec![run]).to_string();
    let row = text.lines().find(|line| line.contains("natural-mlp  local-invariance")).unwrap();
    assert!(row.ends_with("66.6%  66.7%"), "{row}");
}

#[test]
fn no_obligations_print_no_number() {
    let mut run = run("empty", false);
    run.models.truncate(1);
    run.models[0].certificates =
        vec![certificate(local_invariance(), CountedBy::Rows, [0, 0, 0, 4, 5])];
    let report = Report::new("empty", vec![run]);
    let text = report.to_string();
    let row = text.lines().find(|line| line.contains("natural-mlp  local-invariance")).unwrap();
    assert!(row.ends_with("4     5     –     –"), "{row}");
    assert!(render_html(&report).unwrap().contains("no obligations"));
}

#[test]
fn synthetic_data_is_marked_in_every_section() {
    let report = Report::new("made", vec![run("made", true)]);
    let page = render_html(&report).unwrap();
    assert_eq!(page.matches("<h3 id=\"run-1-").count(), 8);
    assert_eq!(page.matches("<span class=\"badge synthetic\">synthetic data</span>").count(), 8);
    assert_eq!(report.to_string().matches("; synthetic data]").count(), 8);
    assert!(!self::report().to_string().contains("synthetic"));
}

#[test]
fn what_must_not_be_stands_on_top() {
    let mut run = run("spam", false);
    let model = &mut run.models[0];
    model.certificates[0].checked = false;
    model.attacks[2].inferred_wrong = 3;
    model.defenses[0].certificates[0].checked = false;
    let gives_away = model.gives_away.as_mut().unwrap();
    gives_away.settled[0].points.last_mut().unwrap().wrong = 1;
    let report = Report::new("spam", vec![run]);
    assert_eq!(report.to_string().matches("\n!! natural-mlp").count(), 4);
    assert!(render_html(&report).unwrap().contains("role=\"alert\""));
    assert!(!render_html(&self::report()).unwrap().contains("role=\"alert\""));
}

#[test]
fn what_figures_are_about_stands_on_the_page() {
    let page = render_html(&report()).unwrap();
    for named in ["propcert 1.2.3", &"d".repeat(64), &"a".repeat(64), &"b".repeat(64)] {
        assert!(page.contains(named), "{named}");
    }
}

/// A report of an earlier version names less and is read all the same.
#[test]
fn a_report_without_digests_is_read() {
    let text = to_json(&report()).unwrap();
    let is_new = |line: &&str| line.contains("\"digest\"") || line.contains("\"tool\"");
    let earlier: Vec<&str> = text.lines().filter(|line| !is_new(line)).collect();
    let read = from_json(&earlier.join("\n")).unwrap();
    assert_eq!((&read.runs[0].tool, &read.runs[0].data.digest), (&None, &None));
}

#[test]
fn a_thief_that_gains_by_a_defense_stands_on_the_card() {
    let mut run = run("spam", false);
    let attack = &mut run.models[0].defenses[0].attacks[0];
    attack.decrease.boundary.mean = -0.0123;
    attack.decrease.boundary.interval = Some([-0.02, -0.001]);
    // what chance may have made is no gain
    attack.decrease.uniform.mean = -0.01;
    attack.decrease.uniform.interval = Some([-0.03, 0.01]);
    let said = format!("{} +1.23 on boundary", attack.attack);
    let report = Report::new("spam", vec![run]);
    let text: String = report.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("It HELPS a thief, in points of agreement: ") && text.contains(&said),
        "{text}"
    );
    assert!(!text.contains(" on uniform;") && !text.contains(" on uniform."), "{text}");
    assert!(render_html(&report).unwrap().contains("It HELPS a thief"));
}

#[test]
fn a_wrong_heuristic_is_no_alarm() {
    let mut run = run("spam", false);
    run.models[0].attacks[2].inference = "exclude".to_owned();
    run.models[0].attacks[2].inferred_wrong = 3;
    assert!(!Report::new("spam", vec![run]).to_string().contains("!!"));
}
