//! Imports any CSV with a label column as a data set.
//!
//! Cells keep their text and columns their order. Labels that are not class numbers are numbered in
//! sorted order. The trusted reader then deals the parts. The declarations in the meta file come from the
//! *training* rows alone: a kind (`binary` if all values are 0 or 1, `integer` if all are whole, else
//! `real`) and the range.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::table::{keep_words, table};
use super::write::{meta_text, names, one_file, write};
use super::{DatasetError, schema};
use crate::interval::{Decimal, Rational};
use crate::model::{
    CsvFile, DataError, DataSet, Digest, Kind, LimitError, MAX_BYTES, Meta, Part, Row, csv_error,
    line_at,
};
use crate::source::read_regular;

/// Most classes.
const MAX_CLASSES: usize = 1000;
/// The label column, unless another one is named.
const DEFAULT_LABEL: &str = "label";

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
    /// Digest of the data set.
    pub digest: Digest,
    /// The CSV written.
    pub csv: PathBuf,
    /// Its meta file.
    pub meta: PathBuf,
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

/// Reads the CSV `file` (packed or not), infers kinds and ranges from its training rows, and writes
/// a data set to `out` (`NAME.csv`, with `NAME.meta.json` beside it). `label` names the label column;
/// the default is `label`.
pub fn import(file: &Path, label: Option<&str>, out: &Path) -> Result<InferredMeta, DatasetError> {
    let (name, out_file) = names(out)?;
    let bytes = read_regular(file, MAX_BYTES)?;
    if is_same_file(file, out) {
        return Err(DatasetError::SameFile { out: out.display().to_string() });
    }
    let shown = file.display().to_string();
    let bytes = unpack(&shown, bytes, MAX_BYTES)?;
    let mut table = CsvTexts::read(&shown, &bytes, label.unwrap_or(DEFAULT_LABEL))?;
    table.number_truths();
    let classes = table.classes()?;
    let rows = table.text(&classes);
    let meta = table.declare(&name, &out_file, &rows)?;
    let (data, meta_path) = write(out, &meta, &rows)?;
    Ok(InferredMeta {
        name,
        label: meta.label.clone(),
        classes: classes.names(),
        renumbered: classes.renumbered,
        features: inferred(&meta),
        rows: Part::ALL.map(|part| (part, data.part(part).len())).to_vec(),
        notes: table.notes,
        warnings: warnings(&data, &classes.names()),
        digest: data.digest(),
        csv: out.to_owned(),
        meta: meta_path,
    })
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
        is_lone.then(|| format!("label `{text}` occurs once: nothing can be learned about it"))
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

/// The bytes of a CSV; gzip is unpacked up to `limit` bytes.
fn unpack(file: &str, bytes: Vec<u8>, limit: u64) -> Result<Vec<u8>, DataError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(bytes.as_slice());
    decoder
        .take(limit + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| DataError::Gzip { file: file.to_owned(), reason: error.to_string() })?;
    let found = unpacked.len() as u64;
    if found > limit {
        let what = "bytes of an unpacked data file";
        return Err(LimitError { what, found, limit }.into());
    }
    Ok(unpacked)
}

/// The texts of a CSV.
struct CsvTexts<'a> {
    file: &'a str,
    header: csv::StringRecord,
    label_column: usize,
    /// Rows with the line each starts on.
    rows: Vec<(u64, csv::StringRecord)>,
    /// True if a first column without a name was left out.
    is_cut: bool,
    notes: Vec<String>,
}

/// The class of each label text.
struct Classes {
    numbers: BTreeMap<String, usize>,
    renumbered: bool,
}

impl Classes {
    /// The label text of each class; the first in order if several mean the same number.
    fn names(&self) -> Vec<String> {
        let mut names: BTreeMap<usize, &str> = BTreeMap::new();
        for (text, &class) in &self.numbers {
            names.entry(class).or_insert(text);
        }
        names.into_values().map(str::to_owned).collect()
    }
}

