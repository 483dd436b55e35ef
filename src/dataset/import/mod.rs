//! Imports any CSV with a label column as a data set.
//!
//! The text is decoded and split, every column is planned, and all that is in the way is said at once. Numbers keep
//! their text but for their signs, columns their order. Labels that are not class numbers are numbered in sorted
//! order. The trusted reader then deals the parts. The declarations in the meta file come from the
//! *training* rows alone: a kind (`binary` if all values are 0 or 1, `integer` if all are whole, also those of the other
//! rows, else `real`) and the range. Medians for missing cells come from all rows: which rows are for training is known only when
//! every cell is.

mod classes;
mod coded;
mod declared;
mod decode;
mod heading;
mod numbers;
mod options;
mod plan;
mod problem;
mod separator;
mod shown;
mod signs;
mod survey;
mod texts;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use self::coded::CodedTable;
use self::declared::{decimal, infer, inferred};
use self::decode::decode;
use self::texts::{CsvTexts, printable};
use super::write::{WrittenSet, meta_text, names, one_file, write};
use super::{DatasetError, schema};
use crate::interval::Decimal;
use crate::model::{CsvFile, DataSet, Kind, MAX_BYTES, Meta, Part, unpack};
use crate::source::read_regular;

pub use options::{
    CellSeparator, DecimalSign, EncodeRule, FillRule, ImportOptions, TextCode, TextEncoding,
    ThousandsSign,
};
pub(super) use problem::told;
pub use problem::{ImportProblem, Mend};
pub use signs::SignChange;

/// The label column, unless another one is named.
const DEFAULT_LABEL: &str = "label";
/// Rows of which 50 are 5%: from as many on the auxiliary part has its usual size.
const USUAL_ROWS: usize = 1000;

/// Facts inferred from a CSV and declared in the written meta file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InferredMeta {
    /// Name of the data set.
    pub name: String,
    /// Name of the label column.
    pub label: String,
    /// The label text of each class, in class order.
    pub classes: Vec<String>,
    /// True if labels were numbered, not taken as they are.
    pub renumbered: bool,
    /// The features in order.
    pub features: Vec<InferredFeature>,
    /// Rows of train, validation, test and auxiliary.
    pub rows: Vec<(Part, usize)>,
    /// Readings that differ from the written text, one sentence each.
    pub notes: Vec<String>,
    /// Expected problems, one sentence each.
    pub warnings: Vec<String>,
    /// Directions that were given, by feature.
    pub monotone: BTreeMap<String, String>,
    /// The data set itself.
    #[serde(flatten)]
    pub written: WrittenSet,
}

/// Facts inferred about one feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InferredFeature {
    /// Name as in the header.
    pub name: String,
    /// Kind of the training values.
    pub kind: Kind,
    /// Range of the training values, as decimals.
    pub range: (String, String),
}

/// Reads the CSV `file` (packed or not), makes numbers of its cells as `options` say, infers kinds and ranges from its
/// training rows, and writes a data set to `out` (`NAME.csv`, with `NAME.meta.json` beside it), or nowhere. Of fewer than 1,000
/// rows, 5% are auxiliary, so that the test part keeps a quarter of the rows.
///
/// # Errors
/// A file that cannot be read or decoded, or without label column; else [`DatasetError::Import`] with everything that
/// is in the way. Nothing is written then.
pub fn import(
    file: &Path,
    options: &ImportOptions,
    out: Option<&Path>,
) -> Result<InferredMeta, DatasetError> {
    let stem = file.file_name().unwrap_or_default().to_string_lossy();
    let stem = stem.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("data");
    let (name, out_file) = names(out, stem)?;
    let bytes = read_regular(file, MAX_BYTES)?;
    if let Some(out) = out.filter(|out| is_same_file(file, out)) {
        return Err(DatasetError::SameFile { out: out.display().to_string() });
    }
    let shown = file.display().to_string();
    let packed = CsvFile { name: &shown, bytes: &bytes };
    let (text, encoding) = decode(&shown, &unpack(&packed, MAX_BYTES)?, options.encoding)?;
    // lines of old machines end in CR alone
    let text = if text.contains('\n') { text } else { text.replace('\r', "\n") };
    let texts = CsvTexts::read(&shown, &text, options)?;
    let table = CodedTable::of(&texts, options)
        .map_err(|problems| DatasetError::Import { file: shown.clone(), problems })?;
    let rows = table.rows();
    let meta = Meta {
        name: name.clone(),
        files: one_file(&out_file),
        auxiliary: auxiliary(texts.rows.len()),
        ..described(&texts, &table, options)
    };
    let meta = declare(meta, &shown, &rows, texts.rows.len())?;
    let (data, written) = write(out, &meta, rows)?;
    let mut notes = table.notes();
    if encoding != TextEncoding::Utf8 {
        notes.insert(0, format!("the text is {}; written in UTF-8", encoding.name()));
    }
    let classes = table.classes.names();
    Ok(InferredMeta {
        name,
        label: meta.label.clone(),
        renumbered: table.classes.renumbered,
        features: inferred(&meta),
        rows: Part::ALL.map(|part| (part, data.part(part).len())).to_vec(),
        notes,
        warnings: [table.warnings(), warnings(&data, &classes)].concat(),
        classes,
        monotone: meta.monotone.clone(),
        written,
    })
}

