//! The remains of an interrupted run: `OUT.partial`, a certificate without its end.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::certificate::{Assembler, Counter, Entry, Header, Kernel, Line, Proof, Verdict};

use crate::study::write_whole;

use super::super::{Refusal, files};

/// The remains of an interrupted run.
#[derive(Default)]
pub(super) struct Before {
    /// Number of whole lines about obligations.
    pub(super) lines: usize,
    /// Obligations that these lines refute.
    pub(super) refuted: Vec<usize>,
    /// Number of bytes up to the end of the last whole line.
    bytes: u64,
}

/// Reads the whole lines of a `.partial` with the same header and decides them again. A
/// torn last line is dropped. A torn header counts as none.
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
        if matches!(verdict, Verdict::Refuted(_)) {
            before.refuted.push(at);
        }
        counter.add(at, &verdict);
        before.lines += 1;
        before.bytes = bytes;
    }
}

/// The file that keeps the seed of a run whose header does not name it; a run with seed 0 leaves no such file.
fn seed_name(partial: &Path) -> PathBuf {
    let mut name = partial.as_os_str().to_owned();
    name.push(".seed");
    PathBuf::from(name)
}

/// Refuses to go on with another seed, because the attack would be another one.
pub(super) fn expect_seed(partial: &Path, seed: u64) -> Result<(), Refusal> {
    let path = seed_name(partial);
    if !partial.exists() {
        return Ok(());
    }
    let text = if path.exists() { files::read_settings(&path)? } else { b"0".to_vec() };
    let found = String::from_utf8_lossy(&text).trim().parse().ok();
    match found == Some(seed) {
        true => Ok(()),
        false => Err(Refusal::new(format!(
            "{}: made with seed {}, --seed is {seed}: give the same one, or remove it",
            partial.display(),
            found.map_or_else(|| "unknown".to_owned(), |found: u64| found.to_string())
        ))),
    }
}

/// Writes down the seed that a `.partial` is made with; for seed 0 removes an earlier note.
pub(super) fn keep_seed(partial: &Path, seed: u64) -> Result<(), Refusal> {
    let path = seed_name(partial);
    match seed {
        0 if path.exists() => {
            std::fs::remove_file(&path).map_err(Refusal::from).map_err(Refusal::about(&path))
        }
        0 => Ok(()),
        _ => Ok(write_whole(&path, format!("{seed}\n").as_bytes())?),
    }
}

/// Opens the `.partial`, cut after its last whole line, or a new one with its header.
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
