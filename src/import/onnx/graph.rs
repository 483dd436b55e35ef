//! From the operations of a graph to a chain of steps on one computed value.
//!
//! Every node is looked at, used or not, so that an unknown operator is always refused. A value is a
//! stored tensor or computed from the input; a computed one remembers the value it comes from and
//! the step between them. The steps from the input to the output are the network.

use std::collections::BTreeMap;

use crate::import::ImportError;
use crate::model::at_most;

use super::constants::Constants;
use super::network::{normalisation, product};
use super::place::NodePlace;
use super::proto::{Graph, GraphNode};
use super::shape::Shape;
use super::tensor::{Numbers, Tensor};
use super::value::{Activation, AnswerPart, Known, VectorStep};
use super::wire::unsupported;

/// Operators that are read.
const OPERATORS: &str = "the operators read are Add, BatchNormalization, Cast, Constant, Div, Dropout, Flatten, \
                         Gemm, Identity, MatMul, Mul, Relu, Reshape, Squeeze, Sub and Scaler, on constants also \
                         Neg, Reciprocal and Sqrt, and after the last layer \
                         Sigmoid, Softmax, LogSoftmax, Concat, ArgMax, ArrayFeatureExtractor and ZipMap";
/// Those of them that belong to classical machine learning.
const CLASSICAL: [&str; 3] = ["ArrayFeatureExtractor", "Scaler", "ZipMap"];
/// The way of tree ensembles, which ONNX holds in single precision.
const TREES: &str = "trees as the tool that trained them saves them; of scikit-learn by the lines of Python of \
                     `import --help`";
const ROWS_APART: &str = "a step that keeps the rows of the input apart, in the first dimension";
/// Types that a Cast may convert to.
const FLOAT: i64 = 1;
const DOUBLE: i64 = 11;

/// Most numbers in all steps together, whatever the file's size.
const MAX_NUMBERS: usize = 11_000_000;
/// This many numbers may always be held; beyond that, one for each byte of the file. So
/// the memory held is in proportion to the bytes read.
const FEW_NUMBERS: usize = 1 << 20;

/// A chain of steps, and the facts about the graph that go with it.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) steps: Vec<VectorStep>,
    /// True if a number is stored as `f64`.
    pub(super) is_double: bool,
    /// The activation after the last step, if there is one.
    pub(super) activation: Option<Activation>,
    /// True if a constant that the graph computes is rounded.
    pub(super) is_rounded: bool,
    /// True if classes have other names than their numbers.
    pub(super) is_named: bool,
}

/// The steps from the input to the output of a graph that was read from so many bytes.
pub(super) fn chain(graph: &Graph<'_>, bytes: usize) -> Result<Chain, ImportError> {
    let limit = bytes.clamp(FEW_NUMBERS, MAX_NUMBERS);
    let constants = Constants::of(graph, limit)?;
    Values::new(graph, &constants, limit)?.chain(graph)
}

/// The same of a graph that takes a fixed number of rows at once, as one that was traced with several: every step is
/// then about a single row, and what may join rows is refused. `None` if the graph does not take several.
pub(super) fn chain_of_one_row(
    graph: &Graph<'_>,
    bytes: usize,
) -> Option<Result<Chain, ImportError>> {
    let limit = bytes.clamp(FEW_NUMBERS, MAX_NUMBERS);
    let constants = Constants::of(graph, limit).ok()?;
    let mut values = Values::new(graph, &constants, limit).ok()?;
    let input = values.computed.first_mut()?;
    input.shape = input.shape.clone().of_one_row()?;
    values.is_of_rows = true;
    Some(values.chain(graph))
}

/// A value computed from the input.
struct Computed {
    from: Option<usize>,
    step: Option<VectorStep>,
    shape: Shape,
}

