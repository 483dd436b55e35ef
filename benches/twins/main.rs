//! The largest change of the score between two points of an ensemble that are close, and bounds on it.
//!
//! `cargo bench --bench twins` with `PROPCERT_DATA` set: for the XGBoost models of the yardstick the exact
//! largest change (`small-neighborhood` on the score), shown by a certificate at that bound; where that is
//! too far, a bound that is proved. One thread, wall time; the certificate is checked again in the same run.
//! An argument restricts the run to lines whose name holds it; `ideas` instead asks what each means buys on
//! the model that is not decided exactly: trees merged in parts, shares of the relaxation with one variable
//! per pair of leaves (good_lp), and answers remembered per cell.

mod memo;
#[path = "../outward.rs"]
#[allow(dead_code, reason = "every bench uses its own part")]
mod outward;
mod pairs;
#[path = "../../tests/cases/yardstick.rs"]
mod yardstick;

use std::time::Instant;

use propcert::certificate::{Arithmetic, Kernel, Line, Proof, Subject, Verdict};
use propcert::certify::{Options, Searcher};
use propcert::model::{Cells, Digest, Ensemble, Family, Model, Row};
use propcert::spec::{Lowered, Spec};

use outward::up;
use yardstick::Yardstick;

/// Model, ε, and the bound to prove; `None`: the exact value.
const LINES: [(&str, &str, &str, Option<&str>); 10] = [
    ("cryptojacker", "10x5_nat", "0.2", None),
    ("cryptojacker", "10x5_mono", "0.2", None),
    ("social_honeypot", "10x5_nat", "0.01", None),
    ("social_honeypot", "10x5_nat", "0.1", None),
    ("social_honeypot", "10x5_nat", "0.2", None),
    ("social_honeypot", "10x5_mono", "0.2", None),
    ("social_honeypot", "50x6_nat", "0.01", Some("40")),
    ("social_honeypot", "50x6_nat", "0.01", Some("35")),
    ("social_honeypot", "50x6_nat", "0.01", Some("30.4")),
    ("social_honeypot", "50x6_nat", "0.01", Some("29")),
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
    if named.iter().any(|word| word == "ideas") {
        ideas(&yardstick.model("social_honeypot", "50x6_nat"), "0.01");
        return;
    }
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
        let cases = proof.as_split().map_or(1, |(tree, _)| tree.steps().len().div_ceil(2));
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
    with_options(model, spec, Options { budget_nodes: 10_000_000, ..Options::default() }, look)
}

fn with_options<T>(
    model: &Model,
    spec: &Spec,
    options: Options,
    look: impl FnOnce(&Searcher, &Lowered) -> T,
) -> T {
    let lowered = Lowered::new(spec, model, None, &[]).expect("two classes");
    let digest = Digest::of(b"");
    let subject = Subject { model: (model, digest), spec, data: None, defense: None };
    look(&Searcher::new(subject, &lowered, &[], options), &lowered)
}

/// What each means buys.
fn ideas(model: &Model, epsilon: &str) {
    println!(
        "| trees of a part, at most | proves 40: ms | 37: ms | 35: ms | least bound in 20,000 boxes |"
    );
    println!("|--:|--:|--:|--:|--:|");
    for part_trees in [0, 2, 3, 4, 8, 32] {
        let shown = ["40", "37", "35"].map(|limit| proves(model, epsilon, limit, part_trees));
        // parts have a quarter of it
        let options = Options { budget_nodes: 80_000, part_trees, ..Options::default() };
        let least = with_options(model, &spec(model, epsilon, "1"), options, |searcher, _| {
            searcher.largest_change(0).map_or("–".to_owned(), |e| up(e.most, 2))
        });
        println!("| {part_trees} | {} | {least} |", shown.join(" | "));
    }
    println!(
        "\n| first trees | each alone | rounds of averages, ms | linear program, ms | parts of 4 | largest change |"
    );
    println!("|--:|--:|--:|--:|--:|--:|");
    for count in [2, 5, 10, 30] {
        relaxed(&first(model, count), epsilon, count);
    }
    println!(
        "\n| trees | both points together: boxes | the first, then the second: boxes | remembered |"
    );
    println!("|--:|--:|--:|--:|");
    (1..=5).for_each(|count| remembered(model, epsilon, count));
}

/// In how many milliseconds a bound is proved within 40,000 boxes.
fn proves(model: &Model, epsilon: &str, limit: &str, part_trees: usize) -> String {
    let options = Options { budget_nodes: 40_000, part_trees, ..Options::default() };
    with_options(model, &spec(model, epsilon, limit), options, |searcher, lowered| {
        let start = Instant::now();
        let mut proof = Proof::None;
        let run = searcher.run(0, |line, _| {
            proof = line.proof.clone();
            Ok(())
        });
        run.expect("nothing is written");
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let verdict = Kernel::new(model, lowered, Arithmetic::Rounded).check(0, &proof);
        match verdict {
            Ok(Verdict::Proved(_)) => format!("{ms:.0}"),
            _ => format!("open after {ms:.0}"),
        }
    })
}

