//! The table of cases that must be refused, through the search: attack, bounds, linear program,
//! case distinctions. What is false is never proved, whatever the search is allowed; what the table
//! has a witness for is refuted; what must be proved is proved.
#![cfg(feature = "full")]

mod cases;

use std::collections::BTreeSet;

use cases::table::{Case, REAL, SERVED, case, model, spec};
use cases::{ensemble, network, row, split};
use propcert::certificate::{Kernel, Leaf, Proof, Step, Subject, Verdict};
use propcert::certify::{Options, Searcher};
use propcert::model::{Digest, Family, Kind, Layer, Model, Node, Precision, Schema, Tree};
use propcert::spec::{Lowered, Monotonicity, Property, Semantics, Spec};

/// What a search must come to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    Proved,
    Refuted,
    /// Not proved; whether it is refuted depends on the attack.
    NotProved,
    Invalid,
}
use Expected::{Invalid, NotProved, Proved, Refuted};

/// What a verdict says.
fn told(verdict: Verdict) -> Expected {
    match verdict {
        Verdict::Proved(_) => Proved,
        Verdict::Refuted(_) => Refuted,
        Verdict::Undecided(_) => NotProved,
        Verdict::Invalid => Invalid,
        Verdict::Counted(_) => panic!("no case is about all pairs"),
    }
}

/// The default, a search that has to do without random starts and cuts, one with many of both.
fn allowances() -> [Options; 3] {
    let plain = Options::default();
    [
        plain,
        Options { attack_starts: 0, budget_nodes: 0, ..plain },
        Options { attack_starts: 64, budget_nodes: 3000, seed: 1, ..plain },
    ]
}

fn searcher<'a>(
    case: &'a Case,
    spec: &'a Spec,
    lowered: &'a Lowered<'a>,
    options: Options,
) -> Searcher<'a> {
    let digest = Digest::of(b"any");
    let subject = Subject { model: (&case.model, digest), spec, data: None, defense: None };
    Searcher::new(subject, lowered, &case.rows, options)
}

/// The answer to obligation 0 and the rule of its proof. The kernel must not contradict it in
/// either arithmetic.
fn search(case: &Case, options: Options) -> (Expected, Proof) {
    let spec = Spec { semantics: case.semantics, ..case.spec.clone() };
    let lowered = Lowered::new(&spec, &case.model, None, &case.rows).unwrap();
    let searcher = searcher(case, &spec, &lowered, options);
    let mut found = Vec::new();
    let keep = |line: &propcert::certificate::Line, _: &_| {
        found.push(line.clone());
        Ok(())
    };
    let summary = searcher.run(0, keep).unwrap();
    let line = found.into_iter().next().expect("there is an obligation");
    let verdicts = cases::BOTH.map(|arithmetic| {
        told(Kernel::new(&case.model, &lowered, arithmetic).check(0, &line.proof).unwrap())
    });
    assert!(verdicts.iter().all(|v| *v == verdicts[0] || *v == NotProved), "{verdicts:?}");
    assert_eq!(u64::from(verdicts[0] == Proved), summary.totals.proved);
    (verdicts[0], line.proof)
}

/// Every search comes to what is expected; a witness need not be found by the poorest.
fn check(what: &str, case: &Case, expected: Expected) {
    let [plain, poor, rich] = allowances().map(|options| search(case, options).0);
    for (found, is_poor) in [(plain, false), (poor, true), (rich, false)] {
        let fits = match expected {
            Proved | Invalid => found == expected,
            Refuted => found == Refuted || (is_poor && found == NotProved),
            NotProved => found != Proved && found != Invalid,
        };
        assert!(fits, "{what}: expected {expected:?}, found {plain:?}, {poor:?}, {rich:?}");
    }
}

