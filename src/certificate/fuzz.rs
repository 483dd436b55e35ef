//! The boundary property by its cheap rules. It fails at `x` iff `|m(x)| >= μ` and some shifted
//! copy has the other label. For a sign `c` and a shift `s` that is excluded by either of
//!
//! ```text
//! void       max c·m(x) < μ⁻           over the region
//! same side  min c·m(x + s) > 0        over the shifted region
//! slope      Δ·max|∂ᵢm| < μ⁻           over the region widened by Δ everywhere (networks)
//! step       min c·m(x + s) − λ·(c·m(x) − μ⁻) > 0, λ = 1 or ½ (networks; see [`super::step`])
//! ```
//!
//! With `same side`, a flip from `c` cannot happen; it is tried first on the region widened by Δ
//! everywhere, which holds all shifted copies. Zone `ball` asks the same of every `x′` within Δ:
//! |m| < μ⁻ on the region, or one strict sign on the region widened everywhere, or the dual norm of
//! the gradient there times Δ below μ⁻, or the step rule with `s` anywhere in the box of side 2Δ; a
//! split may cut the places of `x′` as well ([`Boundary::decide_pairs`]). Shifted regions are not cut
//! to the domain.

use crate::interval::{Form, Interval, Rational};
use crate::model::{FeatureSpec, Schema};
use crate::spec::{Claim, Norm, RawRegion, Threshold, Zone};

use super::claims::Outcome;
use super::forest::{Forest, Score};
use super::jacobian::{gradient, largest_change};
use super::rates::gaps;
use super::step::keeps_sign;
use super::witness::norm_squared;
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
    /// Whether the step rule shows that `c·m(x + s) > 0` wherever `c·m(x) >= floor`.
    fn is_step(&self, moves: &Moves<Self::Held>, sign: f64, floor: f64) -> bool;
    /// The step rule for both signs that are not void.
    fn keep_sign(&self, moves: &Moves<Self::Held>, is_void: [bool; 2], margin: &Threshold) -> bool {
        let floor = margin.below.down();
        let signs = [-1.0, 1.0].into_iter().zip(is_void);
        floor >= 0.0
            && signs.into_iter().all(|(sign, is_void)| is_void || self.is_step(moves, sign, floor))
    }
}

/// A region and where its points may move.
pub(super) struct Moves<'a, H> {
    /// What was derived for the region.
    own: &'a H,
    /// All places that its points move to.
    moved: &'a RawRegion,
    /// What was derived for a region that holds them.
    held: &'a H,
    /// The moves of a feature, in raw units, least and most.
    by: &'a [(Rational, Rational)],
}

/// The boundary property: which margins count as confident, and how far copies may lie.
#[derive(Clone, Copy)]
pub(super) struct Boundary<'a> {
    margin: &'a Threshold,
    shifts: &'a [Rational],
    zone: Zone,
    norm: Norm,
}

impl<'a> Boundary<'a> {
    /// That of a claim; `None` for other claims.
    pub(super) fn of(claim: &'a Claim) -> Option<Self> {
        match claim {
            Claim::Fuzz { margin, shifts, zone, zone_norm } => {
                Some(Self { margin, shifts, zone: *zone, norm: *zone_norm })
            }
            _ => None,
        }
    }

    /// The box of all partners of a region's points, which a split may cut; `None` with zone `axis`,
    /// where partners are shifted copies.
    pub(super) fn partners(&self, region: &RawRegion) -> Option<RawRegion> {
        (self.zone == Zone::Ball).then(|| region.widened(self.shifts))
    }

    fn open(&self) -> Outcome {
        let required = self.margin.below.down();
        Outcome::Open(Bounds { reached: f64::NEG_INFINITY, required })
    }

    /// For negative and for positive margins: whether none of the region is confident.
    fn voids(&self, (least, most): (Rational, Rational)) -> [bool; 2] {
        [-least, most].map(|top| top < self.margin.below)
    }

    /// Decides the property over a region.
    pub(super) fn decide<M: MarginRange>(&self, margins: &M, region: &RawRegion) -> Outcome {
        if let Some(partners) = self.partners(region) {
            return self.decide_pairs(margins, region, &partners);
        }
        let holds = || {
            let own = margins.hold(region)?;
            let is_void = self.voids(margins.range(region, &own)?);
            if is_void == [true, true] {
                return Some(true);
            }
            let wide = region.widened(self.shifts);
            let held = margins.hold(&wide)?;
            let Self { margin, shifts, .. } = *self;
            let axes = Axes { margins, region, shifts, is_void, own: &own, held: &held };
            Some(axes.is_same_side(&wide, &held) || axes.hold(margin))
        };
        if holds() == Some(true) { Outcome::Holds } else { self.open() }
    }

