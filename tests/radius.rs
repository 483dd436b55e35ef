//! Exact radii of ensembles: against all cells of small ones, against published ones, and as certificates.
#![cfg(feature = "full")]

#[path = "cases/mod.rs"]
mod cases;
#[path = "cases/yardstick.rs"]
mod yardstick;

use std::io::Write;

use cases::draw::Draw;
use cases::feature;
use cases::forests::{quarter, random_tree};
use cases::nearest::{Place, nearest_change};
use propcert::certify::ensemble::jumps::Census;
use propcert::certify::ensemble::{Radii, Radius};
use propcert::interval::Rational;
use propcert::model::{
    Digest, Ensemble, Family, Feature, Kind, Link, Model, Point, Precision, Schema, Tie,
};
use propcert::spec::{Direction, Integers, Norm};
use propcert::study::radii::{Anchor, keep};
use proptest::prelude::*;
use yardstick::{Family as Published, Yardstick};

const NORMS: [Norm; 3] = [Norm::Linf, Norm::L1, Norm::L2];
const PLENTY: u64 = 1 << 20;

/// Thresholds are halves, leaves quarters, so that distances and scores tie often; some leaves need more
/// bits than the search has.
fn random_ensemble(draw: &mut Draw) -> Model {
    let (features, classes) = (1 + draw.index(3), 2 + draw.index(2));
    let outputs = if classes == 2 { 1 } else { classes };
    let is_fine = draw.index(5) == 0;
    let value = |draw: &mut Draw| {
        let fine = if is_fine { 2f64.powi(-70) * draw.index(3) as f64 } else { 0.0 };
        let leaf = quarter(draw);
        if draw.is_heads() { leaf } else { fine }
    };
    let mut tree = || {
        let output = draw.index(outputs);
        random_tree(draw, features, output, |draw| draw.index(9) as f64 / 2.0, value)
    };
    let trees = (0..6).map(|_| tree()).collect();
    let base = (0..outputs).map(|_| (draw.index(5) as f64 - 2.0) / 8.0).collect();
    let features = (0..features).map(|i| {
        let mut feature = feature(format!("x{i}"), Kind::Real, (0.0, 4.0));
        feature.scale = [1.0, 0.5, 0.1, 3.0][draw.index(4)];
        feature.mean = [0.0, 1.25][draw.index(2)];
        if draw.is_heads() {
            (feature.low, feature.high) = (None, None);
        }
        feature
    });
    Model {
        schema: Schema::new(features.collect()).unwrap(),
        precision: Precision::F64,
        tie: [Tie::Lower, Tie::Upper][draw.index(2)],
        classes,
        link: Link::Softmax,
        family: Family::Ensemble(Ensemble { base, trees }),
    }
}

/// The same with some features that take whole numbers, and a point of it.
fn random_whole(draw: &mut Draw) -> (Model, Vec<f64>) {
    let mut model = random_ensemble(draw);
    let mut features = model.schema.features().to_vec();
    let mut raw = random_point(draw, &model);
    for (feature, x) in features.iter_mut().zip(&mut raw) {
        if draw.index(3) > 0 {
            feature.kind = Kind::Integer;
            *x = x.floor();
        }
    }
    model.schema = Schema::new(features).unwrap();
    (model, raw)
}

fn random_point(draw: &mut Draw, model: &Model) -> Vec<f64> {
    let value = |draw: &mut Draw| match draw.index(3) {
        0 => draw.index(9) as f64 / 2.0,
        1 => draw.index(33) as f64 / 8.0,
        _ => 4.0 * draw.signed().abs(),
    };
    (0..model.schema.len()).map(|_| value(draw)).collect()
}

/// The nearest change by looking at all cells.
fn slowly(model: &Model, raw: &[f64], norm: Norm, label: usize) -> Option<(Rational, bool)> {
    slowly_among(model, raw, norm, label, &vec![false; raw.len()])
}

/// The same among the points that are whole where they are to be.
fn slowly_among(
    model: &Model,
    raw: &[f64],
    norm: Norm,
    label: usize,
    is_whole: &[bool],
) -> Option<(Rational, bool)> {
    let features = model.schema.features();
    let centre: Vec<Rational> = raw.iter().map(|&x| Rational::from_f64(x).unwrap()).collect();
    let weights: Vec<Rational> = features.iter().map(|f| f.exact_scale()).collect();
    // beyond all thresholds, whole numbers have one label more to either side
    let beyond = |whole: bool, end: i64| whole.then(|| Rational::integer(end));
    let ends = features.iter().zip(is_whole).map(|(f, &whole)| {
        let end =
            |end: &Option<propcert::interval::Decimal>| end.as_ref().map(|d| d.value().clone());
        (end(&f.low).or(beyond(whole, -2)), end(&f.high).or(beyond(whole, 7)))
    });
    let ends: Vec<_> = ends.collect();
    let place = Place { centre: &centre, weights: &weights, norm };
    nearest_change(model, &place, &ends, is_whole, label)
}

