//! Why a VNN-LIB file is refused, and where.

use std::fmt;

use crate::import::ImportError;
use crate::interval::Decimal;
use crate::model::LimitError;

/// A place in a file; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// An end of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The lower one.
    Lower,
    /// The upper one.
    Upper,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lower => "lower",
            Self::Upper => "upper",
        })
    }
}

/// Why a VNN-LIB file is refused.
#[derive(Debug, thiserror::Error)]
pub enum VnnlibError {
    /// A size over its limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A size over its limit, reached at a place.
    #[error("{place}: {limit}")]
    LimitAt {
        /// The place.
        place: Place,
        /// The limit that is exceeded.
        limit: LimitError,
    },
    /// A packed file that cannot be unpacked.
    #[error("{0}; expected a VNN-LIB file, packed or not")]
    Packed(Box<ImportError>),
    /// Not UTF-8.
    #[error("{place}: not UTF-8 text; expected a VNN-LIB file")]
    Text {
        /// The first wrong byte.
        place: Place,
    },
    /// Text that the grammar does not have here.
    #[error("{place}: found {found}, expected {expected}")]
    Syntax {
        /// The place.
        place: Place,
        /// The text found, at most 60 characters of it.
        found: String,
        /// The text that the grammar has here.
        expected: &'static str,
    },
    /// A part of the language that a spec cannot state, or that is not read.
    #[error("{place}: {what} cannot be imported: {expected}")]
    Unsupported {
        /// The place.
        place: Place,
        /// The part found.
        what: String,
        /// The input that is read instead.
        expected: &'static str,
    },
    /// A name that is not declared, or an index that its shape does not have.
    #[error("{place}: `{name}` is not declared; expected an input or output that is")]
    Unknown {
        /// The place.
        place: Place,
        /// The name.
        name: String,
    },
    /// A name declared twice.
    #[error("{place}: `{name}` is declared twice; expected each name once")]
    Twice {
        /// The place of the second declaration.
        place: Place,
        /// The name.
        name: String,
    },
    /// An input without a bound.
    #[error("input box {input}: `{variable}` has no {end} bound; every input needs both")]
    Unbounded {
        /// Number of the box, from 0.
        input: usize,
        /// The input.
        variable: String,
        /// The missing bound.
        end: End,
    },
    /// Bounds that no number satisfies.
    #[error("input box {input} is empty: `{variable}` is at least {low} and at most {high}",
        low = ends.0, high = ends.1)]
    Empty {
        /// Number of the box, from 0.
        input: usize,
        /// The input.
        variable: String,
        /// The largest lower bound and the smallest upper bound.
        ends: Box<(Decimal, Decimal)>,
    },
    /// No condition on outputs in some case: every input would be a violation.
    #[error(
        "a case without a condition on outputs; every input would violate it; expected \
             one, such as (<= Y_0 0)"
    )]
    NoOutputs,
    /// No input, or no output.
    #[error("no {0} is declared; expected at least one input and one output")]
    Undeclared(&'static str),
}

impl VnnlibError {
    /// The place in the file, if it is a single one.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::LimitAt { place, .. }
            | Self::Text { place }
            | Self::Syntax { place, .. }
            | Self::Unsupported { place, .. }
            | Self::Unknown { place, .. }
            | Self::Twice { place, .. } => Some(*place),
            Self::Limit(_)
            | Self::Packed(_)
            | Self::Unbounded { .. }
            | Self::Empty { .. }
            | Self::NoOutputs
            | Self::Undeclared(_) => None,
        }
    }
}