type Line = (&'static str, &'static str, &'static [f64], usize, Option<Semantics>, Expected);

const ONES: &[f64] = &[1.0; 4];
const INSIDE: &[f64] = &[1.5, 1.5, 1.5, 0.5];
/// 2¹⁰⁰
const LARGE: &[f64] = &[1_267_650_600_228_229_401_496_703_205_376.0];
/// 2¹³⁰
const LARGER: &[f64] = &[1_361_129_467_683_753_853_853_498_429_727_072_845_824.0];

/// Fixture, claim, row (none: the whole domain), its label, semantics.
const TABLE: [Line; 48] = [
    ("F1", "label", ONES, 1, REAL, Refuted),
    ("F1", "label", ONES, 1, SERVED, Refuted),
    ("F1", "label", INSIDE, 1, REAL, Refuted),
    ("F1", "label", INSIDE, 1, SERVED, Refuted),
    ("F1d", "label", ONES, 1, REAL, Refuted),
    ("F2", "label", ONES, 1, REAL, Refuted),
    ("F2", "label", ONES, 1, SERVED, NotProved),
    ("A2", "label", &[1.0, 1.5, 1.5, 1.0], 1, REAL, Proved),
    ("A2", "label", &[1.0, 1.5, 1.5, 1.0], 1, SERVED, NotProved),
    ("NaN", "label", &[1.0, 1.0], 1, REAL, Refuted),
    ("NaN", "label", &[1.0, 1.0], 1, SERVED, NotProved),
    ("TR", "point", &[0.671], 0, REAL, Proved),
    ("TR", "point", &[0.671], 1, REAL, Refuted),
    ("TR", "point", &[0.671], 0, SERVED, NotProved),
    ("TH", "below", &[0.5], 0, REAL, NotProved),
    ("TH", "below", &[0.5], 0, SERVED, NotProved),
    ("TH", "above", &[1.5], 1, REAL, Proved),
    ("TH", "above", &[1.5], 1, SERVED, Proved),
    ("EQ", "label", &[0.5], 1, REAL, Refuted),
    ("EQ", "label", &[0.5], 1, SERVED, Refuted),
    ("EQ", "half", &[0.5], 1, REAL, Refuted),
    ("EQ", "half", &[0.5], 1, SERVED, Refuted),
    ("OVF", "label", LARGE, 1, REAL, Proved),
    ("OVF", "label", LARGE, 1, SERVED, NotProved),
    ("STD", "label", &[1_000_001.0], 1, REAL, Proved),
    ("STD", "label", &[1_000_001.0], 1, SERVED, NotProved),
    ("DAZ", "label", LARGE, 1, REAL, Proved),
    ("DAZ", "label", LARGE, 1, SERVED, NotProved),
    ("INF", "label", LARGER, 1, REAL, Proved),
    ("INF", "label", LARGER, 1, SERVED, NotProved),
    ("UFL", "label", &[0.0], 1, REAL, Refuted),
    ("UFL", "increasing", &[], 0, None, Refuted),
    ("SUM0", "label", &[0.5], 1, REAL, Refuted),
    ("SUM0", "label", &[0.5], 1, SERVED, Refuted),
    ("SUM0", "label", &[0.5], 0, REAL, Proved),
    ("INT", "point", &[0.5], 1, REAL, Invalid),
    ("INT", "point", &[0.5], 1, SERVED, Invalid),
    ("INT", "point", &[1.0], 1, REAL, Proved),
    ("INT", "point", &[1.0], 1, SERVED, Proved),
    ("HI", "increasing", &[], 0, None, Refuted),
    ("CEIL", "increasing", &[], 0, None, Refuted),
    ("DOM", "increasing", &[], 0, None, Refuted),
    ("DOM", "increasing-from-zero", &[], 0, None, Proved),
    ("RELU", "fuzz-tenth", &[], 0, None, Refuted),
    ("SHIFT", "fuzz-half", &[], 0, None, NotProved),
    ("LP", "label", &[0.0], 1, REAL, Refuted),
    ("LP", "label", &[-0.5], 1, REAL, Refuted),
    ("LP", "label", &[-0.5], 1, SERVED, Refuted),
];

/// What each rung offers for obligation 0, decided in both arithmetics: an attack or an earlier rung
/// would end a search before most of them are asked.
fn rungs(case: &Case, options: Options) -> Vec<(Proof, [Expected; 2])> {
    let spec = Spec { semantics: case.semantics, ..case.spec.clone() };
    let lowered = Lowered::new(&spec, &case.model, None, &case.rows).unwrap();
    let searcher = searcher(case, &spec, &lowered, options);
    let decide = |proof: Proof| {
        let verdicts = cases::BOTH.map(|arithmetic| {
            told(Kernel::new(&case.model, &lowered, arithmetic).check(0, &proof).unwrap())
        });
        (proof, verdicts)
    };
    searcher.offers(0).into_iter().map(decide).collect()
}

/// The bounders one by one, on every line of the table.
#[test]
fn no_rung_proves_what_the_table_calls_false() {
    let mut asked = BTreeSet::new();
    for (name, claim, values, label, semantics, expected) in TABLE {
        let rows: &[(&[f64], usize)] = if values.is_empty() { &[] } else { &[(values, label)] };
        let case = case(name, claim, rows, semantics);
        for options in allowances() {
            for (proof, verdicts) in rungs(&case, options) {
                asked.insert(proof.rule());
                let is_contradicted = verdicts.iter().any(|verdict| match expected {
                    Proved => *verdict == Refuted,
                    Refuted | NotProved | Invalid => *verdict == Proved,
                });
                let what = format!("{name}, {claim} at {values:?}, {semantics:?}");
                assert!(!is_contradicted, "{what}: {verdicts:?} by {proof:?}");
            }
        }
    }
    let all = ["interval", "linear", "jacobian", "split", "fuzz", "jumps"];
    assert!(all.iter().all(|rule| asked.contains(rule)), "asked were only {asked:?}");
}

#[test]
fn the_table_is_kept_by_every_search() {
    for (name, claim, values, label, semantics, expected) in TABLE {
        let rows: &[(&[f64], usize)] = if values.is_empty() { &[] } else { &[(values, label)] };
        let what = format!("{name}, {claim} at {values:?}, {semantics:?}");
        check(&what, &case(name, claim, rows, semantics), expected);
    }
}

#[test]
fn every_fixture_is_searched() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/refusals");
    // rule sets are refused before any search; claims about two points are looked at in `soundness`
    let mut searched: BTreeSet<&str> = TABLE.iter().map(|line| line.0).collect();
    searched.extend(["LP2", "NEAR", "PAIR", "rules"]);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_model = path.extension().is_some_and(|extension| extension == "json");
        assert!(!is_model || searched.contains(name.as_str()), "{name}");
    }
}

