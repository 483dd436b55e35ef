//! The largest change of the score between two points of an ensemble that are close, and bounds on it.
//!
//! `cargo bench --bench twins` with `PROPCERT_DATA` set: for the XGBoost models of the yardstick the exact
//! largest change (`small-neighborhood` on the score), shown by a certificate at that bound; where that is
//! too far, a bound that is proved. One thread, wall time; the certificate is checked again in the same run.
//! An argument restricts the run to lines whose name holds it.

#[path = "../tests/cases/yardstick.rs"]
mod yardstick;

use std::time::Instant;

use propcert::certificate::{Arithmetic, Kernel, Line, Proof, Subject, Verdict};
use propcert::certify::{Options, Searcher};
use propcert::model::{Digest, Model};
use propcert::spec::{Lowered, Spec};

use yardstick::Yardstick;

/// Model, ε, and the bound to prove; `None`: the exact value.
const LINES: [(&str, &str, &str, Option<&str>); 11] = [
    ("cryptojacker", "10x5_nat", "0.2", None),
    ("cryptojacker", "10x5_mono", "0.2", None),
    ("social_honeypot", "10x5_nat", "0.01", None),
    ("social_honeypot", "10x5_nat", "0.1", None),
    ("social_honeypot", "10x5_nat", "0.2", None),
    ("social_honeypot", "10x5_mono", "0.2", None),
    ("social_honeypot", "50x6_nat", "0.01", Some("40")),
    ("social_honeypot", "50x6_nat", "0.01", Some("35")),
    ("social_honeypot", "50x6_nat", "0.01", Some("30.4")),
    ("social_honeypot", "50x6_nat", "0.01", Some("28")),
    ("social_honeypot", "50x6_nat", "0.01", Some("26")),
];

/// Features of the yardstick have no range: all of their thresholds lie well inside.
const RANGE: &str = "[\"-1e6\", \"1e6\"]";

fn main() {
    let Some(yardstick) = Yardstick::open() else {
        eprintln!("PROPCERT_DATA names no folder with `xgboost`; nothing is measured");
        return;
    };
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first pool");
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    println!("| model | ε | change at most | exact | boxes | cases | ms | check ms |");
    println!("|---|--:|--:|---|--:|--:|--:|--:|");
    for (data, config, epsilon, bound) in LINES {
        let name = format!("{data} {config}, {epsilon}, {}", bound.unwrap_or("exact"));
        if named.is_empty() || named.iter().any(|part| name.contains(part.as_str())) {
            line(&yardstick.model(data, config), &format!("{data} {config}"), epsilon, bound);
        }
    }
}

fn line(model: &Model, name: &str, epsilon: &str, bound: Option<&str>) {
    let exact = bound.is_none().then(|| {
        let spec = spec(model, epsilon, "1");
        with_searcher(model, &spec, |searcher, _| {
            let largest = searcher.largest_change(0).expect("products of this size");
            assert!(largest.is_exact, "within the budget");
            largest
        })
    });
    let limit = exact.map_or_else(|| bound.unwrap_or("0").to_owned(), |e| e.most.to_string());
    let spec = spec(model, epsilon, &limit);
    with_searcher(model, &spec, |searcher, lowered| {
        let start = Instant::now();
        let mut lines: Vec<(Line, u64)> = Vec::new();
        let run = searcher.run(0, |line, answer| {
            lines.push((line.clone(), answer.nodes));
            Ok(())
        });
        run.expect("nothing is written");
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let (Line { proof, .. }, nodes) = &lines[0];
        let kernel = Kernel::new(model, lowered, Arithmetic::Rounded);
        let start = Instant::now();
        let is_proved = matches!(kernel.check(0, proof), Ok(Verdict::Proved(_)));
        let check = start.elapsed().as_secs_f64() * 1e3;
        assert!(is_proved, "{name}, ε {epsilon}: {limit} is not proved");
        let cases = match proof {
            Proof::Split { tree, .. } => tree.steps().len().div_ceil(2),
            _ => 1,
        };
        let is_exact = if exact.is_some() { "yes" } else { "no" };
        println!(
            "| {name} | {epsilon} | {limit} | {is_exact} | {nodes} | {cases} | {ms:.1} | {check:.1} |"
        );
    });
}

/// The claim that the score changes by at most `limit` within ε.
fn spec(model: &Model, epsilon: &str, limit: &str) -> Spec {
    let value = |text: &str| text.parse::<f64>().expect("a number");
    // L = limit / ε, rounded up a little: ε is no binary number
    let constant = value(limit) / value(epsilon) * (1.0 + 1e-15);
    let ranges: Vec<String> =
        model.schema.features().iter().map(|f| format!("{} = {RANGE}", f.name)).collect();
    let text = format!(
        "property = \"small-neighborhood\"\nepsilon = \"{epsilon}\"\nconstant = \"{constant}\"\n\
         on = \"score\"\nintegers = \"relax\"\n[domain]\n{}\n",
        ranges.join("\n")
    );
    Spec::read(text.as_bytes()).expect("a spec")
}

fn with_searcher<T>(model: &Model, spec: &Spec, look: impl FnOnce(&Searcher, &Lowered) -> T) -> T {
    let lowered = Lowered::new(spec, model, None, &[]).expect("two classes");
    let digest = Digest::of(b"");
    let subject =
        Subject { model: (model, digest), spec: (spec, digest), data: None, defense: None };
    let options = Options { budget_nodes: 10_000_000, ..Options::default() };
    look(&Searcher::new(subject, &lowered, &[], options), &lowered)
}
