//! The consumers of certificates inside a study: attacks and defenses, and the facts that certificates give away.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::certificate::Proved;
use crate::defend::{choose_poisoning, effect};
use crate::defense::Defense;
use crate::model::{DataSet, Digest, Model, Part, Row};
use crate::report::{
    AttackReport, Baseline, CertificateReport, DefendedAttack, DefenseReport, Difference, Estimate,
    GivesAway, Paired, PerSet, PropertyName, SettledCurve, SettledPoint, Share, StillProved,
};
use crate::spec::Aim;
use crate::steal::{
    AttackName, AttackSpec, Classifier, Evaluation, Figures, Generator, Repetition, Scene, Scores,
    ValidBox, run, settled,
};

use super::{Plan, StudyError};

/// Points of each reference set when labels are settled.
const REFERENCE: usize = 500;
/// Most held-out rows on which agreement is measured.
const HELD_OUT: usize = 2000;
/// Uniform points and bisected pairs of an evaluation.
const EVALUATION: usize = 1000;

/// A target with everything that the attacks on it share.
pub(super) struct Target<'a> {
    pub(super) data: &'a DataSet,
    pub(super) digest: Digest,
    pub(super) valid: ValidBox,
    pub(super) evaluation: Evaluation<'a>,
    /// Proofs given to a thief: around its own rows, and of monotone order.
    pub(super) proved: Vec<Proved>,
}

impl<'a> Target<'a> {
    pub(super) fn new(
        model: &'a Model,
        digest: Digest,
        data: &'a DataSet,
        proved: Vec<Proved>,
        seed: u64,
    ) -> Result<Self, StudyError> {
        let valid = ValidBox::new(&model.schema);
        let (training, test) = (data.part(Part::Train), data.part(Part::Test));
        let held_out = test.get(..HELD_OUT).unwrap_or(test);
        let evaluation = Evaluation::new(model, training, held_out, &valid, EVALUATION, seed)?;
        Ok(Self { data, digest, valid, evaluation, proved })
    }

    fn model(&self) -> &'a Model {
        self.evaluation.target()
    }

    fn scene<'b>(&'b self, defense: Option<&'b Defense>, proved: &'b [Proved]) -> Scene<'b> {
        Scene {
            evaluation: &self.evaluation,
            defense,
            pool: self.data.part(Part::Auxiliary),
            valid: &self.valid,
            proved,
            proofs_about: defense,
        }
    }

    /// F1 of the target itself on held-out rows.
    pub(super) fn f1(&self) -> f64 {
        self.evaluation.scores(&Classifier::Model(Box::new(self.model().clone()))).f1
    }

    /// Correct labels of the undefended model on test rows.
    pub(super) fn accuracy(&self) -> Share {
        let test = self.data.part(Part::Test);
        let correct = test.iter().filter(|row| self.model().label(&row.values) == row.label);
        Share::new(correct.count() as u64, test.len() as u64)
    }
}

/// The attacks of a plan, by name.
fn attacks(target: &Target, plan: &Plan) -> Result<Vec<(String, AttackSpec)>, StudyError> {
    let random = AttackSpec { queries: plan.budget, ..AttackSpec::new(AttackName::Random) };
    let thief = AttackSpec {
        queries: plan.budget,
        seed_rows: plan.seeds.min(target.data.part(Part::Auxiliary).len()),
        generator: Generator::Neighbour { radius: plan.radius() },
        ..AttackSpec::new(AttackName::MaskedThief)
    };
    let mut attacks = vec![
        ("random-uniform".to_owned(), random),
        ("masked-thief-certified".to_owned(), thief.clone()),
    ];
    let is_monotone = |proved: &Proved| {
        let aim = proved.obligation().claim.pair().map(|pair| &pair.aim);
        matches!(aim, Some(Aim::Order { .. }))
    };
    if target.proved.iter().any(is_monotone) {
        let along = AttackSpec { generator: Generator::Along { radius: 2.0 }, ..thief };
        attacks.push(("masked-thief-along".to_owned(), along));
    }
    Ok(attacks)
}

/// Attacks and baselines of one target.
pub(super) struct Stolen {
    pub(super) attacks: Vec<AttackReport>,
    pub(super) baselines: Vec<Baseline>,
    /// The runs behind the reports, for comparison with the runs through a defense.
    runs: Vec<(String, AttackSpec, Vec<Repetition>)>,
}

/// A defense with the certificates of the model behind it.
pub(super) struct Defended<'a> {
    pub(super) chosen: &'a Chosen,
    /// The defense file.
    pub(super) file: &'a str,
    /// Certificates before and after.
    pub(super) still: Vec<(CertificateReport, CertificateReport)>,
    /// Proofs about the defended target that are given to a thief.
    pub(super) proved: Vec<Proved>,
}

