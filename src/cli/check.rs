//! `propcert check`: decides a certificate again, trusting nothing in it.

use std::fmt::Write;
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::certificate::{
    Arithmetic, CheckError, Checked, Decided, Settings, Tally, Verdict, check_file,
};
use crate::interval::Rational;
use crate::model::Digest;
use crate::spec::{Lowered, Semantics};

use super::invalid::RowsOutside;
use super::subject::{Loaded, SubjectArguments};
use super::witness::ShownWitness;
use super::{Ending, Refusal, files};

/// Check a certificate from model, spec and data.
///
/// Exit code 0: every line holds as stated and the totals agree (refuted and undecided obligations
/// may be among them). 1: something is not as stated, or --all-proved was given and not all are.
/// 2: unreadable, over a limit, or made for another model, spec, data or defense.
///
/// With --defense the claim is about the defended model, and the certificate must have been made for
/// that defense file: `defend` writes such certificates, and `certify --defense` does. A certificate of
/// the undefended model is refused, and so is one of the defended model without --defense.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert check certificates/spambase-mlp/local-invariance-0.05.jsonl \\\n    --model certificates/spambase-mlp/model.json --spec specs/local-invariance-0.05.toml \\\n    --data spambase"
)]
pub(crate) struct Arguments {
    /// The certificate (JSON Lines).
    certificate: PathBuf,
    #[command(flatten)]
    subject: SubjectArguments,
    /// Decide in exact integers instead of f64 with paid-for rounding.
    #[arg(long)]
    exact: bool,
    /// Demand that every obligation is proved, and that there is one.
    #[arg(long)]
    all_proved: bool,
    /// Decide only the first K obligations; the totals are then not compared.
    #[arg(long, value_name = "K", conflicts_with = "all_proved", value_parser = at_least_one)]
    first: Option<usize>,
    /// Largest number of multiply-adds.
    #[arg(long, default_value_t = 10_000_000_000_000, value_name = "N")]
    max_work: u64,
    /// Show the first K refuted obligations in words, what the model answers where [K: 10]; with --json the lines of these
    /// obligations have their points.
    #[arg(long, value_name = "K", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "10", value_parser = at_least_one)]
    witnesses: Option<usize>,
    /// Show every feature of these points, and not only those that differ most.
    #[arg(long, requires = "witnesses")]
    whole: bool,
    /// One JSON line per obligation, then one for the whole.
    #[arg(long)]
    json: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().map_err(|_| "expected a whole number".to_owned())?;
    if number == 0 { Err("expected at least 1".to_owned()) } else { Ok(number) }
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let loaded = Loaded::read(&arguments.subject)?;
    let mut file = BufReader::new(files::open(&arguments.certificate)?);
    let settings = Settings {
        arithmetic: if arguments.exact { Arithmetic::Exact } else { Arithmetic::Rounded },
        first: arguments.first,
        max_work: arguments.max_work,
        ..Settings::default()
    };
    let mut lines = String::new();
    let (mut told, mut witnesses) = (0, String::new());
    let mut watch = |decided: Decided| {
        let data = loaded.data.as_ref().zip(decided.header.part);
        let rows = data.map_or(&[][..], |((data, _), part)| data.part(part));
        let is_shown = told < arguments.witnesses.unwrap_or(0);
        let witness = ShownWitness::of(&loaded.model.0, rows, &decided).filter(|_| is_shown);
        told += usize::from(witness.is_some());
        if arguments.json {
            let Decided { at, proof, verdict, .. } = decided;
            let (rule, verdict) = (proof.rule(), verdict_name(verdict));
            let witness = witness.map(|witness| format!(",\"witness\":{}", witness.json()));
            let witness = witness.unwrap_or_default();
            let _ = writeln!(
                lines,
                "{{\"at\":{at},\"rule\":\"{rule}\",\"verdict\":\"{verdict}\"{witness}}}"
            );
        } else if let Some(witness) = witness {
            witnesses += &witness.text(arguments.whole);
        }
    };
    let checked =
        check_file(&loaded.subject(), &mut file, settings, &mut watch).map_err(|error| {
            // a spec that does not fit the model is not the certificate's fault
            let is_about_spec = matches!(error, CheckError::Lower(_));
            let file = if is_about_spec { &arguments.subject.spec } else { &arguments.certificate };
            Refusal::about(file)(error.into())
        })?;
    agree_on_part(&loaded, &checked)?;
    let all_proved =
        checked.tally.all.proved > 0 && checked.tally.all.proved == checked.tally.all.n();
    let holds = checked.is_as_stated() && (all_proved || !arguments.all_proved);
    if arguments.json {
        lines.push_str(&summary_json(&checked, holds, settings, &invalid(&loaded, &checked)?));
    } else {
        let about = about(&loaded, &arguments.subject, &checked);
        lines = summary_text(&checked, settings, &about, &invalid(&loaded, &checked)?);
        lines += &witnesses;
    }
    files::print(&lines)?;
    for finding in &checked.findings {
        tell!("propcert: {finding}");
    }
    if arguments.all_proved && !all_proved {
        tell!("propcert: --all-proved: {}", checked.tally.all);
        if let Some((defense, _)) =
            loaded.defense.as_ref().filter(|_| checked.tally.all.proved == 0)
            && !loaded.spec.property.is_kept_by(defense)
        {
            let property = loaded.spec.property.name();
            tell!(
                "propcert: the defense {defense} keeps no claim of `{property}`: none can be proved behind it"
            );
        }
    }
    Ok(if holds { Ending::AsStated } else { Ending::NotAsStated })
}