pub(super) struct Values<'a> {
    known: BTreeMap<&'a str, Known<'a>>,
    /// Values of the nodes that need not be computed from the input.
    constants: &'a Constants<'a>,
    computed: Vec<Computed>,
    is_double: bool,
    /// True if a value is rounded to `f32`.
    is_cast: bool,
    /// True if classes have other names than their numbers.
    pub(super) is_named: bool,
    /// True if the first dimension, 1 here, is a number of rows in the file.
    is_of_rows: bool,
    /// Numbers in the steps so far; a small file may use one tensor many times.
    held: usize,
    /// Most numbers that may be held.
    limit: usize,
}

impl<'a> Values<'a> {
    fn new(
        graph: &'a Graph<'a>,
        constants: &'a Constants<'a>,
        limit: usize,
    ) -> Result<Self, ImportError> {
        let mut known = BTreeMap::new();
        for tensor in &graph.initializers {
            if known.insert(tensor.name, Known::Stored(tensor)).is_some() {
                let what = format!("two stored tensors `{:.60}`", tensor.name);
                return Err(unsupported(what, "each name once"));
            }
        }
        let mut values = Self {
            known,
            constants,
            computed: Vec::new(),
            is_double: false,
            is_cast: false,
            is_named: false,
            is_of_rows: false,
            held: 0,
            limit,
        };
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

    /// Looks at every node, then goes back from the output.
    fn chain(mut self, graph: &'a Graph<'a>) -> Result<Chain, ImportError> {
        for (index, node) in graph.nodes.iter().enumerate() {
            self.run(index, node)?;
        }
        self.finish(graph)
    }

    fn run(&mut self, index: usize, node: &'a GraphNode<'a>) -> Result<(), ImportError> {
        let is_classical = CLASSICAL.contains(&node.operator);
        if node.operator.starts_with("TreeEnsemble") {
            let what = format!("operator `{:.60}`", node.operator);
            return Err(unsupported(what, TREES));
        }
        if !matches!((node.domain, is_classical), ("" | "ai.onnx", false) | ("ai.onnx.ml", true)) {
            let what = format!("operator `{:.60}` of domain `{:.60}`", node.operator, node.domain);
            return Err(unsupported(what, OPERATORS));
        }
        let place = NodePlace { index, node };
        place.expect_known_parts()?;
        let [output] = node.outputs.as_slice() else {
            return Err(place.wrong(format!("{} outputs", node.outputs.len()), "one output"));
        };
        let value = match self.constants.tensors.get(output) {
            Some(constant) => Known::Stored(constant),
            None => match self.answer(&place)? {
                Some(answer) => Known::Answer(answer),
                None => self.value(&place)?,
            },
        };
        if self.known.insert(output, value).is_some() {
            return Err(place.wrong(format!("`{output:.60}` again"), "each name computed once"));
        }
        Ok(())
    }

    /// The value that a node of the network itself computes.
    fn value(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
        Ok(match place.node.operator {
            "Constant" => place.constant()?,
            "Identity" => self.operand(place, 0)?,
            "Dropout" => self.dropout(place)?,
            "Cast" => self.cast(place)?,
            "Relu" => self.step(place, |shape| Ok((Some(VectorStep::Relu), shape.clone())))?,
            "Flatten" => {
                let axis = place.int("axis")?.unwrap_or(1);
                self.expect_rows_apart(place, axis > 0)?;
                self.step(place, |shape| Ok((None, shape.flattened(axis)?)))?
            }
            "Reshape" => self.reshape(place)?,
            "Squeeze" => self.squeeze(place)?,
            "Add" | "Sub" | "Mul" | "Div" => self.elementwise(place)?,
            "MatMul" => self.matmul(place)?,
            "Gemm" => self.gemm(place)?,
            "BatchNormalization" => self.normalisation(place)?,
            "Neg" | "Reciprocal" | "Sqrt" => {
                let found = "a value computed from the input".to_owned();
                return Err(place.wrong(found, "a constant"));
            }
            "Scaler" => self.scaler(place)?,
            other => return Err(unsupported(format!("operator `{other:.60}`"), OPERATORS)),
        })
    }

    /// The value of a name; the empty name stands for an operand that is left out, and gives `None`.
    pub(super) fn known(&self, name: &str) -> Option<Known<'a>> {
        self.known.get(name).copied().filter(|_| !name.is_empty())
    }

