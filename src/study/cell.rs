//! The cells of a grid: their order, their names, the files that they leave, and shards of them.
//!
//! ```text
//! for each data set, model, defense (none first):
//!     certify property            for each property
//!     steal attack repetition     for each attack and repetition
//!     measure
//! ```
//!
//! A cell is known by its place in this order, and by its key: `spambase/trees/none/steal/random/3`. Both follow
//! from the names along the sides of the grid alone, whatever the data says.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::defend::decoy_file;

/// The names along the sides of a grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The data sets.
    pub data: Vec<String>,
    /// The models.
    pub models: Vec<String>,
    /// The properties.
    pub properties: Vec<String>,
    /// The attacks.
    pub attacks: Vec<String>,
    /// The defenses; every model is also taken without one.
    pub defenses: Vec<String>,
    /// Repetitions of every attack.
    pub repetitions: u64,
}

/// A cell. Numbers count along the sides of its grid, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The place in the order of all cells.
    pub index: u64,
    /// The data set.
    pub data: usize,
    /// The model.
    pub model: usize,
    /// The defense in front of the model.
    pub defense: Option<usize>,
    /// The work.
    pub work: Work,
}

/// The work of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A property is certified.
    Certify {
        /// The property.
        property: usize,
    },
    /// The model is stolen.
    Steal {
        /// The attack.
        attack: usize,
        /// The repetition.
        repetition: u64,
    },
    /// The model itself, or the effect of its defense, is measured.
    Measure,
}

impl Work {
    /// The name in keys and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Certify { .. } => "certify",
            Self::Steal { .. } => "steal",
            Self::Measure => "measure",
        }
    }
}

impl Layout {
    /// Number of cells; `None` if it is too large for a number.
    pub fn count(&self) -> Option<u64> {
        let stolen = (self.attacks.len() as u64).checked_mul(self.repetitions)?;
        let answering = (self.properties.len() as u64).checked_add(stolen)?.checked_add(1)?;
        let model = answering.checked_mul(1 + self.defenses.len() as u64)?;
        model.checked_mul(self.models.len() as u64)?.checked_mul(self.data.len() as u64)
    }

    /// The first name that cannot name a file, if there is one.
    pub(super) fn unfit(&self) -> Option<&String> {
        let sides = [&self.data, &self.models, &self.properties, &self.attacks, &self.defenses];
        sides.into_iter().flatten().find(|name| !is_name(name))
    }

    /// Cells of a model behind one defense, or behind none.
    fn per_defense(&self) -> u64 {
        self.properties.len() as u64 + self.attacks.len() as u64 * self.repetitions + 1
    }

    /// Cells of a model on one data set.
    fn per_model(&self) -> u64 {
        self.per_defense() * (1 + self.defenses.len() as u64)
    }

    /// Places of the cells of a model on a data set.
    pub fn range(&self, data: usize, model: usize) -> Range<u64> {
        let number = data as u64 * self.models.len() as u64 + model as u64;
        number * self.per_model()..(number + 1) * self.per_model()
    }

    /// The cell at a place.
    pub fn at(&self, index: u64) -> Option<Cell> {
        if self.count().is_none_or(|count| index >= count) {
            return None;
        }
        let (model, rest) = (index / self.per_model(), index % self.per_model());
        let (defense, rest) = (rest / self.per_defense(), rest % self.per_defense());
        let (data, model) = (model / self.models.len() as u64, model % self.models.len() as u64);
        let properties = self.properties.len() as u64;
        let work = if rest < properties {
            Work::Certify { property: rest as usize }
        } else if rest + 1 < self.per_defense() {
            let rest = rest - properties;
            let attack = (rest / self.repetitions) as usize;
            Work::Steal { attack, repetition: rest % self.repetitions }
        } else {
            Work::Measure
        };
        let defense = (defense as usize).checked_sub(1);
        Some(Cell { index, data: data as usize, model: model as usize, defense, work })
    }

    /// The key of a cell.
    pub fn key(&self, cell: &Cell) -> String {
        let defense = cell.defense.map_or("none", |defense| named(&self.defenses, defense));
        let [data, model] = [(&self.data, cell.data), (&self.models, cell.model)]
            .map(|(names, at)| named(names, at));
        let start = format!("{data}/{model}/{defense}/{}", cell.work.name());
        match cell.work {
            Work::Certify { property } => {
                format!("{start}/{}", named(&self.properties, property))
            }
            Work::Steal { attack, repetition } => {
                format!("{start}/{}/{repetition}", named(&self.attacks, attack))
            }
            Work::Measure => start,
        }
    }

    /// The model file of a cell, relative to the folder of the results.
    pub fn model_file(&self, cell: &Cell) -> String {
        format!("models/{}{}.json", self.data_folder(cell.data), named(&self.models, cell.model))
    }

