//! Constants that a graph computes from stored tensors, such as `1 / (std + ε)`.
//!
//! Whoever serves the graph computes them once, in floats of their type, each operation rounded to the nearest: so
//! they are computed here too, and are numbers like the stored ones from then on.

use std::collections::BTreeMap;

use num_traits::Float;

use crate::import::ImportError;
use crate::interval::Rational;
use crate::model::at_most;

use super::place::{NO_SPREAD, NodePlace};
use super::proto::Graph;
use super::tensor::{Numbers, Tensor};
use super::value::Known;

/// Types that a Cast may convert to.
const FLOAT: i64 = 1;
const DOUBLE: i64 = 11;

/// The constants of a graph, by name.
#[derive(Debug, Default)]
pub(super) struct Constants<'a> {
    pub(super) tensors: BTreeMap<&'a str, Tensor<'a>>,
    /// True if a number of them is not the exact result, but the float next to it.
    pub(super) is_rounded: bool,
}

impl<'a> Constants<'a> {
    /// Computes every node whose operands are all known; they hold at most `limit` numbers together.
    ///
    /// # Errors
    /// Operands of different types, or whose dimensions do not fit; results that are no finite numbers.
    pub(super) fn of(graph: &'a Graph<'a>, limit: usize) -> Result<Self, ImportError> {
        let mut stored: BTreeMap<&str, &Tensor> =
            graph.initializers.iter().map(|tensor| (tensor.name, tensor)).collect();
        let (mut constants, mut held) = (Self::default(), 0usize);
        for (index, node) in graph.nodes.iter().enumerate() {
            let (place, [output]) = (NodePlace { index, node }, node.outputs.as_slice()) else {
                continue;
            };
            if node.operator == "Constant" {
                if let Ok(Known::Stored(tensor)) = place.constant() {
                    stored.insert(output, tensor);
                }
                continue;
            }
            let known = |name: &&str| {
                constants.tensors.get(name).or_else(|| stored.get(name).copied()).cloned()
            };
            let operands: Option<Vec<Tensor>> = node.inputs.iter().map(known).collect();
            let Some(operands) = operands.filter(|_| is_folded(&place)) else { continue };
            place.expect_known_parts()?;
            let (tensor, is_exact) = folded(&place, &operands)?;
            held = held.saturating_add(tensor.numbers.len());
            at_most("numbers in the constants of a graph", held, limit)?;
            constants.is_rounded |= !is_exact;
            constants.tensors.insert(output, tensor);
        }
        Ok(constants)
    }
}

/// True for an operation on numbers alone.
fn is_folded(place: &NodePlace<'_>) -> bool {
    let arity = match place.node.operator {
        "Cast" | "Identity" => Some(1),
        operator => NumberStep::named(operator).map(NumberStep::arity),
    };
    place.node.domain.is_empty() && arity == Some(place.node.inputs.len())
}

/// The result of a node, and true if it is exact.
fn folded<'a>(
    place: &NodePlace<'_>,
    operands: &[Tensor<'a>],
) -> Result<(Tensor<'a>, bool), ImportError> {
    let (one, other, dimensions) = match operands {
        [one] => (one, one, one.dimensions.clone()),
        [one, other] => {
            let dimensions = joint(&one.dimensions, &other.dimensions).ok_or_else(|| {
                let found = format!("dimensions {:?} and {:?}", one.dimensions, other.dimensions);
                place.wrong(found, "equal dimensions, or a single number beside them")
            })?;
            (one, other, dimensions)
        }
        _ => return Err(place.wrong("other operands".to_owned(), "one or two")),
    };
    let step = NumberStep::named(place.node.operator);
    let (numbers, is_exact) = match (place.node.operator, step, &one.numbers, &other.numbers) {
        ("Identity", ..) => (one.numbers.clone(), true),
        ("Cast", ..) => cast(place, &one.numbers)?,
        (_, Some(step), Numbers::F32(a), Numbers::F32(b)) => {
            let (all, is_exact) = spread(place, step, a, b)?;
            (Numbers::F32(all), is_exact)
        }
        (_, Some(step), Numbers::F64(a), Numbers::F64(b)) => {
            let (all, is_exact) = spread(place, step, a, b)?;
            (Numbers::F64(all), is_exact)
        }
        _ => {
            let found = "constants of different types, or of whole numbers".to_owned();
            return Err(place.wrong(found, "FLOAT (1), or DOUBLE (11) for all"));
        }
    };
    Ok((Tensor { name: "", dimensions, numbers, texts: Vec::new() }, is_exact))
}

