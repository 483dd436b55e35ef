//! `propcert audit`: one model, one data set, one page.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::audit::{
    AuditPace, AuditPlan, AuditSubject, Audited, PlanError, audit, compare, expect_comparable,
    expect_gates, report_text,
};
use crate::dataset;
use crate::import::{
    Format, ImportError, Imported, Outputs, Rounds, gather, onnx_outputs, recognise,
};
use crate::model::{DataSet, Digest, Model, Schema};
use crate::report::{Report, from_json, render_junit, report_files, shell_word, to_json};
use crate::store::{Store, partial_name};
use crate::study::{CellLog, Pace};

use super::inputs::Inputs;
use super::interrupt::KeptRun;
use super::output::{Force, Leaves, ResultFolder};
use super::subject::{data_seen_from, expect_rows, ordered_as, read_whole};
use super::{Ending, Refusal, files};

/// Audit a model on data: what it guarantees, how easily it is stolen, what a defense would cost.
///
/// The model is native (model/1) or of XGBoost, LightGBM, scikit-learn or ONNX, known by its content. Certified are
/// local invariance at several radii, exact radii (of ensembles), every feature in either direction, the largest changes of
/// the score and the boundary zone. Then the model is stolen by several attacks at several budgets, what its
/// certificates give away is counted, and every defense is tried. Verdicts are the kernel's; everything else is called
/// measured or sampled.
///
/// DIR gets report.html (one page without scripts), report.json, report.txt (figures only, for snapshots), tables.md and
/// tables.csv (every table of the page), junit.xml (a test case per gate), manifest.json, models, specs, certificates, defenses, and the cells with their grid. Each certificate can
/// be checked from inside DIR. The same inputs give the same bytes for any number of threads.
///
/// A plan (TOML) says what to leave out, how much of each part to do, and what the figures must come to: see the
/// table in the README. Exit code 1 if a gate fell short, something is worse than in --against, or anything is not as
/// stated; 2 for what cannot be read, before work starts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  propcert audit --model trees.json --data spambase --quick --out audit\n  propcert audit --model booster.json --data mails.csv --plan plan.toml --out audit\n  \
    propcert audit --model new.json --data spambase --against audit/report.json --out audit-new\n\nwith plan.toml, for instance:\n  leave-out = [\"boundary\"]\n  budgets = [50, 200]\n\n  [monotone]\n  char_freq_dollar = \"increasing\"\n\n  [gate]\n  local-invariance-0.05 = \">= 0.90 proved\"\n  monotonicity = \"all proved\"\n  agreement-200 = \"<= 0.95\""
)]
pub(crate) struct Arguments {
    /// The model: model/1, or a model of another tool.
    #[arg(long, alias = "target")]
    model: PathBuf,
    /// The data: a name, a folder or a CSV. Certified and measured are test rows; a thief starts from auxiliary rows.
    #[arg(long)]
    data: String,
    /// The plan (TOML).
    #[arg(long)]
    plan: Option<PathBuf>,
    /// Fewer rows and attacks: about a third of the time.
    #[arg(long, conflicts_with = "thorough")]
    quick: bool,
    /// As long as it takes: more radii, rows, budgets and repetitions, every attack.
    #[arg(long)]
    thorough: bool,
    /// The report.json of an earlier audit on the same data: what got worse is listed, and exit code is 1; what got better
    /// is listed too.
    #[arg(long, value_name = "REPORT.json")]
    against: Option<PathBuf>,
    /// Continue an interrupted audit of the same inputs.
    #[arg(long)]
    resume: bool,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder for everything that is made.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let data = read_whole(&arguments.data)?;
    let given = read_given(&arguments.model, &data)?;
    let data =
        ordered_as(data, &given.model).map_err(|error| names_of_both(error, &given.model))?;
    expect_rows(&data, "an audit")?;
    let plan = plan(arguments)?;
    expect_gates(&plan, &given.model, &data).map_err(|error| about_plan(arguments, error))?;
    let earlier = earlier(arguments, &data)?;
    let place = place(arguments)?;
    expect_no_remains(arguments)?;
    given.notes.iter().for_each(|note| tell!("propcert: note: {note}"));
    let draft = place.begin(arguments.resume)?.resumable();
    let store = draft.store()?;
    let name = name_of(&arguments.model);
    let data_name = data_seen_from(&arguments.data, draft.stand_in())?;
    let subject = AuditSubject {
        model: &given.model,
        bytes: &given.bytes,
        digest: Digest::of(&given.bytes),
        name: &name,
        imported: given.imported,
        data: &data,
        data_name: &data_name,
        command: command(arguments),
        seed: arguments.seed,
    };
    let (start, kept) = (Instant::now(), KeptRun::begin());
    let mut tell = |pace: Pace| {
        let seconds = start.elapsed().as_secs_f64();
        kept.note(pace.done, pace.all);
        tell!("[{seconds:5.1} s] {} ({} of {} cells done)", pace.text, pace.done, pace.all);
    };
    let mut audited = audit(&subject, &plan, (&store, arguments.resume), &mut tell)?;
    if let Some(earlier) = &earlier {
        let against = compare(earlier, &audited.report)?;
        let models = audited.report.runs.iter_mut().flat_map(|run| &mut run.models);
        let findings = models.filter_map(|model| model.audited.as_mut());
        findings.for_each(|findings| findings.against = Some(against.clone()));
    }
    let text = write(&audited, &store)?;
    drop(kept);
    draft.finish()?;
    tell!(
        "[{:5.1} s] done: {}",
        start.elapsed().as_secs_f64(),
        arguments.out.join("report.html").display()
    );
    files::print(&if arguments.json { to_json(&audited.report)? } else { text })?;
    audited.findings.iter().for_each(|finding| tell!("propcert: not as stated: {finding}"));
    let is_as_stated = audited.findings.is_empty() && demands_are_met(&audited.report);
    Ok(if is_as_stated { Ending::AsStated } else { Ending::NotAsStated })
}

