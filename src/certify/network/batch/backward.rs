//! The linear rule for many boxes.
//!
//! A row stands for `A·h + constant` over the outputs `h` of some layer, less a `loss`. The quantity that
//! the row started from is at least that, at every point of the row's box. Upper bounds are lower bounds
//! of the negated row. One step goes through `h = relu(z)` and `z = W·h' + b`:
//!
//! ```text
//! A'_j = A_j·s_j          off by  u·|A'_j| + underflow,             paid times  B_j >= |z_j|
//! A''  = A'·W             off by  γ_{n+2}·Σ_j |A'_j|·|W_ji|,        paid times  H_i >= |h'_i|
//! constant += A'·b + Σ A_j·t_j    off by  γ_N of all its terms, N being more than their number
//! ```
//!
//! with `n` the number of neurons `j`. So with `v = |W|·H` a step loses at most
//! `Σ_j |A'_j|·q_j + γ_N·Σ|A_j·t_j|` for the prices `q_j = γ_{n+2}·v_j + u·B_j + γ_N·|b_j|`, which all
//! rows of a box share. The last coefficients meet the box itself: `γ_N·|A_i|·max(|lo_i|, |hi_i|)`.
//! Higham, *Accuracy and Stability of Numerical Algorithms*, §3.1.
//!
//! Hidden neurons are bounded box by box, since only the open neurons have rows, and columns of neurons
//! that are off are left out. The rows of the outputs, few per box, share a product. A first pass with
//! parallel lines (`α = s`: one row serves both bounds) did not pay: at ε = 0.05 it would have left 40 to 55%
//! of the rows to the second pass, on networks 25-64-64-2 and 25-256-256-256-2, and so saved nothing.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2};

use crate::interval::{Interval, Lines};

use super::affine::{AffineBand, BoxBounds, INFLATE, U, gamma, product, underflow};

/// Number of sums held side by side, so that the processor can add them together.
const LANES: usize = 4;

/// Bounds of the outputs of `output` over every box of `input`.
pub(super) fn bounds(hidden: &[AffineBand], output: &AffineBand, input: BoxBounds) -> BoxBounds {
    let mut passage = Passage::new(hidden, output, input);
    for layer in hidden {
        let mut z = layer.bounds(passage.below());
        if !passage.levels.is_empty() {
            passage.tighten(layer, &mut z);
        }
        passage.push(layer, z);
    }
    passage.output_bounds(output)
}

/// A chunk of boxes on their way through the network.
struct Passage<'a> {
    input: BoxBounds,
    /// `max(|lo|, |hi|)` of the input.
    magnitudes: Array2<f64>,
    /// The hidden layers bounded so far.
    levels: Vec<Level<'a>>,
    /// `γ_N`, with `N` more than the number of terms of any constant.
    share: f64,
}

/// A hidden layer over a chunk of boxes.
struct Level<'a> {
    affine: &'a AffineBand,
    /// `relu(z)`
    after: BoxBounds,
    /// Per box, the step data of all neurons.
    columns: Vec<NeuronStep>,
    /// Per box, the neurons that are not off; only their columns matter.
    active: Vec<Vec<usize>>,
    /// Per box, the largest cost of underflow in one step, for a row.
    least: Vec<f64>,
}

/// The data of neurons that a step needs, over one box.
#[derive(Clone, Debug, Default)]
struct NeuronStep {
    /// Slope `α` of the line below.
    lower: Vec<f64>,
    /// Slope `s` of the line above.
    upper: Vec<f64>,
    /// Its intercept `t >= 0`.
    intercept: Vec<f64>,
    /// `b`
    bias: Vec<f64>,
    /// `q`
    price: Vec<f64>,
}

impl NeuronStep {
    fn new(lines: impl Iterator<Item = Lines>, bias: &[f64], price: Vec<f64>) -> Self {
        let mut columns = Self { bias: bias.to_vec(), price, ..Self::default() };
        for line in lines {
            columns.lower.push(line.lower());
            columns.upper.push(line.upper());
            columns.intercept.push(line.intercept());
        }
        columns
    }

    /// The data of some neurons.
    fn select(&self, active: &[usize]) -> Self {
        let only = |all: &[f64]| active.iter().map(|&neuron| all[neuron]).collect();
        Self {
            lower: only(&self.lower),
            upper: only(&self.upper),
            intercept: only(&self.intercept),
            bias: only(&self.bias),
            price: only(&self.price),
        }
    }
}

