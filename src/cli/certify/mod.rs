//! `propcert certify`: proves or refutes obligations, or leaves them undecided, and writes the certificate.

mod extent;
mod partial;

use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::certificate::{Arithmetic, Counter, Kernel, Share, Tally, Verdict};
use crate::certify::{Options, Searcher, Selection, header, rows_for};
use crate::model::Family;
use crate::spec::{DistanceUnit, Lowered};

use super::check::{accuracy_json, accuracy_lines};
use super::inputs::Inputs;
use super::output::{FileKind, Force, expect_own};
use super::progress::bar;
use super::subject::{Loaded, SubjectArguments};
use super::{Ending, Refusal, files};

use self::extent::Extent;
use self::partial::{Before, expect_seed, keep_seed, open_partial, read_partial};

/// Certify a property of a model and write a certificate.
///
/// An attack comes first, then interval bounds, linear bounds, a linear program, and case
/// distinctions within the budget. The certificate holds hints that `check` decides again. Exit
/// code 0 whenever one is written; the last line counts verdicts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert certify --model model.json --spec specs/local-invariance-0.05.toml \\\n    --data spambase --rows 200 --out certificate.jsonl"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: SubjectArguments,
    /// Only the first N rows of the part [default: all].
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Nodes of a case distinction per obligation.
    #[arg(long, default_value_t = Options::default().budget_nodes, value_name = "B")]
    budget_nodes: u64,
    /// Seed of the attack's random starts.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where the certificate goes.
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
    let SubjectArguments { model, spec, data, defense, .. } = &arguments.subject;
    Inputs::default()
        .file("--model", Some(model))
        .file("--spec", Some(spec))
        .file("--defense", defense.as_ref())
        .data("--data", data.as_deref())
        .expect_room(&arguments.out, arguments.resume)?;
    expect_own(&arguments.out, FileKind::Certificate, arguments.force)?;
    let loaded = Loaded::read(&arguments.subject)?;
    if let Some((defense, _)) = &loaded.defense
        && defense.target != loaded.model.1
    {
        return Err(Refusal::new("the defense was made for another model"));
    }
    let property = &loaded.spec.0.property;
    if let (Some(rows), false) = (arguments.rows, property.is_about_rows()) {
        let text = format!(
            "--rows {rows}: property `{}` is not about rows as this spec states it; leave out --rows",
            property.name()
        );
        return Err(Refusal::about(spec)(Refusal::new(text)));
    }
    if arguments.rows == Some(0) {
        return Err(Refusal::new(
            "--rows 0: expected at least 1; a certificate of nothing says nothing",
        ));
    }
    let named = loaded.data.as_ref().and_then(|(_, part)| *part);
    let part = named.unwrap_or(property.default_part());
    let selection = Selection { part, rows: arguments.rows };
    let options = Options {
        budget_nodes: arguments.budget_nodes,
        seed: arguments.seed,
        ..Options::default()
    };
    let outcome = write(&loaded, spec, selection, options, &arguments.out, arguments.resume)?;
    files::print(&if arguments.json { outcome.json() } else { outcome.text() })?;
    if outcome.spent > 0 && !arguments.json {
        let (spent, budget) = (outcome.spent, arguments.budget_nodes);
        eprintln!(
            "propcert: note: {spent} undecided within --budget-nodes {budget}: more may decide them"
        );
    }
    Ok(Ending::AsStated)
}

/// The outcome of certifying.
struct CertifyOutcome {
    tally: Tally,
    /// Unit of distances, where the claim measures any.
    unit: Option<DistanceUnit>,
    /// True if the model has directions for missing values, which no claim is about.
    has_missing_directions: bool,
    /// Obligations that the attack alone did not refute; `None` where every pair of rows is decided, so
    /// that nothing is sampled.
    survives_attack: Option<Share>,
    /// Undecided obligations of this run that used up their budget of nodes.
    spent: u64,
    extent: Extent,
}

