//! `propcert study tables`: tables and a page over the lines of a study.

use std::path::PathBuf;

use crate::study::{TABLES, tables};

use super::super::output::{FileKind, Force, expect_own};
use super::super::{Ending, Refusal, files};

/// Make the tables of a study, as CSV and Markdown.
///
/// DIR gets models, certified, stolen, paired and left-out, each as .csv and .md, and report.html if the study has at most
/// 5000 cells. at_least and at_most bound constraint accuracy, and are proved, as is
/// proved_by_bounds, without a case distinction; what is sampled or measured stands in columns
/// of its own. Differences of agreement are paired by repetition, with 95% Student-t intervals. Exit code 1 if a cell failed, a certificate was not confirmed or an
/// inferred label is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  propcert study tables study")]
pub(crate) struct Arguments {
    /// The folder of a study, or of a shard.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    force: Force,
    /// The numbers of rows as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    for table in &TABLES {
        let place = arguments.folder.join(format!("{}.csv", table.name));
        expect_own(&place, FileKind::Table(table.columns), arguments.force)?;
    }
    let written = tables(&arguments.folder)?;
    if let Some(reason) = &written.without_page {
        tell!("propcert: no page: {reason}");
    }
    let rows = written.rows.iter();
    files::print(&if arguments.json {
        let rows = rows.map(|(name, rows)| ((*name).to_owned(), serde_json::json!(rows)));
        format!("{}\n", serde_json::Value::Object(rows.collect()))
    } else {
        rows.map(|(name, rows)| format!("{name}: {rows} rows\n")).collect()
    })?;
    Ok(if written.is_as_stated { Ending::AsStated } else { Ending::NotAsStated })
}
