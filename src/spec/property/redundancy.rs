//! Confident answers that one group of features does not turn.

use std::collections::BTreeSet;

use crate::interval::Decimal;
use crate::model::Feature;

use super::high_confidence::stays;
use super::{
    Asked, CountedBy, FeatureName, Keys, LowerError, Lowering, Places, Profile, PropertyKind,
    Setting, SpecError, Variation, expect_filled, listed, names,
};

/// A confident answer survives any change of one group of features.
#[derive(Clone, Debug, PartialEq)]
pub struct Redundancy {
    /// The groups, changed one at a time; at least one, and none is empty.
    pub groups: Vec<Vec<FeatureName>>,
    /// The posterior of class 1 from which on an answer is confident, strictly between 0 and 1.
    pub confidence: Decimal,
    /// The posterior of class 1 that a confident answer must keep, strictly between 0 and 1.
    pub cutoff: Decimal,
}

impl PropertyKind for Redundancy {
    const NAME: &str = "redundancy";
    const SUMMARY: &str = "A confident answer survives any change of one group of features";
    const NEEDED: &[&str] = &["groups", "confidence", "cutoff"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let groups = keys.groups().filled()?;
        groups.iter().try_for_each(|group| expect_filled("groups", group))?;
        let (confidence, cutoff) = (keys.confidence().share()?, keys.cutoff().share()?);
        Ok(Self { groups, confidence, cutoff })
    }

    fn profile(&self) -> Profile {
        Profile { has_distances: false, ..Profile::of(CountedBy::Groups, Asked::Change) }
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        setting.expect_changes()?;
        let variation = Variation::Moved { groups: self.distinct(setting)?, range: None };
        let claim = stays(setting, &self.confidence, &self.cutoff)?;
        Ok(Lowering { places: Places::Domain, claim, variation })
    }

    fn words(&self) -> String {
        let Self { groups, confidence, cutoff } = self;
        let groups = listed(groups.iter(), |group| names(group));
        format!("groups {groups}, confidence {confidence}, cutoff {cutoff}")
    }
}

impl Redundancy {
    /// The groups, each once: a claim that is made twice would count twice.
    fn distinct(&self, setting: &Setting) -> Result<Vec<Vec<Feature>>, LowerError> {
        let mut seen = BTreeSet::new();
        let resolve = |group: &Vec<FeatureName>| {
            let mut features = setting.features(group)?;
            features.sort_unstable();
            if !seen.insert(features.clone()) {
                let names: Vec<String> = group.iter().map(FeatureName::to_string).collect();
                return Err(LowerError::TwiceGroup { names: names.join(", ") });
            }
            Ok(features)
        };
        self.groups.iter().map(resolve).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::high_confidence::tests::{model, spec};
    use crate::spec::{LowerError, Lowered};

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
}
