//! Sets of raw points, exactly: the domain, and balls inside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::interval::{Decimal, Interval, Rational, Region};
use crate::model::{Kind, Point, Schema};

use super::condition::{Condition, LinearCondition, Link};
use super::{Integers, LowerError, Norm, Units};

/// Lower and upper raw end; `None` where nothing is declared.
type OpenSide = (Option<Rational>, Option<Rational>);

/// Lower and upper raw end.
type Ends = (Rational, Rational);

/// The set on which a claim is made: a raw range per feature, and a mark for features that take whole numbers
/// only.
#[derive(Clone, Debug)]
pub struct Domain {
    sides: Vec<OpenSide>,
    is_whole: Arc<[bool]>,
}

impl Domain {
    /// The declared ranges of `schema`, replaced where `overrides` names a feature. Binary
    /// features without a range take `[0, 1]`. Under [`Integers::Respect`] the ends of integer
    /// features move inward to whole numbers.
    pub fn new(
        schema: &Schema,
        overrides: &BTreeMap<String, (Decimal, Decimal)>,
        integers: Integers,
    ) -> Result<Self, LowerError> {
        let end = |d: &Option<Decimal>| d.as_ref().map(|d| d.value().clone());
        let mut sides: Vec<_> =
            schema.features().iter().map(|f| (end(&f.low), end(&f.high))).collect();
        for (side, feature) in sides.iter_mut().zip(schema.features()) {
            if feature.kind == Kind::Binary && *side == (None, None) {
                *side = (Some(Rational::ZERO), Some(Rational::ONE));
            }
        }
        let mut named = std::collections::BTreeSet::new();
        let unknown: Vec<String> =
            overrides.keys().filter(|name| schema.find(name).is_none()).cloned().collect();
        for (name, (low, high)) in overrides {
            let unknown = || LowerError::no_features(schema, &unknown);
            let feature = schema.find(name).ok_or_else(unknown)?;
            if !named.insert(feature) {
                return Err(LowerError::Twice { name: name.clone() });
            }
            if low.value() > high.value() {
                return Err(LowerError::Range { name: name.clone() });
            }
            let side = sides.get_mut(feature.0).ok_or_else(unknown)?;
            *side = (Some(low.value().clone()), Some(high.value().clone()));
        }
        let respect = integers == Integers::Respect;
        let is_whole: Arc<[bool]> =
            schema.features().iter().map(|f| respect && f.kind.is_whole()).collect();
        for ((low, high), _) in sides.iter_mut().zip(is_whole.iter()).filter(|(_, whole)| **whole) {
            *low = low.take().map(|low| Rational::integer(low.ceil()));
            *high = high.take().map(|high| Rational::integer(high.floor()));
        }
        Ok(Self { sides, is_whole })
    }

    /// Lower and upper raw end per feature, where declared.
    pub fn sides(&self) -> &[(Option<Rational>, Option<Rational>)] {
        &self.sides
    }

    /// Per feature, true if it takes whole numbers only.
    pub fn is_whole(&self) -> &[bool] {
        &self.is_whole
    }

    /// True if the point lies in all ranges and is whole where it must be.
    pub fn contains(&self, point: &Point) -> bool {
        let inside = |((side, whole), x): ((&OpenSide, &bool), &Rational)| {
            side.0.as_ref().is_none_or(|low| low <= x)
                && side.1.as_ref().is_none_or(|high| x <= high)
                && (!whole || x.is_whole())
        };
        point.values().len() == self.sides.len()
            && self.sides.iter().zip(self.is_whole.iter()).zip(point.values()).all(inside)
    }

    /// For a box over one or more copies of the input: the index of the first side that reaches beyond the
    /// declared ranges. For whole features only whole numbers count. A side whose lower end is above its upper
    /// end reaches nowhere.
    pub(super) fn first_beyond(&self, sides: &[Ends]) -> Option<usize> {
        let limits = self.sides.iter().zip(self.is_whole.iter()).cycle();
        let is_beyond = |(ends, ((least, most), is_whole)): (&Ends, (&OpenSide, &bool))| {
            let (low, high) = inward(ends.clone(), *is_whole);
            let leaves = least.as_ref().is_some_and(|least| low < *least)
                || most.as_ref().is_some_and(|most| high > *most);
            low <= high && leaves
        };
        sides.iter().zip(limits).position(is_beyond)
    }

    /// The whole domain as a region; `None` if a feature has no range.
    pub fn region(&self) -> Option<RawRegion> {
        let both = |(low, high): &OpenSide| low.clone().zip(high.clone());
        let sides = self.sides.iter().map(both).collect::<Option<_>>()?;
        Some(RawRegion::plain(sides, Arc::clone(&self.is_whole)))
    }
}

