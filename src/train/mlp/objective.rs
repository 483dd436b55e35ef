//! The losses that a network can be trained by.
//!
//! ```text
//! natural   CE(z)                              the rows themselves
//! pgd       CE(z*)                             z* by ascent in the box (Madry et al. 2018)
//! ibp       k·CE(z) + (1 − k)·IBP(box)         interval bounds (Gowal et al. 2019)
//! sabr      IBP(small box around z*)           a share of the box (Müller et al. 2023)
//! mtl-ibp   (1 − a)·CE(z*) + a·IBP(box)        both (De Palma et al. 2024)
//! dl2       CE(z) + w·loss(φ(z, z*))           a formula (Fischer et al. 2019)
//! ```
//!
//! Boxes grow along a ramp from the rows to their full size.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2, NdFloat};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use crate::model::Schema;
use crate::train::TrainError;
use crate::train::logic::{LogicConstraint, OrLoss};

use super::ascent::{BoxAscent, shares};
use super::dl2::FormulaLoss;
use super::examples::Batch;
use super::interval::IntervalTape;
use super::network::{FloatNetwork, Tape, cross_entropy, flat, flat_mut, float};
use super::outliers::ExposureTerm;
use super::terms::ClaimTerms;
use super::witness::Witness;

/// A loss for rows that may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trainer {
    /// Points found by ascent.
    Pgd,
    /// Interval bounds of the box.
    Ibp,
    /// Interval bounds of a small box around a point found by ascent.
    Sabr,
    /// A mixture of the first two.
    MtlIbp,
    /// A formula, at points that break it.
    Dl2,
}

/// The settings of training under moves.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustOptions {
    /// The loss.
    pub trainer: Trainer,
    /// The weight of the interval bounds with `mtl-ibp`, of the bounds at the end with `ibp`; the share of the box
    /// with `sabr`: in `[0, 1]`. The weight of the formula with `dl2`: in `[0, 1000]`.
    pub weight: f64,
    /// The formula of `dl2`; `None`: that the row's class wins by the margin that the specs ask for.
    pub constraint: Option<LogicConstraint>,
    /// The loss of a disjunction, with `dl2`.
    pub disjunction: OrLoss,
    /// The shares of the training after which boxes begin and end to grow; `0 <= start <= end <= 1`.
    pub ramp: [f64; 2],
    /// Steps of the ascent.
    pub steps: usize,
}

impl RobustOptions {
    /// The usual settings of a loss.
    pub fn of(trainer: Trainer) -> Self {
        let weight = match trainer {
            Trainer::Pgd => 0.0,
            Trainer::Ibp => 0.5,
            Trainer::Sabr => 0.4,
            Trainer::MtlIbp => 0.3,
            Trainer::Dl2 => 0.5,
        };
        let (constraint, disjunction) = (None, OrLoss::Product);
        Self { trainer, weight, constraint, disjunction, ramp: [0.08, 0.58], steps: 8 }
    }

    /// A setting other than the usual that is about labels alone.
    pub(in crate::train) fn labels_only(&self) -> Option<&'static str> {
        if self.constraint.is_some() {
            return Some("constraint");
        }
        let usual = Self::of(Trainer::MtlIbp);
        match self.trainer {
            Trainer::Dl2 => None,
            Trainer::MtlIbp => (self.weight != usual.weight).then_some("weight"),
            Trainer::Pgd | Trainer::Ibp | Trainer::Sabr => Some("trainer"),
        }
    }

    pub(super) fn check(&self) -> Result<(), TrainError> {
        let unless = TrainError::unless;
        let is_share = |x: &f64| (0.0..=1.0).contains(x);
        if self.trainer == Trainer::Dl2 {
            let is_fit = (0.0..=1000.0).contains(&self.weight);
            unless(is_fit, "weight", self.weight, "0 to 1000 with dl2")?;
        } else {
            unless(is_share(&self.weight), "weight", self.weight, "0 to 1")?;
        }
        let [start, end] = self.ramp;
        unless(is_share(&start), "ramp", start, "a start and an end from 0 to 1")?;
        unless(is_share(&end) && start <= end, "ramp", end, "an end from its start to 1")?;
        unless((1..=1000).contains(&self.steps), "steps", self.steps as f64, "1 to 1000")
    }

    /// The share of the full boxes after so much of the training.
    fn growth(&self, done: f64) -> f64 {
        let [start, end] = self.ramp;
        if done >= end { 1.0 } else { ((done - start) / (end - start)).clamp(0.0, 1.0) }
    }
}

/// A loss of a batch with its gradient, and the arrays that it works in.
pub(super) struct TrainingLoss<F> {
    tape: Tape<F>,
    robust: Option<Robust<F>>,
    /// Claims with the settings of their reach and search.
    claims: Option<(ClaimTerms<F>, RobustOptions)>,
    exposure: Option<ExposureTerm<F>>,
}

