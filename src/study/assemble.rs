//! The report over lines of results: cells of one model become one entry.

use std::collections::BTreeSet;

use crate::model::{DataSet, Digest, Part};
use crate::report::{
    AttackReport, Baseline, BestThieves, CertificateReport, DataSummary, DefendedAttack,
    DefenseReport, Difference, Estimate, MeanAngles, ModelReport, Paired, PartRows, PerSet,
    StillProved,
};
use crate::steal::{Figures, Repetition, Scores};

use super::StudyError;
use super::cell::{Cell, Layout, Work};
use super::line::{CellAngles, CellResult, CertifiedCell, MeasuredCell, ResultLine, StolenCell};

/// The lines of one model on one data set, in the order of cells.
pub(super) struct ModelLines<'a> {
    pub(super) layout: &'a Layout,
    pub(super) lines: &'a [(Cell, ResultLine)],
}

/// The entry of a model over its lines on one data set; `None` if it was not measured.
///
/// # Errors
/// Figures that cannot be put together, as of a target without a boundary.
pub fn model_report(
    layout: &Layout,
    lines: &[(Cell, ResultLine)],
) -> Result<Option<ModelReport>, StudyError> {
    ModelLines { layout, lines }.report()
}

/// An attack with the repetitions that were run behind one defense, or behind none.
struct Attacked<'a> {
    name: &'a str,
    first: &'a StolenCell,
    repetitions: Vec<Repetition>,
    /// Angles of gradients, of the repetitions that have them.
    angles: Vec<CellAngles>,
}

impl<'a> ModelLines<'a> {
    /// The entry of the model; `None` if it was not measured, as where its training is left out.
    pub(super) fn report(&self) -> Result<Option<ModelReport>, StudyError> {
        let Some((cell, line, measured)) = self.measured() else { return Ok(None) };
        let attacked = self.attacked(None);
        let certificates = self.certified(None).map(|(_, one)| one.report.clone()).collect();
        let mut defenses = Vec::new();
        for defense in 0..self.layout.defenses.len() {
            defenses.extend(self.defense(defense, &attacked)?);
        }
        let attacks = attacked.iter().map(attack_report);
        let MeasuredCell { family, size, accuracy, f1, radii, gives_away, .. } = measured.clone();
        Ok(Some(ModelReport {
            name: self.layout.models.get(cell.model).cloned().unwrap_or_default(),
            family,
            size,
            file: Some(self.layout.model_file(cell)),
            digest: line.model.map(|digest| digest.to_string()),
            accuracy,
            f1,
            baselines: baselines(&attacked)?,
            attacks: attacks.collect::<Result<_, _>>()?,
            gives_away,
            radii,
            certificates,
            defenses,
            audited: None,
        }))
    }

    fn measured(&self) -> Option<(&'a Cell, &'a ResultLine, &'a MeasuredCell)> {
        self.lines.iter().find_map(|(cell, line)| match &line.result {
            CellResult::Measured(measured) => Some((cell, line, measured.as_ref())),
            _ => None,
        })
    }

    /// The certificates behind a defense, each with the number of its property.
    fn certified(
        &self,
        defense: Option<usize>,
    ) -> impl Iterator<Item = (usize, &'a CertifiedCell)> + use<'a> {
        self.lines.iter().filter(move |(cell, _)| cell.defense == defense).filter_map(
            |(cell, line)| match (cell.work, &line.result) {
                (Work::Certify { property }, CellResult::Certified(one)) => {
                    Some((property, one.as_ref()))
                }
                _ => None,
            },
        )
    }

    /// The attacks behind a defense; one without figures is left out.
    fn attacked(&self, defense: Option<usize>) -> Vec<Attacked<'a>> {
        let layout = self.layout;
        let mut attacked: Vec<(usize, Attacked)> = Vec::new();
        for (cell, line) in self.lines.iter().filter(|(cell, _)| cell.defense == defense) {
            let (Work::Steal { attack, .. }, CellResult::Stolen(stolen)) =
                (cell.work, &line.result)
            else {
                continue;
            };
            match attacked.last_mut().filter(|(last, _)| *last == attack) {
                Some((_, one)) => {
                    one.repetitions.push(stolen.figures);
                    one.angles.extend(stolen.angles);
                }
                None => {
                    let name = layout.attacks.get(attack).map_or("", String::as_str);
                    let repetitions = vec![stolen.figures];
                    let angles = stolen.angles.into_iter().collect();
                    attacked.push((attack, Attacked { name, first: stolen, repetitions, angles }));
                }
            }
        }
        attacked.into_iter().map(|(_, one)| one).collect()
    }

