//! Errors of training, and of the recipes that say how.

use std::path::PathBuf;

use crate::near::advice;
use crate::source::SourceError;
use crate::spec::SpecError;

use super::logic::ConstraintError;

/// Reasons why nothing was trained. Rows count from 0 within their part.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// The data has no schema to train with.
    #[error("{reason}")]
    Schema {
        /// Reason why not.
        reason: String,
    },
    /// There are no training rows.
    #[error("no training rows were given; a model needs rows of at least two classes")]
    NoRows,
    /// All training rows have one label.
    #[error("all {rows} training rows have class {class}; at least two classes must occur")]
    OneClass {
        /// The class that all rows have.
        class: usize,
        /// Number of training rows.
        rows: usize,
    },
    /// The number of values of a row differs from the number of features of the schema.
    #[error("row {row} has {found} values; the schema has {expected} features")]
    RowLength {
        /// The row.
        row: usize,
        /// Its number of values.
        found: usize,
        /// Number of features.
        expected: usize,
    },
    /// A label is not below the number of classes.
    #[error("row {row} has class {found}; classes are numbered from 0 and there are {classes}")]
    Label {
        /// The row.
        row: usize,
        /// Its label.
        found: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A value is not a number, infinite, or overflows a 32-bit float, raw or standardised.
    #[error("row {row}, feature `{feature}`: {found} is no finite 32-bit float; drop the row")]
    Value {
        /// The row.
        row: usize,
        /// Name of the feature.
        feature: String,
        /// The value.
        found: f64,
    },
    /// Boosting here fits one score, so it separates two classes only.
    #[error("boosted trees are trained for 2 classes, found {classes}; train an mlp instead")]
    TwoClassesOnly {
        /// Number of classes asked for.
        classes: usize,
    },
    /// A monotone feature is not in the schema.
    #[error("monotone feature {found} does not exist; the schema has features 0 to {last}")]
    MonotoneFeature {
        /// The index requested.
        found: usize,
        /// The largest index.
        last: usize,
    },
    /// The schema does not have the named monotone feature.
    #[error("monotone feature `{name}` does not exist")]
    UnknownFeature {
        /// The name or index.
        name: String,
    },
    /// The direction is unknown.
    #[error("direction of `{name}` is `{found}`; expected `increasing` or `decreasing`")]
    UnknownDirection {
        /// The feature.
        name: String,
        /// The text found.
        found: String,
    },
    /// An option is out of its range.
    #[error("option `{option}` is {found}; it must be {expected}")]
    Setting {
        /// Name of the option.
        option: &'static str,
        /// The value requested.
        found: f64,
        /// The allowed values.
        expected: &'static str,
    },
    /// The directions of the data are requested, but the data has none.
    #[error(
        "monotone = \"declared\", but the data declares no directions: name features below [monotone] in the \
         recipe, or under `monotone` in the meta file of the data"
    )]
    NoDirections,
    /// The property says nothing that this training can hold.
    #[error("property `{property}` is not trained for: {reason}")]
    Property {
        /// Name of the property.
        property: &'static str,
        /// Reason why not.
        reason: String,
    },
    /// The state of an unfinished training cannot be kept, or none can go on from it.
    #[error("the state of an unfinished training: {reason}; leave out --resume to train anew")]
    Checkpoint {
        /// Reason why not.
        reason: String,
    },
    /// Weights became infinite or not a number.
    #[error("training diverged within {steps} steps; lower the learning rate of {learning_rate}")]
    Diverged {
        /// Gradient steps taken.
        steps: u64,
        /// Learning rate at the start.
        learning_rate: f64,
    },
}

impl TrainError {
    /// `Ok` iff `allowed`; otherwise the refusal of the option.
    pub(super) fn unless(
        allowed: bool,
        option: &'static str,
        found: f64,
        expected: &'static str,
    ) -> Result<(), Self> {
        if allowed { Ok(()) } else { Err(Self::Setting { option, found, expected }) }
    }
}

/// Reasons why a file is no recipe.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file is not UTF-8.
    #[error("a recipe is UTF-8 text: {0}")]
    Text(#[from] std::str::Utf8Error),
    /// The file is not the TOML of a recipe.
    #[error("not a recipe: {0}")]
    Toml(#[from] toml::de::Error),
    /// A kind of training reserved for later versions.
    #[error(
        "`{what}` is not trained by this version{near}: it trains `mlp` and `trees`, both with `monotone`",
        near = advice(what, ["mlp", "trees"])
    )]
    Unsupported {
        /// The key or value.
        what: String,
    },
    /// `monotone` is neither a table nor `"declared"`.
    #[error("monotone = `{found}`: expected \"declared\" or a table of directions")]
    Monotone {
        /// The text found.
        found: String,
    },
    /// A file cannot be read.
    #[error("{0}")]
    Source(#[from] SourceError),
    /// A spec that the recipe names is none.
    #[error("{path}: {error}", path = path.display())]
    Spec {
        /// The spec's file.
        path: PathBuf,
        /// Reason why not.
        error: SpecError,
    },
    /// A constraint that is no formula.
    #[error("constraint = {text:?}: {error}")]
    LogicConstraint {
        /// The text.
        text: String,
        /// Reason why not.
        error: ConstraintError,
    },
    /// A loss for rows that may move, but nothing that says where.
    #[error(
        "`trainer`, `weight`, `ramp`, `steps`, `counterexamples` and `worst-case` are about properties: name a spec by \
         [[property]] spec = \"…\""
    )]
    NoSpec,
    /// A key of `[[property]]` that the property does not take.
    #[error("[[property]] `{key}` of {path}: {reason}", path = path.display())]
    PropertySetting {
        /// The spec's file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Reason why not.
        reason: &'static str,
    },
    /// Weights for labels, which have one loss together.
    #[error(
        "[[property]] `weight` of a spec about labels: give it with trainer = \"dl2\", the same to all of them, or say \
         [training] weight"
    )]
    LabelWeight,
    /// A loss for labels in boxes without a spec that says which.
    #[error(
        "`{key}` is about labels near rows: name a spec of `label` or `local-invariance` by [[property]], or take \
         trainer = \"dl2\""
    )]
    NoLabels {
        /// The key.
        key: &'static str,
    },
    /// A constraint without the trainer that uses it.
    #[error("`constraint` and `disjunction` need trainer = \"dl2\"")]
    NoFormula,
    /// A setting belongs to the other family.
    #[error("[training] `{key}` is no setting of family `{family}`")]
    Setting {
        /// The key.
        key: &'static str,
        /// The family.
        family: &'static str,
    },
}
