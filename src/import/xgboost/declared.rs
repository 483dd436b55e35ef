//! Declarations of a file: numbers in every spelling, outputs, the best round, lengths of lists.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::import::ImportError;

/// A number as the file spells it: bare, in a string, or (3.1 and later) as a list in a string.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(super) struct Declared<'a>(#[serde(borrow)] &'a RawValue);

impl<'a> Declared<'a> {
    /// The text without quotes.
    pub(super) fn text(self) -> &'a str {
        self.0.get().trim_matches('"')
    }

    /// The text as a whole number.
    pub(super) fn whole(self, key: &'static str) -> Result<usize, ImportError> {
        let refused = || ImportError::Declared { key, found: self.text().to_owned() };
        self.text().parse().map_err(|_| refused())
    }
}

/// The meaning of the sums, decided by the objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SumMeaning {
    /// One sum, the margin of class 1.
    Logistic,
    /// One sum, a plain score: regression.
    Score,
    /// One sum per class, of which there are at least three.
    Softmax {
        /// Number of classes.
        classes: usize,
    },
}

impl SumMeaning {
    /// Number of sums.
    pub(super) fn sums(self) -> usize {
        match self {
            Self::Logistic | Self::Score => 1,
            Self::Softmax { classes } => classes,
        }
    }

    /// Number of classes; 1 for a plain score, which has none.
    pub(super) fn classes(self) -> usize {
        match self {
            Self::Score => 1,
            Self::Logistic => 2,
            Self::Softmax { classes } => classes,
        }
    }
}

/// The statements of a file after early stopping.
#[derive(Clone, Copy)]
pub(super) struct Best {
    /// The best round, counted from 0.
    pub(super) round: usize,
    /// Trees of one class in the rounds up to the best one.
    pub(super) trees: Option<usize>,
}

impl Best {
    /// Trees of one round and class.
    pub(super) fn parallel(self) -> Option<usize> {
        let rounds = self.round.checked_add(1)?;
        self.trees.filter(|trees| trees.is_multiple_of(rounds)).map(|trees| trees / rounds)
    }
}

/// Refuses a list of any other length.
pub(super) fn expect_length(
    place: impl Fn() -> String,
    found: usize,
    expected: usize,
) -> Result<(), ImportError> {
    if found == expected {
        return Ok(());
    }
    Err(ImportError::Length { place: place(), found, expected })
}
