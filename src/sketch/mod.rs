//! Sketches: commented specs for a model, to start from. They are read as they stand, and say where they guess.
//!
//! ```text
//! the claim in a line, and the model it is for
//! the property's own keys                          each with its meaning, unit and range
//! the choices of every spec                        at their defaults, commented out
//! the features                                     their kinds, ranges and scales; [domain]
//! ```

mod keys;

use crate::interval::Decimal;
use crate::model::{DataSet, Family, FeatureSpec, Kind, Layer, Model, Part, Precision};

use crate::spec::{CountedBy, Direction, DistanceUnit, Property, Spec, SpecError, Units};

/// Most features that a sketch lists where nothing depends on them.
const LISTED: usize = 100;

/// The model that a spec is sketched for, with data that tells of directions and of ranges that it leaves open.
#[derive(Clone, Copy, Debug)]
pub struct Sketched<'a> {
    /// The model.
    pub model: &'a Model,
    /// Data with its features in the order of the model.
    pub data: Option<&'a DataSet>,
}

/// A commented spec of a property for a model, which is read as it stands.
///
/// # Errors
/// The name of no property.
pub fn sketch(property: &str, sketched: &Sketched) -> Result<String, SpecError> {
    let name = Property::named(property)?;
    let keys = keys::lines(name, sketched).ok_or_else(|| SpecError::Property(name.to_owned()))?;
    let summary = Property::summary_of(name);
    let mut text =
        format!("# {summary}.\n# For {}.\nproperty = \"{name}\"\n\n{keys}", sketched.about());
    let spec = Spec::read(text.as_bytes())?;
    let (first, last) = (sketched.choices(&spec), sketched.features(&spec));
    // tables come last in TOML
    match text.find("\n[[") {
        Some(start) => text.insert_str(start + 1, &format!("{first}\n")),
        None => text += &format!("\n{first}"),
    }
    Ok(text + &last)
}

