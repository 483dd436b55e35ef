//! Points for a model, from a CSV: the header names its features.

use std::path::Path;

use crate::model::{DataError, Digest, Model, csv_error, line_at, parse_number};
use crate::near::nearest;
use crate::text::listed;

use super::subject::BLANKS;
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
    /// Digest of the file's bytes.
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

struct PointColumns {
    name: Option<usize>,
    label: Option<usize>,
    /// The column of each feature of the model.
    features: Vec<usize>,
}

/// The columns of row names, labels and features. Features are found by name, in any order; a header of
/// x0, x1, … is taken by position only where no feature has such a name.
fn match_columns(header: &csv::StringRecord, model: &Model) -> Result<PointColumns, String> {
    let names: Vec<&str> = model.schema.features().iter().map(|f| f.name.as_str()).collect();
    let positions: Vec<String> = (0..names.len()).map(|index| format!("x{index}")).collect();
    let is_position = |name: &str| positions.iter().any(|position| position == name);
    let has_positions = header.iter().any(is_position) && !names.iter().any(|n| is_position(n));
    let wanted = match has_positions {
        true => positions.iter().map(String::as_str).collect(),
        false => names.clone(),
    };
    let (mut name, mut label, mut found) = (None, None, vec![None; wanted.len()]);
    let mut others = Vec::new();
    for (column, text) in header.iter().enumerate() {
        let feature = wanted.iter().position(|wanted| *wanted == text);
        let place = match (text, feature) {
            // a feature may be named `label` too: then the first such column is the label
            ("label", feature) if label.is_none() && is_first_of_two(header, column, feature) => {
                &mut label
            }
            (_, Some(feature)) => &mut found[feature],
            ("row" | "idx", None) => &mut name,
            ("label", None) => &mut label,
            _ => {
                others.push((column, text));
                continue;
            }
        };
        if place.replace(column).is_some() {
            return Err(format!(", column {}: `{text}` is there twice", column + 1));
        }
    }
    let missing: Vec<&str> =
        wanted.iter().zip(&found).filter(|(_, at)| at.is_none()).map(|(name, _)| *name).collect();
    if let [(column, text), more @ ..] = others.as_slice() {
        return Err(unknown(*column, text, &wanted)? + &beside(text, more, &missing));
    }
    if !missing.is_empty() {
        let (count, all) = (wanted.len() - missing.len(), wanted.len());
        return Err(format!(
            ": found {count} feature columns, the model has {all}; missing {}",
            listed(missing.iter().copied())
        ));
    }
    if has_positions && !is_default(&names) {
        tell!(
            "propcert: note: columns x0, x1, … are taken by position, for the model's {}",
            listed(names.iter().copied())
        );
    }
    let label = label.filter(|_| !model.is_plain_score());
    Ok(PointColumns { name, label, features: found.into_iter().flatten().collect() })
}

/// True if another `label` column follows, which is then the feature of that name.
fn is_first_of_two(header: &csv::StringRecord, column: usize, feature: Option<usize>) -> bool {
    feature.is_some() && header.iter().skip(column + 1).any(|name| name == "label")
}

/// True if the names are those that an import gives to features without names: f0, f1, …
fn is_default(names: &[&str]) -> bool {
    names.iter().enumerate().all(|(index, name)| *name == format!("f{index}"))
}

/// The refusal of a column that is no feature; one that says all there is to say is an error.
fn unknown(column: usize, text: &str, wanted: &[&str]) -> Result<String, String> {
    let text: String = text.chars().take(40).collect();
    if column == 0 && text.contains(['\t', ';']) {
        return Err(format!(": found `{text}`, expected columns with commas between them"));
    }
    let column = column + 1;
    if text.trim().is_empty() {
        return Err(format!(
            ", column {column}: the column has no name (a data frame's index?); leave it out"
        ));
    }
    Ok(format!(
        ", column {column}: found `{text}`, expected a feature of the model: {}",
        listed(wanted.iter().copied())
    ))
}

/// What else there is to say of a header: further columns that are no features, the features without a column, and the
/// names that may be meant.
fn beside(first: &str, more: &[(usize, &str)], missing: &[&str]) -> String {
    let mut text = String::new();
    if !more.is_empty() {
        text += &format!("; nor are {} features", listed(more.iter().map(|(_, name)| *name)));
    }
    if !missing.is_empty() {
        text += &format!("; missing {}", listed(missing.iter().copied()));
    }
    let names = || std::iter::once(first).chain(more.iter().map(|(_, name)| *name));
    let underscored = |name: &str| missing.contains(&name.replace(' ', "_").as_str());
    if names().any(underscored) {
        return text + BLANKS;
    }
    for name in names() {
        if let Some(near) = nearest(name, missing.iter().copied()) {
            text += &format!("; is `{name:.40}` meant as `{near:.40}`?");
        }
    }
    text
}
