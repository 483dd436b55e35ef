//! Strict reading of `model/1`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::interval::Decimal;

use super::limits::{
    MAX_CLASSES, MAX_LAYERS, MAX_NODES, MAX_PARAMETERS, MAX_TREE_DEPTH, MAX_TREES, MAX_WIDTH,
    at_most,
};
use super::{
    Ensemble, Family, Feature, FeatureSpec, Kind, Layer, LimitError, Link, Mlp, Model, Node,
    Object, Precision, Schema, SchemaError, Tie, Tree, check_json,
};

/// The error for a file that is no model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A size over its limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Not the JSON that `model/1` asks for.
    #[error("not a model/1 file: {0}")]
    Json(#[from] serde_json::Error),
    /// Another format or version.
    #[error("format is `{0}`, this version reads `model/1`")]
    Format(String),
    /// A family that is not read yet.
    #[error("family `{0}` is not read by this version; it reads `mlp` and `ensemble`")]
    Family(String),
    /// A key that the family needs, or must not have.
    #[error("family `{family}` {problem} key `{key}`")]
    Key {
        /// The family stated.
        family: &'static str,
        /// `needs` or `does not take`.
        problem: &'static str,
        /// The key.
        key: &'static str,
    },
    /// The features do not make a schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A number that is not finite at the stated precision.
    #[error("{place}: a number is not finite at the stated precision")]
    NotFinite {
        /// Name of the list.
        place: String,
    },
    /// A length that does not fit.
    #[error("{place}: found {found}, expected {expected}")]
    Length {
        /// Name of the list.
        place: String,
        /// Length found.
        found: usize,
        /// Length expected.
        expected: usize,
    },
    /// The number of classes and of outputs disagree.
    #[error("{classes} classes do not fit {outputs} outputs of a {family}")]
    Classes {
        /// Classes stated.
        classes: usize,
        /// Outputs found.
        outputs: usize,
        /// The family.
        family: &'static str,
    },
    /// A tree that is not a tree.
    #[error("tree {tree}, node {node}: {problem}")]
    Tree {
        /// Index of the tree.
        tree: usize,
        /// Index of the node.
        node: usize,
        /// The problem found.
        problem: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile<'a> {
    format: String,
    family: String,
    precision: Precision,
    #[serde(default = "lower")]
    tie: Tie,
    classes: usize,
    #[serde(default)]
    link: Link,
    features: Vec<Object<FeatureFile>>,
    #[serde(borrow)]
    layers: Option<&'a RawValue>,
    #[serde(borrow)]
    base: Option<&'a RawValue>,
    #[serde(borrow)]
    trees: Option<&'a RawValue>,
    /// A key of family `rules`, which is refused by name.
    #[serde(borrow)]
    bias: Option<&'a RawValue>,
    #[serde(borrow)]
    rules: Option<&'a RawValue>,
}

fn lower() -> Tie {
    Tie::Lower
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureFile {
    name: String,
    kind: Kind,
    low: Option<Decimal>,
    high: Option<Decimal>,
    #[serde(default)]
    mean: f32,
    #[serde(default = "one")]
    scale: f32,
}

fn one() -> f32 {
    1.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerFile<N> {
    weights: Vec<Vec<N>>,
    bias: Vec<N>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TreeFile<N> {
    output: usize,
    feature: Vec<usize>,
    threshold: Vec<N>,
    left: Vec<i64>,
    right: Vec<i64>,
    default_left: Vec<u8>,
    leaf: Vec<N>,
}

impl Model {
    /// Reads `model/1` from the bytes of a file. Unknown or doubled keys, wrong shapes, numbers
    /// that are not finite, trees with cycles or orphans, and sizes over the limits are refused.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        check_json(bytes)?;
        let Object(file): Object<ModelFile> = serde_json::from_slice(bytes)?;
        if file.format != "model/1" {
            return Err(ModelError::Format(file.format));
        }
        match file.precision {
            Precision::F32 => file.into_model::<f32>(),
            Precision::F64 => file.into_model::<f64>(),
        }
    }
}

impl ModelFile<'_> {
    fn into_model<N: DeserializeOwned + Copy + Into<f64>>(self) -> Result<Model, ModelError> {
        at_most("features", self.features.len(), MAX_WIDTH)?;
        at_most("classes", self.classes, MAX_CLASSES)?;
        let schema =
            Schema::new(self.features.into_iter().map(|Object(file)| file.into_spec()).collect())?;
        let family = match self.family.as_str() {
            "mlp" => {
                forbid("mlp", &[("base", self.base), ("trees", self.trees)])?;
                forbid("mlp", &[("bias", self.bias), ("rules", self.rules)])?;
                let layers: Vec<Object<LayerFile<N>>> =
                    serde_json::from_str(demand("mlp", "layers", self.layers)?)?;
                Family::Mlp(into_mlp(layers, schema.len())?)
            }
            "ensemble" => {
                forbid("ensemble", &[("layers", self.layers)])?;
                forbid("ensemble", &[("bias", self.bias), ("rules", self.rules)])?;
                let base: Vec<N> = serde_json::from_str(demand("ensemble", "base", self.base)?)?;
                let trees: Vec<Object<TreeFile<N>>> =
                    serde_json::from_str(demand("ensemble", "trees", self.trees)?)?;
                Family::Ensemble(into_ensemble(&base, trees, schema.len())?)
            }
            other => return Err(ModelError::Family(other.to_owned())),
        };
        let model = Model {
            schema,
            precision: self.precision,
            tie: self.tie,
            classes: self.classes,
            link: self.link,
            family,
        };
        model.check_classes()?;
        Ok(model)
    }
}

impl FeatureFile {
    fn into_spec(self) -> FeatureSpec {
        let Self { name, kind, low, high, mean, scale } = self;
        FeatureSpec { name, kind, low, high, mean: mean + 0.0, scale }
    }
}

impl Model {
    /// Checks the number of outputs. A network has one per class, or a single one for a plain score. An
    /// ensemble has a single one for a plain score or two classes, else one per class.
    fn check_classes(&self) -> Result<(), ModelError> {
        let (outputs, fits) = match &self.family {
            Family::Mlp(mlp) => {
                let outputs = mlp.layers.last().map_or(0, Layer::outputs);
                (outputs, self.classes >= 1 && outputs == self.classes)
            }
            Family::Ensemble(ensemble) => {
                let outputs = ensemble.base.len();
                let expected = if self.classes == 2 { 1 } else { self.classes };
                (outputs, self.classes >= 1 && outputs == expected)
            }
        };
        if fits {
            return Ok(());
        }
        Err(ModelError::Classes { classes: self.classes, outputs, family: self.family_name() })
    }
}

fn demand<'a>(
    family: &'static str,
    key: &'static str,
    value: Option<&'a RawValue>,
) -> Result<&'a str, ModelError> {
    value.map(RawValue::get).ok_or(ModelError::Key { family, problem: "needs", key })
}

