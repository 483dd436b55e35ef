//! The labels that the certificate itself gives away.
//!
//! Counts the points of a reference distribution that Q queries settle: those in a proved patch or in
//! the proved order of a queried point (`infer.rs`). Queries are chosen greedily, each where it settles
//! the most new points. A holder of the certificate can learn at least this much with Q well-chosen
//! queries.

use serde::Serialize;

use crate::certificate::Proved;
use crate::model::Model;
use crate::oracle::exact_label;

use super::covering;
use super::inference::{CertifiedLabels, PlacedPoint};

/// Labels settled by a number of queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// Queries used; fewer than allowed if everything is settled earlier.
    pub queries: usize,
    /// Reference points whose label follows, the queried ones included.
    pub settled: usize,
    /// Reference points.
    pub total: usize,
    /// Labels that follow and are not the model's exact label; 0 unless a proof is false.
    pub wrong: usize,
}

/// The points that a greedy choice of queries settles, query after query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settling {
    /// Points settled, and wrong ones among them, after 0, 1, 2, … queries.
    after: Vec<(usize, usize)>,
    total: usize,
}

impl Settling {
    /// The points that the first `queries` settle. The greedy choice does not look ahead, so a smaller budget
    /// is the beginning of a larger one.
    pub fn at(&self, queries: usize) -> Settled {
        let queries = queries.min(self.after.len().saturating_sub(1));
        let (settled, wrong) = self.after.get(queries).copied().unwrap_or_default();
        Settled { queries, settled, total: self.total, wrong }
    }
}

/// Settles `reference` points (raw values) with at most `queries` of them.
///
/// Greedy in hindsight: the choice looks at the labels, as an attacker with hindsight would. Costs
/// `n²` comparisons of points and `n²/8` bytes.
pub fn settled(
    model: &Model,
    reference: &[Vec<f64>],
    proved: &[Proved],
    queries: usize,
) -> Settling {
    settle(model, reference, &CertifiedLabels::new(proved, model.classes), queries)
}

pub(super) fn settle(
    model: &Model,
    reference: &[Vec<f64>],
    labels: &CertifiedLabels,
    queries: usize,
) -> Settling {
    let truth: Vec<Option<usize>> = reference.iter().map(|x| exact_label(model, None, x)).collect();
    let covers = covers(reference, &truth, labels);
    greedy(&covers, &truth, queries)
}

/// The points that each query settles.
fn covers(reference: &[Vec<f64>], truth: &[Option<usize>], labels: &CertifiedLabels) -> Vec<Cover> {
    let places: Vec<PlacedPoint> = reference.iter().map(|x| labels.locate(x)).collect();
    let cover =
        |query: usize| Cover::of_query(labels, &places, query, truth.get(query).copied().flatten());
    (0..places.len()).map(cover).collect()
}

/// Each query where it settles most.
fn greedy(covers: &[Cover], truth: &[Option<usize>], queries: usize) -> Settling {
    let mut open = Cover::full(covers.len());
    let (mut settled, mut wrong) = (0, 0);
    let mut after = vec![(0, 0)];
    while after.len() <= queries {
        let gains = covers.iter().map(|cover| cover.common(&open));
        // the first of the best, so that ties depend on nothing else
        let Some((query, gain)) =
            gains.enumerate().rev().max_by_key(|(_, gain)| *gain).filter(|(_, gain)| *gain > 0)
        else {
            break;
        };
        settled += gain as usize;
        if let Some(cover) = covers.get(query) {
            let is_wrong = |&at: &usize| truth.get(at) != truth.get(query);
            wrong += cover.members().filter(|at| open.has(*at)).filter(is_wrong).count();
            open.remove(cover);
        }
        after.push((settled, wrong));
    }
    Settling { after, total: covers.len() }
}

/// The fewest queries that settle a share of the reference, between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FewestQueries {
    /// The share asked for.
    pub share: f64,
    /// Points to settle: the share of all, rounded up.
    pub points: usize,
    /// Reference points.
    pub total: usize,
    /// No fewer suffice: the linear relaxation of the covering program.
    pub at_least: usize,
    /// So many suffice: the greedy choice.
    pub at_most: usize,
    /// The number itself where the points that no other point settles settle all the rest: for a proved order, the
    /// minimal points of the upper label and the maximal ones of the lower. Known for the whole reference only.
    pub exact: Option<usize>,
}

/// Bounds the fewest queries, of reference points, after which `share` of the reference is settled. Costs a linear
/// program with a variable and a row per reference point: for some hundred points.
pub fn fewest(
    model: &Model,
    reference: &[Vec<f64>],
    proved: &[Proved],
    share: f64,
) -> FewestQueries {
    let labels = CertifiedLabels::new(proved, model.classes);
    let truth: Vec<Option<usize>> = reference.iter().map(|x| exact_label(model, None, x)).collect();
    let covers = covers(reference, &truth, &labels);
    let total = covers.len();
    let points = ((share.clamp(0.0, 1.0) * total as f64).ceil() as usize).min(total);
    let settling = greedy(&covers, &truth, total);
    let at_most = settling.after.iter().position(|(settled, _)| *settled >= points);
    let at_most = at_most.unwrap_or(total);
    let exact = (points == total).then(|| own_points(&covers)).flatten();
    let members: Vec<Vec<usize>> = covers.iter().map(|cover| cover.members().collect()).collect();
    let at_least = covering::at_least(&members, points).min(at_most);
    FewestQueries { share, points, total, at_least: exact.unwrap_or(at_least), at_most, exact }
}

/// Number of different points that no other one settles, if they settle all; they must all be asked.
fn own_points(covers: &[Cover]) -> Option<usize> {
    let mut settled_by = vec![0usize; covers.len()];
    for cover in covers {
        cover.members().for_each(|at| settled_by[at] += 1);
    }
    let mut open = Cover::full(covers.len());
    let mut count = 0;
    for (at, cover) in covers.iter().enumerate() {
        // copies of a point settle each other: the first stands for all
        let copies = cover.members().filter(|&other| covers[other].has(at)).collect::<Vec<_>>();
        let is_own = settled_by[at] == copies.len();
        if is_own && copies.first() == Some(&at) {
            count += 1;
            open.remove(cover);
        }
    }
    (open.members().next().is_none()).then_some(count)
}

/// A set of reference points, one bit each.
#[derive(Clone, Debug)]
struct Cover {
    words: Vec<u64>,
}

impl Cover {
    fn full(points: usize) -> Self {
        let mut full = Self { words: vec![0; points.div_ceil(64)] };
        (0..points).for_each(|at| full.insert(at));
        full
    }

    /// The points settled by the answer `label` at point `query`, that point always included.
    fn of_query(
        labels: &CertifiedLabels,
        places: &[PlacedPoint],
        query: usize,
        label: Option<usize>,
    ) -> Self {
        let mut cover = Self { words: vec![0; places.len().div_ceil(64)] };
        cover.insert(query);
        if let (Some(base), Some(label)) = (places.get(query), label) {
            for (at, place) in places.iter().enumerate() {
                if place.values == base.values || labels.settles(base, label, place) {
                    cover.insert(at);
                }
            }
        }
        cover
    }

    fn insert(&mut self, at: usize) {
        if let Some(word) = self.words.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    fn has(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn remove(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, gone)| *word &= !gone);
    }

    fn common(&self, other: &Self) -> u32 {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones()).sum()
    }

    fn members(&self) -> impl Iterator<Item = usize> {
        (0..self.words.len() * 64).filter(|at| self.has(*at))
    }
}
