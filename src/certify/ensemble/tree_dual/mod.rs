//! Shares of the relaxation with one variable per leaf, for rule `tree-dual`. A share is the amount that a
//! tree leaves to the cells of a feature. Shares make the least leaves of all trees agree better.
//!
//! Feature by feature, each tree's least sums per cell are replaced by their mean over the trees (max-product
//! linear programming, Globerson and Jaakkola 2007). The bound never falls. If the result is not enough, the
//! linear program itself is solved, provided it is small. The kernel accepts any shares.

mod program;

use std::collections::{BTreeMap, BTreeSet};

use crate::certificate::{Proof, Shift, competitors};
use crate::spec::Obligation;

use super::grid::{Grid, GridNode, Parts, Sides};
use crate::certify::Searcher;

/// Most rounds over all features.
const ROUNDS: usize = 30;
/// A round that gains less than this share of the missing amount is the last.
const LEAST_GAIN: f64 = 0.01;
/// Steps of one unit of a score.
const STEPS: f64 = (1 << 20) as f64;
/// The size that a step must stay below.
const LARGEST: f64 = (1_u64 << 53) as f64;
/// Most leaves for which the relaxation is solved.
const MOST_LEAVES: usize = 50_000;

/// Shares for every margin row of a claim about one label; `None` for other claims, for empty regions, and
/// for ensembles that are too large.
pub(in crate::certify) fn search(searcher: &Searcher, obligation: &Obligation) -> Option<Proof> {
    let grid = searcher.grid.as_ref()?;
    let model = searcher.subject.model.0;
    let (label, threshold) = obligation.sufficient.as_ref()?.label()?;
    let required = threshold.map_or(0.0, |threshold| threshold.above.up());
    let sides = searcher.kernel.cells(obligation)?.sides().to_vec();
    // the ball of a row outside the domain may have no cells
    if sides.iter().any(|(lo, hi)| lo > hi) {
        return None;
    }
    let leaves: usize = grid.trees.iter().map(|(_, parts)| parts.len().div_ceil(2)).sum();
    if leaves > MOST_LEAVES {
        return None;
    }
    let rows = competitors(label, model.classes).map(|rival| {
        let mut relaxation = Relaxation::new(grid, &sides, label, rival);
        relaxation.solve(required);
        if relaxation.value() <= required {
            program::improve(&mut relaxation, searcher.options.lp_rows);
        }
        relaxation.shifts()
    });
    Some(Proof::TreeDual { shifts: rows.collect() })
}

/// A tree's share of one feature, constant between the tree's own cuts.
struct TreeShare {
    feature: usize,
    /// The first cell of each run.
    starts: Vec<usize>,
    theta: Vec<f64>,
}

/// A leaf: its value, the runs of each share that it reaches, and the least share over these runs.
struct Reach {
    value: f64,
    runs: Vec<(usize, usize)>,
    least: Vec<f64>,
}

/// A tree with its shares.
struct Factor {
    /// Its place in the ensemble.
    tree: usize,
    shares: Vec<TreeShare>,
    leaves: Vec<Reach>,
}

/// The relaxation of one margin over a box of cells.
pub(super) struct Relaxation<'a> {
    sides: &'a Sides,
    base: f64,
    factors: Vec<Factor>,
    /// Per feature and cell, the remainder that no tree has: `−Σθ`.
    rest: Vec<Vec<f64>>,
}

impl<'a> Relaxation<'a> {
    pub(super) fn new(grid: &Grid, sides: &'a Sides, label: usize, rival: usize) -> Self {
        let sign = |output: usize| grid.sign(output, label, rival);
        let base = grid.base.iter().enumerate();
        let base = base.filter_map(|(output, base)| Some(sign(output)? * base)).sum();
        let factor = |(tree, (output, parts)): (usize, &(usize, Parts<f64>))| {
            Some(Factor::new(tree, parts, sides, sign(*output)?))
        };
        let factors = grid.trees.iter().enumerate().filter_map(factor).collect();
        let rest = sides.iter().map(|(lo, hi)| vec![0.0; hi - lo + 1]).collect();
        Self { sides, base, factors, rest }
    }

