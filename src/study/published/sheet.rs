//! The file of published tables, read strictly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::model::Digest;
use crate::source::{SourceError, read_regular};
use crate::text::line_of;

use super::super::formula::StudyFormula;
use super::records::{self, PublishedRecord, RecordsError};

/// Largest file of tables, and of records, in bytes.
const MAX_SHEET: u64 = 1 << 20;

/// Reasons why a file holds no published tables. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// The file was not opened.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The file is not UTF-8.
    #[error("published tables are UTF-8 text: {0}")]
    Text(#[from] std::str::Utf8Error),
    /// The file is not the TOML of tables.
    #[error("not a file of published tables: {0}")]
    Toml(#[from] toml::de::Error),
    /// A table that cannot be compared.
    #[error("line {line}: table `{name:.80}`: {problem}")]
    Table {
        /// The line.
        line: usize,
        /// The name of the table.
        name: String,
        /// The fault, and what is expected.
        problem: String,
    },
    /// A group without members.
    #[error("[groups] `{group:.80}` has no members; a mean needs one")]
    Group {
        /// Its name.
        group: String,
    },
    /// Records of a table that were not opened.
    #[error("line {line}: table `{name:.80}`: {error}")]
    Place {
        /// The line.
        line: usize,
        /// The name of the table.
        name: String,
        /// The fault.
        error: SourceError,
    },
    /// Records of a table that are none.
    #[error("line {line}: table `{name:.80}`: {records:.200}: {error}")]
    Records {
        /// The line.
        line: usize,
        /// The name of the table.
        name: String,
        /// The file of the records, as the sheet names it.
        records: String,
        /// The fault.
        error: RecordsError,
    },
}

/// A file of published tables, with its records.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedSheet {
    pub(super) source: String,
    pub(super) groups: BTreeMap<String, Vec<String>>,
    pub(super) tables: Vec<PublishedTable>,
    /// Digest of the sheet and of all records.
    pub(super) digest: Digest,
}

/// A published table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PublishedTable {
    pub(super) name: String,
    pub(super) says: String,
    pub(super) note: Option<String>,
    pub(super) text: String,
    pub(super) formula: StudyFormula,
    /// The variable whose values stand beside each other.
    pub(super) across: Option<String>,
    /// The side of what is proved that the figure is an end of.
    pub(super) end: Option<RoundedEnd>,
    pub(super) records: Vec<PublishedRecord>,
    /// The file of the records, as the sheet names it.
    pub(super) file: String,
}

/// The direction in which an end of what is proved is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundedEnd {
    /// Down.
    AtLeast,
    /// Up.
    AtMost,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedFile {
    source: String,
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    table: Vec<Spanned<TableFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    name: String,
    says: String,
    note: Option<String>,
    figure: String,
    across: Option<String>,
    end: Option<RoundedEnd>,
    records: String,
}

impl PublishedSheet {
    /// Reads the file at `path`, and the records beside it.
    ///
    /// # Errors
    /// Text that cannot be read or is not understood, with its file and line.
    pub fn open(path: &Path) -> Result<Self, PublishedError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::read(&read_regular(path, MAX_SHEET)?, &mut |records| {
            read_regular(&folder.join(records), MAX_SHEET)
        })
    }

    /// Reads the text of a file of tables, whose records `open` gives by their names.
    ///
    /// # Errors
    /// Text that cannot be read or is not understood, with its line.
    pub fn read(
        bytes: &[u8],
        open: &mut dyn FnMut(&str) -> Result<Vec<u8>, SourceError>,
    ) -> Result<Self, PublishedError> {
        let text = std::str::from_utf8(bytes)?;
        let PublishedFile { source, groups, table } = toml::from_str(text)?;
        if let Some((group, _)) = groups.iter().find(|(_, members)| members.is_empty()) {
            return Err(PublishedError::Group { group: group.clone() });
        }
        let (mut seen, mut tables, mut all) = (BTreeSet::new(), Vec::new(), bytes.to_vec());
        for entry in table {
            let line = line_of(text, entry.span().start);
            let entry = entry.into_inner();
            let name = entry.name.clone();
            if name.is_empty() || !seen.insert(name.clone()) {
                let problem = "give each table a name of its own".to_owned();
                return Err(PublishedError::Table { line, name, problem });
            }
            let opened = open(&entry.records);
            let bytes = opened.map_err(|error| PublishedError::Place { line, name, error })?;
            tables.push(entry.read(line, &bytes, &groups)?);
            all.extend_from_slice(&bytes);
        }
        Ok(Self { source, groups, tables, digest: Digest::of(&all) })
    }

    /// The files of records, as the sheet names them.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.file.as_str())
    }

    /// The names of the tables, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.name.as_str())
    }
}

impl TableFile {
    fn read(
        self,
        line: usize,
        bytes: &[u8],
        groups: &BTreeMap<String, Vec<String>>,
    ) -> Result<PublishedTable, PublishedError> {
        let Self { name, says, note, figure, across, end, records: file } = self;
        let refused = |problem| PublishedError::Table { line, name: name.clone(), problem };
        let formula =
            StudyFormula::read(&figure).map_err(|error| refused(format!("`figure`, {error}")))?;
        let is_proved = formula.figures().iter().any(|(figure, _)| figure.is_proved());
        if is_proved != end.is_some() {
            return Err(refused(match is_proved {
                true => "the figure is about what is proved; say by `end` if it is \"at-least\" or \"at-most\"",
                false => "`end` is for figures about what is proved; leave it out",
            }
            .to_owned()));
        }
        let names: Vec<String> =
            formula.figures().iter().flat_map(|(_, names)| names.iter().cloned()).collect();
        let records = records::read(bytes, &names).map_err(|error| {
            let (name, records) = (name.clone(), file.clone());
            PublishedError::Records { line, name, records, error }
        })?;
        let variables = || records.iter().flat_map(|one| one.choice.keys());
        if let Some(group) = variables().find(|name| groups.contains_key(*name)) {
            return Err(refused(format!(
                "`{group}` is a column and a group; give one of them another name"
            )));
        }
        let is_column = |across: &String| variables().any(|name| name == across);
        if let Some(across) = across.as_ref().filter(|across| !is_column(across)) {
            return Err(refused(format!(
                "`across` is `{across}`; expected a column of the records"
            )));
        }
        Ok(PublishedTable { name, says, note, text: figure, formula, across, end, records, file })
    }
}