impl Sketched<'_> {
    fn about(&self) -> String {
        let Model { classes, schema, .. } = self.model;
        let family = match self.model.family {
            Family::Mlp(_) => "a network",
            Family::Ensemble(_) => "an ensemble",
        };
        let answers = match classes {
            1 => "one plain score".to_owned(),
            classes => format!("{classes} classes"),
        };
        format!("{family} of {} features with {answers}", schema.len())
    }

    /// The choices that every spec has, commented out, but for those that the property does not have.
    fn choices(&self, spec: &Spec) -> String {
        let mut text = "# Choices at their defaults; remove the # to make another.\n".to_owned();
        if spec.property.has_distances() && spec.units == Units::Standardised {
            text +=
                "# units = \"standardised\"   # of lengths; or \"raw\": the unit of each feature\n";
        }
        if spec.property.is_about_label() {
            text += "# label = \"true\"           # that of the data; or \"predicted\": that of the model at the row\n";
            text += match self.model.precision {
                Precision::F32 => {
                    "# semantics = \"served-f32\" # every f32 execution of the model; or \"real\": the real function\n"
                }
                Precision::F64 => {
                    "# semantics = \"real\"       # the real function of the stored numbers\n"
                }
            };
        }
        text + "# integers = \"respect\"     # whole features take whole values; or \"relax\": any in the range\n"
    }

    /// The unit of distances, in words.
    fn unit(&self) -> &'static str {
        DistanceUnit::of_model(self.model).name()
    }

    /// The name of a feature, quoted.
    fn feature(&self, index: usize) -> String {
        let features = self.model.schema.features();
        features.get(index).or(features.first()).map_or("0".to_owned(), |it| quoted(&it.name))
    }

    /// The features that the data says should move the score in one direction; without such data, the first one.
    fn directed(&self) -> (Vec<String>, Direction) {
        let (schema, declared) = (&self.model.schema, self.data.map(|data| &data.meta().monotone));
        for direction in [Direction::Increasing, Direction::Decreasing] {
            let is_so = |(_, found): &(&String, &String)| **found == direction.to_string();
            let names = declared.into_iter().flatten().filter(is_so).map(|(name, _)| name);
            let found: Vec<_> = names.filter_map(|name| schema.find(name)).collect();
            if !found.is_empty() {
                return (found.iter().map(|feature| self.feature(feature.0)).collect(), direction);
            }
        }
        (vec![self.feature(0)], Direction::Increasing)
    }

    /// A line with the class whose score is meant, where there are more than two.
    fn class(&self) -> &'static str {
        match self.model.classes {
            0..=2 => "",
            _ => "# The class whose score is meant, from 0.\nclass = 1\n",
        }
    }

    /// The answers that a bound is stated on: `posterior`, unless there is none.
    fn on(&self) -> &'static str {
        if self.model.has_posterior() && !self.model.is_plain_score() {
            "posterior"
        } else {
            "score"
        }
    }

    /// The number of outputs.
    fn outputs(&self) -> usize {
        match &self.model.family {
            Family::Mlp(mlp) => mlp.layers.last().map_or(1, Layer::outputs),
            Family::Ensemble(ensemble) => ensemble.base.len(),
        }
    }

    /// The raw range of every feature with its origin.
    fn ranges(&self) -> impl Iterator<Item = (&FeatureSpec, SketchedRange)> {
        let features = self.model.schema.features().iter().enumerate();
        features.map(|(index, feature)| (feature, self.range(index, feature)))
    }

    fn range(&self, index: usize, feature: &FeatureSpec) -> SketchedRange {
        let made = |low: String, high: String, origin| SketchedRange { low, high, origin };
        if let (Some(low), Some(high)) = (&feature.low, &feature.high) {
            return made(low.to_string(), high.to_string(), RangeOrigin::Declared);
        }
        if feature.kind == Kind::Binary {
            return made("0".to_owned(), "1".to_owned(), RangeOrigin::Declared);
        }
        let seen = self.data.into_iter().flat_map(|data| data.part(Part::Train));
        let seen = seen.filter_map(|row| row.values.get(index).copied());
        let ends = seen
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        // rounded outward: the rows at the ends are inside
        if let (Some(low), Some(high)) = (Decimal::at_most(ends.0), Decimal::at_least(ends.1)) {
            return made(low.to_string(), high.to_string(), RangeOrigin::Seen);
        }
        let (mean, reach) = (f64::from(feature.mean), 4.0 / f64::from(feature.scale));
        made((mean - reach).to_string(), (mean + reach).to_string(), RangeOrigin::Guessed)
    }

    /// The features, as the last lines of a spec: a table `[domain]` with the ranges that the claim needs and the
    /// model leaves open, and comments on all others.
    fn features(&self, spec: &Spec) -> String {
        let is_domain_wide = matches!(
            spec.property.counted_by(),
            CountedBy::Features | CountedBy::Groups | CountedBy::Domain
        );
        let needs = |range: &SketchedRange| is_domain_wide && range.origin != RangeOrigin::Declared;
        let is_table = self.ranges().any(|(_, range)| needs(&range));
        let mut text = "\n# The features: a line below [domain] replaces the declared range of one, in raw units.\n"
            .to_owned();
        text += if is_table { "[domain]\n" } else { "# [domain]\n" };
        for (index, (feature, range)) in self.ranges().enumerate() {
            let is_needed = needs(&range);
            if index >= LISTED && !is_needed {
                continue;
            }
            let SketchedRange { low, high, .. } = &range;
            text += if is_needed { "" } else { "# " };
            let name = quoted(&feature.name);
            text += &format!("{name} = [\"{low}\", \"{high}\"]  # {}\n", range.words(feature));
        }
        let more = self.model.schema.len().saturating_sub(LISTED);
        if more > 0 && !is_table {
            text += &format!("# and {more} more features\n");
        }
        text
    }
}