/// The reach around a centre: a ball, or a box with half widths of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    /// The norm and ε of a ball; `None` for a box.
    ball: Option<(Norm, Rational)>,
    /// The length of a raw unit per feature: `scale_i`, or 1 in raw units.
    weights: Arc<[Rational]>,
    /// The raw half widths of the box: of a ball `ε / weights_i`.
    reach: Vec<Rational>,
}

/// A ball: the points with `‖weights·(x − centre)‖ <= epsilon`.
#[derive(Clone, Copy, Debug)]
pub struct Ball<'a> {
    /// Its centre, raw.
    pub centre: &'a [Rational],
    /// The length of a raw unit, per feature; positive.
    pub weights: &'a [Rational],
    /// The norm, by which lengths are added.
    pub norm: Norm,
    /// Its radius.
    pub epsilon: &'a Rational,
}

impl Metric {
    pub(super) fn new(schema: &Schema, units: Units, norm: Norm, epsilon: &Rational) -> Self {
        let weight = |f: &crate::model::FeatureSpec| match units {
            Units::Standardised => f.exact_scale(),
            Units::Raw => Rational::ONE,
        };
        let weights: Arc<[Rational]> = schema.features().iter().map(weight).collect();
        let reach = weights.iter().map(|w| (epsilon / w).expect("scales are positive")).collect();
        Self { ball: Some((norm, epsilon.clone())), weights, reach }
    }

    /// Boxes of these raw half widths.
    pub(super) fn of_box(reach: Vec<Rational>) -> Self {
        let weights = reach.iter().map(|_| Rational::ONE).collect();
        Self { ball: None, weights, reach }
    }

    /// Length of a raw unit per feature.
    pub(super) fn weights(&self) -> &Arc<[Rational]> {
        &self.weights
    }

    /// The raw half widths of the box around a centre.
    pub(super) fn reach(&self) -> &[Rational] {
        &self.reach
    }
}

/// A bounded set of raw points: a box, with whole numbers where they must be, and for a ball the distance from
/// its centre. The box bounds the ball and may be larger. With two copies of the input, a point is both inputs,
/// one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct RawRegion {
    sides: Vec<Ends>,
    is_whole: Arc<[bool]>,
    /// The centre and the reach around it, if there is a centre.
    ball: Option<Arc<(Vec<Rational>, Metric)>>,
    /// Linear conditions of an output region.
    conditions: Arc<[Condition]>,
    /// The links that the conditions make between two copies of the input, if there are two.
    links: Arc<[Link]>,
}

impl RawRegion {
    /// The ball or box around `centre`, intersected with the domain; ends of whole features moved inward.
    pub(super) fn ball(centre: &Point, metric: &Arc<Metric>, domain: &Domain) -> Self {
        let side = |index: usize, x: &Rational| -> Option<Ends> {
            let reach = metric.reach.get(index)?;
            let (low, high) = domain.sides.get(index)?;
            let (below, above) = inward((x - reach, x + reach), *domain.is_whole.get(index)?);
            Some((later(below, low), earlier(above, high)))
        };
        let values = centre.values().iter().enumerate();
        let sides = values.filter_map(|(index, x)| side(index, x)).collect();
        let ball = Some(Arc::new((centre.values().to_vec(), Metric::clone(metric))));
        Self { ball, ..Self::plain(sides, Arc::clone(&domain.is_whole)) }
    }

