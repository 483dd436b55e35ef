//! Reasons why a file is no grid.

/// Reasons why a file is no grid. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum GridError {
    /// The file is not UTF-8.
    #[error("a grid is UTF-8 text: {0}")]
    Text(#[from] std::str::Utf8Error),
    /// The file is not the TOML of a grid.
    #[error("not a grid: {0}")]
    Toml(#[from] toml::de::Error),
    /// A value out of range.
    #[error("line {line}: `{key}` is {found:.80}; expected {expected}")]
    Value {
        /// The line.
        line: usize,
        /// The key.
        key: &'static str,
        /// The value found.
        found: String,
        /// The values expected.
        expected: &'static str,
    },
    /// An entry that says what it is in no way, or in several.
    #[error("line {line}: {kind} `{name:.80}` has {found} of the keys {keys}; give exactly one")]
    Origin {
        /// The line.
        line: usize,
        /// The kind of entry.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The number of keys found.
        found: usize,
        /// The keys of which it needs one.
        keys: &'static str,
    },
    /// A name that is there before.
    #[error(
        "line {line}: {kind} `{name:.80}` is named as one before (upper and lower case count as the same, since names \
         become files); give another name"
    )]
    Twice {
        /// The line.
        line: usize,
        /// The kind of entry.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A recipe, spec, attack or model that was not read.
    #[error("line {line}: {kind} `{name:.80}`: {reason}")]
    Entry {
        /// The line.
        line: usize,
        /// The kind of entry.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Reason why it was not read.
        reason: String,
    },
    /// A number of repetitions that is asked for and cannot be.
    #[error("{found} repetitions; expected at least 1, at most 10000")]
    Repetitions {
        /// The number.
        found: u64,
    },
    /// A data set that the grid does not name.
    #[error("the grid has no data set `{name:.80}`; it has {names}")]
    NotThere {
        /// The name.
        name: String,
        /// The names of the grid.
        names: String,
    },
    /// Nothing to do.
    #[error("a grid needs at least one {0}, and there is none")]
    Nothing(&'static str),
    /// Certificates of two models, defended or not, that would go to one folder.
    #[error(
        "a model, or a model with a defense, gives the folder `{0:.140}` as another does; give one of them another name"
    )]
    Folder(String),
    /// Too many cells.
    #[error(
        "a grid has at most {most} cells, and this one has more; lower `repetitions`, or split it"
    )]
    Cells {
        /// The limit.
        most: u64,
    },
}
