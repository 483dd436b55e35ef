//! Reports: what was certified, stolen and defended, as plain data first and as pages second.
//!
//! ```text
//! study fills Report ──► report.json   (pretty, deterministic, read back by `report DIR…`)
//!                   ├──► terminal      (Display: one table per topic, at most 100 columns)
//!                   └──► report.html   (one self-contained file, inline SVG, no script)
//! ```
//!
//! No clock, path of the machine or host inside: the same runs give the same bytes. Proved figures
//! come from the kernel; sampled and measured ones are named so and never share a column with them.

mod estimate;
mod findings;
#[cfg(test)]
mod fixture;
mod format;
mod html;
mod plots;
mod reading;
mod sections;
mod terminal;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use crate::certificate::{Share, Totals as Counts};
pub use estimate::{Difference, Estimate, PerSet};
pub use findings::{
    AttackReport, Baseline, CertificateReport, DefendedAttack, DefenseReport, GivesAway,
    ModelReport, Paired, PropertyName, RadiiReport, Sampled, SettledCurve, SettledPoint,
    StillProved, Unit,
};
pub(crate) use format::integer as grouped;
pub use html::render_html;

/// The version of `report.json`; other versions are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportVersion {
    /// The only one so far.
    #[default]
    #[serde(rename = "report/1")]
    Version1,
}

/// A report over one run or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Always `report/1`.
    pub format: ReportVersion,
    /// Heading of the page.
    pub title: String,
    /// One per data set and seed.
    pub runs: Vec<Run>,
}

/// One data set with the models trained on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What the models saw.
    pub data: DataSummary,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// The program with its version; absent in reports of earlier ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Models in the order of the study.
    pub models: Vec<ModelReport>,
    /// Remarks the reader needs (what was left out, what differs from the paper), one sentence each.
    pub notes: Vec<String>,
}

/// The data set of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSummary {
    /// Its name.
    pub name: String,
    /// Digest of its rows and meta data; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether the rows were generated; then every figure is marked so.
    pub synthetic: bool,
    /// Where it comes from and under which licence, in a sentence; empty if unknown.
    pub source: String,
    /// Number of features.
    pub features: u64,
    /// Rows of each class over all parts, in class order.
    pub class_rows: Vec<u64>,
    /// Rows per part.
    pub rows: PartRows,
    /// Test rows that also occur in train or validation.
    pub repeated_in_test: u64,
}

/// Rows per part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartRows {
    /// Training rows, validation removed.
    pub train: u64,
    /// Rows for early stopping and for choosing strengths.
    pub validation: u64,
    /// Rows for every figure of this report.
    pub test: u64,
    /// Rows the attacker knows.
    pub auxiliary: u64,
}

/// Why a report could not be made, read or drawn.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ReportError {
    /// A mean needs at least one value.
    #[error("no repetitions: a mean needs at least one value")]
    NoRepetitions,
    /// A figure that JSON and a reader could not use.
    #[error("a repetition gave {value}; every figure of a report is finite")]
    NotFinite {
        /// The value found.
        value: f64,
    },
    /// Paired differences need equally many values.
    #[error("{left} values cannot be paired with {right}; run both sides equally often")]
    Unpaired {
        /// Values on the left.
        left: usize,
        /// Values on the right.
        right: usize,
    },
    /// A NaN or an infinity somewhere among the figures.
    #[error("a figure of the report is not finite; JSON cannot hold it")]
    NotRepresentable,
    /// The text is not a report of this version.
    #[error("not a report/1 file: {reason}")]
    Unreadable {
        /// What serde_json says, with line and column.
        reason: String,
    },
    /// The page could not be filled in; a defect of the template.
    #[error("report.html could not be rendered: {reason}")]
    Template {
        /// What minijinja says.
        reason: String,
    },
}

impl Report {
    /// A report over `runs`.
    pub fn new(title: impl Into<String>, runs: Vec<Run>) -> Self {
        Self { format: ReportVersion::Version1, title: title.into(), runs }
    }
}

impl Report {
    /// The report as it stands in another folder: `way` leads from there to the folder of its files.
    pub fn seen_over(mut self, way: &str) -> Self {
        let move_file = |file: &mut Option<String>| {
            if let Some(file) = file {
                *file = format!("{way}/{file}");
            }
        };
        for model in self.runs.iter_mut().flat_map(|run| &mut run.models) {
            move_file(&mut model.file);
            model.certificates.iter_mut().for_each(|certificate| move_file(&mut certificate.file));
            for defense in &mut model.defenses {
                move_file(&mut defense.file);
                defense.certificates.iter_mut().for_each(|kept| move_file(&mut kept.file));
            }
        }
        self
    }

    /// Adds where it comes from to the names of its data sets.
    pub fn named_after(mut self, folder: &str) -> Self {
        for run in &mut self.runs {
            run.data.name = format!("{}, {folder}", run.data.name);
        }
        self
    }
}

/// All runs of `reports`, in order, on one page.
pub fn merge(reports: Vec<Report>) -> Report {
    let title = match reports.as_slice() {
        [one] => one.title.clone(),
        many => format!("propcert: {} reports", many.len()),
    };
    Report::new(title, reports.into_iter().flat_map(|report| report.runs).collect())
}

/// The text of `report.json`: pretty, one trailing newline, the same bytes for the same report.
///
/// # Errors
/// A figure that is not finite.
pub fn to_json(report: &Report) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(report).map_err(unreadable)?;
    // JSON has no NaN and no infinity: serde_json writes them as null, and nobody could read them back.
    if from_json(&text).as_ref() != Ok(report) {
        return Err(ReportError::NotRepresentable);
    }
    text.push('\n');
    Ok(text)
}

/// Reads `report.json`.
///
/// # Errors
/// Not JSON, another version, an unknown or missing key.
pub fn from_json(text: &str) -> Result<Report, ReportError> {
    serde_json::from_str(text).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> ReportError {
    ReportError::Unreadable { reason: error.to_string() }
}
