//! Several strengths: a defense of each in a folder of its own, and one table.

use std::collections::BTreeSet;
use std::path::Path;

use crate::report::{percent_of, ruled};
use crate::store::{make_folder, write_whole};
use crate::text::csv_of;

use super::super::inputs::Inputs;
use super::super::interrupt::note_finished;
use super::super::output::{SWEEP_TABLE, expect_sweep};
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
    for (done, alpha) in arguments.alpha.iter().enumerate() {
        if done > 0 {
            note_finished(done as u64, arguments.alpha.len() as u64);
        }
        let place = out.join(format!("alpha-{alpha}"));
        let parameters = Some(format!("alpha={alpha}"));
        let outcome = DefenseCall { arguments, parameters, out: &place }.run()?;
        tell!("propcert: {}: done", place.display());
        outcomes.push((alpha.as_str(), outcome));
    }
    write_whole(&out.join(SWEEP_TABLE), csv(&outcomes).as_bytes())?;
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
    let inputs = Inputs::default()
        .file("--model", Some(&arguments.model))
        .file("--certificates", arguments.certificates.as_ref())
        .data("--data", Some(&arguments.data));
    expect_sweep(out, &COLUMNS, &inputs, arguments.force)
}

/// The proved obligations of all certificates without and with a defense; `None` without certificates.
fn proved(outcome: &DefenseOutcome) -> Option<[u64; 2]> {
    let still = outcome.metrics["still-proved"].as_array().filter(|still| !still.is_empty())?;
    let sum = |which: &str| still.iter().filter_map(|one| one[which]["proved"].as_u64()).sum();
    Some([sum("before"), sum("after")])
}

fn text(outcomes: &[(&str, DefenseOutcome)]) -> String {
    let header = ["alpha", "accuracy", "defended", "labels changed", "proved", "still proved"];
    let mut table = ruled(header, 0);
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
    format!("{}\n", table.trim_fmt())
}

fn csv(outcomes: &[(&str, DefenseOutcome)]) -> String {
    let record = |(alpha, outcome): &(&str, DefenseOutcome)| -> Vec<String> {
        let effect = &outcome.effect;
        let shares = [effect.accuracy_before, effect.accuracy_after, effect.flipped];
        let counts = proved(outcome).map(|counts| counts.map(|count| count.to_string()));
        let start = [(*alpha).to_owned()];
        let row = start.into_iter().chain(shares.map(|share| share.to_string()));
        row.chain(counts.unwrap_or_default()).collect()
    };
    let header = COLUMNS.map(str::to_owned).to_vec();
    csv_of(std::iter::once(header).chain(outcomes.iter().map(record)))
}

fn json(outcomes: Vec<(&str, DefenseOutcome)>) -> String {
    let one = |(alpha, outcome): (&str, DefenseOutcome)| serde_json::json!({ "alpha": alpha, "metrics": outcome.metrics });
    let all: Vec<_> = outcomes.into_iter().map(one).collect();
    format!("{}\n", serde_json::json!({ "verb": "defend", "defenses": all }))
}
