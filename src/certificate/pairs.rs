//! Claims about all pairs of rows: every pair is decided here, and nothing is read but witnesses.
//!
//! With two classes both claims compare functions of the two margins with the distance of the rows
//! (`F = σ(m)`, `A(m) = ln(1 + e^m)`):
//!
//! ```text
//! Lipschitz   2·(F − F′)²                  <=  L²·‖x − x′‖²      unless x = x′
//! divergence  A(m′) − A(m) − F·(m′ − m)    <   ε₂                where ‖x − x′‖ < ε₁
//! ```
//!
//! *Exactly*: margins and squared distances are rationals, σ and A are enclosed, and a comparison
//! that the enclosures leave open is undecided. Where `m = m′` both left sides are 0.
//!
//! *In floats*, for the many pairs that are not close to a limit. Each row has for `m`, `F` and `A`
//! a centre and a radius that holds the exact value. Its coordinates are rounded once; with `e` at
//! least the distance that this can move two rows apart, a computed square `S >= (2²⁴·e)²` of the
//! distance is off by less than 2⁻²¹·S, the roundings of the sum included. [`SLACK`] pays for that
//! and for the comparison, several times over. Whatever is too small, too large or NaN is decided
//! exactly.
//!
//! Equal rows are one site, counted as often as they occur. For the divergence, sites are sorted along
//! a coordinate: those farther apart along it than ε₁ are vacuous without being looked at.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::interval::{Interval, Rational, sigmoid, softplus};
use crate::model::{Family, Model, Point};
use crate::spec::{Lowered, PairBound};

use super::format::MOST_WITNESSES;
use super::{Arithmetic, Rejection, Totals};

/// How far apart two sides must be, relatively, to be compared in floats.
const SLACK: f64 = 1.0 / (1 << 19) as f64;
/// Squares outside `[LEAST, 1/LEAST]` are decided exactly: inside nothing underflows or overflows.
const LEAST: f64 = 1e-140;
/// Sites that are compared with one at a time.
const BLOCK: usize = 256;

/// The rows of a claim about all pairs.
pub struct Pairs<'a> {
    model: &'a Model,
    lowered: &'a Lowered<'a>,
    bound: &'a PairBound,
    /// Length of a raw unit, per feature.
    weights: &'a [Rational],
    arithmetic: Arithmetic,
}

/// What is true of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Holds,
    Fails,
    Open,
    Vacuous,
}

/// Rows that are equal.
struct Site<'a> {
    values: &'a [f64],
    /// Positions of the rows, ascending.
    rows: Vec<usize>,
    exact: OnceCell<Exactly>,
}

/// What the model says of a site.
struct Exactly {
    margin: Rational,
    /// Around `σ(m)`.
    posterior: (Rational, Rational),
    /// Around `ln(1 + e^m)`.
    softplus: (Rational, Rational),
}

/// A float within `radius` of an exact value; an infinite or NaN radius says nothing.
#[derive(Clone, Copy)]
struct Ball {
    centre: f64,
    radius: f64,
}

impl Ball {
    fn around(low: &Rational, high: &Rational) -> Self {
        let (low, high) = (low.down(), high.up());
        let centre = low / 2.0 + high / 2.0;
        let (below, above) = (centre - low, high - centre);
        Self { centre, radius: if below > above { below } else { above }.next_up() }
    }
}

impl<'a> Pairs<'a> {
    /// The pairs that `lowered` is about, if it is about all pairs of rows.
    pub(super) fn new(
        model: &'a Model,
        lowered: &'a Lowered<'a>,
        arithmetic: Arithmetic,
    ) -> Option<Self> {
        let (bound, weights) = lowered.pair_bound()?;
        Some(Self { model, lowered, bound, weights, arithmetic })
    }

    /// Whether the claim is about ordered pairs.
    fn is_ordered(&self) -> bool {
        matches!(self.bound, PairBound::Divergence { .. })
    }

    /// Multiply-adds of a count, about.
    pub(super) fn work(&self) -> u64 {
        let rows = self.lowered.rows().len() as u64;
        let pairs = rows.saturating_mul(rows) / 2;
        let of_pair = self.weights.len() as u64 + 4;
        pairs.saturating_mul(match self.arithmetic {
            Arithmetic::Rounded => of_pair,
            Arithmetic::Exact => of_pair.saturating_mul(1000),
        })
    }