    /// The bound.
    pub(super) fn value(&self) -> f64 {
        let trees: f64 = self.factors.iter().map(Factor::least).sum();
        let rest: f64 = self.rest.iter().map(|rest| least(rest)).sum();
        self.base + trees + rest
    }

    /// Improves the shares until the bound exceeds `required`, or gains little.
    pub(super) fn solve(&mut self, required: f64) {
        let mut value = self.value();
        for _ in 0..ROUNDS {
            if value > required {
                return;
            }
            (0..self.sides.len()).for_each(|feature| self.average(feature));
            let now = self.value();
            if now - value < LEAST_GAIN * (required - value) {
                return;
            }
            value = now;
        }
    }

    /// Gives each tree that cuts a feature the same part of the least sums per cell.
    fn average(&mut self, feature: usize) {
        let lo = self.sides[feature].0;
        let factors = self.factors.iter().enumerate();
        let users: Vec<(usize, usize)> =
            factors.filter_map(|(t, factor)| Some((t, factor.place(feature)?))).collect();
        if users.is_empty() {
            return;
        }
        let mut total = self.rest[feature].clone();
        let sums: Vec<Vec<f64>> =
            users.iter().map(|&(t, place)| self.factors[t].sums(place)).collect();
        for (&(t, place), sums) in users.iter().zip(&sums) {
            for (cells, run) in self.factors[t].shares[place].runs(lo, total.len()) {
                total[cells].iter_mut().for_each(|total| *total += sums[run]);
            }
        }
        let part = 1.0 / users.len() as f64;
        let mut rest = total.clone();
        for (&(t, place), sums) in users.iter().zip(&sums) {
            let factor = &mut self.factors[t];
            for (cells, run) in factor.shares[place].runs(lo, total.len()) {
                // the least over the run, since a share is constant on it
                let level = part * least(&total[cells.clone()]);
                factor.shares[place].theta[run] += level - sums[run];
                rest[cells].iter_mut().for_each(|rest| *rest -= level);
            }
            factor.renew(place);
        }
        self.rest[feature] = rest;
    }

    /// The shares per tree, share and run.
    fn thetas(&self) -> Vec<Vec<Vec<f64>>> {
        let of = |factor: &Factor| factor.shares.iter().map(|share| share.theta.clone()).collect();
        self.factors.iter().map(of).collect()
    }

    /// Replaces the shares by these, per tree, share and run.
    fn adopt(&mut self, thetas: &[Vec<Vec<f64>>]) {
        self.rest.iter_mut().flatten().for_each(|rest| *rest = 0.0);
        for (factor, thetas) in self.factors.iter_mut().zip(thetas) {
            for (place, theta) in thetas.iter().enumerate() {
                factor.shares[place].theta.clone_from(theta);
                factor.renew(place);
                let share = &factor.shares[place];
                let rest = &mut self.rest[share.feature];
                for (cells, run) in share.runs(self.sides[share.feature].0, rest.len()) {
                    rest[cells].iter_mut().for_each(|rest| *rest -= theta[run]);
                }
            }
        }
    }

