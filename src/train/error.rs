//! Errors of training.

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
