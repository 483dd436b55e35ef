//! The repetitions of a theft, kept while they are made, so that an interrupted run can go on.
//!
//! ```text
//! DIR.repetitions.partial   a header, and a line per finished repetition
//! DIR.answers.partial       a header, and a line per answer of a command
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::Digest;
use crate::oracle::Exchange;
use crate::steal::{AttackSpec, Repetition, Scene};
use crate::store::{Log, Retention, make_folder, partial_name};

use super::super::interrupt::KeptRun;
use super::super::progress::bar;
use super::super::{Refusal, files};
use super::{Arguments, Stage, TheftCall};

/// The line of a log of answers after which none before it counts.
pub(super) const MISPLACED: &str = "{\"misplaced\":true}";

/// The logs beside a result.
pub(super) struct KeptRuns {
    done: BTreeMap<u64, Repetition>,
    repetitions: Log,
    known: Vec<Exchange>,
    answers: Option<Arc<Log>>,
    places: LogPlaces,
}

/// The answers of an earlier run, and the log for more.
pub(super) struct AnswerLog {
    pub(super) known: Vec<Exchange>,
    pub(super) file: Arc<Log>,
}

impl KeptRuns {
    /// Opens the logs of a theft. They are refused if an interrupted run has left them and is not to be continued.
    pub(super) fn open(theft: &TheftCall, stage: &Stage) -> Result<Self, Refusal> {
        let arguments = theft.arguments;
        let places = LogPlaces::of(theft);
        places.expect_none(arguments.resume)?;
        if let Some(parent) = places.answers.parent().filter(|path| !path.as_os_str().is_empty()) {
            make_folder(parent)?;
        }
        let manifest = match &arguments.certificates {
            Some(path) => Some(Digest::of(&files::read(path)?)),
            None => None,
        };
        let header = serde_json::json!({
            "kept": "repetitions", "about": stage.about, "attack": stage.attack.to_toml(),
            "seed": arguments.seed, "certificates": manifest,
        });
        let mut done = BTreeMap::new();
        let mut take = |line: &[u8]| match serde_json::from_slice::<Repetition>(line) {
            Ok(one) => {
                done.insert(one.seed, one);
                Retention::Kept
            }
            Err(_) => Retention::Dropped,
        };
        let header = header.to_string();
        let repetitions = Log::open(&places.repetitions, &header, arguments.resume, &mut take)?;
        let (mut known, mut is_misplaced) = (Vec::new(), false);
        let answers = match &arguments.target_exec {
            None => None,
            Some(_) => {
                let header = serde_json::json!({ "kept": "answers", "about": stage.about });
                let mut take = |line: &[u8]| match serde_json::from_slice::<Exchange>(line) {
                    Ok(one) => {
                        known.push(one);
                        Retention::Kept
                    }
                    Err(_) if line == MISPLACED.as_bytes() => {
                        (known, is_misplaced) = (Vec::new(), true);
                        Retention::Kept
                    }
                    Err(_) => Retention::Dropped,
                };
                let header = header.to_string();
                let log = Log::open(&places.answers, &header, arguments.resume, &mut take)?;
                Some(Arc::new(log))
            }
        };
        if is_misplaced {
            done.clear();
        }
        Ok(Self { done, repetitions, known, answers, places })
    }

    /// The answers of an earlier run, and the log for more; `None` if the target is a model.
    pub(super) fn answers(&self) -> Option<AnswerLog> {
        let file = self.answers.clone()?;
        Some(AnswerLog { known: self.known.clone(), file })
    }

    /// Removes the logs: the result is there.
    pub(super) fn remove(&self) {
        self.places.remove();
    }

    /// Removes the logs of a run that failed, unless a command has answered: its answers are not asked again, but where they
    /// may be those of other rows.
    pub(super) fn remove_unless_answered(&self) {
        let answers = partial_name(&self.places.answers);
        let bytes = files::read(&answers).unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        if lines.skip(1).last().is_none_or(|last| last == MISPLACED.as_bytes()) {
            self.places.remove();
        }
    }
}

/// The places of the logs, without their ending.
struct LogPlaces {
    repetitions: PathBuf,
    answers: PathBuf,
}

impl LogPlaces {
    fn of(theft: &TheftCall) -> Self {
        let out: PathBuf = theft.out.components().collect();
        let beside = |ending: &str| {
            let mut name = out.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            out.with_file_name(name)
        };
        Self { repetitions: beside(".repetitions"), answers: beside(".answers") }
    }

    fn all(&self) -> [PathBuf; 2] {
        [&self.repetitions, &self.answers].map(|place| partial_name(place))
    }

    fn expect_none(&self, is_resumed: bool) -> Result<(), Refusal> {
        let all = self.all();
        match all.iter().find(|path| !is_resumed && path.exists()) {
            None => Ok(()),
            Some(path) => Err(Refusal::new(format!(
                "{}: is what an interrupted run has kept; --resume continues it, else remove the file",
                path.display()
            ))),
        }
    }

    fn remove(&self) {
        // a log that cannot be removed now is refused by the next run
        for path in self.all() {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// All repetitions in order, each made once.
pub(super) fn repeat(
    scene: &Scene,
    attack: &AttackSpec,
    arguments: &Arguments,
    (kept, run): (&KeptRuns, &KeptRun),
) -> Result<Vec<Repetition>, Refusal> {
    let seeds = (0..arguments.repetitions as u64).map(|k| arguments.seed.wrapping_add(k));
    let done = seeds.filter(|seed| kept.done.contains_key(seed)).count();
    run.note(done as u64, arguments.repetitions as u64);
    let pace = bar("steal", arguments.repetitions as u64);
    let one = |seed: u64| -> Result<Repetition, Refusal> {
        let found = match kept.done.get(&seed) {
            Some(done) => *done,
            None => {
                let made = scene.repeat(attack, seed)?;
                kept.repetitions.add(&(serde_json::to_string(&made)? + "\n"))?;
                run.note_one();
                made
            }
        };
        pace.inc(1);
        Ok(found)
    };
    let found = scene.each(arguments.repetitions, arguments.seed, one);
    pace.finish_and_clear();
    found
}