    /// The shares as steps.
    fn shifts(&self) -> Vec<Shift> {
        let mut shifts = Vec::new();
        for Factor { tree, shares, .. } in &self.factors {
            for TreeShare { feature, starts, theta } in shares {
                for (run, start) in starts.iter().enumerate().skip(1) {
                    let step = ((theta[run] - theta[run - 1]) * STEPS).round();
                    // a share of a huge leaf may not be written; without it the bound is another one, and still a bound
                    if step != 0.0 && step.abs() < LARGEST {
                        shifts.push((*tree, *feature, start - 1, step as i64));
                    }
                }
            }
        }
        shifts
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

impl TreeShare {
    /// The run of a cell.
    fn run(&self, cell: usize) -> usize {
        self.starts.partition_point(|start| *start <= cell) - 1
    }

    /// The cells of each run, counted from `lo`, and the number of the run.
    fn runs(&self, lo: usize, cells: usize) -> Vec<(std::ops::Range<usize>, usize)> {
        let end = |run: usize| self.starts.get(run + 1).map_or(cells, |next| next - lo);
        (0..self.starts.len()).map(|run| (self.starts[run] - lo..end(run), run)).collect()
    }
}

impl Factor {
    fn new(tree: usize, parts: &[GridNode<f64>], sides: &Sides, sign: f64) -> Self {
        let mut cuts: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for part in parts {
            if let GridNode::Split { feature, number, .. } = *part {
                let (lo, hi) = sides[feature];
                if lo <= number && number < hi {
                    cuts.entry(feature).or_insert_with(|| [lo].into()).insert(number + 1);
                }
            }
        }
        let share = |(feature, starts): (usize, BTreeSet<usize>)| TreeShare {
            feature,
            theta: vec![0.0; starts.len()],
            starts: starts.into_iter().collect(),
        };
        let shares: Vec<TreeShare> = cuts.into_iter().map(share).collect();
        let mut leaves = Vec::new();
        let mut stack = vec![(0, sides.clone())];
        while let Some((at, here)) = stack.pop() {
            match parts[at] {
                GridNode::Leaf(value) => {
                    let run = |share: &TreeShare| {
                        let (lo, hi) = here[share.feature];
                        (share.run(lo), share.run(hi))
                    };
                    let runs: Vec<_> = shares.iter().map(run).collect();
                    leaves.push(Reach { value: sign * value, least: vec![0.0; runs.len()], runs });
                }
                GridNode::Split { feature, number, left, right } => {
                    let (lo, hi) = here[feature];
                    if lo <= number {
                        let mut part = here.clone();
                        part[feature] = (lo, hi.min(number));
                        stack.push((left, part));
                    }
                    if hi > number {
                        let mut part = here;
                        part[feature] = (lo.max(number + 1), hi);
                        stack.push((right, part));
                    }
                }
            }
        }
        Self { tree, shares, leaves }
    }

    /// The place of the share of a feature.
    fn place(&self, feature: usize) -> Option<usize> {
        self.shares.iter().position(|share| share.feature == feature)
    }

    fn least(&self) -> f64 {
        self.leaves.iter().map(Reach::sum).fold(f64::INFINITY, f64::min)
    }

    /// Per run of a share, the least leaf that reaches it.
    fn sums(&self, place: usize) -> Vec<f64> {
        let share = &self.shares[place];
        let mut sums = vec![f64::INFINITY; share.theta.len()];
        for leaf in &self.leaves {
            let others = leaf.sum() - leaf.least[place];
            let (first, last) = leaf.runs[place];
            let reached = sums[first..=last].iter_mut().zip(&share.theta[first..=last]);
            reached.for_each(|(sum, theta)| *sum = sum.min(others + theta));
        }
        sums
    }

    /// Recomputes the least shares of the leaves after one share changed.
    fn renew(&mut self, place: usize) {
        let theta = &self.shares[place].theta;
        for leaf in &mut self.leaves {
            let (first, last) = leaf.runs[place];
            leaf.least[place] = least(&theta[first..=last]);
        }
    }
}

impl Reach {
    fn sum(&self) -> f64 {
        self.value + self.least.iter().sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Subject;
    use crate::certify::Options;
    use crate::model::{Digest, Model, Row};
    use crate::spec::{Lowered, Spec};

    #[test]
    fn the_ball_of_a_row_outside_the_domain_has_no_shares() {
        let text = r#"{"format":"model/1","family":"ensemble","precision":"f64","tie":"lower",
            "classes":2,"features":[{"name":"x","kind":"real","low":"0","high":"1"}],"base":[1],
            "trees":[{"output":0,"feature":[0,0,0,0,0],"threshold":[2,0,3,0,0],
            "left":[1,-1,3,-1,-1],"right":[2,-1,4,-1,-1],"default-left":[0,0,0,0,0],
            "leaf":[0,1,0,2,3]}]}"#;
        let model = Model::read(text.as_bytes()).unwrap();
        let spec = Spec::read(b"property = 'label'\nepsilon = '0.1'\nunits = 'raw'").unwrap();
        let row = |x| Row { values: vec![x], label: 1, key: Digest::of(b"") };
        let rows = [row(0.5), row(5.0)];
        let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
        let subject =
            Subject { model: (&model, Digest::of(b"")), spec: &spec, data: None, defense: None };
        let searcher = Searcher::new(subject, &lowered, &rows, Options::default());
        assert!(searcher.offer_shares(0).is_some());
        assert_eq!(searcher.offer_shares(1), None);
    }
}
