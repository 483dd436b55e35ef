//! Why a foreign model was not imported, or a native one not exported.

use crate::model::{LimitError, SchemaError};

/// Why a foreign model was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A format, or a feature of one, whose bits are not reproduced.
    #[error("{what:.200} cannot be imported: {expected}")]
    Unsupported {
        /// The feature or format found.
        what: String,
        /// The input that is read instead.
        expected: &'static str,
    },
    /// A size over its limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Broken gzip.
    #[error("broken gzip: {reason}")]
    Gzip {
        /// The message of the decoder.
        reason: std::io::Error,
    },
    /// A key that no reader knows.
    #[error(
        "{place:.100}: the key `{key:.60}` is not known, and what is not known may change predictions; expected a \
         file as the tool's own `save_model` writes it, of a version that is read"
    )]
    Key {
        /// The object that holds it.
        place: String,
        /// Name of the key.
        key: String,
    },
    /// Not the JSON that XGBoost's `save_model` writes. NaN and Infinity are no JSON numbers.
    #[error(
        "{place}: {reason}; expected the finite numbers and the keys that XGBoost's `save_model` \
         writes to a .json file"
    )]
    Json {
        /// The file or the tree; lines and columns count from its start.
        place: String,
        /// The message of the parser.
        reason: serde_json::Error,
    },
    /// JSON that is not what another tool's reader takes.
    #[error("{reason}; expected {expected}")]
    Document {
        /// The message of the parser, with line and column.
        reason: serde_json::Error,
        /// The input that is read.
        expected: &'static str,
    },
    /// Something that is not as it must be.
    #[error("{place}: found `{found:.100}`, expected {expected}")]
    Stated {
        /// The place, by the names of the file.
        place: String,
        /// The text found.
        found: String,
        /// The input that is read.
        expected: &'static str,
    },
    /// Something else where a whole number is declared.
    #[error("{key}: found `{found:.60}`, expected a whole number")]
    Declared {
        /// The key.
        key: &'static str,
        /// Its text.
        found: String,
    },
    /// A base score that is no probability, or a margin that is not finite.
    #[error("base_score: found `{found:.60}`, expected {expected}")]
    BaseScore {
        /// Text of the score.
        found: String,
        /// The input that is read.
        expected: &'static str,
    },
    /// A tree that adds to a sum which the model does not have.
    #[error("tree_info of tree {tree}: there is no such output; expected one below {sums}")]
    Output {
        /// Index of the tree.
        tree: usize,
        /// Sums of the model.
        sums: usize,
    },
    /// Bytes that are no UBJSON of XGBoost's.
    #[error(
        "byte {at}: {problem}; expected the UBJSON that XGBoost's `save_model` writes to a .ubj \
         file, whole"
    )]
    Ubjson {
        /// Position in the unpacked file.
        at: usize,
        /// The problem found there.
        problem: &'static str,
    },
    /// A length that does not fit what is declared elsewhere.
    #[error("{place}: found {found}, expected {expected}")]
    Length {
        /// Name of the list.
        place: String,
        /// Length found.
        found: usize,
        /// Length expected.
        expected: usize,
    },
    /// A tree that is not a tree.
    #[error("tree {tree}, node {node}: {problem}")]
    Node {
        /// Index of the tree.
        tree: usize,
        /// Index of the node in the file.
        node: usize,
        /// The problem found there.
        problem: NodeProblem,
    },
    /// Nodes that cannot be reached from the root, other than those declared deleted.
    #[error("tree {tree}: {found} nodes are not reachable, {deleted} are declared deleted")]
    Unreachable {
        /// Index of the tree.
        tree: usize,
        /// Nodes that are not reached.
        found: usize,
        /// Nodes declared deleted.
        deleted: usize,
    },
    /// Bytes that are no protobuf message.
    #[error("byte {at}: {problem}; expected an ONNX model")]
    Wire {
        /// Position in the file.
        at: usize,
        /// The problem found there.
        problem: &'static str,
    },
    /// A part of a graph that is not as it must be.
    #[error("{place}: found {found:.200}, expected {expected}")]
    Graph {
        /// The node or tensor.
        place: String,
        /// The content found.
        found: String,
        /// The input that is read.
        expected: &'static str,
    },
    /// Metadata that do not describe features.
    #[error(
        "metadata `propcert.features`: {reason}; expected the features as `export onnx` writes them"
    )]
    Metadata {
        /// The message of the parser.
        reason: serde_json::Error,
    },
    /// Names that do not make a schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The model and the given schema differ in length.
    #[error(
        "the model has {found} features, the schema {expected}; give the data it is trained on"
    )]
    Features {
        /// Features of the model.
        found: usize,
        /// Features of the schema.
        expected: usize,
    },
    /// The model and the given schema differ in a name.
    #[error("feature {index} of the model is `{found:.60}`, of the schema `{expected:.60}`")]
    FeatureName {
        /// Position, from 0.
        index: usize,
        /// Name in the model.
        found: String,
        /// Name in the schema.
        expected: String,
    },
}