fn mlp(model: &mut Model) -> &mut [Layer] {
    let Family::Mlp(mlp) = &mut model.family else { panic!("not a network") };
    &mut mlp.layers
}

/// m = c − 2⁻ᵏ·relu(2ᵏx) on [−1, 1] has the minimum c − 1. From the row at −0.5 no slope leads to
/// the witness, so that the poorest search asks the solver.
#[test]
fn lp_scaled_relus_fool_solvers_only() {
    for k in 20..=50 {
        for (constant, expected) in [(0.5, Refuted), (0.9375, Refuted), (1.0, Refuted)] {
            let mut lp = case("LP", "label", &[(&[-0.5], 1)], REAL);
            let layers = mlp(&mut lp.model);
            layers[0].weights[0] = 2f64.powi(k);
            layers[1].weights[1] = -2f64.powi(-k);
            layers[1].bias[1] = constant;
            check(&format!("k = {k}, {constant}"), &lp, expected);
            lp.semantics = SERVED;
            check(&format!("k = {k}, {constant}, served"), &lp, expected);
            mlp(&mut lp.model)[1].bias[1] = constant + 0.75;
            check(&format!("k = {k}, {constant} more"), &lp, Proved);
        }
    }
}

/// min −2⁻³⁷·x over x ≤ 2⁴⁰ is −8, which a solver with an absolute tolerance calls 0: the margin is
/// c − 2⁻³⁷·relu(x), with the ReLU open and with it undecided.
#[test]
fn lp2_a_tiny_coefficient_over_a_long_range_is_not_nothing() {
    for (low, at) in [("0", 0.0), ("0", 1.0), ("-1", -0.5), ("-1099511627776", -1.0)] {
        for (constant, expected) in
            [(0.5, Refuted), (4.0, Refuted), (7.5, Refuted), (8.0, Refuted), (8.5, Proved)]
        {
            for precision in [Precision::F32, Precision::F64] {
                let mut lp2 = case("LP2", "label", &[(&[at], 1)], REAL);
                let mut features = lp2.model.schema.features().to_vec();
                features[0].low = Some(low.parse().unwrap());
                lp2.model.schema = Schema::new(features).unwrap();
                lp2.model.precision = precision;
                mlp(&mut lp2.model)[1].bias[1] = constant;
                check(&format!("LP2 [{low}, 2^40] {constant}"), &lp2, expected);
                if expected != Proved {
                    lp2.is_not_proved().is_refuted_by(&[&["0x1p40"]]);
                }
            }
        }
    }
}

