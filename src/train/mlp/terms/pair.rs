//! The search for two points that break a claim, in all rows of a batch at once, and their loss.
//!
//! ```text
//! start    a in its box, b a partner of a
//! step     slopes of the violation at both, by one pass through the network; the bonds move both
//! loss     mean over the batch of the claim's loss at the last pairs
//! ```
//!
//! A claim about several features, or groups of them, is a claim for each: every row takes one by chance. Points
//! that broke the claim when it was certified are kept, and take the places of some that were sought.

use ndarray::{Array1, Array2, Axis, NdFloat};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::model::{Row, Schema};
use crate::spec::{Aim, Lowered, Pair, Regions};
use crate::train::TrainError;
use crate::train::demand::{blank, sample};
use crate::violation::{FlipLoss, PairClaim, PairSlopes};

use super::super::examples::Batch;
use super::super::network::{FloatNetwork, Tape, float};
use super::super::witness::Witness;
use super::TrainedClaim;
use super::bonds::{FloatBonds, TwoBoxes, TwoSlopes, sign};
use super::place::{BatchBoxes, ClaimPlace, standardised};
use super::rows::{PointDistance, hardest};

/// One of the claims that a property makes at a place.
struct PairVariant<F> {
    claim: PairClaim,
    bonds: FloatBonds<F>,
    /// The box of second points, where it is one of their own.
    far: Option<[Array1<F>; 2]>,
}

/// A claim about two points, and the pairs of a batch that are sought to break it.
pub(super) struct PairTerm<F> {
    variants: Vec<PairVariant<F>>,
    place: ClaimPlace<F>,
    /// The distance, if the claim is about one: each point then has a row of its own.
    distance: Option<PointDistance<F>>,
    weight: f64,
    flip: FlipLoss,
    /// The variant of each row.
    chosen: Vec<usize>,
    boxes: BatchBoxes<F>,
    /// First points, then second ones: shape `[2·rows][features]`.
    points: Array2<F>,
    by_input: Array2<F>,
    tape: Tape<F>,
    /// Pairs that were found to refute the claim, with their variant.
    kept: Vec<(usize, [Array1<F>; 2])>,
}

/// One of so many pairs is one that was kept, if there are any.
const KEPT: usize = 4;

/// The rows that give second points their boxes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Partners {
    /// Every other row the one that breaks the claim most, the rest their own.
    Hardest,
    /// One far off in the batch.
    Another,
}

impl<F: NdFloat> PairTerm<F> {
    pub(super) fn new(
        trained: &TrainedClaim,
        (schema, rows): (&Schema, &[Row]),
        (network, count): (&FloatNetwork<F>, usize),
    ) -> Result<Self, TrainError> {
        let spec = &trained.spec;
        let model = blank(schema, 2);
        let some = sample(schema);
        let is_about_rows = spec.property.is_about_rows();
        let few = if is_about_rows { &some[..] } else { &[] };
        let lowered = Lowered::new(spec, &model, None, few)
            .map_err(|error| trained.refused(error.to_string()))?;
        // around one row, or on the domain; pairs of two rows make one claim
        let per_place =
            if is_about_rows { (lowered.len() / few.len()).max(1) } else { lowered.len() };
        let mut variants = Vec::new();
        let mut domain = None;
        for at in 0..per_place {
            let Some(obligation) = lowered.obligation(at) else { continue };
            let (Some(claim), Some(pair)) =
                (PairClaim::of(&obligation.claim), obligation.claim.pair())
            else {
                return Err(trained.refused("it is not about two points".to_owned()));
            };
            let bonds = FloatBonds::of(pair, schema, lowered.is_whole());
            let far = own_box(pair, schema);
            variants.push(PairVariant { claim, bonds, far });
            domain = Some(standardised(&obligation.region, schema));
        }
        let place = match domain {
            Some(ends) if !is_about_rows => ClaimPlace::Domain(ends),
            _ => ClaimPlace::around(spec, schema, rows)?,
        };
        let distance = lowered.aim().and_then(|aim| match aim {
            Aim::Lipschitz { units, norm, .. } => Some(PointDistance::new(units, *norm, schema)),
            _ => None,
        });
        let (weight, flip) = (trained.weight, trained.flip);
        let zeros = || Array2::zeros((2 * count, schema.len()));
        Ok(Self {
            variants,
            place,
            distance,
            weight,
            flip,
            chosen: vec![0; count],
            boxes: BatchBoxes::new(count, schema.len()),
            points: zeros(),
            by_input: zeros(),
            tape: Tape::new(network, 2 * count),
            kept: Vec::new(),
        })
    }

    /// Seeks pairs that break the claim around the rows of a batch, in so many steps.
    pub(super) fn seek(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        (growth, steps): (f64, usize),
        rng: &mut ChaCha8Rng,
    ) {
        self.start(network, batch, (growth, Partners::Hardest), rng);
        for _ in 0..steps {
            self.climb(network);
        }
        self.meet_kept(rng);
    }

