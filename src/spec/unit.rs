//! The unit in which distances are measured: the same spec says different things in different units.

use serde::{Deserialize, Serialize};

use crate::model::Model;

use super::{Spec, Units};

/// The unit of ε and of every other distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DistanceUnit {
    /// `z = scale·(x − mean)`, with scales that the model declares.
    #[serde(rename = "standard deviations")]
    StandardDeviations,
    /// The unit of the inputs themselves; also used if the model declares no scales.
    #[serde(rename = "raw units")]
    Raw,
}

impl DistanceUnit {
    /// The unit of a spec; `None` if it measures no distances.
    pub fn of(spec: &Spec, model: &Model) -> Option<Self> {
        spec.property.profile().has_distances.then(|| match spec.units {
            Units::Raw => Self::Raw,
            Units::Standardised => Self::of_model(model),
        })
    }

    /// The unit of distances that are in the model's own units.
    pub fn of_model(model: &Model) -> Self {
        let is_scaled = model.schema.features().iter().any(|feature| feature.scale != 1.0);
        if is_scaled { Self::StandardDeviations } else { Self::Raw }
    }

    /// The name of the unit, for a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::StandardDeviations => "standard deviations",
            Self::Raw => "raw units",
        }
    }
}
