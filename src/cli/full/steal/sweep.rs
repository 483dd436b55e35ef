//! Several targets and budgets: a theft of each pair in a folder of its own, and one table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::report::{Estimate, percent_of, ruled};
use crate::steal::{Repetition, Scores};
use crate::store::{make_folder, write_whole};
use crate::text::csv_of;

use super::super::inputs::Inputs;
use super::super::output::{SWEEP_TABLE, expect_sweep};
use super::super::{Ending, Refusal, files};
use super::{Arguments, TheftCall, TheftOutcome};

/// The columns of `table.csv`; each figure has its mean and, of several repetitions, the 95% Student-t interval.
const COLUMNS: [&str; 15] = [
    "target",
    "budget",
    "repetitions",
    "asked",
    "inferred",
    "wrong",
    "agreement_heldout",
    "agreement_heldout_low",
    "agreement_heldout_high",
    "agreement_uniform",
    "agreement_uniform_low",
    "agreement_uniform_high",
    "agreement_boundary",
    "agreement_boundary_low",
    "agreement_boundary_high",
];

/// One line: the thefts of a target with a budget.
struct SweepRow {
    target: String,
    budget: usize,
    repetitions: usize,
    /// Queries, labels inferred and wrong ones among them, each the mean of a repetition.
    counts: [f64; 3],
    /// Agreement on held-out rows, on uniform points and next to the boundary, where there is one.
    agreement: [Option<Estimate>; 3],
}

/// Runs every theft, in order, and prints the table.
pub(super) fn run(arguments: &Arguments, data: &str, out: &Path) -> Result<Ending, Refusal> {
    let targets = named(&arguments.target)?;
    let budgets = budgets(arguments)?;
    expect_place(arguments, out)?;
    make_folder(out)?;
    let mut rows = Vec::new();
    for (name, target) in &targets {
        for &queries in &budgets {
            let place = out.join(format!("{name}-{queries}"));
            let theft = TheftCall {
                arguments,
                out: &place,
                data,
                target: Some(target),
                budget: Some(queries),
            };
            let TheftOutcome { repetitions, .. } = theft.of_model(target)?;
            tell!("propcert: {}: done", place.display());
            rows.push(SweepRow::of(name, queries, &repetitions)?);
        }
    }
    write_whole(&out.join(SWEEP_TABLE), csv(&rows).as_bytes())?;
    files::print(&if arguments.json { json(&rows) } else { text(&rows) })?;
    Ok(Ending::AsStated)
}

/// The budgets, each of which the attack takes.
fn budgets(arguments: &Arguments) -> Result<Vec<usize>, Refusal> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = arguments.budget.iter().find(|budget| !seen.insert(**budget)) {
        return Err(Refusal::new(format!("--budget {twice}: is there twice")));
    }
    match arguments.budget.as_slice() {
        [] => Ok(vec![super::attack(arguments, None)?.queries]),
        all => {
            let queries = |&budget| Ok(super::attack(arguments, Some(budget))?.queries);
            all.iter().map(queries).collect()
        }
    }
}

/// The targets by the names of their files, which name folders.
fn named(targets: &[PathBuf]) -> Result<Vec<(String, &Path)>, Refusal> {
    let mut seen = BTreeSet::new();
    let name =
        |target: &'_ PathBuf| target.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(twice) = targets.iter().find(|target| !seen.insert(name(target).to_lowercase())) {
        return Err(Refusal::new(format!(
            "--target {}: its name is to name a folder and is there twice; rename one of the files",
            twice.display()
        )));
    }
    Ok(targets.iter().map(|target| (name(target), target.as_path())).collect())
}

/// Checks that DIR is no single theft, and that its table is our own.
fn expect_place(arguments: &Arguments, out: &Path) -> Result<(), Refusal> {
    let inputs = Inputs::default()
        .file("--attack", arguments.attack.as_ref())
        .file("--certificates", arguments.certificates.as_ref())
        .file("--defense", arguments.defense.as_ref());
    expect_sweep(out, &COLUMNS, &inputs, arguments.force)
}

