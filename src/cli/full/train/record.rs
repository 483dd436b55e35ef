//! The record of a model's training, beside the model: a run goes on only if all of it is the same.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{DataSet, Digest, Model};
use crate::source::read_regular;
use crate::store::{partial_name, write_whole};
use crate::train::{Recipe, TrainError};

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
        let what = if found.model == Some(model) { self.other_than(&found) } else { Some("model") };
        match what {
            Some(what) => refused(format!("was trained with another {what}")),
            None => Ok(()),
        }
    }

    /// The first fact about the training in which another record differs.
    fn other_than(&self, found: &Self) -> Option<&'static str> {
        let differences = [
            ("data", found.data != self.data),
            ("family or recipe", found.recipe != self.recipe),
            ("seed", found.seed != self.seed),
            ("version of propcert", found.tool != self.tool),
        ];
        differences.into_iter().find(|(_, differs)| *differs).map(|(what, _)| what)
    }

    /// Keeps the state of an unfinished training beside `out`, below this record.
    pub(super) fn keep(&self, out: &Path, state: &str) -> Result<(), TrainError> {
        let refused = |reason: String| TrainError::Checkpoint { reason };
        let record = serde_json::to_string(self).map_err(|error| refused(error.to_string()))?;
        write_whole(&partial_name(out), format!("{record}\n{state}\n").as_bytes())
            .map_err(|error| refused(error.to_string()))
    }

    /// The state that an interrupted training with the same record kept beside `out`; `None` if there is none.
    pub(super) fn state_at(&self, out: &Path) -> Result<Option<String>, Refusal> {
        let path = partial_name(out);
        if !path.exists() {
            return Ok(None);
        }
        let refused = |what: &str| {
            Err(Refusal::new(format!(
                "{}: {what}; leave out --resume to train anew, or name another --out",
                path.display()
            )))
        };
        let bytes = read_regular(&path, LARGEST_STATE).map_err(Refusal::from)?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let Some((record, state)) = text.split_once('\n') else {
            return refused("this is no state of an interrupted training");
        };
        let Ok(found) = serde_json::from_str::<Self>(record) else {
            return refused("this is no state of an interrupted training");
        };
        match self.other_than(&found) {
            Some(what) => refused(&format!("an interrupted training with another {what}")),
            None => Ok(Some(state.to_owned())),
        }
    }
}

/// Largest state of a training, in bytes: four networks of 10⁷ parameters at 16 digits, and the rest.
const LARGEST_STATE: u64 = 1 << 30;

/// Removes the state once the model is there.
pub(super) fn remove_state(out: &Path) -> Result<(), Refusal> {
    match std::fs::remove_file(partial_name(out)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Refusal::new(format!("{}: {error}", partial_name(out).display())))
        }
        _ => Ok(()),
    }
}
