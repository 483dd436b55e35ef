//! Distances of rows to the nearest change of label.

use super::{Column, Section, Table, Topic};
use crate::report::format::{NONE, of, share};
use crate::report::{ModelReport, Run, Share};

const COLUMNS: [Column; 7] = [
    Column::text("model"),
    Column::number("exact"),
    Column::number("zero radii"),
    Column::number("of all"),
    Column::number("25% ≤"),
    Column::number("median"),
    Column::number("75% ≤"),
];

pub(super) fn radii(run: &Run) -> Section {
    Section {
        topic: Topic::Radii,
        title: "Radii",
        evidence: "searched exactly, not certified",
        intro: "How far test rows, at equal steps, lie from the nearest input with another label: the change of the \
                feature that changes most, in standard deviations, over real inputs within the declared \
                ranges. A quarter of the rows have at most the radius under 25% ≤, and so on; a radius of 0 \
                means that the row lies on a threshold. Rows outside the ranges are left out, and where the \
                search ended early its lower bound counts. Ensembles only; propcert radius --certificates \
                writes a certificate for every row.",
        tables: vec![Table::new("", &COLUMNS, run.models.iter().filter_map(row).collect())],
    }
}

fn row(model: &ModelReport) -> Option<Vec<String>> {
    let radii = model.radii.as_ref()?;
    let counted = |count| Share::new(count, radii.rows);
    let zero = counted(radii.zero);
    let quartile = |radius: Option<f64>| radius.map_or_else(|| NONE.to_owned(), significant);
    let start = [model.name.clone(), of(counted(radii.exact)), of(zero), share(zero)];
    Some(start.into_iter().chain(radii.quartiles.map(quartile)).collect())
}

/// A radius in three digits, such as 0.0123 or 1.23; more are of no use here.
fn significant(radius: f64) -> String {
    match radius {
        0.0 => "0".to_owned(),
        radius if radius < 1e-3 => format!("{radius:.2e}"),
        radius => format!("{radius:.*}", (2.0 - radius.log10().floor()).max(0.0) as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_shown() {
        let shown = [0.0, 0.012_345, 0.1, 1.0, 12.345, 1234.5, 1e-12].map(significant);
        assert_eq!(shown, ["0", "0.0123", "0.100", "1.00", "12.3", "1234", "1.00e-12"]);
    }
}
