//! Rule `difference` bounds the change of the margin between two points that are close to each other, by the
//! linear rule on the change itself.
//!
//! For `x` and `x′ = x + d` the change of a layer's output is `W` times the change of its inputs, biases
//! cancel, and the change of a relu lies between two lines over the change of what it reads
//! ([`crate::interval::Lines::of_change`]). Substituted backwards, this bounds `m(x′) − m(x)` by the effect of
//! `d`, which two separate passes, subtracted, would not see. A bound by the gradient is used instead if it is
//! smaller.
//!
//! In a split only the region of `x` is cut. `x′` may lie beyond the leaf's box `B`, so both points are taken
//! from `B` widened by ε and cut to the domain, and all bounds are of that box. Such a leaf proves all pairs
//! with `x` in `B`, whatever closes the other leaves. A leaf by the gradient proves only the part of a segment
//! that lies in its box; the rest belongs to another leaf, so the two kinds do not mix. A sign of a neuron at
//! `x` says nothing about `x′`, so neurons are not cut.

use crate::interval::{Form, Interval, Rational, magnitudes};
use crate::model::Schema;
use crate::spec::{Aim, Bonds, Claim, Norm, On, Pair, RawRegion};

use super::jacobian::{gradient, largest_change};
use super::range::{Rate, steepest};
use crate::certificate::claims::Outcome;
use crate::certificate::{Bounds, Hidden, Network};

/// A network, and a claim about pairs of points that are close.
pub(in crate::certificate) struct Changes<'a, F: Form> {
    pub(in crate::certificate) network: &'a Network<F>,
    pub(in crate::certificate) schema: &'a Schema,
    pub(in crate::certificate) claim: &'a Claim,
    /// The region of both points.
    pub(in crate::certificate) domain: &'a RawRegion,
}

impl<F: Form> Changes<'_, F> {
    /// Decides the claim about the pairs whose first point lies in `part`.
    pub(in crate::certificate) fn decide(&self, part: &RawRegion) -> Outcome {
        let Claim::Pair(Pair {
            bonds: Bonds::Within { reach, .. },
            aim: Aim::Close { on, .. },
            ..
        }) = self.claim
        else {
            return Outcome::Open(Bounds::NONE);
        };
        let around = part.neighbourhood(reach, self.domain);
        let verdict = || {
            let rate = Rate::of(self.claim, self.schema)?;
            let both = self.network.linear_bounds(around.standardised(self.schema)?.sides())?;
            let moves = self.moves(reach, *on, &around)?;
            let change = self.change_bound(&both, &moves)?;
            Some(rate.allows(&change, &steepest(self.network, &both, &[])))
        };
        match verdict() {
            Some((true, _)) => Outcome::Holds,
            Some((false, slack)) => Outcome::Open(Bounds { reached: slack, required: 0.0 }),
            None => Outcome::Open(Bounds::NONE),
        }
    }

    /// An upper bound of `|m(x′) − m(x)|` for two points that differ by an element of `moves` and at which
    /// `both` bounds the neurons.
    fn change_bound(&self, both: &Hidden, moves: &[Interval]) -> Option<Rational> {
        let places = both.layers().map(|layer| layer.iter().map(|&z| [z, z]).collect());
        let changes = self.network.change_bounds(places, moves)?;
        let least = |row: &[f64]| self.network.least_change(row, &changes);
        let by_lines = Interval::new(least(&[-1.0, 1.0]), -least(&[1.0, -1.0]))?.magnitude();
        let slopes = gradient(self.network, &[-1.0, 1.0], both)?;
        let by_slopes = largest_change(&slopes, &magnitudes(moves), Norm::Linf);
        Rational::from_f64(if by_slopes < by_lines { by_slopes } else { by_lines })
    }

    /// The moves of each standardised input, either way: as far as is close, and no farther than its side of
    /// `around` is wide.
    fn moves(&self, reach: &[Rational], on: On, around: &RawRegion) -> Option<Vec<Interval>> {
        let closest =
            reach.iter().zip(around.is_whole()).map(|(reach, &is_whole)| match is_whole {
                true => whole_reach(reach, on),
                false => reach.clone(),
            });
        let widths = around.sides().iter().map(|(low, high)| high - low);
        let farthest = closest.zip(widths).map(|(reach, width)| reach.min(width));
        let moves = self.schema.features().iter().zip(farthest).map(|(feature, most)| {
            let most = (&feature.exact_scale() * &most).up();
            Interval::new(-most, most)
        });
        moves.collect()
    }
}

/// The farthest move within ε of a feature that takes whole numbers: a whole number. Posteriors are asked about
/// points that are closer than ε, so for them the move is less than ε.
fn whole_reach(reach: &Rational, on: On) -> Rational {
    match on {
        On::Score => Rational::integer(reach.floor()),
        On::Posterior => &Rational::integer(reach.ceil()) - &Rational::ONE,
    }
}
