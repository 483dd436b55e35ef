//! The rows of the tables, from results.

use std::collections::BTreeMap;

use crate::defend::ChangedElsewhere;
use crate::report::{CertificateReport, Counts, Difference, Estimate, Share};
use crate::steal::{ChosenBy, Figures, Inference, Repetition, Scores};

use super::super::StudyError;
use super::super::cell::Cell;
use super::super::line::{DefendedCell, MeasuredCell, ResultLine, StolenCell};
use super::growing::TableEntry;

/// One attack behind one defense, with its repetitions so far.
pub(super) struct Group {
    pub(super) cell: Cell,
    pub(super) attack: usize,
    pub(super) first: StolenCell,
    pub(super) repetitions: Vec<(u64, Repetition)>,
}

/// The columns of a certificate behind its names.
pub(super) fn certified(report: &CertificateReport) -> Vec<TableEntry> {
    let counts = report.counts;
    // rounded outward, as everywhere
    let text = |end: Option<String>| end.map_or(TableEntry::Nothing, TableEntry::Text);
    let share = |count: u64| Share::new(count, counts.n());
    let of_distinct = |count: &dyn Fn(&Counts) -> u64| {
        report.distinct.as_ref().map_or(TableEntry::Nothing, |all| TableEntry::Count(count(all)))
    };
    let sampled = report.sampled.as_ref().and_then(|sampled| sampled.satisfied.ratio());
    vec![
        report.claim.property.as_str().into(),
        report.claim.parameters.as_str().into(),
        report.semantics.as_str().into(),
        report.part.as_deref().unwrap_or_default().into(),
        TableEntry::Count(counts.n()),
        TableEntry::Count(counts.proved),
        TableEntry::Count(counts.refuted),
        TableEntry::Count(counts.undecided),
        TableEntry::Count(counts.vacuous),
        TableEntry::Count(counts.invalid),
        text(share(counts.proved).lower()),
        text(share(counts.n() - counts.refuted).upper()),
        TableEntry::Count(proved_by_bounds(report)),
        of_distinct(&|all| all.n()),
        of_distinct(&|all| all.proved),
        of_distinct(&|all| all.refuted),
        sampled.into(),
        report.checked.to_string().as_str().into(),
    ]
}

/// Obligations that a rule of bounds proves; `jumps` and `tree-pairs` count as case distinctions, even of one case.
fn proved_by_bounds(report: &CertificateReport) -> u64 {
    const OTHERS: [&str; 6] =
        ["none", "split", "jumps", "tree-pairs", "all-pairs", "counterexample"];
    let by_bounds = report.closed_by.iter().filter(|(rule, _)| !OTHERS.contains(&rule.as_str()));
    by_bounds.map(|(_, count)| count).sum()
}

/// The columns of a model behind its names.
pub(super) fn model_row(line: &ResultLine, measured: &MeasuredCell) -> Vec<TableEntry> {
    vec![
        measured.family.as_str().into(),
        measured.size.as_str().into(),
        line.model.map_or(TableEntry::Nothing, |digest| TableEntry::Text(digest.to_string())),
        TableEntry::Count(measured.accuracy.count),
        TableEntry::Count(measured.accuracy.of),
        TableEntry::Real(measured.f1),
        measured.auc.into(),
        TableEntry::Real(measured.log_loss),
        measured.membership.into(),
        TableEntry::Nothing,
        TableEntry::Nothing,
        TableEntry::Nothing,
        TableEntry::Nothing,
        TableEntry::Nothing,
        TableEntry::Nothing,
    ]
}

/// The columns of a defended model behind its names.
pub(super) fn defense_row(line: &ResultLine, defended: &DefendedCell) -> Vec<TableEntry> {
    let away = |set: fn(&ChangedElsewhere) -> Share| {
        defended.elsewhere.as_ref().and_then(|one| set(one).ratio()).into()
    };
    vec![
        TableEntry::Nothing,
        TableEntry::Nothing,
        line.model.map_or(TableEntry::Nothing, |digest| TableEntry::Text(digest.to_string())),
        TableEntry::Count(defended.accuracy_after.count),
        TableEntry::Count(defended.accuracy_after.of),
        defended.f1_after.into(),
        TableEntry::Nothing,
        TableEntry::Nothing,
        defended.membership.into(),
        defended.strength.as_str().into(),
        TableEntry::Count(defended.label_flips.count),
        TableEntry::Real(defended.posterior_shift),
        away(|one| one.uniform),
        away(|one| one.shuffled),
        away(|one| one.far),
    ]
}

/// The best of the attacks on one model behind one defense: what a thief gets who may choose.
pub(super) struct BestAttack {
    cell: Cell,
    attacks: u64,
    first: (String, f64),
    best: (String, f64),
}

impl BestAttack {
    /// The first attack, with its mean agreement on held-out rows.
    pub(super) fn new(cell: Cell, attack: &str, heldout: f64) -> Self {
        let first = (attack.to_owned(), heldout);
        Self { cell, attacks: 1, best: first.clone(), first }
    }

    /// True if an attack of this cell is one of them.
    pub(super) fn is_of(&self, cell: &Cell) -> bool {
        let place = |cell: &Cell| (cell.data, cell.model, cell.defense);
        place(&self.cell) == place(cell)
    }

