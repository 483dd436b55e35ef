//! One node and its place in the graph; every operand and attribute is either known or refused.

use std::collections::BTreeSet;

use crate::import::ImportError;

use super::proto::{Attribute, GraphNode};
use super::shape::Shape;
use super::tensor::Tensor;
use super::value::Known;

/// The largest number of operands of an operator, and the attributes it is read with.
fn parts(operator: &str) -> Option<(usize, &'static [&'static str])> {
    Some(match operator {
        "Add" | "Sub" | "Mul" | "Div" => (2, &["axis", "broadcast"]),
        "ArgMax" => (1, &["axis", "keepdims", "select_last_index"]),
        "ArrayFeatureExtractor" => (2, &[]),
        "BatchNormalization" => (5, &["epsilon", "momentum", "spatial", "training_mode"]),
        "Cast" => (1, &["saturate", "to"]),
        "Concat" => (2, &["axis"]),
        "Constant" => (0, &CONSTANTS),
        // operands: the share that is dropped in training, and a flag for training
        "Dropout" => (3, &["ratio", "seed"]),
        "Flatten" => (1, &["axis"]),
        "Gemm" => (3, &["alpha", "beta", "broadcast", "transA", "transB"]),
        "Identity" | "Neg" | "Reciprocal" | "Relu" | "Sigmoid" | "Sqrt" => (1, &[]),
        "LogSoftmax" | "Softmax" => (1, &["axis"]),
        "MatMul" => (2, &[]),
        "Reshape" => (2, &["allowzero"]),
        "Scaler" => (1, &["offset", "scale"]),
        "Squeeze" => (2, &[]),
        "ZipMap" => (1, &["classlabels_int64s", "classlabels_strings"]),
        _ => return None,
    })
}

/// The attributes that may hold the value of a `Constant`; exactly one is given.
const CONSTANTS: [&str; 5] = ["value", "value_float", "value_floats", "value_int", "value_ints"];

/// The mend of a division that rounds.
pub(super) const MULTIPLY: &str = "powers of two: dividing by other numbers rounds otherwise than multiplying; have \
                                   the model multiply by 1/std, which is imported bit for bit";
/// The mend of a standard deviation of 0.
pub(super) const NO_SPREAD: &str = "a number above 0: a feature whose standard deviation is 0 is the same in every \
                                    training row; divide it by 1 instead, as scikit-learn does, or leave it out";

/// A node with its index, for messages.
pub(super) struct NodePlace<'a> {
    pub(super) index: usize,
    pub(super) node: &'a GraphNode<'a>,
}

impl<'a> NodePlace<'a> {
    pub(super) fn wrong(&self, found: String, expected: &'static str) -> ImportError {
        let place = format!("node {} ({:.60})", self.index, self.node.operator);
        ImportError::Graph { place, found, expected }
    }

    /// Refuses operands and attributes that the operator is not read with, and an attribute given twice.
    pub(super) fn expect_known_parts(&self) -> Result<(), ImportError> {
        let Some((operands, known)) = parts(self.node.operator) else { return Ok(()) };
        if self.node.inputs.len() > operands {
            let expected = "the operands of the operator";
            return Err(self.wrong(format!("{} operands", self.node.inputs.len()), expected));
        }
        let mut seen = BTreeSet::new();
        for Attribute { name, .. } in &self.node.attributes {
            if !known.contains(name) {
                let found = format!("attribute `{name:.60}`");
                return Err(self.wrong(found, "the attributes that the operator is read with"));
            }
            if !seen.insert(name) {
                return Err(self.wrong(format!("attribute `{name}` twice"), "each attribute once"));
            }
        }
        Ok(())
    }

    /// Before version 7 of the operators, `broadcast` and `axis` said which dimensions of the first operand
    /// those of the second one match. They mean nothing where these are the last ones; all else is refused.
    pub(super) fn expect_usual_broadcast(
        &self,
        shape: &Shape,
        tensor: &Tensor<'_>,
    ) -> Result<(), ImportError> {
        self.expect_flag("broadcast")?;
        let Some(axis) = self.int("axis")? else { return Ok(()) };
        if shape.is_last(axis, tensor.dimensions.len()) {
            return Ok(());
        }
        Err(self.wrong(format!("axis {axis}"), "the last dimensions of the first operand"))
    }

