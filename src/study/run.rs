//! Runs the cells of a grid, in order, model by model: what cells share is made once, and let go before the next
//! model. Memory does not grow with the number of cells.

use std::borrow::Cow;
use std::path::Path;

use crate::dataset::{self, evenly};
use crate::model::{DataSet, Digest, MAX_BYTES, Model, Part, Row};
use crate::source::read_regular;
use crate::store::Store;
use crate::train::{Fit, HoldOptions, hold};

use super::StudyError;
use super::cell::{Cell, Layout, Shard, Work};
use super::grid::{GridModel, ModelSource, StudyGrid};
use super::line::{CellResult, ResultLine};
use super::workbench::{HELD_OUT, MadeModel, Workbench, expect_met};

/// Most cells that are worked on at a time.
const BATCH: usize = 64;

/// The cells of a grid that are to be run.
#[derive(Clone, Copy)]
pub struct StudyRun<'a> {
    /// The grid.
    pub grid: &'a StudyGrid,
    /// The names along its sides.
    pub layout: &'a Layout,
    /// The place of models, specs, defenses and certificates.
    pub store: &'a Store,
    /// The cells that are run.
    pub shard: Shard,
    /// Number of them that are done already.
    pub done: u64,
}

/// The step that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace<'p> {
    /// The step in words.
    pub text: &'p str,
    /// Cells of the shard that are done.
    pub done: u64,
    /// All its cells.
    pub all: u64,
}

/// Opens the data set with that number in the grid.
pub type OpenData<'o, 'd> = &'o dyn Fn(usize) -> Result<Cow<'d, DataSet>, StudyError>;

/// Takes the line of a cell; lines come in order.
pub type LineSink<'s> = &'s mut dyn FnMut(&Cell, ResultLine) -> Result<(), StudyError>;

/// Hears of every step.
pub type PaceSink<'s> = &'s mut dyn FnMut(Pace);