    /// Whether every one of these pairs violates the claim.
    pub(super) fn are_violations(&self, pairs: &[(usize, usize)]) -> Result<bool, Rejection> {
        let rows = self.lowered.rows().len();
        let mut seen = std::collections::BTreeSet::new();
        for &(a, b) in pairs {
            if let Some(index) = [a, b].into_iter().find(|index| *index >= rows) {
                return Err(Rejection::Index { what: "row", index });
            }
            if a == b || (a > b && !self.is_ordered()) || !seen.insert((a, b)) {
                return Err(Rejection::Twice {
                    what: "a row of a pair or a pair of rows",
                    index: a,
                });
            }
        }
        if pairs.is_empty() {
            return Ok(true);
        }
        let sites = self.sites();
        let of_row: BTreeMap<usize, &Site> =
            sites.iter().flat_map(|site| site.rows.iter().map(move |&row| (row, site))).collect();
        // an invalid row has no site
        let fails = |&(a, b): &(usize, usize)| match (of_row.get(&a), of_row.get(&b)) {
            (Some(a), Some(b)) => self.relation(a, b) == Relation::Fails,
            _ => false,
        };
        Ok(pairs.iter().all(fails))
    }

    /// Decides every pair; `witnesses` gets some that violate the claim.
    pub fn count(&self, witnesses: &mut Vec<(usize, usize)>) -> Totals {
        let (coordinates, sites) = Coordinates::new(self.weights, self.sites());
        let mut count = Count::default();
        match self.bound {
            PairBound::Lipschitz { constant } => {
                self.lipschitz(&sites, &coordinates, constant, &mut count);
            }
            PairBound::Divergence { reach, limit } => {
                self.divergence(&sites, &coordinates, (reach, limit), &mut count);
            }
        }
        count.witnesses.sort_unstable();
        witnesses.append(&mut count.witnesses);
        let pairs = |n: u64| {
            let ordered = n.saturating_mul(n.saturating_sub(1));
            if self.is_ordered() { ordered } else { ordered / 2 }
        };
        let valid = pairs(sites.iter().map(Site::size).sum());
        let Count { mut proved, refuted, undecided, .. } = count;
        if self.is_ordered() {
            // equal rows: the distance is 0 < ε₁ and the divergence 0 < ε₂
            proved += sites.iter().map(|site| pairs(site.size())).sum::<u64>();
        }
        Totals {
            proved,
            refuted,
            undecided,
            vacuous: valid.saturating_sub(proved + refuted + undecided),
            invalid: pairs(self.lowered.rows().len() as u64) - valid,
        }
    }

