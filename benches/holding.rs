//! Models trained to hold a property beside natural ones: `cargo bench --bench holding [-- WORD…]`, with
//! `PROPCERT_DATA` set. Words choose: a data set, `trees`, `mlp`, an ε.
//!
//! Every figure of constraint accuracy is decided by the kernel, on the first 300 test rows.

use std::time::Instant;

use propcert::certificate::Subject;
use propcert::certify::{Options, Selection, Task};
use propcert::dataset;
use propcert::model::{DataSet, Model, Part};
use propcert::spec::Spec;
use propcert::train::Recipe;

const ROWS: usize = 300;

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |word: &str, kind: &[&str]| {
        let mut chosen = words.iter().filter(|w| kind.contains(&w.as_str())).peekable();
        chosen.peek().is_none() || chosen.any(|w| w == word)
    };
    let names = [
        "spambase",
        "customer_churn",
        "social_honeypot",
        "cryptojacker",
        "twitter_spam_url",
        "medical_insurance",
    ];
    let radii = ["0.05", "0.1", "0.3"];
    let families = ["trees", "mlp"];
    for name in names.into_iter().filter(|name| is_wanted(name, &names)) {
        let data = dataset::open(name).expect("the data is there");
        for family in families.into_iter().filter(|family| is_wanted(family, &families)) {
            for epsilon in radii.into_iter().filter(|epsilon| is_wanted(epsilon, &radii)) {
                let spec = format!(
                    "property = 'local-invariance'\nepsilon = '{epsilon}'\ndelta = '0.5'\nsemantics = 'real'\n"
                );
                let spec = Spec::read(spec.as_bytes()).expect("a spec");
                let natural = match family {
                    "trees" => Recipe::trees(),
                    _ => Recipe::mlp(),
                };
                let held = natural.clone().holding([spec.clone()]);
                for (kind, recipe) in [("natural", natural), ("held", held)] {
                    let start = Instant::now();
                    let model = recipe.train(&data, 0).expect("it can be trained");
                    let seconds = start.elapsed().as_secs_f64();
                    print(name, family, epsilon, kind, &model, &spec, &data, seconds);
                }
            }
        }
    }
}

#[expect(clippy::too_many_arguments)]
fn print(
    name: &str,
    family: &str,
    epsilon: &str,
    kind: &str,
    model: &Model,
    spec: &Spec,
    data: &DataSet,
    seconds: f64,
) {
    let test = data.part(Part::Test);
    let right = test.iter().filter(|row| model.label(&row.values) == row.label).count();
    let rows = Some(ROWS.min(test.len()));
    let task = Task {
        selection: Selection { part: Part::Test, rows },
        options: Options {
            budget_nodes: if family == "trees" { 100_000 } else { 300 },
            ..Options::default()
        },
        ..Task::new(Subject::new(model, spec, data))
    };
    let all = task.certify(&mut |_, _| {}).expect("it can be certified").written.tally.all;
    println!(
        "{name:18} {family} {epsilon:5} {kind:8} accuracy {:.4}  {all}  {seconds:.1} s",
        right as f64 / test.len() as f64
    );
}
