//! Claims about one label `y` at one point; `m_y` is the smallest score difference to another class.
//!
//! ```text
//! y wins                       −m_y
//! F_y > 1 − δ, two classes     κ − m_y,  κ = ln((1 − δ)/δ)
//! F_y > 1 − δ, more classes    (1 − δ) − F_y
//! behind a defense             ½ − F′_y,  or (1 − δ) − F′_y
//! ```

use crate::defense::Defense;
use crate::model::{Model, argmax, softmax};
use crate::spec::{Claim, On};

use super::slopes::Sloped;

/// A claim about one label at one point. Its violation is in units of scores, with more than two classes and
/// behind a defense in units of posteriors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelClaim {
    label: usize,
    /// The answers that decide without a defense.
    on: On,
    /// κ, or 0.
    margin: f64,
    /// `1 − δ`, or ½.
    posterior: f64,
}

impl LabelClaim {
    /// Returns `None` for other claims.
    pub fn of(claim: &Claim, classes: usize) -> Option<Self> {
        match claim {
            Claim::Label { label } => {
                Some(Self { label: *label, on: On::Score, margin: 0.0, posterior: 0.5 })
            }
            Claim::Posterior { label, threshold, odds } => Some(Self {
                label: *label,
                on: if classes == 2 { On::Score } else { On::Posterior },
                margin: threshold.below.up(),
                posterior: 1.0 / (1.0 + odds.down()),
            }),
            Claim::Pair(_) | Claim::Avoid { .. } | Claim::AllPairs { .. } => None,
        }
    }

    /// The class that the claim names.
    pub fn label(&self) -> usize {
        self.label
    }

    /// The violation at a raw point, of the model or of its defended answers.
    pub fn at(&self, model: &Model, defense: Option<&Defense>, raw: &[f64]) -> f64 {
        let scores = model.scores(raw);
        let Some(defense) = defense else { return self.by_scores(&scores).value };
        let answers = defense.apply(&softmax(&scores), argmax(&scores, model.tie));
        // of more than two answers nothing is told here: no point looks like a violation
        answers.get(self.label).map_or(f64::NEG_INFINITY, |answer| self.posterior - answer)
    }

    /// The violation without a defense, and its slopes by the scores at the point, one per class.
    pub fn by_scores(&self, scores: &[f64]) -> Sloped<1> {
        match self.on {
            On::Score => self.by_margin(scores),
            On::Posterior => {
                let (value, slopes) = posterior(self.label, scores);
                let slopes = slopes.iter().map(|slope| -slope).collect();
                Sloped { value: self.posterior - value, slopes: [slopes] }
            }
        }
    }

    fn by_margin(&self, scores: &[f64]) -> Sloped<1> {
        let own = scores[self.label];
        let others = scores.iter().enumerate().filter(|(class, _)| *class != self.label);
        let margins = others.map(|(class, score)| (own - score, class));
        let nearest = |a: (f64, usize), b: (f64, usize)| if b.0 < a.0 { b } else { a };
        let (margin, rival) = margins.fold((f64::INFINITY, self.label), nearest);
        let mut slopes = vec![0.0; scores.len()];
        slopes[rival] += 1.0;
        slopes[self.label] -= 1.0;
        Sloped { value: self.margin - margin, slopes: [slopes] }
    }
}

/// `F_class` and its slopes by the scores: `F_class·(1[k = class] − F_k)`.
pub(super) fn posterior(class: usize, scores: &[f64]) -> (f64, Vec<f64>) {
    let posterior = softmax(scores);
    let own = posterior[class];
    let slope = |(k, p): (usize, &f64)| own * (if k == class { 1.0 } else { 0.0 } - p);
    (own, posterior.iter().enumerate().map(slope).collect())
}