    /// The ball of the region; the region is the part of it in the box, at whole numbers where they must be.
    /// `None` if the region is no ball.
    pub fn as_ball(&self) -> Option<Ball<'_>> {
        let (centre, Metric { ball, weights, .. }) = self.ball.as_deref()?;
        let (norm, epsilon) = ball.as_ref()?;
        Some(Ball { centre, weights, norm: *norm, epsilon })
    }

    /// The smallest box that holds both boxes.
    pub fn hull(&self, other: &Self) -> Self {
        let both = |((low, high), (from, to)): (&Ends, &Ends)| {
            let low = if from < low { from } else { low };
            let high = if to > high { to } else { high };
            (low.clone(), high.clone())
        };
        let sides = self.sides.iter().zip(&other.sides).map(both).collect();
        Self::plain(sides, Arc::clone(&self.is_whole))
    }

    /// A box and nothing else.
    pub(super) fn plain(sides: Vec<Ends>, is_whole: Arc<[bool]>) -> Self {
        Self { sides, is_whole, ball: None, conditions: Arc::default(), links: Arc::default() }
    }

    /// The box over one or two copies of the input, intersected with the domain, under conditions.
    pub(super) fn joint(domain: &Domain, sides: Vec<Ends>, conditions: Vec<Condition>) -> Self {
        let within = |((low, high), (side, whole)): (Ends, (&OpenSide, &bool))| {
            inward((later(low, &side.0), earlier(high, &side.1)), *whole)
        };
        let features = domain.sides.len();
        let links = match sides.len() == 2 * features {
            true => Link::all(&conditions, features),
            false => Arc::default(),
        };
        let limits = domain.sides.iter().zip(domain.is_whole.iter()).cycle();
        let is_whole = domain.is_whole.iter().copied().cycle().take(sides.len()).collect();
        let sides = sides.into_iter().zip(limits).map(within).collect();
        Self { conditions: conditions.into(), links, ..Self::plain(sides, is_whole) }
    }

    /// Lower and upper raw ends per feature.
    pub fn sides(&self) -> &[(Rational, Rational)] {
        &self.sides
    }

    /// The linear conditions `coefficients·x <= rhs` on raw values.
    pub fn conditions(&self) -> impl Iterator<Item = (&[Rational], &Rational)> {
        self.conditions.iter().map(|c| (c.coefficients.as_slice(), &c.rhs))
    }

    /// The conditions in standardised coordinates and in floats, in the same order. Every point of the box that
    /// meets the conditions satisfies them.
    pub fn linear_conditions(&self, schema: &Schema) -> Arc<[LinearCondition]> {
        let features = schema.features();
        self.conditions.iter().map(|c| c.standardised(features, &self.sides)).collect()
    }

    /// The bounds that the conditions set on each `x′_i − x_i` alone, where a point is two inputs.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Per feature, true if it takes whole numbers only.
    pub fn is_whole(&self) -> &[bool] {
        &self.is_whole
    }

    /// True if there is no point at all in the box.
    pub fn is_empty(&self) -> bool {
        self.sides.iter().any(|(low, high)| low > high)
    }

    /// True if one of the conditions alone leaves no point of the box, or two of them leave no difference
    /// between the copies of a feature.
    pub(super) fn is_excluded(&self) -> bool {
        let features = self.sides.len() / 2;
        self.conditions.iter().any(|condition| condition.excludes(&self.sides))
            || Link::contradict(&self.conditions, features, |feature| {
                [feature, features + feature].iter().all(|at| self.is_whole.get(*at) == Some(&true))
            })
    }

    /// Decides exactly whether the point belongs to the set.
    pub fn contains(&self, point: &Point) -> bool {
        let in_box = |((side, whole), x): ((&Ends, &bool), &Rational)| {
            side.0 <= *x && *x <= side.1 && (!whole || x.is_whole())
        };
        point.values().len() == self.sides.len()
            && self.sides.iter().zip(self.is_whole.iter()).zip(point.values()).all(in_box)
            && self.as_ball().is_none_or(|ball| is_within(&ball, point))
            && self.conditions.iter().all(|condition| condition.holds(point))
    }

    /// The box in standardised coordinates, rounded outward; `None` if it is empty.
    pub fn standardised(&self, schema: &Schema) -> Option<Region> {
        let side = |(feature, (low, high)): (&crate::model::FeatureSpec, &Ends)| {
            let end = |x| feature.standardise_exactly(x);
            Interval::enclosing(&end(low), &end(high))
        };
        let features = schema.features().iter().cycle();
        features.zip(&self.sides).map(side).collect::<Option<_>>().map(Region::new)
    }

    /// The halves `z_feature <= at` and `z_feature >= at`; ends of whole features move inward if `is_tight`. If
    /// conditions bind the feature of one copy to that of the other, both sides are cut. `None` if `at` lies
    /// outside the side or the feature does not exist.
    pub fn halved(
        &self,
        schema: &Schema,
        feature: usize,
        at: f64,
        is_tight: bool,
    ) -> Option<(Self, Self)> {
        let spec = schema.features().get(feature % schema.len())?;
        let (low, high) = self.sides.get(feature)?;
        // z = scale·(x − mean)
        let raw = &(&Rational::from_f64(at)? / &spec.exact_scale())? + &spec.exact_mean();
        if raw < *low || raw > *high {
            return None;
        }
        let is_whole = is_tight && self.is_whole.get(feature).copied().unwrap_or(false);
        let (above, below) = inward((raw.clone(), raw), is_whole);
        let (mut first, mut second) = (self.clone(), self.clone());
        first.sides.get_mut(feature)?.1 = below;
        second.sides.get_mut(feature)?.0 = above;
        Some((first.tightened(), second.tightened()))
    }

    /// The box cut by the links, feature by feature; no point that meets the conditions is lost.
    fn tightened(mut self) -> Self {
        let (links, features) = (Arc::clone(&self.links), self.sides.len() / 2);
        for Link { feature, least, most } in links.iter() {
            let feature = *feature;
            let is_whole = self.is_whole.get(feature).copied().unwrap_or(false);
            let (Some(from), Some(to)) =
                (self.sides.get(feature), self.sides.get(features + feature))
            else {
                continue;
            };
            let (mut from, mut to) = (from.clone(), to.clone());
            if let Some(least) = least {
                to.0 = to.0.max(&from.0 + least);
                from.1 = from.1.min(&to.1 - least);
            }
            if let Some(most) = most {
                to.1 = to.1.min(&from.1 + most);
                from.0 = from.0.max(&to.0 - most);
            }
            for (index, ends) in [(feature, from), (features + feature, to)] {
                if let Some(side) = self.sides.get_mut(index) {
                    *side = inward(ends, is_whole);
                }
            }
        }
        self
    }

    /// Cuts one side to these ends.
    pub(super) fn narrow(&mut self, feature: usize, (low, high): (Rational, Rational)) {
        let is_whole = self.is_whole.get(feature).copied().unwrap_or(false);
        if let Some(side) = self.sides.get_mut(feature) {
            let ends = (side.0.clone().max(low), side.1.clone().min(high));
            *side = inward(ends, is_whole);
        }
    }

    /// The box moved by `shift` along one feature (raw units), not cut to the domain and with no whole-number
    /// condition. The shifted copies of its points lie there.
    pub fn shifted(&self, feature: usize, shift: &Rational) -> Self {
        let mut sides = self.sides.clone();
        if let Some((low, high)) = sides.get_mut(feature) {
            (*low, *high) = (&*low + shift, &*high + shift);
        }
        Self::plain(sides, self.is_whole.iter().map(|_| false).collect())
    }

    /// The box widened by `reach[i]` on both sides of every feature, as far as the domain reaches; ends of
    /// whole features moved inward. It holds every point of the domain that is at most that far from some
    /// point of the box.
    pub fn neighbourhood(&self, reach: &[Rational], domain: &Self) -> Self {
        let sides = self.widened(reach).sides.into_iter().zip(&domain.sides);
        let within = |((ends, limits), is_whole): ((Ends, &Ends), &bool)| {
            let ((low, high), (least, most)) = (ends, limits.clone());
            inward((low.max(least), high.min(most)), *is_whole)
        };
        let sides = sides.zip(self.is_whole.iter()).map(within).collect();
        Self::plain(sides, Arc::clone(&self.is_whole))
    }

    /// The box widened by `reach[i]` on both sides of every feature. Like [`RawRegion::shifted`], it is not cut
    /// to the domain and has no whole-number condition.
    pub fn widened(&self, reach: &[Rational]) -> Self {
        let widen = |((low, high), r): (&Ends, &Rational)| (low - r, high + r);
        let sides = self.sides.iter().zip(reach).map(widen).collect();
        Self::plain(sides, self.is_whole.iter().map(|_| false).collect())
    }
}

