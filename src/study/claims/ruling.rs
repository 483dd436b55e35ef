//! Comparisons of a claim, and its ruling.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::model::Digest;
use crate::report::Estimate;

use super::super::StudyError;
use super::super::formula::{FigureTable, FormulaNames, FormulaValues};
use super::sheet::{ClaimSheet, Expect, Measure, SheetClaim};

/// The ruling on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// The figures show it.
    Supported,
    /// The figures show that it does not hold as said.
    NotSupported,
    /// They show neither.
    Undecided,
}

impl Ruling {
    /// The ruling in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::NotSupported => "not supported",
            Self::Undecided => "cannot be decided",
        }
    }

    /// The ruling of several studies: that of all of them, if they agree.
    pub fn of_all(rulings: impl IntoIterator<Item = Self>) -> Self {
        let mut rulings = rulings.into_iter();
        let Some(first) = rulings.next() else { return Self::Undecided };
        if rulings.all(|other| other == first) { first } else { Self::Undecided }
    }
}

/// The side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimSide {
    /// For the claim.
    For,
    /// Against it.
    Against,
    /// The interval allows both.
    Open,
    /// There is no figure.
    Missing,
}

impl ClaimSide {
    /// The side in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::For => "for",
            Self::Against => "against",
            Self::Open => "open",
            Self::Missing => "missing",
        }
    }
}

/// A formula on one data set, with names for its variables.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimComparison {
    /// The data set.
    pub data: String,
    /// The name that each variable stands for.
    pub choice: BTreeMap<String, String>,
    /// The value of each repetition that has one, by its number.
    #[serde(skip)]
    pub values: BTreeMap<u64, f64>,
    /// Mean and spread over the repetitions; `None` if there is no figure.
    pub estimate: Option<Estimate>,
    /// The 95% interval of the mean; `None` for figures without repetitions, and for one repetition.
    pub interval: Option<[f64; 2]>,
    /// The side.
    pub side: ClaimSide,
    /// Reason why there is no figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// A claim with all comparisons of one study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimFinding {
    /// The name.
    pub name: String,
    /// The ruling.
    pub ruling: Ruling,
    /// Mean over all comparisons, repetition by repetition; it tells a size and rules on nothing. `None` without figures.
    pub mean: Option<Estimate>,
    /// The 95% interval of that mean; `None` for figures without repetitions, and for one repetition.
    pub mean_interval: Option<[f64; 2]>,
    /// All comparisons, in order.
    pub comparisons: Vec<ClaimComparison>,
}

/// The findings of one study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimsFindings {
    /// Seed of the study.
    pub seed: u64,
    /// Repetitions of every attack.
    pub repetitions: u64,
    /// Digest of its grid.
    pub grid: Digest,
    /// The data sets.
    pub data: Vec<String>,
    /// The program with its version.
    pub tool: String,
    /// The claims, in the order of the sheet.
    pub claims: Vec<ClaimFinding>,
}

/// Rules on every claim of a sheet by the lines of a study.
///
/// # Errors
/// A folder without a study, and lines that cannot be read.
pub fn rule(sheet: &ClaimSheet, folder: &Path) -> Result<ClaimsFindings, StudyError> {
    let table = FigureTable::read(folder)?;
    let claims = sheet.claims.iter().map(|claim| finding(sheet, claim, &table)).collect();
    let header = table.header;
    Ok(ClaimsFindings {
        seed: header.seed,
        repetitions: header.layout.repetitions,
        grid: header.grid,
        data: header.layout.data,
        tool: header.tool,
        claims,
    })
}

fn finding(sheet: &ClaimSheet, claim: &SheetClaim, table: &FigureTable) -> ClaimFinding {
    let mut comparisons = Vec::new();
    if let Some(measure) = &claim.measure {
        let data = table.header.layout.data.iter().enumerate();
        for (number, name) in data.filter(|(_, name)| is_about(claim, name)) {
            let compared = |choice: &BTreeMap<String, String>| {
                compare(sheet, measure, choice, table, (number, name))
            };
            comparisons.extend(measure.choices.iter().map(compared));
        }
    }
    let ruling = match (&claim.without, &claim.measure) {
        (Some(without), _) => without.ruling,
        (None, Some(measure)) => ruling(measure.expect, &comparisons),
        (None, None) => Ruling::Undecided,
    };
    let (mean, mean_interval) = overall(&comparisons).unzip();
    let (mean_interval, name) = (mean_interval.flatten(), claim.name.clone());
    ClaimFinding { name, ruling, mean, mean_interval, comparisons }
}

