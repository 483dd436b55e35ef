//! Audits: one model, one data set, one page.
//!
//! ```text
//! plan.toml ── AuditPlan ── grid.toml ── study ── cells ─┐
//!                     └──── radii, changes, posterior ───┴─► AuditFindings ── gates ── report.{html,json,txt}, junit.xml
//! ```
//!
//! Whatever the cells of a study can make is made by them: certificates, thefts, defenses, what certificates give away.
//! The files here say which cells those are, read the certificates anew for what a reader wants to know, and add what is
//! no cell.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan`, `plan_file`, `presets`, `gate` | what is asked for |
//! | `grid` | the grid of a plan |
//! | `run` | the run of all |
//! | `findings` | its findings put together |
//! | `radii`, `changes`, `posterior` | parts that are no cells |
//! | `reading`, `words` | what certificates say, in words |
//! | `figures` | the figures that gates and comparisons are about |
//! | `against` | two audits beside each other |
//! | `text` | the report as text |

mod against;
mod changes;
mod figures;
mod findings;
mod gate;
mod grid;
mod plan;
mod plan_file;
mod posterior;
mod presets;
mod radii;
mod reading;
mod run;
mod text;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::model::MAX_BYTES;
use crate::report::from_json;
use crate::source::read_regular;
use crate::study::files_of_demo;

pub use against::{AgainstError, compare, expect_comparable};
pub use figures::expect_gates;
pub use gate::{Gate, GateFigure, GateKind};
pub use plan::{AuditPace, AuditPart, AuditPlan, PlanError, PlannedAttack};
pub use run::{AuditSubject, Audited, audit};
pub use text::report_text;

/// The files of an earlier audit in `folder`, from its manifest; empty if there is no manifest.
pub fn files_of_audit(folder: &Path) -> BTreeSet<PathBuf> {
    let mut files = files_of_demo(folder);
    if !files.is_empty() {
        // a defense may stand there without a certificate
        let text = read_regular(&folder.join("report.json"), MAX_BYTES).unwrap_or_default();
        let report = from_json(&String::from_utf8_lossy(&text)).ok();
        let runs = report.iter().flat_map(|report| &report.runs);
        let defenses = runs.flat_map(|run| &run.models).flat_map(|model| &model.defenses);
        files.extend(defenses.filter_map(|defense| defense.file.as_ref().map(PathBuf::from)));
        let beside = ["report.txt", "junit.xml", "cells.jsonl", run::GRID].map(PathBuf::from);
        let points = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "toml");
        // the data of a point lie beside its spec
        let data: Vec<PathBuf> = files
            .iter()
            .filter(|file| points(file) && file.starts_with("certificates"))
            .flat_map(|file| ["csv", "meta.json"].map(|ending| file.with_extension(ending)))
            .collect();
        files.extend(data);
        files.extend(beside);
    }
    files
}
