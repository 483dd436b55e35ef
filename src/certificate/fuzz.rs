//! The boundary property by its cheap rules. It fails at `x` iff `|m(x)| >= μ` and some shifted
//! copy has the other label. For a sign `c` and a shift `s` that is excluded by either of
//!
//! ```text
//! void       max c·m(x) < μ⁻           over the region
//! same side  min c·m(x + s) > 0        over the shifted region
//! slope      Δ·max|∂ᵢm| < μ⁻           over the region widened by Δ everywhere (networks)
//! ```
//!
//! With `same side`, a flip from `c` cannot happen; it is tried first on the region widened by Δ
//! everywhere, which holds all shifted copies. Zone `ball` asks the same of every `x′` within Δ:
//! |m| < μ⁻ on the region, or one strict sign on the region widened everywhere, or the dual norm of
//! the gradient there times Δ below μ⁻. Shifted regions are not cut to the domain.

use crate::interval::{Form, Interval, Rational};
use crate::model::Schema;
use crate::spec::{Norm, RawRegion, Threshold, Zone};

use super::claims::Outcome;
use super::forest::{Forest, Score};
use super::jacobian::{gradient, largest_change};
use super::{Bounds, Hidden, Network, boxes};

/// Bounds of the two-class margin over a region, and of its change; how differs by family.
pub(super) trait MarginRange {
    /// What is derived once for a region and serves all its parts.
    type Held;
    /// Derives it; `None` after overflow.
    fn hold(&self, region: &RawRegion) -> Option<Self::Held>;
    /// `[least, most]` over a region that `held` serves; `None` where an end is unknown.
    fn range(&self, region: &RawRegion, held: &Self::Held) -> Option<(Rational, Rational)>;
    /// At least `|m(x) − m(x′)|` for `x`, `x′` of the held region that differ along one axis by at
    /// most `reach`, axis by axis; empty where unknown.
    fn changes(&self, reach: &[Rational], held: &Self::Held) -> Vec<Option<Rational>>;
    /// The same for differences that, divided by `reach` per feature, have at most unit `norm`.
    fn change(&self, reach: &[Rational], norm: Norm, held: &Self::Held) -> Option<Rational>;
}

/// Decides the property over a region.
pub(super) fn decide(
    margins: &impl MarginRange,
    region: &RawRegion,
    margin: &Threshold,
    shifts: &[Rational],
    zone: Zone,
    norm: Norm,
) -> Outcome {
    let open = Outcome::Open(Bounds { reached: f64::NEG_INFINITY, required: margin.below.down() });
    let own = margins.hold(region).and_then(|held| margins.range(region, &held));
    let Some((least, most)) = own else { return open };
    let is_void = [-least, most].map(|top| top < margin.below);
    if is_void == [true, true] {
        return Outcome::Holds;
    }
    let wide = region.widened(shifts);
    let Some(held) = margins.hold(&wide) else { return open };
    let holds = match zone {
        Zone::Axis => {
            let axes = Axes { margins, region, shifts, is_void, held: &held };
            axes.is_same_side(&wide) || axes.hold(margin)
        }
        Zone::Ball => {
            let one_sign = margins
                .range(&wide, &held)
                .is_some_and(|(lo, hi)| lo > Rational::ZERO || hi < Rational::ZERO);
            one_sign || margins.change(shifts, norm, &held).is_some_and(|d| d < margin.below)
        }
    };
    if holds { Outcome::Holds } else { open }
}

/// The axis zone, axis by axis.
struct Axes<'a, M: MarginRange> {
    margins: &'a M,
    region: &'a RawRegion,
    shifts: &'a [Rational],
    /// For negative and for positive margins: whether |m| < μ⁻ on the region.
    is_void: [bool; 2],
    /// Of the region widened everywhere, which holds all shifted copies.
    held: &'a M::Held,
}

impl<M: MarginRange> Axes<'_, M> {
    fn hold(&self, margin: &Threshold) -> bool {
        let changes = self.margins.changes(self.shifts, self.held);
        self.shifts.iter().enumerate().all(|(feature, shift)| {
            let change = changes.get(feature).and_then(Option::as_ref);
            change.is_some_and(|d| *d < margin.below) || {
                let sides = [shift.clone(), -shift.clone()];
                sides.iter().all(|s| self.is_same_side(&self.region.shifted(feature, s)))
            }
        })
    }

    /// For each sign that is not void: a shifted copy stays strictly on that side.
    fn is_same_side(&self, shifted: &RawRegion) -> bool {
        let Some((least, most)) = self.margins.range(shifted, self.held) else { return false };
        let [negative_void, positive_void] = self.is_void;
        (negative_void || most < Rational::ZERO) && (positive_void || least > Rational::ZERO)
    }
}

/// Margins of a two-class network. Hidden bounds are derived once for the held region; a part of
/// it takes them, intersected with the interval rule on its own box.
pub(super) struct NetworkMargins<'a, F: Form> {
    pub(super) network: &'a Network<F>,
    pub(super) schema: &'a Schema,
}

impl<F: Form> NetworkMargins<'_, F> {
    /// Gradient and reach, both standardised: a raw reach r is scale·r in z.
    fn slopes(&self, reach: &[Rational], held: &Hidden) -> Option<(Vec<Interval>, Vec<f64>)> {
        let slopes = gradient(self.network, &[-1.0, 1.0], held)?;
        let scaled = |(feature, r): (&crate::model::FeatureSpec, &Rational)| {
            (&feature.exact_scale() * r).up()
        };
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
}

/// Margins of a two-class ensemble. Shifted regions need not be whole: the grid is the plain one.
impl<N: Score> MarginRange for Forest<N> {
    type Held = ();

    fn hold(&self, _: &RawRegion) -> Option<()> {
        Some(())
    }

    fn range(&self, region: &RawRegion, (): &()) -> Option<(Rational, Rational)> {
        let (low, high) = boxes::ranges(self, &self.cells(region, false));
        Some((self.value(low.first()?), self.value(high.first()?)))
    }

    fn changes(&self, _: &[Rational], (): &()) -> Vec<Option<Rational>> {
        Vec::new()
    }

    fn change(&self, _: &[Rational], _: Norm, (): &()) -> Option<Rational> {
        None
    }
}