    pub(super) fn shape(&self, computed: usize) -> &Shape {
        &self.computed[computed].shape
    }

    fn operand(&self, place: &NodePlace<'a>, position: usize) -> Result<Known<'a>, ImportError> {
        let name = place.node.inputs.get(position).copied().unwrap_or("");
        let missing = || {
            let expected = "a stored tensor or the output of an earlier node";
            place.wrong(format!("operand {position} `{name:.60}`"), expected)
        };
        self.known(name).ok_or_else(missing)
    }

    /// The operand at a position, which must be computed from the input.
    fn computed(&self, place: &NodePlace<'a>, position: usize) -> Result<usize, ImportError> {
        match self.operand(place, position)? {
            Known::Computed(at) => Ok(at),
            Known::Stored(_) | Known::Answer(_) => Err(place.wrong(
                format!("a stored tensor as operand {position}"),
                "a value computed from the input",
            )),
        }
    }

    /// The operand at a position, which must be stored.
    fn stored(
        &self,
        place: &NodePlace<'a>,
        position: usize,
    ) -> Result<&'a Tensor<'a>, ImportError> {
        match self.operand(place, position)? {
            Known::Stored(tensor) => Ok(tensor),
            Known::Computed(_) | Known::Answer(_) => {
                Err(place.wrong(format!("a computed operand {position}"), "a stored tensor"))
            }
        }
    }

    pub(super) fn numbers(&mut self, tensor: &Tensor<'a>) -> Result<Vec<f64>, ImportError> {
        self.is_double |= matches!(tensor.numbers, Numbers::F64(_));
        tensor.values()
    }

    /// Adds a step on operand 0.
    fn step(
        &mut self,
        place: &NodePlace<'a>,
        step: impl FnOnce(&Shape) -> Result<(Option<VectorStep>, Shape), (String, &'static str)>,
    ) -> Result<Known<'a>, ImportError> {
        let from = self.computed(place, 0)?;
        self.push(place, from, step)
    }

    fn push(
        &mut self,
        place: &NodePlace<'a>,
        from: usize,
        step: impl FnOnce(&Shape) -> Result<(Option<VectorStep>, Shape), (String, &'static str)>,
    ) -> Result<Known<'a>, ImportError> {
        let (step, shape) = step(&self.computed[from].shape)
            .map_err(|(found, expected)| place.wrong(found, expected))?;
        self.held = self.held.saturating_add(step.as_ref().map_or(0, VectorStep::len));
        at_most("numbers in the steps of a graph", self.held, self.limit)?;
        self.computed.push(Computed { from: Some(from), step, shape });
        Ok(Known::Computed(self.computed.len() - 1))
    }

    /// Refuses a step that may join the numbers of several rows, or move the dimension that counts them.
    pub(super) fn expect_rows_apart(
        &self,
        place: &NodePlace<'a>,
        keeps_rows: bool,
    ) -> Result<(), ImportError> {
        if keeps_rows || !self.is_of_rows {
            return Ok(());
        }
        Err(place.wrong("several rows at once".to_owned(), ROWS_APART))
    }

    fn reshape(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
        let tensor = self.stored(place, 1)?;
        let Numbers::I64(target) = &tensor.numbers else {
            return Err(place.wrong("a shape that is no list of INT64".to_owned(), "INT64"));
        };
        if place.int("allowzero")?.is_some_and(|value| value != 0) {
            return Err(place.wrong("allowzero".to_owned(), "0 to copy a dimension"));
        }
        // 0 keeps the rows; so does −1 where the other sizes take all of a row, which leaves 1 here
        let (first, others) = (target.first().copied(), target.len() > 1);
        self.expect_rows_apart(place, others && matches!(first, Some(0 | -1)))?;
        let is_of_rows = self.is_of_rows;
        self.step(place, |shape| {
            let shape = shape.reshaped(target)?;
            if is_of_rows && first == Some(-1) && !shape.is_one_row() {
                return Err((format!("dimensions {target:?}"), ROWS_APART));
            }
            Ok((None, shape))
        })
    }

    /// Drops dimensions of 1: those that operand 1 names, or all.
    fn squeeze(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
        let axes = match place.node.inputs.get(1) {
            None => None,
            Some(_) => match &self.stored(place, 1)?.numbers {
                Numbers::I64(axes) => Some(axes.as_slice()),
                Numbers::F32(_) | Numbers::F64(_) | Numbers::Other(_) => {
                    return Err(place.wrong("axes that are no list of INT64".to_owned(), "INT64"));
                }
            },
        };
        self.expect_rows_apart(place, axes.is_some_and(|axes| axes.iter().all(|axis| *axis > 0)))?;
        self.step(place, |shape| Ok((None, shape.squeezed(axes)?)))
    }

    fn elementwise(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
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
        let (shape, rank) = (&self.computed[from].shape, tensor.dimensions.len());
        place.expect_usual_broadcast(shape, tensor)?;
        self.expect_rows_apart(place, shape.rank().is_some_and(|own| rank <= own))?;
        let mut numbers = self.numbers(tensor)?;
        if place.node.operator == "Div" {
            numbers = place.reciprocals(&numbers)?;
        }
        self.push(place, from, |shape| {
            let numbers = shape.broadcast(&tensor.dimensions, numbers)?;
            let step = match place.node.operator {
                "Mul" | "Div" => VectorStep::Scale(numbers),
                // x − c is x + (−c), with the same bits
                "Sub" => VectorStep::Add(numbers.into_iter().map(|c| 0.0 - c).collect()),
                _ => VectorStep::Add(numbers),
            };
            Ok((Some(step), shape.beside(rank)))
        })
    }

    /// Applies a matrix: `x·W` with `W` stored `[inputs][outputs]`, or `W·x` with `W` stored `[outputs][inputs]`.
    fn matmul(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
        if let Known::Stored(tensor) = self.operand(place, 0)? {
            return self.left_matrix(place, tensor);
        }
        let tensor = self.stored(place, 1)?;
        let weights = self.numbers(tensor)?;
        self.matrix(place, tensor, weights, false)
    }

    /// Applies a matrix: `W·x` where every other dimension of `x` is 1.
    fn left_matrix(
        &mut self,
        place: &NodePlace<'a>,
        tensor: &Tensor<'a>,
    ) -> Result<Known<'a>, ImportError> {
        let from = self.computed(place, 1)?;
        let weights = self.numbers(tensor)?;
        let (outputs, inputs) = place.matrix_size(tensor)?;
        self.push(place, from, |shape| {
            let shape = shape.through_left_matrix(inputs, outputs)?;
            Ok((Some(VectorStep::Matrix { weights, inputs }), shape))
        })
    }

