//! The choice of the epoch to keep, by the validation rows.

use ndarray::{Array2, Axis, NdFloat};
use rand_chacha::ChaCha8Rng;

use crate::model::{Tie, argmax};

use super::ascent::{BoxAscent, shares};
use super::examples::{Batch, Examples};
use super::interval::IntervalTape;
use super::network::{FloatNetwork, Tape, cross_entropy, float};
use super::terms::ClaimTerms;

/// Steps of the ascent in a box.
const STEPS: usize = 20;
/// The same for networks that are not to be kept, of which the figures are only told.
const GLANCE: usize = 2;
/// The same for claims about two points, which take twice as long.
const CLAIM_STEPS: usize = 8;
/// Validation rows that claims are judged on, at most: pairs of them are many.
const CLAIM_ROWS: usize = 512;

/// Judges networks on the validation rows and remembers the best.
pub(super) struct Referee<F> {
    rows: Batch<F>,
    tape: Tape<F>,
    robust: Option<RobustJudge<F>>,
    claims: Option<(Batch<F>, ClaimTerms<F>)>,
    pub(super) best: Option<BestNetwork<F>>,
    pub(super) epochs_since_best: usize,
}

pub(super) struct BestNetwork<F> {
    pub(super) network: FloatNetwork<F>,
    pub(super) score: f64,
    pub(super) loss: F,
}

/// The figures of one network on the validation rows.
#[derive(Clone, Copy)]
pub(super) struct Judged {
    pub(super) accuracy: f64,
    /// The shares of rows that keep their label in their box: as far as an ascent can tell, and by interval bounds.
    pub(super) holding: Option<[f64; 2]>,
    /// The mean share that keeps the claims trained for, as far as an ascent can tell.
    pub(super) claims: Option<f64>,
}

struct RobustJudge<F> {
    threshold: F,
    interval: IntervalTape<F>,
    /// The starts of the ascent as shares of the boxes, shape `[rows][inputs]`; the same in every epoch, so that
    /// epochs differ by their networks alone.
    starts: Array2<F>,
}

impl<F: NdFloat> Referee<F> {
    /// A referee who judges by accuracy, then by loss.
    pub(super) fn new(network: &FloatNetwork<F>, held_out: &Examples<F>) -> Self {
        let rows = Batch::all(held_out);
        let tape = Tape::new(network, held_out.len());
        Self { rows, tape, robust: None, claims: None, best: None, epochs_since_best: 0 }
    }

    /// A referee who judges by the mean of the accuracy and the share of rows that keep their label by a margin of
    /// `threshold` in their box, as far as an ascent from `rng` can tell.
    pub(super) fn robust(
        self,
        network: &FloatNetwork<F>,
        threshold: f64,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let interval = IntervalTape::new(network, self.rows.labels.len());
        let starts = shares(self.rows.inputs.raw_dim(), rng);
        let robust = RobustJudge { threshold: float(threshold), interval, starts };
        Self { robust: Some(robust), ..self }
    }

    /// The rows of `held_out` on which claims are judged.
    pub(super) fn rows_for_claims(held_out: &Examples<F>) -> Batch<F> {
        Batch::first(held_out, CLAIM_ROWS)
    }

    /// A referee who judges by claims too.
    pub(super) fn with_claims(self, rows: Batch<F>, claims: ClaimTerms<F>) -> Self {
        Self { claims: Some((rows, claims)), ..self }
    }

