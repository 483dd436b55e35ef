//! The files of a table, written row by row, and the columns of all tables.

use std::path::Path;

use crate::store::Growing;
use crate::text::csv_of;

use super::super::StudyError;

/// A table with its columns.
#[derive(Debug)]
pub struct TableKind {
    /// The name of its files.
    pub name: &'static str,
    /// The columns.
    pub columns: &'static [&'static str],
}

/// The tables, in the order of the page above.
pub const TABLES: [TableKind; 6] = [
    TableKind {
        name: "models",
        columns: &[
            "data",
            "model",
            "defense",
            "family",
            "size",
            "digest",
            "correct",
            "of",
            "f1",
            "auc",
            "log_loss",
            "membership",
            "strength",
            "labels_changed",
            "posterior_shift",
            "changed_uniform",
            "changed_shuffled",
            "changed_far",
        ],
    },
    TableKind {
        name: "certified",
        columns: &[
            "data",
            "model",
            "defense",
            "property",
            "claim",
            "parameters",
            "semantics",
            "part",
            "n",
            "proved",
            "refuted",
            "undecided",
            "vacuous",
            "invalid",
            "at_least",
            "at_most",
            "proved_by_bounds",
            "distinct",
            "distinct_proved",
            "distinct_refuted",
            "sampled",
            "checked",
        ],
    },
    TableKind {
        name: "stolen",
        columns: &[
            "data",
            "model",
            "defense",
            "attack",
            "repetitions",
            "budget",
            "seeds",
            "asked",
            "inferred",
            "wrong",
            "heldout",
            "heldout_sd",
            "uniform",
            "uniform_sd",
            "boundary",
            "boundary_sd",
            "mse",
            "f1",
            "chosen_by",
        ],
    },
    TableKind {
        name: "paired",
        columns: &[
            "data",
            "model",
            "defense",
            "attack",
            "minus",
            "pairs",
            "heldout",
            "heldout_low",
            "heldout_high",
            "uniform",
            "uniform_low",
            "uniform_high",
            "boundary",
            "boundary_low",
            "boundary_high",
        ],
    },
    TableKind { name: "left-out", columns: &["data", "model", "defense", "cell", "end", "reason"] },
    TableKind {
        name: "best",
        columns: &[
            "data",
            "model",
            "defense",
            "attacks",
            "attack",
            "heldout",
            "first",
            "first_heldout",
        ],
    },
];

/// Tables with rows about defended models.
const WITH_DEFENSES: [&str; 5] = ["models", "certified", "stolen", "paired", "best"];

/// The sentence below them.
const NO_PRIVACY: &str = "Behind every defense but boundary randomised response the same point always has the same answer: answers by argmax are no privacy.";

/// A value of a table.
pub(super) enum TableEntry {
    Text(String),
    Count(u64),
    Real(f64),
    Nothing,
}

impl From<&str> for TableEntry {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<f64>> for TableEntry {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Nothing, Self::Real)
    }
}

impl TableEntry {
    fn csv(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Real(value) => value.to_string(),
            Self::Nothing => String::new(),
        }
    }

    /// Rounded for reading; a bar would end the cell.
    fn markdown(&self) -> String {
        match self {
            Self::Text(text) => text.replace('|', "\\|").replace(['\n', '\r'], " "),
            Self::Count(count) => count.to_string(),
            Self::Real(value) => format!("{value:.4}"),
            Self::Nothing => String::new(),
        }
    }
}

/// A table that grows.
pub(super) struct GrowingTable {
    name: &'static str,
    csv: Growing,
    markdown: Growing,
    /// Rows so far.
    rows: u64,
}

impl GrowingTable {
    pub(super) fn new(folder: &Path, kind: &TableKind) -> Result<Self, StudyError> {
        let place = |ending: &str| folder.join(format!("{}.{ending}", kind.name));
        let (csv, markdown) = (Growing::new(&place("csv"))?, Growing::new(&place("md"))?);
        let mut table = Self { name: kind.name, csv, markdown, rows: 0 };
        table
            .write(&kind.columns.iter().map(|name| TableEntry::from(*name)).collect::<Vec<_>>())?;
        let rule: String = kind.columns.iter().map(|_| "|---").collect();
        table.markdown.add(format!("{rule}|\n").as_bytes())?;
        Ok(table)
    }

    fn write(&mut self, row: &[TableEntry]) -> Result<(), StudyError> {
        self.csv.add(csv_of([row.iter().map(TableEntry::csv)]).as_bytes())?;
        let cells: String = row.iter().map(|entry| format!("| {} ", entry.markdown())).collect();
        Ok(self.markdown.add(format!("{cells}|\n").as_bytes())?)
    }

    pub(super) fn add(&mut self, row: &[TableEntry]) -> Result<(), StudyError> {
        self.rows += 1;
        self.write(row)
    }

    /// Gives both files their names; the name and the number of rows.
    pub(super) fn publish(mut self) -> Result<(&'static str, u64), StudyError> {
        if WITH_DEFENSES.contains(&self.name) {
            self.markdown.add(format!("\n{NO_PRIVACY}\n").as_bytes())?;
        }
        self.csv.publish()?;
        self.markdown.publish()?;
        Ok((self.name, self.rows))
    }
}
