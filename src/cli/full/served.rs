//! `propcert predict --defense`: answers of a defended model, and their log.

use std::path::{Path, PathBuf};

use crate::defend::{
    AnswerGround, ResponseMemory, ServedAnswer, ServedLog, Server, defended_posterior,
};
use crate::defense::{Defense, DefenseError, RandomisedResponse, ResponseZone};
use crate::model::{Digest, Model, argmax};
use crate::oracle::exact_label;
use crate::source::meta_name;
use crate::store::Staged;

use super::inputs::Inputs;
use super::output::{FileKind, Force, expect_own};
use super::points::Points;
use super::subject::read_answering;
use super::{Ending, Refusal, files};

/// The defense in front of the model, and what it leaves.
#[derive(Debug, clap::Args)]
pub(crate) struct ServingArguments {
    /// The defense (defense/1) in front of the model: answer as it does.
    #[arg(long)]
    defense: Option<PathBuf>,
    /// Keep the answers that were drawn in this file, and give those that are kept (brr).
    #[arg(long, requires = "defense", value_name = "FILE")]
    memory: Option<PathBuf>,
    /// Leave a certificate of the answers that were not drawn, L.jsonl, and what it is about beside it (brr with `shift`).
    #[arg(long, requires = "defense", value_name = "L.jsonl")]
    log: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

/// The parts of an answer that are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerShape {
    /// The posterior beside the label.
    pub(crate) has_posterior: bool,
    /// JSON objects, not CSV.
    pub(crate) is_json: bool,
}

/// The arguments with a defense among them.
pub(crate) struct Serving<'a> {
    path: &'a Path,
    arguments: &'a ServingArguments,
}

impl ServingArguments {
    /// The arguments of serving, if there is a defense.
    pub(crate) fn defense(&self) -> Option<Serving<'_>> {
        Some(Serving { path: self.defense.as_deref()?, arguments: self })
    }
}

impl Serving<'_> {
    /// Answers all points.
    pub(crate) fn run(
        &self,
        (model_path, model, target): (&PathBuf, &Model, Digest),
        (points_path, points): (&PathBuf, &Points),
        shape: AnswerShape,
    ) -> Result<Ending, Refusal> {
        let (defense, digest) = read_answering(self.path)?;
        if defense.target != target {
            return Err(Refusal::about(self.path)(Refusal::new(format!(
                "this defense is for another model: it names {}, `{}` is {target}",
                defense.target,
                model_path.display()
            ))));
        }
        let refused = |error: DefenseError| Refusal::about(self.path)(error.into());
        defense.check_model(model).map_err(refused)?;
        let Some(response) = defense.randomised() else {
            self.expect_nothing_kept(&defense)?;
            let text = mapped(model, &defense, points, shape);
            files::print(&text)?;
            return Ok(Ending::AsStated);
        };
        if shape.has_posterior {
            let text =
                "--posterior: behind boundary randomised response answers are labels; leave it out";
            return Err(Refusal::new(text));
        }
        let inputs = Inputs::default()
            .file("--model", Some(model_path))
            .file("--points", Some(points_path))
            .file("--defense", self.arguments.defense.as_ref())
            .file("--memory", self.arguments.memory.as_ref());
        let place = self.log_place(&inputs)?;
        let mut memory = self.memory(digest, model_path, points_path)?;
        let server = Server::new(model, &defense)?;
        let answers = server.answer(&points.rows, &mut memory)?;
        // what is not kept is not given
        memory.keep()?;
        if let Some(place) = &place {
            place.write(&server.log(target, &place.rows_name(), &points.rows, &answers)?)?;
        }
        let labels = answers.iter().map(|answer| (answer.label, Vec::new()));
        files::print(&table(labels, 0, shape.is_json))?;
        tell!("propcert: {}", summary(response, &answers, &memory));
        Ok(Ending::AsStated)
    }

    fn expect_nothing_kept(&self, defense: &Defense) -> Result<(), Refusal> {
        let ServingArguments { memory, log, .. } = self.arguments;
        for (option, is_given) in [("--memory", memory.is_some()), ("--log", log.is_some())] {
            if is_given {
                return Err(Refusal::new(format!(
                    "{option}: the answers of {} follow from the point and are not proved one by one; it is for \
                     boundary-randomised-response",
                    defense.kind()
                )));
            }
        }
        Ok(())
    }

    /// The memory of the defense, or one for this run alone.
    fn memory(
        &self,
        defense: Digest,
        model: &PathBuf,
        points: &PathBuf,
    ) -> Result<ResponseMemory, Refusal> {
        let Some(path) = &self.arguments.memory else { return Ok(ResponseMemory::default()) };
        let inputs = Inputs::default()
            .file("--model", Some(model))
            .file("--points", Some(points))
            .file("--defense", self.arguments.defense.as_ref());
        inputs.expect_apart(path)?;
        files::expect_plain(path)?;
        Ok(ResponseMemory::open(path, defense)?)
    }

    fn log_place(&self, inputs: &Inputs) -> Result<Option<LogPlace>, Refusal> {
        let Some(log) = &self.arguments.log else { return Ok(None) };
        let name = log.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(stem) = name.strip_suffix(".jsonl").filter(|stem| !stem.is_empty()) else {
            let text = format!(
                "--log {}: expected a name that ends in .jsonl; L.csv, L.meta.json and L.toml go beside it",
                log.display()
            );
            return Err(Refusal::new(text));
        };
        let rows = log.with_file_name(format!("{stem}.csv"));
        let meta = log.with_file_name(meta_name(&rows));
        let spec = log.with_file_name(format!("{stem}.toml"));
        let place = LogPlace { log: log.clone(), rows, meta, spec };
        expect_own(log, FileKind::Certificate, self.arguments.force)?;
        expect_own(&place.rows, FileKind::Served, self.arguments.force)?;
        for path in [&place.log, &place.rows, &place.meta, &place.spec] {
            files::expect_folder("--log", path)?;
            files::expect_plain(path)?;
            inputs.expect_apart(path)?;
        }
        Ok(Some(place))
    }
}

