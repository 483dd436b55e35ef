//! Results take their place when they are whole, and replace only results of the same kind.
//!
//! ```text
//! FILE                      of another format than the result's: refused
//! DIR                       with a file that the verb does not leave: refused
//! DIR.partial/unfinished    held by the run that fills it
//! DIR.partial/new/          filled, then renamed to DIR
//! DIR.partial/earlier/      what was in DIR, until then
//! ```
//!
//! With `--force` a refused file is replaced, and a refused folder keeps its other files beside the result. The
//! next run resumes or puts away everything that an interrupted run leaves in `DIR.partial`.

mod folder;
mod own;
mod single;

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::import::Format;
use crate::model::{Files, Meta, Model};
use crate::source::meta_name;

use super::inputs::Inputs;
use super::{Refusal, files};

pub(crate) use folder::{Draft, ResultFolder, is_inside, table_in};
pub(crate) use own::{LIST, Leaves, line_of_answer};
pub(crate) use single::{SingleResult, is_standard_output};

/// Whether what this program did not write may be replaced.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Force {
    /// Replace a file that this verb did not write; in a folder, keep such files beside the result.
    #[arg(long)]
    pub(crate) force: bool,
}

/// A result that is one file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FileKind<'a> {
    /// A model/1.
    Model,
    /// A certificate/1.
    Certificate,
    /// A spec to start from; one that is there may have been changed by hand.
    Spec,
    /// A CSV with these columns.
    Table(&'a [&'a str]),
    /// A data set of one CSV, with its meta file.
    Data,
    /// Answered points with their meta file and the spec of their log.
    Served,
    /// The record of a model's training.
    Record,
    /// A model of another tool, as this program writes it.
    Foreign(Format),
    /// The page of rulings on claims.
    Claims,
    /// The page of published tables beside a study.
    Beside,
}

impl FileKind<'_> {
    fn name(self) -> String {
        match self {
            Self::Model => "a model/1".to_owned(),
            Self::Certificate => "a certificate/1".to_owned(),
            Self::Spec => "a spec that may be lost".to_owned(),
            Self::Table(columns) => format!("a table with the columns {}", columns.join(",")),
            Self::Data => "a data set with its meta file".to_owned(),
            Self::Served => "answered points with their meta file and spec".to_owned(),
            Self::Record => "what a model was trained with".to_owned(),
            Self::Foreign(_) => "a model that was exported".to_owned(),
            Self::Claims => "a page of claims".to_owned(),
            Self::Beside => "a page of published tables".to_owned(),
        }
    }

    /// The files that the result goes to.
    fn files(self, out: &Path) -> Vec<PathBuf> {
        match self {
            Self::Data => vec![out.to_owned(), out.with_file_name(meta_name(out))],
            Self::Served => {
                vec![out.to_owned(), out.with_file_name(meta_name(out)), out.with_extension("toml")]
            }
            Self::Model
            | Self::Certificate
            | Self::Spec
            | Self::Table(_)
            | Self::Record
            | Self::Foreign(_)
            | Self::Claims
            | Self::Beside => vec![out.to_owned()],
        }
    }

    fn is_at(self, path: &Path) -> bool {
        let bytes = || files::read(path).unwrap_or_default();
        match self {
            Self::Model => Model::read(&bytes()).is_ok(),
            Self::Spec => false,
            Self::Certificate => first_bytes(path).starts_with(b"{\"schema\":\"certificate/1\""),
            Self::Table(columns) => first_bytes(path).starts_with(columns.join(",").as_bytes()),
            Self::Data => is_rows_of(path, |files| files.all.as_deref()),
            Self::Served => is_rows_of(path, |files| files.served.as_deref()),
            Self::Record => {
                let record: Option<serde_json::Value> = serde_json::from_slice(&bytes()).ok();
                let has = |key| record.as_ref().is_some_and(|record| record.get(key).is_some());
                has("recipe") && has("seed") && has("model")
            }
            Self::Claims => first_bytes(path).starts_with(b"# Claims, and what the figures say"),
            Self::Beside => first_bytes(path).starts_with(b"# Published tables, and the same"),
            // our own file stays the same when it is read and written again
            Self::Foreign(format) => {
                let bytes = bytes();
                let model = format.read(&bytes, None).ok();
                model.and_then(|model| format.write(&model).ok()).is_some_and(|own| own == bytes)
            }
        }
    }
}

/// True if the meta file beside a CSV names it there.
fn is_rows_of(path: &Path, named: fn(&Files) -> Option<&str>) -> bool {
    let meta = files::read(&path.with_file_name(meta_name(path))).unwrap_or_default();
    let name = path.file_name().and_then(|name| name.to_str());
    Meta::read(&meta).is_ok_and(|meta| named(&meta.files) == name)
}

/// Refuses to replace a file of another kind than the result, or anything that is not a plain file.
pub(crate) fn expect_own(
    out: &Path,
    kind: FileKind,
    Force { force }: Force,
) -> Result<(), Refusal> {
    let is_something = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() > 0)
    };
    let places = kind.files(out);
    places.iter().try_for_each(|place| files::expect_plain(place))?;
    let Some(file) = places.iter().find(|file| is_something(file)) else { return Ok(()) };
    if force || kind.is_at(out) {
        return Ok(());
    }
    Err(Refusal::new(format!(
        "{}: is there and is not {}; name another place, or replace it with --force",
        file.display(),
        kind.name()
    )))
}

/// Refuses standard output as the place of several files.
pub(crate) fn expect_no_stream(folder: &Path) -> Result<(), Refusal> {
    if !is_standard_output(folder) {
        return Ok(());
    }
    let folder = folder.display();
    Err(Refusal::new(format!(
        "--out {folder}: the result is a folder of several files, which standard output cannot hold; name a folder"
    )))
}

/// The table of a folder with a folder for each of several results.
pub(crate) const SWEEP_TABLE: &str = "table.csv";

/// Checks that a folder for several results is not that of a single one, and that its table is our own.
pub(crate) fn expect_sweep(
    out: &Path,
    columns: &[&str],
    inputs: &Inputs,
    force: Force,
) -> Result<(), Refusal> {
    expect_no_stream(out)?;
    let table = out.join(SWEEP_TABLE);
    inputs.expect_apart(&table)?;
    if out.join("metrics.json").exists() {
        let out = out.display();
        return Err(Refusal::new(format!(
            "{out}: holds a single result; name another folder for several"
        )));
    }
    expect_own(&table, FileKind::Table(columns), force)
}

/// The first bytes of a file.
fn first_bytes(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = files::open(path).map(|file| file.take(4096).read_to_end(&mut bytes));
    if read.is_ok() { bytes } else { Vec::new() }
}