/// The ends of a side, moved inward to whole numbers if it takes only these.
fn inward((low, high): Ends, is_whole: bool) -> Ends {
    match is_whole {
        true => (Rational::integer(low.ceil()), Rational::integer(high.floor())),
        false => (low, high),
    }
}

/// The larger of `a` and the limit; `a` if no limit is declared.
fn later(a: Rational, limit: &Option<Rational>) -> Rational {
    match limit {
        Some(limit) if *limit > a => limit.clone(),
        _ => a,
    }
}

/// The smaller of `a` and the limit; `a` if no limit is declared.
fn earlier(a: Rational, limit: &Option<Rational>) -> Rational {
    match limit {
        Some(limit) if *limit < a => limit.clone(),
        _ => a,
    }
}

/// `‖weights·(point − centre)‖ <= ε`, exactly.
fn is_within(ball: &Ball, point: &Point) -> bool {
    let pairs = ball.centre.iter().zip(point.values()).zip(ball.weights);
    let mut distances = pairs.map(|((c, x), w)| w * &(x - c).abs());
    match ball.norm {
        Norm::Linf => distances.all(|d| d <= *ball.epsilon),
        Norm::L1 => distances.fold(Rational::ZERO, |sum, d| &sum + &d) <= *ball.epsilon,
        Norm::L2 => {
            let squares = distances.fold(Rational::ZERO, |sum, d| &sum + &(&d * &d));
            squares <= ball.epsilon * ball.epsilon
        }
    }
}
