//! Errors that end a check early.

use crate::model::LimitError;
use crate::spec::LowerError;

use crate::certificate::{FormatError, Rejection};

/// The error for a file that is not checked to the end: exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Reading failed.
    #[error("line {line}: cannot be read: {error}")]
    Io {
        /// The line.
        line: u64,
        /// Message of the system.
        error: std::io::Error,
    },
    /// A line that is no line of a certificate.
    #[error("line {line}: {error}")]
    Format {
        /// The line.
        line: u64,
        /// The problem found.
        error: FormatError,
    },
    /// A proof that makes no sense.
    #[error("line {line}, obligation {at}: {rejection}")]
    Rejected {
        /// The line.
        line: u64,
        /// The obligation.
        at: usize,
        /// The reason.
        rejection: Rejection,
    },
    /// A line about another obligation than the next one.
    #[error(
        "line {line}: found obligation {found}, expected {expected}: lines are in ascending order, each once"
    )]
    Order {
        /// The line.
        line: u64,
        /// Index found.
        found: usize,
        /// Index expected.
        expected: usize,
    },
    /// A size over its limit.
    #[error("line {line}: {limit}")]
    Limit {
        /// The line.
        line: u64,
        /// The size that is limited, the amount found and the amount accepted.
        limit: LimitError,
    },
    /// A header key that the claim has no use for.
    #[error("line 1: `{key}` is for claims about rows; `{property}` is none")]
    Unexpected {
        /// `data`, `part`, `every` or `rows`.
        key: &'static str,
        /// The property.
        property: &'static str,
    },
    /// A step between rows that is none: 1 is stated by leaving the key out.
    #[error("line 1: `every` is {found}; expected 2 or more, or no such key")]
    Step {
        /// The step.
        found: usize,
    },
    /// A header key that a claim about rows needs.
    #[error("line 1: `{key}` is missing; `{property}` is about rows")]
    Missing {
        /// `part` or `rows`.
        key: &'static str,
        /// The property.
        property: &'static str,
    },
    /// The file ends early or goes on.
    #[error("line {line}: {problem}")]
    End {
        /// The line.
        line: u64,
        /// The problem found.
        problem: &'static str,
    },
    /// A certificate made for something else.
    #[error("the certificate was made for another {what}: it names {stated}, this is {given}")]
    Other {
        /// Name of the thing that differs.
        what: &'static str,
        /// The value in the header.
        stated: String,
        /// The value given.
        given: String,
    },
    /// The spec says nothing about this model.
    #[error("the spec does not fit the model: {0}")]
    Lower(#[from] LowerError),
    /// The data does not fit the model.
    #[error("the data does not fit the model: {0}")]
    Data(#[from] crate::model::DataError),
    /// The property is about rows, but there are none.
    #[error("property `{0}` is about rows: give --data")]
    NoData(&'static str),
}
