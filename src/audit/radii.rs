//! Radii of test rows, each with the certificate of the ball that keeps the label and of the point that does not.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::certify::ensemble::{Radii, Radius};
use crate::dataset::evenly;
use crate::model::{Kind, Part, Row};
use crate::report::{FlipFinding, RadiiFinding, RadiiReport};
use crate::spec::{Integers, Norm};
use crate::store::Store;
use crate::study::radii::{Anchor, Kept, keep, summarise};
use crate::study::{ManifestEntry, StudyError};

use super::plan::AuditPlan;
use super::run::AuditSubject;
use super::words::{ClassNames, exact_label, flip, moved, simplest};

/// Most boxes looked at per row.
const BUDGET_NODES: u64 = 100_000;
/// Changes of label that are told in words.
const TOLD: usize = 5;
/// The folder of their certificates.
const FOLDER: &str = "certificates/radii";

/// The results of the part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RadiiPart {
    pub(super) report: RadiiReport,
    pub(super) finding: RadiiFinding,
    pub(super) entries: Vec<ManifestEntry>,
}

/// A row with its radius and the certificates of it.
struct RowRadius {
    at: usize,
    radius: Radius,
    kept: Kept,
    /// The change of label in words, with the number of features that move.
    change: Option<(String, usize)>,
}

/// Searches the radii of test rows, at equal steps, and keeps their certificates in the store.
pub(super) fn radii(
    subject: &AuditSubject,
    plan: &AuditPlan,
    store: &Store,
) -> Result<RadiiPart, StudyError> {
    // as the claims about rows
    let is_whole = subject.model.schema.features().iter().any(|feature| feature.kind != Kind::Real);
    let integers = if is_whole { Integers::Respect } else { Integers::Relax };
    let radii = Radii::with_integers(subject.model, Norm::Linf, integers)
        .map_err(|error| StudyError::LeftOut(error.to_string()))?;
    let rows = subject.data.part(Part::Test);
    let most = usize::try_from(plan.radii_rows).unwrap_or(usize::MAX);
    let chosen: Vec<(usize, &Row)> = evenly(rows, most).collect();
    let of = |&(at, row): &(usize, &Row)| row_radius(subject, &radii, at, &row.values);
    let found: Vec<_> = chosen.par_iter().map(of).collect();
    let found = found.into_iter().filter_map(Result::transpose);
    let found: Vec<RowRadius> = found.collect::<Result<_, _>>()?;
    let mut entries = Vec::new();
    for row in &found {
        for (name, text) in &row.kept.files {
            store.write(&format!("{FOLDER}/{name}"), text.as_bytes())?;
        }
        entries.extend(row.kept.entries.iter().map(|entry| seen_from_above(entry, subject)));
    }
    let measured: Vec<Radius> = found.iter().map(|row| row.radius.clone()).collect();
    Ok(RadiiPart { report: summarise(&measured), finding: finding(&found, is_whole), entries })
}

/// The radius of a row; `None` if it lies outside the declared ranges, or has a fraction where whole numbers are kept.
fn row_radius(
    subject: &AuditSubject,
    radii: &Radii,
    at: usize,
    row: &[f64],
) -> Result<Option<RowRadius>, StudyError> {
    let model = subject.model;
    let raw = radii.served(row);
    let Some(mut radius) = radii.at(&raw, BUDGET_NODES) else { return Ok(None) };
    let label = radius.label;
    let mut change = None;
    if let Some(witness) = radius.witness.take() {
        // the nearer it stays in every feature, the nearer it is
        let mut still = |point: &[f64]| exact_label(model, point).is_some_and(|l| l != label);
        let found = simplest(&model.schema, &raw, &witness, &mut still);
        if let Some(other) = exact_label(model, &found) {
            let classes = ClassNames(&subject.data.meta().classes);
            let words = flip((&model.schema, classes), (&raw, &found), [label, other]);
            change = Some((words, moved(&raw, &found)));
        }
        radius.witness = Some(found);
    }
    let name = at.to_string();
    let file = format!("models/{}.json", subject.name);
    let anchor = Anchor { model: (model, subject.digest, &file), radii, name: &name, raw: &raw };
    let kept = keep(&anchor, &radius, 4 * BUDGET_NODES)?;
    Ok(Some(RowRadius { at, radius, kept, change }))
}

/// An entry as the manifest of the audit has it.
fn seen_from_above(entry: &ManifestEntry, subject: &AuditSubject) -> ManifestEntry {
    let below = |name: &String| format!("{FOLDER}/{name}");
    ManifestEntry {
        certificate: below(&entry.certificate),
        model: format!("models/{}.json", subject.name),
        spec: below(&entry.spec),
        data: entry.data.as_ref().map(below),
        defense: None,
    }
}

fn finding(found: &[RowRadius], is_whole: bool) -> RadiiFinding {
    let mut lower: Vec<f64> =
        found.iter().map(|row| row.radius.lower).filter(|lower| lower.is_finite()).collect();
    lower.sort_by(f64::total_cmp);
    let endless = (found.len() - lower.len()) as u64;
    let confirmed = found.iter().filter(|row| row.kept.is_checked).count() as u64;
    let mut told: Vec<&RowRadius> = found.iter().filter(|row| row.change.is_some()).collect();
    // rows on a threshold come last: any move to the left changes them
    let order = |row: &&RowRadius| (row.radius.upper == 0.0, row.radius.upper);
    told.sort_by(|a, b| order(a).partial_cmp(&order(b)).unwrap_or(std::cmp::Ordering::Equal));
    let flip = |row: &&RowRadius| {
        let (words, moved) = row.change.clone()?;
        let file = format!("{FOLDER}/{}.flip.jsonl", row.at);
        let (row, distance) = (row.at as u64, row.radius.upper);
        Some(FlipFinding { row, distance, moved: moved as u64, words, file })
    };
    RadiiFinding {
        lower,
        endless,
        confirmed: crate::text::Share::new(confirmed, found.len() as u64),
        flips: told.iter().take(TOLD).filter_map(flip).collect(),
        is_whole,
    }
}