    /// The valid rows, equal ones together, in order of their first.
    fn sites(&self) -> Vec<Site<'a>> {
        let mut known: BTreeMap<Vec<u64>, usize> = BTreeMap::new();
        let mut sites: Vec<Site> = Vec::new();
        for (index, row) in self.lowered.rows().iter().enumerate() {
            // −0 is 0
            let key = row.values.iter().map(|x| (x + 0.0).to_bits()).collect();
            if let Some(site) = known.get(&key).and_then(|&site| sites.get_mut(site)) {
                site.rows.push(index);
                continue;
            }
            let point = Point::from_floats(&row.values);
            if point.is_some_and(|point| self.lowered.is_in_domain(&point)) {
                known.insert(key, sites.len());
                let exact = OnceCell::new();
                sites.push(Site { values: &row.values, rows: vec![index], exact });
            }
        }
        sites
    }

    /// Decides one pair exactly, for `F(a)` and `F(b)` in this order.
    fn relation(&self, a: &Site, b: &Site) -> Relation {
        let square = self.square(a, b);
        let (a, b) = (a.exactly(self.model), b.exactly(self.model));
        match self.bound {
            PairBound::Lipschitz { .. } if square == Rational::ZERO => Relation::Vacuous,
            PairBound::Lipschitz { constant } => {
                lipschitz_relation(&(&(constant * constant) * &square), a, b)
            }
            PairBound::Divergence { reach, .. } if square >= reach * reach => Relation::Vacuous,
            PairBound::Divergence { limit, .. } => divergence_relation(limit, a, b),
        }
    }

    /// `‖x − x′‖²`.
    fn square(&self, a: &Site, b: &Site) -> Rational {
        let coordinates = self.weights.iter().zip(a.values.iter().zip(b.values));
        coordinates.fold(Rational::ZERO, |sum, (weight, (&x, &y))| {
            // rows are finite: the reader has made sure
            let value = |x| Rational::from_f64(x).unwrap_or(Rational::ZERO);
            let length = weight * &(&value(x) - &value(y));
            &sum + &(&length * &length)
        })
    }

    /// The squared distances of site `i` from those of `range`, in floats; NaN in exact arithmetic.
    fn squares(&self, coordinates: &Coordinates, i: usize, range: &Range<usize>, out: &mut [f64]) {
        let is_exact = self.arithmetic == Arithmetic::Exact;
        out.fill(if is_exact { f64::NAN } else { 0.0 });
        if is_exact {
            return;
        }
        for column in &coordinates.columns {
            let (Some(&own), Some(others)) = (column.get(i), column.get(range.clone())) else {
                continue;
            };
            for (sum, other) in out.iter_mut().zip(others) {
                let d = other - own;
                *sum += d * d;
            }
        }
    }

    fn lipschitz(
        &self,
        sites: &[Site],
        coordinates: &Coordinates,
        constant: &Rational,
        count: &mut Count,
    ) {
        let posteriors: Vec<Ball> = sites.iter().map(|site| site.posterior(self.model)).collect();
        let centres: Vec<f64> = posteriors.iter().map(|p| p.centre).collect();
        // twice the radius, and half of what a difference of two numbers of [0, 1] is off by
        let radii: Vec<f64> = posteriors.iter().map(|p| 2.0 * p.radius + f64::EPSILON).collect();
        let sizes: Vec<u64> = sites.iter().map(Site::size).collect();
        let limits = RateLimits::new(constant, coordinates.error);
        let mut squares = [0.0; BLOCK];
        for start in (0..sites.len()).step_by(BLOCK) {
            let end = sites.len().min(start + BLOCK);
            for i in 0..end {
                let range = start.max(i + 1)..end;
                let Some(squares) = squares.get_mut(..range.len()) else { continue };
                self.squares(coordinates, i, &range, squares);
                let own = (centres.get(i), radii.get(i), sizes.get(i));
                let (Some(&centre), Some(&radius), Some(&size)) = own else { continue };
                let parts = (
                    centres.get(range.clone()),
                    radii.get(range.clone()),
                    sizes.get(range.clone()),
                );
                let (Some(centres), Some(radii), Some(sizes)) = parts else { continue };
                let others = || centres.iter().zip(radii).zip(sizes).zip(squares.iter());
                let (mut proved, mut refuted, mut open) = (0, 0, 0u64);
                for (((c, r), n), &square) in others() {
                    let (holds, fails) = limits.compare((c - centre).abs(), radius + r, square);
                    proved += if holds { *n } else { 0 };
                    refuted += if fails { *n } else { 0 };
                    open += u64::from(!(holds | fails));
                }
                count.proved += size * proved;
                count.refuted += size * refuted;
                if open == 0 && (refuted == 0 || count.has_enough_witnesses()) {
                    continue;
                }
                for (k, (((c, r), _), &square)) in range.clone().zip(others()) {
                    let (holds, fails) = limits.compare((c - centre).abs(), radius + r, square);
                    let (Some(a), Some(b)) = (sites.get(i), sites.get(k)) else { continue };
                    if fails {
                        count.witness(a, b, false);
                    } else if !holds {
                        count.add(self.relation(a, b), a, b, false);
                    }
                }
            }
        }
    }

    fn divergence(
        &self,
        sites: &[Site],
        coordinates: &Coordinates,
        (reach, limit): (&Rational, &Rational),
        count: &mut Count,
    ) {
        let balls: Vec<Divergent> = sites.iter().map(|site| site.divergent(self.model)).collect();
        let zone = Zone::new(reach, coordinates.error);
        let limit = (limit.down(), limit.up());
        let mut squares = [0.0; BLOCK];
        for (i, (a, own)) in sites.iter().zip(&balls).enumerate() {
            let last = match self.arithmetic {
                Arithmetic::Rounded => coordinates.last_within(i, reach),
                Arithmetic::Exact => sites.len(),
            };
            for start in (i + 1..last).step_by(BLOCK) {
                let range = start..last.min(start + BLOCK);
                let Some(squares) = squares.get_mut(..range.len()) else { continue };
                self.squares(coordinates, i, &range, squares);
                let others = sites.iter().zip(&balls).skip(start);
                for (&square, (b, other)) in squares.iter().zip(others) {
                    if zone.is_far(square) {
                        continue;
                    }
                    for (from, to, x, y) in [(a, b, own, other), (b, a, other, own)] {
                        let relation = match x.compare(y, limit) {
                            Some(relation) if zone.is_near(square) => relation,
                            _ => self.relation(from, to),
                        };
                        count.add(relation, from, to, true);
                    }
                }
            }
        }
    }
}

