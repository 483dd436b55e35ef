//! One pair of rows by the answers of a defense: enclosures of both classes, which need not add up to 1.
//!
//! ```text
//! ‖F′(x) − F′(x′)‖₂² = Σ_c (P_c − Q_c)²          KL(F′(x)‖F′(x′)) = Σ_c P_c·(ln P_c − ln Q_c)
//! ```

use std::cell::OnceCell;

use crate::interval::{Rational, ln};

use super::exact::Relation;
use super::floats::Approximate;

/// The answers of a defended model at a site.
pub(super) struct Defended {
    /// `[least, greatest]` within `[0, 1]`, by class.
    answers: [(Rational, Rational); 2],
    /// Enclosures of the logarithms of these, once they are asked for; `None`: −∞.
    logarithms: OnceCell<[Logarithm; 2]>,
}

/// The ends of an enclosure; no lower one where an answer may be 0.
type Logarithm = (Option<Rational>, Rational);

impl Defended {
    pub(super) fn new(answers: [(Rational, Rational); 2]) -> Self {
        let within = |x: Rational| x.max(Rational::ZERO).min(Rational::ONE);
        let answers = answers.map(|(low, high)| (within(low), within(high)));
        Self { answers, logarithms: OnceCell::new() }
    }

    fn logarithms(&self) -> &[Logarithm; 2] {
        let enclosed = |(low, high): &(Rational, Rational)| {
            // a number too small for an enclosure is at most 1
            let above = ln(high).map_or(Rational::ZERO, |(_, above)| above);
            (ln(low).map(|(below, _)| below), above)
        };
        self.logarithms.get_or_init(|| self.answers.each_ref().map(enclosed))
    }

    /// The answers and their logarithms, by class; one that may be 0 has no logarithm that is told.
    pub(super) fn balls(&self) -> [(Approximate, Approximate); 2] {
        let [zero, one] = &self.answers;
        let [ln_zero, ln_one] = self.logarithms();
        [(zero, ln_zero), (one, ln_one)].map(|((low, high), (ln_low, ln_high))| {
            let untold = Approximate { centre: 0.0, radius: f64::INFINITY };
            let ln = ln_low.as_ref().map_or(untold, |below| Approximate::around(below, ln_high));
            (Approximate::around(low, high), ln)
        })
    }

    /// The answer to class 1, with a radius that holds that of class 0 as well, from 1.
    pub(super) fn approximate(&self) -> Approximate {
        let [(low0, high0), (low, high)] = &self.answers;
        let ends = [&Rational::ONE - high0, &Rational::ONE - low0];
        Approximate::around(low.min(&ends[0]), high.max(&ends[1]))
    }
}

/// `Σ_c (P_c − Q_c)² <= rate`, for `rate = L²·‖x − x′‖²`.
pub(super) fn lipschitz(rate: &Rational, a: &Defended, b: &Defended) -> Relation {
    let (mut least, mut most) = (Rational::ZERO, Rational::ZERO);
    for ((low, high), (other_low, other_high)) in a.answers.iter().zip(&b.answers) {
        let (over, under) = (low - other_high, other_low - high);
        let near = over.max(under).max(Rational::ZERO);
        let far = (high - other_low).max(other_high - low);
        least = &least + &(&near * &near);
        most = &most + &(&far * &far);
    }
    if most <= *rate {
        Relation::Holds
    } else if least > *rate {
        Relation::Fails
    } else {
        Relation::Open
    }
}

/// `Σ_c P_c·(ln P_c − ln Q_c) < limit`.
pub(super) fn divergence(limit: &Rational, a: &Defended, b: &Defended) -> Relation {
    // `None`: not known
    let (mut least, mut most) = (Some(Rational::ZERO), Some(Rational::ZERO));
    let first = a.answers.iter().zip(a.logarithms());
    for ((p, ln_p), (q, ln_q)) in first.zip(b.answers.iter().zip(b.logarithms())) {
        if q.1 == Rational::ZERO && p.0 > Rational::ZERO {
            // without end
            return Relation::Fails;
        }
        let (below, above) = term(p, ln_p, ln_q);
        least = least.zip(below).map(|(sum, below)| &sum + &below);
        most = most.zip(above).map(|(sum, above)| &sum + &above);
    }
    if most.is_some_and(|most| most < *limit) {
        Relation::Holds
    } else if least.is_some_and(|least| least >= *limit) {
        Relation::Fails
    } else {
        Relation::Open
    }
}

/// `[least, greatest]` of `P·(ln P − ln Q)`; `None` for an end that is not known.
fn term(
    (low, high): &(Rational, Rational),
    (ln_low, ln_high): &Logarithm,
    (other_low, other_high): &Logarithm,
) -> (Option<Rational>, Option<Rational>) {
    if *high == Rational::ZERO {
        // 0·ln 0 = 0
        return (Some(Rational::ZERO), Some(Rational::ZERO));
    }
    let products = |ratio: Rational| (low * &ratio, high * &ratio);
    let least = ln_low.as_ref().map(|ln_low| {
        let (p, q) = products(ln_low - other_high);
        p.min(q)
    });
    let most = other_low.as_ref().map(|other_low| {
        let (p, q) = products(ln_high - other_low);
        p.max(q)
    });
    (least, most)
}