/// The paths of a log and of what it is about.
struct LogPlace {
    log: PathBuf,
    rows: PathBuf,
    meta: PathBuf,
    spec: PathBuf,
}

impl LogPlace {
    fn rows_name(&self) -> String {
        self.rows.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Writes all four; the certificate comes last, so that what it is about is there.
    fn write(&self, log: &ServedLog) -> Result<(), Refusal> {
        let files = [
            Staged::new(&self.rows, &log.rows)?,
            Staged::new(&self.meta, &log.meta)?,
            Staged::new(&self.spec, log.spec.as_bytes())?,
            Staged::new(&self.log, log.certificate.as_bytes())?,
        ];
        for file in files {
            file.publish()?;
        }
        Ok(())
    }
}

/// The answers of a map.
fn mapped(model: &Model, defense: &Defense, points: &Points, shape: AnswerShape) -> String {
    let answer = |point: &Vec<f64>| {
        let served = defended_posterior(model, defense, point);
        let floats = argmax(&served, model.tie);
        (exact_label(model, Some(defense), point).unwrap_or(floats), served)
    };
    let posteriors = if shape.has_posterior || shape.is_json { model.classes } else { 0 };
    table(points.rows.iter().map(answer), posteriors, shape.is_json)
}

/// A line per answer: the label, and as many entries of the posterior as are shown.
fn table(
    answers: impl Iterator<Item = (usize, Vec<f64>)>,
    posteriors: usize,
    is_json: bool,
) -> String {
    let header = (0..posteriors).map(|class| format!(",p{class}")).collect::<String>();
    let mut text = if is_json { String::new() } else { format!("label{header}\n") };
    for (label, posterior) in answers {
        let shown = &posterior[..posteriors.min(posterior.len())];
        text += &match (is_json, posteriors) {
            (true, 0) => serde_json::json!({ "label": label }).to_string(),
            (true, _) => serde_json::json!({ "label": label, "posterior": shown }).to_string(),
            (false, _) => {
                let shown = shown.iter().map(|p| format!(",{p}"));
                std::iter::once(label.to_string()).chain(shown).collect()
            }
        };
        text.push('\n');
    }
    text
}

/// The numbers of answers by their grounds, and what they cost.
fn summary(
    response: &RandomisedResponse,
    answers: &[ServedAnswer],
    memory: &ResponseMemory,
) -> String {
    let count = |is_meant: fn(&AnswerGround) -> bool| {
        answers.iter().filter(|answer| is_meant(&answer.ground)).count()
    };
    let plain = count(|ground| matches!(ground, AnswerGround::Plain(_)));
    let drawn = count(|ground| matches!(ground, AnswerGround::Drawn));
    let remembered = count(|ground| matches!(ground, AnswerGround::Remembered));
    let plain = match response.zone() {
        ResponseZone::Ball { .. } => format!("{plain} proved"),
        ResponseZone::Band { .. } => format!("{plain} beyond the band"),
    };
    let (epsilon, cells) = (response.epsilon(), memory.len());
    let cost = |answers: usize| answers as f64 * epsilon.value().down();
    format!(
        "{} answers: {plain}, {drawn} drawn at epsilon {epsilon} (privacy spent: {:.6}), {remembered} remembered; \
         all {cells} cells drawn so far: {:.6}",
        answers.len(),
        cost(drawn),
        cost(cells)
    )
}
