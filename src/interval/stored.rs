//! The numbers of a layer, stored once and shared by everything that is made of them.

use std::ops::Range;
use std::sync::Arc;

/// `v = W·h + b` as stored, or several copies of it side by side with nothing between them. The inputs of the
/// first copy come first, then those of the next; so do the outputs. Clones share the numbers.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Weights of one copy, row-major `[outputs][inputs]`.
    weights: Arc<[f64]>,
    /// Biases of one copy.
    bias: Arc<[f64]>,
    /// Number of inputs of one copy.
    inputs: usize,
    copies: usize,
}

impl Stored {
    /// A single layer; `weights` row-major `[outputs][inputs]`.
    pub fn new(weights: &[f64], bias: &[f64], inputs: usize) -> Self {
        Self { weights: weights.into(), bias: bias.into(), inputs, copies: 1 }
    }

    /// `copies` copies of the layer side by side.
    pub fn side_by_side(&self, copies: usize) -> Self {
        Self { copies, ..self.clone() }
    }

    /// A single copy with biases of 0.
    pub fn without_bias(&self) -> Self {
        Self { bias: vec![0.0; self.bias.len()].into(), copies: 1, ..self.clone() }
    }

    /// Number of copies.
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// Number of inputs of one copy.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs of one copy.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weights of one copy.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The biases of one copy.
    pub fn bias(&self) -> &[f64] {
        &self.bias
    }

    /// The rows of one copy.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.weights.chunks_exact(self.inputs.max(1))
    }

    /// For an output, counted through all copies: the inputs of its copy, the weights that it gives them, and
    /// its bias; `None` if there is no such output.
    pub fn row(&self, output: usize) -> Option<(Range<usize>, &[f64], f64)> {
        let (copy, own) = (output.checked_div(self.outputs())?, output % self.outputs());
        let row = self.weights.get(own * self.inputs..(own + 1) * self.inputs)?;
        let inputs = copy * self.inputs..(copy + 1) * self.inputs;
        (copy < self.copies).then_some((inputs, row, *self.bias.get(own)?))
    }

    /// Splits numbers, one for each output of all copies, into one slice per copy.
    pub fn by_copy<'a, T>(&self, of_outputs: &'a [T]) -> impl Iterator<Item = &'a [T]> {
        of_outputs.chunks_exact(self.outputs().max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_belongs_to_its_copy() {
        let both = Stored::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[7.0, 8.0], 3).side_by_side(2);
        assert_eq!(both.row(1), Some((0..3, &[4.0, 5.0, 6.0][..], 8.0)));
        assert_eq!(both.row(2), Some((3..6, &[1.0, 2.0, 3.0][..], 7.0)));
        assert_eq!(both.row(4), None);
        let bare = both.without_bias();
        assert_eq!((bare.copies(), bare.row(0)), (1, Some((0..3, &[1.0, 2.0, 3.0][..], 0.0))));
        assert_eq!(Stored::new(&[], &[], 0).row(0), None);
    }
}