/// True claims, one per rung of the ladder: the rungs before the named rule do not show them.
fn controls() -> Vec<(&'static str, Case)> {
    let one_input = |weights: &[f64], bias: &[f64], last: &[f64], constant: f64| {
        let width = weights.len();
        let layers = vec![
            Layer { weights: weights.to_vec(), bias: bias.to_vec(), inputs: 1 },
            Layer {
                weights: [vec![0.0; width], last.to_vec()].concat(),
                bias: vec![0.0, constant],
                inputs: width,
            },
        ];
        network(layers, (-1.0, 1.0), Precision::F64)
    };
    let label =
        |model| Case { model, spec: spec("label"), rows: vec![row(&[0.5], 1)], semantics: REAL };
    let domain = |model, text: &str| Case {
        model,
        spec: cases::spec(text),
        rows: Vec::new(),
        semantics: None,
    };
    let rising = "property = 'monotonicity'\nfeatures = [0]\ndirection = 'increasing'";
    let fuzz = "property = 'boundary-fuzz'\nscope = 'domain'\nshift = '0.1'\nepsilon = '1'";
    let stump = |at: f64, below: f64, above: f64| Tree {
        output: 0,
        nodes: vec![split(0, at, 1, 2), Node::Leaf(below), Node::Leaf(above)],
    };
    let hat = vec![stump(-0.5, -1.0, 1.0), stump(0.5, 1.0, -1.0)];
    vec![
        ("interval", label(one_input(&[1.0], &[0.0], &[1.0], 0.5))),
        // 2(x + 5) − (x + 5) − 3.5 = x + 1.5
        ("linear", label(one_input(&[1.0, 1.0], &[5.0, 5.0], &[2.0, -1.0], -3.5))),
        // 2·relu(x) − (x + 5) + 5.5 = |x| + ½ needs a slope near ½
        ("linear", label(one_input(&[1.0, 1.0], &[0.0, 5.0], &[2.0, -1.0], 5.5))),
        // 3·relu(x) − x + 0.003 needs the slope ⅓ more closely than in units of 2⁻⁸
        ("linear", label(one_input(&[1.0, 1.0], &[0.0, 5.0], &[3.0, -1.0], 5.003))),
        // relu(x) − 2·relu(x − ½) + ¼ is −¼ in the relaxation of the whole
        ("split", label(one_input(&[1.0, 1.0], &[0.0, -0.5], &[1.0, -2.0], 0.25))),
        // one of the two is always +1, so the sum is never −2
        ("split", label(ensemble(&[Kind::Real], (-1.0, 1.0), vec![0.5], hat))),
        ("jacobian", domain(one_input(&[1.0], &[0.0], &[1.0], 0.0), rising)),
        ("fuzz", domain(one_input(&[1.0], &[0.0], &[1.0], 0.5), fuzz)),
        (
            "jumps",
            domain(
                ensemble(&[Kind::Real], (-1.0, 1.0), vec![0.0], vec![stump(0.0, -1.0, 1.0)]),
                rising,
            ),
        ),
    ]
}

#[test]
fn every_rung_proves_something() {
    for (rule, case) in controls() {
        let (verdict, proof) = search(&case, Options::default());
        assert_eq!((verdict, proof.rule()), (Proved, rule));
    }
}

/// The same claims with the other label, or the other direction, are false.
#[test]
fn no_rung_proves_the_opposite() {
    for (rule, mut case) in controls() {
        case.rows.iter_mut().for_each(|row| row.label = 0);
        if let Property::Monotonicity(Monotonicity { direction, .. }) = &mut case.spec.property {
            *direction = propcert::spec::Direction::Decreasing;
        }
        if rule != "fuzz" {
            check(rule, &case, Refuted);
        }
    }
}

/// m = 10·(x₀ + x₁) is 1.3 at the row. A step of 0.1 along an axis leaves 0.3; along both it flips.
#[test]
fn a_ball_is_searched_off_the_axes() {
    let layers = vec![
        Layer { weights: vec![1.0, 0.0, 0.0, 1.0], bias: vec![5.0, 5.0], inputs: 2 },
        Layer { weights: vec![0.0, 0.0, 10.0, 10.0], bias: vec![0.0, -100.0], inputs: 2 },
    ];
    let model = network(layers, (-1.0, 1.0), Precision::F64);
    for (zone, expected) in [("axis", Proved), ("ball", Refuted)] {
        for radius in ["0", "0.001"] {
            let text = format!(
                "property = 'boundary-fuzz'\nzone = '{zone}'\nshift = '0.1'\nepsilon = '0.1'\nradius = '{radius}'"
            );
            let rows = vec![row(&[0.065, 0.065], 1)];
            let case =
                Case { model: model.clone(), spec: cases::spec(&text), rows, semantics: None };
            check(&format!("{zone}, {radius}"), &case, expected);
        }
    }
}

