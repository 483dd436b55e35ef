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
//! | `best` | model and defense: the attack with the largest mean agreement on held-out rows, beside the first attack |

mod growing;
mod rows;

use std::collections::BTreeMap;
use std::path::Path;

use crate::report::{DataSummary, Report, Run, render_html};
use crate::steal::{ChosenBy, Scores};
use crate::store::{Store, StoreError};

use super::StudyError;
use super::assemble::ModelLines;
use super::cell::{Cell, Layout, Work};
use super::ledger::{PAGE, StudyHeader, StudyLines};
use super::line::{CellResult, ResultLine, StolenCell};

pub use growing::{TABLES, TableKind};

use growing::{GrowingTable, TableEntry};
use rows::{BestAttack, Group, certified, defense_row, differences, model_row};

/// Most cells of a study that has a page: a page with more rows is read by nobody.
const MAX_PAGE: u64 = 5_000;

/// Places of the tables in [`TABLES`].
const MODELS: usize = 0;
const CERTIFIED: usize = 1;
const STOLEN: usize = 2;
const PAIRED: usize = 3;
const LEFT_OUT: usize = 4;
const BEST: usize = 5;

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

/// Tables that are being made.
struct Making<'a> {
    header: &'a StudyHeader,
    tables: Vec<GrowingTable>,
    group: Option<Group>,
    /// The scores of the attacks on the model without a defense, by attack and repetition.
    open: BTreeMap<(usize, u64), Scores>,
    /// The attacks on one model behind one defense so far.
    best: Option<BestAttack>,
    /// The lines of the model, for the page.
    lines: Vec<(Cell, ResultLine)>,
    page: Result<Vec<Run>, String>,
    is_as_stated: bool,
}

impl<'a> Making<'a> {
    fn new(folder: &Path, header: &'a StudyHeader) -> Result<Self, StudyError> {
        let tables = TABLES.iter().map(|kind| GrowingTable::new(folder, kind));
        let run = |data: &DataSummary| Run {
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
            best: None,
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
        if self.best.as_ref().is_some_and(|best| !best.is_of(&group.cell)) {
            self.end_defense()?;
        }
        let heldout = group.heldout()?;
        // a thief who is told by the target which parameter is best is no thief that exists
        let is_told = group.chosen_by() == Some(ChosenBy::Oracle);
        match &mut self.best {
            Some(best) if !is_told => best.take(attack, heldout),
            None if !is_told => self.best = Some(BestAttack::new(group.cell, attack, heldout)),
            Some(_) | None => {}
        }
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

    /// The row of a model behind a defense, all of whose attacks are there.
    fn end_defense(&mut self) -> Result<(), StudyError> {
        let Some(best) = self.best.take() else { return Ok(()) };
        let mut row = self.names(best.cell());
        row.extend(best.row());
        self.tables[BEST].add(&row)
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
        self.end_defense()?;
        self.end_model();
        let mut rows = Vec::with_capacity(self.tables.len());
        for table in self.tables {
            rows.push(table.publish()?);
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
