//! CSV files: unpacked, split, every cell checked; errors name file, line and column.
//!
//! Trusted: takes bytes, opens nothing.

use std::collections::BTreeMap;
use std::io::Read;

use super::{CsvFile, DataError, Digest, Kind, LimitError, Meta, Row};

/// Most rows of a data file; with [`MAX_CELLS`] this keeps the memory for it below about a gibibyte.
const MAX_ROWS: u64 = 5_000_000;
/// Most cells of a data file.
const MAX_CELLS: u64 = 50_000_000;

/// The bytes of a CSV file; gzip is unpacked up to `limit` bytes.
///
/// # Errors
/// More bytes than that, and what is no gzip although it begins as one.
pub fn unpack(file: &CsvFile, limit: u64) -> Result<Vec<u8>, DataError> {
    let too_large = |found| {
        DataError::Limit(LimitError { what: "bytes of an unpacked data file", found, limit })
    };
    if !file.bytes.starts_with(&[0x1f, 0x8b]) {
        let found = file.bytes.len() as u64;
        return if found <= limit { Ok(file.bytes.to_vec()) } else { Err(too_large(found)) };
    }
    let mut bytes = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(file.bytes);
    decoder.take(limit + 1).read_to_end(&mut bytes).map_err(|error| DataError::Gzip {
        file: file.name.to_owned(),
        reason: error.to_string(),
    })?;
    if bytes.len() as u64 > limit { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
}

/// The rows of an unpacked CSV file, in file order.
pub(super) fn read_rows(file: &str, bytes: &[u8], meta: &Meta) -> Result<Vec<Row>, DataError> {
    read_at_most(file, bytes, meta, (MAX_ROWS, MAX_CELLS))
}

/// The rows of a file; refuses a file with more rows or cells than the given numbers.
fn read_at_most(
    file: &str,
    bytes: &[u8],
    meta: &Meta,
    (most_rows, most_cells): (u64, u64),
) -> Result<Vec<Row>, DataError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(bytes);
    let refused = |error: csv::Error| csv_error(file, bytes, &error);
    let header = reader.headers().map_err(refused)?.clone();
    let columns = check_header(file, &header, meta)?;
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(refused)? {
        let cells = (rows.len() as u64 + 1).saturating_mul(header.len() as u64);
        for (what, found, limit) in [
            ("rows of a data file", rows.len() as u64 + 1, most_rows),
            ("cells of a data file", cells, most_cells),
        ] {
            if found > limit {
                return Err(DataError::Limit(LimitError { what, found, limit }));
            }
        }
        let line = line_at(bytes, record.position());
        rows.push(read_row(file, line, &record, &columns, meta)?);
    }
    if rows.is_empty() {
        return Err(DataError::NoRows { file: file.to_owned() });
    }
    Ok(rows)
}

/// The columns of the label and of each feature.
struct Columns {
    label: usize,
    features: Vec<usize>,
}

/// Checks that the header is the label and the features, in any order, and nothing else.
fn check_header(file: &str, header: &csv::StringRecord, meta: &Meta) -> Result<Columns, DataError> {
    let problem = |column: usize, found: Option<&str>, expected: &str| DataError::Header {
        file: file.to_owned(),
        column: column + 1,
        found: found.unwrap_or("no column").chars().take(40).collect(),
        expected: expected.to_owned(),
    };
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (column, name) in header.iter().enumerate() {
        if places.insert(name, column).is_some() {
            return Err(problem(column, Some(name), "each name once"));
        }
    }
    // a name that is found is taken away, so that each column is one thing
    let mut missing = None;
    let mut take = |name| {
        let column = places.remove(name);
        missing = missing.or(column.is_none().then_some(name));
        column
    };
    let label = take(meta.label.as_str());
    let features: Vec<usize> = meta.features.iter().filter_map(|name| take(name)).collect();
    match (label, missing, places.values().min()) {
        (Some(label), None, None) => Ok(Columns { label, features }),
        (_, missing, other) => {
            let column = other.copied().unwrap_or(header.len());
            Err(problem(column, header.get(column), missing.unwrap_or("no further column")))
        }
    }
}

