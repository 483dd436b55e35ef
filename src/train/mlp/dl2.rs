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
    points: Array2<F>,
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
            let by_distance =
                self.set_deltas(inputs, labels, |formula, at, _| formula.violation(at), 1);
            network.backward_to_inputs(&mut self.tape, &mut self.by_input);
            self.add_distance(inputs, &by_distance);
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
        let scaled = |formula: &LogicConstraint, at: &AnswerPair, disjunction| {
            let Dual { value, slopes } = formula.loss(at, disjunction);
            Dual { value: share * value, slopes: slopes.map(|slope| share * slope) }
        };
        network.forward(&self.points, &mut self.tape);
        let near = self.values(inputs, labels);
        self.set_deltas(inputs, labels, scaled, 1);
        network.backward(&self.points, &mut self.tape, gradient);
        // at the rows: cross-entropy, and the formula's slopes by their margins
        network.forward(inputs, &mut self.tape);
        cross_entropy(&mut self.tape, labels, F::one());
        let rivals: Vec<Rival> = self.rivals(labels);
        let deltas = self.tape.last_deltas();
        let rows = deltas.rows_mut().into_iter().zip(labels).zip(near.iter().zip(rivals));
        for ((mut delta, &own), (at, rival)) in rows {
            let slope = float::<F>(scaled(&self.formula, at, self.disjunction).slopes[0]);
            delta[own] += slope;
            delta[rival.class] -= slope;
        }
        network.backward(inputs, &mut self.tape, gradient);
    }

    /// Sets the derivatives by the logits on the tape, of a function of the formula at each row, by its slope number
    /// `which`; returns its slopes by the distance.
    fn set_deltas(
        &mut self,
        inputs: &Array2<F>,
        labels: &[usize],
        function: impl Fn(&LogicConstraint, &AnswerPair, OrLoss) -> Dual,
        which: usize,
    ) -> Vec<f64> {
        let values = self.values(inputs, labels);
        let rivals = self.rivals(labels);
        let duals: Vec<Dual> =
            values.iter().map(|at| function(&self.formula, at, self.disjunction)).collect();
        let deltas = self.tape.last_deltas();
        let rows = deltas.rows_mut().into_iter().zip(labels).zip(rivals.iter().zip(&duals));
        for ((mut delta, &own), (rival, dual)) in rows {
            delta.fill(F::zero());
            let slope = float::<F>(dual.slopes[which]);
            delta[own] += slope;
            delta[rival.class] -= slope;
        }
        duals.iter().map(|dual| dual.slopes[2]).collect()
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
    fn add_distance(&mut self, inputs: &Array2<F>, by_distance: &[f64]) {
        let rows = self.by_input.rows_mut().into_iter().zip(self.points.rows()).zip(inputs.rows());
        for (((mut slope, point), row), by_distance) in rows.zip(by_distance) {
            let length = distance((point, row));
            if *by_distance != 0.0 && length > 0.0 {
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
