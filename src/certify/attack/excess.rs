//! The margin by which a claim about single points holds at one point, in floats.

use crate::model::Model;
use crate::spec::{Claim, Obligation};

use super::zone;
use crate::certify::Searcher;

/// The margin by which the claim holds at a raw point, in floats; at most 0 looks like a violation. Its
/// unit depends on the claim: margins, posteriors, or only a sign. Infinite for claims about two points
/// and about output regions.
pub(in crate::certify) fn excess(searcher: &Searcher, obligation: &Obligation, raw: &[f64]) -> f64 {
    let model = searcher.subject.model.0;
    if let Some((defense, _)) = searcher.subject.defense {
        let answer = defense.apply(&model.posterior(raw), model.label(raw));
        return match &obligation.claim {
            Claim::Label { label } => answer[*label] - 0.5,
            Claim::Posterior { label, odds, .. } => answer[*label] - 1.0 / (1.0 + odds.down()),
            Claim::Fuzz { .. } | Claim::Monotone { .. } | Claim::Avoid { .. } => f64::INFINITY,
            Claim::Near { .. } | Claim::Lipschitz { .. } | Claim::AllPairs { .. } => f64::INFINITY,
            Claim::Stable { .. } | Claim::Confident { .. } => f64::INFINITY,
        };
    }
    match &obligation.claim {
        Claim::Label { label } => margin_of(model, *label, raw),
        Claim::Posterior { label, threshold, .. } if model.classes == 2 => {
            margin_of(model, *label, raw) - threshold.below.up()
        }
        Claim::Posterior { label, odds, .. } => {
            model.posterior(raw)[*label] - 1.0 / (1.0 + odds.down())
        }
        claim @ Claim::Fuzz { margin, .. } => {
            let confidence = model.margin(raw).abs() - margin.above.up();
            let is_sensitive = confidence >= 0.0 && zone::flip(model, raw, claim).is_some();
            if is_sensitive { 0.0 } else { 1.0 + confidence.abs() }
        }
        Claim::Monotone { .. } | Claim::Avoid { .. } => f64::INFINITY,
        Claim::Near { .. } | Claim::Lipschitz { .. } | Claim::AllPairs { .. } => f64::INFINITY,
        Claim::Stable { .. } | Claim::Confident { .. } => f64::INFINITY,
    }
}

/// The smallest score difference of the label to another class.
fn margin_of(model: &Model, label: usize, raw: &[f64]) -> f64 {
    let scores = model.scores(raw);
    let others = scores.iter().enumerate().filter(|(class, _)| *class != label);
    others.map(|(_, score)| scores[label] - score).fold(f64::INFINITY, f64::min)
}
