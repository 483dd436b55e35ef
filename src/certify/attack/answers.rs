//! Attacks on claims about two points behind a defense. Its answers may jump where labels of the model turn, which no slope
//! foretells: two points next to each other on both sides of such a place are looked at, beside those that attacks on the
//! model itself find.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::dataset::evenly;
use crate::defense::Defense;
use crate::model::{Family, Model, Row, argmax, softmax};
use crate::spec::{Aim, Bonds, Obligation, Pair, Regions};
use crate::violation::{BoundaryClaim, FloatBox, LipschitzClaim, NearClaim, margin_slopes};

use super::newton::step_towards;
use super::{known_rows, nearby};
use crate::certify::Searcher;

/// Most rows, and random points beside them, between which turns of the label are sought.
const PLACES: usize = 24;
/// Pairs of these.
const LINES: usize = 48;
/// Halvings of a step in which a label turns: floats still tell the labels of the two points.
const CLOSER: usize = 30;
/// Newton steps towards a margin.
const STEPS: usize = 6;
/// Margins at which answers are looked at, in shares of the margin that is confident.
const MARGINS: [f64; 5] = [1e-9, 0.5, 1.0 + 1e-6, 2.0, 4.0];
/// Most pairs that are shown to the kernel.
const MOST: usize = 4;

/// A defended model in floats.
struct ModelBehind<'a> {
    model: &'a Model,
    defense: &'a Defense,
}

impl ModelBehind<'_> {
    fn at(&self, point: &[f64]) -> Vec<f64> {
        let scores = self.model.scores(point);
        self.defense.apply(&softmax(&scores), argmax(&scores, self.model.tie))
    }

    fn label(&self, point: &[f64]) -> usize {
        argmax(&self.at(point), self.model.tie)
    }
}