/// Refuses a `--data D:part` that names another part than the certificate.
fn agree_on_part(loaded: &Loaded, checked: &Checked) -> Result<(), Refusal> {
    let asked = loaded.data.as_ref().and_then(|(_, part)| *part);
    match (asked, checked.header.part) {
        (Some(asked), Some(stated)) if asked != stated => Err(Refusal::new(format!(
            "the certificate is about part {}, --data names {}",
            stated.name(),
            asked.name()
        ))),
        _ => Ok(()),
    }
}

/// The rows of a certificate outside the domain of its claim.
fn invalid(loaded: &Loaded, checked: &Checked) -> Result<RowsOutside, Refusal> {
    let (header, subject) = (&checked.header, loaded.subject());
    let Some((data, part)) = subject.data.zip(header.part) else {
        return Ok(RowsOutside::default());
    };
    if checked.tally.all.invalid == 0 {
        return Ok(RowsOutside::default());
    }
    let step = NonZeroUsize::new(header.every.unwrap_or(1)).unwrap_or(NonZeroUsize::MIN);
    let data = data.every(part, step);
    let rows = subject.spec.property.first_rows(data.part(part), header.rows).unwrap_or_default();
    let (model, defense) = (subject.model.0, subject.defense.map(|(defense, _)| defense));
    let lowered = Lowered::new(subject.spec, model, defense, rows)?;
    Ok(RowsOutside::of_part(lowered.domain(), &model.schema, (part, step), rows))
}

fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Proved(_) => "proved",
        Verdict::Refuted(_) => "refuted",
        Verdict::Undecided(_) => "undecided",
        Verdict::Invalid => "invalid",
        Verdict::Counted(_) => "counted",
    }
}

/// Constraint accuracy between its proved ends, over all obligations and over distinct rows, and
/// the rules that proved it.
pub(crate) fn accuracy_lines(tally: &Tally) -> String {
    let mut text = String::new();
    let mut line = |what: &str, totals: &crate::certificate::Totals| {
        let _ = match totals.n() {
            0 if totals.vacuous + totals.invalid > 0 => {
                writeln!(text, "{what}: there are none but vacuous or invalid ones")
            }
            0 => writeln!(text, "{what}: there are none"),
            _ if totals.exactly().is_some() => {
                writeln!(text, "{what}: {}", totals.constraint_accuracy())
            }
            n => writeln!(text, "{what}: {} ({n} of them)", totals.constraint_accuracy()),
        };
    };
    line("constraint accuracy (CA) over obligations", &tally.all);
    if let Some(distinct) = &tally.distinct {
        line("constraint accuracy (CA) over distinct rows", distinct);
    }
    if let (Some(wrong), Some(attacked), 1..) =
        (tally.wrong_already, tally.attacked(), tally.all.refuted)
    {
        let _ = writeln!(text, "refuted: {wrong} wrong already, {attacked} attacked");
    }
    let rules: Vec<String> =
        tally.rules.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
    if !rules.is_empty() {
        let _ = writeln!(text, "proved by: {}", rules.join(", "));
    }
    text
}

