//! Bounds on the change of some trees: they add up, so each part of an ensemble may be cut on its own.

use crate::interval::Rational;

use super::aim::PairAim;

/// Trees, by number in ascending order, and what they must show.
#[derive(Clone, Debug)]
pub(super) struct TreeSum {
    pub(super) trees: Vec<usize>,
    pub(super) aim: PairAim,
}

impl TreeSum {
    /// Splits the sum into the named trees, which may change by `most`, and the others, which get the rest of
    /// the limit: over any pairs of points, the largest change of all trees is at most the sum of both largest
    /// changes. Refuses an aim that is no bound on a change, and named trees that are not among these or not in
    /// ascending order.
    pub(super) fn parts(&self, most: f64, named: &[usize]) -> Result<(Self, Self), &'static str> {
        let PairAim::Change { limit } = &self.aim else {
            return Err("a sum where no change of the score is bounded");
        };
        let most = Rational::from_f64(most).ok_or("the bound of a sum is not finite")?;
        if !named.is_sorted_by(|a, b| a < b) {
            return Err("a sum whose trees are not in ascending order, each once");
        }
        if !named.iter().all(|tree| self.trees.binary_search(tree).is_ok()) {
            return Err("a sum names a tree that is not there");
        }
        let is_other = |tree: &&usize| named.binary_search(tree).is_err();
        let others = self.trees.iter().filter(is_other).copied().collect();
        let left = PairAim::Change { limit: limit - &most };
        let aim = PairAim::Change { limit: most };
        Ok((Self { trees: named.to_vec(), aim }, Self { trees: others, aim: left }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every tree is in one of both parts, or nothing is said.
    #[test]
    fn parts_share_out_all_trees() {
        let limit = Rational::from_f64(2.0).unwrap();
        let all = TreeSum { trees: vec![0, 1, 3], aim: PairAim::Change { limit } };
        let (named, others) = all.parts(0.5, &[0, 3]).unwrap();
        assert_eq!((named.trees, others.trees), (vec![0, 3], vec![1]));
        assert!(
            matches!(others.aim, PairAim::Change { limit } if limit == Rational::from_f64(1.5).unwrap())
        );
        for named in [&[1, 1][..], &[3, 1], &[2], &[0, 1, 3, 4], &[0, 0, 1, 3]] {
            assert!(all.parts(0.5, named).is_err(), "{named:?}");
        }
        for most in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(all.parts(most, &[0]).is_err(), "{most}");
        }
    }
}
