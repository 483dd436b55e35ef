//! Checking a whole certificate file, streamed line by line.

use std::io::{BufRead, Read};

use crate::model::{DataSet, Defense, Digest, LimitError, MAX_BYTES, Model, Row};
use crate::spec::{LowerError, Lowered, Spec};

use super::format::Entry;
use super::proof::MAX_STEPS;
use super::{
    Arithmetic, Assembler, Counter, FormatError, Header, Kernel, Line, Piece, Proof, Rejection,
    Tally, Totals, Verdict,
};

/// Everything a certificate is checked against, each with the digest of its file.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The model.
    pub model: (&'a Model, Digest),
    /// The spec; command-line choices already applied.
    pub spec: (&'a Spec, Digest),
    /// The data, where the property is about rows.
    pub data: Option<&'a DataSet>,
    /// The defense, if the defended model is meant.
    pub defense: Option<(&'a Defense, Digest)>,
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The header.
    pub header: Header,
    /// The recomputed counts.
    pub tally: Tally,
    /// What is not as stated, first findings first (at most 20 kept).
    pub findings: Vec<String>,
    /// How many findings there are.
    pub finding_count: u64,
    /// Which obligations are proved, by index.
    pub proved: Vec<usize>,
}

impl Checked {
    /// Whether every line holds as stated and the totals agree.
    pub fn is_as_stated(&self) -> bool {
        self.finding_count == 0
    }
}

/// Why a file is not checked to the end: exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Reading failed.
    #[error("line {line}: cannot be read: {error}")]
    Io {
        /// The line.
        line: u64,
        /// What the system says.
        error: std::io::Error,
    },
    /// A line that is no line of a certificate.
    #[error("line {line}: {error}")]
    Format {
        /// The line.
        line: u64,
        /// What is wrong.
        error: FormatError,
    },
    /// A proof that makes no sense.
    #[error("line {line}, obligation {at}: {rejection}")]
    Rejected {
        /// The line.
        line: u64,
        /// The obligation.
        at: usize,
        /// Why.
        rejection: Rejection,
    },
    /// A line about another obligation than the next one.
    #[error(
        "line {line}: found obligation {found}, expected {expected}: lines are in ascending order, each once"
    )]
    Order {
        /// The line.
        line: u64,
        /// Index found.
        found: usize,
        /// Index expected.
        expected: usize,
    },
    /// More than what is read.
    #[error("line {line}: {limit}")]
    Limit {
        /// The line.
        line: u64,
        /// What is limited, how much there is, how much is accepted.
        limit: LimitError,
    },
    /// A header key that the claim has no use for.
    #[error("line 1: `{key}` is for claims about rows; `{property}` is none")]
    Unexpected {
        /// `data`, `part` or `rows`.
        key: &'static str,
        /// The property.
        property: &'static str,
    },
    /// A header key that a claim about rows needs.
    #[error("line 1: `{key}` is missing; `{property}` is about rows")]
    Missing {
        /// `part` or `rows`.
        key: &'static str,
        /// The property.
        property: &'static str,
    },
    /// The file ends early or goes on.
    #[error("line {line}: {problem}")]
    End {
        /// The line.
        line: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// Made for something else.
    #[error("the certificate was made for another {what}: it names {stated}, this is {given}")]
    Other {
        /// What differs.
        what: &'static str,
        /// In the header.
        stated: String,
        /// As given.
        given: String,
    },
    /// The spec says nothing about this model.
    #[error("the spec does not fit the model: {0}")]
    Lower(#[from] LowerError),
    /// The data does not fit the model.
    #[error("the data does not fit the model: {0}")]
    Data(#[from] crate::model::DataError),
    /// The property is about rows, but there are none.
    #[error("property `{0}` is about rows: give --data")]
    NoData(&'static str),
}

/// Sizes that a certificate may have; each is checked before anything is built from what exceeds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a line, its end included.
    pub line_bytes: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Lines of the file.
    pub lines: u64,
    /// Steps of the split trees of the file.
    pub steps: usize,
}

impl Default for Limits {
    /// 16 MiB, 1 GiB, 10⁷ and 2²⁴.
    fn default() -> Self {
        Self { line_bytes: 16 << 20, bytes: MAX_BYTES, lines: 10_000_000, steps: MAX_STEPS }
    }
}

/// How a file is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which interpreter of the rules.
    pub arithmetic: Arithmetic,
    /// Decide only the first obligations and take the totals as read; `None`: all.
    pub first: Option<usize>,
    /// Multiply-adds that the whole file may cost.
    pub max_work: u64,
    /// How large the file may be.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            arithmetic: Arithmetic::Rounded,
            first: None,
            max_work: 10_000_000_000_000,
            limits: Limits::default(),
        }
    }
}

/// One decided obligation, on its way past.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    /// Its index.
    pub at: usize,
    /// Number of obligations.
    pub total: usize,
    /// The rule offered.
    pub rule: &'static str,
    /// The verdict.
    pub verdict: &'a Verdict,
}

