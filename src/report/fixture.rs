//! A handmade report with every kind of figure in it, for the tests of the pages.

use std::collections::BTreeMap;

use crate::spec::CountedBy;

use super::*;

/// One run on an invented set of 1,340 test rows: a network with every figure, and trees with fewer.
pub(super) fn report() -> Report {
    Report::new("propcert: spam", vec![run("spam", false)])
}

pub(super) fn run(name: &str, synthetic: bool) -> Run {
    Run {
        data: DataSummary {
            name: name.to_owned(),
            digest: Some("d".repeat(64)),
            synthetic,
            source: "made up for tests, public domain".to_owned(),
            features: 57,
            class_rows: vec![2788, 1813],
            rows: PartRows { train: 2899, validation: 322, test: 1330, auxiliary: 50 },
            repeated_in_test: 12,
        },
        seed: 1,
        tool: Some("propcert 1.2.3".to_owned()),
        models: vec![network(), trees("natural-trees", false), trees("monotone-trees", true)],
        notes: vec!["Attacks were repeated 5 times, each with its own seed rows.".to_owned()],
    }
}

fn network() -> ModelReport {
    ModelReport {
        name: "natural-mlp".to_owned(),
        family: "mlp".to_owned(),
        size: "2 x 50 ReLU, 5,552 parameters".to_owned(),
        file: Some("models/natural-mlp.json".to_owned()),
        digest: Some("a".repeat(64)),
        accuracy: Share::new(1256, 1330),
        f1: 0.9298,
        certificates: vec![
            CertificateReport {
                distinct: Some(Counts {
                    proved: 786,
                    refuted: 281,
                    undecided: 219,
                    vacuous: 0,
                    invalid: 3,
                }),
                sampled: Some(Sampled {
                    satisfied: Share::new(1049, 1327),
                    how: "100 uniform points per row".to_owned(),
                }),
                checked_exactly: Some(50),
                closed_by: rules(&[
                    ("interval", 610),
                    ("linear", 198),
                    ("range", 4),
                    ("counterexample", 290),
                ]),
                ..certificate(local_invariance(), CountedBy::Rows, [812, 290, 225, 0, 3])
            },
            CertificateReport {
                closed_by: rules(&[("counterexample", 2)]),
                ..certificate(monotonicity(), CountedBy::Features, [0, 2, 0, 0, 0])
            },
        ],
        radii: None,
        baselines: vec![
            baseline("majority class", [0.6058, 0.41, 0.5], 0.3711),
            baseline("50 seeds only", [0.8712, 0.7432, 0.5313], 0.0871),
        ],
        attacks: vec![
            attack("random-uniform", [0.8612, 0.9423, 0.5711], 0, &[]),
            attack("masked-thief", [0.8931, 0.8021, 0.5522], 0, &[]),
            attack("masked-thief-certified", [0.8987, 0.8104, 0.5569], 737, &["masked-thief"]),
        ],
        defenses: vec![defense()],
        gives_away: Some(GivesAway {
            published: Share::new(812, 1330),
            published_how: "local invariance with delta at most 1/2 fixes the label".to_owned(),
            settled: vec![settled("uniform on the domain", 0), settled("held-out rows", 40)],
        }),
        audited: None,
    }
}

fn trees(name: &str, monotone: bool) -> ModelReport {
    let proved_monotone = if monotone { [2, 0, 0, 0, 0] } else { [0, 2, 0, 0, 0] };
    ModelReport {
        name: name.to_owned(),
        family: "ensemble".to_owned(),
        size: "50 trees of depth 6".to_owned(),
        file: None,
        digest: None,
        accuracy: Share::new(1263, 1330),
        f1: 0.9365,
        certificates: vec![
            certificate(local_invariance(), CountedBy::Rows, [1329, 0, 1, 0, 0]),
            certificate(monotonicity(), CountedBy::Features, proved_monotone),
        ],
        radii: Some(RadiiReport {
            rows: 200,
            exact: 199,
            zero: 3,
            quartiles: [Some(0.021), Some(0.0654), monotone.then_some(0.31)],
        }),
        baselines: Vec::new(),
        attacks: vec![attack("random-uniform", [0.8412, 0.9023, 0.5411], 0, &[])],
        defenses: Vec::new(),
        gives_away: None,
        audited: None,
    }
}

pub(super) fn local_invariance() -> PropertyName {
    PropertyName::new("local-invariance", "epsilon 0.1, delta 0.5, linf")
}

