//! The lines of a certificate, and how large it may be.

use std::io::{BufRead, Read};

use crate::model::{LimitError, MAX_BYTES};

use super::CheckError;
use crate::certificate::proof::MAX_STEPS;

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

/// The lines of a file, each of limited length.
pub(super) struct FileLines<'a> {
    file: &'a mut dyn BufRead,
    limits: Limits,
    /// Number of the line read last, from 1 on.
    pub(super) number: u64,
    bytes: u64,
    buffer: Vec<u8>,
}

impl<'a> FileLines<'a> {
    pub(super) fn new(file: &'a mut dyn BufRead, limits: Limits) -> Self {
        Self { file, limits, number: 0, bytes: 0, buffer: Vec::new() }
    }

    /// The next line without its end; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, CheckError> {
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