    /// The file of the defense in front of the model.
    pub fn defense_file(&self, cell: &Cell) -> Option<String> {
        let defense = named(&self.defenses, cell.defense?);
        let (data, model) = (self.data_folder(cell.data), named(&self.models, cell.model));
        Some(match self.defenses.len() {
            1 => format!("defenses/{data}{model}.json"),
            _ => format!("defenses/{data}{model}-{defense}.json"),
        })
    }

    /// The decoy of the defense in front of the model, where it is a model.
    pub fn decoy_file(&self, cell: &Cell) -> Option<String> {
        let file = self.defense_file(cell)?;
        Some(decoy_file(Path::new(&file)).to_string_lossy().into_owned())
    }

    /// The spec file of a property; the data may decide its features.
    pub fn spec_file(&self, data: usize, property: usize) -> String {
        format!("specs/{}{}.toml", self.data_folder(data), named(&self.properties, property))
    }

    /// The certificate of a property of the model of a cell, behind the defense of the cell.
    pub fn certificate_file(&self, cell: &Cell, property: usize) -> String {
        let (data, property) = (self.data_folder(cell.data), named(&self.properties, property));
        format!("certificates/{data}{}/{property}.jsonl", self.folder(cell.model, cell.defense))
    }

    /// Every file that cells may leave.
    pub fn files(&self) -> BTreeSet<String> {
        let mut files = BTreeSet::new();
        for data in 0..self.data.len() {
            let properties = 0..self.properties.len();
            files.extend(properties.clone().map(|property| self.spec_file(data, property)));
            for model in 0..self.models.len() {
                let defenses = std::iter::once(None).chain((0..self.defenses.len()).map(Some));
                for defense in defenses {
                    let cell = Cell { index: 0, data, model, defense, work: Work::Measure };
                    files.insert(self.model_file(&cell));
                    files.extend(self.defense_file(&cell));
                    files.extend(self.decoy_file(&cell));
                    files.extend(properties.clone().map(|one| self.certificate_file(&cell, one)));
                }
            }
        }
        files
    }

    /// A folder of certificates that two models, defended or not, would share.
    pub(super) fn shared_folder(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        let defenses = || std::iter::once(None).chain((0..self.defenses.len()).map(Some));
        let models = 0..self.models.len();
        let mut folders =
            models.flat_map(|model| defenses().map(move |defense| self.folder(model, defense)));
        folders.find(|folder| !seen.insert(folder.to_ascii_lowercase()))
    }

    fn folder(&self, model: usize, defense: Option<usize>) -> String {
        let model = named(&self.models, model);
        match defense {
            Some(defense) => format!("{model}-{}", named(&self.defenses, defense)),
            None => model.to_owned(),
        }
    }

    /// A folder for each data set, if there are several.
    fn data_folder(&self, data: usize) -> String {
        if self.data.len() > 1 { format!("{}/", named(&self.data, data)) } else { String::new() }
    }
}

/// True for names that can stand in keys and name files.
pub(super) fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(is_plain)
}

/// A name along a side; the cells of a grid are inside its sides.
fn named(names: &[String], at: usize) -> &str {
    names.get(at).map_or("", String::as_str)
}

/// Every N-th cell: shard I/N has each cell whose place is I modulo N. Shards count from 0 or from 1, because N/N is
/// 0/N.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    number: u64,
    of: u64,
}

/// A text that is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found:.40}` is no shard; expected I/N with N from 1 to 1000000 and I from 0 to N, such as 1/4"
)]
pub struct ShardError {
    /// The text found.
    found: String,
}

/// Most shards of a grid.
const MAX_SHARDS: u64 = 1_000_000;

impl Shard {
    /// All cells.
    pub const ALL: Self = Self { number: 0, of: 1 };

    /// True if it is the whole grid.
    pub fn is_all(self) -> bool {
        self.of == 1
    }

    /// Its cells among those with these places, in order.
    pub fn within(self, range: Range<u64>) -> impl Iterator<Item = u64> {
        let first = range.start + (self.number + self.of - range.start % self.of) % self.of;
        (first..range.end).step_by(usize::try_from(self.of).unwrap_or(usize::MAX))
    }

    /// Number of its cells in a grid of so many.
    pub fn count(self, cells: u64) -> u64 {
        cells.saturating_sub(self.number).div_ceil(self.of)
    }

