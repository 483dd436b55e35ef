//! One pair in exact arithmetic.

use crate::interval::{Rational, sigmoid, softplus};

/// The model's answers at a site.
pub(super) struct Exactly {
    pub(super) margin: Rational,
    /// An enclosure of `σ(m)`.
    pub(super) posterior: (Rational, Rational),
    /// An enclosure of `ln(1 + e^m)`.
    pub(super) softplus: (Rational, Rational),
}

impl Exactly {
    /// Derives the enclosures from the margin.
    pub(super) fn new(margin: Rational) -> Self {
        let (posterior, softplus) = (sigmoid(&margin), softplus(&margin));
        Self { margin, posterior, softplus }
    }
}

/// The relation of a pair to the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Holds,
    Fails,
    Open,
    Vacuous,
}

/// `2·(F − F′)² <= rate`, for `rate = L²·‖x − x′‖²`.
pub(super) fn lipschitz(rate: &Rational, a: &Exactly, b: &Exactly) -> Relation {
    if a.margin == b.margin {
        return Relation::Holds;
    }
    if *rate == Rational::ZERO {
        // σ is strictly increasing
        return Relation::Fails;
    }
    let gap = |upper: &Exactly, lower: &Exactly| {
        let (least, most) =
            (&upper.posterior.0 - &lower.posterior.1, &upper.posterior.1 - &lower.posterior.0);
        (if least > Rational::ZERO { least } else { Rational::ZERO }, most)
    };
    let (least, most) = if a.margin > b.margin { gap(a, b) } else { gap(b, a) };
    let doubled_square = |gap: &Rational| &(gap * gap) + &(gap * gap);
    if doubled_square(&most) <= *rate {
        Relation::Holds
    } else if doubled_square(&least) > *rate {
        Relation::Fails
    } else {
        Relation::Open
    }
}

/// `A(m′) − A(m) − F·(m′ − m) < limit`.
pub(super) fn divergence(limit: &Rational, a: &Exactly, b: &Exactly) -> Relation {
    if a.margin == b.margin {
        return Relation::Holds;
    }
    let step = &b.margin - &a.margin;
    let (p, q) = (&a.posterior.0 * &step, &a.posterior.1 * &step);
    let (least, most) = if p <= q { (p, q) } else { (q, p) };
    let below = &(&b.softplus.0 - &a.softplus.1) - &most;
    let above = &(&b.softplus.1 - &a.softplus.0) - &least;
    if above < *limit {
        Relation::Holds
    } else if below >= *limit {
        Relation::Fails
    } else {
        Relation::Open
    }
}