/// Pairs of points whose answers look like a violation of a claim that they are close, or that they are unsure where labels
/// turn; the worst first.
pub(super) fn pairs(
    (searcher, defense): (&Searcher, &Defense),
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<Vec<f64>>> {
    let answers = ModelBehind { model: searcher.subject.model.0, defense };
    let Some(Pair { aim, regions, .. }) = obligation.claim.pair() else { return Vec::new() };
    let claim = &obligation.claim;
    match aim {
        Aim::Close { .. } => {
            let Some(near) = NearClaim::of(claim) else { return Vec::new() };
            let mut pairs = turns(searcher, obligation, space, rng);
            pairs.extend(nearby::farthest(searcher, obligation, space, rng));
            worst(pairs, |[x, y]| near.by_answers([&answers.at(x), &answers.at(y)]))
        }
        Aim::Lipschitz { .. } => {
            let (Some(far), Regions::Each(boxes)) = (LipschitzClaim::of(claim), regions) else {
                return Vec::new();
            };
            let [first, second] =
                boxes.each_ref().map(|side| sides(answers.model, &FloatBox::new(side)));
            let both = |x: &Vec<f64>| second.iter().map(|y| [x.clone(), y.clone()]).collect();
            let mut pairs: Vec<[Vec<f64>; 2]> =
                first.iter().flat_map(|x| -> Vec<_> { both(x) }).collect();
            pairs.extend(nearby::farthest(searcher, obligation, space, rng));
            worst(pairs, |[x, y]| {
                far.by_answers([&answers.at(x), &answers.at(y)], far.distance([x, y]))
            })
        }
        Aim::Flip { .. } => {
            let Some(fuzz) = BoundaryClaim::of(claim) else { return Vec::new() };
            sure_beside_a_turn(&answers, &fuzz, searcher, obligation, space, rng)
        }
        Aim::Order { .. } | Aim::Stays(_) => Vec::new(),
    }
}

/// The pairs with the largest violations that are at least 0.
fn worst(pairs: Vec<[Vec<f64>; 2]>, violation: impl Fn([&[f64]; 2]) -> f64) -> Vec<Vec<Vec<f64>>> {
    let scored = pairs.into_iter().map(|pair| (violation([&pair[0], &pair[1]]), pair));
    let mut scored: Vec<_> = scored.filter(|(violation, _)| *violation >= 0.0).collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.truncate(MOST);
    scored.into_iter().map(|(_, pair)| pair.to_vec()).collect()
}

/// The middle of a box, its ends along the slopes there, and the points beside a turn of the label between these.
fn sides(model: &Model, space: &FloatBox) -> Vec<Vec<f64>> {
    let middle = space.middle();
    let slopes = margin_slopes(model, &middle);
    let end = |sign: f64| {
        let widths = space.hi().iter().zip(space.lo()).map(|(hi, lo)| hi - lo);
        let moves = slopes.iter().zip(widths).map(|(slope, width)| sign * slope.signum() * width);
        let mut point: Vec<f64> = middle.iter().zip(moves).map(|(x, by)| x + by).collect();
        space.clip(&mut point);
        point
    };
    let ends = [end(-1.0), end(1.0)];
    let beside = turn(model, space, [&ends[0], &ends[1]]);
    [middle].into_iter().chain(ends).chain(beside.into_iter().flatten()).collect()
}

/// Rows of the region, and random points.
fn places(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<f64>> {
    let row = |(_, row): (usize, &Row)| {
        let mut point = row.values.clone();
        space.clip(&mut point);
        point
    };
    let rows = known_rows(searcher, obligation);
    let mut places: Vec<Vec<f64>> = evenly(rows, PLACES).map(row).collect();
    places.extend((0..PLACES).map(|_| space.random(rng)));
    places
}

/// Pairs of points next to each other with different labels, on the ways between known and random points; of a claim about
/// some features that move, on ways along these.
fn turns(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Vec<[Vec<f64>; 2]> {
    let places = places(searcher, obligation, space, rng);
    let model = searcher.subject.model.0;
    let pick = |rng: &mut ChaCha8Rng| &places[rng.random_range(0..places.len())];
    let moved = match obligation.claim.pair().map(|pair| &pair.bonds) {
        Some(Bonds::Moved(moved)) => Some(moved),
        Some(Bonds::Free | Bonds::Within { .. } | Bonds::Raised(_) | Bonds::Shifted(_)) | None => {
            None
        }
    };
    let line = |from: &Vec<f64>, to: &Vec<f64>| {
        let end = from.iter().zip(to).enumerate().map(|(index, (from, to))| {
            if moved.is_none_or(|moved| moved[index]) { *to } else { *from }
        });
        turn(model, space, [from, &end.collect::<Vec<f64>>()])
    };
    (0..LINES).filter_map(|_| line(pick(rng), pick(rng))).collect()
}

/// Two points on a way from one point to another that has another label: it takes one coordinate after the other, and the
/// points differ little, in one alone.
fn turn(model: &Model, space: &FloatBox, [from, to]: [&[f64]; 2]) -> Option<[Vec<f64>; 2]> {
    let label = model.label(from);
    if model.label(to) == label {
        return None;
    }
    let mut point = from.to_vec();
    for index in 0..point.len() {
        let before = point[index];
        point[index] = to[index];
        if model.label(&point) == label {
            continue;
        }
        let at = |value: f64| {
            let mut moved = point.clone();
            moved[index] = value;
            moved
        };
        let (mut near, mut far) = (before, to[index]);
        for _ in 0..CLOSER {
            let middle = match space.is_whole()[index] {
                true => (0.5 * (near + far)).round(),
                false => 0.5 * (near + far),
            };
            if middle == near || middle == far {
                break;
            }
            if model.label(&at(middle)) == label { near = middle } else { far = middle }
        }
        return Some([at(near), at(far)]);
    }
    None
}

/// Points with a sure answer that have a partner in their zone with another.
fn sure_beside_a_turn(
    answers: &ModelBehind,
    fuzz: &BoundaryClaim,
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<Vec<f64>>> {
    let model = answers.model;
    let mut points: Vec<Vec<f64>> =
        turns(searcher, obligation, space, rng).into_iter().flatten().collect();
    let starts = places(searcher, obligation, space, rng);
    if matches!(model.family, Family::Mlp(_)) {
        for start in &starts {
            for margin in MARGINS.iter().flat_map(|share| [*share, -share]) {
                let mut point = start.clone();
                for _ in 0..STEPS {
                    step_towards(model, space, &mut point, margin * fuzz.mu());
                }
                points.push(point);
            }
        }
    }
    points.extend(starts);
    let found = points.into_iter().filter_map(|point| {
        let own = answers.at(&point);
        if !fuzz.is_sure(&own) {
            return None;
        }
        let partner = fuzz.partner_by(model, &point, |moved| answers.label(moved))?;
        Some(if fuzz.is_ball() { vec![point, partner] } else { vec![point] })
    });
    found.take(MOST).collect()
}
