//! The figures of a study, by the names of their cells.

use std::collections::BTreeMap;

use crate::report::{Counts, Share};
use crate::steal::Repetition;

use super::super::StudyError;
use super::super::cell::{Cell, Work};
use super::super::ledger::{StudyHeader, StudyLines};
use super::super::line::{CellResult, CertifiedCell, DefendedCell, MeasuredCell, StolenCell};

/// A figure that formulas may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum FigureName {
    Agreement,
    Uniform,
    Boundary,
    Mse,
    F1,
    PaidAgreement,
    PaidF1,
    StepsAgreement,
    StepsF1,
    CeilingAgreement,
    CeilingF1,
    Rate,
    Right,
    NearestRight,
    SubstituteRight,
    SeedsAgreement,
    Angle,
    AngleMany,
    CopyProved,
    CopyRefuted,
    Proved,
    Refuted,
    Open,
    Accuracy,
    TargetF1,
    Strength,
    Changed,
    GapUniform,
    GapShuffled,
    GapFar,
    Membership,
    TestRows,
}

/// The kind of cell that has a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum FigureOf {
    /// One repetition of an attack.
    Theft,
    /// A certificate.
    Certificate,
    /// A model, as it is or behind a defense.
    Answers,
}

impl FigureName {
    /// All figures, with their names in formulas and their meaning.
    const ALL: [(Self, &'static str, &'static str); 32] = [
        (Self::Agreement, "agreement", "of substitute and undefended target on held-out rows"),
        (Self::Uniform, "uniform", "the same on uniform points of the domain"),
        (Self::Boundary, "boundary", "the same next to the target's boundary"),
        (Self::Mse, "mse", "of posteriors, per class, on held-out rows"),
        (Self::F1, "f1", "of the substitute against true labels"),
        (Self::PaidAgreement, "paid-agreement", "of the same attack with every label paid"),
        (Self::PaidF1, "paid-f1", "of the same attack with every label paid"),
        (Self::StepsAgreement, "steps-agreement", "of that, with as many gradient steps"),
        (Self::StepsF1, "steps-f1", "of that, with as many gradient steps"),
        (Self::CeilingAgreement, "ceiling-agreement", "with true labels for the inferred ones"),
        (Self::CeilingF1, "ceiling-f1", "with true labels for the inferred ones"),
        (Self::Rate, "rate", "inferred labels among those of generated points"),
        (Self::Right, "right", "inferred labels that are the target's answers"),
        (
            Self::NearestRight,
            "nearest-right",
            "labels of the nearest paid point that are, on the same points",
        ),
        (
            Self::SubstituteRight,
            "substitute-right",
            "labels of a substitute that are, on the same points",
        ),
        (Self::SeedsAgreement, "seeds-agreement", "of a substitute trained on the seed rows alone"),
        (
            Self::Angle,
            "angle",
            "mean angle of gradients in degrees, 50 test rows at equal distances and 50 made points",
        ),
        (Self::AngleMany, "angle-many", "the same with all points that were made"),
        (
            Self::CopyProved,
            "copy-proved",
            "obligations of the attack's `certify` that are proved of the substitute, if it is no constant",
        ),
        (Self::CopyRefuted, "copy-refuted", "those that are refuted of it"),
        (Self::Proved, "proved", "obligations that are proved, of those that are valid"),
        (Self::Refuted, "refuted", "obligations that are refuted"),
        (Self::Open, "undecided", "obligations that are neither"),
        (Self::Accuracy, "accuracy", "on test rows, behind the defense if there is one"),
        (Self::TargetF1, "target-f1", "on held-out rows, of the undefended target"),
        (
            Self::Strength,
            "strength",
            "the parameter of the defense that its budget chose, 0 where none is admissible",
        ),
        (Self::Changed, "changed", "labels of test rows that the defense changes"),
        (
            Self::GapUniform,
            "gap-uniform",
            "those it changes on uniform points of the domain, less `changed`",
        ),
        (
            Self::GapShuffled,
            "gap-shuffled",
            "those on rows whose columns are shuffled, less `changed`",
        ),
        (Self::GapFar, "gap-far", "those on normal points of deviation 3, clipped, less `changed`"),
        (
            Self::Membership,
            "membership",
            "pairs in which the training row has the higher posterior of its label than the test row; ½ is chance",
        ),
        (Self::TestRows, "test-rows", "the number of test rows"),
    ];

