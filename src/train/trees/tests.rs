//! The promises of boosting; above all that a monotone ensemble is monotone.

use proptest::prelude::*;

use crate::model::{Cells, Node};
use crate::train::tests::{plain_schema, row};

use super::*;

fn fit(rows: &[Row], held_out: &[Row], options: &TreeOptions) -> Result<Model, TrainError> {
    let features = rows.first().map_or(1, |row| row.values.len());
    train(&plain_schema(features), 2, rows, held_out, options, &mut |_| {})
}

fn ensemble(rows: &[Row], options: &TreeOptions) -> Ensemble {
    match fit(rows, &[], options).unwrap().family {
        Family::Ensemble(ensemble) => ensemble,
        Family::Mlp(_) => panic!("an ensemble was trained"),
    }
}

/// One unpenalised tree, the leaves unscaled.
fn one_tree() -> TreeOptions {
    TreeOptions { trees: 1, eta: 1.0, lambda: 0.0, min_child_weight: 0.0, ..Default::default() }
}

/// One point of every cell of the threshold grid.
fn grid(ensemble: &Ensemble, features: usize) -> Vec<Vec<f64>> {
    let cells = Cells::new(ensemble, &vec![false; features]);
    let axis = |feature: usize| {
        let thresholds = cells.thresholds(Feature(feature));
        let below = thresholds.first().map_or(0.0, |t| t - 1.0);
        [&[below], thresholds].concat()
    };
    (0..features).map(axis).fold(vec![Vec::new()], |points, axis| {
        let extend = |p: &Vec<f64>| axis.iter().map(|x| [p.as_slice(), &[*x]].concat()).collect();
        points.iter().flat_map(|point| -> Vec<Vec<f64>> { extend(point) }).collect()
    })
}

/// True if the score follows every trend, decided on all pairs of cells that differ in one feature.
fn is_monotone(
    ensemble: &Ensemble,
    monotone: &BTreeMap<Feature, Direction>,
    features: usize,
) -> bool {
    let scored: Vec<(Vec<f64>, f64)> =
        grid(ensemble, features).into_iter().map(|p| (p.clone(), ensemble.scores(&p)[0])).collect();
    let follows = |(&feature, &trend): (&Feature, &Direction)| {
        scored.iter().all(|(p, low)| {
            scored.iter().all(|(q, high)| {
                let differs = |&f: &usize| p[f] != q[f];
                let is_step = (0..features).filter(differs).all(|f| f == feature.0)
                    && p[feature.0] < q[feature.0];
                !is_step
                    || match trend {
                        Direction::Increasing => low <= high,
                        Direction::Decreasing => low >= high,
                    }
            })
        })
    };
    monotone.iter().all(follows)
}

/// `count` rows at `values`, the first `ones` of class 1.
fn cell(values: [f64; 2], count: usize, ones: usize) -> Vec<Row> {
    (0..count).map(|k| row(&values, usize::from(k < ones))).collect()
}

/// Class 1 is likelier at `x₀ = 1`, but likeliest at `(0, 1)`, where few rows are: the root
/// splits on `x₀`, its left child on `x₁`.
fn trap() -> Vec<Row> {
    [
        cell([0.0, 0.0], 90, 9),
        cell([0.0, 1.0], 10, 9),
        cell([1.0, 0.0], 50, 35),
        cell([1.0, 1.0], 50, 35),
    ]
    .concat()
}

#[test]
fn a_stump_has_the_newton_weights() {
    let rows = [row(&[1.0], 0), row(&[2.0], 0), row(&[5.0], 1), row(&[6.0], 1)];
    let options = TreeOptions { lambda: 1.0, eta: 0.5, ..one_tree() };
    let found = ensemble(&rows, &options);
    // p = 1/2 everywhere: G = ±1, H = 1/2, w = ∓1 / (1/2 + 1), halved by eta.
    let value = f64::from((1.0f64 / 3.0) as f32);
    let (feature, threshold) = (Feature(0), 3.5);
    let split = Node::Split { feature, threshold, left: 1, right: 2, default_left: true };
    assert_eq!(found.base, [0.0]);
    assert_eq!(found.trees[0].nodes, [split, Node::Leaf(-value), Node::Leaf(value)]);
}

#[test]
fn the_base_is_the_logit_of_the_share() {
    let found = ensemble(&trap(), &one_tree());
    assert_eq!(found.base, [f64::from((88f64 / 112.0).ln() as f32)]);
}