/// Line and column, from 1, of the first row with this label.
pub(super) fn first_with_label(bytes: &[u8], label: &str, class: usize) -> Option<(u64, usize)> {
    let mut reader = csv::Reader::from_reader(bytes);
    let column = reader.headers().ok()?.iter().position(|name| name == label)?;
    let mut records = reader.records().filter_map(Result::ok);
    let found = records
        .find(|record| record.get(column).and_then(|text| text.parse().ok()) == Some(class))?;
    Some((line_at(bytes, found.position()), column + 1))
}

fn read_row(
    file: &str,
    line: u64,
    record: &csv::StringRecord,
    columns: &Columns,
    meta: &Meta,
) -> Result<Row, DataError> {
    let text = |column: usize| record.get(column).unwrap_or_default();
    let cell = |column: usize, name: &str, expected| DataError::Cell {
        file: file.to_owned(),
        line,
        column: column + 1,
        name: name.to_owned(),
        found: text(column).chars().take(40).collect(),
        expected,
    };
    let class = text(columns.label).parse::<u16>().ok();
    let class = class.filter(|_| is_plain_number(text(columns.label)));
    let label =
        class.ok_or_else(|| cell(columns.label, &meta.label, "a class number 0, 1, 2, …"))?;
    let mut values = Vec::with_capacity(columns.features.len());
    // points that were answered, or made to be certified around, need not be points of the data
    let is_data = meta.files.all.is_some() || meta.files.test.is_some();
    let kinds = meta.kinds.iter().map(|&kind| kind == Kind::Integer && is_data);
    for ((&column, name), is_whole) in columns.features.iter().zip(&meta.features).zip(kinds) {
        let value = parse_number(text(column)).map_err(|expected| cell(column, name, expected))?;
        if is_whole && value.fract() != 0.0 {
            let expected = "a whole number: `kinds` of meta.json says `integer`; if fractions occur, say `real`";
            return Err(cell(column, name, expected));
        }
        values.push(value);
    }
    let mut texts = Vec::new();
    for (column, text) in record.iter().enumerate() {
        if column > 0 {
            texts.push(b',');
        }
        texts.extend_from_slice(text.as_bytes());
    }
    Ok(Row { values, label: usize::from(label), key: Digest::of(&texts) })
}

fn is_plain_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The nearest `f64` of a decimal text, if it also fits an `f32`; else `Err` with what was expected.
pub fn parse_number(text: &str) -> Result<f64, &'static str> {
    let is_decimal =
        text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    let value = text.parse::<f64>().ok();
    match value {
        Some(value) if value.is_nan() => Err("a number, not NaN: remove the row or fill the cell"),
        Some(value) if is_decimal && (value as f32).is_finite() => Ok(value + 0.0),
        Some(_) if is_decimal => Err("a number that fits a 32-bit float"),
        Some(_) => Err("a finite number"),
        None if text.is_empty() => Err("a number: the cell is empty"),
        None => Err("a number: code texts as numbers first"),
    }
}

/// The line a record starts on, counted from 1. The splitter's position lies before the line ends that precede
/// the record: blank lines, and the second half of a CR LF.
pub fn line_at(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 1 };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let line_ends = bytes.iter().skip(start).take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + line_ends.filter(|&&byte| byte == b'\n').count() as u64
}