struct Robust<F> {
    options: RobustOptions,
    /// τ: the own score must win by more.
    threshold: F,
    rng: ChaCha8Rng,
    ascent: BoxAscent<F>,
    interval: IntervalTape<F>,
    /// With `dl2`.
    formula: Option<FormulaLoss<F>>,
    /// The box of the moment.
    ends: [Array2<F>; 2],
    /// Points at which rows were found to lose their label, by row.
    kept: BTreeMap<usize, Array1<F>>,
}

impl<F: NdFloat> TrainingLoss<F> {
    /// Cross-entropy at the rows.
    pub(super) fn natural(network: &FloatNetwork<F>, rows: usize) -> Self {
        Self { tape: Tape::new(network, rows), robust: None, claims: None, exposure: None }
    }

    /// A loss for rows that may move.
    pub(super) fn robust(
        network: &FloatNetwork<F>,
        rows: usize,
        options: &RobustOptions,
        threshold: f64,
        rng: ChaCha8Rng,
    ) -> Self {
        let zeros = || Array2::zeros((rows, network.inputs()));
        let constraint = options.constraint.clone();
        let constraint = constraint.unwrap_or_else(|| LogicConstraint::wins_by(threshold));
        let is_dl2 = options.trainer == Trainer::Dl2;
        let formula =
            is_dl2.then(|| FormulaLoss::new(network, rows, &constraint, options.disjunction));
        let robust = Robust {
            formula,
            options: options.clone(),
            threshold: float(threshold),
            rng,
            ascent: BoxAscent::new(network, rows),
            interval: IntervalTape::new(network, rows),
            ends: [zeros(), zeros()],
            kept: BTreeMap::new(),
        };
        Self { robust: Some(robust), ..Self::natural(network, rows) }
    }

    /// The same with terms for claims, which reach and are sought as `options` say.
    pub(super) fn with_claims(self, claims: ClaimTerms<F>, options: &RobustOptions) -> Self {
        Self { claims: Some((claims, options.clone())), ..self }
    }

    /// The same with a term for points away from the data.
    pub(super) fn with_exposure(self, exposure: ExposureTerm<F>) -> Self {
        Self { exposure: Some(exposure), ..self }
    }

    /// Keeps the points that refute a spec, the first `labels` of which are about labels.
    pub(super) fn keep(&mut self, witness: &Witness, labels: usize, schema: &Schema) {
        match (witness.spec.checked_sub(labels), &mut self.claims, &mut self.robust) {
            (Some(claim), Some((claims, _)), _) => claims.keep(claim, witness, schema),
            (None, _, Some(robust)) => {
                let point = witness.points.first().map(|raw| schema.standardise(raw));
                if let Some(point) = point {
                    robust.kept.insert(witness.row, point.into_iter().map(float).collect());
                }
            }
            (Some(_), None, _) | (None, _, None) => {}
        }
    }

    /// The streams of chance, in a fixed order.
    pub(super) fn streams(&mut self) -> impl Iterator<Item = &mut ChaCha8Rng> {
        let own = self.robust.as_mut().map(|robust| &mut robust.rng);
        let claims = self.claims.as_mut().map(|(claims, _)| claims.rng_mut());
        let exposure = self.exposure.as_mut().map(ExposureTerm::rng_mut);
        own.into_iter().chain(claims).chain(exposure)
    }

    /// Sets `gradient` to that of the batch's mean loss, after the share `done` of the training.
    pub(super) fn differentiate(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        done: f64,
        gradient: &mut FloatNetwork<F>,
    ) {
        gradient.clear();
        self.of_labels(network, batch, done, gradient);
        if let Some((claims, options)) = &mut self.claims {
            claims.differentiate(network, batch, (options.growth(done), options.steps), gradient);
        }
        if let Some(exposure) = &mut self.exposure {
            exposure.differentiate(network, gradient);
        }
    }

    /// Adds the gradient of the part about labels.
    fn of_labels(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        done: f64,
        gradient: &mut FloatNetwork<F>,
    ) {
        let Some(robust) = &mut self.robust else {
            return at_points(
                network,
                &batch.inputs,
                &batch.labels,
                F::one(),
                &mut self.tape,
                gradient,
            );
        };
        let growth = robust.options.growth(done);
        let RobustOptions { trainer, weight, steps, .. } = robust.options;
        let tape = &mut self.tape;
        let labels = &batch.labels;
        match trainer {
            Trainer::Pgd => {
                robust.climb(network, batch, growth, steps);
                at_points(network, &robust.ascent.points, labels, F::one(), tape, gradient);
            }
            Trainer::Ibp => {
                let part = weight * growth;
                at_points(network, &batch.inputs, labels, float(1.0 - part), tape, gradient);
                if part > 0.0 {
                    robust.shrink(batch, growth);
                    robust.on_box(network, labels, part, gradient);
                }
            }
            Trainer::Sabr => {
                robust.climb(network, batch, growth * (1.0 - weight), steps);
                robust.around_points(batch, growth * weight);
                robust.on_box(network, labels, 1.0, gradient);
            }
            Trainer::MtlIbp => {
                robust.climb(network, batch, growth, steps);
                at_points(
                    network,
                    &robust.ascent.points,
                    labels,
                    float(1.0 - weight),
                    tape,
                    gradient,
                );
                robust.on_box(network, labels, weight, gradient);
            }
            Trainer::Dl2 => robust.by_formula(network, batch, growth, gradient),
        }
    }
}

