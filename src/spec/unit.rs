//! The unit in which distances are measured: one spec says different things in different ones.

use serde::{Deserialize, Serialize};

use crate::model::Model;

use super::{Property, Scope, Spec, Units};

/// The unit of ε and of every other distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DistanceUnit {
    /// `z = scale·(x − mean)`, with scales that the model declares.
    #[serde(rename = "standard deviations")]
    StandardDeviations,
    /// As the inputs are; also where the model declares no scales.
    #[serde(rename = "raw units")]
    Raw,
}

impl DistanceUnit {
    /// Of a spec, where it measures distances at all.
    pub fn of(spec: &Spec, model: &Model) -> Option<Self> {
        let has_distances = match &spec.property {
            Property::Monotonicity { scope, .. } => *scope == Scope::Local,
            Property::Stability { .. }
            | Property::HighConfidence { .. }
            | Property::Redundancy { .. } => false,
            // boxes are measured in it
            Property::OutputRegion { .. } => true,
            Property::Label { .. }
            | Property::LocalInvariance { .. }
            | Property::LocalInvarianceT { .. }
            | Property::Lipschitzness { .. }
            | Property::LipschitznessT { .. }
            | Property::SmallNeighborhood { .. }
            | Property::BoundaryFuzz { .. } => true,
        };
        has_distances.then(|| match spec.units {
            Units::Raw => Self::Raw,
            Units::Standardised => Self::of_model(model),
        })
    }

    /// Of distances in the model's own units.
    pub fn of_model(model: &Model) -> Self {
        let is_scaled = model.schema.features().iter().any(|feature| feature.scale != 1.0);
        if is_scaled { Self::StandardDeviations } else { Self::Raw }
    }

    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::StandardDeviations => "standard deviations",
            Self::Raw => "raw units",
        }
    }

    /// Behind a number.
    pub fn short(self) -> &'static str {
        match self {
            Self::StandardDeviations => " sd",
            Self::Raw => " raw",
        }
    }
}