/// Writes the reports; gives that in plain text.
fn write(audited: &Audited, store: &Store) -> Result<String, Refusal> {
    let Audited { report, manifest, .. } = audited;
    let text = report_text(report);
    store.write("manifest.json", manifest.to_json().as_bytes())?;
    for (name, text) in report_files(report)? {
        store.write(name, text.as_bytes())?;
    }
    store.write("report.txt", text.as_bytes())?;
    store.write("junit.xml", render_junit(report)?.as_bytes())?;
    Ok(text)
}

/// True if no gate fell short and nothing got worse.
fn demands_are_met(report: &Report) -> bool {
    let models = report.runs.iter().flat_map(|run| &run.models);
    models.flat_map(|model| &model.audited).all(|audited| {
        let is_worse = audited.against.as_ref().is_some_and(|against| !against.worse.is_empty());
        audited.gates.iter().all(|gate| gate.passed) && !is_worse
    })
}

/// The report of an earlier audit, if one is named; it must be about the same data.
fn earlier(arguments: &Arguments, data: &DataSet) -> Result<Option<Report>, Refusal> {
    let Some(path) = &arguments.against else { return Ok(None) };
    let about = Refusal::about(path);
    let text = String::from_utf8(files::read(path)?).map_err(|error| about(error.into()))?;
    let report = from_json(&text).map_err(|error| about(error.into()))?;
    let digest = data.digest().to_string();
    expect_comparable(&report, (&data.meta().name, &digest))
        .map_err(|error| about(error.into()))?;
    Ok(Some(report))
}

/// A model as it was given.
struct GivenModel {
    model: Model,
    /// The bytes of its native file.
    bytes: Vec<u8>,
    /// The format that it was imported from, and what the import says of it.
    imported: Option<String>,
    notes: Vec<String>,
}

/// Imports a model; a single output of a graph is the logit of class 1, if the data has two classes.
fn take(
    format: Format,
    bytes: &[u8],
    path: &Path,
    (data, schema): (&DataSet, &Schema),
) -> Result<Imported, ImportError> {
    if format != Format::Onnx {
        return format.take(bytes, Some(schema), Rounds::default());
    }
    let bytes = gather(bytes, path.parent().unwrap_or(Path::new("")))?;
    let is_logit = data.classes() == 2;
    onnx_outputs(&bytes, Some(schema), if is_logit { Outputs::Logits } else { Outputs::default() })
}

