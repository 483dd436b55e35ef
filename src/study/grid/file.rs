//! The shape of a grid's TOML; unknown keys are refused.

use serde::Deserialize;
use toml::Spanned;

use crate::interval::Decimal;
use crate::model::{DataSet, Part};
use crate::train::HoldFamily;

/// A condition on the data; where it is not met, a cell is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// The data has two classes.
    TwoClasses,
    /// The data declares directions of features.
    Directions,
}

impl Need {
    /// The fact that leaves a cell out on this data; `None` if the condition is met.
    pub(in crate::study) fn unmet(self, data: &DataSet) -> Option<String> {
        match self {
            Self::TwoClasses if data.classes() != 2 => {
                Some(format!("needs two classes; the data has {}", data.classes()))
            }
            Self::Directions if data.meta().monotone.is_empty() => {
                Some("needs declared directions of features; the data declares none".to_owned())
            }
            Self::TwoClasses | Self::Directions => None,
        }
    }
}

/// The strength of a defense.
#[derive(Clone, Debug, PartialEq)]
pub enum Strength {
    /// The largest that costs at most so many points of accuracy on validation rows.
    Budget(f64),
    /// These parameters, `KEY=VALUE,…`.
    Given(String),
    /// That at which labels turn below the same confidence as by an earlier defense of the grid, by its place.
    AsFarAs(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct GridFile {
    pub(super) data: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) skip_missing_data: bool,
    pub(super) seed: Option<u64>,
    pub(super) repetitions: Option<Spanned<u64>>,
    pub(super) budget_nodes: Option<u64>,
    pub(super) exact: Option<usize>,
    pub(super) radii_rows: Option<usize>,
    pub(super) gives_away: Option<LeakFile>,
    #[serde(default)]
    pub(super) model: Vec<ModelEntry>,
    #[serde(default)]
    pub(super) property: Vec<PropertyEntry>,
    #[serde(default)]
    pub(super) attack: Vec<AttackEntry>,
    #[serde(default)]
    pub(super) defense: Vec<DefenseEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeakFile {
    pub(super) published: Spanned<String>,
    pub(super) queries: Spanned<Vec<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ModelEntry {
    pub(super) name: Spanned<String>,
    pub(super) recipe: Option<String>,
    pub(super) recipe_file: Option<String>,
    pub(super) file: Option<String>,
    /// Files of specs, or names of properties of the grid, that the model is trained to hold.
    pub(super) hold: Option<Spanned<Vec<String>>>,
    /// The family of such a model.
    pub(super) family: Option<Spanned<HoldFamily>>,
    pub(super) seed: Option<u64>,
    #[serde(default)]
    pub(super) needs: Vec<Need>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PropertyEntry {
    pub(super) name: Spanned<String>,
    pub(super) spec: Option<String>,
    pub(super) spec_file: Option<String>,
    pub(super) declared: Option<Spanned<String>>,
    pub(super) part: Option<Spanned<Part>>,
    pub(super) rows: Option<Spanned<usize>>,
    pub(super) spread: Option<Spanned<bool>>,
    pub(super) budget_nodes: Option<u64>,
    #[serde(default)]
    pub(super) for_attackers: bool,
    pub(super) behind_defenses: Option<bool>,
    #[serde(default)]
    pub(super) only: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) needs: Vec<Need>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AttackEntry {
    pub(super) name: Spanned<String>,
    pub(super) attack: Option<String>,
    pub(super) attack_file: Option<String>,
    pub(super) behind_defenses: Option<bool>,
    #[serde(default)]
    pub(super) angles: bool,
    /// A property of the grid.
    pub(super) certify: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) only: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) needs: Vec<Need>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefenseEntry {
    pub(super) name: Spanned<String>,
    /// The short name of its kind; prediction poisoning if left out.
    pub(super) kind: Option<Spanned<String>>,
    pub(super) points: Option<Spanned<f64>>,
    /// The name of a defense before it, whose threshold it has.
    #[serde(rename = "threshold-of")]
    pub(super) threshold_of: Option<Spanned<String>>,
    pub(super) parameters: Option<String>,
    /// Of prediction poisoning, for short.
    pub(super) alpha: Option<Decimal>,
    /// `trained`: a model that is trained to be wrong; else as the parameters say.
    pub(super) decoy: Option<Spanned<String>>,
    pub(super) outliers: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) only: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) needs: Vec<Need>,
}
