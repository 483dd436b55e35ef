//! Slopes against central differences, and values against the claims that they stand for.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::interval::Rational;
use crate::model::{
    Digest, Ensemble, Family, Feature, FeatureSpec, Kind, Layer, Link, Mlp, Precision, Schema, Tie,
};
use crate::spec::{
    Aim, Bonds, Confidence, Direction, Domain, Halfspace, Integers, Norm, On, OutputBlock, Pair,
    Regions, Threshold,
};

const FEATURES: usize = 4;

/// A random network of these classes over features of different scales.
fn network(classes: usize, rng: &mut ChaCha8Rng) -> Model {
    let feature = |index: usize| FeatureSpec {
        name: format!("x{index}"),
        kind: Kind::Real,
        low: "-2".parse().ok(),
        high: "2".parse().ok(),
        mean: 0.25 * index as f32,
        scale: [1.0, 0.5, 2.0, 4.0][index],
    };
    let layer = |inputs: usize, outputs: usize, rng: &mut ChaCha8Rng| {
        let numbers = |n: usize, rng: &mut ChaCha8Rng| {
            (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f64>>()
        };
        Layer { weights: numbers(inputs * outputs, rng), bias: numbers(outputs, rng), inputs }
    };
    let layers = vec![layer(FEATURES, 12, rng), layer(12, 8, rng), layer(8, classes, rng)];
    Model {
        schema: Schema::new((0..FEATURES).map(feature).collect()).unwrap(),
        precision: Precision::F64,
        tie: Tie::Lower,
        classes,
        link: Link::Softmax,
        family: Family::Mlp(Mlp { layers }),
    }
}

fn point(rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..FEATURES).map(|_| rng.random_range(-1.5..1.5)).collect()
}

fn number(x: f64) -> Rational {
    Rational::from_f64(x).unwrap()
}

fn numbers(values: &[f64]) -> Arc<[Rational]> {
    values.iter().map(|x| number(*x)).collect()
}

fn posterior_claim(label: usize, delta: f64) -> Claim {
    let kappa = number(((1.0 - delta) / delta).ln());
    let threshold = Threshold { below: kappa.clone(), above: kappa };
    Claim::Posterior { label, threshold, odds: number(delta / (1.0 - delta)) }
}

fn monotone_claim(class: usize, direction: Direction) -> Claim {
    let (bonds, aim) = (Bonds::Raised(Feature(1)), Aim::Order { direction, class });
    Claim::Pair(Pair { bonds, regions: Regions::Both, aim })
}

/// With the norm of zone `ball`, or zone `axis`.
fn fuzz_claim(mu: f64, norm: Option<Norm>) -> Claim {
    let margin = Threshold { below: number(mu), above: number(mu) };
    let shifts = numbers(&[0.5; FEATURES]);
    let (bonds, ball) = match norm {
        None => (Bonds::Shifted(shifts), None),
        Some(norm) => {
            let reach = Arc::clone(&shifts);
            (Bonds::Within { reach, is_strict: false }, Some((shifts, norm)))
        }
    };
    Claim::Pair(Pair { bonds, regions: Regions::First, aim: Aim::Flip { margin, ball } })
}

fn near_claim(on: On) -> Claim {
    let is_strict = on == On::Posterior;
    Claim::Pair(Pair {
        bonds: Bonds::Within { reach: numbers(&[1.0; FEATURES]), is_strict },
        regions: Regions::Both,
        aim: Aim::Close { bound: number(0.1), on, is_strict },
    })
}

fn stays_claim(floor: f64, cutoff: f64) -> Claim {
    let threshold = |x: f64| Threshold { below: number(x), above: number(x) };
    let confidence = Confidence { floor: threshold(floor), cutoff: threshold(cutoff) };
    let (bonds, aim) = (Bonds::Free, Aim::Stays(Arc::new(confidence)));
    Claim::Pair(Pair { bonds, regions: Regions::Both, aim })
}

/// A claim of every aim that two points can have, with its name.
pub(super) fn two_point_claims() -> Vec<(&'static str, Claim)> {
    let model = network(2, &mut ChaCha8Rng::seed_from_u64(1));
    vec![
        ("score", near_claim(On::Score)),
        ("posterior", near_claim(On::Posterior)),
        ("lipschitz", lipschitz_claim(&model, Norm::L2)),
        ("rising", monotone_claim(1, Direction::Increasing)),
        ("falling", monotone_claim(0, Direction::Increasing)),
        ("stays", stays_claim(1.0, 0.2)),
        ("boundary", fuzz_claim(0.5, None)),
        ("ball", fuzz_claim(0.5, Some(Norm::L2))),
    ]
}

