//! Claims about pairs of rows, and about pairs of points.
//!
//! With two classes, `F = (1 − σ(m), σ(m))`, so a distance of posteriors is one of numbers:
//!
//! ```text
//! ‖F(x) − F(x′)‖₂ = √2·|σ(m(x)) − σ(m(x′))|
//! KL(F(x)‖F(x′))  = A(m′) − A(m) − σ(m)·(m′ − m),   A(m) = ln(1 + e^m)
//! ```

use std::sync::Arc;

use crate::interval::Rational;
use crate::model::Model;

use super::super::region::Metric;
use super::super::{LipschitznessT, LocalInvarianceT, Norm, On, Property, SmallNeighborhood, Spec};
use super::{Aim, Bonds, Claim, LowerError, Pair, Regions, unsupported};

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

/// Refuses claims about two points with more than two classes, or if a defense loses them. They are decided
/// with two classes and for a plain score.
pub(super) fn expect_decidable(
    spec: &Spec,
    model: &Model,
    is_lost: bool,
) -> Result<(), LowerError> {
    let about = |what: &str| format!("property `{}` {what}", spec.property.name());
    if model.classes > 2 {
        return Err(unsupported(about("with more than two classes"), "it is decided for two"));
    }
    if is_lost {
        let why = "the defense keeps no claim about two points";
        return Err(unsupported(about("behind this defense"), why));
    }
    Ok(())
}

/// The claim of a small neighbourhood. `d = max_i |x_i − x′_i|/σ_i` is the largest coordinate of
/// the difference in standardised units.
pub(super) fn near(spec: &Spec, model: &Model) -> Result<Claim, LowerError> {
    let Property::SmallNeighborhood(SmallNeighborhood { epsilon, constant, on }) = &spec.property
    else {
        return Err(unsupported("this property", "it is no small-neighborhood"));
    };
    let metric = Metric::new(&model.schema, spec.units, Norm::Linf, epsilon.value());
    let bound = constant.value() * epsilon.value();
    // posteriors are asked about points that are closer than ε
    let is_strict = *on == On::Posterior;
    Ok(Claim::Pair(Pair {
        bonds: Bonds::Within { reach: metric.reach().into(), is_strict },
        regions: Regions::Both,
        aim: Aim::Close { bound, on: *on, is_strict },
    }))
}

/// The raw length of a unit of the distance.
pub(super) fn raw_unit(weight: &Rational) -> Rational {
    (&Rational::ONE / weight).expect("scales are positive")
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

/// The claim of a property about all pairs of rows.
#[cfg_attr(not(test), expect(clippy::wildcard_enum_match_arm, reason = "refused"))]
pub(super) fn all_pairs(spec: &Spec, model: &Model) -> Result<Claim, LowerError> {
    let bound = match &spec.property {
        Property::LipschitznessT(LipschitznessT { constant }) => {
            PairBound::Lipschitz { constant: constant.value().clone() }
        }
        Property::LocalInvarianceT(LocalInvarianceT { epsilon_1, epsilon_2 }) => {
            PairBound::Divergence {
                reach: epsilon_1.value().clone(),
                limit: epsilon_2.value().clone(),
            }
        }
        _ => return Err(unsupported("this property", "it is not about all pairs of rows")),
    };
    let metric = Metric::new(&model.schema, spec.units, Norm::L2, &Rational::ZERO);
    Ok(Claim::AllPairs { bound, weights: Arc::clone(metric.weights()) })
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
