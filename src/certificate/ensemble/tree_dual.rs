//! The relaxation of an ensemble with one variable per leaf, by weak duality.
//!
//! A share `θ_{t,j}` is any function of the cell of feature `j`. Tree `t` adds it to its leaves, and for all
//! trees together it is subtracted again. At every point of a box of cells
//!
//! ```text
//! Σ_t v_t  >=  Σ_t min over reached leaves of [ v + Σ_j min over the leaf's cells of θ_{t,j} ]
//!              + Σ_j min over the box's cells of −Σ_t θ_{t,j}
//! ```
//!
//! since each tree's leaf holds the point's cells. The bound holds for all shares, so they are a hint: steps
//! `[tree, feature, cut, n]`, by which the share rises (`n` in units of 2⁻²⁰) from the cells up to the cut to
//! those beyond it. The best shares reach the optimum of the linear program in which trees agree on the cells.

use std::collections::BTreeMap;

use dashu_int::IBig;

use crate::interval::{Dyadic, Rational};

use super::{CellBox, CutTree, Forest, Score};
use crate::certificate::Rejection;
use crate::certificate::claims::competitors;
use crate::certificate::proof::Shift;

/// Exponent of the unit of a step.
const UNIT: i64 = -20;
/// Sizes of steps stay below this.
const MOST: u64 = 1 << 53;

/// A function of cells that is constant between cuts: its rise at each cell where it changes.
#[derive(Default)]
struct Staircase(BTreeMap<usize, i128>);

impl Staircase {
    /// Adds a step beyond a cut.
    fn rise(&mut self, cut: usize, by: i64) {
        let rise = self.0.entry(cut.saturating_add(1)).or_default();
        *rise = rise.saturating_add(i128::from(by));
    }

    /// The least value times `sign` over a run of cells.
    fn least(&self, (lo, hi): (usize, usize), sign: i128) -> i128 {
        let mut value: i128 = self.0.range(..=lo).map(|(_, rise)| sign * rise).sum();
        let mut least = value;
        let rises = self.0.range(lo.saturating_add(1)..);
        for (_, rise) in rises.take_while(|(cell, _)| **cell <= hi) {
            value += sign * rise;
            least = least.min(value);
        }
        least
    }
}

/// The shares of all trees.
struct Shares {
    /// The shares, by tree, then by feature.
    own: BTreeMap<usize, BTreeMap<usize, Staircase>>,
    /// The sums of the shares of all trees, by feature.
    sums: BTreeMap<usize, Staircase>,
}

impl Shares {
    fn new<N: Score>(forest: &Forest<N>, shifts: &[Shift]) -> Result<Self, Rejection> {
        let mut shares = Self { own: BTreeMap::new(), sums: BTreeMap::new() };
        let mut seen = std::collections::BTreeSet::new();
        for &(tree, feature, cut, by) in shifts {
            let index = |what, index| Rejection::Index { what, index };
            if tree >= forest.trees.len() {
                return Err(index("tree", tree));
            }
            if cut >= forest.cuts(feature) {
                return Err(index("cut of a shift", cut));
            }
            if by.unsigned_abs() >= MOST {
                return Err(index("a shift of 2^53 or more at cut", cut));
            }
            if !seen.insert((tree, feature, cut)) {
                return Err(Rejection::Twice { what: "the shift at cut", index: cut });
            }
            shares.own.entry(tree).or_default().entry(feature).or_default().rise(cut, by);
            shares.sums.entry(feature).or_default().rise(cut, by);
        }
        Ok(shares)
    }
}

/// Lower bounds of the margins of `label` over the box, one per competing class; `shifts` has a list for
/// each, in their order.
pub(in crate::certificate) fn margins<N: Score>(
    forest: &Forest<N>,
    label: usize,
    classes: usize,
    cells: &CellBox,
    shifts: &[Vec<Shift>],
) -> Result<Vec<Option<Rational>>, Rejection> {
    let rivals: Vec<usize> = competitors(label, classes).collect();
    if shifts.len() != rivals.len() {
        let (found, expected) = (shifts.len(), rivals.len());
        return Err(Rejection::Count { what: "lists of shifts", found, expected });
    }
    let bound = |(rival, shifts): (&usize, &Vec<Shift>)| {
        let shares = Shares::new(forest, shifts)?;
        // with one output the score is the margin of class 1
        let sign = |output: usize| match forest.outputs() {
            1 => Some(label == 1),
            _ if output == label => Some(true),
            _ if output == *rival => Some(false),
            _ => None,
        };
        Ok(Some(least(forest, cells, &shares, sign)))
    };
    rivals.iter().zip(shifts).map(bound).collect()
}

/// The bound of a signed sum of outputs.
fn least<N: Score>(
    forest: &Forest<N>,
    cells: &CellBox,
    shares: &Shares,
    sign: impl Fn(usize) -> Option<bool>,
) -> Rational {
    let mut sum = IBig::ZERO;
    for (output, base) in forest.base.iter().enumerate() {
        sum += sign(output).map_or(IBig::ZERO, |is_plus| signed(base, is_plus));
    }
    let mut in_steps = 0i128;
    for (feature, total) in &shares.sums {
        in_steps += total.least(cells.side(*feature), -1);
    }
    let nothing = BTreeMap::new();
    let mut leaves = Rational::ZERO;
    for (index, tree) in forest.trees.iter().enumerate() {
        let own = shares.own.get(&index).unwrap_or(&nothing);
        // a tree of another output has no leaves in this sum, and may have shares all the same
        let is_plus = sign(tree.output);
        leaves = &leaves + &least_of_tree(forest, tree, cells, own, is_plus);
    }
    let rest = Dyadic::new(IBig::from(in_steps), UNIT).to_rational();
    &(&forest.number(sum) + &rest) + &leaves
}

fn signed<N: Score>(score: &N, is_plus: bool) -> IBig {
    if is_plus { score.big() } else { -score.big() }
}

/// The least leaf of a tree with its shares.
fn least_of_tree<N: Score>(
    forest: &Forest<N>,
    tree: &CutTree<N>,
    cells: &CellBox,
    own: &BTreeMap<usize, Staircase>,
    is_plus: Option<bool>,
) -> Rational {
    let mut least: Option<Rational> = None;
    let mut here = cells.clone();
    Forest::each_leaf(tree, &mut here, |value, here| {
        let value = is_plus.map_or(IBig::ZERO, |is_plus| signed(value, is_plus));
        let shares: i128 =
            own.iter().map(|(feature, share)| share.least(here.side(*feature), 1)).sum();
        let sum = &forest.number(value) + &Dyadic::new(IBig::from(shares), UNIT).to_rational();
        if least.as_ref().is_none_or(|least| sum < *least) {
            least = Some(sum);
        }
    });
    least.unwrap_or(Rational::ZERO)
}
