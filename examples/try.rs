use propcert::certificate::Subject;
use propcert::certify::{Options, Selection, Task};
use propcert::dataset;
use propcert::model::Part;
use propcert::spec::Spec;
use propcert::train::Recipe;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let data = dataset::open(&a[1]).unwrap();
    let spec = format!(
        "property = 'local-invariance'\nepsilon = '{}'\ndelta = '0.5'\nsemantics = 'real'\n",
        a[2]
    );
    let spec = Spec::read(spec.as_bytes()).unwrap();
    for text in &a[3..] {
        let (family, rest) = text.split_once(' ').unwrap_or((text, ""));
        let toml = format!("family='{family}'\n[training]\n{}", rest.replace(';', "\n"));
        let recipe = Recipe::read(toml.as_bytes()).unwrap().holding([spec.clone()]);
        let seeds = if family == "trees" { 0..1 } else { 0..1 };
        for seed in seeds {
            let start = std::time::Instant::now();
            let model = recipe.train(&data, seed).unwrap();
            let seconds = start.elapsed().as_secs_f64();
            let test = data.part(Part::Test);
            let right = test.iter().filter(|row| model.label(&row.values) == row.label).count();
            let v = data.part(Part::Validation);
            let vr = v.iter().filter(|row| model.label(&row.values) == row.label).count();
            let certify = |part, n: usize| {
                let task = Task {
                    selection: Selection { part, rows: Some(n.min(data.part(part).len())) },
                    options: Options {
                        budget_nodes: if family == "trees" { 100_000 } else { 300 },
                        ..Options::default()
                    },
                    ..Task::new(Subject::new(&model, &spec, &data))
                };
                task.certify(&mut |_, _| {}).unwrap().written.tally.all
            };
            println!(
                "{} {} {text:50} acc {:.4} {} | val {:.4} {}  {seconds:.1}s",
                a[1],
                a[2],
                right as f64 / test.len() as f64,
                certify(Part::Test, 300),
                vr as f64 / v.len() as f64,
                certify(Part::Validation, 300)
            );
        }
    }
}
