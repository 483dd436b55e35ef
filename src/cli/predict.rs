//! `propcert predict`: labels, margins and posteriors of points.

use std::fmt::Write;
use std::path::PathBuf;

use crate::model::{Model, Point, Precision};

use super::subject::read_model;
use super::{Ending, Refusal, files};

/// Predict label and margin of every point of a CSV.
///
/// The CSV has a header and one column per feature, named as in the model or x0, x1, … in its
/// order; leading columns `row` or `idx`, and `label`, are passed over.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert predict --model model.json --points points.csv --posterior"
)]
pub(crate) struct Arguments {
    /// The model (model/1).
    #[arg(long)]
    model: PathBuf,
    /// The points.
    #[arg(long)]
    points: PathBuf,
    /// Print the margin that a served f32 copy computes, as 8 hexadecimal digits.
    #[arg(long)]
    margin_bits: bool,
    /// Print the posterior of every class too.
    #[arg(long)]
    posterior: bool,
    /// One JSON object per point.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let (model, _) = read_model(&arguments.model)?;
    if arguments.margin_bits && (model.precision != Precision::F32 || model.classes != 2) {
        let text = "--margin-bits: only two-class models of precision f32 have a served f32 margin";
        return Err(Refusal::new(text));
    }
    let points = read_points(&arguments.points, &model)?;
    let mut text = String::new();
    if !arguments.json {
        text.push_str("label,margin");
        if arguments.posterior {
            (0..model.classes).for_each(|class| {
                let _ = write!(text, ",p{class}");
            });
        }
        text.push('\n');
    }
    for point in &points.rows {
        let line = describe(&model, point, arguments)?;
        let _ = writeln!(text, "{line}");
    }
    files::print(&text)?;
    Ok(Ending::AsStated)
}

/// The margin of the winning class over the runner-up with more than two classes.
fn margin(model: &Model, point: &[f64]) -> f64 {
    if model.classes == 2 {
        return model.margin(point);
    }
    let mut scores = model.scores(point);
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.first().zip(scores.get(1)).map_or(f64::NAN, |(a, b)| a - b)
}

fn describe(model: &Model, point: &[f64], arguments: &Arguments) -> Result<String, Refusal> {
    let label = model.label(point);
    let shown = if arguments.margin_bits {
        let exact =
            Point::from_floats(point).ok_or_else(|| Refusal::new("a point is not finite"))?;
        let served = model.served_scores(&exact);
        let margin = match served.as_slice() {
            [zero, one] => one - zero,
            _ => f32::NAN,
        };
        format!("{:08x}", margin.to_bits())
    } else {
        format!("{}", margin(model, point))
    };
    let posterior = model.posterior(point);
    if arguments.json {
        let value = serde_json::json!({ "label": label, "margin": shown, "posterior": posterior });
        return Ok(value.to_string());
    }
    let mut line = format!("{label},{shown}");
    if arguments.posterior {
        posterior.iter().for_each(|p| {
            let _ = write!(line, ",{p}");
        });
    }
    Ok(line)
}

/// Points read from a CSV.
pub(crate) struct Points {
    /// The `row` or `idx` column, else the position.
    pub(crate) names: Vec<String>,
    /// The `label` column, if there is one.
    pub(crate) labels: Option<Vec<usize>>,
    /// Raw values in feature order.
    pub(crate) rows: Vec<Vec<f64>>,
}

/// Reads points for a model; every refusal names line and column.
pub(crate) fn read_points(path: &std::path::Path, model: &Model) -> Result<Points, Refusal> {
    let bytes = files::read(path)?;
    let about =
        |line: u64, text: String| Refusal::new(format!("{}, line {line}: {text}", path.display()));
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|error| about(1, error.to_string()))?.clone();
    let columns = match_columns(&header, model).map_err(|text| about(1, text))?;
    let mut points =
        Points { names: Vec::new(), labels: columns.label.map(|_| Vec::new()), rows: Vec::new() };
    for record in reader.records() {
        let record = record.map_err(|error| {
            about(error.position().map_or(0, csv::Position::line), error.to_string())
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: usize| record.get(column).unwrap_or("");
        let number = |&column: &usize| {
            let value = cell(column).parse::<f64>().ok().filter(|value| value.is_finite());
            value.ok_or_else(|| {
                let name = header.get(column).unwrap_or("");
                about(
                    line,
                    format!("column `{name}`: found `{}`, expected a finite number", cell(column)),
                )
            })
        };
        points.rows.push(columns.features.iter().map(number).collect::<Result<_, _>>()?);
        let position = points.rows.len() - 1;
        points
            .names
            .push(columns.name.map_or(position.to_string(), |column| cell(column).to_owned()));
        if let (Some(column), Some(labels)) = (columns.label, &mut points.labels) {
            let label = cell(column).parse::<usize>().ok().filter(|label| *label < model.classes);
            labels.push(label.ok_or_else(|| {
                about(
                    line,
                    format!("label `{}`: expected a class below {}", cell(column), model.classes),
                )
            })?);
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
        } else if index == 0 && matches!(name, "row" | "idx") {
            columns.name = Some(column);
        } else if index == 0 && name == "label" {
            columns.label = Some(column);
        } else {
            let expected = expected.unwrap_or("no further column");
            return Err(format!("column {}: found `{name}`, expected `{expected}`", column + 1));
        }
    }
    let (found, expected) = (columns.features.len(), model.schema.len());
    if found == expected {
        Ok(columns)
    } else {
        Err(format!("found {found} feature columns, the model has {expected}"))
    }
}
