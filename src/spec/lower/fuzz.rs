//! The boundary property: `‖F‖² < e^ε/(e^ε + 1) ⇔ |m| < μ`, `μ = 2·artanh √tanh(ε/2)`.

use std::sync::Arc;

use crate::interval::{Rational, soft_boundary_margin};
use crate::model::Model;

use super::super::region::Metric;
use super::super::{BoundaryFuzz, Norm, Property, Spec, Zone};
use super::{Aim, Bonds, Claim, LowerError, Pair, Regions, Threshold, unsupported};

/// The claim of a boundary property.
pub(super) fn claim(spec: &Spec, model: &Model) -> Result<Claim, LowerError> {
    let Property::BoundaryFuzz(BoundaryFuzz { shift, epsilon, zone, zone_norm, .. }) =
        &spec.property
    else {
        return Err(unsupported("this property", "it is no boundary-fuzz"));
    };
    if model.classes != 2 {
        return Err(unsupported(
            "boundary-fuzz with more than two classes",
            "the paper defines it for two",
        ));
    }
    let out_of_range = unsupported("this epsilon of boundary-fuzz", "expected 0 < epsilon < 60");
    let (below, above) = soft_boundary_margin(epsilon.value()).ok_or(out_of_range)?;
    let metric = Metric::new(&model.schema, spec.units, Norm::Linf, shift.value());
    let (margin, shifts): (_, Arc<[Rational]>) =
        (Threshold { below, above }, metric.reach().into());
    let (bonds, ball) = match zone {
        Zone::Axis => (Bonds::Shifted(shifts), None),
        Zone::Ball => {
            let reach = Arc::clone(&shifts);
            (Bonds::Within { reach, is_strict: false }, Some((shifts, *zone_norm)))
        }
    };
    Ok(Claim::Pair(Pair { bonds, regions: Regions::First, aim: Aim::Flip { margin, ball } }))
}