/// m = ½ + 2·relu(x) − relu(3x) is ½ − relu(x), which neither lines nor gradients see before the
/// partners of the row, 0, are cut at the kink. It reaches 0 at ½.
#[test]
fn a_ball_is_cut_until_it_is_decided() {
    let layers = vec![
        Layer { weights: vec![1.0, 3.0], bias: vec![0.0; 2], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, 2.0, -1.0], bias: vec![0.0, 0.5], inputs: 2 },
    ];
    let model = network(layers, (-2.0, 2.0), Precision::F64);
    for (shift, expected) in [("0.4", Proved), ("0.6", Refuted)] {
        let text = format!(
            "property = 'boundary-fuzz'\nzone = 'ball'\nshift = '{shift}'\nepsilon = '0.1'\nradius = '0'"
        );
        let rows = vec![row(&[0.0], 1)];
        let case = Case { model: model.clone(), spec: cases::spec(&text), rows, semantics: None };
        let (verdict, proof) = search(&case, Options::default());
        assert_eq!(verdict, expected, "{shift}");
        let has_cuts = proof.as_split().is_some_and(|(tree, _)| tree.text().contains("1/i"));
        assert_eq!(has_cuts, expected == Proved, "{proof:?}");
    }
}

/// m = relu(x + ½) − 2·relu(x) has slopes 0, 1 and −1, one after the other. Over the whole domain the rule on
/// changes cannot tell where the two neurons turn; box by box it can.
#[test]
fn small_neighbourhoods_are_cut_until_their_changes_are_small() {
    let layers = vec![
        Layer { weights: vec![1.0, 1.0], bias: vec![0.5, 0.0], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, 1.0, -2.0], bias: vec![0.0; 2], inputs: 2 },
    ];
    let model = network(layers, (-1.0, 1.0), Precision::F64);
    for (constant, expected) in [("1.2", Proved), ("0.9", Refuted)] {
        let text = format!(
            "property = 'small-neighborhood'\nepsilon = '0.1'\nconstant = '{constant}'\non = 'score'"
        );
        let (spec, rows) = (cases::spec(&text), Vec::new());
        let case = Case { model: model.clone(), spec, rows, semantics: None };
        let lowered = Lowered::new(&case.spec, &case.model, None, &case.rows).unwrap();
        for arithmetic in cases::BOTH {
            let whole =
                Kernel::new(&case.model, &lowered, arithmetic).check(0, &Proof::difference());
            assert_eq!(told(whole.unwrap()), NotProved, "{constant}");
        }
        let (verdict, proof) = search(&case, Options::default());
        assert_eq!(verdict, expected, "{constant}");
        if let Some((tree, hints)) = proof.as_split() {
            let is_by_lines = |step: &Step| {
                matches!(step, Step::Cut { .. } | Step::Leaf { leaf: Leaf::Linear, .. })
            };
            assert!(tree.steps().iter().all(is_by_lines) && hints.is_empty(), "{}", tree.text());
        }
        assert_eq!(proof.as_split().is_some(), expected == Proved, "{proof:?}");
    }
}

/// m = 11.5·(x₀ + 1) − Σᵢ relu(x₀ + xᵢ − 1.5) over 12 other inputs falls along x₀ only where all of them are
/// large: too rarely for random lines, and no case is cut.
#[test]
fn a_corner_where_a_network_falls_is_climbed_to() {
    let others = 12;
    let mut weights = vec![vec![0.0; others + 1]; others + 1];
    (0..=others).for_each(|neuron| weights[neuron][0] = 1.0);
    (1..=others).for_each(|neuron| weights[neuron][neuron] = 1.0);
    let bias = (0..=others).map(|neuron| if neuron == 0 { 1.0 } else { -1.5 }).collect();
    let last = (0..=others).map(|neuron| if neuron == 0 { 11.5 } else { -1.0 });
    let layers = vec![
        Layer { weights: weights.concat(), bias, inputs: others + 1 },
        Layer {
            weights: std::iter::repeat_n(0.0, others + 1).chain(last).collect(),
            bias: vec![0.0; 2],
            inputs: others + 1,
        },
    ];
    let text = "property = 'monotonicity'\nfeatures = [0]\ndirection = 'increasing'";
    let model = network(layers, (0.0, 1.0), Precision::F64);
    let case = Case { model, spec: cases::spec(text), rows: Vec::new(), semantics: None };
    let options = Options { budget_nodes: 0, ..Options::default() };
    assert_eq!(search(&case, options).0, Refuted);
}

/// A served execution of DOM, CEIL and the others about differences is no subject of a claim.
#[test]
fn claims_about_differences_are_refused_when_served() {
    for (name, claim) in [("HI", "increasing"), ("RELU", "fuzz-tenth")] {
        let spec = Spec { semantics: SERVED, ..spec(claim) };
        assert!(Lowered::new(&spec, &model(name), None, &[]).is_err(), "{name}");
    }
}