    /// Expects an attribute to be 0 or 1 if it is there; both mean the same.
    pub(super) fn expect_flag(&self, name: &'static str) -> Result<(), ImportError> {
        match self.int(name)? {
            None | Some(0 | 1) => Ok(()),
            Some(other) => Err(self.wrong(format!("{name} {other}"), "0 or 1")),
        }
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'a Attribute<'a>> {
        self.node.attributes.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(&self, name: &'static str) -> Result<Option<i64>, ImportError> {
        let value = |attribute: &Attribute<'_>| {
            let wrong = || self.wrong(format!("attribute {name} of another type"), "an INT");
            attribute.int.ok_or_else(wrong)
        };
        self.attribute(name).map(value).transpose()
    }

    pub(super) fn float(&self, name: &'static str) -> Result<Option<f32>, ImportError> {
        let value = |attribute: &Attribute<'_>| {
            let wrong = || self.wrong(format!("attribute {name} of another type"), "a FLOAT");
            attribute.float.ok_or_else(wrong)
        };
        self.attribute(name).map(value).transpose()
    }

    /// Factors to multiply by instead of dividing, with the same bits.
    pub(super) fn reciprocals(&self, divisors: &[f64]) -> Result<Vec<f64>, ImportError> {
        let reciprocal = |&divisor: &f64| {
            let wrong = || {
                let expected = if divisor == 0.0 { NO_SPREAD } else { MULTIPLY };
                self.wrong(format!("a division by {divisor}"), expected)
            };
            let is_power_of_two = divisor.is_normal() && divisor.to_bits() << 12 == 0;
            is_power_of_two.then(|| 1.0 / divisor).ok_or_else(wrong)
        };
        divisors.iter().map(reciprocal).collect()
    }

    /// The tensor of the one attribute of a `Constant`.
    pub(super) fn constant(&self) -> Result<Known<'a>, ImportError> {
        let expected =
            "one of `value`, `value_float`, `value_floats`, `value_int` and `value_ints`";
        let [attribute] = self.node.attributes.as_slice() else {
            let names: Vec<_> = self.node.attributes.iter().map(|one| one.name).collect();
            return Err(self.wrong(format!("the attributes {names:?}"), expected));
        };
        let wrong = || self.wrong(format!("no number in `{:.60}`", attribute.name), expected);
        attribute.tensor.as_deref().map(Known::Stored).ok_or_else(wrong)
    }

    /// Rows and columns of a matrix, both at least 1.
    pub(super) fn matrix_size(&self, tensor: &Tensor<'_>) -> Result<(usize, usize), ImportError> {
        let [rows, columns] = tensor.dimensions.as_slice() else {
            return Err(self.wrong(format!("dimensions {:?}", tensor.dimensions), "a matrix"));
        };
        if *rows == 0 || *columns == 0 {
            return Err(self.wrong("an empty matrix".to_owned(), "at least one row and column"));
        }
        // the tensor holds rows times columns numbers, so both fit
        Ok((*rows as usize, *columns as usize))
    }

    /// The floats of an attribute.
    pub(super) fn floats(&self, name: &'static str) -> Result<&'a [f32], ImportError> {
        let wrong = || self.wrong(format!("no attribute `{name}`"), "a list of floats");
        self.attribute(name).map(|attribute| attribute.floats.as_slice()).ok_or_else(wrong)
    }

    /// Expects an attribute to have this value, or to be left out; any other value changes a prediction.
    pub(super) fn expect_int(
        &self,
        name: &'static str,
        value: i64,
        expected: &'static str,
    ) -> Result<(), ImportError> {
        match self.int(name)? {
            Some(found) if found != value => Err(self.wrong(format!("{name} {found}"), expected)),
            _ => Ok(()),
        }
    }
}
