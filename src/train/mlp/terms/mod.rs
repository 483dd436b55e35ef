//! Claims beside that of a row's label, as terms of the loss of a network with two classes (DL2: Fischer et al. 2019).
//!
//! ```text
//! CE  +  Σ over claims of  weight·mean loss at points that break the claim  +  bounds·loss of bounds on all slopes
//!
//! two points          x*, x′* by ascent on the violation, where the claim lets them be     (pair, place, bonds)
//! pairs of rows       all pairs of the batch                                               (rows)
//! the whole domain    |∂m/∂x_j| by interval bounds, wherever                               (slopes)
//! ```
//!
//! The violation and the loss of a claim are those of `crate::violation`. Attacks seek in standardised floats; nothing
//! here is evidence, and models are certified afterwards.
//!
//! | file | what it holds |
//! |---|---|
//! | `bonds` | the ways in which two points of a claim may move |
//! | `place` | the boxes in which they start and move |
//! | `pair` | the search for pairs that break a claim, and their loss |
//! | `rows` | the loss of pairs of rows |
//! | `slopes` | bounds on slopes, and their loss |

mod bonds;
mod pair;
mod place;
mod rows;
mod slopes;
#[cfg(test)]
mod tests;

use ndarray::NdFloat;
use rand_chacha::ChaCha8Rng;

use crate::model::{Row, Schema};
use crate::spec::{Claim, Lowered, Property, Spec};
use crate::train::TrainError;
use crate::train::demand::{blank, sample};
use crate::violation::FlipLoss;

use super::examples::Batch;
use super::network::FloatNetwork;
use super::witness::Witness;
use pair::PairTerm;
use rows::RowsTerm;
use slopes::SlopesTerm;

/// A spec about two points, or about pairs of rows, as a network is trained for it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedClaim {
    /// The spec.
    pub spec: Spec,
    /// The weight of its loss at points found by ascent, beside that of cross-entropy, which is 1; not negative.
    pub weight: f64,
    /// The weight of the loss of bounds that hold at all inputs; not negative, 0: none are computed.
    pub bounds: f64,
    /// The loss, for the boundary property.
    pub flip: FlipLoss,
}

/// The weight of a claim if none is given.
pub const USUAL_WEIGHT: f64 = 0.5;

/// The terms of several claims.
pub(super) struct ClaimTerms<F> {
    terms: Vec<ClaimTerm<F>>,
    /// The claim of each term.
    of: Vec<usize>,
    rng: ChaCha8Rng,
}

enum ClaimTerm<F> {
    Pair(Box<PairTerm<F>>),
    Rows(RowsTerm<F>),
    Slopes(SlopesTerm<F>),
}

/// True if a spec is trained for as a claim, and not by the boxes in which rows keep their label.
pub(in crate::train) fn is_claim(property: &Property) -> bool {
    !matches!(property, Property::Label(_) | Property::LocalInvariance(_))
}

impl<F: NdFloat> ClaimTerms<F> {
    /// The terms of `claims` for batches of `count` of these rows, which `rng` decides the starts of.
    ///
    /// # Errors
    /// Specs that say nothing about networks of the schema, or that none is trained for; weights out of range.
    pub(super) fn new(
        claims: &[TrainedClaim],
        (schema, rows): (&Schema, &[Row]),
        (network, count): (&FloatNetwork<F>, usize),
        rng: ChaCha8Rng,
    ) -> Result<Self, TrainError> {
        let (mut terms, mut of) = (Vec::new(), Vec::new());
        for (at, claim) in claims.iter().enumerate() {
            claim.check()?;
            if claim.weight > 0.0 {
                terms.push(claim.sampled(schema, rows, (network, count))?);
                of.push(at);
            }
            if claim.bounds > 0.0 {
                terms.push(ClaimTerm::Slopes(SlopesTerm::new(claim, schema)?));
                of.push(at);
            }
        }
        Ok(Self { terms, of, rng })
    }

    /// Adds the gradient of the terms at a batch, with claims at the share `growth` of their reach.
    pub(super) fn differentiate(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        (growth, steps): (f64, usize),
        gradient: &mut FloatNetwork<F>,
    ) {
        for term in &mut self.terms {
            match term {
                ClaimTerm::Pair(term) => {
                    term.seek(network, batch, (growth, steps), &mut self.rng);
                    term.backward(network, gradient);
                }
                ClaimTerm::Rows(term) => {
                    term.backward(network, batch, gradient);
                }
                ClaimTerm::Slopes(term) => {
                    term.backward(network, gradient);
                }
            }
        }
    }

    /// The mean over the claims of the share that holds at a batch, as far as an ascent can tell from the same
    /// starts at every call; of bounds, 1 or 0. `None` without claims.
    pub(super) fn holding(
        &mut self,
        network: &FloatNetwork<F>,
        batch: &Batch<F>,
        steps: usize,
    ) -> Option<f64> {
        let share = |term: &mut ClaimTerm<F>| match term {
            ClaimTerm::Pair(term) => term.holding(network, batch, steps, &mut self.rng.clone()),
            ClaimTerm::Rows(term) => term.holding(network, batch),
            ClaimTerm::Slopes(term) => f64::from(u8::from(term.holds(network))),
        };
        let shares: Vec<f64> = self.terms.iter_mut().map(share).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    }

    /// Keeps the points that refute a claim, to be met again.
    pub(super) fn keep(&mut self, claim: usize, witness: &Witness, schema: &Schema) {
        for (term, _) in self.terms.iter_mut().zip(&self.of).filter(|(_, of)| **of == claim) {
            if let ClaimTerm::Pair(term) = term {
                term.keep(witness, schema);
            }
        }
    }

    /// The place in the stream of chance.
    pub(super) fn rng_mut(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }
}

impl TrainedClaim {
    /// The claim with the usual settings.
    pub fn usual(spec: Spec) -> Self {
        Self { spec, weight: USUAL_WEIGHT, bounds: 0.0, flip: FlipLoss::default() }
    }

    fn check(&self) -> Result<(), TrainError> {
        for (option, weight) in [("weight", self.weight), ("bounds", self.bounds)] {
            let is_fit = (0.0..=1000.0).contains(&weight);
            TrainError::unless(is_fit, option, weight, "0 to 1000")?;
        }
        Ok(())
    }

    /// The term of points found by ascent, or of pairs of rows.
    fn sampled<F: NdFloat>(
        &self,
        schema: &Schema,
        rows: &[Row],
        (network, count): (&FloatNetwork<F>, usize),
    ) -> Result<ClaimTerm<F>, TrainError> {
        if matches!(self.spec.property, Property::OutputRegion(_)) {
            return Err(self.refused("no network is trained for claims about outputs".to_owned()));
        }
        let model = blank(schema, 2);
        let few = sample(schema);
        let few = if self.spec.property.is_about_rows() { &few[..] } else { &[] };
        let lowered = Lowered::new(&self.spec, &model, None, few)
            .map_err(|error| self.refused(error.to_string()))?;
        let first = lowered.obligation(0).map(|obligation| obligation.claim);
        match first {
            Some(Claim::AllPairs { .. }) => {
                Ok(ClaimTerm::Rows(RowsTerm::new(self, &lowered, schema, (network, count))?))
            }
            Some(Claim::Pair(_)) => {
                let term = PairTerm::new(self, (schema, rows), (network, count))?;
                Ok(ClaimTerm::Pair(Box::new(term)))
            }
            _ => Err(self.refused("no network is trained for claims of this kind".to_owned())),
        }
    }

    fn refused(&self, reason: String) -> TrainError {
        TrainError::Property { property: self.spec.property.name(), reason }
    }
}
