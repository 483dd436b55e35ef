//! What is true of a small model, decided without any code of the kernel.
//!
//! Two features. The scores of a network with one hidden layer are linear on the cells that the lines
//! `w·z + b = 0` cut from a region, so the extremes of their differences lie at vertices of that
//! arrangement, and their slopes are those of points inside the cells. The scores of an ensemble are
//! constant on the cells of its thresholds. All of them are enumerated, in exact rationals and raw units.
//! Where a feature is whole, its whole values are further lines, and only points on them count.

use propcert::interval::Rational;
use propcert::model::{Family, Mlp, Model, Node, Tie, argmax};
use propcert::spec::{Claim, Direction, Lowered, Norm, RawRegion, Semantics};

use crate::behind::Behind;
use crate::cases::nearest::{Place, nearest};
use crate::cells::reached;
use crate::said::{Said, said};
use crate::two_points::is_violated;

pub type Point = [Rational; 2];
type Side = (Rational, Rational);

/// `a·x₀ + b·x₁ + c = 0`
pub type Line = [Rational; 3];

/// A model on a box, and which of its features are whole.
struct Space<'a> {
    model: &'a Model,
    sides: &'a [Side],
    whole: &'a [bool],
}

const STILL: Point = [Rational::ZERO, Rational::ZERO];

/// Whether obligation `at` is true; a threshold that is no rational counts with its safer end. Of a
/// served claim some executions are looked at, of zone ball some shifts, of claims about two points some
/// pairs: what is left may be false.
pub fn is_true(model: &Model, lowered: &Lowered, at: usize) -> bool {
    let obligation = lowered.obligation(at).unwrap();
    let space = Space { model, sides: obligation.region.sides(), whole: lowered.is_whole() };
    let points = || critical_points(&space, &STILL);
    let is_served = lowered.semantics() == Semantics::ServedF32;
    let behind = lowered.defense().map(Behind::of);
    let own = |y: usize, scores: &[Rational]| -> Vec<Rational> {
        (0..scores.len()).filter(|c| *c != y).map(|c| &scores[y] - &scores[c]).collect()
    };
    match &obligation.claim {
        Claim::Label { label } if is_small_ball(model, &obligation.region) => {
            is_kept_in_ball(model, &obligation.region, *label, behind.as_ref())
        }
        Claim::Label { label } if behind.is_some() => {
            is_kept(&space, *label, &behind.unwrap(), false)
        }
        Claim::Posterior { label, odds, .. } if behind.is_some() => {
            assert_eq!(*odds, Rational::ONE, "controls behind a defense have delta one half");
            is_kept(&space, *label, &behind.unwrap(), true)
        }
        Claim::Label { label } => points().iter().all(|x| {
            argmax(&scores(model, x), model.tie) == *label
                && (!is_served
                    || executions(model, x).iter().all(|s| argmax(s, model.tie) == *label))
        }),
        Claim::Posterior { label, threshold, odds } => points().iter().all(|x| {
            let margins = own(*label, &scores(model, x));
            let holds = match margins.as_slice() {
                [margin] => *margin > threshold.below,
                margins => {
                    let sum: f64 = margins.iter().map(|m| (-m.down()).exp()).sum();
                    sum < odds.up() * (1.0 + 1e-9)
                }
            };
            holds
                && (!is_served
                    || executions(model, x).iter().all(|s| {
                        let rivals = (0..s.len()).filter(|c| c != label);
                        rivals.map(|c| f64::from(s[c] - s[*label]).exp()).sum::<f64>()
                            < odds.up() * (1.0 + 1e-5)
                    }))
        }),
        Claim::Pair(_) => match said(&obligation.claim) {
            Said::Monotone { feature, direction } => {
                let rises = |slope: &Rational| match direction {
                    Direction::Increasing => *slope >= Rational::ZERO,
                    Direction::Decreasing => *slope <= Rational::ZERO,
                };
                slopes(&space, feature.0).iter().all(rises)
            }
            Said::Fuzz { margin, shifts, is_ball } => {
                let along = |feature: usize, sign: i32| {
                    let mut moved = STILL;
                    moved[feature] = &shifts[feature] * &Rational::integer(sign);
                    moved
                };
                let mut moves: Vec<Point> =
                    (0..2).flat_map(|feature| [1, -1].map(|sign| along(feature, sign))).collect();
                if is_ball {
                    // the corners of a ball in the largest-change norm
                    for (a, b) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
                        let ([x, _], [_, y]) = (along(0, a), along(1, b));
                        moves.push([x, y]);
                    }
                }
                moves.into_iter().all(|shift| !flips(&space, &shift, &margin.above))
            }
            Said::Near { .. }
            | Said::Lipschitz { .. }
            | Said::Stable { .. }
            | Said::Confident { .. } => !is_violated(model, &obligation.region, &obligation.claim),
            Said::Other => panic!("a pair says something"),
        },
        Claim::AllPairs { .. } => panic!("decided pair by pair"),
        Claim::Avoid { blocks, .. } => {
            blocks.iter().all(|block| reached(model, &obligation.region, block).is_none())
        }
    }
}

