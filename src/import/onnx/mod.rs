//! ONNX graphs of feed-forward ReLU networks.
//!
//! Read is what has a native model with the same function:
//!
//! ```text
//! standardisation?  affine  (Relu affine)*  (Sigmoid | Softmax)?
//! ```
//!
//! on one input, with Flatten, Reshape, Identity, Dropout and Constant anywhere, where `affine` is
//! MatMul, Gemm, Add, Sub, Mul, Div and BatchNormalization in any order. Weights and biases are taken over
//! bit for bit (−0 as 0); how several affine maps become layers without rounding stands in [`network`].
//! A final activation is left out: scores are logits ([`answer`]).
//!
//! The standardisation becomes the features' mean and scale, where both are `f32` and every served
//! copy of the native model covers the file's order of operations:
//!
//! ```text
//! (x − mean)·scale           mean and scale are the file's
//! scale·x − c                mean = c / scale, if that is an f32
//! (x − mean) / 2ᵏ            scale = 2⁻ᵏ; other divisions are refused
//! ```
//!
//! Written is the first form, with the names, kinds and ranges of the features as metadata, so that
//! what was exported is imported as the same model.

#[cfg(test)]
mod affine_tests;
mod answer;
mod export;
mod features;
#[cfg(test)]
mod fixture;
mod graph;
#[cfg(test)]
mod hostile;
mod network;
mod place;
mod proto;
mod shape;
mod tensor;
#[cfg(test)]
mod tests;
mod value;
mod wire;

pub use export::to_onnx;

use crate::model::{Family, Layer, Link, Mlp, Model, Precision, Schema, Tie, at_most};

use self::network::LayerStack;
use self::value::Activation;
use self::wire::unsupported;
use super::packed::unpack;
use super::{ImportError, Imported, Note};

/// Largest file once unpacked, in bytes: 10⁷ numbers of 8 bytes, written twice as long.
const MAX_BYTES: u64 = 256 << 20;
/// Most classes, as in native models.
const MAX_CLASSES: usize = 1_000;

/// What the outputs of a graph are taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outputs {
    /// Logits. A single one is that of class 1 beside a logit 0 if a Sigmoid follows, else a plain score.
    #[default]
    AsTheGraphEnds,
    /// Logits; a single one is that of class 1 beside a logit 0.
    Logits,
    /// The numbers that a property speaks of: nothing may be left out or rounded.
    Numbers,
}

/// Reads a network from the bytes of an `.onnx` file, its outputs taken for what the graph makes of them.
///
/// # Errors
/// See [`onnx_outputs`].
pub fn onnx(bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
    Ok(onnx_outputs(bytes, schema, Outputs::default())?.model)
}

/// Reads a network from the bytes of an `.onnx` file, which may be packed with gzip; one class per output.
///
/// With a schema, its features must be as many as the network's inputs, and named as in the file if
/// that has names; their names, kinds and ranges are taken over, mean and scale are the file's (0 and
/// 1 where it has none). Without one, features are as described in a file of [`to_onnx`], else `x0`,
/// `x1`, …, real and without a range.
///
/// # Errors
/// Bytes that are no protobuf message, sizes over a limit, operators, types and graphs other than
/// those above, by name; an activation at the end, or a rounded number, where outputs are numbers.
pub fn onnx_outputs(
    bytes: &[u8],
    schema: Option<&Schema>,
    outputs: Outputs,
) -> Result<Imported, ImportError> {
    let bytes = &unpack(bytes, MAX_BYTES)?;
    let file = proto::file(bytes)?;
    let described = file.features.map(features::read).transpose()?;
    let chain = graph::chain(&file.graph, bytes.len())?;
    let mut network = LayerStack::new(chain.steps, !chain.is_double)?;
    let is_logit = is_logit(&network, chain.activation, outputs)?;
    let notes = notes(&network, chain.activation, outputs)?;
    if let (true, Some(last)) = (is_logit, network.layers.last_mut()) {
        last.weights.splice(0..0, std::iter::repeat_n(0.0, last.inputs));
        last.bias.insert(0, 0.0);
    }
    let classes = network.layers.last().map_or(0, Layer::outputs);
    at_most("classes", classes, MAX_CLASSES)?;
    let model = Model {
        schema: network.schema(described, schema)?,
        precision: if chain.is_double { Precision::F64 } else { Precision::F32 },
        tie: Tie::Lower,
        classes,
        link: Link::Softmax,
        family: Family::Mlp(Mlp { layers: network.layers }),
    };
    Ok(Imported { model, notes })
}

/// Whether the one output is the logit of class 1.
fn is_logit(
    network: &LayerStack,
    activation: Option<Activation>,
    outputs: Outputs,
) -> Result<bool, ImportError> {
    let count = network.layers.last().map_or(0, Layer::outputs);
    match (activation, count) {
        (Some(Activation::Sigmoid), 2..) => {
            let what = format!("a Sigmoid of {count} outputs, whose posteriors do not add up to 1");
            Err(unsupported(what, "a Sigmoid of one output, or a Softmax"))
        }
        (Some(Activation::Softmax), 1) => {
            let what = "a Softmax or ArgMax of one output, which is always the same";
            Err(unsupported(what, "one output for each class, or a Sigmoid"))
        }
        (Some(Activation::Sigmoid), _) => Ok(true),
        _ => Ok(count == 1 && outputs == Outputs::Logits),
    }
}

/// What differs from the graph; refused where properties speak of the outputs.
fn notes(
    network: &LayerStack,
    activation: Option<Activation>,
    outputs: Outputs,
) -> Result<Vec<Note>, ImportError> {
    if outputs == Outputs::Numbers {
        if activation.is_some() {
            let what = "an activation or a label after the last layer";
            return Err(unsupported(
                what,
                "outputs of an affine layer: the property speaks of them",
            ));
        }
        if network.is_rounded {
            let what = "a BatchNormalization, whose numbers are no floats,";
            return Err(unsupported(
                what,
                "one that is folded exactly: rounded, the answers would be about \
                                          another network",
            ));
        }
        return Ok(Vec::new());
    }
    let dropped =
        "what follows the logits (Sigmoid, Softmax, labels) is left out: scores are logits";
    let rounded = "a BatchNormalization is folded into its layer and rounded: the stored model is what is \
                   certified, not the graph";
    let doubled = "affine maps without a Relu between them are kept exact by doubled neurons";
    let said = [
        (activation.is_some(), dropped),
        (network.is_rounded, rounded),
        (network.doubled > 0, doubled),
    ];
    Ok(said.into_iter().filter(|(is, _)| *is).map(|(_, note)| Note::Graph(note)).collect())
}