/// Adds the gradient of the mean cross-entropy at `points` times `factor`.
fn at_points<F: NdFloat>(
    network: &FloatNetwork<F>,
    points: &Array2<F>,
    labels: &[usize],
    factor: F,
    tape: &mut Tape<F>,
    gradient: &mut FloatNetwork<F>,
) {
    network.forward(points, tape);
    cross_entropy(tape, labels, factor);
    network.backward(points, tape, gradient);
}

impl<F: NdFloat> Robust<F> {
    /// Sets the box to a share of the batch's boxes.
    fn shrink(&mut self, batch: &Batch<F>, share: f64) {
        let share = float::<F>(share);
        for (slot, end) in self.ends.iter_mut().zip(&batch.ends) {
            let ends = flat(&batch.inputs).iter().zip(flat(end));
            for (slot, (x, end)) in flat_mut(slot).iter_mut().zip(ends) {
                *slot = *x + share * (*end - *x);
            }
        }
    }

    /// Seeks points in a share of the boxes.
    fn climb(&mut self, network: &FloatNetwork<F>, batch: &Batch<F>, share: f64, steps: usize) {
        self.shrink(batch, share);
        let [lo, hi] = &self.ends;
        self.ascent.start([lo, hi], &shares(lo.raw_dim(), &mut self.rng));
        self.ascent.climb(network, [lo, hi], &batch.labels, steps);
        meet_kept(&self.kept, batch, &mut self.ascent.points, &mut self.rng);
    }

    /// Adds the gradient of cross-entropy and of the formula at points that break it.
    fn by_formula(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        growth: f64,
        gradient: &mut FloatNetwork<F>,
    ) {
        self.shrink(batch, growth);
        let RobustOptions { weight, steps, .. } = self.options;
        let Some(formula) = &mut self.formula else { return };
        let [lo, hi] = &self.ends;
        let place = (&batch.inputs, [lo, hi]);
        formula.climb(network, place, &batch.labels, steps, &mut self.rng);
        meet_kept(&self.kept, batch, &mut formula.points, &mut self.rng);
        formula.backward(network, &batch.inputs, &batch.labels, weight, gradient);
    }

    /// Sets the box to one around the points found, as large as that share of the batch's boxes.
    fn around_points(&mut self, batch: &Batch<F>, share: f64) {
        let share = float::<F>(share);
        for (slot, end) in self.ends.iter_mut().zip(&batch.ends) {
            slot.assign(&self.ascent.points);
            let ends = flat(&batch.inputs).iter().zip(flat(end));
            for (slot, (x, end)) in flat_mut(slot).iter_mut().zip(ends) {
                *slot += share * (*end - *x);
            }
        }
    }

    /// Adds the gradient of the loss of interval bounds on the box times `factor`.
    fn on_box(
        &mut self,
        network: &FloatNetwork<F>,
        labels: &[usize],
        factor: f64,
        gradient: &mut FloatNetwork<F>,
    ) {
        let [lo, hi] = &self.ends;
        self.interval.forward(network, [lo, hi], labels);
        self.interval.backward(network, labels, (self.threshold, float(factor)), gradient);
    }
}

/// Puts kept points in the places of those that were sought, at every other occurrence of their rows.
fn meet_kept<F: NdFloat>(
    kept: &BTreeMap<usize, Array1<F>>,
    batch: &Batch<F>,
    points: &mut Array2<F>,
    rng: &mut ChaCha8Rng,
) {
    for (at, row) in batch.chosen.iter().enumerate() {
        if let Some(point) = kept.get(row).filter(|_| rng.random_bool(0.5)) {
            points.row_mut(at).assign(point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_grow_along_the_ramp() {
        let options = RobustOptions { ramp: [0.2, 0.6], ..RobustOptions::of(Trainer::Ibp) };
        let growth = [0.0, 0.2, 0.4, 0.6, 1.0].map(|done| options.growth(done));
        assert!(growth.iter().zip([0.0, 0.0, 0.5, 1.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-12));
        let at_once = RobustOptions { ramp: [0.0, 0.0], ..options };
        assert_eq!(at_once.growth(0.0), 1.0);
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let refused = |options: RobustOptions| match options.check() {
            Err(TrainError::Setting { option, .. }) => option,
            other => panic!("not refused: {other:?}"),
        };
        let usual = || RobustOptions::of(Trainer::MtlIbp);
        assert_eq!(refused(RobustOptions { weight: 1.5, ..usual() }), "weight");
        assert_eq!(refused(RobustOptions { weight: f64::NAN, ..usual() }), "weight");
        assert_eq!(refused(RobustOptions { ramp: [0.6, 0.2], ..usual() }), "ramp");
        assert_eq!(refused(RobustOptions { ramp: [-0.1, 0.2], ..usual() }), "ramp");
        assert_eq!(refused(RobustOptions { steps: 0, ..usual() }), "steps");
    }
}
