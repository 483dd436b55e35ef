//! `propcert radius`: exact distances to the nearest change of label, of ensembles.

mod keeper;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::certify::ensemble::Radii;
use crate::model::{Digest, Model};
use crate::spec::{DistanceUnit, Domain, Integers, LowerError, Norm};
use crate::store::{Log, Retention};
use crate::study::Manifest;

use super::inputs::Inputs;
use super::interrupt::KeptRun;
use super::invalid::RowsOutside;
use super::output::{Draft, FileKind, Force, SingleResult};
use super::points::{Points, read_points};
use super::progress::bar;
use super::subject::read_model;
use super::{Ending, Refusal};

use self::keeper::{Keeper, place};
use self::table::{COLUMNS, Counts, Measured, table};

/// How distances are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum NormArgument {
    /// The largest coordinate.
    Linf,
    /// The sum of coordinates.
    L1,
    /// The Euclidean distance.
    L2,
}

impl From<NormArgument> for Norm {
    fn from(norm: NormArgument) -> Self {
        match norm {
            NormArgument::Linf => Self::Linf,
            NormArgument::L1 => Self::L1,
            NormArgument::L2 => Self::L2,
        }
    }
}

/// The values that whole features take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum IntegersArgument {
    /// Whole values only.
    Respect,
    /// Any real value of the range.
    Relax,
}

impl From<IntegersArgument> for Integers {
    fn from(integers: IntegersArgument) -> Self {
        match integers {
            IntegersArgument::Respect => Self::Respect,
            IntegersArgument::Relax => Self::Relax,
        }
    }
}

/// The settings that the rows depend on: a run goes on only if all of them are the same.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct RunHeader<'a> {
    tool: &'static str,
    model: Digest,
    points: Digest,
    norm: Norm,
    integers: Integers,
    budget_nodes: u64,
    certificates: Option<&'a Path>,
}

/// The exact distance of every point to the nearest change of label, for ensembles.
///
/// The distance is the infimum over real inputs (whole features are taken as real ones, or with --integers respect
/// keep to whole values) within
/// the ranges that the model declares, and without bounds where it declares none, in units of
/// z = scale·(x − mean). Values of a model of precision f32 are first rounded to f32, as a served copy
/// does, but for those that only rounding would put outside the declared ranges. A radius of 0 is no mistake: a point that lies on a threshold falls left by a move as small as one
/// likes. Where whole values are kept, it falls by a step of 1, and a point with a fraction has no radius.
///
/// OUT has columns row, lower, upper, exact, nodes, seconds. With exact = true, lower and upper are the
/// distance rounded down and up; else the budget has ended and they are proved bounds of it. Both are empty
/// for a point outside the declared ranges, or with a fraction where whole values are kept. The search counts in exact integers; with --certificates the
/// kernel decides again: DIR gets for each row K a label spec and certificate (K.toml, K.jsonl) on the
/// closed ball of radius lower (of the float below it, if a point at that distance has another label), the
/// witness of upper as a certificate that refutes the ball which just reaches it (K.flip.toml,
/// K.flip.jsonl), the data (K.csv: the point, once for each class) and manifest.json. Exit code 1 if
/// the kernel does not confirm one of them. Rows are kept in OUT.partial until the last one is measured;
/// --resume takes over those that are there. Certificates take several times as long as the search, and
/// six files a row.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  propcert data rows spambase:test > points.csv\n  propcert radius --model trees.json --points points.csv --norm linf --out radii.csv\n  \
    propcert radius --model trees.json --points points.csv --norm l2 --certificates kept --out radii.csv\n  \
    propcert check kept/7.jsonl --model trees.json --spec kept/7.toml --data kept/7.csv"
)]
pub(crate) struct Arguments {
    /// The model (model/1), an ensemble.
    #[arg(long, alias = "target")]
    model: PathBuf,
    /// The points.
    #[arg(long)]
    points: PathBuf,
    /// How distances are measured.
    #[arg(long)]
    norm: NormArgument,
    /// Which values integer and binary features take: whole ones, or (as in published radii) any.
    #[arg(long, value_enum, default_value_t = IntegersArgument::Relax)]
    integers: IntegersArgument,
    /// Boxes looked at per point.
    #[arg(long, alias = "budget", default_value_t = 10_000_000, value_name = "B")]
    budget_nodes: u64,
    /// A folder for specs, certificates and witnesses.
    #[arg(long, value_name = "DIR")]
    certificates: Option<PathBuf>,
    /// Where the radii go; - is standard output.
    #[arg(long)]
    out: PathBuf,
    /// Continue the interrupted `.partial` beside it.
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    force: Force,
    /// The counts as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let (model, digest) = read_model(&arguments.model)?;
    let about = Refusal::about(&arguments.model);
    let radii = Radii::with_integers(&model, arguments.norm.into(), arguments.integers.into());
    let radii = radii.map_err(Refusal::from).map_err(about)?;
    let mut points = read_points(&arguments.points, &model)?;
    points.rows.iter_mut().for_each(|raw| *raw = radii.served(raw));
    if points.rows.is_empty() {
        let points = arguments.points.display();
        return Err(Refusal::new(format!("{points}: there are no points; expected at least one")));
    }
    let place = arguments.certificates.as_deref().map(|folder| place(arguments, folder, &points));
    let place = place.transpose()?;
    let (kind, how) = (FileKind::Table(&COLUMNS), (arguments.force, arguments.resume));
    let result = SingleResult::growing(&arguments.out, kind, how, &inputs(arguments))?;
    let header = RunHeader {
        tool: env!("CARGO_PKG_VERSION"),
        model: digest,
        points: points.digest,
        norm: arguments.norm.into(),
        integers: arguments.integers.into(),
        budget_nodes: arguments.budget_nodes,
        certificates: arguments.certificates.as_deref(),
    };
    let mut before = Vec::new();
    let header = serde_json::to_string(&header)?;
    let mut take = |line: &[u8]| {
        match serde_json::from_slice::<Measured>(line) {
            Ok(row) => before.push(row),
            Err(_) => return Retention::Dropped,
        }
        Retention::Kept
    };
    let open = |out| Log::open(out, &header, arguments.resume, &mut take);
    let log = result.file().map(open).transpose()?;
    let draft =
        place.map(|place| place.begin(arguments.resume).map(Draft::resumable)).transpose()?;
    let keeper = draft.as_ref().map(|draft| Keeper::new(arguments, draft, (&model, digest)));
    let keeper = keeper.transpose()?;
    let before = before.into_iter().filter(|row| {
        let folder = keeper.as_ref().map(|keeper| keeper.store.path(""));
        row.at < points.rows.len() && row.is_all_there(folder.as_deref())
    });
    let before: BTreeMap<usize, Measured> = before.map(|row| (row.at, row)).collect();
    let rows = measure(arguments, &radii, &points, (&before, log.as_ref(), keeper.as_ref()))?;
    let outside = outside(arguments, &model, &points)?;
    let counts = Counts::of(&rows, keeper.is_some(), DistanceUnit::of_model(&model), outside);
    if let Some(keeper) = keeper {
        let entries = rows.iter().filter_map(|row| row.kept.as_ref());
        let certificates = entries.flat_map(|kept| kept.entries.clone()).collect();
        keeper.store.write("manifest.json", Manifest { certificates }.to_json().as_bytes())?;
    }
    draft.map_or(Ok(()), Draft::finish)?;
    result.write(table(&points.names, &rows).as_bytes())?;
    log.map_or(Ok(()), Log::remove)?;
    result.tell(&if arguments.json { counts.json() } else { counts.text() })?;
    if counts.zero > 0 && has_relaxed_steps(arguments, &model) {
        tell!(
            "propcert: note: whole features are taken as real ones, so a point whose whole value is a threshold has a radius \
             of 0; --integers respect keeps them whole"
        );
    }
    Ok(if counts.is_confirmed() { Ending::AsStated } else { Ending::NotAsStated })
}

