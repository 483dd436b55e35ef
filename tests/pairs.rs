//! Claims about pairs: the kernel's counts against every pair evaluated at its own rows.

mod cases;

use cases::{BOTH, network, row, spec};
use propcert::certificate::{Arithmetic, Kernel, Proof, Rejection, SplitTree, Totals, Verdict};
use propcert::defense::Defense;
use propcert::model::{Digest, Kind, Layer, Model, Point, Precision, Row};
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
    counted_behind(None, model, spec, rows, arithmetic)
}

fn counted_behind(
    defense: Option<&Defense>,
    model: &Model,
    spec: &Spec,
    rows: &[Row],
    arithmetic: Arithmetic,
) -> Totals {
    let lowered = Lowered::new(spec, model, defense, rows).unwrap();
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

/// The answer for class 1 at a posterior of it.
type Answer = fn(f64) -> f64;

/// Maps with their answers.
fn maps() -> Vec<(Defense, Answer)> {
    let read = |rest: &str| {
        let target = Digest::of(b"any");
        let text = format!(r#"{{"format":"defense/1","target":"{target}",{rest}}}"#);
        Defense::read(text.as_bytes()).unwrap()
    };
    let even = |p: f64| {
        let share = 1.0 / (1.0 + (-8.0 * (p.max(1.0 - p) - 0.75)).exp());
        0.5 + share * (p - 0.5)
    };
    vec![
        (read(r#""kind":"prediction-poisoning","alpha":"0.25""#), |p| {
            0.75 * p + if p > 0.5 { 0.0 } else { 0.25 }
        }),
        (read(r#""kind":"mixture","alpha":"0.5","eta":["0.75","0.25"]"#), |p| 0.5 * p + 0.125),
        (read(r#""kind":"rounding","digits":2"#), |p| (100.0 * p + 0.5).floor() / 100.0),
        (read(r#""kind":"adaptive-misinformation","nu":"8","tau":"0.75","decoy":"uniform""#), even),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn counts_behind_a_map_are_those_of_its_answers(
        weights in proptest::collection::vec(-1f64..1.0, 17),
        gain in prop_oneof![Just(0.0), Just(1.0), Just(30.0)],
        rows in rows(),
        constant in prop_oneof![Just("0"), Just("1e-90"), Just("0.02"), Just("0.1"), Just("0.5"), Just("20")],
        limit in prop_oneof![Just("1e-6"), Just("0.01"), Just("0.3")],
        which in 0..4_usize,
    ) {
        let model = small_network(&weights, gain);
        let [lipschitz, divergence] = [
            format!("property = 'lipschitzness-t'\nconstant = '{constant}'"),
            format!("property = 'local-invariance-t'\nepsilon-1 = '2'\nepsilon-2 = '{limit}'"),
        ].map(|text| spec(&text));
        let (defense, answer) = maps().swap_remove(which);
        // near a step, and where sums of rounded answers are exact, floats do not tell
        let posterior = |row: &Row| model.posterior(&row.values)[1];
        let is_told = |row: &Row| {
            let at = posterior(row);
            let steps = [100.0 * at + 0.5, 2.0 * at].map(|x| (x - x.round()).abs() > 1e-7);
            steps == [true, true] && at > 1e-6 && at < 1.0 - 1e-6
        };
        if !rows.iter().all(is_told) {
            return Ok(());
        }
        let count = |spec| BOTH.map(|arithmetic| counted_behind(Some(&defense), &model, spec, &rows, arithmetic));
        let found = count(&lipschitz);
        prop_assert_eq!(found[0], found[1]);
        let slow = counts_in_floats(&rows, false, |a, b| {
            if a.values == b.values {
                return None;
            }
            let gap = (answer(posterior(a)) - answer(posterior(b))).abs();
            Some(constant.parse::<f64>().unwrap() * distance(&model, a, b) - 2f64.sqrt() * gap)
        });
        if let Some(slow) = slow {
            prop_assert_eq!(found[0], slow, "{}", &defense);
        }
        let found = count(&divergence);
        prop_assert_eq!(found[0], found[1]);
        let slow = counts_in_floats(&rows, true, |a, b| {
            if distance(&model, a, b) >= 2.0 {
                return None;
            }
            let (p, q) = (answer(posterior(a)), answer(posterior(b)));
            let term = |p: f64, q: f64| if p == 0.0 { 0.0 } else { p * (p / q).ln() };
            Some(limit.parse::<f64>().unwrap() - term(p, q) - term(1.0 - p, 1.0 - q))
        });
        if let Some(slow) = slow {
            prop_assert_eq!(found[0], slow, "{}", &defense);
        }
    }
}

/// Answers that are drawn are not compared, and answers that may be any within an interval leave pairs open.
#[test]
fn pairs_of_rows_stay_open_where_a_map_may_choose() {
    let read = |rest: &str| {
        let target = Digest::of(b"any");
        let text = format!(r#"{{"format":"defense/1","target":"{target}",{rest}}}"#);
        Defense::read(text.as_bytes()).unwrap()
    };
    let chosen = read(r#""kind":"vertex-poisoning","alpha":"0.25","vertex":"random","seed":1"#);
    let rows = [-1.0, 0.0, 0.5].map(|x| row(&[x], 0));
    // ‖F − F′‖ of 0 and 0.5 is 0.54, less a quarter; both together move by up to 0.35
    for (constant, expected) in [("0.01", [0, 2, 1]), ("1.0", [2, 0, 1]), ("3", [3, 0, 0])] {
        let spec = spec(&format!("property = 'lipschitzness-t'\nconstant = '{constant}'"));
        for arithmetic in BOTH {
            let totals = counted_behind(Some(&chosen), &ramp(), &spec, &rows, arithmetic);
            let found = [totals.proved, totals.refuted, totals.undecided];
            assert_eq!(found, expected, "{constant}");
        }
    }
    let drawn = read(&format!(
        r#""kind":"boundary-randomised-response","epsilon":"1","confidence":"0.75","cell":"0.1","units":"raw","key":"{}""#,
        Digest::of(b"key")
    ));
    for property in &PROPERTIES[2..] {
        let refused = Lowered::new(&spec(property), &ramp(), Some(&drawn), &rows).unwrap_err();
        assert!(refused.to_string().contains("behind this defense"), "{refused}");
    }
}

/// A posterior that is rounded to 0 diverges without end from one that is not, and not from another 0.
#[test]
fn answers_of_zero_diverge_without_end() {
    let target = Digest::of(b"any");
    let text =
        format!(r#"{{"format":"defense/1","target":"{target}","kind":"rounding","digits":1}}"#);
    let defense = Defense::read(text.as_bytes()).unwrap();
    // 4·relu(x): 0.5, 0.98 → 1, 0.998 → 1
    let rows = [0.0, 1.0, 1.5].map(|x| row(&[x], 0));
    let spec = spec("property = 'local-invariance-t'\nepsilon-1 = '9'\nepsilon-2 = '1e6'");
    for arithmetic in BOTH {
        let totals = counted_behind(Some(&defense), &ramp(), &spec, &rows, arithmetic);
        let found = [totals.proved, totals.refuted, totals.undecided];
        assert_eq!(found, [4, 2, 0], "from ½ to 1 without end, from 1 to ½ by ln 2");
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

/// The divergence of σ(8) from 1/2 is 3.3, that of 1/2 from σ(8) 0.7.
#[test]
fn each_direction_of_a_divergence_counts() {
    let spec = spec("property = 'local-invariance-t'\nepsilon-1 = '5'\nepsilon-2 = '1'");
    for points in [[0.0, 2.0], [2.0, 0.0]] {
        let rows = points.map(|x| row(&[x], 0));
        for arithmetic in BOTH {
            let totals = counted(&ramp(), &spec, &rows, arithmetic);
            assert_eq!((totals.proved, totals.refuted, totals.undecided), (1, 1, 0));
        }
    }
}

#[test]
fn other_subjects_are_refused_by_name() {
    let three = Layer { weights: vec![0.0; 3], bias: vec![0.0; 3], inputs: 1 };
    let three = network(vec![three], (-1.0, 1.0), Precision::F32);
    for property in PROPERTIES {
        let spec = spec(property);
        let name = spec.property.name();
        let refused = |model: &Model, spec: &Spec| {
            Lowered::new(spec, model, None, &[]).unwrap_err().to_string()
        };
        let text = refused(&three, &spec);
        assert!(text.contains(name) && text.contains("two"), "{text}");
        let served = Spec { semantics: Some(propcert::spec::Semantics::ServedF32), ..spec };
        assert!(refused(&ramp(), &served).contains("served-f32"));
    }
}

const PROPERTIES: [&str; 4] = [
    "property = 'small-neighborhood'\nepsilon = '1'\nconstant = '1'",
    "property = 'lipschitzness'\nepsilon = '1'\nconstant = '1'",
    "property = 'lipschitzness-t'\nconstant = '0.5'",
    "property = 'local-invariance-t'\nepsilon-1 = '1'\nepsilon-2 = '1'",
];

/// `m = x` on [−2, 2].
fn line() -> Model {
    let layers = vec![
        Layer { weights: vec![1.0], bias: vec![2.0], inputs: 1 },
        Layer { weights: vec![0.0, 1.0], bias: vec![0.0, -2.0], inputs: 1 },
    ];
    network(layers, (-2.0, 2.0), Precision::F32)
}

/// Every proof that is tried on a claim about two points.
fn proofs() -> Vec<Proof> {
    let trees = [
        "J",
        "i0:0x0p0 J J",
        "i0:0x1p-1 J J",
        "i0:0x1p-1 i0:-0x1p-1 J J J",
        "r0.0 J J",
        "i0:0x0p0 r0.0 J J J",
        "i0:0x1p-1!0 J J",
        "r0.0 i0:0x1p-1 J J r0.0 J J",
        "L",
        "i0:0x0p0 L L",
        "i0:0x1p-1 L L",
        "i0:0x1p-1 i0:-0x1p-1 L L L",
        "i0:0x1p0 i0:0x0p0 L i0:0x1p-1 L L L",
    ];
    let split = |text| Proof::split(SplitTree::parse(text).unwrap(), vec![]);
    trees
        .into_iter()
        .map(split)
        .chain([Proof::jacobian(), Proof::Range, Proof::difference()])
        .collect()
}

/// Whether some proof proves obligation 0, the same in both arithmetics.
fn is_provable(model: &Model, spec: &Spec, rows: &[Row]) -> bool {
    let lowered = Lowered::new(spec, model, None, rows).unwrap();
    let found = BOTH.map(|arithmetic| {
        let kernel = Kernel::new(model, &lowered, arithmetic);
        for proof in [Proof::interval(), Proof::linear(vec![]), Proof::fuzz()] {
            assert!(kernel.check(0, &proof).is_err(), "{proof:?}");
        }
        assert!(matches!(kernel.check(0, &Proof::None), Ok(Verdict::Undecided(_))));
        proofs().iter().any(|proof| matches!(kernel.check(0, proof), Ok(Verdict::Proved(_))))
    });
    assert_eq!(found[0], found[1]);
    found[0]
}

fn is_refuted(model: &Model, spec: &Spec, rows: &[Row], points: &[&[&str]]) -> bool {
    let texts = |point: &&[&str]| point.iter().map(|x| (*x).to_owned()).collect();
    let points: Vec<Vec<String>> = points.iter().map(texts).collect();
    cases::refutes(model, spec, rows, None, &points)
}

/// σ′ is ¼ at 0: the line moves posteriors by √2/4 = 0.3535 of a step.
#[test]
fn a_line_is_as_steep_as_it_is() {
    for (constant, is_true) in [("0.3536", true), ("0.3535", false), ("0.26", false)] {
        let near =
            format!("property = 'small-neighborhood'\nepsilon = '0.01'\nconstant = '{constant}'");
        let near = spec(&near);
        assert_eq!(is_provable(&line(), &near, &[]), is_true, "{constant}");
        let far = format!("property = 'lipschitzness'\nepsilon = '1'\nconstant = '{constant}'");
        let rows = [row(&[-0.5], 0), row(&[0.5], 1)];
        assert_eq!(is_provable(&line(), &spec(&far), &rows), is_true, "{constant}");
        let points: &[&[&str]] = &[&["-0.000001"], &["0.000001"]];
        assert_eq!(is_refuted(&line(), &spec(&far), &rows, points), !is_true, "{constant}");
    }
    let near = spec("property = 'small-neighborhood'\nepsilon = '0.01'\nconstant = '0.35'");
    assert!(is_refuted(&line(), &near, &[], &[&["-0.0049999"], &["0.0049999"]]));
    // the distance is ε: strictly nearer points are meant
    assert!(!is_refuted(&line(), &near, &[], &[&["-0.005"], &["0.005"]]));
    assert!(!is_refuted(&line(), &near, &[], &[&["1.9999"], &["2.0001"]]), "outside the domain");
}

/// On the score the claim is not strict: a step of ε is near, and may move `m` by Lε.
#[test]
fn a_step_of_epsilon_counts_on_the_score() {
    for (constant, is_true) in [("1.0000001", true), ("0.9999999", false)] {
        let text = format!(
            "property = 'small-neighborhood'\nepsilon = '0.5'\nconstant = '{constant}'\non = 'score'"
        );
        assert_eq!(is_provable(&line(), &spec(&text), &[]), is_true);
        assert_eq!(is_refuted(&line(), &spec(&text), &[], &[&["0"], &["0.5"]]), !is_true);
    }
    // at equal points nothing moves, and nothing is not less than nothing
    let none = spec("property = 'small-neighborhood'\nepsilon = '0.5'\nconstant = '0'");
    assert!(
        !is_provable(&line(), &none, &[]) && is_refuted(&line(), &none, &[], &[&["0"], &["0"]])
    );
}

/// The boxes are 3.8 apart; posteriors differ by at most √2·(2σ(2) − 1) = 1.0771.
#[test]
fn ranges_of_distant_boxes_are_compared() {
    let rows = [row(&[-2.0], 0), row(&[2.0], 1)];
    let claim = |constant: &str| {
        spec(&format!("property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '{constant}'"))
    };
    for (constant, is_true) in [("0.29", true), ("0.27", false), ("0.25", false)] {
        let (model, spec) = (line(), claim(constant));
        let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
        for arithmetic in BOTH {
            let verdict = Kernel::new(&model, &lowered, arithmetic).check(0, &Proof::Range);
            assert_eq!(matches!(verdict, Ok(Verdict::Proved(_))), is_true, "{verdict:?}");
        }
    }
    assert!(is_refuted(&line(), &claim("0.25"), &rows, &[&["-1.9"], &["1.9"]]));
    assert!(!is_refuted(&line(), &claim("0.25"), &rows, &[&["1.9"], &["-1.9"]]), "wrong boxes");
}

/// `m = −5 + 10·(relu(5x − 2) − relu(5x − 3))`: from −5 to 5 between 0.4 and 0.6.
fn step(kind: Kind) -> Model {
    let layers = vec![
        Layer { weights: vec![5.0, 5.0], bias: vec![-2.0, -3.0], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, 10.0, -10.0], bias: vec![0.0, -5.0], inputs: 2 },
    ];
    let mut model = network(layers, (-1.0, 2.0), Precision::F32);
    let feature = cases::feature("x0".to_owned(), kind, (-1.0, 2.0));
    model.schema = propcert::model::Schema::new(vec![feature]).unwrap();
    model
}

/// The network's `PAIR` and `NEAR`: a cut at the step does not hide it, nor does a cut between two
/// whole numbers.
#[test]
fn a_step_is_not_split_away() {
    for kind in [Kind::Real, Kind::Integer] {
        let rows = [row(&[0.0], 0), row(&[1.0], 1)];
        let near =
            spec("property = 'small-neighborhood'\nepsilon = '1'\nconstant = '1'\non = 'score'");
        assert!(!is_provable(&step(kind), &near, &[]));
        assert!(is_refuted(&step(kind), &near, &[], &[&["0"], &["1"]]));
        let far = spec("property = 'lipschitzness'\nepsilon = '0'\nconstant = '1'");
        assert!(!is_provable(&step(kind), &far, &rows));
        assert!(is_refuted(&step(kind), &far, &rows, &[&["0"], &["1"]]));
        let half = is_refuted(&step(kind), &near, &[], &[&["0"], &["0.5"]]);
        assert_eq!(half, kind == Kind::Real, "a half is no whole number");
    }
}

#[test]
fn pairs_of_distinct_rows_are_counted() {
    let rows = [row(&[0.0], 0), row(&[1.0], 1), row(&[0.0], 0), row(&[9.0], 1)];
    let claim = spec("property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '9'");
    let model = line();
    let lowered = Lowered::new(&claim, &model, None, &rows).unwrap();
    let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
    assert_eq!(kernel.len(), 3);
    let verdicts: Vec<&str> = (0..3)
        .map(|at| match kernel.check(at, &Proof::None).unwrap() {
            Verdict::Invalid => "invalid",
            _ => match kernel.check(at, &Proof::jacobian()).unwrap() {
                Verdict::Proved(_) => "proved",
                _ => "open",
            },
        })
        .collect();
    // the last row lies outside the domain
    assert_eq!(verdicts, ["proved", "invalid", "invalid"]);
    let first = |count| claim.property.first_rows(&rows, Some(count)).map(<[Row]>::len);
    assert_eq!([first(0), first(2), first(3), first(4)], [Some(0), Some(2), Some(4), None]);
    assert_eq!(claim.property.count_of(&rows), 3);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_proved_of_two_points_holds_at_points(
        weights in proptest::collection::vec(-1f64..1.0, 17),
        gain in prop_oneof![Just(0.0), Just(1.0), Just(3.0)],
        rows in proptest::collection::vec(proptest::collection::vec(-3f64..3.0, 2), 2),
        radius in prop_oneof![Just("0"), Just("0.3")],
        constant in 0f64..1.5,
        norm in prop_oneof![Just("linf"), Just("l1"), Just("l2")],
        places in proptest::collection::vec(proptest::collection::vec(-1f64..1.0, 4), 24),
    ) {
        let model = small_network(&weights, gain);
        let rows: Vec<Row> = rows.iter().map(|values| row(values, 0)).collect();
        let reach = 0.2;
        for text in [
            format!("property = 'lipschitzness'\nepsilon = '{radius}'\nconstant = '{constant}'\nnorm = '{norm}'"),
            format!("property = 'small-neighborhood'\nepsilon = '{reach}'\nconstant = '{constant}'"),
            format!("property = 'small-neighborhood'\nepsilon = '{reach}'\nconstant = '{constant}'\non = 'score'"),
            format!("property = 'small-neighborhood'\nunits = 'raw'\nepsilon = '{reach}'\nconstant = '{constant}'"),
        ] {
            let spec = spec(&text);
            let is_far = text.contains("lipschitzness");
            let is_raw = text.contains("raw");
            let rows = if is_far { &rows[..] } else { &[] };
            let is_proved = is_provable(&model, &spec, rows);
            for place in &places {
                let scales: Vec<f64> = model.schema.features().iter().map(|f| f64::from(f.scale)).collect();
                let raw = |step: f64, i: usize| if is_raw { step } else { step / scales[i] };
                let pair: [Vec<f64>; 2] = if is_far {
                    let radius: f64 = radius.parse().unwrap();
                    [0, 1].map(|k| (0..2).map(|i| {
                        let x = rows[k].values[i] + raw(radius * 0.999 * place[2 * k + i], i);
                        x.clamp(-4.0, 4.0)
                    }).collect())
                } else {
                    let a: Vec<f64> = place[..2].iter().map(|x| 3.99 * x).collect();
                    let b = (0..2).map(|i| (a[i] + raw(reach * 0.999 * place[2 + i].signum(), i)).clamp(-4.0, 4.0)).collect();
                    [a, b]
                };
                let texts: Vec<Vec<String>> = pair.iter().map(|p| Point::texts(p)).collect();
                let is_refuted = cases::refutes(&model, &spec, rows, None, &texts);
                prop_assert!(!(is_proved && is_refuted), "{text}");
                let lengths: Vec<f64> = (0..2).map(|i| (pair[0][i] - pair[1][i]).abs() * scales[i]).collect();
                let distance = match norm {
                    "linf" => lengths[0].max(lengths[1]),
                    "l1" => lengths[0] + lengths[1],
                    _ => lengths[0].hypot(lengths[1]),
                };
                let moved = if text.contains("score") {
                    (model.margin(&pair[0]) - model.margin(&pair[1])).abs()
                } else {
                    2f64.sqrt() * (model.posterior(&pair[0])[1] - model.posterior(&pair[1])[1]).abs()
                };
                let allowed = constant * if is_far { distance } else { reach };
                prop_assert!(!is_proved || moved <= allowed + 1e-12, "{text}: {moved} {allowed}");
                prop_assert!(!is_refuted || moved >= allowed - 1e-12, "{text}: {moved} {allowed}");
                if (moved - allowed).abs() > 1e-9 {
                    prop_assert_eq!(is_refuted, moved > allowed, "{}: {} {}", text, moved, allowed);
                }
            }
        }
    }
}

/// `m = relu(x + 1) − 2·relu(x) + relu(x − 1)`: a hat of slopes 1 and −1 around 0.
fn hat(kind: Kind) -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, 1.0, 1.0], bias: vec![1.0, 0.0, -1.0], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, 0.0, 1.0, -2.0, 1.0], bias: vec![0.0, 0.0], inputs: 3 },
    ];
    let mut model = network(layers, (-2.0, 2.0), Precision::F32);
    let feature = cases::feature("x0".to_owned(), kind, (-2.0, 2.0));
    model.schema = propcert::model::Schema::new(vec![feature]).unwrap();
    model
}

/// What the kernel says of a proof of obligation 0, the same in both arithmetics.
fn said(model: &Model, text: &str, proof: &Proof) -> Result<bool, String> {
    let spec = spec(&format!("property = 'small-neighborhood'\n{text}"));
    let lowered = Lowered::new(&spec, model, None, &[]).unwrap();
    let said = BOTH.map(|arithmetic| {
        let verdict = Kernel::new(model, &lowered, arithmetic).check(0, proof);
        verdict.map(|v| matches!(v, Verdict::Proved(_))).map_err(|refusal| refusal.to_string())
    });
    assert_eq!(said[0], said[1], "{proof:?}");
    said[0].clone()
}

/// Over the whole domain all three neurons are open, and twice the change is allowed for; within ¼ of a
/// part only one is.
#[test]
fn a_change_is_smaller_box_by_box() {
    let claim = |constant: &str| format!("epsilon = '0.25'\nconstant = '{constant}'\non = 'score'");
    let split = |text: &str| Proof::split(SplitTree::parse(text).unwrap(), vec![]);
    let parts = "i0:-0x1p-1 L i0:0x1p-1 L L";
    let proves = |constant: &str, proof: &Proof| said(&hat(Kind::Real), &claim(constant), proof);
    assert_eq!(proves("1.9", &Proof::difference()), Ok(false));
    assert_eq!(proves("1.9", &split("J")), Ok(false));
    // on a whole domain the rule above covers it
    assert!(proves("9", &Proof::jacobian()).is_err());
    assert_eq!(proves("1.0001", &split(parts)), Ok(true));
    assert_eq!(proves("0.9999", &split(parts)), Ok(false));
    // the neuron at 0 is off on the left, but ¼ further right it is not
    assert_eq!(proves("1.0001", &split("i0:0x0p0 i0:-0x1p-1 L L i0:0x1p-1 L L")), Ok(true));
    assert_eq!(proves("1.0001", &split("i0:-0x1p-3 L i0:0x1p-1 L L")), Ok(false));
    for tree in [
        // segments are glued, changes are not
        "i0:-0x1p-1 J i0:0x1p-1 L L",
        "i0:-0x1p-1 L i0:0x1p-1 J J",
        // a sign at x; bounds of a part; a second copy; a neighbouring leaf
        "r0.1 L L",
        "i0:0x0p0!0 L L",
        "i0:0x0p0 L!0 L",
        "1/i0:0x0p0 L L",
        "i0:0x0p0 L I",
        "i0:0x0p0 L F",
        "i1:0x0p0 L L",
        "i0:0x1p2 L L",
    ] {
        assert!(proves("9", &split(tree)).is_err(), "{tree}");
    }
    let hints = vec![propcert::certificate::LeafHint::Shared(Default::default())];
    let hinted = Proof::split(SplitTree::parse("i0:0x0p0 L L#0").unwrap(), hints);
    assert!(proves("9", &hinted).is_err());
}

/// Of whole numbers those that are 1 apart are close on the score, where a distance of ε counts, and
/// equal ones only on posteriors; both points are whole, also around a part.
#[test]
fn whole_numbers_move_by_whole_numbers() {
    let split = |text: &str| Proof::split(SplitTree::parse(text).unwrap(), vec![]);
    let (kind, difference) = (Kind::Integer, Proof::difference());
    for proof in [difference.clone(), split("L"), split("i0:0x1p-1 L L")] {
        let proves = |text: &str| said(&hat(kind), text, &proof).unwrap();
        assert!(proves("epsilon = '1'\nconstant = '1e-9'"), "nothing is closer than 1");
        assert!(proves("epsilon = '0.99'\nconstant = '1e-9'\non = 'score'"));
        assert!(!proves("epsilon = '1'\nconstant = '0.99'\non = 'score'"));
        assert!(!proves("epsilon = '1.01'\nconstant = '0.1'"));
        assert!(!proves("epsilon = '0.99'\nconstant = '1e-9'\non = 'score'\nintegers = 'relax'"));
    }
    // from the part {−2, −1} one may step to 0
    let apart = split("i0:-0x1p-1 L i0:0x1p-1 L L");
    let claim = |constant: &str| format!("epsilon = '1'\nconstant = '{constant}'\non = 'score'");
    assert_eq!(said(&hat(kind), &claim("1.0001"), &apart), Ok(true));
    assert_eq!(said(&hat(kind), &claim("0.9999"), &apart), Ok(false));
}

/// `m = relu(2x) − relu(2x − 1)` rises by 2 a unit on [0, ½] and is flat elsewhere: ½ further on it may rise by 1.
#[test]
fn a_change_is_what_a_step_can_do() {
    let layers = vec![
        Layer { weights: vec![2.0, 2.0], bias: vec![0.0, -1.0], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, 1.0, -1.0], bias: vec![0.0, 0.0], inputs: 2 },
    ];
    let model = network(layers, (-2.0, 2.0), Precision::F32);
    let decided = |text: &str| {
        let spec = spec(&format!("property = 'small-neighborhood'\n{text}"));
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        BOTH.map(|arithmetic| {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            matches!(kernel.check(0, &Proof::difference()), Ok(Verdict::Proved(_)))
        })
    };
    // each relu passes on half of a change of ½, up to ¼ more or less; the halves cancel
    assert_eq!(decided("epsilon = '0.25'\nconstant = '2.0001'\non = 'score'"), [true; 2]);
    assert_eq!(decided("epsilon = '0.25'\nconstant = '1.99'\non = 'score'"), [false; 2]);
    // a posterior changes by less than 1, whatever the score does
    assert_eq!(decided("epsilon = '1'\nconstant = '1.4143'"), [true; 2]);
    assert_eq!(decided("epsilon = '0.25'\nconstant = '0.4'"), [false; 2]);
}