/// The amounts that a step adds to a row.
#[derive(Clone, Copy)]
struct StepSums {
    /// `A'·b`
    bias: f64,
    /// `Σ A_j·t_j <= 0`
    intercepts: f64,
    /// `Σ |A'_j|·q_j`
    loss: f64,
}

impl<'a> Passage<'a> {
    fn new(hidden: &[AffineBand], output: &AffineBand, input: BoxBounds) -> Self {
        // one bias and one intercept per neuron, one product per input, and the joining terms
        let neurons: usize = hidden.iter().map(AffineBand::outputs).sum();
        let terms = 2 * neurons + input.lo.ncols() + output.outputs() + 8 * (hidden.len() + 2);
        Self {
            magnitudes: input.magnitudes(),
            input,
            levels: Vec::with_capacity(hidden.len()),
            share: gamma(terms),
        }
    }

    /// Bounds of the inputs of the next layer.
    fn below(&self) -> &BoxBounds {
        self.levels.last().map_or(&self.input, |level| &level.after)
    }

    /// Bounds of their absolute values.
    fn magnitudes_below(&self) -> &Array2<f64> {
        self.levels.last().map_or(&self.magnitudes, |level| &level.after.hi)
    }

    /// Adds a hidden layer with its bounds before relu.
    fn push(&mut self, affine: &'a AffineBand, z: BoxBounds) {
        let inputs = self.magnitudes_below();
        let sizes = z.magnitudes();
        let least = inputs
            .rows()
            .into_iter()
            .zip(sizes.rows())
            .map(|(h, b)| underflow(affine.outputs()) * (1.0 + INFLATE * (h.sum() + b.sum())));
        let least = least.collect();
        let through = product(inputs.view(), affine.sizes.t());
        let share = gamma(affine.outputs() + 2);
        let bias: Vec<_> = affine.bias.iter().map(|b| self.share * b.abs()).collect();
        let tiny = underflow(affine.weights.ncols());
        let prices = through.rows().into_iter().zip(sizes.rows()).map(|(through, sizes)| {
            let terms = through.iter().zip(sizes).zip(&bias);
            terms.map(|((v, size), bias)| share * v + U * size + bias + tiny).collect()
        });
        let ends = z.lo.rows().into_iter().zip(z.hi.rows()).zip(prices);
        let columns = ends.map(|((lo, hi), price)| {
            let lines = lo.iter().zip(hi).map(|(&lo, &hi)| Lines::new(interval(lo, hi), None));
            NeuronStep::new(lines, &affine.bias, price)
        });
        let columns = columns.collect();
        let after = z.relu();
        let active = |hi: ArrayView1<f64>| (0..hi.len()).filter(|&j| hi[j] != 0.0).collect();
        let active = after.hi.rows().into_iter().map(active).collect();
        self.levels.push(Level { affine, after, columns, active, least });
    }

    /// Intersects the bounds of a layer with those of the linear rule where the sign is open.
    fn tighten(&self, layer: &AffineBand, z: &mut BoxBounds) {
        let mut rows = Rows::default();
        for box_ in 0..z.lo.nrows() {
            let (mut lo, mut hi) = (z.lo.row_mut(box_), z.hi.row_mut(box_));
            let open: Vec<_> = (0..lo.len()).filter(|&j| lo[j] < 0.0 && hi[j] > 0.0).collect();
            if open.is_empty() {
                continue;
            }
            let support = Support::Active(box_);
            rows.clear(self.selection(self.levels.len(), support).count(layer.weights.ncols()));
            self.add_rows(&mut rows, layer, &open, box_, support);
            let bounds = self.minima(&mut rows, support);
            let (lower, upper) = bounds.split_at(open.len());
            for ((&neuron, &below), &above) in open.iter().zip(lower).zip(upper) {
                // both are bounds or infinite, never NaN
                lo[neuron] = lo[neuron].max(below);
                hi[neuron] = hi[neuron].min(-above);
            }
        }
    }

    /// Bounds of the outputs of the last layer by the linear rule.
    fn output_bounds(&self, output: &AffineBand) -> BoxBounds {
        let (boxes, outputs) = (self.input.lo.nrows(), output.outputs());
        let all: Vec<_> = (0..outputs).collect();
        let support = if boxes == 1 { Support::Active(0) } else { Support::All };
        let mut rows = Rows::default();
        rows.clear(self.selection(self.levels.len(), support).count(output.weights.ncols()));
        (0..boxes).for_each(|box_| self.add_rows(&mut rows, output, &all, box_, support));
        if let Some(drift) = output.drift(self.magnitudes_below()) {
            let twice = drift.rows().into_iter().flat_map(|d| [d, d]).flatten();
            rows.loss.iter_mut().zip(twice).for_each(|(loss, d)| *loss += d);
        }
        let bounds = self.minima(&mut rows, support);
        let at = |box_: usize, output: usize| bounds[2 * box_ * outputs + output];
        BoxBounds {
            lo: Array2::from_shape_fn((boxes, outputs), |(b, o)| at(b, o)),
            hi: Array2::from_shape_fn((boxes, outputs), |(b, o)| -at(b, outputs + o)),
        }
    }