/// Checks a certificate against its subject. `watch` sees every obligation that is decided.
pub fn check_file(
    subject: &Subject,
    file: &mut dyn BufRead,
    settings: Settings,
    watch: &mut dyn FnMut(Decided),
) -> Result<Checked, CheckError> {
    let mut lines =
        Lines { file, limits: settings.limits, number: 0, bytes: 0, buffer: Vec::new() };
    let header = match lines.next()? {
        Some(line) => Header::parse(line).map_err(|error| CheckError::Format { line: 1, error })?,
        None => return Err(CheckError::End { line: 1, problem: "the file is empty" }),
    };
    check_header(&header, subject)?;
    let rows = rows_of(&header, subject)?;
    let (spec, model) = (subject.spec.0, subject.model.0);
    let lowered = Lowered::new(spec, model, subject.defense.map(|(defense, _)| defense), rows)?;
    expect_equal("semantics", header.semantics, lowered.semantics())?;
    let kernel = Kernel::new(model, &lowered, settings.arithmetic);
    let session = Session::new(header, &kernel, Counter::new(&lowered, rows), settings);
    session.run(&mut lines, watch)
}

/// The lines of a file, each of limited length.
struct Lines<'a> {
    file: &'a mut dyn BufRead,
    limits: Limits,
    number: u64,
    bytes: u64,
    buffer: Vec<u8>,
}

impl Lines<'_> {
    /// The next line without its end; `None` at the end of the file.
    fn next(&mut self) -> Result<Option<&[u8]>, CheckError> {
        self.number += 1;
        let line = self.number;
        self.buffer.clear();
        let mut limited = (&mut *self.file).take(self.limits.line_bytes.saturating_add(1));
        let read = limited.read_until(b'\n', &mut self.buffer);
        let length = read.map_err(|error| CheckError::Io { line, error })?;
        if length == 0 {
            return Ok(None);
        }
        self.bytes = self.bytes.saturating_add(length as u64);
        for (what, found, limit) in [
            ("bytes of a line", length as u64, self.limits.line_bytes),
            ("lines of a certificate", line, self.limits.lines),
            ("bytes of a certificate", self.bytes, self.limits.bytes),
        ] {
            if found > limit {
                return Err(CheckError::Limit { line, limit: LimitError { what, found, limit } });
            }
        }
        match self.buffer.strip_suffix(b"\n") {
            Some(text) => Ok(Some(text)),
            None => Err(CheckError::End { line, problem: "the last line has no end: a torn file" }),
        }
    }
}

fn expect_equal<T: PartialEq + serde::Serialize>(
    what: &'static str,
    stated: T,
    given: T,
) -> Result<(), CheckError> {
    if stated == given {
        return Ok(());
    }
    // as in files: a digest, or the name of a choice
    let text = |value: &T| match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => "none".to_owned(),
    };
    Err(CheckError::Other { what, stated: text(&stated), given: text(&given) })
}

fn check_header(header: &Header, subject: &Subject) -> Result<(), CheckError> {
    expect_equal("model", header.model, subject.model.1)?;
    expect_equal("spec", header.spec, subject.spec.1)?;
    expect_equal("defense", header.defense, subject.defense.map(|(_, digest)| digest))?;
    if let Some((defense, _)) = subject.defense {
        expect_equal("target of the defense", subject.model.1, defense.target)?;
    }
    expect_equal("treatment of integers", header.integers, subject.spec.0.integers)
}

/// The rows that the header names; none for claims without rows.
fn rows_of<'a>(header: &Header, subject: &Subject<'a>) -> Result<&'a [Row], CheckError> {
    let property = subject.spec.0.property.name();
    if !subject.spec.0.property.is_about_rows() {
        let keys = [
            ("data", header.data.is_some()),
            ("part", header.part.is_some()),
            ("rows", header.rows.is_some()),
        ];
        let stray = keys.into_iter().find(|(_, is_there)| *is_there);
        return match stray {
            None => Ok(&[]),
            Some((key, _)) => Err(CheckError::Unexpected { key, property }),
        };
    }
    let data = subject.data.ok_or(CheckError::NoData(property))?;
    data.check_features(&subject.model.0.schema)?;
    expect_equal("data", header.data, Some(data.digest()))?;
    let part = header.part.ok_or(CheckError::Missing { key: "part", property })?;
    let count = header.rows.ok_or(CheckError::Missing { key: "rows", property })?;
    let rows = data.part(part);
    subject.spec.0.property.first_rows(rows, Some(count)).ok_or_else(|| CheckError::Other {
        what: "number of rows",
        stated: count.to_string(),
        given: format!("{} in part {}", rows.len(), part.name()),
    })
}

