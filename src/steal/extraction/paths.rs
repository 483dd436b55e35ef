//! Extraction of a target that is constant on boxes, from labels alone and without any proof (Tramèr et al. 2016 find
//! decision paths by such bisections; here the boxes are those of the label, not of one tree).
//!
//! ```text
//! reference points r₁, r₂, …    the seed rows; then three of four are crossings of two of them, each coordinate that of one or
//!                               the other, one in ten redrawn, and one of four is uniform on the valid box; without seeds all are
//! ask                           the next one of the box with the most reference points for each point asked there
//! another label than the box    a = the nearest point asked there, b = this one:
//!     a, (b₁, a₂, …), …, b      bisect for the coordinate j whose change turns the label, then its value: a threshold t
//!                               split the box at x_j < t; go on while points asked in one box disagree
//! ```
//!
//! Every split is at a threshold of the target, between two neighbouring floats of 32 bits. A box holds the label of the
//! points asked in it, which is no proof of the others: what is read off is exact once no box of the label is left unseen,
//! and nobody is told when that is. Two classes.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::model::{Feature, Node};
use crate::oracle::{Oracle, OracleError};
use crate::steal::generators::distance;
use crate::steal::{Attack, Classifier, Knowledge, StealError, StealStream, Substitute, stream};

use super::thresholds::{between, model};

/// Reference points for each query of the budget.
const PER_QUERY: usize = 4;

/// The share of the coordinates of a crossing that are drawn anew.
const REDRAWN: f64 = 0.1;
/// Most reference points.
const MOST_POINTS: usize = 200_000;

/// The attack; it has no settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathSearch;

impl Attack for PathSearch {
    fn expect(&self, _: &Oracle, known: &Knowledge) -> Result<(), StealError> {
        match known.classes {
            2 => Ok(()),
            found => Err(StealError::TwoClasses { rule: "paths", found }),
        }
    }

    fn steal(
        &self,
        oracle: &mut Oracle,
        known: &Knowledge,
        seed: u64,
    ) -> Result<Substitute, StealError> {
        self.expect(oracle, known)?;
        let mut rng = stream(seed, StealStream::Points);
        let count = oracle.remaining().saturating_mul(PER_QUERY).min(MOST_POINTS);
        let seeds = known.seeds.iter().map(|row| row.values.clone());
        let reference: Vec<Vec<f64>> = seeds
            .chain((0..count).map(|number| reference(known, number, &mut rng)))
            .map(|point| rounded(point, known.valid.sides()))
            .collect();
        let mut search =
            PathReading { oracle, known, nodes: vec![Node::Leaf(-1.0)], asked: Vec::new() };
        let steps = search.read(&reference)?;
        let classifier = Classifier::Model(Box::new(model(known.schema, &search.nodes)));
        Ok(Substitute { classifier, sample: super::paid(oracle), steps })
    }
}

/// A reference point beyond the seed rows.
fn reference(known: &Knowledge, number: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut point = known.valid.uniform(rng);
    if known.seeds.is_empty() || number.is_multiple_of(4) {
        return point;
    }
    let mut pick = || &known.seeds[rng.random_range(0..known.seeds.len())];
    let (a, b) = (pick(), pick());
    for (at, x) in point.iter_mut().enumerate() {
        if rng.random::<f64>() >= REDRAWN {
            *x = if rng.random() { a.values[at] } else { b.values[at] };
        }
    }
    known.valid.snap(&mut point);
    point
}

/// The point in floats of 32 bits, inside the box: thresholds are compared with such values.
fn rounded(mut point: Vec<f64>, sides: &[(f64, f64)]) -> Vec<f64> {
    for (x, (low, high)) in point.iter_mut().zip(sides) {
        let near = *x as f32;
        let inside = [near, near.next_up(), near.next_down()].map(f64::from);
        *x = inside.into_iter().find(|y| low <= y && y <= high).unwrap_or(*x);
    }
    point
}

/// A tree that is being read off.
struct PathReading<'k, 'o, 'm> {
    oracle: &'o mut Oracle<'m>,
    known: &'k Knowledge<'k>,
    nodes: Vec<Node>,
    /// Points with their labels.
    asked: Vec<(Vec<f64>, usize)>,
}

/// A box of the tree.
struct OpenBox {
    /// Its leaf.
    node: usize,
    /// Points asked in it, by number.
    asked: Vec<usize>,
    /// Reference points in it that were not asked, the next one last.
    waiting: Vec<usize>,
}

impl OpenBox {
    /// Reference points for each point asked.
    fn doubt(&self) -> f64 {
        self.waiting.len() as f64 / (self.asked.len() + 1) as f64
    }
}

