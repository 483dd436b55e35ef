//! Attacks on monotone claims: walks along the feature through known and random points, and a climb to
//! places with the worst slope of a network along the feature. A climb follows the smoothed slope
//! ([`super::gates`]), then moves one coordinate at a time to either end of its side.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::dataset::evenly;
use crate::defense::Defense;
use crate::model::{Family, Mlp, Model, Row, argmax, softmax};
use crate::spec::Obligation;
use crate::violation::{FloatBox, MonotoneClaim};

use super::gates::bend;
use super::known_rows;
use crate::certify::Searcher;

/// Stops per walk, for a network.
const WALK: usize = 17;
/// Number of points whose lines are walked.
const WALKERS: usize = 40;
/// Most rows whose lines are walked by the answers of a defense.
const MOST_WALKERS: usize = 400;
/// Halvings of a step in which a defense's answers may turn.
const CLOSER: usize = 30;
/// A loss of an answer in floats that exact arithmetic confirms.
const CERTAIN: f64 = 1e-9;
/// Number of points that climbs start from.
const CLIMBS: usize = 2;
/// Steps that a climb begins with, along the smoothed slope.
const BENDS: usize = 100;
/// The temperature of the first step above that of the last, [`COLD`].
const HEAT: f64 = 0.3;
const COLD: f64 = 0.02;
/// Number of times that a climb tries every coordinate.
const SWEEPS: usize = 3;
/// Lengths of a step along the feature, in widths of its side.
const LENGTHS: [f64; 6] = [1.0, 0.25, 0.05, 1e-2, 1e-3, 1e-4];

