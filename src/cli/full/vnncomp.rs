//! `propcert vnncomp`: benchmarks of the verification competition.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::certify::Options;
use crate::import::{Instance, instances};
use crate::model::{DataError, Digest};
use crate::store::{Log, Retention, Store};
use crate::study::benchmark::{COLUMNS, InstanceOutcome, Status, row, run as solve, stored};
use crate::text::csv_of;

use super::certify::gibibytes;
use super::inputs::Inputs;
use super::output::{
    Draft, FileKind, Force, LIST, Leaves, ResultFolder, SingleResult, line_of_answer, table_in,
};
use super::progress::bar;
use super::{Ending, Refusal, files};

/// Answer the instances of a benchmark, each with a certificate or a witness.
///
/// INSTANCES.csv has rows `onnx,vnnlib,timeout` with paths from its own folder; where only a file with the
/// further ending .gz is there, this is read. The answer is `sat` (a
/// violation, decided exactly), `unsat` (proved), `unknown`, `timeout` or `error`. Networks and properties are
/// read as real functions of real numbers, whatever float type they declare; an activation after the last layer is refused. Every certificate is
/// checked by the kernel before it counts as `checked`; with --certificates it is kept beside the
/// native model and the spec that `check` needs. The table OUT is CSV, so there is no --json.
///
/// Benchmarks with instances, networks and properties are those of the verification competition
/// (VNN-COMP), for instance https://github.com/VNN-COMP/vnncomp2024_benchmarks; paths below stand for a
/// copy of one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  propcert vnncomp acasxu/instances.csv --out acasxu.csv --certificates acasxu-certificates\n  \
    propcert vnncomp acasxu/instances.csv --line 7 --timeout 30 --out line.csv --certificates kept\n  \
    propcert check kept/7.jsonl --model kept/7.model.json --spec kept/7.spec.toml"
)]
pub(crate) struct Arguments {
    /// The instances.
    instances: PathBuf,
    /// Where the table of results goes.
    #[arg(long)]
    out: PathBuf,
    /// A folder for certificates, models, specs and witnesses.
    #[arg(long, value_name = "DIR")]
    certificates: Option<PathBuf>,
    /// Only this line of the file, from 1.
    #[arg(long, value_name = "K")]
    line: Option<u64>,
    /// Seconds per instance, decimals allowed [default: the instance's own].
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    timeout: Option<Duration>,
    /// Memory that one search may keep, in GiB, decimals allowed.
    #[arg(long, value_name = "M", default_value = "2", value_parser = gibibytes)]
    memory: u64,
    /// Seed of the attacks.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Go on where an interrupted run left `OUT.partial`.
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    force: Force,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let todo = chosen(arguments)?;
    let result = place_of_table(arguments, &todo)?;
    let list = list(arguments)?;
    let place = arguments.certificates.as_deref();
    let place = place.map(|folder| place_for(arguments, folder, &todo, &list));
    let place = place.transpose()?;
    let mut rows = BTreeMap::new();
    let header = serde_json::to_string(&RunInputs::of(arguments, &todo))?;
    let mut take = |line: &[u8]| {
        match serde_json::from_slice::<(u64, Vec<String>)>(line) {
            Ok((line, row)) => rows.insert(line, row),
            Err(_) => return Retention::Dropped,
        };
        Retention::Kept
    };
    let open = |out| Log::open(out, &header, arguments.resume, &mut take);
    let log = result.file().map(open).transpose()?;
    let draft =
        place.map(|place| place.begin(arguments.resume).map(Draft::resumable)).transpose()?;
    let store = draft.as_ref().map(Draft::store).transpose()?;
    if let Some(store) = &store {
        store.write(LIST, list.as_bytes())?;
    }
    rows.retain(|_, row| is_all_there(row, store.as_ref()));
    let folder = arguments.instances.parent().unwrap_or(Path::new(""));
    let progress = bar("vnncomp", todo.len() as u64);
    let mut said = BTreeSet::new();
    for instance in &todo {
        progress.inc(1);
        progress.set_message(name_of(&instance.vnnlib));
        if rows.contains_key(&instance.line) {
            continue;
        }
        let timeout = arguments.timeout.unwrap_or(instance.timeout);
        let Arguments { seed, memory, .. } = *arguments;
        let options = Options { budget_nodes: u64::MAX, memory, seed, ..Options::default() };
        let outcome = solve(instance, &instance.line.to_string(), timeout, options);
        for (name, text) in outcome.files.iter().filter(|_| store.is_some()) {
            store.as_ref().map_or(Ok(()), |store| store.write(name, text.as_bytes()))?;
        }
        report(instance, &outcome);
        if let Some(note) = outcome.note.filter(|note| said.insert(*note)) {
            tell!("note: {note}");
        }
        let row = row(instance, &outcome, arguments.certificates.is_some(), folder);
        if let Some(log) = &log {
            log.add(&(serde_json::to_string(&(instance.line, &row))? + "\n"))?;
        }
        rows.insert(instance.line, row);
    }
    progress.finish_and_clear();
    draft.map_or(Ok(()), Draft::finish)?;
    let rows: Vec<Vec<String>> = rows.into_values().collect();
    result.write(table(&rows).as_bytes())?;
    log.map_or(Ok(()), Log::remove)?;
    result.tell(&format!("{}\n", summary(&rows)))?;
    let is_error = |row: &&Vec<String>| row.get(3).is_some_and(|r| r == Status::Error.name());
    match rows.iter().filter(is_error).count() {
        0 => Ok(Ending::AsStated),
        errors => Err(Refusal::new(format!(
            "{errors} of {} lines could not be read, see above; the others are in {}",
            rows.len(),
            arguments.out.display()
        ))),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let seconds = seconds.filter(|seconds| !seconds.is_zero());
    seconds.ok_or_else(|| "expected seconds, a number > 0".to_owned())
}

/// Checks, before a long search, the places of the table and its `.partial`.
fn place_of_table<'a>(
    arguments: &'a Arguments,
    todo: &[Instance],
) -> Result<SingleResult<'a>, Refusal> {
    let (kind, how) = (FileKind::Table(&COLUMNS), (arguments.force, arguments.resume));
    SingleResult::growing(&arguments.out, kind, how, &inputs(arguments, todo))
}

