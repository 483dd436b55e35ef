//! What is true of a small model, decided without any code of the kernel.
//!
//! Two features, not scaled. The margin of a network with one hidden layer is linear on the cells
//! that the lines `w·x + b = 0` cut from a region, so its extremes lie at vertices of that
//! arrangement, and its slopes are those of points inside the cells. The margin of an ensemble is
//! constant on the cells of its thresholds. All of them are enumerated, in exact rationals.

use propcert::interval::Rational;
use propcert::model::{Ensemble, Family, Mlp, Model, Node};
use propcert::spec::{Claim, Direction, Lowered, Zone};

type Point = [Rational; 2];
type Side = (Rational, Rational);

/// `a·x₀ + b·x₁ + c = 0`
type Line = [Rational; 3];

/// Whether obligation `at` is true; a threshold that is no rational counts with its safer end.
pub fn is_true(model: &Model, lowered: &Lowered, at: usize) -> bool {
    let obligation = lowered.obligation(at).unwrap();
    let sides = obligation.region.sides();
    let still = [Rational::ZERO, Rational::ZERO];
    let margins = || critical_points(model, sides, &still).into_iter().map(|x| margin(model, &x));
    match &obligation.claim {
        Claim::Label { label: 1 } => margins().all(|m| m > Rational::ZERO),
        Claim::Label { .. } => margins().all(|m| m <= Rational::ZERO),
        Claim::Posterior { label, threshold, .. } => {
            margins().all(|m| (if *label == 1 { m } else { -m }) > threshold.below)
        }
        Claim::Monotone { feature, direction, .. } => {
            let rises = |slope: &Rational| match direction {
                Direction::Increasing => *slope >= Rational::ZERO,
                Direction::Decreasing => *slope <= Rational::ZERO,
            };
            slopes(model, sides, feature.0).iter().all(rises)
        }
        Claim::Fuzz { margin, shifts, zone: Zone::Axis, .. } => {
            let moves = shifts.iter().enumerate().flat_map(|(feature, shift)| {
                [shift.clone(), -shift.clone()].map(|shift| {
                    let mut moved = still.clone();
                    moved[feature] = shift;
                    moved
                })
            });
            moves.into_iter().all(|shift| !flips(model, sides, &shift, &margin.above))
        }
        Claim::Fuzz { .. } => panic!("no control has zone ball"),
        Claim::AllPairs { .. } | Claim::Near { .. } | Claim::Lipschitz { .. } => {
            panic!("no control is about pairs")
        }
        Claim::Avoid { blocks, .. } => {
            assert!(blocks.iter().all(|block| block.rows.len() == 1), "least at a vertex");
            let outputs =
                critical_points(model, sides, &still).into_iter().map(|x| outputs(model, &x));
            outputs.into_iter().all(|f| !blocks.iter().any(|block| block.contains(&f)))
        }
    }
}

