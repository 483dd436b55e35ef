//! `propcert certify`: proves or refutes obligations, or leaves them undecided, and writes the certificate.

mod entry;
mod extent;
mod rows;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;

use crate::certificate::{Subject, Tally};
use crate::certify::{Certificate, CertifyError, Options, Task, Written};
use crate::model::{DataSet, Part};
use crate::spec::DistanceUnit;
use crate::text::Share;

use super::check::{accuracy_json, accuracy_lines, refuted_json};
use super::inputs::Inputs;
use super::interrupt::KeptRun;
use super::invalid::RowsOutside;
use super::output::{FileKind, Force, SingleResult};
use super::progress::bar;
use super::subject::{Loaded, SubjectArguments};
use super::{Ending, Refusal};

use self::entry::Listed;
use self::extent::Extent;
use self::rows::RowArguments;

/// Certify a property of a model and write a certificate.
///
/// Bounds that cost less than an attack come first, then an attack, linear bounds, a linear program, and case
/// distinctions within the budget. The certificate holds hints that `check` decides again. Exit
/// code 0 whenever one is written; the last line counts verdicts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert certify --model model.json --spec specs/local-invariance-0.05.toml \\\n    --data spambase --rows 200 --every 7 --out certificate.jsonl"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: SubjectArguments,
    #[command(flatten)]
    rows: RowArguments,
    /// Nodes of a case distinction per obligation.
    #[arg(long, alias = "budget", default_value_t = Options::default().budget_nodes, value_name = "B")]
    budget_nodes: u64,
    /// Memory that one search over cases of a network may keep, in GiB, decimals allowed.
    #[arg(long, value_name = "M", default_value = "2", value_parser = gibibytes)]
    memory: u64,
    /// Seed of the attack's random starts.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where the certificate goes; - is standard output.
    #[arg(long)]
    out: PathBuf,
    /// Continue the interrupted `.partial` beside it.
    #[arg(long)]
    resume: bool,
    /// Also list the certificate, with its model, spec and data, in this manifest, which `steal` and `defend` take
    /// as --certificates; it is made if it is missing.
    #[arg(long, alias = "certificates", value_name = "MANIFEST.json")]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
    /// The counts as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let SubjectArguments { model, spec, data, defense, .. } = &arguments.subject;
    let inputs = Inputs::default()
        .file("--model", Some(model))
        .file("--spec", Some(spec))
        .file("--defense", defense.as_ref())
        .data("--data", data.as_deref());
    let how = (arguments.force, arguments.resume);
    let result = SingleResult::growing(&arguments.out, FileKind::Certificate, how, &inputs)?;
    let subject = &arguments.subject;
    let listed = arguments
        .manifest
        .as_deref()
        .map(|manifest| Listed::new(manifest, subject, &arguments.out, &inputs));
    let listed = listed.transpose()?;
    let loaded = Loaded::read(&arguments.subject)?;
    if let Some((defense, _)) = &loaded.defense
        && defense.target != loaded.model.1
    {
        return Err(Refusal::new("the defense was made for another model"));
    }
    let property = &loaded.spec.property;
    // the spec is what says that rows mean nothing
    let about = if property.is_about_rows() { None } else { Some(spec) };
    arguments.rows.expect_meant(property).map_err(|error| match about {
        Some(spec) => Refusal::about(spec)(error),
        None => error,
    })?;
    let named = loaded.data.as_ref().and_then(|(_, part)| *part);
    let part = named.unwrap_or(property.default_part());
    if property.is_about_rows() {
        expect_rows(loaded.data.as_ref().map(|(data, _)| data), part)?;
    }
    let whole = loaded.subject();
    let thinned = arguments.rows.thinned(whole.data, part);
    let subject = Subject { data: thinned.as_ref().or(whole.data), ..whole };
    let selection = arguments.rows.selection(part);
    let options = Options {
        budget_nodes: arguments.budget_nodes,
        memory: arguments.memory,
        seed: arguments.seed,
        ..Options::default()
    };
    let task = Task { subject, selection, options };
    expect_obligations(&task).map_err(|error| match error {
        CertifyError::Lower(error) => Refusal::about(spec)(error.into()),
        error => error.into(),
    })?;
    if let (Some(data), true) = (whole.data, property.is_about_rows()) {
        arguments.rows.warn_of_order(data, part);
    }
    let (outcome, text) =
        certify(&task, result.file(), arguments.resume).map_err(|error| match error {
            CertifyError::Lower(error) => Refusal::about(spec)(error.into()),
            error => error.into(),
        })?;
    if let Some(text) = text {
        result.write(text.as_bytes())?;
    }
    if let Some(listed) = listed {
        listed.write()?;
    }
    result.tell(&if arguments.json { outcome.json() } else { outcome.text() })?;
    let (spent, budget) = (outcome.written.spent, arguments.budget_nodes);
    if spent > 0 && !arguments.json {
        tell!(
            "propcert: note: {spent} undecided within --budget-nodes {budget}: more may decide them"
        );
    }
    let full = outcome.written.full;
    if full > 0 && !arguments.json {
        tell!(
            "propcert: note: {full} undecided whose proof needs more than --memory; a larger one may decide them"
        );
    }
    Ok(Ending::AsStated)
}

