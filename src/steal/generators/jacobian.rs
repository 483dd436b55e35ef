//! Jacobian-based augmentation: labelled points move to where the substitute's loss is larger.
//!
//! ```text
//! x₀ = x,  x_{t+1} = clip(x_t + a · sign(∇ₓ CE(S(x_t), y)), x ± ε),  then the valid box;  a = ε / steps
//! ```
//!
//! Standardised units; `sign(0) = 0`; `y` is the label that the attacker has for x. A substitute that is no network
//! has no gradient: see `zoo`.

use crate::model::{Family, Mlp, Model, argmax, softmax};
use crate::steal::{Classifier, Labelled};
use crate::violation::slopes;

use super::maker::{MoveCounts, View};
use super::{Generator, zoo};

/// The steps of one move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) epsilon: f64,
    pub(super) steps: usize,
    pub(super) difference: f64,
    /// 1 to raise the loss, −1 to lower it.
    pub(super) sign: f64,
}

impl Steps {
    /// The length of one step.
    pub(super) fn length(&self) -> f64 {
        self.epsilon / self.steps as f64
    }

    /// `z` moved by one step along the signs of `slopes`, kept within `centre ± ε` and the sides.
    pub(super) fn step(&self, z: &mut [f64], centre: &[f64], slopes: &[f64], sides: &[(f64, f64)]) {
        for (((z, c), g), (low, high)) in z.iter_mut().zip(centre).zip(slopes).zip(sides) {
            let sign = if *g == 0.0 { 0.0 } else { g.signum() };
            let moved = *z + self.sign * self.length() * sign;
            *z = moved.max(c - self.epsilon).min(c + self.epsilon).max(*low).min(*high);
        }
    }
}

/// A valid point per base.
pub(super) fn moved(
    view: &View,
    generator: &Generator,
    substitute: &Classifier,
    bases: &[&Labelled],
    counts: &mut MoveCounts,
) -> Vec<Vec<f64>> {
    let Generator::Jacobian { epsilon, steps, difference, against } = *generator else {
        return Vec::new();
    };
    let steps = Steps { epsilon, steps, difference, sign: if against { -1.0 } else { 1.0 } };
    let sides = standardised_sides(view);
    let search = match substitute {
        Classifier::Model(model) => match &model.family {
            Family::Mlp(_) => None,
            Family::Ensemble(ensemble) => Some(zoo::Differences::new(view, model, ensemble)),
        },
        Classifier::Constant { .. } => None,
    };
    let point = |base: &&Labelled| {
        let mut raw = match (substitute, &search) {
            (Classifier::Constant { .. }, _) => {
                counts.none += 1;
                base.values.clone()
            }
            (_, Some(search)) => search.moved(&steps, base, &sides, counts),
            (Classifier::Model(model), None) => climb(model, &steps, base, &sides, counts),
        };
        view.known.valid.snap(&mut raw);
        raw
    };
    bases.iter().map(point).collect()
}

/// The valid box in standardised units.
fn standardised_sides(view: &View) -> Vec<(f64, f64)> {
    let (low, high): (Vec<f64>, Vec<f64>) = view.known.valid.sides().iter().copied().unzip();
    let schema = view.known.schema;
    schema.standardise(&low).into_iter().zip(schema.standardise(&high)).collect()
}

/// I-FGSM on a network.
fn climb(
    model: &Model,
    steps: &Steps,
    base: &Labelled,
    sides: &[(f64, f64)],
    counts: &mut MoveCounts,
) -> Vec<f64> {
    let Family::Mlp(mlp) = &model.family else { return base.values.clone() };
    let centre = model.schema.standardise(&base.values);
    let mut z = centre.clone();
    let mut has_moved = false;
    for _ in 0..steps.steps {
        let slopes = loss_slopes(mlp, &z, base.label);
        has_moved |= slopes.iter().any(|g| *g != 0.0);
        steps.step(&mut z, &centre, &slopes, sides);
    }
    *if has_moved { &mut counts.gradient } else { &mut counts.none } += 1;
    // features that did not move keep their bits
    let raw = model.schema.destandardise(&z);
    let kept = raw.into_iter().zip(&base.values).zip(z.iter().zip(&centre));
    kept.map(|((x, before), (z, c))| if z == c { *before } else { x }).collect()
}

/// `∂CE(S(z), label)/∂z = Jᵀ(softmax(scores) − onehot(label))`.
pub(in crate::steal) fn loss_slopes(mlp: &Mlp, z: &[f64], label: usize) -> Vec<f64> {
    let mut row = softmax(&mlp.forward(&1.0, z.to_vec()));
    if let Some(own) = row.get_mut(label) {
        *own -= 1.0;
    }
    slopes(mlp, z, &row)
}

/// `CE(S(x), label)` by scores, finite for every finite score.
pub(super) fn loss(scores: &[f64], label: usize) -> f64 {
    let top = scores.get(argmax(scores, crate::model::Tie::Lower)).copied().unwrap_or_default();
    let total: f64 = scores.iter().map(|s| (s - top).exp()).sum();
    total.ln() + top - scores.get(label).copied().unwrap_or_default()
}