/// `2·(F − F′)² <= rate`, for `rate = L²·‖x − x′‖²`.
fn lipschitz_relation(rate: &Rational, a: &Exactly, b: &Exactly) -> Relation {
    if a.margin == b.margin {
        return Relation::Holds;
    }
    if *rate == Rational::ZERO {
        // σ is strictly increasing
        return Relation::Fails;
    }
    let gap = |upper: &Exactly, lower: &Exactly| {
        let (least, most) =
            (&upper.posterior.0 - &lower.posterior.1, &upper.posterior.1 - &lower.posterior.0);
        (if least > Rational::ZERO { least } else { Rational::ZERO }, most)
    };
    let (least, most) = if a.margin > b.margin { gap(a, b) } else { gap(b, a) };
    let doubled_square = |gap: &Rational| &(gap * gap) + &(gap * gap);
    if doubled_square(&most) <= *rate {
        Relation::Holds
    } else if doubled_square(&least) > *rate {
        Relation::Fails
    } else {
        Relation::Open
    }
}

/// `A(m′) − A(m) − F·(m′ − m) < limit`.
fn divergence_relation(limit: &Rational, a: &Exactly, b: &Exactly) -> Relation {
    if a.margin == b.margin {
        return Relation::Holds;
    }
    let step = &b.margin - &a.margin;
    let (p, q) = (&a.posterior.0 * &step, &a.posterior.1 * &step);
    let (least, most) = if p <= q { (p, q) } else { (q, p) };
    let below = &(&b.softplus.0 - &a.softplus.1) - &most;
    let above = &(&b.softplus.1 - &a.softplus.0) - &least;
    if above < *limit {
        Relation::Holds
    } else if below >= *limit {
        Relation::Fails
    } else {
        Relation::Open
    }
}

impl Site<'_> {
    /// How many rows.
    fn size(&self) -> u64 {
        self.rows.len() as u64
    }

    fn exactly(&self, model: &Model) -> &Exactly {
        self.exact.get_or_init(|| {
            let scores = Point::from_floats(self.values).map(|point| model.exact_scores(&point));
            let margin = match scores.as_deref() {
                Some([zero, one]) => one - zero,
                // lowering asks for two classes
                _ => Rational::ZERO,
            };
            let (posterior, softplus) = (sigmoid(&margin), softplus(&margin));
            Exactly { margin, posterior, softplus }
        })
    }

    /// Around the margin: by a pass of intervals, exactly where that overflows.
    fn margin(&self, model: &Model) -> (Rational, Rational) {
        let pass = || {
            let Family::Mlp(mlp) = &model.family else { return None };
            let features = model.schema.features().iter().zip(self.values);
            let input = features.map(|(feature, &x)| {
                let z = feature.standardise_exactly(&Rational::from_f64(x)?);
                Interval::enclosing(&z, &z)
            });
            let logits = mlp.forward(&Interval::point(1.0), input.collect::<Option<_>>()?);
            let [zero, one] = logits.as_slice() else { return None };
            let margin = *one + zero.scale(-1.0);
            Rational::from_f64(margin.lo()).zip(Rational::from_f64(margin.hi()))
        };
        pass().unwrap_or_else(|| {
            let margin = &self.exactly(model).margin;
            (margin.clone(), margin.clone())
        })
    }

    fn posterior(&self, model: &Model) -> Ball {
        let (low, high) = self.margin(model);
        Ball::around(&sigmoid(&low).0, &sigmoid(&high).1)
    }

    fn divergent(&self, model: &Model) -> Divergent {
        let (low, high) = self.margin(model);
        Divergent {
            margin: Ball::around(&low, &high),
            posterior: Ball::around(&sigmoid(&low).0, &sigmoid(&high).1),
            softplus: Ball::around(&softplus(&low).0, &softplus(&high).1),
        }
    }
}

