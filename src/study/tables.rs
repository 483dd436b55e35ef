//! Tables of a study, as CSV and as Markdown, made while its lines are read: no more than the attacks on one model are
//! held at a time.
//!
//! | table | one row per |
//! |---|---|
//! | `models` | model and defense |
//! | `certified` | certificate |
//! | `stolen` | attack: means over its repetitions |
//! | `paired` | attack and the runs it is compared with, repetition by repetition |
//! | `left-out` | cell without a result |

use std::collections::BTreeMap;
use std::path::Path;

use crate::report::{CertificateReport, Difference, Estimate, Report, Run, render_html};
use crate::steal::{Figures, Inference, Repetition, Scores};
use crate::store::{Growing, Store, StoreError};

use super::StudyError;
use super::assemble::ModelLines;
use super::cell::{Cell, Layout, Work};
use super::ledger::{PAGE, StudyHeader, StudyLines};
use super::line::{CellResult, DefendedCell, MeasuredCell, ResultLine, StolenCell};

/// Most cells of a study that has a page: a page with more rows is read by nobody.
const MAX_PAGE: u64 = 5_000;

/// A table with its columns.
#[derive(Debug)]
pub struct TableKind {
    /// The name of its files.
    pub name: &'static str,
    /// The columns.
    pub columns: &'static [&'static str],
}

/// The tables, in the order of the page above.
pub const TABLES: [TableKind; 5] = [
    TableKind {
        name: "models",
        columns: &[
            "data",
            "model",
            "defense",
            "family",
            "size",
            "digest",
            "correct",
            "of",
            "f1",
            "strength",
            "labels_changed",
            "posterior_shift",
        ],
    },
    TableKind {
        name: "certified",
        columns: &[
            "data",
            "model",
            "defense",
            "property",
            "claim",
            "parameters",
            "semantics",
            "part",
            "n",
            "proved",
            "refuted",
            "undecided",
            "vacuous",
            "invalid",
            "at_least",
            "at_most",
            "sampled",
            "checked",
        ],
    },
    TableKind {
        name: "stolen",
        columns: &[
            "data",
            "model",
            "defense",
            "attack",
            "repetitions",
            "budget",
            "seeds",
            "asked",
            "inferred",
            "wrong",
            "heldout",
            "heldout_sd",
            "uniform",
            "uniform_sd",
            "boundary",
            "boundary_sd",
            "mse",
            "f1",
        ],
    },
    TableKind {
        name: "paired",
        columns: &[
            "data",
            "model",
            "defense",
            "attack",
            "minus",
            "pairs",
            "heldout",
            "heldout_low",
            "heldout_high",
            "uniform",
            "uniform_low",
            "uniform_high",
            "boundary",
            "boundary_low",
            "boundary_high",
        ],
    },
    TableKind { name: "left-out", columns: &["data", "model", "defense", "cell", "end", "reason"] },
];

/// Places of the tables in [`TABLES`].
const MODELS: usize = 0;
const CERTIFIED: usize = 1;
const STOLEN: usize = 2;
const PAIRED: usize = 3;
const LEFT_OUT: usize = 4;

/// The tables that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenTables {
    /// The tables with their numbers of rows.
    pub rows: Vec<(&'static str, u64)>,
    /// True if every certificate was confirmed, no inferred label was wrong, and no cell failed.
    pub is_as_stated: bool,
    /// Reason why there is no page; `None` if there is one.
    pub without_page: Option<String>,
}

/// Writes the tables of a study into its folder, and a page if that is not too long.
///
/// # Errors
/// Lines that cannot be read, tables that cannot be written.
pub fn tables(folder: &Path) -> Result<WrittenTables, StudyError> {
    let header = StudyHeader::read(folder)?;
    let mut lines = StudyLines::open(folder)?;
    let mut making = Making::new(folder, &header)?;
    let mut read = 0;
    while let Some((cell, line, _)) = lines.next(&header.layout)? {
        read += 1;
        making.take(cell, line)?;
    }
    if read != header.own_cells() {
        let path = folder.join(super::CELLS).display().to_string();
        let reason = format!(
            "has {read} lines; expected {}, one a cell: run the study again with --resume",
            header.own_cells()
        );
        return Err(StudyError::Unreadable { path, reason });
    }
    making.finish(folder)
}

