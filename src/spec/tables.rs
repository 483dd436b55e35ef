//! Specs in the hands of those who list and plot them. No verdict rests on it, and the checker is built without it.

use crate::model::Model;

use super::{Aim, DistanceUnit, Lowered, Property, Scope, Spec};

impl Spec {
    /// The place of the property's obligations: on the domain, or around rows.
    pub fn scope(&self) -> Scope {
        if self.property.is_about_rows() { Scope::Local } else { Scope::Domain }
    }

    /// The parameters of the property, for tables; distances have their unit.
    pub fn parameters(&self, model: &Model) -> String {
        let unit = DistanceUnit::of(self, model).map_or("", DistanceUnit::short);
        let parameters = self.property.in_table(unit);
        match self.property.profile().is_about_label() {
            true => format!("{parameters}, {} label", self.label),
            false => parameters,
        }
    }
}

impl Property {
    /// True if some parameter is a distance between inputs.
    pub fn has_distances(&self) -> bool {
        self.profile().has_distances
    }

    /// True if it is about one point at a time, and the label of its row.
    pub fn is_about_label(&self) -> bool {
        self.profile().is_about_label()
    }
}

impl DistanceUnit {
    /// The short name of the unit, for use behind a number.
    pub fn short(self) -> &'static str {
        match self {
            Self::StandardDeviations => " sd",
            Self::Raw => " raw",
        }
    }
}

impl Aim {
    /// True if it is about the change from one answer to the other alone, not about labels, order or distance.
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Close { .. } | Self::Stays(_))
    }
}

impl Lowered<'_> {
    /// True if there are no obligations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
