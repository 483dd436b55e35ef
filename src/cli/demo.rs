//! `propcert demo`: the whole way once, on one data set.

use std::path::PathBuf;
use std::time::Instant;

use crate::study::{Plan, Store, demo};

use super::subject::{data_seen_from, read_data};
use super::{Ending, Refusal, files};

/// Do the main job once: train, certify, check, steal, defend, report.
///
/// Three models are trained on one data set (a natural network, natural trees, monotone trees),
/// their properties certified and every certificate checked again, the models stolen with and
/// without the certificates, and defended. DIR gets report.html, report.json, manifest.json, models,
/// specs, defenses and certificates.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  propcert demo\n  PROPCERT_DATA=folder propcert demo --data cryptojacker --out demo-cryptojacker"
)]
pub(crate) struct Arguments {
    /// The data: a name, a folder or a CSV.
    #[arg(long, default_value = "spambase")]
    data: String,
    /// The folder for everything that is made.
    #[arg(long, default_value = "demo-out")]
    out: PathBuf,
    /// Test rows that are certified [default: 200].
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Radius of local invariance, in standard deviations [default: 0.05].
    #[arg(long, value_name = "E")]
    epsilon: Option<String>,
    /// Repetitions of every attack [default: 5].
    #[arg(long, value_name = "R")]
    repetitions: Option<usize>,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A smaller run, for trying out: 40 rows, 2 repetitions.
    #[arg(long)]
    small: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let (data, _) = read_data(&arguments.data)?;
    let plan = plan(arguments)?;
    // what declares itself badly is refused before anything is written
    crate::dataset::schema(&data)?;
    let store = Store::new(&arguments.out)?;
    let start = Instant::now();
    let mut stage = |text: &str| eprintln!("[{:5.1} s] {text}", start.elapsed().as_secs_f64());
    let data_name = data_seen_from(&arguments.data, &arguments.out)?;
    let report = demo(&data, &data_name, &plan, &store, &mut stage)?;
    eprintln!("[{:5.1} s] done", start.elapsed().as_secs_f64());
    if arguments.json {
        files::print(&crate::report::to_json(&report)?)?;
    } else {
        files::print(&format!("{report}\n{}", next_steps(&arguments.out)))?;
    }
    let models = || report.runs.iter().flat_map(|run| &run.models);
    let is_checked = models().flat_map(|model| &model.certificates).all(|c| c.checked)
        && models()
            .flat_map(|model| &model.defenses)
            .flat_map(|d| &d.certificates)
            .all(|c| c.checked);
    let is_right =
        models().flat_map(|model| &model.attacks).all(|attack| attack.inferred_wrong == 0);
    let is_confirmed = is_checked && is_right;
    Ok(if is_confirmed { Ending::AsStated } else { Ending::NotAsStated })
}

fn plan(arguments: &Arguments) -> Result<Plan, Refusal> {
    let mut plan = Plan { seed: arguments.seed, ..Plan::default() };
    if arguments.small {
        plan = Plan { rows: 40, fuzz_rows: 20, exact: 10, repetitions: 2, ..plan };
    }
    if let Some(rows) = arguments.rows {
        plan.rows = rows;
        plan.fuzz_rows = plan.fuzz_rows.min(rows);
    }
    if let Some(epsilon) = &arguments.epsilon {
        let is_positive = epsilon
            .parse::<crate::interval::Decimal>()
            .is_ok_and(|decimal| *decimal.value() > crate::interval::Rational::ZERO);
        if !is_positive {
            let text = format!("--epsilon {epsilon}: expected a positive decimal such as 0.05");
            return Err(Refusal::new(text));
        }
        plan.epsilon.clone_from(epsilon);
    }
    match arguments.repetitions {
        Some(0) => return Err(Refusal::new("--repetitions 0: expected at least 1")),
        Some(repetitions) => plan.repetitions = repetitions,
        None => {}
    }
    Ok(plan)
}

fn next_steps(out: &std::path::Path) -> String {
    let out = out.display();
    format!(
        "Look at next:\n\
         \u{20} {out}/report.html      the same with figures, in any browser\n\
         \u{20} {out}/manifest.json    every certificate with its model, spec and data; check one yourself:\n\
         \u{20}   cd {out} && propcert check certificates/monotone-trees/monotone-increasing.jsonl \\\n\
         \u{20}     --model models/monotone-trees.json --spec specs/monotone-increasing.toml\n"
    )
}
