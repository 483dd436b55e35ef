//! From operations to a chain of steps on one computed value.
//!
//! Every node is looked at, used or not, so that an unknown operator is always refused. A value is a
//! stored tensor or computed from the input; a computed one remembers the value it comes from and
//! the step between them. The steps from the input to the output are the network.

use std::collections::{BTreeMap, BTreeSet};

use crate::import::ImportError;
use crate::model::at_most;

use super::proto::{Attribute, Graph, Node, unsupported};
use super::shape::Shape;
use super::tensor::{Numbers, Tensor};

/// Operators that are read.
const OPERATORS: &str = "the operators read are Add, Constant, Div, Flatten, Gemm, Identity, MatMul, \
                         Mul, Relu, Reshape and Sub";

/// Most numbers in all steps together, whatever the file's size.
const MAX_NUMBERS: usize = 11_000_000;
/// As many numbers as this may always be held, and else one for each byte of the file: what is held
/// is in proportion to what was read.
const FEW_NUMBERS: usize = 1 << 20;

/// What happens to a vector.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// A number is added to each entry.
    Add(Vec<f64>),
    /// Each entry is multiplied.
    Scale(Vec<f64>),
    /// `W·v`; row-major `[outputs][inputs]`.
    Matrix { weights: Vec<f64>, inputs: usize },
    /// `max(v, 0)` entry by entry.
    Relu,
}

impl Step {
    /// How many numbers it holds.
    fn len(&self) -> usize {
        match self {
            Self::Add(numbers) | Self::Scale(numbers) => numbers.len(),
            Self::Matrix { weights, .. } => weights.len(),
            Self::Relu => 0,
        }
    }
}

/// A chain of steps, and what is known of the input.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) steps: Vec<Step>,
    /// Whether a number is stored as `f64`.
    pub(super) is_double: bool,
}

/// The steps from the input of a graph that was read from so many bytes to its output.
pub(super) fn chain(graph: &Graph<'_>, bytes: usize) -> Result<Chain, ImportError> {
    let mut values = Values::new(graph, bytes.clamp(FEW_NUMBERS, MAX_NUMBERS))?;
    for (index, node) in graph.nodes.iter().enumerate() {
        values.run(index, node)?;
    }
    values.finish(graph)
}

/// A value with a name.
#[derive(Clone, Copy)]
enum Known<'a> {
    Stored(&'a Tensor<'a>),
    Computed(usize),
}

/// A value computed from the input.
struct Computed {
    from: Option<usize>,
    step: Option<Step>,
    shape: Shape,
}

struct Values<'a> {
    known: BTreeMap<&'a str, Known<'a>>,
    computed: Vec<Computed>,
    is_double: bool,
    /// Numbers in the steps so far: a small file may use one tensor many times.
    held: usize,
    /// Most of them.
    limit: usize,
}

impl<'a> Values<'a> {
    fn new(graph: &'a Graph<'a>, limit: usize) -> Result<Self, ImportError> {
        let mut known = BTreeMap::new();
        for tensor in &graph.initializers {
            if known.insert(tensor.name, Known::Stored(tensor)).is_some() {
                let what = format!("two stored tensors `{:.60}`", tensor.name);
                return Err(unsupported(what, "each name once"));
            }
        }
        let mut values = Self { known, computed: Vec::new(), is_double: false, held: 0, limit };
        let inputs: Vec<_> =
            graph.inputs.iter().filter(|input| !values.known.contains_key(input.name)).collect();
        let [input] = inputs.as_slice() else {
            return Err(unsupported(format!("a graph with {} inputs", inputs.len()), "one input"));
        };
        let shape = Shape::declared(input.dimensions.as_deref());
        values.computed.push(Computed { from: None, step: None, shape });
        values.known.insert(input.name, Known::Computed(0));
        Ok(values)
    }

