//! The promises of the terms: their gradients, the pairs that they find, and what training by them reaches.

use ndarray::Array2;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::model::{Digest, FeatureSpec, Kind};
use crate::train::mlp::examples::Examples;
use crate::train::mlp::network::Affine;
use crate::train::mlp::tests::course;
use crate::train::mlp::{MlpDemands, MlpOptions, train_to_hold};

/// Three real features with ranges, one of another scale.
fn schema() -> Schema {
    let feature = |index: usize| FeatureSpec {
        name: format!("x{index}"),
        kind: Kind::Real,
        low: "-4".parse().ok(),
        high: "4".parse().ok(),
        mean: 0.25 * index as f32,
        scale: [1.0, 2.0, 1.0][index],
    };
    Schema::new((0..3).map(feature).collect()).unwrap()
}

/// Class 1 iff `x₁ + x₂²/4 > sin(2 x₀)`.
fn rows(count: usize, seed: u64) -> Vec<Row> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let row = |index: usize| {
        let values: Vec<f64> = (0..3).map(|_| rng.random_range(-2.0..2.0)).collect();
        let label = values[1] + values[2] * values[2] / 4.0 > (2.0 * values[0]).sin();
        let key = Digest::of(format!("{seed} {index}").as_bytes());
        Row { values, label: usize::from(label), key }
    };
    (0..count).map(row).collect()
}

/// Every property with two points or pairs of rows, with a name.
const SPECS: [(&str, &str); 12] = [
    ("local-invariance-t", "epsilon-1 = '2'\nepsilon-2 = '0.01'"),
    ("lipschitzness", "epsilon = '0.2'\nconstant = '0.1'"),
    ("lipschitzness", "epsilon = '0.2'\nconstant = '0.1'\nnorm = 'linf'"),
    ("lipschitzness-t", "constant = '0.1'"),
    ("small-neighborhood", "epsilon = '0.3'\nconstant = '0.5'\non = 'score'"),
    ("small-neighborhood", "epsilon = '0.3'\nconstant = '0.1'"),
    ("monotonicity", "features = ['x0', 'x1']\ndirection = 'increasing'"),
    (
        "monotonicity",
        "features = ['x1']\ndirection = 'decreasing'\nscope = 'local'\nepsilon = '0.3'",
    ),
    ("boundary-fuzz", "shift = '0.4'\nepsilon = '0.01'\nradius = '0.3'"),
    ("boundary-fuzz", "shift = '0.4'\nepsilon = '0.01'\nradius = '0.3'\nzone = 'ball'"),
    ("stability", "features = ['x2']\nbound = '0.3'"),
    ("high-confidence", "features = ['x0']\nconfidence = '0.6'\ncutoff = '0.5'"),
];

fn spec((property, keys): (&str, &str)) -> Spec {
    Spec::read(format!("property = '{property}'\n{keys}").as_bytes()).unwrap()
}

fn claim(index: usize) -> TrainedClaim {
    TrainedClaim { weight: 1.0, ..TrainedClaim::usual(spec(SPECS[index])) }
}

fn network(seed: u64) -> FloatNetwork<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut network = FloatNetwork::he_uniform(&[3, 7, 6, 2], &mut rng);
    for layer in &mut network.layers {
        layer.bias.mapv_inplace(|_| rng.random_range(-0.3..0.3));
    }
    network
}

/// The terms of one claim, with a batch of rows.
fn terms(claim: &TrainedClaim, net: &FloatNetwork<f64>) -> (ClaimTerms<f64>, Batch<f64>) {
    let (schema, rows) = (schema(), rows(24, 1));
    let batch = Batch::all(&Examples::new(&schema, &rows).unwrap());
    let claims = std::slice::from_ref(claim);
    let rng = ChaCha8Rng::seed_from_u64(3);
    (ClaimTerms::new(claims, (&schema, &rows), (net, 24), rng).unwrap(), batch)
}

