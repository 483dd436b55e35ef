//! The loss of a formula at points that break it (DL2: Fischer et al. 2019).
//!
//! ```text
//! CE(x) + w · mean loss(φ(x, x*)),      x* by ascent on the violation of φ in the row's box
//! ```
//!
//! `margin` is the score of the row's class less that of the best other, so slopes go to these two logits.

use ndarray::{Array2, ArrayView1, NdFloat, Zip};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::train::logic::{AnswerPair, Dual, LogicConstraint, OrLoss};

use super::ascent::stepped;
use super::network::{FloatNetwork, Tape, cross_entropy, float};

/// Points near rows, and the arrays that they are moved with.
pub(super) struct FormulaLoss<F> {
    formula: LogicConstraint,
    disjunction: OrLoss,
    /// Shape `[rows][inputs]`.
    pub(super) points: Array2<F>,
    by_input: Array2<F>,
    tape: Tape<F>,
    /// Margins at the rows themselves.
    margins: Vec<f64>,
}

/// The margin of the row's class, and the best other.
struct Rival {
    margin: f64,
    class: usize,
}

impl<F: NdFloat> FormulaLoss<F> {
    /// Room for `rows` rows through `network`.
    pub(super) fn new(
        network: &FloatNetwork<F>,
        rows: usize,
        formula: &LogicConstraint,
        disjunction: OrLoss,
    ) -> Self {
        let zeros = || Array2::zeros((rows, network.inputs()));
        Self {
            formula: formula.pushed(),
            disjunction,
            points: zeros(),
            by_input: zeros(),
            tape: Tape::new(network, rows),
            margins: vec![0.0; rows],
        }
    }

    /// Seeks points between `lo` and `hi` that break the formula with the rows `inputs`, in so many steps.
    pub(super) fn climb(
        &mut self,
        network: &FloatNetwork<F>,
        (inputs, ends): (&Array2<F>, [&Array2<F>; 2]),
        labels: &[usize],
        steps: usize,
        rng: &mut ChaCha8Rng,
    ) {
        network.forward(inputs, &mut self.tape);
        let logits = self.tape.logits().rows().into_iter().zip(labels);
        self.margins = logits.map(|(logits, own)| rival(logits, *own).margin).collect();
        let [lo, hi] = ends;
        Zip::from(&mut self.points).and(lo).and(hi).for_each(|x, &lo, &hi| {
            *x = lo + (hi - lo) * float(rng.random::<f64>());
        });
        for _ in 0..steps {
            network.forward(&self.points, &mut self.tape);
            let values = self.values(inputs, labels);
            let duals: Vec<Dual> = values.iter().map(|at| self.formula.violation(at)).collect();
            self.tape.last_deltas().fill(F::zero());
            self.add_deltas(labels, duals.iter().map(|dual| dual.slopes[1]));
            network.backward_to_inputs(&mut self.tape, &mut self.by_input);
            self.add_distance(inputs, duals.iter().map(|dual| dual.slopes[2]));
            stepped(&mut self.points, &self.by_input, ends);
        }
    }

    /// Adds the gradient of `CE(x)` and of the formula's loss at the points found, times `weight`.
    pub(super) fn backward(
        &mut self,
        network: &FloatNetwork<F>,
        inputs: &Array2<F>,
        labels: &[usize],
        weight: f64,
        gradient: &mut FloatNetwork<F>,
    ) {
        let share = weight / labels.len().max(1) as f64;
        network.forward(&self.points, &mut self.tape);
        let values = self.values(inputs, labels);
        let losses = values.iter().map(|at| self.formula.loss(at, self.disjunction));
        let losses: Vec<Dual> = losses.collect();
        self.tape.last_deltas().fill(F::zero());
        self.add_deltas(labels, losses.iter().map(|loss| share * loss.slopes[1]));
        network.backward(&self.points, &mut self.tape, gradient);
        network.forward(inputs, &mut self.tape);
        cross_entropy(&mut self.tape, labels, F::one());
        self.add_deltas(labels, losses.iter().map(|loss| share * loss.slopes[0]));
        network.backward(inputs, &mut self.tape, gradient);
    }

    /// Adds slopes by the margin of each row to the derivatives by the logits on the tape.
    fn add_deltas(&mut self, labels: &[usize], slopes: impl Iterator<Item = f64>) {
        let rivals = self.rivals(labels);
        let rows = self.tape.last_deltas().rows_mut().into_iter().zip(labels);
        for ((mut delta, &own), (rival, slope)) in rows.zip(rivals.iter().zip(slopes)) {
            delta[own] += float(slope);
            delta[rival.class] -= float(slope);
        }
    }

    fn rivals(&self, labels: &[usize]) -> Vec<Rival> {
        let logits = self.tape.logits().rows().into_iter().zip(labels);
        logits.map(|(logits, own)| rival(logits, *own)).collect()
    }

    /// The values at rows and points, after a forward pass at the points.
    fn values(&self, inputs: &Array2<F>, labels: &[usize]) -> Vec<AnswerPair> {
        let distances = self.points.rows().into_iter().zip(inputs.rows()).map(distance);
        let margins = self.rivals(labels).into_iter().zip(&self.margins);
        let values = margins.zip(distances);
        values
            .map(|((near, &row), distance)| AnswerPair { row, near: near.margin, distance })
            .collect()
    }

    /// Adds the slopes by the points that come by way of the distance.
    fn add_distance(&mut self, inputs: &Array2<F>, by_distance: impl Iterator<Item = f64>) {
        let rows = self.by_input.rows_mut().into_iter().zip(self.points.rows()).zip(inputs.rows());
        for (((mut slope, point), row), by_distance) in rows.zip(by_distance) {
            let length = distance((point, row));
            if by_distance != 0.0 && length > 0.0 {
                let factor = float::<F>(by_distance / length);
                Zip::from(&mut slope)
                    .and(&point)
                    .and(&row)
                    .for_each(|s, &a, &b| *s += factor * (a - b));
            }
        }
    }
}

fn distance<F: NdFloat>((a, b): (ArrayView1<F>, ArrayView1<F>)) -> f64 {
    let square = a.iter().zip(b).fold(F::zero(), |sum, (a, b)| sum + (*a - *b) * (*a - *b));
    square.to_f64().unwrap_or(f64::NAN).sqrt()
}

fn rival<F: NdFloat>(logits: ArrayView1<F>, own: usize) -> Rival {
    let others = logits.iter().enumerate().filter(|(class, _)| *class != own);
    let best = others.fold(
        (F::neg_infinity(), own),
        |best, (class, &z)| {
            if z > best.0 { (z, class) } else { best }
        },
    );
    let margin = (logits[own] - best.0).to_f64().unwrap_or(f64::NAN);
    Rival { margin, class: best.1 }
}
