//! Scores that go one way along a feature.

use crate::interval::Decimal;

use super::{
    Aim, Asked, Bonds, Claim, CountedBy, Direction, FeatureName, Keys, LowerError, Lowering, Norm,
    Pair, Profile, PropertyKind, Regions, Scope, Setting, SpecError, Variation, names, unsupported,
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
    const SUMMARY: &str = "Raising a feature never moves the score against a direction";
    const NEEDED: &[&str] = &["features", "direction"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let scope = keys.scope().or(Scope::Domain);
        Ok(Self {
            features: keys.features().filled()?,
            direction: keys.direction().needed()?,
            class: keys.class().given(),
            scope,
            epsilon: (scope == Scope::Local)
                .then(|| keys.epsilon().same()?.not_negative())
                .transpose()?,
        })
    }

    fn profile(&self) -> Profile {
        let has_distances = self.scope == Scope::Local;
        let counted_by = if has_distances { CountedBy::RowFeatures } else { CountedBy::Features };
        let profile = Profile::of(counted_by, Asked::Order);
        Profile { has_distances, direction: Some(self.direction), ..profile }
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        let places = setting.around(Norm::Linf, self.epsilon.as_ref());
        let variation = Variation::Raised(setting.features(&self.features)?);
        let class = target_class(setting.model.classes, self.class)?;
        let aim = Aim::Order { direction: self.direction, class };
        let claim = Claim::Pair(Pair { bonds: Bonds::Free, regions: Regions::Both, aim });
        Ok(Lowering { places, claim, variation })
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

/// The class that a direction refers to. With two classes it is class 1; for a plain score it is the score,
/// which stands in the place of class 1. With more classes the spec names it.
fn target_class(classes: usize, class: Option<usize>) -> Result<usize, LowerError> {
    match class {
        None if classes <= 2 => Ok(1),
        Some(class) if classes > 2 && class < classes => Ok(class),
        Some(_) => Err(unsupported(
            "a `class` that the model does not have, or with at most two classes,",
            "`class` names one of more than two",
        )),
        None => Err(unsupported(
            "a direction without `class`",
            "with more than two classes, name the class",
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Feature, Model};
    use crate::spec::{Bonds, Lowered, Spec};

    /// The first feature's name is the second one's index.
    #[test]
    fn a_number_is_an_index_and_a_text_a_name() {
        let text = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower",
            "classes":2,"features":[{"name":"1","kind":"real","low":"0","high":"1"},
            {"name":"x","kind":"real","low":"0","high":"1"}],"base":[0],"trees":[]}"#;
        let model = Model::read(text.as_bytes()).unwrap();
        for (features, meant) in [("[1]", 1), ("[0]", 0), ("['1']", 0), ("['0']", 0), ("['x']", 1)]
        {
            let spec = format!(
                "property = 'monotonicity'\nfeatures = {features}\ndirection = 'increasing'"
            );
            let spec = Spec::read(spec.as_bytes()).unwrap();
            let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
            let claim = lowered.obligation(0).unwrap().claim;
            assert!(
                claim.pair().is_some_and(|pair| pair.bonds == Bonds::Raised(Feature(meant))),
                "{features}: {claim:?}"
            );
        }
    }
}