/// A value of a table.
enum TableEntry {
    Text(String),
    Count(u64),
    Real(f64),
    Nothing,
}

impl From<&str> for TableEntry {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<f64>> for TableEntry {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Nothing, Self::Real)
    }
}

impl TableEntry {
    fn csv(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Real(value) => value.to_string(),
            Self::Nothing => String::new(),
        }
    }

    /// Rounded for reading; a bar would end the cell.
    fn markdown(&self) -> String {
        match self {
            Self::Text(text) => text.replace('|', "\\|").replace(['\n', '\r'], " "),
            Self::Count(count) => count.to_string(),
            Self::Real(value) => format!("{value:.4}"),
            Self::Nothing => String::new(),
        }
    }
}

/// A table that grows.
struct GrowingTable {
    name: &'static str,
    csv: Growing,
    markdown: Growing,
    rows: u64,
}

impl GrowingTable {
    fn new(folder: &Path, kind: &TableKind) -> Result<Self, StudyError> {
        let place = |ending: &str| folder.join(format!("{}.{ending}", kind.name));
        let (csv, markdown) = (Growing::new(&place("csv"))?, Growing::new(&place("md"))?);
        let mut table = Self { name: kind.name, csv, markdown, rows: 0 };
        table
            .write(&kind.columns.iter().map(|name| TableEntry::from(*name)).collect::<Vec<_>>())?;
        let rule: String = kind.columns.iter().map(|_| "|---").collect();
        table.markdown.add(format!("{rule}|\n").as_bytes())?;
        Ok(table)
    }

    fn write(&mut self, row: &[TableEntry]) -> Result<(), StudyError> {
        const WRITTEN: &str = "memory takes a record";
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(row.iter().map(TableEntry::csv)).expect(WRITTEN);
        self.csv.add(&writer.into_inner().expect(WRITTEN))?;
        let cells: String = row.iter().map(|entry| format!("| {} ", entry.markdown())).collect();
        Ok(self.markdown.add(format!("{cells}|\n").as_bytes())?)
    }

    fn add(&mut self, row: &[TableEntry]) -> Result<(), StudyError> {
        self.rows += 1;
        self.write(row)
    }
}

/// One attack behind one defense, with its repetitions so far.
struct Group {
    cell: Cell,
    attack: usize,
    first: StolenCell,
    repetitions: Vec<(u64, Repetition)>,
}

/// Tables that are being made.
struct Making<'a> {
    header: &'a StudyHeader,
    tables: Vec<GrowingTable>,
    group: Option<Group>,
    /// The scores of the attacks on the model without a defense, by attack and repetition.
    open: BTreeMap<(usize, u64), Scores>,
    /// The lines of the model, for the page.
    lines: Vec<(Cell, ResultLine)>,
    page: Result<Vec<Run>, String>,
    is_as_stated: bool,
}

impl<'a> Making<'a> {
    fn new(folder: &Path, header: &'a StudyHeader) -> Result<Self, StudyError> {
        let tables = TABLES.iter().map(|kind| GrowingTable::new(folder, kind));
        let run = |data: &crate::report::DataSummary| Run {
            data: data.clone(),
            seed: header.seed,
            tool: Some(header.tool.clone()),
            models: Vec::new(),
            notes: Vec::new(),
        };
        let page = match header.own_cells() {
            few if few <= MAX_PAGE => Ok(header.data.iter().map(run).collect()),
            many => Err(format!("{many} cells are too many for one; at most {MAX_PAGE}")),
        };
        Ok(Self {
            header,
            tables: tables.collect::<Result<_, _>>()?,
            group: None,
            open: BTreeMap::new(),
            lines: Vec::new(),
            page,
            is_as_stated: true,
        })
    }

