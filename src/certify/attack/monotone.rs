//! Attacks on monotone claims: walks along the feature through known and random points, and a climb to
//! places with the worst slope of a network along the feature. A climb moves one coordinate at a time to
//! either end of its side.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::model::{Family, Model, Part, Row};
use crate::spec::{Claim, Direction, Obligation};

use super::space::{FloatBox, slopes};
use crate::certify::Searcher;

/// Stops per walk, for a network.
const WALK: usize = 17;
/// Number of points whose lines are walked.
const WALKERS: usize = 40;
/// Number of points that climbs start from.
const CLIMBS: usize = 4;
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
    let Claim::Monotone { feature, .. } = &obligation.claim else { return None };
    let model = searcher.subject.model.0;
    let space = FloatBox::new(&obligation.region);
    let is_free: Vec<bool> = space.lo().iter().zip(space.hi()).map(|(lo, hi)| lo < hi).collect();
    if !matches!(model.family, Family::Mlp(_)) || !is_free[feature.0] {
        return None;
    }
    for climb in 0..CLIMBS {
        let mut point = if climb == 0 { space.middle() } else { space.random(rng) };
        let mut worst = rate(model, obligation, &space, &point);
        for _ in 0..SWEEPS {
            let before = worst;
            for index in (0..point.len()).filter(|index| is_free[*index]) {
                for end in [space.lo()[index], space.hi()[index]] {
                    let kept = std::mem::replace(&mut point[index], end);
                    let found = rate(model, obligation, &space, &point);
                    if found < worst { worst = found } else { point[index] = kept }
                }
            }
            if worst < 0.0
                && let Some(pair) = step(model, obligation, &space, &point)
            {
                return Some(pair);
            }
            if worst >= before {
                break;
            }
        }
    }
    None
}

/// The slope of the score along the feature at a point, negative if it goes in the wrong direction. For a
/// whole feature, the change over one unit.
fn rate(model: &Model, obligation: &Obligation, space: &FloatBox, point: &[f64]) -> f64 {
    let (Claim::Monotone { feature, direction, class }, Family::Mlp(mlp)) =
        (&obligation.claim, &model.family)
    else {
        return f64::INFINITY;
    };
    let sign = sign(*direction);
    if space.is_whole()[feature.0] {
        let (mut low, mut high) = (point.to_vec(), point.to_vec());
        low[feature.0] = low[feature.0].min(space.hi()[feature.0] - 1.0);
        high[feature.0] = low[feature.0] + 1.0;
        return sign
            * (target_score(model, obligation, &high) - target_score(model, obligation, &low));
    }
    let share = -1.0 / (model.classes - 1) as f64;
    let row: Vec<f64> = (0..model.classes).map(|k| if k == *class { 1.0 } else { share }).collect();
    sign * slopes(mlp, &model.schema.standardise(point), &row)[feature.0]
}

/// The factor by which scores are multiplied so that they must not fall.
fn sign(direction: Direction) -> f64 {
    match direction {
        Direction::Increasing => 1.0,
        Direction::Decreasing => -1.0,
    }
}

/// The longest step in the wrong direction along the feature around a point.
fn step(
    model: &Model,
    obligation: &Obligation,
    space: &FloatBox,
    point: &[f64],
) -> Option<Vec<Vec<f64>>> {
    let Claim::Monotone { feature, .. } = &obligation.claim else { return None };
    let j = feature.0;
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
        is_against(model, obligation, &low, &high).then(|| vec![low, high])
    })
}

/// A step across a box through its middle, if it goes in the wrong direction.
pub(super) fn across(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
) -> Option<Vec<Vec<f64>>> {
    let Claim::Monotone { feature, .. } = &obligation.claim else { return None };
    let (mut low, mut high) = (space.middle(), space.middle());
    low[feature.0] = space.lo()[feature.0];
    high[feature.0] = space.hi()[feature.0];
    is_against(searcher.subject.model.0, obligation, &low, &high).then(|| vec![low, high])
}

/// True if the score moves in the wrong direction from a lower to a higher point, in floats.
fn is_against(model: &Model, obligation: &Obligation, low: &[f64], high: &[f64]) -> bool {
    let Claim::Monotone { feature, direction, .. } = &obligation.claim else { return false };
    let change = target_score(model, obligation, high) - target_score(model, obligation, low);
    sign(*direction) * change < 0.0 && low[feature.0] < high[feature.0]
}

/// The value that a monotone claim is about: with two classes the margin of its class, else its
/// posterior; 0 for other claims.
fn target_score(model: &Model, obligation: &Obligation, raw: &[f64]) -> f64 {
    let Claim::Monotone { class, .. } = &obligation.claim else { return 0.0 };
    match (model.classes, class) {
        (..=2, 1) => model.margin(raw),
        (..=2, _) => -model.margin(raw),
        _ => model.posterior(raw)[*class],
    }
}

/// Walks along the feature through known and random points and returns a step in the wrong direction,
/// lower point first.
pub(super) fn walk(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    feature: usize,
    direction: Direction,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<Vec<f64>>> {
    let model = searcher.subject.model.0;
    let values = stops(searcher, space, feature);
    let known = known_rows(searcher, obligation);
    for walker in 0..WALKERS {
        let mut base = if walker % 2 == 0 && !known.is_empty() {
            let mut base = known[rng.random_range(0..known.len())].values.clone();
            space.clip(&mut base);
            base
        } else {
            space.random(rng)
        };
        let mut before: Option<(f64, f64)> = None;
        for &value in &values {
            base[feature] = value;
            let score = target_score(model, obligation, &base);
            if let Some((from, earlier)) = before
                && sign(direction) * score < sign(direction) * earlier
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

/// Rows to start from: the row of the obligation, else the training rows if they have the model's features.
fn known_rows<'a>(searcher: &Searcher<'a>, obligation: &Obligation) -> &'a [Row] {
    let Searcher { subject, rows, .. } = searcher;
    match (searcher.lowered.row_of(obligation.at), subject.data) {
        (Some(row), _) => &rows[row..=row],
        (None, Some(data)) if data.check_features(&subject.model.0.schema).is_ok() => {
            data.part(Part::Train)
        }
        (None, _) => &[],
    }
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