/// The state of one check.
struct Session<'a> {
    kernel: &'a Kernel<'a>,
    counter: Counter<'a>,
    header: Header,
    findings: Vec<String>,
    finding_count: u64,
    proved: Vec<usize>,
    settings: Settings,
    /// Multiply-adds that the file may still cost.
    work_left: u64,
    /// Steps of split trees so far.
    steps: usize,
}

impl<'a> Session<'a> {
    fn new(
        header: Header,
        kernel: &'a Kernel<'a>,
        counter: Counter<'a>,
        settings: Settings,
    ) -> Self {
        Self {
            kernel,
            counter,
            header,
            findings: Vec::new(),
            finding_count: 0,
            proved: Vec::new(),
            settings,
            work_left: settings.max_work,
            steps: 0,
        }
    }

    /// Only the first obligations are decided; the others are read and taken as stated.
    fn is_decided(&self, at: usize) -> bool {
        self.settings.first.is_none_or(|first| at < first)
    }

    fn run(
        mut self,
        lines: &mut Lines,
        watch: &mut dyn FnMut(Decided),
    ) -> Result<Checked, CheckError> {
        let total = self.kernel.len();
        let (mut done, mut assembler) = (0, Assembler::default());
        loop {
            let number = lines.number + 1;
            let Some(text) = lines.next()? else {
                let problem = "no totals line: the certificate is incomplete";
                return Err(CheckError::End { line: number, problem });
            };
            let entry =
                Entry::parse(text).map_err(|error| CheckError::Format { line: number, error })?;
            let entry = assembler
                .take(entry)
                .map_err(|error| CheckError::Format { line: number, error })?;
            match entry {
                // a tree that goes over several lines
                None => {}
                Some(Entry::Totals(totals)) if done == total => {
                    self.finish(&totals, number);
                    break;
                }
                Some(Entry::Totals(_)) => {
                    let problem = "totals before the last obligation";
                    return Err(CheckError::End { line: number, problem });
                }
                Some(Entry::Line(line)) if line.at == done && done < total => {
                    self.decide(number, line.at, &line.proof, watch)?;
                    done += 1;
                }
                Some(
                    Entry::Line(Line { at: found, .. }) | Entry::Piece(Piece { at: found, .. }),
                ) => {
                    let expected = done;
                    return Err(CheckError::Order { line: number, found, expected });
                }
            }
        }
        let line = lines.number + 1;
        match lines.next()? {
            None => Ok(self.into_checked()),
            Some(_) => Err(CheckError::End { line, problem: "something follows the totals" }),
        }
    }

    fn decide(
        &mut self,
        line: u64,
        at: usize,
        proof: &Proof,
        watch: &mut dyn FnMut(Decided),
    ) -> Result<(), CheckError> {
        let rejected = |rejection| CheckError::Rejected { line, at, rejection };
        if !self.is_decided(at) {
            return Ok(());
        }
        self.steps = self.steps.saturating_add(proof.steps());
        let (found, limit) = (self.steps as u64, self.settings.limits.steps as u64);
        if found > limit {
            let limit = LimitError { what: "steps of split trees", found, limit };
            return Err(CheckError::Limit { line, limit });
        }
        let limit = self.settings.max_work;
        let left = self.work_left.checked_sub(self.kernel.work(proof));
        self.work_left = left.ok_or_else(|| rejected(Rejection::Work { limit }))?;
        let verdict = self.kernel.check(at, proof).map_err(rejected)?;
        match (&verdict, proof) {
            (Verdict::Proved(_), _) => self.proved.push(at),
            (Verdict::Undecided(_), Proof::None) | (Verdict::Refuted(_) | Verdict::Invalid, _) => {}
            (Verdict::Counted(_), _) => {}
            (Verdict::Undecided(bounds), _) => {
                let rule = proof.rule();
                // + 0.0 turns −0 into 0
                let (reached, required) = (bounds.reached + 0.0, bounds.required + 0.0);
                self.find(format!(
                    "line {line}, obligation {at}: rule `{rule}` does not hold: it reaches {reached}, \
                     {required} must be exceeded"
                ));
            }
        }
        self.counter.add(at, &verdict);
        watch(Decided { at, total: self.kernel.len(), rule: proof.rule(), verdict: &verdict });
        Ok(())
    }

    fn finish(&mut self, stated: &Totals, line: u64) {
        let found = self.counter.tally().all;
        if self.settings.first.is_some_and(|first| first < self.kernel.len()) {
            return;
        }
        if found != *stated {
            self.find(format!("line {line}: the totals are `{found}`, the file states `{stated}`"));
        }
    }

    fn find(&mut self, finding: String) {
        self.finding_count += 1;
        if self.findings.len() < 20 {
            self.findings.push(finding);
        }
    }

    fn into_checked(self) -> Checked {
        let Self { header, findings, finding_count, proved, .. } = self;
        Checked { header, tally: self.counter.into_tally(), findings, finding_count, proved }
    }
}
