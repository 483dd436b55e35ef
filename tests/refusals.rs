//! The table of cases that must be refused: networks and ensembles on which a plausible bounder
//! is wrong. Every rule, with plain and odd hints, is tried in both arithmetics.

mod cases;

use cases::forests::full_pairs;
use cases::table::{REAL, SERVED, case, fixture, model, spec};
use cases::{refutes, row};
use propcert::certificate::{Arithmetic, Entry, Hint, Kernel, Proof, SplitTree, Totals, Verdict};
use propcert::model::{Family, Layer, Model, Point, Precision};
use propcert::spec::{Lowered, Spec};

#[test]
fn f1_cancellation_beyond_f32_is_seen() {
    let at: &[f64] = &[1.0, 1.0, 1.0, 1.0];
    case("F1", "label", &[(at, 1)], REAL).is_not_proved().is_refuted_by(&[&["1", "1", "1", "1"]]);
    case("F1", "label", &[(at, 1)], SERVED).is_not_proved();
}

#[test]
fn f1d_cancellation_beyond_f64_is_seen() {
    let at: &[f64] = &[1.0, 1.0, 1.0, 1.0];
    case("F1d", "label", &[(at, 1)], REAL).is_not_proved().is_refuted_by(&[&["1", "1", "1", "1"]]);
}

#[test]
fn f2_a_bias_lost_in_f32_is_seen() {
    let at: &[f64] = &[1.0, 1.0, 1.0, 1.0];
    for semantics in [REAL, SERVED] {
        case("F2", "label", &[(at, 1)], semantics).is_not_proved();
    }
    case("F2", "label", &[(at, 1)], REAL).is_refuted_by(&[&["1", "1", "1", "1"]]);
}

#[test]
fn a2_holds_of_the_real_function_and_not_of_every_served_copy() {
    let at: &[f64] = &[1.0, 1.5, 1.5, 1.0];
    case("A2", "label", &[(at, 1)], REAL).is_proved();
    case("A2", "label", &[(at, 1)], SERVED).is_not_proved();
}

#[test]
fn nan_is_never_above_a_threshold() {
    let at: &[f64] = &[1.0, 1.0];
    case("NaN", "label", &[(at, 1)], REAL).is_not_proved().is_refuted_by(&[&["0.5", "1.5"]]);
    case("NaN", "label", &[(at, 1)], SERVED).is_not_proved();
}

#[test]
fn lp_scaled_relus_fool_solvers_only() {
    for k in 20..=50 {
        let mut lp = case("LP", "label", &[(&[0.0], 1)], REAL);
        let Family::Mlp(mlp) = &mut lp.model.family else { panic!("LP is a network") };
        mlp.layers[0].weights[0] = 2f64.powi(k);
        mlp.layers[1].weights[1] = -2f64.powi(-k);
        lp.is_not_proved().is_refuted_by(&[&["1"]]);
        lp.semantics = SERVED;
        lp.is_not_proved().is_refuted_by(&[&["1"]]);
    }
}

#[test]
fn lp2_a_tiny_coefficient_over_a_long_range_is_not_nothing() {
    for semantics in [REAL, SERVED] {
        let lp2 = case("LP2", "label", &[(&[0.0], 1)], semantics);
        lp2.is_not_proved().is_refuted_by(&[&["0x1p40"]]);
    }
}

#[test]
fn tr_a_threshold_between_a_decimal_and_its_f32_splits_the_semantics() {
    let at: &[f64] = &[0.671];
    case("TR", "point", &[(at, 0)], REAL).is_proved();
    case("TR", "point", &[(at, 1)], REAL).is_not_proved();
    case("TR", "point", &[(at, 0)], SERVED).is_not_proved();
    // 0.671 is no f64; the witness is the row itself
    let served = case("TR", "point", &[(at, 0)], SERVED);
    let texts = propcert::model::Point::texts(at);
    assert!(refutes(&served.model, &served.spec, &served.rows, SERVED, &[texts]));
}

