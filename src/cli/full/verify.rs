//! Statements of another tool about points, compared with an imported model row by row.

use std::path::Path;

use crate::model::{Model, Point, Precision, argmax, csv_error, line_at};

use super::points::read_points;
use super::{Refusal, files};

/// Most disagreeing rows that are shown.
const SHOWN: usize = 5;

/// Number of rows that agree, and the first rows that do not.
pub(crate) struct Verified {
    pub(crate) agree: usize,
    pub(crate) of: usize,
    /// The first rows that disagree, in words.
    differ: Vec<String>,
}

impl Verified {
    pub(crate) fn is_whole(&self) -> bool {
        self.agree == self.of
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} of {} rows agree with what is expected\n", self.agree, self.of);
        self.differ.iter().for_each(|row| text.push_str(&format!("  {row}\n")));
        text
    }
}

/// Compares labels and margins of the points with those of the file of expectations. Every number must be equal.
pub(crate) fn verify(model: &Model, points: &Path, expect: &Path) -> Result<Verified, Refusal> {
    let rows = read_points(points, model)?;
    let table = Expectations::read(expect, model)?;
    if rows.rows.is_empty() || table.rows.len() != rows.rows.len() {
        return Err(Refusal::new(format!(
            "--expect {}: {} rows, --verify {} has {}; expected one for every point, at least one",
            expect.display(),
            table.rows.len(),
            points.display(),
            rows.rows.len()
        )));
    }
    let (mut agree, mut differ) = (0, Vec::new());
    for ((point, name), expected) in rows.rows.iter().zip(&rows.names).zip(&table.rows) {
        let given = Given::of(model, point)?;
        let wrong = table
            .columns
            .iter()
            .zip(expected)
            .find(|(column, text)| !given.is(column, text, table.is_bits));
        match wrong {
            None => agree += 1,
            Some((column, text)) if differ.len() < SHOWN => {
                let found = given.shown(column, table.is_bits);
                differ.push(format!("row {name}: {} is {found}, expected {text}", column.name()));
            }
            Some(_) => {}
        }
    }
    Ok(Verified { agree, of: rows.rows.len(), differ })
}

/// The content of a column of expectations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExpectedColumn {
    Label,
    /// The margin of class 1 over class 0, or the plain score.
    Margin,
    /// The sum of a class.
    Sum(usize),
}

impl ExpectedColumn {
    fn name(self) -> String {
        match self {
            Self::Label => "label".to_owned(),
            Self::Margin => "margin".to_owned(),
            Self::Sum(class) => format!("margin_{class}"),
        }
    }

    fn of(name: &str, model: &Model) -> Option<Self> {
        match name {
            "label" if !model.is_plain_score() => Some(Self::Label),
            "margin" if model.classes <= 2 => Some(Self::Margin),
            // the heading that `predict` writes
            "score" if model.is_plain_score() => Some(Self::Margin),
            _ if model.classes <= 2 => None,
            _ => {
                let class = name.strip_prefix("margin_").or_else(|| name.strip_prefix("bits"));
                let class = class?.parse().ok()?;
                (class < model.classes).then_some(Self::Sum(class))
            }
        }
    }
}

/// The file of expectations; every cell has the kind of its column.
struct Expectations {
    columns: Vec<ExpectedColumn>,
    rows: Vec<Vec<String>>,
    /// True if margins are the bits of 32-bit floats.
    is_bits: bool,
}

