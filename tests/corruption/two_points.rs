//! What is false of two points, and what is true of pairs of rows.
//!
//! Claims about any two points are searched for a violation along the first feature: between the places
//! at which a neuron turns or the margin is 0, the ends of the boxes, and points close to these. A claim
//! for which none is found may still be false. Pairs of rows are decided.

use propcert::interval::Rational;
use propcert::model::{Ensemble, Family, Model, Node, Point as Parsed, Row};
use propcert::spec::{Claim, Lowered, Norm, On, PairBound, RawRegion};

use crate::posteriors::{Enclosure, exp, quotient, sigmoid};
use crate::said::{Said, said};
use crate::truth::{Point, lines, margin, scores};

/// The ends of a side of a box.
type Side = (Rational, Rational);

/// Whether two points are known that violate the claim.
pub fn is_violated(model: &Model, region: &RawRegion, claim: &Claim) -> bool {
    if let Family::Ensemble(ensemble) = &model.family {
        return is_violated_in_cells(model, ensemble, region, claim);
    }
    let (first, second) = match said(claim) {
        Said::Lipschitz { boxes, .. } => (boxes[0].sides(), boxes[1].sides()),
        _ => (region.sides(), region.sides()),
    };
    // the second feature stays where it is, or crosses the gap
    let (a, b) = (first[1].0.clone(), second[1].0.clone());
    let heights = if second[1].0 <= a && a <= second[1].1 { [a.clone(), a] } else { [a, b] };
    let places = places(model, [&first[0], &second[0]], &heights[0]);
    let near = match said(claim) {
        // almost as far apart as may be
        Said::Near { reach, on: On::Posterior, .. } => &reach[0] * &just_below_one(),
        Said::Near { reach, .. } => reach[0].clone(),
        _ => Rational::from_f64(2f64.powi(-40)).unwrap(),
    };
    let half = &near * &Rational::from_f64(0.5).unwrap();
    let mut pairs = Vec::new();
    for x in &places {
        pairs.extend([(x.clone(), x + &near), (x - &near, x.clone()), (x - &half, x + &half)]);
        pairs.extend(places.iter().map(|other| (x.clone(), other.clone())));
    }
    let mirrored: Vec<_> = pairs.iter().map(|(a, b)| (b.clone(), a.clone())).collect();
    pairs.into_iter().chain(mirrored).any(|(a, b)| {
        let pair = [[a, heights[0].clone()], [b, heights[1].clone()]];
        violates(model, region, claim, &pair) == Some(true)
    })
}

/// The same of an ensemble: between all places where a score changes or the claim's reach ends.
fn is_violated_in_cells(
    model: &Model,
    ensemble: &Ensemble,
    region: &RawRegion,
    claim: &Claim,
) -> bool {
    let regions = match said(claim) {
        Said::Lipschitz { boxes, .. } => [&boxes[0], &boxes[1]],
        Said::Confident { partners, .. } => [region, partners],
        _ => [region, region],
    };
    let tiny = Rational::from_f64(2f64.powi(-200)).unwrap();
    let values = |region: &RawRegion, feature: usize| {
        let (low, high) = &region.sides()[feature];
        let mut values = vec![low.clone(), high.clone()];
        for node in ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
            if let Node::Split { feature: own, threshold, .. } = node
                && own.0 == feature
            {
                let at = Rational::from_f64(*threshold).unwrap();
                let last = &Rational::integer(at.ceil()) - &Rational::ONE;
                values.extend([Rational::integer(at.ceil()), last, &at - &tiny, at]);
            }
        }
        let is_whole = region.is_whole()[feature];
        values.retain(|x| low <= x && x <= high && (!is_whole || x.is_whole()));
        values.sort();
        values.dedup();
        values
    };
    let points = |region: &RawRegion| -> Vec<(Point, Rational)> {
        let [first, second] = [0, 1].map(|feature| values(region, feature));
        let all = first.iter().flat_map(|a| second.iter().map(|b| [a.clone(), b.clone()]));
        all.map(|x| (x.clone(), margin(model, &x))).collect()
    };
    let [first, second] = regions.map(points);
    first.iter().any(|a| {
        second.iter().any(|b| {
            a.1 != b.1 && violates(model, region, claim, &[a.0.clone(), b.0.clone()]) == Some(true)
        })
    })
}

