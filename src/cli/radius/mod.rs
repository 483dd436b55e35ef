//! `propcert radius`: exact distances to the nearest change of label, of ensembles.

mod partial;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;

use crate::certify::trees::{Radii, Radius};
use crate::model::{Digest, Model};
use crate::spec::Norm;
use crate::study::radii::{Anchor, ENDINGS, keep};
use crate::study::{Manifest, Store, write_whole};

use super::inputs::Inputs;
use super::output::{Draft, Force, Kind, Leaves, Place, expect_own};
use super::points::{Points, read_points};
use super::progress::bar;
use super::subject::{read_model, way_from};
use super::{Ending, Refusal, files};

use self::partial::{Header, Partial};
use self::table::{COLUMNS, Confirmed, Counts, Measured, table};

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

/// The exact distance of every point to the nearest change of label, for ensembles.
///
/// The distance is the infimum over real inputs (whole features are taken as real ones, `relax`) within
/// the ranges that the model declares, and without bounds where it declares none, in units of
/// z = scale·(x − mean). Values of a model of precision f32 are first rounded to f32, as a served copy
/// does, but for those that only rounding would put outside the declared ranges. A radius of 0 is no mistake: a point that lies on a threshold falls left by a move as small as one
/// likes.
///
/// OUT has columns row, lower, upper, exact, nodes, seconds. With exact = true, lower and upper are the
/// distance rounded down and up; else the budget has ended and they are proved bounds of it. Both are empty
/// for a point outside the declared ranges. The search counts in exact integers; with --certificates the
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
    #[arg(long)]
    model: PathBuf,
    /// The points.
    #[arg(long)]
    points: PathBuf,
    /// How distances are measured.
    #[arg(long)]
    norm: NormArgument,
    /// Boxes looked at per point.
    #[arg(long, default_value_t = 10_000_000, value_name = "B")]
    budget_nodes: u64,
    /// A folder for specs, certificates and witnesses.
    #[arg(long, value_name = "DIR")]
    certificates: Option<PathBuf>,
    /// Where the radii go.
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
    let radii = Radii::new(&model, arguments.norm.into()).map_err(Refusal::from).map_err(about)?;
    let mut points = read_points(&arguments.points, &model)?;
    points.rows.iter_mut().for_each(|raw| *raw = radii.served(raw));
    if points.rows.is_empty() {
        let points = arguments.points.display();
        return Err(Refusal::new(format!("{points}: there are no points; expected at least one")));
    }
    inputs(arguments).expect_room(&arguments.out, arguments.resume)?;
    let place = arguments.certificates.as_deref().map(|folder| place(arguments, folder, &points));
    let place = place.transpose()?;
    expect_own(&arguments.out, Kind::Table(&COLUMNS), arguments.force)?;
    let header = Header {
        tool: env!("CARGO_PKG_VERSION"),
        model: digest,
        points: points.digest,
        norm: arguments.norm.into(),
        budget_nodes: arguments.budget_nodes,
        certificates: arguments.certificates.as_deref(),
    };
    let (partial, before) = Partial::open(&arguments.out, &header, arguments.resume)?;
    let draft =
        place.map(|place| place.begin(arguments.resume).map(Draft::resumable)).transpose()?;
    let keeper = draft.as_ref().map(|draft| Keeper::new(arguments, draft, (&model, digest)));
    let keeper = keeper.transpose()?;
    let before = before.into_iter().filter(|row| {
        let folder = keeper.as_ref().map(|keeper| keeper.store.path(""));
        row.at < points.rows.len() && row.is_all_there(folder.as_deref())
    });
    let before: BTreeMap<usize, Measured> = before.map(|row| (row.at, row)).collect();
    let progress = bar("radius", points.rows.len() as u64);
    progress.set_position(before.len() as u64);
    let measure = |index: usize| -> Result<Measured, Refusal> {
        if let Some(row) = before.get(&index) {
            return Ok(row.clone());
        }
        let start = Instant::now();
        let radius = radii.at(&points.rows[index], arguments.budget_nodes);
        let seconds = start.elapsed().as_secs_f64();
        let kept = match (&keeper, &radius) {
            (Some(keeper), Some(radius)) => Some(keeper.keep(&radii, &points, index, radius)?),
            _ => None,
        };
        let row = Measured::new(index, radius.as_ref(), seconds, kept);
        partial.add(&row)?;
        progress.inc(1);
        Ok(row)
    };
    let rows: Vec<Measured> =
        (0..points.rows.len()).into_par_iter().map(measure).collect::<Result<_, _>>()?;
    progress.finish_and_clear();
    let counts = Counts::of(&rows, keeper.is_some());
    if let Some(keeper) = keeper {
        let entries = rows.iter().filter_map(|row| row.kept.as_ref());
        let certificates = entries.flat_map(|kept| kept.entries.clone()).collect();
        keeper.store.write("manifest.json", Manifest { certificates }.to_json().as_bytes())?;
    }
    draft.map_or(Ok(()), Draft::finish)?;
    write_whole(&arguments.out, table(&points.names, &rows)?.as_slice())?;
    partial.remove()?;
    files::print(&if arguments.json { counts.json() } else { counts.text() })?;
    Ok(if counts.is_confirmed() { Ending::AsStated } else { Ending::NotAsStated })
}

