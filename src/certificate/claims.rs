//! Decides when lower bounds of margins suffice for a claim.

use crate::interval::{Rational, exp};
use crate::model::Tie;
use crate::spec::Claim;

use crate::certificate::{Bounds, Rejection};

/// The result of a rule's bound for a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    /// The claim holds on the region.
    Holds,
    /// The bound does not clear.
    Open(Bounds),
}

/// The classes that compete with `label`, ascending: one margin row each.
pub fn competitors(label: usize, classes: usize) -> impl Iterator<Item = usize> {
    (0..classes).filter(move |&class| class != label)
}

/// The margin row `e_label − e_class`, one entry per class.
pub fn margin_row(label: usize, class: usize, classes: usize) -> Vec<f64> {
    let entry = |index| match index {
        _ if index == label => 1.0,
        _ if index == class => -1.0,
        _ => 0.0,
    };
    (0..classes).map(entry).collect()
}

/// The label whose margins decide the claim.
pub(super) fn label_of(claim: &Claim) -> Result<usize, Rejection> {
    let why = "the claim is not about one label";
    let refused = Rejection::Inapplicable { rule: "a bound of margins", why };
    claim.label().map(|(label, _)| label).ok_or(refused)
}

/// Decides a claim about one label from lower bounds of its margins.
///
/// `margins[k]` bounds the margin over the k-th competitor from below (`None`: no bound) and `allowances[k]` is
/// the most that a served copy may lose of it.
///
/// * `label`: margin > allowance, or >= where the label wins the tie;
/// * `local-invariance`, two classes: margin > τ⁺ + allowance;
/// * more: `Σ_j exp(−(m_j − allowance)) < δ/(1−δ)`.
pub(super) fn decide(
    claim: &Claim,
    tie: Tie,
    classes: usize,
    margins: &[Option<Rational>],
    allowances: &[Rational],
) -> Result<Outcome, Rejection> {
    let label = label_of(claim)?;
    let Some(margins) = margins.iter().cloned().collect::<Option<Vec<_>>>() else {
        return Ok(Outcome::Open(Bounds::NONE));
    };
    let served: Vec<Rational> = margins.iter().zip(allowances).map(|(m, e)| m - e).collect();
    let clears = |required: &Rational, is_enough: &dyn Fn(usize, &Rational) -> bool| {
        let holds = competitors(label, classes).zip(&served).all(|(class, m)| is_enough(class, m));
        if holds && served.len() + 1 == classes {
            return Outcome::Holds;
        }
        let reached = served.iter().min().map_or(f64::NEG_INFINITY, Rational::down);
        Outcome::Open(Bounds { reached, required: required.up() })
    };
    Ok(match claim {
        Claim::Label { .. } => clears(&Rational::ZERO, &|class, m| {
            let wins_tie = (label < class) == (tie == Tie::Lower);
            *m > Rational::ZERO || (wins_tie && *m == Rational::ZERO)
        }),
        Claim::Posterior { threshold, odds, .. } if classes > 2 => {
            let total = served
                .iter()
                .try_fold(Rational::ZERO, |sum, m| exp(&-m.clone()).1.map(|above| &sum + &above));
            let holds = total.is_some_and(|total| total < *odds);
            clears(&threshold.above, &|_, _| holds)
        }
        Claim::Posterior { threshold, .. } => {
            clears(&threshold.above, &|_, m| *m > threshold.above)
        }
        Claim::Pair(_) | Claim::Avoid { .. } | Claim::AllPairs { .. } => {
            Outcome::Open(Bounds::NONE)
        }
    })
}
