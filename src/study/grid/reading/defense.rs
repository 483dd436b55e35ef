//! Reading of the defenses of a grid.

use toml::Spanned;

use super::super::file::DefenseEntry;
use super::super::{GridDefense, GridError, Strength};
use super::{EntryName, EntryReader, only};
use crate::defend::{DecoyOutliers, DefenseKind};
use crate::study::defending::expect_parameters;

/// The keys of which one says how strong a defense is.
const KEYS: &str = "`points`, `parameters`, `alpha`, `threshold-of`";

impl EntryReader<'_> {
    /// A defense, with the one way in which its strength is said.
    pub(super) fn defense(
        &mut self,
        at: EntryName,
        entry: &DefenseEntry,
    ) -> Result<GridDefense, GridError> {
        let kind = match &entry.kind {
            None => DefenseKind::PredictionPoisoning,
            Some(name) => match DefenseKind::named(name.get_ref()) {
                Some(kind) => kind,
                None => return self.value(name, "kind", DefenseKind::NAMES),
            },
        };
        let alpha = entry.alpha.as_ref().map(|alpha| format!("alpha={alpha}"));
        let given = [
            entry.points.is_some(),
            entry.parameters.is_some(),
            entry.alpha.is_some(),
            entry.threshold_of.is_some(),
        ];
        self.expect_one(at, KEYS, &given)?;
        let parameters = entry.parameters.clone().or(alpha);
        let strength = match (&entry.points, parameters, &entry.threshold_of) {
            (Some(points), ..) => {
                let given = *points.get_ref();
                if !(given >= 0.0 && given.is_finite()) {
                    return self.value(points, "points", "0 or more, and finite");
                }
                Strength::Budget(given)
            }
            (_, Some(parameters), _) => {
                expect_parameters(kind, &parameters).map_err(|error| self.unreadable(at, error))?;
                Strength::Given(parameters)
            }
            (.., Some(like)) => Strength::AsFarAs(self.threshold_of(kind, like)?),
            (None, None, None) => return Err(self.origin(at, KEYS, 0)),
        };
        self.defenses.push((at.name.get_ref().clone(), kind));
        let (name, needs) = (at.name.get_ref().clone(), entry.needs.clone());
        let decoy = self.decoy(kind, entry)?;
        Ok(GridDefense { name, kind, strength, decoy, only: only(&entry.only), needs })
    }

    /// The place of the defense before it whose threshold one has.
    fn threshold_of(&self, kind: DefenseKind, like: &Spanned<String>) -> Result<usize, GridError> {
        if kind != DefenseKind::PredictionPoisoning {
            return self.value(like, "threshold-of", "no threshold of another but of kind `pp`");
        }
        let mut before = self.defenses.iter();
        let place = before.position(|(name, kind)| name == like.get_ref() && kind.turns_labels());
        match place {
            Some(place) => Ok(place),
            None => self.value(
                like,
                "threshold-of",
                "the name of a [[defense]] before it, of kind `am` or `pp`",
            ),
        }
    }

    fn decoy(
        &self,
        kind: DefenseKind,
        entry: &DefenseEntry,
    ) -> Result<Option<DecoyOutliers>, GridError> {
        let known = |name: &str| DecoyOutliers::ALL.into_iter().find(|(known, _)| *known == name);
        let outliers = match &entry.outliers {
            None => DecoyOutliers::default(),
            Some(name) if entry.decoy.is_none() => {
                return self.value(name, "outliers", "no outliers without decoy = \"trained\"");
            }
            Some(name) => match known(name.get_ref()) {
                Some((_, outliers)) => outliers,
                None => return self.value(name, "outliers", "none, uniform or shuffled"),
            },
        };
        match &entry.decoy {
            None => Ok(None),
            Some(given) if !kind.takes_decoy() => {
                self.value(given, "decoy", "no decoy but of kind `am`")
            }
            Some(given) if given.get_ref() == "trained" => Ok(Some(outliers)),
            Some(given) => {
                self.value(given, "decoy", "trained; mirror and uniform stand in `parameters`")
            }
        }
    }
}