fn forbid(
    family: &'static str,
    keys: &[(&'static str, Option<&RawValue>)],
) -> Result<(), ModelError> {
    match keys.iter().find(|(_, value)| value.is_some()) {
        Some(&(key, _)) => Err(ModelError::Key { family, problem: "does not take", key }),
        None => Ok(()),
    }
}

/// Widens numbers; −0 becomes 0, anything not finite is refused.
fn finite<N: Copy + Into<f64>>(
    numbers: &[N],
    place: impl Fn() -> String,
) -> Result<Vec<f64>, ModelError> {
    let widen = |&n: &N| {
        let value: f64 = n.into();
        if value.is_finite() {
            Ok(value + 0.0)
        } else {
            Err(ModelError::NotFinite { place: place() })
        }
    };
    numbers.iter().map(widen).collect()
}

fn expect_length(place: String, found: usize, expected: usize) -> Result<(), ModelError> {
    if found == expected { Ok(()) } else { Err(ModelError::Length { place, found, expected }) }
}

fn into_mlp<N: Copy + Into<f64>>(
    layers: Vec<Object<LayerFile<N>>>,
    features: usize,
) -> Result<Mlp, ModelError> {
    at_most("layers", layers.len(), MAX_LAYERS)?;
    if layers.is_empty() {
        return Err(ModelError::Key {
            family: "mlp",
            problem: "needs at least one entry in",
            key: "layers",
        });
    }
    let (mut inputs, mut parameters, mut result) = (features, 0, Vec::new());
    for (index, Object(layer)) in layers.into_iter().enumerate() {
        let outputs = layer.bias.len();
        at_most("neurons of a layer", outputs, MAX_WIDTH)?;
        if outputs == 0 {
            return Err(ModelError::Length {
                place: format!("layers[{index}].bias"),
                found: 0,
                expected: 1,
            });
        }
        parameters += outputs * (inputs + 1);
        at_most("parameters", parameters, MAX_PARAMETERS)?;
        expect_length(format!("layers[{index}].weights"), layer.weights.len(), outputs)?;
        let bias = finite(&layer.bias, || format!("layers[{index}].bias"))?;
        let mut weights = Vec::with_capacity(outputs * inputs);
        for (row, numbers) in layer.weights.iter().enumerate() {
            expect_length(format!("layers[{index}].weights[{row}]"), numbers.len(), inputs)?;
            weights.extend(finite(numbers, || format!("layers[{index}].weights[{row}]"))?);
        }
        result.push(Layer { weights, bias, inputs });
        inputs = outputs;
    }
    Ok(Mlp { layers: result })
}

fn into_ensemble<N: Copy + Into<f64>>(
    base: &[N],
    trees: Vec<Object<TreeFile<N>>>,
    features: usize,
) -> Result<Ensemble, ModelError> {
    at_most("trees", trees.len(), MAX_TREES)?;
    let base = finite(base, || "base".to_owned())?;
    let convert = |(index, Object(tree))| into_tree(index, tree, features, base.len());
    let trees = trees.into_iter().enumerate().map(convert).collect::<Result<_, _>>()?;
    Ok(Ensemble { base, trees })
}

fn into_tree<N: Copy + Into<f64>>(
    index: usize,
    file: TreeFile<N>,
    features: usize,
    outputs: usize,
) -> Result<Tree, ModelError> {
    let count = file.feature.len();
    at_most("nodes of a tree", count, MAX_NODES)?;
    let lengths = [
        ("threshold", file.threshold.len()),
        ("left", file.left.len()),
        ("right", file.right.len()),
        ("default-left", file.default_left.len()),
        ("leaf", file.leaf.len()),
    ];
    for (key, found) in lengths {
        expect_length(format!("trees[{index}].{key}"), found, count)?;
    }
    let problem = |node, problem| ModelError::Tree { tree: index, node, problem };
    if file.output >= outputs {
        return Err(problem(0, "its output does not exist"));
    }
    let thresholds = finite(&file.threshold, || format!("trees[{index}].threshold"))?;
    let leaves = finite(&file.leaf, || format!("trees[{index}].leaf"))?;
    let mut nodes = Vec::with_capacity(count);
    let columns = file.feature.iter().zip(&file.left).zip(&file.right).zip(&file.default_left);
    for (node, ((((&feature, &left), &right), &default_left), (&threshold, &leaf))) in
        columns.zip(thresholds.iter().zip(&leaves)).enumerate()
    {
        let is_leaf = left == -1 && right == -1;
        if default_left > 1 {
            return Err(problem(node, "default-left is neither 0 nor 1"));
        }
        if is_leaf {
            if feature != 0 || threshold != 0.0 {
                return Err(problem(node, "a leaf has feature 0 and threshold 0"));
            }
            nodes.push(Node::Leaf(leaf));
            continue;
        }
        let child = |end: i64| usize::try_from(end).ok().filter(|&child| child < count);
        let (Some(left), Some(right)) = (child(left), child(right)) else {
            return Err(problem(node, "a child index is out of range"));
        };
        if feature >= features {
            return Err(problem(node, "its feature does not exist"));
        }
        if leaf != 0.0 {
            return Err(problem(node, "an inner node has leaf value 0"));
        }
        let default_left = default_left == 1;
        nodes.push(Node::Split { feature: Feature(feature), threshold, left, right, default_left });
    }
    check_shape(&nodes).map_err(|(node, what)| problem(node, what))?;
    Ok(Tree { output: file.output, nodes })
}

/// Checks that every node is reached from the root exactly once, on a path of limited length.
fn check_shape(nodes: &[Node]) -> Result<(), (usize, &'static str)> {
    let mut is_seen = vec![false; nodes.len()];
    let mut stack = vec![(0usize, 0usize)];
    while let Some((at, depth)) = stack.pop() {
        let (Some(node), Some(seen)) = (nodes.get(at), is_seen.get_mut(at)) else {
            return Err((at, "a tree needs at least one node"));
        };
        if std::mem::replace(seen, true) {
            return Err((at, "reached twice: a cycle or a shared child"));
        }
        if depth > MAX_TREE_DEPTH {
            return Err((at, "deeper than 64"));
        }
        if let Node::Split { left, right, .. } = node {
            stack.push((*right, depth + 1));
            stack.push((*left, depth + 1));
        }
    }
    match is_seen.iter().position(|seen| !seen) {
        Some(orphan) => Err((orphan, "not reachable from the root")),
        None => Ok(()),
    }
}