fn inputs(arguments: &Arguments) -> Inputs {
    Inputs::default()
        .file("--model", Some(&arguments.model))
        .file("--points", Some(&arguments.points))
}

/// Where certificates go.
struct Keeper<'a> {
    store: Store,
    model: (&'a Model, Digest),
    /// The way from the folder to the model.
    model_name: String,
    budget: u64,
}

impl<'a> Keeper<'a> {
    fn new(
        arguments: &Arguments,
        draft: &Draft,
        model: (&'a Model, Digest),
    ) -> Result<Self, Refusal> {
        let model_name = way_from(draft.stand_in(), &arguments.model)?;
        // what is proved of a closed search takes about the nodes of its last round
        let budget = arguments.budget_nodes.saturating_mul(4);
        Ok(Self { store: draft.store()?, model, model_name, budget })
    }

    fn keep(
        &self,
        radii: &Radii,
        points: &Points,
        index: usize,
        radius: &Radius,
    ) -> Result<Confirmed, Refusal> {
        let (model, digest) = self.model;
        let anchor = Anchor {
            model: (model, digest, &self.model_name),
            radii,
            name: &points.names[index],
            raw: &points.rows[index],
        };
        let kept = keep(&anchor, radius, self.budget)?;
        for (name, text) in &kept.files {
            self.store.write(name, text.as_bytes())?;
        }
        Ok(Confirmed { entries: kept.entries, by_kernel: kept.is_checked })
    }
}

/// Where certificates go; the rows' names must do for files.
fn place(arguments: &Arguments, folder: &Path, points: &Points) -> Result<Place, Refusal> {
    expect_names(arguments, points)?;
    expect_apart(arguments, folder, &points.names)?;
    let place = |path: &Path| path.canonicalize().ok();
    let parent = arguments.out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let is_inside = place(folder).is_some_and(|folder| {
        place(parent.unwrap_or(Path::new("."))).is_some_and(|parent| parent == folder)
    });
    let partial = files::partial_name(&arguments.out);
    // the table may lie among its certificates
    let is_table = |name: &Path| {
        is_inside
            && [&arguments.out, &partial]
                .iter()
                .any(|path| path.file_name() == Some(name.as_os_str()))
    };
    Place::keeping(folder, Leaves::Radii, &inputs(arguments), arguments.force, &is_table)
}

/// Names of rows that name files.
fn expect_names(arguments: &Arguments, points: &Points) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for (name, line) in points.names.iter().zip(&points.lines) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
            return Err(Refusal::new(format!(
                "{}, line {line}: row `{name:.70}` is to name files; expected up to 64 letters, digits, - or _",
                arguments.points.display()
            )));
        }
        // file systems may not tell cases apart
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(Refusal::new(format!(
                "{}, line {line}: row `{name}` is to name files and is there twice",
                arguments.points.display()
            )));
        }
    }
    Ok(())
}

/// Refuses a folder in which a certificate would take the place of an input, or OUT that of a certificate.
fn expect_apart(arguments: &Arguments, folder: &Path, names: &[String]) -> Result<(), Refusal> {
    let inputs = inputs(arguments);
    let parent = arguments.out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let place = |folder: &Path| folder.canonicalize().ok();
    let is_inside = place(folder).is_some_and(|folder| {
        place(parent.unwrap_or(Path::new("."))).is_some_and(|parent| parent == folder)
    });
    let own = names.iter().flat_map(|name| ENDINGS.map(|ending| format!("{name}.{ending}")));
    for file in own.chain(["manifest.json".to_owned()]) {
        inputs.expect_apart(&folder.join(&file))?;
        if is_inside && arguments.out.file_name().is_some_and(|out| *out == *file) {
            let out = arguments.out.display();
            return Err(Refusal::new(format!(
                "--out {out}: --certificates writes a file of that name; choose another"
            )));
        }
    }
    Ok(())
}