    /// The figures on the validation rows, if there are any. The network is remembered if it is the best so far
    /// and `may_keep`.
    pub(super) fn judge(&mut self, network: &FloatNetwork<F>, may_keep: bool) -> Option<Judged> {
        let Self { rows, tape, .. } = self;
        if rows.labels.is_empty() {
            return None;
        }
        network.forward(&rows.inputs, tape);
        let mut loss = cross_entropy(tape, &rows.labels, F::one());
        let accuracy = accuracy(tape, &rows.labels);
        let (mut score, mut holding) = (accuracy, None);
        if let Some(robust) = &mut self.robust {
            let steps = if may_keep { STEPS } else { GLANCE };
            let [attacked, bounded] = robust.holding(network, rows, tape, steps);
            loss = cross_entropy(tape, &rows.labels, F::one());
            holding = Some([attacked, bounded]);
        }
        let claims = self
            .claims
            .as_mut()
            .and_then(|(rows, claims)| claims.holding(network, rows, CLAIM_STEPS));
        let parts: Vec<f64> =
            holding.map(|[attacked, _]| attacked).into_iter().chain(claims).collect();
        if !parts.is_empty() {
            score = (accuracy + parts.iter().sum::<f64>() / parts.len() as f64) / 2.0;
        }
        let is_better = self
            .best
            .as_ref()
            .is_none_or(|best| score > best.score || (score == best.score && loss < best.loss));
        if is_better && may_keep {
            self.best = Some(BestNetwork { network: network.clone(), score, loss });
            self.epochs_since_best = 0;
        } else if may_keep {
            self.epochs_since_best += 1;
        }
        Some(Judged { accuracy, holding, claims })
    }

    pub(super) fn is_out_of_patience(&self, patience: Option<usize>) -> bool {
        patience.is_some_and(|epochs| self.epochs_since_best > epochs)
    }
}

impl<F: NdFloat> RobustJudge<F> {
    /// The shares of rows that hold: attacked in so many steps, and by interval bounds. `tape` has the logits of the rows; those
    /// at the attacked points are left on it.
    ///
    /// An ascent can tell nothing new of rows that hold by the bounds, nor of rows that lose where they are.
    fn holding(
        &mut self,
        network: &FloatNetwork<F>,
        rows: &Batch<F>,
        tape: &mut Tape<F>,
        steps: usize,
    ) -> [f64; 2] {
        let [lo, hi] = &rows.ends;
        self.interval.forward(network, [lo, hi], &rows.labels);
        let bounded = self.interval.wins(&rows.labels, self.threshold);
        let doubtful: Vec<usize> = wins(tape, &rows.labels, self.threshold)
            .zip(&bounded)
            .enumerate()
            .filter_map(|(row, (wins, holds))| (wins && !holds).then_some(row))
            .collect();
        let mut points = rows.inputs.clone();
        self.attack(network, rows, (&doubtful, steps), &mut points);
        network.forward(&points, tape);
        let attacked = wins(tape, &rows.labels, self.threshold).filter(|wins| *wins).count();
        let bounded = bounded.into_iter().filter(|holds| *holds).count();
        [attacked, bounded].map(|held| held as f64 / rows.labels.len() as f64)
    }

    /// Moves the points of some rows to where an ascent of so many steps ends.
    fn attack(
        &self,
        network: &FloatNetwork<F>,
        rows: &Batch<F>,
        (chosen, steps): (&[usize], usize),
        points: &mut Array2<F>,
    ) {
        let [lo, hi] = rows.ends.each_ref().map(|ends| ends.select(Axis(0), chosen));
        let labels: Vec<usize> = chosen.iter().map(|&row| rows.labels[row]).collect();
        let mut ascent = BoxAscent::new(network, chosen.len());
        ascent.start([&lo, &hi], &self.starts.select(Axis(0), chosen));
        ascent.climb(network, [&lo, &hi], &labels, steps);
        for (&row, found) in chosen.iter().zip(ascent.points.rows()) {
            points.row_mut(row).assign(&found);
        }
    }
}

/// True for the rows whose own score wins by more than `threshold`.
fn wins<'a, F: NdFloat>(
    tape: &'a Tape<F>,
    labels: &'a [usize],
    threshold: F,
) -> impl Iterator<Item = bool> + 'a {
    tape.logits().axis_iter(Axis(0)).zip(labels).map(move |(logits, &own)| {
        let mut others = logits.iter().enumerate().filter(|(class, _)| *class != own);
        others.all(|(_, z)| logits[own] - *z > threshold)
    })
}

fn accuracy<F: NdFloat>(tape: &Tape<F>, labels: &[usize]) -> f64 {
    let is_hit = |(logits, label): &(ndarray::ArrayView1<F>, &usize)| {
        argmax(logits.as_slice().expect("rows of the tape lie in order"), Tie::Lower) == **label
    };
    let hits = tape.logits().axis_iter(Axis(0)).zip(labels).filter(is_hit).count();
    hits as f64 / labels.len() as f64
}