impl PathReading<'_, '_, '_> {
    /// Reads until the budget is used or every reference point was asked; the number of splits.
    fn read(&mut self, reference: &[Vec<f64>]) -> Result<u64, StealError> {
        let waiting = (0..reference.len()).rev().collect();
        let mut boxes = vec![OpenBox { node: 0, asked: Vec::new(), waiting }];
        let mut splits = 0;
        loop {
            let worst = (0..boxes.len())
                .max_by(|a, b| boxes[*a].doubt().total_cmp(&boxes[*b].doubt()).then(b.cmp(a)));
            let Some(at) = worst else { return Ok(splits) };
            let Some(next) = boxes[at].waiting.pop() else { return Ok(splits) };
            let Some(label) = self.label(&reference[next])? else { return Ok(splits) };
            self.asked.push((reference[next].clone(), label));
            boxes[at].asked.push(self.asked.len() - 1);
            let mut unsettled = vec![at];
            while let Some(at) = unsettled.pop() {
                let Some((a, b)) = self.disagreeing(&boxes[at]) else {
                    self.settle(&boxes[at]);
                    continue;
                };
                let Some((feature, threshold)) = self.threshold(a, b)? else { return Ok(splits) };
                splits += 1;
                let right = self.split(&mut boxes[at], (feature, threshold), reference);
                boxes.push(right);
                unsettled.extend([at, boxes.len() - 1]);
            }
        }
    }

    /// The last point asked in a box, and the nearest one there with another label.
    fn disagreeing(&self, open: &OpenBox) -> Option<(usize, usize)> {
        let last = *open.asked.last()?;
        let others = open.asked.iter().filter(|one| self.asked[**one].1 != self.asked[last].1);
        let far =
            |one: &usize| distance(self.known.schema, &self.asked[*one].0, &self.asked[last].0);
        let nearest = others.min_by(|a, b| far(a).total_cmp(&far(b)))?;
        Some((*nearest, last))
    }

    /// A threshold between two points of different labels; `None` once the budget is used.
    fn threshold(&mut self, a: usize, b: usize) -> Result<Option<(usize, f64)>, StealError> {
        let ((from, label), (to, _)) = (self.asked[a].clone(), self.asked[b].clone());
        // the first so many coordinates are those of the far end
        let (mut near, mut far) = (0, from.len());
        let mixed = |count: usize| [&to[..count], &from[count..]].concat();
        while far - near > 1 {
            let middle = (near + far) / 2;
            let Some(found) = self.label(&mixed(middle))? else { return Ok(None) };
            if found == label { near = middle } else { far = middle }
        }
        let feature = near;
        let mut point = mixed(near);
        let is_up = from[feature] < to[feature];
        let (mut low, mut high) =
            if is_up { (from[feature], to[feature]) } else { (to[feature], from[feature]) };
        while let Some(middle) = between(&self.known.schema.features()[feature], low, high) {
            point[feature] = middle;
            let Some(found) = self.label(&point)? else { return Ok(None) };
            if (found == label) == is_up { low = middle } else { high = middle }
        }
        // x < threshold goes left: the upper of two neighbours
        Ok(Some((feature, high)))
    }

    /// Makes the leaf of a box a split; the box becomes the left half, the right one is given.
    fn split(
        &mut self,
        open: &mut OpenBox,
        (feature, threshold): (usize, f64),
        reference: &[Vec<f64>],
    ) -> OpenBox {
        let left = self.nodes.len();
        let right = left + 1;
        self.nodes.extend([Node::Leaf(-1.0), Node::Leaf(-1.0)]);
        self.nodes[open.node] =
            Node::Split { feature: Feature(feature), threshold, left, right, default_left: false };
        let is_left = |point: &[f64]| point[feature] < threshold;
        let (asked, beyond) = open.asked.iter().partition(|one| is_left(&self.asked[**one].0));
        let (waiting, others) = open.waiting.iter().partition(|one| is_left(&reference[**one]));
        *open = OpenBox { node: left, asked, waiting };
        let halves = OpenBox { node: right, asked: beyond, waiting: others };
        self.settle(open);
        self.settle(&halves);
        halves
    }

    /// Gives the leaf of a box the label of the last point asked there.
    fn settle(&mut self, open: &OpenBox) {
        let label = open.asked.last().map_or(0, |last| self.asked[*last].1);
        self.nodes[open.node] = Node::Leaf(if label == 1 { 1.0 } else { -1.0 });
    }

    /// The answer at a point; `None` once the budget is used.
    fn label(&mut self, point: &[f64]) -> Result<Option<usize>, StealError> {
        match self.oracle.label(point) {
            Ok(label) => Ok(Some(label)),
            Err(OracleError::BudgetExhausted { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