impl CertifyOutcome {
    fn text(&self) -> String {
        let sampled = |survivors: Share| {
            let (share, of) = (survivors.upper()?, survivors.of);
            Some(format!(
                "sampled: {share} of {of} survive the attack (an estimate, never below CA; no proof)\n"
            ))
        };
        let sampled = self.survives_attack.and_then(sampled).unwrap_or_default();
        let unit = self
            .unit
            .map_or_else(String::new, |unit| format!("unit of distances: {}\n", unit.name()));
        let missing = match self.has_missing_directions {
            true => "missing values are outside every claim: the model sends them both ways\n",
            false => "",
        };
        let accuracy = accuracy_lines(&self.tally);
        format!("{unit}{missing}{accuracy}{sampled}{}{}\n", self.extent, self.tally.all)
    }

    fn json(&self) -> String {
        let Tally { all, distinct, rules } = &self.tally;
        let Extent { changes, span, is_premise_met } = &self.extent;
        let json = serde_json::json!({
            "unit": self.unit, "missing-values-outside": self.has_missing_directions, "totals": all, "distinct": distinct, "rules": rules,
            "constraint-accuracy": accuracy_json(all),
            "sampled": { "survives-attack": self.survives_attack },
            "largest-change": changes, "score-span": span, "premise-met": is_premise_met,
        });
        format!("{json}\n")
    }
}

/// Certifies and writes `out`, by way of `out.partial`.
fn write(
    loaded: &Loaded,
    spec: &Path,
    selection: Selection,
    options: Options,
    out: &Path,
    resume: bool,
) -> Result<CertifyOutcome, Refusal> {
    let subject = loaded.subject();
    let rows = rows_for(&subject, selection)?;
    let defense = subject.defense.map(|(defense, _)| defense);
    let lowered = Lowered::new(subject.spec.0, subject.model.0, defense, rows)
        .map_err(Refusal::from)
        .map_err(Refusal::about(spec))?;
    let header = header(&subject, &lowered, selection, rows, &options);
    let partial = files::partial_name(out);
    let kernel = Kernel::new(subject.model.0, &lowered, Arithmetic::Rounded);
    let mut counter = Counter::new(&lowered, rows);
    let before = if resume {
        expect_seed(&partial, options.seed)?;
        read_partial(&partial, &header, &kernel, &mut counter)?
    } else {
        Before::default()
    };
    keep_seed(&partial, options.seed)?;
    let mut file = open_partial(&partial, &header, &before)?;
    let searcher = Searcher::new(subject, &lowered, rows, options);
    let progress = bar("certify", searcher.len() as u64);
    progress.set_position(before.lines as u64);
    let mut spent = 0;
    let summary = searcher.run(before.lines, |line, answer| {
        spent += u64::from(answer.is_spent && matches!(answer.verdict, Verdict::Undecided(_)));
        progress.inc(1);
        counter.add(line.at, &answer.verdict);
        file.write_all(line.line().as_bytes())
    })?;
    progress.finish_and_clear();
    let tally = counter.into_tally();
    file.write_all(tally.all.line().as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&partial, out).map_err(|error| {
        Refusal::new(format!(
            "{} cannot be renamed to {}: {error}",
            partial.display(),
            out.display()
        ))
    })?;
    keep_seed(&partial, 0)?;
    // the figure is the same as that of a run in one piece
    let again = before.refuted.par_iter().filter(|at| searcher.is_refuted_by_attack(**at)).count();
    let (n, refuted) = (tally.all.n(), summary.refuted_by_attack + again as u64);
    let survivors = Share::new(n - refuted.min(n), n);
    // no attack is made where every pair of rows is decided, nor on a changed point; two close points are
    // attacked only where there is a gradient to climb
    let is_network = matches!(subject.model.0.family, Family::Mlp(_));
    let is_attacked = !lowered.is_change() && (is_network || !lowered.is_near());
    let is_sampled = lowered.pair_bound().is_none() && is_attacked;
    let extent = Extent::new(&searcher, subject.model.0, &lowered);
    let unit = DistanceUnit::of(subject.spec.0, subject.model.0);
    let has_missing_directions = subject.model.0.has_missing_directions();
    let survives_attack = is_sampled.then_some(survivors);
    Ok(CertifyOutcome { tally, unit, has_missing_directions, survives_attack, spent, extent })
}
