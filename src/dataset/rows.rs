//! The rows of a part as CSV, for tools that train elsewhere and for commands that read points.

use crate::model::{DataSet, Part, Row};
use crate::text::csv_of;

/// A CSV with the column `label`, then the features by name: the rows of a part in file order, values in raw
/// units as the shortest decimals of the same `f64`.
pub fn rows(data: &DataSet, part: Part) -> String {
    let names = data.meta().features.iter().cloned();
    let header: Vec<String> = std::iter::once("label".to_owned()).chain(names).collect();
    let record = |row: &Row| -> Vec<String> {
        let label = std::iter::once(row.label.to_string());
        label.chain(row.values.iter().map(f64::to_string)).collect()
    };
    csv_of(std::iter::once(header).chain(data.part(part).iter().map(record)))
}
