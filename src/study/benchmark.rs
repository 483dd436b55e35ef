//! Instances of the verification competition: a network, a property, and an answer with its certificate.
//!
//! A VNN-LIB file describes the *violation*. It becomes one spec or several (`output-region`). The
//! answer is `sat` if a counterexample of one spec is found, and `unsat` if all specs are proved.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::certificate::{Proof, Settings, Subject, Verdict, check_file};
use crate::certify::{Certificate, Options, Selection, Task};
use crate::import::{Instance, Outputs, Query, gather, onnx_outputs, spec_text, vnnlib};
use crate::interval::{Decimal, Rational};
use crate::model::{Digest, Family, Layer, Model, Part, Point};
use crate::source;
use crate::spec::Spec;

use super::StudyError;

/// Largest file of a benchmark, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// The answer to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is a violation.
    Sat,
    /// There is none.
    Unsat,
    /// Neither was shown within the budget of cases.
    Unknown,
    /// Neither was shown within the time.
    Timeout,
    /// The files could not be read.
    Error,
}

impl Status {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sat => "sat",
            Self::Unsat => "unsat",
            Self::Unknown => "unknown",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

/// An answer, the effort it took, and the evidence for it.
#[derive(Clone, Debug)]
pub struct InstanceOutcome {
    /// The answer.
    pub answer: Status,
    /// Seconds of reading and searching, wall clock.
    pub seconds: f64,
    /// Seconds of checking the certificates, wall clock.
    pub check_seconds: f64,
    /// Cases of branch and bound.
    pub nodes: u64,
    /// True if the kernel, reading the certificate anew, came to the same answer.
    pub is_checked: bool,
    /// For `sat`: true if the f32 network, given the witness, reaches the unsafe outputs too.
    pub is_replayed: Option<bool>,
    /// Files to keep: name and content, the certificate first.
    pub files: Vec<(String, String)>,
    /// Reason for the answer `error`, and for one without a proof that needed more memory than allowed.
    pub reason: Option<String>,
    /// A note on the answer, the same for all instances it applies to.
    pub note: Option<&'static str>,
}

/// Reads the instance, searches, and checks the result. The names of the files to keep begin with `name`.
pub fn run(
    instance: &Instance,
    name: &str,
    timeout: Duration,
    options: Options,
) -> InstanceOutcome {
    let start = Instant::now();
    let options = Options { deadline: Some(start + timeout), ..options };
    answer(instance, name, start, options).unwrap_or_else(|error| InstanceOutcome {
        answer: Status::Error,
        seconds: start.elapsed().as_secs_f64(),
        check_seconds: 0.0,
        nodes: 0,
        is_checked: false,
        is_replayed: None,
        files: Vec::new(),
        reason: Some(error.to_string()),
        note: None,
    })
}

/// A spec with the result of its search.
struct Searched {
    spec: Spec,
    text: String,
    certificate: String,
    nodes: u64,
    is_proved: bool,
    /// True if the kernel accepted a counterexample, strict conditions aside.
    is_refuted: bool,
    /// True if a proof was not kept for want of memory.
    is_full: bool,
    /// Points of a confirmed violation, copy by copy.
    witness: Option<Vec<Point>>,
}

fn answer(
    instance: &Instance,
    name: &str,
    start: Instant,
    options: Options,
) -> Result<InstanceOutcome, StudyError> {
    let (onnx, property) = (stored(&instance.onnx), stored(&instance.vnnlib));
    let bytes = source::read_regular(&onnx, MAX_BYTES)?;
    let bytes = gather(&bytes, onnx.parent().unwrap_or(Path::new("")))
        .map_err(|error| StudyError::Benchmark(about(&onnx, &error)))?;
    let model = onnx_outputs(&bytes, None, Outputs::Numbers)
        .map_err(|error| StudyError::Benchmark(about(&onnx, &error)))?
        .model;
    let queries = vnnlib(&source::read_regular(&property, MAX_BYTES)?)
        .map_err(|error| StudyError::Benchmark(about(&property, &error)))?;
    expect_fit(&model, &queries).map_err(|fact| {
        StudyError::Benchmark(about(&property, &format!("{fact} {}", onnx.display())))
    })?;
    let model_text = model.to_json();
    let digest = Digest::of(model_text.as_bytes());
    let mut found = Vec::with_capacity(queries.len());
    for query in &queries {
        let closed = search(&model, digest, query, options)?;
        // where the search reached the closed set but not the strict one, search again a little further inside
        let is_touched = closed.witness.is_none()
            && (closed.is_refuted || (query.is_strict() && !closed.is_proved));
        let inside = is_touched.then(|| search(&model, digest, &inside_of(query), options));
        let inside = inside.transpose()?.filter(|one| one.witness.is_some());
        found.push(inside.unwrap_or(closed));
        if found.last().is_some_and(|one| one.witness.is_some()) {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let begun = Instant::now();
    let is_checked = found.iter().map(|one| is_confirmed(&model, digest, one));
    let is_checked = is_checked.collect::<Result<Vec<_>, _>>()?.iter().all(|&is| is);
    let witness = found
        .iter()
        .zip(&queries)
        .find_map(|(one, query)| one.witness.as_ref().map(|points| (points, query)));
    let answer = match witness {
        Some(_) => Status::Sat,
        None if found.iter().all(|one| one.is_proved) => Status::Unsat,
        None if options.deadline.is_some_and(|end| Instant::now() >= end) => Status::Timeout,
        None => Status::Unknown,
    };
    let is_decided = matches!(answer, Status::Sat | Status::Unsat);
    let is_full = !is_decided && found.iter().any(|one| one.is_full);
    let reason = is_full.then_some("a proof needs more memory than is allowed");
    let mut files = certificates(name, &found);
    files.push((format!("{name}.model.json"), model_text));
    let is_replayed = witness.map(|(points, query)| is_reached_in_f32(&model, query, points));
    if let Some((points, _)) = witness {
        files.push((format!("{name}.witness.txt"), witness_text(&model, points)));
    }
    Ok(InstanceOutcome {
        answer,
        seconds,
        check_seconds: begun.elapsed().as_secs_f64(),
        nodes: found.iter().map(|one| one.nodes).sum(),
        is_checked: is_checked && is_decided,
        is_replayed,
        files,
        reason: reason.map(str::to_owned),
        note: queries.iter().any(|query| query.has_floats).then_some(FLOATS),
    })
}

/// Note on properties that declare floats.
const FLOATS: &str = "a property declares its inputs and outputs as floats; answers are about the real function \
                      of the network, and decimals are taken as they are written";

/// The file, or the packed file beside it: published benchmarks name files without the ending `.gz`.
pub fn stored(path: &Path) -> PathBuf {
    let mut packed = path.as_os_str().to_owned();
    packed.push(".gz");
    let packed = PathBuf::from(packed);
    if !path.exists() && packed.exists() { packed } else { path.to_owned() }
}

/// Expects as many inputs and outputs as the network has. The text of an `Err` ends
/// where the network's name follows.
fn expect_fit(model: &Model, queries: &[Query]) -> Result<(), String> {
    let Family::Mlp(mlp) = &model.family else { return Ok(()) };
    let outputs = mlp.layers.last().map_or(0, Layer::outputs);
    for query in queries {
        let declared = query.declared();
        let counts = [("inputs", declared.0, model.schema.len()), ("outputs", declared.1, outputs)];
        for (what, found, expected) in counts {
            if found != query.copies * expected {
                let found = found / query.copies;
                return Err(format!(
                    "declares {found} {what}; expected {expected}, those of the network"
                ));
            }
        }
    }
    Ok(())
}

fn about(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// Certificates and specs, numbered if there are several.
fn certificates(name: &str, found: &[Searched]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for (number, one) in found.iter().enumerate() {
        let own = if found.len() == 1 { name.to_owned() } else { format!("{name}-{number}") };
        files.push((format!("{own}.jsonl"), one.certificate.clone()));
        files.push((format!("{own}.spec.toml"), one.text.clone()));
    }
    files
}

fn search(
    model: &Model,
    digest: Digest,
    query: &Query,
    options: Options,
) -> Result<Searched, StudyError> {
    let text = spec_text(query);
    let spec = Spec::read(text.as_bytes())?;
    let subject = Subject { model: (model, digest), spec: &spec, data: None, defense: None };
    let selection = Selection { part: Part::Test, rows: None };
    let task = Task { subject, selection, options };
    let (mut nodes, mut witness) = (0, None);
    let Certificate { text: certificate, written } = task.certify(&mut |_, answer| {
        nodes += answer.nodes;
        if let (Verdict::Refuted(_), Proof::Counterexample { points }, None) =
            (&answer.verdict, &answer.proof, &witness)
        {
            witness = confirmed(model, query, points);
        }
    })?;
    let totals = written.tally.all;
    // a box without points holds nothing unsafe
    let is_proved = totals.refuted == 0 && totals.undecided == 0;
    let (is_refuted, is_full) = (totals.refuted > 0, written.full > 0);
    Ok(Searched { spec, text, certificate, nodes, is_proved, is_refuted, is_full, witness })
}

/// Distance inside strict conditions on outputs at which a second search looks.
const INSIDE: &str = "0.000001";

/// The query with its strict rows of outputs moved inwards. An output that reaches it reaches the query.
fn inside_of(query: &Query) -> Query {
    let mut inside = query.clone();
    let by: Decimal = INSIDE.parse().expect("a decimal");
    for block in &mut inside.blocks {
        for row in block.rows.iter_mut().filter(|row| row.strict) {
            let moved = (row.rhs.value() - by.value()).decimal_text();
            if let Some(moved) = moved.and_then(|text| text.parse().ok()) {
                row.rhs = moved;
            }
        }
    }
    inside
}

/// The points, if they also satisfy the strict conditions of the file.
fn confirmed(model: &Model, query: &Query, texts: &[Vec<String>]) -> Option<Vec<Point>> {
    let features = model.schema.len();
    let points: Vec<Point> =
        texts.iter().map(|text| Point::parse(text, features)).collect::<Result<_, _>>().ok()?;
    let inputs: Vec<Rational> = points.iter().flat_map(|p| p.values().to_vec()).collect();
    let outputs: Vec<Rational> = points.iter().flat_map(|p| model.exact_scores(p)).collect();
    query.is_witness(&inputs, &outputs).then_some(points)
}

/// True if the outputs of one f32 execution at the rounded points are in an unsafe block.
fn is_reached_in_f32(model: &Model, query: &Query, points: &[Point]) -> bool {
    let outputs = points.iter().flat_map(|point| model.served_scores(point));
    let exact: Option<Vec<Rational>> =
        outputs.map(|score| Rational::from_f64(f64::from(score))).collect();
    exact.is_some_and(|outputs| query.blocks.iter().any(|block| block.contains(&outputs)))
}

/// True if the certificate, read anew against the spec and the model, holds and gives the answer.
fn is_confirmed(model: &Model, digest: Digest, one: &Searched) -> Result<bool, StudyError> {
    let subject = Subject { model: (model, digest), spec: &one.spec, data: None, defense: None };
    let mut bytes = one.certificate.as_bytes();
    let checked = check_file(&subject, &mut bytes, Settings::default(), &mut |_| {})?;
    let totals = checked.tally.all;
    let is_answered = if one.witness.is_some() {
        totals.refuted > 0
    } else {
        totals.refuted == 0 && totals.undecided == 0
    };
    Ok(checked.is_as_stated() && is_answered)
}

/// Inputs and f32 outputs in the notation of the competition.
fn witness_text(model: &Model, points: &[Point]) -> String {
    let mut text = String::from("(");
    let mut write_all = |letter: char, values: Vec<String>| {
        for (index, value) in values.into_iter().enumerate() {
            let first = if text.len() == 1 { "" } else { "\n " };
            let _ = write!(text, "{first}({letter}_{index} {value})");
        }
    };
    let inputs = points.iter().flat_map(|point| point.values());
    write_all('X', inputs.map(|x| format!("{:e}", x.nearest_f32())).collect());
    let outputs = points.iter().flat_map(|point| model.served_scores(point));
    write_all('Y', outputs.map(|y| format!("{y:e}")).collect());
    text + ")\n"
}

/// The line of an instance in a table of results. Paths inside `folder`, the folder of
/// the instances, are relative to it.
pub fn row(
    instance: &Instance,
    outcome: &InstanceOutcome,
    is_kept: bool,
    folder: &Path,
) -> Vec<String> {
    let inside =
        |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    let kept: Vec<&str> = outcome
        .files
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| is_kept && name.ends_with(".jsonl"))
        .collect();
    vec![
        instance.line.to_string(),
        inside(&instance.onnx),
        inside(&instance.vnnlib),
        outcome.answer.name().to_owned(),
        format!("{:.3}", outcome.seconds),
        outcome.nodes.to_string(),
        kept.join(";"),
        outcome.is_checked.to_string(),
        format!("{:.3}", outcome.check_seconds),
        outcome.is_replayed.map_or_else(String::new, |is| is.to_string()),
    ]
}

/// The columns of a table of results.
pub const COLUMNS: [&str; 10] = [
    "line",
    "onnx",
    "vnnlib",
    "result",
    "seconds",
    "nodes",
    "certificate",
    "checked",
    "check_seconds",
    "replayed",
];