    /// The entry of a defense: its costs, the certificates it keeps, and the losses it causes to thieves. `None` if
    /// there is no such defense of this model.
    fn defense(
        &self,
        defense: usize,
        open: &[Attacked],
    ) -> Result<Option<DefenseReport>, StudyError> {
        let behind = self.lines.iter().filter(|(cell, _)| cell.defense == Some(defense));
        let mut measured = behind.filter_map(|(cell, line)| match &line.result {
            CellResult::Defended(defended) => Some((cell, defended.as_ref())),
            _ => None,
        });
        let Some((cell, effect)) = measured.next() else { return Ok(None) };
        let mut pairs = Vec::new();
        for closed in self.attacked(Some(defense)) {
            let before = open.iter().find(|one| one.name == closed.name);
            pairs.extend(before.map(|before| (before, closed)));
        }
        let attacks = pairs.iter().map(|(before, closed)| decrease(before, closed));
        Ok(Some(DefenseReport {
            kind: effect.kind.clone(),
            strength: effect.strength.clone(),
            chosen: effect.chosen.clone(),
            file: self.layout.defense_file(cell),
            digest: Some(effect.defense.to_string()),
            accuracy_before: effect.accuracy_before,
            accuracy_after: effect.accuracy_after,
            label_flips: effect.label_flips,
            posterior_shift: Some(effect.posterior_shift),
            certificates: self.still_proved(defense),
            attacks: attacks.collect::<Result<_, _>>()?,
            best: best_thieves(&pairs)?,
        }))
    }

    fn still_proved(&self, defense: usize) -> Vec<StillProved> {
        let before: Vec<(usize, &CertifiedCell)> = self.certified(None).collect();
        let pair = |(property, after): (usize, &CertifiedCell)| {
            let (_, before) = before.iter().find(|(other, _)| *other == property)?;
            let after: &CertificateReport = &after.report;
            Some(StillProved {
                claim: before.report.claim.clone(),
                before: before.report.counts,
                after: after.counts,
                checked: after.checked,
                file: after.file.clone(),
            })
        };
        self.certified(Some(defense)).filter_map(pair).collect()
    }
}

/// Results of a thief without an attack: of the first attack, and of the first that starts from rows.
fn baselines(attacked: &[Attacked]) -> Result<Vec<Baseline>, StudyError> {
    let mut baselines = Vec::new();
    for Attacked { first, repetitions, .. } in attacked {
        if baselines.is_empty() {
            let majority: Vec<Scores> = repetitions.iter().map(|r| r.majority).collect();
            baselines.push(baseline("majority class", &majority)?);
        }
        let seeds_only: Option<Vec<Scores>> = repetitions.iter().map(|r| r.seeds_only).collect();
        if let (Some(scores), 1) = (seeds_only, baselines.len()) {
            baselines.push(baseline(&format!("{} seeds only", first.seeds), &scores)?);
        }
    }
    Ok(baselines)
}

