//! The models that certificates are about: two inputs in [−4, 4].

use propcert::model::{Kind, Layer, Model, Node, Precision, Schema, Tie, Tree};

use crate::cases::{ensemble, mlp, network, split};

pub fn small_network() -> Model {
    let layers = vec![
        Layer {
            weights: vec![1.5, -0.5, -1.25, 1.0, 0.5, 0.75],
            bias: vec![0.25, 0.0, -0.5],
            inputs: 2,
        },
        Layer {
            weights: vec![-1.0, 0.5, 0.25, 1.0, -0.75, 0.5],
            bias: vec![0.125, -0.125],
            inputs: 3,
        },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

/// The same over features that are shifted and stretched.
pub fn scaled_network() -> Model {
    let mut model = small_network();
    let mut features = model.schema.features().to_vec();
    (features[0].mean, features[0].scale) = (0.3, 1.5);
    (features[1].mean, features[1].scale) = (-0.7, 0.6);
    model.schema = Schema::new(features).unwrap();
    model
}

/// The same over a whole first feature.
pub fn with_whole(mut model: Model) -> Model {
    let mut features = model.schema.features().to_vec();
    features[0].kind = Kind::Integer;
    model.schema = Schema::new(features).unwrap();
    model
}

pub fn with_upper_tie(mut model: Model) -> Model {
    model.tie = Tie::Upper;
    model
}

/// Three classes over the hidden neurons of [`small_network`].
pub fn three_classes() -> Model {
    let mut model = small_network();
    let mut layers = mlp(&model).layers.clone();
    layers[1].weights.extend([0.5, 1.0, -1.0]);
    layers[1].bias.push(0.0);
    model = network(std::mem::take(&mut layers), (-4.0, 4.0), model.precision);
    model
}

/// Increasing in both inputs: all weights on the paths to class 1 minus class 0 are positive.
pub fn rising_network() -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, 0.5, 0.25, 1.0], bias: vec![0.0, -0.5], inputs: 2 },
        Layer { weights: vec![-0.5, 0.0, 0.5, 1.0], bias: vec![0.0, 0.0], inputs: 2 },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

/// m = 2·relu(x₀) − relu(x₀ + 5) + 5.5 = |x₀| + ½: nothing but the slope ½ shows that it is positive.
pub fn folded_network() -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, 0.0, 1.0, 0.0], bias: vec![0.0, 5.0], inputs: 2 },
        Layer { weights: vec![0.0, 0.0, 2.0, -1.0], bias: vec![0.0, 5.5], inputs: 2 },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

/// m = |x₀ − x₁| + ½ = 2·relu(x₀ − x₁) − relu(x₀ − x₁ + 10) + 10½.
pub fn ridge_network() -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, -1.0, 1.0, -1.0], bias: vec![0.0, 10.0], inputs: 2 },
        Layer { weights: vec![0.0, 0.0, 2.0, -1.0], bias: vec![0.0, 10.5], inputs: 2 },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

pub fn stump(feature: usize, threshold: f64, below: f64, above: f64) -> Tree {
    let nodes = vec![split(feature, threshold, 1, 2), Node::Leaf(below), Node::Leaf(above)];
    Tree { output: 0, nodes }
}

pub fn small_ensemble() -> Model {
    let deep = Tree {
        output: 0,
        nodes: vec![
            split(0, -0.5, 1, 2),
            Node::Leaf(-0.75),
            split(1, 0.25, 3, 4),
            Node::Leaf(0.25),
            Node::Leaf(1.0),
        ],
    };
    let trees = vec![stump(0, 0.5, -0.5, 0.5), stump(1, -0.75, -0.25, 0.5), deep];
    ensemble(&[Kind::Real, Kind::Real], (-4.0, 4.0), vec![-0.125], trees)
}

/// ½ or more everywhere, since one of the stumps is always at +1; the box of leaves gives −1½.
pub fn folded_ensemble() -> Model {
    let trees = vec![stump(0, -0.5, -1.0, 1.0), stump(0, 0.5, 1.0, -1.0)];
    ensemble(&[Kind::Real, Kind::Real], (-4.0, 4.0), vec![0.5], trees)
}

pub fn three_outputs() -> Model {
    let tree = |output, feature, threshold, leaves: (f64, f64)| Tree {
        output,
        ..stump(feature, threshold, leaves.0, leaves.1)
    };
    let trees = vec![
        tree(0, 0, 0.5, (0.5, -0.5)),
        tree(1, 0, -0.5, (-0.25, 0.5)),
        tree(1, 1, 0.25, (0.25, -0.75)),
        tree(2, 1, 0.75, (-1.0, 1.0)),
    ];
    ensemble(&[Kind::Real, Kind::Real], (-4.0, 4.0), vec![0.0, 0.125, -0.125], trees)
}