/// A range that a sketch names.
struct SketchedRange {
    low: String,
    high: String,
    origin: RangeOrigin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RangeOrigin {
    /// By the model.
    Declared,
    /// The ends of training rows.
    Seen,
    /// Four standard deviations around the mean.
    Guessed,
}

impl SketchedRange {
    /// The kind of a feature, its scale and the origin of this range.
    fn words(&self, feature: &FeatureSpec) -> String {
        let kind = match feature.kind {
            Kind::Real => "real",
            Kind::Integer => "integer",
            Kind::Binary => "binary",
        };
        let scale = match feature.scale {
            1.0 => String::new(),
            scale => format!(", one standard deviation is {}", 1.0 / scale),
        };
        let origin = match self.origin {
            RangeOrigin::Declared => "",
            RangeOrigin::Seen => "; seen in training rows, not declared",
            RangeOrigin::Guessed => "; a guess: the model declares no range, put the true one",
        };
        format!("{kind}{scale}{origin}")
    }
}

/// A text as TOML quotes it.
fn quoted(name: &str) -> String {
    toml::Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Lowered;

    const OPEN: &str = r#""features":[{"name":"a \"b\" \\ #","kind":"real","mean":1.5,"scale":0.1},
        {"name":"n","kind":"integer"},{"name":"b","kind":"binary"}]"#;
    const CLOSED: &str = r#""features":[{"name":"a","kind":"real","low":"0","high":"4"},
        {"name":"n","kind":"integer","low":"0","high":"9"}]"#;

    fn model(family: &str, features: &str, classes: usize, function: &str) -> Model {
        let text = format!(
            r#"{{"format":"model/1","family":"{family}","precision":"f32","classes":{classes},{features},{function}}}"#
        );
        Model::read(text.as_bytes()).unwrap()
    }

    fn network(features: &str, inputs: usize, classes: usize) -> Model {
        let row = format!("[{}]", vec!["0.5"; inputs].join(","));
        let rows = vec![row; classes].join(",");
        let zeros = vec!["0"; classes].join(",");
        let layers = format!(r#""layers":[{{"weights":[{rows}],"bias":[{zeros}]}}]"#);
        model("mlp", features, classes, &layers)
    }

    /// The claims that are decided of ensembles only.
    const ENSEMBLES_ONLY: [&str; 3] = ["stability", "high-confidence", "redundancy"];

    #[test]
    fn every_sketch_is_read_and_says_something_of_its_model() {
        for (features, inputs) in [(OPEN, 3), (CLOSED, 2)] {
            let ensemble =
                |classes| model("ensemble", features, classes, r#""base":[0],"trees":[]"#);
            let network = network(features, inputs, 2);
            for name in Property::NAMES {
                for model in [&network, &ensemble(2)] {
                    let text = sketch(name, &Sketched { model, data: None }).unwrap();
                    let spec = Spec::read(text.as_bytes());
                    let spec = spec.unwrap_or_else(|error| panic!("{text}\n{error}"));
                    assert_eq!(spec.property.name(), name);
                    let is_network = matches!(model.family, Family::Mlp(_));
                    let is_decided = match name {
                        "output-region" => is_network,
                        _ => !(is_network && ENSEMBLES_ONLY.contains(&name)),
                    };
                    let lowered = Lowered::new(&spec, model, None, &[]);
                    assert_eq!(lowered.is_ok(), is_decided, "{text}\n{:?}", lowered.err());
                }
            }
        }
    }

    #[test]
    fn sketches_for_many_classes_and_for_scores_are_read() {
        let three = network(CLOSED, 2, 3);
        let score = model("ensemble", CLOSED, 1, r#""base":[0],"trees":[]"#);
        for name in Property::NAMES {
            for model in [&three, &score] {
                let text = sketch(name, &Sketched { model, data: None }).unwrap();
                Spec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}\n{error}"));
            }
        }
        let text = sketch("monotonicity", &Sketched { model: &three, data: None }).unwrap();
        assert!(text.contains("\nclass = 1\n"), "{text}");
    }

    #[test]
    fn no_property_of_that_name_is_sketched() {
        let model = network(CLOSED, 2, 2);
        let error = sketch("lable", &Sketched { model: &model, data: None }).unwrap_err();
        assert!(error.to_string().contains("did you mean `label`?"), "{error}");
    }
}
