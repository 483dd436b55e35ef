//! The subject of a verb, read from files: models with labels, data that is used whole, and the ways between them.

use std::path::{Component, Path, PathBuf};

use crate::defend::{DecoyModel, decoy_file};
use crate::defense::Defense;
use crate::model::{DataSet, Digest, Model, Part};
use crate::source;

use super::super::subject::data_folder;
use super::{Refusal, files};

pub(crate) use super::super::subject::{
    BLANKS, Loaded, SubjectArguments, ordered_as, read_data, read_defense, read_model, split_part,
};

/// Reads a model for a verb that is about labels; a plain score is refused.
pub(crate) fn read_classifier(path: &Path) -> Result<(Model, Digest), Refusal> {
    let read = read_model(path)?;
    if read.0.is_plain_score() {
        let text = "the model is a plain score (1 class); expected a classifier, whose labels this is about";
        return Err(Refusal::about(path)(Refusal::new(text)));
    }
    Ok(read)
}

/// Reads a defense whose answers are needed, with its decoy model if it has one, and the digest of its file.
pub(crate) fn read_answering(path: &Path) -> Result<(Defense, Digest), Refusal> {
    let (defense, digest) = read_defense(path)?;
    let Some(named) = defense.decoy_digest() else { return Ok((defense, digest)) };
    let decoy = decoy_file(path);
    if !decoy.exists() {
        let text = format!(
            "this defense answers by a decoy model, digest {named}; put its file at `{}`",
            decoy.display()
        );
        return Err(Refusal::about(path)(Refusal::new(text)));
    }
    let read = DecoyModel::read(files::read(&decoy)?).map_err(Refusal::from);
    let read = read.map_err(Refusal::about(&decoy))?;
    let attached = read.attach(defense).map_err(Refusal::from).map_err(Refusal::about(&decoy))?;
    Ok((attached, digest))
}

/// Reads `NAME` for a verb that uses each part for its own purpose; an argument that names a part is refused.
pub(crate) fn read_whole(argument: &str) -> Result<DataSet, Refusal> {
    let (data, part) = read_data(argument)?;
    let (name, _) = split_part(argument);
    match part {
        None => Ok(data),
        Some(part) => Err(Refusal::new(format!(
            "{argument}: part `{}` cannot be named here: every part is used for what it is for; write {name}",
            part.name()
        ))),
    }
}

/// Refuses data with an empty part: `what` uses every part, and would end late without one.
pub(crate) fn expect_rows(data: &DataSet, what: &str) -> Result<(), Refusal> {
    let Some(part) = Part::ALL.into_iter().find(|part| data.part(*part).is_empty()) else {
        return Ok(());
    };
    let sizes = Part::ALL.map(|part| format!("{} {}", part.name(), data.part(part).len()));
    Err(Refusal::new(format!(
        "data set `{}`: part {} has no rows, and {what} needs all four ({}); give more rows",
        data.meta().name,
        part.name(),
        sizes.join(", ")
    )))
}

/// The files of `NAME` or `NAME:part`. The list is empty if the set is built in, or cannot be read; the reader of
/// the set then refuses it.
pub(crate) fn files_of_data(argument: &str) -> Vec<PathBuf> {
    let (name, _) = split_part(argument);
    source::files_of(name, data_folder().as_deref()).unwrap_or_default()
}

/// The data of `NAME` or `NAME:part` as a manifest in `folder` writes it. A name stays, and a path leads
/// from that folder, so that each entry can be checked from inside it.
pub(crate) fn data_seen_from(argument: &str, folder: &Path) -> Result<String, Refusal> {
    let (name, _) = split_part(argument);
    let is_name = |data: PathBuf| {
        let places = [data.join(name).join("meta.json"), data.join(format!("{name}.meta.json"))];
        places.iter().any(|place| place.exists())
    };
    if name == source::BUILT_IN || data_folder().is_some_and(is_name) {
        return Ok(name.to_owned());
    }
    way_from(folder, Path::new(name))
}

/// The path from a folder to a file or folder; both must exist.
pub(crate) fn way_from(folder: &Path, target: &Path) -> Result<String, Refusal> {
    let whole =
        |path: &Path| path.canonicalize().map_err(Refusal::from).map_err(Refusal::about(path));
    Ok(path_from(&whole(folder)?, &whole(target)?).to_string_lossy().into_owned())
}

/// The path from a folder to a file or folder; both are absolute.
fn path_from(folder: &Path, target: &Path) -> PathBuf {
    let shared = folder.components().zip(target.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(target.components().skip(shared)).collect();
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}
