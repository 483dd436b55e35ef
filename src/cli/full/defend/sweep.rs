//! Several strengths: a defense of each in a folder of its own, and one table.

use std::collections::BTreeSet;
use std::path::Path;

use comfy_table::{CellAlignment, Table};

use crate::report::{RULED, percent_of};
use crate::store::{make_folder, write_whole};

use super::super::inputs::Inputs;
use super::super::output::{FileKind, expect_own};
use super::super::{Ending, Refusal, files};
use super::{Arguments, DefenseCall, DefenseOutcome};

/// The columns of `table.csv`: the accuracy is that on test rows, and proved obligations are those of all certificates.
const COLUMNS: [&str; 6] = [
    "alpha",
    "accuracy_before",
    "accuracy_after",
    "labels_changed",
    "proved_before",
    "proved_after",
];

/// Defends with every strength, in order, and prints the table.
pub(super) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let out = arguments.out.as_path();
    expect_place(arguments, out)?;
    make_folder(out)?;
    let mut outcomes = Vec::new();
    for alpha in &arguments.alpha {
        let place = out.join(format!("alpha-{alpha}"));
        let parameters = Some(format!("alpha={alpha}"));
        let outcome = DefenseCall { arguments, parameters, out: &place }.run()?;
        tell!("propcert: {}: done", place.display());
        outcomes.push((alpha.as_str(), outcome));
    }
    write_whole(&out.join("table.csv"), &csv(&outcomes)?)?;
    files::print(&if arguments.json { json(outcomes) } else { text(&outcomes) })?;
    Ok(Ending::AsStated)
}

/// Checks that strengths can name folders, and that DIR is no single defense and its table our own.
fn expect_place(arguments: &Arguments, out: &Path) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for alpha in &arguments.alpha {
        let is_plain = |c: char| c.is_ascii_digit() || c == '.';
        if alpha.is_empty() || alpha.len() > 20 || !alpha.chars().all(is_plain) {
            let text = format!("--alpha {alpha:.60}: expected decimals separated by commas");
            return Err(Refusal::new(text));
        }
        if !seen.insert(alpha) {
            return Err(Refusal::new(format!("--alpha {alpha}: is there twice")));
        }
    }
    let table = out.join("table.csv");
    let inputs = Inputs::default()
        .file("--model", Some(&arguments.model))
        .file("--certificates", arguments.certificates.as_ref())
        .data("--data", Some(&arguments.data));
    inputs.expect_apart(&table)?;
    if out.join("metrics.json").exists() {
        let out = out.display();
        let text = format!("{out}: holds one defense; name another folder for several strengths");
        return Err(Refusal::new(text));
    }
    expect_own(&table, FileKind::Table(&COLUMNS), arguments.force)
}

/// The proved obligations of all certificates without and with a defense; `None` without certificates.
fn proved(outcome: &DefenseOutcome) -> Option<[u64; 2]> {
    let still = outcome.metrics["still-proved"].as_array().filter(|still| !still.is_empty())?;
    let sum = |which: &str| still.iter().filter_map(|one| one[which]["proved"].as_u64()).sum();
    Some([sum("before"), sum("after")])
}

fn text(outcomes: &[(&str, DefenseOutcome)]) -> String {
    let mut table = Table::new();
    table.load_style(RULED);
    table.force_no_tty();
    table.set_header(["alpha", "accuracy", "defended", "labels changed", "proved", "still proved"]);
    for (alpha, outcome) in outcomes {
        let effect = &outcome.effect;
        let shares = [effect.accuracy_before, effect.accuracy_after, effect.flipped];
        let counts = match proved(outcome) {
            Some(counts) => counts.map(|count| count.to_string()),
            None => ["–", "–"].map(str::to_owned),
        };
        let start = [(*alpha).to_owned()];
        table.add_row(start.into_iter().chain(shares.map(percent_of)).chain(counts));
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{}\n", table.trim_fmt())
}

fn csv(outcomes: &[(&str, DefenseOutcome)]) -> Result<Vec<u8>, Refusal> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for (alpha, outcome) in outcomes {
        let effect = &outcome.effect;
        let shares = [effect.accuracy_before, effect.accuracy_after, effect.flipped];
        let counts = proved(outcome).map(|counts| counts.map(|count| count.to_string()));
        let start = [(*alpha).to_owned()];
        let row = start.into_iter().chain(shares.map(|share| share.to_string()));
        writer.write_record(row.chain(counts.unwrap_or_default()))?;
    }
    writer.into_inner().map_err(|error| Refusal::new(error.to_string()))
}

fn json(outcomes: Vec<(&str, DefenseOutcome)>) -> String {
    let one = |(alpha, outcome): (&str, DefenseOutcome)| serde_json::json!({ "alpha": alpha, "metrics": outcome.metrics });
    let all: Vec<_> = outcomes.into_iter().map(one).collect();
    format!("{}\n", serde_json::json!({ "verb": "defend", "defenses": all }))
}
