//! Names, kinds and ranges of features. A graph has no place for them, so the exporter stores them
//! as metadata: JSON, one object per feature, as in `model/1` without mean and scale.

use serde::{Deserialize, Serialize};

use crate::import::ImportError;
use crate::import::bounded::Bounded;
use crate::interval::Decimal;
use crate::model::{FeatureSpec, Kind, Schema, check_json};

use super::shape::MAX_WIDTH;

/// One feature without its standardisation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Described {
    name: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high: Option<Decimal>,
}

impl From<&FeatureSpec> for Described {
    fn from(feature: &FeatureSpec) -> Self {
        let FeatureSpec { name, kind, low, high, .. } = feature.clone();
        Self { name, kind, low, high }
    }
}

impl From<Described> for FeatureSpec {
    fn from(Described { name, kind, low, high }: Described) -> Self {
        Self { name, kind, low, high, mean: 0.0, scale: 1.0 }
    }
}

/// The metadata of a schema.
pub(super) fn write(schema: &Schema) -> String {
    let all: Vec<Described> = schema.features().iter().map(Described::from).collect();
    serde_json::to_string(&all).expect("texts and lists are JSON")
}

/// The features that metadata describe.
pub(super) fn read(text: &[u8]) -> Result<Vec<Described>, ImportError> {
    check_json(text)?;
    let list: Bounded<Described, MAX_WIDTH> =
        serde_json::from_slice(text).map_err(|reason| ImportError::Metadata { reason })?;
    Ok(list.all("features")?)
}

/// The features of a network, as many as it has inputs: those given, else those
/// described, else `x0`, `x1`, …. None is standardised.
pub(super) fn of_network(
    inputs: usize,
    described: Option<Vec<Described>>,
    given: Option<&Schema>,
) -> Result<Vec<FeatureSpec>, ImportError> {
    if let Some(found) = described.as_ref().map(Vec::len).filter(|found| *found != inputs) {
        let place = "metadata `propcert.features`".to_owned();
        return Err(ImportError::Length { place, found, expected: inputs });
    }
    let Some(schema) = given else {
        let plain = |index| {
            let name = format!("x{index}");
            Described { name, kind: Kind::Real, low: None, high: None }
        };
        let all = described.unwrap_or_else(|| (0..inputs).map(plain).collect());
        return Ok(all.into_iter().map(FeatureSpec::from).collect());
    };
    if schema.len() != inputs {
        return Err(ImportError::Features { found: inputs, expected: schema.len() });
    }
    let pairs = described.into_iter().flatten().zip(schema.features()).enumerate();
    for (index, (Described { name: found, .. }, FeatureSpec { name: expected, .. })) in pairs {
        if found != *expected {
            return Err(ImportError::FeatureName { index, found, expected: expected.clone() });
        }
    }
    Ok(schema.features().to_vec())
}
