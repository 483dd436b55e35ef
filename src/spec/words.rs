//! A spec in words, on one line: it tells people what a verdict is about.

use std::fmt;

use crate::interval::Decimal;
use crate::model::Model;

use super::terms::{Direction, FeatureName, Integers, LabelSource, Norm, On, Scope, Zone};
use super::{DistanceUnit, Property, Spec};

/// Most names of features that a line lists.
const NAMES: usize = 4;

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Linf => "linf",
            Self::L1 => "l1",
            Self::L2 => "l2",
        })
    }
}

impl Spec {
    /// The claim about a model, on one line: the property with its parameters, the unit of its lengths and the
    /// source of the labels.
    pub fn words<'a>(&'a self, model: &Model) -> impl fmt::Display + use<'a> {
        Words { spec: self, unit: DistanceUnit::of(self, model) }
    }
}

struct Words<'a> {
    spec: &'a Spec,
    unit: Option<DistanceUnit>,
}

/// `local-invariance (epsilon 0.05, delta 0.5, norm linf; in raw units, label true, integers respect)`
impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Spec { property, label, integers, domain, .. } = self.spec;
        write!(f, "{} ({property}; ", property.name())?;
        if let Some(unit) = self.unit {
            write!(f, "in {}, ", unit.name())?;
        }
        if let Property::Label { .. } | Property::LocalInvariance { .. } = property {
            f.write_str(match label {
                LabelSource::True => "label true, ",
                LabelSource::Predicted => "label predicted, ",
            })?;
        }
        f.write_str(match integers {
            Integers::Respect => "integers respect",
            Integers::Relax => "integers relax",
        })?;
        if !domain.is_empty() {
            let ranges = domain.iter().take(NAMES);
            let ranges = ranges.map(|(name, (low, high))| format!("{name} in [{low}, {high}]"));
            write!(f, ", {}", listed(ranges.collect(), domain.len()))?;
        }
        f.write_str(")")
    }
}

/// The parameters, without the property's name.
impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Label { epsilon, norm } => write!(f, "epsilon {epsilon}, norm {norm}"),
            Self::LocalInvariance { epsilon, delta, norm } => {
                write!(f, "epsilon {epsilon}, delta {delta}, norm {norm}")
            }
            Self::LocalInvarianceT { epsilon_1, epsilon_2 } => {
                write!(f, "epsilon-1 {epsilon_1}, epsilon-2 {epsilon_2}")
            }
            Self::Lipschitzness { epsilon, constant, norm } => {
                write!(f, "epsilon {epsilon}, constant {constant}, norm {norm}")
            }
            Self::LipschitznessT { constant } => write!(f, "constant {constant}"),
            Self::SmallNeighborhood { epsilon, constant, on } => {
                write!(f, "epsilon {epsilon}, constant {constant}, on {}", of_answers(*on))
            }
            Self::Monotonicity { features, direction, class, scope, epsilon } => {
                let direction = match direction {
                    Direction::Increasing => "increasing",
                    Direction::Decreasing => "decreasing",
                };
                write!(f, "{direction} in {}, scope {}", names(features), of_places(*scope))?;
                optional(f, "epsilon", epsilon.as_ref())?;
                class.map_or(Ok(()), |class| write!(f, ", class {class}"))
            }
            Self::BoundaryFuzz { shift, epsilon, zone, zone_norm, scope, radius, norm } => {
                write!(
                    f,
                    "shift {shift}, epsilon {epsilon}, zone {}",
                    match zone {
                        Zone::Axis => "axis".to_owned(),
                        Zone::Ball => format!("ball in {zone_norm}"),
                    }
                )?;
                write!(f, ", scope {}", of_places(*scope))?;
                let Some(radius) = radius else { return Ok(()) };
                write!(f, ", radius {radius}, norm {norm}")
            }
            Self::Stability { features, bound, on } => {
                write!(f, "features {}, bound {bound}, on {}", names(features), of_answers(*on))
            }
            Self::HighConfidence { features, confidence, cutoff, range } => {
                write!(
                    f,
                    "features {}, confidence {confidence}, cutoff {cutoff}",
                    names(features)
                )?;
                let Some((low, high)) = range else { return Ok(()) };
                write!(f, ", range [{low}, {high}]")
            }
            Self::Redundancy { groups, confidence, cutoff } => {
                let some: Vec<String> = groups.iter().take(NAMES).map(|g| names(g)).collect();
                let groups = listed(some, groups.len());
                write!(f, "groups {groups}, confidence {confidence}, cutoff {cutoff}")
            }
            Self::OutputRegion { copies, input, unsafe_blocks } => {
                let (boxes, blocks) = (input.len(), unsafe_blocks.len());
                write!(f, "{boxes} input boxes, {blocks} unsafe blocks, copies {copies}")
            }
        }
    }
}

fn optional(f: &mut fmt::Formatter, key: &str, value: Option<&Decimal>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, ", {key} {value}"))
}

fn of_answers(on: On) -> &'static str {
    match on {
        On::Posterior => "posterior",
        On::Score => "score",
    }
}

fn of_places(scope: Scope) -> &'static str {
    match scope {
        Scope::Domain => "domain",
        Scope::Local => "local",
    }
}

/// `[a, b, c, d and 3 more]`
fn names(features: &[FeatureName]) -> String {
    let some = features.iter().take(NAMES).map(FeatureName::to_string).collect();
    format!("[{}]", listed(some, features.len()))
}

fn listed(some: Vec<String>, all: usize) -> String {
    let more = all.saturating_sub(some.len());
    let some = some.join(", ");
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