fn just_below_one() -> Rational {
    &Rational::ONE - &Rational::from_f64(2f64.powi(-70)).unwrap()
}

/// Values of the first feature: ends of the sides, and where a neuron turns or the margin is 0 when the
/// second feature is `height`.
fn places(model: &Model, sides: [&Side; 2], height: &Rational) -> Vec<Rational> {
    let Family::Mlp(mlp) = &model.family else { panic!("a network") };
    let mut places: Vec<Rational> =
        sides.iter().flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    for [slope, other, offset] in lines(model, mlp) {
        let rest = &(&other * height) + &offset;
        places.extend(&-rest / &slope);
    }
    places.sort();
    let at = |x: &Rational| margin(model, &[x.clone(), height.clone()]);
    let zeros = places.windows(2).filter_map(|pair| {
        let (m, n) = (at(&pair[0]), at(&pair[1]));
        let share = (&m / &(&m - &n))?;
        Some(&pair[0] + &(&share * &(&pair[1] - &pair[0])))
    });
    let zeros: Vec<Rational> = zeros.collect();
    places.extend(zeros);
    let is_inside = |x: &Rational| sides.iter().any(|(low, high)| low <= x && x <= high);
    places.retain(is_inside);
    places.sort();
    places.dedup();
    places
}

fn is_in(sides: &[Side], x: &Point) -> bool {
    sides.iter().zip(x).all(|((low, high), x)| low <= x && x <= high)
}

/// Whether two points violate the claim; `None` if enclosures do not tell.
pub fn violates(
    model: &Model,
    region: &RawRegion,
    claim: &Claim,
    [a, b]: &[Point; 2],
) -> Option<bool> {
    let gaps = [0, 1].map(|k| (&a[k] - &b[k]).abs());
    match said(claim) {
        Said::Near { reach, bound, on } => {
            let is_strict = on == On::Posterior;
            let is_near = gaps
                .iter()
                .zip(reach.iter())
                .all(|(gap, reach)| if is_strict { gap < reach } else { gap <= reach });
            if !is_near || !is_in(region.sides(), a) || !is_in(region.sides(), b) {
                return Some(false);
            }
            if !is_strict {
                return Some((&margin(model, a) - &margin(model, b)).abs() > *bound);
            }
            let (low, high) = squared_gap_at(&margin(model, a), &margin(model, b));
            let limit = bound * bound;
            told(low >= limit, high < limit)
        }
        Said::Lipschitz { units, norm, constant, boxes } => {
            if !is_in(boxes[0].sides(), a) || !is_in(boxes[1].sides(), b) {
                return Some(false);
            }
            let lengths = [0, 1].map(|k| quotient(&gaps[k], &units[k]));
            let square = match norm {
                Norm::L2 => &(&lengths[0] * &lengths[0]) + &(&lengths[1] * &lengths[1]),
                Norm::L1 => square(&(&lengths[0] + &lengths[1])),
                Norm::Linf => square(lengths.iter().max()?),
            };
            let (low, high) = squared_gap_at(&margin(model, a), &margin(model, b));
            let limit = &square * &(constant * constant);
            told(low > limit, high <= limit)
        }
        Said::Stable { moved, bound, on } => {
            let is_change = (0..2).all(|k| moved[k] || a[k] == b[k]);
            if !is_change || !is_in(region.sides(), a) || !is_in(region.sides(), b) {
                return Some(false);
            }
            let (m, n) = (margin(model, a), margin(model, b));
            if on == On::Score {
                return Some((&m - &n).abs() > *bound);
            }
            let (low, high) = squared_gap_at(&m, &n);
            let limit = bound * bound;
            told(low > limit, high <= limit)
        }
        Said::Confident { moved, partners, scores } => {
            let is_change = (0..2).all(|k| moved[k] || a[k] == b[k]);
            if !is_change || !is_in(region.sides(), a) || !is_in(partners.sides(), b) {
                return Some(false);
            }
            let (m, n) = (margin(model, a), margin(model, b));
            let holds = m < scores.floor.below || n >= scores.cutoff.above;
            told(m >= scores.floor.above && n < scores.cutoff.below, holds)
        }
        _ => None,
    }
}