    /// Keeps a pair that refutes the claim.
    pub(super) fn keep(&mut self, witness: &Witness, schema: &Schema) {
        let standardised = |raw: &Vec<f64>| -> Array1<F> {
            schema.standardise(raw).into_iter().map(float).collect()
        };
        if let ([a, b], true) = (witness.points.as_slice(), witness.variant < self.variants.len()) {
            self.kept.push((witness.variant, [standardised(a), standardised(b)]));
        }
    }

    /// Puts kept pairs in the places of some that were sought.
    fn meet_kept(&mut self, rng: &mut ChaCha8Rng) {
        if self.kept.is_empty() {
            return;
        }
        let count = self.chosen.len();
        for at in 0..count / KEPT {
            let (variant, [a, b]) = &self.kept[rng.random_range(0..self.kept.len())];
            self.chosen[at] = *variant;
            self.points.row_mut(at).assign(a);
            self.points.row_mut(count + at).assign(b);
        }
    }

    /// Adds the gradient of the mean loss at the pairs found, times the weight; returns that loss.
    pub(super) fn backward(
        &mut self,
        network: &FloatNetwork<F>,
        gradient: &mut FloatNetwork<F>,
    ) -> f64 {
        network.forward(&self.points, &mut self.tape);
        let losses: Vec<PairSlopes> = (0..self.chosen.len())
            .map(|at| {
                let claim = &self.variants[self.chosen[at]].claim;
                claim.loss(self.margins(at), self.distance_of(at), self.flip)
            })
            .collect();
        let count = self.chosen.len();
        let share = self.weight / count.max(1) as f64;
        let deltas = self.tape.last_deltas();
        for (at, loss) in losses.iter().enumerate() {
            for (point, slope) in [at, count + at].into_iter().zip(loss.margins) {
                let slope = float::<F>(share * slope);
                (deltas[[point, 0]], deltas[[point, 1]]) = (-slope, slope);
            }
        }
        network.backward(&self.points, &mut self.tape, gradient);
        losses.iter().map(|loss| share * loss.value).sum()
    }

    /// The share of rows at which no pair was met that breaks the claim.
    pub(super) fn holding(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        steps: usize,
        rng: &mut ChaCha8Rng,
    ) -> f64 {
        self.start(network, batch, (1.0, Partners::Another), rng);
        let mut holds = vec![true; self.chosen.len()];
        for step in 0..=steps {
            if step < steps {
                self.climb(network);
            } else {
                network.forward(&self.points, &mut self.tape);
            }
            for (at, holds) in holds.iter_mut().enumerate() {
                *holds &= self.violation(at).value <= 0.0;
            }
        }
        holds.iter().filter(|holds| **holds).count() as f64 / holds.len().max(1) as f64
    }

    /// The pairs of the last search: first points, then second ones.
    #[cfg(test)]
    pub(super) fn points(&self) -> &Array2<F> {
        &self.points
    }

    /// Chooses variants and boxes, and the first pairs.
    fn start(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        (growth, partners): (f64, Partners),
        rng: &mut ChaCha8Rng,
    ) {
        for chosen in &mut self.chosen {
            *chosen =
                if self.variants.len() > 1 { rng.random_range(0..self.variants.len()) } else { 0 };
        }
        self.place.fill(batch, growth, &mut self.boxes, rng);
        self.give_partners(network, batch, partners);
        for at in 0..self.chosen.len() {
            self.start_row(at, growth, rng);
        }
    }

    /// Gives second points the boxes of other rows, if the claim is about two rows.
    fn give_partners(&mut self, network: &FloatNetwork<F>, batch: &Batch<F>, partners: Partners) {
        let Some(distance) = &self.distance else { return };
        let count = self.chosen.len();
        let of: Vec<usize> = match partners {
            Partners::Another => (0..count).map(|at| (at + 1 + count / 3) % count).collect(),
            Partners::Hardest => {
                let (mut first, mut second) = self.points.view_mut().split_at(Axis(0), count);
                first.assign(&batch.inputs);
                second.assign(&batch.inputs);
                network.forward(&self.points, &mut self.tape);
                let margins: Vec<f64> = (0..count).map(|at| self.margins(at)[0]).collect();
                let claim = &self.variants[0].claim;
                let hardest = hardest(claim, distance, &batch.inputs, &margins);
                (0..count).map(|at| if at.is_multiple_of(2) { hardest[at] } else { at }).collect()
            }
        };
        for (near, far) in self.boxes.near.iter().zip(&mut self.boxes.far) {
            for (at, partner) in of.iter().enumerate() {
                far.row_mut(at).assign(&near.row(*partner));
            }
        }
    }