/// A climb for claims that the cheap rules leave open; networks only.
pub(super) fn insist(
    searcher: &Searcher,
    obligation: &Obligation,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<Vec<f64>>> {
    let claim = MonotoneClaim::of(&obligation.claim)?;
    let model = searcher.subject.model.0;
    let Family::Mlp(mlp) = &model.family else { return None };
    let space = FloatBox::new(&obligation.region);
    let is_free: Vec<bool> = space.lo().iter().zip(space.hi()).map(|(lo, hi)| lo < hi).collect();
    if !is_free[claim.feature()] {
        return None;
    }
    for climb in 0..CLIMBS {
        let start = if climb == 0 { space.middle() } else { space.random(rng) };
        let (mut worst, mut point) = bent(model, mlp, &claim, &space, start);
        if worst > 0.0
            && let Some(pair) = step(model, &claim, &space, &point)
        {
            return Some(pair);
        }
        for _ in 0..SWEEPS {
            let before = worst;
            for index in (0..point.len()).filter(|index| is_free[*index]) {
                for end in [space.lo()[index], space.hi()[index]] {
                    let kept = std::mem::replace(&mut point[index], end);
                    let found = fall(model, mlp, &claim, &space, &point);
                    if found > worst { worst = found } else { point[index] = kept }
                }
            }
            if worst > 0.0
                && let Some(pair) = step(model, &claim, &space, &point)
            {
                return Some(pair);
            }
            if worst <= before {
                break;
            }
        }
    }
    None
}

/// The largest loss along the feature on a way of sign steps that follows the smoothed slope of the score, whose
/// gates become harder on the way, and the point where it is.
fn bent(
    model: &Model,
    mlp: &Mlp,
    claim: &MonotoneClaim,
    space: &FloatBox,
    mut point: Vec<f64>,
) -> (f64, Vec<f64>) {
    let row = claim.falling(model.classes);
    let mut best = (fall(model, mlp, claim, space, &point), point.clone());
    for done in (0..BENDS).map(|step| step as f64 / BENDS as f64) {
        let z = model.schema.standardise(&point);
        let temperature = HEAT * (1.0 - done).powi(2) + COLD;
        let slopes = bend(mlp, &z, &row, claim.feature(), temperature);
        let share = 0.4 * (1.0 - done).powi(2) + 0.01;
        for (index, slope) in slopes.iter().enumerate() {
            let width = space.hi()[index] - space.lo()[index];
            // raw and standardised slopes have the same sign
            point[index] += if *slope == 0.0 { 0.0 } else { share * width * slope.signum() };
        }
        space.clip(&mut point);
        let found = fall(model, mlp, claim, space, &point);
        if found > best.0 {
            best = (found, point.clone());
        }
    }
    best
}

/// The score's loss along the feature around a point, positive if it goes in the wrong direction: per
/// standardised unit, for a whole feature over one of its units.
fn fall(model: &Model, mlp: &Mlp, claim: &MonotoneClaim, space: &FloatBox, point: &[f64]) -> f64 {
    let j = claim.feature();
    if !space.is_whole()[j] {
        return claim.fall_rate(mlp, &model.schema.standardise(point), model.classes);
    }
    let (mut low, mut high) = (point.to_vec(), point.to_vec());
    low[j] = low[j].min(space.hi()[j] - 1.0);
    high[j] = low[j] + 1.0;
    violation(model, claim, &low, &high)
}

/// The longest step in the wrong direction along the feature around a point.
fn step(
    model: &Model,
    claim: &MonotoneClaim,
    space: &FloatBox,
    point: &[f64],
) -> Option<Vec<Vec<f64>>> {
    let j = claim.feature();
    let width = space.hi()[j] - space.lo()[j];
    LENGTHS.iter().find_map(|length| {
        let (mut low, mut high) = (point.to_vec(), point.to_vec());
        let reach = match space.is_whole()[j] {
            true => (length * width).max(1.0),
            false => length * width,
        };
        low[j] = (point[j] - reach).max(space.lo()[j]);
        high[j] = (point[j] + reach).min(space.hi()[j]);
        space.clip(&mut low);
        space.clip(&mut high);
        is_against(model, claim, &low, &high).then(|| vec![low, high])
    })
}

/// A step across a box through its middle, if it goes in the wrong direction.
pub(super) fn across(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
) -> Option<Vec<Vec<f64>>> {
    let claim = MonotoneClaim::of(&obligation.claim)?;
    let j = claim.feature();
    let (mut low, mut high) = (space.middle(), space.middle());
    low[j] = space.lo()[j];
    high[j] = space.hi()[j];
    is_against(searcher.subject.model.0, &claim, &low, &high).then(|| vec![low, high])
}

/// True if the score moves in the wrong direction from a lower to a higher point.
fn is_against(model: &Model, claim: &MonotoneClaim, low: &[f64], high: &[f64]) -> bool {
    violation(model, claim, low, high) > 0.0 && low[claim.feature()] < high[claim.feature()]
}

/// The violation from a lower to a higher point.
fn violation(model: &Model, claim: &MonotoneClaim, low: &[f64], high: &[f64]) -> f64 {
    claim.by_scores([&model.scores(low), &model.scores(high)]).value
}

/// Walks along the feature through known and random points: steps in the wrong direction, lower point first, of the
/// answers of a defense if there is one, and of the model itself.
pub(super) fn walks(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<Vec<f64>>> {
    let defense = searcher.subject.defense.map(|(defense, _)| defense);
    let answers = defense.and_then(|by| walk_answers((searcher, by), obligation, space, rng));
    answers.into_iter().chain(walk_scores(searcher, obligation, space, rng)).collect()
}

/// A walk by the answers of a defense.
fn walk_answers(
    (searcher, defense): (&Searcher, &Defense),
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<Vec<f64>>> {
    let claim = MonotoneClaim::of(&obligation.claim)?;
    let line = AnswerLine { model: searcher.subject.model.0, defense, claim, space };
    let values = stops(searcher, space, claim.feature());
    let known = evenly(known_rows(searcher, obligation), MOST_WALKERS);
    let mut bases: Vec<Vec<f64>> = known.map(|(_, row)| clipped(space, row)).collect();
    bases.extend((0..WALKERS).map(|_| space.random(rng)));
    bases
        .iter()
        .find_map(|base| values.windows(2).find_map(|pair| line.loss(base, pair[0], pair[1])))
}

/// The answers of a defense along a feature. They turn where the label of the model does, so a step across the boundary
/// is looked at more and more closely there.
struct AnswerLine<'a> {
    model: &'a Model,
    defense: &'a Defense,
    claim: MonotoneClaim,
    space: &'a FloatBox,
}

/// A point of a line.
struct AnswerStop {
    point: Vec<f64>,
    /// The answer that must not fall.
    answer: f64,
    /// The label of the model.
    own: usize,
}

impl AnswerLine<'_> {
    fn stop(&self, base: &[f64], value: f64) -> AnswerStop {
        let mut point = base.to_vec();
        point[self.claim.feature()] = value;
        let scores = self.model.scores(&point);
        let own = argmax(&scores, self.model.tie);
        let answer = self.claim.rising_answer(&self.defense.apply(&softmax(&scores), own));
        AnswerStop { point, answer, own }
    }

    /// A step between two values along which the answer falls.
    fn loss(&self, base: &[f64], mut low: f64, mut high: f64) -> Option<Vec<Vec<f64>>> {
        let (mut from, mut to) = (self.stop(base, low), self.stop(base, high));
        for _ in 0..CLOSER {
            if from.answer > to.answer + CERTAIN {
                return Some(vec![from.point, to.point]);
            }
            let middle = 0.5 * (low + high);
            let is_closed =
                self.space.is_whole()[self.claim.feature()] || middle <= low || middle >= high;
            if from.own == to.own || is_closed {
                return None;
            }
            let found = self.stop(base, middle);
            if found.own == from.own {
                (low, from) = (middle, found);
            } else {
                (high, to) = (middle, found);
            }
        }
        None
    }
}

/// The values of a row, inside the box.
fn clipped(space: &FloatBox, row: &Row) -> Vec<f64> {
    let mut base = row.values.clone();
    space.clip(&mut base);
    base
}

/// A walk by the scores of the model.
fn walk_scores(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<Vec<f64>>> {
    let claim = MonotoneClaim::of(&obligation.claim)?;
    let (model, feature) = (searcher.subject.model.0, claim.feature());
    let values = stops(searcher, space, feature);
    let known = known_rows(searcher, obligation);
    for walker in 0..WALKERS {
        let mut base = if walker % 2 == 0 && !known.is_empty() {
            clipped(space, &known[rng.random_range(0..known.len())])
        } else {
            space.random(rng)
        };
        let mut before: Option<(f64, f64)> = None;
        for &value in &values {
            base[feature] = value;
            let score = claim.rising(&model.scores(&base));
            if let Some((from, earlier)) = before
                && score < earlier
            {
                let mut low = base.clone();
                low[feature] = from;
                return Some(vec![low, base]);
            }
            before = Some((value, score));
        }
    }
    None
}

/// The values of a feature at which a walk stops, ascending. For an ensemble, one value per cell.
fn stops(searcher: &Searcher, space: &FloatBox, feature: usize) -> Vec<f64> {
    let (lo, hi) = (space.lo()[feature], space.hi()[feature]);
    let mut values = match &searcher.grid {
        Some(grid) => {
            let inside = grid.thresholds(feature).iter().copied().filter(|t| lo < *t && *t <= hi);
            std::iter::once(lo).chain(inside).collect::<Vec<f64>>()
        }
        None => {
            let at = |step: usize| lo + (hi - lo) * step as f64 / (WALK - 1) as f64;
            (0..WALK).map(at).collect()
        }
    };
    if space.is_whole()[feature] {
        // a side without a float is empty, and `clamp` would panic
        values.iter_mut().for_each(|value| *value = value.round().max(lo).min(hi));
    }
    values.dedup();
    values
}
