//! A target outside: a command that answers rows on its standard input, line by line.
//!
//! ```text
//! to the command      x₁,x₂,…,x_d          one row per line, in feature order
//! from the command    1                    a label, or
//!                     0.2,0.8              a posterior, one number per class
//! ```
//!
//! It is started once and asked one row, then batches; each is answered within a time limit or not at all. What was
//! answered once is never asked again. A command that answers short, late or in other words ends the run. One that writes
//! more lines than it is asked for has answers that may stand beside the wrong rows, so all of them are given up.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{Schema, Tie, argmax};

use super::{Exchange, OracleError, Response, bits};

/// Rows sent at a time.
const BATCH: usize = 1000;
/// Longest line of an answer, in bytes; a longer one is no answer.
const LONGEST: u64 = 1 << 16;
/// A posterior may miss the sum 1 by this much.
const SLACK: f64 = 1e-3;

/// Time after the first answer in which a line that nobody asked for would come.
const GRACE: Duration = Duration::from_millis(100);

/// News of a command.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// The answers of a batch, before they are used.
    Answers(&'a [Exchange]),
    /// No answer so far can be trusted to be that of its row.
    Misplaced,
}

/// Called with the news of a command.
type Keep = dyn FnMut(Heard) -> Result<(), String> + Send;

/// A command that answers.
pub struct OutsideTarget {
    command: String,
    schema: Schema,
    classes: usize,
    limit: Duration,
    /// The kind of answers that are needed.
    response: Response,
    talk: Mutex<Talk>,
}

/// The running command with its answers so far.
struct Talk {
    running: Option<RunningCommand>,
    answers: BTreeMap<Vec<u64>, Exchange>,
    keep: Box<Keep>,
    /// Lines read in all.
    lines: usize,
}

/// A command with the threads that write to it and read from it, so that a full pipe never blocks both sides.
struct RunningCommand {
    child: Child,
    rows: Sender<String>,
    lines: Receiver<Vec<u8>>,
}

