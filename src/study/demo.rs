//! The demonstration: dataset → train → model → certify → certificate → steal / defend → report. It is the grid of
//! `demo.toml`, run in one piece on one data set.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::dataset::step_for;
use crate::model::{DataSet, Part};
use crate::report::{REPORT_FILES, Report, Run, grouped, report_files};
use crate::steal::Generator;
use crate::store::Store;

use super::assemble::{ModelLines, summarise};
use super::cell::{Cell, Layout, Shard};
use super::grid::{GridData, GridError, StudyGrid};
use super::line::{CellResult, ResultLine};
use super::run::StudyRun;
use super::{Manifest, ManifestEntry, StudyError};

/// The grid of the demonstration.
pub const DEMO: &str = include_str!("demo.toml");

/// Nodes of a case distinction per obligation, in the demonstration and behind a defense.
pub const BUDGET_NODES: u64 = 100;

/// The radius of local invariance in the grid, by its text.
const EPSILON: &str = "0.05";

/// The size of the demonstration.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Test rows that are certified.
    pub rows: usize,
    /// Test rows for the boundary property.
    pub fuzz_rows: usize,
    /// Leading obligations of every certificate that are checked in exact arithmetic too.
    pub exact: usize,
    /// Radius of local invariance, in standard deviations.
    pub epsilon: String,
    /// Repetitions of every attack.
    pub repetitions: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            rows: 200,
            fuzz_rows: 100,
            exact: 50,
            epsilon: EPSILON.to_owned(),
            repetitions: 5,
            seed: 0,
        }
    }
}

impl Plan {
    /// The grid of the demonstration in this size. Its radius stands in names, specs and attacks.
    fn grid(&self) -> Result<StudyGrid, GridError> {
        let mut grid = StudyGrid::read(DEMO.as_bytes(), Path::new(""))?;
        let Self { rows, fuzz_rows, exact, ref epsilon, repetitions, seed } = *self;
        (grid.exact, grid.radii_rows, grid.seed) = (exact, rows, seed);
        grid.repetitions = repetitions as u64;
        for property in &mut grid.properties {
            let is_fuzz = property.budget_nodes.is_some();
            property.rows = property.rows.map(|_| if is_fuzz { fuzz_rows } else { rows });
            for text in [&mut property.name, &mut property.text] {
                *text = text.replace(EPSILON, epsilon);
            }
        }
        for attack in &mut grid.attacks {
            if let Generator::Neighbour { radius } = &mut attack.spec.generator {
                *radius = epsilon.parse().unwrap_or(*radius);
            }
        }
        Ok(grid)
    }
}

/// Runs the demonstration on `data` into `store`, and tells `stage` the step that comes next.
pub fn demo(
    data: &DataSet,
    data_name: &str,
    plan: &Plan,
    store: &Store,
    stage: &mut dyn FnMut(&str),
) -> Result<(Report, Manifest), StudyError> {
    let at = |error| StudyError::Grid { path: "demo.toml".to_owned(), error };
    let mut grid = plan.grid().map_err(at)?;
    let name = data.meta().name.clone();
    grid.data = vec![GridData { name, argument: data_name.to_owned() }];
    let layout = grid.layout();
    omissions(data).iter().for_each(|left_out| stage(left_out));
    let mut lines = Vec::new();
    let run = StudyRun { grid: &grid, layout: &layout, store, shard: Shard::ALL, done: 0 };
    let mut keep = |cell: &Cell, line: ResultLine| {
        lines.push((*cell, line));
        Ok(())
    };
    run.run(&|_| Ok(Cow::Borrowed(data)), &mut keep, &mut |pace| stage(pace.text))?;
    lines.iter().try_for_each(|(_, line)| expect_done(line))?;
    stage("write the report");
    let run = report_of(data, plan, &layout, &lines)?;
    let report = Report::new(format!("propcert on {}", data.meta().name), vec![run]);
    let certificates =
        lines.iter().filter_map(|(cell, line)| manifest_entry(&layout, cell, line, data_name));
    let manifest = Manifest { certificates: certificates.collect() };
    store.write("manifest.json", manifest.to_json().as_bytes())?;
    for (name, text) in report_files(&report)? {
        store.write(name, text.as_bytes())?;
    }
    Ok((report, manifest))
}

/// Refuses a cell that ended early: the demonstration is shown whole or not at all.
fn expect_done(line: &ResultLine) -> Result<(), StudyError> {
    match &line.result {
        CellResult::Failed { reason } => {
            Err(StudyError::Cell { key: line.key.clone(), reason: reason.clone() })
        }
        _ => Ok(()),
    }
}

/// The entry of a certificate in a manifest beside the results; `None` for cells that made none.
pub fn manifest_entry(
    layout: &Layout,
    cell: &Cell,
    line: &ResultLine,
    data_name: &str,
) -> Option<ManifestEntry> {
    let super::cell::Work::Certify { property } = cell.work else { return None };
    let CellResult::Certified(certified) = &line.result else { return None };
    Some(ManifestEntry {
        certificate: layout.certificate_file(cell, property),
        model: layout.model_file(cell),
        spec: layout.spec_file(cell.data, property),
        data: certified.is_about_rows.then(|| data_name.to_owned()),
        defense: layout.defense_file(cell),
    })
}

