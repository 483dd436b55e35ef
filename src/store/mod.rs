//! Files that appear whole or not at all, folders of them, and the log of a run that may be interrupted.

mod log;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

pub use log::{Log, LogError, Retention};

/// A file or folder that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {error}")]
pub struct StoreError {
    /// The file or folder.
    pub path: String,
    /// The message of the system.
    pub error: std::io::Error,
}

impl StoreError {
    pub(crate) fn about(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |error| Self { path: path.display().to_string(), error }
    }
}

/// A folder of results, in which every file appears whole or not at all.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Makes the folder if it is not there.
    pub fn new(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        make_folder(&root)?;
        Ok(Self { root })
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file whose name is relative to the folder, and makes missing folders.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        write_whole(&path, bytes)
    }
}

/// Makes a folder and its parents.
pub fn make_folder(path: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(path).map_err(StoreError::about(path))
}

/// Writes a file under a temporary name beside its place, then renames it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    Staged::new(path, bytes)?.publish()
}

/// A file with all its bytes under a temporary name beside its place; it is removed unless published.
#[derive(Debug)]
pub struct Staged {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Staged {
    /// Writes the bytes.
    pub fn new(path: &Path, bytes: &[u8]) -> Result<Self, StoreError> {
        let about = StoreError::about(path);
        let mut file = temporary_beside(path)?;
        file.write_all(bytes).map_err(&about)?;
        file.as_file().sync_all().map_err(&about)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Gives the file its name.
    pub fn publish(self) -> Result<(), StoreError> {
        let Self { file, path } = self;
        file.persist(&path).map_err(|error| StoreError::about(&path)(error.error))?;
        Ok(())
    }
}

/// A file that grows under a temporary name beside its place; it is removed unless published.
#[derive(Debug)]
pub struct Growing {
    file: BufWriter<tempfile::NamedTempFile>,
    path: PathBuf,
}

impl Growing {
    /// Begins the file.
    pub fn new(path: &Path) -> Result<Self, StoreError> {
        let file = temporary_beside(path)?;
        Ok(Self { file: BufWriter::new(file), path: path.to_owned() })
    }

    /// Adds bytes at the end.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(StoreError::about(&self.path))
    }

    /// Gives the file its name.
    pub fn publish(self) -> Result<(), StoreError> {
        let Self { file, path } = self;
        let about = StoreError::about(&path);
        let file = file.into_inner().map_err(|error| about(error.into_error()))?;
        file.as_file().sync_all().map_err(&about)?;
        file.persist(&path).map_err(|error| about(error.error))?;
        Ok(())
    }
}

/// The system's message, without the name of the temporary file that it was about.
fn without_temporary_name(error: std::io::Error) -> std::io::Error {
    match error.raw_os_error() {
        Some(code) => std::io::Error::from_raw_os_error(code),
        None if error.kind() == std::io::ErrorKind::NotFound => {
            std::io::Error::new(error.kind(), "its folder is not there; make it first")
        }
        None => error.kind().into(),
    }
}

/// A file under a temporary name in the folder of `path`. It gets the mode of any new file, as the umask has it: a
/// temporary file is private else, and results are written for others to read.
fn temporary_beside(path: &Path) -> Result<tempfile::NamedTempFile, StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut name = tempfile::Builder::new();
    #[cfg(unix)]
    let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    name.permissions(mode);
    let file = name.tempfile_in(folder.unwrap_or(Path::new(".")));
    file.map_err(|error| StoreError::about(path)(without_temporary_name(error)))
}

/// The name under which a result grows before it takes its own name.
pub fn partial_name(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}
