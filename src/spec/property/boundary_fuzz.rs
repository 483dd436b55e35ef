//! Posteriors that are even near the boundary between labels.

use std::sync::Arc;

use crate::interval::{Decimal, Rational, soft_boundary_margin};

use super::{
    Aim, Asked, Bonds, Claim, CountedBy, Keys, LowerError, Lowering, Norm, Pair, Profile,
    PropertyKind, Regions, Scope, Setting, SpecError, Threshold, Variation, Zone, unsupported,
};

/// A label flip within Δ `⇒ ‖F(x)‖² < e^ε/(e^ε + 1) ⇔ |m| < μ`, `μ = 2·artanh √tanh(ε/2)`.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundaryFuzz {
    /// Δ, positive.
    pub shift: Decimal,
    /// ε, positive.
    pub epsilon: Decimal,
    /// The points at which a flip counts.
    pub zone: Zone,
    /// The norm of a [`Zone::Ball`].
    pub zone_norm: Norm,
    /// On the domain, or within a radius of rows.
    pub scope: Scope,
    /// The radius, not negative; given around rows.
    pub radius: Option<Decimal>,
    /// The norm of the radius.
    pub norm: Norm,
}

impl PropertyKind for BoundaryFuzz {
    const NAME: &str = "boundary-fuzz";
    const SUMMARY: &str = "Near the boundary between two labels, the posterior is unsure";
    const NEEDED: &[&str] = &["shift", "epsilon"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let (shift, epsilon) = (keys.shift().positive()?, keys.epsilon().same()?.positive()?);
        let (scope, zone) = (keys.scope().or(Scope::Local), keys.zone().or(Zone::Axis));
        let zone_norm = match zone {
            Zone::Ball => keys.zone_norm().or(Norm::L2),
            Zone::Axis => Norm::L2,
        };
        let (radius, norm) = match scope {
            Scope::Local => (Some(keys.radius().not_negative()?), keys.norm().or(Norm::Linf)),
            Scope::Domain => (None, Norm::Linf),
        };
        Ok(Self { shift, epsilon, zone, zone_norm, scope, radius, norm })
    }

    fn profile(&self) -> Profile {
        let is_local = self.scope == Scope::Local;
        let counted_by = if is_local { CountedBy::Rows } else { CountedBy::Domain };
        Profile::of(counted_by, Asked::Boundary)
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        let places = setting.around(self.norm, self.radius.as_ref());
        if setting.model.classes != 2 {
            let what = "boundary-fuzz with more than two classes";
            return Err(unsupported(what, "the paper defines it for two"));
        }
        let out_of_range =
            unsupported("this epsilon of boundary-fuzz", "expected 0 < epsilon < 60");
        let (below, above) = soft_boundary_margin(self.epsilon.value()).ok_or(out_of_range)?;
        let shifts: Arc<[Rational]> = setting.metric(Norm::Linf, self.shift.value()).reach().into();
        let (bonds, ball) = match self.zone {
            Zone::Axis => (Bonds::Shifted(shifts), None),
            Zone::Ball => {
                let reach = Arc::clone(&shifts);
                (Bonds::Within { reach, is_strict: false }, Some((shifts, self.zone_norm)))
            }
        };
        let aim = Aim::Flip { margin: Threshold { below, above }, ball };
        let claim = Claim::Pair(Pair { bonds, regions: Regions::First, aim });
        Ok(Lowering { places, claim, variation: Variation::Same })
    }

    fn words(&self) -> String {
        let Self { shift, epsilon, zone, zone_norm, scope, radius, norm } = self;
        let zone_norm = match zone {
            Zone::Axis => String::new(),
            Zone::Ball => format!(" in {zone_norm}"),
        };
        let radius =
            radius.as_ref().map_or(String::new(), |r| format!(", radius {r}, norm {norm}"));
        format!("shift {shift}, epsilon {epsilon}, zone {zone}{zone_norm}, scope {scope}{radius}")
    }

    fn in_table(&self, unit: &str) -> String {
        let Self { shift, epsilon, zone, radius, .. } = self;
        let radius = radius.as_ref().map_or(String::new(), |r| format!(", radius {r}{unit}"));
        format!("shift {shift}{unit}, epsilon {epsilon}, zone {zone}{radius}")
    }
}
