//! A spec in words, on one line: it tells people what a verdict is about.

use std::fmt;

use crate::model::Model;

use super::{DistanceUnit, FeatureName, Property, Spec};

/// Most names of features that a line lists.
const NAMES: usize = 4;

impl Spec {
    /// The claim about a model, on one line: the property with its parameters, the unit of its lengths and the
    /// source of the labels, as in `local-invariance (epsilon 0.05, delta 0.5, norm linf; in raw units, label
    /// true, integers respect)`.
    pub fn words(&self, model: &Model) -> String {
        let Self { property, label, integers, domain, .. } = self;
        let mut choices = Vec::new();
        choices.extend(DistanceUnit::of(self, model).map(|unit| format!("in {}", unit.name())));
        choices.extend(property.profile().is_about_label().then(|| format!("label {label}")));
        choices.push(format!("integers {integers}"));
        if !domain.is_empty() {
            choices.push(listed(domain.iter(), |(name, ends)| {
                format!("{name} in [{}, {}]", ends.0, ends.1)
            }));
        }
        format!("{} ({property}; {})", property.name(), choices.join(", "))
    }
}

/// The parameters, without the property's name.
impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.words())
    }
}

/// `[a, b, c, d and 3 more]`
pub(super) fn names(features: &[FeatureName]) -> String {
    format!("[{}]", listed(features.iter(), FeatureName::to_string))
}

/// `a, b, c, d and 3 more`
pub(super) fn listed<T>(
    all: impl ExactSizeIterator<Item = T>,
    name: impl Fn(T) -> String,
) -> String {
    let more = all.len().saturating_sub(NAMES);
    let some = all.take(NAMES).map(name).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{some} and {more} more") } else { some }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_says_what_its_numbers_mean() {
        let text = r#"{"format":"model/1","family":"ensemble","precision":"f32","classes":2,
            "features":[{"name":"a","kind":"real","scale":2}],"base":[0],"trees":[]}"#;
        let model = Model::read(text.as_bytes()).unwrap();
        let words = |text: &str| Spec::read(text.as_bytes()).unwrap().words(&model).to_string();
        assert_eq!(
            words("property = 'local-invariance'\nepsilon = '0.05'\ndelta = '0.5'"),
            "local-invariance (epsilon 0.05, delta 0.5, norm linf; in standard deviations, label true, \
             integers respect)"
        );
        assert_eq!(
            words(
                "property = 'stability'\nfeatures = [0, 'a', 'b', 'c', 'd']\nbound = '1'\n\
                 units = 'raw'\n[domain]\na = ['0', '1']"
            ),
            "stability (features [0, a, b, c and 1 more], bound 1, on score; integers \
             respect, a in [0, 1])"
        );
    }
}
