//! Folders of studies that a verb reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::study::CELLS;

use super::super::Refusal;
use super::super::inputs::Inputs;

/// The studies.
#[derive(Debug, clap::Args)]
pub(super) struct Studies {
    /// The folder of a study; several if it was run with several seeds.
    #[arg(required = true, value_name = "STUDY")]
    pub(super) folders: Vec<PathBuf>,
}

impl Studies {
    /// Refuses an output that is an input.
    pub(super) fn expect_apart(
        &self,
        sheets: &[PathBuf],
        out: &Path,
        written: &[&Path],
    ) -> Result<(), Refusal> {
        let place = |path: &Path| path.canonicalize().ok();
        let is_out =
            |folder: &&PathBuf| place(folder).is_some_and(|study| place(out) == Some(study));
        if let Some(folder) = self.folders.iter().find(is_out) {
            let folder = folder.display();
            return Err(Refusal::new(format!(
                "--out {folder}: is the folder of a study; name another"
            )));
        }
        let inputs = sheets
            .iter()
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