    /// Decides the property of zone `ball` for the points of a region and those partners within Δ that
    /// lie in `partners`. Also holds if no such pair is within Δ.
    pub(super) fn decide_pairs<M: MarginRange>(
        &self,
        margins: &M,
        region: &RawRegion,
        partners: &RawRegion,
    ) -> Outcome {
        let holds = || {
            let own = margins.hold(region)?;
            let is_void = self.voids(margins.range(region, &own)?);
            if is_void == [true, true] || self.is_apart(region, partners) {
                return Some(true);
            }
            // a point that is not confident may have any partner
            let held = margins.hold(partners)?;
            let [negative_void, positive_void] = is_void;
            let (least, most) = margins.range(partners, &held)?;
            if (negative_void || most < Rational::ZERO) && (positive_void || least > Rational::ZERO)
            {
                return Some(true);
            }
            let segments = margins.hold(&region.hull(partners))?;
            let change = margins.change(self.shifts, self.norm, &segments);
            if change.is_some_and(|change| change < self.margin.below) {
                return Some(true);
            }
            let by: Vec<_> = self.moves(region, partners).collect();
            let moves = Moves { own: &own, moved: partners, held: &held, by: &by };
            Some(margins.keep_sign(&moves, is_void, self.margin))
        };
        if holds() == Some(true) { Outcome::Holds } else { self.open() }
    }

    /// Whether no point of one box is within Δ of one of the other.
    fn is_apart(&self, region: &RawRegion, partners: &RawRegion) -> bool {
        let boxes = [region.clone(), partners.clone()];
        let distance = gaps(&boxes, self.shifts).and_then(|gaps| norm_squared(&gaps, self.norm));
        distance.is_some_and(|square| square > Rational::ONE)
    }

    /// How far partners may lie from their points, feature by feature, least and most; raw.
    fn moves(
        &self,
        region: &'a RawRegion,
        partners: &'a RawRegion,
    ) -> impl Iterator<Item = (Rational, Rational)> {
        let sides = region.sides().iter().zip(partners.sides()).zip(self.shifts);
        sides.map(|(((low, high), (from, to)), shift)| {
            let (least, most) = (from - high, to - low);
            // the ends of an empty side are the wrong way round, and say nothing
            let (least, most) =
                if least > most { (-shift.clone(), shift.clone()) } else { (least, most) };
            let least = if least < -shift.clone() { -shift.clone() } else { least };
            (least, if most > *shift { shift.clone() } else { most })
        })
    }
}

/// The axis zone, axis by axis.
struct Axes<'a, M: MarginRange> {
    margins: &'a M,
    region: &'a RawRegion,
    shifts: &'a [Rational],
    /// For negative and for positive margins: whether |m| < μ⁻ on the region.
    is_void: [bool; 2],
    /// Of the region.
    own: &'a M::Held,
    /// Of the region widened everywhere, which holds all shifted copies.
    held: &'a M::Held,
}

impl<M: MarginRange> Axes<'_, M> {
    /// Cheapest first: slopes over the region widened everywhere, then all rules over the region widened
    /// along the one axis.
    fn hold(&self, margin: &Threshold) -> bool {
        let changes = self.margins.changes(self.shifts, self.held);
        let is_slow = |changes: &[Option<Rational>], axis: usize| {
            changes.get(axis).and_then(Option::as_ref).is_some_and(|d| *d < margin.below)
        };
        (0..self.shifts.len()).all(|axis| {
            is_slow(&changes, axis) || {
                let Some(shift) = self.shifts.get(axis) else { return false };
                let reach = self.only(axis, shift);
                let Some(held) = self.margins.hold(&self.region.widened(&reach)) else {
                    return false;
                };
                is_slow(&self.margins.changes(&reach, &held), axis)
                    || (self.is_kept(axis, shift, &held, margin)
                        && self.is_kept(axis, &-shift.clone(), &held, margin))
            }
        })
    }

    /// A shift along one axis, and 0 along the others.
    fn only(&self, axis: usize, shift: &Rational) -> Vec<Rational> {
        let own = |index| if index == axis { shift.clone() } else { Rational::ZERO };
        (0..self.shifts.len()).map(own).collect()
    }

    /// A shifted copy stays on its side, at least where the margin is not below μ⁻; `held` serves it.
    fn is_kept(&self, axis: usize, shift: &Rational, held: &M::Held, margin: &Threshold) -> bool {
        let moved = self.region.shifted(axis, shift);
        let by: Vec<_> = self.only(axis, shift).into_iter().map(|s| (s.clone(), s)).collect();
        let moves = Moves { own: self.own, moved: &moved, held, by: &by };
        self.is_same_side(&moved, held) || self.margins.keep_sign(&moves, self.is_void, margin)
    }

    /// For each sign that is not void: a shifted copy stays strictly on that side.
    fn is_same_side(&self, shifted: &RawRegion, held: &M::Held) -> bool {
        let Some((least, most)) = self.margins.range(shifted, held) else { return false };
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
        let (low, high) = boxes::ranges(self, &self.cells(region, false));
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
