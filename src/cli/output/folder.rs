//! A folder that appears whole or not at all.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::study::{Store, make_folder};

use super::super::inputs::Inputs;
use super::super::{Refusal, files};
use super::{Force, Leaves};

/// A folder for results, before anything is written.
pub(crate) struct ResultFolder {
    place: PathBuf,
    /// Files in it that stay, relative to it.
    kept: Vec<PathBuf>,
}

impl ResultFolder {
    /// Looks at the folder; one with files that the verb did not leave is refused unless `force` keeps
    /// them, and so is one from which an input would be taken.
    pub(crate) fn new(
        folder: &Path,
        leaves: Leaves,
        inputs: &Inputs,
        force: Force,
    ) -> Result<Self, Refusal> {
        Self::keeping(folder, leaves, inputs, force, &|_| false)
    }

    /// The same, with files that stay without being asked for.
    pub(crate) fn keeping(
        folder: &Path,
        leaves: Leaves,
        inputs: &Inputs,
        Force { force }: Force,
        is_kept: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, Refusal> {
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
                return Err(Refusal::new(format!(
                    "{folder} holds `{name:.80}`, which is not of a {verb}: name a new or empty folder, or \
                     keep such files beside the result with --force"
                )));
            }
        }
        Ok(Self { place, kept })
    }

    /// Where it is filled: a folder beside it, which is empty unless what an interrupted run left there is
    /// wanted.
    pub(crate) fn begin(self, is_resumed: bool) -> Result<Draft, Refusal> {
        let partial = files::partial_name(&self.place);
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
        Ok(Draft { place, kept, partial, is_resumable: false, _mark: mark })
    }
}

/// Marks a folder that is filled.
const MARK: &str = "unfinished";
/// Inside it, what is made.
const NEW: &str = "new";
/// Inside it, what was there before.
const EARLIER: &str = "earlier";

/// An interruption between the two renames of a result is undone.
fn put_back(place: &Path) -> Result<(), Refusal> {
    let partial = files::partial_name(place);
    let earlier = partial.join(EARLIER);
    if !place.exists() && partial.join(MARK).is_file() && earlier.is_dir() {
        std::fs::rename(&earlier, place).map_err(Refusal::from).map_err(Refusal::about(place))?;
    }
    Ok(())
}

/// Removes files that were being written when a run ended.
fn sweep(new: &Path) -> std::io::Result<()> {
    for name in files_in(new)? {
        if name.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".tmp")) {
            std::fs::remove_file(new.join(name))?;
        }
    }
    Ok(())
}

/// What stands where a folder is filled must have been left there by a run.
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

/// A folder that is being filled. What is not finished goes with the value, unless it can be resumed.
pub(crate) struct Draft {
    place: PathBuf,
    kept: Vec<PathBuf>,
    partial: PathBuf,
    is_resumable: bool,
    /// Locked while the run lives.
    _mark: File,
}

impl Draft {
    /// What is there stays for `--resume` when the run ends early.
    pub(crate) fn resumable(mut self) -> Self {
        self.is_resumable = true;
        self
    }

    /// Where it is filled.
    pub(crate) fn store(&self) -> Result<Store, Refusal> {
        Ok(Store::new(self.partial.join(NEW))?)
    }

    /// A folder that is there, from which paths lead as from the place.
    pub(crate) fn stand_in(&self) -> &Path {
        &self.partial
    }

    /// Puts the folder in its place.
    pub(crate) fn finish(mut self) -> Result<(), Refusal> {
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
        let is_taken = !self.place.exists() && self.partial.join(EARLIER).exists();
        if !self.is_resumable && !is_taken {
            // what cannot be removed is put away by the next run
            let _ = std::fs::remove_dir_all(&self.partial);
        }
    }
}

/// Every file below a folder, relative to it and sorted; links are followed nowhere.
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

/// Whether a file lies directly in a folder.
pub(crate) fn is_inside(file: &Path, folder: &Path) -> bool {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let place = |path: &Path| path.canonicalize().ok();
    let parent = place(parent.unwrap_or(Path::new(".")));
    parent.is_some() && parent == place(folder)
}

/// Which files of a folder are the table that a run writes there, finished or not.
pub(crate) fn table_in<'a>(folder: &Path, out: &'a Path) -> impl Fn(&Path) -> bool + use<'a> {
    let (is_inside, partial) = (is_inside(out, folder), files::partial_name(out));
    move |name| {
        let is_named = |path: &Path| path.file_name() == Some(name.as_os_str());
        is_inside && (is_named(out) || is_named(&partial))
    }
}
