//! The features of an imported model: as its file names them, or as given.

use crate::model::{FeatureSpec, Kind, Schema};

use super::ImportError;

/// The given schema, if it fits the names of the file, else one of these names.
pub(super) fn schema(
    names: Option<Vec<String>>,
    features: usize,
    given: Option<&Schema>,
) -> Result<Schema, ImportError> {
    match given {
        Some(given) => fit(names.as_deref(), features, given),
        None => plain(names, features),
    }
}

/// A schema with these names and nothing else known; without names the features are `f0`, `f1`, …
fn plain(names: Option<Vec<String>>, features: usize) -> Result<Schema, ImportError> {
    let names = names.unwrap_or_else(|| (0..features).map(|k| format!("f{k}")).collect());
    let feature =
        |name| FeatureSpec { name, kind: Kind::Real, low: None, high: None, mean: 0.0, scale: 1.0 };
    Ok(Schema::new(names.into_iter().map(feature).collect())?)
}

/// The given schema, if it has as many features, and the same names as the file where the file has names.
pub(super) fn fit(
    names: Option<&[String]>,
    features: usize,
    given: &Schema,
) -> Result<Schema, ImportError> {
    if given.len() != features {
        return Err(ImportError::Features { found: features, expected: given.len() });
    }
    let pairs = names.into_iter().flatten().zip(given.features()).enumerate();
    for (index, (found, FeatureSpec { name, .. })) in pairs {
        if found != name {
            let (found, expected) = (found.clone(), name.clone());
            return Err(ImportError::FeatureName { index, found, expected });
        }
    }
    Ok(given.clone())
}
