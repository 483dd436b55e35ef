//! Models and their defended selves between security and theft.

use super::{Column, Section, Table, Topic};
use crate::report::Run;
use crate::report::format::{NONE, claim, of, share};
use crate::report::frontier::{FrontierPoint, frontier_points};

const COLUMNS: [Column; 6] = [
    Column::text("model"),
    Column::text("defense"),
    Column::number("proved"),
    Column::number("best thief"),
    Column::text("by"),
    Column::number("accuracy"),
];

pub(super) fn frontier(run: &Run) -> Section {
    let found = frontier_points(run);
    let tables = found.iter().map(|frontier| {
        let caption = format!("Proved: {}", claim(&frontier.claim));
        Table::new(caption, &COLUMNS, frontier.points.iter().map(row).collect())
    });
    Section {
        topic: Topic::Frontier,
        title: "Security against theft",
        evidence: "proved: by the kernel; thief and accuracy: measured",
        intro: "How much of the claim is proved of each model, and the largest mean agreement on held-out rows that \
                an attack reaches. A good defense moves down; one that moves left gives up what was proved.",
        tables: tables.collect(),
    }
}

fn row(point: &FrontierPoint) -> Vec<String> {
    vec![
        point.model.clone(),
        point.defense.clone().unwrap_or_else(|| NONE.to_owned()),
        of(point.proved),
        format!("{:.1}%", 100.0 * point.thief.1),
        point.thief.0.clone(),
        share(point.accuracy),
    ]
}