fn inputs(arguments: &Arguments, todo: &[Instance]) -> Inputs {
    let mut inputs = Inputs::default().file("INSTANCES", Some(&arguments.instances));
    for instance in todo {
        let what = |kind| format!("the {kind} of line {}", instance.line);
        inputs = inputs
            .file(&what("network"), Some(&instance.onnx))
            .file(&what("property"), Some(&instance.vnnlib));
    }
    inputs
}

/// The instances that are asked for.
fn chosen(arguments: &Arguments) -> Result<Vec<Instance>, Refusal> {
    let path = &arguments.instances;
    let bytes = files::read(path)?;
    let mut all = instances(&path.display().to_string(), &bytes).map_err(hinted)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    for instance in &mut all {
        instance.onnx = folder.join(&instance.onnx);
        instance.vnnlib = folder.join(&instance.vnnlib);
    }
    let Some(line) = arguments.line else { return Ok(all) };
    let last = all.last().map_or(0, |instance| instance.line);
    all.retain(|instance| instance.line == line);
    if all.is_empty() {
        let path = path.display();
        return Err(Refusal::new(format!(
            "--line {line}: {path} has no instance there; its last is on line {last}"
        )));
    }
    Ok(all)
}

/// Adds a hint to a refusal of the first row, which is often a header.
fn hinted(error: DataError) -> Refusal {
    let is_first = matches!(error, DataError::Csv { line: 1, .. });
    let hint = "; every row is an instance `onnx,vnnlib,timeout`: there is no header row";
    Refusal::new(format!("{error}{}", if is_first { hint } else { "" }))
}

