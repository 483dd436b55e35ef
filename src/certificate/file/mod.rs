//! Checking a whole certificate file, streamed line by line.

mod error;
mod format;
mod lines;
mod pieces;
mod session;
mod tally;
#[cfg(any(test, feature = "advice"))]
mod whole;

use std::io::BufRead;
use std::num::NonZeroUsize;

use crate::defense::Defense;
use crate::model::{DataSet, Digest, Model, Row};
use crate::spec::{Lowered, Spec};

use crate::certificate::{Arithmetic, Kernel, Proof, Verdict};
use lines::FileLines;
use session::Session;

pub use error::CheckError;
pub use format::{Budget, Entry, FormatError, Header, Line, Piece};
pub use lines::Limits;
pub use pieces::Assembler;
pub use tally::{Counter, Tally};
#[cfg(any(test, feature = "advice"))]
pub use whole::{Decision, check};

/// Everything a certificate is checked against, each with the digest of its file; a spec knows its own.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The model.
    pub model: (&'a Model, Digest),
    /// The spec; command-line choices already applied.
    pub spec: &'a Spec,
    /// The data, where the property is about rows.
    pub data: Option<&'a DataSet>,
    /// The defense, if the defended model is meant.
    pub defense: Option<(&'a Defense, Digest)>,
}

/// The result of a check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The header.
    pub header: Header,
    /// The recomputed counts.
    pub tally: Tally,
    /// The findings, things that are not as stated, in order (at most 20 kept).
    pub findings: Vec<String>,
    /// Number of findings.
    pub finding_count: u64,
    /// Indexes of the proved obligations.
    pub proved: Vec<usize>,
}

impl Checked {
    /// True if every line holds as stated and the totals agree.
    pub fn is_as_stated(&self) -> bool {
        self.finding_count == 0
    }
}

/// Settings of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The interpreter of the rules.
    pub arithmetic: Arithmetic,
    /// Decide only the first obligations and take the totals as read; `None`: all.
    pub first: Option<usize>,
    /// Multiply-adds that the whole file may cost.
    pub max_work: u64,
    /// Limits on the size of the file.
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

/// One decided obligation, as a check shows it to its watcher.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    /// Index of the obligation.
    pub at: usize,
    /// The row it is about, if it is about one: an index in the part of the subject's data.
    pub row: Option<usize>,
    /// The header of the file.
    pub header: &'a Header,
    /// The proof offered.
    pub proof: &'a Proof,
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
    let mut lines = FileLines::new(file, settings.limits);
    let header = match lines.next()? {
        Some(line) => Header::parse(line).map_err(|error| CheckError::Format { line: 1, error })?,
        None => return Err(CheckError::End { line: 1, problem: "the file is empty" }),
    };
    check_header(&header, subject)?;
    let thinned = thinned(&header, subject)?;
    let step = thinned.as_ref().and(header.every).unwrap_or(1);
    let subject = &Subject { data: thinned.as_ref().or(subject.data), ..*subject };
    let rows = rows_of(&header, subject)?;
    let (spec, model) = (subject.spec, subject.model.0);
    let lowered = Lowered::new(spec, model, subject.defense.map(|(defense, _)| defense), rows)?;
    expect_equal("semantics", header.semantics, lowered.semantics())?;
    let kernel = Kernel::new(model, &lowered, settings.arithmetic);
    let session = Session::new(header, &kernel, Counter::new(&lowered, rows), settings);
    let mut placed = |decided: Decided| {
        watch(Decided { row: decided.row.map(|row| row.saturating_mul(step)), ..decided });
    };
    session.run(&mut lines, &mut placed)
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
    expect_equal("spec", header.spec, subject.spec.digest)?;
    expect_equal("defense", header.defense, subject.defense.map(|(_, digest)| digest))?;
    if let Some((defense, _)) = subject.defense {
        expect_equal("target of the defense", subject.model.1, defense.target)?;
    }
    expect_equal("treatment of integers", header.integers, subject.spec.integers)
}

/// The data at the step of the header; `None` if the subject's data is that.
fn thinned(header: &Header, subject: &Subject) -> Result<Option<DataSet>, CheckError> {
    let (Some(data), Some(part)) = (subject.data, header.part) else { return Ok(None) };
    let stated = match header.every {
        None => NonZeroUsize::MIN,
        Some(found) => {
            let step = NonZeroUsize::new(found).filter(|step| *step > NonZeroUsize::MIN);
            step.ok_or(CheckError::Step { found })?
        }
    };
    let given = data.step(part);
    if given == NonZeroUsize::MIN && stated > given {
        return Ok(Some(data.every(part, stated)));
    }
    let text = |step: NonZeroUsize| format!("1 row in {step}");
    expect_equal("step between rows", text(stated), text(given)).map(|()| None)
}

/// The rows that the header names; none for claims without rows.
fn rows_of<'a>(header: &Header, subject: &Subject<'a>) -> Result<&'a [Row], CheckError> {
    let property = subject.spec.property.name();
    if !subject.spec.property.is_about_rows() {
        let keys = [
            ("data", header.data.is_some()),
            ("part", header.part.is_some()),
            ("every", header.every.is_some()),
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
    subject.spec.property.first_rows(rows, Some(count)).ok_or_else(|| CheckError::Other {
        what: "number of rows",
        stated: count.to_string(),
        given: format!("{} in part {}", subject.spec.property.count_of(rows), part.name()),
    })
}