/// The number of auxiliary rows of a small data set.
fn auxiliary(rows: usize) -> Option<usize> {
    (rows < USUAL_ROWS).then_some(rows / 20)
}

/// Meta data with kinds and ranges that every row obeys.
fn described(texts: &CsvTexts, table: &CodedTable, options: &ImportOptions) -> Meta {
    let features = table.features();
    let unit: (Decimal, Decimal) = (decimal(0.0), decimal(1.0));
    let classes = &table.classes;
    Meta {
        source: None,
        name: String::new(),
        label: texts.label.name.clone(),
        kinds: vec![Kind::Real; features.len()],
        ranges: vec![unit; features.len()],
        features,
        files: Default::default(),
        synthetic: false,
        classes: if classes.renumbered { classes.names() } else { Vec::new() },
        auxiliary: None,
        monotone: options.monotone.iter().cloned().collect(),
        category_codes: table.category_codes(),
    }
}

/// The same with kinds and ranges of the training rows.
fn declare(mut meta: Meta, file: &str, rows: &[u8], count: usize) -> Result<Meta, DatasetError> {
    // Parts depend on the cells alone, so they can be dealt before the declarations.
    let data = DataSet::read(&meta_text(&meta), &[CsvFile { name: file, bytes: rows }])?;
    schema(&data).map_err(|error| match error {
        // whatever the meta file lists, there are too few rows
        DatasetError::NoTrainingRows { .. } => {
            DatasetError::FewRows { file: file.to_owned(), found: count }
        }
        other => other,
    })?;
    let parts = Part::ALL.map(|part| data.part(part));
    let training = data.part(Part::Train);
    let columns = 0..meta.features.len();
    (meta.kinds, meta.ranges) = columns.map(|feature| infer(training, &parts, feature)).unzip();
    Ok(meta)
}

/// Most labels that a warning names.
const LONE: usize = 5;

/// Warnings about parts without rows, and classes with a single row.
fn warnings(data: &DataSet, classes: &[String]) -> Vec<String> {
    let empty = Part::ALL.into_iter().filter(|part| data.part(*part).is_empty()).map(|part| {
        format!("part {} has no rows: there are too few to deal to every part", part.name())
    });
    let all = || Part::ALL.into_iter().flat_map(|part| data.part(part));
    let lone = classes.iter().enumerate().filter_map(|(class, text)| {
        let is_lone = all().filter(|row| row.label == class).count() == 1;
        is_lone.then(|| {
            format!("label `{}` occurs once: nothing can be learned about it", printable(text))
        })
    });
    let mut warnings: Vec<String> = empty.collect();
    let lone: Vec<String> = lone.collect();
    if let Some(more) = lone.len().checked_sub(LONE).filter(|&more| more > 0) {
        warnings.push(format!(
            "{more} more labels occur once: if that column is a number to predict, names and ranges of the \
             features are all that is of use here (`import --schema`)"
        ));
    }
    warnings.extend(lone.into_iter().take(LONE));
    warnings
}

fn is_same_file(file: &Path, out: &Path) -> bool {
    matches!((file.canonicalize(), out.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
