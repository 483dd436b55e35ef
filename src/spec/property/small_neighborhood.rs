//! Answers that hardly change between near points.

use crate::interval::Decimal;

use super::{CountedBy, Keys, On, Profile, PropertyKind, SpecError};

/// `d(x, x′) < ε ⇒ ‖F(x) − F(x′)‖₂ < Lε` on the domain.
#[derive(Clone, Debug, PartialEq)]
pub struct SmallNeighborhood {
    /// ε, positive.
    pub epsilon: Decimal,
    /// L, not negative.
    pub constant: Decimal,
    /// The answers that are compared.
    pub on: On,
}

impl PropertyKind for SmallNeighborhood {
    const NAME: &str = "small-neighborhood";

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        Ok(Self {
            epsilon: keys.epsilon().positive()?,
            constant: keys.constant().not_negative()?,
            on: keys.on().or(On::Posterior),
        })
    }

    fn profile(&self) -> Profile {
        Profile::of(CountedBy::Domain)
    }

    fn words(&self) -> String {
        let Self { epsilon, constant, on } = self;
        format!("epsilon {epsilon}, constant {constant}, on {on}")
    }

    fn in_table(&self, unit: &str) -> String {
        let Self { epsilon, constant, on } = self;
        format!("epsilon {epsilon}{unit}, constant {constant}, on {on}").to_lowercase()
    }
}
