//! Small ONNX files, written field by field.

use super::wire::Writer;

/// A graph from input `x` to output `y`.
#[derive(Clone, Debug, Default)]
pub(super) struct GraphWriter(Writer);

impl GraphWriter {
    /// A graph on an input of these dimensions (0: free).
    pub(super) fn new(dimensions: &[u64]) -> Self {
        Self::default().input("x", Some(dimensions))
    }

    pub(super) fn input(self, name: &str, dimensions: Option<&[u64]>) -> Self {
        let mut value = Writer::default().bytes(1, name);
        if let Some(dimensions) = dimensions {
            let shape = dimensions.iter().fold(Writer::default(), |shape, &size| {
                shape.bytes(1, Writer::default().number(1, size))
            });
            let tensor = Writer::default().number(1, 1).bytes(2, shape);
            value = value.bytes(2, Writer::default().bytes(1, tensor));
        }
        Self(self.0.bytes(11, value))
    }

    pub(super) fn tensor(self, name: &str, dimensions: &[u64], numbers: &[f32]) -> Self {
        Self(self.0.bytes(5, tensor(name, dimensions, numbers)))
    }

    /// A list of INT64.
    pub(super) fn whole(self, name: &str, numbers: &[i64]) -> Self {
        let mut message = Writer::default().number(1, numbers.len() as u64).number(2, 7);
        for number in numbers {
            message = message.number(7, number.cast_unsigned());
        }
        Self(self.0.bytes(5, message.bytes(8, name)))
    }

    /// A list of STRING.
    pub(super) fn texts(self, name: &str, texts: &[&str]) -> Self {
        let mut message = Writer::default().number(1, texts.len() as u64).number(2, 8);
        for text in texts {
            message = message.bytes(6, text);
        }
        Self(self.0.bytes(5, message.bytes(8, name)))
    }

    /// `output = ZipMap(input)` with these labels.
    pub(super) fn map(self, input: &str, output: &str, labels: Writer) -> Self {
        let node = Writer::default().bytes(1, input).bytes(2, output).bytes(4, "ZipMap");
        Self(self.0.bytes(1, node.bytes(5, labels).bytes(7, "ai.onnx.ml")))
    }

    /// `output = operator(inputs)`.
    pub(super) fn node(self, operator: &str, inputs: &[&str], output: &str) -> Self {
        self.node_with(operator, inputs, output, &[])
    }

    pub(super) fn node_with(
        self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[Writer],
    ) -> Self {
        let mut node = inputs.iter().fold(Writer::default(), |node, name| node.bytes(1, name));
        node = node.bytes(2, output).bytes(4, operator);
        node = attributes.iter().fold(node, |node, attribute| node.bytes(5, attribute));
        Self(self.0.bytes(1, node))
    }

    /// A node of another domain.
    pub(super) fn node_in(
        self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        output: &str,
    ) -> Self {
        let node = inputs.iter().fold(Writer::default(), |node, name| node.bytes(1, name));
        Self(self.0.bytes(1, node.bytes(2, output).bytes(4, operator).bytes(7, domain)))
    }

    /// One more output.
    pub(super) fn output(self, name: &str) -> Self {
        Self(self.0.bytes(12, Writer::default().bytes(1, name)))
    }

    /// The bytes of the model.
    pub(super) fn model(self) -> Vec<u8> {
        let graph = self.0.bytes(12, Writer::default().bytes(1, "y"));
        Writer::default().number(1, 8).bytes(7, graph).into_bytes()
    }
}

/// A tensor of floats, as raw data.
pub(super) fn tensor(name: &str, dimensions: &[u64], numbers: &[f32]) -> Writer {
    let raw: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    let message =
        dimensions.iter().fold(Writer::default(), |message, &size| message.number(1, size));
    message.number(2, 1).bytes(8, name).bytes(9, raw)
}

pub(super) fn int(name: &str, value: u64) -> Writer {
    Writer::default().bytes(1, name).number(3, value)
}

pub(super) fn float(name: &str, value: f32) -> Writer {
    Writer::default().bytes(1, name).float(2, value)
}