fn lipschitz_claim(model: &Model, norm: Norm) -> Claim {
    let domain = Domain::new(&model.schema, &Default::default(), Integers::Relax).unwrap();
    let region = domain.region().unwrap();
    let units = numbers(&[1.0, 2.0, 0.5, 0.25]);
    Claim::Pair(Pair {
        bonds: Bonds::Free,
        regions: Regions::Each(Arc::new([region.clone(), region])),
        aim: Aim::Lipschitz { units, norm, constant: number(0.03125) },
    })
}

/// Asserts that `slopes` are the central differences of `value` at `points`.
fn expect_slopes<const N: usize>(
    value: impl Fn([&[f64]; N]) -> f64,
    points: &[Vec<f64>; N],
    slopes: &[Vec<f64>; N],
) {
    let step = 1e-6;
    for (which, own) in slopes.iter().enumerate() {
        assert_eq!(own.len(), points[which].len());
        for (index, slope) in own.iter().enumerate() {
            let moved = |by: f64| {
                let mut points = points.clone();
                points[which][index] += by;
                value(points.each_ref().map(Vec::as_slice))
            };
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            let error = (slope - difference).abs();
            assert!(error < 1e-6, "point {which}, {index}: {slope}, difference {difference}");
        }
    }
}

/// Asserts that slopes are differences, by the scores and by the points, at random points of a random
/// network.
fn expect_differences<const N: usize>(
    classes: usize,
    by_scores: impl Fn([&[f64]; N]) -> Sloped<N>,
) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..20 {
        let model = network(classes, &mut rng);
        let points: [Vec<f64>; N] = std::array::from_fn(|_| point(&mut rng));
        let scores = points.each_ref().map(|point| model.scores(point));
        let found = by_scores(scores.each_ref().map(Vec::as_slice));
        expect_slopes(|scores| by_scores(scores).value, &scores, &found.slopes);
        let at_points = found.at_points(&model, points.each_ref().map(Vec::as_slice));
        assert_eq!(at_points.value, found.value);
        let value = |points: [&[f64]; N]| {
            let scores = points.map(|point| model.scores(point));
            by_scores(scores.each_ref().map(Vec::as_slice)).value
        };
        expect_slopes(value, &points, &at_points.slopes);
    }
}

#[test]
fn slopes_of_claims_about_a_label_are_differences() {
    for (classes, claim) in [
        (2, Claim::Label { label: 0 }),
        (3, Claim::Label { label: 1 }),
        (2, posterior_claim(1, 0.25)),
        (3, posterior_claim(2, 0.25)),
    ] {
        let claim = LabelClaim::of(&claim, classes).unwrap();
        expect_differences(classes, |[scores]| claim.by_scores(scores));
    }
}

#[test]
fn slopes_of_monotone_claims_are_differences() {
    for (classes, class, direction) in [
        (2, 1, Direction::Increasing),
        (2, 0, Direction::Increasing),
        (2, 1, Direction::Decreasing),
        (3, 2, Direction::Decreasing),
    ] {
        let claim = MonotoneClaim::of(&monotone_claim(class, direction)).unwrap();
        expect_differences(classes, |pair| claim.by_scores(pair));
    }
}

#[test]
fn slopes_of_the_boundary_property_are_differences() {
    let claim = fuzz_claim(0.25, None);
    let claim = BoundaryClaim::of(&claim).unwrap();
    expect_differences(2, |pair| claim.by_scores(pair));
}

#[test]
fn slopes_of_changes_are_differences() {
    for on in [On::Score, On::Posterior] {
        let claim = NearClaim::of(&near_claim(on)).unwrap();
        assert_eq!(claim.on(), on);
        expect_differences(2, |pair| claim.by_scores(pair));
    }
}

