//! `propcert study`: grids of cells, run whole or in shards, put together, read as tables, ruled on by claims, and
//! laid beside published tables.

mod beside;
mod claims;
mod merge;
mod run;
mod studies;
mod tables;

use serde::Serialize;

use crate::study::{CellResult, ResultLine};

use super::{Ending, Refusal, files};

/// Run a grid of cells, put its shards together, make tables of it.
///
/// A grid is a TOML file: data sets, models, properties, attacks, defenses, repetitions. Each cell of it gives one line
/// of results. `study run --help` has an example of a grid.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  propcert study run grid.toml --out study\n  propcert study tables study\n  propcert study claims claims.toml study --out verdicts\n  propcert study beside published.toml study --out beside\n  propcert study run grid.toml --shard 1/2 --out part1\n  propcert study run grid.toml --shard 2/2 --out part2\n  propcert study merge part1 part2 --out study"
)]
pub(crate) enum StudyVerb {
    Run(run::Arguments),
    Merge(merge::Arguments),
    Tables(tables::Arguments),
    Claims(claims::Arguments),
    Beside(beside::Arguments),
}

/// Runs the verb.
pub(crate) fn run(verb: &StudyVerb) -> Result<Ending, Refusal> {
    match verb {
        StudyVerb::Run(arguments) => run::run(arguments),
        StudyVerb::Merge(arguments) => merge::run(arguments),
        StudyVerb::Tables(arguments) => tables::run(arguments),
        StudyVerb::Claims(arguments) => claims::run(arguments),
        StudyVerb::Beside(arguments) => beside::run(arguments),
    }
}

/// Cells by outcome.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct CellCounts {
    cells: u64,
    certified: u64,
    stolen: u64,
    measured: u64,
    left_out: u64,
    failed: u64,
    /// Cells with a certificate that was not confirmed or a wrong inferred label; cells that failed count above.
    wrong: u64,
}

impl CellCounts {
    fn add(&mut self, line: &ResultLine) {
        self.cells += 1;
        let is_failed = matches!(line.result, CellResult::Failed { .. });
        self.wrong += u64::from(!line.is_as_stated() && !is_failed);
        *match line.result {
            CellResult::Certified(_) => &mut self.certified,
            CellResult::Stolen(_) => &mut self.stolen,
            CellResult::Measured(_) | CellResult::Defended(_) => &mut self.measured,
            CellResult::LeftOut { .. } => &mut self.left_out,
            CellResult::Failed { .. } => &mut self.failed,
        } += 1;
    }

    /// Prints the counts; a cell that failed, and a wrong one, is not as stated.
    fn print(&self, as_json: bool) -> Result<Ending, Refusal> {
        let Self { cells, certified, stolen, measured, left_out, failed, wrong } = self;
        files::print(&if as_json {
            serde_json::to_string(self)? + "\n"
        } else {
            format!(
                "{cells} cells: certified {certified} stolen {stolen} measured {measured} left out {left_out} \
                 failed {failed} wrong {wrong}\n"
            )
        })?;
        Ok(if failed + wrong == 0 { Ending::AsStated } else { Ending::NotAsStated })
    }
}
