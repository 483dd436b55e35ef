//! Claims about pairs: the kernel's counts against every pair evaluated at its own rows.

mod cases;

use cases::{BOTH, network, row, spec};
use propcert::certificate::{Arithmetic, Kernel, Proof, Rejection, Totals, Verdict};
use propcert::model::{Layer, Model, Precision, Row};
use propcert::spec::{Lowered, Spec};
use proptest::prelude::*;

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPCERT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Two features of scale 2 and ¼ in [−4, 4], three hidden neurons, two classes.
fn small_network(weights: &[f64], gain: f64) -> Model {
    let first = Layer { weights: weights[..6].to_vec(), bias: weights[6..9].to_vec(), inputs: 2 };
    let last = weights[9..15].iter().map(|w| w * gain).collect();
    let last = Layer { weights: last, bias: weights[15..17].to_vec(), inputs: 3 };
    let mut model = network(vec![first, last], (-4.0, 4.0), Precision::F64);
    let mut features = model.schema.features().to_vec();
    (features[0].scale, features[1].scale, features[1].mean) = (2.0, 0.25, 1.0);
    model.schema = propcert::model::Schema::new(features).unwrap();
    model
}

fn counted(model: &Model, spec: &Spec, rows: &[Row], arithmetic: Arithmetic) -> Totals {
    let lowered = Lowered::new(spec, model, None, rows).unwrap();
    let kernel = Kernel::new(model, &lowered, arithmetic);
    let mut witnesses = Vec::new();
    let totals = kernel.pairs().unwrap().count(&mut witnesses);
    assert_eq!(witnesses.is_empty(), totals.refuted == 0);
    assert!(witnesses.len() <= 1000);
    match kernel.check(0, &Proof::AllPairs { witnesses }) {
        Ok(Verdict::Counted(again)) => assert_eq!(again, totals),
        other => panic!("{other:?}"),
    }
    totals
}

/// A property of two rows in floats: by how much it holds, if it is not vacuous.
fn counts_in_floats(
    rows: &[Row],
    is_ordered: bool,
    excess: impl Fn(&Row, &Row) -> Option<f64>,
) -> Option<Totals> {
    let mut totals = Totals::default();
    let is_valid = |row: &Row| row.values.iter().all(|x| x.abs() <= 4.0);
    for (i, a) in rows.iter().enumerate() {
        for (k, b) in rows.iter().enumerate() {
            if i == k || (i > k && !is_ordered) {
                continue;
            }
            if !is_valid(a) || !is_valid(b) {
                totals.invalid += 1;
                continue;
            }
            match excess(a, b) {
                None => totals.vacuous += 1,
                // too close for floats
                Some(excess) if excess.abs() < 1e-12 => return None,
                Some(excess) if excess > 0.0 => totals.proved += 1,
                Some(_) => totals.refuted += 1,
            }
        }
    }
    Some(totals)
}

fn distance(model: &Model, a: &Row, b: &Row) -> f64 {
    let (a, b) = (model.schema.standardise(&a.values), model.schema.standardise(&b.values));
    a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
}

