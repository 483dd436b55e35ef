//! `propcert study run`: the cells of a grid, or of a shard of it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::dataset::{self, DatasetError};
use crate::model::DataSet;
use crate::source::SourceError;
use crate::store::partial_name;
use crate::study::{
    Cell, CellLog, Narrowed, Pace, ResultLine, Shard, StudyError, StudyGrid, StudyHeader,
    StudyLines, StudyRun, data_from,
};

use super::super::inputs::Inputs;
use super::super::interrupt::KeptRun;
use super::super::output::{Draft, Force, Leaves, ResultFolder};
use super::super::progress::bar;
use super::super::{Ending, Refusal};
use super::CellCounts;

/// Run the cells of a grid: train, certify, steal, defend.
///
/// A grid names data sets, models (a recipe, or a model file), properties (specs), attacks, defenses and
/// repetitions. Files that it names lie beside it. Every model is taken on every data set, as it is and behind
/// every defense; each property is certified there and each attack run as often as `repetitions` says. `needs`
/// leaves entries out where the data has more than two classes (`two-classes`) or declares no directions (`directions`);
/// `for-attackers` gives the proofs of a property to attackers.
///
/// DIR gets cells.jsonl (one line a cell, in order), study.json, grid.toml, models, specs, defenses and certificates.
/// Models and certificates are made once for all cells that use them. A shard I/N has each cell whose place is I
/// modulo N; `study merge` gives from all shards the bytes of a run in one piece. DIR is filled in DIR.partial; an
/// interrupted run goes on with --resume, and a finished one is then kept. Exit code 1 if a cell failed, a certificate
/// was not confirmed or an inferred label is wrong.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert study run grid.toml --out study\n\nwith grid.toml, for instance:\n  data = [\"spambase\"]\n  repetitions = 3\n\n  [[model]]\n  name = \"trees\"\n  recipe = \"family = 'trees'\"\n\n  [[property]]\n  name = \"label\"\n  part = \"auxiliary\"\n  rows = 50\n  for-attackers = true\n  spec = \"\"\"\n  property = \"label\"\n  epsilon = \"0.05\"\n  label = \"predicted\"\n  \"\"\"\n\n  [[attack]]\n  name = \"thief\"\n  attack = \"attack = 'masked_thief'\"\n\n  [[defense]]\n  name = \"poisoned\"\n  points = 1.0"
)]
pub(crate) struct Arguments {
    /// The grid (TOML).
    grid: PathBuf,
    /// The folder for everything that is made.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Every N-th cell only, from the I-th on [default: all].
    #[arg(long, value_name = "I/N", default_value_t = Shard::ALL, hide_default_value = true)]
    shard: Shard,
    /// A seed instead of the grid's.
    #[arg(long)]
    seed: Option<u64>,
    /// Repetitions of every attack instead of the grid's.
    #[arg(long, value_name = "R")]
    repetitions: Option<u64>,
    /// Three repetitions of every attack, for a first look.
    #[arg(long, conflicts_with = "repetitions")]
    quick: bool,
    /// One of the grid's data sets; may be given several times [default: all].
    #[arg(long, value_name = "NAME")]
    data: Vec<String>,
    /// Continue an interrupted run of the same grid, data and shard.
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    force: Force,
    /// The counts as JSON.
    #[arg(long)]
    json: bool,
}

/// Repetitions of a first look.
const QUICK: u64 = 3;

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let (grid, text) = StudyGrid::open(&arguments.grid)?;
    let narrowed = Narrowed {
        seed: arguments.seed,
        repetitions: arguments.repetitions.or(arguments.quick.then_some(QUICK)),
        data: arguments.data.clone(),
    };
    let about = |error| StudyError::Grid { path: arguments.grid.display().to_string(), error };
    let grid = grid.narrowed(&narrowed).map_err(about)?;
    let missing = missing(&grid, &arguments.grid);
    let grid = grid.without_data(&missing).map_err(about)?;
    let open = |number: usize| opened(&grid, &arguments.grid, number);
    let header = StudyHeader::new(&grid, arguments.shard, &open)?;
    let place = ResultFolder::new(
        &arguments.out,
        Leaves::Study,
        &inputs(arguments, &grid),
        arguments.force,
    )?;
    expect_no_log(arguments)?;
    if arguments.resume
        && let Some(counts) = finished(&arguments.out, &header)
    {
        tell!("propcert: {} is there and whole, of this grid: kept", arguments.out.display());
        return counts.print(arguments.json);
    }
    let draft = place.begin(arguments.resume)?.resumable();
    let counts = fill(&draft, (&grid, &text), &header, arguments)?;
    draft.finish()?;
    counts.print(arguments.json)
}

