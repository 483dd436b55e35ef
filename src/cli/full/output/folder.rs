//! A folder that appears whole or not at all.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::store::{Store, make_folder, partial_name};

use super::super::Refusal;
use super::super::inputs::Inputs;
use super::super::interrupt;
use super::{Force, Leaves, expect_no_stream};

/// A folder for results, before anything is written.
pub(crate) struct ResultFolder {
    place: PathBuf,
    /// Files in the folder that stay, relative to it.
    kept: Vec<PathBuf>,
}

impl ResultFolder {
    /// Looks at the folder. It is refused if it has files that the verb did not leave, unless `force` keeps
    /// them, and if the result would take the place of an input.
    pub(crate) fn new(
        folder: &Path,
        leaves: Leaves,
        inputs: &Inputs,
        force: Force,
    ) -> Result<Self, Refusal> {
        Self::keeping(folder, leaves, inputs, force, &|_| false)
    }

    /// Looks at the folder, and also keeps the files for which `is_kept` is true, without `force`.
    pub(crate) fn keeping(
        folder: &Path,
        leaves: Leaves,
        inputs: &Inputs,
        Force { force }: Force,
        is_kept: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, Refusal> {
        expect_no_stream(folder)?;
        // without a slash at its end
        let place = folder.canonicalize().unwrap_or_else(|_| folder.components().collect());
        put_back(&place)?;
        let (mut kept, own) = (Vec::new(), leaves.own(&place));
        if place.exists() {
            if !place.is_dir() {
                let folder = folder.display();
                return Err(Refusal::new(format!("{folder}: is a file; name a folder")));
            }
            own.iter().try_for_each(|name| inputs.expect_apart(&place.join(name)))?;
            let about = Refusal::about(folder);
            let found = files_in(&place).map_err(Refusal::from).map_err(about)?;
            let (stays, others): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|name| is_kept(name));
            kept = stays;
            kept.extend(others.into_iter().filter(|name| !own.contains(name)));
            if let Some(name) = kept.iter().find(|name| !force && !is_kept(name)) {
                let (folder, name, verb) = (folder.display(), name.display(), leaves.verb());
                let article = if verb.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
                return Err(Refusal::new(format!(
                    "{folder} holds `{name:.80}`, which is not of {article} {verb}: name a new or empty folder, or \
                     keep such files beside the result with --force"
                )));
            }
            // a pipe or a link that leads nowhere could not be kept at the end of the work
            let is_file = |name: &&PathBuf| {
                std::fs::metadata(place.join(name)).is_ok_and(|found| found.is_file())
            };
            if let Some(name) = kept.iter().find(|name| !is_file(name)) {
                let (folder, name) = (folder.display(), name.display());
                return Err(Refusal::new(format!(
                    "{folder} holds `{name:.80}`, a pipe, a device or a link to no file, which cannot be kept beside the \
                     result: move it away"
                )));
            }
        }
        Ok(Self { place, kept })
    }

    /// Prepares the folder to be filled, beside the place of the result. It is empty, unless the run resumes an
    /// interrupted one, whose files then stay.
    pub(crate) fn begin(self, is_resumed: bool) -> Result<Draft, Refusal> {
        let partial = partial_name(&self.place);
        let about = Refusal::about(&partial);
        if let Some(parent) = partial.parent() {
            make_folder(parent)?;
        }
        expect_ours(&partial)?;
        make_folder(&partial)?;
        let mark = File::create(partial.join(MARK)).map_err(Refusal::from).map_err(&about)?;
        if mark.try_lock().is_err() {
            return Err(about(Refusal::new("another run is filling it; wait for its end")));
        }
        let new = partial.join(NEW);
        if new.exists() && !is_resumed {
            std::fs::remove_dir_all(&new).map_err(Refusal::from).map_err(&about)?;
        }
        make_folder(&new)?;
        sweep(&new).map_err(Refusal::from).map_err(&about)?;
        let Self { place, kept } = self;
        drop(about);
        interrupt::filling(&partial);
        Ok(Draft { place, kept, partial, is_resumable: false, _mark: mark })
    }
}

/// Name of the file that marks a folder being filled.
const MARK: &str = "unfinished";
/// Folder inside it for the new files.
const NEW: &str = "new";
/// Folder inside it for the files that were there before.
const EARLIER: &str = "earlier";

