//! The margins that the boundary property is about: bounds of them over a region, and of their change.

use crate::interval::{Form, Interval, Rational};
use crate::model::{FeatureSpec, Schema};
use crate::spec::{Norm, RawRegion, Threshold};

use super::super::jacobian::{gradient, largest_change};
use super::super::step::keeps_sign;
use crate::certificate::{Hidden, Network};

/// A region, and the moves of its points.
pub(in crate::certificate) struct Moves<'a> {
    /// The data derived for the region.
    pub(super) own: &'a Hidden,
    /// All places that its points move to.
    pub(super) moved: &'a RawRegion,
    /// The data derived for a region that holds these places.
    pub(super) held: &'a Hidden,
    /// The moves of a feature, in raw units, least and most.
    pub(super) by: &'a [(Rational, Rational)],
}

/// Margins of a two-class network. Hidden bounds are derived once for the held region; a part of
/// it takes them, intersected with the interval rule on its own box.
pub(in crate::certificate) struct NetworkMargins<'a, F: Form> {
    pub(in crate::certificate) network: &'a Network<F>,
    pub(in crate::certificate) schema: &'a Schema,
}

impl<F: Form> NetworkMargins<'_, F> {
    /// The gradient and the reach, both standardised: a raw reach r is scale·r in z.
    fn slopes(&self, reach: &[Rational], held: &Hidden) -> Option<(Vec<Interval>, Vec<f64>)> {
        let slopes = gradient(self.network, &[-1.0, 1.0], held)?;
        let scaled = |(feature, r): (&FeatureSpec, &Rational)| (&feature.exact_scale() * r).up();
        Some((slopes, self.schema.features().iter().zip(reach).map(scaled).collect()))
    }

    /// Data that serves all parts of a region; `None` after overflow.
    pub(super) fn hold(&self, region: &RawRegion) -> Option<Hidden> {
        self.network.linear_bounds(region.standardised(self.schema)?.sides())
    }

    /// `[least, most]` over a region that `held` serves; `None` if an end is unknown.
    pub(super) fn range(&self, region: &RawRegion, held: &Hidden) -> Option<(Rational, Rational)> {
        let input = region.standardised(self.schema)?;
        let hidden = self.network.inherited_bounds(held, input.sides(), None)?;
        let lower = |row: &[f64]| {
            let linear = self.network.linear_margin(F::new(row), &hidden, None, &[]);
            let interval = self.network.interval_margin(F::new(row), &hidden);
            Rational::from_f64(if interval > linear { interval } else { linear })
        };
        Some((lower(&[-1.0, 1.0])?, -lower(&[1.0, -1.0])?))
    }

    /// Upper bounds of `|m(x) − m(x′)|` for `x`, `x′` of the held region that differ along one axis by at most
    /// `reach`, axis by axis; empty if unknown.
    pub(super) fn changes(&self, reach: &[Rational], held: &Hidden) -> Vec<Option<Rational>> {
        let Some((slopes, reach)) = self.slopes(reach, held) else { return Vec::new() };
        let change = |(slope, r): (&Interval, &f64)| {
            Rational::from_f64(largest_change(&[*slope], &[*r], Norm::Linf))
        };
        slopes.iter().zip(&reach).map(change).collect()
    }

    /// An upper bound for differences that, divided by `reach` per feature, have a `norm` of at most 1.
    pub(super) fn change(&self, reach: &[Rational], norm: Norm, held: &Hidden) -> Option<Rational> {
        let (slopes, reach) = self.slopes(reach, held)?;
        Rational::from_f64(largest_change(&slopes, &reach, norm))
    }

    /// True if the step rule holds for each sign that is not void.
    pub(super) fn keep_sign(&self, moves: &Moves, is_void: [bool; 2], margin: &Threshold) -> bool {
        let floor = margin.below.down();
        let signs = [-1.0, 1.0].into_iter().zip(is_void);
        floor >= 0.0
            && signs.into_iter().all(|(sign, is_void)| is_void || self.is_step(moves, sign, floor))
    }

    /// True if the step rule shows that `c·m(x + s) > 0` wherever `c·m(x) >= floor`.
    fn is_step(&self, moves: &Moves, sign: f64, floor: f64) -> bool {
        let moved = || {
            let input = moves.moved.standardised(self.schema)?;
            self.network.inherited_bounds(moves.held, input.sides(), None)
        };
        let scaled = |(feature, (low, high)): (&FeatureSpec, &(Rational, Rational))| {
            let scale = feature.exact_scale();
            Interval::new((&scale * low).down(), (&scale * high).up()).unwrap_or(Interval::WHOLE)
        };
        let by: Vec<_> = self.schema.features().iter().zip(moves.by).map(scaled).collect();
        moved().is_some_and(|moved| keeps_sign(self.network, moves.own, &moved, &by, sign, floor))
    }
}
