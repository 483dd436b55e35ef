//! Data sets: finding them, describing them, and making new ones.
//!
//! Reading itself is trusted and lives in [`crate::model`]; this room finds the bytes
//! ([`open`]), fits the standardisation to the training rows ([`schema`]), describes rows and parts
//! ([`describe`], [`list`]), says which points are valid ([`ValidBox`]), hands the rows of a part to other tools ([`rows`]), turns any labelled CSV
//! into a data set ([`import`]), and makes synthetic ones in the shape of the paper's five ([`make`]).

mod describe;
mod error;
mod import;
mod labels;
mod list;
mod make;
mod paper;
mod rows;
mod schema;
mod standing;
mod table;
mod valid;
mod write;

use std::path::PathBuf;

pub use describe::{Description, FeatureFacts, PaperDifference, PartFacts, describe};
pub use error::DatasetError;
pub use import::{
    CellSeparator, DecimalSign, EncodeRule, FillRule, ImportOptions, ImportProblem,
    InferredFeature, InferredMeta, Mend, SignChange, TextCode, TextEncoding, ThousandsSign, import,
};
pub use labels::{auc, auc_of, f1, log_loss, majority_and_minority};
pub use list::{ListedSet, ListedShape, Listing, RefusedSet};
pub use make::{Made, make};
pub use rows::rows;
pub use schema::schema;
pub use standing::{UnlikeRows, at_step_for, evenly, step_for, unlike};
pub(crate) use table::keep_words;
pub use valid::{ValidBox, shuffled};
pub use write::WrittenSet;

use crate::model::DataSet;
use crate::source;

/// Reads the data set of that name (built in, or in the folder `PROPCERT_DATA`) or path (a folder
/// with a `meta.json`, or a CSV that its meta file lists).
pub fn open(name_or_path: &str) -> Result<DataSet, DatasetError> {
    Ok(source::read(name_or_path, data_folder().as_deref())?)
}

/// The names that can be opened, and the shapes that can be made.
pub fn list() -> Result<Listing, DatasetError> {
    Ok(list::list(data_folder().as_deref())?)
}

/// The folder named by the environment variable `PROPCERT_DATA`, if it is set and not empty.
pub fn data_folder() -> Option<PathBuf> {
    std::env::var_os("PROPCERT_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}