/// Coordinates in the units of the distance, from that of the first site, rounded once.
struct Coordinates {
    /// `[features][sites]`
    columns: Vec<Vec<f64>>,
    /// At least the distance by which rounding moves two sites relative to each other.
    error: f64,
    /// The column along which sites ascend, and what it adds to [`Coordinates::error`].
    sorted: (usize, f64),
    /// How many.
    sites: usize,
}

impl Coordinates {
    /// The coordinates of the sites, and the sites sorted along the widest.
    fn new<'a>(weights: &[Rational], sites: Vec<Site<'a>>) -> (Self, Vec<Site<'a>>) {
        let origin: Vec<Rational> = sites.first().map_or(Vec::new(), |site| {
            site.values.iter().filter_map(|&x| Rational::from_f64(x)).collect()
        });
        let place = |site: &Site| -> Vec<f64> {
            let axes = weights.iter().zip(&origin).zip(site.values);
            let length = |((weight, origin), &x): ((&Rational, &Rational), &f64)| {
                Rational::from_f64(x).map_or(f64::NAN, |x| (weight * &(&x - origin)).down())
            };
            axes.map(length).collect()
        };
        let mut placed: Vec<(Vec<f64>, Site)> =
            sites.into_iter().map(|site| (place(&site), site)).collect();
        let largest = |axis: usize| {
            placed
                .iter()
                .filter_map(|(at, _)| at.get(axis))
                .fold(0.0, |top: f64, x| if x.abs() > top { x.abs() } else { top })
        };
        let sizes: Vec<f64> = (0..weights.len()).map(largest).collect();
        // each coordinate is at most a unit in the last place away; twice that for two sites
        let errors: Vec<f64> =
            sizes.iter().map(|size| 4.0 * (size * f64::EPSILON + f64::from_bits(1))).collect();
        let error = 2.0 * errors.iter().sum::<f64>();
        let widest = (0..sizes.len()).max_by(|&a, &b| {
            let size = |axis| sizes.get(axis).copied().unwrap_or(0.0);
            size(a).total_cmp(&size(b))
        });
        let axis = widest.unwrap_or(0);
        let along = |at: &[f64]| at.get(axis).copied().unwrap_or(0.0);
        placed.sort_by(|(a, _), (b, _)| along(a).total_cmp(&along(b)));
        let column = |axis: usize| {
            placed.iter().map(|(at, _)| at.get(axis).copied().unwrap_or(f64::NAN)).collect()
        };
        let columns = (0..weights.len()).map(column).collect();
        let sorted = (axis, errors.get(axis).copied().unwrap_or(f64::NAN));
        let sites: Vec<Site> = placed.into_iter().map(|(_, site)| site).collect();
        (Self { columns, error, sorted, sites: sites.len() }, sites)
    }

    /// The end of the sites from `i` on that may be closer than `reach` along the sorted axis.
    fn last_within(&self, i: usize, reach: &Rational) -> usize {
        let (axis, error) = self.sorted;
        let Some(column) = self.columns.get(axis) else { return self.sites };
        let own = column.get(i).copied().unwrap_or(f64::NAN);
        let end = (own + (reach.up() + 2.0 * error).next_up()).next_up();
        // an end that is NaN leaves nothing out
        column.partition_point(|x| x.partial_cmp(&end) != Some(Ordering::Greater))
    }
}

/// `L²` for comparisons in floats.
struct RateLimits {
    /// Less than L².
    low: f64,
    /// More than L².
    high: f64,
    /// Squares of distances that are compared in floats.
    least: f64,
    most: f64,
}

