//! Models, rows and proofs that several test files offer to the kernel.

#![allow(dead_code, reason = "every test file uses its own part")]

pub mod draw;
pub mod extremes;
pub mod forests;
pub mod nearest;
pub mod table;

use std::collections::BTreeMap;

use propcert::certificate::{Arithmetic, Cut, Hint, Kernel, Leaf, Proof, SplitTree, Step, Verdict};
use propcert::interval::{Dyadic, Rational};
use propcert::model::{
    Digest, Ensemble, Family, Feature, FeatureSpec, Kind, Layer, Link, Mlp, Model, Node, Precision,
    Row, Schema, Tie, Tree,
};
use propcert::spec::{Lowered, Semantics, Spec};

pub const BOTH: [Arithmetic; 2] = [Arithmetic::Rounded, Arithmetic::Exact];

pub fn row(values: &[f64], label: usize) -> Row {
    let texts: Vec<String> = values.iter().map(f64::to_string).collect();
    Row { values: values.to_vec(), label, key: Digest::of(texts.join(",").as_bytes()) }
}

pub fn feature(name: String, kind: Kind, range: (f64, f64)) -> FeatureSpec {
    let end = |x: f64| propcert::interval::Decimal::from_f64(x);
    FeatureSpec { name, kind, low: end(range.0), high: end(range.1), mean: 0.0, scale: 1.0 }
}

/// A two-class (or more) network over features named `x0`, `x1`, … of the given range.
pub fn network(layers: Vec<Layer>, range: (f64, f64), precision: Precision) -> Model {
    let inputs = layers[0].inputs;
    let features = (0..inputs).map(|i| feature(format!("x{i}"), Kind::Real, range)).collect();
    let classes = layers.last().unwrap().outputs();
    Model {
        schema: Schema::new(features).unwrap(),
        precision,
        tie: Tie::Lower,
        classes,
        link: Link::Softmax,
        family: Family::Mlp(Mlp { layers }),
    }
}

pub fn split(feature: usize, threshold: f64, left: usize, right: usize) -> Node {
    Node::Split { feature: Feature(feature), threshold, left, right, default_left: false }
}

pub fn ensemble(kinds: &[Kind], range: (f64, f64), base: Vec<f64>, trees: Vec<Tree>) -> Model {
    let features =
        kinds.iter().enumerate().map(|(i, &kind)| feature(format!("x{i}"), kind, range)).collect();
    Model {
        schema: Schema::new(features).unwrap(),
        precision: Precision::F32,
        tie: Tie::Lower,
        classes: if base.len() == 1 { 2 } else { base.len() },
        link: Link::Softmax,
        family: Family::Ensemble(Ensemble { base, trees }),
    }
}