    /// The first pair of a row.
    fn start_row(&mut self, at: usize, growth: f64, rng: &mut ChaCha8Rng) {
        let count = self.chosen.len();
        let variant = &self.variants[self.chosen[at]];
        let share = float::<F>(growth);
        for i in 0..self.points.ncols() {
            if let Some([lo, hi]) = &variant.far {
                (self.boxes.far[0][[at, i]], self.boxes.far[1][[at, i]]) = (lo[i], hi[i]);
            }
            let near = [self.boxes.near[0][[at, i]], self.boxes.near[1][[at, i]]];
            let mut random = |[lo, hi]: [F; 2]| lo + (hi - lo) * float(rng.random::<f64>());
            let a = random(near);
            let far = [self.boxes.far[0][[at, i]], self.boxes.far[1][[at, i]]];
            let b = match &variant.bonds {
                FloatBonds::Free => random(far),
                FloatBonds::Within { reach, .. } => a + random([-reach[i], reach[i]]),
                FloatBonds::Moved { .. } if variant.bonds.is_moved(i) => {
                    // every other row looks about, the rest as far as there are values
                    let reach = if at.is_multiple_of(2) { near } else { far };
                    let ends = reach.map(|end| a + share * (end - a));
                    for k in 0..2 {
                        self.boxes.far[k][[at, i]] = ends[k];
                        self.boxes.near[k][[at, i]] =
                            if k == 0 { near[0].min(ends[0]) } else { near[1].max(ends[1]) };
                    }
                    random(ends)
                }
                FloatBonds::Moved { .. } | FloatBonds::Shifted { .. } => a,
            };
            self.points[[at, i]] = a;
            self.points[[count + at, i]] = b;
        }
        let flat = vec![F::zero(); self.points.ncols()];
        let slopes = TwoSlopes { violation: [&flat, &flat], margin: &flat, side: F::one() };
        let (mut first, mut second) = self.points.view_mut().split_at(Axis(0), count);
        let boxes = two_boxes(&self.boxes, at);
        variant.bonds.bind(first.row_mut(at), second.row_mut(at), boxes, &slopes);
    }

    /// Moves all pairs a step. Leaves the answers at the pairs before the step on the tape.
    fn climb(&mut self, network: &FloatNetwork<F>) {
        network.forward(&self.points, &mut self.tape);
        let mut ones = self.tape.last_deltas().view_mut();
        ones.column_mut(0).fill(-F::one());
        ones.column_mut(1).fill(F::one());
        network.backward_to_inputs(&mut self.tape, &mut self.by_input);
        let count = self.chosen.len();
        for at in 0..count {
            let violation = self.violation(at);
            let margin = self.by_input.row(at).to_vec();
            let mut by = [margin.clone(), self.by_input.row(count + at).to_vec()];
            for (slopes, factor) in by.iter_mut().zip(violation.margins) {
                slopes.iter_mut().for_each(|slope| *slope *= float(factor));
            }
            if let Some(distance) = self.distance.as_ref().filter(|_| violation.distance != 0.0) {
                let (a, b) = (self.points.row(at), self.points.row(count + at));
                let along = distance.slopes(a, b);
                for (i, along) in along.into_iter().enumerate() {
                    let run = float::<F>(violation.distance) * along;
                    by[0][i] += run;
                    by[1][i] -= run;
                }
            }
            let side = sign(float::<F>(self.margins(at)[0]));
            let slopes = TwoSlopes { violation: [&by[0], &by[1]], margin: &margin, side };
            let boxes = two_boxes(&self.boxes, at);
            let (mut first, mut second) = self.points.view_mut().split_at(Axis(0), count);
            let bonds = &self.variants[self.chosen[at]].bonds;
            bonds.step(first.row_mut(at), second.row_mut(at), boxes, &slopes);
        }
    }

    /// The violation of a row's pair at the last forward pass.
    fn violation(&self, at: usize) -> PairSlopes {
        let claim = &self.variants[self.chosen[at]].claim;
        claim.violation(self.margins(at), self.distance_of(at))
    }

    /// The margins of a row's pair at the last forward pass.
    fn margins(&self, at: usize) -> [f64; 2] {
        let logits = self.tape.logits();
        [at, self.chosen.len() + at]
            .map(|point| (logits[[point, 1]] - logits[[point, 0]]).to_f64().unwrap_or(f64::NAN))
    }

    fn distance_of(&self, at: usize) -> f64 {
        let Some(distance) = &self.distance else { return 0.0 };
        distance.between(self.points.row(at), self.points.row(self.chosen.len() + at))
    }
}

fn two_boxes<F>(boxes: &BatchBoxes<F>, at: usize) -> TwoBoxes<'_, F> {
    let [near, far] = [&boxes.near, &boxes.far].map(|ends| ends.each_ref().map(|end| end.row(at)));
    TwoBoxes { near, far }
}

/// The box of second points, where the claim names one.
fn own_box<F: NdFloat>(pair: &Pair, schema: &Schema) -> Option<[Array1<F>; 2]> {
    match &pair.regions {
        Regions::Own(region) => Some(standardised(region, schema)),
        Regions::Both | Regions::First | Regions::Each(_) => None,
    }
}