impl StudyRun<'_> {
    /// Runs the cells that are not done. A cell that ends early gives a line that says so.
    ///
    /// # Errors
    /// Data that cannot be opened, and results that cannot be written.
    pub fn run(&self, open: OpenData, sink: LineSink, tell: PaceSink) -> Result<(), StudyError> {
        let start = self.shard.place(self.done);
        for number in 0..self.layout.data.len() {
            let mut opened = None;
            for model in 0..self.layout.models.len() {
                let range = self.layout.range(number, model);
                let range = range.start.max(start)..range.end;
                if range.is_empty() || self.shard.within(range.clone()).next().is_none() {
                    continue;
                }
                if opened.is_none() {
                    opened = Some(open(number)?);
                }
                let Some(data) = &opened else { continue };
                let cells = self.shard.within(range).filter_map(|index| self.layout.at(index));
                self.run_model(data, model, cells, sink, tell)?;
            }
        }
        Ok(())
    }

    /// Runs cells of one model on one data set.
    fn run_model(
        &self,
        data: &DataSet,
        model: usize,
        cells: impl Iterator<Item = Cell>,
        sink: LineSink,
        tell: PaceSink,
    ) -> Result<(), StudyError> {
        let named = &self.grid.models[model];
        let mut cells = cells.peekable();
        let Some(first) = cells.peek().copied() else { return Ok(()) };
        let made = match self.make(named, &first, data, tell) {
            Ok(made) => made,
            Err(error) => {
                let result = CellResult::of_error(error)?;
                return cells.try_for_each(|cell| {
                    let line = self.line(&cell, named, None, result.clone());
                    sink(&cell, line)
                });
            }
        };
        let (data, made) = (&made.0, &made.1);
        let held_out = evenly(data.part(Part::Test), HELD_OUT).map(|(_, row)| row.clone());
        let held_out: Vec<Row> = held_out.collect();
        let data: (&DataSet, &[Row]) = (data, &held_out);
        let mut bench =
            Workbench::new((self.grid, self.layout), self.store, data, (&named.name, made));
        while let Some(first) = cells.next() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Some(next) = cells.next_if(|next| is_alike(&first, next))
            {
                batch.push(next);
            }
            self.tell(&step(self.layout, &first), &first, tell);
            for (cell, result) in batch.iter().zip(bench.run(&batch)?) {
                sink(cell, self.line(cell, named, Some(made.digest), result))?;
            }
        }
        Ok(())
    }

    fn tell(&self, text: &str, next: &Cell, tell: PaceSink) {
        let done = self.shard.count(next.index);
        tell(Pace { text, done, all: self.shard.count(self.layout.count().unwrap_or(0)) });
    }

    /// The line of a cell. A figure that JSON cannot hold makes it one that failed.
    fn line(
        &self,
        cell: &Cell,
        named: &GridModel,
        model: Option<Digest>,
        result: CellResult,
    ) -> ResultLine {
        let repetition = match cell.work {
            Work::Steal { repetition, .. } => repetition,
            Work::Certify { .. } | Work::Measure => 0,
        };
        let is_trained = !matches!(named.source, ModelSource::File(_));
        let line = ResultLine {
            index: cell.index,
            key: self.layout.key(cell),
            seed: self.grid.seed.wrapping_add(repetition),
            training_seed: is_trained.then(|| self.training_seed(named)),
            model,
            result,
        };
        match line.text() {
            Ok(_) => line,
            Err(error) => {
                ResultLine { result: CellResult::Failed { reason: error.to_string() }, ..line }
            }
        }
    }

    fn training_seed(&self, named: &GridModel) -> u64 {
        named.seed.unwrap_or(self.grid.seed)
    }

    /// The model, and the data with its features in the model's order. A model that is in the store already was
    /// trained there by the same grid.
    fn make<'d>(
        &self,
        named: &GridModel,
        cell: &Cell,
        data: &'d DataSet,
        tell: PaceSink,
    ) -> Result<(Cow<'d, DataSet>, MadeModel), StudyError> {
        expect_met(&named.needs, data)?;
        let file = self.layout.model_file(cell);
        let made = match &named.source {
            ModelSource::File(path) => return self.given(path, &file, data),
            ModelSource::Recipe(recipe) => self.trained(named, (&file, cell), tell, |seed| {
                let schema = dataset::schema(data)?;
                Ok(recipe.fit(&Fit::of(data, &schema, seed), &mut |_| {})?)
            }),
            ModelSource::Hold(specs, family) => self.trained(named, (&file, cell), tell, |seed| {
                let options = HoldOptions { family: *family, seed, ..HoldOptions::default() };
                Ok(hold(data, specs, &options, &mut |_| {})?.model)
            }),
        };
        Ok((Cow::Borrowed(data), made?))
    }

    /// The model that an earlier run of the same grid left in the store, else a new one.
    fn trained(
        &self,
        named: &GridModel,
        (file, cell): (&str, &Cell),
        tell: PaceSink,
        train: impl FnOnce(u64) -> Result<Model, StudyError>,
    ) -> Result<MadeModel, StudyError> {
        let kept = read_regular(&self.store.path(file), MAX_BYTES).ok();
        if let Some(made) = kept.and_then(|bytes| made(&bytes)) {
            return Ok(made);
        }
        self.tell(&format!("train {}", named.name), cell, tell);
        let model = train(self.training_seed(named))?;
        let text = model.to_json();
        self.store.write(file, text.as_bytes())?;
        Ok(MadeModel { model, digest: Digest::of(text.as_bytes()) })
    }

    /// A model that is there, and the data with its features in its order.
    fn given<'d>(
        &self,
        path: &Path,
        file: &str,
        data: &DataSet,
    ) -> Result<(Cow<'d, DataSet>, MadeModel), StudyError> {
        let bytes = read_regular(path, MAX_BYTES)?;
        let unreadable = || StudyError::Unreadable {
            path: path.display().to_string(),
            reason: "is no model any more".to_owned(),
        };
        let made = made(&bytes).ok_or_else(unreadable)?;
        let ordered = data.clone().ordered_as(&made.model.schema);
        let ordered = ordered.map_err(crate::certify::CertifyError::from)?;
        self.store.write(file, &bytes)?;
        Ok((Cow::Owned(ordered), made))
    }
}

/// A model with the digest of its bytes.
fn made(bytes: &[u8]) -> Option<MadeModel> {
    Some(MadeModel { model: Model::read(bytes).ok()?, digest: Digest::of(bytes) })
}

/// True if two cells are of one kind, about one model behind the same defense.
fn is_alike(one: &Cell, other: &Cell) -> bool {
    let kind = |cell: &Cell| std::mem::discriminant(&cell.work);
    one.defense == other.defense && kind(one) == kind(other)
}

/// The kind of a cell in words.
fn step(layout: &Layout, cell: &Cell) -> String {
    let model = layout.models.get(cell.model).map_or("", String::as_str);
    let defense = cell.defense.and_then(|defense| layout.defenses.get(defense));
    match defense {
        Some(defense) => format!("{} {model}, {defense}", cell.work.name()),
        None => format!("{} {model}", cell.work.name()),
    }
}