    fn layout(&self) -> &'a Layout {
        &self.header.layout
    }

    /// Adds a line.
    fn take(&mut self, cell: Cell, line: ResultLine) -> Result<(), StudyError> {
        self.is_as_stated &= line.is_as_stated();
        let is_of_group = |group: &Group| {
            let is_attack =
                matches!(cell.work, Work::Steal { attack, .. } if attack == group.attack);
            is_attack && is_same_model(&cell, &group.cell) && cell.defense == group.cell.defense
        };
        if self.group.as_ref().is_some_and(|group| !is_of_group(group)) {
            self.end_group()?;
        }
        if self.lines.last().is_some_and(|(last, _)| !is_same_model(last, &cell)) {
            self.end_model();
        }
        self.row(&cell, &line)?;
        // without a page only the last line is held, to see where the model ends
        if self.page.is_err() {
            self.lines.clear();
        }
        self.lines.push((cell, line));
        Ok(())
    }

    /// The row of a line; repetitions wait for the last of their attack.
    fn row(&mut self, cell: &Cell, line: &ResultLine) -> Result<(), StudyError> {
        let mut row = self.names(cell);
        match (&line.result, cell.work) {
            (CellResult::Certified(one), Work::Certify { property }) => {
                row.push(self.layout().properties.get(property).map_or("", String::as_str).into());
                row.extend(certified(&one.report));
                self.tables[CERTIFIED].add(&row)
            }
            (CellResult::Stolen(stolen), Work::Steal { attack, repetition }) => {
                if cell.defense.is_none() {
                    self.open.insert((attack, repetition), stolen.figures.attack.scores);
                }
                let (cell, first) = (*cell, StolenCell::clone(stolen));
                let group = self.group.get_or_insert(Group {
                    cell,
                    attack,
                    first,
                    repetitions: Vec::new(),
                });
                group.repetitions.push((repetition, stolen.figures));
                Ok(())
            }
            (CellResult::Measured(measured), _) => {
                row.extend(model_row(line, measured));
                self.tables[MODELS].add(&row)
            }
            (CellResult::Defended(defended), _) => {
                row.extend(defense_row(line, defended));
                self.tables[MODELS].add(&row)
            }
            (CellResult::LeftOut { reason }, _) => self.left_out(cell, row, "left out", reason),
            (CellResult::Failed { reason }, _) => self.left_out(cell, row, "failed", reason),
            (CellResult::Certified(_) | CellResult::Stolen(_), _) => {
                self.left_out(cell, row, "failed", "the result is of another kind than the cell")
            }
        }
    }

    fn left_out(
        &mut self,
        cell: &Cell,
        mut row: Vec<TableEntry>,
        end: &str,
        reason: &str,
    ) -> Result<(), StudyError> {
        let key = self.layout().key(cell);
        // behind data, model and defense
        let work = key.splitn(4, '/').nth(3).unwrap_or_default();
        row.extend([work.into(), end.into(), reason.into()]);
        self.tables[LEFT_OUT].add(&row)
    }

    /// Data, model and defense.
    fn names(&self, cell: &Cell) -> Vec<TableEntry> {
        let layout = self.layout();
        let defense = cell.defense.and_then(|defense| layout.defenses.get(defense));
        let (data, model) = (layout.data.get(cell.data), layout.models.get(cell.model));
        let name = |name: Option<&String>| TableEntry::from(name.map_or("none", String::as_str));
        vec![name(data), name(model), name(defense)]
    }

    /// The rows of an attack, all of whose repetitions are there.
    fn end_group(&mut self) -> Result<(), StudyError> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let attack = self.layout().attacks.get(group.attack).map_or("", String::as_str);
        let mut row = self.names(&group.cell);
        row.push(attack.into());
        row.extend(group.row()?);
        self.tables[STOLEN].add(&row)?;
        for (minus, pairs) in group.compared(&self.open) {
            if pairs.is_empty() {
                continue;
            }
            let mut row = self.names(&group.cell);
            row.extend([attack.into(), minus.into(), TableEntry::Count(pairs.len() as u64)]);
            row.extend(differences(&pairs)?);
            self.tables[PAIRED].add(&row)?;
        }
        Ok(())
    }

    /// The entry of a model on the page.
    fn end_model(&mut self) {
        self.open.clear();
        let lines = std::mem::take(&mut self.lines);
        let (Some((cell, _)), Ok(runs)) = (lines.first(), &mut self.page) else { return };
        let layout = &self.header.layout;
        let model = match (ModelLines { layout, lines: &lines }).report() {
            Ok(model) => model,
            Err(error) => {
                self.page = Err(error.to_string());
                return;
            }
        };
        let Some(run) = runs.get_mut(cell.data) else { return };
        run.models.extend(model);
        let is_open = |(_, line): &&(Cell, ResultLine)| {
            matches!(line.result, CellResult::LeftOut { .. } | CellResult::Failed { .. })
        };
        let open = lines.iter().filter(is_open).count();
        if open > 0 {
            let model = layout.models.get(cell.model).map_or("", String::as_str);
            run.notes.push(format!(
                "{open} cells of {model} have no result; the table left-out says why."
            ));
        }
    }

    fn finish(mut self, folder: &Path) -> Result<WrittenTables, StudyError> {
        self.end_group()?;
        self.end_model();
        let mut rows = Vec::with_capacity(self.tables.len());
        for table in self.tables {
            table.csv.publish()?;
            table.markdown.publish()?;
            rows.push((table.name, table.rows));
        }
        let page = self.page.and_then(|runs| {
            render_html(&Report::new("propcert study", runs)).map_err(|error| error.to_string())
        });
        let without_page = match page {
            Ok(page) => {
                Store::new(folder)?.write(PAGE, page.as_bytes())?;
                None
            }
            Err(reason) => {
                let place = folder.join(PAGE);
                if place.exists() {
                    std::fs::remove_file(&place).map_err(StoreError::about(&place))?;
                }
                Some(reason)
            }
        };
        Ok(WrittenTables { rows, is_as_stated: self.is_as_stated, without_page })
    }
}

