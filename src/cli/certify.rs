//! `propcert certify`: proves, refutes or leaves undecided, and writes the certificate.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::certificate::{
    Arithmetic, Assembler, Counter, Entry, Header, Kernel, Line, Proof, Share, Tally, Verdict,
};
use crate::certify::{LargestChange, Options, Searcher, Selection, header, rows_for};
use crate::model::{Family, Model};
use crate::spec::{Claim, Lowered};

use super::check::{accuracy_json, accuracy_lines};
use super::inputs::Inputs;
use super::progress::bar;
use super::subject::{Loaded, SemanticsArgument};
use super::{Ending, Refusal, files};

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
    /// The model (model/1).
    #[arg(long)]
    model: PathBuf,
    /// The spec (TOML); examples are in specs/, every property and key in certificates/README.md.
    #[arg(long)]
    spec: PathBuf,
    /// The data: a name, a folder or a CSV, with `:part` if another than test is meant.
    #[arg(long)]
    data: Option<String>,
    /// The defense (defense/1), to certify the defended model.
    #[arg(long)]
    defense: Option<PathBuf>,
    /// Only the first N rows of the part [default: all].
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Nodes of a case distinction per obligation.
    #[arg(long, default_value_t = Options::default().budget_nodes, value_name = "B")]
    budget_nodes: u64,
    /// Which function is meant [default: the spec's; where it names none, served-f32 for claims about
    /// one point of an f32 model, else real].
    #[arg(long)]
    semantics: Option<SemanticsArgument>,
    /// Seed of the attack's random starts.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where the certificate goes.
    #[arg(long)]
    out: PathBuf,
    /// Continue the interrupted `.partial` beside it.
    #[arg(long)]
    resume: bool,
    /// The counts as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let Arguments { model, spec, data, defense, .. } = arguments;
    expect_place(arguments)?;
    let loaded =
        Loaded::read(model, spec, data.as_deref(), defense.as_deref(), arguments.semantics)?;
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
    Ok(Ending::AsStated)
}

/// Asked before a long search: where the certificate and its `.partial` go, and whether one is there.
fn expect_place(arguments: &Arguments) -> Result<(), Refusal> {
    files::expect_folder(&arguments.out)?;
    let inputs = Inputs::default()
        .file("--model", Some(&arguments.model))
        .file("--spec", Some(&arguments.spec))
        .file("--defense", arguments.defense.as_ref())
        .data("--data", arguments.data.as_deref());
    for path in [arguments.out.clone(), files::partial_name(&arguments.out)] {
        inputs.expect_apart(&path)?;
        files::expect_plain(&path)?;
    }
    if !arguments.resume {
        files::expect_no_rest(&files::partial_name(&arguments.out))?;
    }
    Ok(())
}

/// What was certified.
struct Outcome {
    tally: Tally,
    /// Obligations that the attack alone did not refute, of those of this run; nothing where every
    /// pair of rows is decided, so that nothing is sampled.
    survives_attack: Option<Share>,
    extent: Extent,
}

/// What stands beside claims about two points of an ensemble, where the budget lasts for it.
#[derive(Default)]
struct Extent {
    /// By obligation and what it is called, where the claim bounds how the score changes.
    changes: Vec<(usize, String, LargestChange)>,
    /// From the least score to the greatest: small scores change little.
    span: Option<LargestChange>,
    /// Whether any point is as confident as the claim supposes.
    is_premise_met: Option<bool>,
}

impl Extent {
    /// Of the obligations that were decided: where the budget did not last for the bound, it does not for
    /// the value.
    fn new(searcher: &Searcher, model: &Model, lowered: &Lowered, decided: &[usize]) -> Self {
        let change =
            |&at: &usize| Some((at, name_of(model, lowered, at), searcher.largest_change(at)?));
        let first = decided.first();
        Self {
            changes: decided.iter().filter_map(change).collect(),
            span: first.and_then(|&at| searcher.score_span(at)),
            is_premise_met: first.and_then(|&at| searcher.is_premise_met(at)),
        }
    }

    fn text(&self) -> String {
        let change = |(_, name, change): &(usize, String, LargestChange)| {
            let LargestChange { least, most, .. } = change;
            format!("{name}: the score changes by at most {most}, and by {least} somewhere\n")
        };
        let changes: String = self.changes.iter().map(change).collect();
        let span = |span: LargestChange| {
            format!("in all, the score goes over {} on the domain\n", span.most)
        };
        let premise = match self.is_premise_met {
            Some(false) => "no point of the domain has that confidence: the claim holds emptily\n",
            Some(true) => "some point of the domain has that confidence\n",
            None => "",
        };
        changes + &self.span.map(span).unwrap_or_default() + premise
    }

    fn json(&self) -> serde_json::Value {
        let ends = |change: &LargestChange| serde_json::json!({ "least": change.least, "most": change.most });
        let change = |(at, name, change): &(usize, String, LargestChange)| serde_json::json!({ "at": at, "name": name, "least": change.least, "most": change.most });
        serde_json::json!({
            "largest-change": self.changes.iter().map(change).collect::<Vec<_>>(),
            "score-span": self.span.as_ref().map(ends),
            "premise-met": self.is_premise_met,
        })
    }
}

