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
    let places: Vec<PlacedPoint> = reference.iter().map(|x| labels.locate(x)).collect();
    let covers: Vec<Cover> = (0..places.len())
        .map(|query| Cover::of_query(labels, &places, query, truth.get(query).copied().flatten()))
        .collect();
    let mut open = Cover::full(places.len());
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
    Settling { after, total: places.len() }
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
