//! The certificates of radii: one folder, with six files per point.

use std::collections::BTreeSet;
use std::path::Path;

use crate::certify::ensemble::{Radii, Radius};
use crate::model::{Digest, Model};
use crate::store::Store;
use crate::study::radii::{Anchor, ENDINGS, keep};

use super::super::Refusal;
use super::super::output::{Draft, Leaves, ResultFolder, is_inside, table_in};
use super::super::points::Points;
use super::super::subject::way_from;
use super::table::Confirmed;
use super::{Arguments, inputs};

/// The store for certificates, with the facts needed to write them.
pub(super) struct Keeper<'a> {
    pub(super) store: Store,
    model: (&'a Model, Digest),
    /// The path from the folder to the model.
    model_name: String,
    budget: u64,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(
        arguments: &Arguments,
        draft: &Draft,
        model: (&'a Model, Digest),
    ) -> Result<Self, Refusal> {
        let model_name = way_from(draft.stand_in(), &arguments.model)?;
        // proving the result of a closed search takes about as many nodes as its last round
        let budget = arguments.budget_nodes.saturating_mul(4);
        Ok(Self { store: draft.store()?, model, model_name, budget })
    }

    pub(super) fn keep(
        &self,
        radii: &Radii,
        points: &Points,
        index: usize,
        radius: &Radius,
    ) -> Result<Confirmed, Refusal> {
        let (model, digest) = self.model;
        let anchor = Anchor {
            model: (model, digest, &self.model_name),
            radii,
            name: &points.names[index],
            raw: &points.rows[index],
        };
        let kept = keep(&anchor, radius, self.budget)?;
        for (name, text) in &kept.files {
            self.store.write(name, text.as_bytes())?;
        }
        Ok(Confirmed { entries: kept.entries, by_kernel: kept.is_checked })
    }
}

/// The folder for certificates. The names of the rows must be fit to name files.
pub(super) fn place(
    arguments: &Arguments,
    folder: &Path,
    points: &Points,
) -> Result<ResultFolder, Refusal> {
    expect_names(arguments, points)?;
    expect_apart(arguments, folder, &points.names)?;
    // the table may lie in the folder of its certificates
    let is_table = table_in(folder, &arguments.out);
    ResultFolder::keeping(folder, Leaves::Radii, &inputs(arguments), arguments.force, &is_table)
}

/// Refuses names of rows that cannot name files.
fn expect_names(arguments: &Arguments, points: &Points) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for (name, line) in points.names.iter().zip(&points.lines) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
            return Err(Refusal::new(format!(
                "{}, line {line}: row `{name:.70}` is to name files; expected up to 64 letters, digits, - or _",
                arguments.points.display()
            )));
        }
        // file systems may not tell upper case from lower case
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(Refusal::new(format!(
                "{}, line {line}: row `{name}` is to name files and is there twice",
                arguments.points.display()
            )));
        }
    }
    Ok(())
}

/// Refuses a folder in which a certificate would take the place of an input, or OUT the place of a certificate.
fn expect_apart(arguments: &Arguments, folder: &Path, names: &[String]) -> Result<(), Refusal> {
    let inputs = inputs(arguments);
    let is_inside = is_inside(&arguments.out, folder);
    let own = names.iter().flat_map(|name| ENDINGS.map(|ending| format!("{name}.{ending}")));
    for file in own.chain(["manifest.json".to_owned()]) {
        inputs.expect_apart(&folder.join(&file))?;
        if is_inside && arguments.out.file_name().is_some_and(|out| *out == *file) {
            let out = arguments.out.display();
            return Err(Refusal::new(format!(
                "--out {out}: --certificates writes a file of that name; choose another"
            )));
        }
    }
    Ok(())
}