/// The points that have no radius.
fn outside(
    arguments: &Arguments,
    model: &Model,
    points: &Points,
) -> Result<RowsOutside, LowerError> {
    let domain = Domain::new(&model.schema, &BTreeMap::new(), arguments.integers.into())?;
    let named = points.names.iter().zip(&points.rows);
    let named = named.map(|(name, row)| (format!("row {name:.60}"), row.as_slice()));
    Ok(RowsOutside::of(&domain, &model.schema, named))
}

/// True if whole features are taken as real ones.
fn has_relaxed_steps(arguments: &Arguments, model: &Model) -> bool {
    let is_relaxed = arguments.integers == IntegersArgument::Relax;
    is_relaxed && model.schema.features().iter().any(|feature| feature.kind.is_whole())
}

/// All rows in order: those of an interrupted run are taken over, all others are measured.
fn measure(
    arguments: &Arguments,
    radii: &Radii,
    points: &Points,
    (before, log, keeper): (&BTreeMap<usize, Measured>, Option<&Log>, Option<&Keeper>),
) -> Result<Vec<Measured>, Refusal> {
    let progress = bar("radius", points.rows.len() as u64);
    progress.set_position(before.len() as u64);
    let run = log.map(|_| KeptRun::begin());
    run.iter().for_each(|run| run.note(before.len() as u64, points.rows.len() as u64));
    let measure = |index: usize| -> Result<Measured, Refusal> {
        if let Some(row) = before.get(&index) {
            return Ok(row.clone());
        }
        let start = Instant::now();
        let radius = radii.at(&points.rows[index], arguments.budget_nodes);
        let seconds = start.elapsed().as_secs_f64();
        let kept = match (keeper, &radius) {
            (Some(keeper), Some(radius)) => Some(keeper.keep(radii, points, index, radius)?),
            _ => None,
        };
        let row = Measured::new(index, radius.as_ref(), seconds, kept);
        if let (Some(log), Some(run)) = (log, &run) {
            log.add(&(serde_json::to_string(&row)? + "\n"))?;
            run.note_one();
        }
        progress.inc(1);
        Ok(row)
    };
    let rows = (0..points.rows.len()).into_par_iter().map(measure).collect::<Result<_, _>>()?;
    progress.finish_and_clear();
    Ok(rows)
}

fn inputs(arguments: &Arguments) -> Inputs {
    Inputs::default()
        .file("--model", Some(&arguments.model))
        .file("--points", Some(&arguments.points))
}