impl<'a> CsvTexts<'a> {
    /// Splits the bytes into cells. Refuses ragged rows, text that is not UTF-8, names that are
    /// missing or doubled, and rows without a label.
    fn read(file: &'a str, bytes: &[u8], label: &str) -> Result<Self, DatasetError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut notes = Vec::new();
        let delimiter = delimiter(bytes);
        if delimiter != b',' {
            let name = if delimiter == b'\t' { "tabs" } else { "semicolons" };
            notes.push(format!("columns are separated by {name}; written with commas"));
        }
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
        let mut header = reader.headers().map_err(|error| csv_error(file, bytes, &error))?.clone();
        let is_cut = header.len() > 1 && header.get(0).is_some_and(|name| name.trim().is_empty());
        if is_cut {
            header = without_first(&header);
            notes.push("column 1 has no name (a data frame's index): left out".to_owned());
        }
        if header.is_empty() {
            let reason = "the file is empty; expected a header line".to_owned();
            return Err(DataError::Csv { file: file.to_owned(), line: 1, reason }.into());
        }
        let label_column = check_names(file, &header, label, usize::from(is_cut))?;
        let mut rows = Vec::new();
        for record in reader.into_records() {
            let record = record.map_err(|error| csv_error(file, bytes, &error))?;
            let line = line_at(bytes, record.position());
            let record = if is_cut { without_first(&record) } else { record };
            if record.get(label_column).is_none_or(|text| text.trim().is_empty()) {
                let (file, label) = (file.to_owned(), label.to_owned());
                let column = label_column + 1 + usize::from(is_cut);
                return Err(DatasetError::MissingLabel { file, line, column, label });
            }
            rows.push((line, record));
        }
        Ok(Self { file, header, label_column, rows, is_cut, notes })
    }

    /// Writes 1 and 0 for True and False in features without other values, as labels are numbered.
    fn number_truths(&mut self) {
        let truth = |text: &str| match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some("1"),
            "false" => Some("0"),
            _ => None,
        };
        let is_truths = |column: usize| {
            let mut cells = self.rows.iter().map(|(_, record)| record.get(column).unwrap_or(""));
            column != self.label_column && cells.all(|text| truth(text).is_some())
        };
        let columns: BTreeSet<usize> = (0..self.header.len()).filter(|&at| is_truths(at)).collect();
        if self.rows.is_empty() || columns.is_empty() {
            return;
        }
        let names: Vec<String> =
            columns.iter().filter_map(|&at| Some(format!("`{}`", self.header.get(at)?))).collect();
        self.notes.push(format!("True and False of {} are read as 1 and 0", names.join(", ")));
        for (_, record) in &mut self.rows {
            let cells = record.iter().enumerate();
            let numbered = cells.map(|(column, text)| match columns.contains(&column) {
                true => truth(text).unwrap_or(text),
                false => text,
            });
            *record = numbered.collect();
        }
    }

    fn label_name(&self) -> &str {
        self.header.get(self.label_column).unwrap_or_default()
    }

    fn label_of<'r>(&self, record: &'r csv::StringRecord) -> &'r str {
        record.get(self.label_column).unwrap_or_default()
    }

    /// Class numbers stay as they are. Other numbers are numbered in ascending order, texts in the
    /// order of their bytes.
    fn classes(&self) -> Result<Classes, DatasetError> {
        let texts: BTreeSet<&str> =
            self.rows.iter().map(|(_, record)| self.label_of(record)).collect();
        if texts.len() > MAX_CLASSES {
            return Err(DatasetError::ManyClasses {
                file: self.file.to_owned(),
                column: self.label_column + 1,
                label: self.label_name().to_owned(),
                found: texts.len(),
                limit: MAX_CLASSES,
            });
        }
        let class_number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|_| is_plain).map(usize::from)
        };
        let as_they_are: Option<BTreeMap<String, usize>> =
            texts.iter().map(|text| Some(((*text).to_owned(), class_number(text)?))).collect();
        if let Some(numbers) = as_they_are {
            return Ok(Classes { numbers, renumbered: false });
        }
        Ok(Classes { numbers: numbered(&texts), renumbered: true })
    }

    /// The CSV to write: this one, with class numbers for labels.
    fn text(&self, classes: &Classes) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = "writing to memory does not fail, and rows are not ragged";
        writer.write_record(&self.header).expect(written);
        for (_, record) in &self.rows {
            let class = classes.numbers.get(self.label_of(record)).copied().unwrap_or(0);
            let class = class.to_string();
            let cells = record.iter().enumerate().map(|(column, text)| {
                if column == self.label_column { class.as_str() } else { text }
            });
            writer.write_record(cells).expect(written);
        }
        writer.into_inner().expect(written)
    }

    /// Meta data with kinds and ranges of the training rows.
    fn declare(&self, name: &str, out_file: &str, rows: &[u8]) -> Result<Meta, DatasetError> {
        let names: Vec<String> = (0..self.header.len())
            .filter(|&column| column != self.label_column)
            .filter_map(|column| self.header.get(column).map(str::to_owned))
            .collect();
        let unit: (Decimal, Decimal) = (decimal(0.0), decimal(1.0));
        let mut meta = Meta {
            source: None,
            name: name.to_owned(),
            label: self.label_name().to_owned(),
            kinds: vec![Kind::Real; names.len()],
            ranges: vec![unit; names.len()],
            features: names,
            files: one_file(out_file),
            synthetic: false,
            classes: Vec::new(),
            auxiliary: None,
            monotone: BTreeMap::new(),
            category_codes: BTreeMap::new(),
        };
        // Parts depend on the cells alone, so they can be dealt before the declarations.
        let file = CsvFile { name: self.file, bytes: rows };
        let data = DataSet::read(&meta_text(&meta), &[file]).map_err(|e| self.at_its_line(e))?;
        schema(&data).map_err(|error| self.few_rows(error))?;
        let training = data.part(Part::Train);
        let columns = 0..meta.features.len();
        (meta.kinds, meta.ranges) = columns.map(|feature| infer(training, feature)).unzip();
        Ok(meta)
    }

    /// Without training rows there are too few rows, whatever the meta file lists.
    fn few_rows(&self, error: DatasetError) -> DatasetError {
        match error {
            DatasetError::NoTrainingRows { .. } => {
                DatasetError::FewRows { file: self.file.to_owned(), found: self.rows.len() }
            }
            other => other,
        }
    }

    /// Turns an error about the rewritten rows, one per line, into an error about the given file.
    fn at_its_line(&self, mut error: DataError) -> DataError {
        if let DataError::Cell { column, .. } | DataError::EmptyClass { column, .. } = &mut error {
            *column += usize::from(self.is_cut);
        }
        if let DataError::Cell { line, .. }
        | DataError::Csv { line, .. }
        | DataError::EmptyClass { line, .. } = &mut error
        {
            let row = usize::try_from(*line).unwrap_or(0).checked_sub(2);
            let given = row.and_then(|row| self.rows.get(row));
            *line = given.map_or(*line, |(given, _)| *given);
        }
        error
    }
}