impl RateLimits {
    fn new(constant: &Rational, error: f64) -> Self {
        let rate = (constant * constant).down();
        let is_small = rate < LEAST && *constant != Rational::ZERO;
        Self {
            low: rate * (1.0 - SLACK),
            high: rate * (1.0 + SLACK),
            least: if is_small || rate > 1.0 / LEAST { f64::INFINITY } else { trusted_from(error) },
            most: 1.0 / LEAST,
        }
    }

    /// Whether `2·gap² <= L²·square` for certain, and whether it fails for certain, for every
    /// `gap` within `radius` of the given.
    fn compare(&self, gap: f64, radius: f64, square: f64) -> (bool, bool) {
        let (top, bottom) = (gap + radius, gap - radius);
        let is_trusted = (square >= self.least) & (square <= self.most);
        let holds = is_trusted & (2.0 * top * top <= self.low * square);
        let fails = is_trusted & (bottom > 0.0) & (2.0 * bottom * bottom >= self.high * square);
        (holds, fails)
    }
}

/// The least square that is off by at most 2⁻²¹ of itself.
fn trusted_from(error: f64) -> f64 {
    let length = error * (1 << 24) as f64;
    let square = length * length;
    // NaN and infinity stay
    if square < LEAST { LEAST } else { square }
}

/// `ε₁²` for comparisons in floats.
struct Zone {
    /// From here on a pair is vacuous for certain.
    far: f64,
    /// Up to here a pair is not, for certain.
    near: f64,
}

impl Zone {
    fn new(reach: &Rational, error: f64) -> Self {
        let square = reach * reach;
        let (low, high) = (square.down() * (1.0 - SLACK), square.up() * (1.0 + SLACK));
        let trusted = trusted_from(error);
        Self {
            far: if high > trusted { high } else { trusted },
            // a square that is not trusted is at most 2·trusted
            near: if low > 4.0 * trusted { low } else { f64::NEG_INFINITY },
        }
    }

    fn is_far(&self, square: f64) -> bool {
        square >= self.far && square <= 1.0 / LEAST
    }

    fn is_near(&self, square: f64) -> bool {
        square <= self.near
    }
}

/// What the divergence needs of a site.
struct Divergent {
    margin: Ball,
    posterior: Ball,
    softplus: Ball,
}

impl Divergent {
    /// `A(m′) − A(m) − F·(m′ − m)` against `[below, above]` around the limit; `None` if too close.
    fn compare(&self, other: &Self, (below, above): (f64, f64)) -> Option<Relation> {
        let step = other.margin.centre - self.margin.centre;
        let value = (other.softplus.centre - self.softplus.centre) - self.posterior.centre * step;
        let radii = other.softplus.radius
            + self.softplus.radius
            + other.margin.radius
            + self.margin.radius
            + self.posterior.radius * step.abs();
        let sizes = [self.softplus, other.softplus, self.margin, other.margin]
            .iter()
            .fold(0.0, |sum, ball| sum + ball.centre.abs());
        // doubled, which pays for the roundings of the error itself
        let error = 2.0 * (radii + 4.0 * f64::EPSILON * sizes) + LEAST;
        if value + error < below {
            Some(Relation::Holds)
        } else if value - error > above {
            Some(Relation::Fails)
        } else {
            None
        }
    }
}

/// Pairs of rows by what is true of them; vacuous ones are what is left.
#[derive(Default)]
struct Count {
    proved: u64,
    refuted: u64,
    undecided: u64,
    witnesses: Vec<(usize, usize)>,
}

impl Count {
    fn add(&mut self, relation: Relation, a: &Site, b: &Site, is_ordered: bool) {
        let pairs = a.size() * b.size();
        match relation {
            Relation::Holds => self.proved += pairs,
            Relation::Open => self.undecided += pairs,
            Relation::Vacuous => {}
            Relation::Fails => {
                self.refuted += pairs;
                self.witness(a, b, is_ordered);
            }
        }
    }

    fn has_enough_witnesses(&self) -> bool {
        self.witnesses.len() >= MOST_WITNESSES
    }

    fn witness(&mut self, a: &Site, b: &Site, is_ordered: bool) {
        let first = |site: &Site| site.rows.first().copied();
        if let (Some(a), Some(b), false) = (first(a), first(b), self.has_enough_witnesses()) {
            self.witnesses.push(if a < b || is_ordered { (a, b) } else { (b, a) });
        }
    }
}