impl std::fmt::Debug for OutsideTarget {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        to.debug_struct("OutsideTarget").field("command", &self.command).finish_non_exhaustive()
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        // closing its input ends a well-behaved command; others are not waited for
        let (closed, _) = channel();
        self.rows = closed;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl OutsideTarget {
    /// Describes a target; the command is started when the first row is asked. `known` are answers of an earlier
    /// run, which are not asked again; `keep` is called with the answers of each batch. Labels are enough unless
    /// [`OutsideTarget::answering`] says otherwise.
    pub fn new(
        command: &str,
        schema: Schema,
        classes: usize,
        limit: Duration,
        known: Vec<Exchange>,
        keep: Box<Keep>,
    ) -> Self {
        let answers = known.into_iter().map(|one| (bits(&one.point), one)).collect();
        let talk = Mutex::new(Talk { running: None, answers, keep, lines: 0 });
        let response = Response::Label;
        Self { command: command.to_owned(), schema, classes, limit, response, talk }
    }

    /// The same where answers of this kind are needed: a command that has none of them is refused at its first answer.
    pub fn answering(self, response: Response) -> Self {
        Self { response, ..self }
    }

    /// The features of the rows.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The classes that labels name.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The answers at points, in order.
    ///
    /// # Errors
    /// A command that cannot be started, ends early, answers late, or answers something else.
    pub fn answers(&self, points: &[Vec<f64>]) -> Result<Vec<Exchange>, OracleError> {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new: BTreeMap<Vec<u64>, &Vec<f64>> = BTreeMap::new();
        let mut order = Vec::new();
        for point in points {
            let key = bits(point);
            if !talk.answers.contains_key(&key) && new.insert(key, point).is_none() {
                order.push(point);
            }
        }
        // one row first: what is wrong with every answer shows there
        let (first, others) = order.split_at(usize::from(talk.running.is_none()).min(order.len()));
        for batch in first.chunks(1).chain(others.chunks(BATCH)) {
            let mut answered = Vec::with_capacity(batch.len());
            let outcome = self.ask(&mut talk, batch, &mut answered);
            let not_kept = |reason| OracleError::NotKept { reason };
            if let Err(OracleError::Unasked { .. }) = outcome {
                talk.answers.clear();
                (talk.keep)(Heard::Misplaced).map_err(not_kept)?;
                return outcome.map(|()| Vec::new());
            }
            // what was answered before a failure is kept too: it was asked, and perhaps paid
            (talk.keep)(Heard::Answers(&answered)).map_err(not_kept)?;
            talk.answers.extend(answered.into_iter().map(|one| (bits(&one.point), one)));
            outcome?;
        }
        let answer = |point: &Vec<f64>| talk.answers.get(&bits(point)).cloned();
        points.iter().map(|point| answer(point).ok_or_else(|| self.ended(0, 1))).collect()
    }

    fn ask(
        &self,
        talk: &mut Talk,
        batch: &[&Vec<f64>],
        answered: &mut Vec<Exchange>,
    ) -> Result<(), OracleError> {
        let is_first = talk.running.is_none();
        if is_first {
            talk.running = Some(self.start()?);
        }
        let mut outcome = self.ask_running(talk, batch, answered);
        if is_first && outcome.is_ok() {
            outcome = self.expect_silence(talk, GRACE);
        }
        if outcome.is_err() {
            talk.running = None;
        }
        outcome
    }

    fn ask_running(
        &self,
        talk: &mut Talk,
        batch: &[&Vec<f64>],
        answered: &mut Vec<Exchange>,
    ) -> Result<(), OracleError> {
        self.expect_silence(talk, Duration::ZERO)?;
        let Some(running) = &talk.running else { return Err(self.ended(0, batch.len())) };
        let line = |point: &&Vec<f64>| {
            let cells: Vec<String> = point.iter().map(f64::to_string).collect();
            cells.join(",") + "\n"
        };
        // a command that has ended is noticed when its answers are missing
        let _ = running.rows.send(batch.iter().map(line).collect());
        let start = Instant::now();
        for point in batch {
            let left = self.limit.saturating_sub(start.elapsed());
            let line = running.lines.recv_timeout(left).map_err(|error| match error {
                RecvTimeoutError::Timeout => OracleError::Late {
                    command: self.command.clone(),
                    seconds: self.limit.as_secs(),
                    found: answered.len(),
                    expected: batch.len(),
                },
                RecvTimeoutError::Disconnected => self.ended(answered.len(), batch.len()),
            })?;
            talk.lines += 1;
            let answer = self.read((*point).clone(), &line, talk.lines)?;
            let has_posterior = answer.posterior.is_some();
            answered.push(answer);
            if !has_posterior && self.response != Response::Label {
                return Err(OracleError::OnlyLabels { response: self.response.name() });
            }
        }
        Ok(())
    }

    /// Refuses a line that nobody asked for and that comes within this time.
    fn expect_silence(&self, talk: &Talk, time: Duration) -> Result<(), OracleError> {
        let line = talk.running.as_ref().and_then(|running| running.lines.recv_timeout(time).ok());
        match line {
            Some(line) => {
                let (command, found) = (self.command.clone(), shown(&line));
                Err(OracleError::Unasked { command, found })
            }
            None => Ok(()),
        }
    }

    fn ended(&self, found: usize, expected: usize) -> OracleError {
        OracleError::Ended { command: self.command.clone(), found, expected }
    }

    fn start(&self) -> Result<RunningCommand, OracleError> {
        let shell = if cfg!(windows) { ["cmd", "/C"] } else { ["sh", "-c"] };
        let started = Command::new(shell[0])
            .args([shell[1], &self.command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let refused =
            |reason: String| OracleError::NotStarted { command: self.command.clone(), reason };
        let mut child = started.map_err(|error| refused(error.to_string()))?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(refused("its standard input and output are not pipes".to_owned()));
        };
        let (rows, to_write) = channel::<String>();
        std::thread::spawn(move || {
            while let Ok(text) = to_write.recv() {
                if input.write_all(text.as_bytes()).and_then(|()| input.flush()).is_err() {
                    break;
                }
            }
        });
        let (answers, lines) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                let read = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line);
                let is_whole = line.ends_with(b"\n") || line.len() as u64 == LONGEST;
                // a torn last line is an answer too few, unless the command just left its end out
                if read.is_err() || line.is_empty() || answers.send(line).is_err() || !is_whole {
                    break;
                }
            }
        });
        Ok(RunningCommand { child, rows, lines })
    }

    /// The answer of a line.
    fn read(&self, point: Vec<f64>, line: &[u8], number: usize) -> Result<Exchange, OracleError> {
        let refused = |expected: String| OracleError::BadAnswer {
            command: self.command.clone(),
            number,
            found: shown(line),
            expected,
        };
        let text = std::str::from_utf8(line).map(str::trim).unwrap_or_default();
        let last = self.classes.saturating_sub(1);
        if !text.contains(',') {
            let label = text.parse::<usize>().ok().filter(|label| *label <= last);
            let expected = || format!("a label from 0 to {last}, or {} numbers", self.classes);
            let label = label.ok_or_else(|| refused(expected()))?;
            return Ok(Exchange { point, label, posterior: None });
        }
        let cells: Option<Vec<f64>> =
            text.split(',').map(|cell| cell.trim().parse().ok()).collect();
        let is_posterior = |cells: &Vec<f64>| {
            cells.len() == self.classes
                && cells.iter().all(|p| (0.0..=1.0).contains(p))
                && (cells.iter().sum::<f64>() - 1.0).abs() <= SLACK
        };
        let expected = || format!("{} numbers from 0 to 1 with sum 1", self.classes);
        let posterior = cells.filter(is_posterior).ok_or_else(|| refused(expected()))?;
        let label = argmax(&posterior, Tie::Lower);
        Ok(Exchange { point, label, posterior: Some(posterior) })
    }
}