/// `x`, or its square for L2.
fn power(norm: Norm, x: f64) -> Rational {
    let x = Rational::from_f64(x).unwrap();
    if norm == Norm::L2 { &x * &x } else { x }
}

fn assert_is(radius: &Radius, truth: &Option<(Rational, bool)>, norm: Norm) {
    assert!(radius.is_exact);
    let Some((distance, is_open)) = truth else {
        assert_eq!((radius.lower, radius.upper), (f64::INFINITY, f64::INFINITY));
        return;
    };
    assert!(
        power(norm, radius.lower) <= *distance && *distance < power(norm, radius.lower.next_up())
    );
    assert!(*distance <= power(norm, radius.upper));
    assert!(radius.upper == 0.0 || power(norm, radius.upper.next_down()) < *distance);
    // the closed ball of that radius keeps the label, and no larger one does
    let is_attained = power(norm, radius.lower) == *distance && !is_open;
    let expected = if is_attained { radius.lower.next_down() } else { radius.lower };
    assert_eq!(radius.epsilon, expected, "{norm:?} {distance:?} {is_open}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn radii_are_those_of_all_cells(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let model = random_ensemble(&mut draw);
        let raw = random_point(&mut draw, &model);
        let exact = model.exact_scores(&Point::from_floats(&raw).unwrap());
        let label = propcert::model::argmax(&exact, model.tie);
        for norm in NORMS {
            let radii = Radii::new(&model, norm).unwrap();
            let radius = radii.at(&raw, PLENTY).unwrap();
            prop_assert_eq!(radius.label, label);
            let truth = slowly(&model, &raw, norm, label);
            assert_is(&radius, &truth, norm);
            if let Some(witness) = &radius.witness {
                let scores = model.exact_scores(&Point::from_floats(witness).unwrap());
                prop_assert!(propcert::model::argmax(&scores, model.tie) != label);
                prop_assert!(radii.distance_up(&raw, witness) >= radius.lower);
            }
        }
    }

    #[test]
    fn radii_that_keep_whole_values_are_those_of_all_whole_points(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let (model, raw) = random_whole(&mut draw);
        let is_whole: Vec<bool> =
            model.schema.features().iter().map(|feature| feature.kind.is_whole()).collect();
        let digest = Digest::of(model.to_json().as_bytes());
        for norm in NORMS {
            let radii = Radii::with_integers(&model, norm, Integers::Respect).unwrap();
            let radius = radii.at(&raw, PLENTY).unwrap();
            assert_is(&radius, &slowly_among(&model, &raw, norm, radius.label, &is_whole), norm);
            if let Some(witness) = &radius.witness {
                let is_kept = |(x, whole): (&f64, &bool)| !whole || x.fract() == 0.0;
                prop_assert!(witness.iter().zip(&is_whole).all(is_kept), "{:?}", witness);
            }
            let anchor = Anchor { model: (&model, digest, "m.json"), radii: &radii, name: "7", raw: &raw };
            let kept = keep(&anchor, &radius, PLENTY).unwrap();
            prop_assert!(kept.is_checked, "{:?} {:?}", radius, kept.files);
            prop_assert!(kept.files[0].1.contains("integers = \"respect\""));
            if radius.upper.is_finite() {
                let larger = Radius { epsilon: radius.epsilon.next_up().max(1e-100), witness: None, ..radius };
                prop_assert!(!keep(&anchor, &larger, PLENTY).unwrap().is_checked);
            }
        }
    }

    /// However early the budget ends, what is told holds.
    #[test]
    fn what_a_budget_leaves_is_proved(seed in any::<u64>(), budget in 0u64..60) {
        let mut draw = Draw(seed);
        let model = random_ensemble(&mut draw);
        let raw = random_point(&mut draw, &model);
        for norm in NORMS {
            let radii = Radii::new(&model, norm).unwrap();
            let radius = radii.at(&raw, budget).unwrap();
            let truth = slowly(&model, &raw, norm, radius.label);
            prop_assert!(radius.nodes <= budget);
            if radius.is_exact {
                assert_is(&radius, &truth, norm);
            }
            if let Some((distance, is_open)) = truth {
                prop_assert!(power(norm, radius.lower) <= distance);
                prop_assert!(radius.upper == f64::INFINITY || distance <= power(norm, radius.upper));
                let ball = power(norm, radius.epsilon);
                prop_assert!(ball < distance || (is_open && ball == distance), "{:?}", radius);
            }
        }
    }

    /// The kernel proves the ball and confirms the witness, in every norm.
    #[test]
    fn certificates_of_radii_are_confirmed(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let model = random_ensemble(&mut draw);
        let raw = random_point(&mut draw, &model);
        let digest = Digest::of(model.to_json().as_bytes());
        for norm in NORMS {
            let radii = Radii::new(&model, norm).unwrap();
            let radius = radii.at(&raw, PLENTY).unwrap();
            let anchor = Anchor { model: (&model, digest, "m.json"), radii: &radii, name: "7", raw: &raw };
            let kept = keep(&anchor, &radius, PLENTY).unwrap();
            prop_assert!(kept.is_checked, "{:?} {:?}", radius, kept.files);
            prop_assert_eq!(kept.entries.len(), 1 + usize::from(radius.witness.is_some()));
            // a ball that is larger by a float is not proved
            if radius.upper.is_finite() {
                let larger = Radius { epsilon: radius.epsilon.next_up().max(1e-100), witness: None, ..radius };
                prop_assert!(!keep(&anchor, &larger, PLENTY).unwrap().is_checked);
            }
        }
    }
}