    /// Hears of another attack.
    pub(super) fn take(&mut self, attack: &str, heldout: f64) {
        self.attacks += 1;
        if heldout > self.best.1 {
            self.best = (attack.to_owned(), heldout);
        }
    }

    /// A cell of it.
    pub(super) fn cell(&self) -> &Cell {
        &self.cell
    }

    /// The columns behind the names.
    pub(super) fn row(self) -> Vec<TableEntry> {
        let ((best, heldout), (first, beside)) = (self.best, self.first);
        vec![
            TableEntry::Count(self.attacks),
            TableEntry::Text(best),
            TableEntry::Real(heldout),
            TableEntry::Text(first),
            TableEntry::Real(beside),
        ]
    }
}

/// ScorePairs of scores, one per repetition.
pub(super) type ScorePairs = Vec<(Scores, Scores)>;

impl Group {
    /// Means over the repetitions.
    pub(super) fn row(&self) -> Result<Vec<TableEntry>, StudyError> {
        let figures: Vec<Figures> = self.repetitions.iter().map(|(_, one)| one.attack).collect();
        let sum =
            |value: &dyn Fn(&Figures) -> usize| figures.iter().map(value).sum::<usize>() as u64;
        let mut row = vec![
            TableEntry::Count(figures.len() as u64),
            TableEntry::Count(self.first.budget),
            TableEntry::Count(self.first.seeds),
            TableEntry::Count(sum(&|one| one.queries)),
            TableEntry::Count(sum(&|one| one.inferred)),
            TableEntry::Count(sum(&|one| one.wrong)),
        ];
        for set in SETS {
            let values: Option<Vec<f64>> = figures.iter().map(|one| set(&one.scores)).collect();
            let estimate = values.map(|values| Estimate::from_repetitions(&values)).transpose()?;
            row.push(estimate.map(|estimate| estimate.mean).into());
            row.push(estimate.and_then(|estimate| estimate.sd).into());
        }
        for value in [|one: &Figures| one.scores.mse, |one: &Figures| one.scores.f1] {
            let values: Vec<f64> = figures.iter().map(value).collect();
            row.push(TableEntry::Real(Estimate::from_repetitions(&values)?.mean));
        }
        row.push(self.chosen_by().map_or(TableEntry::Nothing, |by| by.name().into()));
        Ok(row)
    }

    /// The figure that chose a parameter of the attack, if one was chosen.
    pub(super) fn chosen_by(&self) -> Option<ChosenBy> {
        self.repetitions.iter().find_map(|(_, one)| one.chosen).map(|chosen| chosen.by)
    }

    /// Mean agreement on held-out rows.
    pub(super) fn heldout(&self) -> Result<f64, StudyError> {
        let values: Vec<f64> =
            self.repetitions.iter().map(|(_, one)| one.attack.scores.agreement.held_out).collect();
        Ok(Estimate::from_repetitions(&values)?.mean)
    }

    /// The runs that the attack is compared with. Repetitions without a partner are left out.
    pub(super) fn compared(
        &self,
        open: &BTreeMap<(usize, u64), Scores>,
    ) -> Vec<(&'static str, ScorePairs)> {
        let pairs = |other: &dyn Fn(u64, &Repetition) -> Option<Scores>| -> ScorePairs {
            let pair = |(at, one): &(u64, Repetition)| {
                other(*at, one).map(|other| (one.attack.scores, other))
            };
            self.repetitions.iter().filter_map(pair).collect()
        };
        let mut compared = Vec::new();
        if self.first.inference != Inference::None.name() {
            compared
                .push(("every label paid", pairs(&|_, one| Some(one.without_inference.scores))));
            compared.push((
                "every label paid, equal steps",
                pairs(&|_, one| one.same_steps.map(|figures| figures.scores)),
            ));
        }
        if self.cell.defense.is_some() {
            let attack = self.attack;
            compared.push(("no defense", pairs(&|at, _| open.get(&(attack, at)).copied())));
        }
        compared
    }
}

/// Agreement on held-out rows, uniform points and points next to the boundary.
const SETS: [fn(&Scores) -> Option<f64>; 3] = [
    |scores| Some(scores.agreement.held_out),
    |scores| Some(scores.agreement.uniform),
    |scores| scores.agreement.boundary,
];

/// Mean paired differences of agreement with their 95% Student-t intervals.
pub(super) fn differences(pairs: &ScorePairs) -> Result<Vec<TableEntry>, StudyError> {
    let mut row = Vec::new();
    for set in SETS {
        let of = |side: fn(&(Scores, Scores)) -> &Scores| -> Option<Vec<f64>> {
            pairs.iter().map(|pair| set(side(pair))).collect()
        };
        let difference = match (of(|pair| &pair.0), of(|pair| &pair.1)) {
            (Some(one), Some(other)) => Some(Difference::from_pairs(&one, &other)?),
            _ => None,
        };
        let interval = difference.and_then(|difference| difference.interval);
        row.push(difference.map(|difference| difference.mean).into());
        row.push(interval.map(|[low, _]| low).into());
        row.push(interval.map(|[_, high]| high).into());
    }
    Ok(row)
}