/// Runs every attack of the plan.
pub(super) fn steal(target: &Target, plan: &Plan) -> Result<Stolen, StudyError> {
    let mut stolen = Stolen { attacks: Vec::new(), baselines: Vec::new(), runs: Vec::new() };
    for (name, attack) in attacks(target, plan)? {
        let scene = target.scene(None, &target.proved);
        let repetitions = run(&scene, &attack, plan.repetitions, plan.seed)?;
        if stolen.baselines.is_empty() {
            let majority: Vec<Scores> = repetitions.iter().map(|r| r.majority).collect();
            stolen.baselines.push(baseline("majority class", &majority)?);
        }
        let seeds_only: Option<Vec<Scores>> = repetitions.iter().map(|r| r.seeds_only).collect();
        if let (Some(scores), 1) = (seeds_only, stolen.baselines.len()) {
            let name = format!("{} seeds only", attack.seed_rows);
            stolen.baselines.push(baseline(&name, &scores)?);
        }
        stolen.attacks.push(attack_report(&name, &attack, &repetitions)?);
        stolen.runs.push((name, attack, repetitions));
    }
    Ok(stolen)
}

/// The figures of one attack, with its paired comparisons.
pub(super) fn attack_report(
    name: &str,
    attack: &AttackSpec,
    repetitions: &[Repetition],
) -> Result<AttackReport, StudyError> {
    let figures: Vec<Figures> = repetitions.iter().map(|r| r.attack).collect();
    let scores: Vec<Scores> = figures.iter().map(|f| f.scores).collect();
    let sum = |value: &dyn Fn(&Figures) -> u64| figures.iter().map(value).sum();
    let mut versus = Vec::new();
    if attack.inference != crate::steal::Inference::None {
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
            let agreement = differences(&scores, &others)?;
            // boosting takes no gradient steps, so holding them equal gives the same figures again
            if versus.iter().any(|paired: &Paired| paired.agreement == agreement) {
                continue;
            }
            versus.push(Paired { reference: reference.to_owned(), agreement });
        }
    }
    Ok(AttackReport {
        name: name.to_owned(),
        generator: generator_text(&attack.generator),
        inference: attack.inference.name().to_owned(),
        budget: attack.queries as u64,
        seeds: attack.seed_rows as u64,
        repetitions: repetitions.len() as u64,
        asked: sum(&|f| f.queries as u64),
        inferred_free: sum(&|f| f.inferred as u64),
        inferred_wrong: sum(&|f| f.wrong as u64),
        gradient_steps: sum(&|f| f.steps),
        agreement: estimates(&scores)?,
        mse: estimate(&scores, |s| s.mse)?,
        f1: estimate(&scores, |s| s.f1)?,
        versus,
    })
}

