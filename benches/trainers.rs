//! Trainers of networks side by side: `cargo bench --bench trainers [-- WORD…]`, with `PROPCERT_DATA` set. Words choose data
//! sets; a number is the count of seeds (5 without one).
//!
//! Networks of two layers of 64, 100 epochs, the usual settings of each trainer, for local invariance with δ ½ in
//! the infinity norm. Accuracy is that on all test rows; the property is decided by the kernel on at most 1,200 of them,
//! at equal steps, 1,000 cases a row. A cell holds the mean over the seeds, with the least and the most.

mod measured;

use propcert::certificate::Subject;
use propcert::certify::{Options, Selection, Task};
use propcert::dataset::at_step_for;
use propcert::model::{DataSet, Model, Part};
use propcert::spec::Spec;
use propcert::train::Recipe;

use measured::{chosen, opened, words};

/// Data sets, and how far the label is to hold, in standard deviations.
const DATA: [(&str, &str); 4] = [
    ("cryptojacker", "0.3"),
    ("spambase", "0.1"),
    ("social_honeypot", "0.1"),
    ("customer_churn", "0.1"),
];
const TRAINERS: [&str; 6] = ["natural", "dl2", "pgd", "ibp", "sabr", "mtl-ibp"];
const MOST_ROWS: usize = 1_200;
const BUDGET_NODES: u64 = 1_000;

/// What is said of one network, in percent.
struct Figures {
    accuracy: f64,
    survives: f64,
    by_intervals: f64,
    proved: f64,
    undecided: f64,
}

fn main() {
    let words = words();
    let seeds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(5);
    let asked = chosen(&words, &DATA.map(|(name, _)| name));
    println!(
        "| data | ε | trainer | accuracy | survives an attack (sampled) | proved by intervals | proved | undecided |"
    );
    println!("|---|--:|---|---|---|---|---|---|");
    for (name, epsilon) in DATA.into_iter().filter(|(name, _)| asked.contains(name)) {
        let Some(data) = opened(name) else { continue };
        for trainer in TRAINERS {
            let figures: Vec<Figures> =
                (0..seeds).map(|seed| figures(trainer, epsilon, &data, seed)).collect();
            println!("| {name} | {epsilon} | {trainer} | {} |", cells(&figures));
        }
    }
}

fn figures(trainer: &str, epsilon: &str, data: &DataSet, seed: u64) -> Figures {
    let text = format!(
        "property = 'local-invariance'\nepsilon = '{epsilon}'\ndelta = '0.5'\nintegers = 'relax'"
    );
    let model = recipe(trainer, &text).train(data, seed).expect("it can be trained");
    decided(&model, &Spec::read(text.as_bytes()).expect("a spec"), data)
}

/// The recipe of that trainer, for the property of that spec.
fn recipe(trainer: &str, spec: &str) -> Recipe {
    let mut text =
        "family = 'mlp'\n[training]\nhidden = [64, 64]\nepochs = 100\nlearning-rate = 2e-3\n"
            .to_owned();
    if trainer != "natural" {
        text += &format!("trainer = '{trainer}'\n[[property]]\nspec = 'spec.toml'\n");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("room");
    write("spec.toml", spec);
    write("recipe.toml", &text);
    Recipe::open(&folder.path().join("recipe.toml")).expect("a recipe")
}

fn decided(model: &Model, spec: &Spec, data: &DataSet) -> Figures {
    let test = data.part(Part::Test);
    let right = test.iter().filter(|row| model.label(&row.values) == row.label).count();
    let accuracy = 100.0 * right as f64 / test.len() as f64;
    let data = at_step_for(data, Part::Test, MOST_ROWS);
    let rows = MOST_ROWS.min(data.part(Part::Test).len());
    let task = Task {
        selection: Selection { part: Part::Test, rows: Some(rows) },
        options: Options { budget_nodes: BUDGET_NODES, ..Options::default() },
        ..Task::new(Subject::new(model, spec, &data))
    };
    let written = task.certify(&mut |_, _| {}).expect("it can be certified").written;
    let share = |count: u64| 100.0 * count as f64 / written.tally.all.n() as f64;
    Figures {
        accuracy,
        survives: share(written.tally.all.n() - written.refuted_by_attack),
        by_intervals: share(written.tally.rules.get("interval").copied().unwrap_or(0)),
        proved: share(written.tally.all.proved),
        undecided: share(written.tally.all.undecided),
    }
}

fn cells(figures: &[Figures]) -> String {
    let columns: [fn(&Figures) -> f64; 5] = [
        |it| it.accuracy,
        |it| it.survives,
        |it| it.by_intervals,
        |it| it.proved,
        |it| it.undecided,
    ];
    columns.map(|column| spread(figures.iter().map(column))).join(" | ")
}

/// The mean, with the least and the most.
fn spread(values: impl Iterator<Item = f64> + Clone) -> String {
    let mean = values.clone().sum::<f64>() / values.clone().count() as f64;
    let (least, most) = values
        .fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
    format!("{mean:.1} ({least:.1} to {most:.1})")
}