/// The first trees alone.
fn first(model: &Model, count: usize) -> Model {
    let mut part = model.clone();
    let Family::Ensemble(ensemble) = &mut part.family else { panic!("an ensemble") };
    ensemble.trees.truncate(count);
    part
}

/// The bounds of relaxations, beside what the trees come to one by one and what is exact.
fn relaxed(model: &Model, epsilon: &str, count: usize) {
    let largest = |model: &Model| {
        with_searcher(model, &spec(model, epsilon, "1"), |searcher, _| {
            searcher.largest_change(0).filter(|change| change.is_exact)
        })
    };
    let Family::Ensemble(ensemble) = &model.family else { panic!("an ensemble") };
    let alone = ensemble.trees.iter().map(|tree| {
        let mut one = model.clone();
        let family = Ensemble { base: ensemble.base.clone(), trees: vec![tree.clone()] };
        one.family = Family::Ensemble(family);
        largest(&one).expect("one tree").most
    });
    let alone: f64 = alone.sum();
    let (rounds, nothing) = (shares(model, epsilon, 0), || "–".to_owned());
    let program = if count <= 5 { shares(model, epsilon, 50_000) } else { nothing() };
    // where all trees together are not decided, parts show the bound
    let parts = Options { budget_nodes: 20_000, part_trees: 4, ..Options::default() };
    let parts = with_options(model, &spec(model, epsilon, "1"), parts, |searcher, _| {
        searcher.largest_change(0).filter(|change| !change.is_exact)
    });
    let parts = parts.map_or_else(nothing, |change| up(change.most, 2));
    let exact = if count <= 10 { largest(model) } else { None };
    let exact = exact.map_or_else(nothing, |exact| format!("{:.2}", exact.most));
    println!("| {count} | {alone:.2} | {rounds} | {program} | {parts} | {exact} |");
}

/// The bound of the relaxation whose variables are pairs of leaves.
fn shares(model: &Model, epsilon: &str, lp_rows: usize) -> String {
    let near = spec(model, epsilon, "1");
    let lowered = Lowered::new(&near, model, None, &[]).expect("two classes");
    let kernel = Kernel::new(model, &lowered, Arithmetic::Rounded);
    let obligation = kernel.obligation(0).expect("one");
    let questions = kernel.questions(&obligation).expect("two points");
    let pairing = questions.pairings()[0];
    let twice = pairs::doubled(model, (pairing, pairing.root().expect("pairs")), 0.0);
    let text =
        "property = \"label\"\nepsilon = \"1e7\"\nsemantics = \"real\"\nintegers = \"relax\"\n";
    let label = Spec::read(text.as_bytes()).expect("a spec");
    let values = vec![0.0; twice.schema.len()];
    let rows = [Row { values, label: 0, key: Digest::of(b"") }];
    let lowered = Lowered::new(&label, &twice, None, &rows).expect("a label");
    let digest = Digest::of(b"");
    let subject = Subject { model: (&twice, digest), spec: &label, data: None, defense: None };
    let options = Options { lp_rows, ..Options::default() };
    let start = Instant::now();
    let proof = Searcher::new(subject, &lowered, &rows, options).offer_shares(0);
    let ms = start.elapsed().as_secs_f64() * 1e3;
    let verdict =
        proof.map(|proof| Kernel::new(&twice, &lowered, Arithmetic::Rounded).check(0, &proof));
    match verdict {
        Some(Ok(Verdict::Undecided(bounds))) => format!("{}, {ms:.0}", up(-bounds.reached, 2)),
        other => format!("{other:?}, {ms:.0}"),
    }
}

/// The first trees alone, by boxes of both points, and by boxes of the first point.
fn remembered(model: &Model, epsilon: &str, count: usize) {
    let part = first(model, count);
    let Family::Ensemble(ensemble) = &part.family else { panic!("an ensemble") };
    let near = spec(&part, epsilon, "1");
    with_searcher(&part, &near, |searcher, lowered| {
        let together = searcher.largest_change(0).expect("few trees");
        let kernel = Kernel::new(&part, lowered, Arithmetic::Rounded);
        let obligation = kernel.obligation(0).expect("one");
        let questions = kernel.questions(&obligation).expect("two points");
        let pairing = questions.pairings()[0];
        let cells = Cells::new(ensemble, lowered.is_whole());
        let root = (pairing, pairing.root().expect("pairs"));
        let (largest, counts) = memo::largest(ensemble, &cells, root, 20_000_000);
        if let Some(largest) = largest {
            assert!((largest - together.most).abs() < 1e-9, "{largest}, {together:?}");
        }
        let memo::Counts { outer, inner, asked, remembered } = counts;
        let boxes = outer + inner;
        let most = if largest.is_some() { "" } else { "more than " };
        println!("| {count} | {} | {most}{boxes} | {remembered} of {asked} |", together.nodes);
    });
}
