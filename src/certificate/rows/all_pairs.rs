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
//! *In floats*, for the many pairs that are not close to a limit. Each row has, for each of `m`, `F` and `A`, a
//! centre and a radius that holds the exact value. Its coordinates are rounded once; with `e` at least the
//! distance that this can move two rows apart, a computed square `S >= (2²⁴·e)²` of the distance is off by less
//! than 2⁻²¹·S, the roundings of the sum included. `SLACK` pays for that and for the comparison, several times
//! over. Whatever is too small, too large or NaN is decided exactly.
//!
//! Behind a defense the answers stand in the place of `F` ([`defended`]).
//!
//! Equal rows are one site, counted as often as they occur. For the divergence, sites are sorted along a
//! coordinate: sites farther apart along it than ε₁ are vacuous and are not looked at.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::defense::Defense;
use crate::interval::Rational;
use crate::model::{Model, Point};
use crate::spec::{Lowered, PairBound};

use super::coordinates::Coordinates;
use super::defended;
use super::exact::{self, Relation};
use super::floats::{Approximate, Divergent, RateLimits, SquareZone};
use super::site::Site;
use crate::certificate::proof::MOST_WITNESSES;
use crate::certificate::{Arithmetic, Rejection, Totals};

/// Number of sites in a block; one site is compared with a block at a time.
const BLOCK: usize = 256;

/// The rows of a claim about all pairs.
pub struct Pairs<'a> {
    model: &'a Model,
    lowered: &'a Lowered<'a>,
    bound: &'a PairBound,
    /// Length of a raw unit, per feature.
    weights: &'a [Rational],
    arithmetic: Arithmetic,
    /// The defense whose answers the claim is about.
    defense: Option<&'a Defense>,
}

impl<'a> Pairs<'a> {
    /// The pairs that `lowered` is about, if it is about all pairs of rows.
    pub(in crate::certificate) fn new(
        model: &'a Model,
        lowered: &'a Lowered<'a>,
        arithmetic: Arithmetic,
    ) -> Option<Self> {
        let (bound, weights) = lowered.pair_bound()?;
        let defense = lowered.defense();
        Some(Self { model, lowered, bound, weights, arithmetic, defense })
    }

    /// True if the claim is about ordered pairs.
    fn is_ordered(&self) -> bool {
        matches!(self.bound, PairBound::Divergence { .. })
    }

    /// The approximate number of multiply-adds of a count.
    pub(in crate::certificate) fn work(&self) -> u64 {
        let rows = self.lowered.rows().len() as u64;
        let pairs = rows.saturating_mul(rows) / 2;
        let of_pair = self.weights.len() as u64 + 4;
        pairs.saturating_mul(match self.arithmetic {
            Arithmetic::Rounded => of_pair,
            Arithmetic::Exact => of_pair.saturating_mul(1000),
        })
    }

    /// True if every one of these pairs violates the claim.
    pub(in crate::certificate) fn are_violations(
        &self,
        pairs: &[(usize, usize)],
    ) -> Result<bool, Rejection> {
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

    /// The valid rows, equal ones together, in order of the first of each.
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
                sites.push(Site::new(&row.values, index));
            }
        }
        sites
    }

    /// Decides one pair exactly, for `F(a)` and `F(b)` in this order.
    fn relation(&self, a: &Site, b: &Site) -> Relation {
        let square = self.square(a, b);
        let exactly = || (a.exactly(self.model), b.exactly(self.model));
        match (self.bound, self.defense) {
            (PairBound::Lipschitz { .. }, _) if square == Rational::ZERO => Relation::Vacuous,
            (PairBound::Divergence { reach, .. }, _) if square >= reach * reach => {
                Relation::Vacuous
            }
            (PairBound::Lipschitz { constant }, None) => {
                let (a, b) = exactly();
                exact::lipschitz(&(&(constant * constant) * &square), a, b)
            }
            (PairBound::Divergence { limit, .. }, None) => {
                let (a, b) = exactly();
                exact::divergence(limit, a, b)
            }
            (PairBound::Lipschitz { constant }, Some(defense)) => {
                let [a, b] = [a, b].map(|site| site.defended(self.model, defense));
                defended::lipschitz(&(&(constant * constant) * &square), a, b)
            }
            (PairBound::Divergence { limit, .. }, Some(defense)) => {
                let [a, b] = [a, b].map(|site| site.defended(self.model, defense));
                defended::divergence(limit, a, b)
            }
        }
    }

    /// The numbers that a divergence from and to a site needs.
    fn divergent(&self, site: &Site) -> Divergent {
        match self.defense {
            None => site.divergent(self.model),
            Some(defense) => Divergent::Answers(site.defended(self.model, defense).balls()),
        }
    }

    /// Enclosures of the posterior of class 1, and behind a defense of what is left to 1 of class 0.
    fn posterior(&self, site: &Site) -> Approximate {
        match self.defense {
            None => site.posterior(self.model),
            Some(defense) => site.defended(self.model, defense).approximate(),
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
        let posteriors: Vec<Approximate> = sites.iter().map(|site| self.posterior(site)).collect();
        let centres: Vec<f64> = posteriors.iter().map(|p| p.centre).collect();
        // twice the radius, and half of the error of a difference of two numbers of [0, 1]
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
        let balls: Vec<Divergent> = sites.iter().map(|site| self.divergent(site)).collect();
        let zone = SquareZone::new(reach, coordinates.error);
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

/// Numbers of pairs of rows, by outcome; the pairs that are left are vacuous.
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
