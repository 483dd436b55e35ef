//! The record of a model's training, beside the model: a run goes on only if all of it is the same.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{DataSet, Digest, Model};
use crate::store::write_whole;
use crate::train::Recipe;

use super::super::{Refusal, files};

/// The name of the record of a model.
pub(super) fn record_name(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".training");
    PathBuf::from(name)
}

/// The facts that decide which model is trained.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    tool: String,
    data: Digest,
    /// The family with all its settings.
    recipe: String,
    seed: u64,
    /// Digest of the trained model; `None` before training.
    model: Option<Digest>,
}

impl Record {
    pub(super) fn new(data: &DataSet, recipe: &Recipe, seed: u64) -> Self {
        Self::of(data, format!("{recipe:?}"), seed)
    }

    /// The record of a training told in words.
    pub(super) fn of(data: &DataSet, recipe: String, seed: u64) -> Self {
        let tool = concat!("propcert ", env!("CARGO_PKG_VERSION")).to_owned();
        Self { tool, data: data.digest(), recipe, seed, model: None }
    }

    /// Writes the record beside `out` before the model is there; a record without its model counts for nothing.
    pub(super) fn write(&self, out: &Path, model: &Model) -> Result<(), Refusal> {
        let Self { tool, data, recipe, seed, .. } = self;
        let record = serde_json::json!({
            "tool": tool, "data": data, "recipe": recipe, "seed": seed,
            "model": Digest::of(model.to_json().as_bytes()),
        });
        Ok(write_whole(&record_name(out), format!("{record:#}\n").as_bytes())?)
    }

    /// Refuses a model that was trained with something else, or whose training is not known.
    pub(super) fn expect_at(&self, out: &Path, model: Digest) -> Result<(), Refusal> {
        let path = record_name(out);
        let refused = |what: String| {
            Err(Refusal::new(format!(
                "{}: {what}; leave out --resume to train anew, or name another --out",
                out.display()
            )))
        };
        if !path.exists() {
            return refused(format!(
                "what it was trained with is not known: {} is not there",
                path.display()
            ));
        }
        let found: Self = serde_json::from_slice(&files::read_settings(&path)?)
            .map_err(Refusal::from)
            .map_err(Refusal::about(&path))?;
        let differences = [
            ("model", found.model != Some(model)),
            ("data", found.data != self.data),
            ("family or recipe", found.recipe != self.recipe),
            ("seed", found.seed != self.seed),
            ("version of propcert", found.tool != self.tool),
        ];
        match differences.iter().find(|(_, differs)| *differs) {
            Some((what, _)) => refused(format!("was trained with another {what}")),
            None => Ok(()),
        }
    }
}