    fn run(&mut self, index: usize, node: &'a Node<'a>) -> Result<(), ImportError> {
        if !matches!(node.domain, "" | "ai.onnx") {
            let what = format!("operator `{:.60}` of domain `{:.60}`", node.operator, node.domain);
            return Err(unsupported(what, OPERATORS));
        }
        let place = Place { index, node };
        place.expect_known_parts()?;
        let value = match node.operator {
            "Constant" => place.constant()?,
            "Identity" => self.operand(&place, 0)?,
            "Relu" => self.step(&place, |shape| Ok((Some(Step::Relu), shape.clone())))?,
            "Flatten" => {
                let axis = place.int("axis")?.unwrap_or(1);
                self.step(&place, |shape| Ok((None, shape.flattened(axis)?)))?
            }
            "Reshape" => self.reshape(&place)?,
            "Add" | "Sub" | "Mul" | "Div" => self.elementwise(&place)?,
            "MatMul" => self.matmul(&place)?,
            "Gemm" => self.gemm(&place)?,
            other => return Err(unsupported(format!("operator `{other:.60}`"), OPERATORS)),
        };
        let [output] = node.outputs.as_slice() else {
            return Err(place.wrong(format!("{} outputs", node.outputs.len()), "one output"));
        };
        if self.known.insert(output, value).is_some() {
            return Err(place.wrong(format!("`{output:.60}` again"), "each name computed once"));
        }
        Ok(())
    }

