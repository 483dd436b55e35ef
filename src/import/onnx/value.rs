//! The values that names of a graph stand for, and the steps on them.

use super::tensor::Tensor;

/// A step on a vector.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum VectorStep {
    /// A number is added to each entry.
    Add(Vec<f64>),
    /// Each entry is multiplied.
    Scale(Vec<f64>),
    /// `W·v`; row-major `[outputs][inputs]`.
    Matrix { weights: Vec<f64>, inputs: usize },
    /// `scale·v + shift` entry by entry, from a batch normalisation; it becomes part of the matrix before it.
    Normalise {
        scale: Vec<f64>,
        shift: Vec<f64>,
        /// True if these numbers are exact, and not only the floats next to the exact ones.
        is_exact: bool,
    },
    /// `max(v, 0)` entry by entry.
    Relu,
}

impl VectorStep {
    /// Number of stored numbers.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Add(numbers) | Self::Scale(numbers) => numbers.len(),
            Self::Matrix { weights, .. } => weights.len(),
            Self::Normalise { scale, shift, .. } => scale.len() + shift.len(),
            Self::Relu => 0,
        }
    }
}

/// A value with a name.
#[derive(Clone, Copy)]
pub(super) enum Known<'a> {
    Stored(&'a Tensor<'a>),
    Computed(usize),
    Answer(OfLogits),
}

/// The function that turns logits into posteriors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    /// A function of one logit, that of class 1.
    Sigmoid,
    /// A function of one logit per class.
    Softmax,
}

/// The part of a classifier's answer that a value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerPart {
    /// The posterior of class 1.
    One,
    /// The posterior of class 0.
    Zero,
    /// The posteriors in the order of the classes, or their logarithms.
    All,
    /// The class with the largest posterior.
    Label,
}

/// A value computed from logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OfLogits {
    /// Index of the computed value that holds the logits.
    pub(super) logits: usize,
    pub(super) activation: Activation,
    pub(super) part: AnswerPart,
}