/// Reads a native model, or imports one of another tool with the ranges and scales of the data.
fn read_given(path: &Path, data: &DataSet) -> Result<GivenModel, Refusal> {
    let bytes = files::read(path)?;
    let about = Refusal::about(path);
    let is_native = bytes.windows(9).take(4096).any(|window| window == b"\"model/1\"");
    let format = if is_native { None } else { recognise(&bytes).map_err(|e| about(e.into()))? };
    let given = match format {
        None => {
            let model = Model::read(&bytes).map_err(|error| {
                about(Refusal::new(format!(
                    "{error}; expected model/1, or a model of XGBoost, LightGBM, scikit-learn (by the lines of Python in \
                     `import --help`) or ONNX"
                )))
            })?;
            GivenModel { model, bytes, imported: None, notes: Vec::new() }
        }
        Some(format) => {
            let schema = dataset::schema(data)?;
            let imported = take(format, &bytes, path, (data, &schema));
            let imported = imported.map_err(|error| {
                let names: Vec<&str> = data.meta().features.iter().map(String::as_str).collect();
                let (data, names) = (&data.meta().name, names.join(", "));
                about(Refusal::new(format!(
                    "read as {}: {error} (the features of the data `{data}`: {names})",
                    format.words()
                )))
            })?;
            let Imported { model, notes } = imported;
            let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
            let said = std::iter::once(format!("imported from {}", format.words()));
            let said = said.chain(notes.iter().cloned()).collect::<Vec<_>>().join("; ");
            let bytes = model.to_json().into_bytes();
            GivenModel { model, bytes, imported: Some(said), notes }
        }
    };
    if given.model.is_plain_score() {
        let text = "the model is a plain score (1 class); an audit is about labels: `certify` and `check` take plain \
                    scores";
        return Err(about(Refusal::new(text)));
    }
    Ok(given)
}

/// Adds the features of the model to a refusal that compares them with the data's.
fn names_of_both(Refusal(text): Refusal, model: &Model) -> Refusal {
    let names: Vec<&str> = model.schema.features().iter().map(|f| f.name.as_str()).collect();
    Refusal::new(format!("{text}; the features of the model are {}", names.join(", ")))
}

fn plan(arguments: &Arguments) -> Result<AuditPlan, Refusal> {
    let pace = match (arguments.quick, arguments.thorough) {
        (true, _) => AuditPace::Quick,
        (false, true) => AuditPace::Thorough,
        (false, false) => AuditPace::Usual,
    };
    match &arguments.plan {
        None => Ok(AuditPlan::of_pace(pace)),
        Some(path) => AuditPlan::open(path, pace).map_err(|error| about_plan(arguments, error)),
    }
}

/// A fault of the plan, with its file.
fn about_plan(arguments: &Arguments, error: PlanError) -> Refusal {
    match (&arguments.plan, error) {
        (_, PlanError::Source(error)) => error.into(),
        (Some(path), error) => Refusal::about(path)(error.into()),
        (None, error) => error.into(),
    }
}

/// The result folder DIR. An input is refused if it lies where one of the folder's files goes.
fn place(arguments: &Arguments) -> Result<ResultFolder, Refusal> {
    let inputs = Inputs::default()
        .file("--model", Some(&arguments.model))
        .file("--plan", arguments.plan.as_ref())
        .file("--against", arguments.against.as_ref())
        .data("--data", Some(&arguments.data));
    ResultFolder::new(&arguments.out, Leaves::Audit, &inputs, arguments.force)
}

/// Refuses to lose what an interrupted audit has kept.
fn expect_no_remains(arguments: &Arguments) -> Result<(), Refusal> {
    let partial = partial_name(&arguments.out.components().collect::<PathBuf>());
    if !arguments.resume && CellLog::is_in(&partial.join("new")) {
        return Err(Refusal::new(format!(
            "{}: is what an interrupted audit has kept; --resume continues it, else remove the folder",
            partial.display()
        )));
    }
    Ok(())
}

/// The name of a model: that of its file without endings, with `-` for what cannot stand in names.
fn name_of(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = file.split('.').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = stem.chars().take(40).map(plain).collect();
    let name = name.trim_start_matches(['-', '_']);
    if name.is_empty() || name == "none" { "model".to_owned() } else { name.to_owned() }
}

/// The call with the files as they were given.
fn command(arguments: &Arguments) -> String {
    let path = |path: &Path| shell_word(&path.to_string_lossy());
    let mut text = format!(
        "propcert audit --model {} --data {}",
        path(&arguments.model),
        shell_word(&arguments.data)
    );
    let pace = [(arguments.quick, " --quick"), (arguments.thorough, " --thorough")];
    pace.into_iter().filter(|(is_given, _)| *is_given).for_each(|(_, word)| text += word);
    for (option, given) in [("--plan", &arguments.plan), ("--against", &arguments.against)] {
        text +=
            &given.as_ref().map_or_else(String::new, |given| format!(" {option} {}", path(given)));
    }
    format!("{text} --seed {} --out DIR", arguments.seed)
}