    /// The inputs of layer `layer` for which rows have columns.
    fn selection(&self, layer: usize, support: Support) -> VariableSelection<'_> {
        match (support, layer.checked_sub(1)) {
            (Support::Active(box_), Some(below)) => {
                VariableSelection::Some(&self.levels[below].active[box_])
            }
            _ => VariableSelection::All,
        }
    }

    /// Adds `z_j` and then `−z_j` over a box, for some outputs `j` of the next layer.
    fn add_rows(
        &self,
        rows: &mut Rows,
        layer: &AffineBand,
        outputs: &[usize],
        box_: usize,
        support: Support,
    ) {
        let start = rows.constant.len();
        let selection = self.selection(self.levels.len(), support);
        for sign in [1.0, -1.0] {
            for &output in outputs {
                selection.gather(layer.row(output), |w| sign * w, &mut rows.coefficients);
                rows.constant.push(sign * layer.bias[output]);
                rows.loss.push(self.share * layer.bias[output].abs());
            }
        }
        rows.owners.push((box_, start..rows.constant.len()));
    }

    /// A lower bound of every row over its box; −∞ if none is known.
    fn minima(&self, rows: &mut Rows, support: Support) -> Vec<f64> {
        for (layer, level) in self.levels.iter().enumerate().rev() {
            let (outputs, inputs) =
                (self.selection(layer + 1, support), self.selection(layer, support));
            for (box_, own) in &rows.owners {
                let all = &level.columns[*box_];
                let columns = match outputs {
                    VariableSelection::All => Cow::Borrowed(all),
                    VariableSelection::Some(active) => Cow::Owned(all.select(active)),
                };
                for row in own.clone() {
                    let a = &mut rows.coefficients[row * rows.width..(row + 1) * rows.width];
                    let sums = replace(a, &columns);
                    rows.constant[row] += sums.bias + sums.intercepts;
                    rows.loss[row] += sums.loss - self.share * sums.intercepts + level.least[*box_];
                }
            }
            rows.multiply(level.affine, outputs, inputs);
        }
        self.over_boxes(rows)
    }

    /// The least value of every row over its box.
    fn over_boxes(&self, rows: &Rows) -> Vec<f64> {
        let mut bounds = Vec::with_capacity(rows.constant.len());
        for (box_, own) in &rows.owners {
            let (lo, hi) = (self.input.lo.row(*box_), self.input.hi.row(*box_));
            let sizes = self.magnitudes.row(*box_);
            let least = underflow(sizes.len()) * (1.0 + INFLATE * sizes.sum());
            for row in own.clone() {
                let (mut value, mut size) = (rows.constant[row], 0.0);
                let a = &rows.coefficients[row * rows.width..(row + 1) * rows.width];
                for (((&a, lo), hi), largest) in a.iter().zip(lo).zip(hi).zip(sizes) {
                    value += a * if a >= 0.0 { lo } else { hi };
                    size += a.abs() * largest;
                }
                let loss = INFLATE * (rows.loss[row] + self.share * size + least);
                let bound = (value - loss).next_down();
                bounds.push(if bound.is_finite() { bound } else { f64::NEG_INFINITY });
            }
        }
        bounds
    }
}

/// The support of a pass: the neurons with columns.
#[derive(Clone, Copy)]
enum Support {
    /// All neurons: rows of several boxes share a product.
    All,
    /// Neurons that are not off over the one box of the pass.
    Active(usize),
}

/// Some variables of a layer.
#[derive(Clone, Copy)]
enum VariableSelection<'a> {
    All,
    Some(&'a [usize]),
}

impl VariableSelection<'_> {
    /// Number of variables, out of `all`.
    fn count(self, all: usize) -> usize {
        match self {
            Self::All => all,
            Self::Some(some) => some.len(),
        }
    }

    /// Appends the chosen numbers of `from`.
    fn gather(self, from: &[f64], change: impl Fn(f64) -> f64, to: &mut Vec<f64>) {
        match self {
            Self::All => to.extend(from.iter().map(|&x| change(x))),
            Self::Some(some) => to.extend(some.iter().map(|&at| change(from[at]))),
        }
    }
}

