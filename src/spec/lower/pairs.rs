//! Claims about pairs of rows.
//!
//! With two classes, `F = (1 − σ(m), σ(m))`, so a distance of posteriors is one of numbers:
//!
//! ```text
//! ‖F(x) − F(x′)‖₂ = √2·|σ(m(x)) − σ(m(x′))|
//! KL(F(x)‖F(x′))  = A(m′) − A(m) − σ(m)·(m′ − m),   A(m) = ln(1 + e^m)
//! ```

use crate::interval::Rational;

/// The bound that a claim about all pairs of rows sets on one pair; distances are Euclidean.
#[derive(Clone, Debug, PartialEq)]
pub enum PairBound {
    /// `‖F(x) − F(x′)‖₂ <= L·‖x − x′‖₂`, for unordered pairs; vacuous iff `x = x′`.
    Lipschitz {
        /// L.
        constant: Rational,
    },
    /// `‖x − x′‖₂ < ε₁ ⇒ KL(F(x)‖F(x′)) < ε₂`, for ordered pairs; vacuous iff the distance is at
    /// least ε₁.
    Divergence {
        /// ε₁.
        reach: Rational,
        /// ε₂.
        limit: Rational,
    },
}

/// The pair `a < b < count` of that index, in lexicographic order.
pub(super) fn pair_at(mut index: usize, count: usize) -> Option<(usize, usize)> {
    for a in 0..count {
        let partners = count - a - 1;
        if index < partners {
            return Some((a, a + 1 + index));
        }
        index -= partners;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_lexicographically() {
        let all: Vec<_> = (0..7).map(|index| pair_at(index, 4)).collect();
        let expected = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
        assert_eq!(all[..6], expected.map(Some));
        assert_eq!((all[6], pair_at(0, 1), pair_at(0, 0)), (None, None, None));
    }
}