/// Whether the region is a ball that is smaller than its box, around a row of an ensemble.
fn is_small_ball(model: &Model, region: &RawRegion) -> bool {
    let is_ensemble = matches!(model.family, Family::Ensemble(_));
    is_ensemble && region.as_ball().is_some_and(|ball| ball.norm != Norm::Linf)
}

/// Whether all cells that the ball meets have the label, behind a map or not; of the real function.
fn is_kept_in_ball(
    model: &Model,
    region: &RawRegion,
    label: usize,
    behind: Option<&Behind>,
) -> bool {
    let ball = region.as_ball().unwrap();
    let sides = region.sides().iter().map(|(low, high)| (Some(low.clone()), Some(high.clone())));
    let sides: Vec<_> = sides.collect();
    let place = Place { centre: ball.centre, weights: ball.weights, norm: ball.norm };
    let limit = match ball.norm {
        Norm::L2 => ball.epsilon * ball.epsilon,
        _ => ball.epsilon.clone(),
    };
    let itself = Behind::Itself;
    let is_lost = |point: &propcert::model::Point| {
        let scores = model.exact_scores(point);
        let margin = &scores[label] - &scores[1 - label];
        behind.unwrap_or(&itself).piece(label, &margin, model.tie).is_none()
    };
    nearest(model, &place, &sides, region.is_whole(), &is_lost)
        .is_none_or(|(distance, is_open)| distance > limit || (is_open && distance == limit))
}

/// Whether the answer behind a map is `label` everywhere, or that of `label` above ½. A network takes every margin between two, so all must be of one
/// piece of those with that answer.
fn is_kept(space: &Space, label: usize, behind: &Behind, is_above_half: bool) -> bool {
    let mut pieces = Vec::new();
    for x in &critical_points(space, &STILL) {
        let margin = margin(space.model, x);
        let margin = if label == 1 { margin } else { -margin };
        let told = if is_above_half { Behind::piece_above_half } else { Behind::piece };
        let Some(piece) = told(behind, label, &margin, space.model.tie) else { return false };
        pieces.push(piece);
    }
    let is_one_piece = pieces.iter().all(|piece| *piece == pieces[0]);
    is_one_piece || matches!(space.model.family, Family::Ensemble(_))
}