pub fn spec(text: &str) -> Spec {
    Spec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

pub fn mlp(model: &Model) -> &Mlp {
    match &model.family {
        Family::Mlp(mlp) => mlp,
        Family::Ensemble(_) => panic!("not a network"),
    }
}

/// Exact margin of `label` over `other` at a standardised point of floats.
pub fn exact_margin(mlp: &Mlp, z: &[f64], label: usize, other: usize) -> Rational {
    let exact = |x: f64| Dyadic::from_f64(x).unwrap();
    let logits = mlp.forward(&exact(1.0), z.iter().map(|&x| exact(x)).collect());
    (&logits[label] - &logits[other]).to_rational()
}

pub fn leaf(leaf: Leaf) -> Step {
    Step::Leaf { leaf, refresh: None, hint: None }
}

pub fn halves(feature: usize, at: f64, refresh: Option<usize>, low: Leaf, high: Leaf) -> SplitTree {
    let cut = Step::Cut { cut: Cut::Input { copy: 0, feature, at }, refresh };
    SplitTree::new(vec![cut, leaf(low), leaf(high)]).unwrap()
}

/// A hint that gives every hidden neuron the same slope.
pub fn uniform_hint(mlp: &Mlp, slope: f64) -> Hint {
    let hidden = &mlp.layers[..mlp.layers.len() - 1];
    let slopes = hidden.iter().enumerate().flat_map(|(layer, weights)| {
        (0..weights.outputs()).map(move |neuron| (layer, neuron, slope))
    });
    Hint { slopes: slopes.collect(), ..Hint::default() }
}

/// Every rule of the format with plain and with odd hints, split trees included. `middle` is where
/// networks are cut, in standardised units.
pub fn battery(model: &Model, middle: &[f64]) -> Vec<Proof> {
    let mut proofs = vec![
        Proof::None,
        Proof::interval(),
        Proof::linear(Vec::new()),
        Proof::jacobian(),
        Proof::fuzz(),
        Proof::Range,
        Proof::difference(),
        Proof::jumps(BTreeMap::new()),
        Proof::tree_pairs(BTreeMap::new()),
    ];
    match &model.family {
        Family::Mlp(mlp) => network_battery(mlp, middle, &mut proofs),
        Family::Ensemble(_) => {
            for (feature, number) in
                (0..model.schema.len()).flat_map(|f| (0..4).map(move |k| (f, k)))
            {
                let cut = Step::Cut { cut: Cut::Cell { copy: 0, feature, number }, refresh: None };
                let steps = vec![cut, leaf(Leaf::Interval), leaf(Leaf::Interval)];
                let tree = SplitTree::new(steps).unwrap();
                proofs.push(Proof::jumps([(0, tree.clone())].into()));
                proofs.push(Proof::split(tree, Vec::new()));
            }
        }
    }
    proofs
}

fn network_battery(mlp: &Mlp, middle: &[f64], proofs: &mut Vec<Proof>) {
    for slope in [-1.0, 0.0, 0.5, 1.0, 257.0 / 256.0, 1e300] {
        proofs.push(Proof::linear(vec![uniform_hint(mlp, slope)]));
    }
    let refreshes = [None, Some(0)];
    for (feature, &at) in middle.iter().enumerate() {
        for (refresh, kind) in refreshes.into_iter().flat_map(|r| {
            [Leaf::Interval, Leaf::Linear, Leaf::Jacobian, Leaf::Fuzz].map(|k| (r, k))
        }) {
            let tree = halves(feature, at, refresh, kind, kind);
            proofs.push(Proof::split(tree, Vec::new()));
        }
    }
}

/// Which proofs of the battery prove obligation 0, over both arithmetics.
pub fn proving_rules(
    model: &Model,
    spec: &Spec,
    rows: &[Row],
    semantics: Option<Semantics>,
) -> Vec<(Arithmetic, &'static str)> {
    let spec = Spec { semantics, ..spec.clone() };
    let lowered = Lowered::new(&spec, model, None, rows).unwrap();
    let middle: Vec<f64> = rows
        .first()
        .map_or(vec![0.0; model.schema.len()], |row| model.schema.standardise(&row.values));
    let mut found = Vec::new();
    for arithmetic in BOTH {
        let kernel = Kernel::new(model, &lowered, arithmetic);
        for proof in battery(model, &middle) {
            if let Ok(Verdict::Proved(_)) = kernel.check(0, &proof) {
                found.push((arithmetic, proof.rule()));
            }
        }
    }
    found
}

/// Whether the points refute obligation 0.
pub fn refutes(
    model: &Model,
    spec: &Spec,
    rows: &[Row],
    semantics: Option<Semantics>,
    points: &[Vec<String>],
) -> bool {
    let spec = Spec { semantics, ..spec.clone() };
    let lowered = Lowered::new(&spec, model, None, rows).unwrap();
    let verdicts = BOTH.map(|arithmetic| {
        let kernel = Kernel::new(model, &lowered, arithmetic);
        let proof = Proof::Counterexample { points: points.to_vec() };
        matches!(kernel.check(0, &proof), Ok(Verdict::Refuted(_)))
    });
    assert_eq!(verdicts[0], verdicts[1]);
    verdicts[0]
}