/// The folder for certificates. A run of one line keeps the certificates of other lines,
/// if they are about the same list.
fn place_for(
    arguments: &Arguments,
    folder: &Path,
    todo: &[Instance],
    list: &str,
) -> Result<ResultFolder, Refusal> {
    let is_of_other_line = |name: &Path| {
        let line = name.to_str().and_then(line_of_answer);
        arguments.line.is_some() && line.is_some_and(|line| Some(line) != arguments.line)
    };
    let is_of_list = files::read(&folder.join(LIST)).is_ok_and(|found| found == list.as_bytes());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| PathBuf::from(entry.file_name()));
    if let (false, Some(other)) = (is_of_list, names.find(|name| is_of_other_line(name))) {
        return Err(Refusal::about(folder)(Refusal::new(format!(
            "`{}` is about another list than {}, or the list has changed; name another folder",
            other.display(),
            arguments.instances.display()
        ))));
    }
    let is_table = table_in(folder, &arguments.out);
    let is_kept = |name: &Path| is_of_other_line(name) || is_table(name);
    let inputs = inputs(arguments, todo);
    ResultFolder::keeping(folder, Leaves::Answers, &inputs, arguments.force, &is_kept)
}

/// The digest of the list of instances, as a folder of answers keeps it in [`LIST`].
fn list(arguments: &Arguments) -> Result<String, Refusal> {
    Ok(format!("{}\n", Digest::of(&files::read(&arguments.instances)?)))
}

/// The inputs that answers depend on: a run goes on only if all of them are the same.
#[derive(Serialize)]
struct RunInputs {
    tool: &'static str,
    seed: u64,
    memory: u64,
    /// The lines of the instances, each with its seconds, and the digests of its network and its property.
    instances: Vec<(u64, f64, [Option<Digest>; 2])>,
}

impl RunInputs {
    fn of(arguments: &Arguments, todo: &[Instance]) -> Self {
        let instance = |instance: &Instance| {
            let seconds = arguments.timeout.unwrap_or(instance.timeout).as_secs_f64();
            let digest = |path: &PathBuf| Some(Digest::of(&files::read(&stored(path)).ok()?));
            (instance.line, seconds, [&instance.onnx, &instance.vnnlib].map(digest))
        };
        Self {
            tool: env!("CARGO_PKG_VERSION"),
            seed: arguments.seed,
            memory: arguments.memory,
            instances: todo.iter().map(instance).collect(),
        }
    }
}

/// True if the certificates that a run into this folder keeps of a row are still there.
fn is_all_there(row: &[String], store: Option<&Store>) -> bool {
    let Some(store) = store else { return true };
    let mut names = row.get(6).into_iter().flat_map(|names| names.split(';'));
    let is_error = row.get(3).is_some_and(|answer| answer == Status::Error.name());
    is_error || names.all(|name| !name.is_empty() && store.path(name).is_file())
}

fn report(instance: &Instance, outcome: &InstanceOutcome) {
    let InstanceOutcome { answer, seconds, nodes, .. } = outcome;
    let reason = outcome.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let (line, name) = (instance.line, name_of(&instance.vnnlib));
    tell!("line {line} {name}: {} in {seconds:.2} s, {nodes} cases{reason}", answer.name());
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn table(rows: &[Vec<String>]) -> String {
    let header = COLUMNS.map(str::to_owned).to_vec();
    csv_of(std::iter::once(&header).chain(rows))
}

/// The number of instances with each answer.
fn summary(rows: &[Vec<String>]) -> String {
    let count = |answer: Status| {
        rows.iter().filter(|row| row.get(3).is_some_and(|r| r == answer.name())).count()
    };
    let checked = rows.iter().filter(|row| row.get(7).is_some_and(|c| c == "true")).count();
    let all = [Status::Sat, Status::Unsat, Status::Unknown, Status::Timeout, Status::Error];
    let counts: Vec<String> =
        all.iter().map(|&answer| format!("{} {}", answer.name(), count(answer))).collect();
    format!("{} of {} (checked {checked})", counts.join(" "), rows.len())
}
