//! Writes a native network as an ONNX graph that serves it:
//!
//! ```text
//! input → Sub(mean)? → Mul(scale)? → Gemm → (Relu → Gemm)* → logits
//! ```
//!
//! `input` holds raw features, float32 `[batch, features]`; `logits` float32 `[batch, classes]`. Every
//! number is stored with the bits it has in the model, so an execution in float32 is one of
//! those that `served-f32` certificates cover. The same model gives the same bytes.

use crate::import::{ExportError, single};
use crate::model::{Family, FeatureSpec, Layer, Mlp, Model, Tie};

use super::features;
use super::proto::FEATURES;
use super::wire::Writer;

/// Version of the file format; ONNX 1.10 and later read it.
const IR_VERSION: u64 = 8;
/// Version of the operators.
const OPERATOR_SET: u64 = 13;
/// `FLOAT` in `TensorProto.DataType`.
const FLOAT: u64 = 1;
/// `INT` in `AttributeProto.AttributeType`.
const INT: u64 = 2;

/// The bytes of an `.onnx` file with the same function as the network, from raw features to logits.
///
/// # Errors
/// Ensembles, a tie rule that an arg max over logits does not follow, and numbers that are not finite
/// 32-bit floats.
pub fn to_onnx(model: &Model) -> Result<Vec<u8>, ExportError> {
    let Family::Mlp(mlp) = &model.family else { return Err(ExportError::Ensemble) };
    if model.tie == Tie::Upper {
        return Err(ExportError::Tie);
    }
    let graph = graph(model, mlp)?;
    let operators = Writer::default().bytes(1, "").number(2, OPERATOR_SET);
    let names = Writer::default().bytes(1, FEATURES).bytes(2, features::write(&model.schema));
    let file = Writer::default()
        .number(1, IR_VERSION)
        .bytes(2, "propcert")
        .bytes(7, graph)
        .bytes(8, operators)
        .bytes(14, names);
    Ok(file.into_bytes())
}

fn graph(model: &Model, mlp: &Mlp) -> Result<Writer, ExportError> {
    let features = model.schema.features();
    let mut chain = NodeChain { value: "input".to_owned(), ..NodeChain::default() };
    let all = |number: fn(&FeatureSpec) -> f32| features.iter().map(number).collect::<Vec<f32>>();
    let (means, scales) = (all(|feature| feature.mean), all(|feature| feature.scale));
    if means.iter().any(|mean| *mean != 0.0) {
        chain.store("mean", &[features.len()], &means);
        chain.node("Sub", &["mean"], "centred", None);
    }
    if scales.iter().any(|scale| *scale != 1.0) {
        chain.store("scale", &[features.len()], &scales);
        chain.node("Mul", &["scale"], "standardised", None);
    }
    let last = mlp.layers.len().saturating_sub(1);
    let mut inputs = features.len();
    for (index, layer) in mlp.layers.iter().enumerate() {
        let outputs = layer.outputs();
        if layer.inputs != inputs || layer.weights.len() != inputs * outputs {
            return Err(ExportError::Shape { layer: index });
        }
        chain.layer(index, layer, index == last)?;
        inputs = outputs;
    }
    Ok(chain.finish(features.len(), inputs))
}

/// A graph under construction: each node takes the value before it.
#[derive(Default)]
struct NodeChain {
    nodes: Writer,
    tensors: Writer,
    /// Name of the last value.
    value: String,
}

impl NodeChain {
    /// Adds a `Gemm` on weights `[outputs][inputs]`, as they lie in the model, then a `Relu`
    /// unless it is the last layer.
    fn layer(&mut self, index: usize, layer: &Layer, is_last: bool) -> Result<(), ExportError> {
        let (weights, bias) = (format!("weights{index}"), format!("bias{index}"));
        let singles = |kind: &str, numbers: &[f64]| {
            let single = |&value: &f64| single(value, || format!("layers[{index}].{kind}"));
            numbers.iter().map(single).collect::<Result<Vec<f32>, _>>()
        };
        let (outputs, inputs) = (layer.outputs(), layer.inputs);
        self.store(&weights, &[outputs, inputs], &singles("weights", &layer.weights)?);
        self.store(&bias, &[outputs], &singles("bias", &layer.bias)?);
        let output = if is_last { "logits".to_owned() } else { format!("sum{index}") };
        let transposed = Writer::default().bytes(1, "transB").number(3, 1).number(20, INT);
        self.node("Gemm", &[&weights, &bias], &output, Some(transposed));
        if !is_last {
            self.node("Relu", &[], &format!("hidden{index}"), None);
        }
        Ok(())
    }

