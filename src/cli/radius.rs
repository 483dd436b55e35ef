//! `propcert radius`: exact distances to the nearest change of label, of ensembles.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;

use crate::certify::trees::{Radii, Radius};
use crate::model::{Digest, Model, Precision};
use crate::spec::Norm;
use crate::study::radii::{Anchor, keep};
use crate::study::{Manifest, ManifestEntry, write_whole};

use super::inputs::Inputs;
use super::points::{Points, read_points};
use super::progress::bar;
use super::subject::{read_model, way_from};
use super::{Ending, Refusal, files};

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
/// does. A radius of 0 is no mistake: a point that lies on a threshold falls left by a move as small as one
/// likes.
///
/// OUT has columns row, lower, upper, exact, nodes, seconds. With exact = true, lower and upper are the
/// distance rounded down and up; else the budget has ended and they are proved bounds of it. Both are empty
/// for a point outside the declared ranges. The search counts in exact integers; with --certificates the
/// kernel decides again: DIR gets for each row K a label spec and certificate (K.toml, K.jsonl) on the
/// closed ball of radius lower (of the float below it, if a point at that distance has another label), the
/// witness of upper as a certificate that refutes the ball which just reaches it (K.flip.toml,
/// K.flip.jsonl), the data (K.csv: the point, once for each class) and manifest.json. Exit code 1 if
/// the kernel does not confirm one of them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  propcert radius --model trees.json --points points.csv --norm linf --out radii.csv\n  \
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
    if model.precision == Precision::F32 {
        points.rows.iter_mut().flatten().for_each(|x| *x = f64::from(*x as f32));
    }
    files::expect_folder(&arguments.out)?;
    Inputs::default()
        .file("--model", Some(&arguments.model))
        .file("--points", Some(&arguments.points))
        .expect_apart(&arguments.out)?;
    let keeper = match &arguments.certificates {
        Some(folder) => Some(Keeper::new(arguments, folder, (&model, digest), &points)?),
        None => None,
    };
    let progress = bar("radius", points.rows.len() as u64);
    let measure = |index: usize| -> Result<Measured, Refusal> {
        let start = Instant::now();
        let radius = radii.at(&points.rows[index], arguments.budget_nodes);
        let seconds = start.elapsed().as_secs_f64();
        let kept = match (&keeper, &radius) {
            (Some(keeper), Some(radius)) => Some(keeper.keep(&radii, &points, index, radius)?),
            _ => None,
        };
        progress.inc(1);
        Ok(Measured { radius, seconds, kept })
    };
    let measured: Vec<Measured> =
        (0..points.rows.len()).into_par_iter().map(measure).collect::<Result<_, _>>()?;
    progress.finish_and_clear();
    if let Some(folder) = &arguments.certificates {
        let entries = measured.iter().filter_map(|one| one.kept.as_ref());
        let certificates = entries.flat_map(|(entries, _)| entries.clone()).collect();
        let manifest = Manifest { certificates };
        write_whole(&folder.join("manifest.json"), manifest.to_json().as_bytes())?;
    }
    write_whole(&arguments.out, table(&points.names, &measured)?.as_slice())?;
    let counts = Counts::of(&measured, keeper.is_some());
    files::print(&if arguments.json { counts.json() } else { counts.text() })?;
    let is_confirmed = counts.confirmed.is_none_or(|confirmed| confirmed == counts.measured());
    Ok(if is_confirmed { Ending::AsStated } else { Ending::NotAsStated })
}

/// A row of the table.
struct Measured {
    /// `None` for a point outside the domain.
    radius: Option<Radius>,
    seconds: f64,
    /// Its certificates, and whether the kernel confirms them.
    kept: Option<(Vec<ManifestEntry>, bool)>,
}

/// Where certificates go.
struct Keeper<'a> {
    folder: &'a Path,
    model: (&'a Model, Digest),
    /// The way from the folder to the model.
    model_name: String,
    budget: u64,
}

impl<'a> Keeper<'a> {
    fn new(
        arguments: &Arguments,
        folder: &'a Path,
        model: (&'a Model, Digest),
        points: &Points,
    ) -> Result<Self, Refusal> {
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
        std::fs::create_dir_all(folder).map_err(Refusal::from).map_err(Refusal::about(folder))?;
        let model_name = way_from(folder, &arguments.model)?;
        // what is proved of a closed search takes about the nodes of its last round
        let budget = arguments.budget_nodes.saturating_mul(4);
        Ok(Self { folder, model, model_name, budget })
    }

    fn keep(
        &self,
        radii: &Radii,
        points: &Points,
        index: usize,
        radius: &Radius,
    ) -> Result<(Vec<ManifestEntry>, bool), Refusal> {
        let (model, digest) = self.model;
        let anchor = Anchor {
            model: (model, digest, &self.model_name),
            radii,
            name: &points.names[index],
            raw: &points.rows[index],
        };
        let kept = keep(&anchor, radius, self.budget)?;
        for (name, text) in &kept.files {
            write_whole(&self.folder.join(name), text.as_bytes())?;
        }
        Ok((kept.entries, kept.is_checked))
    }
}

fn table(names: &[String], measured: &[Measured]) -> Result<Vec<u8>, Refusal> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["row", "lower", "upper", "exact", "nodes", "seconds"])?;
    for (name, Measured { radius, seconds, .. }) in names.iter().zip(measured) {
        let end = |end: fn(&Radius) -> f64| radius.as_ref().map(|r| end(r).to_string());
        writer.write_record([
            name.clone(),
            end(|radius| radius.lower).unwrap_or_default(),
            end(|radius| radius.upper).unwrap_or_default(),
            radius.as_ref().is_some_and(|radius| radius.is_exact).to_string(),
            radius.as_ref().map_or(0, |radius| radius.nodes).to_string(),
            format!("{seconds:.6}"),
        ])?;
    }
    writer.into_inner().map_err(|error| Refusal::new(error.to_string()))
}

/// What is told at the end.
struct Counts {
    exact: usize,
    bounded: usize,
    invalid: usize,
    zero: usize,
    /// Rows whose certificates the kernel confirms, where they are kept.
    confirmed: Option<usize>,
}

impl Counts {
    fn of(measured: &[Measured], is_kept: bool) -> Self {
        let radii = || measured.iter().filter_map(|one| one.radius.as_ref());
        let confirmed = measured.iter().filter(|one| matches!(one.kept, Some((_, true)))).count();
        let exact = radii().filter(|radius| radius.is_exact).count();
        Self {
            exact,
            bounded: radii().count() - exact,
            invalid: measured.len() - radii().count(),
            zero: radii().filter(|radius| radius.upper == 0.0).count(),
            confirmed: is_kept.then_some(confirmed),
        }
    }

    fn measured(&self) -> usize {
        self.exact + self.bounded
    }

    fn text(&self) -> String {
        let Self { exact, bounded, invalid, zero, confirmed } = self;
        let n = self.measured();
        let confirmed = confirmed
            .map(|confirmed| format!("confirmed by the kernel: {confirmed} of {n}\n"))
            .unwrap_or_default();
        format!(
            "{confirmed}zero radii: {zero} of {n}\nexact {exact} bounded {bounded} of {n} (invalid {invalid})\n"
        )
    }

    fn json(&self) -> String {
        let Self { exact, bounded, invalid, zero, confirmed } = self;
        let json = serde_json::json!({
            "exact": exact, "bounded": bounded, "invalid": invalid, "zero": zero,
            "confirmed": confirmed,
        });
        format!("{json}\n")
    }
}
