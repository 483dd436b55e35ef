//! Claims about a point and a changed copy of it: one feature moved, or a group of them.
//!
//! `σ(m) >= p ⇔ m >= ln(p/(1 − p))`, so confidence and cutoff are scores.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::interval::{Decimal, Rational, ln};
use crate::model::{Family, Feature, Model};

use super::super::{
    Domain, FeatureName, HighConfidence, On, Property, RawRegion, Redundancy, Spec, Stability,
};
use super::pairs::expect_decidable;
use super::{
    Aim, Bonds, Claim, Confidence, LowerError, Pair, Regions, Threshold, monotone, unsupported,
};

/// One claim per changed feature or group, in the order of the spec. A claim lists every feature, so each claim
/// is made only when it is asked for.
#[derive(Debug)]
pub(super) struct ChangedFeatures {
    /// The features that move together, per claim.
    groups: Vec<Vec<Feature>>,
    ask: Ask,
    /// Number of features of the model.
    width: usize,
}

/// The question asked of every group.
#[derive(Debug)]
enum Ask {
    Stable {
        bound: Rational,
        on: On,
    },
    Confident {
        scores: Arc<Confidence>,
        domain: Arc<RawRegion>,
        range: Option<(Rational, Rational)>,
    },
}

impl ChangedFeatures {
    #[cfg_attr(not(test), expect(clippy::wildcard_enum_match_arm, reason = "refused"))]
    pub(super) fn new(
        spec: &Spec,
        model: &Model,
        is_lost: bool,
        domain: &Domain,
    ) -> Result<Self, LowerError> {
        expect_decidable(spec, model, is_lost)?;
        if let Family::Mlp(_) = model.family {
            let what = format!("property `{}` of a network", spec.property.name());
            return Err(unsupported(what, "it is decided for ensembles only"));
        }
        let each = |features: &[FeatureName]| -> Result<_, LowerError> {
            let features = monotone::resolve(model, features)?;
            Ok(features.into_iter().map(|feature| vec![feature]).collect())
        };
        let confident = |confidence, cutoff, range: Option<&(Decimal, Decimal)>| {
            Ok(Ask::Confident {
                scores: scores(confidence, cutoff)?,
                domain: Arc::new(whole(model, domain)?),
                range: range.map(|(low, high)| (low.value().clone(), high.value().clone())),
            })
        };
        let (groups, ask) = match &spec.property {
            Property::Stability(Stability { features, bound, on }) => {
                (each(features)?, Ask::Stable { bound: bound.value().clone(), on: *on })
            }
            Property::HighConfidence(HighConfidence { features, confidence, cutoff, range }) => {
                (each(features)?, confident(confidence, cutoff, range.as_ref())?)
            }
            Property::Redundancy(Redundancy { groups, confidence, cutoff }) => {
                (distinct(model, groups)?, confident(confidence, cutoff, None)?)
            }
            _ => return Err(unsupported("this property", "it is not about changed features")),
        };
        Ok(Self { groups, ask, width: model.schema.len() })
    }

    /// True if posteriors are compared.
    pub(super) fn is_on_posterior(&self) -> bool {
        matches!(self.ask, Ask::Stable { on: On::Posterior, .. })
    }

    /// Number of claims.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The claim of that position.
    pub(super) fn claim(&self, at: usize) -> Option<Claim> {
        let group = self.groups.get(at)?;
        let mut moved = vec![false; self.width];
        for feature in group {
            *moved.get_mut(feature.0)? = true;
        }
        let (regions, aim) = match &self.ask {
            Ask::Stable { bound, on } => {
                (Regions::Both, Aim::Close { bound: bound.clone(), on: *on, is_strict: false })
            }
            Ask::Confident { scores, domain, range } => {
                // the changed feature is held to the values that it may take
                let partners = match (range, group.as_slice()) {
                    (Some(range), [feature]) => {
                        Arc::new(RawRegion::clone(domain).narrowed(feature.0, range.clone()))
                    }
                    _ => Arc::clone(domain),
                };
                (Regions::Own(partners), Aim::Stays(Arc::clone(scores)))
            }
        };
        Some(Claim::Pair(Pair { bonds: Bonds::Moved(moved.into()), regions, aim }))
    }
}

/// The groups, each once: a claim that is made twice would count twice.
fn distinct(model: &Model, groups: &[Vec<FeatureName>]) -> Result<Vec<Vec<Feature>>, LowerError> {
    let mut seen = BTreeSet::new();
    let resolve = |group: &Vec<FeatureName>| {
        let mut features = monotone::resolve(model, group)?;
        features.sort_unstable();
        if !seen.insert(features.clone()) {
            let names: Vec<String> = group.iter().map(FeatureName::to_string).collect();
            return Err(LowerError::TwiceGroup { names: names.join(", ") });
        }
        Ok(features)
    };
    groups.iter().map(resolve).collect()
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

#[cfg(test)]
mod tests {
    use super::super::super::Spec;
    use super::super::{Bonds, LowerError, Lowered, Pair, Regions};
    use crate::model::Model;

    fn model() -> Model {
        let text = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower",
            "classes":2,"features":[{"name":"a","kind":"real","low":"0","high":"1"},
            {"name":"b","kind":"real","low":"0","high":"1"}],"base":[0],"trees":[]}"#;
        Model::read(text.as_bytes()).unwrap()
    }

    fn spec(text: &str) -> Spec {
        Spec::read(format!("confidence = '0.9'\ncutoff = '0.5'\n{text}").as_bytes()).unwrap()
    }

    #[test]
    fn a_group_is_claimed_once() {
        let model = model();
        let lower = |groups: &str| {
            let spec = spec(&format!("property = 'redundancy'\ngroups = {groups}"));
            Lowered::new(&spec, &model, None, &[]).map(|lowered| lowered.len())
        };
        assert_eq!(lower("[['a'], ['a', 'b'], [1]]"), Ok(3));
        for groups in ["[['a'], ['b'], [0]]", "[['a', 'b'], ['b', 'a']]"] {
            let error = lower(groups).unwrap_err();
            assert!(matches!(error, LowerError::TwiceGroup { .. }), "{groups}: {error}");
        }
    }

    #[test]
    fn a_range_holds_the_changed_feature_only() {
        let model = model();
        let spec = spec("property = 'high-confidence'\nfeatures = ['b']\nrange = ['0.5', '7']");
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        let claim = lowered.obligation(0).unwrap().claim;
        let Some(Pair { bonds, regions: Regions::Own(partners), .. }) = claim.pair() else {
            panic!("another claim");
        };
        assert_eq!(*bonds, Bonds::Moved([false, true].into()));
        let ends = partners.sides().iter().map(|(low, high)| (low.down(), high.down()));
        assert!(ends.eq([(0.0, 1.0), (0.5, 1.0)]));
    }
}
