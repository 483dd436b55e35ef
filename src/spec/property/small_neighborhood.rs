//! AnswerKind that hardly change between near points.

use crate::interval::Decimal;

use super::{
    Aim, Asked, Bonds, Claim, Closeness, CountedBy, Keys, LowerError, Lowering, Norm, On, Pair,
    Places, Profile, PropertyKind, Regions, Setting, SpecError, Variation,
};

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
    const SUMMARY: &str =
        "Points near each other, anywhere in the domain, get answers near each other";
    const NEEDED: &[&str] = &["epsilon", "constant"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        Ok(Self {
            epsilon: keys.epsilon().same()?.positive()?,
            constant: keys.constant().not_negative()?,
            on: keys.on().or(On::Posterior),
        })
    }

    fn profile(&self) -> Profile {
        let asked = match self.on {
            On::Posterior => Asked::Closeness(Closeness::ITSELF),
            On::Score => Asked::Change,
        };
        Profile { on: Some(self.on), ..Profile::of(CountedBy::Domain, asked) }
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        setting.expect_two_points()?;
        // `d = max_i |x_i − x′_i|/σ_i` is the largest coordinate of the difference in standardised units
        let reach = setting.metric(Norm::Linf, self.epsilon.value()).reach().into();
        let bound = self.constant.value() * self.epsilon.value();
        // posteriors are asked about points that are closer than ε
        let is_strict = self.on == On::Posterior;
        let claim = Claim::Pair(Pair {
            bonds: Bonds::Within { reach, is_strict },
            regions: Regions::Both,
            aim: Aim::Close { bound, on: self.on, is_strict },
        });
        Ok(Lowering { places: Places::Domain, claim, variation: Variation::Same })
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