impl Outcome {
    fn text(&self) -> String {
        let sampled = |survivors: Share| {
            let (share, of) = (survivors.upper()?, survivors.of);
            Some(format!(
                "sampled: {share} of {of} survive the attack (an estimate, never below CA; no proof)\n"
            ))
        };
        let sampled = self.survives_attack.and_then(sampled).unwrap_or_default();
        let extent = self.extent.text();
        format!("{}{sampled}{extent}{}\n", accuracy_lines(&self.tally), self.tally.all)
    }

    fn json(&self) -> String {
        let Tally { all, distinct, rules } = &self.tally;
        let mut json = serde_json::json!({
            "totals": all, "distinct": distinct, "rules": rules,
            "constraint-accuracy": accuracy_json(all),
            "sampled": { "survives-attack": self.survives_attack },
        });
        let extent = self.extent.json();
        extent.as_object().into_iter().flatten().for_each(|(key, value)| {
            json[key] = value.clone();
        });
        format!("{json}\n")
    }
}

/// What an obligation about a change is called: by the features that move alone.
fn name_of(model: &Model, lowered: &Lowered, at: usize) -> String {
    let claim = lowered.obligation(at).map(|obligation| obligation.claim);
    let Some(Claim::Stable { moved, .. } | Claim::Confident { moved, .. }) = claim else {
        return "all features".to_owned();
    };
    let names = model.schema.features().iter().zip(moved.iter());
    let names = names.filter(|(_, is_moved)| **is_moved).map(|(feature, _)| feature.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

/// Certifies and writes `out`, through `out.partial`.
fn write(
    loaded: &Loaded,
    spec: &Path,
    selection: Selection,
    options: Options,
    out: &Path,
    resume: bool,
) -> Result<Outcome, Refusal> {
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
        read_partial(&partial, &header, &kernel, &mut counter)?
    } else {
        Before::default()
    };
    let mut file = open_partial(&partial, &header, &before)?;
    let searcher = Searcher::new(subject, &lowered, rows, options);
    let progress = bar("certify", searcher.len() as u64);
    progress.set_position(before.lines as u64);
    let is_change = lowered.is_near() || lowered.is_change();
    let mut decided = Vec::new();
    let summary = searcher.run(before.lines, |line, answer| {
        progress.inc(1);
        if is_change && !matches!(answer.verdict, Verdict::Undecided(_)) {
            decided.push(line.at);
        }
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
    let n = summary.totals.n();
    let survivors = Share::new(n - summary.refuted_by_attack.min(n), n);
    // every pair of rows is decided; no attack is made on a changed point nor, where there is no gradient
    // to climb, on two that are close
    let is_network = matches!(subject.model.0.family, Family::Mlp(_));
    let is_attacked = !lowered.is_change() && (is_network || !lowered.is_near());
    let is_sampled = lowered.pair_bound().is_none() && is_attacked;
    let extent = Extent::new(&searcher, subject.model.0, &lowered, &decided);
    Ok(Outcome { tally, survives_attack: is_sampled.then_some(survivors), extent })
}

/// What an interrupted run left.
#[derive(Default)]
struct Before {
    /// Whole lines about obligations.
    lines: usize,
    /// Bytes up to the end of the last whole line.
    bytes: u64,
}

/// Reads the whole lines of a `.partial` with the same header and decides them again; a torn last line is dropped, and a
/// torn header is as good as none.
fn read_partial(
    partial: &Path,
    header: &Header,
    kernel: &Kernel,
    counter: &mut Counter,
) -> Result<Before, Refusal> {
    if !partial.exists() {
        return Ok(Before::default());
    }
    let mut reader = BufReader::new(files::open(partial)?);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    let header = header.line();
    if line.len() < header.len() && header.as_bytes().starts_with(&line) {
        return Ok(Before::default());
    }
    if line != header.as_bytes() {
        return Err(Refusal::new(format!(
            "{}: made with another model, spec, data, rows or budget; remove it, or name another --out",
            partial.display()
        )));
    }
    let mut before = Before { bytes: line.len() as u64, ..Before::default() };
    let (mut assembler, mut bytes) = (Assembler::default(), before.bytes);
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        let Some(text) = line.strip_suffix(b"\n") else { return Ok(before) };
        bytes += line.len() as u64;
        let entry = Entry::parse(text).and_then(|entry| assembler.take(entry));
        let (at, proof) = match entry {
            Ok(Some(Entry::Line(Line { at, proof }))) => (at, proof),
            Ok(None) => continue,
            _ => return Ok(before),
        };
        if at != before.lines {
            return Ok(before);
        }
        let Ok(verdict) = kernel.check(at, &proof) else { return Ok(before) };
        let is_as_written = match (&proof, &verdict) {
            (Proof::None, _) => true,
            (_, Verdict::Undecided(_) | Verdict::Invalid) => false,
            _ => true,
        };
        if !is_as_written {
            return Ok(before);
        }
        counter.add(at, &verdict);
        before.lines += 1;
        before.bytes = bytes;
    }
}

/// The `.partial`, cut after its last whole line, or a new one with its header.
fn open_partial(partial: &Path, header: &Header, before: &Before) -> Result<File, Refusal> {
    let about = |error: std::io::Error| Refusal::new(format!("{}: {error}", partial.display()));
    if before.bytes == 0 {
        let mut file = File::create(partial).map_err(about)?;
        file.write_all(header.line().as_bytes()).map_err(about)?;
        return Ok(file);
    }
    let file = OpenOptions::new().write(true).open(partial).map_err(about)?;
    file.set_len(before.bytes).map_err(about)?;
    drop(file);
    OpenOptions::new().append(true).open(partial).map_err(about)
}