    /// Applies `alpha·x·W + beta·b`. A factor becomes part of the numbers where every product is a float.
    fn gemm(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
        let factor = |name| place.float(name).map(|factor| f64::from(factor.unwrap_or(1.0)));
        let (alpha, beta) = (factor("alpha")?, factor("beta")?);
        for (name, factor) in [("alpha", alpha), ("beta", beta)] {
            if !factor.is_finite() {
                return Err(place.wrong(format!("{name} {factor}"), "a finite number"));
            }
        }
        place.expect_flag("broadcast")?;
        let is_transposed = place.int("transB")?.is_some_and(|value| value != 0);
        let tensor = self.stored(place, 1)?;
        let weights = self.numbers(tensor)?;
        let mut value = if place.int("transA")?.is_some_and(|value| value != 0) {
            let turned = self.step(place, |shape| Ok((None, shape.turned()?)))?;
            self.matrix_on(place, turned, (tensor, weights, is_transposed))?
        } else {
            self.matrix(place, tensor, weights, is_transposed)?
        };
        if alpha != 1.0 {
            value = self.on(place, value, |shape| {
                let all = shape.broadcast(&[], vec![alpha])?;
                Ok((Some(VectorStep::Scale(all)), shape.clone()))
            })?;
        }
        if place.node.inputs.get(2).is_none_or(|name| name.is_empty()) {
            return Ok(value);
        }
        let bias = self.stored(place, 2)?;
        let is_single = matches!(bias.numbers, Numbers::F32(_));
        let mut numbers = self.numbers(bias)?;
        for number in &mut numbers {
            let (product, is_exact) = product(*number, beta, is_single);
            if !is_exact {
                let found = format!("beta {beta} times {number}");
                return Err(place.wrong(found, "a beta whose products with the operand are floats"));
            }
            *number = product;
        }
        self.on(place, value, |shape| {
            Ok((Some(VectorStep::Add(shape.broadcast(&bias.dimensions, numbers)?)), shape.clone()))
        })
    }

