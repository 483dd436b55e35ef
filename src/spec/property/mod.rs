//! The properties of the paper and of its sources, in their symbols.
//!
//! All that is said about a property stands in its file, its lowering too. A new one is a file, its name in
//! [`Property`]'s list below, and a line in the table of keys for each key that no other takes.

mod boundary_fuzz;
mod high_confidence;
mod keys;
mod label;
mod lipschitzness;
mod local_invariance;
mod monotonicity;
mod output_region;
mod radius;
mod redundancy;
mod small_neighborhood;
mod stability;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::defense::{Asked, Closeness, Defense};
use crate::interval::Decimal;
use crate::model::{Digest, Object, Part, Row};

use super::SpecError;
use super::lower::{
    Aim, Bonds, Claim, Confidence, LowerError, Lowering, Pair, PairBound, Places, Regions, Setting,
    Threshold, Variation, meaningless, unsupported,
};
use super::terms::{
    Direction, FeatureName, Integers, LabelSource, Norm, On, Scope, Semantics, TwoEnds, Units, Zone,
};
use super::words::{listed, names};
use keys::{TakenKey, expect, expect_filled, keys};

pub use boundary_fuzz::BoundaryFuzz;
pub use high_confidence::HighConfidence;
pub use label::Label;
pub use lipschitzness::{Lipschitzness, LipschitznessT};
pub use local_invariance::{LocalInvariance, LocalInvarianceT};
pub use monotonicity::Monotonicity;
pub use output_region::{InputBox, InputRow, OutputRegion, OutputRow};
pub use radius::BallRadius;
pub use redundancy::Redundancy;
pub use small_neighborhood::SmallNeighborhood;
pub use stability::Stability;

/// One kind of property: a struct of its parameters, and what is said about it.
trait PropertyKind: Sized {
    /// The name in files.
    const NAME: &str;

    /// The claim in a line, without a full stop.
    const SUMMARY: &str;

    /// The keys without which it says nothing, whatever the others are.
    const NEEDED: &[&str];

    /// Takes its keys; a missing one and a value for which the claim would have no meaning are refused.
    fn take(keys: &mut Keys) -> Result<Self, SpecError>;

    fn profile(&self) -> Profile;

    /// The claims that it makes about a model; those that have no meaning or are not decided are refused.
    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError>;

    /// The parameters on one line.
    fn words(&self) -> String;

    /// The parameters in a table, with the unit right behind distances: ` sd`, or nothing.
    fn in_table(&self, _unit: &str) -> String {
        self.words()
    }
}

macro_rules! properties {
    ($($kind:ident),*) => {
        /// The claim about a model `f` with posterior `F`. Field names are the keys of the file (`epsilon`,
        /// `delta`, …), in the units that the spec states.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each is told where its symbols are")]
        pub enum Property { $($kind($kind)),* }

        impl Property {
            /// All names, as in files.
            pub const NAMES: [&'static str; [$($kind::NAME),*].len()] = [$($kind::NAME),*];

            /// The claim of the property of that name, in a line; empty for any other name.
            pub fn summary_of(name: &str) -> &'static str {
                match name { $($kind::NAME => $kind::SUMMARY,)* _ => "" }
            }

            /// The keys without which the property of that name says nothing; none for any other name.
            pub fn needed_by(name: &str) -> &'static [&'static str] {
                match name { $($kind::NAME => $kind::NEEDED,)* _ => &[] }
            }

            /// The name in files.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::NAME),* }
            }

            pub(super) fn profile(&self) -> Profile {
                match self { $(Self::$kind(parameters) => parameters.profile()),* }
            }

            /// The claims that it makes about a model.
            pub(super) fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
                match self { $(Self::$kind(parameters) => parameters.lower(setting)),* }
            }

            pub(super) fn words(&self) -> String {
                match self { $(Self::$kind(parameters) => parameters.words()),* }
            }

            /// The parameters in a table, with the unit right behind distances: ` sd`, or nothing.
            pub fn in_table(&self, unit: &str) -> String {
                match self { $(Self::$kind(parameters) => parameters.in_table(unit)),* }
            }

            /// Takes the keys of the property that is named among them.
            pub(super) fn take(keys: &mut Keys) -> Result<Self, SpecError> {
                let name = keys.property().given().ok_or(SpecError::NoProperty)?;
                keys.expect_all(Self::named(&name)?, Self::needed_by(&name))?;
                match name.as_str() {
                    $($kind::NAME => {
                        keys.taker = $kind::NAME;
                        $kind::take(keys).map(Self::$kind)
                    })*
                    _ => Err(SpecError::Property(name)),
                }
            }
        }
    };
}

properties! {
    Label, LocalInvariance, LocalInvarianceT, Lipschitzness, LipschitznessT, SmallNeighborhood,
    Monotonicity, BoundaryFuzz, Stability, HighConfidence, Redundancy, OutputRegion
}

keys! {
    property: String = "property",
    units: Units = "units",
    semantics: Semantics = "semantics",
    integers: Integers = "integers",
    label: LabelSource = "label",
    domain: BTreeMap<String, TwoEnds> = "domain",
    epsilon: BallRadius = "epsilon",
    epsilon_1: Decimal = "epsilon-1",
    epsilon_2: Decimal = "epsilon-2",
    delta: Decimal = "delta",
    norm: Norm = "norm",
    constant: Decimal = "constant",
    on: On = "on",
    features: Vec<FeatureName> = "features",
    direction: Direction = "direction",
    class: usize = "class",
    scope: Scope = "scope",
    shift: Decimal = "shift",
    zone: Zone = "zone",
    zone_norm: Norm = "zone-norm",
    radius: Decimal = "radius",
    bound: Decimal = "bound",
    confidence: Decimal = "confidence",
    cutoff: Decimal = "cutoff",
    range: TwoEnds = "range",
    groups: Vec<Vec<FeatureName>> = "groups",
    copies: usize = "copies",
    input: Vec<Object<InputBox>> = "input",
    unsafe_blocks: Vec<Vec<Object<OutputRow>>> = "unsafe",
}