/// Undoes an interruption between the two renames of a result.
fn put_back(place: &Path) -> Result<(), Refusal> {
    let partial = partial_name(place);
    let earlier = partial.join(EARLIER);
    if !place.exists() && partial.join(MARK).is_file() && earlier.is_dir() {
        std::fs::rename(&earlier, place).map_err(Refusal::from).map_err(Refusal::about(place))?;
    }
    Ok(())
}

/// Removes files that an interrupted run was writing when it ended.
fn sweep(new: &Path) -> std::io::Result<()> {
    for name in files_in(new)? {
        if name.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".tmp")) {
            std::fs::remove_file(new.join(name))?;
        }
    }
    Ok(())
}

/// Refuses to fill a place if something there was not left by a run.
fn expect_ours(partial: &Path) -> Result<(), Refusal> {
    let is_ours = match std::fs::symlink_metadata(partial) {
        Err(_) => true,
        Ok(found) if !found.is_dir() => false,
        Ok(_) => {
            let is_empty = std::fs::read_dir(partial).is_ok_and(|mut found| found.next().is_none());
            is_empty || partial.join(MARK).is_file()
        }
    };
    if is_ours {
        return Ok(());
    }
    let partial = partial.display();
    Err(Refusal::new(format!(
        "{partial}: is where the result is filled, and was not left by a run; move it away"
    )))
}

/// A folder that is being filled. Unfinished content is removed with the value, unless it can be resumed.
pub(crate) struct Draft {
    place: PathBuf,
    kept: Vec<PathBuf>,
    partial: PathBuf,
    is_resumable: bool,
    /// The mark, locked while the run lives.
    _mark: File,
}

impl Draft {
    /// Keeps the content for `--resume` if the run ends early.
    pub(crate) fn resumable(mut self) -> Self {
        self.is_resumable = true;
        interrupt::filling_resumably();
        self
    }

    /// The store that is filled.
    pub(crate) fn store(&self) -> Result<Store, Refusal> {
        Ok(Store::new(self.partial.join(NEW))?)
    }

    /// A folder that exists already, and from which paths lead as they will from the place.
    pub(crate) fn stand_in(&self) -> &Path {
        &self.partial
    }

    /// Puts the folder in its place.
    pub(crate) fn finish(mut self) -> Result<(), Refusal> {
        // what was there before is in the draft for a moment
        interrupt::filled();
        self.take_place().map_err(Refusal::from).map_err(Refusal::about(&self.place))?;
        self.is_resumable = false;
        Ok(())
    }

    fn take_place(&self) -> std::io::Result<()> {
        let (new, earlier) = (self.partial.join(NEW), self.partial.join(EARLIER));
        for name in &self.kept {
            let (from, to) = (self.place.join(name), new.join(name));
            if !to.exists() && from.exists() {
                std::fs::create_dir_all(to.parent().unwrap_or(&new))?;
                std::fs::copy(from, to)?;
            }
        }
        if earlier.exists() {
            std::fs::remove_dir_all(&earlier)?;
        }
        if self.place.exists() {
            std::fs::rename(&self.place, &earlier)?;
        }
        std::fs::rename(&new, &self.place).inspect_err(|_| {
            let _ = std::fs::rename(&earlier, &self.place);
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        interrupt::filled();
        let is_taken = !self.place.exists() && self.partial.join(EARLIER).exists();
        if !self.is_resumable && !is_taken {
            // the next run puts away whatever cannot be removed now
            let _ = std::fs::remove_dir_all(&self.partial);
        }
    }
}

/// Every file below a folder, relative to it and sorted; links are not followed.
fn files_in(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => folders.push(name),
                false => files.push(name),
            }
        }
    }
    files.sort();
    Ok(files)
}

/// True if a file lies directly in a folder.
pub(crate) fn is_inside(file: &Path, folder: &Path) -> bool {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let place = |path: &Path| path.canonicalize().ok();
    let parent = place(parent.unwrap_or(Path::new(".")));
    parent.is_some() && parent == place(folder)
}

/// Tells which files of a folder are the table that a run writes there, finished or not.
pub(crate) fn table_in<'a>(folder: &Path, out: &'a Path) -> impl Fn(&Path) -> bool + use<'a> {
    let (is_inside, partial) = (is_inside(out, folder), partial_name(out));
    move |name| {
        let is_named = |path: &Path| path.file_name() == Some(name.as_os_str());
        is_inside && (is_named(out) || is_named(&partial))
    }
}
