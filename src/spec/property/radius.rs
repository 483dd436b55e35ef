//! The radius around a row: one for all features, or one per feature.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::interval::Decimal;

use super::keys::{TakenKey, expect, expect_not_negative};
use super::{Keys, Norm, SpecError, Units, listed};

/// The radius of a ball around a row, not negative.
#[derive(Clone, Debug, PartialEq)]
pub enum BallRadius {
    /// One for all features, in the units of the spec.
    Same(Decimal),
    /// The raw half width of a box by feature, name or index; features that are not named stay as they are.
    PerFeature(BTreeMap<String, Decimal>),
}

impl BallRadius {
    /// Takes `epsilon` and `norm`. Radii per feature make a box, of raw units that the spec states.
    pub(super) fn take(keys: &mut Keys) -> Result<(Self, Norm), SpecError> {
        let (radius, norm) = (keys.epsilon().needed()?, keys.norm().or(Norm::Linf));
        let radii = match &radius {
            Self::Same(value) => {
                expect_not_negative("epsilon", value)?;
                return Ok((radius, norm));
            }
            Self::PerFeature(radii) => radii,
        };
        for radius in radii.values() {
            expect_not_negative("epsilon", radius)?;
        }
        expect("epsilon", "an empty table", !radii.is_empty(), "at least one feature")?;
        expect("norm", norm, norm == Norm::Linf, "linf where `epsilon` has a radius per feature")?;
        let is_raw = keys.units == Some(Units::Raw);
        let units = if keys.units.is_none() { "not given" } else { "standardised" };
        expect("units", units, is_raw, "\"raw\" where `epsilon` has a radius per feature")?;
        Ok((radius, norm))
    }
}

impl TakenKey<BallRadius> {
    /// The number, in a property that takes no radius per feature.
    pub(super) fn same(self) -> Result<TakenKey<Decimal>, SpecError> {
        let Self { taker, key, value } = self;
        let value = match value {
            None => None,
            Some(BallRadius::Same(value)) => Some(value),
            Some(BallRadius::PerFeature(_)) => {
                let expected =
                    "one number; `label` and `local-invariance` alone take a radius per feature";
                return Err(SpecError::Value { key, found: "a table".to_owned(), expected });
            }
        };
        Ok(TakenKey { taker, key, value })
    }
}

impl fmt::Display for BallRadius {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Same(radius) => radius.fmt(to),
            Self::PerFeature(radii) => {
                let text = listed(radii.iter(), |(name, radius)| format!("{name} {radius}"));
                write!(to, "[{text}]")
            }
        }
    }
}

impl<'de> Deserialize<'de> for BallRadius {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RadiusVisitor)
    }
}

/// Accepts a text, or a table of them; a bare number would be read as a float first.
struct RadiusVisitor;

impl<'de> Visitor<'de> for RadiusVisitor {
    type Value = BallRadius;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str(
            "a string: numbers are exact, so they stand in quotes, as \"0.1\", or a table of them by feature",
        )
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<BallRadius, E> {
        text.parse().map(BallRadius::Same).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BallRadius, A::Error> {
        let mut radii = BTreeMap::new();
        // TOML has no key twice
        while let Some((name, radius)) = map.next_entry()? {
            radii.insert(name, radius);
        }
        Ok(BallRadius::PerFeature(radii))
    }
}