/// The figures of one attack, with its paired comparisons.
fn attack_report(attacked: &Attacked) -> Result<AttackReport, StudyError> {
    let Attacked { name, first: attack, repetitions, angles } = attacked;
    let figures: Vec<Figures> = repetitions.iter().map(|r| r.attack).collect();
    let scores: Vec<Scores> = figures.iter().map(|f| f.scores).collect();
    let sum = |value: &dyn Fn(&Figures) -> u64| figures.iter().map(value).sum();
    let versus = if attack.inference == crate::steal::Inference::None.name() {
        Vec::new()
    } else {
        versus(&scores, repetitions)?
    };
    Ok(AttackReport {
        name: (*name).to_owned(),
        generator: attack.generator.clone(),
        inference: attack.inference.clone(),
        budget: attack.budget,
        seeds: attack.seeds,
        repetitions: repetitions.len() as u64,
        asked: sum(&|f| f.queries as u64),
        inferred_free: sum(&|f| f.inferred as u64),
        inferred_wrong: sum(&|f| f.wrong as u64),
        gradient_steps: sum(&|f| f.steps),
        agreement: estimates(&scores)?,
        mse: estimate(&scores, |s| s.mse)?,
        f1: estimate(&scores, |s| s.f1)?,
        versus,
        angles: mean_angles(angles)?,
    })
}

/// The means of angles over the repetitions that have them.
fn mean_angles(angles: &[CellAngles]) -> Result<Option<MeanAngles>, StudyError> {
    let of = |angle: fn(&CellAngles) -> Option<f64>| angles.iter().filter_map(angle).collect();
    let (first, all): (Vec<f64>, Vec<f64>) = (of(|one| one.first), of(|one| one.all));
    if first.is_empty() || all.is_empty() {
        return Ok(None);
    }
    let [first, all] = [first, all].map(|values| Estimate::from_repetitions(&values));
    Ok(Some(MeanAngles { first: first?, all: all? }))
}

/// The attack beside comparable runs.
fn versus(scores: &[Scores], repetitions: &[Repetition]) -> Result<Vec<Paired>, StudyError> {
    let mut versus: Vec<Paired> = Vec::new();
    for (reference, other) in [
        (
            "same attack, every label paid",
            &(|r: &Repetition| Some(r.without_inference))
                as &dyn Fn(&Repetition) -> Option<Figures>,
        ),
        ("every label paid, equal steps", &|r: &Repetition| r.same_steps),
    ] {
        let others: Option<Vec<Scores>> =
            repetitions.iter().map(|r| other(r).map(|figures| figures.scores)).collect();
        // a repetition whose steps could not be made equal has no partner
        let Some(others) = others else { continue };
        let agreement = differences(scores, &others)?;
        // boosting takes no gradient steps, so holding them equal gives the same figures again
        if versus.iter().any(|paired| paired.agreement == agreement) {
            continue;
        }
        versus.push(Paired { reference: reference.to_owned(), agreement });
    }
    Ok(versus)
}

/// The agreement that a defense takes from an attack, paired by repetition.
fn decrease(open: &Attacked, closed: &Attacked) -> Result<DefendedAttack, StudyError> {
    let scores =
        |runs: &[Repetition]| -> Vec<Scores> { runs.iter().map(|r| r.attack.scores).collect() };
    let (before, after) = (scores(&open.repetitions), scores(&closed.repetitions));
    Ok(DefendedAttack {
        attack: closed.name.to_owned(),
        before: estimates(&before)?,
        after: estimates(&after)?,
        decrease: differences(&before, &after)?,
    })
}

/// The best thief without a defense beside the best with it, paired by repetition: repetitions of different attacks
/// share their seeds too. `None` where there are no attacks, or not equally many repetitions.
fn best_thieves(pairs: &[(&Attacked, Attacked)]) -> Result<Option<BestThieves>, StudyError> {
    let heldout = |attacked: &Attacked| -> Vec<f64> {
        attacked.repetitions.iter().map(|run| run.attack.scores.agreement.held_out).collect()
    };
    let before = best(pairs.iter().map(|(open, _)| (open.name, heldout(open))))?;
    let after = best(pairs.iter().map(|(_, closed)| (closed.name, heldout(closed))))?;
    let (Some(before), Some(after)) = (before, after) else { return Ok(None) };
    let decrease = Difference::from_pairs(&before.1, &after.1).ok();
    let pair =
        |decrease| BestThieves { before: before.0.to_owned(), after: after.0.to_owned(), decrease };
    Ok(decrease.map(pair))
}

