//! Reports: certificates, attacks and defenses, as plain data first and as pages second.
//!
//! ```text
//! study fills Report ──► report.json   (pretty, deterministic, read back by `report DIR…`)
//!                   ├──► terminal      (Display: one table per topic, at most 100 columns)
//!                   ├──► report.html   (one self-contained file, inline SVG, no script)
//!                   └──► tables.md, tables.csv   (every table of the page)
//! ```
//!
//! A report holds no clock, no path of the machine and no host: the same runs give the same bytes. Proved figures
//! come from the kernel. Sampled and measured figures are named so, and never share a column with proved ones.

mod audit_page;
mod audit_reading;
mod audit_sections;
mod audit_stealing;
mod audited;
mod beside;
mod estimate;
mod findings;
#[cfg(test)]
mod fixture;
mod format;
mod frontier;
mod html;
mod junit;
mod plots;
mod reading;
mod sections;
mod terminal;
#[cfg(test)]
mod tests;
mod verdict;

use serde::{Deserialize, Serialize};

pub use crate::certificate::Totals as Counts;
pub use crate::text::Share;
pub(crate) use audited::class_name;
pub use audited::{
    AuditFindings, ChangeFinding, FlipFinding, GateOutcome, IntervalFinding, LocalFinding,
    OrderFinding, OrderVerdict, PosteriorFinding, RadiiFinding, RunAgainst,
};
pub use estimate::{Difference, Estimate, PerSet};
pub use findings::{
    AttackReport, Baseline, BestThieves, CertificateReport, DefendedAttack, DefenseReport,
    GivesAway, MeanAngles, ModelReport, Paired, PropertyName, RadiiReport, Sampled, SettledCurve,
    SettledPoint, StillProved,
};
pub(crate) use format::{integer as grouped, observed, percent_of, shell_word};
pub(crate) use html::filled;
pub use html::render_html;
pub use junit::render_junit;
pub(crate) use terminal::ruled;

/// A remark below every table about defended models.
pub(crate) const NO_PRIVACY: &str = "Answers by the largest posterior are no privacy: the same point always gets the same \
                                     answer.";

/// The names of the files of a report.
pub const REPORT_FILES: [&str; 4] = ["report.json", "report.html", "tables.md", "tables.csv"];

/// The files of a report: the data, the page, and the tables of the page.
///
/// # Errors
/// Figures that JSON cannot hold, a template that cannot be filled in.
pub fn report_files(report: &Report) -> Result<[(&'static str, String); 4], ReportError> {
    let [json, html, markdown, csv] = REPORT_FILES;
    let [as_markdown, as_csv] = beside::render_tables(report);
    let (data, page) = (to_json(report)?, render_html(report)?);
    Ok([(json, data), (html, page), (markdown, as_markdown), (csv, as_csv)])
}

/// The version of `report.json`; other versions are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportVersion {
    /// The only version so far.
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
    /// The runs, one per data set and seed.
    pub runs: Vec<Run>,
}

/// One data set with the models trained on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The data of the run.
    pub data: DataSummary,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// The program with its version; absent in reports of earlier versions.
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
    /// Name of the data set.
    pub name: String,
    /// Digest of its rows and meta data; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// True if the rows were generated; then every figure is marked so.
    pub synthetic: bool,
    /// Origin and licence, in a sentence; empty if unknown.
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

impl DataSummary {
    /// The rows of the largest class, of all rows: what accuracy is read beside.
    pub fn largest_class(&self) -> Share {
        let largest = self.class_rows.iter().max().copied().unwrap_or(0);
        Share::new(largest, self.class_rows.iter().sum())
    }
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

/// Reason why a report could not be made, read or drawn.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ReportError {
    /// A mean needs at least one value.
    #[error("no repetitions: a mean needs at least one value")]
    NoRepetitions,
    /// A figure that JSON cannot hold and a reader cannot use.
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
        /// The message of serde_json, with line and column.
        reason: String,
    },
    /// The page could not be filled in. This is a defect of the template.
    #[error("report.html could not be rendered: {reason}")]
    Template {
        /// The message of minijinja.
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
    /// The report as seen from another folder; `way` leads from there to the folder of its files.
    pub fn seen_over(mut self, way: &str) -> Self {
        let move_file = |file: &mut Option<String>| {
            if let Some(file) = file {
                *file = format!("{way}/{file}");
            }
        };
        for model in self.runs.iter_mut().flat_map(|run| &mut run.models) {
            move_file(&mut model.file);
            if let Some(audited) = &mut model.audited {
                move_findings(audited, way);
            }
            model.certificates.iter_mut().for_each(|certificate| move_file(&mut certificate.file));
            for defense in &mut model.defenses {
                move_file(&mut defense.file);
                defense.certificates.iter_mut().for_each(|kept| move_file(&mut kept.file));
            }
        }
        self
    }

    /// Adds the folder of the report to the names of its data sets.
    pub fn named_after(mut self, folder: &str) -> Self {
        for run in &mut self.runs {
            run.data.name = format!("{}, {folder}", run.data.name);
        }
        self
    }
}

/// Moves the files that findings name. The data move too if they are named by their path.
fn move_findings(audited: &mut AuditFindings, way: &str) {
    let files = audited.local.iter_mut().map(|local| &mut local.file);
    let flips = audited.radii.iter_mut().flat_map(|radii| &mut radii.flips);
    let changes = audited.changes.iter_mut().filter_map(|change| change.file.as_mut());
    let data = audited.data.iter_mut().filter(|data| data.contains('/') && !data.starts_with('/'));
    for file in files.chain(flips.map(|flip| &mut flip.file)).chain(changes).chain(data) {
        *file = format!("{way}/{file}");
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

/// The text of `report.json`: pretty, with one trailing newline; the same report gives the same bytes.
///
/// # Errors
/// A figure that is not finite.
pub fn to_json(report: &Report) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(report).map_err(unreadable)?;
    // JSON has no NaN and no infinity: serde_json writes them as null, which cannot be read back.
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