/// Random rows, some of them twice, some close to another, one outside the domain.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let point = proptest::collection::vec(-4f64..4.0, 2);
    proptest::collection::vec(point, 2..14).prop_map(|points| {
        let mut rows: Vec<Row> = points.iter().map(|point| row(point, 1)).collect();
        rows.push(rows[0].clone());
        for shift in [1e-3, 1e-9, 1e-15] {
            let near: Vec<f64> = points[1].iter().map(|x| (x + shift).min(4.0)).collect();
            rows.push(row(&near, 0));
        }
        rows.push(row(&[5.0, 0.0], 0));
        rows
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn lipschitz_counts_agree_with_every_pair(
        weights in proptest::collection::vec(-1f64..1.0, 17),
        gain in prop_oneof![Just(0.0), Just(1.0), Just(30.0), Just(1e5)],
        rows in rows(),
        constant in prop_oneof![Just("0"), Just("1e-90"), Just("0.02"), Just("0.1"), Just("0.5"), Just("20")],
    ) {
        let model = small_network(&weights, gain);
        let spec = spec(&format!("property = 'lipschitzness-t'\nconstant = '{constant}'"));
        let found = BOTH.map(|arithmetic| counted(&model, &spec, &rows, arithmetic));
        prop_assert_eq!(found[0], found[1]);
        let slow = counts_in_floats(&rows, false, |a, b| {
            if a.values == b.values {
                return None;
            }
            let gap = (model.posterior(&a.values)[1] - model.posterior(&b.values)[1]).abs();
            Some(constant.parse::<f64>().unwrap() * distance(&model, a, b) - 2f64.sqrt() * gap)
        });
        if let Some(slow) = slow {
            prop_assert_eq!(found[0], slow);
        }
    }

    #[test]
    fn divergence_counts_agree_with_every_pair(
        weights in proptest::collection::vec(-1f64..1.0, 17),
        gain in prop_oneof![Just(0.0), Just(1.0), Just(30.0), Just(1e5)],
        rows in rows(),
        reach in prop_oneof![Just("1e-100"), Just("1e-8"), Just("0.5"), Just("2"), Just("100")],
        limit in prop_oneof![Just("1e-30"), Just("1e-6"), Just("0.01"), Just("0.3")],
    ) {
        let model = small_network(&weights, gain);
        let spec = spec(&format!(
            "property = 'local-invariance-t'\nepsilon-1 = '{reach}'\nepsilon-2 = '{limit}'"
        ));
        let found = BOTH.map(|arithmetic| counted(&model, &spec, &rows, arithmetic));
        prop_assert_eq!(found[0], found[1]);
        let slow = counts_in_floats(&rows, true, |a, b| {
            if distance(&model, a, b) >= reach.parse().unwrap() {
                return None;
            }
            let (m, n) = (model.margin(&a.values), model.margin(&b.values));
            let softplus = |m: f64| m.max(0.0) + (-m.abs()).exp().ln_1p();
            let own = 1.0 / (1.0 + (-m).exp());
            let divergence = softplus(n) - softplus(m) - own * (n - m);
            Some(limit.parse::<f64>().unwrap() - divergence)
        });
        if let Some(slow) = slow {
            prop_assert_eq!(found[0], slow);
        }
    }
}

/// `m = 4·relu(x)`: steep on the right, flat on the left.
fn ramp() -> Model {
    let layers = vec![
        Layer { weights: vec![1.0], bias: vec![0.0], inputs: 1 },
        Layer { weights: vec![0.0, 4.0], bias: vec![0.0, 0.0], inputs: 1 },
    ];
    network(layers, (-2.0, 2.0), Precision::F32)
}

#[test]
fn only_pairs_that_violate_are_witnesses() {
    let spec = spec("property = 'lipschitzness-t'\nconstant = '0.5'");
    let rows = [row(&[-1.0], 0), row(&[0.0], 0), row(&[0.5], 1), row(&[9.0], 1)];
    let model = ramp();
    let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
    for arithmetic in BOTH {
        let kernel = Kernel::new(&model, &lowered, arithmetic);
        let check = |witnesses: &[(usize, usize)]| {
            kernel.check(0, &Proof::AllPairs { witnesses: witnesses.to_vec() })
        };
        assert!(matches!(check(&[(1, 2)]), Ok(Verdict::Counted(t)) if t.refuted == 1));
        // holds; has an invalid row
        for pair in [(0, 1), (1, 3)] {
            assert!(matches!(check(&[(1, 2), pair]), Ok(Verdict::Undecided(_))), "{pair:?}");
        }
        assert!(matches!(check(&[(1, 4)]), Err(Rejection::Index { index: 4, .. })));
        for pairs in [&[(2, 1)][..], &[(1, 1)], &[(1, 2), (1, 2)]] {
            assert!(matches!(check(pairs), Err(Rejection::Twice { .. })), "{pairs:?}");
        }
        let points = vec![vec!["0".to_owned()], vec!["0.5".to_owned()]];
        assert!(kernel.check(0, &Proof::Counterexample { points }).is_err());
    }
}

#[test]
fn other_subjects_are_refused_by_name() {
    let three = Layer { weights: vec![0.0; 3], bias: vec![0.0; 3], inputs: 1 };
    let three = network(vec![three], (-1.0, 1.0), Precision::F32);
    let alpha = "0.1".parse().unwrap();
    let digest = propcert::model::Digest::of(b"any");
    let defense = propcert::model::Defense::prediction_poisoning(digest, alpha).unwrap();
    for property in PROPERTIES {
        let spec = spec(property);
        let name = spec.property.name();
        let refused = |model: &Model, spec: &Spec, defense| {
            Lowered::new(spec, model, defense, &[]).unwrap_err().to_string()
        };
        for (text, why) in [
            (refused(&three, &spec, None), "two"),
            (refused(&ramp(), &spec, Some(&defense)), "poisoning"),
        ] {
            assert!(text.contains(name) && text.contains(why), "{text}");
        }
        let served = Spec { semantics: Some(propcert::spec::Semantics::ServedF32), ..spec };
        assert!(refused(&ramp(), &served, None).contains("served-f32"));
    }
}

const PROPERTIES: [&str; 2] = [
    "property = 'lipschitzness-t'\nconstant = '0.5'",
    "property = 'local-invariance-t'\nepsilon-1 = '1'\nepsilon-2 = '1'",
];