/// The error of the splitter of the CSV text `bytes`, with the line it is about.
pub fn csv_error(file: &str, bytes: &[u8], error: &csv::Error) -> DataError {
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} cells, the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    let line = line_at(bytes, error.position());
    DataError::Csv { file: file.to_owned(), line, reason }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::model::DataSet;

    /// 40 rows of a whole feature, with one more, and meta data with this entry more.
    fn read(row: &str, more: &str) -> Result<DataSet, String> {
        let meta = format!(
            "{{\"name\":\"n\",\"label\":\"y\",\"features\":[\"a\"],\"kinds\":[\"integer\"],\"ranges\":[[\"0\",\"9\"]],{more}\
             \"synthetic\":true}}"
        );
        let rows: String = (0..40).map(|k| format!("{},{k}\n", k % 2)).collect();
        let text = format!("y,a\n{rows}{row}\n");
        let file = CsvFile { name: "n.csv", bytes: text.as_bytes() };
        DataSet::read(meta.as_bytes(), &[file]).map_err(|error| error.to_string())
    }

    #[test]
    fn fractions_of_whole_features_are_refused_with_their_line() {
        let all = "\"files\":{\"all\":\"n.csv\"},";
        assert!(read("0,40", all).is_ok() && read("0,4e1", all).is_ok());
        let refused = read("0,2.5", all).unwrap_err();
        let facts = ["n.csv, line 42, column 2 (`a`): found `2.5`", "`integer`", "say `real`"];
        assert!(facts.iter().all(|fact| refused.contains(fact)), "{refused}");
        // points to certify around, and answers, are no rows of the data
        for files in ["\"train\"", "\"served\""] {
            assert!(read("0,2.5", &format!("\"files\":{{{files}:\"n.csv\"}},")).is_ok(), "{files}");
        }
    }

    #[test]
    fn auxiliary_rows_leave_rows_to_test_on() {
        let all = |more: &str| read("1,40", &format!("\"files\":{{\"all\":\"n.csv\"}},{more}"));
        assert!(all("\"auxiliary\":12,").is_ok());
        let refused = all("\"auxiliary\":13,").unwrap_err();
        let facts = ["`auxiliary` is 13", "only 13 rows", "none is left to test on"];
        assert!(facts.iter().all(|fact| refused.contains(fact)), "{refused}");
        // what nobody has stated is no fault
        assert!(all("").is_ok());
    }

    #[test]
    fn packed_or_not_a_file_has_at_most_so_many_bytes() {
        let text = "label,x\n0,1\n".repeat(100);
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(text.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        assert!(packed.len() * 10 < text.len(), "a small file may unpack to a large one");
        let length = text.len() as u64;
        // two packed members count together
        let twice = [packed.clone(), packed.clone()].concat();
        for (bytes, length) in
            [(text.as_bytes(), length), (packed.as_slice(), length), (&twice, 2 * length)]
        {
            let file = CsvFile { name: "rows.csv", bytes };
            assert_eq!(unpack(&file, length).unwrap().len() as u64, length);
            let refused = unpack(&file, length - 1);
            let Err(DataError::Limit(limit)) = refused else { panic!("{refused:?}") };
            assert_eq!((limit.found, limit.limit), (length, length - 1));
        }
        let torn = CsvFile { name: "rows.csv", bytes: &packed[..packed.len() / 2] };
        assert!(matches!(unpack(&torn, length), Err(DataError::Gzip { .. })));
    }

    #[test]
    fn rows_and_cells_are_limited() {
        assert_eq!((MAX_ROWS, MAX_CELLS), (5_000_000, 50_000_000));
        let meta = br#"{"name":"made","label":"y","features":["a","b"],"kinds":["real","real"],
            "ranges":[["0","1"],["0","1"]],"files":{"all":"all.csv"},"synthetic":true}"#;
        let meta = Meta::read(meta).unwrap();
        let text = "a,y,b\n".to_owned() + &"1,0,1\n".repeat(7);
        let read = |limits| read_at_most("all.csv", text.as_bytes(), &meta, limits);
        assert_eq!(read((7, 21)).unwrap().len(), 7);
        for (limits, what, found) in
            [((6, 21), "rows of a data file", 7), ((7, 20), "cells of a data file", 21)]
        {
            let refused = read(limits);
            let Err(DataError::Limit(limit)) = refused else { panic!("{refused:?}") };
            assert_eq!((limit.what, limit.found, limit.limit), (what, found, found - 1));
        }
    }
}