/// The ends of constraint accuracy for machines, as numbers in `[0, 1]` rounded outward: the lower one from the proved
/// obligations, the upper one from the refuted ones, with both counts and the number that they are counted of.
pub(crate) fn accuracy_json(totals: &crate::certificate::Totals) -> serde_json::Value {
    let n = totals.n();
    let ratio = |count: u64| Rational::new(count.into(), n.into());
    let lower = ratio(totals.proved).map(|ratio| ratio.down());
    let upper = ratio(n - totals.refuted.min(n)).map(|ratio| ratio.up());
    serde_json::json!({
        "lower": lower, "upper": upper, "proved": totals.proved, "refuted": totals.refuted, "of": n,
        "text": totals.constraint_accuracy(),
    })
}

/// The refuted obligations for machines: those of rows that are wrong already, and the others; null for claims that are
/// not about the labels of the data.
pub(crate) fn refuted_json(tally: &Tally) -> serde_json::Value {
    match (tally.wrong_already, tally.attacked()) {
        (Some(wrong), Some(attacked)) => {
            serde_json::json!({ "wrong-already": wrong, "attacked": attacked })
        }
        _ => serde_json::Value::Null,
    }
}

/// The decided claim on one line: its parameters, the function, the rows and the
/// files; each file with its name and the first digits of its digest.
fn about(loaded: &Loaded, named: &SubjectArguments, checked: &Checked) -> String {
    let header = &checked.header;
    let semantics = match header.semantics {
        Semantics::Real => "real",
        Semantics::ServedF32 => "served-f32",
    };
    let mut text =
        format!("decided: {}, semantics {semantics}", loaded.spec.words(&loaded.model.0));
    if let (Some(part), Some(rows)) = (header.part, header.rows) {
        let _ = write!(text, ", {rows} rows of {}", part.name());
        if let Some(step) = header.every {
            let _ = write!(text, ", one in {step}");
        }
    }
    let file = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let _ = write!(text, "; model {}", with_digest(&file(&named.model), header.model));
    if let (Some(digest), Some((data, _))) = (header.data, &loaded.data) {
        let _ = write!(text, ", data {}", with_digest(&data.meta().name, digest));
    }
    if let (Some(digest), Some(path)) = (header.defense, &named.defense) {
        let _ = write!(text, ", defended by {}", with_digest(&file(path), digest));
    }
    text
}

/// A name with the first digits of a digest: `name (1a2b3c4d)`.
fn with_digest(name: &str, digest: Digest) -> String {
    format!("{name} ({:.8})", digest.to_string())
}

fn summary_text(
    checked: &Checked,
    settings: Settings,
    about: &str,
    invalid: &RowsOutside,
) -> String {
    let mut text = String::new();
    let header = &checked.header;
    if let (Some(part), Some(rows)) = (header.part, header.rows) {
        let step = header.every.map_or(String::new(), |step| format!(" every {step}"));
        let _ = writeln!(text, "part {} rows {rows}{step}", part.name());
    }
    if let Some(first) = settings.first {
        let _ = writeln!(text, "only the first {first} obligations were decided");
    }
    text += &accuracy_lines(&checked.tally);
    text += &invalid.text();
    let _ = writeln!(text, "{about}");
    let _ = writeln!(text, "{}", checked.tally.all);
    text
}

fn summary_json(
    checked: &Checked,
    holds: bool,
    settings: Settings,
    invalid: &RowsOutside,
) -> String {
    let arithmetic = match settings.arithmetic {
        Arithmetic::Rounded => "rounded",
        Arithmetic::Exact => "exact",
    };
    let summary = serde_json::json!({
        "as-stated": holds,
        "arithmetic": arithmetic,
        "first": settings.first,
        "totals": checked.tally.all,
        "invalid": invalid.json(),
        "constraint-accuracy": accuracy_json(&checked.tally.all),
        "distinct": checked.tally.distinct,
        "refuted": refuted_json(&checked.tally),
        "rules": checked.tally.rules,
        "findings": checked.findings,
        "header": checked.header,
    });
    format!("{summary}\n")
}