fn is_same_model(one: &Cell, other: &Cell) -> bool {
    (one.data, one.model) == (other.data, other.model)
}

/// The columns of a certificate behind its names.
fn certified(report: &CertificateReport) -> Vec<TableEntry> {
    let counts = report.counts;
    let share = |count: u64| (counts.n() > 0).then(|| count as f64 / counts.n() as f64);
    let sampled = report.sampled.as_ref().and_then(|sampled| sampled.satisfied.ratio());
    vec![
        report.claim.property.as_str().into(),
        report.claim.parameters.as_str().into(),
        report.semantics.as_str().into(),
        report.part.as_deref().unwrap_or_default().into(),
        TableEntry::Count(counts.n()),
        TableEntry::Count(counts.proved),
        TableEntry::Count(counts.refuted),
        TableEntry::Count(counts.undecided),
        TableEntry::Count(counts.vacuous),
        TableEntry::Count(counts.invalid),
        share(counts.proved).into(),
        share(counts.n() - counts.refuted).into(),
        sampled.into(),
        report.checked.to_string().as_str().into(),
    ]
}

/// The columns of a model behind its names.
fn model_row(line: &ResultLine, measured: &MeasuredCell) -> Vec<TableEntry> {
    vec![
        measured.family.as_str().into(),
        measured.size.as_str().into(),
        line.model.map_or(TableEntry::Nothing, |digest| TableEntry::Text(digest.to_string())),
        TableEntry::Count(measured.accuracy.count),
        TableEntry::Count(measured.accuracy.of),
        TableEntry::Real(measured.f1),
        TableEntry::Nothing,
        TableEntry::Nothing,
        TableEntry::Nothing,
    ]
}

