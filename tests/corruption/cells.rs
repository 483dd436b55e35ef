//! Whether a small network reaches an unsafe block, decided by cutting polygons.
//!
//! A box of which at most two sides have a width is a polygon. Every neuron cuts it into the
//! parts where it is on and off; on the parts outputs are linear, so that every condition and every row
//! of a block cuts off another piece. What is left is reached. Joint points hold both copies of an input.

use propcert::interval::Rational;
use propcert::model::Model;
use propcert::spec::{OutputBlock, RawRegion};

use crate::cases::mlp;
use crate::truth::{Point, lines, scores, value};

type Joint = Vec<Rational>;

/// A point of the region whose outputs lie in the block; `None` if there is none.
pub fn reached(model: &Model, region: &RawRegion, block: &OutputBlock) -> Option<Joint> {
    let mut cells = vec![corners(region)];
    let copies = region.sides().len() / 2;
    for copy in 0..copies {
        for line in lines(model, mlp(model)) {
            let z = |x: &Joint| value(&line, &point(x, copy));
            cells = cells.iter().flat_map(|cell| [clip(cell, z), clip(cell, |x| -z(x))]).collect();
            cells.retain(|cell| !cell.is_empty());
        }
    }
    let excess = |terms: Vec<Rational>, rhs: &Rational| {
        &terms.iter().fold(Rational::ZERO, |sum, term| &sum + term) - rhs
    };
    for cell in &mut cells {
        for (coefficients, rhs) in region.conditions() {
            let row =
                |x: &Joint| excess(coefficients.iter().zip(x).map(|(c, x)| c * x).collect(), rhs);
            *cell = clip(cell, row);
        }
        for row in &block.rows {
            let output = |x: &Joint| {
                let f = outputs(model, x);
                let y = row.y.iter().map(|y| Rational::from_f64(*y).unwrap());
                excess(y.zip(&f).map(|(y, f)| &y * f).collect(), &row.rhs)
            };
            *cell = clip(cell, output);
        }
    }
    cells.into_iter().flatten().next()
}

/// The outputs of all copies, one after the other.
pub fn outputs(model: &Model, x: &Joint) -> Vec<Rational> {
    (0..x.len() / 2).flat_map(|copy| scores(model, &point(x, copy))).collect()
}

/// The point of one copy.
fn point(x: &Joint, copy: usize) -> Point {
    [x[2 * copy].clone(), x[2 * copy + 1].clone()]
}

/// The corners of a box, in a circle.
fn corners(region: &RawRegion) -> Vec<Joint> {
    assert!(!region.is_whole().contains(&true), "no whole inputs");
    let lowest: Joint = region.sides().iter().map(|(low, _)| low.clone()).collect();
    let wide = |k: &usize| region.sides()[*k].0 < region.sides()[*k].1;
    let wide: Vec<usize> = (0..lowest.len()).filter(wide).collect();
    assert!(wide.len() <= 2, "more than two free inputs");
    let corner = |highs: &[usize]| {
        let mut corner = lowest.clone();
        highs.iter().for_each(|&k| corner[k] = region.sides()[k].1.clone());
        corner
    };
    if region.is_empty() {
        return Vec::new();
    }
    match wide.as_slice() {
        [a, b] => vec![corner(&[]), corner(&[*a]), corner(&[*a, *b]), corner(&[*b])],
        [a] => vec![corner(&[]), corner(&[*a])],
        _ => vec![corner(&[])],
    }
}

/// The part of a convex polygon on which `f`, linear there, is at most 0.
fn clip(polygon: &[Joint], f: impl Fn(&Joint) -> Rational) -> Vec<Joint> {
    let values: Vec<Rational> = polygon.iter().map(f).collect();
    let mut kept = Vec::new();
    for (k, corner) in polygon.iter().enumerate() {
        let next = (k + 1) % polygon.len();
        if values[k] <= Rational::ZERO {
            kept.push(corner.clone());
        }
        let changes = (values[k] < Rational::ZERO && values[next] > Rational::ZERO)
            || (values[k] > Rational::ZERO && values[next] < Rational::ZERO);
        if changes {
            let share = (&values[k] / &(&values[k] - &values[next])).unwrap();
            let between = corner.iter().zip(&polygon[next]);
            kept.push(between.map(|(a, b)| a + &(&share * &(b - a))).collect());
        }
    }
    kept
}