fn square(x: &Rational) -> Rational {
    x * x
}

/// A decision, if either way is shown.
fn told(yes: bool, no: bool) -> Option<bool> {
    if yes { Some(true) } else { no.then_some(false) }
}

/// `2·(σ(m) − σ(n))²`.
fn squared_gap_at(m: &Rational, n: &Rational) -> Enclosure {
    if m == n { (Rational::ZERO, Rational::ZERO) } else { squared_gap(&sigmoid(m), &sigmoid(n)) }
}

/// `2·(a − b)²` of two enclosed numbers.
fn squared_gap(a: &Enclosure, b: &Enclosure) -> Enclosure {
    let (below, above) = if a.0 < b.0 { (a, b) } else { (b, a) };
    let twice = |gap: Rational| &square(&gap) + &square(&gap);
    let least = &above.0 - &below.1;
    let least = if least > Rational::ZERO { least } else { Rational::ZERO };
    let (most, other) = (&above.1 - &below.0, &below.1 - &above.0);
    (twice(least), twice(if most > other { most } else { other }))
}

/// What is true of a pair of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    Holds,
    Fails,
    Vacuous,
    Invalid,
}

/// Every pair that a claim about all pairs counts: `(first, second, what is true)`.
pub fn pairs(model: &Model, lowered: &Lowered) -> Vec<(usize, usize, Pair)> {
    let (bound, weights) = lowered.pair_bound().unwrap();
    let rows = lowered.rows();
    let is_ordered = matches!(bound, PairBound::Divergence { .. });
    let sites: Vec<Site> = rows.iter().map(|row| Site::new(model, lowered, row)).collect();
    let all = (0..rows.len()).flat_map(|a| (0..rows.len()).map(move |b| (a, b)));
    all.filter(|(a, b)| if is_ordered { a != b } else { a < b })
        .map(|(a, b)| (a, b, relation(bound, weights, &sites[a], &sites[b])))
        .collect()
}

/// A row as the judge sees it.
struct Site {
    x: Point,
    is_valid: bool,
    margin: Rational,
    posterior: Enclosure,
    /// `1 + e^m`.
    sum: Enclosure,
}

impl Site {
    fn new(model: &Model, lowered: &Lowered, row: &Row) -> Self {
        let x = [0, 1].map(|k| Rational::from_f64(row.values[k]).unwrap());
        let is_valid = lowered.is_in_domain(&Parsed::from_floats(&row.values).unwrap());
        let margin = margin(model, &x);
        let (low, high) = exp(&margin);
        let sum = (&Rational::ONE + &low, &Rational::ONE + &high);
        let posterior = (quotient(&low, &sum.0), quotient(&high, &sum.1));
        Self { x, is_valid, margin, posterior, sum }
    }
}