fn monotonicity() -> PropertyName {
    PropertyName::new("monotonicity", "char_freq_$, char_freq_! increasing")
}

fn rules(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts.iter().map(|&(rule, count)| (rule.to_owned(), count)).collect()
}

/// `counts`: proved, refuted, undecided, vacuous, invalid.
pub(super) fn certificate(
    claim: PropertyName,
    unit: CountedBy,
    counts: [u64; 5],
) -> CertificateReport {
    let [proved, refuted, undecided, vacuous, invalid] = counts;
    let file = format!("certificates/{}.jsonl", claim.property);
    CertificateReport {
        claim,
        semantics: "served-f32".to_owned(),
        integers: "respect".to_owned(),
        part: (unit == CountedBy::Rows).then(|| "test".to_owned()),
        every: None,
        unit,
        counts: Counts { proved, refuted, undecided, vacuous, invalid },
        distinct: None,
        premise_unreachable: None,
        sampled: None,
        closed_by: BTreeMap::new(),
        checked: true,
        checked_exactly: None,
        file: Some(file),
    }
}

fn estimate(mean: f64) -> Estimate {
    Estimate::from_repetitions(&[mean - 0.01, mean + 0.002, mean, mean + 0.008]).unwrap()
}

fn per_set<T>(values: [f64; 3], of: impl Fn(f64) -> T) -> PerSet<T> {
    let [heldout, uniform, boundary] = values.map(of);
    PerSet { heldout, uniform, boundary }
}

fn baseline(name: &str, agreement: [f64; 3], mse: f64) -> Baseline {
    let agreement = per_set(agreement, estimate);
    Baseline { name: name.to_owned(), agreement, mse: estimate(mse), f1: estimate(0.5) }
}

fn difference(mean: f64) -> Difference {
    Difference::from_pairs(&[mean, mean + 0.004, mean - 0.002], &[0.0; 3]).unwrap()
}

fn attack(name: &str, agreement: [f64; 3], free: u64, versus: &[&str]) -> AttackReport {
    let paired = |reference: &&str| Paired {
        reference: (*reference).to_owned(),
        agreement: per_set([0.0056, 0.0083, 0.0047], difference),
    };
    AttackReport {
        name: name.to_owned(),
        generator: "uniform, r 2".to_owned(),
        inference: if free > 0 { "certified" } else { "none" }.to_owned(),
        budget: 200,
        seeds: 50,
        repetitions: 5,
        asked: 1000,
        inferred_free: free,
        inferred_wrong: 0,
        gradient_steps: 5 * 1050,
        agreement: per_set(agreement, estimate),
        mse: estimate(0.0512),
        f1: estimate(0.8433),
        versus: versus.iter().map(paired).collect(),
        angles: None,
    }
}

fn settled(reference: &str, start: u64) -> SettledCurve {
    let point = |queries: u64| SettledPoint {
        by_answers_alone: Share::new(queries + queries / 100, 10_000),
        queries,
        settled: Share::new(start + 9 * queries - queries * queries / 50, 10_000),
        wrong: 0,
    };
    SettledCurve {
        claim: local_invariance(),
        reference: format!("10,000 points, {reference}"),
        how: "greedy, box with most new points first".to_owned(),
        points: [0, 10, 50, 100, 150, 200].map(point).to_vec(),
    }
}

fn defense() -> DefenseReport {
    let before = Counts { proved: 812, refuted: 290, undecided: 225, vacuous: 0, invalid: 3 };
    DefenseReport {
        kind: "prediction-poisoning".to_owned(),
        strength: "alpha 0.3".to_owned(),
        chosen: "one accuracy point on validation rows".to_owned(),
        file: Some("defenses/prediction-poisoning.json".to_owned()),
        digest: Some("b".repeat(64)),
        accuracy_before: Share::new(1256, 1330),
        accuracy_after: Share::new(1245, 1330),
        label_flips: Share::new(31, 1330),
        posterior_shift: Some(0.5612),
        certificates: vec![StillProved {
            claim: local_invariance(),
            before,
            after: Counts { proved: 655, undecided: 362, refuted: 310, ..before },
            checked: true,
            file: None,
        }],
        attacks: vec![DefendedAttack {
            attack: "random-uniform".to_owned(),
            before: per_set([0.8612, 0.9423, 0.5711], estimate),
            after: per_set([0.8432, 0.9120, 0.5533], estimate),
            decrease: per_set([0.018, 0.0303, 0.0178], difference),
        }],
        best: None,
    }
}