fn generator_text(generator: &Generator) -> String {
    match generator {
        Generator::Uniform { radius } => format!("uniform, r {radius}"),
        Generator::Gaussian { sigma, .. } => format!("gaussian, s {sigma}"),
        Generator::Neighbour { radius } => format!("neighbour of a known point, r {radius}"),
        Generator::Along { radius } => format!("along proved order, r {radius}"),
    }
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

/// The facts that publishing the certificates gives away: labels of published rows
/// without any query, and the part of two reference sets that a few paid queries settle.
pub(super) fn gives_away(
    target: &Target,
    published: &CertificateReport,
    proved: &[Proved],
    plan: &Plan,
) -> GivesAway {
    let counts = published.counts;
    let n = counts.n() + counts.invalid;
    let test = target.data.part(Part::Test);
    let rows: Vec<Vec<f64>> = test.iter().take(REFERENCE).map(|row| row.values.clone()).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    rng.set_stream(REFERENCE as u64);
    let uniform: Vec<Vec<f64>> = (0..REFERENCE).map(|_| target.valid.uniform(&mut rng)).collect();
    let curve = |reference: String, points: &[Vec<f64>]| SettledCurve {
        claim: PropertyName::new("all certificates", "local invariance and monotonicity"),
        reference,
        how: "greedy, in hindsight: each query where it settles most".to_owned(),
        points: settled_points(target.model(), points, proved, &[1, 10, 50, plan.budget]),
    };
    GivesAway {
        published: Share::new(counts.proved, n),
        published_how: format!(
            "a row proved for its true label ({}, {}) tells the target's label there, no query needed",
            published.claim.property, published.claim.parameters
        ),
        settled: vec![
            curve(format!("the first {} test rows", rows.len()), &rows),
            curve(format!("{REFERENCE} points, uniform on the domain"), &uniform),
        ],
    }
}

/// The points that so many queries settle, with the certificates and without them.
fn settled_points(
    model: &Model,
    points: &[Vec<f64>],
    proved: &[Proved],
    queries: &[usize],
) -> Vec<SettledPoint> {
    let most = queries.iter().copied().max().unwrap_or(0);
    let with = settled(model, points, proved, most);
    let alone = settled(model, points, &[], most);
    let point = |&queries: &usize| {
        let found = with.at(queries);
        let alone = alone.at(found.queries);
        let share = |settled: usize| Share::new(settled as u64, found.total as u64);
        SettledPoint {
            queries: found.queries as u64,
            settled: share(found.settled),
            by_answers_alone: share(alone.settled),
            wrong: found.wrong as u64,
        }
    };
    queries.iter().map(point).collect()
}

/// A defense, with the way it was chosen.
pub(super) struct Chosen {
    pub(super) defense: Defense,
    pub(super) how: String,
    pub(super) strength: String,
}

/// Prediction poisoning as strong as one accuracy point on validation rows allows; `None` where even the
/// weakest poisoning costs more.
pub(super) fn choose(target: &Target) -> Result<Option<Chosen>, StudyError> {
    let choice = choose_poisoning(target.model(), target.data.part(Part::Validation), 1.0)?;
    if choice.is_identity() {
        return Ok(None);
    }
    let strength = format!("alpha {}", choice.alpha);
    let defense = Defense::prediction_poisoning(target.digest, choice.alpha)
        .map_err(crate::defend::DefendError::from)?;
    let percent = |accuracy: f64| format!("{:.1}%", 100.0 * accuracy);
    let how = format!(
        "largest that costs at most one accuracy point on validation rows, {} → {} there",
        percent(choice.accuracy_before),
        percent(choice.accuracy_after)
    );
    Ok(Some(Chosen { defense, how, strength }))
}

/// The costs of the defense, the certificates it keeps, and the losses it causes to thieves.
pub(super) fn defense_report(
    target: &Target,
    defended: Defended,
    stolen: &Stolen,
    plan: &Plan,
) -> Result<DefenseReport, StudyError> {
    let Defended { chosen, file, still, proved } = defended;
    let test = target.data.part(Part::Test);
    let effect = effect(target.model(), &chosen.defense, test)?;
    let share =
        |part: f64| Share::new((part * test.len() as f64).round() as u64, test.len() as u64);
    let certificates = still
        .into_iter()
        .map(|(before, after)| StillProved {
            claim: before.claim,
            before: before.counts,
            after: after.counts,
            checked: after.checked,
            file: after.file,
        })
        .collect();
    Ok(DefenseReport {
        kind: "prediction-poisoning".to_owned(),
        strength: chosen.strength.clone(),
        chosen: chosen.how.clone(),
        file: Some(file.to_owned()),
        digest: Some(Digest::of(chosen.defense.to_json().as_bytes()).to_string()),
        accuracy_before: share(effect.accuracy_before),
        accuracy_after: share(effect.accuracy_after),
        label_flips: share(effect.flipped),
        posterior_shift: Some(posterior_shift(target.model(), &chosen.defense, test)),
        certificates,
        attacks: defended_attacks(target, &chosen.defense, &proved, stolen, plan)?,
    })
}

/// Mean 1-norm distance between defended and undefended posterior.
fn posterior_shift(model: &Model, defense: &Defense, rows: &[Row]) -> f64 {
    let shift = |row: &Row| {
        let posterior = model.posterior(&row.values);
        let answered = defense.apply(&posterior, model.label(&row.values));
        posterior.iter().zip(&answered).map(|(p, q)| (p - q).abs()).sum::<f64>()
    };
    rows.iter().map(shift).sum::<f64>() / rows.len().max(1) as f64
}

/// Runs the attacks again through the defense. Certified inference then uses the proofs about the
/// defended model.
fn defended_attacks(
    target: &Target,
    defense: &Defense,
    proved: &[Proved],
    stolen: &Stolen,
    plan: &Plan,
) -> Result<Vec<DefendedAttack>, StudyError> {
    let mut defended = Vec::new();
    for (name, attack, open) in &stolen.runs {
        if matches!(attack.generator, Generator::Along { .. }) {
            // poisoning does not keep monotone order, so there is no order to move along
            continue;
        }
        let closed =
            run(&target.scene(Some(defense), proved), attack, plan.repetitions, plan.seed)?;
        let scores =
            |runs: &[Repetition]| -> Vec<Scores> { runs.iter().map(|r| r.attack.scores).collect() };
        let (before, after) = (scores(open), scores(&closed));
        defended.push(DefendedAttack {
            attack: name.clone(),
            before: estimates(&before)?,
            after: estimates(&after)?,
            decrease: differences(&before, &after)?,
        });
    }
    Ok(defended)
}