impl Expectations {
    fn read(path: &Path, model: &Model) -> Result<Self, Refusal> {
        let bytes = files::read(path)?;
        let file = path.display().to_string();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let header = reader.headers().map_err(|error| csv_error(&file, &bytes, &error))?.clone();
        let mut columns = Vec::new();
        for name in &header {
            let column =
                ExpectedColumn::of(name.trim(), model).filter(|column| !columns.contains(column));
            columns.push(column.ok_or_else(|| {
                Refusal::new(format!(
                    "{file}, line 1: found column `{name:.40}`, expected {}",
                    expected(model)
                ))
            })?);
        }
        let (mut rows, mut lines) = (Vec::new(), Vec::new());
        for record in reader.records() {
            let record = record.map_err(|error| csv_error(&file, &bytes, &error))?;
            lines.push(line_at(&bytes, record.position()));
            rows.push(record.iter().map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
        }
        let margins = rows.iter().flat_map(|row| columns.iter().zip(row));
        let mut margins =
            margins.filter(|(column, _)| **column != ExpectedColumn::Label).peekable();
        let is_bits = margins.peek().is_some() && margins.all(|(_, cell)| bits(cell).is_some());
        if is_bits && model.precision != Precision::F32 {
            return Err(Refusal::new(format!(
                "{file}: margins of 8 hexadecimal digits are those of 32-bit floats; this model adds in 64 bits: \
                 expected decimals"
            )));
        }
        let table = Self { columns, rows, is_bits };
        for (row, line) in table.rows.iter().zip(lines) {
            for (column, cell) in table.columns.iter().zip(row) {
                let is_read = match column {
                    ExpectedColumn::Label => {
                        cell.parse::<usize>().is_ok_and(|label| label < model.classes)
                    }
                    ExpectedColumn::Margin | ExpectedColumn::Sum(_) => {
                        is_bits || cell.parse::<f64>().is_ok_and(f64::is_finite)
                    }
                };
                if !is_read {
                    return Err(Refusal::new(format!(
                        "{file}, line {line}, column `{}`: found `{cell:.40}`, expected a class of the model, a \
                         decimal, or in every row the 8 hexadecimal digits of --margin-bits",
                        column.name()
                    )));
                }
            }
        }
        Ok(table)
    }
}

fn expected(model: &Model) -> String {
    match model.classes {
        1 => "`margin`, the score".to_owned(),
        2 => "`label`, `margin` or both".to_owned(),
        classes => format!("`label`, or `margin_0` to `margin_{}`, or both", classes - 1),
    }
}

/// The float with these bits, in hexadecimal digits.
fn bits(cell: &str) -> Option<f32> {
    let is_hexadecimal = cell.len() == 8 && cell.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hexadecimal.then(|| u32::from_str_radix(cell, 16).ok().map(f32::from_bits)).flatten()
}

/// The model's answer to a point: as served in f32, else in f64.
struct Given {
    label: usize,
    /// The scores in f64, which holds every f32.
    scores: Vec<f64>,
    margin: f64,
    is_single: bool,
}

impl Given {
    fn of(model: &Model, point: &[f64]) -> Result<Self, Refusal> {
        if model.precision == Precision::F64 {
            let (scores, label, margin) =
                (model.scores(point), model.label(point), model.margin(point));
            return Ok(Self { label, scores, margin, is_single: false });
        }
        let exact =
            Point::from_floats(point).ok_or_else(|| Refusal::new("a point is not finite"))?;
        let scores = model.served_scores(&exact);
        let margin = match scores.as_slice() {
            [zero, one] => one - zero,
            [score] => *score,
            _ => f32::NAN,
        };
        let label = argmax(&scores, model.tie);
        let scores = scores.into_iter().map(f64::from).collect();
        Ok(Self { label, scores, margin: margin.into(), is_single: true })
    }

    /// The number that belongs to a column; `None` for the label.
    fn number(&self, column: &ExpectedColumn) -> Option<f64> {
        match column {
            ExpectedColumn::Label => None,
            ExpectedColumn::Margin => Some(self.margin),
            ExpectedColumn::Sum(class) => {
                Some(self.scores.get(*class).copied().unwrap_or(f64::NAN))
            }
        }
    }

    /// True if a cell states the same value. The sign of a zero does not count.
    fn is(&self, column: &ExpectedColumn, cell: &str, is_bits: bool) -> bool {
        let Some(number) = self.number(column) else { return cell.parse() == Ok(self.label) };
        match (is_bits, self.is_single) {
            (true, _) => bits(cell).map(f64::from) == Some(number),
            (false, true) => cell.parse::<f32>().map(f64::from) == Ok(number),
            (false, false) => cell.parse() == Ok(number),
        }
    }

    fn shown(&self, column: &ExpectedColumn, is_bits: bool) -> String {
        let Some(number) = self.number(column) else { return self.label.to_string() };
        match (is_bits, self.is_single) {
            (true, _) => format!("{:08x}", (number as f32).to_bits()),
            (false, true) => (number as f32).to_string(),
            (false, false) => number.to_string(),
        }
    }
}
