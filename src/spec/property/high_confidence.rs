//! Confident answers that one feature does not turn.

use std::sync::Arc;

use crate::interval::Decimal;

use super::{
    Aim, Asked, Bonds, Claim, Confidence, CountedBy, FeatureName, Keys, LowerError, Lowering, Pair,
    Places, Profile, PropertyKind, Regions, Setting, SpecError, Threshold, TwoEnds, Variation,
    expect, names, unsupported,
};

/// A confident answer survives any change of one cheap feature.
#[derive(Clone, Debug, PartialEq)]
pub struct HighConfidence {
    /// The cheap features, changed one at a time; at least one.
    pub features: Vec<FeatureName>,
    /// The posterior of class 1 from which on an answer is confident, strictly between 0 and 1.
    pub confidence: Decimal,
    /// The posterior of class 1 that a confident answer must keep, strictly between 0 and 1.
    pub cutoff: Decimal,
    /// The raw values that the feature may take, the lower end first; `None`: all of the domain.
    pub range: Option<(Decimal, Decimal)>,
}

impl PropertyKind for HighConfidence {
    const NAME: &str = "high-confidence";
    const SUMMARY: &str = "A confident answer survives any change of one cheap feature";
    const NEEDED: &[&str] = &["features", "confidence", "cutoff"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let features = keys.features().filled()?;
        let range = keys.range().given().map(|TwoEnds(ends)| ends);
        if let Some((low, high)) = &range {
            let is_ordered = low.value() <= high.value();
            expect("range", low, is_ordered, "two ends, the lower one first")?;
        }
        let (confidence, cutoff) = (keys.confidence().share()?, keys.cutoff().share()?);
        Ok(Self { features, confidence, cutoff, range })
    }

    fn profile(&self) -> Profile {
        Profile { has_distances: false, ..Profile::of(CountedBy::Features, Asked::Change) }
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        setting.expect_changes()?;
        let groups = setting.one_by_one(&self.features)?;
        let claim = stays(setting, &self.confidence, &self.cutoff)?;
        // the changed feature is held to the values that it may take
        let ends = |(low, high): &(Decimal, Decimal)| (low.value().clone(), high.value().clone());
        let variation = Variation::Moved { groups, range: self.range.as_ref().map(ends) };
        Ok(Lowering { places: Places::Domain, claim, variation })
    }

    fn words(&self) -> String {
        let Self { features, confidence, cutoff, range } = self;
        let (features, ends) = (names(features), range.as_ref());
        let range = ends.map_or(String::new(), |(low, high)| format!(", range [{low}, {high}]"));
        format!("features {features}, confidence {confidence}, cutoff {cutoff}{range}")
    }
}

/// A confident answer of a point stays one at its changed copy.
pub(super) fn stays(
    setting: &Setting,
    confidence: &Decimal,
    cutoff: &Decimal,
) -> Result<Claim, LowerError> {
    let score = |key, p: &Decimal| {
        let beyond = || unsupported(format!("{key} {p}"), "its score is beyond 60 in size");
        Threshold::of_posterior(p.value()).ok_or_else(beyond)
    };
    let (floor, cutoff) = (score("confidence", confidence)?, score("cutoff", cutoff)?);
    let regions = Regions::Own(Arc::new(setting.whole_domain()?));
    let aim = Aim::Stays(Arc::new(Confidence { floor, cutoff }));
    Ok(Claim::Pair(Pair { bonds: Bonds::Free, regions, aim }))
}

#[cfg(test)]
pub(super) mod tests {
    use crate::model::Model;
    use crate::spec::{Bonds, Lowered, Pair, Regions, Spec};

    /// An ensemble of two features.
    pub(in crate::spec::property) fn model() -> Model {
        let text = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower",
            "classes":2,"features":[{"name":"a","kind":"real","low":"0","high":"1"},
            {"name":"b","kind":"real","low":"0","high":"1"}],"base":[0],"trees":[]}"#;
        Model::read(text.as_bytes()).unwrap()
    }

    pub(in crate::spec::property) fn spec(text: &str) -> Spec {
        Spec::read(format!("confidence = '0.9'\ncutoff = '0.5'\n{text}").as_bytes()).unwrap()
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