/// The loss of the terms at the pairs that they found last.
fn loss(terms: &mut ClaimTerms<f64>, net: &FloatNetwork<f64>, batch: &Batch<f64>) -> f64 {
    let unused = &mut net.zeros_like();
    let of = |term: &mut ClaimTerm<f64>| match term {
        ClaimTerm::Pair(term) => term.backward(net, unused),
        ClaimTerm::Rows(term) => term.backward(net, batch, unused),
        ClaimTerm::Slopes(term) => term.backward(net, unused),
    };
    terms.terms.iter_mut().map(of).sum()
}

/// Central differences at every parameter; a few may lie on a kink.
fn expect_gradient(name: &str, terms: &mut ClaimTerms<f64>, batch: &Batch<f64>, seed: u64) {
    let mut net = network(seed);
    let mut gradient = net.zeros_like();
    terms.differentiate(&net, batch, (1.0, 6), &mut gradient);
    let flat: Vec<f64> = gradient.tensors().flatten().copied().collect();
    assert!(flat.iter().any(|d| d.abs() > 1e-4), "{name}: no gradient");
    let mut wrong = 0;
    for (at, derivative) in flat.iter().enumerate() {
        let mut shifted = |by: f64| {
            *net.tensors_mut().flatten().nth(at).unwrap() += by;
            loss(terms, &net, batch)
        };
        let h = 1e-6;
        let difference = (shifted(h) - shifted(-2.0 * h)) / (2.0 * h);
        shifted(h);
        wrong += usize::from((derivative - difference).abs() > 1e-6 * (1.0 + difference.abs()));
    }
    assert!(wrong * 20 <= flat.len(), "{name}: {wrong} of {} differ", flat.len());
}

#[test]
fn gradients_of_every_property_are_central_differences() {
    for (index, (name, _)) in SPECS.iter().enumerate() {
        let net = network(11);
        for flip in [FlipLoss::Product, FlipLoss::Relax] {
            let (mut terms, batch) = terms(&TrainedClaim { flip, ..claim(index) }, &net);
            expect_gradient(&format!("{index} {name}"), &mut terms, &batch, 11);
        }
    }
}

#[test]
fn gradients_of_bounds_on_slopes_are_central_differences() {
    for index in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] {
        let claim = TrainedClaim { weight: 0.0, bounds: 1.0, ..claim(index) };
        let (mut terms, batch) = terms(&claim, &network(12));
        expect_gradient(&format!("{index} {}", SPECS[index].0), &mut terms, &batch, 12);
    }
}

#[test]
fn bounds_on_slopes_enclose_the_slope_at_every_point() {
    let net = network(13);
    let claim = TrainedClaim { bounds: 1.0, ..claim(4) };
    let mut term = SlopesTerm::new(&claim, &schema()).unwrap();
    let [lo, hi] = term.by_inputs(&net).clone();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..200 {
        let point: Vec<f64> = (0..3).map(|_| rng.random_range(-3.0..3.0)).collect();
        let slopes = crate::violation::slopes(&net.to_mlp(), &point, &[-1.0, 1.0]);
        for ((lo, hi), slope) in lo.iter().zip(&hi).zip(slopes) {
            assert!(*lo - 1e-12 <= slope && slope <= *hi + 1e-12);
        }
    }
}

