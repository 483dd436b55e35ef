//! `propcert demo`: the whole way once, on one data set.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::model::{DataSet, Part};
use crate::report::{Report, from_json};
use crate::study::{Manifest, ManifestEntry, Plan, demo};

use super::inputs::Inputs;
use super::output::{Force, Leaves, ResultFolder};
use super::subject::{data_seen_from, expect_rows, read_whole};
use super::{Ending, Refusal, files};

/// Do the main job once: train, certify, check, steal, defend, report.
///
/// Three models are trained on one data set (a natural network, natural trees, monotone trees),
/// their properties certified and every certificate checked again, the models stolen with and
/// without the certificates, and defended. DIR gets report.html, report.json, tables.md and
/// tables.csv, manifest.json, models, specs, defenses and certificates. It is filled in DIR.partial; an earlier demo in DIR is replaced when
/// this one is complete, and a folder with anything else in it is refused.
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
    #[arg(long, alias = "eps", value_name = "E", allow_negative_numbers = true)]
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
    #[command(flatten)]
    force: Force,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let data = read_whole(&arguments.data)?;
    let plan = plan(arguments, &data)?;
    // data with faulty declarations are refused before anything is written
    crate::dataset::schema(&data)?;
    let inputs = Inputs::default().data("--data", Some(&arguments.data));
    let place = ResultFolder::new(&arguments.out, Leaves::Demo, &inputs, arguments.force)?;
    if let Some(earlier) = earlier(&arguments.out) {
        tell!("propcert: {earlier}, to be replaced when this one is complete");
    }
    let draft = place.begin(false)?;
    let store = draft.store()?;
    let start = Instant::now();
    let mut stage = |text: &str| tell!("[{:5.1} s] {text}", start.elapsed().as_secs_f64());
    let data_name = data_seen_from(&arguments.data, draft.stand_in())?;
    let (report, manifest) = demo(&data, &data_name, &plan, &store, &mut stage)?;
    draft.finish()?;
    tell!("[{:5.1} s] done", start.elapsed().as_secs_f64());
    if arguments.json {
        files::print(&crate::report::to_json(&report)?)?;
    } else {
        files::print(&format!("{report}\n{}", next_steps(arguments, &report, &manifest)))?;
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

/// A description of an earlier demo in a folder, in words.
fn earlier(out: &Path) -> Option<String> {
    let text = String::from_utf8(files::read(&out.join("report.json")).ok()?).ok()?;
    let report = from_json(&text).ok()?;
    let [run] = report.runs.as_slice() else { return None };
    let certificates: usize = run.models.iter().map(|model| model.certificates.len()).sum();
    Some(format!(
        "{} holds an earlier demo of {} (seed {}, {} models, {certificates} certificates). {}",
        out.display(),
        run.data.name,
        run.seed,
        run.models.len(),
        run.notes.first().unwrap_or(&String::new())
    ))
}

fn plan(arguments: &Arguments, data: &DataSet) -> Result<Plan, Refusal> {
    expect_rows(data, "a demo")?;
    let mut plan = Plan { seed: arguments.seed, ..Plan::default() };
    if arguments.small {
        plan = Plan { rows: 40, fuzz_rows: 20, exact: 10, repetitions: 2, ..plan };
    }
    if let Some(rows) = arguments.rows {
        let found = data.part(Part::Test).len();
        if !(1..=found).contains(&rows) {
            let text = format!("--rows {rows}: expected 1 to {found}, the rows of part test");
            return Err(Refusal::new(text));
        }
        plan.rows = rows;
        plan.fuzz_rows = plan.fuzz_rows.min(rows);
    }
    if let Some(epsilon) = &arguments.epsilon {
        let is_positive = epsilon
            .parse::<crate::interval::Decimal>()
            .is_ok_and(|decimal| *decimal.value() > crate::interval::Rational::ZERO)
            && epsilon.parse::<f64>().is_ok_and(|radius| radius > 0.0 && radius <= 1000.0);
        if !is_positive {
            let text = format!(
                "--epsilon {epsilon:.60}: expected a positive decimal up to 1000, such as 0.05"
            );
            return Err(Refusal::new(text));
        }
        plan.epsilon.clone_from(epsilon);
    }
    match arguments.repetitions {
        Some(repetitions) if !(1..=10_000).contains(&repetitions) => {
            let text = format!("--repetitions {repetitions}: expected at least 1, at most 10000");
            return Err(Refusal::new(text));
        }
        Some(repetitions) => plan.repetitions = repetitions,
        None => {}
    }
    Ok(plan)
}

/// Files to look at, and a certificate to check, as commands that can be typed in the folder of the demo's run.
fn next_steps(arguments: &Arguments, report: &Report, manifest: &Manifest) -> String {
    let out = arguments.out.display();
    let program = std::env::args().next().unwrap_or_else(|| "propcert".to_owned());
    let mut text = format!(
        "Look at next:\n\
         \u{20} {out}/report.html      the same with figures, in any browser\n\
         \u{20} {out}/manifest.json    every certificate with its model, spec and data\n"
    );
    // a certificate that proves something, if there is one; among these, a claim without
    // rows is the shortest to read
    let models = report.runs.iter().flat_map(|run| &run.models);
    let proving: Vec<&str> = models
        .flat_map(|model| &model.certificates)
        .filter(|certificate| certificate.counts.proved > 0)
        .filter_map(|certificate| certificate.file.as_deref())
        .collect();
    let rank = |entry: &&ManifestEntry| {
        (!proving.contains(&entry.certificate.as_str()), entry.data.is_some())
    };
    if let Some(entry) = manifest.certificates.iter().min_by_key(rank) {
        let data = entry.data.as_ref().map(|_| format!(" --data {}", arguments.data));
        text += &format!(
            "Check one yourself:\n\
             \u{20} {program} check {out}/{} \\\n\
             \u{20}   --model {out}/{} --spec {out}/{}{}\n",
            entry.certificate,
            entry.model,
            entry.spec,
            data.unwrap_or_default()
        );
    }
    text
}
