//! A result that is one file, or goes to standard output: `-` or `/dev/stdout`.

use std::path::Path;

use crate::store::write_whole;

use super::super::inputs::Inputs;
use super::super::{Refusal, files};
use super::{FileKind, Force, expect_own};

/// True if a result with this name goes to standard output.
pub(crate) fn is_standard_output(out: &Path) -> bool {
    out == Path::new("-") || out == Path::new("/dev/stdout")
}

/// The place of a result, which may be standard output.
#[derive(Clone, Copy)]
pub(crate) struct SingleResult<'a> {
    out: &'a Path,
}

impl<'a> SingleResult<'a> {
    /// Checks before the work that the place is a file's own, or standard output.
    pub(crate) fn new(
        out: &'a Path,
        kind: FileKind,
        force: Force,
        inputs: &Inputs,
    ) -> Result<Self, Refusal> {
        if !is_standard_output(out) {
            inputs.expect_apart(out)?;
            files::expect_folder("--out", out)?;
            expect_own(out, kind, force)?;
        }
        Ok(Self { out })
    }

    /// Checks the same of a long run, which keeps what it has in a `.partial` beside the file; beside standard
    /// output nothing is kept.
    pub(crate) fn growing(
        out: &'a Path,
        kind: FileKind,
        (force, is_resumed): (Force, bool),
        inputs: &Inputs,
    ) -> Result<Self, Refusal> {
        match is_standard_output(out) {
            true if is_resumed => {
                let text = "keeps nothing that --resume could continue; name a file, or leave out --resume";
                return Err(Refusal::new(format!("--out {}: {text}", out.display())));
            }
            true => {}
            false => {
                inputs.expect_room(out, is_resumed)?;
                expect_own(out, kind, force)?;
            }
        }
        Ok(Self { out })
    }

    /// The file; `None` for standard output.
    pub(crate) fn file(self) -> Option<&'a Path> {
        (!is_standard_output(self.out)).then_some(self.out)
    }

    /// Writes the result.
    pub(crate) fn write(self, bytes: &[u8]) -> Result<(), Refusal> {
        match self.file() {
            Some(file) => Ok(write_whole(file, bytes)?),
            None => files::print_bytes(bytes),
        }
    }

    /// Tells the figures beside the result: on standard output, or where the result goes there on standard error.
    pub(crate) fn tell(self, text: &str) -> Result<(), Refusal> {
        match self.file() {
            Some(_) => files::print(text),
            None => {
                tell!("{}", text.trim_end_matches('\n'));
                Ok(())
            }
        }
    }
}
