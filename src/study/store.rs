//! The folder of a study, in which every file appears whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::StudyError;
use crate::dataset::without_temporary_name;

/// The folder of one study.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Makes the folder if it is not there.
    pub fn new(root: impl Into<PathBuf>) -> Result<Self, StudyError> {
        let root = root.into();
        make_folder(&root)?;
        Ok(Self { root })
    }

    /// The path of a file of the study.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file whose name is relative to the folder, and makes missing folders.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StudyError> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        write_whole(&path, bytes)
    }
}

/// Makes a folder and its parents.
pub fn make_folder(path: &Path) -> Result<(), StudyError> {
    std::fs::create_dir_all(path).map_err(StudyError::file(path))
}

/// Writes a file under a temporary name beside its place, then renames it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StudyError> {
    let about = StudyError::file(path);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .map_err(|error| about(without_temporary_name(error)))?;
    file.write_all(bytes).map_err(&about)?;
    file.as_file().sync_all().map_err(&about)?;
    make_readable(&file).map_err(&about)?;
    file.persist(path).map_err(|error| about(error.error))?;
    Ok(())
}

/// Lets others read a file: a temporary file is private, and results are written for others to read.
#[cfg(unix)]
fn make_readable(file: &tempfile::NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &tempfile::NamedTempFile) -> std::io::Result<()> {
    Ok(())
}
