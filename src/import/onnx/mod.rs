//! ONNX graphs of feed-forward ReLU networks.
//!
//! Read is what has a native model with the same numbers:
//!
//! ```text
//! standardisation?  (MatMul Add? | Gemm)  (Relu (MatMul Add? | Gemm))*
//! ```
//!
//! on one input and one output, with Flatten, Reshape, Identity and Constant anywhere. Weights and
//! biases are taken over bit for bit (−0 as 0). Two affine maps without a Relu between them are
//! refused: folding them would round.
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

mod export;
mod features;
#[cfg(test)]
mod fixture;
mod graph;
#[cfg(test)]
mod hostile;
mod proto;
mod shape;
mod tensor;
#[cfg(test)]
mod tests;
mod wire;

pub use export::to_onnx;

use crate::model::{
    Family, FeatureSpec, Layer, LimitError, Mlp, Model, Precision, Schema, Tie, at_most,
};

use self::features::Described;
use self::graph::Step;
use self::proto::unsupported;
use self::shape::MAX_WIDTH;
use super::ImportError;

/// Most layers, as in native models.
const MAX_LAYERS: usize = 64;
/// Most weights and biases, as in native models.
const MAX_PARAMETERS: usize = 10_000_000;
/// Most classes, as in native models.
const MAX_CLASSES: usize = 1_000;

/// Reads a network from the bytes of an `.onnx` file; one class per output.
///
/// With a schema, its features must be as many as the network's inputs, and named as in the file if
/// that has names; their names, kinds and ranges are taken over, mean and scale are the file's (0 and
/// 1 where it has none). Without one, features are as described in a file of [`to_onnx`], else `x0`,
/// `x1`, …, real and without a range.
///
/// # Errors
/// Bytes that are no protobuf message, sizes over a limit, operators, types and graphs other than
/// those above, by name.
pub fn onnx(bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
    let file = proto::file(bytes)?;
    let described = file.features.map(features::read).transpose()?;
    let chain = graph::chain(&file.graph, bytes.len())?;
    let network = Network::new(chain.steps)?;
    let classes = network.layers.last().map_or(0, Layer::outputs);
    if classes < 2 {
        return Err(unsupported(format!("a network with {classes} outputs"), "one for each class"));
    }
    at_most("classes", classes, MAX_CLASSES)?;
    Ok(Model {
        schema: network.schema(described, schema)?,
        precision: if chain.is_double { Precision::F64 } else { Precision::F32 },
        tie: Tie::Lower,
        classes,
        family: Family::Mlp(Mlp { layers: network.layers }),
    })
}

/// Layers with what stands before them.
#[derive(Default)]
struct Network {
    mean: Option<Vec<f64>>,
    scale: Option<Vec<f64>>,
    layers: Vec<Layer>,
    /// What the last step was.
    last: Last,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Last {
    #[default]
    Input,
    Matrix,
    Bias,
    Relu,
}

impl Network {
    fn new(steps: Vec<Step>) -> Result<Self, ImportError> {
        let mut network = Self::default();
        steps.into_iter().try_for_each(|step| network.take(step))?;
        network.check_limits()?;
        match network.last {
            Last::Relu => Err(unsupported("a Relu at the output", "logits as the output")),
            Last::Input => Err(unsupported("a graph without a matrix", "at least one layer")),
            Last::Matrix | Last::Bias => Ok(network),
        }
    }

