//! Samples of the verification competition's benchmarks: every answer is the published one, and the
//! kernel confirms it from the certificate. `PROPCERT_BENCHMARKS=all` runs every line of the smaller
//! families; the whole of them is `propcert vnncomp`, see `benches/FIGURES.md`.
#![cfg(feature = "full")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use propcert::certificate::{Arithmetic, Kernel, Subject, Verdict};
use propcert::certify::{Options, Searcher};
use propcert::import::{Format, Instance, instances};
use propcert::model::{Digest, Model};
use propcert::spec::{Lowered, Spec};
use propcert::study::benchmark::run;

/// The folder of the benchmarks, if there is one.
fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("PROPCERT_DATA")?).join("vnncomp");
    folder.is_dir().then_some(folder)
}

fn skipped(what: &str) {
    let text = format!("SKIPPED: PROPCERT_DATA names no folder with `vnncomp`; {what}\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

fn is_whole() -> bool {
    std::env::var("PROPCERT_BENCHMARKS").is_ok_and(|choice| choice == "all")
}

fn options() -> Options {
    Options { budget_nodes: u64::MAX, ..Options::default() }
}

/// `sat` or `unsat` by line, as published.
fn expected(folder: &Path, family: &str) -> BTreeMap<u64, String> {
    let mut table = csv::Reader::from_path(folder.join("expected.csv")).unwrap();
    let rows = table.records().map(Result::unwrap).filter(|row| &row[0] == family);
    rows.map(|row| (row[1].parse().unwrap(), row[5].to_owned())).collect()
}

fn read(folder: &Path, family: &str) -> Vec<Instance> {
    let path = folder.join(family).join("instances.csv");
    let mut all = instances(family, &std::fs::read(&path).unwrap()).unwrap();
    for instance in &mut all {
        instance.onnx = folder.join(family).join(&instance.onnx);
        instance.vnnlib = folder.join(family).join(&instance.vnnlib);
    }
    all
}

/// Answers the lines; all must be as published and confirmed, `sat` also in f32.
fn agrees(family: &str, lines: impl IntoIterator<Item = u64>) {
    let Some(folder) = folder() else {
        return skipped(&format!("no line of {family} is answered"));
    };
    let (all, published) = (read(&folder, family), expected(&folder, family));
    for line in lines {
        let instance = all.iter().find(|instance| instance.line == line).unwrap();
        let outcome = run(instance, "line", Duration::from_secs(120), options());
        let name = outcome.answer.name();
        assert_eq!(name, published[&line], "{family} {line}: {:?}", outcome.reason);
        assert!(outcome.is_checked, "{family} {line}");
        assert!(outcome.is_replayed != Some(false), "{family} {line}");
    }
}

#[test]
fn acasxu_agrees() {
    agrees("acasxu", [1, 9, 48, 94, 100, 134, 150, 181]);
}

#[test]
fn safenlp_agrees() {
    agrees("safenlp", 1..=12);
}

#[test]
fn rl_benchmarks_agree() {
    let last = if is_whole() { 120 } else { 40 };
    agrees("rl_benchmarks", 1..=last);
}

#[test]
fn mnist_fc_agrees() {
    agrees("mnist_fc", [4, 8, 10]);
}

/// A pair of inputs of the published box, equal but for one that moves, and an output that follows it.
fn pair_text(query: &str) -> String {
    let (input, sign, output) = match query {
        "x0_up_y1_not_up" => (0, 1, 1),
        "x0_down_y3_not_up" => (0, -1, 3),
        other => panic!("{other}"),
    };
    let row = |size: usize, at: usize, a: i32, b: i32| {
        let entry = |k: usize| {
            if k == at {
                a
            } else if k == at + size {
                b
            } else {
                0
            }
        };
        let row: Vec<String> = (0..2 * size).map(|k| format!("'{}'", entry(k))).collect();
        format!("[{}]", row.join(", "))
    };
    let mut rows = vec![format!("{{x = {}, rhs = '0'}}", row(5, input, sign, -sign))];
    for other in (0..5).filter(|other| *other != input) {
        for (a, b) in [(1, -1), (-1, 1)] {
            rows.push(format!("{{x = {}, rhs = '0'}}", row(5, other, a, b)));
        }
    }
    format!(
        "property = 'output-region'\nunits = 'raw'\ncopies = 2\n\
         unsafe = [[{{y = {}, rhs = '-0.0001'}}]]\n[[input]]\nbox = [['-0.16247807', '0.667245963'], \
         ['-0.25', '0'], ['0.25', '0.5'], ['0.227272727', '0.227272727'], ['0.25', '0.25']]\n\
         rows = [{}]\n",
        row(5, output, 1, -1),
        rows.join(", ")
    )
}

/// The monotonicity queries on pairs: each is violated by more than 1e-4.
#[test]
fn sampled_pairs_are_violated() {
    let Some(folder) = folder() else { return skipped("no query on pairs is answered") };
    let path = folder.join("monotonic_acasxu").join("sampled_witnesses.csv");
    let mut table = csv::Reader::from_path(path).unwrap();
    let queries: Vec<_> = table.records().map(Result::unwrap).collect();
    assert_eq!(queries.len(), 90);
    for query in queries.iter().step_by(if is_whole() { 1 } else { 9 }) {
        let bytes = std::fs::read(folder.join("acasxu/onnx").join(&query[0])).unwrap();
        let model: Model = Format::Onnx.read(&bytes, None).unwrap();
        let spec = Spec::read(pair_text(&query[1]).as_bytes()).unwrap();
        let digest = Digest::of(b"");
        let subject = Subject { model: (&model, digest), spec: &spec, data: None, defense: None };
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        let searcher =
            Searcher::new(subject, &lowered, &[], Options { budget_nodes: 20_000, ..options() });
        let exact = Kernel::new(&model, &lowered, Arithmetic::Exact);
        let mut verdicts = Vec::new();
        searcher
            .run(0, |line, _| {
                verdicts.push(exact.check(0, &line.proof).unwrap());
                Ok(())
            })
            .unwrap();
        let is_refuted = matches!(verdicts.as_slice(), [Verdict::Refuted(_)]);
        assert!(is_refuted, "{query:?}: {verdicts:?}");
    }
}