impl SweepRow {
    fn of(target: &str, budget: usize, repetitions: &[Repetition]) -> Result<Self, Refusal> {
        let mean = |count: fn(&Repetition) -> usize| {
            let sum: usize = repetitions.iter().map(count).sum();
            sum as f64 / repetitions.len().max(1) as f64
        };
        let estimate = |figure: fn(&Scores) -> Option<f64>| -> Result<_, Refusal> {
            let values = repetitions.iter().map(|one| figure(&one.attack.scores));
            let values: Option<Vec<f64>> = values.collect();
            Ok(values.map(|values| Estimate::from_repetitions(&values)).transpose()?)
        };
        Ok(Self {
            target: target.to_owned(),
            budget,
            repetitions: repetitions.len(),
            counts: [
                mean(|one| one.attack.queries),
                mean(|one| one.attack.inferred),
                mean(|one| one.attack.wrong),
            ],
            agreement: [
                estimate(|scores| Some(scores.agreement.held_out))?,
                estimate(|scores| Some(scores.agreement.uniform))?,
                estimate(|scores| scores.agreement.boundary)?,
            ],
        })
    }
}

/// The means of several repetitions on a line, with their intervals; nothing for a single one.
pub(super) fn means(repetitions: &[Repetition]) -> Result<String, Refusal> {
    if repetitions.len() < 2 {
        return Ok(String::new());
    }
    let row = SweepRow::of("", 0, repetitions)?;
    let [asked, inferred, wrong] = row.counts;
    let [held_out, uniform, boundary] = row.agreement.each_ref().map(spanned);
    Ok(format!(
        "mean of {} [95% interval]: asked {asked:.1} inferred {inferred:.1} wrong {wrong:.1}; agreement held-out {held_out}, \
         uniform {uniform}, boundary {boundary}\n",
        row.repetitions
    ))
}

/// A mean with its interval, cut to what a share can be: `94.21% [93.10%, 95.32%]`.
fn spanned(estimate: &Option<Estimate>) -> String {
    let Some(estimate) = estimate else { return "–".to_owned() };
    let mean = percent_of(estimate.mean);
    match estimate.interval() {
        Some(ends) => {
            let [low, high] = ends.map(|end| percent_of(end.clamp(0.0, 1.0)));
            format!("{mean} [{low}, {high}]")
        }
        None => mean,
    }
}

fn text(rows: &[SweepRow]) -> String {
    let header =
        ["target", "budget", "asked", "inferred", "wrong", "held-out", "uniform", "boundary"];
    let mut table = ruled(header, 1);
    for row in rows {
        let counts = row.counts.map(|count| format!("{count:.1}"));
        let agreement = row.agreement.each_ref().map(spanned);
        let start = [row.target.clone(), row.budget.to_string()];
        table.add_row(start.into_iter().chain(counts).chain(agreement));
    }
    let repetitions = rows.first().map_or(0, |row| row.repetitions);
    format!(
        "agreement with the target: mean of {repetitions} [95% interval]\n{}\n",
        table.trim_fmt()
    )
}

/// Mean, lower and upper end of a figure; no ends for a single repetition.
fn ends(estimate: &Option<Estimate>) -> [Option<f64>; 3] {
    let interval = estimate.and_then(|estimate| estimate.interval());
    [estimate.map(|it| it.mean), interval.map(|[low, _]| low), interval.map(|[_, high]| high)]
}

fn csv(rows: &[SweepRow]) -> String {
    let record = |row: &SweepRow| -> Vec<String> {
        let start = [row.target.clone(), row.budget.to_string(), row.repetitions.to_string()];
        let counts = row.counts.map(|count| count.to_string());
        let figures = row.agreement.iter().flat_map(ends);
        let figures = figures.map(|x| x.map_or(String::new(), |x| x.to_string()));
        start.into_iter().chain(counts).chain(figures).collect()
    };
    let header = COLUMNS.map(str::to_owned).to_vec();
    csv_of(std::iter::once(header).chain(rows.iter().map(record)))
}

fn json(rows: &[SweepRow]) -> String {
    let figure = |estimate: &Option<Estimate>| {
        let [mean, low, high] = ends(estimate);
        serde_json::json!({ "mean": mean, "interval": low.zip(high) })
    };
    let one = |row: &SweepRow| {
        let [asked, inferred, wrong] = row.counts;
        let [held_out, uniform, boundary] = row.agreement.each_ref().map(figure);
        serde_json::json!({
            "target": row.target, "budget": row.budget, "repetitions": row.repetitions,
            "asked": asked, "inferred": inferred, "wrong": wrong,
            "agreement": { "held-out": held_out, "uniform": uniform, "boundary": boundary },
        })
    };
    let rows: Vec<_> = rows.iter().map(one).collect();
    format!("{}\n", serde_json::json!({ "verb": "steal", "thefts": rows }))
}
