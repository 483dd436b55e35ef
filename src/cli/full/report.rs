//! `propcert report`: one page over the reports of several folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::report::{Report, from_json, merge, report_files, to_json};

use super::inputs::Inputs;
use super::output::{Force, Leaves, ResultFolder};
use super::subject::way_from;
use super::{Ending, Refusal, files};

/// Put the reports of several folders on one page.
///
/// Paths on the page lead from OUT to the folders; data sets of one name are told apart by folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  propcert report demo-spambase demo-cryptojacker --out both")]
pub(crate) struct Arguments {
    /// Folders with a report.json each.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The folder for report.html, report.json, and the tables as tables.md and tables.csv.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let read = |folder: &PathBuf| -> Result<Report, Refusal> {
        let path = folder.join("report.json");
        let bytes = files::read(&path)?;
        let text =
            String::from_utf8(bytes).map_err(Refusal::from).map_err(Refusal::about(&path))?;
        from_json(&text).map_err(Refusal::from).map_err(Refusal::about(&path))
    };
    let reports = arguments.folders.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    expect_different(&arguments.folders)?;
    // the report of a single folder may be made again in its place
    let several = arguments.folders.iter().filter(|_| arguments.folders.len() > 1);
    let inputs = several.fold(Inputs::default(), |inputs, folder| {
        inputs.file("one of the reports", Some(&folder.join("report.json")))
    });
    inputs.expect_apart(&arguments.out.join("report.json"))?;
    let place = ResultFolder::new(&arguments.out, Leaves::Report, &inputs, arguments.force)?;
    let draft = place.begin(false)?;
    let store = draft.store()?;
    let report = merge(side_by_side(reports, arguments, draft.stand_in())?);
    for (name, text) in report_files(&report)? {
        store.write(name, text.as_bytes())?;
    }
    draft.finish()?;
    let page = arguments.out.join("report.html");
    files::print(&if arguments.json {
        to_json(&report)?
    } else {
        format!("{report}\nThe page: {}\n", page.display())
    })?;
    Ok(Ending::AsStated)
}

/// Refuses a folder named twice, because its runs would stand on the page twice.
fn expect_different(folders: &[PathBuf]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for folder in folders {
        let place = folder.canonicalize().map_err(Refusal::from).map_err(Refusal::about(folder))?;
        if !seen.insert(place) {
            return Err(Refusal::new(format!("{}: the folder is named twice", folder.display())));
        }
    }
    Ok(())
}

/// The reports with paths that lead from `out`. A data set whose name another report has
/// too gets its folder added to the name.
fn side_by_side(
    reports: Vec<Report>,
    arguments: &Arguments,
    stand_in: &Path,
) -> Result<Vec<Report>, Refusal> {
    let folders = &arguments.folders;
    let names = reports.iter().flat_map(|report| report.runs.iter().map(|run| &run.data.name));
    let names: Vec<String> = names.cloned().collect();
    let is_shared = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    let moved = reports.into_iter().zip(folders).map(|(report, folder)| {
        let is_same = arguments.out.canonicalize().ok() == folder.canonicalize().ok();
        let report = match is_same {
            true => report,
            false => report.seen_over(&way_from(stand_in, folder)?),
        };
        let needs_name = report.runs.iter().any(|run| is_shared(&run.data.name));
        let is_one = folders.len() < 2;
        let shown = folder.display().to_string();
        Ok(if needs_name && !is_one { report.named_after(&shown) } else { report })
    });
    moved.collect()
}