/// f32 executions at the rounded point: forwards, backwards, either form of standardisation.
fn executions(model: &Model, x: &Point) -> Vec<Vec<f32>> {
    let raw: Vec<f32> = x.iter().map(Rational::nearest_f32).collect();
    let sum = |start: f32, mut terms: Vec<f32>, is_backwards: bool| {
        if is_backwards {
            terms.reverse();
        }
        let total = |terms: Vec<f32>| terms.into_iter().reduce(|a, b| a + b).unwrap_or(0.0);
        if is_backwards {
            total([terms, vec![start]].concat())
        } else {
            total([vec![start], terms].concat())
        }
    };
    let run = |is_backwards: bool, is_folded: bool| match &model.family {
        Family::Mlp(mlp) => {
            let inputs = model.schema.features().iter().zip(&raw).map(|(f, &x)| {
                if is_folded { f.scale * x - f.scale * f.mean } else { (x - f.mean) * f.scale }
            });
            let layers = mlp.layers.iter().enumerate();
            layers.fold(inputs.collect::<Vec<f32>>(), |values, (k, layer)| {
                let neuron = |(row, bias): (&[f64], &f64)| {
                    let terms = row.iter().zip(&values).map(|(&w, x)| w as f32 * x).collect();
                    let z = sum(*bias as f32, terms, is_backwards);
                    if k + 1 == mlp.layers.len() { z } else { z.max(0.0) }
                };
                layer.rows().zip(&layer.bias).map(neuron).collect()
            })
        }
        Family::Ensemble(ensemble) => {
            let exact = [f64::from(raw[0]), f64::from(raw[1])].map(self::exact);
            let output = |(output, &base): (usize, &f64)| {
                let own = ensemble.trees.iter().filter(|tree| tree.output == output);
                let leaves = own.map(|tree| leaf(&tree.nodes, &exact).nearest_f32()).collect();
                sum(base as f32, leaves, is_backwards)
            };
            let outputs: Vec<f32> = ensemble.base.iter().enumerate().map(output).collect();
            if outputs.len() == 1 { vec![0.0, outputs[0]] } else { outputs }
        }
    };
    [(false, false), (true, false), (false, true), (true, true)].map(|(b, f)| run(b, f)).to_vec()
}

/// Whether some point with `|m| >= μ` has another label than its copy moved by `shift`.
fn flips(space: &Space, shift: &Point, confident: &Rational) -> bool {
    let model = space.model;
    let points = critical_points(space, shift);
    let is_one =
        |m: &Rational| *m > Rational::ZERO || (*m == Rational::ZERO && model.tie == Tie::Upper);
    [1.0, -1.0].iter().any(|&sign| {
        let own = |x: &Point| &Rational::from_f64(sign).unwrap() * &margin(model, x);
        let is_flip = |x: &Point| {
            let moved = [&x[0] + &shift[0], &x[1] + &shift[1]];
            own(x) >= *confident && (sign > 0.0) != is_one(&margin(model, &moved))
        };
        let values: Vec<Rational> = points.iter().map(own).collect();
        let (above, below): (Vec<usize>, Vec<usize>) =
            (0..points.len()).partition(|&k| values[k] >= *confident);
        above.iter().any(|&a| {
            is_flip(&points[a])
                || below.iter().any(|&b| {
                    // where the margin falls to μ on the way, if it does so linearly
                    let share = &(&values[a] - confident) / &(&values[a] - &values[b]);
                    is_flip(&between(&points[a], &points[b], &share.unwrap()))
                })
        })
    })
}

fn between(a: &Point, b: &Point, share: &Rational) -> Point {
    [0, 1].map(|k| &a[k] + &(share * &(&b[k] - &a[k])))
}

/// Score of class 1 less that of class 0.
pub fn margin(model: &Model, x: &Point) -> Rational {
    let scores = scores(model, x);
    &scores[1] - &scores[0]
}

/// One per class.
pub fn scores(model: &Model, x: &Point) -> Vec<Rational> {
    match &model.family {
        Family::Mlp(mlp) => {
            let (lines, last) = (lines(model, mlp), &mlp.layers[1]);
            let hidden: Vec<Rational> =
                lines.iter().map(|line| value(line, x).max(Rational::ZERO)).collect();
            let output = |(row, bias): (&[f64], &f64)| {
                let terms = row.iter().zip(&hidden);
                terms.fold(exact(*bias), |sum, (w, h)| &sum + &(&exact(*w) * h))
            };
            last.rows().zip(&last.bias).map(output).collect()
        }
        Family::Ensemble(ensemble) => {
            let output = |(output, base): (usize, &f64)| {
                let own = ensemble.trees.iter().filter(|tree| tree.output == output);
                own.fold(exact(*base), |sum, tree| &sum + &leaf(&tree.nodes, x))
            };
            let outputs: Vec<Rational> = ensemble.base.iter().enumerate().map(output).collect();
            if let [margin] = outputs.as_slice() {
                vec![Rational::ZERO, margin.clone()]
            } else {
                outputs
            }
        }
    }
}

