//! The tables of a run, topic by topic, as text in cells. The terminal and the page lay them out.
//!
//! A table holds one kind of evidence, which its heading names: decided by the kernel, sampled, or
//! measured. No table mixes them but the frontier's, whose columns say which they are.

mod certified;
mod defenses;
mod frontier;
mod radii;
mod stealing;

use super::format::{NONE, claim, estimate_percent, integer, observed, of, share};
use super::{AttackReport, Counts, DataSummary, ModelReport, Run};
use certified::{gives_away, proved, sampled};
use defenses::defenses;
use frontier::frontier;
use radii::radii;
use stealing::stealing;

/// The topic of a section; it selects the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Topic {
    Frontier,
    Accuracy,
    Proved,
    Sampled,
    Radii,
    Stealing,
    GivesAway,
    Defenses,
}

/// One topic of a run.
#[derive(Clone, Debug)]
pub(in crate::report) struct Section {
    pub topic: Topic,
    pub title: &'static str,
    /// Kind of evidence for the figures.
    pub evidence: &'static str,
    /// Text on the content of the section, and on the way to take it.
    pub intro: &'static str,
    pub tables: Vec<Table>,
}

/// A table of text cells; every row has one cell per column.
#[derive(Clone, Debug)]
pub(in crate::report) struct Table {
    pub caption: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    /// True if the table is shown on the page only, because a terminal has no room for its details.
    pub page_only: bool,
}

/// The content of the cells of a column, which decides their layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum CellKind {
    Text,
    /// Right-aligned and never broken.
    Number,
    /// A property with its parameters in parentheses.
    Claim,
    /// A path that leads from the report's folder.
    File,
}

/// The heading of a column, and the kind of cell below it.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Column {
    pub name: &'static str,
    pub kind: CellKind,
}

impl Column {
    pub const fn text(name: &'static str) -> Self {
        Self { name, kind: CellKind::Text }
    }

    pub const fn number(name: &'static str) -> Self {
        Self { name, kind: CellKind::Number }
    }

    const fn claim(name: &'static str) -> Self {
        Self { name, kind: CellKind::Claim }
    }

    pub const fn file(name: &'static str) -> Self {
        Self { name, kind: CellKind::File }
    }
}

impl Table {
    pub fn new(caption: impl Into<String>, columns: &[Column], rows: Vec<Vec<String>>) -> Self {
        debug_assert!(rows.iter().all(|row| row.len() == columns.len()));
        Self { caption: caption.into(), columns: columns.to_vec(), rows, page_only: false }
    }

    fn details(caption: &str, columns: &[Column], rows: Vec<Vec<String>>) -> Self {
        Self { page_only: true, ..Self::new(caption, columns, rows) }
    }
}

/// The sections of a run that are not empty, in reading order.
pub(in crate::report) fn sections(run: &Run) -> Vec<Section> {
    let by_topic = [
        frontier(run),
        accuracy(run),
        proved(run),
        sampled(run),
        radii(run),
        stealing(run),
        gives_away(run),
        defenses(run),
    ];
    by_topic
        .into_iter()
        .map(|mut section| {
            section.tables.retain(|table| !table.rows.is_empty());
            section
        })
        .filter(|section| !section.tables.is_empty())
        .collect()
}

/// Tables over all runs, for a reader who compares data sets; empty for a single run.
pub(in crate::report) fn overview(runs: &[Run]) -> Vec<Table> {
    if runs.len() < 2 {
        return Vec::new();
    }
    let models = || runs.iter().flat_map(|run| run.models.iter().map(move |model| (run, model)));
    let measured = models().map(|(run, model)| {
        let heldout = |attack: &AttackReport| attack.agreement.heldout;
        let best = model.attacks.iter().map(heldout).max_by(|a, b| a.mean.total_cmp(&b.mean));
        let best = best.map_or_else(|| NONE.to_owned(), |best| estimate_percent(&best));
        let f1 = format!("{:.3}", model.f1);
        vec![data_name(run), model.name.clone(), share(model.accuracy), f1, best]
    });
    let proved = models().flat_map(|(run, model)| {
        model.certificates.iter().map(move |certificate| {
            let start = [data_name(run), model.name.clone(), claim(&certificate.claim)];
            // n, proved and both ends; the run's own table has the rest
            let counts = count_cells(certificate.counts);
            start.into_iter().chain([0, 1, 6, 7].map(|cell| counts[cell].clone())).collect()
        })
    });
    vec![
        Table::new("Measured on the test parts", &OVERVIEW_COLUMNS, measured.collect()),
        Table::new("Decided by the kernel", &OVERVIEW_PROVED_COLUMNS, proved.collect()),
    ]
}

const OVERVIEW_COLUMNS: [Column; 5] = [
    Column::text("data"),
    Column::text("model"),
    Column::number("accuracy"),
    Column::number("F1"),
    Column::number("best thief, held-out"),
];

const OVERVIEW_PROVED_COLUMNS: [Column; 7] = [
    Column::text("data"),
    Column::text("model"),
    Column::claim("claim"),
    Column::number("n"),
    Column::number("proved"),
    Column::number("CA ≥"),
    Column::number("CA ≤"),
];

/// The name of a data set; a synthetic one is marked.
fn data_name(run: &Run) -> String {
    format!("{}{}", run.data.name, if run.data.synthetic { " (synthetic)" } else { "" })
}

fn accuracy(run: &Run) -> Section {
    let columns = [
        Column::text("model"),
        Column::text("size"),
        Column::number("accuracy"),
        Column::number("correct"),
        Column::number("F1"),
    ];
    let row = |model: &ModelReport| {
        vec![
            model.name.clone(),
            model.size.clone(),
            share(model.accuracy),
            of(model.accuracy),
            format!("{:.3}", model.f1),
        ]
    };
    Section {
        topic: Topic::Accuracy,
        title: "Accuracy",
        evidence: "measured on the test part",
        intro: "How good the models are before anybody attacks or defends them. \
                F1 takes the minority class of the training rows as positive.",
        tables: vec![
            Table::new(largest_class(&run.data), &columns, run.models.iter().map(row).collect()),
            Table::details(
                "The models",
                &MODEL_COLUMNS,
                run.models.iter().map(model_row).collect(),
            ),
        ],
    }
}

/// The accuracy of always answering the largest class, in a sentence; empty if classes are not counted.
fn largest_class(data: &DataSummary) -> String {
    match data.largest_class() {
        share if share.of > 0 => format!("The largest class has {} rows.", observed(share)),
        _ => String::new(),
    }
}

const MODEL_COLUMNS: [Column; 3] =
    [Column::text("model"), Column::text("family"), Column::file("file")];

fn model_row(model: &ModelReport) -> Vec<String> {
    vec![model.name.clone(), model.family.clone(), file(&model.file)]
}

/// n, proved, refuted, undecided, vacuous, invalid and both ends of constraint accuracy.
fn count_cells(counts: Counts) -> Vec<String> {
    let numbers = [
        counts.n(),
        counts.proved,
        counts.refuted,
        counts.undecided,
        counts.vacuous,
        counts.invalid,
    ];
    numbers.map(integer).into_iter().chain(accuracy_ends(counts)).collect()
}

/// Both ends of constraint accuracy, rounded outward: also where nothing is undecided and they are one share, whose count
/// stands beside them.
fn accuracy_ends(counts: Counts) -> [String; 2] {
    [counts.lower(), counts.upper()].map(|end| end.unwrap_or_else(|| NONE.to_owned()))
}

fn file(file: &Option<String>) -> String {
    file.clone().unwrap_or_else(|| NONE.to_owned())
}
