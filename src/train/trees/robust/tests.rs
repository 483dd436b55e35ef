//! The promises of boosting under moves.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::model::{Family, Feature, Model, Row};
use crate::spec::{Direction, Spec};
use crate::train::tests::{plain_schema, row};
use crate::train::trees::{self, TreeOptions};
use crate::train::{HoldDemands, RowBoxes};

use super::*;

fn moves(rows: &[Row], epsilon: f64) -> RowBoxes {
    let text = format!("property = 'local-invariance'\nepsilon = '{epsilon}'\ndelta = '0.5'");
    let specs = [Spec::read(text.as_bytes()).unwrap()];
    let schema = plain_schema(rows[0].values.len());
    HoldDemands::of(&specs, &schema, 2).unwrap().moves(&schema, 2, rows).unwrap()
}

fn fit(rows: &[Row], epsilon: f64, options: &TreeOptions) -> Model {
    let moves = moves(rows, epsilon);
    let sample = MovableRows { rows, moves: &moves };
    let none = RowBoxes::none(&[]);
    let schema = plain_schema(rows[0].values.len());
    let nobody = MovableRows { rows: &[], moves: &none };
    trees::train_under_moves(&schema, 2, sample, nobody, options, &mut |_| {}).unwrap()
}

fn ensemble(model: &Model) -> &Ensemble {
    match &model.family {
        Family::Ensemble(ensemble) => ensemble,
        Family::Mlp(_) => panic!("an ensemble was trained"),
    }
}

/// The ensemble before its leaves are refitted.
fn boosted(train: MovableRows, validation: MovableRows, options: &TreeOptions) -> Ensemble {
    let (base, trees) = grown(train, validation, options, &mut |_| {});
    Ensemble { base: vec![base], trees: trees.into_iter().map(GrownTree::into_tree).collect() }
}

/// A row of three features whose class depends on all of them, with noise.
fn noisy(k: usize) -> Row {
    let part = |step: f64| (k as f64 * step).fract();
    let values = [part(0.618_034), part(0.414_214), part(0.732_051)];
    let score = values[0] + values[1] * values[2] + 0.4 * part(0.236_068);
    row(&values, usize::from(score > 1.0))
}

/// The row's signed margin in the worst case of its box, tree by tree.
fn worst(Ensemble { base, trees }: &Ensemble, moves: &RowBoxes, rows: &[Row], at: usize) -> f64 {
    let sign = sign(&rows[at]);
    sign * base[0] + trees.iter().map(|tree| least(tree, moves.row(at), sign)).sum::<f64>()
}

#[test]
fn rows_that_do_not_move_give_ordinary_boosting() {
    // fewer values than bins: both have all thresholds; whole weights, so that derivatives round alike
    let rows: Vec<Row> = (0..200).map(noisy).collect();
    let options = TreeOptions { trees: 12, worst_case: 1.0, ..TreeOptions::default() };
    let natural = trees::train(&plain_schema(3), 2, &rows, &[], &options, &mut |_| {}).unwrap();
    let (none, nobody) = (RowBoxes::none(&rows), RowBoxes::none(&[]));
    let [sample, held_out] =
        [(&rows[..], &none), (&[], &nobody)].map(|(rows, moves)| MovableRows { rows, moves });
    assert_eq!(boosted(sample, held_out, &options), *ensemble(&natural));
}

#[test]
fn moves_that_reach_a_threshold_are_no_longer_separated() {
    // two close values of different class, and two far ones
    let rows = vec![[row(&[0.0, 0.0], 0), row(&[0.2, 5.0], 1)]; 20].concat();
    let options = TreeOptions { trees: 1, eta: 1.0, lambda: 0.0, ..TreeOptions::default() };
    let threshold_on = |epsilon| match &ensemble(&fit(&rows, epsilon, &options)).trees[0].nodes[0] {
        Node::Split { feature, .. } => feature.0,
        Node::Leaf(_) => panic!("there is something to split"),
    };
    assert_eq!(threshold_on(0.0), 0);
    assert_eq!(threshold_on(0.3), 1);
}

#[test]
fn more_rows_hold_in_the_worst_case_than_after_ordinary_boosting() {
    let rows: Vec<Row> = (0..1500).map(noisy).collect();
    let boxes = moves(&rows, 0.05);
    let holding = |model: &Model| {
        (0..rows.len()).filter(|&at| worst(ensemble(model), &boxes, &rows, at) > 0.0).count()
    };
    let options = TreeOptions { trees: 30, depth: 4, worst_case: 1.0, ..TreeOptions::default() };
    let (natural, robust) = (fit(&rows, 0.0, &options), fit(&rows, 0.05, &options));
    assert!(holding(&robust) > holding(&natural) + 150);
}

