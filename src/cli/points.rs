//! Points for a model, from a CSV: the header names its features in order.

use std::path::Path;

use crate::model::{DataError, Digest, Model, csv_error, line_at, parse_number};

use super::{Refusal, files};

/// Points read from a CSV.
pub(crate) struct Points {
    /// The `row` or `idx` column, else the position.
    pub(crate) names: Vec<String>,
    /// The `label` column, if there is one and the model has labels.
    pub(crate) labels: Option<Vec<usize>>,
    /// Raw values in feature order.
    pub(crate) rows: Vec<Vec<f64>>,
    /// The line of the file that each row starts on.
    pub(crate) lines: Vec<u64>,
    /// Of the file's bytes.
    pub(crate) digest: Digest,
}

/// Reads points for a model; every refusal names line and column.
pub(crate) fn read_points(path: &Path, model: &Model) -> Result<Points, Refusal> {
    let bytes = files::read(path)?;
    let file = path.display().to_string();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|error| csv_error(&file, &bytes, &error))?.clone();
    if header.is_empty() {
        return Err(Refusal::new(format!("{file}: the file is empty; expected a header line")));
    }
    let columns = match_columns(&header, model)
        .map_err(|text| Refusal::new(format!("{file}, line 1{text}")))?;
    let mut points = Points {
        names: Vec::new(),
        labels: columns.label.map(|_| Vec::new()),
        rows: Vec::new(),
        lines: Vec::new(),
        digest: Digest::of(&bytes),
    };
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(&file, &bytes, &error))?;
        let line = line_at(&bytes, record.position());
        let text = |column: usize| record.get(column).unwrap_or("");
        let refuse = |column: usize, expected: &'static str| DataError::Cell {
            file: file.clone(),
            line,
            column: column + 1,
            name: header.get(column).unwrap_or("").to_owned(),
            found: text(column).chars().take(40).collect(),
            expected,
        };
        let number = |&column: &usize| {
            parse_number(text(column)).map_err(|expected| refuse(column, expected))
        };
        points.rows.push(columns.features.iter().map(number).collect::<Result<_, _>>()?);
        points.lines.push(line);
        let position = points.rows.len() - 1;
        points
            .names
            .push(columns.name.map_or(position.to_string(), |column| text(column).to_owned()));
        if let (Some(column), Some(labels)) = (columns.label, &mut points.labels) {
            let label = text(column).parse::<usize>().ok().filter(|label| *label < model.classes);
            labels.push(label.ok_or_else(|| refuse(column, "a class of the model"))?);
        }
    }
    Ok(points)
}

struct Columns {
    name: Option<usize>,
    label: Option<usize>,
    features: Vec<usize>,
}

fn match_columns(header: &csv::StringRecord, model: &Model) -> Result<Columns, String> {
    let mut columns = Columns { name: None, label: None, features: Vec::new() };
    for (column, name) in header.iter().enumerate() {
        let index = columns.features.len();
        let expected = model.schema.features().get(index).map(|feature| feature.name.as_str());
        let is_next = expected == Some(name) || (expected.is_some() && name == format!("x{index}"));
        if is_next {
            columns.features.push(column);
        } else if index == 0 && header.iter().take(column).any(|before| before == name) {
            return Err(format!(", column {}: `{name}` is there twice", column + 1));
        } else if index == 0 && matches!(name, "row" | "idx") && columns.name.is_none() {
            columns.name = Some(column);
        } else if index == 0 && name == "label" {
            columns.label = (!model.is_plain_score()).then_some(column);
        } else {
            let expected = expected.unwrap_or("no further column");
            return Err(format!(", column {}: found `{name}`, expected `{expected}`", column + 1));
        }
    }
    let (found, expected) = (columns.features.len(), model.schema.len());
    if found == expected {
        Ok(columns)
    } else {
        Err(format!(": found {found} feature columns, the model has {expected}"))
    }
}
