//! Claims about pairs of rows: the loss of all pairs of a batch, by one pass through the network.
//!
//! ```text
//! mean over the ordered pairs about which something is claimed of  loss(F(x), F(x′), ‖x − x′‖)
//! ```
//!
//! Random pairs lie far apart, where most claims say little; of all pairs in a batch many are close.

use ndarray::{Array2, ArrayView1, NdFloat};

use crate::interval::Rational;
use crate::model::Schema;
use crate::spec::{Lowered, Norm};
use crate::train::TrainError;
use crate::violation::{PairClaim, RowAnswer, RowsClaim};

use super::super::examples::Batch;
use super::super::network::{FloatNetwork, Tape, float};
use super::TrainedClaim;

/// A distance of standardised points.
pub(super) struct PointDistance<F> {
    /// The standardised length of a unit, per feature.
    units: Vec<F>,
    norm: Norm,
}

impl<F: NdFloat> PointDistance<F> {
    /// The distance in units of these raw lengths.
    pub(super) fn new(units: &[Rational], norm: Norm, schema: &Schema) -> Self {
        let lengths = units.iter().zip(schema.features());
        let length = |(unit, feature): (&Rational, &crate::model::FeatureSpec)| {
            float(unit.down() * f64::from(feature.scale))
        };
        Self { units: lengths.map(length).collect(), norm }
    }

    pub(super) fn between(&self, a: ArrayView1<F>, b: ArrayView1<F>) -> f64 {
        let mut gaps = a.iter().zip(b.iter()).zip(&self.units).map(|((a, b), u)| (*a - *b) / *u);
        let length = match self.norm {
            Norm::L2 => gaps.fold(F::zero(), |sum, gap| sum + gap * gap).sqrt(),
            Norm::L1 => gaps.fold(F::zero(), |sum, gap| sum + gap.abs()),
            Norm::Linf => gaps.by_ref().fold(F::zero(), |most, gap| most.max(gap.abs())),
        };
        length.to_f64().unwrap_or(f64::NAN)
    }

    /// The slopes of the distance by the first point; 0 where it has none.
    pub(super) fn slopes(&self, a: ArrayView1<F>, b: ArrayView1<F>) -> Vec<F> {
        let length = float::<F>(self.between(a, b));
        let gaps = a.iter().zip(b.iter()).zip(&self.units).map(|((a, b), u)| ((*a - *b) / *u, *u));
        let slope = |(gap, unit): (F, F)| {
            let is_longest = gap.abs() >= length;
            match self.norm {
                _ if length <= F::zero() || gap == F::zero() => F::zero(),
                Norm::L2 => gap / (length * unit),
                Norm::Linf if !is_longest => F::zero(),
                Norm::L1 | Norm::Linf => gap.signum() / unit,
            }
        };
        gaps.map(slope).collect()
    }
}

/// For each row the other one with which it breaks a claim most, or comes closest to that.
pub(super) fn hardest<F: NdFloat>(
    claim: &PairClaim,
    distance: &PointDistance<F>,
    rows: &Array2<F>,
    margins: &[f64],
) -> Vec<usize> {
    let count = margins.len();
    let mut best: Vec<(f64, usize)> = (0..count).map(|at| (f64::NEG_INFINITY, at)).collect();
    for a in 0..count {
        for b in a + 1..count {
            let length = distance.between(rows.row(a), rows.row(b));
            let violation = claim.violation([margins[a], margins[b]], length).value;
            for (one, other) in [(a, b), (b, a)] {
                if violation > best[one].0 {
                    best[one] = (violation, other);
                }
            }
        }
    }
    best.into_iter().map(|(_, partner)| partner).collect()
}

/// A claim about pairs of rows.
pub(super) struct RowsTerm<F> {
    claim: RowsClaim,
    distance: PointDistance<F>,
    weight: f64,
    tape: Tape<F>,
}

impl<F: NdFloat> RowsTerm<F> {
    pub(super) fn new(
        trained: &TrainedClaim,
        lowered: &Lowered,
        schema: &Schema,
        (network, count): (&FloatNetwork<F>, usize),
    ) -> Result<Self, TrainError> {
        let claim = lowered.obligation(0).and_then(|it| RowsClaim::of(&it.claim));
        let (Some(claim), Some((_, weights))) = (claim, lowered.pair_bound()) else {
            return Err(trained.refused("it is not about pairs of rows".to_owned()));
        };
        let unit = |weight: &Rational| &Rational::ONE / weight;
        let units: Option<Vec<Rational>> = weights.iter().map(unit).collect();
        let units = units.ok_or_else(|| trained.refused("a feature has no scale".to_owned()))?;
        let distance = PointDistance::new(&units, Norm::L2, schema);
        Ok(Self { claim, distance, weight: trained.weight, tape: Tape::new(network, count) })
    }

    /// Adds the gradient of the mean loss, times the weight; returns that loss.
    pub(super) fn backward(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        gradient: &mut FloatNetwork<F>,
    ) -> f64 {
        let count = batch.labels.len();
        let (mut loss, mut pairs) = (0.0, 0usize);
        let mut slopes = vec![0.0; count];
        self.each_pair(network, batch, |claim, [a, b], answers, distance| {
            pairs += 1;
            let found = claim.loss(answers, distance);
            loss += found.value;
            slopes[a] += found.margins[0];
            slopes[b] += found.margins[1];
        });
        let share = self.weight / pairs.max(1) as f64;
        let deltas = self.tape.last_deltas();
        for (at, slope) in slopes.iter().enumerate() {
            let slope = float::<F>(share * slope);
            (deltas[[at, 0]], deltas[[at, 1]]) = (-slope, slope);
        }
        network.backward(&batch.inputs, &mut self.tape, gradient);
        share * loss
    }

    /// The share of ordered pairs that keep the claim, of those about which something is claimed.
    pub(super) fn holding(&mut self, network: &FloatNetwork<F>, batch: &Batch<F>) -> f64 {
        let (mut holding, mut pairs) = (0usize, 0usize);
        self.each_pair(network, batch, |claim, _, answers, distance| {
            pairs += 1;
            holding += usize::from(claim.violation(answers, distance).value <= 0.0);
        });
        if pairs == 0 { 1.0 } else { holding as f64 / pairs as f64 }
    }

    /// Visits all ordered pairs of a batch about which something is claimed.
    fn each_pair(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        mut visit: impl FnMut(&RowsClaim, [usize; 2], [RowAnswer; 2], f64),
    ) {
        network.forward(&batch.inputs, &mut self.tape);
        let logits = self.tape.logits().rows().into_iter();
        let margins = logits.map(|z| (z[1] - z[0]).to_f64().unwrap_or(f64::NAN));
        let answers: Vec<RowAnswer> = margins.map(RowAnswer::of).collect();
        let reach = self.claim.reach();
        for a in 0..answers.len() {
            for b in a + 1..answers.len() {
                let distance = self.distance.between(batch.inputs.row(a), batch.inputs.row(b));
                if distance < reach {
                    visit(&self.claim, [a, b], [answers[a], answers[b]], distance);
                    visit(&self.claim, [b, a], [answers[b], answers[a]], distance);
                }
            }
        }
    }
}
