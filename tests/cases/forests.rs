//! Random ensembles whose thresholds are halves, and points that meet all their cells.

use std::collections::BTreeMap;

use propcert::certificate::{Cut, Kernel, Leaf, Pairing, Proof, SplitTree, Step, TwinBox};
use propcert::model::{Kind, Model, Node, Tree};
use propcert::spec::Obligation;

use super::draw::Draw;
use super::{ensemble, leaf, split};

/// A tree of up to 8 leaves, its numbers drawn by `threshold` and `value`.
pub fn random_tree(
    draw: &mut Draw,
    features: usize,
    output: usize,
    threshold: impl Fn(&mut Draw) -> f64,
    value: impl Fn(&mut Draw) -> f64,
) -> Tree {
    let mut nodes = vec![Node::Leaf(0.0)];
    let mut open = vec![(0usize, 0)];
    while let Some((at, depth)) = open.pop() {
        if depth < 3 && draw.below(4) > 0 {
            let (left, right) = (nodes.len(), nodes.len() + 1);
            let threshold = threshold(draw);
            nodes[at] = split(draw.index(features), threshold, left, right);
            nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
            open.extend([(left, depth + 1), (right, depth + 1)]);
        } else {
            nodes[at] = Node::Leaf(value(draw));
        }
    }
    Tree { output, nodes }
}

/// One of nine quarters around 0.
pub fn quarter(draw: &mut Draw) -> f64 {
    (draw.index(9) as f64 - 4.0) / 4.0
}

/// Thresholds are halves, so that whole features meet whole and fractional cuts.
pub fn random_ensemble(draw: &mut Draw, classes: usize) -> Model {
    let features = 1 + draw.index(3);
    let kinds: Vec<Kind> =
        (0..features).map(|_| [Kind::Real, Kind::Integer][draw.index(2)]).collect();
    let outputs = if classes == 2 { 1 } else { classes };
    let count = 1 + draw.index(4);
    let trees = (0..count)
        .map(|_| {
            let output = draw.index(outputs);
            let half = |draw: &mut Draw| (draw.index(9) as f64 - 1.0) / 2.0;
            random_tree(draw, features, output, half, quarter)
        })
        .collect();
    let base = (0..outputs).map(|_| (draw.index(5) as f64 - 2.0) / 8.0).collect();
    ensemble(&kinds, (0.0, 3.0), base, trees)
}

/// Points of `[low, high]` that meet every cell: the ends, the thresholds, and points between.
fn representatives(low: f64, high: f64, is_whole: bool) -> Vec<f64> {
    let step = if is_whole { 1.0 } else { 0.25 };
    let count = ((high - low) / step) as usize;
    (0..=count).map(|k| low + k as f64 * step).collect()
}

/// Points that meet every cell of sides `(low, high, is_whole)`.
pub fn grid(sides: &[(f64, f64, bool)]) -> Vec<Vec<f64>> {
    sides.iter().fold(vec![Vec::new()], |points, &(low, high, whole)| {
        let values = representatives(low, high, whole);
        let longer = |p: &Vec<f64>| {
            values.iter().map(|&v| [p.as_slice(), &[v]].concat()).collect::<Vec<_>>()
        };
        points.iter().flat_map(longer).collect()
    })
}

pub fn wholes(model: &Model, respect: bool) -> Vec<bool> {
    model.schema.features().iter().map(|f| respect && f.kind == Kind::Integer).collect()
}

/// Every cut there is: as a split where there is one question, else by rule `tree-pairs`.
pub fn full_pairs(kernel: &Kernel, obligation: &Obligation) -> Proof {
    let questions = kernel.questions(obligation).expect("a claim about two points");
    let pairings = questions.pairings();
    let trees = pairings.iter().enumerate().filter_map(|(number, pairing)| {
        pairing.root().map(|root| (number, full_tree(pairing, root)))
    });
    let mut trees: BTreeMap<usize, SplitTree> = trees.collect();
    match trees.pop_first() {
        Some((0, tree)) if pairings.len() == 1 => Proof::split(tree, Vec::new()),
        first => {
            trees.extend(first);
            Proof::tree_pairs(trees)
        }
    }
}

/// All cuts of a box of pairs.
fn full_tree(pairing: &Pairing, root: &TwinBox) -> SplitTree {
    let mut steps = Vec::new();
    let mut stack = vec![Some(root.clone())];
    let axes = || (0..2).flat_map(|copy| (0..pairing.features()).map(move |f| (copy, f)));
    while let Some(part) = stack.pop() {
        let open = part.and_then(|here| {
            let is_open = |&(copy, f): &(usize, usize)| here.side(copy, f).0 < here.side(copy, f).1;
            axes().find(is_open).map(|(copy, feature)| (here.clone(), copy, feature))
        });
        let Some((here, copy, feature)) = open else {
            steps.push(leaf(Leaf::Pairs));
            continue;
        };
        let number = here.side(copy, feature).0;
        let (low, high) = pairing.cut(&here, copy, feature, number).unwrap();
        steps.push(Step::Cut { cut: Cut::Cell { copy, feature, number }, refresh: None });
        stack.extend([high, low]);
    }
    SplitTree::new(steps).unwrap()
}
