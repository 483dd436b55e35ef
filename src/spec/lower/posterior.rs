//! Claims about the posterior of one label.
//!
//! With two classes and the margin `m` of the label, `F_y > 1 − δ ⇔ m > τ`, `τ = ln((1−δ)/δ)`.

use crate::interval::{Rational, ln};

use super::{Claim, Threshold};

/// δ of the claim that the label wins.
pub(super) fn half() -> Rational {
    Rational::from_f64(0.5).expect("a half is finite")
}

/// `F_y > 1 − δ` with the label still to be filled in; `None` beyond ±60.
pub(super) fn posterior_claim(delta: &Rational) -> Option<Claim> {
    let rest = &Rational::ONE - delta;
    let (below, above) = ln(&(&rest / delta)?)?;
    let limit = Rational::integer(60);
    if above.clone().abs() > limit || below.clone().abs() > limit {
        return None;
    }
    let odds = (delta / &rest)?;
    Some(Claim::Posterior { label: 0, threshold: Threshold { below, above }, odds })
}

/// What must hold of the undefended posterior so that `F′_y > 1 − δ` after poisoning with α.
///
/// `F′_y` is `(1−α)·F_y`, or more by α where `y` is not the label; so `F_y > (1−δ)/(1−α)` suffices,
/// that is `F_y > 1 − δ′` with `δ′ = (δ−α)/(1−α)`. Nothing is preserved if `δ <= α`.
pub(super) fn poisoned_claim(delta: &Rational, alpha: &Rational) -> Option<Claim> {
    let carried = (&(delta - alpha) / &(&Rational::ONE - alpha))?;
    if carried <= Rational::ZERO {
        return None;
    }
    posterior_claim(&carried)
}
