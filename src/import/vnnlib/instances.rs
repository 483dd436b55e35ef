//! `instances.csv` of a benchmark: rows `onnx,vnnlib,timeout_seconds` without a header.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::{DataError, at_most, csv_error, line_at};

/// Largest file, in bytes.
const MAX_BYTES: usize = 64 << 20;
/// Most rows.
const MAX_ROWS: usize = 100_000;

/// A network with a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Line of the file, from 1.
    pub line: u64,
    /// The network; relative to the folder of the file.
    pub onnx: PathBuf,
    /// The property; relative to the folder of the file.
    pub vnnlib: PathBuf,
    /// Time for an answer.
    pub timeout: Duration,
}

/// Reads the bytes of `file`; errors use this name.
///
/// # Errors
/// No rows, broken CSV, rows without exactly three cells, absolute or empty paths, and timeouts that are no
/// seconds, each with its line; sizes over a limit.
pub fn instances(file: &str, bytes: &[u8]) -> Result<Vec<Instance>, DataError> {
    at_most("bytes of a file", bytes.len(), MAX_BYTES)?;
    let bytes = bytes.strip_prefix(super::BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut instances = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(file, bytes, &error))?;
        let line = line_at(bytes, record.position());
        let read = instance(line, &record);
        instances.push(read.map_err(|reason| DataError::Csv {
            file: file.to_owned(),
            line,
            reason,
        })?);
        at_most("rows", instances.len(), MAX_ROWS)?;
    }
    if instances.is_empty() {
        let reason = "no rows; expected a network, a property and seconds in each".to_owned();
        return Err(DataError::Csv { file: file.to_owned(), line: 1, reason });
    }
    Ok(instances)
}

fn instance(line: u64, record: &csv::StringRecord) -> Result<Instance, String> {
    let cells: Vec<&str> = record.iter().take(4).collect();
    let &[onnx, vnnlib, timeout] = cells.as_slice() else {
        let found = record.len();
        return Err(format!("{found} cells; expected a network, a property and seconds"));
    };
    Ok(Instance {
        line,
        onnx: path(onnx, "network")?,
        vnnlib: path(vnnlib, "property")?,
        timeout: seconds(timeout)?,
    })
}

fn path(cell: &str, what: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(cell);
    if cell.is_empty() || path.has_root() {
        return Err(format!("{what} `{cell:.60}`; expected a path from the folder of this file"));
    }
    Ok(path)
}

fn seconds(cell: &str) -> Result<Duration, String> {
    let seconds = cell.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let seconds = seconds.filter(|seconds| !seconds.is_zero());
    seconds.ok_or_else(|| format!("timeout `{cell:.60}`; expected seconds, a number > 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_their_lines() {
        let text = b"onnx/a.onnx,vnnlib/p.vnnlib,116\n\n./b.onnx, ../q.vnnlib ,0.5\r\n";
        let read = instances("instances.csv", text).unwrap();
        let [a, b] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((a.line, a.timeout), (1, Duration::from_secs(116)));
        assert_eq!((b.line, b.timeout), (3, Duration::from_millis(500)));
        assert_eq!(a.onnx, PathBuf::from("onnx/a.onnx"));
        assert_eq!(b.vnnlib, PathBuf::from("../q.vnnlib"));
    }

    #[test]
    fn refusals_name_file_and_line() {
        let marked = instances("i.csv", "\u{feff}a.onnx,p.vnnlib,1".as_bytes()).unwrap();
        assert_eq!(marked[0].onnx, PathBuf::from("a.onnx"));
        let table: [(&[u8], &str); 9] = [
            (b"a,b", "2 cells"),
            (b"a,b,1,2", "4 cells"),
            (b",b,1", "network ``"),
            (b"a,/etc/passwd,1", "property `/etc/passwd`"),
            (b"a,b,soon", "timeout `soon`"),
            (b"a,b,-1", "timeout `-1`"),
            (b"a,b,NaN", "timeout `NaN`"),
            (b"a,b,1e300", "timeout `1e300`"),
            (b"a,\xff,1", "UTF-8"),
        ];
        for (row, part) in table {
            let text = [b"x,y,1\n\n", row].concat();
            let message = instances("i.csv", &text).unwrap_err().to_string();
            assert!(message.starts_with("i.csv, line 3: "), "{message}");
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
