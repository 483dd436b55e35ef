//! The rows of a part as CSV, for tools that train elsewhere and for commands that read points.

use crate::model::{DataSet, Part};

/// A CSV with the column `label`, then the features by name: the rows of a part in file order, values in raw
/// units as the shortest decimals of the same `f64`.
pub fn rows(data: &DataSet, part: Part) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = "writing to memory does not fail, and rows are not ragged";
    let names = data.meta().features.iter().map(String::as_str);
    writer.write_record(std::iter::once("label").chain(names)).expect(written);
    for row in data.part(part) {
        let label = std::iter::once(row.label.to_string());
        let cells = label.chain(row.values.iter().map(f64::to_string));
        writer.write_record(cells).expect(written);
    }
    let bytes = writer.into_inner().expect(written);
    String::from_utf8(bytes).expect("names and numbers are text")
}
