//! The relaxation of an ensemble with one variable per leaf, beside the box rule below it on the ladder and
//! the search above it.
//!
//! `cargo bench --bench shares` with `PROPCERT_DATA` set: for points of the yardstick whose radius is known,
//! the claim that the label stays within a share of it, which is true. How many claims each step proves on
//! its own, and in how much time; one thread, the kernel included. The relaxation is taken once with what
//! rounds of averages come to, once with the linear program where that is not enough. A word on the command
//! line keeps the models whose name it is part of.

#[path = "../tests/cases/yardstick.rs"]
mod yardstick;

use std::time::Instant;

use propcert::certificate::{Proof, Subject, Verdict};
use propcert::certify::{Options, Searcher};
use propcert::model::{Digest, Model, Row};
use propcert::spec::{Lowered, Norm, Spec};

use yardstick::Yardstick;

const SHARES: [f64; 4] = [0.25, 0.5, 0.9, 0.999];
/// Most rows of a linear program here: more than a search would wait for.
const LP_ROWS: usize = 20_000;

fn main() {
    let Some(yardstick) = Yardstick::open() else {
        eprintln!("PROPCERT_DATA names no folder with `xgboost`; nothing is measured");
        return;
    };
    println!(
        "| model | points | ε / radius | box: proved, ms | leaves, rounds: proved, ms | leaves, program: \
         proved, ms | search: proved, ms |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    for family in yardstick.radii().into_iter().filter(|family| family.norm == Norm::Linf) {
        let name = format!("{}_{}", family.data, family.config);
        if !words.is_empty() && !words.iter().any(|word| name.contains(word)) {
            continue;
        }
        let model = yardstick.model(&family.data, &format!("{}_nat", family.config));
        let points = yardstick.points(&family.data);
        for share in SHARES {
            let mut steps = [Step::default(); 4];
            let mut count = 0;
            for line in family.lines.iter().take(40) {
                let Some(radius) = line.radius.filter(|radius| *radius > 0.0) else { continue };
                count += 1;
                claim(&model, &points[&line.row], line.label, radius * share, &mut steps);
            }
            let [boxes, rounds, program, search] = steps
                .map(|s| format!("{}, {:.3}", s.proved, 1e3 * s.seconds / f64::from(count.max(1))));
            println!("| {name} | {count} | {share} | {boxes} | {rounds} | {program} | {search} |");
        }
    }
}

/// What a step of the ladder comes to.
#[derive(Clone, Copy, Default)]
struct Step {
    proved: u32,
    seconds: f64,
}

/// Offers the claim around one point to each step.
fn claim(model: &Model, point: &[f64], label: usize, epsilon: f64, steps: &mut [Step; 4]) {
    let text = format!(
        "property = \"label\"\nepsilon = \"{epsilon}\"\nsemantics = \"real\"\nintegers = \"relax\"\n"
    );
    let spec = Spec::read(text.as_bytes()).expect("a spec");
    let rows = [Row { values: point.to_vec(), label, key: Digest::of(b"") }];
    let lowered = Lowered::new(&spec, model, None, &rows).expect("a label");
    let digest = Digest::of(b"");
    let subject = Subject { model: (model, digest), spec: &spec, data: None, defense: None };
    let searcher = |lp_rows| {
        let options = Options { budget_nodes: 10_000_000, lp_rows, ..Options::default() };
        Searcher::new(subject, &lowered, &rows, options)
    };
    let (without, with) = (searcher(0), searcher(LP_ROWS));
    let kernel = propcert::certificate::Kernel::new(
        model,
        &lowered,
        propcert::certificate::Arithmetic::Rounded,
    );
    let offers: [&dyn Fn() -> Option<Proof>; 4] = [
        &|| Some(Proof::interval()),
        &|| without.offer_shares(0),
        &|| with.offer_shares(0),
        &|| without.offer_cells(0),
    ];
    for (step, offer) in steps.iter_mut().zip(offers) {
        let start = Instant::now();
        let verdict = offer().map(|proof| kernel.check(0, &proof));
        step.seconds += start.elapsed().as_secs_f64();
        step.proved += u32::from(matches!(verdict, Some(Ok(Verdict::Proved(_)))));
    }
}