    fn take(&mut self, step: Step) -> Result<(), ImportError> {
        self.last = match (step, self.last) {
            (Step::Add(numbers), last) if numbers.iter().all(|c| *c == 0.0) => last,
            (Step::Scale(numbers), last) if numbers.iter().all(|c| *c == 1.0) => last,
            (Step::Add(c), Last::Input) if self.mean.is_none() && self.scale.is_none() => {
                self.mean = Some(c.into_iter().map(|c| 0.0 - c).collect());
                Last::Input
            }
            (Step::Scale(scale), Last::Input) if self.scale.is_none() => {
                self.scale = Some(scale);
                Last::Input
            }
            (Step::Add(c), Last::Input) if self.mean.is_none() => {
                self.mean = Some(mean_before(self.scale.as_deref().unwrap_or_default(), &c)?);
                Last::Input
            }
            (Step::Matrix { weights, inputs }, Last::Input | Last::Relu) => {
                let bias = vec![0.0; weights.len() / inputs];
                self.layers.push(Layer { weights, bias, inputs });
                Last::Matrix
            }
            (Step::Add(bias), Last::Matrix) => {
                if let Some(layer) = self.layers.last_mut() {
                    layer.bias = bias;
                }
                Last::Bias
            }
            (Step::Relu, Last::Matrix | Last::Bias | Last::Relu) => Last::Relu,
            (step, last) => return Err(out_of_place(&step, last)),
        };
        Ok(())
    }

    fn check_limits(&self) -> Result<(), LimitError> {
        at_most("layers", self.layers.len(), MAX_LAYERS)?;
        for layer in &self.layers {
            at_most("neurons of a layer", layer.outputs(), MAX_WIDTH)?;
            at_most("inputs of a layer", layer.inputs, MAX_WIDTH)?;
        }
        let parameters = self.layers.iter().map(|l| l.weights.len() + l.bias.len()).sum();
        at_most("parameters", parameters, MAX_PARAMETERS)
    }

    fn schema(
        &self,
        described: Option<Vec<Described>>,
        given: Option<&Schema>,
    ) -> Result<Schema, ImportError> {
        let inputs = self.layers.first().map_or(0, |layer| layer.inputs);
        let number = |numbers: &Option<Vec<f64>>, index: usize, default: f32| match numbers {
            None => Ok(default),
            Some(numbers) => single(numbers.get(index).copied()),
        };
        let standardised = |(index, feature): (usize, FeatureSpec)| {
            let mean = number(&self.mean, index, 0.0)?;
            let scale = number(&self.scale, index, 1.0)?;
            Ok(FeatureSpec { mean, scale, ..feature })
        };
        let features = features::of_network(inputs, described, given)?;
        let features = features.into_iter().enumerate().map(standardised);
        Ok(Schema::new(features.collect::<Result<_, ImportError>>()?)?)
    }
}

/// `scale·x + c` is `scale·(x − mean)` with this mean, if it is an `f32`.
fn mean_before(scale: &[f64], c: &[f64]) -> Result<Vec<f64>, ImportError> {
    let mean = |(scale, c): (&f64, &f64)| {
        let mean = f64::from((-c / scale) as f32);
        // exact: scale and mean are f32
        let is_exact = f64::from(*scale as f32) == *scale && mean * scale == -c;
        is_exact.then_some(mean + 0.0).ok_or_else(|| ImportError::Graph {
            place: "the constant after the scaling".to_owned(),
            found: format!("{scale}·x + {c}"),
            expected: "scale·(x − mean) with a mean that is a 32-bit float",
        })
    };
    scale.iter().zip(c).map(mean).collect()
}

/// A mean or a scale, which are `f32` in a schema.
fn single(value: Option<f64>) -> Result<f32, ImportError> {
    let exact = value.map(|value| (value, value as f32)).filter(|(v, s)| f64::from(*s) == *v);
    exact.map(|(_, single)| single).ok_or_else(|| ImportError::Graph {
        place: "the constant before the first layer".to_owned(),
        found: value.map_or("too few numbers".to_owned(), |value| value.to_string()),
        expected: "a 32-bit float for each input",
    })
}

fn out_of_place(step: &Step, last: Last) -> ImportError {
    let name = match step {
        Step::Add(_) => "an addition",
        Step::Scale(_) => "a multiplication",
        Step::Matrix { .. } => "a matrix",
        Step::Relu => "a Relu",
    };
    let after = match last {
        Last::Input => "the input",
        Last::Matrix => "a matrix",
        Last::Bias => "a matrix with its bias",
        Last::Relu => "a Relu",
    };
    let expected = "a constant may be subtracted from the input and the result scaled, then \
                    matrices with one bias each and a Relu between them";
    unsupported(format!("{name} after {after}"), expected)
}