    /// The figure with a name.
    pub(in super::super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(figure, _, _)| *figure)
    }

    /// All names.
    pub(in super::super) fn names() -> String {
        Self::ALL.map(|(_, name, _)| name).join(", ")
    }

    /// Names and meanings, for people.
    pub(in super::super) fn meanings() -> impl Iterator<Item = (&'static str, &'static str)> {
        Self::ALL.iter().map(|(_, name, meaning)| (*name, *meaning))
    }

    /// The kind of cell that has it.
    pub(in super::super) fn of(self) -> FigureOf {
        match self {
            Self::Agreement
            | Self::Uniform
            | Self::Boundary
            | Self::Mse
            | Self::F1
            | Self::PaidAgreement
            | Self::PaidF1
            | Self::StepsAgreement
            | Self::StepsF1
            | Self::CeilingAgreement
            | Self::CeilingF1
            | Self::Rate
            | Self::Right
            | Self::NearestRight
            | Self::SubstituteRight
            | Self::SeedsAgreement
            | Self::Angle
            | Self::AngleMany
            | Self::CopyProved
            | Self::CopyRefuted => FigureOf::Theft,
            Self::Proved | Self::Refuted | Self::Open => FigureOf::Certificate,
            Self::Accuracy
            | Self::TargetF1
            | Self::Strength
            | Self::Changed
            | Self::GapUniform
            | Self::GapShuffled
            | Self::GapFar
            | Self::Membership
            | Self::TestRows => FigureOf::Answers,
        }
    }

    /// True if it counts what the kernel decided: an end of it is rounded outward.
    pub(in super::super) fn is_proved(self) -> bool {
        matches!(
            self,
            Self::Proved | Self::Refuted | Self::Open | Self::CopyProved | Self::CopyRefuted
        )
    }

    /// Its names in a formula.
    pub(in super::super) fn places(self) -> &'static [&'static str] {
        match self.of() {
            FigureOf::Theft => &["the model", "the defense, or `none`", "the attack"],
            FigureOf::Certificate => &["the model", "the defense, or `none`", "the property"],
            FigureOf::Answers => &["the model", "the defense, or `none`"],
        }
    }
}

/// The place of a figure: data set, model, defense, and the work with its number and repetition.
type FigureKey = (usize, usize, Option<usize>, FigureWork);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FigureWork {
    Theft { attack: usize, repetition: u64 },
    Certificate { property: usize },
    Answers,
}

/// The figures of a cell, or the reason why it has none.
type CellFigures = Result<BTreeMap<FigureName, f64>, String>;

/// All figures of a study.
pub(in super::super) struct FigureTable {
    pub(in super::super) header: StudyHeader,
    cells: BTreeMap<FigureKey, CellFigures>,
}

impl FigureTable {
    /// Reads the lines of a study.
    ///
    /// # Errors
    /// A folder without a study, and lines that cannot be read.
    pub(in super::super) fn read(folder: &std::path::Path) -> Result<Self, StudyError> {
        let header = StudyHeader::read(folder)?;
        let mut lines = StudyLines::open(folder)?;
        let mut cells = BTreeMap::new();
        while let Some((cell, line, _)) = lines.next(&header.layout)? {
            cells.insert(key(&cell), figures(&line.result));
        }
        Ok(Self { header, cells })
    }

    /// The figure of some cell. Names are those of the model, the defense, and the attack or property.
    ///
    /// # Errors
    /// The reason why there is none.
    pub(in super::super) fn get(
        &self,
        figure: FigureName,
        data: usize,
        names: &[String],
        repetition: u64,
    ) -> Result<f64, String> {
        let layout = &self.header.layout;
        let at = |side: &[String], name: &str| side.iter().position(|one| one == name);
        let unknown = |name: &str| format!("`{name}` is not in the study");
        let [model, defense, rest @ ..] = names else { return Err("names are missing".to_owned()) };
        let number = at(&layout.models, model).ok_or_else(|| unknown(model))?;
        let behind = match defense.as_str() {
            "none" => None,
            name => Some(at(&layout.defenses, name).ok_or_else(|| unknown(name))?),
        };
        let name = rest.first().map_or("", String::as_str);
        let work = match figure.of() {
            FigureOf::Answers => FigureWork::Answers,
            FigureOf::Theft => {
                let attack = at(&layout.attacks, name).ok_or_else(|| unknown(name))?;
                FigureWork::Theft { attack, repetition }
            }
            FigureOf::Certificate => {
                let property = at(&layout.properties, name).ok_or_else(|| unknown(name))?;
                FigureWork::Certificate { property }
            }
        };
        let cell = self.cells.get(&(data, number, behind, work));
        let cell = cell.ok_or_else(|| "the cell was not run".to_owned())?;
        // a defense that is never admissible has no strength
        if figure == FigureName::Strength && cell.is_err() {
            return Ok(0.0);
        }
        let found = cell.as_ref().map_err(String::clone)?.get(&figure);
        found.copied().ok_or_else(|| "the cell has no such figure".to_owned())
    }
}

fn key(cell: &Cell) -> FigureKey {
    let work = match cell.work {
        Work::Certify { property } => FigureWork::Certificate { property },
        Work::Steal { attack, repetition } => FigureWork::Theft { attack, repetition },
        Work::Measure => FigureWork::Answers,
    };
    (cell.data, cell.model, cell.defense, work)
}