    /// Adds a step on a computed value.
    fn on(
        &mut self,
        place: &NodePlace<'a>,
        value: Known<'a>,
        step: impl FnOnce(&Shape) -> Result<(Option<VectorStep>, Shape), (String, &'static str)>,
    ) -> Result<Known<'a>, ImportError> {
        match value {
            Known::Computed(from) => self.push(place, from, step),
            Known::Stored(_) | Known::Answer(_) => {
                Err(place
                    .wrong("a value that is stored, or an answer".to_owned(), "a computed one"))
            }
        }
    }

    /// Passes a value through: at inference a Dropout changes nothing.
    fn dropout(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
        if place.node.inputs.get(2).is_some_and(|name| !name.is_empty()) {
            let found = "an operand `training_mode`".to_owned();
            return Err(place.wrong(found, "a Dropout for inference, without it"));
        }
        self.step(place, |shape| Ok((None, shape.clone())))
    }

    /// Changes the type between floats, which changes no real number.
    fn cast(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
        match place.int("to")? {
            Some(FLOAT) => self.is_cast = true,
            Some(DOUBLE) => self.is_double = true,
            to => {
                let to = to.map_or("no attribute `to`".to_owned(), |to| format!("to {to}"));
                return Err(place.wrong(to, "FLOAT (1) or DOUBLE (11)"));
            }
        }
        self.step(place, |shape| Ok((None, shape.clone())))
    }

    /// Applies `(x − offset)·scale`, the form of our own standardisation.
    fn scaler(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
        let centred = |offset: &f32| 0.0 - f64::from(*offset);
        let offset = place.floats("offset")?.iter().map(centred).collect::<Vec<_>>();
        let scale = place.floats("scale")?.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        if offset.iter().chain(&scale).any(|number| !number.is_finite()) {
            return Err(place.wrong("a number that is not finite".to_owned(), "finite numbers"));
        }
        let spread = |shape: &Shape, numbers: Vec<f64>| {
            let dimensions = if numbers.len() == 1 { vec![] } else { vec![numbers.len() as u64] };
            shape.broadcast(&dimensions, numbers)
        };
        let value = self.step(place, |shape| {
            Ok((Some(VectorStep::Add(spread(shape, offset)?)), shape.clone()))
        })?;
        self.on(place, value, |shape| {
            Ok((Some(VectorStep::Scale(spread(shape, scale)?)), shape.clone()))
        })
    }

