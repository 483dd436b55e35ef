//! A grid of cells, described in TOML.
//!
//! ```text
//! data = ["spambase"]            names, folders or tables beside the grid
//! [[model]]     name             recipe = """…""" | recipe-file = "…" | file = "model.json" | hold = ["spec.toml"]
//! [[property]]  name             spec   = """…""" | spec-file   = "…"
//! [[attack]]    name             attack = """…""" | attack-file = "…"
//! [[defense]]   name             points = 1.0     | parameters  = "alpha=0.1"  | threshold-of = "NAME"
//! ```
//!
//! A defense has a `kind`: `pp` (prediction poisoning, the default; its parameter also as `alpha = "0.1"`), `am` (with
//! `decoy = "trained"` and `outliers` for a misinformation model), `mixture`,
//! `rounding`, `brr` or `vp`.
//!
//! A model with `hold` is trained to hold specs, files or properties of the grid, in a `family` if one is given (`mlp` or
//! `trees`). With `skip-missing-data = true` data sets that are not found are left out; at least one must be there.
//!
//! A property with `spread = true` takes its rows at equal steps from the whole part, not from its front.
//! A property, an attack or a defense with `only = ["model"]` is left out for other models.
//! A property or an attack with `behind-defenses = false` is left out behind defenses. An attack with `angles = true` has
//! the angles of gradients measured too, at the cost of another run; one with `certify` has its substitute certified for a
//! property of the grid.
//!
//! Every model is taken on every data set, as it is and behind every defense; there every property is certified and
//! every attack is run `repetitions` times. Reading is strict: an unknown key, a value out of range and a file
//! that cannot be read are refused with their line.

mod error;
mod file;
mod reading;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::dataset::at_step_for;
use crate::defend::{DecoyOutliers, DefenseKind};
use crate::model::{DataSet, Digest, Part};
use crate::spec::{Spec, SpecError};
use crate::steal::AttackSpec;
use crate::train::{HoldFamily, Recipe};

use super::StudyError;
use super::cell::Layout;

pub use error::GridError;
pub use file::{Need, Strength};

/// Largest grid, and largest recipe, spec or attack that it names, in bytes.
const MAX_SETTINGS: u64 = 1 << 20;

/// Most cells of a grid.
const MAX_CELLS: u64 = 1_000_000_000;

/// A grid with everything that its files say.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyGrid {
    /// The data sets.
    pub(super) data: Vec<GridData>,
    /// True if data sets that are not found are left out.
    pub(super) skips_missing_data: bool,
    /// The models.
    pub(super) models: Vec<GridModel>,
    /// The properties.
    pub(super) properties: Vec<GridProperty>,
    /// The attacks.
    pub(super) attacks: Vec<GridAttack>,
    /// The defenses; every model is also taken without one.
    pub(super) defenses: Vec<GridDefense>,
    /// Repetitions of every attack.
    pub(super) repetitions: u64,
    /// Seed of everything random; repetition k takes seed + k.
    pub(super) seed: u64,
    /// Nodes of a case distinction per obligation.
    pub(super) budget_nodes: u64,
    /// Leading obligations of every certificate that are decided in exact arithmetic too.
    pub(super) exact: usize,
    /// Test rows whose radii are summarised, for ensembles.
    pub(super) radii_rows: usize,
    /// Facts that published certificates give away.
    pub(super) leak: Option<Leak>,
    /// Digest of the TOML.
    pub(super) digest: Digest,
    /// Digests of the files that it names, by the name that it gives them.
    pub(super) files: BTreeMap<String, Digest>,
}

/// A part of a grid, or the same with another seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowed {
    /// Another seed.
    pub seed: Option<u64>,
    /// Another number of repetitions, from 1 to 10,000.
    pub repetitions: Option<u64>,
    /// Names of the data sets to take; all if there is none.
    pub data: Vec<String>,
}

/// A data set of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GridData {
    /// The name in keys.
    pub(super) name: String,
    /// The name or path by which it is opened.
    pub(super) argument: String,
}