/// A pair that the search calls broken is refuted exactly: it lies where the claim speaks of it.
#[test]
fn found_pairs_are_pairs_of_the_claim() {
    use crate::model::Point;
    use crate::spec::Lowered;
    let schema = schema();
    for index in [4, 6, 7, 8, 9, 10, 11] {
        let (claim, net) = (claim(index), network(14));
        let (mut terms, batch) = terms(&claim, &net);
        let data = rows(24, 1);
        let [ClaimTerm::Pair(term)] = terms.terms.as_mut_slice() else { panic!("one term") };
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        term.seek(&net, &batch, (1.0, 6), &mut rng);
        let model = blank(&schema, 2);
        let lowered = Lowered::new(&claim.spec, &model, None, &data).unwrap();
        let points: Array2<f64> = term.points().clone();
        let is_local = claim.spec.property.is_about_rows();
        let per_place = if is_local { lowered.len() / data.len() } else { lowered.len() };
        let mut members = 0;
        for at in 0..data.len() {
            // standardised points are rounded; a little nearer to the middle they are members for certain
            let raw = |point: usize| -> Vec<f64> {
                let features = schema.features().iter().zip(points.row(point));
                features.map(|(f, z)| z / f64::from(f.scale) + f64::from(f.mean)).collect()
            };
            let [a, b] = [raw(at), raw(24 + at)];
            let place = if is_local { at * per_place } else { 0 };
            let near = |point: &[f64], region: &crate::spec::RawRegion| {
                region
                    .sides()
                    .iter()
                    .zip(point)
                    .all(|((lo, hi), x)| lo.down() - 1e-9 <= *x && *x <= hi.up() + 1e-9)
            };
            let is_member = (place..place + per_place).any(|at| {
                let obligation = lowered.obligation(at).unwrap();
                let pair = obligation.claim.pair().unwrap();
                let [own, other] = pair.regions(&obligation.region);
                let lies = own.is_none_or(|r| near(&a, r)) && other.is_none_or(|r| near(&b, r));
                lies && is_bound(&pair.bonds, &a, &b)
            });
            members += usize::from(is_member);
            assert!(Point::from_floats(&a).is_some());
        }
        assert_eq!(members, data.len(), "{index} {}", SPECS[index].0);
    }
}

/// The bonds, up to rounding.
fn is_bound(bonds: &crate::spec::Bonds, a: &[f64], b: &[f64]) -> bool {
    use crate::spec::Bonds;
    let gaps: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    let is_small = |gap: f64| gap.abs() < 1e-9;
    match bonds {
        Bonds::Free => true,
        Bonds::Within { reach, .. } => {
            gaps.iter().zip(reach.iter()).all(|(gap, reach)| gap.abs() <= reach.up() + 1e-9)
        }
        Bonds::Moved(moved) => {
            gaps.iter().zip(moved.iter()).all(|(g, moved)| *moved || is_small(*g))
        }
        Bonds::Raised(feature) => gaps
            .iter()
            .enumerate()
            .all(|(i, gap)| if i == feature.0 { *gap > -1e-9 } else { is_small(*gap) }),
        Bonds::Shifted(shifts) => {
            let moved: Vec<usize> = (0..gaps.len()).filter(|i| !is_small(gaps[*i])).collect();
            moved.len() <= 1 && moved.iter().all(|i| is_small(gaps[*i].abs() - shifts[*i].down()))
        }
    }
}

fn options() -> MlpOptions {
    MlpOptions {
        hidden: vec![16, 16],
        epochs: 60,
        batch: 40,
        learning_rate: 5e-3,
        ..Default::default()
    }
}

/// The share of a test batch that keeps each claim, by the search, of a network trained for them.
fn held(claims: &[TrainedClaim]) -> (Vec<f64>, f64) {
    let (schema, train, test) = (schema(), rows(600, 8), rows(200, 9));
    let demands = MlpDemands { keeping: None, claims };
    let model =
        train_to_hold(&schema, 2, [&train, &[]], demands, &options(), &mut course(&mut |_| {}))
            .unwrap();
    let crate::model::Family::Mlp(mlp) = &model.family else { panic!("a network") };
    let affine = |layer: &crate::model::Layer| Affine {
        weights: Array2::from_shape_vec((layer.bias.len(), layer.inputs), layer.weights.clone())
            .unwrap(),
        bias: layer.bias.clone().into(),
    };
    let net = FloatNetwork { layers: mlp.layers.iter().map(affine).collect() };
    let batch = Batch::all(&Examples::new(&schema, &test).unwrap());
    let share = |claim: &TrainedClaim| {
        let claim = TrainedClaim { weight: 1.0, bounds: 0.0, ..claim.clone() };
        let rng = ChaCha8Rng::seed_from_u64(6);
        let terms = ClaimTerms::new(&[claim], (&schema, &test), (&net, test.len()), rng);
        terms.unwrap().holding(&net, &batch, 20).unwrap()
    };
    let hits = test.iter().filter(|row| model.label(&row.values) == row.label).count();
    (claims.iter().map(share).collect(), hits as f64 / test.len() as f64)
}

