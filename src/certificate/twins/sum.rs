//! Bounds on the change of some trees: they add up, so each part of an ensemble may be cut on its own.

use crate::interval::Rational;

use super::aim::Aim;

/// Trees, by number in ascending order, and what they must show.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    pub(super) trees: Vec<usize>,
    pub(super) aim: Aim,
}

impl Sum {
    /// The trees that are named, which may change by `most`, and the others, which have what is left: over any
    /// pairs of points the largest change of all is at most the sum of both largest changes. Refuses what is
    /// no bound on a change, and trees that are not among these.
    pub(super) fn parts(&self, most: f64, named: &[usize]) -> Result<(Self, Self), &'static str> {
        let Aim::Change { limit } = &self.aim else {
            return Err("a sum where no change of the score is bounded");
        };
        let most = Rational::from_f64(most).ok_or("the bound of a sum is not finite")?;
        if !named.iter().all(|tree| self.trees.binary_search(tree).is_ok()) {
            return Err("a sum names a tree that is not there");
        }
        let is_other = |tree: &&usize| named.binary_search(tree).is_err();
        let others = self.trees.iter().filter(is_other).copied().collect();
        let left = Aim::Change { limit: limit - &most };
        let aim = Aim::Change { limit: most };
        Ok((Self { trees: named.to_vec(), aim }, Self { trees: others, aim: left }))
    }
}