/// A model of a grid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GridModel {
    pub(super) name: String,
    pub(super) source: ModelSource,
    pub(super) needs: Vec<Need>,
    /// Seed of its training; by default that of the grid.
    pub(super) seed: Option<u64>,
}

/// The origin of a model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ModelSource {
    /// It is trained on each data set.
    Recipe(Recipe),
    /// It is there.
    File(PathBuf),
    /// It is trained to hold specs, as `train --hold` does.
    Hold(Vec<Spec>, Option<HoldFamily>),
}

/// A property of a grid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GridProperty {
    pub(super) name: String,
    /// The text of its spec, but for the lines that the data decides.
    pub(super) text: String,
    /// The direction whose features the data declares; they are what the property is about.
    pub(super) declared: Option<String>,
    /// The part of the data; by default the one that the property is meant for.
    pub(super) part: Option<Part>,
    /// At most so many rows, from the front or at equal steps; by default all.
    pub(super) rows: Option<usize>,
    /// True if they are taken from the whole part, at equal steps.
    pub(super) is_spread: bool,
    /// Nodes per obligation; by default those of the grid.
    pub(super) budget_nodes: Option<u64>,
    /// True if attackers are given the proofs.
    pub(super) is_for_thief: bool,
    /// True if it is also certified behind every defense.
    pub(super) is_behind_defenses: bool,
    /// The models that it is for; all if none is named.
    pub(super) only: Vec<String>,
    pub(super) needs: Vec<Need>,
}

/// An attack of a grid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GridAttack {
    pub(super) name: String,
    pub(super) spec: AttackSpec,
    /// True if it is also run behind every defense.
    pub(super) is_behind_defenses: bool,
    /// True if angles of gradients are measured as well.
    pub(super) has_angles: bool,
    /// The property that the substitute is certified for, by its number.
    pub(super) certified: Option<usize>,
    /// The models that it is for; all if none is named.
    pub(super) only: Vec<String>,
    pub(super) needs: Vec<Need>,
}

/// A defense of a grid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GridDefense {
    pub(super) name: String,
    pub(super) kind: DefenseKind,
    pub(super) strength: Strength,
    /// The outliers of a decoy that is trained; `None` without such a decoy.
    pub(super) decoy: Option<DecoyOutliers>,
    /// The models that it is for; all if none is named.
    pub(super) only: Vec<String>,
    pub(super) needs: Vec<Need>,
}

/// The question of what published certificates give away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leak {
    /// The property whose proved rows tell their labels without a query.
    pub(super) published: usize,
    /// Numbers of queries after which settled points are counted.
    pub(super) queries: Vec<usize>,
}

impl StudyGrid {
    /// Reads the grid file at `path`; the files that it names lie beside it.
    ///
    /// # Errors
    /// Text that cannot be read or is not understood, with its line.
    pub fn open(path: &Path) -> Result<(Self, Vec<u8>), StudyError> {
        let bytes = crate::source::read_regular(path, MAX_SETTINGS)?;
        let grid = Self::read(&bytes, path.parent().unwrap_or(Path::new("")));
        let error = |error: GridError| StudyError::Grid { path: path.display().to_string(), error };
        Ok((grid.map_err(error)?, bytes))
    }

    /// Reads the text of a grid. Files that it names are looked for in `folder`.
    ///
    /// # Errors
    /// Text that cannot be read or is not understood, with its line.
    pub fn read(bytes: &[u8], folder: &Path) -> Result<Self, GridError> {
        reading::read(bytes, folder)
    }