    fn store(&mut self, name: &str, dimensions: &[usize], numbers: &[f32]) {
        let raw: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let shape =
            dimensions.iter().fold(Writer::default(), |shape, &n| shape.number(1, n as u64));
        let tensor = shape.number(2, FLOAT).bytes(8, name).bytes(9, raw);
        self.tensors = std::mem::take(&mut self.tensors).bytes(5, tensor);
    }

    fn node(&mut self, operator: &str, stored: &[&str], output: &str, attribute: Option<Writer>) {
        let node = Writer::default().bytes(1, &self.value);
        let node = stored.iter().fold(node, |node, name| node.bytes(1, name));
        let node = node.bytes(2, output).bytes(3, output).bytes(4, operator);
        let node = attribute.into_iter().fold(node, |node, attribute| node.bytes(5, attribute));
        self.nodes = std::mem::take(&mut self.nodes).bytes(1, node);
        self.value = output.to_owned();
    }

    fn finish(self, features: usize, classes: usize) -> Writer {
        self.nodes
            .bytes(2, "propcert")
            .followed_by(&self.tensors)
            .bytes(11, declared("input", features))
            .bytes(12, declared("logits", classes))
    }
}

/// A float32 value `[batch, width]`.
fn declared(name: &str, width: usize) -> Writer {
    let batch = Writer::default().bytes(2, "batch");
    let width = Writer::default().number(1, width as u64);
    let shape = Writer::default().bytes(1, batch).bytes(1, width);
    let tensor = Writer::default().number(1, FLOAT).bytes(2, shape);
    Writer::default().bytes(1, name).bytes(2, Writer::default().bytes(1, tensor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::onnx;
    use crate::model::{Kind, Precision, Schema};

    /// `2 → 1 → 2`.
    fn model() -> Model {
        let feature = |name: &str, mean, scale| FeatureSpec {
            name: name.to_owned(),
            kind: Kind::Integer,
            low: Some("-1.50".parse().unwrap()),
            high: None,
            mean,
            scale,
        };
        let tiny = f64::from(f32::from_bits(1));
        let layers = vec![
            Layer { weights: vec![tiny, f64::from(0.1f32)], bias: vec![0.0], inputs: 2 },
            Layer { weights: vec![-1.0, f64::from(f32::MAX)], bias: vec![0.5, 0.0], inputs: 1 },
        ];
        Model {
            schema: Schema::new(vec![feature("\"é\"", 0.0, 0.3), feature("", -0.1, 1.0)]).unwrap(),
            precision: Precision::F32,
            tie: Tie::Lower,
            classes: 2,
            link: crate::model::Link::Softmax,
            family: Family::Mlp(Mlp { layers }),
        }
    }

    fn changed(change: impl FnOnce(&mut Mlp)) -> Model {
        let mut model = model();
        if let Family::Mlp(mlp) = &mut model.family {
            change(mlp);
        }
        model
    }

    #[test]
    fn what_is_written_is_read_as_the_same_model() {
        assert_eq!(onnx(&to_onnx(&model()).unwrap(), None).unwrap(), model());
        assert_eq!(to_onnx(&model()), to_onnx(&model()), "same bytes");
    }

    #[test]
    fn numbers_of_precision_f64_that_are_f32_are_written() {
        let double = Model { precision: Precision::F64, ..model() };
        assert_eq!(onnx(&to_onnx(&double).unwrap(), None).unwrap(), model());
    }

    #[test]
    fn what_onnx_cannot_hold_is_refused() {
        assert_eq!(to_onnx(&Model { tie: Tie::Upper, ..model() }), Err(ExportError::Tie));
        for value in [0.1, 1e39, 1e-46, f64::NAN, f64::INFINITY, f64::from(f32::MAX).next_up()] {
            let refused = to_onnx(&changed(|mlp| mlp.layers[1].bias[1] = value));
            let is_number = |error: &ExportError| match error {
                ExportError::Number { place, .. } => place == "layers[1].bias",
                _ => false,
            };
            assert!(refused.as_ref().is_err_and(is_number), "{value}: {refused:?}");
        }
        let short = changed(|mlp| mlp.layers[1].weights.truncate(1));
        assert_eq!(to_onnx(&short), Err(ExportError::Shape { layer: 1 }));
    }
}
