//! What an interrupted run leaves: `OUT.partial`, a certificate without its end.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use crate::certificate::{Assembler, Counter, Entry, Header, Kernel, Line, Proof, Verdict};

use super::super::{Refusal, files};

/// What an interrupted run left.
#[derive(Default)]
pub(super) struct Before {
    /// Whole lines about obligations.
    pub(super) lines: usize,
    /// Bytes up to the end of the last whole line.
    bytes: u64,
}

/// Reads the whole lines of a `.partial` with the same header and decides them again; a torn last line is dropped, and a
/// torn header is as good as none.
pub(super) fn read_partial(
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
pub(super) fn open_partial(
    partial: &Path,
    header: &Header,
    before: &Before,
) -> Result<File, Refusal> {
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
