//! Posteriors of two rows, or near two rows, that differ by at most a constant times their distance.

use crate::interval::{Decimal, Rational};
use crate::model::Part;

use super::{
    Aim, Asked, Bonds, Claim, Closeness, CountedBy, Keys, LowerError, Lowering, Norm, Pair,
    PairBound, Places, Profile, PropertyKind, Regions, Setting, SpecError, Variation, distinct,
};

/// `‖F(a) − F(b)‖₂ <= L‖a − b‖` for `a`, `b` in the ε-boxes of two rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Lipschitzness {
    /// ε, not negative.
    pub epsilon: Decimal,
    /// L, not negative.
    pub constant: Decimal,
    /// The norm of `a − b`.
    pub norm: Norm,
}

impl PropertyKind for Lipschitzness {
    const NAME: &str = "lipschitzness";
    const SUMMARY: &str =
        "Near two rows, posteriors are at most a constant times as far apart as the points";
    const NEEDED: &[&str] = &["epsilon", "constant"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        Ok(Self {
            epsilon: keys.epsilon().same()?.not_negative()?,
            constant: keys.constant().not_negative()?,
            norm: keys.norm().or(Norm::L2),
        })
    }

    fn profile(&self) -> Profile {
        Profile {
            has_distinct_rows: true,
            ..Profile::of(CountedBy::Pairs, Asked::Closeness(Closeness::ITSELF))
        }
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        setting.expect_two_points()?;
        let metric = setting.metric(Norm::Linf, self.epsilon.value());
        let units = setting.metric(self.norm, &Rational::ONE).reach().into();
        let aim =
            Aim::Lipschitz { units, norm: self.norm, constant: self.constant.value().clone() };
        // both regions are filled in per pair of rows
        let pair = Pair { bonds: Bonds::Free, regions: Regions::Both, aim };
        let places = Places::PairsOfRows { metric, distinct: distinct(setting.rows) };
        Ok(Lowering { places, claim: Claim::Pair(pair), variation: Variation::Same })
    }

    fn words(&self) -> String {
        let Self { epsilon, constant, norm } = self;
        format!("epsilon {epsilon}, constant {constant}, norm {norm}")
    }

    fn in_table(&self, unit: &str) -> String {
        let Self { epsilon, constant, norm } = self;
        format!("epsilon {epsilon}{unit}, constant {constant}, {norm}").to_lowercase()
    }
}

/// `‖F(x) − F(x′)‖₂ <= L‖x − x′‖₂` for two rows.
#[derive(Clone, Debug, PartialEq)]
pub struct LipschitznessT {
    /// L, not negative.
    pub constant: Decimal,
}

impl PropertyKind for LipschitznessT {
    const NAME: &str = "lipschitzness-t";
    const SUMMARY: &str =
        "Two rows get posteriors at most a constant times as far apart as the rows are";
    const NEEDED: &[&str] = &["constant"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        Ok(Self { constant: keys.constant().not_negative()? })
    }

    fn profile(&self) -> Profile {
        Profile { default_part: Part::Train, ..Profile::of(CountedBy::Pairs, Asked::Rows) }
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        setting.all_pairs(PairBound::Lipschitz { constant: self.constant.value().clone() })
    }

    fn words(&self) -> String {
        format!("constant {}", self.constant)
    }

    fn in_table(&self, unit: &str) -> String {
        format!("constant {} by distance in{unit}", self.constant)
    }
}
