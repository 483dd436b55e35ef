//! Strict reading of specs: TOML, one property instance per file.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::interval::{Decimal, Rational};
use crate::model::{Digest, Object};

use super::property::{InputBox, OutputRow, Property};
use super::terms::{
    Direction, FeatureName, Integers, LabelSource, Norm, On, Scope, Semantics, TwoEnds, Units, Zone,
};

/// Largest spec file, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// A property with the choices that are part of the claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The property that is claimed.
    pub property: Property,
    /// Unit of ε and Δ.
    pub units: Units,
    /// The function meant; `None`: the property's default.
    pub semantics: Option<Semantics>,
    /// The values that integer features take.
    pub integers: Integers,
    /// The source of the labels.
    pub label: LabelSource,
    /// Raw ranges that replace the declared ones, by feature name or index.
    pub domain: BTreeMap<String, (Decimal, Decimal)>,
    /// Digest of the text that it was read from.
    pub digest: Digest,
}

/// The error for a file that is no spec.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Too long.
    #[error("a spec of {found} bytes; the limit is {MAX_BYTES}")]
    Size {
        /// Bytes found.
        found: usize,
    },
    /// Not UTF-8.
    #[error("a spec is UTF-8 text: {0}")]
    Text(#[from] std::str::Utf8Error),
    /// Not the TOML that a spec asks for.
    #[error("not a spec: {0}")]
    Toml(#[from] toml::de::Error),
    /// No property is named.
    #[error("a spec needs the key `property`, one of {names}", names = Property::NAMES.join(", "))]
    NoProperty,
    /// An unknown property.
    #[error("property `{0}` is unknown; known: {names}", names = Property::NAMES.join(", "))]
    Property(String),
    /// A key that the property needs.
    #[error("property `{property}` needs the key `{key}`")]
    Missing {
        /// The property.
        property: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A key that does not belong to the property.
    #[error("property `{property}` does not take the key `{key}`")]
    Superfluous {
        /// The property.
        property: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A value outside its range.
    #[error("`{key}` is {found}; expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value found.
        found: String,
        /// The values expected.
        expected: &'static str,
    },
}

macro_rules! keys {
    ($($field:ident: $type:ty = $name:literal),* $(,)?) => {
        /// Every key that some property takes.
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Keys { $(#[serde(rename = $name)] $field: Option<$type>,)* }

        impl Keys {
            /// The first key that is still there.
            fn leftover(&self) -> Option<&'static str> {
                $(if self.$field.is_some() { return Some($name); })*
                None
            }
        }
    };
}

keys! {
    property: String = "property",
    units: Units = "units",
    semantics: Semantics = "semantics",
    integers: Integers = "integers",
    label: LabelSource = "label",
    domain: BTreeMap<String, TwoEnds> = "domain",
    epsilon: Decimal = "epsilon",
    epsilon_1: Decimal = "epsilon-1",
    epsilon_2: Decimal = "epsilon-2",
    delta: Decimal = "delta",
    norm: Norm = "norm",
    constant: Decimal = "constant",
    on: On = "on",
    features: Vec<FeatureName> = "features",
    direction: Direction = "direction",
    class: usize = "class",
    scope: Scope = "scope",
    shift: Decimal = "shift",
    zone: Zone = "zone",
    zone_norm: Norm = "zone-norm",
    radius: Decimal = "radius",
    bound: Decimal = "bound",
    confidence: Decimal = "confidence",
    cutoff: Decimal = "cutoff",
    range: TwoEnds = "range",
    groups: Vec<Vec<FeatureName>> = "groups",
    copies: usize = "copies",
    input: Vec<Object<InputBox>> = "input",
    unsafe_blocks: Vec<Vec<Object<OutputRow>>> = "unsafe",
}

impl Spec {
    /// Reads the bytes of a spec file. Unknown keys, keys of other properties, numbers that are
    /// not decimal strings and values outside their range are refused.
    pub fn read(bytes: &[u8]) -> Result<Self, SpecError> {
        if bytes.len() > MAX_BYTES {
            return Err(SpecError::Size { found: bytes.len() });
        }
        let mut keys: Keys = toml::from_str(std::str::from_utf8(bytes)?)?;
        let stated = keys.property.take().ok_or(SpecError::NoProperty)?;
        let Some(name) = Property::NAMES.into_iter().find(|name| *name == stated) else {
            return Err(SpecError::Property(stated));
        };
        let (units, integers) = (keys.units.take(), keys.integers.take());
        let (semantics, label, domain) =
            (keys.semantics.take(), keys.label.take(), keys.domain.take());
        let property = Taker { property: name, keys: &mut keys }.property()?;
        if let Some(key) = keys.leftover() {
            return Err(SpecError::Superfluous { property: name, key });
        }
        check_values(&property)?;
        Ok(Self {
            property,
            units: units.unwrap_or_default(),
            semantics,
            integers: integers.unwrap_or_default(),
            label: label.unwrap_or_default(),
            domain: domain
                .unwrap_or_default()
                .into_iter()
                .map(|(name, TwoEnds(low, high))| (name, (low, high)))
                .collect(),
            digest: Digest::of(bytes),
        })
    }

    /// The place of the property's obligations: on the domain, or around rows.
    pub fn scope(&self) -> Scope {
        if self.property.is_about_rows() { Scope::Local } else { Scope::Domain }
    }
}

fn bare<T>(objects: Vec<Object<T>>) -> Vec<T> {
    objects.into_iter().map(|Object(value)| value).collect()
}

/// Takes the keys of one property, one by one.
struct Taker<'a> {
    property: &'static str,
    keys: &'a mut Keys,
}

impl Taker<'_> {
    fn need<T>(
        &mut self,
        key: &'static str,
        field: impl Fn(&mut Keys) -> Option<T>,
    ) -> Result<T, SpecError> {
        field(self.keys).ok_or(SpecError::Missing { property: self.property, key })
    }

    fn decimal(
        &mut self,
        key: &'static str,
        field: impl Fn(&mut Keys) -> &mut Option<Decimal>,
    ) -> Result<Decimal, SpecError> {
        self.need(key, |keys| field(keys).take())
    }

    fn epsilon(&mut self) -> Result<Decimal, SpecError> {
        self.decimal("epsilon", |k| &mut k.epsilon)
    }

    fn constant(&mut self) -> Result<Decimal, SpecError> {
        self.decimal("constant", |k| &mut k.constant)
    }

    fn norm(&mut self) -> Norm {
        self.keys.norm.take().unwrap_or_default()
    }

    fn features(&mut self) -> Result<Vec<FeatureName>, SpecError> {
        self.need("features", |k| k.features.take())
    }

    fn property(&mut self) -> Result<Property, SpecError> {
        Ok(match self.property {
            "label" => Property::Label { epsilon: self.epsilon()?, norm: self.norm() },
            "local-invariance" => Property::LocalInvariance {
                epsilon: self.epsilon()?,
                delta: self.decimal("delta", |k| &mut k.delta)?,
                norm: self.norm(),
            },
            "local-invariance-t" => Property::LocalInvarianceT {
                epsilon_1: self.decimal("epsilon-1", |k| &mut k.epsilon_1)?,
                epsilon_2: self.decimal("epsilon-2", |k| &mut k.epsilon_2)?,
            },
            "lipschitzness" => Property::Lipschitzness {
                epsilon: self.epsilon()?,
                constant: self.constant()?,
                norm: self.keys.norm.take().unwrap_or(Norm::L2),
            },
            "lipschitzness-t" => Property::LipschitznessT { constant: self.constant()? },
            "small-neighborhood" => Property::SmallNeighborhood {
                epsilon: self.epsilon()?,
                constant: self.constant()?,
                on: self.keys.on.take().unwrap_or(On::Posterior),
            },
            "monotonicity" => self.monotonicity()?,
            "boundary-fuzz" => self.boundary_fuzz()?,
            "stability" => Property::Stability {
                features: self.features()?,
                bound: self.decimal("bound", |k| &mut k.bound)?,
                on: self.keys.on.take().unwrap_or(On::Score),
            },
            "high-confidence" => Property::HighConfidence {
                features: self.features()?,
                confidence: self.decimal("confidence", |k| &mut k.confidence)?,
                cutoff: self.decimal("cutoff", |k| &mut k.cutoff)?,
                range: self.keys.range.take().map(|TwoEnds(low, high)| (low, high)),
            },
            "redundancy" => Property::Redundancy {
                groups: self.need("groups", |k| k.groups.take())?,
                confidence: self.decimal("confidence", |k| &mut k.confidence)?,
                cutoff: self.decimal("cutoff", |k| &mut k.cutoff)?,
            },
            _ => Property::OutputRegion {
                copies: self.keys.copies.take().unwrap_or(1),
                input: bare(self.need("input", |k| k.input.take())?),
                unsafe_blocks: self
                    .need("unsafe", |k| k.unsafe_blocks.take())?
                    .into_iter()
                    .map(bare)
                    .collect(),
            },
        })
    }

    fn monotonicity(&mut self) -> Result<Property, SpecError> {
        let scope = self.keys.scope.take().unwrap_or(Scope::Domain);
        Ok(Property::Monotonicity {
            features: self.features()?,
            direction: self.need("direction", |k| k.direction.take())?,
            class: self.keys.class.take(),
            scope,
            epsilon: match scope {
                Scope::Local => Some(self.epsilon()?),
                Scope::Domain => None,
            },
        })
    }

    fn boundary_fuzz(&mut self) -> Result<Property, SpecError> {
        let scope = self.keys.scope.take().unwrap_or(Scope::Local);
        let zone = self.keys.zone.take().unwrap_or_default();
        Ok(Property::BoundaryFuzz {
            shift: self.decimal("shift", |k| &mut k.shift)?,
            epsilon: self.epsilon()?,
            zone,
            zone_norm: match zone {
                Zone::Ball => self.keys.zone_norm.take().unwrap_or(Norm::L2),
                Zone::Axis => Norm::L2,
            },
            scope,
            radius: match scope {
                Scope::Local => Some(self.decimal("radius", |k| &mut k.radius)?),
                Scope::Domain => None,
            },
            norm: match scope {
                Scope::Local => self.norm(),
                Scope::Domain => Norm::Linf,
            },
        })
    }
}

/// Refuses values for which the claim would have no meaning.
fn check_values(property: &Property) -> Result<(), SpecError> {
    let not_negative = |key, value: &Decimal| {
        expect(key, value, *value.value() >= Rational::ZERO, "a number >= 0")
    };
    let positive =
        |key, value: &Decimal| expect(key, value, *value.value() > Rational::ZERO, "a number > 0");
    let share = |key, value: &Decimal| {
        let inside = *value.value() > Rational::ZERO && *value.value() < Rational::ONE;
        expect(key, value, inside, "a number strictly between 0 and 1")
    };
    match property {
        Property::Label { epsilon, .. } => not_negative("epsilon", epsilon),
        Property::LocalInvariance { epsilon, delta, .. } => {
            not_negative("epsilon", epsilon)?;
            share("delta", delta)
        }
        Property::LocalInvarianceT { epsilon_1, epsilon_2 } => {
            positive("epsilon-1", epsilon_1)?;
            positive("epsilon-2", epsilon_2)
        }
        Property::Lipschitzness { epsilon, constant, .. } => {
            not_negative("epsilon", epsilon)?;
            not_negative("constant", constant)
        }
        Property::LipschitznessT { constant } => not_negative("constant", constant),
        Property::SmallNeighborhood { epsilon, constant, .. } => {
            positive("epsilon", epsilon)?;
            not_negative("constant", constant)
        }
        Property::Monotonicity { features, epsilon, .. } => {
            not_empty("features", features)?;
            epsilon.iter().try_for_each(|epsilon| not_negative("epsilon", epsilon))
        }
        Property::BoundaryFuzz { shift, epsilon, radius, .. } => {
            positive("shift", shift)?;
            positive("epsilon", epsilon)?;
            radius.iter().try_for_each(|radius| not_negative("radius", radius))
        }
        Property::Stability { features, bound, .. } => {
            not_empty("features", features)?;
            not_negative("bound", bound)
        }
        Property::HighConfidence { features, confidence, cutoff, range } => {
            not_empty("features", features)?;
            if let Some((low, high)) = range {
                let expected = "two ends, the lower one first";
                expect("range", low, low.value() <= high.value(), expected)?;
            }
            share("confidence", confidence)?;
            share("cutoff", cutoff)
        }
        Property::Redundancy { groups, confidence, cutoff } => {
            not_empty("groups", groups)?;
            groups.iter().try_for_each(|group| not_empty("groups", group))?;
            share("confidence", confidence)?;
            share("cutoff", cutoff)
        }
        Property::OutputRegion { copies, .. } => {
            let found = copies.to_string();
            let inside = matches!(copies, 1 | 2);
            inside.then_some(()).ok_or(SpecError::Value {
                key: "copies",
                found,
                expected: "1 or 2",
            })
        }
    }
}

fn expect(
    key: &'static str,
    value: &Decimal,
    holds: bool,
    expected: &'static str,
) -> Result<(), SpecError> {
    holds.then_some(()).ok_or_else(|| SpecError::Value { key, found: value.to_string(), expected })
}

fn not_empty<T>(key: &'static str, list: &[T]) -> Result<(), SpecError> {
    let found = "an empty list".to_owned();
    let expected = "at least one feature";
    (!list.is_empty()).then_some(()).ok_or(SpecError::Value { key, found, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Spec, SpecError> {
        Spec::read(text.as_bytes())
    }

    #[test]
    fn every_property_parses() {
        for text in [
            "property = 'label'\nepsilon = '0.1'",
            "property = 'local-invariance'\nepsilon = '0.1'\ndelta = '0.5'\nnorm = 'l1'",
            "property = 'local-invariance-t'\nepsilon-1 = '1'\nepsilon-2 = '0.1'",
            "property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '1'",
            "property = 'lipschitzness-t'\nconstant = '1'",
            "property = 'small-neighborhood'\nepsilon = '0.1'\nconstant = '1'\non = 'score'",
            "property = 'monotonicity'\nfeatures = ['a', 3]\ndirection = 'increasing'",
            "property = 'monotonicity'\nfeatures = ['a']\ndirection = 'decreasing'\nscope = 'local'\nepsilon = '1'",
            "property = 'boundary-fuzz'\nshift = '0.1'\nepsilon = '0.1'\nradius = '0.3'",
            "property = 'boundary-fuzz'\nshift = '0.1'\nepsilon = '0.1'\nscope = 'domain'\nzone = 'ball'\nzone-norm = 'l1'",
            "property = 'stability'\nfeatures = [0]\nbound = '0.1'",
            "property = 'high-confidence'\nfeatures = [0]\nconfidence = '0.98'\ncutoff = '0.5'\nrange = ['0', '5']",
            "property = 'redundancy'\ngroups = [[0, 1], ['b']]\nconfidence = '0.98'\ncutoff = '0.5'",
            "property = 'output-region'\nunsafe = [[{y = ['1', '-1'], rhs = '0'}]]\n[[input]]\nbox = [['0', '1']]",
        ] {
            read(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let start = "property = 'local-invariance'\nepsilon = '0.1'\n";
        for (text, part) in [
            ("property = 'robustness'", "unknown"),
            ("epsilon = '0.1'", "property"),
            (start, "needs the key `delta`"),
            (&format!("{start}delta = 0.5"), "string"),
            (&format!("{start}delta = '0'"), "between 0 and 1"),
            (&format!("{start}delta = '1e'"), "not a decimal"),
            (&format!("{start}delta = '0.5'\nspeed = 3"), "speed"),
            (&format!("{start}delta = '0.5'\nshift = '1'"), "does not take the key `shift`"),
            (&format!("{start}delta = '0.5'\ndelta = '0.4'"), "duplicate"),
            (&format!("{start}delta = '0.5'\nnorm = 'l3'"), "l3"),
            ("property = 'label'\nepsilon = '-1'", ">= 0"),
            ("property = 'monotonicity'\nfeatures = []\ndirection = 'increasing'", "at least one"),
            (
                "property = 'redundancy'\ngroups = []\nconfidence = '0.9'\ncutoff = '0.5'",
                "at least one",
            ),
            (&format!("{start}delta = '0.5'\n[domain]\na = ['0', '1', '9']"), "3 numbers"),
            (&format!("{start}delta = '0.5'\n[domain]\na = ['0']"), "1 numbers"),
            (
                "property = 'high-confidence'\nfeatures = [0]\nconfidence = '0.9'\ncutoff = '0.5'\nrange = ['0', '1', '2']",
                "3 numbers",
            ),
            (
                "property = 'output-region'\nunsafe = []\n[[input]]\nbox = [['0', '1', '2']]",
                "3 numbers",
            ),
            (
                "property = 'boundary-fuzz'\nshift = '0.1'\nepsilon = '0.1'\nscope = 'domain'\nradius = '1'",
                "does not take",
            ),
        ] {
            let message = read(text).expect_err(text).to_string();
            assert!(message.contains(part), "{text}\n{message}");
        }
    }
}
