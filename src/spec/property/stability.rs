//! AnswerKind that one feature hardly changes.

use crate::interval::Decimal;

use super::{
    Aim, Asked, Bonds, Claim, Closeness, CountedBy, FeatureName, Keys, LowerError, Lowering, On,
    Pair, Places, Profile, PropertyKind, Regions, Setting, SpecError, Variation, names,
};

/// Changing one feature moves the answer by at most a bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Stability {
    /// The features, changed one at a time; at least one.
    pub features: Vec<FeatureName>,
    /// The bound, not negative.
    pub bound: Decimal,
    /// The answers that are compared.
    pub on: On,
}

impl PropertyKind for Stability {
    const NAME: &str = "stability";
    const SUMMARY: &str = "Changing one feature moves the answer by at most a bound";
    const NEEDED: &[&str] = &["features", "bound"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        Ok(Self {
            features: keys.features().filled()?,
            bound: keys.bound().not_negative()?,
            on: keys.on().or(On::Score),
        })
    }

    fn profile(&self) -> Profile {
        let asked = match self.on {
            On::Posterior => Asked::Closeness(Closeness::ITSELF),
            On::Score => Asked::Change,
        };
        let profile = Profile::of(CountedBy::Features, asked);
        Profile { has_distances: false, on: Some(self.on), ..profile }
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        setting.expect_changes()?;
        let groups = setting.one_by_one(&self.features)?;
        let aim = Aim::Close { bound: self.bound.value().clone(), on: self.on, is_strict: false };
        let claim = Claim::Pair(Pair { bonds: Bonds::Free, regions: Regions::Both, aim });
        let variation = Variation::Moved { groups, range: None };
        Ok(Lowering { places: Places::Domain, claim, variation })
    }

    fn words(&self) -> String {
        let Self { features, bound, on } = self;
        format!("features {}, bound {bound}, on {on}", names(features))
    }
}
