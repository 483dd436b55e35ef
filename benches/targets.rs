//! The target models of the paper beside natural ones: `cargo bench --bench targets [-- WORD…]`, with `PROPCERT_DATA`
//! set. Words choose data sets and recipes; a number is the count of seeds (3 without one).
//!
//! Every recipe is trained as it ships. Accuracy is that on all test rows; its property is decided by the kernel, of the
//! recipe's model and of the natural one, on 100 test rows, at equal steps (two rows make pairs of 20 distinct ones;
//! pairs of rows are all pairs of 1,000 training rows). 100 cases an obligation, semantics `real`.

mod measured;

use propcert::certificate::{Subject, Totals};
use propcert::certify::{Options, Selection, Task};
use propcert::dataset::at_step_for;
use propcert::model::{DataSet, Model, Part};
use propcert::spec::{Property, Semantics, Spec};
use propcert::train::Recipe;

use measured::{chosen, opened, words};

const DATA: [&str; 3] = ["spambase", "social_honeypot", "customer_churn"];
/// Recipes, and the spec that each is for; none: the directions that the data declares.
const TARGETS: [(&str, Option<&str>); 8] = [
    ("local-invariance", Some("local-invariance-0.1")),
    ("local-invariance-t", Some("local-invariance-t-5")),
    ("lipschitzness", Some("lipschitzness-0.05")),
    ("lipschitzness-t", Some("lipschitzness-t-0.1")),
    ("small-neighborhood", Some("small-neighborhood-0.1")),
    ("monotonicity", None),
    ("boundary-fuzz", Some("boundary-fuzz-0.1")),
    ("together", Some("local-invariance-0.1")),
];
const BUDGET_NODES: u64 = 100;

fn main() {
    let words = words();
    let seeds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(3);
    let asked = chosen(&words, &TARGETS.map(|(name, _)| name));
    println!("| data | recipe | accuracy natural → trained | proved | refuted | undecided | of |");
    println!("|---|---|---|---|---|---|--:|");
    for name in chosen(&words, &DATA) {
        let Some(data) = opened(name) else { continue };
        let natural = trained("natural", &data, seeds);
        for (target, spec) in TARGETS.into_iter().filter(|(target, _)| asked.contains(target)) {
            let models = trained(target, &data, seeds);
            let specs = specs(spec, &data);
            let row = row([&natural, &models], &specs, &data);
            println!("| {name} | {target} | {row} |");
        }
    }
}

/// One model per seed.
fn trained(recipe: &str, data: &DataSet, seeds: u64) -> Vec<Model> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let recipe = Recipe::open(&root.join(format!("recipes/{recipe}-mlp.toml"))).expect("a recipe");
    (0..seeds).map(|seed| recipe.train(data, seed).expect("it can be trained")).collect()
}

/// The spec of that name, or one for each direction that the data declares.
fn specs(name: Option<&str>, data: &DataSet) -> Vec<Spec> {
    let read = |text: &str| {
        let mut spec = Spec::read(text.as_bytes()).expect("a spec");
        spec.semantics = Some(Semantics::Real);
        spec
    };
    if let Some(name) = name {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join(format!("specs/{name}.toml"));
        return vec![read(&std::fs::read_to_string(path).expect("it is there"))];
    }
    let directions = data.meta().monotone.iter();
    let spec = |(feature, direction): (&String, &String)| {
        let feature = feature.parse::<usize>().map_or(format!("'{feature}'"), |at| at.to_string());
        read(&format!(
            "property = 'monotonicity'\nfeatures = [{feature}]\ndirection = '{direction}'"
        ))
    };
    directions.map(spec).collect()
}

/// Means over the seeds, natural and trained, as cells.
fn row(models: [&[Model]; 2], specs: &[Spec], data: &DataSet) -> String {
    let seeds = models[0].len() as f64;
    let [before, after] = models.map(|models| {
        let mut sums = [0.0; 5];
        for model in models {
            let mut all = Totals::default();
            for spec in specs {
                let totals = certified(model, spec, data);
                all.proved += totals.proved;
                all.refuted += totals.refuted;
                all.undecided += totals.undecided;
            }
            let share = |count: u64| 100.0 * count as f64 / all.n().max(1) as f64;
            let shares = [share(all.proved), share(all.refuted), share(all.undecided)];
            let figures = [accuracy(model, data), shares[0], shares[1], shares[2], all.n() as f64];
            sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure / seeds);
        }
        sums
    });
    let share = |at: usize| format!("{:.1} → {:.1} %", before[at], after[at]);
    let accuracy = format!("{:.4} → {:.4}", before[0], after[0]);
    format!("{accuracy} | {} | {} | {} | {:.0}", share(1), share(2), share(3), after[4])
}

fn accuracy(model: &Model, data: &DataSet) -> f64 {
    let test = data.part(Part::Test);
    let right = test.iter().filter(|row| model.label(&row.values) == row.label).count();
    right as f64 / test.len() as f64
}

fn certified(model: &Model, spec: &Spec, data: &DataSet) -> Totals {
    let part = spec.property.default_part();
    let rows = match spec.property {
        Property::Lipschitzness(_) => 20,
        Property::LipschitznessT(_) | Property::LocalInvarianceT(_) => 1_000,
        _ => 100,
    };
    let data = at_step_for(data, part, rows);
    let rows = rows.min(spec.property.count_of(data.part(part)));
    let task = Task {
        selection: Selection { part, rows: Some(rows) },
        options: Options { budget_nodes: BUDGET_NODES, ..Options::default() },
        ..Task::new(Subject::new(model, spec, &data))
    };
    task.certify(&mut |_, _| {}).expect("it can be certified").written.tally.all
}
