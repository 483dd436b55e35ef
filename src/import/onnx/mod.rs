//! ONNX graphs of feed-forward ReLU networks.
//!
//! A graph is read if there is a native model with the same function:
//!
//! ```text
//! standardisation?  affine  (Relu affine)*  (Sigmoid | Softmax)?
//! ```
//!
//! on one input, with Flatten, Reshape, Squeeze, Identity, Dropout and Constant anywhere, where `affine` is
//! MatMul, Gemm, Add, Sub, Mul, Div and BatchNormalization in any order. Weights and biases are taken over
//! bit for bit (−0 as 0); [`network`] says how several affine maps become layers without rounding.
//! A final activation is left out: scores are logits ([`answer`]).
//!
//! The standardisation becomes the features' mean and scale, where both are `f32` and the served copies of the
//! native model cover the file's order of operations:
//!
//! ```text
//! (x − mean)·scale           mean and scale are the file's
//! scale·x − c                mean = c / scale, if that is an f32
//! (x − mean) / 2ᵏ            scale = 2⁻ᵏ; other divisions are refused
//! (x − mean)·(1 / std)       scale is 1 / std in floats, as who serves the graph computes it: [`constants`]
//! ```
//!
//! A BatchNormalization in their place that has no such form is folded into the first layer and rounded, as one
//! behind a layer is.
//!
//! The exporter writes the first form, with the names, kinds and ranges of the features as metadata, so
//! that an exported model is imported as the same model.

#[cfg(test)]
mod affine_tests;
mod answer;
mod beside;
mod constants;
#[cfg(test)]
mod constants_tests;
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

pub use beside::gather;
pub use export::to_onnx;

use crate::model::{Family, Layer, Link, Mlp, Model, Precision, Schema, Tie, at_most};

use self::network::LayerStack;
use self::value::Activation;
use self::wire::unsupported;
use super::packed::unpack;
use super::{ImportError, Imported, Note};

/// Largest unpacked file, in bytes: 10⁷ numbers of 8 bytes, written at twice their length.
const MAX_BYTES: u64 = 256 << 20;
/// Most classes, as in native models.
const MAX_CLASSES: usize = 1_000;

/// The meaning of the outputs of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outputs {
    /// Logits. A single output is the logit of class 1 beside a logit 0 if a Sigmoid follows, else a plain score.
    #[default]
    AsTheGraphEnds,
    /// Logits; a single output is the logit of class 1 beside a logit 0.
    Logits,
    /// The numbers that a property is about: no part of the graph may be left out or rounded.
    Numbers,
}

/// Reads a network from the bytes of an `.onnx` file; the graph decides the meaning of its outputs.
///
/// # Errors
/// See [`onnx_outputs`].
pub fn onnx(bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
    Ok(onnx_outputs(bytes, schema, Outputs::default())?.model)
}

/// Reads a network from the bytes of an `.onnx` file, which may be packed with gzip; one class per output.
///
/// A schema must have as many features as the network has inputs, and the names of the file if the file
/// has names. Its names, kinds and ranges are taken over; mean and scale are the file's (0 and
/// 1 where it has none). Without a schema, features are as described in a file of [`to_onnx`], else `x0`,
/// `x1`, …, real and without a range.
///
/// # Errors
/// Bytes that are no protobuf message; sizes over a limit; operators, types and graphs other than those above,
/// each by name; where outputs are numbers, an activation at the end or a rounded number.
pub fn onnx_outputs(
    bytes: &[u8],
    schema: Option<&Schema>,
    outputs: Outputs,
) -> Result<Imported, ImportError> {
    let bytes = &unpack(bytes, MAX_BYTES)?;
    let file = proto::file(bytes)?;
    let described = file.features.map(features::read).transpose()?;
    let mut is_of_rows = false;
    let chain = graph::chain(&file.graph, bytes.len()).or_else(|refusal| {
        let one = match outputs {
            Outputs::Numbers => None,
            Outputs::AsTheGraphEnds | Outputs::Logits => {
                graph::chain_of_one_row(&file.graph, bytes.len())
            }
        };
        is_of_rows = true;
        one.and_then(Result::ok).ok_or(refusal)
    })?;
    let mut network = LayerStack::new(chain.steps, !chain.is_double)?;
    let is_logit = is_logit(&network, chain.activation, outputs)?;
    let mut notes = notes(&network, chain.activation, outputs)?;
    if chain.is_rounded {
        notes.push(Note::Graph(expect_no_numbers(outputs)?));
    }
    if is_of_rows {
        notes.push(Note::Graph(
            "the graph takes several rows at once: the model is that of one row",
        ));
    }
    if chain.is_named {
        notes.push(Note::Graph(
            "the graph has other labels than 0, 1, …: class k is the one of its k-th label, from 0",
        ));
    }
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

/// True if the one output is the logit of class 1.
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

/// The note on constants that are rounded.
fn expect_no_numbers(outputs: Outputs) -> Result<&'static str, ImportError> {
    match outputs {
        Outputs::AsTheGraphEnds | Outputs::Logits => Ok(
            "constants that the graph computes are computed as who serves it does, in floats, and rounded: these \
             numbers are certified",
        ),
        Outputs::Numbers => Err(unsupported(
            "a constant that is computed and rounded",
            "stored constants: rounded, the answers would be about another network",
        )),
    }
}

/// Notes on the differences from the graph; these are refused where properties are about the outputs.
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
