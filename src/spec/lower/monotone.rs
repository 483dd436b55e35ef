//! Monotone claims: along which features, and of which class.

use std::collections::BTreeSet;

use crate::model::{Feature, Model};

use super::super::{Direction, FeatureName};
use super::{Aim, Bonds, Claim, LowerError, Pair, Regions, unsupported};

/// The features of those names, each once.
pub(super) fn resolve(model: &Model, names: &[FeatureName]) -> Result<Vec<Feature>, LowerError> {
    let mut features = Vec::with_capacity(names.len());
    let mut seen = BTreeSet::new();
    for name in names {
        let feature = name.find(&model.schema);
        let feature =
            feature.ok_or_else(|| LowerError::no_feature(&model.schema, name.to_string()))?;
        if !seen.insert(feature) {
            return Err(LowerError::Twice { name: name.to_string() });
        }
        features.push(feature);
    }
    Ok(features)
}

/// The claim that raising a feature alone never moves the posterior of a class against a direction.
pub(super) fn claim(feature: Feature, direction: Direction, class: usize) -> Claim {
    let (bonds, aim) = (Bonds::Raised(feature), Aim::Order { direction, class });
    Claim::Pair(Pair { bonds, regions: Regions::Both, aim })
}

/// The class that a direction refers to. With two classes it is class 1; for a plain score it is the score,
/// which stands in the place of class 1. With more classes the spec names it.
pub(super) fn target_class(model: &Model, class: Option<usize>) -> Result<usize, LowerError> {
    match class {
        None if model.classes <= 2 => Ok(1),
        Some(class) if model.classes > 2 && class < model.classes => Ok(class),
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
    use super::super::{Bonds, Lowered};
    use crate::model::{Feature, Model};
    use crate::spec::Spec;

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