fn leaf(nodes: &[Node], x: &Point) -> Rational {
    let mut at = 0;
    loop {
        at = match &nodes[at] {
            Node::Leaf(value) => return exact(*value),
            Node::Split { feature, threshold, left, .. } if x[feature.0] < exact(*threshold) => {
                *left
            }
            Node::Split { right, .. } => *right,
        };
    }
}

fn exact(x: f64) -> Rational {
    Rational::from_f64(x).unwrap()
}

pub fn value(line: &Line, x: &Point) -> Rational {
    &(&(&line[0] * &x[0]) + &(&line[1] * &x[1])) + &line[2]
}

/// Where hidden neurons turn: `w·scale·(x − mean) + b`.
pub fn lines(model: &Model, mlp: &Mlp) -> Vec<Line> {
    assert_eq!(mlp.layers.len(), 2, "one hidden layer");
    let features = model.schema.features();
    let line = |(w, b): (&[f64], &f64)| {
        let slope = |k: usize| &exact(w[k]) * &exact(f64::from(features[k].scale));
        let offset = |k: usize| &slope(k) * &exact(f64::from(features[k].mean));
        [slope(0), slope(1), &(&exact(*b) - &offset(0)) - &offset(1)]
    };
    mlp.layers[0].rows().zip(&mlp.layers[0].bias).map(line).collect()
}

/// The whole numbers of a side, if its feature is whole.
fn wholes(space: &Space, feature: usize) -> Vec<Rational> {
    let (low, high) = &space.sides[feature];
    let all = (-9..=9).map(|n: i32| Rational::integer(n)).filter(|n| low <= n && n <= high);
    if space.whole[feature] { all.collect() } else { Vec::new() }
}

/// Points at which the scores, and those of the copy moved by `shift`, take their extremes.
fn critical_points(space: &Space, shift: &Point) -> Vec<Point> {
    let mut points: Vec<Point> = match &space.model.family {
        Family::Mlp(mlp) => {
            let own = lines(space.model, mlp);
            let moved = own.iter().map(|l| {
                let offset = &(&l[0] * &shift[0]) + &(&l[1] * &shift[1]);
                [l[0].clone(), l[1].clone(), &l[2] + &offset]
            });
            vertices(own.iter().cloned().chain(moved), space)
        }
        Family::Ensemble(_) => {
            let [a, b] = [0, 1].map(|k| stops(space, k, &shift[k]));
            a.iter().flat_map(|x| b.iter().map(move |y| [x.clone(), y.clone()])).collect()
        }
    };
    points.retain(|x| (0..2).all(|k| !space.whole[k] || x[k].is_whole()));
    points
}

/// Where two of the lines or edges meet, inside the region.
fn vertices(lines: impl Iterator<Item = Line>, space: &Space) -> Vec<Point> {
    let (zero, one, sides) = (Rational::ZERO, Rational::ONE, space.sides);
    let edges = [0, 1].into_iter().flat_map(|k| {
        let (a, b) = if k == 0 { (one.clone(), zero.clone()) } else { (zero.clone(), one.clone()) };
        let ends = [sides[k].0.clone(), sides[k].1.clone()];
        let places = ends.into_iter().chain(wholes(space, k));
        places.map(move |end| [a.clone(), b.clone(), -end]).collect::<Vec<Line>>()
    });
    let all: Vec<Line> = lines.chain(edges).collect();
    let mut points = Vec::new();
    for (k, first) in all.iter().enumerate() {
        for second in &all[k + 1..] {
            let minor = |i: usize, j: usize| &(&first[i] * &second[j]) - &(&first[j] * &second[i]);
            let bottom = minor(0, 1);
            let (Some(x), Some(y)) = (&minor(1, 2) / &bottom, &minor(2, 0) / &bottom) else {
                continue;
            };
            points.push([x, y]);
        }
    }
    points.retain(|x| (0..2).all(|k| sides[k].0 <= x[k] && x[k] <= sides[k].1));
    points.sort();
    points.dedup();
    points
}