#[test]
fn th_the_threshold_itself_goes_right() {
    case("TH", "below", &[(&[0.5], 0)], REAL).is_not_proved().is_refuted_by(&[&["1"]]);
    case("TH", "above", &[(&[1.5], 1)], REAL).is_proved();
    case("TH", "above", &[(&[1.5], 1)], SERVED).is_proved();
}

#[test]
fn eq_equality_refutes_a_strict_claim() {
    for claim in ["label", "half"] {
        case("EQ", claim, &[(&[0.5], 1)], REAL).is_not_proved().is_refuted_by(&[&["0"]]);
        case("EQ", claim, &[(&[0.5], 1)], SERVED).is_not_proved().is_refuted_by(&[&["0"]]);
    }
}

#[test]
fn hi_a_threshold_at_the_upper_end_is_crossed() {
    case("HI", "increasing", &[], None).is_not_proved().is_refuted_by(&[&["0.5"], &["1"]]);
}

#[test]
fn ovf_logits_that_overflow_f32_are_refused() {
    let at: &[f64] = &[2f64.powi(100)];
    case("OVF", "label", &[(at, 1)], REAL).is_proved();
    case("OVF", "label", &[(at, 1)], SERVED).is_not_proved();
}

#[test]
fn std_both_forms_of_standardisation_count() {
    case("STD", "label", &[(&[1_000_001.0], 1)], REAL).is_proved();
    case("STD", "label", &[(&[1_000_001.0], 1)], SERVED).is_not_proved();
}

#[test]
fn daz_subnormal_weights_are_refused_when_served() {
    let at: &[f64] = &[2f64.powi(100)];
    case("DAZ", "label", &[(at, 1)], REAL).is_proved();
    case("DAZ", "label", &[(at, 1)], SERVED).is_not_proved();
}

#[test]
fn relu_a_cut_at_the_kink_does_not_hide_the_boundary() {
    case("RELU", "fuzz-tenth", &[], None).is_not_proved().is_refuted_by(&[&["-0.05"]]);
    let relu = case("RELU", "fuzz-tenth", &[], None);
    let lowered = Lowered::new(&relu.spec, &relu.model, None, &relu.rows).unwrap();
    for arithmetic in cases::BOTH {
        let kernel = Kernel::new(&relu.model, &lowered, arithmetic);
        let check = |text| {
            let tree = SplitTree::parse(text).unwrap();
            kernel.check(0, &Proof::split(tree, Vec::new()))
        };
        for text in ["r0.0 F F", "i0:0x0p0!0 F F", "i0:0x0p0 L F", "F#0", "i1:0x0p0 F F"] {
            assert!(check(text).is_err(), "{text}");
        }
        // the left half holds points whose copies lie in the right half
        for text in ["F", "i0:0x0p0 F F", "i0:-0x1p-2 F i0:0x0p0 F F"] {
            assert!(matches!(check(text), Ok(Verdict::Undecided(_))), "{text}");
        }
    }
}

/// m = ½x up to 1 and steep beyond: no label flips there, and the slope below is small.
#[test]
fn the_boundary_is_cut_off_from_steep_places() {
    let layers = vec![
        Layer { weights: vec![1.0, 1.0], bias: vec![2.0, -1.0], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, 0.5, 50.0], bias: vec![0.0, -1.0], inputs: 2 },
    ];
    let model = cases::network(layers, (-2.0, 2.0), Precision::F32);
    let spec = spec("fuzz-tenth");
    let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
    for arithmetic in cases::BOTH {
        let kernel = Kernel::new(&model, &lowered, arithmetic);
        let check = |text| {
            let tree = SplitTree::parse(text).unwrap();
            kernel.check(0, &Proof::split(tree, Vec::new()))
        };
        assert!(matches!(kernel.check(0, &Proof::fuzz()), Ok(Verdict::Undecided(_))));
        assert!(matches!(check("i0:0x1.8p-1 F F"), Ok(Verdict::Proved(_))));
        // at 1.05 the left part is steep, and its left end has another label
        assert!(matches!(check("i0:0x1.1p0 F F"), Ok(Verdict::Undecided(_))));
    }
}

