//! The files that a verb reads, so that no result takes the place of one.

use std::path::{Path, PathBuf};

use super::subject::files_of_data;
use super::{Refusal, files};

/// The files that a verb reads, each with what it is read as.
#[derive(Debug, Default)]
pub(crate) struct Inputs(Vec<(String, PathBuf)>);

impl Inputs {
    /// With a file that is read as `what`, if it is given.
    pub(crate) fn file(mut self, what: &str, path: Option<&PathBuf>) -> Self {
        self.0.extend(path.map(|path| (what.to_owned(), path.clone())));
        self
    }

    /// With the files of a data set that an argument, `--data` for instance, names, if it is given.
    pub(crate) fn data(mut self, what: &str, argument: Option<&str>) -> Self {
        let files = argument.map_or_else(Vec::new, files_of_data);
        self.0.extend(files.into_iter().map(|path| (what.to_owned(), path)));
        self
    }

    /// Refuses a result whose file is one of them, by whatever way: it would take its place.
    pub(crate) fn expect_apart(&self, out: &Path) -> Result<(), Refusal> {
        // where nothing is, nothing is replaced
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

    /// Asked before a long search whose result grows in a `.partial` beside it: there is room for both, and
    /// nothing that an interrupted run has kept is lost.
    pub(crate) fn expect_room(&self, out: &Path, is_resumed: bool) -> Result<(), Refusal> {
        files::expect_folder(out)?;
        let partial = files::partial_name(out);
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
