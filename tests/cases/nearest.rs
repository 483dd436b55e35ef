//! The nearest change of label of an ensemble, by looking at all cells.

#![allow(dead_code, reason = "every test file uses its own part")]

use propcert::interval::Rational;
use propcert::model::{Family, Model, Node, Point, argmax};
use propcert::spec::Norm;

/// Lower and upper raw end, where there is one.
pub type Ends = (Option<Rational>, Option<Rational>);

/// From where distances count: a raw point, the length of a raw unit per feature, and the norm.
pub struct Place<'a> {
    pub centre: &'a [Rational],
    pub weights: &'a [Rational],
    pub norm: Norm,
}

/// A cell of a feature: a value in it, its distance from the centre, and whether no value has that.
#[derive(Clone)]
struct Cell {
    value: Rational,
    length: Rational,
    is_open: bool,
}

/// The distance (its square for L2) to the nearest point of the box with another label than `label`, and
/// whether no point has that distance; `None` if there is no other label. Whole features take the whole
/// numbers of their side, which must have two ends.
pub fn nearest_change(
    model: &Model,
    place: &Place,
    sides: &[Ends],
    is_whole: &[bool],
    label: usize,
) -> Option<(Rational, bool)> {
    let is_other = |point: &Point| argmax(&model.exact_scores(point), model.tie) != label;
    nearest(model, place, sides, is_whole, &is_other)
}

/// The same of points that are sought, all or none of a cell.
pub fn nearest(
    model: &Model,
    place: &Place,
    sides: &[Ends],
    is_whole: &[bool],
    is_sought: &dyn Fn(&Point) -> bool,
) -> Option<(Rational, bool)> {
    let cells: Vec<Vec<Cell>> = (0..sides.len())
        .map(|feature| {
            let (x, weight) = (&place.centre[feature], &place.weights[feature]);
            match is_whole[feature] {
                true => whole_cells(x, weight, &sides[feature]),
                false => real_cells(&thresholds(model, feature), x, weight, &sides[feature]),
            }
        })
        .collect();
    let mut best = None;
    each(&cells, &mut Vec::new(), &mut |chosen| {
        let texts: Vec<String> =
            chosen.iter().map(|cell| cell.value.decimal_text().unwrap()).collect();
        let point = Point::parse(&texts, chosen.len()).unwrap();
        if is_sought(&point) {
            let distance = distance(chosen, place.norm);
            if best.as_ref().is_none_or(|best| distance < *best) {
                best = Some(distance);
            }
        }
    });
    best
}

fn distance(chosen: &[Cell], norm: Norm) -> (Rational, bool) {
    let any_open = chosen.iter().any(|cell| cell.is_open);
    let lengths = chosen.iter().map(|cell| cell.length.clone());
    match norm {
        Norm::Linf => {
            let longest = lengths.max().unwrap();
            let is_open = chosen.iter().any(|cell| cell.is_open && cell.length == longest);
            (longest, is_open)
        }
        Norm::L1 => (lengths.fold(Rational::ZERO, |sum, d| &sum + &d), any_open),
        Norm::L2 => (lengths.fold(Rational::ZERO, |sum, d| &sum + &(&d * &d)), any_open),
    }
}

fn each(cells: &[Vec<Cell>], chosen: &mut Vec<Cell>, look: &mut dyn FnMut(&[Cell])) {
    let Some((first, rest)) = cells.split_first() else { return look(chosen) };
    for cell in first {
        chosen.push(cell.clone());
        each(rest, chosen, look);
        chosen.pop();
    }
}

fn thresholds(model: &Model, feature: usize) -> Vec<Rational> {
    let Family::Ensemble(ensemble) = &model.family else { panic!("an ensemble") };
    let nodes = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
    let mut found: Vec<Rational> = nodes
        .filter_map(|node| match node {
            Node::Split { feature: f, threshold, .. } if f.0 == feature => {
                Rational::from_f64(*threshold)
            }
            _ => None,
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

fn real_cells(thresholds: &[Rational], x: &Rational, weight: &Rational, ends: &Ends) -> Vec<Cell> {
    let (low, high) = ends;
    let mut cells = Vec::new();
    for number in 0..=thresholds.len() {
        let from = number.checked_sub(1).map(|k| &thresholds[k]);
        let to = thresholds.get(number);
        if from.is_some_and(|from| from > x) {
            let from = from.unwrap();
            if high.as_ref().is_none_or(|high| from <= high) {
                let length = weight * &(from - x);
                cells.push(Cell { value: from.clone(), length, is_open: false });
            }
        } else if to.is_some_and(|to| to <= x) {
            let to = to.unwrap();
            if low.as_ref().is_none_or(|low| low < to) {
                let bottom = [from.cloned(), low.clone()].into_iter().flatten().max();
                let bottom = bottom.unwrap_or_else(|| to - &Rational::integer(2));
                let middle = (&(&bottom + to) / &Rational::integer(2)).unwrap();
                let middle = Rational::from_f64(middle.down()).unwrap();
                assert!(bottom <= middle && middle < *to);
                cells.push(Cell { value: middle, length: weight * &(x - to), is_open: true });
            }
        } else {
            cells.push(Cell { value: x.clone(), length: Rational::ZERO, is_open: false });
        }
    }
    cells
}

fn whole_cells(x: &Rational, weight: &Rational, ends: &Ends) -> Vec<Cell> {
    let (mut at, last) =
        (Rational::integer(ends.0.as_ref().unwrap().ceil()), ends.1.clone().unwrap());
    let mut cells = Vec::new();
    while at <= last {
        let length = weight * &(&at - x).abs();
        cells.push(Cell { value: at.clone(), length, is_open: false });
        at = &at + &Rational::ONE;
    }
    cells
}
