//! Errors of opening, making and importing data sets.

use crate::model::{DataError, SchemaError};
use crate::source::SourceError;

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
        "{file}, line 1: there is no label column `{label}` among {}; name it with --label",
        columns(header)
    )]
    NoLabel {
        /// The file.
        file: String,
        /// The name searched for.
        label: String,
        /// The names that exist.
        header: Vec<String>,
    },
    /// A name in the header is missing or taken.
    #[error("{file}, line 1, column {column}: {}", name_fault(found))]
    ColumnName {
        /// The file.
        file: String,
        /// The column, from 1.
        column: usize,
        /// The name found.
        found: String,
    },
    /// A row without a label.
    #[error("{file}, line {line}, column {column} (`{label}`): the label is missing")]
    MissingLabel {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: usize,
        /// Name of the column.
        label: String,
    },
    /// A label column that does not look like one.
    #[error(
        "{file}, column {column} (`{label}`): {found} different labels, at most {limit} are \
         supported; is it the label column?"
    )]
    ManyClasses {
        /// The file.
        file: String,
        /// The column, from 1.
        column: usize,
        /// Name of the column.
        label: String,
        /// Different labels found.
        found: usize,
        /// Most that are accepted.
        limit: usize,
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

/// The fault in the name of a column.
fn name_fault(found: &str) -> String {
    match found.trim() {
        "" => "the column has no name; give it one, or leave it out".to_owned(),
        _ => format!("found `{found}`, expected a name of its own, without control characters"),
    }
}

/// The first names of a header.
fn columns(header: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = header.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let rest = header.len().saturating_sub(SHOWN);
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    shown.join(", ") + &rest
}
