//! The files that a verb reads, kept so that no result takes the place of one of them.

use std::path::{Path, PathBuf};

use crate::store::partial_name;

use super::subject::files_of_data;
use super::{Refusal, files};

/// The files that a verb reads, each with the role in which it is read.
#[derive(Debug, Default)]
pub(crate) struct Inputs(Vec<(String, PathBuf)>);

impl Inputs {
    /// Adds a file in the role `what`, if it is given.
    pub(crate) fn file(mut self, what: &str, path: Option<&PathBuf>) -> Self {
        self.0.extend(path.map(|path| (what.to_owned(), path.clone())));
        self
    }

    /// Adds the files of a data set that an argument names, for instance `--data`, if it is given.
    pub(crate) fn data(mut self, what: &str, argument: Option<&str>) -> Self {
        let files = argument.map_or_else(Vec::new, files_of_data);
        self.0.extend(files.into_iter().map(|path| (what.to_owned(), path)));
        self
    }

    /// Refuses a result whose path leads, in any way, to one of these files, because it would take its place.
    pub(crate) fn expect_apart(&self, out: &Path) -> Result<(), Refusal> {
        // a path without a file replaces nothing
        let Ok(place) = out.canonicalize() else { return Ok(()) };
        let is_place = |input: &Path| input.canonicalize().is_ok_and(|input| input == place);
        match self.0.iter().find(|(_, input)| is_place(input)) {
            Some((what, _)) => Err(Refusal::new(format!(
                "`{}` is the file that is read as {what}; choose another path for the result",
                out.display()
            ))),
            None => Ok(()),
        }
    }

    /// Checks, before a long search whose result grows in a `.partial` beside it, that there is room for both and
    /// that nothing kept by an interrupted run is lost.
    pub(crate) fn expect_room(&self, out: &Path, is_resumed: bool) -> Result<(), Refusal> {
        files::expect_folder("--out", out)?;
        let partial = partial_name(out);
        for path in [out, &partial] {
            self.expect_apart(path)?;
            files::expect_plain(path)?;
        }
        if !is_resumed && std::fs::metadata(&partial).is_ok_and(|found| found.len() > 0) {
            return Err(Refusal::new(format!(
                "{}: is what an interrupted run has kept; --resume continues it, else remove the file",
                partial.display()
            )));
        }
        Ok(())
    }
}