/// The attack with the largest mean, of equal ones the first, with its agreement in every repetition.
fn best<'n>(
    attacks: impl Iterator<Item = (&'n str, Vec<f64>)>,
) -> Result<Option<(&'n str, Vec<f64>)>, StudyError> {
    let mut best: Option<(f64, (&str, Vec<f64>))> = None;
    for (name, values) in attacks {
        let mean = Estimate::from_repetitions(&values)?.mean;
        if best.as_ref().is_none_or(|(most, _)| mean > *most) {
            best = Some((mean, (name, values)));
        }
    }
    Ok(best.map(|(_, best)| best))
}

fn baseline(name: &str, scores: &[Scores]) -> Result<Baseline, StudyError> {
    Ok(Baseline {
        name: name.to_owned(),
        agreement: estimates(scores)?,
        mse: estimate(scores, |s| s.mse)?,
        f1: estimate(scores, |s| s.f1)?,
    })
}

fn estimate(scores: &[Scores], value: impl Fn(&Scores) -> f64) -> Result<Estimate, StudyError> {
    let values: Vec<f64> = scores.iter().map(value).collect();
    Ok(Estimate::from_repetitions(&values)?)
}

/// Agreement on the three sets. A target without a boundary is an error, since the third set needs one.
fn agreement(scores: &[Scores]) -> Result<[Vec<f64>; 3], StudyError> {
    let boundary: Option<Vec<f64>> = scores.iter().map(|s| s.agreement.boundary).collect();
    Ok([
        scores.iter().map(|s| s.agreement.held_out).collect(),
        scores.iter().map(|s| s.agreement.uniform).collect(),
        boundary.ok_or(StudyError::NoBoundary)?,
    ])
}

fn estimates(scores: &[Scores]) -> Result<PerSet<Estimate>, StudyError> {
    let [heldout, uniform, boundary] = agreement(scores)?;
    let estimate = |values: Vec<f64>| Estimate::from_repetitions(&values);
    Ok(PerSet {
        heldout: estimate(heldout)?,
        uniform: estimate(uniform)?,
        boundary: estimate(boundary)?,
    })
}

fn differences(a: &[Scores], b: &[Scores]) -> Result<PerSet<Difference>, StudyError> {
    let ([heldout, uniform, boundary], [other_heldout, other_uniform, other_boundary]) =
        (agreement(a)?, agreement(b)?);
    Ok(PerSet {
        heldout: Difference::from_pairs(&heldout, &other_heldout)?,
        uniform: Difference::from_pairs(&uniform, &other_uniform)?,
        boundary: Difference::from_pairs(&boundary, &other_boundary)?,
    })
}

/// The data set of a run.
pub fn summarise(data: &DataSet) -> DataSummary {
    let rows = |part| data.part(part).len() as u64;
    let all = || Part::ALL.into_iter().flat_map(|part| data.part(part));
    let class_rows = (0..data.classes())
        .map(|class| all().filter(|row| row.label == class).count() as u64)
        .collect();
    let seen: BTreeSet<Digest> = [Part::Train, Part::Validation]
        .into_iter()
        .flat_map(|part| data.part(part))
        .map(|row| row.key)
        .collect();
    let repeated = data.part(Part::Test).iter().filter(|row| seen.contains(&row.key)).count();
    DataSummary {
        name: data.meta().name.clone(),
        digest: Some(data.digest().to_string()),
        synthetic: data.meta().synthetic,
        source: data.meta().source.clone().unwrap_or_default(),
        features: data.meta().features.len() as u64,
        class_rows,
        rows: PartRows {
            train: rows(Part::Train),
            validation: rows(Part::Validation),
            test: rows(Part::Test),
            auxiliary: rows(Part::Auxiliary),
        },
        repeated_in_test: repeated as u64,
    }
}
