//! `propcert study claims`: rulings on sentences about a study.

use serde_json::json;

use crate::store::Store;
use crate::study::claims::{
    CLAIMS_COLUMNS, ClaimSheet, ClaimsFindings, Ruling, claims_csv, claims_page, rule,
};

use super::super::output::{FileKind, expect_own};
use super::super::{Ending, Refusal, files};
use super::studies::{SheetArguments, expect_different};

/// Rule on claims by the lines of a study.
///
/// SHEET is a TOML file of claims: a sentence, a formula over the figures of the study, the sign that it should have, and
/// the models, attacks and data sets to look at. Every choice of them is a comparison with a 95% interval over paired
/// repetitions. A claim is supported if two thirds of its comparisons are for it, not supported if they could not be even
/// if all open ones were, and cannot be decided else. With studies of several seeds a claim on which they disagree
/// cannot be decided.
///
/// DIR gets claims.md, a section per claim, and claims.csv, a line per comparison.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert study run studies/paper.toml --out paper\n  propcert study claims studies/claims.toml paper --out verdicts\n\nA claim, for instance:\n  [[claim]]\n  name = \"C1\"\n  says = \"Models with a property are stolen at higher agreement.\"\n  figure = \"agreement(held, none, attack) - agreement(natural, none, attack)\"\n  expect = \"positive\"\n  for = { held = [\"robust-trees\", \"monotone-trees\"], attack = [\"random-uniform\"] }"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    read: SheetArguments,
}

/// Runs the verb.
pub(super) fn run(Arguments { read: arguments }: &Arguments) -> Result<Ending, Refusal> {
    let about = |error| Refusal::new(format!("{}: {error}", arguments.sheet.display()));
    let sheet = ClaimSheet::open(&arguments.sheet).map_err(about)?;
    let (page, table) = (arguments.out.join("claims.md"), arguments.out.join("claims.csv"));
    arguments.expect_apart(&[], &[&page, &table])?;
    expect_own(&table, FileKind::Table(&CLAIMS_COLUMNS), arguments.force)?;
    expect_own(&page, FileKind::Claims, arguments.force)?;
    let folders = &arguments.folders;
    let found: Vec<ClaimsFindings> =
        folders.iter().map(|folder| rule(&sheet, folder)).collect::<Result<_, _>>()?;
    expect_different(folders.iter().zip(found.iter().map(|study| study.seed)))?;
    let (text, rows) = (claims_page(&sheet, &found)?, claims_csv(&found));
    let store = Store::new(&arguments.out)?;
    store.write("claims.csv", rows.as_bytes())?;
    store.write("claims.md", text.as_bytes())?;
    files::print(&match arguments.json {
        true => serde_json::to_string(&json!({ "verb": "study claims", "studies": found }))? + "\n",
        false => summary(&sheet, &found),
    })?;
    Ok(Ending::AsStated)
}

/// A line per claim, and the number of each ruling.
fn summary(sheet: &ClaimSheet, found: &[ClaimsFindings]) -> String {
    let ruling = |at: usize| {
        Ruling::of_all(found.iter().filter_map(|study| study.claims.get(at)).map(|one| one.ruling))
    };
    let rulings: Vec<Ruling> = sheet.names().enumerate().map(|(at, _)| ruling(at)).collect();
    let lines = sheet.names().zip(&rulings).map(|(name, one)| format!("{name}: {}\n", one.words()));
    let count = |wanted: Ruling| rulings.iter().filter(|one| **one == wanted).count();
    lines.collect::<String>()
        + &format!(
            "supported {} not supported {} cannot be decided {} of {}\n",
            count(Ruling::Supported),
            count(Ruling::NotSupported),
            count(Ruling::Undecided),
            rulings.len()
        )
}