    /// The place of its K-th cell, K from 0.
    pub fn place(self, k: u64) -> u64 {
        self.number + k * self.of
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let parsed = || {
            let (number, of) = text.split_once('/')?;
            let (number, of): (u64, u64) = (number.parse().ok()?, of.parse().ok()?);
            let is_shard = (1..=MAX_SHARDS).contains(&of) && number <= of;
            is_shard.then(|| Self { number: number % of, of })
        };
        parsed().ok_or_else(|| ShardError { found: text.to_owned() })
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(kind: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{kind}{number}")).collect()
    }

    fn layout(sides: [usize; 5], repetitions: u64) -> Layout {
        let [data, models, properties, attacks, defenses] = sides;
        Layout {
            data: names("d", data),
            models: names("m", models),
            properties: names("p", properties),
            attacks: names("a", attacks),
            defenses: names("f", defenses),
            repetitions,
        }
    }

    fn layouts() -> Vec<Layout> {
        [[1, 1, 1, 1, 0], [2, 3, 2, 2, 1], [1, 2, 0, 3, 2], [3, 1, 4, 0, 2], [1, 1, 0, 0, 0]]
            .map(|sides| layout(sides, 3))
            .to_vec()
    }

    fn cells(layout: &Layout) -> Vec<Cell> {
        (0..layout.count().unwrap()).map(|index| layout.at(index).unwrap()).collect()
    }

    #[test]
    fn cells_stand_in_the_order_of_the_sides() {
        let layout = layout([1, 1, 1, 1, 1], 2);
        let keys: Vec<String> = cells(&layout).iter().map(|cell| layout.key(cell)).collect();
        let expected = [
            "d0/m0/none/certify/p0",
            "d0/m0/none/steal/a0/0",
            "d0/m0/none/steal/a0/1",
            "d0/m0/none/measure",
            "d0/m0/f0/certify/p0",
            "d0/m0/f0/steal/a0/0",
            "d0/m0/f0/steal/a0/1",
            "d0/m0/f0/measure",
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn keys_and_files_of_cells_are_unique() {
        for layout in layouts() {
            let cells = cells(&layout);
            let keys: BTreeSet<String> = cells.iter().map(|cell| layout.key(cell)).collect();
            assert_eq!(keys.len(), cells.len(), "{layout:?}");
            let certified: Vec<String> = cells
                .iter()
                .filter_map(|cell| match cell.work {
                    Work::Certify { property } => Some(layout.certificate_file(cell, property)),
                    Work::Steal { .. } | Work::Measure => None,
                })
                .collect();
            let different: BTreeSet<&String> = certified.iter().collect();
            assert_eq!(different.len(), certified.len());
            assert!(certified.iter().all(|file| layout.files().contains(file)));
        }
    }

    #[test]
    fn models_have_neighbouring_cells() {
        for layout in layouts() {
            for cell in cells(&layout) {
                assert!(layout.range(cell.data, cell.model).contains(&cell.index), "{cell:?}");
            }
            assert_eq!(layout.at(layout.count().unwrap()), None);
        }
    }

    #[test]
    fn shards_part_the_cells() {
        for of in [1, 2, 3, 7, 100] {
            let shards: Vec<Shard> =
                (0..of).map(|number| format!("{number}/{of}").parse().unwrap()).collect();
            for range in [0..0, 0..1, 0..50, 13..50, 99..101] {
                let parts: Vec<Vec<u64>> =
                    shards.iter().map(|shard| shard.within(range.clone()).collect()).collect();
                let mut all: Vec<u64> = parts.concat();
                all.sort_unstable();
                assert_eq!(all, range.clone().collect::<Vec<u64>>(), "{of}");
                for (shard, part) in shards.iter().zip(&parts).filter(|_| range.start == 0) {
                    assert_eq!(shard.count(range.end), part.len() as u64);
                    assert!((0..).zip(part).all(|(k, place)| shard.place(k) == *place));
                }
            }
        }
    }

    #[test]
    fn shards_count_from_0_or_from_1() {
        assert_eq!("3/3".parse(), "0/3".parse::<Shard>());
        assert_eq!("1/1".parse(), Ok(Shard::ALL));
        for text in ["", "1", "1/0", "4/3", "-1/3", "1/3/5", "a/b", "1/1000001"] {
            assert!(text.parse::<Shard>().unwrap_err().to_string().contains("expected I/N"));
        }
    }

    #[test]
    fn folders_that_two_models_share_are_found() {
        let mut layout = layout([1, 2, 1, 0, 1], 1);
        assert_eq!(layout.shared_folder(), None);
        layout.models = ["a", "A-b"].map(str::to_owned).to_vec();
        layout.defenses = vec!["b".to_owned()];
        assert_eq!(layout.shared_folder().as_deref(), Some("A-b"));
    }

    #[test]
    fn a_grid_that_no_number_counts_is_told() {
        assert_eq!(layout([1, 1, 1, 4, 3], u64::MAX / 2).count(), None);
    }
}
