//! Sheets and studies that a verb reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::study::CELLS;

use super::super::Refusal;
use super::super::inputs::Inputs;
use super::super::output::Force;

/// A sheet, and the studies that it is read against.
#[derive(Debug, clap::Args)]
pub(super) struct SheetArguments {
    /// The sheet (TOML).
    pub(super) sheet: PathBuf,
    /// The folder of a study; several if it was run with several seeds.
    #[arg(required = true, value_name = "STUDY")]
    pub(super) folders: Vec<PathBuf>,
    /// The folder for the page and the table.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) force: Force,
    /// All findings as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl SheetArguments {
    /// Refuses a place of a result that is an input: the sheet, a file that it names, a study.
    pub(super) fn expect_apart(&self, named: &[PathBuf], written: &[&Path]) -> Result<(), Refusal> {
        let out = &self.out;
        let place = |path: &Path| path.canonicalize().ok();
        let is_out =
            |folder: &&PathBuf| place(folder).is_some_and(|study| place(out) == Some(study));
        if let Some(folder) = self.folders.iter().find(is_out) {
            let folder = folder.display();
            return Err(Refusal::new(format!(
                "--out {folder}: is the folder of a study; name another"
            )));
        }
        let inputs = std::iter::once(&self.sheet)
            .chain(named)
            .fold(Inputs::default(), |inputs, file| inputs.file("the sheet", Some(file)));
        let inputs = self
            .folders
            .iter()
            .fold(inputs, |inputs, folder| inputs.file("a study", Some(&folder.join(CELLS))));
        written.iter().try_for_each(|place| inputs.expect_apart(place))
    }
}

/// Refuses studies of one seed: what was counted twice would look like two findings.
pub(super) fn expect_different<'f>(
    studies: impl Iterator<Item = (&'f PathBuf, u64)>,
) -> Result<(), Refusal> {
    let mut seen = BTreeMap::new();
    for (folder, seed) in studies {
        if let Some(first) = seen.insert(seed, folder) {
            return Err(Refusal::new(format!(
                "{} and {}: both are of seed {seed}; run one again with another --seed",
                first.display(),
                folder.display(),
            )));
        }
    }
    Ok(())
}
