//! Files: their size is checked before reading, and they are printed whole.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::model::MAX_BYTES;
use crate::source::{open_regular, read_regular};

use super::Refusal;

/// Opens a regular file of limited size.
pub(crate) fn open(path: &Path) -> Result<File, Refusal> {
    Ok(open_regular(path, MAX_BYTES)?)
}

/// The bytes of a regular file of limited size.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    Ok(read_regular(path, MAX_BYTES)?)
}

/// Prints to standard output; a closed pipe ends the output quietly.
pub(crate) fn print(text: &str) -> Result<(), Refusal> {
    print_bytes(text.as_bytes())
}

/// Writes a line to standard error. A message is no result: where that is full or closed, the work goes on without it.
pub(crate) fn tell(text: std::fmt::Arguments) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints the bytes of a result in the same way.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Refusal> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