/// Whether some point with `|m| >= μ` has another label than its copy moved by `shift`.
fn flips(model: &Model, sides: &[Side], shift: &Point, confident: &Rational) -> bool {
    let points = critical_points(model, sides, shift);
    [1.0, -1.0].iter().any(|&sign| {
        let own = |x: &Point| &Rational::from_f64(sign).unwrap() * &margin(model, x);
        let is_flip = |x: &Point| {
            let moved = [&x[0] + &shift[0], &x[1] + &shift[1]];
            // the tie goes to class 0
            own(x) >= *confident && (sign > 0.0) != (margin(model, &moved) > Rational::ZERO)
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
    match &model.family {
        Family::Mlp(mlp) => {
            let (lines, last) = (lines(mlp), &mlp.layers[1]);
            let rows: Vec<&[f64]> = last.rows().collect();
            let start = &exact(last.bias[1]) - &exact(last.bias[0]);
            lines.iter().enumerate().fold(start, |sum, (k, line)| {
                let weight = &exact(rows[1][k]) - &exact(rows[0][k]);
                &sum + &(&weight * &value(line, x).max(Rational::ZERO))
            })
        }
        Family::Ensemble(ensemble) => ensemble
            .trees
            .iter()
            .fold(exact(ensemble.base[0]), |sum, tree| &sum + &leaf(&tree.nodes, x)),
    }
}

/// The logits of a network.
fn outputs(model: &Model, x: &Point) -> Vec<Rational> {
    let Family::Mlp(mlp) = &model.family else { panic!("output regions are for networks") };
    let (lines, last) = (lines(mlp), &mlp.layers[1]);
    let output = |(row, bias): (&[f64], &f64)| {
        row.iter().zip(&lines).fold(exact(*bias), |sum, (w, line)| {
            &sum + &(&exact(*w) * &value(line, x).max(Rational::ZERO))
        })
    };
    last.rows().zip(&last.bias).map(output).collect()
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

fn value(line: &Line, x: &Point) -> Rational {
    &(&(&line[0] * &x[0]) + &(&line[1] * &x[1])) + &line[2]
}

/// Where hidden neurons turn.
fn lines(mlp: &Mlp) -> Vec<Line> {
    assert_eq!(mlp.layers.len(), 2, "one hidden layer");
    let first = &mlp.layers[0];
    first.rows().zip(&first.bias).map(|(w, b)| [exact(w[0]), exact(w[1]), exact(*b)]).collect()
}

/// Points at which the margin, and the margin of the copy moved by `shift`, take their extremes.
fn critical_points(model: &Model, sides: &[Side], shift: &Point) -> Vec<Point> {
    match &model.family {
        Family::Mlp(mlp) => {
            let own = lines(mlp);
            let moved = own.iter().map(|l| {
                let offset = &(&l[0] * &shift[0]) + &(&l[1] * &shift[1]);
                [l[0].clone(), l[1].clone(), &l[2] + &offset]
            });
            vertices(own.iter().cloned().chain(moved), sides)
        }
        Family::Ensemble(ensemble) => {
            let [a, b] = [0, 1].map(|k| stops(ensemble, k, &sides[k], &shift[k]));
            a.iter().flat_map(|x| b.iter().map(move |y| [x.clone(), y.clone()])).collect()
        }
    }
}

/// Where two of the lines or edges meet, inside the region.
fn vertices(lines: impl Iterator<Item = Line>, sides: &[Side]) -> Vec<Point> {
    let (zero, one) = (Rational::ZERO, Rational::ONE);
    let edges = [0, 1].into_iter().flat_map(|k| {
        let (a, b) = if k == 0 { (one.clone(), zero.clone()) } else { (zero.clone(), one.clone()) };
        [&sides[k].0, &sides[k].1].map(|end| [a.clone(), b.clone(), -end.clone()])
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

/// The ends of a side, every threshold on it, where the copy meets one, and points between.
fn stops(ensemble: &Ensemble, feature: usize, side: &Side, shift: &Rational) -> Vec<Rational> {
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
fn slopes(model: &Model, sides: &[Side], feature: usize) -> Vec<Rational> {
    let still = [Rational::ZERO, Rational::ZERO];
    match &model.family {
        Family::Mlp(mlp) => {
            let lines = lines(mlp);
            let corners = vertices(lines.iter().cloned(), sides);
            let inside = centroids(&corners);
            let inside =
                inside.iter().filter(|x| lines.iter().all(|line| value(line, x) != Rational::ZERO));
            inside.map(|x| slope(mlp, &lines, x, feature)).collect()
        }
        Family::Ensemble(ensemble) => {
            let stops = stops(ensemble, feature, &sides[feature], &still[feature]);
            let others = critical_points(model, sides, &still);
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
    use crate::certificates::{small_ensemble, small_network};

    /// No point of a grid is more extreme than the critical points.
    #[test]
    fn the_extremes_are_at_critical_points() {
        for model in [small_network(), small_ensemble()] {
            let side = (exact(-1.0), exact(1.5));
            let sides = [side.clone(), side];
            let still = [Rational::ZERO, Rational::ZERO];
            let values: Vec<Rational> =
                critical_points(&model, &sides, &still).iter().map(|x| margin(&model, x)).collect();
            let (low, high) = (values.iter().min().unwrap(), values.iter().max().unwrap());
            for k in 0..=40 * 40 {
                let [a, b] = [k % 41, k / 41].map(|n| -1.0 + 2.5 * f64::from(n) / 40.0);
                let m = margin(&model, &[exact(a), exact(b)]);
                assert_eq!(m, exact(model.margin(&[a, b])));
                assert!(*low <= m && m <= *high, "at {a}, {b}");
            }
        }
    }
}
