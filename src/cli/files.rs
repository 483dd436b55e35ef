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

/// Largest settings file (recipes, attacks), in bytes. Reading TOML takes a hundred times as much.
#[cfg(feature = "full")]
const MAX_SETTINGS: u64 = 1 << 20;

/// The bytes of a settings file.
#[cfg(feature = "full")]
pub(crate) fn read_settings(path: &Path) -> Result<Vec<u8>, Refusal> {
    Ok(read_regular(path, MAX_SETTINGS)?)
}

/// Prints to standard output; a closed pipe ends the output quietly.
pub(crate) fn print(text: &str) -> Result<(), Refusal> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Checks before long work that the folder of `out` is there, and that `out` itself is not a folder.
#[cfg(feature = "full")]
pub(crate) fn expect_folder(out: &Path) -> Result<(), Refusal> {
    if out.is_dir() {
        return Err(Refusal::new(format!("--out {}: is a folder; name a file", out.display())));
    }
    match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            let (folder, out) = (folder.display(), out.display());
            Err(Refusal::new(format!("--out {out}: there is no folder {folder}; make it first")))
        }
        _ => Ok(()),
    }
}

/// Checks before long work that nothing but a file lies under the name of a result. A pipe would block, and a
/// link or a device (`/dev/null`) would be followed or replaced.
#[cfg(feature = "full")]
pub(crate) fn expect_plain(out: &Path) -> Result<(), Refusal> {
    if std::fs::symlink_metadata(out).is_ok_and(|found| !found.is_file()) {
        let text = "is there and is no plain file (a folder, a link, a pipe or a device)";
        return Err(Refusal::new(format!("{}: {text}; name another place", out.display())));
    }
    Ok(())
}