fn relation(bound: &PairBound, weights: &[Rational], a: &Site, b: &Site) -> Pair {
    if !a.is_valid || !b.is_valid {
        return Pair::Invalid;
    }
    let length = |k: usize| square(&(&weights[k] * &(&a.x[k] - &b.x[k])));
    let distance = &length(0) + &length(1);
    let is_equal = a.margin == b.margin;
    let holds = match bound {
        PairBound::Lipschitz { .. } if distance == Rational::ZERO => return Pair::Vacuous,
        PairBound::Divergence { reach, .. } if distance >= square(reach) => return Pair::Vacuous,
        _ if is_equal => true,
        PairBound::Lipschitz { constant } => {
            let limit = &square(constant) * &distance;
            let (low, high) = squared_gap(&a.posterior, &b.posterior);
            told(high <= limit, low > limit).expect("enclosures tell")
        }
        // A(m′) − A(m) − σ(m)·(m′ − m) < ε₂, that is 1 + e^m′ < e^(ε₂ + σ(m)·(m′ − m))·(1 + e^m)
        PairBound::Divergence { limit, .. } => {
            let step = &b.margin - &a.margin;
            let ends = [&a.posterior.0 * &step, &a.posterior.1 * &step];
            let (low, high) = (ends.iter().min().unwrap(), ends.iter().max().unwrap());
            let least = &exp(&(limit + low)).0 * &a.sum.0;
            let most = &exp(&(limit + high)).1 * &a.sum.1;
            told(b.sum.1 < least, b.sum.0 >= most).expect("enclosures tell")
        }
    };
    if holds { Pair::Holds } else { Pair::Fails }
}

/// Whether the points of a counterexample violate what they are offered for; `None` if this judge does
/// not know.
pub fn is_witness(
    model: &Model,
    lowered: &Lowered,
    at: usize,
    texts: &[Vec<String>],
) -> Option<bool> {
    let obligation = lowered.obligation(at)?;
    let region = &obligation.region;
    let parsed = |text: &Vec<String>| -> Option<Point> {
        let point = Parsed::parse(text, 2).ok()?;
        Some([point.values()[0].clone(), point.values()[1].clone()])
    };
    let points: Vec<Point> = texts.iter().map(parsed).collect::<Option<_>>()?;
    if lowered.defense().is_some() || lowered.semantics() == propcert::spec::Semantics::ServedF32 {
        return None;
    }
    let whole = lowered.is_whole();
    let is_whole = |x: &Point| x.iter().zip(whole).all(|(x, whole)| !whole || x.is_whole());
    let is_inside = |x: &Point| is_in(region.sides(), x) && is_whole(x);
    match (&obligation.claim, points.as_slice()) {
        (Claim::Label { label }, [x]) => {
            Some(is_inside(x) && propcert::model::argmax(&scores(model, x), model.tie) != *label)
        }
        (Claim::Pair(_), [a, b]) => match said(&obligation.claim) {
            Said::Monotone { feature, direction } => {
                let other = 1 - feature.0;
                let is_step = a[feature.0] <= b[feature.0] && a[other] == b[other];
                let (from, to) = (margin(model, a), margin(model, b));
                let is_against = match direction {
                    propcert::spec::Direction::Increasing => to < from,
                    propcert::spec::Direction::Decreasing => to > from,
                };
                Some(is_step && is_inside(a) && is_inside(b) && is_against)
            }
            Said::Near { .. } | Said::Lipschitz { .. } => {
                violates(model, region, &obligation.claim, &[a.clone(), b.clone()])
            }
            Said::Stable { .. } | Said::Confident { .. } | Said::Fuzz { .. } | Said::Other => None,
        },
        (Claim::Avoid { blocks, .. }, points) => {
            let joint: Vec<Rational> = points.iter().flatten().cloned().collect();
            let is_inside = region.sides().iter().zip(&joint).all(|((l, h), x)| l <= x && x <= h);
            let sum = |c: &[Rational]| {
                c.iter().zip(&joint).fold(Rational::ZERO, |sum, (c, x)| &sum + &(c * x))
            };
            let outputs = crate::cells::outputs(model, &joint);
            let is_in_block = |block: &propcert::spec::OutputBlock| {
                block.rows.iter().all(|row| {
                    let terms = row.y.iter().map(|y| Rational::from_f64(*y).unwrap()).zip(&outputs);
                    let sum = terms.fold(Rational::ZERO, |sum, (y, f)| &sum + &(&y * f));
                    sum <= row.rhs
                })
            };
            Some(
                is_inside
                    && region.conditions().all(|(c, rhs)| sum(c) <= *rhs)
                    && blocks.iter().any(is_in_block),
            )
        }
        _ => None,
    }
}