#[test]
fn ufl_an_underflowed_product_is_paid() {
    case("UFL", "label", &[(&[0.0], 1)], REAL).is_not_proved();
    let top = format!("0x1p{}", 1000);
    case("UFL", "label", &[(&[0.0], 1)], REAL).is_refuted_by(&[&[&top]]);
}

#[test]
fn ufl_a_slope_that_underflows_keeps_its_sign() {
    // the slope is −2⁻¹²⁰⁰
    let top = format!("0x1p{}", 1000);
    case("UFL", "increasing", &[], None).is_not_proved().is_refuted_by(&[&["0"], &[&top]]);
}

/// m = relu(x) − 2·relu(x + 2) + 4.5 is −0.5 at 1. A slope of 2 says `relu(x) >= 2x`, from which
/// m >= 0.5 would follow.
#[test]
fn a_slope_above_one_is_clipped() {
    let layers = vec![
        Layer { weights: vec![1.0, 1.0], bias: vec![0.0, 2.0], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, 1.0, -2.0], bias: vec![0.0, 4.5], inputs: 2 },
    ];
    let model = cases::network(layers, (-1.0, 1.0), Precision::F64);
    let (spec, rows) = (spec("label"), [row(&[-0.5], 1)]);
    let hint = Hint { slopes: vec![(0, 0, 2.0)], ..Hint::default() };
    let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
    for arithmetic in cases::BOTH {
        let kernel = Kernel::new(&model, &lowered, arithmetic);
        let verdict = kernel.check(0, &Proof::linear(vec![hint.clone()]));
        assert!(matches!(verdict, Ok(Verdict::Undecided(_))), "{verdict:?}");
    }
    assert!(refutes(&model, &spec, &rows, REAL, &[vec!["1".to_owned()]]));
}

/// F = σ(0.2) = 0.55 everywhere; behind poisoning with α = 0.4 the answer is 0.33.
#[test]
fn poisoning_is_taken_off_before_a_claim_is_proved() {
    let layers = vec![Layer { weights: vec![0.0, 0.0], bias: vec![0.0, 0.2], inputs: 1 }];
    let model = cases::network(layers, (-1.0, 1.0), Precision::F64);
    let (digest, rows) = (propcert::model::Digest::of(b"any"), [row(&[0.0], 1)]);
    for (alpha, claim, is_proved) in [
        ("0", "half", true),
        ("0.4", "half", false),
        ("0.05", "label", true),
        ("0.4", "label", false),
    ] {
        let alpha = alpha.parse().unwrap();
        let defense = propcert::defense::Defense::prediction_poisoning(digest, alpha).unwrap();
        let spec = spec(claim);
        let lowered = Lowered::new(&spec, &model, Some(&defense), &rows).unwrap();
        for arithmetic in cases::BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let verdict = kernel.check(0, &Proof::interval());
            assert_eq!(matches!(verdict, Ok(Verdict::Proved(_))), is_proved, "{verdict:?}");
        }
    }
}

#[test]
fn inf_inputs_beyond_f32_are_refused_when_served() {
    let at: &[f64] = &[2f64.powi(130)];
    case("INF", "label", &[(at, 1)], REAL).is_proved();
    case("INF", "label", &[(at, 1)], SERVED).is_not_proved();
}

#[test]
fn shift_a_shifted_copy_need_not_be_whole() {
    case("SHIFT", "fuzz-half", &[], None).is_not_proved().is_refuted_by(&[&["2"]]);
}

#[test]
fn ceil_whole_features_move_thresholds_up() {
    case("CEIL", "increasing", &[], None).is_not_proved().is_refuted_by(&[&["4"], &["5"]]);
}

#[test]
fn int_a_fraction_in_an_integer_feature_is_invalid() {
    let int = case("INT", "point", &[(&[0.5], 1)], REAL);
    int.is_not_proved();
    let spec = Spec { semantics: REAL, ..int.spec.clone() };
    let lowered = Lowered::new(&spec, &int.model, None, &int.rows).unwrap();
    for arithmetic in cases::BOTH {
        let kernel = Kernel::new(&int.model, &lowered, arithmetic);
        assert!(matches!(kernel.check(0, &Proof::None), Ok(Verdict::Invalid)));
    }
    case("INT", "point", &[(&[1.0], 1)], REAL).is_proved();
}