#[test]
fn monotone_trees_stay_monotone_below_other_splits() {
    let up = BTreeMap::from([(Feature(0), Direction::Increasing)]);
    let options = TreeOptions { monotone: up.clone(), ..one_tree() };
    let good = ensemble(&trap(), &options);
    assert!(is_monotone(&good, &up, 2));

    // Clip only below splits of constrained features: the leaf at (0, 1) gets its free weight.
    let mut bad = good.clone();
    let base = good.base[0];
    let Node::Split { feature: Feature(0), left, .. } = bad.trees[0].nodes[0] else {
        panic!("the root splits on x0: {:?}", bad.trees[0]);
    };
    let Node::Split { feature: Feature(1), right: leaf, .. } = bad.trees[0].nodes[left] else {
        panic!("its left child splits on x1: {:?}", bad.trees[0]);
    };
    let p = 1.0 / (1.0 + (-base).exp());
    bad.trees[0].nodes[leaf] = Node::Leaf((0.9 - p) / (p * (1.0 - p)));
    assert_ne!(bad, good);
    assert!(!is_monotone(&bad, &up, 2));
}

#[test]
fn without_constraints_the_trap_is_not_monotone() {
    let up = BTreeMap::from([(Feature(0), Direction::Increasing)]);
    assert!(!is_monotone(&ensemble(&trap(), &one_tree()), &up, 2));
}

#[test]
fn the_order_of_rows_changes_nothing() {
    let rows: Vec<Row> = (0..200).map(noisy).collect();
    let reversed: Vec<Row> = rows.iter().rev().cloned().collect();
    assert_eq!(
        ensemble(&rows, &TreeOptions::default()),
        ensemble(&reversed, &TreeOptions::default())
    );
}

/// A row of three features whose class depends on all of them, with noise.
fn noisy(k: usize) -> Row {
    let part = |step: f64| (k as f64 * step).fract();
    let values = [part(0.618_034), part(0.414_214), part(0.732_051)];
    let score = values[0] + values[1] * values[2] + 0.4 * part(0.236_068);
    row(&values, usize::from(score > 1.0))
}

#[test]
fn more_trees_fit_better_and_generalise() {
    let rows: Vec<Row> = (0..2000).map(noisy).collect();
    let (train, test) = rows.split_at(1500);
    let model = fit(train, &[], &TreeOptions::default()).unwrap();
    let hits = test.iter().filter(|row| model.label(&row.values) == row.label).count();
    assert!(hits > 440, "{hits} of 500");
}

#[test]
fn every_stored_number_is_an_f32() {
    let rows: Vec<Row> = (0..300).map(noisy).collect();
    let found = ensemble(&rows, &TreeOptions::default());
    let number = |node: &Node| match node {
        Node::Split { threshold, .. } => *threshold,
        Node::Leaf(value) => *value,
    };
    let numbers = found.trees.iter().flat_map(|tree| tree.nodes.iter().map(number));
    assert!(numbers.chain(found.base.clone()).all(|x| f64::from(x as f32) == x));
}

#[test]
fn patience_cuts_the_ensemble_after_its_best_tree() {
    let rows: Vec<Row> = (0..120).map(noisy).collect();
    let held_out: Vec<Row> = (500..700).map(noisy).collect();
    let patient = TreeOptions { trees: 400, patience: Some(10), ..TreeOptions::default() };
    let mut seen = 0;
    let mut follow = |progress: Progress| seen = progress.done as usize;
    let model = train(&plain_schema(3), 2, &rows, &held_out, &patient, &mut follow).unwrap();
    let Family::Ensemble(cut) = model.family else { panic!("an ensemble was trained") };
    assert!(seen < 400);
    assert_eq!(cut.trees.len() + 11, seen);
    // The trees are those that training without an end would have made.
    let whole = ensemble(&rows, &TreeOptions { trees: seen, ..TreeOptions::default() });
    assert_eq!(cut.trees, whole.trees[..cut.trees.len()]);
    let loss = |trees: usize| {
        let some = Ensemble { base: whole.base.clone(), trees: whole.trees[..trees].to_vec() };
        held_out.iter().map(|r| logistic_loss(some.scores(&r.values)[0], r.label)).sum::<f64>()
    };
    assert!((1..=seen).all(|trees| loss(cut.trees.len()) <= loss(trees)));
}