    /// Applies `scale·(x − mean)/√(variance + ε) + shift`, one channel for each number.
    fn normalisation(&mut self, place: &NodePlace<'a>) -> Result<Known<'a>, ImportError> {
        place.expect_int("spatial", 1, "1: one channel for each number")?;
        place.expect_int("training_mode", 0, "0: the stored mean and variance")?;
        let epsilon = f64::from(place.float("epsilon")?.unwrap_or(1e-5));
        let mut lists = Vec::new();
        for position in 1..5 {
            let tensor = self.stored(place, position)?;
            lists.push((tensor.dimensions.clone(), self.numbers(tensor)?));
        }
        let is_single = !self.is_double;
        self.step(place, |shape| {
            let mut spread = Vec::new();
            for (dimensions, numbers) in lists {
                spread.push(shape.channels(&dimensions, numbers)?);
            }
            let [scale, shift, mean, variance] = spread.as_slice() else {
                return Err(("too few operands".to_owned(), "scale, shift, mean and variance"));
            };
            let step = normalisation([scale, shift, mean, variance], epsilon, is_single)?;
            Ok((Some(step), shape.clone()))
        })
    }

    /// Multiplies operand 0 by a matrix, stored `[outputs][inputs]` if transposed, else `[inputs][outputs]`.
    fn matrix(
        &mut self,
        place: &NodePlace<'a>,
        tensor: &Tensor<'a>,
        stored: Vec<f64>,
        is_transposed: bool,
    ) -> Result<Known<'a>, ImportError> {
        let value = Known::Computed(self.computed(place, 0)?);
        self.matrix_on(place, value, (tensor, stored, is_transposed))
    }

    fn matrix_on(
        &mut self,
        place: &NodePlace<'a>,
        value: Known<'a>,
        (tensor, stored, is_transposed): (&Tensor<'a>, Vec<f64>, bool),
    ) -> Result<Known<'a>, ImportError> {
        let (rows, columns) = place.matrix_size(tensor)?;
        let (inputs, outputs) = if is_transposed { (columns, rows) } else { (rows, columns) };
        let weights = if is_transposed { stored } else { transposed(&stored, inputs, outputs) };
        self.on(place, value, |shape| {
            let shape = shape.through_matrix(inputs, outputs)?;
            Ok((Some(VectorStep::Matrix { weights, inputs }), shape))
        })
    }

    /// The one computed value that every output of the graph is, or follows from.
    fn output(&self, graph: &Graph<'_>) -> Result<(usize, Option<Activation>), ImportError> {
        let (mut found, mut is_complement) = (None, true);
        for output in &graph.outputs {
            let one = match self.known(output.name) {
                Some(Known::Computed(at)) => (at, None),
                Some(Known::Answer(answer)) => (answer.logits, Some(answer.activation)),
                _ => {
                    let (place, found) =
                        ("the output".to_owned(), format!("`{:.60}`", output.name));
                    let expected = "a value computed from the input";
                    return Err(ImportError::Graph { place, found, expected });
                }
            };
            if found.is_some_and(|found| found != one || one.1.is_none()) {
                let what = format!("a graph with {} outputs", graph.outputs.len());
                return Err(unsupported(
                    what,
                    "one output, or posteriors and label of the same logits",
                ));
            }
            found = Some(one);
            is_complement &= matches!(self.known(output.name), Some(Known::Answer(answer)) if answer.part == AnswerPart::Zero);
        }
        if found.is_some() && is_complement {
            let what = "a graph that ends with 1 less its posterior";
            return Err(unsupported(what, "the posterior of class 1, or those of both classes"));
        }
        found.ok_or_else(|| unsupported("a graph without an output", "one output"))
    }

    fn finish(mut self, graph: &Graph<'_>) -> Result<Chain, ImportError> {
        if self.is_cast && self.is_double {
            let what = "a Cast to FLOAT in a graph of DOUBLE numbers";
            return Err(unsupported(what, "numbers of one type"));
        }
        let (mut at, activation) = self.output(graph)?;
        let mut steps = Vec::new();
        loop {
            let value = &mut self.computed[at];
            steps.extend(value.step.take());
            let Some(from) = value.from else { break };
            at = from;
        }
        steps.reverse();
        let (is_double, is_named) = (self.is_double, self.is_named);
        let is_rounded = self.constants.is_rounded;
        Ok(Chain { steps, is_double, activation, is_rounded, is_named })
    }
}

/// Turns `[inputs][outputs]` into `[outputs][inputs]`.
fn transposed(stored: &[f64], inputs: usize, outputs: usize) -> Vec<f64> {
    let column = |output: usize| (0..inputs).map(move |input| stored[input * outputs + output]);
    (0..outputs).flat_map(column).collect()
}