    fn operand(&self, place: &Place<'a>, position: usize) -> Result<Known<'a>, ImportError> {
        let name = place.node.inputs.get(position).copied().unwrap_or("");
        let missing = || {
            let expected = "a stored tensor or the output of an earlier node";
            place.wrong(format!("operand {position} `{name:.60}`"), expected)
        };
        self.known.get(name).copied().ok_or_else(missing)
    }

    /// The operand that is computed from the input.
    fn computed(&self, place: &Place<'a>, position: usize) -> Result<usize, ImportError> {
        match self.operand(place, position)? {
            Known::Computed(at) => Ok(at),
            Known::Stored(_) => Err(place.wrong(
                format!("a stored tensor as operand {position}"),
                "a value computed from the input",
            )),
        }
    }

    /// The operand that is stored.
    fn stored(&self, place: &Place<'a>, position: usize) -> Result<&'a Tensor<'a>, ImportError> {
        match self.operand(place, position)? {
            Known::Stored(tensor) => Ok(tensor),
            Known::Computed(_) => {
                Err(place.wrong(format!("a computed operand {position}"), "a stored tensor"))
            }
        }
    }

    fn numbers(&mut self, tensor: &Tensor<'a>) -> Result<Vec<f64>, ImportError> {
        self.is_double |= matches!(tensor.numbers, Numbers::F64(_));
        tensor.values()
    }

    /// A step on operand 0.
    fn step(
        &mut self,
        place: &Place<'a>,
        step: impl FnOnce(&Shape) -> Result<(Option<Step>, Shape), (String, &'static str)>,
    ) -> Result<Known<'a>, ImportError> {
        let from = self.computed(place, 0)?;
        self.push(place, from, step)
    }

    fn push(
        &mut self,
        place: &Place<'a>,
        from: usize,
        step: impl FnOnce(&Shape) -> Result<(Option<Step>, Shape), (String, &'static str)>,
    ) -> Result<Known<'a>, ImportError> {
        let (step, shape) = step(&self.computed[from].shape)
            .map_err(|(found, expected)| place.wrong(found, expected))?;
        self.held = self.held.saturating_add(step.as_ref().map_or(0, Step::len));
        at_most("numbers in the steps of a graph", self.held, self.limit)?;
        self.computed.push(Computed { from: Some(from), step, shape });
        Ok(Known::Computed(self.computed.len() - 1))
    }

    fn reshape(&mut self, place: &Place<'a>) -> Result<Known<'a>, ImportError> {
        let tensor = self.stored(place, 1)?;
        let Numbers::I64(target) = &tensor.numbers else {
            return Err(place.wrong("a shape that is no list of INT64".to_owned(), "INT64"));
        };
        if place.int("allowzero")?.is_some_and(|value| value != 0) {
            return Err(place.wrong("allowzero".to_owned(), "0 to copy a dimension"));
        }
        self.step(place, |shape| Ok((None, shape.reshaped(target)?)))
    }

    fn elementwise(&mut self, place: &Place<'a>) -> Result<Known<'a>, ImportError> {
        let (from, tensor) = match (self.operand(place, 0)?, self.operand(place, 1)?) {
            (Known::Computed(from), Known::Stored(tensor)) => (from, tensor),
            (Known::Stored(tensor), Known::Computed(from))
                if matches!(place.node.operator, "Add" | "Mul") =>
            {
                (from, tensor)
            }
            _ => {
                let found = "no computed value with a stored tensor".to_owned();
                return Err(
                    place.wrong(found, "one of each, the stored one second for Sub and Div")
                );
            }
        };
        place.expect_usual_broadcast(&self.computed[from].shape, tensor)?;
        let mut numbers = self.numbers(tensor)?;
        if place.node.operator == "Div" {
            numbers = place.reciprocals(&numbers)?;
        }
        self.push(place, from, |shape| {
            let numbers = shape.broadcast(&tensor.dimensions, numbers)?;
            let step = match place.node.operator {
                "Mul" | "Div" => Step::Scale(numbers),
                // x − c is x + (−c), with the same bits
                "Sub" => Step::Add(numbers.into_iter().map(|c| 0.0 - c).collect()),
                _ => Step::Add(numbers),
            };
            Ok((Some(step), shape.clone()))
        })
    }

    /// `x·W` with `W` stored `[inputs][outputs]`.
    fn matmul(&mut self, place: &Place<'a>) -> Result<Known<'a>, ImportError> {
        let tensor = self.stored(place, 1)?;
        let weights = self.numbers(tensor)?;
        self.matrix(place, tensor, weights, false)
    }

    fn gemm(&mut self, place: &Place<'a>) -> Result<Known<'a>, ImportError> {
        for (name, value) in [("alpha", place.float("alpha")?), ("beta", place.float("beta")?)] {
            if value.is_some_and(|value| value != 1.0) {
                return Err(place.wrong(format!("{name} other than 1"), "1"));
            }
        }
        place.expect_flag("broadcast")?;
        if place.int("transA")?.is_some_and(|value| value != 0) {
            return Err(place.wrong("a transposed first operand".to_owned(), "transA 0"));
        }
        let is_transposed = place.int("transB")?.is_some_and(|value| value != 0);
        let tensor = self.stored(place, 1)?;
        let weights = self.numbers(tensor)?;
        let product = self.matrix(place, tensor, weights, is_transposed)?;
        let (Known::Computed(from), true) = (product, place.node.inputs.len() > 2) else {
            return Ok(product);
        };
        let bias = self.stored(place, 2)?;
        let numbers = self.numbers(bias)?;
        self.push(place, from, |shape| {
            Ok((Some(Step::Add(shape.broadcast(&bias.dimensions, numbers)?)), shape.clone()))
        })
    }

    /// Operand 0 times a matrix stored `[outputs][inputs]` if transposed, else `[inputs][outputs]`.
    fn matrix(
        &mut self,
        place: &Place<'a>,
        tensor: &Tensor<'a>,
        stored: Vec<f64>,
        is_transposed: bool,
    ) -> Result<Known<'a>, ImportError> {
        let [rows, columns] = tensor.dimensions.as_slice() else {
            return Err(place.wrong(format!("dimensions {:?}", tensor.dimensions), "a matrix"));
        };
        // as many numbers as rows times columns: both fit
        let (rows, columns) = (*rows as usize, *columns as usize);
        let (inputs, outputs) = if is_transposed { (columns, rows) } else { (rows, columns) };
        if inputs == 0 || outputs == 0 {
            return Err(place.wrong("an empty matrix".to_owned(), "at least one row and column"));
        }
        let weights = if is_transposed { stored } else { transposed(&stored, inputs, outputs) };
        self.step(place, |shape| {
            let shape = shape.through_matrix(inputs, outputs)?;
            Ok((Some(Step::Matrix { weights, inputs }), shape))
        })
    }

    fn finish(mut self, graph: &Graph<'_>) -> Result<Chain, ImportError> {
        let [output] = graph.outputs.as_slice() else {
            let what = format!("a graph with {} outputs", graph.outputs.len());
            return Err(unsupported(what, "one output"));
        };
        let Some(Known::Computed(mut at)) = self.known.get(output.name).copied() else {
            let (place, found) = ("the output".to_owned(), format!("`{:.60}`", output.name));
            let expected = "a value computed from the input";
            return Err(ImportError::Graph { place, found, expected });
        };
        let mut steps = Vec::new();
        loop {
            let value = &mut self.computed[at];
            steps.extend(value.step.take());
            let Some(from) = value.from else { break };
            at = from;
        }
        steps.reverse();
        Ok(Chain { steps, is_double: self.is_double })
    }
}

/// `[inputs][outputs]` to `[outputs][inputs]`.
fn transposed(stored: &[f64], inputs: usize, outputs: usize) -> Vec<f64> {
    let column = |output: usize| (0..inputs).map(move |input| stored[input * outputs + output]);
    (0..outputs).flat_map(column).collect()
}

/// How many operands an operator has at most, and which attributes it is read with.
fn parts(operator: &str) -> Option<(usize, &'static [&'static str])> {
    Some(match operator {
        "Add" | "Sub" | "Mul" | "Div" => (2, &["axis", "broadcast"]),
        "Constant" => (0, &["value"]),
        "Flatten" => (1, &["axis"]),
        "Gemm" => (3, &["alpha", "beta", "broadcast", "transA", "transB"]),
        "Identity" | "Relu" => (1, &[]),
        "MatMul" => (2, &[]),
        "Reshape" => (2, &["allowzero"]),
        _ => return None,
    })
}

/// A node, for messages.
struct Place<'a> {
    index: usize,
    node: &'a Node<'a>,
}

impl<'a> Place<'a> {
    fn wrong(&self, found: String, expected: &'static str) -> ImportError {
        let place = format!("node {} ({:.60})", self.index, self.node.operator);
        ImportError::Graph { place, found, expected }
    }

    /// No operand or attribute that the operator is not read with, and no attribute twice.
    fn expect_known_parts(&self) -> Result<(), ImportError> {
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

    /// Before version 7 of the operators, `broadcast` and `axis` said where the dimensions of the second
    /// operand stand among those of the first. They mean nothing where they stand last.
    fn expect_usual_broadcast(
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

    /// An attribute that is 0 or 1, if it is there, and either way the same.
    fn expect_flag(&self, name: &'static str) -> Result<(), ImportError> {
        match self.int(name)? {
            None | Some(0 | 1) => Ok(()),
            Some(other) => Err(self.wrong(format!("{name} {other}"), "0 or 1")),
        }
    }

    fn attribute(&self, name: &str) -> Option<&'a Attribute<'a>> {
        self.node.attributes.iter().find(|attribute| attribute.name == name)
    }

    fn int(&self, name: &'static str) -> Result<Option<i64>, ImportError> {
        let value = |attribute: &Attribute<'_>| {
            let wrong = || self.wrong(format!("attribute {name} of another type"), "an INT");
            attribute.int.ok_or_else(wrong)
        };
        self.attribute(name).map(value).transpose()
    }

    fn float(&self, name: &'static str) -> Result<Option<f32>, ImportError> {
        let value = |attribute: &Attribute<'_>| {
            let wrong = || self.wrong(format!("attribute {name} of another type"), "a FLOAT");
            attribute.float.ok_or_else(wrong)
        };
        self.attribute(name).map(value).transpose()
    }

    /// What to multiply by instead of dividing, with the same bits.
    fn reciprocals(&self, divisors: &[f64]) -> Result<Vec<f64>, ImportError> {
        let reciprocal = |&divisor: &f64| {
            let wrong = || {
                let expected = "powers of two; by other numbers, multiplying by the reciprocal \
                                rounds otherwise";
                self.wrong(format!("a division by {divisor}"), expected)
            };
            let is_power_of_two = divisor.is_normal() && divisor.to_bits() << 12 == 0;
            is_power_of_two.then(|| 1.0 / divisor).ok_or_else(wrong)
        };
        divisors.iter().map(reciprocal).collect()
    }

    fn constant(&self) -> Result<Known<'a>, ImportError> {
        let tensor = self.attribute("value").and_then(|attribute| attribute.tensor.as_ref());
        let wrong = || self.wrong("no attribute `value`".to_owned(), "a tensor as `value`");
        tensor.map(Known::Stored).ok_or_else(wrong)
    }
}