/// Why a model was not written in a foreign format.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// A format that is only read.
    #[error(
        "{format} models are not written; networks are written by `export onnx`, ensembles by \
         `export xgboost`"
    )]
    Format {
        /// Name of the format on the command line.
        format: &'static str,
    },
    /// An ensemble, where the format holds networks.
    #[error(
        "an ensemble cannot be written as ONNX, which takes networks (family mlp); write it with \
         `export xgboost`"
    )]
    Ensemble,
    /// A network, where the format holds ensembles.
    #[error(
        "a network cannot be written for XGBoost, which takes ensembles; write it with `export onnx`"
    )]
    Network,
    /// Several sums, where the file is written with one.
    #[error(
        "the model has {classes} classes; `export xgboost` writes ensembles of two classes or \
         of a plain score"
    )]
    Classes {
        /// Classes of the model.
        classes: usize,
    },
    /// Sums and inputs of 64 bits; XGBoost has 32.
    #[error(
        "the model computes in f64, XGBoost in f32: its margins would be others; expected \
         precision f32"
    )]
    Precision,
    /// A margin of zero belongs to class 1.
    #[error(
        "a margin of 0 is class 1 (`tie` is `upper`), but XGBoost makes it class 0; expected `tie` \
         to be `lower`"
    )]
    TieAtZero,
    /// The larger class wins among equal logits.
    #[error(
        "ties go to the larger class (`tie` is `upper`), but whoever serves ONNX takes the first of \
         equal logits; expected `tie` to be `lower`"
    )]
    Tie,
    /// A number that is not a 32-bit float.
    #[error(
        "{place}: {value} is not a finite 32-bit float, and rounding would make another model; \
         expected a model of precision f32"
    )]
    Number {
        /// Name of the list.
        place: String,
        /// The number.
        value: f64,
    },
    /// Lists whose lengths do not fit one another.
    #[error("layer {layer}: weights, bias and inputs do not fit; expected a network as it is read")]
    Shape {
        /// Index of the layer.
        layer: usize,
    },
}

/// The problem of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeProblem {
    /// A tree without nodes.
    #[error("there is no root; expected at least one node")]
    None,
    /// NaN or infinity, as written or after conversion.
    #[error("a threshold or value that is not finite")]
    NotFinite,
    /// An index outside the tree, or one child only.
    #[error("children {left} and {right}; expected two of {nodes} nodes, or -1 twice for a leaf")]
    Children {
        /// Left child found.
        left: i64,
        /// Right child found.
        right: i64,
        /// Nodes of the tree.
        nodes: usize,
    },
    /// Two paths lead here.
    #[error("reached twice: a cycle or a shared child")]
    ReachedTwice,
    /// Too far from the root.
    #[error("more than {limit} splits below the root")]
    Depth {
        /// Longest path that is read.
        limit: usize,
    },
    /// A leaf that overflows a 32-bit float once it is multiplied by its tree's weight.
    #[error("its value times the weight of its tree overflows a 32-bit float")]
    Overflow,
    /// A split on a feature the model does not have.
    #[error("splits on feature {found}, the model has {features}")]
    Feature {
        /// Index found.
        found: i64,
        /// Features of the model.
        features: usize,
    },
}
