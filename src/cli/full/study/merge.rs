//! `propcert study merge`: shards become one study.

use std::path::PathBuf;

use crate::study::{CELLS, merge};

use super::super::inputs::Inputs;
use super::super::output::{Force, Leaves, ResultFolder};
use super::super::{Ending, Refusal};
use super::CellCounts;

/// Put the shards of a study together.
///
/// The result is that of a run in one piece, byte for byte. Shards of another grid, other data or another version
/// are refused, and so are missing cells.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  propcert study merge part1 part2 --out study")]
pub(crate) struct Arguments {
    /// The folders of all shards.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The folder for the whole.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
    /// The counts as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let inputs = arguments.folders.iter().fold(Inputs::default(), |inputs, folder| {
        inputs.file("a shard", Some(&folder.join(CELLS)))
    });
    let place = ResultFolder::new(&arguments.out, Leaves::Study, &inputs, arguments.force)?;
    let draft = place.begin(false)?;
    let mut counts = CellCounts::default();
    merge(&arguments.folders, &draft.store()?, &mut |line| counts.add(line))?;
    draft.finish()?;
    counts.print(arguments.json)
}