/// Bytes from a number of GiB.
pub(super) fn gibibytes(text: &str) -> Result<u64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
    let number = number.ok_or_else(|| "expected GiB, a number > 0".to_owned())?;
    Ok((number * (1u64 << 30) as f64) as u64)
}

/// What is told of a certificate beside the file.
struct CertifyOutcome {
    written: Written,
    /// Unit of distances, where the claim measures any.
    unit: Option<DistanceUnit>,
    /// True if the model has directions for missing values, which no claim is about.
    has_missing_directions: bool,
    extent: Extent,
    /// The rows about which nothing is claimed.
    invalid: RowsOutside,
}

impl CertifyOutcome {
    fn text(&self) -> String {
        let sampled = |survivors: Share| {
            Some(format!(
                "sampled: {} survive the attack (an estimate, never below CA; no proof)\n",
                survivors.counted()?
            ))
        };
        let sampled = self.written.survives_attack().and_then(sampled).unwrap_or_default();
        let unit = self
            .unit
            .map_or_else(String::new, |unit| format!("unit of distances: {}\n", unit.name()));
        let missing = match self.has_missing_directions {
            true => "missing values are outside every claim: the model sends them both ways\n",
            false => "",
        };
        let tally = &self.written.tally;
        let accuracy = accuracy_lines(tally);
        let invalid = self.invalid.text();
        format!("{unit}{missing}{accuracy}{sampled}{}{invalid}{}\n", self.extent, tally.all)
    }

    fn json(&self) -> String {
        let tally = &self.written.tally;
        let Tally { all, distinct, rules, .. } = tally;
        let Extent { changes, span, is_premise_met } = &self.extent;
        let json = serde_json::json!({
            "unit": self.unit, "missing-values-outside": self.has_missing_directions, "totals": all, "distinct": distinct, "rules": rules,
            "invalid": self.invalid.json(),
            "refuted": refuted_json(tally),
            "constraint-accuracy": accuracy_json(all),
            "sampled": { "survives-attack": self.written.survives_attack() },
            "largest-change": changes, "score-span": span, "premise-met": is_premise_met,
        });
        format!("{json}\n")
    }
}

/// Certifies into the file of a result, by way of its `.partial`, with a bar of progress; without a file, the text of the
/// certificate comes back.
fn certify(
    task: &Task,
    file: Option<&Path>,
    is_resumed: bool,
) -> Result<(CertifyOutcome, Option<String>), CertifyError> {
    let bar = bar("certify", 0);
    let (written, text) = match file {
        Some(file) => (certify_to(task, file, is_resumed, &bar)?, None),
        None => {
            let Certificate { text, written } = task.certify(&mut |_, _| bar.inc(1))?;
            (written, Some(text))
        }
    };
    bar.finish_and_clear();
    let (model, spec) = (task.subject.model.0, task.subject.spec);
    let outcome = CertifyOutcome {
        written,
        unit: DistanceUnit::of(spec, model),
        has_missing_directions: model.has_missing_directions(),
        extent: Extent::of(task)?,
        invalid: invalid(task)?,
    };
    Ok((outcome, text))
}

/// The rows outside the domain of the claim.
fn invalid(task: &Task) -> Result<RowsOutside, CertifyError> {
    let rows = task.rows()?;
    let lowered = task.lowered(rows)?;
    let schema = &task.subject.model.0.schema;
    let part = task.selection.part;
    let step = task.subject.data.map_or(NonZeroUsize::MIN, |data| data.step(part));
    Ok(RowsOutside::of_part(lowered.domain(), schema, (part, step), rows))
}

fn certify_to(
    task: &Task,
    file: &Path,
    is_resumed: bool,
    bar: &ProgressBar,
) -> Result<Written, CertifyError> {
    let kept = KeptRun::begin();
    task.certify_to(file, is_resumed, &mut |progress| {
        bar.set_length(progress.all as u64);
        bar.set_position(progress.done as u64);
        kept.note(progress.done as u64, progress.all as u64);
    })
}

/// Refuses a claim about nothing: one distinct row makes no pair.
fn expect_obligations(task: &Task) -> Result<(), CertifyError> {
    match task.lowered(task.rows()?)?.len() {
        0 => Err(CertifyError::Nothing),
        _ => Ok(()),
    }
}

/// Refuses a part without rows: a certificate of nothing says nothing.
fn expect_rows(data: Option<&DataSet>, part: Part) -> Result<(), Refusal> {
    let Some(data) = data.filter(|data| data.part(part).is_empty()) else { return Ok(()) };
    let others = Part::ALL.into_iter().filter(|other| !data.part(*other).is_empty());
    let others: Vec<String> = others.map(|part| format!("NAME:{}", part.name())).collect();
    let advice = match others.is_empty() {
        true => "it has rows in no part that can be named".to_owned(),
        false => format!("name a part that has some: --data {}", others.join(" or ")),
    };
    Err(Refusal::new(format!(
        "the {} part of {} has no rows, and a certificate of nothing says nothing; {advice}",
        part.name(),
        data.meta().name
    )))
}
