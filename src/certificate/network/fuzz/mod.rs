//! The boundary property of a network by its cheap rules. It fails at `x` iff `|m(x)| >= μ` and some shifted
//! copy has the other label. For a sign `c` and a shift `s` any of these excludes it:
//!
//! ```text
//! void       max c·m(x) < μ⁻           over the region
//! same side  min c·m(x + s) > 0        over the shifted region
//! slope      Δ·max|∂ᵢm| < μ⁻           over the region widened by Δ everywhere
//! step       min c·m(x + s) − λ·(c·m(x) − μ⁻) > 0, λ = 1 or ½ (see [`super::step`])
//! ```
//!
//! With `same side`, a flip from `c` cannot happen; it is tried first on the region widened by Δ
//! everywhere, which holds all shifted copies. Zone `ball` asks the same of every `x′` within Δ:
//! |m| < μ⁻ on the region, or one strict sign on the region widened everywhere, or the dual norm of
//! the gradient there times Δ below μ⁻, or the step rule with `s` anywhere in the box of side 2Δ; a
//! split may cut the places of `x′` as well ([`Boundary::partners`]). Shifted regions are not cut
//! to the domain.

mod margins;

use crate::interval::{Form, Rational};
use crate::spec::{Aim, Bonds, Claim, Norm, Pair, RawRegion, Threshold, norm_squared};

use super::range::gaps;
use crate::certificate::claims::Outcome;
use crate::certificate::{Bounds, Hidden};

use margins::Moves;
pub(in crate::certificate) use margins::NetworkMargins;

/// The boundary property: the margin from which on a point is confident, and the reach of its copies.
#[derive(Clone, Copy)]
pub(in crate::certificate) struct Boundary<'a> {
    margin: &'a Threshold,
    shifts: &'a [Rational],
    /// The norm of zone `ball`; `None`: zone `axis`.
    ball: Option<Norm>,
}

impl<'a> Boundary<'a> {
    /// The boundary property of a claim; `None` for other claims.
    pub(in crate::certificate) fn of(claim: &'a Claim) -> Option<Self> {
        match claim.pair()? {
            Pair {
                bonds: Bonds::Shifted(shifts), aim: Aim::Flip { margin, ball: None }, ..
            } => Some(Self { margin, shifts, ball: None }),
            Pair { aim: Aim::Flip { margin, ball: Some((shifts, norm)) }, .. } => {
                Some(Self { margin, shifts, ball: Some(*norm) })
            }
            _ => None,
        }
    }

    /// The box of all partners of a region's points, which a split may cut; `None` with zone `axis`,
    /// where partners are shifted copies.
    pub(in crate::certificate) fn partners(&self, region: &RawRegion) -> Option<RawRegion> {
        self.ball.is_some().then(|| region.widened(self.shifts))
    }

    fn open(&self) -> Outcome {
        let required = self.margin.below.down();
        Outcome::Open(Bounds { reached: f64::NEG_INFINITY, required })
    }

    /// For negative and for positive margins: true if no point of the region is confident.
    fn voids(&self, (least, most): (Rational, Rational)) -> [bool; 2] {
        [-least, most].map(|top| top < self.margin.below)
    }

    /// Decides the property over a region. With zone `ball` only those partners count that lie in
    /// `partners`, if given; the property then also holds if no such partner is within Δ.
    pub(in crate::certificate) fn decide<F: Form>(
        &self,
        margins: &NetworkMargins<F>,
        region: &RawRegion,
        partners: Option<&RawRegion>,
    ) -> Outcome {
        let holds = match self.ball {
            Some(norm) => {
                let all = || region.widened(self.shifts);
                let partners = partners.cloned().unwrap_or_else(all);
                self.holds_for_pairs(margins, region, &partners, norm)
            }
            None => self.holds_for_copies(margins, region),
        };
        if holds == Some(true) { Outcome::Holds } else { self.open() }
    }

    /// Decides zone `axis`; `None` if something is unknown.
    fn holds_for_copies<F: Form>(
        &self,
        margins: &NetworkMargins<F>,
        region: &RawRegion,
    ) -> Option<bool> {
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
    }