/// The mean of the comparisons that have figures of every repetition, with its interval over the repetitions.
fn overall(comparisons: &[ClaimComparison]) -> Option<(Estimate, Option<[f64; 2]>)> {
    let most = comparisons.iter().map(|one| one.values.len()).max()?;
    let whole: Vec<&BTreeMap<u64, f64>> =
        comparisons.iter().map(|one| &one.values).filter(|values| values.len() == most).collect();
    let mean_at = |repetition: &u64| {
        let sum: f64 = whole.iter().filter_map(|values| values.get(repetition)).sum();
        sum / whole.len() as f64
    };
    let means: Vec<f64> = whole.first()?.keys().map(mean_at).collect();
    let mean = Estimate::from_repetitions(&means).ok()?;
    Some((mean, mean.interval()))
}

fn is_about(claim: &SheetClaim, data: &String) -> bool {
    claim.data.is_empty() || claim.data.contains(data)
}

fn compare(
    sheet: &ClaimSheet,
    measure: &Measure,
    choice: &BTreeMap<String, String>,
    table: &FigureTable,
    (number, data): (usize, &str),
) -> ClaimComparison {
    let names = FormulaNames { groups: &sheet.groups, choice };
    let left_out =
        measure.only_where.as_ref().and_then(|(text, formula)| {
            match FormulaValues::once(formula, names, number, table, 0) {
                Ok(value) if value < 0.0 => None,
                Ok(_) => Some(format!("not compared, since `{text}` is not below 0")),
                Err(reason) => Some(reason),
            }
        });
    let measured = match left_out {
        Some(reason) => FormulaValues::missing(reason),
        None => FormulaValues::of(&measure.formula, names, number, table),
    };
    let FormulaValues { values, estimate, interval, is_repeated, missing } = measured;
    let side = match (estimate, interval) {
        (None, _) => ClaimSide::Missing,
        (Some(_), Some([low, high])) => side(measure.expect, low, high),
        // a figure without repetitions is a fact about the models at hand
        (Some(estimate), None) if !is_repeated => {
            side(measure.expect, estimate.mean, estimate.mean)
        }
        (Some(_), None) => ClaimSide::Open,
    };
    ClaimComparison {
        data: data.to_owned(),
        choice: choice.clone(),
        missing: missing.filter(|_| side == ClaimSide::Missing),
        values,
        estimate,
        interval,
        side,
    }
}

/// The side of an interval.
fn side(expect: Expect, low: f64, high: f64) -> ClaimSide {
    let (is_for, is_against) = match expect {
        Expect::Positive | Expect::SomePositive => (low > 0.0, high <= 0.0),
        Expect::Negative => (high < 0.0, low >= 0.0),
        Expect::Within(most) => (-most < low && high < most, high <= -most || low >= most),
    };
    match (is_for, is_against) {
        (true, _) => ClaimSide::For,
        (false, true) => ClaimSide::Against,
        (false, false) => ClaimSide::Open,
    }
}

/// The ruling on the comparisons that have figures.
fn ruling(expect: Expect, comparisons: &[ClaimComparison]) -> Ruling {
    let count = |side: ClaimSide| comparisons.iter().filter(|one| one.side == side).count();
    let (fors, againsts, open) =
        (count(ClaimSide::For), count(ClaimSide::Against), count(ClaimSide::Open));
    let all = fors + againsts + open;
    if all == 0 {
        return Ruling::Undecided;
    }
    match expect {
        Expect::SomePositive if is_beyond_chance(fors, all) => Ruling::Supported,
        Expect::SomePositive if againsts == all => Ruling::NotSupported,
        Expect::SomePositive => Ruling::Undecided,
        Expect::Positive | Expect::Negative | Expect::Within(_) => {
            if 3 * fors >= 2 * all {
                Ruling::Supported
            } else if 3 * (fors + open) < 2 * all {
                Ruling::NotSupported
            } else {
                Ruling::Undecided
            }
        }
    }
}