fn figures(result: &CellResult) -> CellFigures {
    let found = match result {
        CellResult::Certified(cell) => certified(cell),
        CellResult::Stolen(cell) => {
            let angles = cell.angles.iter();
            let angles = angles.flat_map(|angles| {
                [(FigureName::Angle, angles.first), (FigureName::AngleMany, angles.all)]
            });
            stolen(&cell.figures).into_iter().chain(angles).chain(copied(cell)).collect()
        }
        CellResult::Measured(cell) => measured(cell),
        CellResult::Defended(cell) => defended(cell),
        CellResult::LeftOut { reason } | CellResult::Failed { reason } => {
            return Err(reason.clone());
        }
    };
    Ok(found.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

type FoundFigures = Vec<(FigureName, Option<f64>)>;

fn stolen(one: &Repetition) -> FoundFigures {
    use FigureName as N;
    let (own, paid) = (&one.attack.scores, &one.without_inference.scores);
    let steps = one.same_steps.as_ref().map(|figures| figures.scores);
    let guesses = one.attack.inference.as_ref();
    vec![
        (N::Agreement, Some(own.agreement.held_out)),
        (N::Uniform, Some(own.agreement.uniform)),
        (N::Boundary, own.agreement.boundary),
        (N::Mse, Some(own.mse)),
        (N::F1, Some(own.f1)),
        (N::PaidAgreement, Some(paid.agreement.held_out)),
        (N::PaidF1, Some(paid.f1)),
        (N::StepsAgreement, steps.map(|scores| scores.agreement.held_out)),
        (N::StepsF1, steps.map(|scores| scores.f1)),
        (N::CeilingAgreement, one.ceiling.map(|scores| scores.agreement.held_out)),
        (N::CeilingF1, one.ceiling.map(|scores| scores.f1)),
        (N::Rate, Some(guesses.map_or(0.0, |guesses| guesses.rate))),
        (N::Right, guesses.map(|guesses| guesses.accuracy)),
        (N::NearestRight, guesses.map(|guesses| guesses.nearest)),
        (N::SubstituteRight, guesses.map(|guesses| guesses.substitute)),
        (N::SeedsAgreement, one.seeds_only.map(|scores| scores.agreement.held_out)),
    ]
}

fn certified(cell: &CertifiedCell) -> FoundFigures {
    let counts = cell.report.counts;
    let share = |count: u64| (counts.n() > 0).then(|| count as f64 / counts.n() as f64);
    vec![
        (FigureName::Proved, share(counts.proved)),
        (FigureName::Refuted, share(counts.refuted)),
        (FigureName::Open, share(counts.undecided)),
    ]
}

/// What is proved and refuted of the substitute.
fn copied(cell: &StolenCell) -> FoundFigures {
    let share = |count: fn(&Counts) -> u64| {
        cell.copied.and_then(|counts| Share::new(count(&counts), counts.n()).ratio())
    };
    vec![
        (FigureName::CopyProved, share(|counts| counts.proved)),
        (FigureName::CopyRefuted, share(|counts| counts.refuted)),
    ]
}

fn measured(cell: &MeasuredCell) -> FoundFigures {
    vec![
        (FigureName::Accuracy, cell.accuracy.ratio()),
        (FigureName::TargetF1, Some(cell.f1)),
        (FigureName::Membership, cell.membership),
        (FigureName::TestRows, Some(cell.accuracy.of as f64)),
    ]
}

fn defended(cell: &DefendedCell) -> FoundFigures {
    use FigureName as N;
    let changed = cell.label_flips.ratio();
    let gap = |share: Option<Share>| Some(share?.ratio()? - changed?);
    let elsewhere = cell.elsewhere.as_ref();
    vec![
        (N::Accuracy, cell.accuracy_after.ratio()),
        (N::Changed, changed),
        (N::Strength, strength(&cell.strength)),
        (N::GapUniform, gap(elsewhere.map(|found| found.uniform))),
        (N::GapShuffled, gap(elsewhere.map(|found| found.shuffled))),
        (N::GapFar, gap(elsewhere.map(|found| found.far))),
        (N::Membership, cell.membership),
        (N::TestRows, Some(cell.accuracy_after.of as f64)),
    ]
}

/// The parameter that a budget of accuracy raises, in a text such as `nu 1000, tau 0.59, decoy mirror`.
fn strength(parameters: &str) -> Option<f64> {
    let value = |key: &str| {
        let given = parameters.split(", ").find_map(|one| one.strip_prefix(key))?;
        given.trim().parse().ok().filter(|value: &f64| value.is_finite())
    };
    value("alpha ").or_else(|| value("tau "))
}

#[cfg(test)]
mod tests {
    use crate::defend::DefenseKind;

    use super::*;

    #[test]
    fn every_figure_has_a_name_of_its_own() {
        for (figure, name, _) in FigureName::ALL {
            assert_eq!(FigureName::named(name), Some(figure));
        }
        assert_eq!(FigureName::named("nothing"), None);
    }

    #[test]
    fn the_strength_is_read_from_what_defenses_say_of_themselves() {
        let model = crate::model::Digest::of(b"m");
        let said = |kind: DefenseKind, parameters: &str| {
            strength(&kind.with(model, parameters, None).unwrap().parameters())
        };
        assert_eq!(said(DefenseKind::PredictionPoisoning, "alpha=0.12"), Some(0.12));
        let steps = "tau=0.59,nu=50,decoy=mirror";
        assert_eq!(said(DefenseKind::AdaptiveMisinformation, steps), Some(0.59));
        assert_eq!(strength("digits 3"), None);
    }
}