    /// Decides zone `ball`, for the points of a region and their partners in a box; `None` if something is
    /// unknown.
    fn holds_for_pairs<F: Form>(
        &self,
        margins: &NetworkMargins<F>,
        region: &RawRegion,
        partners: &RawRegion,
        norm: Norm,
    ) -> Option<bool> {
        let own = margins.hold(region)?;
        let is_void = self.voids(margins.range(region, &own)?);
        if is_void == [true, true] || self.is_apart(region, partners, norm) {
            return Some(true);
        }
        let held = margins.hold(partners)?;
        if keeps_side(is_void, &margins.range(partners, &held)?) {
            return Some(true);
        }
        let segments = margins.hold(&region.hull(partners))?;
        let change = margins.change(self.shifts, norm, &segments);
        if change.is_some_and(|change| change < self.margin.below) {
            return Some(true);
        }
        let by: Vec<_> = self.moves(region, partners).collect();
        let moves = Moves { own: &own, moved: partners, held: &held, by: &by };
        Some(margins.keep_sign(&moves, is_void, self.margin))
    }

    /// True if no point of one box is within Δ of a point of the other.
    fn is_apart(&self, region: &RawRegion, partners: &RawRegion, norm: Norm) -> bool {
        let boxes = [region.clone(), partners.clone()];
        let distance = gaps(&boxes, self.shifts).and_then(|gaps| norm_squared(&gaps, norm));
        distance.is_some_and(|square| square > Rational::ONE)
    }

    /// The least and the greatest difference of partners from their points, feature by feature; raw.
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
struct Axes<'a, F: Form> {
    margins: &'a NetworkMargins<'a, F>,
    region: &'a RawRegion,
    shifts: &'a [Rational],
    /// For negative and for positive margins: true if |m| < μ⁻ on the region.
    is_void: [bool; 2],
    /// The data derived for the region.
    own: &'a Hidden,
    /// The data derived for the region widened everywhere, which holds all shifted copies.
    held: &'a Hidden,
}

impl<F: Form> Axes<'_, F> {
    /// True if the rules hold along every axis. Cheapest first: slopes over the region widened everywhere, then
    /// all rules over the region widened along the one axis; the steepest axes first, which fail soonest.
    fn hold(&self, margin: &Threshold) -> bool {
        let changes = self.margins.changes(self.shifts, self.held);
        let is_slow = |axis: usize| is_below(&changes, axis, margin);
        let mut steep: Vec<_> = (0..self.shifts.len()).filter(|axis| !is_slow(*axis)).collect();
        steep.sort_by(|one, other| changes.get(*other).cmp(&changes.get(*one)));
        steep.into_iter().all(|axis| self.holds_along(axis, margin))
    }

    fn holds_along(&self, axis: usize, margin: &Threshold) -> bool {
        let Some(shift) = self.shifts.get(axis) else { return false };
        let reach = self.only(axis, shift);
        let Some(held) = self.margins.hold(&self.region.widened(&reach)) else { return false };
        is_below(&self.margins.changes(&reach, &held), axis, margin)
            || (self.is_kept(axis, shift, &held, margin)
                && self.is_kept(axis, &-shift.clone(), &held, margin))
    }

    /// A shift along one axis, and 0 along the others.
    fn only(&self, axis: usize, shift: &Rational) -> Vec<Rational> {
        let own = |index| if index == axis { shift.clone() } else { Rational::ZERO };
        (0..self.shifts.len()).map(own).collect()
    }

    /// True if a shifted copy stays on its side, at least where the margin is not below μ⁻; `held` serves it.
    fn is_kept(&self, axis: usize, shift: &Rational, held: &Hidden, margin: &Threshold) -> bool {
        let moved = self.region.shifted(axis, shift);
        let by: Vec<_> = self.only(axis, shift).into_iter().map(|s| (s.clone(), s)).collect();
        let moves = Moves { own: self.own, moved: &moved, held, by: &by };
        self.is_same_side(&moved, held) || self.margins.keep_sign(&moves, self.is_void, margin)
    }

    /// True if, for each sign that is not void, a shifted copy stays strictly on that side.
    fn is_same_side(&self, shifted: &RawRegion, held: &Hidden) -> bool {
        self.margins.range(shifted, held).is_some_and(|range| keeps_side(self.is_void, &range))
    }
}

/// True if the change along an axis is known to stay below μ⁻.
fn is_below(changes: &[Option<Rational>], axis: usize, margin: &Threshold) -> bool {
    changes.get(axis).and_then(Option::as_ref).is_some_and(|change| *change < margin.below)
}

/// True if margins between `least` and `most` stay strictly on the side of each sign that is not void; a point
/// that is not confident may have any partner.
fn keeps_side(
    [negative_void, positive_void]: [bool; 2],
    (least, most): &(Rational, Rational),
) -> bool {
    (negative_void || *most < Rational::ZERO) && (positive_void || *least > Rational::ZERO)
}