/// The beginning of a line, for messages.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.trim_end().chars().take(60).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use crate::model::{FeatureSpec, Kind};
    use crate::oracle::{Oracle, Response};

    use super::*;

    fn schema() -> Schema {
        let feature = |name: &str| FeatureSpec {
            name: name.to_owned(),
            kind: Kind::Real,
            low: None,
            high: None,
            mean: 0.0,
            scale: 1.0,
        };
        Schema::new(vec![feature("a"), feature("b")]).unwrap()
    }

    fn target(command: &str) -> OutsideTarget {
        let keep = Box::new(|_: Heard| Ok(()));
        OutsideTarget::new(command, schema(), 2, Duration::from_secs(5), Vec::new(), keep)
    }

    const SIGN: &str = "while IFS=, read -r a b; do case $a in -*) echo 0;; *) echo 1;; esac; done";

    #[test]
    fn labels_and_posteriors_are_read() {
        let outside = target(SIGN);
        let points = [vec![1.0, 0.0], vec![-1.0, 2.5], vec![1.0, 0.0]];
        let labels: Vec<usize> =
            outside.answers(&points).unwrap().iter().map(|one| one.label).collect();
        assert_eq!(labels, [1, 0, 1]);
        let outside = target("while read -r row; do echo 0.25,0.75; done");
        let mut oracle = Oracle::outside(&outside, Response::Posterior, 3, 0);
        assert_eq!(oracle.posterior(&[1.0, 2.0]), Ok(vec![0.25, 0.75]));
        assert_eq!((oracle.label(&[1.0, 2.0]), oracle.queries()), (Ok(1), 1));
    }

    #[test]
    fn points_are_written_so_that_they_are_read_back_as_they_are() {
        let same = "while read -r row; do [ $row = 0.1,-0.0000001 ] && echo 1 || echo 0; done";
        let outside = target(same);
        assert_eq!(outside.answers(&[vec![0.1, -1e-7]]).unwrap()[0].label, 1);
    }

    #[test]
    fn what_is_known_is_not_asked() {
        let known = vec![Exchange { point: vec![7.0, 7.0], label: 0, posterior: None }];
        let keep = Box::new(|_: Heard| Ok(()));
        let outside =
            OutsideTarget::new("exit 1", schema(), 2, Duration::from_secs(5), known, keep);
        assert_eq!(outside.answers(&[vec![7.0, 7.0]]).unwrap()[0].label, 0);
        assert!(outside.answers(&[vec![7.0, 8.0]]).is_err());
    }

    #[test]
    fn a_label_only_target_has_no_posteriors_and_draws_none() {
        let outside = target(SIGN);
        for response in [Response::Posterior, Response::SampledLabel] {
            let mut oracle = Oracle::outside(&outside, response, 3, 0);
            let refused = oracle.label(&[1.0, 2.0]).unwrap_err().to_string();
            assert!(refused.contains(response.name()) && refused.contains("labels"), "{refused}");
            assert_eq!(oracle.queries(), 0);
        }
    }

    #[test]
    fn short_late_and_wrong_answers_are_told_apart() {
        let points: Vec<Vec<f64>> = (0..3).map(|k| vec![f64::from(k), 0.0]).collect();
        for (command, parts) in [
            ("read -r row; echo 1", ["0 of 2", "ended"]),
            ("while read -r row; do echo 2; done", ["`2`", "from 0 to 1"]),
            ("while read -r row; do echo yes; done", ["`yes`", "line 1"]),
            ("while read -r row; do echo 0.5,0.6; done", ["0.5,0.6", "sum 1"]),
            ("while read -r row; do echo 0.5,nan; done", ["0.5,nan", "sum 1"]),
            ("exit 3", ["0 of 1", "ended"]),
            ("no-such-command-at-all", ["0 of 1", "ended"]),
        ] {
            let found = target(command).answers(&points).unwrap_err().to_string();
            assert!(parts.iter().all(|part| found.contains(part)), "{command}: {found}");
        }
        let keep = Box::new(|_: Heard| Ok(()));
        let late = OutsideTarget::new(
            "sleep 20",
            schema(),
            2,
            Duration::from_millis(300),
            Vec::new(),
            keep,
        );
        let found = late.answers(&points).unwrap_err();
        assert!(matches!(found, OracleError::Late { found: 0, expected: 1, .. }), "{found}");
    }

    #[test]
    fn answers_that_nobody_asked_for_are_refused() {
        let outside = target("while read -r line; do echo 1; echo 1; done");
        let mut refused = None;
        for k in 0..50 {
            if let Err(error) = outside.answers(&[vec![f64::from(k), 0.0]]) {
                refused = Some(error);
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(matches!(refused, Some(OracleError::Unasked { .. })), "{refused:?}");
    }
}
