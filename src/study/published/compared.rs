//! Printed numbers beside those of a study.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::model::Digest;
use crate::report::Estimate;

use super::super::StudyError;
use super::super::formula::{FigureTable, FormulaNames, FormulaValues};
use super::records::PublishedRecord;
use super::sheet::{PublishedSheet, PublishedTable, RoundedEnd};

/// A printed number beside the same figure of a study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishedFinding {
    /// The data set.
    pub data: String,
    /// The name that each variable stands for.
    pub choice: BTreeMap<String, String>,
    /// The printed number.
    pub published: f64,
    /// As it was printed.
    pub printed: String,
    /// Half a unit of its last digit.
    #[serde(skip)]
    pub half_unit: f64,
    /// Mean and spread over the repetitions; `None` if there is no figure.
    pub here: Option<Estimate>,
    /// The 95% interval of the mean; `None` for figures without repetitions, and for one repetition.
    pub interval: Option<[f64; 2]>,
    /// The end of what is proved that the figure is; `None` if it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<RoundedEnd>,
    /// Repetitions without a figure.
    pub lost: u64,
    /// Reason why there is no figure, or not of every repetition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// A remark on the print.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// One study beside the tables of a sheet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedStudy {
    /// Seed of the study.
    pub seed: u64,
    /// Repetitions of every attack.
    pub repetitions: u64,
    /// Digest of its grid.
    pub grid: Digest,
    /// The data sets.
    pub data: Vec<String>,
    /// The program with its version.
    pub tool: String,
    /// The numbers of each table, in the order of the sheet.
    pub tables: Vec<Vec<PublishedFinding>>,
}

impl PublishedFinding {
    /// The figure less the printed number.
    pub fn difference(&self) -> Option<f64> {
        self.here.map(|here| here.mean - self.published)
    }

    /// True if the interval holds no number that would be printed so; `None` without an interval.
    pub fn is_apart(&self) -> Option<bool> {
        let [least, most] = [self.published - self.half_unit, self.published + self.half_unit];
        self.interval.map(|[low, high]| most < low || high < least)
    }
}

/// Computes every figure of a sheet on a study.
///
/// # Errors
/// A folder without a study, and lines that cannot be read.
pub fn compare(sheet: &PublishedSheet, folder: &Path) -> Result<ComparedStudy, StudyError> {
    let table = FigureTable::read(folder)?;
    let found = |one: &PublishedTable| {
        one.records.iter().map(|record| finding(sheet, one, record, &table)).collect()
    };
    let tables = sheet.tables.iter().map(found).collect();
    let header = table.header;
    Ok(ComparedStudy {
        seed: header.seed,
        repetitions: header.layout.repetitions,
        grid: header.grid,
        data: header.layout.data,
        tool: header.tool,
        tables,
    })
}

fn finding(
    sheet: &PublishedSheet,
    table: &PublishedTable,
    record: &PublishedRecord,
    figures: &FigureTable,
) -> PublishedFinding {
    let names = FormulaNames { groups: &sheet.groups, choice: &record.choice };
    let data = figures.header.layout.data.iter().position(|name| *name == record.data);
    let values = match (&record.without, data) {
        (Some(reason), _) => FormulaValues::missing(reason.clone()),
        (None, None) => FormulaValues::missing(format!("`{}` is not in the study", record.data)),
        (None, Some(data)) => FormulaValues::of(&table.formula, names, data, figures),
    };
    PublishedFinding {
        data: record.data.clone(),
        choice: record.choice.clone(),
        published: record.published.value,
        printed: record.published.text.clone(),
        half_unit: record.published.half_unit(),
        here: values.estimate,
        interval: values.interval,
        end: table.end,
        lost: match values.estimate {
            Some(here) if values.is_repeated => {
                figures.header.layout.repetitions.saturating_sub(here.n)
            }
            _ => 0,
        },
        missing: values.missing,
        remark: record.remark.clone(),
    }
}
