//! The number of boosting rounds that are taken. After early stopping a file holds more than its makers serve.

use std::fmt;

use super::ImportError;

/// The rounds to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounds {
    /// The rounds up to the best one, if the file names it, as scikit-learn's wrapper serves them; else all rounds.
    #[default]
    Best,
    /// All rounds.
    All,
    /// The first so many rounds.
    First(usize),
}

/// The rounds taken of a model that has more rounds, or that names a best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    rounds: usize,
    of: usize,
    /// The best round, counted from 0.
    best: Option<usize>,
    asked: Rounds,
}

impl Rounds {
    /// Decides how many of `of` rounds are taken from a file that names this best one, counted from 0.
    pub(super) fn take(self, of: usize, best: Option<usize>) -> Result<Taken, ImportError> {
        let refused = |place: &str, found: usize, expected| {
            let found = format!("{found} of {of}");
            Err(ImportError::Stated { place: place.to_owned(), found, expected })
        };
        let rounds = match (self, best) {
            (Self::Best, Some(best)) if best >= of => {
                let expected = "a round of the model, counted from 0; --rounds all takes every one";
                return refused("best_iteration", best, expected);
            }
            (Self::Best, Some(best)) => best + 1,
            (Self::Best, None) | (Self::All, _) => of,
            (Self::First(rounds), _) if rounds == 0 || rounds > of => {
                return refused("--rounds", rounds, "at least 1 and no more than the model has");
            }
            (Self::First(rounds), _) => rounds,
        };
        Ok(Taken { rounds, of, best, asked: self })
    }
}

impl Rounds {
    /// Takes all of a model that has no rounds; a number of rounds is refused.
    pub fn whole(self) -> Result<Taken, ImportError> {
        match self {
            Self::First(rounds) => Err(ImportError::Stated {
                place: "--rounds".to_owned(),
                found: rounds.to_string(),
                expected: "a model of boosting; this one has no rounds",
            }),
            Self::Best | Self::All => self.take(1, None),
        }
    }
}

impl Taken {
    /// Number of rounds taken.
    pub(super) fn rounds(self) -> usize {
        self.rounds
    }

    /// True if some rounds are left out.
    pub(super) fn is_part(self) -> bool {
        self.rounds < self.of
    }

    /// True if there is nothing to say: all rounds are taken, and everybody serves all of them.
    pub(super) fn is_plain(self) -> bool {
        self.rounds == self.of && self.best.is_none_or(|best| best + 1 == self.of)
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, of, best, asked } = self;
        write!(f, "the first {rounds} of {of} rounds are taken: ")?;
        match (asked, best) {
            (Rounds::Best, Some(best)) => write!(
                f,
                "the file names best_iteration {best}, up to which XGBClassifier and XGBRegressor \
                 predict; Booster.predict takes all, as --rounds all does"
            ),
            (_, Some(best)) => write!(
                f,
                "as asked; the file names best_iteration {best} (counted from 0), up to which \
                 XGBClassifier and XGBRegressor predict"
            ),
            (_, None) => f.write_str("as asked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(asked: Rounds, best: Option<usize>) -> Option<usize> {
        asked.take(7, best).ok().map(Taken::rounds)
    }

    #[test]
    fn the_best_is_taken_where_it_is_named() {
        assert_eq!(taken(Rounds::Best, Some(1)), Some(2));
        assert_eq!(taken(Rounds::Best, Some(6)), Some(7));
        assert_eq!(taken(Rounds::Best, None), Some(7));
        assert_eq!(taken(Rounds::All, Some(1)), Some(7));
        assert_eq!(taken(Rounds::First(3), Some(1)), Some(3));
    }

    #[test]
    fn rounds_that_are_not_there_are_refused() {
        for (asked, best) in [
            (Rounds::Best, Some(7)),
            (Rounds::Best, Some(usize::MAX)),
            (Rounds::First(0), None),
            (Rounds::First(8), None),
        ] {
            assert_eq!(taken(asked, best), None);
        }
        assert_eq!(taken(Rounds::All, Some(7)), Some(7));
    }

    #[test]
    fn what_everybody_serves_is_not_told() {
        let is_plain = |asked: Rounds, best| asked.take(7, best).unwrap().is_plain();
        assert!(is_plain(Rounds::Best, None) && is_plain(Rounds::Best, Some(6)));
        assert!(!is_plain(Rounds::All, Some(1)) && !is_plain(Rounds::First(2), None));
    }
}
