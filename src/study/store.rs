//! A study's folder: every file appears whole or not at all.

use std::collections::BTreeSet;
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

    /// Writes a file whose name is relative to the folder; missing folders are made.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StudyError> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        write_whole(&path, bytes)
    }
}

/// A folder that appears whole or not at all: it is filled under another name and takes its place,
/// or the place of an earlier one, when it is complete. What is not finished goes with the value.
#[derive(Debug)]
pub struct Draft {
    folder: tempfile::TempDir,
    place: PathBuf,
}

impl Draft {
    /// A draft of `place`, beside it. `own` are the files, relative to the place, that an earlier run
    /// left there; a folder with anything else in it is refused, never replaced.
    pub fn new(place: &Path, own: &BTreeSet<PathBuf>) -> Result<Self, StudyError> {
        let about = StudyError::file(place);
        let mut place = place.to_owned();
        if place.exists() {
            place = place.canonicalize().map_err(&about)?;
            if let Some(name) = foreign(&place, Path::new(""), own).map_err(&about)? {
                let (path, name) = (place.display().to_string(), name.display().to_string());
                return Err(StudyError::Occupied { path, name });
            }
        }
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        make_folder(parent)?;
        let folder = tempfile::Builder::new().prefix(".draft-").tempdir_in(parent);
        let folder = folder.map_err(|error| about(without_temporary_name(error)))?;
        Ok(Self { folder, place })
    }

    /// Where it is filled.
    pub fn store(&self) -> Store {
        Store { root: self.folder.path().to_owned() }
    }

    /// Puts the folder in its place.
    pub fn finish(self) -> Result<(), StudyError> {
        let about = StudyError::file(&self.place);
        if self.place.exists() {
            // an earlier folder goes into the draft's shadow, from where it is removed
            let mut shadow = self.folder.path().as_os_str().to_owned();
            shadow.push("-earlier");
            std::fs::rename(&self.place, &shadow).map_err(&about)?;
            std::fs::rename(self.folder.keep(), &self.place).map_err(&about)?;
            make_folder_readable(&self.place).map_err(&about)?;
            return std::fs::remove_dir_all(&shadow).map_err(&about);
        }
        std::fs::rename(self.folder.keep(), &self.place).map_err(&about)?;
        make_folder_readable(&self.place).map_err(&about)
    }
}

/// Something below `root` that is neither a folder nor one of `own`; links are followed nowhere.
fn foreign(
    root: &Path,
    folder: &Path,
    own: &BTreeSet<PathBuf>,
) -> std::io::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = folder.join(entry.file_name());
        let found = if entry.file_type()?.is_dir() {
            foreign(root, &name, own)?
        } else {
            (!own.contains(&name)).then_some(name)
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
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

/// A temporary file is private; what is written for others to read is not.
#[cfg(unix)]
fn make_readable(file: &tempfile::NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(unix)]
fn make_folder_readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_folder_readable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn make_readable(_: &tempfile::NamedTempFile) -> std::io::Result<()> {
    Ok(())
}