#[test]
fn every_property_is_kept_more_often_after_training_for_it() {
    for (index, (name, _)) in SPECS.iter().enumerate() {
        let weighted = |weight| {
            let claim = TrainedClaim { weight, ..claim(index) };
            held(&[claim]).0[0]
        };
        // a weight of next to nothing is natural training
        let (before, after) = (weighted(1e-9), weighted(20.0));
        assert!(after > before, "{index} {name}: {after} after, {before} before");
    }
}

/// Random pairs of rows lie far apart, where a claim about their distance asks for nothing: partners are chosen.
#[test]
fn partners_are_the_rows_that_break_a_claim_most() {
    let claim = claim(1);
    let data = rows(3, 2);
    let model = blank(&schema(), 2);
    let lowered = Lowered::new(&claim.spec, &model, None, &data).unwrap();
    let pair = crate::violation::PairClaim::of(&lowered.obligation(0).unwrap().claim).unwrap();
    let units = vec![crate::interval::Rational::ONE; 3];
    let distance = rows::PointDistance::<f64>::new(&units, crate::spec::Norm::L2, &schema());
    // 0 and 1 are close and agree, 2 is close to 1 and does not; 3 is far off
    let points =
        ndarray::array![[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.3, 0.0, 0.0], [90.0, 0.0, 0.0]];
    let partners = rows::hardest(&pair, &distance, &points, &[2.0, 2.0, -2.0, -2.0]);
    assert_eq!(partners[..3], [2, 2, 1]);
}

/// Kept counterexamples are met among the pairs that are sought.
#[test]
fn kept_pairs_are_met_again() {
    let (claim, net) = (claim(6), network(3));
    let (mut terms, batch) = terms(&claim, &net);
    let points = vec![vec![0.25, 0.5, 0.75], vec![1.25, 0.5, 0.75]];
    let witness = Witness { spec: 0, row: 0, variant: 0, points: points.clone() };
    terms.keep(0, &witness, &schema());
    let [ClaimTerm::Pair(term)] = terms.terms.as_mut_slice() else { panic!("one term") };
    term.seek(&net, &batch, (1.0, 2), &mut ChaCha8Rng::seed_from_u64(1));
    let standardised: Vec<Vec<f64>> = points.iter().map(|raw| schema().standardise(raw)).collect();
    for at in 0..6 {
        assert_eq!(term.points().row(at).to_vec(), standardised[0]);
        assert_eq!(term.points().row(24 + at).to_vec(), standardised[1]);
    }
    assert_ne!(term.points().row(6).to_vec(), standardised[0]);
}

#[test]
fn several_properties_are_trained_for_at_once() {
    let together = [3, 6, 8].map(|index| TrainedClaim { weight: 10.0, ..claim(index) });
    let natural = together.clone().map(|claim| TrainedClaim { weight: 1e-9, ..claim });
    let ((before, _), (after, accuracy)) = (held(&natural), held(&together));
    assert!(after.iter().zip(&before).all(|(a, b)| a > b), "{before:?} {after:?}");
    assert!(accuracy > 0.6, "{accuracy}");
}