/// Rows over the outputs of one layer, those of a box side by side.
#[derive(Default)]
struct Rows {
    /// `A`, row-major with `width` numbers a row.
    coefficients: Vec<f64>,
    width: usize,
    constant: Vec<f64>,
    /// The loss before [`INFLATE`].
    loss: Vec<f64>,
    /// The boxes in order, with their rows.
    owners: Vec<(usize, Range<usize>)>,
    /// Room for a product, and for the weights of the support.
    spare: Vec<f64>,
    weights: Vec<f64>,
}

impl Rows {
    /// No rows, over `width` variables.
    fn clear(&mut self, width: usize) {
        self.coefficients.clear();
        self.constant.clear();
        self.loss.clear();
        self.owners.clear();
        self.width = width;
    }

    /// `A ← A·W`, with only the rows and columns of `W` in the support.
    fn multiply(
        &mut self,
        layer: &AffineBand,
        outputs: VariableSelection,
        inputs: VariableSelection,
    ) {
        let (rows, width) = (self.constant.len(), inputs.count(layer.weights.ncols()));
        let weights = match outputs {
            VariableSelection::All => layer.weights.view(),
            VariableSelection::Some(active) => {
                self.weights.clear();
                for &output in active {
                    inputs.gather(layer.row(output), |w| w, &mut self.weights);
                }
                matrix(&self.weights, active.len(), width)
            }
        };
        self.spare.clear();
        self.spare.resize(rows * width, 0.0);
        let sums = ArrayViewMut2::from_shape((rows, width), &mut self.spare);
        let mut sums = sums.expect("the length is the product");
        general_mat_mul(
            1.0,
            &matrix(&self.coefficients, rows, self.width),
            &weights,
            0.0,
            &mut sums,
        );
        std::mem::swap(&mut self.coefficients, &mut self.spare);
        self.width = width;
    }
}

/// Row-major `numbers`: `rows` rows of `width` each.
fn matrix(numbers: &[f64], rows: usize, width: usize) -> ArrayView2<'_, f64> {
    ArrayView2::from_shape((rows, width), numbers).expect("the length is the product")
}

/// Replaces `relu(z_j)` by the line that is safe for the sign of its coefficient.
fn replace(row: &mut [f64], columns: &NeuronStep) -> StepSums {
    let mut sums = [[0.0; LANES]; 3];
    let (a, last) = row.as_chunks_mut::<LANES>();
    let (lower, last_lower) = columns.lower.as_chunks::<LANES>();
    let (upper, last_upper) = columns.upper.as_chunks::<LANES>();
    let (intercept, last_intercept) = columns.intercept.as_chunks::<LANES>();
    let (bias, last_bias) = columns.bias.as_chunks::<LANES>();
    let (price, last_price) = columns.price.as_chunks::<LANES>();
    let lines = lower.iter().zip(upper).zip(intercept).zip(bias).zip(price);
    for (a, ((((lower, upper), intercept), bias), price)) in a.iter_mut().zip(lines) {
        for lane in 0..LANES {
            let line = (lower[lane], upper[lane], intercept[lane]);
            let (product, fall) = substitute(a[lane], line);
            a[lane] = product;
            sums[0][lane] += product * bias[lane];
            sums[1][lane] += fall;
            sums[2][lane] += product.abs() * price[lane];
        }
    }
    let lines =
        last_lower.iter().zip(last_upper).zip(last_intercept).zip(last_bias).zip(last_price);
    for (a, ((((lower, upper), intercept), bias), price)) in last.iter_mut().zip(lines) {
        let (product, fall) = substitute(*a, (*lower, *upper, *intercept));
        *a = product;
        sums[0][0] += product * bias;
        sums[1][0] += fall;
        sums[2][0] += product.abs() * price;
    }
    let [bias, intercepts, loss] = sums.map(|lanes| lanes.iter().sum());
    StepSums { bias, intercepts, loss }
}

/// `a·slope` and `a·intercept` of the line that is safe for `a`; NaN stays NaN.
fn substitute(a: f64, (lower, upper, intercept): (f64, f64, f64)) -> (f64, f64) {
    let slope = if a >= 0.0 { lower } else { upper };
    let fall = if a >= 0.0 { 0.0 } else { a };
    (a * slope, fall * intercept)
}

/// An interval; everything if an end is NaN.
fn interval(lo: f64, hi: f64) -> Interval {
    Interval::new(lo, hi).unwrap_or(Interval::WHOLE)
}
