//! One label near a row.

use super::{
    Asked, BallRadius, Claim, CountedBy, Keys, LowerError, Lowering, Norm, Places, Profile,
    PropertyKind, Setting, SpecError, Variation,
};

/// `argmax f = y` within ε of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// ε.
    pub epsilon: BallRadius,
    /// The norm of the ball.
    pub norm: Norm,
}

impl PropertyKind for Label {
    const NAME: &str = "label";
    const SUMMARY: &str = "Near a row, the model gives the label of the row";
    const NEEDED: &[&str] = &["epsilon"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let (epsilon, norm) = BallRadius::take(keys)?;
        Ok(Self { epsilon, norm })
    }

    fn profile(&self) -> Profile {
        Profile::of(CountedBy::Rows, Asked::Label)
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        let places = Places::Rows(setting.ball_of(self.norm, &self.epsilon)?);
        // the label is filled in per row
        Ok(Lowering { places, claim: Claim::Label { label: 0 }, variation: Variation::Same })
    }

    fn words(&self) -> String {
        format!("epsilon {}, norm {}", self.epsilon, self.norm)
    }

    fn in_table(&self, unit: &str) -> String {
        let Self { epsilon, norm } = self;
        format!("epsilon {epsilon}{unit}, {norm}").to_lowercase()
    }
}