#[test]
fn patience_keeps_the_trees_with_the_least_worst_case_loss() {
    let rows: Vec<Row> = (0..150).map(noisy).collect();
    let held_out: Vec<Row> = (500..700).map(noisy).collect();
    let (near, far) = (moves(&rows, 0.03), moves(&held_out, 0.03));
    let options = TreeOptions { trees: 300, patience: Some(10), ..TreeOptions::default() };
    let train = MovableRows { rows: &rows, moves: &near };
    let validation = MovableRows { rows: &held_out, moves: &far };
    let fit = |options: &TreeOptions| boosted(train, validation, options);
    let kept = fit(&options);
    assert!(kept.trees.len() < 300);
    let more = kept.trees.len() + 5;
    let Ensemble { base, trees } = fit(&TreeOptions { trees: more, patience: None, ..options });
    let loss = |count: usize| -> f64 {
        let some = Ensemble { base: base.clone(), trees: trees[..count].to_vec() };
        (0..held_out.len()).map(|at| logistic_loss(worst(&some, &far, &held_out, at), 1)).sum()
    };
    assert!((1..=more).all(|count| loss(kept.trees.len()) <= loss(count)));
}

#[test]
fn refitted_leaves_have_a_smaller_loss() {
    let rows: Vec<Row> = (0..400).map(noisy).collect();
    let (boxes, nobody) = (moves(&rows, 0.05), RowBoxes::none(&[]));
    let train = MovableRows { rows: &rows, moves: &boxes };
    let options = TreeOptions { trees: 20, ..TreeOptions::default() };
    let before = boosted(train, MovableRows { rows: &[], moves: &nobody }, &options);
    let after = fit(&rows, 0.05, &options);
    let loss = |ensemble: &Ensemble| -> f64 {
        let of_row = |at: usize| {
            let own = ensemble.scores(&rows[at].values)[0];
            let worst = logistic_loss(worst(ensemble, &boxes, &rows, at), 1);
            options.worst_case * worst
                + (1.0 - options.worst_case) * logistic_loss(own, rows[at].label)
        };
        let leaves = ensemble.trees.iter().flat_map(Tree::leaves);
        (0..rows.len()).map(of_row).sum::<f64>() + 5.0 * leaves.map(|v| v * v).sum::<f64>()
    };
    assert!(loss(ensemble(&after)) < 0.95 * loss(&before));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The margins that training goes by are those of the trees, in the worst case and at the rows themselves, so no
    /// gradient is taken elsewhere.
    #[test]
    fn margins_are_the_worst_cases(
        rows in prop::collection::vec((-3.0..3.0f64, 0u8..9, any::<bool>()), 5..60),
        epsilon in prop_oneof![Just(0.0), 0.01..2.0f64],
        bins in 2usize..40,
    ) {
        let mut rows: Vec<Row> =
            rows.iter().map(|&(a, b, y)| row(&[a, f64::from(b)], usize::from(y))).collect();
        (rows[0].label, rows[1].label) = (0, 1);
        let options = TreeOptions { bins, min_child_weight: 0.0, ..Default::default() };
        let boxes = moves(&rows, epsilon);
        let sample = MovableRows { rows: &rows, moves: &boxes };
        let reach = BoxCodes::new(sample, bins);
        let mut grower = RobustGrower::new(&reach, &rows, &options);
        let start = vec![0.0; rows.len()];
        let mut margins = RowCases { worst: start.clone(), own: start };
        let tree = grower.grow(margins.derivatives(&rows, 0.4), &mut margins).into_tree();
        for (at, row) in rows.iter().enumerate() {
            prop_assert_eq!(least(&tree, boxes.row(at), sign(row)), margins.worst[at]);
            prop_assert_eq!(sign(row) * tree.value(&row.values), margins.own[at]);
        }
    }

    #[test]
    fn directions_hold_too(
        rows in prop::collection::vec((0u8..6, 0u8..5, any::<bool>()), 20..80),
        epsilon in 0.0..2.0f64,
    ) {
        let mut rows: Vec<Row> =
            rows.iter().map(|&(a, b, y)| row(&[a, b].map(f64::from), usize::from(y))).collect();
        (rows[0].label, rows[1].label) = (0, 1);
        let monotone = BTreeMap::from([(Feature(0), Direction::Increasing)]);
        let options =
            TreeOptions { trees: 6, min_child_weight: 0.1, monotone, ..Default::default() };
        let model = fit(&rows, epsilon, &options);
        let grid = (0..60u8).map(|at| [f64::from(at % 10) - 1.75, f64::from(at / 10) - 0.75]);
        for [x, y] in grid {
            let margin = |x: f64| model.margin(&[x, y]);
            prop_assert!(margin(x) <= margin(x + 1.0));
        }
    }
}
