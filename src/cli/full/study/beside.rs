//! `propcert study beside`: published tables, number by number beside the figures of a study.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::store::Store;
use crate::study::published::{
    BESIDE_COLUMNS, ComparedStudy, PublishedSheet, beside_csv, beside_page, compare,
};

use super::super::output::{FileKind, expect_own};
use super::super::{Ending, Refusal, files};
use super::studies::{SheetArguments, expect_different};

/// Put published tables beside the figures of a study, number by number.
///
/// SHEET is a TOML file of tables: a formula over the figures of the study, and a CSV of records, each a printed number with the
/// names that the formula's variables stand for. Every number gets the figure of the study, and a figure with repetitions a
/// 95% interval; a number that lies outside is marked. What is proved is rounded outward. Nothing is ruled on.
///
/// DIR gets beside.md, a section per table, and beside.csv, a line per number and study.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert study run studies/paper.toml --out paper\n  propcert study beside studies/published.toml paper --out beside\n\nA table, for instance:\n  [[table]]\n  name = \"Table 5\"\n  says = \"F1 of the substitute, in percent.\"\n  figure = \"100*f1(target, none, attack)\"\n  across = \"attack\"\n  records = \"table-5.csv\"    # data,target,attack,published"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    read: SheetArguments,
}

/// Runs the verb.
pub(super) fn run(Arguments { read: arguments }: &Arguments) -> Result<Ending, Refusal> {
    let about = |error| Refusal::new(format!("{}: {error}", arguments.sheet.display()));
    let sheet = PublishedSheet::open(&arguments.sheet).map_err(about)?;
    let (page, table) = (arguments.out.join("beside.md"), arguments.out.join("beside.csv"));
    let folder = arguments.sheet.parent().unwrap_or(Path::new(""));
    let records: Vec<PathBuf> = sheet.files().map(|file| folder.join(file)).collect();
    arguments.expect_apart(&records, &[&page, &table])?;
    expect_own(&table, FileKind::Table(&BESIDE_COLUMNS), arguments.force)?;
    expect_own(&page, FileKind::Beside, arguments.force)?;
    let folders = &arguments.folders;
    let found: Vec<ComparedStudy> =
        folders.iter().map(|folder| compare(&sheet, folder)).collect::<Result<_, _>>()?;
    expect_different(folders.iter().zip(found.iter().map(|study| study.seed)))?;
    let (text, rows) = (beside_page(&sheet, &found)?, beside_csv(&sheet, &found));
    let store = Store::new(&arguments.out)?;
    store.write("beside.csv", rows.as_bytes())?;
    store.write("beside.md", text.as_bytes())?;
    files::print(&match arguments.json {
        true => {
            serde_json::to_string(&json!({
                "verb": "study beside", "tables": sheet.names().collect::<Vec<_>>(), "studies": found,
            }))? + "\n"
        }
        false => summary(&sheet, &found),
    })?;
    Ok(Ending::AsStated)
}

/// A line per table: the printed numbers, and those that have a figure in some study.
fn summary(sheet: &PublishedSheet, found: &[ComparedStudy]) -> String {
    let line = |(at, name): (usize, &str)| {
        let of_study: Vec<_> = found.iter().filter_map(|study| study.tables.get(at)).collect();
        let all = of_study.first().map_or(0, |numbers| numbers.len());
        let has = |number: &usize| {
            of_study.iter().filter_map(|all| all.get(*number)).any(|one| one.here.is_some())
        };
        let with = (0..all).filter(has).count();
        format!("{name}: {with} of {all} numbers have a figure here\n")
    };
    sheet.names().enumerate().map(line).collect()
}