/// True if so many of all intervals lie above 0 with a probability of at most 1% where every true difference is 0.
fn is_beyond_chance(found: usize, all: usize) -> bool {
    let Some(fewer) = found.checked_sub(1) else { return false };
    let by_chance = Binomial::new(0.025, all as u64).expect("a probability and a number");
    1.0 - by_chance.cdf(fewer as u64) <= 0.01
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparisons(fors: usize, againsts: usize, open: usize) -> Vec<ClaimComparison> {
        let one = |side| ClaimComparison {
            data: String::new(),
            choice: BTreeMap::new(),
            values: BTreeMap::new(),
            estimate: None,
            interval: None,
            side,
            missing: None,
        };
        [
            (ClaimSide::For, fors),
            (ClaimSide::Against, againsts),
            (ClaimSide::Open, open),
            (ClaimSide::Missing, 3),
        ]
        .into_iter()
        .flat_map(|(side, count)| std::iter::repeat_n(one(side), count))
        .collect()
    }

    #[test]
    fn two_thirds_decide_and_open_ones_count_for_neither() {
        for (fors, againsts, open, expected) in [
            (2, 1, 0, Ruling::Supported),
            (2, 0, 2, Ruling::Undecided),
            (0, 0, 5, Ruling::Undecided),
            // the open one may make it two thirds
            (1, 1, 1, Ruling::Undecided),
            (1, 2, 0, Ruling::NotSupported),
            (0, 2, 3, Ruling::NotSupported),
            (0, 0, 0, Ruling::Undecided),
        ] {
            let found = ruling(Expect::Positive, &comparisons(fors, againsts, open));
            assert_eq!(found, expected, "{fors} {againsts} {open}");
        }
    }

    #[test]
    fn the_mean_is_over_comparisons_with_every_repetition() {
        let with = |values: &[f64]| ClaimComparison {
            values: (0..).zip(values.iter().copied()).collect(),
            ..comparisons(1, 0, 0).remove(0)
        };
        let all = [with(&[1.0, 2.0]), with(&[3.0, 6.0]), with(&[100.0]), with(&[])];
        let (mean, interval) = overall(&all).unwrap();
        assert_eq!((mean.mean, mean.n), (3.0, 2));
        let [low, high] = interval.unwrap();
        assert!((low + high - 6.0).abs() < 1e-9 && low < 2.0, "{low} {high}");
        assert_eq!(overall(&[with(&[])]), None);
        assert_eq!(overall(&[]), None);
    }

    #[test]
    fn studies_that_disagree_decide_nothing() {
        use Ruling::{NotSupported, Supported, Undecided};
        assert_eq!(Ruling::of_all([Supported, Supported]), Supported);
        assert_eq!(Ruling::of_all([Supported, NotSupported]), Undecided);
        assert_eq!(Ruling::of_all([NotSupported]), NotSupported);
        assert_eq!(Ruling::of_all([]), Undecided);
    }

    #[test]
    fn one_case_in_many_is_chance() {
        let found = |fors, againsts| ruling(Expect::SomePositive, &comparisons(fors, againsts, 0));
        assert_eq!(found(1, 40), Ruling::Undecided);
        assert_eq!(found(5, 36), Ruling::Supported);
        assert_eq!(found(0, 41), Ruling::NotSupported);
    }

    #[test]
    fn ends_at_the_limit_are_not_for_a_claim() {
        let sides = |expect| {
            [(0.0, 1.0), (0.1, 1.0), (-1.0, 0.0), (-1.0, 1.0)].map(|(l, h)| side(expect, l, h))
        };
        use ClaimSide::{Against, For, Open};
        assert_eq!(sides(Expect::Positive), [Open, For, Against, Open]);
        assert_eq!(sides(Expect::Negative), [Against, Against, Open, Open]);
        assert_eq!(side(Expect::Within(0.5), -0.5, 0.4), Open);
        assert_eq!(side(Expect::Within(0.5), -0.4, 0.4), For);
        assert_eq!(side(Expect::Within(0.5), 0.5, 0.6), Against);
    }
}
