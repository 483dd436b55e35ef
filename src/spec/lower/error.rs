//! The errors for specs that say nothing about a model.

use crate::model::Schema;
use crate::near::nearest;

/// Most names of features that an error lists.
const NAMES: usize = 8;

/// Most lines that an error asks for.
const LINES: usize = 1000;

/// The features without a range, as lines that can be pasted into the spec.
fn ranges_needed(names: &[String], has_domain: bool) -> String {
    let what = match names {
        [only] => format!("feature `{only}` has no declared range"),
        several => format!("{} features have no declared range", several.len()),
    };
    let (place, head) = if has_domain {
        ("add to the spec, below its line `[domain]`", "")
    } else {
        ("add to the end of the spec", "\n[domain]")
    };
    let line = |name: &String| format!("\n{} = [\"0\", \"1\"]", toml::Value::from(name.as_str()));
    let lines: String = names.iter().take(LINES).map(line).collect();
    let more = names.len().saturating_sub(LINES);
    let more = if more > 0 { format!("\n# and {more} more") } else { String::new() };
    format!(
        "{what}; a claim on the whole domain needs one: {place}, with the ranges that inputs have, in units of the \
         model:{head}{lines}{more}"
    )
}

/// The error for a spec that says nothing that can be decided about this model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LowerError {
    /// Features that the model does not have.
    #[error("the model has no feature {names}; its features are {known}")]
    Feature {
        /// The names in the spec, each with the near one of the model, if there is one.
        names: String,
        /// The first names of the model.
        known: String,
    },
    /// A feature named twice.
    #[error("feature `{name}` is named twice")]
    Twice {
        /// The name in the spec.
        name: String,
    },
    /// A group of features given twice.
    #[error("the group {names} is given twice")]
    TwiceGroup {
        /// The names in the spec.
        names: String,
    },
    /// A domain range with its ends the wrong way round.
    #[error("[domain] `{name}`: the first end is larger than the second")]
    Range {
        /// The name in the spec.
        name: String,
    },
    /// A domain-wide claim over features without a range.
    #[error("{}", ranges_needed(names, *has_domain))]
    Unbounded {
        /// The features, in order.
        names: Vec<String>,
        /// True if the spec gives ranges of other features.
        has_domain: bool,
    },
    /// An input box that leaves the domain: a claim about all of it would in fact be about a part.
    #[error(
        "the box of `{name}` reaches beyond its range, so part of it holds no inputs: keep the box inside, or give `{name}` a wider range below a line `[domain]`"
    )]
    Beyond {
        /// The feature.
        name: String,
    },
    /// Something this version cannot decide.
    #[error("{what} cannot be decided by this version: {why}")]
    Unsupported {
        /// The thing asked for.
        what: String,
        /// The reason, and what to do instead.
        why: &'static str,
    },
    /// Something that says nothing about this model.
    #[error("{what} has no meaning: {why}")]
    Meaningless {
        /// The thing asked for.
        what: String,
        /// The reason, and what can be asked.
        why: &'static str,
    },
    /// A list of the wrong length.
    #[error("{what}: found {found}, the model asks for {expected}")]
    Count {
        /// Name of the things counted.
        what: &'static str,
        /// Number found.
        found: usize,
        /// Number expected.
        expected: usize,
    },
    /// δ so close to 0 or 1 that the threshold is beyond ±60.
    #[error("delta {delta} asks for a margin beyond 60")]
    Delta {
        /// δ as written.
        delta: String,
    },
    /// A label of the data that the model does not know.
    #[error("row {row} has label {label}, the model has {classes} classes")]
    Label {
        /// Position in the part.
        row: usize,
        /// The label.
        label: usize,
        /// Classes of the model.
        classes: usize,
    },
}

pub(in crate::spec) fn unsupported(what: impl Into<String>, why: &'static str) -> LowerError {
    LowerError::Unsupported { what: what.into(), why }
}

pub(in crate::spec) fn meaningless(what: impl Into<String>, why: &'static str) -> LowerError {
    LowerError::Meaningless { what: what.into(), why }
}

/// The first of some texts, and the number of the others.
fn some(texts: impl ExactSizeIterator<Item = String>) -> String {
    let more = texts.len().saturating_sub(NAMES);
    let first = texts.take(NAMES).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

impl LowerError {
    /// Names that no feature has, at least one.
    pub(in crate::spec) fn no_features(schema: &Schema, names: &[String]) -> Self {
        let known = || schema.features().iter().map(|feature| feature.name.as_str());
        let advised = |name: &String| match nearest(name, known()) {
            Some(near) => format!("`{name}` (did you mean `{near}`?)"),
            None => format!("`{name}`"),
        };
        let names = some(names.iter().map(advised));
        let known = some(schema.features().iter().map(|feature| format!("`{}`", feature.name)));
        Self::Feature { names, known }
    }
}