/// The ends of a side, every threshold on it, where the copy meets one, and points between; of a whole
/// feature, the whole numbers.
fn stops(space: &Space, feature: usize, shift: &Rational) -> Vec<Rational> {
    let Family::Ensemble(ensemble) = &space.model.family else { panic!("no ensemble") };
    if space.whole[feature] {
        return wholes(space, feature);
    }
    let side = &space.sides[feature];
    let mut stops = vec![side.0.clone(), side.1.clone()];
    for node in ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
        if let Node::Split { feature: f, threshold, .. } = node
            && f.0 == feature
        {
            stops.extend([exact(*threshold), &exact(*threshold) - shift]);
        }
    }
    stops.retain(|x| side.0 <= *x && *x <= side.1);
    stops.sort();
    stops.dedup();
    let half = exact(0.5);
    let middles: Vec<Rational> =
        stops.windows(2).map(|pair| &half * &(&pair[0] + &pair[1])).collect();
    stops.extend(middles);
    stops.sort();
    stops
}

/// All slopes of the margin along a feature, or all steps of an ensemble.
fn slopes(space: &Space, feature: usize) -> Vec<Rational> {
    let model = space.model;
    assert_eq!(model.classes, 2, "monotone controls have two classes");
    match &model.family {
        Family::Mlp(mlp) => {
            assert!(!space.whole.contains(&true), "no monotone control has whole inputs");
            let lines = lines(model, mlp);
            let corners = vertices(lines.iter().cloned(), space);
            let inside = centroids(&corners);
            let inside =
                inside.iter().filter(|x| lines.iter().all(|line| value(line, x) != Rational::ZERO));
            inside.map(|x| slope(mlp, &lines, x, feature)).collect()
        }
        Family::Ensemble(_) => {
            let stops = stops(space, feature, &Rational::ZERO);
            let others = critical_points(space, &STILL);
            let step = |x: &Point, pair: &[Rational]| {
                let [mut a, mut b] = [x.clone(), x.clone()];
                (a[feature], b[feature]) = (pair[0].clone(), pair[1].clone());
                &margin(model, &b) - &margin(model, &a)
            };
            others.iter().flat_map(|x| stops.windows(2).map(|pair| step(x, pair))).collect()
        }
    }
}

/// Middles of all triangles of corners: one at least lies inside every cell.
fn centroids(corners: &[Point]) -> Vec<Point> {
    let third = (&Rational::ONE / &Rational::integer(3)).unwrap();
    let mut middles = Vec::new();
    for (i, a) in corners.iter().enumerate() {
        for (j, b) in corners.iter().enumerate().skip(i + 1) {
            let sum = [&a[0] + &b[0], &a[1] + &b[1]];
            for c in &corners[j + 1..] {
                middles.push([0, 1].map(|k| &third * &(&sum[k] + &c[k])));
            }
        }
    }
    middles
}

fn slope(mlp: &Mlp, lines: &[Line], x: &Point, feature: usize) -> Rational {
    let rows: Vec<&[f64]> = mlp.layers[1].rows().collect();
    let open = lines.iter().enumerate().filter(|(_, line)| value(line, x) > Rational::ZERO);
    open.fold(Rational::ZERO, |sum, (k, line)| {
        &sum + &(&(&exact(rows[1][k]) - &exact(rows[0][k])) * &line[feature])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{scaled_network, small_ensemble, small_network};

    /// No point of a grid is more extreme than the critical points.
    #[test]
    fn the_extremes_are_at_critical_points() {
        for model in [small_network(), scaled_network(), small_ensemble()] {
            let side = (exact(-1.0), exact(1.5));
            let sides = [side.clone(), side];
            let space = Space { model: &model, sides: &sides, whole: &[false, false] };
            let values: Vec<Rational> =
                critical_points(&space, &STILL).iter().map(|x| margin(&model, x)).collect();
            let (low, high) = (values.iter().min().unwrap(), values.iter().max().unwrap());
            for k in 0..=40 * 40 {
                let [a, b] = [k % 41, k / 41].map(|n| -1.0 + 2.5 * f64::from(n) / 40.0);
                let m = margin(&model, &[exact(a), exact(b)]);
                let point = propcert::model::Point::from_floats(&[a, b]).unwrap();
                let scores = model.exact_scores(&point);
                assert_eq!(m, &scores[1] - &scores[0]);
                assert!(*low <= m && m <= *high, "at {a}, {b}");
            }
        }
    }
}
