//! A transcript, checked against its target.

use std::path::Path;

use serde::Deserialize;

use crate::model::Digest;
use crate::oracle::{Exchange, Oracle, Response};

use super::super::subject::{read_answering, read_classifier};
use super::super::{Ending, Refusal, files};

/// The part of `metrics.json` that a transcript depends on.
#[derive(Deserialize)]
struct TheftMetrics {
    about: Subjects,
    seed: u64,
    budget: usize,
    attack: AnswerMode,
    repetitions: Vec<FirstRepetition>,
}

#[derive(Deserialize)]
struct Subjects {
    target: TargetDigest,
    defense: Option<TargetDigest>,
}

#[derive(Deserialize)]
struct TargetDigest {
    digest: Digest,
}

#[derive(Deserialize)]
struct AnswerMode {
    response: Response,
}

#[derive(Deserialize)]
struct FirstRepetition {
    attack: Queries,
}

#[derive(Deserialize)]
struct Queries {
    queries: usize,
}

/// Asks the target for every point of the transcript in `folder`, and compares count and answers.
pub(super) fn run(
    folder: &Path,
    target: &Path,
    defense: Option<&Path>,
    is_json: bool,
) -> Result<Ending, Refusal> {
    let path = folder.join("metrics.json");
    let metrics: TheftMetrics = serde_json::from_slice(&files::read(&path)?)
        .map_err(Refusal::from)
        .map_err(Refusal::about(&path))?;
    let (model, digest) = read_classifier(target)?;
    let expected = metrics.about.target.digest;
    if digest != expected {
        let target = target.display();
        let text = format!("is of target {expected:.12}; {target} is {digest:.12}");
        return Err(Refusal::about(&path)(Refusal::new(text)));
    }
    let defense = defense.map(read_answering).transpose()?;
    let (found, expected) =
        (defense.as_ref().map(|one| one.1), metrics.about.defense.map(|one| one.digest));
    if found != expected {
        let name = |one: Option<Digest>| one.map_or("none".to_owned(), |d| format!("{d:.12}"));
        let text = format!("is behind defense {}; --defense is {}", name(expected), name(found));
        return Err(Refusal::about(&path)(Refusal::new(text)));
    }
    let transcript = read_transcript(&folder.join("transcript.jsonl"))?;
    let defense = defense.as_ref().map(|one| &one.0);
    let response = metrics.attack.response;
    let mut oracle = Oracle::new(&model, defense, response, metrics.budget, metrics.seed);
    let mut wrong = Vec::new();
    for (index, stated) in transcript.iter().enumerate() {
        let is_same = oracle.label(&stated.point).is_ok()
            && oracle.transcript().get(index).is_some_and(|answer| answer == stated);
        if !is_same {
            wrong.push(index + 1);
        }
    }
    let stated = metrics.repetitions.first().map_or(0, |first| first.attack.queries);
    let is_counted = stated == transcript.len() && oracle.queries() == stated;
    let report = serde_json::json!({
        "verb": "steal", "replayed": transcript.len(), "stated": stated,
        "asked": oracle.queries(), "wrong": wrong.len(), "first-wrong": wrong.first(),
    });
    let text = format!(
        "replayed {} queries of {stated} stated, budget {}: {} answered otherwise{}\n",
        transcript.len(),
        metrics.budget,
        wrong.len(),
        wrong.first().map_or(String::new(), |line| format!(", the first in line {line}")),
    );
    files::print(&if is_json { format!("{report}\n") } else { text })?;
    Ok(if is_counted && wrong.is_empty() { Ending::AsStated } else { Ending::NotAsStated })
}

fn read_transcript(path: &Path) -> Result<Vec<Exchange>, Refusal> {
    let text = files::read(path)?;
    let text = std::str::from_utf8(&text).map_err(Refusal::from).map_err(Refusal::about(path))?;
    let read = |(number, line): (usize, &str)| {
        serde_json::from_str(line)
            .map_err(|error| Refusal::new(format!("line {}: {error}", number + 1)))
            .map_err(Refusal::about(path))
    };
    text.lines().enumerate().map(read).collect()
}
