//! Confident answers that one group of features does not turn.

use crate::interval::Decimal;

use super::{
    CountedBy, FeatureName, Keys, Profile, PropertyKind, SpecError, expect_filled, listed, names,
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

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let groups = keys.groups().filled()?;
        groups.iter().try_for_each(|group| expect_filled("groups", group))?;
        let (confidence, cutoff) = (keys.confidence().share()?, keys.cutoff().share()?);
        Ok(Self { groups, confidence, cutoff })
    }

    fn profile(&self) -> Profile {
        Profile { has_distances: false, ..Profile::of(CountedBy::Groups) }
    }

    fn words(&self) -> String {
        let Self { groups, confidence, cutoff } = self;
        let groups = listed(groups.iter(), |group| names(group));
        format!("groups {groups}, confidence {confidence}, cutoff {cutoff}")
    }
}