fn report_of(
    data: &DataSet,
    plan: &Plan,
    layout: &Layout,
    lines: &[(Cell, ResultLine)],
) -> Result<Run, StudyError> {
    let by_model = lines.chunk_by(|(one, _), (other, _)| one.model == other.model);
    let models = by_model.map(|lines| ModelLines { layout, lines }.report());
    let models: Vec<_> = models.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let mut notes = notes(data, plan);
    for model in models.iter().filter(|model| data.classes() == 2 && model.defenses.is_empty()) {
        notes.push(format!(
            "{} is not defended: even the weakest prediction poisoning costs more than one \
             accuracy point on validation rows.",
            model.name
        ));
    }
    Ok(Run {
        data: summarise(data),
        seed: plan.seed,
        tool: Some(concat!("propcert ", env!("CARGO_PKG_VERSION")).to_owned()),
        models,
        notes,
    })
}

/// The files of an earlier demonstration in `folder`, from its manifest; empty if there is no manifest.
pub fn files_of_demo(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(manifest) = Manifest::read(&folder.join("manifest.json")) else {
        return BTreeSet::new();
    };
    let entries = manifest.certificates.into_iter().flat_map(|entry| {
        [Some(entry.certificate), Some(entry.model), Some(entry.spec), entry.defense]
    });
    let reports = REPORT_FILES.into_iter().chain(["manifest.json"]).map(PathBuf::from);
    entries.flatten().map(PathBuf::from).chain(reports).collect()
}

fn notes(data: &DataSet, plan: &Plan) -> Vec<String> {
    let test = data.part(Part::Test).len();
    let covered = |what: &str, rows: usize| {
        if rows >= test {
            format!("{what} about test rows cover all {} of them.", grouped(test as u64))
        } else {
            let rows = test.div_ceil(step_for(test, rows).get());
            let (rows, test) = (grouped(rows as u64), grouped(test as u64));
            format!("{what} about test rows cover {rows} of {test}, at equal steps.")
        }
    };
    let mut notes = vec![covered("Certificates of local invariance", plan.rows)];
    if data.classes() == 2 {
        notes.push(covered("Certificates of the boundary property", plan.fuzz_rows));
    }
    let behind = if data.classes() == 2 { ", before and behind the defense" } else { "" };
    notes.push(format!(
        "Case distinctions had {} nodes per obligation{behind}; the boundary property had none.",
        grouped(BUDGET_NODES)
    ));
    if data.meta().synthetic {
        notes.push("The rows of this data set are synthetic.".to_owned());
    }
    notes.extend(omissions(data));
    if data.classes() == 2 {
        notes.push(
            "Substitutes of ensembles are boosted in a fixed number of rounds, and random attacks \
             infer nothing: neither has a run with equal gradient steps to be compared with."
                .to_owned(),
        );
    }
    if data.classes() == 2 && !data.meta().monotone.is_empty() {
        notes.push(
            "masked-thief-along walks along proved monotone order: it is run only where that is \
             proved, and never through prediction poisoning, which keeps no order."
                .to_owned(),
        );
    }
    notes
}

/// Parts that the demonstration leaves out on this data, with the reason.
fn omissions(data: &DataSet) -> Vec<String> {
    let mut left_out = Vec::new();
    if data.classes() > 2 {
        let classes = data.classes();
        left_out.push(format!(
            "Left out with {classes} classes: natural-trees and monotone-trees (boosting here fits one \
             score), boundary-fuzz (its boundary lies between two classes), prediction poisoning (its \
             closed form is for two)."
        ));
    } else if data.meta().monotone.is_empty() {
        left_out.push("Left out: monotone-trees (the data declares no directions).".to_owned());
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_size_is_that_of_the_grid() {
        let grid = StudyGrid::read(DEMO.as_bytes(), Path::new("")).unwrap();
        assert_eq!(Plan::default().grid().unwrap(), grid);
        assert_eq!(grid.budget_nodes, BUDGET_NODES);
    }

    #[test]
    fn a_radius_stands_in_names_specs_and_attacks() {
        let plan = Plan { epsilon: "0.125".to_owned(), rows: 7, fuzz_rows: 3, ..Plan::default() };
        let grid = plan.grid().unwrap();
        let names: Vec<&str> = grid.properties.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names[..2], ["local-invariance-0.125", "local-invariance-0.125-auxiliary"]);
        assert!(grid.properties[0].text.contains("epsilon = \"0.125\""));
        let rows: Vec<_> = grid.properties.iter().map(|one| one.rows).collect();
        assert_eq!(rows, [Some(7), None, None, None, Some(3)]);
        assert!(grid.attacks.iter().any(|one| format!("{:?}", one.spec).contains("0.125")));
    }
}
