//! Files: settings are small, and results have a place where nothing is lost.

use std::path::Path;

use crate::source::read_regular;

use super::Refusal;

pub(crate) use super::super::files::{open, print, print_bytes, read};

/// Largest settings file (recipes, attacks), in bytes. Reading TOML takes a hundred times as much.
const MAX_SETTINGS: u64 = 1 << 20;

/// The bytes of a settings file.
pub(crate) fn read_settings(path: &Path) -> Result<Vec<u8>, Refusal> {
    Ok(read_regular(path, MAX_SETTINGS)?)
}

/// Checks before long work that the folder of `out`, which `option` names, is there, and that `out` itself is no
/// folder.
pub(crate) fn expect_folder(option: &str, out: &Path) -> Result<(), Refusal> {
    if out.is_dir() {
        return Err(Refusal::new(format!("{option} {}: is a folder; name a file", out.display())));
    }
    match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            let (folder, out) = (folder.display(), out.display());
            Err(Refusal::new(format!("{option} {out}: there is no folder {folder}; make it first")))
        }
        _ => Ok(()),
    }
}

/// Checks before long work that nothing but a file lies under the name of a result. A pipe would block, and a
/// link or a device (`/dev/null`) would be followed or replaced.
pub(crate) fn expect_plain(out: &Path) -> Result<(), Refusal> {
    if std::fs::symlink_metadata(out).is_ok_and(|found| !found.is_file()) {
        let text = "is there and is no plain file (a folder, a link, a pipe or a device)";
        return Err(Refusal::new(format!("{}: {text}; name another place", out.display())));
    }
    Ok(())
}
