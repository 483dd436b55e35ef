//! The boundary property: `‖F‖² < e^ε/(e^ε + 1) ⇔ |m| < μ`, `μ = 2·artanh √tanh(ε/2)`.

use crate::interval::soft_boundary_margin;
use crate::model::Model;

use super::super::region::Metric;
use super::super::{BoundaryFuzz, Norm, Property, Spec};
use super::{Claim, LowerError, Threshold, unsupported};

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
    Ok(Claim::Fuzz {
        margin: Threshold { below, above },
        shifts: metric.reach().into(),
        zone: *zone,
        zone_norm: *zone_norm,
    })
}