#[test]
fn sum0_a_tie_goes_to_the_lower_class() {
    for semantics in [REAL, SERVED] {
        case("SUM0", "label", &[(&[0.5], 1)], semantics).is_not_proved();
    }
    case("SUM0", "label", &[(&[0.5], 1)], REAL).is_refuted_by(&[&["0.5"]]);
    case("SUM0", "label", &[(&[0.5], 0)], REAL).is_proved();
}

#[test]
fn dom_the_domain_is_part_of_the_claim() {
    case("DOM", "increasing", &[], None).is_not_proved().is_refuted_by(&[&["-1.5"], &["-1"]]);
    case("DOM", "increasing-from-zero", &[], None).is_proved();
}

#[test]
fn vac_without_rows_there_is_nothing_to_decide() {
    let none = case("EQ", "label", &[], REAL);
    let lowered = Lowered::new(&none.spec, &none.model, None, &none.rows).unwrap();
    let kernel = Kernel::new(&none.model, &lowered, Arithmetic::Rounded);
    assert!(kernel.is_empty());
    assert!(kernel.check(0, &Proof::interval()).is_err());
}

/// Counts of a claim about all pairs of these rows, the same in both arithmetics.
fn counts(claim: &str, rows: &[propcert::model::Row]) -> Totals {
    let (model, spec) = (model("EQ"), spec(claim));
    let lowered = Lowered::new(&spec, &model, None, rows).unwrap();
    let counts = cases::BOTH.map(|arithmetic| {
        let kernel = Kernel::new(&model, &lowered, arithmetic);
        for proof in [Proof::None, Proof::interval(), Proof::jacobian(), Proof::fuzz()] {
            assert!(kernel.check(0, &proof).is_err());
        }
        match kernel.check(0, &Proof::AllPairs { witnesses: vec![] }) {
            Ok(Verdict::Counted(totals)) => totals,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(counts[0], counts[1]);
    counts[0]
}

#[test]
fn vac_pairs_that_are_all_far_apart_prove_nothing() {
    let rows = [row(&[0.0], 1), row(&[0.5], 1), row(&[1.0], 1)];
    for (rows, vacuous) in [(&rows[..], 6), (&rows[..1], 0), (&rows[..0], 0)] {
        let totals = counts("vacuous", rows);
        assert_eq!(totals, Totals { vacuous, ..Totals::default() });
        assert_eq!(totals.constraint_accuracy(), "no obligations");
    }
}

#[test]
fn int_a_row_outside_the_domain_has_invalid_pairs_only() {
    let rows = [row(&[0.0], 1), row(&[2.0], 1), row(&[0.0], 1)];
    let expected = Totals { proved: 2, invalid: 4, ..Totals::default() };
    assert_eq!(counts("vacuous", &rows), expected);
}

#[test]
fn near_and_pair_claims_about_steps_are_refuted_and_not_proved() {
    let rows = [row(&[-0.5], 0), row(&[0.5], 1)];
    for (name, claim, rows, pair) in
        [("NEAR", "near", &[][..], [0.0, 1.0]), ("PAIR", "lipschitz", &rows[..], [-1e-9, 0.0])]
    {
        let (model, spec) = (model(name), spec(claim));
        let lowered = Lowered::new(&spec, &model, None, rows).unwrap();
        let obligation = lowered.obligation(0).unwrap();
        for arithmetic in cases::BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let bare = Proof::tree_pairs([].into());
            for proof in [bare, full_pairs(&kernel, &obligation), Proof::Range] {
                let verdict = kernel.check(0, &proof);
                assert!(!matches!(verdict, Ok(Verdict::Proved(_))), "{name}: {proof:?}");
            }
            let points = pair.map(|x| Point::texts(&[x])).to_vec();
            let verdict = kernel.check(0, &Proof::Counterexample { points });
            assert!(matches!(verdict, Ok(Verdict::Refuted(_))), "{name}: {verdict:?}");
        }
    }
}

/// A rule is for the claims that the page names, whatever leaves its trees have.
#[test]
fn thresholds_are_no_rule_for_pairs_and_pairs_none_for_labels() {
    let leaf = |text: &str| [(0, SplitTree::parse(text).unwrap())].into();
    let rows = [row(&[-0.5], 0), row(&[0.5], 1)];
    for (name, claim, rows) in [("NEAR", "near", &[][..]), ("PAIR", "lipschitz", &rows[..])] {
        let (model, spec) = (model(name), spec(claim));
        let lowered = Lowered::new(&spec, &model, None, rows).unwrap();
        for arithmetic in cases::BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            for proof in [Proof::jumps(leaf("T")), Proof::jumps(leaf("I")), Proof::jumps([].into())]
            {
                assert!(kernel.check(0, &proof).is_err(), "{name}: {proof:?}");
            }
            let told = kernel.check(0, &Proof::tree_pairs(leaf("I"))).unwrap_err().to_string();
            assert!(told.contains("token 0"), "{told}");
        }
    }
    let label = case("EQ", "label", &[(&[0.0], 1)], REAL);
    let lowered = Lowered::new(&label.spec, &label.model, None, &label.rows).unwrap();
    let kernel = Kernel::new(&label.model, &lowered, Arithmetic::Exact);
    for proof in [Proof::tree_pairs(leaf("T")), Proof::jumps(leaf("I"))] {
        assert!(kernel.check(0, &proof).is_err(), "{proof:?}");
    }
}

#[test]
fn rules_and_families_not_built_yet_are_refused_by_name() {
    let error = Entry::parse(br#"{"at":0,"rule":"tree-dual"}"#).unwrap_err().to_string();
    assert!(error.contains("tree-dual"), "{error}");
    for leaf in ["R", "U"] {
        assert!(SplitTree::parse(leaf).is_err());
    }
    let error = Model::read(&fixture("rules.json")).unwrap_err().to_string();
    assert!(error.contains("rules"), "{error}");
}

const PLAIN_SCORE: &str = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower",
    "classes":1,"features":[{"name":"x","kind":"real","low":"0","high":"1"}],"base":[0.5],"trees":[]}"#;

/// A regression has one class that always wins: every one of these would hold emptily.
#[test]
fn claims_about_labels_and_posteriors_of_a_plain_score_are_refused() {
    let model = Model::read(PLAIN_SCORE.as_bytes()).unwrap();
    for spec in [
        "property = 'label'\nepsilon = '0.1'",
        "property = 'local-invariance'\nepsilon = '0.1'\ndelta = '0.5'",
        "property = 'local-invariance-t'\nepsilon-1 = '0.1'\nepsilon-2 = '0.5'",
        "property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '5'",
        "property = 'lipschitzness-t'\nconstant = '5'",
        "property = 'boundary-fuzz'\nshift = '0.1'\nepsilon = '0.1'\nscope = 'domain'",
        "property = 'output-region'\nunsafe = [[{y = ['1'], rhs = '0'}]]\n[[input]]\nbox = [['0', '1']]",
        "property = 'high-confidence'\nfeatures = ['x']\nconfidence = '0.9'\ncutoff = '0.5'",
        "property = 'redundancy'\ngroups = [['x']]\nconfidence = '0.9'\ncutoff = '0.5'",
        "property = 'small-neighborhood'\nepsilon = '0.1'\nconstant = '5'",
        "property = 'stability'\nfeatures = ['x']\nbound = '1'\non = 'posterior'",
    ] {
        let spec = Spec::read(spec.as_bytes()).unwrap_or_else(|error| panic!("{spec}: {error}"));
        let refused = Lowered::new(&spec, &model, None, &[row(&[0.25], 0)]).unwrap_err();
        assert!(refused.to_string().contains("plain score"), "{refused}");
    }
}
