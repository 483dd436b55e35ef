//! Models trained to hold local invariance beside natural ones: `cargo bench --bench holding [-- WORD…]`, with
//! `PROPCERT_DATA` set. Words choose data sets, families (`trees`, `mlp`) and radii.
//!
//! Accuracy is that on all test rows; constraint accuracy is decided by the kernel on 300 of them, at equal steps, δ ½,
//! semantics `real`. Networks are means of five seeds; boosting has no chance in it. Every model is trained by the
//! usual settings of `train --hold`; networks in the first of the forms that it tries.

mod measured;

use std::time::Instant;

use propcert::certificate::{Subject, Totals};
use propcert::certify::{Options, Selection, Task};
use propcert::dataset::at_step_for;
use propcert::model::{DataSet, Model, Part};
use propcert::spec::Spec;
use propcert::train::Recipe;

use measured::{DATA, chosen, opened, words};

const ROWS: usize = 300;
const SEEDS: u64 = 5;
const FAMILIES: [&str; 2] = ["trees", "mlp"];
const RADII: [&str; 3] = ["0.05", "0.1", "0.3"];

fn main() {
    let words = words();
    println!("| data | family | ε | training | accuracy | proved | refuted | undecided | s |");
    println!("|---|---|--:|---|--:|--:|--:|--:|--:|");
    for name in chosen(&words, &DATA) {
        let Some(data) = opened(name) else { continue };
        for family in chosen(&words, &FAMILIES) {
            if data.classes() > 2 && family == "trees" {
                continue;
            }
            for epsilon in chosen(&words, &RADII) {
                let spec = invariance(epsilon);
                let [natural, held] = match family {
                    "trees" => [Recipe::trees(), Recipe::trees()],
                    _ => [Recipe::mlp(), Recipe::bounded_mlp(&[256], 0.2)],
                };
                let held = held.holding([spec.clone()]);
                for (kind, recipe) in [("natural", natural), ("held", held)] {
                    let seeds = if family == "trees" { 1 } else { SEEDS };
                    let cells = measure(&recipe, &spec, &data, (family, seeds));
                    println!("| {name} | {family} | {epsilon} | {kind} | {cells} |");
                }
            }
        }
    }
}

fn invariance(epsilon: &str) -> Spec {
    let text = format!(
        "property = 'local-invariance'\nepsilon = '{epsilon}'\ndelta = '0.5'\nsemantics = 'real'\n"
    );
    Spec::read(text.as_bytes()).expect("a spec")
}

/// The means over the seeds, as cells of the table.
fn measure(recipe: &Recipe, spec: &Spec, data: &DataSet, (family, seeds): (&str, u64)) -> String {
    let budget_nodes = if family == "trees" { 100_000 } else { 300 };
    let mut sums = [0.0; 5];
    for seed in 0..seeds {
        let start = Instant::now();
        let model = recipe.train(data, seed).expect("it can be trained");
        let seconds = start.elapsed().as_secs_f64();
        let totals = certified(&model, spec, data, budget_nodes);
        let share = |count: u64| 100.0 * count as f64 / totals.n() as f64;
        let figures = [
            accuracy(&model, data),
            share(totals.proved),
            share(totals.refuted),
            share(totals.undecided),
            seconds,
        ];
        sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure / seeds as f64);
    }
    let [accuracy, proved, refuted, undecided, seconds] = sums;
    format!("{accuracy:.4} | {proved:.1} % | {refuted:.1} % | {undecided:.1} % | {seconds:.1}")
}

fn accuracy(model: &Model, data: &DataSet) -> f64 {
    let test = data.part(Part::Test);
    let right = test.iter().filter(|row| model.label(&row.values) == row.label).count();
    right as f64 / test.len() as f64
}

fn certified(model: &Model, spec: &Spec, data: &DataSet, budget_nodes: u64) -> Totals {
    let data = at_step_for(data, Part::Test, ROWS);
    let rows = Some(ROWS.min(data.part(Part::Test).len()));
    let task = Task {
        selection: Selection { part: Part::Test, rows },
        options: Options { budget_nodes, ..Options::default() },
        ..Task::new(Subject::new(model, spec, &data))
    };
    task.certify(&mut |_, _| {}).expect("it can be certified").written.tally.all
}