/// Runs the cells that are missing, and makes the lines of all of them a file.
fn fill(
    draft: &Draft,
    (grid, text): (&StudyGrid, &[u8]),
    header: &StudyHeader,
    arguments: &Arguments,
) -> Result<CellCounts, Refusal> {
    let store = draft.store()?;
    let mut counts = CellCounts::default();
    let mut log = CellLog::open(&store, header, arguments.resume, &mut |line| counts.add(line))?;
    let (progress, kept) = (bar("study", header.own_cells()), KeptRun::begin());
    progress.set_position(log.done);
    kept.note(log.done, header.own_cells());
    let (layout, shard, done) = (&header.layout, header.shard(), log.done);
    let run = StudyRun { grid, layout, store: &store, shard, done };
    let open = |number: usize| opened(grid, &arguments.grid, number).map(Cow::Owned);
    let mut keep = |_: &Cell, line: ResultLine| {
        counts.add(&line);
        log.add(&line)
    };
    let mut tell = |pace: Pace| {
        progress.set_position(pace.done);
        kept.note(pace.done, header.own_cells());
        progress.set_message(pace.text.to_owned());
    };
    run.run(&open, &mut keep, &mut tell)?;
    log.finish(text)?;
    progress.finish_and_clear();
    Ok(counts)
}

/// The numbers of the data sets that are not found, told if the grid lets them be missing.
fn missing(grid: &StudyGrid, path: &Path) -> Vec<usize> {
    if !grid.skips_missing_data() {
        return Vec::new();
    }
    let found = grid.data().enumerate().filter_map(|(number, name)| {
        let error = opened(grid, path, number).err()?;
        let StudyError::Dataset(DatasetError::Source(SourceError::NotFound { .. })) = error else {
            return None;
        };
        tell!("propcert: {error}\npropcert: {name} is left out");
        Some(number)
    });
    found.collect()
}

/// Opens a data set of a grid: a path beside the grid, or a name.
fn opened(grid: &StudyGrid, path: &Path, number: usize) -> Result<DataSet, StudyError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let argument = grid.data().nth(number).unwrap_or_default();
    let data = dataset::open(&data_from(argument, folder))?;
    // data with faulty declarations are refused before anything is written
    dataset::schema(&data)?;
    Ok(data)
}

/// The counts of a finished run with the same header, if all its lines are there.
fn finished(folder: &Path, header: &StudyHeader) -> Option<CellCounts> {
    if StudyHeader::read(folder).ok()? != *header {
        return None;
    }
    let mut lines = StudyLines::open(folder).ok()?;
    let mut counts = CellCounts::default();
    while let Some((_, line, _)) = lines.next(&header.layout).ok()? {
        counts.add(&line);
    }
    (counts.cells == header.own_cells()).then_some(counts)
}

/// Refuses to lose the lines that an interrupted run has kept.
fn expect_no_log(arguments: &Arguments) -> Result<(), Refusal> {
    let partial = partial_name(&arguments.out.components().collect::<PathBuf>());
    if !arguments.resume && CellLog::is_in(&partial.join("new")) {
        return Err(Refusal::new(format!(
            "{}: is what an interrupted run has kept; --resume continues it, else remove the folder",
            partial.display()
        )));
    }
    Ok(())
}

fn inputs(arguments: &Arguments, grid: &StudyGrid) -> Inputs {
    let folder = arguments.grid.parent().unwrap_or(Path::new(""));
    let inputs = Inputs::default().file("the grid", Some(&arguments.grid));
    let inputs = grid
        .files()
        .fold(inputs, |inputs, file| inputs.file("a file of the grid", Some(&folder.join(file))));
    grid.data().fold(inputs, |inputs, data| {
        inputs.data("data of the grid", Some(&data_from(data, folder)))
    })
}