/// The delimiter of columns: a comma, unless the header has none and has tabs or semicolons instead.
fn delimiter(bytes: &[u8]) -> u8 {
    let header = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let has = |delimiter: &u8| header.contains(delimiter);
    if has(&b',') {
        return b',';
    }
    [b'\t', b';'].into_iter().find(has).unwrap_or(b',')
}

fn without_first(record: &csv::StringRecord) -> csv::StringRecord {
    record.iter().skip(1).collect()
}

/// The label column. Every name must occur once and fit a line. `left_out` columns were left out before.
fn check_names(
    file: &str,
    header: &csv::StringRecord,
    label: &str,
    left_out: usize,
) -> Result<usize, DatasetError> {
    let mut taken = BTreeSet::new();
    for (column, name) in header.iter().enumerate() {
        let is_fine = !name.trim().is_empty() && !name.contains(char::is_control);
        if !is_fine || !taken.insert(name) {
            let (file, found) = (file.to_owned(), name.escape_debug().to_string());
            return Err(DatasetError::ColumnName { file, column: column + 1 + left_out, found });
        }
    }
    header.iter().position(|name| name == label).ok_or_else(|| DatasetError::NoLabel {
        file: file.to_owned(),
        label: label.to_owned(),
        header: header.iter().map(str::to_owned).collect(),
    })
}

/// Ranks of the labels: by value if all are numbers, else by text.
fn numbered(texts: &BTreeSet<&str>) -> BTreeMap<String, usize> {
    let value = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    let values: Option<Vec<f64>> = texts.iter().map(|text| value(text)).collect();
    let Some(mut values) = values else {
        return texts.iter().enumerate().map(|(rank, text)| ((*text).to_owned(), rank)).collect();
    };
    values.sort_by(f64::total_cmp);
    values.dedup();
    let rank = |text: &str| {
        let own = value(text).unwrap_or(f64::NEG_INFINITY);
        values.iter().filter(|&&other| other < own).count()
    };
    texts.iter().map(|text| ((*text).to_owned(), rank(text))).collect()
}