#[test]
fn points_outside_the_domain_have_no_radius() {
    let mut draw = Draw(3);
    let mut model = random_ensemble(&mut draw);
    let mut features = model.schema.features().to_vec();
    features[0].low = "1".parse().ok();
    features[0].high = "3".parse().ok();
    model.schema = Schema::new(features).unwrap();
    let mut point = vec![2.0; model.schema.len()];
    let radii = Radii::new(&model, Norm::Linf).unwrap();
    assert!(radii.at(&point, PLENTY).is_some());
    for outside in [0.5, 3.5, f64::NAN, f64::INFINITY] {
        point[0] = outside;
        assert!(radii.at(&point, PLENTY).is_none(), "{outside}");
    }
}

/// Says that nothing was tested, past the harness, which keeps what passing tests print.
fn skipped() {
    let _ = writeln!(std::io::stderr(), "SKIPPED: PROPCERT_DATA names no folder with `xgboost`");
}

fn compare(yardstick: &Yardstick, published: &Published, every: usize) -> usize {
    let Published { norm, data, config, lines } = published;
    let model = yardstick.model(data, &format!("{config}_nat"));
    let points = yardstick.points(data);
    let radii = Radii::new(&model, *norm).unwrap();
    let mut compared = 0;
    for line in lines.iter().step_by(every) {
        let radius = radii.at(&points[&line.row], 1 << 26).unwrap();
        let what = format!("{norm:?} {data} {config} row {}: {radius:?}", line.row);
        assert!(radius.is_exact && radius.label == line.label, "{what}");
        let Some(truth) = line.radius else { continue };
        assert!((radius.lower - truth).abs() <= 1e-12 * truth, "{what} or {truth}");
        assert!((radius.upper - truth).abs() <= 1e-12 * truth, "{what} or {truth}");
        compared += 1;
    }
    compared
}

/// Every twentieth; all with `PROPCERT_BENCHMARKS=all`, a minute without optimisation.
#[test]
fn radii_are_the_published_ones() {
    let Some(yardstick) = Yardstick::open() else { return skipped() };
    let is_all = std::env::var("PROPCERT_BENCHMARKS").is_ok_and(|which| which == "all");
    let every = if is_all { 1 } else { 20 };
    let compared: usize = yardstick.radii().iter().map(|f| compare(&yardstick, f, every)).sum();
    assert!(if is_all { compared == 940 } else { compared >= 40 }, "{compared}");
}

#[test]
fn thresholds_step_the_wrong_way_where_they_are_published_to() {
    let Some(yardstick) = Yardstick::open() else { return skipped() };
    for (name, lines) in yardstick.monotonicity() {
        let (data, config) = name.rsplit_once(' ').unwrap();
        let model = yardstick.model(data, config);
        let Family::Ensemble(ensemble) = &model.family else { unreachable!() };
        for line in lines {
            let direction =
                if line.is_rising { Direction::Increasing } else { Direction::Decreasing };
            let feature = Feature(line.feature);
            let census = Census::take(ensemble, model.schema.len(), feature, direction, PLENTY);
            let found = (census.thresholds, census.holds, census.violated);
            assert_eq!(found, (line.thresholds, line.holds, line.violated), "{name} {feature:?}");
        }
    }
}
