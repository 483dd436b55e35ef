//! Answers that one feature hardly changes.

use crate::interval::Decimal;

use super::{CountedBy, FeatureName, Keys, On, Profile, PropertyKind, SpecError, names};

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

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        Ok(Self {
            features: keys.features().filled()?,
            bound: keys.bound().not_negative()?,
            on: keys.on().or(On::Score),
        })
    }

    fn profile(&self) -> Profile {
        Profile { has_distances: false, ..Profile::of(CountedBy::Features) }
    }

    fn words(&self) -> String {
        let Self { features, bound, on } = self;
        format!("features {}, bound {bound}, on {on}", names(features))
    }
}
