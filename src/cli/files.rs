//! Files: read with their size checked first, written whole or not at all.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use super::Refusal;

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 30;

/// Opens a regular file of limited size.
pub(crate) fn open(path: &Path) -> Result<File, Refusal> {
    let refuse = |text: String| Refusal::new(format!("{}: {text}", path.display()));
    // looked at before opening: a pipe would block
    let before = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    if !before.is_file() {
        return Err(refuse("not a regular file".to_owned()));
    }
    let file = File::open(path).map_err(|error| refuse(error.to_string()))?;
    let length = file.metadata().map_err(|error| refuse(error.to_string()))?.len();
    if length > MAX_BYTES {
        return Err(refuse(format!("{length} bytes; the limit is {MAX_BYTES}")));
    }
    Ok(file)
}

/// The bytes of a regular file of limited size.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let file = open(path)?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Refusal::new(format!("{}: {error}", path.display())))?;
    Ok(bytes)
}

/// Prints to standard output; a closed pipe ends the output quietly.
pub(crate) fn print(text: &str) -> Result<(), Refusal> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