/// The columns of a defended model behind its names.
fn defense_row(line: &ResultLine, defended: &DefendedCell) -> Vec<TableEntry> {
    vec![
        TableEntry::Nothing,
        TableEntry::Nothing,
        line.model.map_or(TableEntry::Nothing, |digest| TableEntry::Text(digest.to_string())),
        TableEntry::Count(defended.accuracy_after.count),
        TableEntry::Count(defended.accuracy_after.of),
        TableEntry::Nothing,
        defended.strength.as_str().into(),
        TableEntry::Count(defended.label_flips.count),
        TableEntry::Real(defended.posterior_shift),
    ]
}

/// ScorePairs of scores, one per repetition.
type ScorePairs = Vec<(Scores, Scores)>;

impl Group {
    /// Means over the repetitions.
    fn row(&self) -> Result<Vec<TableEntry>, StudyError> {
        let figures: Vec<Figures> = self.repetitions.iter().map(|(_, one)| one.attack).collect();
        let sum =
            |value: &dyn Fn(&Figures) -> usize| figures.iter().map(value).sum::<usize>() as u64;
        let mut row = vec![
            TableEntry::Count(figures.len() as u64),
            TableEntry::Count(self.first.budget),
            TableEntry::Count(self.first.seeds),
            TableEntry::Count(sum(&|one| one.queries)),
            TableEntry::Count(sum(&|one| one.inferred)),
            TableEntry::Count(sum(&|one| one.wrong)),
        ];
        for set in SETS {
            let values: Option<Vec<f64>> = figures.iter().map(|one| set(&one.scores)).collect();
            let estimate = values.map(|values| Estimate::from_repetitions(&values)).transpose()?;
            row.push(estimate.map(|estimate| estimate.mean).into());
            row.push(estimate.and_then(|estimate| estimate.sd).into());
        }
        for value in [|one: &Figures| one.scores.mse, |one: &Figures| one.scores.f1] {
            let values: Vec<f64> = figures.iter().map(value).collect();
            row.push(TableEntry::Real(Estimate::from_repetitions(&values)?.mean));
        }
        Ok(row)
    }

    /// The runs that the attack is compared with. Repetitions without a partner are left out.
    fn compared(&self, open: &BTreeMap<(usize, u64), Scores>) -> Vec<(&'static str, ScorePairs)> {
        let pairs = |other: &dyn Fn(u64, &Repetition) -> Option<Scores>| -> ScorePairs {
            let pair = |(at, one): &(u64, Repetition)| {
                other(*at, one).map(|other| (one.attack.scores, other))
            };
            self.repetitions.iter().filter_map(pair).collect()
        };
        let mut compared = Vec::new();
        if self.first.inference != Inference::None.name() {
            compared
                .push(("every label paid", pairs(&|_, one| Some(one.without_inference.scores))));
            compared.push((
                "every label paid, equal steps",
                pairs(&|_, one| one.same_steps.map(|figures| figures.scores)),
            ));
        }
        if self.cell.defense.is_some() {
            let attack = self.attack;
            compared.push(("no defense", pairs(&|at, _| open.get(&(attack, at)).copied())));
        }
        compared
    }
}

/// Agreement on held-out rows, uniform points and points next to the boundary.
const SETS: [fn(&Scores) -> Option<f64>; 3] = [
    |scores| Some(scores.agreement.held_out),
    |scores| Some(scores.agreement.uniform),
    |scores| scores.agreement.boundary,
];

/// Mean paired differences of agreement with their 95% Student-t intervals.
fn differences(pairs: &ScorePairs) -> Result<Vec<TableEntry>, StudyError> {
    let mut row = Vec::new();
    for set in SETS {
        let of = |side: fn(&(Scores, Scores)) -> &Scores| -> Option<Vec<f64>> {
            pairs.iter().map(|pair| set(side(pair))).collect()
        };
        let difference = match (of(|pair| &pair.0), of(|pair| &pair.1)) {
            (Some(one), Some(other)) => Some(Difference::from_pairs(&one, &other)?),
            _ => None,
        };
        let interval = difference.and_then(|difference| difference.interval);
        row.push(difference.map(|difference| difference.mean).into());
        row.push(interval.map(|[low, _]| low).into());
        row.push(interval.map(|[_, high]| high).into());
    }
    Ok(row)
}
