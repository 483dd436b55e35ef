//! Posteriors that hardly change near a row, and between two near rows.

use crate::interval::Decimal;
use crate::model::Part;

use super::{
    Asked, BallRadius, Claim, CountedBy, Keys, LowerError, Lowering, Norm, PairBound, Places,
    Profile, PropertyKind, Setting, SpecError, Variation,
};

/// `F_y > 1 − δ` within ε of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalInvariance {
    /// ε.
    pub epsilon: BallRadius,
    /// δ, strictly between 0 and 1.
    pub delta: Decimal,
    /// The norm of the ball.
    pub norm: Norm,
}

impl PropertyKind for LocalInvariance {
    const NAME: &str = "local-invariance";
    const SUMMARY: &str = "Near a row, the posterior of the row's label stays above 1 - delta";
    const NEEDED: &[&str] = &["epsilon", "delta"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let (epsilon, norm) = BallRadius::take(keys)?;
        Ok(Self { epsilon, delta: keys.delta().share()?, norm })
    }

    fn profile(&self) -> Profile {
        Profile::of(CountedBy::Rows, Asked::Confidence { delta: self.delta.value().clone() })
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        let beyond = || LowerError::Delta { delta: self.delta.to_string() };
        let claim = Claim::posterior(self.delta.value()).ok_or_else(beyond)?;
        let places = Places::Rows(setting.ball_of(self.norm, &self.epsilon)?);
        Ok(Lowering { places, claim, variation: Variation::Same })
    }

    fn words(&self) -> String {
        let Self { epsilon, delta, norm } = self;
        format!("epsilon {epsilon}, delta {delta}, norm {norm}")
    }

    fn in_table(&self, unit: &str) -> String {
        let Self { epsilon, delta, norm } = self;
        format!("epsilon {epsilon}{unit}, delta {delta}, {norm}").to_lowercase()
    }
}

/// `‖x − x′‖₂ < ε₁ ⇒ KL(F(x)‖F(x′)) < ε₂` for two rows.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalInvarianceT {
    /// ε₁, positive.
    pub epsilon_1: Decimal,
    /// ε₂, positive.
    pub epsilon_2: Decimal,
}

impl PropertyKind for LocalInvarianceT {
    const NAME: &str = "local-invariance-t";
    const SUMMARY: &str =
        "Rows near each other get posteriors near each other (divergence of Kullback and Leibler)";
    const NEEDED: &[&str] = &["epsilon-1", "epsilon-2"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        Ok(Self {
            epsilon_1: keys.epsilon_1().positive()?,
            epsilon_2: keys.epsilon_2().positive()?,
        })
    }

    fn profile(&self) -> Profile {
        Profile { default_part: Part::Train, ..Profile::of(CountedBy::Pairs, Asked::Rows) }
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        let (reach, limit) = (self.epsilon_1.value().clone(), self.epsilon_2.value().clone());
        setting.all_pairs(PairBound::Divergence { reach, limit })
    }

    fn words(&self) -> String {
        self.in_table("")
    }

    fn in_table(&self, unit: &str) -> String {
        format!("epsilon-1 {}{unit}, epsilon-2 {}", self.epsilon_1, self.epsilon_2)
    }
}