/// A network proved by bounds on its slopes needs no cases.
#[test]
fn training_by_bounds_ends_with_bounds_that_hold() {
    for index in [4, 8, 9] {
        let claim = TrainedClaim { weight: 0.0, bounds: 1.0, ..claim(index) };
        let (schema, train) = (schema(), rows(400, 8));
        let demands = MlpDemands { keeping: None, claims: &[claim] };
        let mut last = None;
        let mut watch = |step: crate::train::Progress| last = step.validation_claims;
        let rows = [&train, &train[..50]];
        train_to_hold(&schema, 2, rows, demands, &options(), &mut course(&mut watch)).unwrap();
        assert_eq!(last, Some(1.0), "{index} {}", SPECS[index].0);
    }
}

/// Where the demand is just met, labels turn between points as far apart as the shift whose margin is at most the limit.
#[test]
fn bounds_on_slopes_imply_the_boundary_property() {
    use crate::spec::Lowered;
    for index in [8, 9] {
        let (mut net, schema) = (network(17), schema());
        let claim = TrainedClaim { bounds: 1.0, ..claim(index) };
        let mut term = SlopesTerm::new(&claim, &schema).unwrap();
        // the last layer is made smaller until the bounds hold, and no further than needed
        while !term.holds(&net) {
            net.layers[2].weights.mapv_inplace(|w| w * 0.99);
            net.layers[2].bias.mapv_inplace(|b| b * 0.99);
        }
        let (blank, rows) = (blank(&schema, 2), rows(1, 1));
        let lowered = Lowered::new(&claim.spec, &blank, None, &rows).unwrap();
        let obligation = lowered.obligation(0).unwrap();
        let found = crate::violation::PairClaim::of(&obligation.claim).unwrap();
        let bonds = &obligation.claim.pair().unwrap().bonds;
        let model = super::super::model(&schema, 2, &net);
        let mut rng = ChaCha8Rng::seed_from_u64(18);
        let mut turned = 0;
        for _ in 0..2000 {
            let a: Vec<f64> = (0..3).map(|_| rng.random_range(-2.0..2.0)).collect();
            let mut b = a.clone();
            let j = rng.random_range(0..3);
            let shift = 0.4 / f64::from(schema.features()[j].scale);
            b[j] += if rng.random() { shift } else { -shift };
            if !is_bound(bonds, &a, &b) {
                continue;
            }
            let margins = [model.margin(&a), model.margin(&b)];
            turned += usize::from(margins[0] * margins[1] < 0.0);
            // the model is rounded to f32
            assert!(found.violation(margins, 0.0).value <= 1e-4, "{index}: {margins:?}");
        }
        assert!(turned > 5, "{index}: {turned}");
    }
}

#[test]
fn claims_that_cannot_be_trained_for_are_refused_by_name() {
    let net = network(1);
    let refused = |claim: &TrainedClaim| {
        let rng = ChaCha8Rng::seed_from_u64(0);
        let made =
            ClaimTerms::new(std::slice::from_ref(claim), (&schema(), &rows(4, 0)), (&net, 4), rng);
        made.err().expect("it is refused").to_string()
    };
    let weight = TrainedClaim { weight: -1.0, ..claim(0) };
    assert!(refused(&weight).contains("weight"));
    let bounds = TrainedClaim { bounds: f64::NAN, ..claim(4) };
    assert!(refused(&bounds).contains("bounds"));
    let stays = TrainedClaim { bounds: 1.0, ..claim(11) };
    assert!(refused(&stays).contains("high-confidence"));
    let unknown = spec(("monotonicity", "features = ['y']\ndirection = 'increasing'"));
    assert!(refused(&TrainedClaim::usual(unknown)).contains('y'));
    let (demands, data) = ([claim(4)], rows(9, 0));
    let demands = MlpDemands { keeping: None, claims: &demands };
    let three =
        train_to_hold(&schema(), 3, [&data, &[]], demands, &options(), &mut course(&mut |_| {}));
    assert!(three.unwrap_err().to_string().contains("two classes"));
}