#[test]
fn slopes_of_lipschitz_claims_are_differences() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for norm in [Norm::L1, Norm::L2, Norm::Linf] {
        for _ in 0..20 {
            let model = network(2, &mut rng);
            let claim = LipschitzClaim::of(&lipschitz_claim(&model, norm)).unwrap();
            let points = [point(&mut rng), point(&mut rng)];
            let pair = points.each_ref().map(Vec::as_slice);
            let sign = (model.margin(pair[0]) - model.margin(pair[1])).signum();
            let slopes = claim.slopes(&model, pair, sign);
            expect_slopes(|pair| claim.at(&model, pair), &points, &slopes);
            let distance = claim.distance(pair);
            let scores = pair.map(|point| model.scores(point));
            let found = claim.by_scores(scores.each_ref().map(Vec::as_slice), distance);
            assert_eq!(found.value, claim.at(&model, pair));
            expect_slopes(|s| claim.by_scores(s, distance).value, &scores, &found.slopes);
        }
    }
}

#[test]
fn slopes_of_output_regions_are_differences() {
    let row =
        |y: [f64; 3], rhs: f64| Halfspace { y: y.to_vec(), rhs: number(rhs), is_strict: false };
    let block = OutputBlock { rows: vec![row([1.0, -1.0, 0.0], 0.5), row([0.0, 2.0, -1.0], 0.25)] };
    expect_differences(3, |[outputs]| outputs::depth(&block, outputs).unwrap());
}

#[test]
fn the_loss_of_a_batch_has_slopes_that_are_differences() {
    let claims = [0, 1, 2].map(|label| LabelClaim::of(&Claim::Label { label }, 3).unwrap());
    let batch = |scores: [&[f64]; 3]| [0, 1, 2].map(|i| claims[i].by_scores(scores[i]));
    let scores = [vec![2.0, 0.5, 1.0], vec![0.25, 0.0, 1.5], vec![1.0, 0.5, 0.0]];
    let (loss, slopes) = mean_hinge(&batch(scores.each_ref().map(Vec::as_slice)));
    // the first row keeps its label, the others miss theirs by 1.5 and 1
    assert!((loss - 2.5 / 3.0).abs() < 1e-15);
    let slopes = [0, 1, 2].map(|i| slopes[i][0].clone());
    expect_slopes(|scores| mean_hinge(&batch(scores)).0, &scores, &slopes);
    assert_eq!(mean_hinge::<2>(&[]), (0.0, Vec::new()));
}

#[test]
fn the_label_that_wins_violates_nothing() {
    let claim = |classes, claim: &Claim| LabelClaim::of(claim, classes).unwrap();
    let two = |margin: f64, claim: LabelClaim| claim.by_scores(&[0.0, margin]).value;
    let label = claim(2, &Claim::Label { label: 1 });
    assert_eq!([2.0, 0.0, -3.0].map(|m| two(m, label)), [-2.0, 0.0, 3.0]);
    let half = claim(2, &posterior_claim(0, 0.5));
    assert_eq!([2.0, -3.0].map(|m| two(m, half)), [2.0, -3.0]);
    let three = claim(3, &Claim::Label { label: 0 });
    assert_eq!(three.by_scores(&[1.0, 4.0, 2.0]).value, 3.0);
    let even = claim(3, &posterior_claim(0, 0.75));
    assert!((even.by_scores(&[1.0; 3]).value - (0.25 - 1.0 / 3.0)).abs() < 1e-15);
}

/// Poisoned answers of a confident point are less so by α.
#[test]
fn behind_a_defense_the_answers_count() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let model = network(2, &mut rng);
    let raw = point(&mut rng);
    let label = model.label(&raw);
    let defense = Defense::prediction_poisoning(Digest::of(b""), "0.25".parse().unwrap()).unwrap();
    let own = model.posterior(&raw)[label];
    let claim = Claim::Label { label };
    let claim = PointClaim::of(&claim, 2).unwrap();
    assert!((claim.at(&model, Some(&defense), &raw) - (0.5 - 0.75 * own)).abs() < 1e-15);
    assert!((claim.at(&model, None, &raw) + model.margin(&raw).abs()).abs() < 1e-15);
    let fuzz = fuzz_claim(0.0, None);
    let fuzz = PointClaim::of(&fuzz, 2).unwrap();
    assert_eq!(fuzz.at(&model, Some(&defense), &raw), f64::NEG_INFINITY);
}