/// The dimensions of a result: those of both, or of the one beside a single number.
fn joint(one: &[u64], other: &[u64]) -> Option<Vec<u64>> {
    let is_single = |dimensions: &[u64]| dimensions.iter().all(|&size| size == 1);
    let longer = if one.len() >= other.len() { one } else { other };
    match (is_single(one), is_single(other)) {
        (true, true) => Some(longer.to_vec()),
        (true, false) if one.len() <= other.len() => Some(other.to_vec()),
        (false, true) if other.len() <= one.len() => Some(one.to_vec()),
        _ => (one == other).then(|| one.to_vec()),
    }
}

fn cast(place: &NodePlace<'_>, numbers: &Numbers) -> Result<(Numbers, bool), ImportError> {
    Ok(match (place.int("to")?, numbers) {
        (Some(FLOAT), Numbers::F32(_)) | (Some(DOUBLE), Numbers::F64(_)) => (numbers.clone(), true),
        (Some(DOUBLE), Numbers::F32(all)) => {
            (Numbers::F64(all.iter().copied().map(f64::from).collect()), true)
        }
        (Some(FLOAT), Numbers::F64(all)) => {
            let singles: Vec<f32> = all.iter().map(|&number| number as f32).collect();
            let is_exact = singles.iter().zip(all).all(|(&a, &b)| f64::from(a) == b);
            (Numbers::F32(singles), is_exact)
        }
        _ => {
            let found = "a constant of another type".to_owned();
            return Err(place.wrong(found, "a Cast of floats to FLOAT (1) or DOUBLE (11)"));
        }
    })
}

/// An operation on one number or two. One operand stands twice where it is the only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberStep {
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    Reciprocal,
    Sqrt,
}

impl NumberStep {
    fn named(operator: &str) -> Option<Self> {
        Some(match operator {
            "Add" => Self::Add,
            "Sub" => Self::Sub,
            "Mul" => Self::Mul,
            "Div" => Self::Div,
            "Neg" => Self::Neg,
            "Reciprocal" => Self::Reciprocal,
            "Sqrt" => Self::Sqrt,
            _ => return None,
        })
    }

    fn arity(self) -> usize {
        match self {
            Self::Add | Self::Sub | Self::Mul | Self::Div => 2,
            Self::Neg | Self::Reciprocal | Self::Sqrt => 1,
        }
    }

    /// The result in floats, rounded to nearest once.
    fn apply<T: Float>(self, a: T, b: T) -> T {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Neg => -a,
            Self::Reciprocal => a.recip(),
            Self::Sqrt => a.sqrt(),
        }
    }

    /// True if a result is exact, all numbers finite.
    fn is_exact(self, [a, b, result]: [&Rational; 3]) -> bool {
        match self {
            Self::Add => a + b == *result,
            Self::Sub => a - b == *result,
            Self::Mul => a * b == *result,
            Self::Div => result * b == *a,
            Self::Neg => true,
            Self::Reciprocal => result * a == Rational::ONE,
            Self::Sqrt => result * result == *a,
        }
    }

    fn divisor(self, a: f64, b: f64) -> Option<f64> {
        match self {
            Self::Div => Some(b),
            Self::Reciprocal => Some(a),
            Self::Add | Self::Sub | Self::Mul | Self::Neg | Self::Sqrt => None,
        }
    }
}

/// The results for each number, and true if all are exact; a single number stands beside all others.
fn spread<T: Float + Into<f64>>(
    place: &NodePlace<'_>,
    step: NumberStep,
    a: &[T],
    b: &[T],
) -> Result<(Vec<T>, bool), ImportError> {
    let at = |list: &[T], index: usize| list.get(index).or(list.first()).copied();
    let (mut results, mut is_exact) = (Vec::new(), true);
    for index in 0..a.len().max(b.len()) {
        let (Some(a), Some(b)) = (at(a, index), at(b, index)) else { break };
        let result = step.apply(a, b);
        is_exact &= checked(place, step, [a, b, result].map(Into::into))?;
        results.push(result);
    }
    Ok((results, is_exact))
}

/// True if a result is exact.
///
/// # Errors
/// A result that is not finite, with the reason.
fn checked(
    place: &NodePlace<'_>,
    step: NumberStep,
    [a, b, result]: [f64; 3],
) -> Result<bool, ImportError> {
    if step.divisor(a, b) == Some(0.0) {
        return Err(place.wrong("a division by 0".to_owned(), NO_SPREAD));
    }
    if !result.is_finite() {
        let found = format!("a constant that becomes {result}");
        return Err(place.wrong(found, "finite numbers"));
    }
    Ok(match [a, b, result].map(Rational::from_f64) {
        [Some(a), Some(b), Some(result)] => step.is_exact([&a, &b, &result]),
        _ => false,
    })
}
