//! `propcert report`: one page over the reports of several folders.

use std::path::PathBuf;

use crate::report::{Report, from_json, merge, render_html, to_json};
use crate::study::Store;

use super::{Ending, Refusal, files};

/// Put the reports of several folders on one page.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  propcert report demo-spambase demo-cryptojacker --out both")]
pub(crate) struct Arguments {
    /// Folders with a report.json each.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The folder for report.html and report.json.
    #[arg(long)]
    out: PathBuf,
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
    let report = merge(reports);
    let store = Store::new(&arguments.out)?;
    let json = to_json(&report)?;
    store.write("report.json", json.as_bytes())?;
    store.write("report.html", render_html(&report)?.as_bytes())?;
    files::print(&if arguments.json { json } else { report.to_string() })?;
    Ok(Ending::AsStated)
}