    /// The same grid with another seed, number of repetitions, or with some of its data sets, each by its name.
    ///
    /// # Errors
    /// A name that the grid does not have, no repetitions or too many.
    pub fn narrowed(mut self, to: &Narrowed) -> Result<Self, GridError> {
        self.seed = to.seed.unwrap_or(self.seed);
        if let Some(found) = to.repetitions.filter(|found| !(1..=10_000).contains(found)) {
            return Err(GridError::Repetitions { found });
        }
        self.repetitions = to.repetitions.unwrap_or(self.repetitions);
        let names: Vec<String> = self.data.iter().map(|data| data.name.clone()).collect();
        if let Some(name) = to.data.iter().find(|name| !names.contains(name)) {
            return Err(GridError::NotThere { name: name.clone(), names: names.join(", ") });
        }
        self.data.retain(|data| to.data.is_empty() || to.data.contains(&data.name));
        match self.layout().count() {
            Some(count) if count <= MAX_CELLS => Ok(self),
            _ => Err(GridError::Cells { most: MAX_CELLS }),
        }
    }

    /// True if data sets that are not found are left out.
    pub fn skips_missing_data(&self) -> bool {
        self.skips_missing_data
    }

    /// The grid without the data sets of these numbers, if it lets data be missing.
    ///
    /// # Errors
    /// No data set is left.
    pub fn without_data(mut self, missing: &[usize]) -> Result<Self, GridError> {
        if self.skips_missing_data {
            let mut number = 0..;
            self.data.retain(|_| number.next().is_some_and(|at: usize| !missing.contains(&at)));
        }
        match self.data.is_empty() {
            true => Err(GridError::Nothing("data set that is found")),
            false => Ok(self),
        }
    }

    /// The names along the sides of the grid.
    pub fn layout(&self) -> Layout {
        Layout {
            data: self.data.iter().map(|data| data.name.clone()).collect(),
            models: self.models.iter().map(|model| model.name.clone()).collect(),
            properties: self.properties.iter().map(|property| property.name.clone()).collect(),
            attacks: self.attacks.iter().map(|attack| attack.name.clone()).collect(),
            defenses: self.defenses.iter().map(|defense| defense.name.clone()).collect(),
            repetitions: self.repetitions,
        }
    }

    /// The files that the grid names, without those of its data.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The names and paths of its data sets.
    pub fn data(&self) -> impl Iterator<Item = &str> {
        self.data.iter().map(|data| data.argument.as_str())
    }
}

impl GridProperty {
    /// The text of the spec on some data; `None` if the property is about features with a declared direction,
    /// and the data declares none.
    pub(super) fn text_on(&self, data: &DataSet) -> Option<String> {
        let Some(direction) = &self.declared else { return Some(self.text.clone()) };
        let features = declared(data, direction);
        (!features.is_empty()).then(|| self.about(&features, direction))
    }

    /// The data with the rows that the property is about in front, at equal steps if the grid says so.
    pub(super) fn data<'d>(&self, data: &'d DataSet) -> Cow<'d, DataSet> {
        let part = self.part.or_else(|| Some(self.check().ok()?.property.default_part()));
        match (self.rows.filter(|_| self.is_spread), part) {
            (Some(rows), Some(part)) => at_step_for(data, part, rows),
            _ => Cow::Borrowed(data),
        }
    }

    /// The text with its features and their direction.
    fn about(&self, features: &[String], direction: &str) -> String {
        let features = serde_json::json!(features);
        let text = self.text.trim_end();
        format!("{text}\nfeatures = {features}\ndirection = \"{direction}\"\n")
    }

    /// Reads the spec to see that it is one; features that the data decides are stood in for.
    fn check(&self) -> Result<Spec, SpecError> {
        let text = match &self.declared {
            Some(direction) => self.about(&["x".to_owned()], direction),
            None => self.text.clone(),
        };
        Spec::read(text.as_bytes())
    }
}

/// Names of the features that the data declares monotone in a direction, `increasing` or `decreasing`.
pub fn declared(data: &DataSet, direction: &str) -> Vec<String> {
    let meta = data.meta();
    let name = |key: &String| {
        let by_index = key.parse().ok().and_then(|index: usize| meta.features.get(index));
        by_index.unwrap_or(key).clone()
    };
    let declared = meta.monotone.iter().filter(|(_, found)| *found == direction);
    declared.map(|(key, _)| name(key)).collect()
}
