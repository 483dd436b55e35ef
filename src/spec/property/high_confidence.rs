//! Confident answers that one feature does not turn.

use crate::interval::Decimal;

use super::{
    CountedBy, FeatureName, Keys, Profile, PropertyKind, SpecError, TwoEnds, expect, names,
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
        Profile { has_distances: false, ..Profile::of(CountedBy::Features) }
    }

    fn words(&self) -> String {
        let Self { features, confidence, cutoff, range } = self;
        let (features, ends) = (names(features), range.as_ref());
        let range = ends.map_or(String::new(), |(low, high)| format!(", range [{low}, {high}]"));
        format!("features {features}, confidence {confidence}, cutoff {cutoff}{range}")
    }
}
