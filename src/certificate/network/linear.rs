//! The interval and the linear rule for networks.
//!
//! *Interval:* every layer's outputs are bounded from the intervals of its inputs, the margin row
//! `e_y − e_j` folded into the last layer.
//!
//! *Linear* (CROWN, Zhang et al. 2018; DeepPoly, Singh et al. 2019): with bounds `l <= z <= u` of
//! every hidden neuron, each by this rule with default slopes and intersected with the interval
//! rule, the margin row is substituted backwards to the input; see [`crate::interval::Form`].
//! Any lower slope in `[0, 1]` is sound, so slopes are hints.

use crate::interval::{Form, Rational};

use crate::certificate::claims::{competitors, margin_row};
use crate::certificate::{Hidden, Hint, Leaf, Network, Rejection, Sign};

/// Lower bounds of the margins of `label`, one per competing class in ascending order.
///
/// `hints`: none, one for all rows, or one per row; `signs` are those of the case. With `Leaf::Linear`
/// the better of the linear and the interval bound counts.
pub(super) fn margins<F: Form>(
    network: &Network<F>,
    leaf: Leaf,
    label: usize,
    hidden: &Hidden,
    signs: &[Sign],
    hints: &[Hint],
) -> Result<Vec<Option<Rational>>, Rejection> {
    let classes = network.widths().last().copied().unwrap_or(0);
    let rows = classes.saturating_sub(1);
    if hints.len() > 1 && hints.len() != rows {
        return Err(Rejection::Count { what: "hints", found: hints.len(), expected: rows });
    }
    let mut bounds = Vec::with_capacity(rows);
    for (index, class) in competitors(label, classes).enumerate() {
        let row = margin_row(label, class, classes);
        let hint = if hints.len() > 1 { hints.get(index) } else { hints.first() };
        let forward = || network.interval_margin(F::new(&row), hidden);
        let bound = match leaf {
            Leaf::Interval => forward(),
            Leaf::Linear => {
                let linear = network.linear_margin(F::new(&row), hidden, hint, signs);
                let interval = forward();
                if interval > linear { interval } else { linear }
            }
            Leaf::Jacobian | Leaf::Fuzz | Leaf::Pairs => {
                let why = "it bounds no margin";
                return Err(Rejection::Inapplicable { rule: "a leaf `J`, `F` or `T`", why });
            }
        };
        bounds.push(Rational::from_f64(bound));
    }
    Ok(bounds)
}

/// Refuses hints that name something that does not exist, or name something twice.
pub(in crate::certificate) fn check_hints(
    hints: &[Hint],
    widths: &[usize],
    conditions: usize,
) -> Result<(), Rejection> {
    let hidden = widths.split_last().map_or(&[][..], |(_, hidden)| hidden);
    for hint in hints {
        let mut seen = std::collections::BTreeSet::new();
        for &(index, _) in &hint.conditions {
            if index >= conditions {
                return Err(Rejection::Index { what: "condition", index });
            }
            if !seen.insert(index) {
                return Err(Rejection::Twice { what: "the multiplier of condition", index });
            }
        }
        for (what, named) in
            [("the slope of neuron", &hint.slopes), ("the sign of neuron", &hint.split)]
        {
            let mut seen = std::collections::BTreeSet::new();
            for &(layer, neuron, _) in named {
                let width = *hidden
                    .get(layer)
                    .ok_or(Rejection::Index { what: "hidden layer", index: layer })?;
                if neuron >= width {
                    return Err(Rejection::Index { what: "neuron", index: neuron });
                }
                if !seen.insert((layer, neuron)) {
                    return Err(Rejection::Twice { what, index: neuron });
                }
            }
        }
    }
    Ok(())
}
