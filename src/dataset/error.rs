//! Errors of opening, making and importing data sets.

use super::ImportProblem;
use crate::model::{DataError, SchemaError};
use crate::near::nearest as near;
use crate::source::SourceError;
use crate::text::listed;

/// Reasons why a data set was not opened, made or imported.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The data set was not found, or could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The bytes are no data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Names, ranges or scales that no model may have.
    #[error("data set `{name}`: {reason}")]
    Schema {
        /// The data set.
        name: String,
        /// The fault.
        reason: SchemaError,
    },
    /// There are no rows to fit to.
    #[error("data set `{name}` has no training rows; list a `train` or an `all` file in its meta")]
    NoTrainingRows {
        /// The data set.
        name: String,
    },
    /// All rows went to other parts.
    #[error(
        "{file}: {found} rows are too few: none is left to train on once validation, test and auxiliary rows \
         are dealt; give some hundreds"
    )]
    FewRows {
        /// The file.
        file: String,
        /// Its rows.
        found: usize,
    },
    /// A name for the result that is not `NAME.csv`.
    #[error("`{out}`: expected a path that ends in NAME.csv; NAME.meta.json is written beside it")]
    OutName {
        /// The path given.
        out: String,
    },
    /// The result would replace the file it is made from.
    #[error("`{out}` is the file that is imported; choose another path for the result")]
    SameFile {
        /// The path given.
        out: String,
    },
    /// The operating system refused.
    #[error("cannot be written: {0}")]
    Write(#[from] crate::store::StoreError),
    /// There is no column of that name.
    #[error(
        "{file}, line {line}: there is no label column `{label}` among {}; {}",
        listed(header.iter().map(String::as_str)),
        meant(label, header)
    )]
    NoLabel {
        /// The file.
        file: String,
        /// Line of the header, from 1.
        line: u64,
        /// The name searched for.
        label: String,
        /// The names that exist.
        header: Vec<String>,
    },
    /// Bytes that are no text in the encoding.
    #[error("{file}, line {line}: {reason}")]
    Encoding {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The fault.
        reason: String,
    },
    /// Names, rows, cells, labels and options that stand in the way of an import: all of them.
    #[error("{}", super::import::told(file, problems))]
    Import {
        /// The file.
        file: String,
        /// The problems in the order of the file: shape, columns, labels.
        problems: Vec<ImportProblem>,
    },
    /// An unknown shape.
    #[error("there is no shape `{found}`; expected one of {}", known.join(", "))]
    Shape {
        /// The name given.
        found: String,
        /// The known shapes.
        known: Vec<String>,
    },
    /// Too few or too many rows to make.
    #[error("{found} rows cannot be made; expected {least} to {most}")]
    Rows {
        /// Rows requested.
        found: usize,
        /// Fewest rows.
        least: usize,
        /// Most rows.
        most: usize,
    },
}

/// Advice on a label column that is not there.
fn meant(label: &str, header: &[String]) -> String {
    let near = near(label, header.iter().map(String::as_str));
    near.map_or("name it with --label".to_owned(), |name| {
        format!("did you mean `{name}`? Name it with --label")
    })
}
