//! Claims about a point and a changed copy of it: one feature moved, or a group of them.
//!
//! `σ(m) >= p ⇔ m >= ln(p/(1 − p))`, so confidence and cutoff are scores.

use std::sync::Arc;

use crate::interval::{Decimal, Rational, ln};
use crate::model::{Family, Feature, Model};

use super::super::{Domain, FeatureName, Property, RawRegion, Spec};
use super::pairs::expect_decidable;
use super::{Claim, Confidence, LowerError, Threshold, monotone, unsupported};

/// One claim per changed feature or group, in the order of the spec.
pub(super) fn claims(
    spec: &Spec,
    model: &Model,
    is_defended: bool,
    domain: &Domain,
) -> Result<Vec<Claim>, LowerError> {
    expect_decidable(spec, model, is_defended)?;
    if let Family::Mlp(_) = model.family {
        let what = format!("property `{}` of a network", spec.property.name());
        return Err(unsupported(what, "it is decided for ensembles only"));
    }
    let moved = |features: &[Feature]| -> Arc<[bool]> {
        (0..model.schema.len()).map(|index| features.contains(&Feature(index))).collect()
    };
    match &spec.property {
        Property::Stability { features, bound, on } => {
            let features = monotone::resolve(model, features)?;
            let claim = |feature: &Feature| Claim::Stable {
                moved: moved(&[*feature]),
                bound: bound.value().clone(),
                on: *on,
            };
            Ok(features.iter().map(claim).collect())
        }
        Property::HighConfidence { features, confidence, cutoff, range } => {
            let scores = scores(confidence, cutoff)?;
            let features = monotone::resolve(model, features)?;
            let claim = |feature: &Feature| {
                let partners = Arc::new(partners(model, domain, *feature, range.as_ref())?);
                let scores = Arc::clone(&scores);
                Ok(Claim::Confident { moved: moved(&[*feature]), partners, scores })
            };
            features.iter().map(claim).collect()
        }
        Property::Redundancy { groups, confidence, cutoff } => {
            let scores = scores(confidence, cutoff)?;
            let partners = Arc::new(whole(model, domain)?);
            let claim = |group: &Vec<FeatureName>| {
                Ok(Claim::Confident {
                    moved: moved(&monotone::resolve(model, group)?),
                    partners: Arc::clone(&partners),
                    scores: Arc::clone(&scores),
                })
            };
            groups.iter().map(claim).collect()
        }
        _ => Err(unsupported("this property", "it is not about changed features")),
    }
}

fn scores(confidence: &Decimal, cutoff: &Decimal) -> Result<Arc<Confidence>, LowerError> {
    let (floor, cutoff) = (score("confidence", confidence)?, score("cutoff", cutoff)?);
    Ok(Arc::new(Confidence { floor, cutoff }))
}

/// The score at which the posterior of class 1 is `p`.
fn score(key: &str, p: &Decimal) -> Result<Threshold, LowerError> {
    let rest = &Rational::ONE - p.value();
    let limit = Rational::integer(60);
    let ends = (p.value() / &rest).and_then(|odds| ln(&odds));
    let ends =
        ends.filter(|(below, above)| below.clone().abs() <= limit && above.clone().abs() <= limit);
    let (below, above) =
        ends.ok_or_else(|| unsupported(format!("{key} {p}"), "its score is beyond 60 in size"))?;
    Ok(Threshold { below, above })
}

fn whole(model: &Model, domain: &Domain) -> Result<RawRegion, LowerError> {
    domain.region().map_err(|index| LowerError::Unbounded {
        name: model.schema.features().get(index).map_or_else(String::new, |f| f.name.clone()),
    })
}

/// The domain, the changed feature held to the values that it may take.
fn partners(
    model: &Model,
    domain: &Domain,
    feature: Feature,
    range: Option<&(Decimal, Decimal)>,
) -> Result<RawRegion, LowerError> {
    let all = whole(model, domain)?;
    let Some((low, high)) = range else { return Ok(all) };
    Ok(all.narrowed(feature.0, (low.value().clone(), high.value().clone())))
}