#[test]
fn without_patience_validation_rows_change_nothing() {
    let rows: Vec<Row> = (0..120).map(noisy).collect();
    let held_out: Vec<Row> = (500..550).map(noisy).collect();
    let options = TreeOptions::default();
    assert_eq!(fit(&rows, &held_out, &options), fit(&rows, &[], &options));
}

#[test]
fn a_constant_feature_and_contradicting_rows_give_single_leaves() {
    let rows = [row(&[1.0], 0), row(&[1.0], 1), row(&[1.0], 1)];
    let found = ensemble(&rows, &TreeOptions::default());
    assert!(found.trees.iter().all(|tree| tree.nodes.len() == 1));
    assert!((found.scores(&[1.0])[0] - 2f64.ln()).abs() < 1e-6);
}

#[test]
fn what_cannot_be_trained_is_refused_by_name() {
    let rows = trap();
    let three = train(&plain_schema(2), 3, &rows, &[], &TreeOptions::default(), &mut |_| {});
    assert_eq!(three, Err(TrainError::TwoClassesOnly { classes: 3 }));
    let one = fit(&rows[..5], &[], &TreeOptions::default());
    assert_eq!(one, Err(TrainError::OneClass { class: 1, rows: 5 }));
    let monotone = BTreeMap::from([(Feature(2), Direction::Increasing)]);
    let unknown = fit(&rows, &[], &TreeOptions { monotone, ..Default::default() });
    assert_eq!(unknown, Err(TrainError::MonotoneFeature { found: 2, last: 1 }));
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let refused = |options: TreeOptions| match fit(&trap(), &[], &options) {
        Err(TrainError::Setting { option, .. }) => option,
        other => panic!("not refused: {other:?}"),
    };
    let usual = TreeOptions::default;
    assert_eq!(refused(TreeOptions { trees: 0, ..usual() }), "trees");
    assert_eq!(refused(TreeOptions { depth: 0, ..usual() }), "depth");
    assert_eq!(refused(TreeOptions { eta: 0.0, ..usual() }), "eta");
    assert_eq!(refused(TreeOptions { eta: f64::NAN, ..usual() }), "eta");
    assert_eq!(refused(TreeOptions { bins: 257, ..usual() }), "bins");
    assert_eq!(refused(TreeOptions { bins: 1, ..usual() }), "bins");
    assert_eq!(refused(TreeOptions { lambda: -1.0, ..usual() }), "lambda");
    assert_eq!(refused(TreeOptions { gamma: f64::INFINITY, ..usual() }), "gamma");
    assert_eq!(refused(TreeOptions { min_child_weight: -0.1, ..usual() }), "min_child_weight");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn trained_ensembles_follow_their_trends(
        rows in prop::collection::vec((0u8..5, 0u8..4, 0u8..3, any::<bool>()), 20..80),
        trends in prop::collection::vec(prop::option::of(any::<bool>()), 3),
        depth in 1usize..6,
    ) {
        let mut rows: Vec<Row> = rows
            .iter()
            .map(|&(a, b, c, y)| row(&[a, b, c].map(f64::from), usize::from(y)))
            .collect();
        rows[0].label = 0;
        rows[1].label = 1;
        let trend = |up: bool| if up { Direction::Increasing } else { Direction::Decreasing };
        let monotone: BTreeMap<_, _> = trends
            .iter()
            .enumerate()
            .filter_map(|(feature, up)| up.map(|up| (Feature(feature), trend(up))))
            .collect();
        let options =
            TreeOptions { trees: 8, depth, min_child_weight: 0.1, monotone, ..Default::default() };
        prop_assert!(is_monotone(&ensemble(&rows, &options), &options.monotone, 3));
    }

    #[test]
    fn margins_of_training_are_scores_of_the_ensemble(
        rows in prop::collection::vec((-3.0..3.0f64, 0u8..9, any::<bool>()), 5..60),
        bins in 2usize..20,
    ) {
        let rows: Vec<Row> =
            rows.iter().map(|&(a, b, y)| row(&[a, f64::from(b)], usize::from(y))).collect();
        let options = TreeOptions { bins, min_child_weight: 0.0, ..Default::default() };
        let binned = Binned::new(&rows, 2, bins);
        let mut grower = Grower::new(&binned, &options);
        let mut margins = vec![0.25; rows.len()];
        let derivatives = rows.iter().map(|row| Derivatives::logistic(0.25, row.label)).collect();
        let tree = grower.grow(derivatives, &mut margins);
        for (row, margin) in rows.iter().zip(&margins) {
            prop_assert_eq!(0.25 + tree.value(&row.values), *margin);
        }
    }
}
