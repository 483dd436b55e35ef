//! The margins that the boundary property is about, by family: bounds of them over a region, and of their
//! change.

use crate::interval::{Form, Interval, Rational};
use crate::model::{FeatureSpec, Schema};
use crate::spec::{Norm, RawRegion, Threshold};

use super::super::jacobian::{gradient, largest_change};
use super::super::step::keeps_sign;
use crate::certificate::ensemble::interval;
use crate::certificate::ensemble::{Forest, Score};
use crate::certificate::{Hidden, Network};

/// Bounds of the two-class margin over a region, and of its change; each family has its own way.
pub(in crate::certificate) trait MarginRange {
    /// Data that is derived once for a region and serves all its parts.
    type Held;
    /// Derives the data; `None` after overflow.
    fn hold(&self, region: &RawRegion) -> Option<Self::Held>;
    /// `[least, most]` over a region that `held` serves; `None` if an end is unknown.
    fn range(&self, region: &RawRegion, held: &Self::Held) -> Option<(Rational, Rational)>;
    /// Upper bounds of `|m(x) − m(x′)|` for `x`, `x′` of the held region that differ along one axis by at most
    /// `reach`, axis by axis; empty if unknown.
    fn changes(&self, reach: &[Rational], held: &Self::Held) -> Vec<Option<Rational>>;
    /// An upper bound for differences that, divided by `reach` per feature, have a `norm` of at most 1.
    fn change(&self, reach: &[Rational], norm: Norm, held: &Self::Held) -> Option<Rational>;
    /// True if the step rule shows that `c·m(x + s) > 0` wherever `c·m(x) >= floor`.
    fn is_step(&self, moves: &Moves<Self::Held>, sign: f64, floor: f64) -> bool;
    /// True if the step rule holds for each sign that is not void.
    fn keep_sign(&self, moves: &Moves<Self::Held>, is_void: [bool; 2], margin: &Threshold) -> bool {
        let floor = margin.below.down();
        let signs = [-1.0, 1.0].into_iter().zip(is_void);
        floor >= 0.0
            && signs.into_iter().all(|(sign, is_void)| is_void || self.is_step(moves, sign, floor))
    }
}

/// A region, and the moves of its points.
pub(in crate::certificate) struct Moves<'a, H> {
    /// The data derived for the region.
    pub(super) own: &'a H,
    /// All places that its points move to.
    pub(super) moved: &'a RawRegion,
    /// The data derived for a region that holds these places.
    pub(super) held: &'a H,
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
}

impl<F: Form> MarginRange for NetworkMargins<'_, F> {
    type Held = Hidden;

    fn hold(&self, region: &RawRegion) -> Option<Hidden> {
        self.network.linear_bounds(region.standardised(self.schema)?.sides())
    }

    fn range(&self, region: &RawRegion, held: &Hidden) -> Option<(Rational, Rational)> {
        let input = region.standardised(self.schema)?;
        let hidden = self.network.inherited_bounds(held, input.sides(), None)?;
        let lower = |row: &[f64]| {
            let linear = self.network.linear_margin(F::new(row), &hidden, None, &[]);
            let interval = self.network.interval_margin(F::new(row), &hidden);
            Rational::from_f64(if interval > linear { interval } else { linear })
        };
        Some((lower(&[-1.0, 1.0])?, -lower(&[1.0, -1.0])?))
    }

    fn changes(&self, reach: &[Rational], held: &Hidden) -> Vec<Option<Rational>> {
        let Some((slopes, reach)) = self.slopes(reach, held) else { return Vec::new() };
        let change = |(slope, r): (&Interval, &f64)| {
            Rational::from_f64(largest_change(&[*slope], &[*r], Norm::Linf))
        };
        slopes.iter().zip(&reach).map(change).collect()
    }

    fn change(&self, reach: &[Rational], norm: Norm, held: &Hidden) -> Option<Rational> {
        let (slopes, reach) = self.slopes(reach, held)?;
        Rational::from_f64(largest_change(&slopes, &reach, norm))
    }

    fn is_step(&self, moves: &Moves<Hidden>, sign: f64, floor: f64) -> bool {
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

/// Margins of a two-class ensemble. Shifted regions need not be whole: the grid is the plain one.
impl<N: Score> MarginRange for Forest<N> {
    type Held = ();

    fn hold(&self, _: &RawRegion) -> Option<()> {
        Some(())
    }

    fn range(&self, region: &RawRegion, (): &()) -> Option<(Rational, Rational)> {
        let (low, high) = interval::ranges(self, &self.cells(region, false));
        Some((self.value(low.first()?), self.value(high.first()?)))
    }

    fn changes(&self, _: &[Rational], (): &()) -> Vec<Option<Rational>> {
        Vec::new()
    }

    fn change(&self, _: &[Rational], _: Norm, (): &()) -> Option<Rational> {
        None
    }

    fn is_step(&self, _: &Moves<()>, _: f64, _: f64) -> bool {
        false
    }
}