#[test]
fn partners_lie_in_the_zone_on_the_other_side() {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    let mut found = [0; 4];
    let zones = [Some(Norm::Linf), Some(Norm::L1), Some(Norm::L2), None];
    for (count, norm) in found.iter_mut().zip(zones) {
        let claim = fuzz_claim(0.125, norm);
        let claim = BoundaryClaim::of(&claim).unwrap();
        for _ in 0..200 {
            let (model, raw) = (network(2, &mut rng), point(&mut rng));
            let violation = claim.at(&model, &raw);
            let Some(partner) = claim.partner(&model, &raw) else {
                assert!(violation < 0.0);
                continue;
            };
            *count += 1;
            assert_ne!(model.label(&partner), model.label(&raw));
            assert_eq!(violation >= 0.0, model.margin(&raw).abs() >= claim.mu());
            let lengths = raw.iter().zip(&partner).map(|(x, y)| (x - y).abs() / 0.5);
            let length = match norm.unwrap_or(Norm::L1) {
                Norm::Linf => lengths.fold(0.0, f64::max),
                Norm::L1 => lengths.sum(),
                Norm::L2 => lengths.map(|l| l * l).sum::<f64>().sqrt(),
            };
            assert!(length <= 1.0, "{norm:?}: {length}");
        }
    }
    assert!(found.iter().all(|count| *count > 5), "{found:?}");
}

#[test]
fn hardly_a_partner_is_where_slopes_foretell_none() {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    for norm in [Some(Norm::Linf), Some(Norm::L1), Some(Norm::L2), None] {
        let claim = fuzz_claim(0.125, norm);
        let claim = BoundaryClaim::of(&claim).unwrap();
        let [mut missed, mut found, mut spared] = [0; 3];
        for _ in 0..400 {
            let (model, raw) = (network(2, &mut rng), point(&mut rng));
            let has_partner = claim.partner(&model, &raw).is_some();
            let seems_near = claim.seems_near(&model, &raw);
            found += usize::from(has_partner);
            missed += usize::from(has_partner && !seems_near);
            spared += usize::from(!seems_near);
        }
        assert!(50 * missed <= found && found > 20, "{norm:?}: {missed} of {found}");
        assert!(spared > 8, "{norm:?}: {spared}");
    }
}

#[test]
fn the_rate_of_a_fall_is_that_of_a_small_step() {
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    for (class, direction) in [(1, Direction::Increasing), (0, Direction::Decreasing)] {
        let model = network(2, &mut rng);
        let Family::Mlp(mlp) = &model.family else { panic!("a network") };
        let claim = MonotoneClaim::of(&monotone_claim(class, direction)).unwrap();
        let raw = point(&mut rng);
        let rate = claim.fall_rate(mlp, &model.schema.standardise(&raw), 2);
        let (mut high, step) = (raw.clone(), 1e-6);
        high[claim.feature()] += step / f64::from(model.schema.features()[1].scale);
        let lost = claim.by_scores([&model.scores(&raw), &model.scores(&high)]).value;
        assert!((rate - lost / step).abs() < 1e-6, "{rate}, {}", lost / step);
    }
}

#[test]
fn equal_answers_violate_no_lipschitz_bound() {
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    let model = network(2, &mut rng);
    let claim = LipschitzClaim::of(&lipschitz_claim(&model, Norm::L2)).unwrap();
    let raw = point(&mut rng);
    assert_eq!(claim.at(&model, [&raw, &raw]), f64::NEG_INFINITY);
    assert!(
        claim.slopes(&model, [&raw, &raw], 1.0).iter().flatten().all(|slope| slope.is_finite())
    );
}

#[test]
fn the_border_of_a_strict_row_is_outside() {
    let block = |is_strict| OutputBlock {
        rows: vec![Halfspace { y: vec![1.0], rhs: number(2.0), is_strict }],
    };
    let depth =
        |is_strict, output: f64| outputs::depth(&block(is_strict), &[output]).unwrap().value;
    assert_eq!(depth(false, 2.0), 0.0);
    assert_eq!(depth(true, 2.0), -f64::MIN_POSITIVE);
    assert_eq!(depth(true, 1.5), 0.5);
    assert_eq!(outputs::depth(&OutputBlock { rows: Vec::new() }, &[1.0]), None);
}

#[test]
fn scores_of_ensembles_have_no_slopes() {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let ensemble = Ensemble { base: vec![0.5], trees: Vec::new() };
    let model = Model { family: Family::Ensemble(ensemble), ..network(2, &mut rng) };
    let raw = point(&mut rng);
    let claim = LabelClaim::of(&Claim::Label { label: 1 }, 2).unwrap();
    let found = claim.by_scores(&model.scores(&raw)).at_points(&model, [&raw]);
    assert_eq!(found, Sloped { value: -0.5, slopes: [vec![0.0; FEATURES]] });
}