/// Kind and range of one column.
fn infer(rows: &[Row], feature: usize) -> (Kind, (Decimal, Decimal)) {
    let column = || rows.iter().filter_map(|row| row.values.get(feature).copied());
    if column().all(|x| x == 0.0 || x == 1.0) {
        return (Kind::Binary, (decimal(0.0), decimal(1.0)));
    }
    let kind = if column().all(|x| x.fract() == 0.0) { Kind::Integer } else { Kind::Real };
    let low = column().fold(f64::INFINITY, f64::min);
    let high = column().fold(f64::NEG_INFINITY, f64::max);
    (kind, (at_most(low), at_least(high)))
}

/// A decimal that is at most the float: its own text. If that text states more than the float is (0.3
/// does), the text of the float below it.
fn at_most(value: f64) -> Decimal {
    let own = decimal(value);
    let exact = Rational::from_f64(value);
    if exact.is_some_and(|exact| *own.value() <= exact) { own } else { decimal(value.next_down()) }
}

/// A decimal that is at least the float.
fn at_least(value: f64) -> Decimal {
    let own = decimal(value);
    let exact = Rational::from_f64(value);
    if exact.is_some_and(|exact| *own.value() >= exact) { own } else { decimal(value.next_up()) }
}

fn decimal(value: f64) -> Decimal {
    Decimal::from_f64(value).expect("the reader keeps values within the range of an f32")
}

fn inferred(meta: &Meta) -> Vec<InferredFeature> {
    let declared = meta.features.iter().zip(&meta.kinds).zip(&meta.ranges);
    declared
        .map(|((name, &kind), (low, high))| InferredFeature {
            name: name.clone(),
            kind,
            range: (low.to_string(), high.to_string()),
        })
        .collect()
}

impl fmt::Display for InferredMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<String> =
            self.rows.iter().map(|(part, rows)| format!("{} {rows}", part.name())).collect();
        writeln!(f, "{}: {} features; rows: {}", self.name, self.features.len(), rows.join(", "))?;
        let how = if self.renumbered { "numbered in order" } else { "as they are" };
        writeln!(f, "label `{}`, {how}:", self.label)?;
        for (class, text) in self.classes.iter().enumerate() {
            writeln!(f, "  class {class} = `{text}`")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        writeln!(f, "Inferred from the training rows (edit the meta file where it is wrong):")?;
        let mut features = table(&["feature", "kind", "low", "high"], 2);
        for InferredFeature { name, kind, range } in &self.features {
            let kind = format!("{kind:?}").to_lowercase();
            features.add_row([name, &kind, &range.0, &range.1]);
        }
        keep_words(&mut features);
        writeln!(f, "{features}")?;
        writeln!(f, "digest {}", self.digest)?;
        write!(f, "written: {}, {}", self.csv.display(), self.meta.display())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_gzip_bomb_stops_at_the_limit() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&[b'1'; 100_000]).unwrap();
        let packed = packer.finish().unwrap();
        assert!(packed.len() < 1000);
        let error = unpack("f.csv.gz", packed.clone(), 1000).unwrap_err();
        assert!(matches!(error, DataError::Limit(LimitError { found: 1001, limit: 1000, .. })));
        assert_eq!(unpack("f.csv.gz", packed, 100_000).unwrap().len(), 100_000);
    }

    #[test]
    fn ranges_hold_the_floats_they_are_inferred_from() {
        for value in [0.3, -0.3, 0.1, 7.25, 1e-40, -3.0, 110.44891917534059] {
            let exact = Rational::from_f64(value).unwrap();
            assert!(*at_most(value).value() <= exact && exact <= *at_least(value).value());
        }
        assert_eq!(at_least(0.3).to_string(), "0.3");
        assert_eq!(at_most(7.25).to_string(), "7.25");
        assert_ne!(at_most(0.3).to_string(), "0.3", "three tenths exceed the float 0.3");
    }

    #[test]
    fn labels_are_ranked_by_value_or_by_text() {
        let ranks = |texts: &[&str]| numbered(&texts.iter().copied().collect());
        let classes = ranks(&["10.0", "-1", "2"]);
        assert_eq!([classes["-1"], classes["2"], classes["10.0"]], [0, 1, 2]);
        let classes = ranks(&["yes", "no", "10"]);
        assert_eq!([classes["10"], classes["no"], classes["yes"]], [0, 1, 2]);
        assert_eq!(ranks(&["-1", "-1.0", "1"])["1"], 1, "equal numbers are one class");
    }
}
