//! Scores that go one way along a feature.

use crate::interval::Decimal;

use super::{
    CountedBy, Direction, FeatureName, Keys, Profile, PropertyKind, Scope, SpecError, names,
};

/// `x_j <= x′_j`, the rest equal `⇒ F_c(x) <= F_c(x′)` (or `>=`).
#[derive(Clone, Debug, PartialEq)]
pub struct Monotonicity {
    /// The features `j`, at least one.
    pub features: Vec<FeatureName>,
    /// `<=` or `>=`.
    pub direction: Direction,
    /// The class `c`, named with more than two classes.
    pub class: Option<usize>,
    /// On the domain, or within ε of rows.
    pub scope: Scope,
    /// ε, not negative; given around rows.
    pub epsilon: Option<Decimal>,
}

impl PropertyKind for Monotonicity {
    const NAME: &str = "monotonicity";

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let scope = keys.scope().or(Scope::Domain);
        Ok(Self {
            features: keys.features().filled()?,
            direction: keys.direction().needed()?,
            class: keys.class().given(),
            scope,
            epsilon: (scope == Scope::Local).then(|| keys.epsilon().not_negative()).transpose()?,
        })
    }

    fn profile(&self) -> Profile {
        let has_distances = self.scope == Scope::Local;
        let counted_by = if has_distances { CountedBy::RowFeatures } else { CountedBy::Features };
        Profile { has_distances, direction: Some(self.direction), ..Profile::of(counted_by) }
    }

    fn words(&self) -> String {
        let Self { features, direction, class, scope, epsilon } = self;
        let epsilon = epsilon.as_ref().map_or(String::new(), |e| format!(", epsilon {e}"));
        let class = class.map_or(String::new(), |class| format!(", class {class}"));
        format!("{direction} in {}, scope {scope}{epsilon}{class}", names(features))
    }

    fn in_table(&self, unit: &str) -> String {
        let Self { features, direction, scope, epsilon, .. } = self;
        let epsilon = epsilon.as_ref().map_or(String::new(), |e| format!(", epsilon {e}{unit}"));
        format!("{direction} in {} features, {scope}{epsilon}", features.len())
    }
}
