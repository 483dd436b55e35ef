//! Claims about the posterior of one label.
//!
//! With two classes and the margin `m` of the label, `F_y > 1 − δ ⇔ m > τ`, `τ = ln((1−δ)/δ)`.

use crate::interval::{Rational, ln};

use super::{Claim, Threshold};

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