/// The facts about a property that other rooms ask for.
pub(super) struct Profile {
    pub(super) counted_by: CountedBy,
    /// The statement that it makes about answers, which a defense carries or loses.
    pub(super) asked: Asked,
    /// The answers that are compared, if the spec has a choice.
    pub(super) on: Option<On>,
    /// The part of the data that is used if none is named.
    default_part: Part,
    /// True if some parameter is a distance between inputs.
    pub(super) has_distances: bool,
    /// True if equal rows count once.
    has_distinct_rows: bool,
    /// The direction in which scores move along a feature, if it states one.
    direction: Option<Direction>,
}

/// The answers that a property is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerKind {
    Labels,
    Scores,
    Posteriors,
    Outputs,
}

impl Profile {
    /// The profile of a property with distances, stated by default of the test rows, and with nothing else.
    fn of(counted_by: CountedBy, asked: Asked) -> Self {
        let (has_distinct_rows, on, direction) = (false, None, None);
        let (default_part, has_distances) = (Part::Test, true);
        Self { counted_by, asked, on, default_part, has_distances, has_distinct_rows, direction }
    }

    /// True if it is about one point at a time, and the label of its row.
    pub(super) fn is_about_label(&self) -> bool {
        matches!(self.asked, Asked::Label | Asked::Confidence { .. })
    }

    /// The answers that it is about. With two classes the posterior moves as the score does, whatever links
    /// them.
    pub(super) fn answers(&self, classes: usize) -> AnswerKind {
        match (&self.asked, self.on) {
            (Asked::Label, _) => AnswerKind::Labels,
            (Asked::Outputs, _) => AnswerKind::Outputs,
            (Asked::Order, _) if classes <= 2 => AnswerKind::Scores,
            (Asked::Change, Some(On::Score)) => AnswerKind::Scores,
            (Asked::Change, Some(On::Posterior) | None) => AnswerKind::Posteriors,
            (
                Asked::Order
                | Asked::Confidence { .. }
                | Asked::Boundary
                | Asked::Closeness(_)
                | Asked::Rows,
                _,
            ) => AnswerKind::Posteriors,
        }
    }
}

/// The subject of one obligation, which reports count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountedBy {
    /// A row of the part.
    Rows,
    /// A row and one of the property's features.
    RowFeatures,
    /// A feature over the whole domain.
    Features,
    /// A pair of rows.
    Pairs,
    /// A group of features.
    Groups,
    /// A box of inputs.
    InputBoxes,
    /// The whole domain, once.
    Domain,
}

impl Property {
    /// The name in files, as it is known.
    ///
    /// # Errors
    /// The name of no property.
    pub fn named(name: &str) -> Result<&'static str, SpecError> {
        let found = Self::NAMES.into_iter().find(|known| *known == name);
        found.ok_or_else(|| SpecError::Property(name.to_owned()))
    }

    /// The subject of one obligation.
    pub fn counted_by(&self) -> CountedBy {
        self.profile().counted_by
    }

    /// True if the obligations are rows of data (or rows times features, or pairs of rows).
    pub fn is_about_rows(&self) -> bool {
        match self.counted_by() {
            CountedBy::Rows | CountedBy::RowFeatures | CountedBy::Pairs => true,
            CountedBy::Features | CountedBy::Groups => false,
            CountedBy::InputBoxes | CountedBy::Domain => false,
        }
    }

    /// True if a claim about a model behind this defense follows from some claim about the model.
    pub fn is_kept_by(&self, defense: &Defense) -> bool {
        defense.carry(&self.profile().asked).is_some()
    }

    /// The direction in which a score moves along features, if the property states one.
    pub fn direction(&self) -> Option<Direction> {
        self.profile().direction
    }

    /// The part of the data that is used if none is named.
    pub fn default_part(&self) -> Part {
        self.profile().default_part
    }

    /// The first rows of a part, up to a count (`None`: all). For `lipschitzness` the count is of distinct
    /// rows, each counted at its first occurrence. `None` if there are fewer.
    pub fn first_rows<'a>(&self, rows: &'a [Row], count: Option<usize>) -> Option<&'a [Row]> {
        let Some(count) = count else { return Some(rows) };
        if !self.profile().has_distinct_rows || count == 0 {
            return rows.get(..count);
        }
        let last = *distinct(rows).get(count - 1)?;
        rows.get(..=last)
    }

    /// The count of these rows; for `lipschitzness` that of distinct rows.
    pub fn count_of(&self, rows: &[Row]) -> usize {
        if self.profile().has_distinct_rows { distinct(rows).len() } else { rows.len() }
    }
}

/// Positions of the first row of every group of equal rows, ascending.
pub(super) fn distinct(rows: &[Row]) -> Vec<usize> {
    let mut seen: BTreeSet<Digest> = BTreeSet::new();
    let first = rows.iter().enumerate().filter(|(_, row)| seen.insert(row.key));
    first.map(|(index, _)| index).collect()
}
